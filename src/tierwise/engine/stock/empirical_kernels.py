"""Compiled: what decides between formula and quantile, and the quantile itself, for many ragged histories."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _moments(values):  # type: ignore[no-untyped-def]
    """Mean, sample sd and the Jarque–Bera statistic (0 where all values are one)."""
    n = values.size
    mean = values.mean()
    second = third = fourth = 0.0
    for value in values:
        d = value - mean
        second += d * d
        third += d * d * d
        fourth += d * d * d * d
    sd = np.sqrt(second / (n - 1)) if n > 1 else 0.0
    spread = second / n
    if spread <= 1e-18 * mean * mean:
        return mean, 0.0, 0.0
    skew = third / n / spread**1.5
    excess = fourth / n / spread**2 - 3.0
    return mean, sd, n / 6.0 * (skew * skew + excess * excess / 4.0)


@njit(cache=True, nogil=True)
def _chained(values, mean):  # type: ignore[no-untyped-def]
    across = within = 0.0
    for t in range(values.size):
        within += (values[t] - mean) ** 2
        if t:
            across += (values[t] - mean) * (values[t - 1] - mean)
    return across / within if within > 1e-18 * mean * mean * values.size else 0.0


@njit(cache=True, nogil=True)
def _trend(values):  # type: ignore[no-untyped-def]
    """Mann–Kendall's z with ties and continuity correction."""
    n = values.size
    score = 0.0
    for a in range(n):
        for b in range(a + 1, n):
            score += np.sign(values[b] - values[a])
    ordered = np.sort(values)
    ties = 0.0
    start = 0
    for at in range(1, n + 1):
        if at == n or ordered[at] != ordered[start]:
            same = at - start
            ties += same * (same - 1.0) * (2.0 * same + 5.0)
            start = at
    variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0
    if variance <= 0.0 or score == 0.0:
        return 0.0
    return (score - np.sign(score)) / np.sqrt(variance)


@njit(cache=True, nogil=True)
def _window_quantile(demand, lead, review, target):  # type: ignore[no-untyped-def]
    """The smallest sum over windows of history that a share ``target`` does not exceed, lead times weighted alike."""
    sums = np.zeros(demand.size + 1)
    for t in range(demand.size):
        sums[t + 1] = sums[t] + demand[t]
    ordered = np.sort(lead)
    size = 0
    for at in range(ordered.size):
        length = int(ordered[at]) + review
        if length > demand.size:
            return np.nan
        if at == 0 or ordered[at] != ordered[at - 1]:
            size += demand.size - length + 1
    values, weights = np.empty(size), np.empty(size)
    filled = 0
    at = 0
    while at < ordered.size:
        same = at
        while same < ordered.size and ordered[same] == ordered[at]:
            same += 1
        length = int(ordered[at]) + review
        windows = demand.size - length + 1
        for first in range(windows):
            values[filled] = sums[first + length] - sums[first]
            weights[filled] = (same - at) / (ordered.size * windows)
            filled += 1
        at = same
    order = np.argsort(values)
    covered = 0.0
    for place in order:
        covered += weights[place]
        if covered >= target - 1e-12:
            return values[place]
    return values[order[-1]]


@njit(cache=True, nogil=True)
def measure(histories, target, review, found):  # type: ignore[no-untyped-def]
    demand, demand_at, lead, lead_at = histories
    for i in range(found.shape[0]):
        mine = demand[demand_at[i] : demand_at[i + 1]]
        waits = lead[lead_at[i] : lead_at[i + 1]]
        found[i, 0], found[i, 1] = mine.size, waits.size
        if mine.size < 2 or waits.size == 0:
            continue
        found[i, 2], found[i, 3], found[i, 6] = _moments(mine)
        found[i, 4], found[i, 5], found[i, 7] = _moments(waits)
        found[i, 8] = _chained(mine, found[i, 2])
        found[i, 9] = _trend(waits)
        if np.isfinite(target[i]):
            found[i, 10] = _window_quantile(mine, waits, review, target[i])
