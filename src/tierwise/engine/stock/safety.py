"""Safety stock and service, either from the other: cycle service and fill rate, random lead times, periodic review."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock.distributions import inverse_normal_loss, normal_loss


@dataclass(frozen=True, slots=True)
class LeadTimeDemand:
    """Mean and standard deviation of what is demanded until an order is in, one entry per item."""

    mean: Floats
    sd: Floats

    def __post_init__(self) -> None:
        checks.nonnegative("mean", self.mean)
        checks.nonnegative("sd", self.sd)


@dataclass(frozen=True, slots=True)
class Service:
    """What a reorder point gives. ``cycle_service`` (type 1) is the share of cycles without a stockout, ``fill_rate``
    (type 2) the share of units served at once, ``shortage`` the units expected short per cycle. They differ widely: a
    large lot turns a poor cycle service into a good fill rate."""

    reorder_point: Floats
    safety_stock: Floats
    cycle_service: Floats
    fill_rate: Floats
    shortage: Floats


def lead_time_demand(
    demand: tuple[npt.ArrayLike, npt.ArrayLike],
    lead_time: tuple[npt.ArrayLike, npt.ArrayLike],
    review: npt.ArrayLike = 0.0,
    correlation: npt.ArrayLike = 0.0,
) -> LeadTimeDemand:
    """Demand over a random lead time plus a review period: µ = D(L + R), σ² = (L + R)·σ_D² + D²·σ_L².

    ``demand`` and ``lead_time`` are (mean, standard deviation), demand per period, times in periods; σ_D ought to be
    that of the forecast's *error*, not of demand, where a forecast is used. ``correlation`` of demand from one period
    to the next (first order autoregressive) stretches the variance over n = L + R periods to n + 2·Σ (n − k)ρᵏ times
    σ_D². Shapes broadcast; NaN gives NaN; ValueError for negative inputs or a correlation outside −1 … 1 (both
    excluded).

    Source: Chopra and Meindl, Supply Chain Management, chapter on safety inventory (example Dell):

    >>> over = lead_time_demand(demand=(2500, 500), lead_time=(7, 7))
    >>> print(f"{over.sd:.4f}")
    17549.9288
    """
    mean, sd = checks.nonnegative("demand (mean)", demand[0]), checks.nonnegative("demand (sd)", demand[1])
    lead, wait = (
        checks.nonnegative("lead_time (mean)", lead_time[0]),
        checks.nonnegative("lead_time (sd)", lead_time[1]),
    )
    rho = checks.numbers("correlation", correlation)
    if np.any(np.abs(rho) >= 1):
        raise ValueError("correlation: must lie between −1 and 1, both excluded; difference demand that drifts")
    periods = lead + checks.nonnegative("review", review)
    # Σ_{k<n} (n − k)·ρᵏ in closed form, continued to fractional n; at ρ = 0 it is 0.
    chained = rho / (1 - rho) * (periods - (1 - _power(rho, periods)) / (1 - rho))
    variance = sd * sd * np.maximum(periods + 2 * chained, 0.0) + mean * mean * wait * wait
    return LeadTimeDemand(mean * periods, np.sqrt(variance))


def _power(rho: Floats, periods: Floats) -> Floats:
    """ρⁿ; of a negative ρ between whole n the size only, decaying: what a fraction of a period adds has no sign."""
    size = np.abs(rho) ** periods
    odd = (rho < 0) & (np.mod(np.floor(periods), 2) == 1)
    return np.where(odd, -size, size)


def stock_for_cycle_service(target: npt.ArrayLike, over: LeadTimeDemand) -> Floats:
    """Safety stock so that a share ``target`` of cycles ends without a stockout (type 1): Φ⁻¹(target)·σ.

    Negative for targets below one half. ValueError unless the target lies between 0 and 1. Source: Chopra and Meindl:

    >>> print(f"{stock_for_cycle_service(0.90, lead_time_demand((2500, 500), (7, 7))):.4f}")
    22491.1387
    """
    return np.asarray(special.ndtri(checks.share("target", target)) * over.sd)


def stock_for_fill_rate(
    target: npt.ArrayLike, quantity: npt.ArrayLike, over: LeadTimeDemand, exact: bool = False
) -> Floats:
    """Safety stock so that a share ``target`` of units is served at once (type 2), orders coming in lots of
    ``quantity``.

    Solves σ·n(k) = (1 − target)·Q for k. ``exact`` also counts that a lot may come too late for its whole length,
    σ·(n(k) − n(k + Q/σ)), which matters where Q is not large against σ and asks for less stock. Under periodic review Q
    is demand per review. May be negative: large lots serve by themselves. With σ = 0 it is −(1 − target)·Q: one may run
    dry by that much in each cycle. Shapes broadcast; NaN gives NaN.

    Source: Chopra and Meindl; exact: Silver, Pyke and Thomas, Inventory and Production Management (4th ed.), 6.7.

    >>> weekly = lead_time_demand(demand=(2500, 500), lead_time=(2, 0))
    >>> stock_for_fill_rate([0.975, 0.99, 0.999], 10_000, weekly).round(2).tolist()
    [66.7, 499.25, 1275.43]
    """
    wanted, lot = checks.share("target", target), checks.positive("quantity", quantity)
    wanted, lot, sd = checks.together(target=wanted, quantity=lot, sd=over.sd)
    unmet = (1 - wanted) * lot
    certain = sd == 0
    spread = np.where(certain, 1.0, sd)
    k = inverse_normal_loss(unmet / spread)
    if exact:
        k = _exact_factor(k, unmet / spread, lot / spread)
    return np.where(certain & ~np.isnan(wanted + lot), -unmet, k * sd)


def _exact_factor(start: Floats, unmet: Floats, lot: Floats) -> Floats:
    """Newton on n(k) − n(k + Q/σ) = unmet, which falls in k; the plain factor is above the root."""
    high = start
    low = -lot - np.abs(start) - 10
    k = high
    for _ in range(200):
        gap = normal_loss(k) - normal_loss(k + lot) - unmet
        low, high = np.where(gap > 0, k, low), np.where(gap > 0, high, k)
        slope = special.ndtr(-k - lot) - special.ndtr(-k)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = k - gap / slope
        inside = (new > low) & (new < high)
        new = np.where(inside, new, (low + high) / 2)
        if not np.any(np.abs(new - k) > 1e-13 * (1 + np.abs(k))):
            break
        k = new
    return k


def service_of(
    reorder_point: npt.ArrayLike, quantity: npt.ArrayLike, over: LeadTimeDemand, exact: bool = False
) -> Service:
    """Cycle service and fill rate that a reorder point gives with lots of ``quantity``; the inverse of the two above.

    Shortage per cycle σ·n(k), k = (R − µ)/σ, ``exact`` as in :func:`stock_for_fill_rate`; fill rate 1 − shortage/Q.
    Shapes broadcast; NaN gives NaN. Source: Chopra and Meindl:

    >>> found = service_of(6000, 10_000, lead_time_demand((2500, 500), (2, 0)))
    >>> print(f"{found.safety_stock:.0f} {found.shortage:.2f} {found.fill_rate:.5f} {found.cycle_service:.4f}")
    1000 25.13 0.99749 0.9214
    """
    point, lot = checks.numbers("reorder_point", reorder_point), checks.positive("quantity", quantity)
    point, lot, mean, sd = checks.together(reorder_point=point, quantity=lot, mean=over.mean, sd=over.sd)
    spread = np.where(sd == 0, 1.0, sd)
    k = (point - mean) / spread
    short = np.where(sd == 0, np.maximum(mean - point, 0.0), sd * normal_loss(k))
    if exact:
        late = point + lot
        short = short - np.where(sd == 0, np.maximum(mean - late, 0.0), sd * normal_loss((late - mean) / spread))
    known = ~np.isnan(point + mean + sd)
    service = np.where(sd == 0, (point >= mean).astype(np.float64), special.ndtr(k))
    # With lots smaller than what is short in a cycle the share served cannot fall below none.
    fill = np.maximum(1 - short / lot, 0.0)
    return Service(point, point - mean, np.where(known, service, np.nan), fill, short)


def cost_of_service(
    targets: npt.ArrayLike, quantity: npt.ArrayLike, over: LeadTimeDemand, holding: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """What each percent of fill rate costs: safety stock, holding cost, and the money that the next step up takes.

    ``targets`` of shape (steps,) rising, items in front: results have shape (items…, steps); the last has NaN at the
    last step. ValueError where targets do not rise. Source: :func:`stock_for_fill_rate` along the targets:

    >>> over = lead_time_demand((2500, 500), (2, 0))
    >>> stock, cost, step = cost_of_service([0.975, 0.99, 0.999], 10_000, over, holding=2.0)
    >>> cost.round(2).tolist()
    [133.4, 998.5, 2550.86]
    """
    steps = checks.share("targets", targets)
    if steps.ndim != 1 or np.any(np.diff(steps) <= 0):
        raise ValueError("targets: give a rising list of fill rates")
    lot, hold = checks.positive("quantity", quantity), checks.nonnegative("holding", holding)
    wide = LeadTimeDemand(over.mean[..., None], over.sd[..., None])
    stock = stock_for_fill_rate(steps, lot[..., None], wide)
    cost = stock * hold[..., None]
    return stock, cost, np.concatenate([np.diff(cost, axis=-1), np.full((*cost.shape[:-1], 1), np.nan)], axis=-1)
