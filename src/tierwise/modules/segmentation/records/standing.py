"""Scheme versions, plans and pins as they may cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tierwise.modules.segmentation.records.words import PlanState, SchemeState


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of the scheme document."""

    id: UUID
    number: int
    title: str
    document: str
    digest: str
    state: SchemeState
    written_at: datetime
    written_by: UUID
    applied_at: datetime | None
    applied_by: UUID | None
    effective_on: date | None
    restores: int | None


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """What applying a version would change, as it was computed when the plan was filed."""

    id: UUID
    version: int
    title: str
    fingerprint: str
    effective_on: date
    state: PlanState
    planned_at: datetime
    planned_by: UUID
    filed_by_cycle: bool
    summary: dict[str, Any]
    sections: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A cell's segment fixed by hand."""

    cell: dict[str, str]
    segment: str
    reason: str
    pinned_by: UUID
    pinned_at: datetime
    expires_on: date | None
