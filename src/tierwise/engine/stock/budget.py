"""Safety stock under a budget: the cash where it prevents most, and what one more unit of money would buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock.distributions import normal_loss


@dataclass(frozen=True, slots=True)
class BufferItems:
    """What competes for the budget, one entry per item (or item at a site).

    ``unit_cost`` money per unit held, ``sd`` of demand over the lead time, ``quantity`` the usual lot, ``demand_rate``
    per time unit, ``weight`` the value of one unit short (margin, penalty, or 1 to count units). ``floor`` and
    ``ceiling`` bound the cycle service (shares), for instance a floor of 0.98 on what stops a line.
    """

    unit_cost: Floats
    sd: Floats
    quantity: Floats
    demand_rate: Floats
    weight: Floats
    floor: Floats
    ceiling: Floats

    def __init__(
        self,
        unit_cost: npt.ArrayLike,
        sd: npt.ArrayLike,
        quantity: npt.ArrayLike,
        demand_rate: npt.ArrayLike,
        **more: npt.ArrayLike,
    ) -> None:
        if unknown := sorted(set(more) - {"weight", "floor", "ceiling"}):
            raise ValueError(f"{unknown[0]}: unknown; give weight, floor or ceiling")
        fields = {
            "unit_cost": checks.positive("unit_cost", unit_cost),
            "sd": checks.nonnegative("sd", sd),
            "quantity": checks.positive("quantity", quantity),
            "demand_rate": checks.positive("demand_rate", demand_rate),
            "weight": checks.positive("weight", more.get("weight", 1.0)),
            "floor": checks.share("floor", more.get("floor", 0.5)),
            "ceiling": checks.share("ceiling", more.get("ceiling", 0.9999)),
        }
        for name, value in zip(fields, checks.together(**fields), strict=True):
            object.__setattr__(self, name, checks.own(np.atleast_1d(value)))
        if self.unit_cost.ndim != 1:
            raise ValueError("unit_cost, sd, …: must be one value or lists, one entry per item")
        if np.any(self.floor > self.ceiling):
            raise ValueError("floor: must not exceed ceiling")


@dataclass(frozen=True, slots=True)
class Buffers:
    """``safety_stock``, ``cash`` bound, ``cycle_service``, ``fill_rate`` and ``shortage`` (value short per time unit)
    per item. ``price`` is the shadow price: value of shortage that the next unit of money would prevent, 0 where the
    budget suffices for every ceiling. ``equal_service_shortage`` is the total shortage had the same cash been spread
    as one cycle service for all (floors and ceilings kept): what the optimum is better than."""

    safety_stock: Floats
    cash: Floats
    cycle_service: Floats
    fill_rate: Floats
    shortage: Floats
    price: float
    equal_service_shortage: float


def budget_buffers(items: BufferItems, budget: float) -> Buffers:
    """Safety stocks with the least value of shortage that cost no more than ``budget``.

    Minimises Σ w·(D/Q)·σ·n(k) subject to Σ c·σ·k ≤ budget and floors and ceilings on Φ(k): at the optimum every free
    item has w·(D/Q)·Φ(−k)/c = the shadow price, found by bisection, any number of items in one vector. A floor below
    one half may free cash (negative safety stock). Items with NaN or sd 0 get no cash and NaN or full service.
    ValueError where the floors alone cost more than the budget (the message says how much).

    Source: Silver, Pyke and Thomas, Inventory and Production Management (4th ed.), 6.11 and 10 (exchange curves); the
    price is the Lagrange multiplier.

    >>> alike = BufferItems(unit_cost=[1, 1], sd=[100, 100], quantity=[1000, 1000], demand_rate=[5000, 5000])
    >>> budget_buffers(alike, 200).safety_stock.round(6).tolist()
    [100.0, 100.0]
    """
    if not np.isfinite(budget):
        raise ValueError("budget: must be a number of money; a very large one reaches every ceiling")
    known = np.isfinite(items.unit_cost + items.sd + items.quantity + items.demand_rate + items.weight)
    low, high = special.ndtri(items.floor), special.ndtri(items.ceiling)
    cash = np.where(known, items.unit_cost * items.sd, 0.0)
    worth = np.where(known, items.weight * items.demand_rate / items.quantity, 0.0)
    least = float(cash @ low)
    if least > budget * (1 + 1e-12) + 1e-12:
        raise ValueError(f"budget: the floors alone take {least:,.2f}; raise the budget or lower a floor")
    price, factor = _spend(worth / items.unit_cost, cash, (low, high), budget)
    equal = _equal(cash, (low, high), min(budget, float(cash @ high)))
    factor = np.where(known, factor, np.nan)
    short = items.sd * normal_loss(factor)
    value = items.weight * items.demand_rate / items.quantity * short
    certain = items.sd == 0
    service = np.where(certain & known, 1.0, special.ndtr(factor))
    fill = np.maximum(1 - short / items.quantity, 0.0)
    return Buffers(
        items.sd * factor, items.unit_cost * items.sd * factor, service, fill, value, price,
        float(np.sum(np.where(known, worth * items.sd * normal_loss(equal), 0.0))),
    )  # fmt: skip


def _spend(per_cash: Floats, cash: Floats, bounds: tuple[Floats, Floats], budget: float) -> tuple[float, Floats]:
    """The price of money at which the budget is spent, and the factors there."""
    low, high = bounds
    per_cash = np.where(np.isfinite(per_cash), per_cash, 0.0)

    def at(price: float) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            unserved = np.where(per_cash > 0, price / per_cash, 1.0)
        wanted = -special.ndtri(np.clip(unserved, 0.0, 1.0))
        return np.asarray(np.clip(wanted, low, high))

    if float(cash @ high) <= budget:
        return 0.0, high
    top = float(per_cash.max(initial=0.0))
    cheap, dear = 1e-30 * max(top, 1e-300), max(top, 1e-300)
    for _ in range(200):
        middle = float(np.sqrt(cheap * dear))
        if float(cash @ at(middle)) > budget:
            cheap = middle
        else:
            dear = middle
        if dear - cheap <= 1e-15 * dear:
            break
    factor = at(dear)
    return dear, factor


def _equal(cash: Floats, bounds: tuple[Floats, Floats], budget: float) -> Floats:
    low, high = bounds
    under, over = float(low.min(initial=0.0)), float(high.max(initial=0.0))
    for _ in range(100):
        middle = (under + over) / 2
        if float(cash @ np.clip(middle, low, high)) > budget:
            over = middle
        else:
            under = middle
    return np.asarray(np.clip(under, low, high))


def exchange_curve(items: BufferItems, budgets: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """What money buys: for each budget the value short per time unit, the price of the next unit of money, and the mean
    fill rate weighted by demand. Shapes as ``budgets``; a budget below the floors gives NaN. Source as above.

    >>> items = BufferItems([1, 2], [100, 50], [1000, 400], [5000, 3000])
    >>> short, price, fill = exchange_curve(items, [0, 200, 400])
    >>> bool((short[1:] < short[:-1]).all() and (price[1:] < price[:-1]).all())
    True
    """
    money = checks.numbers("budgets", budgets)
    rows = np.full((3, money.size), np.nan)
    for place, budget in enumerate(money.ravel()):
        try:
            found = budget_buffers(items, float(budget))
        except ValueError:
            continue
        known = np.isfinite(found.fill_rate)
        fill = np.average(found.fill_rate[known], weights=items.demand_rate[known]) if known.any() else np.nan
        rows[:, place] = np.nansum(found.shortage), found.price, fill
    short, price, filled = (row.reshape(money.shape) for row in rows)
    return short, price, filled
