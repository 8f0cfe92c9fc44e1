"""Checked rows on their way into the lake: held while they are few, else laid down by month as Parquet files.

The files are those that the lake will name, so a table that did not exist before is written once. What must not reach
the lake (file and row of origin, the order of rows, a hash of the key) lies in a second file beside each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl

from tierwise.lake.readers import FILE, ROW
from tierwise.lake.schemas import Home, Table

INSTANT = pl.Datetime("us", "UTC")
UNDATED = "undated"  # Delta takes an empty partition value for null
HELD = 250_000  # rows a table may have before it is laid down
_FULL = 600_000  # rows of a month that make a file
_BUFFERED = 3_000_000  # rows of all months waiting for their file
_RUNS = 64  # pieces that a batch is cut into before sorting it by month is cheaper
_PASS = 40_000_000  # key hashes looked at together: 320 MB
BLOCK, SEQUENCE, KEY_HASH = "__block", "__sequence", "__key"
_ORIGIN = (FILE, ROW, BLOCK, SEQUENCE, KEY_HASH)
_PLACE = [FILE, ROW, BLOCK]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the platform adds to every row: the system it came from and the instant it became known."""

    source: str
    at: datetime

    def columns(self) -> list[pl.Expr]:
        return [pl.lit(self.source).alias("source"), pl.lit(self.at).cast(INSTANT).alias("known_from")]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of rows of one month ("" where the table has none), and beside it where each row came from."""

    path: Path
    month: str
    rows: int

    @property
    def origin(self) -> Path:
        return self.path.with_suffix(".origin")


@dataclass(slots=True)
class Staged:
    """The rows of one table. ``held`` where they are few, else ``parts``."""

    table: Table
    folder: Path
    stamp: Stamp
    height: int = 0
    held: list[pl.DataFrame] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    _months: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _waiting: int = 0

    @property
    def laid_down(self) -> bool:
        return bool(self.parts or self._months)

    def take(self, rows: pl.DataFrame, block: int = 0) -> None:
        """Adds checked rows with ``__file``, ``__row`` and the table's columns, which a block of the mapping gave."""
        rows = rows.with_row_index(SEQUENCE, offset=self.height)
        rows = rows.with_columns(key_hash(self.table), pl.lit(block, pl.UInt16).alias(BLOCK))
        self.height += rows.height
        if not self.laid_down:
            self.held.append(rows)
            if self.height <= HELD or self.table.home is Home.DIRECTORY:
                return
            waiting, self.held = self.held, []
            rows = pl.concat(waiting)
        empty = [one.name for one in rows if one.null_count() == rows.height and one.name != self.table.dated_by]
        for month, one in by_month(self.table, rows.drop(empty)):
            self._months.setdefault(month, []).append(one)
            self._waiting += one.height
        self._flush(_FULL if self._waiting <= _BUFFERED else _FULL // 8)

    def finish(self) -> None:
        self._flush(0)

    def _flush(self, least: int) -> None:
        for month in [month for month, held in self._months.items() if sum(map(len, held)) >= least]:
            held = self._months.pop(month)
            self._waiting -= sum(map(len, held))
            self._lay_down(month, pl.concat(held, how="diagonal"))

    def _lay_down(self, month: str, rows: pl.DataFrame) -> None:
        part = Part(self.folder / f"{uuid4().hex}.parquet", month, rows.height)
        part.path.parent.mkdir(parents=True, exist_ok=True)
        given = [one.name for one in self.table.columns if one.name in rows.columns]
        write_rows(rows.select(given).with_columns(self.stamp.columns()), part.path)
        rows.select(_ORIGIN).write_parquet(part.origin, compression="lz4", statistics=False)
        self.parts.append(part)

    def scan(self) -> pl.LazyFrame:
        """All rows: the table's columns and where each came from."""
        if not self.laid_down:
            empty = pl.DataFrame(schema=_origin_schema() | self.table.schema)
            return pl.concat([empty, *(one.select(empty.columns) for one in self.held)]).lazy()
        return pl.concat([scan_part(self.table, part) for part in self.parts])

    def frame(self) -> pl.DataFrame:
        """The table's columns alone, in the order they came in."""
        return self.scan().sort(SEQUENCE).select(self.table.schema.keys()).collect()

    def twins(self) -> pl.DataFrame:
        """Rows whose key another row has too (or, rarely, one of the same hash), in the order they came."""
        doubled = pl.Series(self._doubled(), dtype=pl.UInt64())
        if not len(doubled):
            return pl.DataFrame(schema=_origin_schema() | self.table.schema)
        return self.scan().filter(pl.col(KEY_HASH).is_in(doubled.implode())).sort(SEQUENCE).collect(engine="streaming")

    def _doubled(self) -> list[int]:
        passes = 1 + self.height // _PASS
        doubled: list[int] = []
        for number in range(passes):
            hashes = self._hashes(passes, number)
            hashes.sort()
            doubled += np.unique(hashes[1:][hashes[1:] == hashes[:-1]]).tolist()
        return doubled

    def _hashes(self, passes: int, number: int) -> np.ndarray:
        mine = pl.col(KEY_HASH) % passes == number if passes > 1 else pl.lit(value=True)
        frames = [pl.read_parquet(part.origin, columns=[KEY_HASH]) for part in self.parts] if passes == 1 else []
        if self.held:
            frames = [one.select(KEY_HASH) for one in self.held]
        if passes > 1:
            frames = [pl.scan_parquet(part.origin).filter(mine).select(KEY_HASH).collect() for part in self.parts]
        return pl.concat(frames)[KEY_HASH].to_numpy().copy() if frames else np.array([], np.uint64)

    def drop(self, gone: pl.DataFrame) -> None:
        """Takes the rows with these ``__file``, ``__row`` and ``__block`` out again."""
        if not gone.height:
            return
        self.held = [one.join(gone, on=_PLACE, how="anti", maintain_order="left") for one in self.held]
        self.parts = [kept for part in self.parts if (kept := self._without(part, gone))]
        self.height = sum(map(len, self.held)) + sum(part.rows for part in self.parts)

    def _without(self, part: Part, gone: pl.DataFrame) -> Part | None:
        origin = pl.read_parquet(part.origin)
        kept = origin.with_row_index("__at").join(gone, on=_PLACE, how="anti", maintain_order="left")["__at"]
        if len(kept) == part.rows:
            return part
        if len(kept):
            write_rows(pl.read_parquet(part.path)[kept], part.path)
            origin[kept].write_parquet(part.origin, compression="lz4", statistics=False)
            return replace(part, rows=len(kept))
        part.path.unlink()
        part.origin.unlink()
        return None

    def months(self) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            found.setdefault(part.month, []).append(part)
        return dict(sorted(found.items()))


def by_month(table: Table, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each month, "" for a table without."""
    if not table.partitioned:
        yield "", rows
        return
    day = pl.col(table.dated_by)
    number = rows.select((day.dt.year().cast(pl.Int32) * 12 + day.dt.month() - 1).fill_null(-1).alias("__month"))
    runs = number["__month"].rle().struct.unnest()
    if runs.height <= _RUNS:  # in the order of time, as most extracts are: pieces need not be copied
        start = 0
        for length, one in runs.iter_rows():
            yield _month_name(one), rows.slice(start, length)
            start += length
        return
    for (month,), one in rows.with_columns(number).partition_by("__month", as_dict=True, include_key=False).items():
        yield _month_name(int(month)), one


def _month_name(number: int) -> str:
    return UNDATED if number < 0 else f"{number // 12:04d}-{number % 12 + 1:02d}"


def month_of(table: Table) -> pl.Expr:
    return pl.col(table.dated_by).dt.strftime("%Y-%m").fill_null(UNDATED).alias("month")


def key_hash(table: Table) -> pl.Expr:
    """64 bits that equal keys share. Keys of one hash are compared before anything is said of them."""
    mixed = pl.col(table.key[0]).hash(seed=1)
    for name in table.key[1:]:
        mixed = mixed * 0x9E3779B97F4A7C15 + pl.col(name).hash(seed=1)
    return mixed.alias(KEY_HASH)


def write_rows(rows: pl.DataFrame, path: Path) -> None:
    rows.write_parquet(path, compression="snappy", row_group_size=250_000)


def scan_part(table: Table, part: Part) -> pl.LazyFrame:
    rows = pl.scan_parquet(part.path, glob=False)
    there = set(rows.collect_schema())
    rows = rows.select(
        pl.col(name) if name in there else pl.lit(None, dtype=dtype).alias(name) for name, dtype in table.schema.items()
    )
    return pl.concat([pl.scan_parquet(part.origin, glob=False), rows], how="horizontal")


def _origin_schema() -> dict[str, pl.DataType]:
    return {FILE: pl.String(), ROW: pl.Int64(), BLOCK: pl.UInt16(), SEQUENCE: pl.UInt32(), KEY_HASH: pl.UInt64()}
