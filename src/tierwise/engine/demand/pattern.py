"""Regularity, variability and season of many short series at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import nan

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import chdtrc

from tierwise.engine import checks
from tierwise.engine.demand.cells import DemandParams
from tierwise.engine.watching.panel import as_panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
SEASONS = ("none", "multiplicative", "additive")
_NONE, _MULTIPLICATIVE, _ADDITIVE = 0, 1, 2
_PLAIN = DemandParams(date(2000, 1, 1), date(2000, 12, 31), season="none")


@dataclass(frozen=True, slots=True)
class DemandSeries:
    """Sparse series of many cells over one window of ``buckets`` buckets.

    Cell ``i`` begins at bucket ``start[i]`` and its movements are ``offsets[i]:offsets[i + 1]`` of ``at`` (bucket,
    ascending), ``ordered`` and ``returned`` (base units). Memory grows with movements, not with cells × buckets.
    """

    buckets: int
    start: Ints
    offsets: Ints
    at: Ints
    ordered: Floats
    returned: Floats

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.start) + 1:
            raise ValueError("offsets: must hold one entry more than start")
        if not len(self.at) == len(self.ordered) == len(self.returned) == self.offsets[-1]:
            raise ValueError("at, ordered, returned: must all be as long as the last offset")

    def net(self, cell: int) -> Floats:
        """The cell's demand per bucket from its start to the window's end, returns netted against earlier demand."""
        span = slice(int(self.offsets[cell]), int(self.offsets[cell + 1]))
        buffer = np.zeros(self.buckets - int(self.start[cell]))
        _net_into(buffer, self.at[span] - self.start[cell], self.ordered[span], self.returned[span])
        return buffer


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry per cell; undefined numbers are NaN, an undefined class is -1 (else an index into CLASSES)."""

    buckets: Ints
    nonzero: Ints
    demand: Floats
    unmatched_returns: Floats
    adi: Floats
    cv2_population: Floats
    cv2_sample: Floats
    cv_raw: Floats
    cv: Floats
    season: Ints
    season_p: Floats
    demand_class: Ints


def classify(adi: npt.ArrayLike, cv2: npt.ArrayLike, adi_cut: float = 1.32, cv2_cut: float = 0.49) -> Ints:
    """Demand class as an index into CLASSES, -1 where a number is missing. Arrays broadcast.

    Smooth: ADI < 1.32 and CV² < 0.49; erratic: only CV² reaches its cut; intermittent: only ADI; lumpy: both.
    Source: Syntetos, Boylan and Croston, "On the categorization of demand patterns", JORS 56 (2005) 495-503.

    >>> classify([3.0, 1.1], [0.143, 0.6]).tolist()
    [2, 1]
    """
    gap, spread = checks.numbers("adi", adi), checks.numbers("cv2", cv2)
    known = np.isfinite(gap) & np.isfinite(spread)
    code = 2 * (gap >= adi_cut).astype(np.int64) + (spread >= cv2_cut).astype(np.int64)
    return np.where(known, code, -1)


def measure_patterns(series: DemandSeries, params: DemandParams) -> Pattern:
    """Regularity (ADI), variability (CV², CV) and season of every cell.

    ADI = buckets / buckets with demand. CV² = variance / mean² of the non-zero buckets, population and sample.
    ``cv`` is the sample coefficient of variation over all buckets, of the deseasonalised series where there are at
    least two full cycles and the season is significant, else of the series itself (``season`` says which).
    Season: the trend common to all seasons is removed (slope within seasons), the indices are season means of what is
    left (ratios normalised to mean 1, or differences to sum 0), and a Kruskal-Wallis test with tie correction over the
    seasons decides. Ratios need a trend and indices above zero; a cell where they are not is taken additively.
    Returns net backwards against the latest earlier demand of the cell; what exceeds it is ``unmatched_returns``.

    Published number: 0 0 5 0 0 0 8 0 3 0 0 6 has ADI 3.0 and CV² 0.10744 (population), 0.14325 (sample):
    intermittent.

    >>> from datetime import date
    >>> one = [np.array(each) for each in ([0], [0, 4], [2, 6, 8, 11], [5.0, 8.0, 3.0, 6.0], [0.0] * 4)]
    >>> found = measure_patterns(DemandSeries(12, *one), DemandParams(date(2024, 1, 1), date(2024, 12, 31)))
    >>> found.adi.tolist(), found.cv2_population.round(5).tolist(), CLASSES[found.demand_class[0]]
    ([3.0], [0.10744], 'intermittent')
    """
    raw = np.full((len(series.start), 9), nan)
    how = {"none": _NONE, "multiplicative": _MULTIPLICATIVE, "additive": _ADDITIVE}[params.season]
    _measure(
        series.buckets,
        (series.start, series.offsets, series.at),
        (series.ordered, series.returned),
        (params.cycle, how),
        raw,
    )
    nonzero, demand, unmatched, cv2, cv_raw, cv_season, season, statistic, freedom = raw.T
    buckets = series.buckets - series.start
    with np.errstate(divide="ignore", invalid="ignore"):
        adi = np.where(nonzero > 0, buckets / nonzero, nan)
        cv2_sample = np.where(nonzero > 1, cv2 * nonzero / (nonzero - 1), nan)
    p = np.where(np.isfinite(statistic), chdtrc(np.nan_to_num(freedom, nan=1.0), np.nan_to_num(statistic)), nan)
    significant = np.isfinite(p) & (p < params.significance) & np.isfinite(cv_season)
    return Pattern(
        buckets=buckets,
        nonzero=nonzero.astype(np.int64),
        demand=demand,
        unmatched_returns=unmatched,
        adi=adi,
        cv2_population=cv2,
        cv2_sample=cv2_sample,
        cv_raw=cv_raw,
        cv=np.where(significant, cv_season, cv_raw),
        season=np.where(significant, season, _NONE).astype(np.int64),
        season_p=p,
        demand_class=classify(adi, cv2_sample if params.cv2_kind == "sample" else cv2, params.adi_cut, params.cv2_cut),
    )


