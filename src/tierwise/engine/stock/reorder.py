"""When to reorder and how much: (r, Q) under continuous review, (s, S) under periodic review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock import reorder_kernels
from tierwise.engine.stock.distributions import Demand, Distribution, normal_loss

_ROWS_AT_ONCE = 256
_REST = 1e-12
"""Probability beyond which demand in one period is not listed; its cost is below rounding."""


@dataclass(frozen=True, slots=True)
class ReorderParams:
    """What an (r, Q) policy rests on; every field one value or one per item.

    ``fixed`` per order, ``holding`` and ``stockout`` per unit and time unit, ``demand_mean`` and ``demand_sd`` per time
    unit (sd is not read for Poisson), ``lead_time`` in time units. Over the lead time demand has the mean λL and the
    standard deviation σ√L, or what ``lead_time_sd`` adds: √(σ²L + λ²σ_L²).
    """

    fixed: npt.ArrayLike
    holding: npt.ArrayLike
    stockout: npt.ArrayLike
    demand_mean: npt.ArrayLike
    lead_time: npt.ArrayLike
    demand_sd: npt.ArrayLike = 0.0
    lead_time_sd: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        for name in ("fixed", "holding", "stockout", "demand_mean"):
            checks.positive(name, getattr(self, name))
        for name in ("lead_time", "demand_sd", "lead_time_sd"):
            checks.nonnegative(name, getattr(self, name))
        self.arrays()

    def arrays(self) -> list[Floats]:
        """fixed, holding, stockout, rate, mean and sd over the lead time, broadcast to one flat length."""
        fixed, hold, short, rate, lead, sd, wait = checks.together(
            fixed=self.fixed, holding=self.holding, stockout=self.stockout, demand_mean=self.demand_mean,
            lead_time=self.lead_time, demand_sd=self.demand_sd, lead_time_sd=self.lead_time_sd,
        )  # fmt: skip
        return [fixed, hold, short, rate, rate * lead, np.sqrt(sd * sd * lead + rate * rate * wait * wait)]


@dataclass(frozen=True, slots=True)
class ReorderPolicy:
    """``cost`` per time unit; ``backorders`` and ``on_hand`` are expected units at a random moment; ``fill_rate`` is
    the share of demand met at once."""

    reorder_point: Floats
    quantity: Floats
    cost: Floats
    on_hand: Floats
    backorders: Floats
    fill_rate: Floats


def reorder_policy(params: ReorderParams, demand: Literal["normal", "poisson"] = "normal") -> ReorderPolicy:
    """The (r, Q) with the least cost of ordering, holding and backorders per time unit, exact.

    Normal: cost(r, Q) = (Kλ + ∫ over r … r + Q of g(y) dy)/Q with g(y) = h(y − µ) + (h + p)·n(y); at the optimum
    g(r) = g(r + Q) = cost, solved by Newton on that level. Poisson: the same with sums over whole units (order when the
    position falls to r). Shapes broadcast, one entry per item; NaN gives NaN, empty gives empty.

    Source: Zheng, Management Science 38 (1992) 87-103; Federgruen and Zheng, Operations Research 40 (1992) 808-813;
    Snyder and Shen (2019), 5.3.4 and 5.6. Example 5.8 orders 5 at 3 for 107.92:

    >>> best = reorder_policy(ReorderParams(100, 20, 150, demand_mean=1.5, lead_time=2), "poisson")
    >>> print(f"{best.reorder_point:.0f} {best.quantity:.0f} {best.cost:.4f}")
    3 5 107.9236
    """
    if demand not in {"normal", "poisson"}:
        raise ValueError(f"demand: {demand!r} is unknown; use normal or poisson")
    fixed, hold, short, rate, mean, sd = params.arrays()
    found = np.empty((fixed.size, 3))
    setup, h, p, over, spread = (checks.own(each).ravel() for each in (fixed * rate, hold, short, mean, sd))
    if demand == "normal":
        reorder_kernels.best_normal(setup, h, p, over, spread, found)
    else:
        reorder_kernels.best_poisson(setup, h, p, over, found)
    point, quantity = (found[:, column].reshape(fixed.shape) for column in (0, 1))
    return reorder_cost(point, quantity, params, demand)


def reorder_cost(
    reorder_point: npt.ArrayLike,
    quantity: npt.ArrayLike,
    params: ReorderParams,
    demand: Literal["normal", "poisson"] = "normal",
) -> ReorderPolicy:
    """What any (r, Q) costs and serves. Source as :func:`reorder_policy`; Snyder and Shen (2019), example 5.1:

    >>> params = ReorderParams(8, 0.225, 7.5, demand_mean=1300, demand_sd=150, lead_time=1 / 12)
    >>> print(f"{reorder_cost(126.8, 328.5, params).cost:.7f}")
    78.0711625
    """
    point, lot = checks.numbers("reorder_point", reorder_point), checks.positive("quantity", quantity)
    fixed, hold, short, rate, mean, sd = params.arrays()
    if demand == "normal":
        spread = Distribution("normal", mean, sd)
        waiting = (spread.second_loss(point) - spread.second_loss(point + lot)) / lot
        unmet = (spread.loss(point) - spread.loss(point + lot)) / lot
        position = point + lot / 2
    else:
        spread = Distribution("poisson", mean)
        waiting = (_summed_loss(spread, point) - _summed_loss(spread, point + lot)) / lot
        # An order met late finds no stock: P(IL ≤ 0) over positions r + 1 … r + Q.
        unmet = (spread.loss(point) - spread.loss(point + lot)) / lot
        position = point + (lot + 1) / 2
    on_hand = position - mean + waiting
    cost = fixed * rate / lot + hold * on_hand + short * waiting
    return ReorderPolicy(point, lot, cost, on_hand, waiting, 1 - unmet)


def _summed_loss(spread: Distribution, point: Floats) -> Floats:
    """Σ over y > point of the loss: the second loss of whole demand, ½·E[(D − x)⁺(D − x − 1)⁺]."""
    return np.asarray(spread.second_loss(point) - spread.loss(point) / 2)


def approximate_reorder_policy(
    params: ReorderParams, method: Literal["expected_inventory", "economic_lot"] = "expected_inventory"
) -> ReorderPolicy:
    """The textbook's short cuts, for comparison with what another system does; :func:`reorder_policy` is never dearer.

    ``expected_inventory``: stockouts cost ``stockout`` per unit short, once; Q = √(2λ(K + p·n(r))/h) and
    r = F⁻¹(1 − Qh/(pλ)) in turn, cost h(r − λL + Q/2) + Kλ/Q + pλ·n(r)/Q. ``economic_lot``: Q = √(2Kλ/h) and
    r = F⁻¹(p/(p + h)), costed as in :func:`reorder_cost`. Where stockouts are so cheap that no r follows, r is NaN.
    ``fill_rate`` and the rest are exact for the point and lot found.

    Source: Snyder and Shen (2019), 5.3.2 and 5.3.3, example 5.2:

    >>> params = ReorderParams(8, 0.225, 7.5, demand_mean=1300, demand_sd=150, lead_time=1 / 12)
    >>> found = approximate_reorder_policy(params)
    >>> print(f"{found.reorder_point:.4f} {found.quantity:.4f} {found.cost:.4f}")
    213.9704 318.5902 95.4511
    >>> print(f"{approximate_reorder_policy(params, 'economic_lot').reorder_point:.4f}")
    190.3370
    """
    fixed, hold, short, rate, mean, sd = params.arrays()
    lot = np.sqrt(2 * fixed * rate / hold)
    if method == "economic_lot":
        return reorder_cost(mean + sd * special.ndtri(short / (short + hold)), lot, params)
    if method != "expected_inventory":
        raise ValueError(f"method: {method!r} is unknown; use expected_inventory or economic_lot")
    z, loss = np.zeros_like(lot), np.zeros_like(lot)
    for _ in range(200):
        before = lot
        with np.errstate(invalid="ignore"):
            z = special.ndtri(1 - lot * hold / (short * rate))
        loss = sd * normal_loss(z)
        lot = np.sqrt(2 * rate * (fixed + short * loss) / hold)
        if not np.any(np.abs(lot - before) > 1e-13 * lot):
            break
    point = mean + sd * z
    exact = reorder_cost(point, np.where(np.isnan(lot), 1.0, lot), params)
    cost = hold * (sd * z + lot / 2) + fixed * rate / lot + short * rate * loss / lot
    return ReorderPolicy(point, lot, cost, exact.on_hand, exact.backorders, exact.fill_rate)


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """Order up to ``up_to`` when the position is at ``reorder_level`` or below; ``cost`` per period."""

    reorder_level: Floats
    up_to: Floats
    cost: Floats


def level_policy(
    demand: Distribution,
    fixed: npt.ArrayLike,
    holding: npt.ArrayLike,
    stockout: npt.ArrayLike,
    **more: npt.ArrayLike,
) -> LevelPolicy:
    """The (s, S) with the least cost per period under periodic review with backorders, exact for whole demand.

    Options: ``lead_time`` in periods (0; one or one per item) and ``unit`` (1): continuous demand is listed in steps of
    it, so that its mean stays exact; a smaller unit is closer and slower. cost(s, S) = (K + Σ m(j)·G(S − j))/M(S − s)
    with the renewal density m of demand and G the holding and backorder cost of a level over lead time + 1 periods.
    Shapes broadcast; NaN gives NaN. ValueError where a cost is not above 0, or a period's demand would need more than a
    million steps.

    Source: Zheng and Federgruen, Operations Research 39 (1991) 654-665; Snyder and Shen (2019), 4.4.3, example 4.7:

    >>> best = level_policy(Distribution("poisson", 6), fixed=5, holding=1, stockout=4)
    >>> print(f"{best.reorder_level:.0f} {best.up_to:.0f} {best.cost:.4f}")
    4 10 8.0341
    """
    if unknown := sorted(set(more) - {"lead_time", "unit"}):
        raise ValueError(f"{unknown[0]}: unknown; give lead_time or unit")
    step = float(checks.positive("unit", more.get("unit", 1.0)))
    lead = checks.nonnegative("lead_time", more.get("lead_time", 0.0))
    costs = [
        checks.positive(name, value) for name, value in (("fixed", fixed), ("holding", holding), ("stockout", stockout))
    ]
    shaped = checks.together(k=costs[0], h=costs[1], p=costs[2], mean=demand.mean, sd=demand.sd, lead_time=lead)
    flat = [checks.own(each).ravel() for each in shaped]
    found = np.full((flat[0].size, 3), np.nan)
    for first in range(0, flat[0].size, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        found[rows] = _levels(demand.kind, [each[rows] for each in flat], step)
    low, high, cost = (found[:, column].reshape(shaped[0].shape) for column in range(3))
    return LevelPolicy(low * step, high * step, cost)


def _levels(kind: str, given: list[Floats], step: float) -> Floats:
    fixed, hold, short, mean, sd, lead = given
    found = np.full((fixed.size, 3), np.nan)
    known = np.isfinite(fixed + hold + short + mean + sd + lead)
    if not known.any():
        return found
    each = Distribution(kind, mean[known, None], sd[known, None])
    over = each.over(lead[known, None] + 1)
    masses = _listed(each, step)
    width = int(np.ceil(np.max(over.quantile(1 - _REST)) / step)) + 2
    losses = over.loss(np.arange(width) * step) / step
    # In units of ``step``, so that the kernel counts whole levels; costs per unit scale with it.
    costs = np.stack([fixed[known], hold[known] * step, short[known] * step, over.mean[:, 0] / step], axis=1)
    part = np.empty((costs.shape[0], 3))
    reorder_kernels.best_levels(costs, masses, losses, part)
    found[known] = part
    return found


def _listed(demand: Demand, step: float) -> Floats:
    """P(D = j·step): the second difference of the loss spreads mass on the steps around it and keeps the mean."""
    width = int(np.ceil(np.max(demand.quantile(1 - _REST)) / step)) + 2
    if width > 1_000_000:
        raise ValueError(f"unit: {step} makes {width:,} steps of one period's demand; choose a larger one")
    loss = demand.loss(np.arange(-1, width + 1) * step) / step
    mass = np.maximum(np.diff(loss, n=2, axis=-1), 0.0)
    # Demand below zero, which a normal distribution allows, counts as none.
    mass[..., 0] += np.maximum(1 - mass.sum(axis=-1), 0.0)
    return checks.own(mass / mass.sum(axis=-1, keepdims=True))
