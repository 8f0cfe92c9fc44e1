"""A batch's rows and what became of the others."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from tierwise.lake.issues import Found


@dataclass(slots=True)
class Filled:
    """A batch's rows (given columns of the table, ``__file`` and ``__row``) and what became of the others.

    ``bad`` names the rows ``[__file, __row]`` of the driving file that hold a refused cell.
    """

    rows: pl.DataFrame
    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    merged: int = 0
    filled_in: dict[str, int] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    bad: list[pl.DataFrame] = field(default_factory=list)

    def add(self, other: Filled) -> None:
        self.read += other.read
        self.merged += other.merged
        for mine, theirs in ((self.left_out, other.left_out), (self.filled_in, other.filled_in)):
            for what, count in theirs.items():
                mine[what] = mine.get(what, 0) + count
