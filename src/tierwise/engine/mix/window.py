"""Mixes frozen per period, each from the window of demand before it, as intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from tierwise.engine.mix.carry import carry_mix
from tierwise.engine.mix.netting import Netting
from tierwise.engine.network import Network, build_network, rows_valid_on
from tierwise.engine.network.build import NO_ARCS, NO_BOM, site_of
from tierwise.engine.network.rows import require_columns

_COLUMNS = ["item", "site", "segment", "valid_from", "valid_to", "share", "units", "basis"]
_TEXTS = ["item", "site", "segment"]


@dataclass(frozen=True, slots=True)
class WindowParams:
    """How much of the past a period's mix looks at.

    `window_days` before the period start, the start itself excluded. `half_life_days` halves the weight of demand that
    is that much older than the window's last day (None: all days count alike). `hold_periods` keeps an item's last mix
    for so many further periods when its window holds no demand (0: it then has none).
    """

    window_days: int = 90
    half_life_days: float | None = None
    hold_periods: int = 0

    def __post_init__(self) -> None:
        if self.window_days < 1:
            raise ValueError("window_days must be at least 1: the days before a period that its mix is made from")
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ValueError("half_life_days must be above 0, or None to weight all days alike")
        if self.hold_periods < 0:
            raise ValueError("hold_periods must be at least 0: periods that an item keeps its last mix without demand")


def window_mix(
    demand: pl.DataFrame,
    starts: Sequence[date],
    bom: pl.DataFrame = NO_BOM,
    arcs: pl.DataFrame = NO_ARCS,
    params: WindowParams | None = None,
) -> pl.DataFrame:
    """[item, site, segment, valid_from, valid_to, share, units, basis]: one mix per node and period.

    `demand` [item, segment, units, date] with optional `site` and `cell` (see `net_demand`; returns are dated by the
    caller, negative). `bom` and `arcs` as in `build_network` with `valid_from` and `valid_to`: a period uses the rows
    valid on its first day. `starts` are the first days of the periods; a period ends the day before the next one and
    the last stays open (`valid_to` null). A period's mix is made from the `window_days` before it, so nothing that
    happens in a period changes the mix that it is judged by.

    `basis` is `window`, or `first_mix` on periods before an item × site had its first window with demand: they carry
    that first mix back. To give history a first mix from its own last days, add a period start after them.
    """
    params = params or WindowParams()
    if not starts:
        raise ValueError("starts is empty: give the first day of at least one period")
    if len(set(starts)) < len(starts):
        raise ValueError("starts names a day twice: give each period's first day once")
    starts = sorted(starts)
    return joined_mixes([period_mixes(starts, demand, bom, arcs, params)], starts, params.hold_periods)


def period_mixes(
    starts: Sequence[date], demand: pl.DataFrame, bom: pl.DataFrame, arcs: pl.DataFrame, params: WindowParams
) -> pl.DataFrame:
    """[item, site, segment, share, units, start]: the mixes of some of the periods, each from its own window alone.

    `window_mix` is this for all its periods and then `joined_mixes`; runs of periods can be worked apart from each
    other, in any place.
    """
    require_columns(demand, "demand", ("item", "units", "date"))
    lines = demand.with_columns(site_of(demand))
    networks = _Networks(lines.select("item", "site").unique().cast(pl.String), bom, arcs)
    reach = timedelta(days=params.window_days)
    seen = pl.col("date").is_between(min(starts) - reach, max(starts), closed="left")
    netting = Netting(lines.filter(seen))
    frames: list[pl.DataFrame] = []
    for start in starts:
        netted = netting.between(start - reach, start - timedelta(days=1), params.half_life_days)
        frames.append(carry_mix(netted, networks.on(start)).frame().with_columns(start=pl.lit(start)))
    return pl.concat(frames)


def joined_mixes(parts: Sequence[pl.DataFrame], starts: Sequence[date], hold_periods: int = 0) -> pl.DataFrame:
    """What `window_mix` returns, from `period_mixes` of all the periods, whose first days are `starts` in order."""
    ends: list[date | None] = [start - timedelta(days=1) for start in starts[1:]]
    periods = pl.DataFrame(
        {"period": range(len(starts)), "valid_from": starts, "valid_to": [*ends, None]},
        schema={"period": pl.Int32, "valid_from": pl.Date, "valid_to": pl.Date},
    )
    mixes = pl.concat(parts).join(periods, left_on="start", right_on="valid_from", maintain_order="left")
    # As numbers in the order of the texts: looking for gaps and sorting read each text many times otherwise.
    numbered = [pl.col(name).cast(pl.Enum(mixes[name].unique().sort())) for name in _TEXTS]
    mixes = mixes.drop("start", "valid_to").with_columns(*numbered, basis=pl.lit("window"))
    filled = pl.concat([mixes, _carried_back(mixes), _held(mixes, hold_periods, len(starts))])
    rows = filled.join(periods, on="period").select(_COLUMNS).sort("item", "site", "valid_from", "segment")
    return rows.with_columns(pl.col(_TEXTS).cast(pl.String))


class _Networks:
    """Builds a network only when the rows valid on the day differ from those of the period before."""

    def __init__(self, nodes: pl.DataFrame, bom: pl.DataFrame, arcs: pl.DataFrame) -> None:
        self._nodes, self._bom, self._arcs = nodes, bom, arcs
        self._last: tuple[pl.DataFrame, pl.DataFrame, Network] | None = None

    def on(self, day: date) -> Network:
        bom, arcs = rows_valid_on(self._bom, day), rows_valid_on(self._arcs, day)
        if self._last is None or not (bom.equals(self._last[0]) and arcs.equals(self._last[1])):
            self._last = (bom, arcs, build_network(self._nodes, bom, arcs))
        return self._last[2]


def _carried_back(mixes: pl.DataFrame) -> pl.DataFrame:
    first = mixes.filter(pl.col("period") == pl.col("period").min().over("item", "site"))
    earlier = first.with_columns(period=pl.int_ranges(0, "period", dtype=pl.Int32), basis=pl.lit("first_mix"))
    return earlier.filter(pl.col("period").list.len() > 0).explode("period").select(mixes.columns)


def _held(mixes: pl.DataFrame, periods: int, count: int) -> pl.DataFrame:
    if not periods:
        return mixes.clear()
    nodes = mixes.select("item", "site", "period").unique().sort("item", "site", "period")
    following = pl.col("period").shift(-1).over("item", "site").fill_null(count)
    stop = pl.min_horizontal(following, pl.col("period") + 1 + periods)
    gaps = nodes.with_columns(later=pl.int_ranges(pl.col("period") + 1, stop, dtype=pl.Int32))
    gaps = gaps.filter(pl.col("later").list.len() > 0).explode("later")
    return (
        mixes.join(gaps, on=["item", "site", "period"]).drop("period").rename({"later": "period"}).select(mixes.columns)
    )
