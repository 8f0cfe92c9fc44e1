"""What is due between the two companies, whichever way of working together it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DueKind(StrEnum):
    OFFER = "offer"
    PUBLICATION = "publication"
    CASE = "case"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class DueItem:
    """One thing that waits. ``mine`` tells what the reader must do from what it waits for."""

    kind: DueKind
    id: UUID
    supplier: UUID
    segment: UUID
    number: int
    title: str
    since: datetime
    due_at: datetime | None
    mine: bool


def by_clock(items: list[DueItem]) -> list[DueItem]:
    """Own duties first, the nearest clock first; what has no clock comes last."""
    return sorted(items, key=lambda i: (not i.mine, i.due_at is None, i.due_at or i.since))
