"""What administrators read of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.doctor.findings import EXAMINATION
from tierwise.kernel.models import AuditEntry, StepRun
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Role, Viewer, viewer_scope


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which entries are asked for; what is None or empty does not narrow. Days are days of ``zone``, both included.

    ``platform`` False leaves out what the platform does by itself; True asks for that alone.
    """

    person: UUID | None = None
    supplier: UUID | None = None
    action: str = ""
    outcome: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None
    zone: tzinfo = UTC
    platform: bool | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    id: UUID
    at: datetime
    person: UUID
    company: UUID
    role: str
    door: str
    action: str
    outcome: str
    subject_kind: str
    subject: str
    supplier: UUID | None
    segment: UUID | None
    count: int
    detail: dict[str, Any]


def audit_entries(viewer: Viewer, question: AuditQuestion, limit: int = 500) -> list[AuditRecord]:
    """Entries that answer a question, the newest first."""
    _administrator_only(viewer)
    names = [each.name for each in fields(AuditRecord)]
    with viewer_scope(viewer):
        rows = _asked(question).order_by("-at", "-id").values_list(*names)[:limit]
        return [AuditRecord(*row) for row in rows]


def audit_page(viewer: Viewer, question: AuditQuestion, part: Slice) -> list[AuditRecord]:
    """The same, page by page."""
    _administrator_only(viewer)
    names = [each.name for each in fields(AuditRecord)]
    with viewer_scope(viewer):
        return [AuditRecord(*row) for row in keyset(_asked(question), ("-at", "-id"), part).values_list(*names)]


def audit_entry(viewer: Viewer, entry_id: UUID) -> AuditRecord | None:
    _administrator_only(viewer)
    names = [each.name for each in fields(AuditRecord)]
    with viewer_scope(viewer):
        row = AuditEntry.objects.filter(id=entry_id).values_list(*names).first()
        return AuditRecord(*row) if row else None


def audit_count(viewer: Viewer, question: AuditQuestion) -> int:
    _administrator_only(viewer)
    with viewer_scope(viewer):
        return _asked(question).count()


def audited_actions(viewer: Viewer, platform: bool | None = None) -> dict[str, int]:
    """Action → number of entries, for choosing one; of whom, as ``AuditQuestion.platform`` says."""
    _administrator_only(viewer)
    with viewer_scope(viewer):
        found = (
            _of_platform(AuditEntry.objects.all(), platform)
            .values_list("action")
            .annotate(n=Count("id"))
            .order_by("action")
        )
        return {name: int(n) for name, n in found}


def audited_people(viewer: Viewer) -> set[UUID]:
    """Everybody who has an entry."""
    _administrator_only(viewer)
    with viewer_scope(viewer):
        return set(AuditEntry.objects.values_list("person", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One run of a step of the cycle, and what it said."""

    id: UUID
    step: str
    partition: str
    fingerprint: str
    began_at: datetime
    ended_at: datetime | None
    result: dict[str, Any]


def steps_page(viewer: Viewer, step: str, part: Slice) -> list[StepRecord]:
    """Runs of the cycle's steps, the newest first."""
    names = [each.name for each in fields(StepRecord)]
    with viewer_scope(viewer):
        # What the doctor found is for administrators, who read it elsewhere.
        rows = StepRun.objects.exclude(step=EXAMINATION)
        rows = rows.filter(step=step) if step else rows
        return [StepRecord(*row) for row in keyset(rows, ("-began_at", "-id"), part).values_list(*names)]


@dataclass(frozen=True, slots=True)
class ExaminationRecord:
    """What the worker found when it last looked the installation over."""

    at: datetime
    asked: list[str]
    findings: list[dict[str, Any]]


def last_examination(viewer: Viewer) -> ExaminationRecord | None:
    _administrator_only(viewer)
    with viewer_scope(viewer):
        run = StepRun.objects.filter(step=EXAMINATION).order_by("-began_at").first()
        return ExaminationRecord(run.began_at, run.result["asked"], run.result["findings"]) if run else None


def _asked(question: AuditQuestion) -> QuerySet[AuditEntry]:
    return _of_platform(AuditEntry.objects.filter(**dict(_conditions(question))), question.platform)


def _of_platform(rows: QuerySet[AuditEntry], platform: bool | None) -> QuerySet[AuditEntry]:
    if platform is None:
        return rows
    return rows.filter(role=Role.SYSTEM) if platform else rows.exclude(role=Role.SYSTEM)


def _conditions(question: AuditQuestion) -> Iterator[tuple[str, object]]:
    for name in ("person", "supplier", "action", "outcome", "subject"):
        if value := getattr(question, name):
            yield name, value
    if question.since:
        yield "at__gte", datetime.combine(question.since, time(), question.zone)
    if question.until and question.until < date.max:
        yield "at__lt", datetime.combine(question.until + timedelta(days=1), time(), question.zone)


def _administrator_only(viewer: Viewer) -> None:
    if viewer.role not in {Role.ADMINISTRATOR, Role.SYSTEM}:
        raise NotAllowed("role", "The audit trail is open to administrators.")
