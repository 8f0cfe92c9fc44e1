"""How sure a measured share, rate or mean is: intervals over arrays, fractional counts allowed.

All functions broadcast NumPy arrays, return ``(low, high)`` and give NaN where there is nothing to judge by (n of 0,
NaN). ``confidence`` is two-sided.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]


def kish_effective_n(sum_weights: npt.ArrayLike, sum_squared_weights: npt.ArrayLike) -> Floats:
    """How many equally weighted observations carry as much information: (Σw)² / Σw².

    Kish, Survey Sampling (1965), 11.2. 0 where there is no weight. Ten lines of weight 0.4 are ten observations: 4² /
    1.6 = 10.

    >>> float(kish_effective_n(4.0, 1.6).round(6))
    10.0
    """
    total = np.asarray(sum_weights, dtype=np.float64)
    squares = np.asarray(sum_squared_weights, dtype=np.float64)
    return np.divide(total**2, squares, out=np.zeros(np.broadcast(total, squares).shape), where=squares > 0)


def wilson(share: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Score interval of a share seen in ``n`` trials (Wilson 1927); holds for fractional (effective) n.

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Example: 92 of 100 at 95 % is [0.8500, 0.9589].
    For a mean of values in 0…1 that are not all 0 or 1 it is conservative, their variance being at most p(1−p).

    >>> low, high = wilson(0.92, 100)
    >>> float(low.round(4)), float(high.round(4))
    (0.85, 0.9589)
    """
    z = _normal_quantile(confidence)
    p, trials = np.broadcast_arrays(np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64))
    _check_share(p)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = 1 + z * z / trials
        centre = (p + z * z / (2 * trials)) / spread
        half = z * np.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2)) / spread
        known = trials > 0
        # At p of exactly 0 or 1 the bound is p itself; rounding must not leave it a hair inside.
        low = np.where(p <= 0, 0.0, np.clip(centre - half, 0.0, 1.0))
        high = np.where(p >= 1, 1.0, np.clip(centre + half, 0.0, 1.0))
    return np.where(known & ~np.isnan(p), low, np.nan), np.where(known & ~np.isnan(p), high, np.nan)


def exact_binomial(hits: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a share from ``hits`` in ``n`` trials (Clopper and Pearson 1934), by beta quantiles.

    Source of the number: Clopper and Pearson, Biometrika 26 (1934) 404-413; nothing in 59 leaves up to 6.06 % possible.

    >>> float(exact_binomial(0, 59)[1].round(4))
    0.0606
    """
    alpha = _alpha(confidence)
    k, trials = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if np.any(k < 0) or np.any(k > trials):
        raise ValueError("hits must lie between 0 and n; check that both count the same lines")
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, special.betaincinv(np.maximum(k, 1e-300), trials - k + 1, alpha / 2), 0.0)
        high = np.where(k < trials, special.betaincinv(k + 1, np.maximum(trials - k, 1e-300), 1 - alpha / 2), 1.0)
    known = trials > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def exact_poisson(count: npt.ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a Poisson mean after ``count`` events (Garwood 1936): half chi-square quantiles.

    Example: 3 rejects in 50,000 units are 60 ppm, and [12.4, 175.3] ppm at 95 %.

    >>> [float((bound / 50_000 * 1e6).round(1)) for bound in exact_poisson(3)]
    [12.4, 175.3]
    """
    events = np.asarray(count, dtype=np.float64)
    return weighted_poisson(events, events, np.ones_like(events), confidence)


def weighted_poisson(
    total: npt.ArrayLike, squares: npt.ArrayLike, largest: npt.ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Interval of a weighted sum of Poisson counts, by gamma quantiles.

    Fay and Feuer, Statistics in Medicine 16 (1997). ``total`` Σwx, ``squares`` Σw²x, ``largest`` max w. With all
    weights 1 it is the exact Poisson interval.

    >>> [round(float(side), 3) for side in weighted_poisson(3, 3, 1)]
    [0.619, 8.767]
    """
    alpha = _alpha(confidence)
    y, v, w = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (total, squares, largest)))
    if np.any(y < 0) or np.any(v < 0):
        raise ValueError("counts must be 0 or more; returns and reversals belong to another measure")
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(y > 0, v / y * special.gammaincinv(y**2 / v, alpha / 2), 0.0)
        high = (v + w**2) / (y + w) * special.gammaincinv((y + w) ** 2 / (v + w**2), 1 - alpha / 2)
    unknown = np.isnan(y) | ~(w > 0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def student_mean(
    mean: npt.ArrayLike, variance: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Student's interval of a mean: mean ± t·√(variance/n), ``variance`` the sample one (divisor n − 1).

    NaN where n ≤ 1: one delivery says nothing about spread.

    With ten values t is 2.262:

    >>> [round(float(side), 3) for side in student_mean(0, 10, 10)]
    [-2.262, 2.262]
    """
    quantile = 1 - _alpha(confidence) / 2
    m, s2, trials = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (mean, variance, n)))
    enough = trials > 1
    freedom = np.where(enough, trials - 1, 1.0)
    half = special.stdtrit(freedom, quantile) * np.sqrt(np.maximum(s2, 0.0) / np.where(enough, trials, 1.0))
    return np.where(enough, m - half, np.nan), np.where(enough, m + half, np.nan)


def _alpha(confidence: float) -> float:
    checks.confidence(confidence)
    return 1 - confidence


def _normal_quantile(confidence: float) -> float:
    return float(special.ndtri(1 - _alpha(confidence) / 2))


def _check_share(share: Floats) -> None:
    if np.any((share < -1e-9) | (share > 1 + 1e-9)):
        raise ValueError("share must lie between 0 and 1; divide hits by trials first")
