"""What is read of the lake about purchase lines: of which days, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

import polars as pl

KEY = ["source", "order", "line"]
EVENTS = ("handed_over_on", "arrived_on", "posted_on")
DUE = ("requested_on", "promised_on", "confirmed_on")


@dataclass(frozen=True, slots=True)
class Span:
    """The days that lines are wanted of."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first}); swap them")


def within(names: Sequence[str], span: Span) -> pl.Expr:
    """One of the dates is in the span."""
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
