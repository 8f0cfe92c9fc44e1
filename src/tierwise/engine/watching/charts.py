"""Control charts of single values, shares and rates; runs rules; how many signals among many charts are real."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.panel import Floats, Ints, as_panel, first_of, per_series, per_series_positive

_D2 = 1.128
"""Mean range of two normal values in standard deviations."""


class Rule(IntEnum):
    """Nelson's eight patterns that chance seldom makes; values are their numbers in the source."""

    BEYOND_3_SIGMA = 1
    NINE_ON_ONE_SIDE = 2
    SIX_RISING_OR_FALLING = 3
    FOURTEEN_ALTERNATING = 4
    TWO_OF_THREE_BEYOND_2_SIGMA = 5
    FOUR_OF_FIVE_BEYOND_1_SIGMA = 6
    FIFTEEN_WITHIN_1_SIGMA = 7
    EIGHT_BEYOND_1_SIGMA_BOTH_SIDES = 8


NELSON = frozenset(Rule)
WESTERN_ELECTRIC = frozenset(
    {
        Rule.BEYOND_3_SIGMA,
        Rule.TWO_OF_THREE_BEYOND_2_SIGMA,
        Rule.FOUR_OF_FIVE_BEYOND_1_SIGMA,
        Rule.NINE_ON_ONE_SIDE,
    }
)
"""The zone tests of 1956, with nine instead of eight on one side, as Nelson sets them."""


@dataclass(frozen=True, slots=True)
class RunsResult:
    """``flags`` series × periods: bit ``rule − 1`` is set at the point that completes the rule's pattern.

    ``first_signal`` -1 where there is none; ``n`` counts observed periods.
    """

    flags: npt.NDArray[np.uint8]
    first_signal: Ints
    n: Ints

    def broken(self, series: int, period: int) -> tuple[Rule, ...]:
        """The rules whose pattern this point completes."""
        mark = int(self.flags[series, period])
        return tuple(rule for rule in Rule if mark >> (rule - 1) & 1)


def runs_rules(
    values: npt.ArrayLike,
    centre: npt.ArrayLike,
    sigma: npt.ArrayLike,
    rules: frozenset[Rule] = WESTERN_ELECTRIC,
) -> RunsResult:
    """Which points complete a pattern that a stable series would seldom show?

    ``values`` series × periods (or one series); ``centre`` and ``sigma`` one number or one per series. All eight rules
    together signal falsely every 60 points or so, hence the four as default. A missing period (NaN) is passed over,
    the points around it counting as neighbours. Raises ValueError for sigma of 0 or less.
    Source: Nelson, Journal of Quality Technology 16 (1984) 237-239.

    >>> runs_rules([0.5, 2.5, -0.2, 2.1], 0, 1).broken(0, 3)
    (<Rule.TWO_OF_THREE_BEYOND_2_SIGMA: 5>,)
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    panel = as_panel(values)
    reference = (per_series(centre, len(panel), "centre"), per_series_positive(sigma, len(panel), "sigma"))
    flags = np.zeros(panel.shape, dtype=np.uint8)
    kernels.runs_panel(panel, reference, flags)
    asked = np.uint8(sum(1 << (rule - 1) for rule in rules))
    flags &= asked
    return RunsResult(flags, first_of(flags != 0), np.isfinite(panel).sum(axis=1))


@dataclass(frozen=True, slots=True)
class ChartLimits:
    """``centre`` and ``sigma`` one per series; ``lower`` and ``upper`` series × periods; ``n`` observed periods.

    For shares and rates ``sigma`` is that of a point of average size.
    """

    centre: Floats
    sigma: Floats
    lower: Floats
    upper: Floats
    n: Ints

    def beyond(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which points lie outside of their limits; missing ones do not."""
        panel = as_panel(values)
        return (panel < self.lower) | (panel > self.upper)


def individuals_limits(values: npt.ArrayLike, width: float = 3.0) -> ChartLimits:
    """Between which limits do single values move (XmR chart)?

    Centre x̄; sigma = mean moving range / 1.128, so that a shift within the history widens the limits little. NaN
    where a series has fewer than two neighbouring observed values. Source: NIST/SEMATECH e-Handbook 6.3.2.2.

    >>> limits = individuals_limits([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> round(float(limits.centre[0]), 2), round(float(limits.lower[0, 0]), 2), round(float(limits.upper[0, 0]), 2)
    (50.81, 45.82, 55.8)
    """
    panel = as_panel(values)
    centre, n = _mean(panel)
    ranges, pairs = _mean(np.abs(np.diff(panel, axis=1)))
    sigma = np.where(pairs > 0, ranges / _D2, np.nan)
    spread = np.broadcast_to((width * sigma)[:, None], panel.shape)
    return ChartLimits(centre, sigma, centre[:, None] - spread, centre[:, None] + spread, n)


