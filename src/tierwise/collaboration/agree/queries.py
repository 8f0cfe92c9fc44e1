"""What buyers read of agreements."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tierwise.collaboration.agree.models import AgreementVersion
from tierwise.collaboration.agree.records import AgreementHistory, AgreementKind, AgreementRecord, AgreementState
from tierwise.collaboration.agree.standing import histories, in_force_on
from tierwise.directory import queries as directory
from tierwise.directory.records import Collaboration, read_facet
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer, viewer_scope


def agreements(
    viewer: Viewer, *, supplier: UUID | None = None, segment: UUID | None = None, kind: AgreementKind | None = None
) -> list[AgreementHistory]:
    """Agreements with all their wordings, by supplier and number."""
    with viewer_scope(viewer):
        rows = AgreementVersion.objects.select_related("agreement")
        if supplier is not None:
            rows = rows.filter(supplier_id=supplier)
        if segment is not None:
            rows = rows.filter(segment_id=segment)
        if kind is not None:
            rows = rows.filter(agreement__kind=kind)
        return histories(rows)


def agreement(viewer: Viewer, agreement_id: UUID) -> AgreementHistory:
    with viewer_scope(viewer):
        found = histories(AgreementVersion.objects.select_related("agreement").filter(agreement_id=agreement_id))
        if not found:
            raise NotFound("agreement", "There is no such agreement.")
        return found[0]


def terms_in_force(
    viewer: Viewer, *, supplier: UUID | None = None, segment: UUID | None = None, on: date | None = None
) -> dict[tuple[UUID, UUID], AgreementRecord]:
    """(supplier, segment) → the data-sharing wording in force on a day; all suppliers at once unless narrowed."""
    day = on or today()
    found: dict[tuple[UUID, UUID], AgreementRecord] = {}
    for history in agreements(viewer, supplier=supplier, segment=segment, kind=AgreementKind.DATA_SHARING):
        wording = in_force_on(history.versions, day)
        if wording is not None:
            found[wording.supplier, wording.segment] = wording
    return found


def depth_of(viewer: Viewer, segment: UUID, on: date) -> str:
    """How deeply the scheme has a segment worked on from a day: ``none``, ``standard`` or ``deep``."""
    return read_facet(Collaboration, directory.policy(viewer, Collaboration.name, on).get(segment)).depth


def open_offers(viewer: Viewer) -> list[AgreementRecord]:
    """Offers that wait for the supplier or ran out without an answer, by clock."""
    waiting = {AgreementState.OFFERED, AgreementState.EXPIRED}
    latest = [history.latest for history in agreements(viewer)]
    return sorted((v for v in latest if v.state in waiting), key=lambda v: str(v.answer_due_at))
