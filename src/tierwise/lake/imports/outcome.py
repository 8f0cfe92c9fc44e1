"""How an extract is prepared, and what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl

from tierwise.kernel.clock import now
from tierwise.lake.issues import Severity
from tierwise.lake.report import ImportReport
from tierwise.lake.staging import Staged

Progress = Callable[[str, float], None]


class Cancelled(Exception):
    """Raised by a progress callback: the import ends, and nothing of it stays."""


class ImportRefused(Exception):
    """Nothing was imported; the report says what has to be put right."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__(f"{report.total(Severity.REFUSE)} faults:\n{report}")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an import reads: the SHA-256 of every file and of the mapping. Equal ones need no second import."""

    mapping: str
    files: dict[str, str]

    @property
    def digest(self) -> str:
        parts = [self.mapping, *(f"{name}:{digest}" for name, digest in sorted(self.files.items()))]
        return sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Options:
    """How an extract is prepared.

    ``known_codes`` holds, per table that others refer to, the codes that exist already. ``progress`` is told what is
    being done and the share that is behind it (0 to 1); what it raises ends the work and leaves nothing behind.
    ``scratch`` is where many rows are laid down; give a folder of the lake, so that they need not be copied.
    ``given`` holds, by the place of a block, joined rows to take instead of its files; other blocks are left alone.
    ``labels`` says what a file is called in the report. ``at`` is when the rows become known.
    """

    known_codes: AnyMapping[str, pl.Series] = field(default_factory=dict)
    progress: Progress = lambda _what, _share: None
    quarantine: bool = False
    scratch: Path | None = None
    prints: Fingerprint | None = None
    given: AnyMapping[str, pl.DataFrame] | None = None
    labels: AnyMapping[str, str] = field(default_factory=dict)
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Tables ready to be applied, by name in the order of the declarations.

    ``aside`` has a row for each row set aside: ``place`` of its block, ``table``, ``file``, ``row``, ``key``,
    ``cells`` (JSON of the texts it was made of) and ``faults`` (a list of column, value, why and remedy).
    """

    source: str
    staged: dict[str, Staged]
    complete: frozenset[str]
    fingerprint: Fingerprint
    report: ImportReport = field(repr=False)
    aside: pl.DataFrame = field(repr=False)
    at: datetime
    scratch: Path

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """All rows as frames; for tables that are known to be small."""
        return {name: one.frame() for name, one in self.staged.items()}

    def discard(self) -> None:
        """Removes what was laid down; to be called whether the tables were applied or not."""
        shutil.rmtree(self.scratch, ignore_errors=True)
