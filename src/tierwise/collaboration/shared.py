"""What needs a supplier today, from agreements, publications and cases together."""

from __future__ import annotations

from tierwise.collaboration.agree import shared as agreements
from tierwise.collaboration.publish import shared as publications
from tierwise.collaboration.records import DueItem, DueKind, by_clock
from tierwise.collaboration.resolve import shared as cases
from tierwise.collaboration.resolve.records import CaseState
from tierwise.kernel.viewer import Viewer


def due(viewer: Viewer) -> list[DueItem]:
    """Offers to answer, publications to acknowledge, claims begun; then disputes the buyer has to rule. By clock."""
    items = [
        DueItem(
            DueKind.OFFER, offer.id, offer.supplier, offer.segment, offer.number, offer.title,
            offer.offered_at, offer.answer_due_at, mine=True,
        )
        for offer in agreements.my_offers(viewer)
        if offer.offered_at is not None
    ]  # fmt: skip
    items += publications.my_unanswered(viewer)
    return by_clock(items + rulings_owed(viewer) + _drafts(viewer))


def rulings_owed(viewer: Viewer) -> list[DueItem]:
    """Disputes that the buyer has to rule, by clock."""
    return by_clock([
        DueItem(
            DueKind.CASE, case.id, case.supplier, case.segment, case.number, f"{case.order} / {case.line}",
            case.opened_at, case.due_at, mine=False,
        )
        for case in cases.my_cases(viewer, state=CaseState.OPEN)
    ])  # fmt: skip


def _drafts(viewer: Viewer) -> list[DueItem]:
    """Claims begun; one whose line is out of sight by now is left to its page."""
    drafts = cases.my_drafts(viewer)
    lines = publications.my_lines_of(viewer, [draft.subject for draft in drafts])
    return [
        DueItem(
            DueKind.DRAFT, line.id, viewer.company, line.segment, 0, f"{line.order} / {line.line}",
            draft.saved_at, None, mine=True,
        )
        for draft in drafts
        if (line := lines.get(draft.subject)) is not None
    ]  # fmt: skip
