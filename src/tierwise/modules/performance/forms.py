"""The formula as a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tierwise.engine.attribution import Basis
from tierwise.engine.scoring import Band, DateBasis, Event, Level, OtifParams, Partials, Period
from tierwise.modules.performance import words
from tierwise.modules.performance.records import Formula, Gate
from tierwise.web.growing import GrowingRows, RowColumn, filled_rows

Choices = list[tuple[str, str | Promise]]
_BASES: Choices = [
    (DateBasis.LAST_AGREED, _("the date last agreed")),
    (DateBasis.PROMISED, _("the first promise")),
    (DateBasis.FIRST_CONFIRMED, _("the first confirmation")),
    (DateBasis.REQUESTED, _("our request")),
]
_EVENTS: Choices = [
    (Event.ARRIVAL, _("arrival at our site")),
    (Event.HAND_OVER, _("hand-over at the Incoterm point")),
    (Event.POSTING, _("booking of the receipt")),
]
_PARTIALS: Choices = [
    (Partials.COMPLETE_BY_DUE, _("the whole quantity within the window, in any number of deliveries")),
    (Partials.FIRST, _("the first day of delivery alone")),
    (Partials.EACH, _("every delivery within the window")),
]
_ATTRIBUTED = {
    "otif": ("otif", "on_time", "in_full"),
    "fill_rate": ("fill_rate", "line_fill_rate"),
    "lead_time_adherence": ("lead_time_adherence", "lead_time_bias"),
    "reject_ppm": ("reject_ppm", "rejected_lines"),
}
"""Measures that share a field: they are parts of one matter, and attributed alike."""
_OTIF = (
    "basis", "event", "level", "partials", "late_days", "early_days", "grace_days", "working_days", "under_tolerance",
    "over_tolerance", "frozen_days", "deduct_rejects",
)  # fmt: skip
_OWN = (
    "title", "period", "lead_time_tolerance_days", "close_days", "confidence", "shrinkage", "least_suppliers",
    "least_weight", "standing_periods", "margin", "reply_days",
)  # fmt: skip


def _days(label: Any, *, required: bool = True, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=3660, required=required, help_text=help_text)


class FormulaForm(forms.Form):
    """What a reader may change. Fallbacks of dates and events, weekdays and severity come from the version before."""

    title = forms.CharField(label=_("Title"), max_length=120)
    period = forms.ChoiceField(
        label=_("Period"), choices=[(Period.MONTH, _("calendar month")), (Period.QUARTER, _("calendar quarter"))]
    )
    close_days = _days(_("Days after a period until it is judged"))
    basis = forms.ChoiceField(label=_("A line is held to"), choices=_BASES)
    event = forms.ChoiceField(label=_("It is delivered with"), choices=_EVENTS)
    late_days = _days(_("Days it may be late"))
    early_days = _days(_("Days it may be early"), required=False, help_text=_("Empty: any earliness is accepted."))
    grace_days = _days(_("Days until an undelivered line is judged"))
    working_days = forms.BooleanField(label=_("Count working days"), required=False)
    under_tolerance = forms.FloatField(
        label=_("Share of the quantity that may be missing"), min_value=0, max_value=0.99, help_text=_("0.02 is 2 %")
    )
    over_tolerance = forms.FloatField(
        label=_("Share that may be too much"),
        min_value=0,
        required=False,
        help_text=_("Empty: any excess is accepted."),
    )
    level = forms.ChoiceField(
        label=_("Judged is"), choices=[(Level.LINE, _("each line")), (Level.ORDER, _("the whole order"))]
    )
    partials = forms.ChoiceField(label=_("Split deliveries: what counts is"), choices=_PARTIALS)
    deduct_rejects = forms.BooleanField(label=_("Refused units do not count as delivered"), required=False)
    frozen_days = _days(
        _("Frozen days"), help_text=_("A change of ours within so many days before the due date excuses a miss.")
    )
    lead_time_tolerance_days = _days(_("Days a lead time may deviate"))
    confidence = forms.FloatField(label=_("Confidence of intervals"), min_value=0.5, max_value=0.999)
    shrinkage = forms.BooleanField(label=_("Few lines lean on comparable suppliers"), required=False)
    least_suppliers = forms.IntegerField(label=_("… from so many suppliers on"), min_value=2, max_value=1000)
    least_weight = forms.FloatField(
        label=_("Weight that must be measured for a score"), min_value=1, max_value=100, help_text=_("of 100")
    )
    standings = forms.CharField(
        label=_("Standings"),
        widget=GrowingRows((RowColumn(_("Name")), RowColumn(_("From"), "number"), RowColumn(_("To"), "number"))),
        help_text=_("One a line, worst first: name, from, to. They cover 0 to 100."),
    )  # fmt: skip
    standing_periods = forms.IntegerField(label=_("Periods in a row that move a standing"), min_value=1, max_value=12)
    margin = forms.FloatField(label=_("Points beyond the edge that count"), min_value=0, max_value=50)
    gates = forms.CharField(
        label=_("Gates"), required=False,
        widget=GrowingRows((
            RowColumn(_("Measure"), choices=[(name, each.name) for name, each in words.MEASURES.items()]),
            RowColumn(_("Surely worse than"), "number"), RowColumn(_("Points at most"), "number"),
        )),
        help_text=_("One a line: measure, value, points. Surely worse than the value caps the score at the points."),
    )  # fmt: skip
    reply_days = forms.IntegerField(label=_("Days the supplier has to answer"), min_value=1, max_value=90)

    def __init__(self, data: Mapping[str, Any] | None, base: Formula) -> None:
        self.base = base
        super().__init__(data, initial=initial_of(base))
        bases = [(str(basis), str(words.BASES[basis])) for basis in (Basis.MIX, Basis.PEGGED, Basis.LEAD)]
        for name in _ATTRIBUTED:
            label = _("%(measure)s counts by") % {"measure": words.MEASURES[name].name}
            self.fields[f"by_{name}"] = forms.ChoiceField(
                label=label, choices=bases, initial=str(base.basis_of(name)), required=False
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            cleaned["formula"] = self._formula(cleaned)
        except ValueError as error:
            field, _colon, text = str(error).partition(": ")
            self.add_error(field if field in self.fields else None, (text or str(error)).capitalize())
        return cleaned

    def _formula(self, cleaned: Mapping[str, Any]) -> Formula:
        otif = OtifParams.from_dict(self.base.otif.to_dict() | {name: cleaned[name] for name in _OTIF})
        attribution = {
            measure: Basis(cleaned[f"by_{name}"] or self.base.basis_of(name))
            for name, measures in _ATTRIBUTED.items()
            for measure in measures
        }
        return self.base.with_changes(
            otif=otif, standings=_bands(cleaned["standings"]), gates=_gates(cleaned["gates"]),
            attribution={name: basis for name, basis in attribution.items() if basis is not Basis.MIX},
            **{name: cleaned[name] for name in _OWN if name != "period"}, period=Period(cleaned["period"]),
        )  # fmt: skip

    @property
    def formula(self) -> Formula:
        found: Formula = self.cleaned_data["formula"]
        return found


def initial_of(formula: Formula) -> dict[str, Any]:
    return {
        **{name: getattr(formula.otif, name) for name in _OTIF},
        **{name: getattr(formula, name) for name in _OWN},
        "standings": "\n".join(f"{band.name}, {band.low:g}, {band.high:g}" for band in formula.standings),
        "gates": "\n".join(f"{name}, {gate.worse_than:g}, {gate.cap:g}" for name, gate in formula.gates.items()),
    }


def _rows(text: str, field: str) -> list[tuple[str, float, float]]:
    found = []
    for number, (name, first, second) in filled_rows(text, 3):
        try:
            found.append((name, float(first), float(second)))
        except ValueError:
            row = ", ".join((name, first, second))
            raise ValueError(
                f"{field}: row {number}, “{row}”, is not a name and two numbers, separated by commas"
            ) from None
    return found


def _bands(text: str) -> tuple[Band, ...]:
    return tuple(Band(*row) for row in _rows(text, "standings"))


def _gates(text: str) -> dict[str, Gate]:
    return {name: Gate(value, cap) for name, value, cap in _rows(text, "gates")}
