"""The mapping document: which files an extract holds and how their columns become the declared tables.

A mapping is YAML. It names the ``source`` system, the ``files`` (path patterns with their format) and, per table of
``schemas.TABLES``, one block or a list of blocks that say which file drives it, what is joined, parsed, derived,
filtered and how each column gets its value. ``fact_pages.MAPPING_KEYS`` describes every key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from string import Formatter

import polars as pl

from tierwise.lake.schemas import Kind, Table


class Format(StrEnum):
    AUTO = "auto"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


class Otherwise(StrEnum):
    """What becomes of a value that a dictionary does not name."""

    REFUSE = "refuse"
    KEEP = "keep"
    EMPTY = "empty"


class JoinHow(StrEnum):
    INNER = "inner"
    LEFT = "left"


class Distinct(StrEnum):
    """How rows are thinned: not at all, equal rows once, or one row per key with each column's most frequent value."""

    NO = "false"
    ROWS = "rows"
    MOST_FREQUENT = "most_frequent"


@dataclass(frozen=True, slots=True)
class Shift:
    """Moves dates, so that an old extract can stand beside a newer one. 29 February becomes the 28th where need be."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __str__(self) -> str:
        parts = {"years": self.years, "months": self.months, "weeks": self.weeks, "days": self.days}
        return ", ".join(f"{number:+d} {unit}" for unit, number in parts.items() if number)

    def __bool__(self) -> bool:
        return bool(self.years or self.months or self.weeks or self.days)

    def apply(self, dates: pl.Series) -> pl.Series:
        months = 12 * self.years + self.months
        return dates.dt.offset_by(f"{months}mo").dt.offset_by(f"{7 * self.weeks + self.days}d")


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One or more files of the same layout."""

    name: str
    place: str
    path: str
    format: Format = Format.AUTO
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    columns: tuple[str, ...] = ()
    sheet: str = ""
    skip_rows: int = 0
    nulls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How a text becomes a value."""

    dates: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    otherwise: Otherwise = Otherwise.REFUSE
    null_tokens: dict[str, str] = field(default_factory=dict)
    null_patterns: dict[str, str] = field(default_factory=dict)
    remove: str = ""
    decimal: str = "."
    thousands: str = ""
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where a column's value comes from: exactly one of the five origins is set."""

    name: str
    place: str
    source: str = ""
    constant: str = ""
    text: str = ""
    sql: str = ""
    number_within: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    shift: bool = True

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The template as (literal, column) pairs."""
        return [(literal, name or "") for literal, name, _, _ in Formatter().parse(self.text)]

    @property
    def reads(self) -> set[str]:
        """Source columns it needs (for ``number_within`` the names are of the table itself)."""
        if self.sql:
            return sql_columns(self.sql)
        if self.text:
            return {name for _, name in self.pieces if name}
        return {self.source} if self.source else set()


@dataclass(frozen=True, slots=True)
class Parse:
    """A source column read as typed values first, so that SQL can calculate with it; every cell is checked."""

    column: str
    place: str
    kind: Kind
    rule: Rule


@dataclass(frozen=True, slots=True)
class Join:
    file: str
    place: str
    on: dict[str, str]
    how: JoinHow
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    sql: str
    why: str
    place: str


@dataclass(frozen=True, slots=True)
class Block:
    """One way to fill a table."""

    table: Table
    place: str
    file: str
    joins: tuple[Join, ...]
    parse: tuple[Parse, ...]
    derive: dict[str, str]
    where: tuple[Filter, ...]
    distinct: Distinct
    complete: bool
    shift: Shift
    columns: dict[str, ColumnMapping]
    unit: tuple[str, ...] = ()

    @property
    def together(self) -> tuple[str, ...]:
        """Columns of the key whose rows go into quarantine together: the unit, or the group that is numbered."""
        groups = [column.number_within for column in self.columns.values() if column.number_within]
        return self.unit or tuple(name for group in groups for name in group if name in self.table.key)

    @property
    def reads(self) -> set[str]:
        """Every source column the block needs; what it derives itself left out."""
        names = {name for column in self.columns.values() for name in column.reads}
        names |= {one.column for one in self.parse}
        names |= {
            name for sql in (*self.derive.values(), *(one.sql for one in self.where)) for name in sql_columns(sql)
        }
        names |= {left for join in self.joins for left in join.on}
        return names - set(self.derive)


@dataclass(frozen=True, slots=True)
class Mapping:
    name: str
    source: str
    files: dict[str, FileSpec]
    blocks: tuple[Block, ...]
    digest: str

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(block.table.name for block in self.blocks))

    @property
    def complete(self) -> frozenset[str]:
        return frozenset(block.table.name for block in self.blocks if block.complete)


def sql_columns(sql: str) -> set[str]:
    """Columns an SQL expression reads."""
    return set(pl.sql_expr(sql).meta.root_names())
