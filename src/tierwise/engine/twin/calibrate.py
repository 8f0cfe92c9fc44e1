"""A supplier as its history shows it, and whether a twin made of it retells what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.stock.empirical import effective_lead_times, lead_time_distribution
from tierwise.engine.twin.fitting import DEFAULT, Fit, FitParams, fit
from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.spread import Spread

_SELDOM = 0.02
"""Orders overtaken at most so often are taken as delivered in turn: data errors alone make as many."""


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """Lines of one lane in the order they were placed; times in periods on one scale, (lines,), NaN unknown.

    ``placed``; ``received``, first receipt (NaN while open) and ``until`` when known up to; ``ordered`` quantity;
    ``confirmed`` by the supplier; ``first`` quantity of the first receipt; ``finished``, last receipt; ``delivered``
    in all; ``rejected`` of it. All but the first three may be left out. ValueError for columns of different length,
    receipts before their order and negative quantities.
    """

    placed: npt.ArrayLike
    received: npt.ArrayLike
    until: float
    ordered: npt.ArrayLike = np.nan
    confirmed: npt.ArrayLike = np.nan
    first: npt.ArrayLike = np.nan
    finished: npt.ArrayLike = np.nan
    delivered: npt.ArrayLike = np.nan
    rejected: npt.ArrayLike = np.nan

    def __post_init__(self) -> None:
        names = ("placed", "received", "ordered", "confirmed", "first", "finished", "delivered", "rejected")
        size = np.size(self.placed)
        for name in names:
            values = checks.numbers(name, getattr(self, name))
            if values.size not in {1, size}:
                raise ValueError(f"{name}: has {values.size} lines where placed has {size}")
            if name in names[2:5] + names[6:] and np.any(values < 0):
                raise ValueError(f"{name}: must be 0 or more; take returns out first")
            object.__setattr__(self, name, np.broadcast_to(np.atleast_1d(values), (size,)).astype(np.float64))
        if np.any(np.asarray(self.received) < np.asarray(self.placed)):
            raise ValueError("received: before placed; check which column is which")


@dataclass(frozen=True, slots=True)
class LaneFit:
    """What `Lanes` needs, and what it rests on.

    ``lead_time`` accounts for orders still open (product limit); ``unfinished`` is the chance of being later than any
    order seen. ``crossing`` is the share overtaken, ``in_turn`` whether to forbid it. ``per_unit`` periods per unit
    (0 unless significant, ``per_unit_p``). ``kept`` of what was confirmed (mean below 1: commit bias), ``first_part``
    of what came, ``rest_after`` periods, ``usable`` share; each 1 (or 0) where history does not tell. ``n`` lines,
    ``n_open`` of them open. ``lead_fit`` tells how a smooth distribution would do on the finished ones.
    """

    lead_time: Spread
    unfinished: float
    crossing: float
    in_turn: bool
    per_unit: float
    per_unit_p: float
    kept: Spread
    first_part: Spread
    rest_after: int
    usable: Spread
    n: int
    n_open: int
    lead_fit: Fit


def calibrate_lane(history: OrderHistory, params: FitParams = DEFAULT) -> LaneFit:
    """How a supplier really delivers: late tails, overtaking, parts, short commits and rejects.

    Lead times keep their observed distribution (Kaplan–Meier with open orders), never a formula's. Where they grow
    with the quantity (least squares, slope above 0 at ``params.significance``, one-sided), the slope becomes
    ``per_unit`` and the distribution is that of what remains. Raises ValueError where nothing has arrived yet.

    >>> found = calibrate_lane(
    ...     OrderHistory(
    ...         placed=[0, 1, 2, 3],
    ...         received=[5, 5, 9, np.nan],
    ...         until=10,
    ...         ordered=[10] * 4,
    ...         confirmed=[10] * 4,
    ...         delivered=[10, 8, 10, np.nan],
    ...         rejected=[0, 0, 1, np.nan],
    ...     )
    ... )
    >>> found.n_open, round(float(found.kept.mean[0]), 3), round(float(found.usable.mean[0]), 3), found.in_turn
    (1, 0.933, 0.967, True)
    """
    placed, received, ordered = (np.asarray(each) for each in (history.placed, history.received, history.ordered))
    arrived = np.isfinite(received)
    if not arrived.any():
        raise ValueError("received: no order has arrived yet; use the agreed lead time until one has")
    days = np.where(arrived, received, history.until) - placed
    if np.any(days < 0):
        raise ValueError("until: lies before an order was placed; give the day the history was taken")
    per_unit, p = _slope(ordered[arrived], days[arrived], params.significance)
    rest = np.maximum(days - per_unit * np.nan_to_num(ordered), 0.0)
    found = lead_time_distribution(rest, arrived)
    crossing = effective_lead_times(placed[arrived], received[arrived]).share
    confirmed, delivered, first = (np.asarray(each) for each in (history.confirmed, history.delivered, history.first))
    late = np.asarray(history.finished) - received
    parted = (first < delivered) & (late > 0)
    return LaneFit(
        Spread.listed(found.times.values, found.times.probabilities), found.unfinished, crossing, crossing <= _SELDOM,
        per_unit, p, _shares(delivered, confirmed), _shares(first, delivered),
        round(float(np.median(late[parted]))) if parted.any() else 0,
        _shares(delivered - np.asarray(history.rejected), delivered), placed.size, int((~arrived).sum()),
        fit(rest[arrived], params),
    )  # fmt: skip


def _shares(top: Floats, bottom: Floats) -> Spread:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(np.where(bottom > 0, top / bottom, np.nan), 0.0, 1.0)
    share = share[np.isfinite(share)]
    return Spread.empirical(share) if share.size else Spread.constant(1.0)


def _slope(x: Floats, y: Floats, significance: float) -> tuple[float, float]:
    """Least squares slope of y on x if surely above 0, else 0; and the one-sided p-value (NaN below 10 lines)."""
    known = np.isfinite(x + y)
    x, y = x[known] - x[known].mean() if known.any() else x[known], y[known]
    spread = float(x @ x)
    if x.size < 10 or spread <= 0:
        return 0.0, float("nan")
    slope = float(x @ y) / spread
    left = y - y.mean() - slope * x
    error = np.sqrt(float(left @ left) / (x.size - 2) / spread)
    p = float(special.stdtr(x.size - 2, -slope / error)) if error > 0 else float(slope <= 0)
    return (slope, p) if p < significance else (0.0, p)


@dataclass(frozen=True, slots=True)
class Retold:
    """How well runs retell what happened: ``mape`` of their mean (NaN where something observed is 0), share of periods
    ``inside`` the band that should hold ``level`` of them, ``bias`` of the mean in units, ``wasserstein`` distance of
    all values, ``ks`` of the same with ``ks_p`` (periods that follow each other make it too small), ``n`` periods."""

    mape: float
    inside: float
    level: float
    bias: float
    wasserstein: float
    ks: float
    ks_p: float
    n: int


def retold(simulated: npt.ArrayLike, observed: npt.ArrayLike, level: float = 0.8) -> Retold:
    """Does a twin fit the past, before it may speak of the future?

    ``simulated`` (runs, periods) of one figure (say `Outcome.history[:, :, stock, 0]`), ``observed`` (periods,), NaN
    left out. Source: methods of Law (2015), chapter 5; two-sample distance with Smirnov's asymptotic p-value.

    >>> good = retold([[9, 11, 10], [10, 12, 9], [11, 10, 11]], [10, 11, 10])
    >>> round(good.mape, 3), good.inside
    (0.0, 1.0)
    """
    runs, seen = checks.numbers("simulated", simulated), checks.numbers("observed", observed)
    if runs.ndim != 2 or seen.ndim != 1 or runs.shape[1] != seen.size or len(runs) < 2:
        raise ValueError("simulated, observed: must be (runs, periods), two runs at least, and (periods,)")
    if not 0 < level < 1:
        raise ValueError(f"level: is {level}; give a share between 0 and 1")
    known = np.isfinite(seen)
    runs, seen = runs[:, known], seen[known]
    if not seen.size or not np.isfinite(runs).all():
        raise ValueError("simulated, observed: need known figures")
    mean = runs.mean(axis=0)
    low, high = np.quantile(runs, [(1 - level) / 2, (1 + level) / 2], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mape = float(np.mean(np.abs(mean - seen) / np.abs(seen))) if np.all(seen != 0) else float("nan")
    pooled, one = np.sort(runs.ravel()), np.sort(seen)
    at = np.sort(np.concatenate([pooled, one]))
    gap = np.searchsorted(pooled, at, side="right") / pooled.size - np.searchsorted(one, at, side="right") / one.size
    ks = float(np.abs(gap).max())
    size = pooled.size * one.size / (pooled.size + one.size)
    return Retold(
        mape, float(np.mean((seen >= low) & (seen <= high))), level, float(np.mean(mean - seen)),
        float(np.sum(np.abs(gap[:-1]) * np.diff(at))), ks, float(special.kolmogorov(np.sqrt(size) * ks)), seen.size,
    )  # fmt: skip
