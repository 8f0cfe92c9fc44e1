"""What waits between a buyer and its suppliers, from agreements and cases together."""

from __future__ import annotations

from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.agree.records import AgreementState
from tierwise.collaboration.records import DueItem, DueKind, by_clock
from tierwise.collaboration.resolve import queries as cases
from tierwise.kernel.viewer import Viewer


def due(viewer: Viewer) -> list[DueItem]:
    """Disputes to rule and offers that ran out; then offers that wait for the supplier. By clock."""
    items = [
        DueItem(
            DueKind.CASE, case.id, case.supplier, case.segment, case.number, f"{case.order} / {case.line}",
            case.opened_at, case.due_at, mine=True,
        )
        for case in cases.open_cases(viewer)
    ]  # fmt: skip
    items += [
        DueItem(
            DueKind.OFFER, offer.id, offer.supplier, offer.segment, offer.number, offer.title, offer.offered_at,
            offer.answer_due_at, mine=offer.state is AgreementState.EXPIRED,
        )
        for offer in agreements.open_offers(viewer)
        if offer.offered_at is not None
    ]  # fmt: skip
    return by_clock(items)
