"""Forms of the case pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from tierwise.collaboration.resolve.records import (
    CaseRecord,
    Claim,
    DisputeReason,
    DraftClaim,
    Evidence,
    ExclusionReason,
    Ruling,
)
from tierwise.collaboration.resolve.wording import REASONS
from tierwise.collaboration.showing import EXCLUSIONS
from tierwise.kernel.files import LARGEST, SIGNATURES

_ACCEPTED = ",".join(SIGNATURES)
_FILE_HELP = _("PDF, picture, spreadsheet or text, at most %(size)s MB. Both companies can open it.")


def _day_widget() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _evidence_field(label: Any) -> forms.FileField:
    help_text = _FILE_HELP % {"size": LARGEST // 2**20}
    widget = forms.FileInput(attrs={"accept": _ACCEPTED})
    return forms.FileField(label=label, required=False, widget=widget, help_text=help_text)


def _text_field(label: Any, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": 4}), max_length=4000, **options)


def _quantity_field(label: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, required=False, min_value=0, max_digits=18, decimal_places=4)


def evidence_of(form: forms.Form) -> Evidence | None:
    sent = form.cleaned_data.get("evidence")
    if not isinstance(sent, UploadedFile):
        return None
    # One byte more than is taken suffices to refuse it.
    return Evidence(sent.name or "file", sent.read(LARGEST + 1))


class DisputeForm(forms.Form):
    """A claim about one line; every field may stay empty while it is a draft."""

    reason = forms.ChoiceField(
        label=_("What is wrong?"), error_messages={"required": _("Choose what is wrong.")},
        choices=[("", "–"), *((key.value, label) for key, label in REASONS.items())],
    )  # fmt: skip
    text = _text_field(_("What happened?"), error_messages={"required": _("Say in a sentence what happened.")})
    delivered_on = forms.DateField(label=_("Delivered on"), required=False, widget=_day_widget())
    quantity = _quantity_field(_("Right quantity"))
    evidence = _evidence_field(_("Evidence"))

    def __init__(self, *args: Any, unfinished: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("reason", "text"):
            self.fields[name].required = not unfinished

    def draft(self) -> DraftClaim:
        said = self.cleaned_data
        reason = DisputeReason(said["reason"]) if said["reason"] else None
        return DraftClaim(reason, said["text"], said["delivered_on"], said["quantity"])

    def claim(self) -> Claim:
        """The claim as it would be sent. ValueError names what is missing."""
        draft = self.draft()
        if draft.reason is None:
            raise ValueError("reason: choose what is wrong")
        return Claim(draft.reason, draft.text.strip(), draft.delivered_on, draft.quantity)


def draft_values(draft: DraftClaim | None) -> dict[str, Any]:
    if draft is None:
        return {}
    return {
        "reason": draft.reason.value if draft.reason else "", "text": draft.text, "delivered_on": draft.delivered_on,
        "quantity": draft.quantity,
    }  # fmt: skip


class NoteForm(forms.Form):
    text = _text_field(_("Note, read by both companies"))
    evidence = _evidence_field(_("File"))


class RulingForm(forms.Form):
    """The ruling. Corrections count only where the dispute is upheld."""

    verdict = forms.ChoiceField(
        label=_("Ruling"), widget=forms.RadioSelect,
        choices=[("uphold", _("Uphold: put the line right")), ("reject", _("Reject: the line stays as judged"))],
    )  # fmt: skip
    delivered_on = forms.DateField(label=_("Delivered on"), required=False, widget=_day_widget())
    received = _quantity_field(_("Received"))
    rejected = _quantity_field(_("Rejected"))
    excluded = forms.ChoiceField(
        label=_("Leave the line out of the score"), required=False,
        choices=[("", _("No, it counts")), *((one.value, EXCLUSIONS[one.value]) for one in ExclusionReason)],
    )  # fmt: skip
    text = _text_field(_("Reason, read by the supplier"))

    def ruling(self) -> Ruling:
        said = self.cleaned_data
        text = said.get("text") or ""
        if said["verdict"] == "reject":
            return Ruling(False, text)
        excluded = ExclusionReason(said["excluded"]) if said["excluded"] else None
        return Ruling(True, text, said["delivered_on"], said["received"], said["rejected"], excluded)


def ruling_values(case: CaseRecord) -> dict[str, Any]:
    """What the ruling would be if the claim were taken as it stands, so that its effect shows at once."""
    claim = case.claim
    values: dict[str, Any] = {"delivered_on": claim.delivered_on}
    match claim.reason:
        case DisputeReason.QUANTITY_WRONG:
            values["received"] = claim.quantity
        case DisputeReason.REJECT_NOT_JUSTIFIED:
            values["rejected"] = claim.quantity
        case DisputeReason.DATE_CHANGED_BY_BUYER:
            values["excluded"] = ExclusionReason.BUYER_CAUSED.value
        case DisputeReason.NOT_OUR_ORDER:
            values["excluded"] = ExclusionReason.NOT_THE_SUPPLIERS.value
        case DisputeReason.NOT_OUR_FAULT:
            values["excluded"] = ExclusionReason.FORCE_MAJEURE.value
        case DisputeReason.DELIVERED_EARLIER:
            pass
    return values
