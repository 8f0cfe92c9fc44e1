"""How many periods at the start of a run still show how it was begun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.twin.layout import Floats


@dataclass(frozen=True, slots=True)
class WarmUp:
    """``periods`` to leave out, and ``found``: False where the rule ran into its limit, half of the series: run longer.
    ``curve`` is what the rule looked at (batch statistic, or the smoothed mean)."""

    periods: int
    found: bool
    curve: Floats


def warm_up(course: npt.ArrayLike, batch: int = 5) -> WarmUp:
    """The truncation with the least marginal standard error (MSER-5).

    ``course`` (periods,) or (runs, periods), averaged over runs, then over batches of ``batch`` periods; the cut d
    minimises Σ_{i>d}(Z_i − Z̄_d)²/(m − d)² over d ≤ m/2. A cut at that limit is not believed. ValueError for fewer
    than 20 batches or unknown values. Source: White, Simulation 69 (1997) 323-334; Franklin and White (2008).

    >>> begins_empty = np.r_[np.linspace(0, 10, 50), np.full(450, 10.0)] + np.tile([0.1, -0.1], 250)
    >>> warm_up(begins_empty).periods
    50
    """
    series = _mean_course(course)
    if batch < 1:
        raise ValueError(f"batch: is {batch}; give 1 or more periods")
    count = series.size // batch
    if count < 20:
        raise ValueError(f"course: has {series.size} periods; give at least {20 * batch} to judge it in batches")
    means = series[: count * batch].reshape(count, batch).mean(axis=1)
    # Sums from the end, of values near 0, so that squares do not drown the differences.
    centred = means - means.mean()
    left = np.arange(count, 0, -1)
    total, square = (np.cumsum(each[::-1])[::-1] for each in (centred, centred**2))
    curve = np.maximum(square - total**2 / left, 0.0) / left**2
    most = count // 2
    cut = int(np.argmin(curve[: most + 1]))
    return WarmUp(cut * batch, cut < most, curve)


def welch(course: npt.ArrayLike, window: int, tolerance: float = 0.02) -> WarmUp:
    """Welch's moving average, and from where it stays within ``tolerance`` of the level of its second half.

    ``course`` (runs, periods) averaged over runs; average over 2·window + 1 periods, fewer at the beginning. People
    look at ``curve``; the number is the first period from which it stays in the band. ValueError for a window beyond a
    quarter of the periods. Source: Welch (1983), in Law (2015), 9.5.1.

    >>> begins_empty = np.r_[np.linspace(0, 10, 51), np.full(149, 10.0)]
    >>> welch(begins_empty, window=5).periods
    51
    """
    series = _mean_course(course)
    if not 1 <= window <= series.size // 4:
        raise ValueError(f"window: is {window}; give 1 up to a quarter of the {series.size} periods")
    sums = np.concatenate([[0.0], np.cumsum(series)])
    at = np.arange(series.size - window)
    reach = np.minimum(at, window)
    curve = (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)
    level = curve[curve.size // 2 :].mean()
    outside = np.flatnonzero(np.abs(curve - level) > tolerance * max(abs(level), 1e-300))
    cut = int(outside[-1]) + 1 if outside.size else 0
    return WarmUp(cut, cut <= curve.size // 2, curve)


def _mean_course(course: npt.ArrayLike) -> Floats:
    series = checks.numbers("course", course)
    if series.ndim not in {1, 2} or not series.size or not np.isfinite(series).all():
        raise ValueError("course: must be known figures, (periods,) or (runs, periods)")
    return series if series.ndim == 1 else np.asarray(series.mean(axis=0))
