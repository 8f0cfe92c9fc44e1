"""Safety stock from what really happened: lead times with open orders, demand over them, and when a formula will do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats, Ints
from tierwise.engine.stock import empirical_kernels
from tierwise.engine.stock.distributions import Discrete

METHODS = ("none", "formula", "empirical")
REASONS = (
    "too little history to read a quantile off",
    "demand is not normal",
    "lead time is not normal",
    "demand depends on the period before",
    "lead time has a trend",
)


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Lead times with their chances, open orders accounted for. ``unfinished`` is the chance that lies beyond the
    longest order seen to arrive; it is placed on the longest time observed, so quantiles above 1 − unfinished are too
    low."""

    times: Discrete
    orders: int
    open_orders: int
    unfinished: float


def lead_time_distribution(days: npt.ArrayLike, arrived: npt.ArrayLike) -> LeadTimes:
    """How long orders take, counting those still open: leaving them out would flatter the late tail.

    ``days`` from order to receipt, or to today where ``arrived`` is False; (orders,). Product-limit estimate: at each
    time t the share 1 − (arrived at t)/(waiting until t) of what remains stays open. NaN orders are left out.
    ValueError where none has arrived. Source: Kaplan and Meier, JASA 53 (1958) 457-481; remission times of the 6-MP
    arm (Freireich 1963) remain open beyond 10 with probability 0.753:

    >>> weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> seen = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> print(f"{lead_time_distribution(weeks, seen).times.above(10):.3f}")
    0.753
    """
    time, done = checks.nonnegative("days", days), np.asarray(arrived, dtype=np.bool_)
    if time.ndim != 1 or time.shape != done.shape:
        raise ValueError("days, arrived: must be two lists of one length, one entry per order")
    known = ~np.isnan(time)
    time, done = time[known], done[known]
    if not done.any():
        raise ValueError("arrived: no order has arrived yet; use the agreed lead time until one has")
    at, place = np.unique(time, return_inverse=True)
    finished = np.bincount(place, weights=done)
    waiting = time.size - np.concatenate([[0], np.cumsum(np.bincount(place))[:-1]])
    stays = np.cumprod(1 - finished / waiting)
    chance = -np.diff(stays, prepend=1.0)
    chance[-1] += stays[-1]
    return LeadTimes(Discrete(at, chance), time.size, int((~done).sum()), float(stays[-1]))


@dataclass(frozen=True, slots=True)
class Crossing:
    """``share`` of orders that a later one overtook; spread of lead times as they were and as stock feels them."""

    share: float
    sd: float
    effective_sd: float
    effective: Floats


def effective_lead_times(placed: npt.ArrayLike, received: npt.ArrayLike) -> Crossing:
    """Lead times as the stock on hand feels them when orders overtake each other.

    The first arrival serves the first order, whichever it was: the k-th receipt less the k-th order. Their mean is the
    mean lead time, their spread never larger; formulas on raw lead times hold too much stock where orders cross.
    ``placed`` and ``received`` on one time scale, (orders,); orders with NaN are left out; sd is NaN below two orders.
    ValueError for a receipt before its order. Source: Robinson, Bradley and Thomas, M&SOM 3 (2001) 175-188.

    >>> effective_lead_times([0, 1, 2], [5, 3, 4]).effective.tolist()
    [3.0, 3.0, 3.0]
    """
    start, end = checks.together(placed=checks.numbers("placed", placed), received=checks.numbers("received", received))
    known = ~np.isnan(start + end)
    start, end = start[known], end[known]
    if np.any(end < start):
        raise ValueError("received: before placed; check which column is which")
    order = np.lexsort((end, start))
    start, end = start[order], end[order]
    effective = np.sort(end) - start
    overtaken = np.minimum.accumulate(end[::-1])[::-1] < end if end.size else np.zeros(0, dtype=np.bool_)
    sd, effective_sd = (float(np.std(each, ddof=1)) if each.size > 1 else np.nan for each in (end - start, effective))
    return Crossing(float(overtaken.mean()) if end.size else np.nan, sd, effective_sd, effective)


def empirical_lead_time_demand(
    demand: npt.ArrayLike, lead_times: Discrete, review: int = 0, independent: bool = False, unit: float = 1.0
) -> Discrete:
    """The distribution of demand over a lead time as history shows it, without a formula.

    ``demand`` per period, (periods,); ``lead_times`` in whole periods (rounded up: a day begun must be covered), to
    which ``review`` periods are added. By default sums over all windows of each length in history, which keeps season
    and dependence; ``independent`` convolves instead, periods drawn apart on a grid of ``unit``: smoother and
    reaching further into the tail, but blind to dependence. ValueError for unknown demand or lead times longer than
    history (windows).

    Source: Strijbosch and Moors, European J. Operational Research 165 (2005); convolution from first principles.
    Demand 0 or 1 with even chances over 1 or 2 periods exceeds 1 with probability ⅛:

    >>> found = empirical_lead_time_demand([0, 1], Discrete([1, 2], [0.5, 0.5]), independent=True)
    >>> float(found.above(1).round(3))
    0.125
    """
    seen = checks.nonnegative("demand", demand)
    if seen.ndim != 1 or not seen.size or np.isnan(seen).any():
        raise ValueError("demand: must be a list of known numbers, one per period; fill gaps first")
    periods = np.ceil(lead_times.values - 1e-9).astype(np.int64) + int(review)
    if independent:
        return _convolved(seen, periods, lead_times.probabilities, float(checks.positive("unit", unit)))
    if periods.max() > seen.size:
        raise ValueError(
            f"lead_times: up to {periods.max()} periods but only {seen.size} of demand; set independent=True"
        )
    sums = np.concatenate([[0.0], np.cumsum(seen)])
    values, weights = [], []
    for length, chance in zip(periods, lead_times.probabilities, strict=True):
        window = sums[length:] - sums[: sums.size - length]
        values.append(window)
        weights.append(np.full(window.size, chance / window.size))
    return Discrete(np.concatenate(values), np.concatenate(weights))


