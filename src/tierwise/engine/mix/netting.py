"""Demand after returns for any span of days, from lines that were put in order once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from tierwise.engine.mix.carry import COMMON
from tierwise.engine.network.build import site_of
from tierwise.engine.network.rows import require_columns

_KEY = ["item", "site", "segment"]
_EPOCH = date(1970, 1, 1)


class Netting:
    """What `net_demand` says of the lines of a span, without sorting them for each span anew.

    `demand` [item, segment, units, date] with optional `site` and `cell`, as in `net_demand`. Lines are added up in the
    order of their units and days, so that sums do not depend on the order in which rows arrive.
    """

    def __init__(self, demand: pl.DataFrame) -> None:
        require_columns(demand, "demand", ("item", "units", "date"))
        if "segment" not in demand.columns:
            raise ValueError(f"demand lacks the column segment; it has {', '.join(demand.columns)}")
        segment = pl.col("segment")
        if demand["segment"].null_count():
            segment = segment.cast(pl.String).fill_null(COMMON)
        cell = [*_KEY, "cell"] if "cell" in demand.columns else _KEY
        held = demand.with_columns(site_of(demand), segment, pl.col("units").cast(pl.Float64))
        if not held["units"].is_finite().all():
            raise ValueError("demand.units holds NaN or infinity; give base units, returns as negative numbers")
        held = held.select(*cell, "units", "date").sort(*cell, "units", "date")
        new_key = _begins(held, _KEY)
        self._keys = (
            held.select(_KEY).filter(pl.Series(new_key, dtype=pl.Boolean)).with_columns(pl.col(_KEY).cast(pl.String))
        )
        self._key = np.cumsum(new_key) - 1
        self._cell = np.cumsum(_begins(held, cell)) - 1
        self._units = held["units"].to_numpy()
        self._day = held["date"].to_physical().to_numpy()

    def between(self, first: date, last: date, half_life_days: float | None = None) -> pl.DataFrame:
        """[item, site, segment, units] of the days from first to last; with a half-life older days count less."""
        low, high = ((day - _EPOCH) // timedelta(days=1) for day in (first, last))
        weights = np.ones(high - low + 1)
        if half_life_days is not None:
            weights = 0.5 ** (np.arange(high - low, -1, -1) / half_life_days)
        units = _net(self._cell, self._key, self._units, self._day - low, weights, self._keys.height)
        there = np.flatnonzero(units > 0)
        return self._keys[there].with_columns(units=pl.Series(units[there], dtype=pl.Float64))


def _begins(rows: pl.DataFrame, columns: list[str]) -> npt.NDArray[np.bool_]:
    """Whether a row differs from the one above it, in rows sorted by these columns."""
    begins = np.zeros(rows.height, dtype=np.bool_)
    begins[:1] = True
    for name in columns:
        begins |= rows.select(pl.col(name).ne_missing(pl.col(name).shift())).to_series().to_numpy()
    return begins


@njit(cache=True, nogil=True)
def _net(cell, key, units, age, weights, keys):  # type: ignore[no-untyped-def]
    """Units per key: those of each cell added up, and the cell left out where more came back than was ordered."""
    sums = np.zeros(keys)
    row = 0
    while row < len(cell):
        one = cell[row]
        whole = 0.0
        at = row
        while at < len(cell) and cell[at] == one:
            if 0 <= age[at] < len(weights):
                whole += units[at] * weights[age[at]]
            at += 1
        if whole > 0.0:
            sums[key[row]] += whole
        row = at
    return sums
