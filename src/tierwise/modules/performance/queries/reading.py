"""Rows of the lake about the lines of a span, under the numbers of those lines. Each row is read and hashed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from typing import Protocol

import numpy as np
import polars as pl

from tierwise.engine.matching import HASHES, Ints, KeyIndex, hashes_of
from tierwise.lake.store import Days, Near

KEY = ["source", "order", "line"]
EVENTS = ("handed_over_on", "arrived_on", "posted_on")
DUE = ("requested_on", "promised_on", "confirmed_on")
_Columns = tuple[str | pl.Expr, ...]
_LINE: _Columns = (
    *KEY, "revision", "revised_on", "changed_by", "supplier", "item", "site", "ship_from", "ordered_on",
    pl.col("quantity").cast(pl.Float64), "unit", *DUE, "state", "cancelled_by", "segment",
)  # fmt: skip
_RECEIPT: _Columns = ("receipt", *EVENTS, pl.col("quantity").cast(pl.Float64), "unit")
_REJECT: _Columns = ("receipt", "rejected_on", pl.col("quantity").cast(pl.Float64), "unit")

_PART = 1_000_000
"""Rows that are read and matched at a time, of those whose own dates do not tell that they are wanted."""


class Scan(Protocol):
    """Rows of a table of the lake as they stand; ``near`` leaves out files that hold nothing of what is wanted."""

    def __call__(self, table: str, near: Near | None = None) -> pl.LazyFrame: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Which days' lines are wanted, of which suppliers (codes; None: all)."""

    first: date
    last: date
    suppliers: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first}); swap them")


def within(names: Sequence[str], span: Span) -> pl.Expr:
    """One of the dates is in the span. Spelled out, for a scan skips files by plain comparisons alone."""
    each = [(pl.col(name) >= span.first) & (pl.col(name) <= span.last) for name in names]
    return reduce(lambda one, other: one | other, each)


@dataclass(frozen=True, slots=True)
class Rows:
    """Every revision, receipt and reject of the lines of a span; ``line_id`` numbers the lines, and ``keys`` holds the
    key of each revision."""

    lines: pl.DataFrame = field(repr=False)
    keys: pl.DataFrame = field(repr=False)
    receipts: pl.DataFrame = field(repr=False)
    rejects: pl.DataFrame = field(repr=False)


def read_rows(scan: Scan, span: Span) -> Rows:
    """What there is about lines that have a date that may make them due, or a receipt, within the span.

    Rows that say so themselves are read first; of the others those with the key of such a line, and only from files
    that may hold one, by the least and the greatest order number: where numbers rise with time, as they mostly do, the
    lake skips whole months by what it knows of each file.
    """
    due, came = within(DUE, span), within(EVENTS, span)
    lines, theirs = scan("purchase_line"), []
    if span.suppliers is not None:
        own = pl.col("supplier").is_in(list(span.suppliers))
        due &= own
        theirs.append(lines.filter(own).select(hashes_of(KEY)))
    wanted = [_keyed(lines.filter(due), _LINE), _keyed(scan("receipt").filter(came), (*_RECEIPT, "order"))]
    of_lines, receipts, *known = pl.collect_all([*wanted, *theirs])
    for index in (KeyIndex(frame, HASHES) for frame in known):
        receipts = receipts.filter(pl.Series(index.find(receipts) >= 0, dtype=pl.Boolean))
    near, keys = _near(of_lines, receipts), _Keys.of(of_lines, receipts)
    numbers = np.split(keys.number, [of_lines.height])
    first = _numbered(of_lines, numbers[0]), _numbered(receipts.drop("order"), numbers[1])
    # Where a file tells only of the span, all of it is read by now; of some suppliers it is not.
    other_lines = near if theirs else replace(near, but=Days(DUE, span.first, span.last))
    other_receipts = replace(near, but=Days(EVENTS, span.first, span.last))
    revisions = keys.joined(first[0], scan("purchase_line", other_lines).filter(_not(due)), _LINE)
    arrivals = keys.joined(first[1], scan("receipt", other_receipts).filter(_not(came)), _RECEIPT)
    refusals = keys.joined(None, scan("reject", near), _REJECT)
    named = revisions.select("line_id", *KEY)
    # In one piece each: what is gathered from several costs many times as much.
    return Rows(revisions.drop(KEY).rechunk(), named, arrivals.rechunk(), refusals.rechunk())


def _keyed(rows: pl.LazyFrame, columns: _Columns) -> pl.LazyFrame:
    return rows.select(*columns, *hashes_of(KEY))


def _not(wanted: pl.Expr) -> pl.Expr:
    return ~wanted.fill_null(value=False)


def _near(*frames: pl.DataFrame) -> Near:
    orders = pl.concat(frame.select(low=pl.col("order").min(), high=pl.col("order").max()) for frame in frames)
    return Near("order", orders["low"].min(), orders["high"].max())


def _numbered(rows: pl.DataFrame, number: Ints) -> pl.DataFrame:
    return rows.drop(HASHES).with_columns(line_id=pl.Series(number.astype(np.uint32)))


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of the lines wanted: rows that have them, and the number of each row's line."""

    index: KeyIndex
    number: Ints

    @classmethod
    def of(cls, *frames: pl.DataFrame) -> _Keys:
        index = KeyIndex(pl.concat(frame.select(HASHES) for frame in frames), HASHES)
        return cls(index, index.number)

    def joined(self, first: pl.DataFrame | None, others: pl.LazyFrame, columns: _Columns) -> pl.DataFrame:
        """The first rows and those of the others that have one of the keys, read a part at a time."""
        keyed = _keyed(others, columns)
        parts = [] if first is None else [first]
        parts += [self._own(part) for part in keyed.collect_batches(chunk_size=_PART, maintain_order=True)]
        parts = parts or [_numbered(pl.DataFrame(schema=keyed.collect_schema()), self.number[:0])]
        return pl.concat(parts)

    def _own(self, part: pl.DataFrame) -> pl.DataFrame:
        found = self.index.find(part)
        known = found >= 0
        if not known.all():
            found, part = found[known], part.filter(pl.Series(known))
        return _numbered(part, self.number[found])
