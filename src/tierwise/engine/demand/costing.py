"""What it costs to serve a demand cell, and what it earns after that: time-driven activity-based costing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from tierwise.engine.demand.cells import GRAIN
from tierwise.engine.demand.coded import CodedLines, as_coded
from tierwise.engine.matching import KeyIndex

WHOLE = "*"
"""Stands in a key column of an activity count that concerns, say, a customer as a whole."""

_FROM_LINES = {"order_line": "order_lines", "order": "orders", "return": "returns"}
_DRIVERS = {"revenue": "revenue", "order_lines": "order_lines", "quantity": "quantity", "equal": None}


@dataclass(frozen=True, slots=True)
class CostPool:
    """A resource: its cost over the window, the minutes it can really work in it, minutes per activity done once."""

    name: str
    cost: float
    practical_capacity_minutes: float
    activities: Mapping[str, float]

    def __post_init__(self) -> None:
        if not (isfinite(self.cost) and self.cost >= 0):
            raise ValueError(f"cost: pool {self.name!r} has {self.cost}; give what the resource costs, 0 or more")
        if not (isfinite(self.practical_capacity_minutes) and self.practical_capacity_minutes > 0):
            raise ValueError(
                f"practical_capacity_minutes: pool {self.name!r} has {self.practical_capacity_minutes}; "
                "give the minutes really available (often 80 to 85 % of the theoretical ones)"
            )
        for activity, minutes in self.activities.items():
            if not (isfinite(minutes) and minutes >= 0):
                raise ValueError(
                    f"activities: {activity!r} in pool {self.name!r} has {minutes} minutes; give 0 or more"
                )

    @property
    def rate(self) -> float:
        """Cost of one minute of practical capacity."""
        return self.cost / self.practical_capacity_minutes


@dataclass(frozen=True, slots=True)
class CostingParams:
    """How cells are costed.

    ``driver`` spreads an activity of a customer as a whole over its cells. ``missing_cost``: "unknown" leaves the
    margin of a cell with an uncosted line undefined, "cell_ratio" costs such lines at the cost-to-revenue ratio of the
    cell's other lines and says so. ``restock_share`` is how much of a returned unit's cost is recovered (0 to 1).
    """

    pools: tuple[CostPool, ...] = ()
    grain: tuple[str, ...] = GRAIN
    driver: Literal["revenue", "order_lines", "quantity", "equal"] = "revenue"
    missing_cost: Literal["unknown", "cell_ratio"] = "unknown"
    restock_share: float = 1.0

    def __post_init__(self) -> None:
        names = [pool.name for pool in self.pools]
        if len(set(names)) != len(names):
            raise ValueError(f"pools: {names} repeat a name; give each cost pool its own")
        if self.driver not in _DRIVERS:
            raise ValueError(f"driver: {self.driver!r} is unknown; use {', '.join(_DRIVERS)}")
        if self.missing_cost not in {"unknown", "cell_ratio"}:
            raise ValueError(f"missing_cost: {self.missing_cost!r} is unknown; use unknown or cell_ratio")
        if not 0 <= self.restock_share <= 1:
            raise ValueError(f"restock_share: {self.restock_share} must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Costing:
    """Cells with their margins, the pools' use, and what could not be placed.

    ``cells``: see `cell_margins`. ``pools``: see `capacity_use`. ``unplaced``: activity counts and cost that fit no
    cell (grain, activity, count, cost). ``unpriced``: activities that were counted but stand in no pool.
    """

    cells: pl.DataFrame
    pools: pl.DataFrame
    unplaced: pl.DataFrame
    unpriced: tuple[str, ...]


def activity_costs(pools: Sequence[CostPool]) -> dict[str, float]:
    """Cost of doing each activity once: minutes × rate, summed over the pools it passes through.

    Source: Kaplan and Anderson, "Time-Driven Activity-Based Costing", HBR 82 (11), 2004. Published numbers: 560,000
    for 700,000 minutes is 0.80 a minute, so an order of 40 minutes costs 32.00.

    >>> desk = CostPool("desk", 560_000, 700_000, {"order": 40, "complaint": 220, "credit_check": 250})
    >>> {activity: round(cost, 2) for activity, cost in activity_costs([desk]).items()}
    {'order': 32.0, 'complaint': 176.0, 'credit_check': 200.0}
    """
    costs: dict[str, float] = {}
    for pool in pools:
        for activity, minutes in pool.activities.items():
            costs[activity] = costs.get(activity, 0.0) + minutes * pool.rate
    return costs


def capacity_use(pools: Sequence[CostPool], counts: Mapping[str, float]) -> pl.DataFrame:
    """Used and unused capacity per pool; unused capacity is never charged to a cell.

    Columns: pool, rate (per minute), capacity_minutes, used_minutes, used_cost, unused_minutes, unused_cost,
    utilisation. Above 1 the pool did more than its practical capacity allows: its minutes need a look, and
    ``unused_cost`` is negative. Published numbers (Kaplan and Anderson): 9,800 orders, 280 complaints and 500 credit
    checks use 578,600 minutes; 462,880 are assigned and 97,120 (121,400 minutes) stay unused; utilisation 82.66 %.

    >>> desk = CostPool("desk", 560_000, 700_000, {"order": 40, "complaint": 220, "credit_check": 250})
    >>> used = capacity_use([desk], {"order": 9_800, "complaint": 280, "credit_check": 500})
    >>> used.select("used_minutes", "used_cost", "unused_cost", pl.col("utilisation").round(4)).row(0)
    (578600.0, 462880.0, 97120.0, 0.8266)
    """
    rows = []
    for pool in pools:
        used = sum(minutes * counts.get(activity, 0.0) for activity, minutes in pool.activities.items())
        unused = pool.practical_capacity_minutes - used
        rows.append(
            {
                "pool": pool.name,
                "rate": pool.rate,
                "capacity_minutes": float(pool.practical_capacity_minutes),
                "used_minutes": float(used),
                "used_cost": used * pool.rate,
                "unused_minutes": float(unused),
                "unused_cost": unused * pool.rate,
                "utilisation": used / pool.practical_capacity_minutes,
            }
        )
    numbers = ("rate", "capacity_minutes", "used_minutes", "used_cost", "unused_minutes", "unused_cost", "utilisation")
    return pl.DataFrame(rows, schema={"pool": pl.String, **dict.fromkeys(numbers, pl.Float64)})


def cell_margins(
    lines: pl.DataFrame | pl.LazyFrame | CodedLines, params: CostingParams, activities: pl.DataFrame | None = None
) -> Costing:
    """Net margin of every demand cell: revenue − returns − cost of goods − cost to serve.

    ``lines``: grain columns, ``order``, ``kind`` ('order' or 'return'), ``quantity`` (base units), ``revenue`` (scheme
    currency), ``unit_cost`` (per base unit, may be null); or the same from `code_lines`. Already limited to the window
    the pools are for.
    ``activities``: grain columns ('*' or null: as a whole), ``activity``, ``count``.

    Cells, sorted by grain: ``revenue``, ``returned_revenue``, ``net_revenue``, ``quantity``, ``returned_quantity``,
    ``volume`` (quantity less returned), ``order_lines``, ``orders``, ``returns``, ``cost_of_goods``, ``gross_margin``,
    ``cost_to_serve``, ``net_margin``, ``uncosted_lines`` (no cost or no revenue), ``unvalued_lines`` (no revenue),
    ``cost_basis`` ('known', 'estimated', 'unknown').
    An order that spans several cells counts in each by its share of the order's lines, so orders add up.
    A line without revenue or cost makes the cell's cost basis 'unknown' and its margins null, never zero.
    Raises ValueError where an activity that is counted from the lines (order_line, order, return) also comes as fact.

    An order of two lines, sold at 300, bought at 200, takes 10 minutes at 2 a minute:

    >>> place = {"item": ["A"] * 2, "order": ["1"] * 2}
    >>> sold = {"kind": ["order"] * 2, "quantity": [10, 10], "revenue": [150.0, 150.0], "unit_cost": [10.0, 10.0]}
    >>> desk = CostPool("desk", 200, 100, {"order": 10})
    >>> cells = cell_margins(pl.DataFrame(place | sold), CostingParams((desk,), ("item",))).cells
    >>> cells.select("net_revenue", "gross_margin", "cost_to_serve", "net_margin").row(0)
    (300.0, 100.0, 20.0, 80.0)
    """
    cells = _totals(lines, params)
    facts = _check_activities(activities, params, cells)
    spread = _spread_over_cells(facts, cells, params)
    prices = activity_costs(params.pools)
    counts = {activity: float(cells[column].sum()) for activity, column in _FROM_LINES.items()}
    counts |= dict(facts.group_by("activity").agg(pl.col("count").sum()).iter_rows())
    unpriced = tuple(sorted(set(facts["activity"].unique()) - set(prices)))
    price = pl.col("activity").replace_strict(prices, default=0.0, return_dtype=pl.Float64)
    unplaced = spread.unplaced.with_columns((pl.col("count") * price).alias("cost"))
    served = spread.placed.group_by("cell").agg((pl.col("count") * price).sum().alias("cost_to_serve"))
    own = pl.sum_horizontal(pl.col(column) * prices.get(activity, 0.0) for activity, column in _FROM_LINES.items())
    cells = (
        cells.join(served, on="cell", how="left", maintain_order="left")
        .with_columns((own + pl.col("cost_to_serve").fill_null(0.0)).alias("cost_to_serve"))
        .with_columns((pl.col("gross_margin") - pl.col("cost_to_serve")).alias("net_margin"))
    )
    return Costing(cells.select(*params.grain, *_CELL_COLUMNS), capacity_use(params.pools, counts), unplaced, unpriced)


_CELL_COLUMNS = (
    *("revenue", "returned_revenue", "net_revenue", "quantity", "returned_quantity", "volume"),
    *("order_lines", "orders", "returns", "cost_of_goods", "gross_margin", "cost_to_serve", "net_margin"),
    *("uncosted_lines", "unvalued_lines", "cost_basis"),
)


def _totals(lines: pl.DataFrame | pl.LazyFrame | CodedLines, params: CostingParams) -> pl.DataFrame:
    coded = as_coded(lines, params.grain, "order", "quantity", "revenue", "unit_cost")
    rows = coded.lines
    quantity, revenue, cost = (rows[name].fill_null(nan).to_numpy() for name in ("quantity", "revenue", "unit_cost"))
    is_order = rows["is_order"].to_numpy()
    of_order = KeyIndex(rows, ["order"]).first
    found = _sum_cells(
        len(coded.cells), (coded.cell, is_order, of_order), (quantity, revenue, cost), params.restock_share
    )
    sums = pl.DataFrame(found, schema=dict.fromkeys(_SUMS, pl.Float64))
    totals = coded.cells.hstack(sums).filter(pl.col("order_lines") + pl.col("returns") > 0)
    whole = [pl.col(name).cast(pl.Int64) for name in ("uncosted_lines", "unvalued_lines")]
    return _cost_of_goods(totals.with_columns(whole).with_row_index("cell"), params)


_SUMS = (
    *("revenue", "returned_revenue", "quantity", "returned_quantity", "order_lines", "orders", "returns"),
    *("costed", "costed_revenue", "uncosted_revenue", "uncosted_lines", "unvalued_lines"),
)


@njit(cache=True, nogil=True)
def _sum_cells(cells, lines, amounts, restock):  # type: ignore[no-untyped-def]
    """The sums of ``_SUMS`` per cell, added in the order of the lines; NaN is an amount that nobody knows."""
    cell, is_order, of_order = lines
    quantity, revenue, cost = amounts
    spans = np.zeros(len(of_order), dtype=np.int32)
    for row in range(len(cell)):
        if is_order[row]:
            spans[of_order[row]] += 1
    sums = np.zeros((cells, 12))
    for row in range(len(cell)):
        own = sums[cell[row]]
        sign = 1.0 if is_order[row] else -restock
        amount = 0.0 if np.isnan(quantity[row]) else quantity[row]
        worth = 0.0 if np.isnan(revenue[row]) else revenue[row]
        if is_order[row]:
            own[0] += worth
            own[2] += amount
            own[4] += 1.0
            own[5] += 1.0 / spans[of_order[row]]
        else:
            own[1] += worth
            own[3] += amount
            own[6] += 1.0
        if np.isnan(cost[row]):
            own[9] += sign * worth
        if np.isnan(cost[row]) or np.isnan(revenue[row]):
            own[10] += 1.0
        else:
            own[7] += sign * amount * cost[row]
            own[8] += sign * worth
        if np.isnan(revenue[row]):
            own[11] += 1.0
    return sums


def _cost_of_goods(totals: pl.DataFrame, params: CostingParams) -> pl.DataFrame:
    complete = pl.col("uncosted_lines") == 0
    ratio = pl.col("costed") / pl.col("costed_revenue")
    estimable = (pl.col("unvalued_lines") == 0) & (pl.col("costed_revenue") > 0) & (params.missing_cost == "cell_ratio")
    net = pl.col("revenue") - pl.col("returned_revenue")
    return totals.with_columns(
        net.alias("net_revenue"),
        (pl.col("quantity") - pl.col("returned_quantity")).alias("volume"),
        pl.when(complete)
        .then("costed")
        .when(estimable)
        .then(pl.col("costed") + ratio * pl.col("uncosted_revenue"))
        .alias("cost_of_goods"),
        pl.when(complete)
        .then(pl.lit("known"))
        .when(estimable)
        .then(pl.lit("estimated"))
        .otherwise(pl.lit("unknown"))
        .alias("cost_basis"),
    ).with_columns((pl.col("net_revenue") - pl.col("cost_of_goods")).alias("gross_margin"))


def _check_activities(activities: pl.DataFrame | None, params: CostingParams, cells: pl.DataFrame) -> pl.DataFrame:
    """Grain columns ('*' where as a whole), activity and count, summed per key."""
    if activities is None:
        return cells.clear().select(*params.grain, pl.lit("").alias("activity"), pl.lit(0.0).alias("count")).clear()
    missing = [name for name in ("activity", "count") if name not in activities.columns]
    if missing:
        raise ValueError(f"activities: column {missing[0]!r} is missing; give the activity's name and its count")
    wide = activities.with_columns(pl.lit(WHOLE).alias(name) for name in params.grain if name not in activities.columns)
    facts = wide.select(
        *(pl.col(name).cast(cells.schema[name]).fill_null(WHOLE) for name in params.grain),
        pl.col("activity").cast(pl.String),
        pl.col("count").cast(pl.Float64),
    )
    if facts["count"].null_count() or (facts["count"] < 0).any():
        raise ValueError("activities: 'count' must be filled and 0 or more; leave out what was not done")
    twice = sorted(set(facts["activity"].unique()) & set(_FROM_LINES))
    if twice:
        raise ValueError(f"activities: {twice[0]!r} is counted from the demand lines; rename it or leave it out")
    return facts.group_by(*params.grain, "activity").agg(pl.col("count").sum()).sort(*params.grain, "activity")


@dataclass(frozen=True, slots=True)
class _Spread:
    placed: pl.DataFrame
    unplaced: pl.DataFrame


def _spread_over_cells(facts: pl.DataFrame, cells: pl.DataFrame, params: CostingParams) -> _Spread:
    """Counts per cell and activity; each count goes to the cells that match its filled keys, by the driver's share."""
    driver = _DRIVERS[params.driver]
    weight = pl.lit(1.0) if driver is None else pl.col(driver)
    weighted = cells.select(*params.grain, "cell", weight.alias("weight"))
    facts = facts.with_row_index("fact")
    placed = [pl.DataFrame(schema={"fact": pl.UInt32, "cell": pl.UInt32, "activity": pl.String, "count": pl.Float64})]
    shape = pl.concat_str([(pl.col(name) == WHOLE).cast(pl.Int8) for name in params.grain]).alias("shape")
    for (found,), part in facts.with_columns(shape).group_by("shape", maintain_order=True):
        filled = [name for name, whole in zip(params.grain, str(found), strict=True) if whole == "0"]
        keyed = part.select(*filled, "fact", "activity", "count")
        pairs = keyed.join(weighted, on=filled) if filled else keyed.join(weighted, how="cross")
        total, members = pl.col("weight").sum().over("fact"), pl.len().over("fact")
        share = pl.when(total > 0).then(pl.col("weight") / total).otherwise(1.0 / members)
        placed.append(pairs.select("fact", "cell", "activity", pl.col("count") * share))
    everywhere = pl.concat(placed)
    unplaced = facts.join(everywhere.select("fact").unique(), on="fact", how="anti", maintain_order="left")
    return _Spread(everywhere, unplaced.drop("fact"))