def share_limits(hits: npt.ArrayLike, trials: npt.ArrayLike, width: float = 3.0, *, laney: bool = False) -> ChartLimits:
    """Between which limits does a share move, given how many were tried each period (p chart)?

    p̄ ± width·√(p̄(1−p̄)/nᵢ), within 0 and 1. With large n almost every point falls outside, since levels drift more than
    coin tosses: ``laney`` scales the limits by the moving-range sigma of the standardised shares (Laney's p′ chart,
    Quality Engineering 14 (2002) 531-537). Shapes as ``values`` elsewhere; periods without trials or with NaN are
    missing. Raises ValueError for hits beyond trials.

    >>> limits = share_limits([[8, 12, 10]], [[100, 100, 400]])
    >>> round(float(limits.centre[0]), 3), limits.upper.round(3).tolist()
    (0.05, [[0.115, 0.115, 0.083]])
    """
    count, tried = _paired(hits, trials)
    if (count > tried).any():
        raise ValueError("hits: exceed trials; check that both count the same lines")
    share = _ratio(count.sum(axis=1), tried.sum(axis=1))
    limits = _attribute_limits(count, tried, (share, share * (1 - share)), (width, laney))
    return ChartLimits(limits.centre, limits.sigma, limits.lower, np.minimum(limits.upper, 1.0), limits.n)


def rate_limits(events: npt.ArrayLike, size: npt.ArrayLike, width: float = 3.0, *, laney: bool = False) -> ChartLimits:
    """Between which limits does a rate of events per unit of size move (u chart)?

    ū ± width·√(ū/nᵢ), not below 0; ``laney`` as in :func:`share_limits` (u′ chart). Periods of size 0 or with NaN are
    missing.

    >>> rate_limits([[4, 6, 5]], [[10, 10, 10]]).upper.round(3).tolist()
    [[1.171, 1.171, 1.171]]
    """
    count, tried = _paired(events, size)
    rate = _ratio(count.sum(axis=1), tried.sum(axis=1))
    return _attribute_limits(count, tried, (rate, rate), (width, laney))


def false_discovery(p: npt.ArrayLike, rate: float = 0.05) -> npt.NDArray[np.bool_]:
    """Which of many tests may be believed if at most ``rate`` of the believed ones are to be false?

    ``p`` of any shape, NaN is not believed. The largest i with p₍ᵢ₎ ≤ i/m·rate decides. Holds for independent and
    positively dependent tests. Source: Benjamini and Hochberg, JRSS B 57 (1995) 289-300, example p. 295.

    >>> p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    >>> p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000]
    >>> int(false_discovery(p).sum())
    4
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate: is {rate}; give a share between 0 and 1, such as 0.05")
    tests = np.asarray(p, dtype=np.float64)
    if ((tests < 0) | (tests > 1)).any():
        raise ValueError("p: must lie between 0 and 1")
    known = np.sort(tests[~np.isnan(tests)])
    passed = np.flatnonzero(known <= rate * np.arange(1, len(known) + 1) / max(len(known), 1))
    cut = known[passed[-1]] if len(passed) else -1.0
    return np.asarray(tests <= cut)


def _paired(count: npt.ArrayLike, size: npt.ArrayLike) -> tuple[Floats, Floats]:
    events, tried = as_panel(count), as_panel(size)
    if events.shape != tried.shape:
        raise ValueError(f"counts have shape {events.shape} and sizes {tried.shape}; give one size per count")
    if (events < 0).any() or (tried < 0).any():
        raise ValueError("counts and sizes must be 0 or more; returns and reversals belong to another measure")
    missing = ~(tried > 0) | np.isnan(events)
    return np.where(missing, 0.0, events), np.where(missing, 0.0, tried)


def _attribute_limits(
    count: Floats, tried: Floats, moments: tuple[Floats, Floats], how: tuple[float, bool]
) -> ChartLimits:
    centre, variance = moments
    width, laney = how
    missing = tried == 0
    n = (~missing).sum(axis=1)
    size = np.where(missing, np.nan, tried)
    sigma = np.sqrt(variance[:, None] / size)
    if laney:
        standard = _ratio(count / size - centre[:, None], sigma)
        ranges, _ = _mean(np.abs(np.diff(standard, axis=1)))
        sigma = sigma * (ranges / _D2)[:, None]
    average = np.sqrt(_ratio(variance, _ratio(tried.sum(axis=1), n.astype(np.float64))))
    lower = np.maximum(centre[:, None] - width * sigma, 0.0)
    return ChartLimits(centre, average, lower, centre[:, None] + width * sigma, n)


def _ratio(above: Floats, below: Floats) -> Floats:
    known = (below != 0) & ~np.isnan(below)
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=known), dtype=np.float64)


def _mean(panel: Floats) -> tuple[Floats, Ints]:
    """Mean of the observed values of each series, NaN where there is none, and their number."""
    n = np.isfinite(panel).sum(axis=1)
    return _ratio(np.nansum(panel, axis=1), n.astype(np.float64)), n
