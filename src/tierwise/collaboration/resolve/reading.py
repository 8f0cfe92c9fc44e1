"""Cases as records, for both sides; the row policies decide what comes."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.collaboration.resolve.records import (
    CaseEntryRecord,
    CaseFile,
    CaseKind,
    CaseRecord,
    CaseState,
    CaseStep,
    Claim,
    DisputeReason,
    ExclusionReason,
    FileRecord,
    Ruling,
)
from tierwise.kernel.audit import NotFound
from tierwise.kernel.models import StoredFile
from tierwise.kernel.pages import Slice, keyset


def claim_of(row: Case) -> Claim:
    return Claim(DisputeReason(row.reason), row.text, row.claimed_on, row.claimed_quantity)


def case_record(row: Case) -> CaseRecord:
    return CaseRecord(
        id=row.id, supplier=row.supplier_id, segment=row.segment_id, kind=CaseKind(row.kind), number=row.number,
        state=CaseState(row.state), publication=row.publication_id, subject=row.subject_id, order=row.order,
        line=row.line, claim=claim_of(row), opened_at=row.opened_at, due_at=row.due_at, ruled_at=row.ruled_at,
        ruling=row.ruling, opened_by=row.opened_by, ruled_by=row.ruled_by, ruled=_ruling(row),
    )  # fmt: skip


def _ruling(row: Case) -> Ruling | None:
    if row.ruled_at is None:
        return None
    return Ruling(
        row.state == CaseState.UPHELD, row.ruling, row.ruled_delivered_on, row.ruled_received, row.ruled_rejected,
        ExclusionReason(row.ruled_excluded) if row.ruled_excluded else None,
    )  # fmt: skip


def by_clock(rows: QuerySet[Case]) -> list[CaseRecord]:
    return [case_record(row) for row in rows.order_by("due_at", "number")]


def newest_first(rows: QuerySet[Case]) -> list[CaseRecord]:
    return [case_record(row) for row in rows.order_by("-opened_at", "-number")]


def page(rows: QuerySet[Case], part: Slice) -> list[CaseRecord]:
    return [case_record(row) for row in keyset(rows, ("-opened_at", "-id"), part)]


def clock_page(rows: QuerySet[Case], part: Slice) -> list[CaseRecord]:
    return [case_record(row) for row in keyset(rows, ("due_at", "id"), part)]


def case_file(rows: QuerySet[Case], case_id: UUID) -> CaseFile:
    row = rows.filter(id=case_id).first()
    if row is None:
        raise NotFound("case", "There is no such case.")
    entries = CaseEntry.objects.filter(supplier_id=row.supplier_id, case_id=row.id).select_related("file")
    return CaseFile(case_record(row), tuple(_entry(entry) for entry in entries.order_by("at", "id")))


def _entry(row: CaseEntry) -> CaseEntryRecord:
    file = _file(row.file) if row.file else None
    return CaseEntryRecord(row.id, row.at, row.side, row.person, CaseStep(row.what), row.text, file)


def _file(row: StoredFile) -> FileRecord:
    return FileRecord(row.id, row.name, row.size, row.media_type, row.sha256)


def evidence(rows: QuerySet[CaseEntry], entry_id: UUID) -> FileRecord:
    """The file of an entry, reached through the entry's own row."""
    row = rows.filter(id=entry_id, file__isnull=False).select_related("file").first()
    if row is None or row.file is None:
        raise NotFound("file", "There is no such file.")
    return _file(row.file)
