"""Which files of a table may hold what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake import DeltaTable


@dataclass(frozen=True, slots=True)
class Near:
    """Only files that may hold values of a column from ``low`` to ``high`` are wanted (None: none of them).

    Rows of those files are not filtered: where most are wanted, leaving out the others costs more than reading them.
    """

    column: str
    low: Any
    high: Any

    def files(self, delta: DeltaTable) -> list[str]:
        """Paths, by what the log knows of each file; one that it knows nothing of is read."""
        held = pl.DataFrame(delta.get_add_actions(flatten=True))
        least, most = f"min.{self.column}", f"max.{self.column}"
        if self.low is None or self.high is None:
            return []
        if least not in held.columns or most not in held.columns:
            return held["path"].to_list()
        apart = (pl.col(most) < self.low) | (pl.col(least) > self.high)
        return held.filter(~apart.fill_null(value=False))["path"].to_list()
