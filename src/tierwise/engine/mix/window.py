"""Mixes frozen per period, each from the window of demand before it, as intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from tierwise.engine.mix.carry import carry_mix
from tierwise.engine.mix.netting import Netting
from tierwise.engine.network import Network, build_network, rows_valid_on
from tierwise.engine.network.build import NO_ARCS, NO_BOM, site_of
from tierwise.engine.network.rows import require_columns

_COLUMNS = ["item", "site", "segment", "valid_from", "valid_to", "share", "units", "basis"]
_NODE = ["item", "site"]
_TEXTS = [*_NODE, "segment"]


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


def joined_mixes(parts: Iterable[pl.DataFrame], starts: Sequence[date], hold_periods: int = 0) -> pl.DataFrame:
    """What `window_mix` returns, from `period_mixes` of all the periods, whose first days are `starts` in order."""
    found = list(mixes_in_turn(parts, starts, hold_periods))
    return pl.concat(found).sort("item", "site", "valid_from", "segment")


def mixes_in_turn(
    parts: Iterable[pl.DataFrame], starts: Sequence[date], hold_periods: int = 0
) -> Iterator[pl.DataFrame]:
    """The rows of `joined_mixes` in pieces, each of one period: memory grows with a period's rows alone.

    `parts` are `period_mixes` of runs of periods in order. What is known of the periods before is what nodes had for
    their last mix, and which nodes had any; a node that comes up first gives its first mix to all periods before.
    """
    ends: list[date | None] = [start - timedelta(days=1) for start in starts[1:]]
    periods = list(zip(starts, [*ends, None], strict=True))

    def rows(mixes: pl.DataFrame, period: tuple[date, date | None], basis: str) -> pl.DataFrame:
        start, end = (pl.lit(day, pl.Date) for day in period)
        return mixes.select(
            *_TEXTS, "share", "units", valid_from=start, valid_to=end, basis=pl.lit(basis)
        ).select(_COLUMNS)  # fmt: skip

    known = pl.DataFrame(schema=dict.fromkeys(_NODE, pl.String))
    last: pl.DataFrame | None = None
    for number, mixes in enumerate(_by_period(parts, starts)):
        nodes = mixes.select(_NODE).unique()
        fresh = nodes.join(known, on=_NODE, how="anti")
        if number and fresh.height:
            first = mixes.join(fresh, on=_NODE, how="semi", maintain_order="left")
            yield from (rows(first, period, "first_mix") for period in periods[:number])
        known = pl.concat([known, fresh])
        current = mixes.with_columns(held=pl.lit(0, pl.Int32))
        if last is not None:
            held = last.filter(pl.col("held") < hold_periods).join(nodes, on=_NODE, how="anti", maintain_order="left")
            if held.height:
                current = pl.concat([current, held.with_columns(pl.col("held") + 1)]).sort(_TEXTS)
        yield rows(current, periods[number], "window")
        last = current


def _by_period(parts: Iterable[pl.DataFrame], starts: Sequence[date]) -> Iterator[pl.DataFrame]:
    """The mixes of every period, which are none where its window holds no demand."""
    none = pl.DataFrame(schema={**dict.fromkeys(_TEXTS, pl.String), "share": pl.Float64, "units": pl.Float64})
    coming = iter(starts)
    for part in parts:
        for (start,), mixes in part.group_by("start", maintain_order=True):
            for day in coming:
                if day == start:
                    break
                yield none
            else:
                raise ValueError(f"parts: {start} is none of the periods that follow; give their mixes in order")
            yield mixes.select(none.columns)
    yield from (none for _ in coming)


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
