"""Supply that fails: lots and base stock under disruptions, lots and orders under random yield, cover until
recovery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats


@dataclass(frozen=True, slots=True)
class DisruptedLot:
    """Lot and cost per time unit; ``naive`` is the lot that ignores disruptions and ``naive_cost`` what it costs."""

    quantity: Floats
    cost: Floats
    naive: Floats
    naive_cost: Floats


@dataclass(frozen=True, slots=True)
class DisruptedLevel:
    """Base-stock level, cost per period, how many periods of no supply it outlasts, and how often it does."""

    level: Floats
    cost: Floats
    periods_covered: Floats
    service: Floats


@dataclass(frozen=True, slots=True)
class YieldLot:
    """Quantity to order, cost per time unit (or period) and the quantity expected to arrive usable."""

    quantity: Floats
    cost: Floats
    usable: Floats


@dataclass(frozen=True, slots=True)
class SupplyRisk:
    """How a supplier fails and recovers; every field one value or one per item.

    Continuous review: both exponential, ``failing`` and ``recovering`` are rates per time unit (the mean up time is
    1/failing). Periodic review: chances per period, at most 1.
    """

    failing: npt.ArrayLike
    recovering: npt.ArrayLike

    def __post_init__(self) -> None:
        checks.positive("failing", self.failing)
        checks.positive("recovering", self.recovering)


def disrupted_order_quantity(
    fixed: npt.ArrayLike,
    holding: npt.ArrayLike,
    stockout: npt.ArrayLike,
    demand_rate: npt.ArrayLike,
    supply: SupplyRisk,
) -> DisruptedLot:
    """The lot with the least cost when orders can fall into times without supply and demand is then lost.

    cost(Q) = (K + hQ²/(2D) + pDψ/µ)/(Q/D + ψ/µ) with ψ = λ/(λ + µ)·(1 − e^{−(λ+µ)Q/D}), D the demand rate, λ failing
    and µ recovering; found by golden section to machine precision (the cost is quasi-convex). ``stockout`` is per
    unit lost. Shapes broadcast; NaN gives NaN; ValueError where an input is not above 0. Where losing all demand is
    cheaper than ordering (√(2KhD) ≥ pD) the quantity is still the best finite lot.

    Source: Parlar and Berkin, Naval Research Logistics 38 (1991) 107-121, corrected by Berk and Arreola-Risa, ibid. 41
    (1994) 725-731; Snyder and Shen (2019), 9.2.1, example 9.1:

    >>> lot = disrupted_order_quantity(8, 0.225, 5, 1300, SupplyRisk(failing=1.5, recovering=14))
    >>> print(f"{lot.quantity:.3f} {lot.cost:.3f} {lot.naive_cost:.2f}")
    772.811 173.950 248.26
    """
    order, hold = checks.positive("fixed", fixed), checks.positive("holding", holding)
    lost, rate = checks.positive("stockout", stockout), checks.positive("demand_rate", demand_rate)
    fail, mend = np.asarray(supply.failing, dtype=np.float64), np.asarray(supply.recovering, dtype=np.float64)

    def cost(lot: Floats) -> Floats:
        down = fail / (fail + mend) * -np.expm1(-(fail + mend) * lot / rate)
        return np.asarray((order + hold * lot**2 / (2 * rate) + lost * rate * down / mend) / (lot / rate + down / mend))

    naive = np.sqrt(2 * order * rate / hold) + 0 * (lost + fail + mend)
    # Stock that lasts the mean outage beyond what the whole loss could pay for is never worth holding.
    high = (
        naive
        + 2 * lost * rate / hold / (mend / fail + 1)
        + 10 * rate / mend
        + np.sqrt(2 * lost * rate * rate / (mend * hold))
    )
    best = _golden(cost, np.zeros_like(naive) + 1e-9 * naive, high)
    return DisruptedLot(best, cost(best), naive, cost(naive))


def _golden(cost: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """The place of a quasi-convex function's minimum; 100 steps shrink the interval beyond rounding."""
    ratio = (np.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(100):
        down = at_left <= at_right
        low, high = np.where(down, low, left), np.where(down, right, high)
        new = np.where(down, high - ratio * (high - low), low + ratio * (high - low))
        at_new = cost(new)
        left, right = np.where(down, new, right), np.where(down, left, new)
        at_left, at_right = np.where(down, at_new, at_right), np.where(down, at_left, at_new)
    return np.asarray((low + high) / 2)


def disrupted_base_stock(
    demand: npt.ArrayLike, holding: npt.ArrayLike, stockout: npt.ArrayLike, supply: SupplyRisk
) -> DisruptedLevel:
    """The base-stock level for certain ``demand`` per period when supply fails for whole periods and demand waits.

    S* = d·(1 + the smallest n with F(n) ≥ p/(p + h)), n periods without supply having P(0) = β/(α + β) and
    P(n) = αβ/(α + β)·(1 − β)^{n−1}; cost in closed form over the geometric tail. Shapes broadcast; NaN gives NaN.
    ValueError for chances above 1. Source: Snyder and Shen (2019), 9.2.3, example 9.3 (failing .04, recovering .25):

    >>> found = disrupted_base_stock(2000, 0.25, 3, SupplyRisk(0.04, 0.25))
    >>> print(f"{found.level:.0f} {found.cost:.4f} {found.periods_covered:.0f}")
    8000 2737.0690 3
    """
    fail, mend = _chances(supply)
    hold, short = checks.positive("holding", holding), checks.positive("stockout", stockout)
    wanted = checks.positive("demand", demand)
    # F(n) = 1 − α/(α + β)·(1 − β)ⁿ, so n follows from a logarithm; the slack keeps rounding from adding a period.
    with np.errstate(divide="ignore", invalid="ignore"):
        periods = np.log((hold / (hold + short)) * (fail + mend) / fail) / np.log1p(-mend)
    periods = np.where(mend >= 1, np.where(hold / (hold + short) >= fail / (fail + mend), 0.0, 1.0), periods)
    cover = np.maximum(np.ceil(periods - 1e-9), 0.0)
    return disrupted_cost(wanted * (cover + 1), wanted, hold, short, supply)


def disrupted_cost(
    level: npt.ArrayLike, demand: npt.ArrayLike, holding: npt.ArrayLike, stockout: npt.ArrayLike, supply: SupplyRisk
) -> DisruptedLevel:
    """What any base-stock level costs per period. Inputs and source as :func:`disrupted_base_stock`.

    >>> costs = disrupted_cost([2000, 12000], 2000, 0.25, 3, SupplyRisk(0.04, 0.25)).cost
    >>> costs.round(4).tolist()
    [3310.3448, 3075.1616]
    """
    fail, mend = _chances(supply)
    hold, short = checks.positive("holding", holding), checks.positive("stockout", stockout)
    wanted, held = checks.positive("demand", demand), checks.nonnegative("level", level)
    reach = held / wanted - 1
    cover = np.floor(reach + 1e-12)
    down = fail / (fail + mend)
    # E[(n − x)⁺] for real x ≥ −1: the tail P(n > k) is down·(1 − β)^k, its sum geometric, in between linear.
    start = np.maximum(cover, 0.0)
    stays = 1 - mend
    tail = down * np.where(start > 0, stays**start, 1.0)
    beyond = tail / mend - (np.maximum(reach, 0.0) - start) * tail
    waiting = wanted * (beyond + np.maximum(-reach, 0.0))
    mean = down / mend
    stock = held - wanted * (mean + 1) + waiting
    service = np.where(cover >= 0, 1 - tail, 0.0)
    return DisruptedLevel(held + 0 * waiting, hold * stock + short * waiting, np.maximum(cover, 0.0), service)


def _chances(supply: SupplyRisk) -> tuple[Floats, Floats]:
    fail, mend = np.asarray(supply.failing, dtype=np.float64), np.asarray(supply.recovering, dtype=np.float64)
    if np.any(fail > 1) or np.any(mend > 1):
        raise ValueError("failing, recovering: are chances per period here and must not exceed 1")
    return fail, mend


def yield_order_quantity(
    fixed: npt.ArrayLike,
    holding: npt.ArrayLike,
    demand_rate: npt.ArrayLike,
    yields: tuple[npt.ArrayLike, npt.ArrayLike],
    additive: bool = False,
) -> YieldLot:
    """The lot when a random part of it is usable, with ``yields`` = (mean, standard deviation).

    Multiplicative (default): Z·Q arrives, Q* = √(2Kλ/(h(µ² + σ²))), cost = √(2Kλh(µ² + σ²))/µ. Additive: Q + Y arrives
    (mean may be negative), Q* = √(2Kλ/h + σ²) − µ, cost = h·√(2Kλ/h + σ²). Shapes broadcast; NaN gives NaN.

    Source: Silver (1976) as in Snyder and Shen (2019), 9.3.1, examples 9.4 and 9.5:

    >>> lot = yield_order_quantity(18500, 0.06, 75000, (5 / 6, 0.14085904245475275))
    >>> print(f"{lot.quantity:.1f} {lot.cost:.2f}")
    254460.2 13086.53
    >>> lot = yield_order_quantity(18500, 0.06, 75000, (-15000, 9000), additive=True)
    >>> print(f"{lot.quantity:.1f} {lot.cost:.2f}")
    230246.4 12914.78
    """
    order, hold = checks.positive("fixed", fixed), checks.positive("holding", holding)
    rate, sd = checks.positive("demand_rate", demand_rate), checks.nonnegative("yields (sd)", yields[1])
    if additive:
        mean = checks.numbers("yields (mean)", yields[0])
        arrives = np.sqrt(2 * order * rate / hold + sd * sd)
        return YieldLot(np.maximum(arrives - mean, 0.0), hold * arrives, arrives)
    mean = checks.positive("yields (mean)", yields[0])
    second = mean * mean + sd * sd
    lot = np.sqrt(2 * order * rate / (hold * second))
    return YieldLot(lot, np.sqrt(2 * order * rate * hold * second) / mean, lot * mean)


def yield_newsvendor(
    demand: npt.ArrayLike, holding: npt.ArrayLike, stockout: npt.ArrayLike, yields: tuple[npt.ArrayLike, npt.ArrayLike]
) -> YieldLot:
    """The base-stock level for certain demand when what arrives differs by a uniform amount between ``yields``.

    S + Y arrives with Y ~ U(low, high): S* = d − F_Y⁻¹(h/(h + p)), cost h·E[(S + Y − d)⁺] + p·E[(d − S − Y)⁺]. Shapes
    broadcast; NaN gives NaN; ValueError unless low < high. Source: Snyder and Shen (2019), 9.3.2, example 9.6:

    >>> print(f"{yield_newsvendor(1.5, 15e6, 75e6, (-0.5, 0.5)).quantity:.4f}")
    1.8333
    """
    hold, short = checks.positive("holding", holding), checks.positive("stockout", stockout)
    wanted = checks.nonnegative("demand", demand)
    low, high = (checks.numbers(f"yields ({name})", value) for name, value in zip(("low", "high"), yields, strict=True))
    if np.any(low >= high):
        raise ValueError("yields: the lowest must be below the highest")
    ratio = hold / (hold + short)
    level = wanted - (low + ratio * (high - low))
    # At the best level the mismatch splits the width in the ratio h : p.
    cost = (high - low) * hold * short / (2 * (hold + short))
    return YieldLot(level, cost + 0 * level, level + (low + high) / 2)


def recovery_buffer(
    demand_rate: npt.ArrayLike, time_to_recover: npt.ArrayLike, other_cover: npt.ArrayLike = 0.0
) -> Floats:
    """Stock that bridges a supplier's outage beyond what other sources and pipeline cover: d·max(0, TTR − cover).

    Times in one unit, ``demand_rate`` per it. Kept apart from safety stock: that covers variability, this an event.
    Shapes broadcast; NaN gives NaN. Source: Simchi-Levi et al., Interfaces 45 (2015) 375-390 (time to survive against
    time to recover).

    >>> recovery_buffer(40, [10, 3], other_cover=4).tolist()
    [240.0, 0.0]
    """
    rate, outage = (
        checks.nonnegative("demand_rate", demand_rate),
        checks.nonnegative("time_to_recover", time_to_recover),
    )
    return np.asarray(rate * np.maximum(outage - checks.nonnegative("other_cover", other_cover), 0.0))
