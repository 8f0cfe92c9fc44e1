"""From a folder of extract files and a mapping to checked, typed tables — or to a refusal that names every fault."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import polars as pl

from tierwise.lake.checks import check_tables
from tierwise.lake.issues import IssueLog, Severity
from tierwise.lake.mapping import Mapping
from tierwise.lake.readers import FILE, ROW, Extract, UnreadableError, fingerprint
from tierwise.lake.report import FileReport, ImportReport, TableReport
from tierwise.lake.schemas import TABLES
from tierwise.lake.transform import Filled, fill

Progress = Callable[[str, float], None]


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
class Prepared:
    """Tables ready to be applied, by name in the order of the declarations; columns as declared."""

    source: str
    tables: dict[str, pl.DataFrame]
    complete: frozenset[str]
    fingerprint: Fingerprint
    report: ImportReport = field(repr=False)


def fingerprints(folder: Path, mapping: Mapping) -> Fingerprint:
    """Hashes what the mapping would read; missing files are left to ``prepare`` to report."""
    extract = Extract(folder)
    files: dict[str, str] = {}
    for spec in mapping.files.values():
        try:
            paths = extract.paths(spec)
        except UnreadableError:
            continue
        for path in paths:
            if extract.name(path) not in files:
                files[extract.name(path)] = fingerprint(path)
    return Fingerprint(mapping.digest, files)


def prepare(
    folder: Path,
    mapping: Mapping,
    known_codes: AnyMapping[str, pl.Series] | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Reads, maps and checks an extract.

    ``known_codes`` holds, per table that others refer to, the codes of this source that exist already.
    ``progress`` is told what is being done and the share that is behind it (0 to 1).
    Raises ``ImportRefused`` with the full report when anything is wrong.
    """
    tell = progress or _silent
    log, extract = IssueLog(), Extract(folder)
    tell("fingerprints", 0.0)
    prints = fingerprints(folder, mapping)
    filled: dict[str, list[Filled]] = {}
    unfilled: set[str] = set()
    for index, block in enumerate(mapping.blocks):
        tell(block.place, 0.1 + 0.7 * index / len(mapping.blocks))
        one = fill(block, mapping.files, extract, log)
        if one is None:
            unfilled.add(block.table.name)
        else:
            filled.setdefault(block.table.name, []).append(one)
    tell("checks", 0.8)
    tables = {name: pl.concat([one.rows for one in filled[name]]) for name in TABLES if name in filled}
    check_tables(tables, known_codes or {}, log, unfilled)
    report = ImportReport(
        mapping.name,
        mapping.source,
        files=tuple(
            FileReport(name, prints.files[name], facts.size, facts.rows, facts.blank_rows)
            for name, facts in sorted(extract.read.items())
        ),
        tables=tuple(_table_report(name, filled[name], mapping) for name in tables),
        counts=log.counts(),
        issues=log.frame(),
    )
    if report.refused:
        raise ImportRefused(report)
    tell("done", 1.0)
    ready = {name: rows.drop(FILE, ROW) for name, rows in tables.items()}
    return Prepared(mapping.source, ready, mapping.complete, prints, report)


def _table_report(name: str, parts: list[Filled], mapping: Mapping) -> TableReport:
    shifts = {str(block.shift) for block in mapping.blocks if block.table.name == name and block.shift}
    return TableReport(
        name,
        read=sum(one.read for one in parts),
        rows=sum(one.rows.height for one in parts),
        merged=sum(one.merged for one in parts),
        left_out=_summed([one.left_out for one in parts]),
        filled_in=_summed([one.filled_in for one in parts]),
        shift="; ".join(sorted(shifts)),
        complete=name in mapping.complete,
    )


def _summed(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for why, count in one.items():
            total[why] = total.get(why, 0) + count
    return total


def _silent(_what: str, _share: float) -> None:
    pass
