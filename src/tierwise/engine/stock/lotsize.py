"""How much to order each time: lot sizes under fixed cost, backorders, a production rate, discounts, known demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats, Ints


@dataclass(frozen=True, slots=True)
class LotSize:
    """Order ``quantity``, its ``cost`` per time unit (no purchase value unless discounts are asked for), the time from
    one order to the next and the share of a cycle spent short."""

    quantity: Floats
    cost: Floats
    cycle: Floats
    short_share: Floats


@dataclass(frozen=True, slots=True)
class DiscountedLot:
    """``tier`` is the index of the price that applies; ``by_tier`` holds the best cost within each tier (NaN where a
    tier has no quantity of its own that could be best), so one sees what the next price break would have cost."""

    quantity: Floats
    cost: Floats
    tier: Ints
    unit_cost: Floats
    by_tier: Floats


def economic_order_quantity(
    fixed: npt.ArrayLike,
    holding: npt.ArrayLike,
    demand_rate: npt.ArrayLike,
    stockout: npt.ArrayLike = np.inf,
    production_rate: npt.ArrayLike = np.inf,
) -> LotSize:
    """The lot with the least fixed plus holding cost, with planned backorders and gradual receipt where asked for.

    Q* = √(2Kλ/(hρ)) · √((h + p)/p), ρ = 1 − λ/µ; cost = √(2Kλhρ · p/(h + p)); short share h/(h + p).
    ``fixed`` per order, ``holding`` and ``stockout`` per unit and time unit, rates per time unit. Shapes broadcast; NaN
    gives NaN. ValueError where a cost is not above 0 or production is not faster than demand.

    Source: Snyder and Shen (2019), 3.2, 3.5 (backorders), 3.6 (production). Example 3.1:

    >>> lot = economic_order_quantity(fixed=8, holding=0.225, demand_rate=1300)
    >>> print(f"{lot.quantity:.7f} {lot.cost:.7f}")
    304.0467800 68.4105255
    """
    order, hold = checks.positive("fixed", fixed), checks.positive("holding", holding)
    rate, short, make = (
        checks.positive("demand_rate", demand_rate),
        *map(_some, ("stockout", "production_rate"), (stockout, production_rate)),
    )
    if np.any(make <= rate):
        raise ValueError("production_rate: must be above demand_rate, else stock never builds up; leave it out to buy")
    idle = 1 - rate / make
    with np.errstate(invalid="ignore"):
        served = np.where(np.isinf(short), 1.0, short / (short + hold))
    quantity = np.sqrt(2 * order * rate / (hold * idle * served))
    return LotSize(
        quantity, np.sqrt(2 * order * rate * hold * idle * served), quantity / rate, 1 - served + 0 * quantity
    )


def _some(name: str, values: npt.ArrayLike) -> Floats:
    """Above 0; infinity means that there is no such limit."""
    array = checks.numbers(name, values)
    if np.any(array <= 0):
        raise ValueError(f"{name}: must be above 0; leave it out where it does not apply")
    return array


def discounted_order_quantity(
    fixed: npt.ArrayLike,
    holding_rate: npt.ArrayLike,
    demand_rate: npt.ArrayLike,
    tiers: tuple[npt.ArrayLike, npt.ArrayLike],
    incremental: bool = False,
) -> DiscountedLot:
    """The cheapest lot under quantity discounts, purchase value included.

    ``tiers`` = (breakpoints, unit costs), each of shape (tiers,) or (items, tiers): tier j holds from breakpoint j on,
    the first breakpoint is 0, breakpoints rise, unit costs fall; NaN fills up items with fewer tiers. Holding costs
    ``holding_rate`` per money unit of stock and time unit. All units (default): the price of the tier reached holds
    for the whole lot, Q_j = √(2Kλ/(i·c_j)) lifted to its breakpoint. Incremental: each tier's price holds for its own
    units, Q_j = √(2(K + c̄_j)λ/(i·c_j)) with c̄_j = Σ c_i(b_{i+1} − b_i) − c_j·b_j, feasible only inside the tier.
    ValueError where breakpoints do not rise from 0 or unit costs do not fall.

    Source: Snyder and Shen (2019), 3.4.2 and 3.4.3. Examples 3.5 and 3.6:

    >>> prices = ([0, 400, 800], [0.75, 0.72, 0.68])
    >>> lot = discounted_order_quantity(8, 0.3, 1300, prices)
    >>> print(f"{lot.quantity:.0f} {lot.cost:.2f}")
    800 978.60
    >>> lot = discounted_order_quantity(8, 0.3, 1300, prices, incremental=True)
    >>> print(f"{lot.quantity:.4f} {lot.cost:.2f}")
    304.0468 1043.41
    """
    order, charge = checks.positive("fixed", fixed), checks.positive("holding_rate", holding_rate)
    rate = checks.positive("demand_rate", demand_rate)
    breaks, costs = checks.nonnegative("breakpoints", tiers[0]), checks.positive("unit_costs", tiers[1])
    if breaks.shape[-1:] != costs.shape[-1:] or not breaks.shape or not breaks.shape[-1]:
        raise ValueError("tiers: give one unit cost per breakpoint, at least one of each")
    _check_tiers(breaks, costs)
    order, charge, rate = (
        value[..., None] for value in checks.together(fixed=order, holding_rate=charge, demand_rate=rate)
    )
    steps = np.diff(breaks, axis=-1) * costs[..., :-1]
    before = np.concatenate([np.zeros((*steps.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)
    # What the units below the breakpoint cost beyond this tier's price acts like a fixed cost of the order.
    lump = before - costs * breaks if incremental else np.zeros_like(costs + breaks)
    upper = np.concatenate([breaks[..., 1:], np.full((*breaks.shape[:-1], 1), np.inf)], axis=-1)
    upper = np.where(np.isnan(upper), np.inf, upper)
    best = np.sqrt(2 * (order + lump) * rate / (charge * costs))
    inside = (best >= breaks) & (best <= upper)
    lot = best if incremental else np.maximum(best, breaks)
    within = inside if incremental else best < upper
    if not incremental:
        lump = np.zeros_like(lot)
    total = costs * rate + (order + lump) * rate / lot + charge * costs * lot / 2 + charge * lump / 2
    by_tier = np.where(within, total, np.nan)
    return _cheapest(lot, by_tier, np.broadcast_to(costs, by_tier.shape))


def _check_tiers(breaks: Floats, costs: Floats) -> None:
    if np.any(breaks[..., 0] != 0) or np.any(np.diff(breaks, axis=-1) <= 0):
        raise ValueError("breakpoints: must begin at 0 and rise; fill up with NaN at the end where an item has fewer")
    if np.any(np.diff(costs, axis=-1) >= 0):
        raise ValueError("unit_costs: must fall from tier to tier; merge tiers of one price")


def _cheapest(lot: Floats, by_tier: Floats, costs: Floats) -> DiscountedLot:
    cost = np.where(np.isnan(by_tier), np.inf, by_tier)
    tier = np.argmin(cost, axis=-1)
    picked = [np.take_along_axis(values, tier[..., None], axis=-1)[..., 0] for values in (lot, by_tier, costs)]
    unknown = np.isnan(picked[1])
    return DiscountedLot(
        np.where(unknown, np.nan, picked[0]), picked[1], np.where(unknown, -1, tier), picked[2], by_tier
    )


def dynamic_lots(fixed: npt.ArrayLike, holding: npt.ArrayLike, demand: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Orders per period that meet known demand at least cost, and that cost (Wagner and Whitin).

    ``demand`` has shape (items, periods) or (periods,); ``fixed`` per order and ``holding`` per unit carried to the
    next period, one or one per item. θ(t) = min over s of K + h·Σ (i − t)·d_i + θ(s), in O(periods) a period looked
    back until carrying costs more than ordering. NaN demand makes the item's answer NaN. Source: Wagner and Whitin,
    Management Science 5 (1958) 89-96; Snyder and Shen (2019), 3.7, example 3.9:

    >>> orders, cost = dynamic_lots(500, 2, [90, 120, 80, 70])
    >>> orders.tolist(), float(cost)
    ([210.0, 0.0, 150.0, 0.0], 1380.0)
    """
    wanted = checks.nonnegative("demand", demand)
    if wanted.ndim not in {1, 2}:
        raise ValueError("demand: must have the shape (periods,) or (items, periods)")
    rows = np.atleast_2d(wanted)
    items, periods = rows.shape
    order = np.broadcast_to(checks.nonnegative("fixed", fixed), (items,))
    hold = np.broadcast_to(checks.nonnegative("holding", holding), (items,))
    best = np.zeros((items, periods + 1))
    until = np.zeros((items, periods), dtype=np.int64)
    for first in range(periods - 1, -1, -1):
        carried = hold[:, None] * np.cumsum(np.arange(periods - first) * rows[:, first:], axis=1)
        options = order[:, None] + carried + best[:, first + 1 :]
        # Without demand in the first period one need not order; the chain then starts a period later.
        pick = np.argmin(np.where(np.isnan(options), np.inf, options), axis=1)
        cost = np.take_along_axis(options, pick[:, None], axis=1)[:, 0]
        skip = (rows[:, first] == 0) & (best[:, first + 1] <= cost)
        best[:, first] = np.where(skip, best[:, first + 1], cost)
        until[:, first] = np.where(skip, first, first + pick + 1)
    orders = _follow(rows, until)
    unknown = np.isnan(rows).any(axis=1)
    orders[unknown] = np.nan
    total = np.where(unknown, np.nan, best[:, 0])
    return (orders[0], total[0]) if wanted.ndim == 1 else (orders, total)


def _follow(rows: Floats, until: Ints) -> Floats:
    """Turns 'this order lasts until' into quantities; ``until`` of the period itself says that nothing is ordered."""
    items, periods = rows.shape
    sums = np.concatenate([np.zeros((items, 1)), np.cumsum(rows, axis=1)], axis=1)
    orders, due = np.zeros((items, periods)), np.zeros(items, dtype=np.int64)
    every = np.arange(items)
    for period in range(periods):
        now = due == period
        end = until[:, period]
        lot = sums[every, np.maximum(end, period)] - sums[:, period]
        orders[:, period] = np.where(now, lot, 0.0)
        due = np.where(now, np.maximum(end, period + 1), due)
    return orders
