"""What of the lake's catalogue may cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ImportState(StrEnum):
    """``RUNNING`` while an upload is worked on; ``FAILED`` when something broke that is no fault of the extract."""

    RUNNING = "running"
    FAILED = "failed"
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
class Attempt:
    """When an import began, under which run where one waits for it, and the address of the mapping's text."""

    began_at: datetime
    run: UUID | None = None
    mapping_file: str = ""


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
