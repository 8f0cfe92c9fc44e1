"""What an import did or why it was refused, to show, to store and to hand back as a spreadsheet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import polars as pl

from tierwise.lake.issues import IssueCount, Severity


@dataclass(frozen=True, slots=True)
class Change:
    """What applying a table did: rows that are new, that differ, that are gone and that stay; the version after it."""

    table: str
    version: int
    new: int
    changed: int
    closed: int
    unchanged: int

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed or self.closed)


@dataclass(frozen=True, slots=True)
class FileReport:
    path: str
    sha256: str
    size: int
    rows: int
    blank_rows: int


@dataclass(frozen=True, slots=True)
class TableReport:
    """``left_out`` counts rows by reason, ``filled_in`` cells by what they were given, ``merged`` rows made one."""

    table: str
    read: int
    rows: int
    merged: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    filled_in: dict[str, int] = field(default_factory=dict)
    shift: str = ""
    complete: bool = False
    quarantined: int = 0
    change: Change | None = None


@dataclass(frozen=True)
class ImportReport:
    mapping: str
    source: str
    files: tuple[FileReport, ...]
    tables: tuple[TableReport, ...]
    counts: tuple[IssueCount, ...]
    issues: pl.DataFrame = field(repr=False)
    refused: bool = False

    def total(self, severity: Severity) -> int:
        """True number of issues; the listing may hold fewer."""
        return sum(one.count for one in self.counts if one.severity is severity)

    def with_changes(self, changes: dict[str, Change]) -> ImportReport:
        tables = tuple(replace(one, change=changes.get(one.table, one.change)) for one in self.tables)
        return replace(self, tables=tables)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; the listing of issues is left to the frame."""
        return {
            "mapping": self.mapping,
            "source": self.source,
            "refused": self.refused,
            "quarantined": sum(one.quarantined for one in self.tables),
            "files": [asdict(one) for one in self.files],
            "tables": [asdict(one) for one in self.tables],
            "counts": [asdict(one) for one in self.counts],
            "refusals": self.total(Severity.REFUSE),
            "notes": self.total(Severity.NOTE),
            "listed": self.issues.height,
        }

    def __str__(self) -> str:
        lines = [f"{one.path}: {one.rows} rows read" for one in self.files]
        lines += [f"{table.table}: {table.read} read, {table.rows} imported" + _asides(table) for table in self.tables]
        lines += [f"{one.severity}: {one.table}.{one.column} {one.why} ({one.count})" for one in self.counts]
        return "\n".join(lines)


def _asides(table: TableReport) -> str:
    asides = [f"{count} {why}" for why, count in table.left_out.items()]
    asides += [f"{count} × {what}" for what, count in table.filled_in.items()]
    asides += [f"{table.quarantined} in quarantine"] * bool(table.quarantined)
    asides += [f"{table.merged} merged"] * bool(table.merged) + [f"dates {table.shift}"] * bool(table.shift)
    if table.change:
        change = table.change
        asides.append(
            f"{change.new} new, {change.changed} changed, {change.closed} closed, {change.unchanged} unchanged"
        )
    return "; " + "; ".join(asides) if asides else ""