def measure_panel(demand: npt.ArrayLike, params: DemandParams | None = None) -> Pattern:
    """`measure_patterns` of a plain panel: how regular and variable is each series of numbers?

    ``demand`` series × periods (or one series), oldest first, net units of 0 or more; NaN at the front stands for
    periods before the launch, and nowhere else. ``params`` gives season and cuts, its window and grain play no part;
    without it nothing is deseasonalised. A series without demand has NaN and class -1; empty gives empty.
    Source: Syntetos, Boylan and Croston, JORS 56 (2005) 495-503.

    >>> found = measure_panel([0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6])
    >>> print(f"{found.adi[0]} {found.cv2_population[0]:.5f} {found.cv2_sample[0]:.5f}", CLASSES[found.demand_class[0]])
    3.0 0.10744 0.14325 intermittent
    """
    panel = as_panel(demand)
    if (panel < 0).any():
        raise ValueError("demand: must be 0 or more; net returns against earlier demand first")
    seen = np.isfinite(panel)
    if (seen[:, :-1] & ~seen[:, 1:]).any():
        raise ValueError("demand: holds NaN after its launch; give 0 for a period without demand")
    sold = panel > 0
    _, at = np.nonzero(sold)
    offsets = np.concatenate([[0], np.cumsum(sold.sum(axis=1))]).astype(np.int64)
    start = (~seen).sum(axis=1)
    series = DemandSeries(panel.shape[1], start, offsets, at, panel[sold], np.zeros(len(at)))
    return measure_patterns(series, params or _PLAIN)


@njit(cache=True, nogil=True)
def _net_into(buffer, at, ordered, returned):  # type: ignore[no-untyped-def]
    """Fill a zeroed buffer with net demand; give back the returns that no earlier demand covers."""
    stack = np.empty(len(at), dtype=np.int64)
    height = 0
    unmatched = 0.0
    for i in range(len(at)):
        if ordered[i] > 0.0:
            buffer[at[i]] += ordered[i]
            stack[height] = at[i]
            height += 1
        left = returned[i]
        while left > 0.0 and height > 0:
            top = stack[height - 1]
            # what differs only by rounding is fully returned, else dust would count as a bucket with demand
            if buffer[top] > left * (1.0 + 1e-9):
                buffer[top] -= left
                left = 0.0
            else:
                left -= buffer[top]
                buffer[top] = 0.0
                height -= 1
                if left <= 1e-9 * returned[i]:
                    left = 0.0
        unmatched += left
    return unmatched


@njit(cache=True, nogil=True)
def _spread(values, skip_zero):  # type: ignore[no-untyped-def]
    """Count, sum and population variance, over all values or the non-zero ones."""
    count = 0
    total = 0.0
    for value in values:
        if value != 0.0 or not skip_zero:
            count += 1
            total += value
    if count == 0:
        return 0, 0.0, nan
    mean = total / count
    squares = 0.0
    for value in values:
        if value != 0.0 or not skip_zero:
            squares += (value - mean) ** 2
    return count, total, squares / count


@njit(cache=True, nogil=True)
def _cv(values):  # type: ignore[no-untyped-def]
    count, total, variance = _spread(values, False)
    if count < 2 or total <= 0.0:
        return nan
    return np.sqrt(variance * count / (count - 1)) * count / total


