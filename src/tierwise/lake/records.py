"""What of the lake's catalogue may cross a border."""

from __future__ import annotations

from collections.abc import Callable
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
    CANCELLED = "cancelled"


class RowState(StrEnum):
    """What became of a row set aside: repaired by people, come in anew with a later extract, or given up."""

    OPEN = "open"
    REPAIRED = "repaired"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    id: UUID
    run: UUID
    mapping: str
    mapping_file: str
    place: str
    table: str
    file: str
    row: int
    key: str
    cells: dict[str, str | None]
    faults: list[dict[str, str | None]]
    state: RowState


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """One consistent state of the lake."""

    id: UUID
    number: int
    moved_at: datetime
    versions: dict[str, int]
    reason: str = ""


def moved_tables(one: ManifestRecord, before: ManifestRecord | None) -> list[str]:
    """Names whose version moved with a manifest; ``layout`` and ``directory`` among them."""
    return sorted(
        name for name, version in one.versions.items() if before is None or before.versions.get(name) != version
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """When an import began, under which run where one waits for it, and the address of the mapping's text.

    ``progress`` is told how far the writing is (0 to 1); what it raises takes everything back. ``tried`` names the rows
    of the quarantine that are tried again.
    """

    began_at: datetime
    run: UUID | None = None
    mapping_file: str = ""
    progress: Callable[[str, float], None] = lambda _what, _share: None
    tried: tuple[UUID, ...] = ()


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
