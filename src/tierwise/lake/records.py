"""What of the lake's catalogue may cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ImportState(StrEnum):
    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """One consistent state of the lake."""

    id: UUID
    number: int
    moved_at: datetime
    versions: dict[str, int]


@dataclass(frozen=True, slots=True)
class ImportRecord:
    id: UUID
    mapping: str
    began_at: datetime
    ended_at: datetime | None
    state: ImportState
    person: UUID
    report: dict[str, Any]
    issues: str
