"""Which suppliers support which segments: proposed, confirmed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connections

from tierwise.directory.models import (
    Support,
)
from tierwise.directory.records import Involvement, SupportState
from tierwise.kernel.audit import NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer

_DERIVED_LOCK = 8203004


@dataclass(frozen=True, slots=True)
class SupportProposal:
    """A supplier that lanes and mix show to serve a segment, with the share that shows it."""

    supplier: UUID
    segment: UUID
    share: float
    shown_code: str
    shown_name: str
    slot: int


@action("propose_supports", roles=BUYER_EDITORS)
def propose_supports(actor: Viewer, proposals: Sequence[SupportProposal], confirmed: bool = False) -> int:
    """Adds supports that do not stand yet, proposed (or confirmed, where no person needs to look); returns how many."""
    _alone(actor)
    live = Support.objects.exclude(state=SupportState.ENDED).exclude(valid_to__lt=today())
    live = live.filter(supplier_id__in={p.supplier for p in proposals})
    standing = set(live.values_list("supplier_id", "segment_id"))
    state = SupportState.CONFIRMED if confirmed else SupportState.PROPOSED
    new = [
        Support(
            supplier_id=p.supplier, segment_id=p.segment, state=state.value, shown_code=p.shown_code,
            shown_name=p.shown_name, slot=p.slot, valid_from=today(),
        )
        for p in proposals
        if (p.supplier, p.segment) not in standing
    ]  # fmt: skip
    # An ended support of the same day would clash with a new one of that day; it is opened again instead.
    Support.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["supplier", "segment", "valid_from"],
        update_fields=["state", "shown_code", "shown_name", "slot", "valid_to"],
    )  # fmt: skip
    record(actor, Subject("support", state.value), count=len(new), suppliers=sorted({str(s.supplier_id) for s in new}))
    return len(new)


@action("confirm_support", roles=BUYER_EDITORS)
def confirm_support(actor: Viewer, support_id: UUID, involvement: Involvement) -> None:
    """Makes a proposed support count: the supplier gains the segment's rights at once."""
    support = _standing(support_id)
    support.state, support.involvement = SupportState.CONFIRMED.value, involvement.value
    support.save(update_fields=["state", "involvement"])
    subject = Subject("support", support.id, support.supplier_id, support.segment_id)
    record(actor, subject, involvement=involvement.value)
    publish_event(actor, "support_confirmed", supplier=support.supplier_id, segment=support.segment_id)


@action("end_support", roles=BUYER_EDITORS)
def end_support(actor: Viewer, support_id: UUID, on: date) -> None:
    """Ends a support after a day; what was published stays with us, the supplier's access ends."""
    support = _standing(support_id)
    support.valid_to = on
    if on < today():
        support.state = SupportState.ENDED.value
    support.save(update_fields=["valid_to", "state"])
    record(actor, Subject("support", support.id, support.supplier_id, support.segment_id), on=on)
    publish_event(actor, "support_ended", supplier=support.supplier_id, segment=support.segment_id, on=on)


def _standing(support_id: UUID) -> Support:
    support = Support.objects.select_for_update().filter(id=support_id).first()
    if support is None:
        raise NotFound("support", "There is no such support.")
    if support.state == SupportState.ENDED or (support.valid_to is not None and support.valid_to < today()):
        raise Stale("ended", "This support has ended; propose a new one.")
    return support


def _alone(actor: Viewer) -> None:
    """What is derived in bulk is replaced by one writer at a time."""
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_DERIVED_LOCK])
