"""Forms of the agreement pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tierwise.collaboration.agree.records import (
    SHARED_FIELDS,
    AgreementRecord,
    DataSharingTerms,
    Frequency,
    Grain,
    Wording,
)
from tierwise.collaboration.agree.wording import FIELDS, FREQUENCIES, GRAINS
from tierwise.collaboration.showing import choices
from tierwise.kernel.clock import today

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _day_field(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


def _days_field(label: Any, least: int, most: int = 3660, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, **options)


class WordingForm(forms.Form):
    """The wording of an offer."""

    demand = forms.BooleanField(label=FIELDS["demand"], required=False)
    order_forecast = forms.BooleanField(label=FIELDS["order_forecast"], required=False)
    scorecard = forms.BooleanField(label=FIELDS["scorecard"], required=False)
    scorecard_lines = forms.BooleanField(label=FIELDS["scorecard_lines"], required=False)
    grain = forms.ChoiceField(label=_("Grain of demand"))
    horizon_days = _days_field(_("Looks ahead, days"), 1)
    history_days = _days_field(_("Looks back, days"), 1)
    frequency = forms.ChoiceField(label=_("Published"))
    purpose = forms.CharField(label=_("May be used for"), max_length=200)
    retention_days = _days_field(_("Kept by the supplier at most, days"), 1)
    ruling_days = _days_field(_("Days for us to rule on a dispute"), 1, 365)
    notice_days = _days_field(_("Notice before we end it, days"), 0, 365)
    valid_from = _day_field(_("From"))
    valid_to = _day_field(_("Until"), required=False, help_text=_("Empty: until one side ends it."))
    answer_days = _days_field(_("Days to answer"), 1, 365)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose("grain", choices([(key.value, str(label)) for key, label in GRAINS.items()]))
        self.choose("frequency", choices([(key.value, str(label)) for key, label in FREQUENCIES.items()]))

    def choose(self, name: str, options: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = options

    def wording(self) -> Wording:
        """The wording as written. ValueError names the field that cannot be."""
        said = self.cleaned_data
        if not any(said[name] for name in SHARED_FIELDS):
            raise ValueError("Tick at least one thing to share.")
        try:
            terms = DataSharingTerms(
                fields=tuple(name for name in SHARED_FIELDS if said[name]), grain=Grain(said["grain"]),
                horizon_days=said["horizon_days"], history_days=said["history_days"],
                frequency=Frequency(said["frequency"]), purpose=said["purpose"],
                retention_days=said["retention_days"], ruling_days=said["ruling_days"],
                notice_days=said["notice_days"],
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(str(error).removeprefix("fields: ")) from error
        return Wording(terms, said["valid_from"], said["valid_to"], said["answer_days"])


class OfferForm(WordingForm):
    """A new agreement: with whom, for which segment, and its wording."""

    supplier = forms.ChoiceField(label=_("Supplier"))
    segment = forms.ChoiceField(label=_("Segment"))
    title = forms.CharField(label=_("Title"), max_length=160)
    field_order = ("supplier", "segment", "title")


def first_values(record: AgreementRecord | None) -> dict[str, Any]:
    """What a form begins with: the wording there is, or the usual one."""
    terms = record.terms if record else DataSharingTerms(fields=("order_forecast", "scorecard", "scorecard_lines"))
    said: dict[str, Any] = {name: name in terms.fields for name in SHARED_FIELDS}
    return said | {
        "grain": terms.grain.value, "horizon_days": terms.horizon_days, "history_days": terms.history_days,
        "frequency": terms.frequency.value, "purpose": terms.purpose, "retention_days": terms.retention_days,
        "ruling_days": terms.ruling_days, "notice_days": terms.notice_days, "valid_from": today(),
        "valid_to": record.valid_to if record else None, "answer_days": 14,
        "title": record.title if record else "Data sharing",
    }  # fmt: skip


class EndForm(forms.Form):
    ends_on = _day_field(_("Last day"))
    reason = forms.CharField(label=_("Reason, told to the supplier"), max_length=400, required=False)

    @classmethod
    def starting(cls, record: AgreementRecord) -> EndForm:
        return cls(initial={"ends_on": today() + timedelta(days=record.terms.notice_days)})


class DeclineForm(forms.Form):
    reason = forms.CharField(
        label=_("What would you need changed?"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000
    )
