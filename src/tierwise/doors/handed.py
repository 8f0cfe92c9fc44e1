"""What came back and what is out, as records; each side reads its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from tierwise.doors.models import DeskHandIn, InboundMail, PortalHandIn, SheetIssue
from tierwise.doors.records import CellFault, HandInRecord, HandInState, IssueRecord, MailRecord, MailState
from tierwise.doors.tokens import Claims
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.wire.spreadsheets import FilledForm

SHOWN = 200


@dataclass(frozen=True)
class Sent:
    """A spreadsheet that was read: who vouches for it, its rows, and how to refer to it."""

    claims: Claims
    filled: FilledForm
    digest: str
    file_name: str


def _mine(viewer: Viewer) -> QuerySet[Any]:
    """Hand-ins of the viewer's company."""
    if viewer.is_supplier:
        return PortalHandIn.objects.filter(supplier_id=viewer.company)
    return DeskHandIn.objects.all()


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a spreadsheet: rows changed, cells that said so already, or why nothing was taken."""

    state: HandInState
    changes: int = 0
    already: int = 0
    faults: Sequence[CellFault] = ()
    annotated: str = ""


def keep_hand_in(actor: Viewer, sent: Sent, became: Became) -> HandInRecord:
    row: dict[str, Any] = {
        "id": uuid7(), "person": actor.person, "issue": sent.claims.issue, "list_name": sent.claims.list_name,
        "scope": sent.claims.scope, "door": actor.door.value, "at": now(), "digest": sent.digest,
        "file_name": sent.file_name[:200], "state": became.state.value, "changes": became.changes,
        "already": became.already,
        "faults": [fault.to_dict() for fault in became.faults], "annotated": became.annotated,
    }  # fmt: skip
    kept = PortalHandIn(supplier_id=actor.company, **row) if actor.is_supplier else DeskHandIn(**row)
    kept.save(force_insert=True)
    return _record(kept)


def taken_before(viewer: Viewer, digest: str) -> HandInRecord | None:
    """What the very same file did when it was taken, if it was."""
    with viewer_scope(viewer):
        rows = _mine(viewer).filter(digest=digest).exclude(state=HandInState.REFUSED)
        row = rows.order_by("at").first()
        return _record(row, repeated=True) if row else None


def hand_in(viewer: Viewer, hand_in_id: UUID) -> HandInRecord:
    with viewer_scope(viewer):
        row = _mine(viewer).filter(id=hand_in_id).first()
        if row is None:
            raise NotFound("sheet", "There is no such spreadsheet.")
        return _record(row)


def hand_ins_page(viewer: Viewer, lists: Collection[str] | None, part: Slice) -> list[HandInRecord]:
    """A page of what came back of some lists or of all, the newest first."""
    with viewer_scope(viewer):
        rows = _mine(viewer) if lists is None else _mine(viewer).filter(list_name__in=lists)
        return [_record(row) for row in keyset(rows, ("-at", "-id"), part)]


def _record(row: Any, repeated: bool = False) -> HandInRecord:
    return HandInRecord(
        row.id, row.list_name, row.scope, row.person, row.door, row.at, row.file_name, HandInState(row.state),
        row.changes, row.already, tuple(CellFault.from_dict(one) for one in row.faults), row.annotated, repeated,
    )  # fmt: skip


def issues(viewer: Viewer) -> list[IssueRecord]:
    """Spreadsheets that may still come back, the newest first; a buyer sees those of suppliers too."""
    with viewer_scope(viewer):
        rows = SheetIssue.objects.filter(expires_at__gt=now(), revoked_at=None)
        mine = rows.filter(company=viewer.company) if viewer.is_supplier else rows
        return [
            IssueRecord(
                row.id, row.list_name, row.scope, row.company, row.person, row.issued_at, row.expires_at,
                row.revoked_at, row.requested is not None,
            )
            for row in mine.order_by("-issued_at")[:SHOWN]
        ]  # fmt: skip


def mailed_already(viewer: Viewer, request: UUID) -> bool:
    """Whether a request was answered to this person."""
    with viewer_scope(viewer):
        rows = SheetIssue.objects.filter(company=viewer.company, person=viewer.person, requested=request)
        return rows.exists()


def mails(viewer: Viewer) -> list[MailRecord]:
    """Messages that came in, the newest first. The buyer's alone."""
    with viewer_scope(viewer):
        return [
            MailRecord(row.id, row.received_at, row.via, row.sender, MailState(row.state), row.note, row.attempts)
            for row in InboundMail.objects.order_by("-received_at", "-id")[:SHOWN]
        ]
