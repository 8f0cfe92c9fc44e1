"""What a supplier reads of cases: its own, and the drafts it has not sent."""

from __future__ import annotations

from uuid import UUID

from tierwise.collaboration.resolve import reading
from tierwise.collaboration.resolve.models import Case, CaseDraft, CaseEntry
from tierwise.collaboration.resolve.records import (
    CaseFile,
    CaseQuestion,
    CaseRecord,
    CaseState,
    DisputeReason,
    DraftClaim,
    DraftRecord,
    FileRecord,
)
from tierwise.kernel.pages import Slice
from tierwise.kernel.viewer import Viewer, viewer_scope


def my_cases(
    viewer: Viewer, *, segment: UUID | None = None, publication: UUID | None = None, state: CaseState | None = None
) -> list[CaseRecord]:
    """Cases, the newest first."""
    asked = {"segment_id": segment, "publication_id": publication, "state": state}
    with viewer_scope(viewer):
        rows = Case.objects.filter(supplier_id=viewer.company)
        return reading.newest_first(rows.filter(**{name: value for name, value in asked.items() if value is not None}))


def my_cases_page(viewer: Viewer, question: CaseQuestion, part: Slice) -> list[CaseRecord]:
    """One page of cases, the newest first."""
    with viewer_scope(viewer):
        rows = Case.objects.filter(supplier_id=viewer.company)
        return reading.page(rows.filter(**question.narrowing()), part)


def my_case(viewer: Viewer, case_id: UUID) -> CaseFile:
    with viewer_scope(viewer):
        return reading.case_file(Case.objects.filter(supplier_id=viewer.company), case_id)


def my_drafts(viewer: Viewer) -> list[DraftRecord]:
    """Claims begun and not sent, the latest first."""
    with viewer_scope(viewer):
        rows = CaseDraft.objects.filter(supplier_id=viewer.company).order_by("-saved_at")
        return [_draft(row) for row in rows]


def my_draft(viewer: Viewer, line_id: UUID) -> DraftRecord | None:
    with viewer_scope(viewer):
        row = CaseDraft.objects.filter(supplier_id=viewer.company, subject=line_id).first()
        return _draft(row) if row else None


def _draft(row: CaseDraft) -> DraftRecord:
    reason = DisputeReason(row.reason) if row.reason else None
    return DraftRecord(row.subject, DraftClaim(reason, row.text, row.claimed_on, row.claimed_quantity), row.saved_at)


def evidence(viewer: Viewer, entry_id: UUID) -> FileRecord:
    with viewer_scope(viewer):
        return reading.evidence(CaseEntry.objects.filter(supplier_id=viewer.company), entry_id)
