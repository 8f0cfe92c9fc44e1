"""What the supplier's pages share: names, and what waits for a supplier's person."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration import shared
from tierwise.collaboration.agree.actions import accept_agreement
from tierwise.collaboration.records import DueItem, DueKind
from tierwise.collaboration.showing import Names, may
from tierwise.directory import shared as own
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.addresses import addresses_of
from tierwise.web.due import Coming, Due, add_coming_sources, add_due_sources
from tierwise.web.pages import Status, Tone, WorklistRow

_WORDS = {
    DueKind.OFFER: (gettext_lazy("Answer the offer: %(title)s"), "portal-agreement", gettext_lazy("To be answered")),
    DueKind.PUBLICATION: (
        gettext_lazy("Read and acknowledge: %(title)s"),
        "portal-publication",
        gettext_lazy("To be acknowledged"),
    ),
    DueKind.DRAFT: (
        gettext_lazy("Finish and send your dispute: %(title)s"),
        "portal-dispute",
        gettext_lazy("Not sent yet"),
    ),
    DueKind.CASE: (
        gettext_lazy("The buyer has not ruled in time: %(title)s"),
        "portal-case",
        gettext_lazy("Ruling overdue"),
    ),
}


def portal_names(viewer: Viewer) -> Names:
    """Segments under the names the supplier knows them by."""
    company = own.my_company(viewer)
    return Names({company.id: company.name}, own.my_segment_chips(viewer))


def _late(item: DueItem, at: datetime) -> bool:
    return item.due_at is not None and item.due_at < at


def waiting(viewer: Viewer) -> list[Due]:
    """Offers to answer, publications to acknowledge, claims begun, and rulings the buyer owes for too long."""
    if not may(viewer, accept_agreement):
        return []
    names, at = portal_names(viewer), now()
    wanted = [item for item in shared.due(viewer) if item.mine or _late(item, at)]
    return [due for kind in _WORDS for due in _dues(kind, [item for item in wanted if item.kind is kind], names, at)]


def _dues(kind: DueKind, items: list[DueItem], names: Names, at: datetime) -> list[Due]:
    """Words, addresses and states are resolved once for all of a kind: there may be thousands."""
    text, place, state = _WORDS[kind]
    what, states = str(text), (Status(str(state), Tone.WATCH), Status(str(state), Tone.BAD))
    rows = [
        WorklistRow(
            what % {"title": item.title}, address, segments=(names.segment(item.segment),), due=item.due_at,
            late=late, status=states[late],
        )
        for item, address in zip(items, addresses_of(place, [item.id for item in items]), strict=True)
        for late in (_late(item, at),)
    ]  # fmt: skip
    return [Due(row, item.supplier, f"{kind.value}-{item.id}") for row, item in zip(rows, items, strict=True)]


def coming(viewer: Viewer) -> list[Coming]:
    """Rulings the buyer owes, each by its date."""
    at = now()
    return [
        Coming(
            item.due_at, _("The buyer rules the dispute of %(line)s") % {"line": item.title},
            reverse("portal-case", args=[item.id]),
        )
        for item in shared.rulings_owed(viewer)
        if item.due_at is not None and not _late(item, at)
    ]  # fmt: skip


add_due_sources(Side.SUPPLIER, waiting)
add_coming_sources(Side.SUPPLIER, coming)
