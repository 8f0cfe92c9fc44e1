"""The files of a table at a version: which of them may hold what is wanted, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from tierwise.lake.schemas import Table
from tierwise.lake.store.batches import stored_schema


@dataclass(frozen=True, slots=True)
class Files:
    """``known`` has a row per file: ``path``, and least, greatest and missing values of its columns as Delta's log
    tells them (``min.x``, ``max.x``, ``null_count.x``, ``num_records``). ``scan`` gives the rows of some paths that
    are current.

    What the log does not tell of a file counts as anything: such a file may hold whatever is asked for.
    """

    known: pl.DataFrame = field(repr=False)
    scan: Callable[[Sequence[str]], pl.LazyFrame] = field(repr=False)

    @property
    def paths(self) -> list[str]:
        return self.known["path"].to_list()

    def dated(self, columns: Sequence[str], first: date, last: date) -> Files:
        """Those that may hold a row with one of the days from the first to the last one."""
        return self._where(pl.any_horizontal(self._may_hold(name, first, last) for name in columns))

    def between(self, column: str, low: Any, high: Any) -> Files:
        """Those that may hold values from ``low`` to ``high``."""
        return self._where(self._may_hold(column, low, high))

    def reach(self, column: str) -> tuple[Any, Any] | None:
        """The least and the greatest value in any of the files; None where one of them does not tell."""
        least, most = (f"{kind}.{column}" for kind in ("min", "max"))
        if not {least, most} <= set(self.known.columns) or self.known.select(least, most).null_count().row(0) != (0, 0):
            return None
        return self.known[least].min(), self.known[most].max()

    def folders(self) -> dict[str, tuple[list[str], int | None]]:
        """Paths and rows of each folder, in the order of their names: a month, where the table is laid by months. Rows
        are None where the log does not tell them."""
        rows = pl.col("num_records") if "num_records" in self.known.columns else pl.lit(None, pl.Int64)
        folder = pl.col("path").str.extract(r"^(.*)/", 1).fill_null("")
        every = self.known.group_by(folder.alias("folder")).agg(
            "path", pl.when(rows.is_null().any()).then(None).otherwise(rows.sum()).alias("rows")
        )
        return {name: (paths, count) for name, paths, count in every.sort("folder").iter_rows()}

    def _may_hold(self, column: str, low: Any, high: Any) -> pl.Expr:
        least, most, missing = (f"{kind}.{column}" for kind in ("min", "max", "null_count"))
        if not {least, most} <= set(self.known.columns):
            return pl.lit(value=True)
        apart = (pl.col(most) < low) | (pl.col(least) > high)
        if {missing, "num_records"} <= set(self.known.columns):
            apart |= pl.col(missing) == pl.col("num_records")
        found: pl.Expr = ~apart.fill_null(value=False)
        return found

    def _where(self, wanted: pl.Expr) -> Files:
        return Files(self.known.filter(wanted), self.scan)


def current(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows that stand, of all that were ever known."""
    return rows.filter(pl.col("known_to").is_null())


def as_declared(table: Table, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with every column that the table has by now."""
    there = rows.collect_schema()
    return rows.select(
        pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in stored_schema(table).items()
    )
