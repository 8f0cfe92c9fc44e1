"""Which files of a table may hold what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from deltalake import DeltaTable


@dataclass(frozen=True, slots=True)
class Days:
    """Rows that have one of these columns from the first to the last day."""

    columns: tuple[str, ...]
    first: date
    last: date

    def fill(self, known: pl.DataFrame) -> pl.Expr:
        """Whether a file holds no other rows, by what the log knows of it."""
        found = pl.lit(value=False)
        for name in self.columns:
            least, most, missing = (f"{kind}.{name}" for kind in ("min", "max", "null_count"))
            if {least, most, missing} <= set(known.columns):
                whole = (pl.col(least) >= self.first) & (pl.col(most) <= self.last) & (pl.col(missing) == 0)
                found |= whole.fill_null(value=False)
        return found


@dataclass(frozen=True, slots=True)
class Near:
    """Only files that may hold values of a column from ``low`` to ``high`` are wanted (None: none of them), and of
    those only files that may hold rows of other days than ``but``.

    Rows of those files are not filtered: where most are wanted, leaving out the others costs more than reading them.
    """

    column: str
    low: Any
    high: Any
    but: Days | None = None

    def files(self, delta: DeltaTable) -> list[str]:
        """Paths, by what the log knows of each file; one that it knows nothing of is read."""
        held = pl.DataFrame(delta.get_add_actions(flatten=True))
        least, most = f"min.{self.column}", f"max.{self.column}"
        if self.low is None or self.high is None:
            return []
        if self.but is not None:
            held = held.filter(~self.but.fill(held))
        if least not in held.columns or most not in held.columns:
            return held["path"].to_list()
        apart = (pl.col(most) < self.low) | (pl.col(least) > self.high)
        return held.filter(~apart.fill_null(value=False))["path"].to_list()