def _convolved(seen: Floats, periods: Ints, chances: Floats, unit: float) -> Discrete:
    one = np.bincount(np.round(seen / unit).astype(np.int64)) / seen.size
    longest = int(periods.max())
    if one.size * longest > 20_000_000:
        raise ValueError(f"unit: {unit} makes {one.size * longest:,} steps; choose a larger one")
    total = np.zeros((one.size - 1) * longest + 1)
    power = np.ones(1)
    for length in range(longest + 1):
        total[: power.size] += chances[periods == length].sum() * power
        power = np.convolve(power, one) if length < longest else power
    return Discrete(np.arange(total.size) * unit, total)


@dataclass(frozen=True, slots=True)
class Histories:
    """Demand per period and lead times (whole periods) of many items, ragged.

    Item i owns ``demand[demand_at[i]:demand_at[i + 1]]`` and ``lead[lead_at[i]:lead_at[i + 1]]``, oldest first.
    """

    demand: Floats
    demand_at: Ints
    lead: Floats
    lead_at: Ints

    def __post_init__(self) -> None:
        for name in ("demand", "lead"):
            values, at = getattr(self, name), getattr(self, f"{name}_at")
            if at.ndim != 1 or not at.size or at[0] != 0 or at[-1] != values.size or np.any(np.diff(at) < 0):
                raise ValueError(f"{name}_at: must rise from 0 to the length of {name}, one entry more than items")
            if np.isnan(checks.nonnegative(name, values)).any():
                raise ValueError(f"{name}: has unknown values (NaN); drop lead times, fill demand before")
        if self.demand_at.size != self.lead_at.size:
            raise ValueError("demand_at, lead_at: must tell of the same items")


@dataclass(frozen=True, slots=True)
class ReorderPoints:
    """``safety_stock`` above mean lead-time demand by the ``method`` chosen (index into METHODS), both candidates
    beside it, and why: bit b of ``reasons`` is REASONS[b]. ``periods`` and ``orders`` are what it rests on."""

    reorder_point: Floats
    safety_stock: Floats
    method: Ints
    reasons: Ints
    formula: Floats
    empirical: Floats
    mean: Floats
    periods: Ints
    orders: Ints

    def why(self, item: int) -> list[str]:
        """The reasons of one item in words."""
        return [text for bit, text in enumerate(REASONS) if self.reasons[item] >> bit & 1]


def chosen_reorder_points(
    histories: Histories, target: npt.ArrayLike, review: int = 0, significance: float = 0.05
) -> ReorderPoints:
    """Reorder points for a cycle service ``target`` (one or one per item): the formula only where its assumptions
    stand.

    Formula z·√(µ_L σ_D² + µ_D² σ_L²), sample variances. Its assumptions are tested: demand and lead time normal
    (Jarque–Bera), demand independent from one period to the next (lag-1 autocorrelation within ±z/√n), lead time
    without trend (Mann–Kendall). If one fails and history holds at least 10 orders and L + R + 5/(1 − target)
    periods, so that some windows lie above it, the quantile of summed windows decides (see
    :func:`empirical_lead_time_demand`); with less history the formula stays and ``reasons`` says so. Items without
    demand or orders give NaN and method none.

    Source: formula Chopra and Meindl; Jarque and Bera, Int. Statistical Review 55 (1987); Mann (1945).

    >>> rng = np.random.default_rng(0)
    >>> steady = Histories(rng.normal(100, 10, 200), np.array([0, 200]), np.full(20, 4.0), np.array([0, 20]))
    >>> found = chosen_reorder_points(steady, 0.95)
    >>> METHODS[found.method[0]], bool(abs(found.safety_stock[0] - 1.645 * 10 * 2) < 4)
    ('formula', True)
    """
    items = histories.demand_at.size - 1
    wanted = checks.own(np.broadcast_to(checks.share("target", target), (items,)))
    if not 0 < significance < 1:
        raise ValueError(f"significance: {significance} must lie between 0 and 1, for example 0.05")
    found = np.full((items, 11), np.nan)
    empirical_kernels.measure(
        (histories.demand, histories.demand_at, np.ceil(histories.lead - 1e-9), histories.lead_at),
        wanted,
        int(review),
        found,
    )
    periods, orders, mean, sd, lead, lead_sd, skew_demand, skew_lead, chained, trend, quantile = found.T
    over = mean * (lead + review)
    z = special.ndtri(wanted)
    formula = z * np.sqrt((lead + review) * sd**2 + mean**2 * lead_sd**2)
    limit = special.ndtri(1 - significance / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        bent = special.chdtrc(2, np.stack([skew_demand, skew_lead])) < significance
        tests = [*bent, np.abs(chained) > limit / np.sqrt(periods), np.abs(trend) > limit]
        needed = lead + review + 5 / (1 - wanted)
        short = (orders < 10) | (periods < needed) | ~np.isfinite(quantile)
    failed = np.any(tests, axis=0)
    known = np.isfinite(formula)
    method = np.where(~known, 0, np.where(failed & ~short, 2, 1))
    reasons = sum((np.asarray(test & known).astype(np.int64) << bit + 1) for bit, test in enumerate(tests))
    reasons = reasons + (short & known).astype(np.int64)
    empirical = quantile - over
    stock = np.where(method == 2, empirical, formula)
    return ReorderPoints(
        over + stock, stock, method, np.asarray(reasons), formula, empirical, over,
        np.nan_to_num(periods).astype(np.int64), np.nan_to_num(orders).astype(np.int64),
    )  # fmt: skip
