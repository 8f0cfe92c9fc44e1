"""What buyers read of cases. Drafts are the suppliers' own and have no place here."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Q

from tierwise.collaboration.resolve import reading
from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.collaboration.resolve.records import CaseFile, CaseQuestion, CaseRecord, CaseState, FileRecord
from tierwise.kernel.clock import now
from tierwise.kernel.pages import Slice
from tierwise.kernel.viewer import Viewer, viewer_scope


def open_cases(viewer: Viewer, *, supplier: UUID | None = None, segment: UUID | None = None) -> list[CaseRecord]:
    """Cases that wait for a ruling, the nearest clock first."""
    asked = {"supplier_id": supplier, "segment_id": segment}
    with viewer_scope(viewer):
        rows = Case.objects.filter(state=CaseState.OPEN)
        return reading.by_clock(rows.filter(**{name: value for name, value in asked.items() if value is not None}))


def open_cases_page(viewer: Viewer, question: CaseQuestion, part: Slice) -> list[CaseRecord]:
    """One page of the cases that wait for a ruling, the nearest clock first."""
    with viewer_scope(viewer):
        return reading.clock_page(Case.objects.filter(**question.narrowing(), state=CaseState.OPEN), part)


def open_count(viewer: Viewer, question: CaseQuestion) -> tuple[int, int]:
    """How many cases wait for a ruling, and how many of them are past their date."""
    with viewer_scope(viewer):
        rows = Case.objects.filter(**question.narrowing(), state=CaseState.OPEN)
        counted = rows.aggregate(all=Count("id"), late=Count("id", filter=Q(due_at__lt=now())))
        return int(counted["all"]), int(counted["late"])


def cases(
    viewer: Viewer, *, supplier: UUID | None = None, segment: UUID | None = None, publication: UUID | None = None
) -> list[CaseRecord]:
    """Cases of every state, the newest first."""
    asked = {"supplier_id": supplier, "segment_id": segment, "publication_id": publication}
    with viewer_scope(viewer):
        rows = Case.objects.filter(**{name: value for name, value in asked.items() if value is not None})
        return reading.newest_first(rows)


def cases_page(viewer: Viewer, question: CaseQuestion, part: Slice) -> list[CaseRecord]:
    """One page of cases, the newest first."""
    with viewer_scope(viewer):
        return reading.page(Case.objects.filter(**question.narrowing()), part)


def case(viewer: Viewer, case_id: UUID) -> CaseFile:
    with viewer_scope(viewer):
        return reading.case_file(Case.objects.all(), case_id)


def evidence(viewer: Viewer, entry_id: UUID) -> FileRecord:
    with viewer_scope(viewer):
        return reading.evidence(CaseEntry.objects.all(), entry_id)