@dataclass(frozen=True, slots=True)
class WhaleCurve:
    """Cumulative profit over rank, the most profitable first.

    ``profit[i]`` is the profit of the best ``i + 1`` members; ``share`` relates it to the final total (NaN when that is
    not positive); ``peak_rank`` members make the peak, the rest take ``peak − total`` away again; ``unknown`` members
    have no profit figure and are left out.
    """

    profit: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    peak: float
    peak_rank: int
    total: float
    unknown: int


def whale_curve(profits: pl.Series | npt.NDArray[np.float64]) -> WhaleCurve:
    """How much of the profit the best members make and how much the rest lose again.

    Source: Kaplan and Narayanan, "Measuring and Managing Customer Profitability", Journal of Cost Management 15 (5),
    2001. Empty input gives an empty curve with total 0.

    >>> curve = whale_curve(np.array([-30.0, 100.0, 50.0, -20.0]))
    >>> curve.profit.tolist(), curve.peak, curve.peak_rank
    ([100.0, 150.0, 130.0, 100.0], 150.0, 2)
    """
    values = profits.cast(pl.Float64).to_numpy() if isinstance(profits, pl.Series) else np.asarray(profits, dtype=float)
    known = np.sort(values[np.isfinite(values)])[::-1]
    profit = np.cumsum(known)
    total = float(profit[-1]) if len(profit) else 0.0
    peak_rank = int(np.count_nonzero(known > 0))
    return WhaleCurve(
        profit=profit,
        share=profit / total if total > 0 else np.full(len(profit), np.nan),
        peak=float(profit[peak_rank - 1]) if peak_rank else 0.0,
        peak_rank=peak_rank,
        total=total,
        unknown=len(values) - len(known),
    )