@njit(cache=True, nogil=True)
def _kruskal_wallis(values, group, groups):  # type: ignore[no-untyped-def]
    """H with tie correction; NaN where all values tie. Values within a billionth of the range count as ties."""
    n = len(values)
    order = np.argsort(values)
    tolerance = 1e-9 * max(abs(values[order[0]]), abs(values[order[n - 1]]), 1e-300)
    sums = np.zeros(groups)
    sizes = np.zeros(groups)
    ties = 0.0
    i = 0
    while i < n:
        j = i
        while j + 1 < n and values[order[j + 1]] - values[order[j]] <= tolerance:
            j += 1
        rank = (i + j) / 2.0 + 1.0
        tied = j - i + 1.0
        ties += tied**3 - tied
        for k in range(i, j + 1):
            sums[group[order[k]]] += rank
            sizes[group[order[k]]] += 1.0
        i = j + 1
    correction = 1.0 - ties / (n**3 - n)
    if correction <= 1e-12:
        return nan
    between = 0.0
    for g in range(groups):
        between += sums[g] ** 2 / sizes[g]
    return (12.0 / (n * (n + 1.0)) * between - 3.0 * (n + 1.0)) / correction


@njit(cache=True, nogil=True)
def _trend(values, group, groups):  # type: ignore[no-untyped-def]
    """Level and slope over the bucket number, the slope from differences within seasons only."""
    n = len(values)
    size = np.zeros(groups)
    mean_t = np.zeros(groups)
    mean_y = np.zeros(groups)
    for t in range(n):
        size[group[t]] += 1.0
        mean_t[group[t]] += t
        mean_y[group[t]] += values[t]
    mean_t /= size
    mean_y /= size
    across = 0.0
    along = 0.0
    for t in range(n):
        dt = t - mean_t[group[t]]
        across += dt * (values[t] - mean_y[group[t]])
        along += dt * dt
    return values.mean(), across / along


@njit(cache=True, nogil=True)
def _season_means(values, group, groups):  # type: ignore[no-untyped-def]
    means = np.zeros(groups)
    size = np.zeros(groups)
    for t in range(len(values)):
        means[group[t]] += values[t]
        size[group[t]] += 1.0
    return means / size


@njit(cache=True, nogil=True)
def _deseasonalise(values, group, groups, how):  # type: ignore[no-untyped-def]
    """Deseasonalised values, the way taken, and Kruskal-Wallis H of the detrended ones over the seasons."""
    n = len(values)
    level, slope = _trend(values, group, groups)
    trend = level + slope * (np.arange(n) - (n - 1) / 2.0)
    if how == _MULTIPLICATIVE and trend.min() > 0.0:
        rest = values / trend
        index = _season_means(rest, group, groups)
        if index.min() > 0.0:
            index /= index.mean()
            flat = np.empty(n)
            for t in range(n):
                flat[t] = values[t] / index[group[t]]
            return flat, _MULTIPLICATIVE, _kruskal_wallis(rest, group, groups)
    rest = values - trend
    scale = np.abs(values).max()
    for t in range(n):
        if abs(rest[t]) <= 1e-9 * scale:
            rest[t] = 0.0
    index = _season_means(rest, group, groups)
    index -= index.mean()
    flat = np.empty(n)
    for t in range(n):
        flat[t] = values[t] - index[group[t]]
    return flat, _ADDITIVE, _kruskal_wallis(rest, group, groups)


@njit(cache=True, nogil=True)
def _measure(buckets, sparse, moved, season, out):  # type: ignore[no-untyped-def]
    start, offsets, at = sparse
    ordered, returned = moved
    cycle, how = season
    scratch = np.zeros(buckets)
    for cell in range(len(start)):
        first = start[cell]
        low, high = offsets[cell], offsets[cell + 1]
        values = scratch[: buckets - first]
        values[:] = 0.0
        unmatched = _net_into(values, at[low:high] - first, ordered[low:high], returned[low:high])
        count, total, variance = _spread(values, True)
        out[cell, 0] = count
        out[cell, 1] = total
        out[cell, 2] = unmatched
        if count == 0:
            continue
        out[cell, 3] = variance / (total / count) ** 2
        out[cell, 4] = _cv(values)
        if how != _NONE and len(values) >= 2 * cycle:
            group = (np.arange(len(values)) + first) % cycle
            flat, taken, statistic = _deseasonalise(values, group, cycle, how)
            out[cell, 5] = _cv(flat)
            out[cell, 6] = taken
            out[cell, 7] = statistic
            out[cell, 8] = cycle - 1
