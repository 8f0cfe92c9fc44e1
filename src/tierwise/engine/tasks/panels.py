"""Long tables of series as the panels that calculations take, and answers back in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.tasks.declare import Column, Kind

Floats = npt.NDArray[np.float64]

SERIES = Column("series", Kind.TEXT, "the name of the series: an item, a supplier, a lane")
PERIOD = Column("period", Kind.TEXT, "the period, named so that it sorts: 2025-03, 2025-W07, 12")


@dataclass(frozen=True, slots=True)
class LongPanel:
    """``values[column]``: series × periods, NaN where the table has no row or an empty field."""

    series: list[str]
    periods: list[str]
    values: dict[str, Floats]

    def per_series(self, **columns: Any) -> pl.DataFrame:
        """One row per series; NaN becomes empty."""
        return tidy({"series": self.series, **columns})

    def per_period(self, **columns: Any) -> pl.DataFrame:
        """One row per series and period, columns series × periods."""
        names = [name for name in self.series for _ in self.periods]
        flat = {name: np.asarray(column).ravel() for name, column in columns.items()}
        return tidy({"series": names, "period": self.periods * len(self.series), **flat})


def long_panel(table: pl.DataFrame, *columns: str) -> LongPanel:
    """A table of series, period and columns, laid out. ValueError where a series has a period twice."""
    twice = table.with_row_index("row", offset=1).filter(pl.struct("series", "period").is_duplicated())
    if twice.height:
        row = twice.row(1, named=True)
        raise ValueError(f"row {row['row']}: series {row['series']!r} has period {row['period']!r} twice; add them up")
    series = table["series"].unique(maintain_order=True).to_list()
    periods = _in_order(table["period"].unique().to_list())
    at_row, at_column = _places(table["series"], series), _places(table["period"], periods)
    values = {}
    for name in columns:
        panel = np.full((len(series), len(periods)), np.nan)
        panel[at_row, at_column] = table[name].cast(pl.Float64).to_numpy()
        values[name] = panel
    return LongPanel(series, periods, values)


def _in_order(periods: list[str]) -> list[str]:
    """As texts sort; where all are whole numbers, as numbers do, so that 10 comes after 9."""
    return sorted(periods, key=int) if all(each.isascii() and each.isdigit() for each in periods) else sorted(periods)


def _places(names: pl.Series, order: list[str]) -> npt.NDArray[np.int64]:
    place = {name: number for number, name in enumerate(order)}
    return np.array([place[name] for name in names.to_list()], dtype=np.int64)


def tidy(columns: Mapping[str, Any]) -> pl.DataFrame:
    """Columns as a table, NaN as empty."""
    return pl.DataFrame(dict(columns)).with_columns(pl.col(pl.Float64).fill_nan(None))
