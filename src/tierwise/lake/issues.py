"""What an import found wrong or remarkable: every cell counted, the first many listed by file and row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Severity(StrEnum):
    REFUSE = "refuse"
    NOTE = "note"


LISTED = 200_000  # per severity: more than anybody reads, small enough to hold and to open as a spreadsheet

ISSUE_SCHEMA: dict[str, pl.DataType] = {
    "severity": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
    "table": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "why": pl.String(),
    "remedy": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with some cells of a column: a mask over the rows, the reason and what to do."""

    mask: pl.Series
    why: str
    remedy: str
    severity: Severity = Severity.REFUSE


@dataclass(frozen=True, slots=True)
class IssueCount:
    severity: Severity
    table: str
    column: str
    why: str
    count: int


@dataclass(slots=True)
class Found:
    """What was found on the way through one batch, to be told in the order of the batches."""

    severity: Severity
    issues: pl.DataFrame
    once: bool = False


class IssueLog:
    """Collects issues; counts are true, the listing stops at ``listed`` per severity."""

    def __init__(self, listed: int = LISTED) -> None:
        self.listed = listed
        self.of_no_row = 0
        self._frames: dict[Severity, list[pl.DataFrame]] = {one: [] for one in Severity}
        self._held: dict[Severity, int] = dict.fromkeys(Severity, 0)
        self._counts: dict[tuple[Severity, str, str, str], int] = {}
        self._once: dict[Severity, list[pl.DataFrame]] = {one: [] for one in Severity}

    def take(self, found: Iterable[Found]) -> None:
        for one in found:
            (self.add_once if one.once else self.add)(one.severity, one.issues)

    def add_once(self, severity: Severity, issues: pl.DataFrame) -> None:
        """Issues of a file that is joined to many rows: whatever stands in the log already is not told again."""
        issues = issues.unique(maintain_order=True)
        for told in self._once[severity]:
            issues = issues.join(told, on=issues.columns, how="anti", nulls_equal=True)
        if issues.height:
            self._once[severity].append(issues)
            self.add(severity, issues)

    def add(self, severity: Severity, issues: pl.DataFrame) -> None:
        """``issues`` has the columns of ``ISSUE_SCHEMA`` but for the severity."""
        if severity is Severity.REFUSE:
            self.of_no_row += issues["row"].null_count()
        for table, column, why, count in issues.group_by("table", "column", "why").len().iter_rows():
            key = (severity, table, column, why)
            self._counts[key] = self._counts.get(key, 0) + count
        room = self.listed - self._held[severity]
        if room > 0 and issues.height:
            kept = issues.head(room).with_columns(pl.lit(severity.value).alias("severity"))
            self._frames[severity].append(kept.select(pl.col(name).cast(dtype) for name, dtype in ISSUE_SCHEMA.items()))
            self._held[severity] += kept.height

    def refuse(self, file: str, why: str, remedy: str, *, table: str = "", column: str = "") -> None:
        """One refusal that concerns no single row."""
        self.add(Severity.REFUSE, one_issue(file, why, remedy, table=table, column=column))

    def total(self, severity: Severity) -> int:
        return sum(count for key, count in self._counts.items() if key[0] is severity)

    def counts(self) -> tuple[IssueCount, ...]:
        ordered = sorted(self._counts.items(), key=lambda item: (item[0][0] is Severity.NOTE, *item[0][1:]))
        return tuple(IssueCount(*key, count) for key, count in ordered)

    def frame(self) -> pl.DataFrame:
        """The listing: refusals first, then notes, each by file and row."""
        return pl.concat([_ordered(self._frames[one]) for one in (Severity.REFUSE, Severity.NOTE)])


def one_issue(file: str, why: str, remedy: str, *, table: str = "", column: str = "") -> pl.DataFrame:
    """A listing of one issue that concerns no single row."""
    row = {"file": [file], "row": [None], "table": [table], "column": [column], "value": [None]}
    return pl.DataFrame(row | {"why": [why], "remedy": [remedy]})


def _ordered(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=ISSUE_SCHEMA), *frames]).sort(
        "file", "row", "table", "column", maintain_order=True
    )
