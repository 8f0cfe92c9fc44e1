"""What pages of both sides show alike: companies and segments by their names, filters, and forms that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.kernel.audit import Refused
from tierwise.kernel.viewer import Viewer
from tierwise.web.pages import Action, SegmentChip, SegmentFilter
from tierwise.web.refusals import in_words
from tierwise.web.segment_filter import chosen_segment, segment_filters

EXCLUSIONS = {
    "no_quantity": gettext_lazy("Nothing ordered"),
    "cancelled_by_buyer": gettext_lazy("Cancelled by the buyer"),
    "cancelled_unknown": gettext_lazy("Cancelled, by whom is unknown"),
    "no_basis": gettext_lazy("No date to judge by"),
    "open": gettext_lazy("Not due yet"),
    "undated_receipt": gettext_lazy("Receipt without a date"),
    "buyer_caused": gettext_lazy("Caused by the buyer"),
    "force_majeure": gettext_lazy("Force majeure"),
    "not_the_suppliers": gettext_lazy("Not this supplier's order"),
    "data_error": gettext_lazy("Error in the data"),
    "due_in_other_period": gettext_lazy("Due in another period, refused in this one"),
}
"""Why a line is not judged, in words."""


@dataclass(frozen=True)
class Names:
    """Ids as a reader knows them: companies by name, segments as chips."""

    companies: Mapping[UUID, str]
    segments: Mapping[UUID, SegmentChip]

    def company(self, company_id: UUID) -> str:
        return self.companies.get(company_id) or _("Unknown supplier")

    def segment(self, segment_id: UUID) -> SegmentChip:
        return self.segments.get(segment_id) or SegmentChip("?", _("Unknown segment"), 0)

    @property
    def chips(self) -> tuple[SegmentChip, ...]:
        return tuple(self.segments.values())

    def chosen(self, request: HttpRequest) -> UUID | None:
        """The segment a page is seen through."""
        chip = chosen_segment(request, self.chips)
        return next((key for key, one in self.segments.items() if one == chip), None)

    def filters(self, request: HttpRequest) -> tuple[SegmentFilter, ...]:
        """The viewer's segments as the first filter of a page."""
        return segment_filters(request, self.chips)


def may(viewer: Viewer, action: object) -> bool:
    """Whether the viewer's role may do an action at all, so that no page offers what would be refused."""
    return viewer.role in getattr(action, "roles", ())


def open_to(viewer: Viewer, deed: object, action: Action) -> Action | None:
    return action if may(viewer, deed) else None


def chosen_id(request: HttpRequest, name: str) -> UUID | None:
    """An id from the address; what is none is as good as absent."""
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None


def explain(form: forms.Form, error: ValueError | Refused) -> None:
    """Puts a refusal where the reader can mend it: beside its field, or above the form."""
    if isinstance(error, Refused):
        place, text = str(error.parameters.get("field", "")), in_words(error)
    else:
        place, _colon, text = str(error).partition(": ")
        text = text or str(error)
    known = place if place in form.fields else None
    form.add_error(known, text[:1].upper() + text[1:])


def choices(values: Mapping[UUID, str] | Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = values.items() if isinstance(values, Mapping) else values
    return [(str(value), str(label)) for value, label in pairs]
