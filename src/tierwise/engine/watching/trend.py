"""Is a series rising or falling beyond chance, how fast, and when does it reach a threshold?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.watching.panel import Floats, Ints, as_panel, per_series

Autocorrelation = Literal["none", "hamed_rao"]


@dataclass(frozen=True, slots=True)
class TrendParams:
    """``confidence`` of the slope's interval (two-sided); ``least_n`` observed periods below which nothing is said.

    ``autocorrelation`` "hamed_rao" widens the variance where neighbouring periods resemble each other, without which
    a slow wave passes for a trend.
    """

    confidence: float = 0.95
    least_n: int = 4
    autocorrelation: Autocorrelation = "none"

    def __post_init__(self) -> None:
        checks.confidence(self.confidence)
        if self.least_n < 3:
            raise ValueError(f"least_n: is {self.least_n}; a trend needs 3 or more periods")
        if self.autocorrelation not in {"none", "hamed_rao"}:
            raise ValueError(f"autocorrelation: is {self.autocorrelation!r}; give 'none' or 'hamed_rao'")


@dataclass(frozen=True, slots=True)
class Trend:
    """One entry per series. NaN where there are fewer than ``least_n`` observed periods.

    ``score`` is Mann-Kendall's S, ``p`` two-sided, ``tau`` = S over the number of pairs. ``slope`` per unit of time
    with ``slope_low`` to ``slope_high``; ``level`` is the fitted line at ``last`` (the last period's time).
    """

    n: Ints
    score: Floats
    variance: Floats
    p: Floats
    tau: Floats
    slope: Floats
    slope_low: Floats
    slope_high: Floats
    level: Floats
    last: float


DEFAULT = TrendParams()


def trend(values: npt.ArrayLike, times: npt.ArrayLike | None = None, params: TrendParams = DEFAULT) -> Trend:
    """Does a series rise or fall beyond chance (Mann-Kendall), and by how much per period (Sen)?

    ``values`` series × periods (or one series), NaN for a period without observation; ``times`` ascending, one per
    period (default 0, 1, 2, …), so that slopes know of gaps. S = Σ sign(xⱼ − xᵢ) over i < j, its variance corrected
    for ties, z = (S ∓ 1)/√Var; slope = median of (xⱼ − xᵢ)/(tⱼ − tᵢ), its interval by the ranks
    (N ∓ z√Var)/2 of the N slopes, infinite where there are too few. The line goes through the medians.
    Source: Mann, Econometrica 13 (1945) 245; Sen, JASA 63 (1968) 1379; Gilbert, Statistical Methods for
    Environmental Pollution Monitoring, 16.4-17.3; Hamed and Rao, Journal of Hydrology 204 (1998) 182-196.

    >>> used = [0.62, 0.64, 0.63, 0.67, 0.70, 0.69, 0.74, 0.78, 0.77, 0.82, 0.85, 0.88]
    >>> rising = trend(used)
    >>> rising.score.tolist(), f"{rising.p[0]:.0e}", rising.slope.round(3).tolist()
    ([60.0], '5e-05', [0.024])
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    panel = as_panel(values)
    at = _times(times, panel.shape[1])
    series = len(panel)
    moments, slopes = np.full((series, 3), np.nan), np.full((series, 4), np.nan)
    z = float(special.ndtri((1 + params.confidence) / 2))
    correction = np.ones(series)
    # The rank interval needs the corrected variance, so the factor goes into z.
    kernels.kendall_panel(panel, at, (z, moments, slopes))
    if params.autocorrelation == "hamed_rao":
        kernels.rank_correlations(panel, at, slopes[:, 0], correction)
        for row in np.flatnonzero(correction != 1.0):
            widened = z * float(np.sqrt(correction[row]))
            kernels.kendall_panel(panel[row : row + 1], at, (widened, moments[row : row + 1], slopes[row : row + 1]))
    n = np.isfinite(panel).sum(axis=1)
    enough = n >= params.least_n
    score, variance = (np.where(enough, moments[:, column], np.nan) for column in (1, 2))
    variance = variance * correction
    with np.errstate(divide="ignore", invalid="ignore"):
        deviate = np.where(variance > 0, (np.abs(score) - 1).clip(min=0) / np.sqrt(variance), 0.0)
    p = np.where(enough, special.erfc(deviate / np.sqrt(2)), np.nan)
    tau = np.where(enough, score / (n * (n - 1) / 2.0).clip(min=1.0), np.nan)
    slope, low, high, intercept = (np.where(enough, column, np.nan) for column in slopes.T)
    last = float(at[-1]) if len(at) else float("nan")
    return Trend(n, score, variance, p, tau, slope, low, high, intercept + slope * last, last)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Units of time after the last period until the threshold is reached; 0 where the line is there already.

    ``expected`` along the fitted slope, ``earliest`` and ``latest`` along the ends of its interval; infinity where
    that slope never gets there.
    """

    expected: Floats
    earliest: Floats
    latest: Floats


def time_to_threshold(found: Trend, threshold: npt.ArrayLike, *, rising: bool = True) -> Crossing:
    """How long until the trend reaches ``threshold`` (one number or one per series)?

    ``rising`` tells which side alarms: True for utilisation reaching 95 %, False for a share falling to 90 %. Time =
    (threshold − level)/slope from the last period. NaN where the trend is unknown. The interval is of the slope alone;
    single periods scatter around the line besides.

    >>> used = [0.62, 0.64, 0.63, 0.67, 0.70, 0.69, 0.74, 0.78, 0.77, 0.82, 0.85, 0.88]
    >>> crossing = time_to_threshold(trend(used), 0.95)
    >>> crossing.expected.round(1).tolist(), crossing.earliest.round(1).tolist(), crossing.latest.round(1).tolist()
    ([4.1], [3.5], [4.9])
    """
    sign = 1.0 if rising else -1.0
    gap = sign * (per_series(threshold, len(found.slope), "threshold") - found.level)
    steep, flat = (found.slope_high, found.slope_low) if rising else (-found.slope_low, -found.slope_high)
    expected, earliest, latest = (_reach(gap, each) for each in (sign * found.slope, steep, flat))
    return Crossing(expected, earliest, latest)


def _reach(gap: Floats, speed: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = np.where(speed > 0, gap / speed, np.inf)
    return np.where(np.isnan(gap) | np.isnan(speed), np.nan, np.where(gap <= 0, 0.0, ahead))


def _times(times: npt.ArrayLike | None, periods: int) -> Floats:
    at = np.arange(periods, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    if at.shape != (periods,):
        raise ValueError(f"times: has shape {at.shape}; give one per period ({periods})")
    if not np.isfinite(at).all() or (np.diff(at) <= 0).any():
        raise ValueError("times: must be finite and ascending; sort the periods and join those of one date")
    return np.ascontiguousarray(at)
