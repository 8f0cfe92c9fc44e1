"""Words and values of publications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class PublicationKind(StrEnum):
    DEMAND = "demand"
    SCORECARD = "scorecard"


class CellStatus(StrEnum):
    """What a recipient is told about a cell: its value, or that it is held back. Never why."""

    OK = "ok"
    HELD_BACK = "held_back"


class Reply(StrEnum):
    """What a supplier answered to a publication."""

    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class PublicationRecord:
    id: UUID
    supplier: UUID
    segment: UUID
    kind: PublicationKind
    number: int
    title: str
    period_start: date
    period_end: date
    published_at: datetime
    reply_due_at: datetime | None
    supersedes: UUID | None
    superseded: bool
    digest: str
    reply: Reply | None
