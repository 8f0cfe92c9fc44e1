"""Where a search begins: seasons by the classical decomposition, level and slope by a straight line."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def decompose(y, cycle, kind, out):  # type: ignore[no-untyped-def]
    """Seasonal states and the seasonally adjusted series by the classical decomposition; False where it does not apply.

    With less than three cycles a straight line stands for the trend and one wave for the season.
    """
    seasons, adjusted = out
    n = len(y)
    rest = np.full(n, np.nan)
    if n >= 3 * cycle:
        half = cycle // 2
        for t in range(half, n - half):
            total = 0.0
            weight = 0.0
            for j in range(-half, half + 1):
                share = 0.5 if cycle % 2 == 0 and abs(j) == half else 1.0
                if not math.isnan(y[t + j]):
                    total += share * y[t + j]
                    weight += share
            if weight > 0.0:
                middle = total / weight
                rest[t] = y[t] - middle if kind == 1 else y[t] / middle
    else:
        level, slope = straight_line(y)
        for t in range(n):
            middle = level + slope * t
            rest[t] = y[t] - middle if kind == 1 else (y[t] / middle if middle > 0.0 else np.nan)
    count = np.zeros(cycle)
    seasons[:] = 0.0
    for t in range(n):
        if not math.isnan(rest[t]):
            seasons[t % cycle] += rest[t]
            count[t % cycle] += 1.0
    for j in range(cycle):
        if count[j] == 0.0:
            return False
        seasons[j] /= count[j]
    if n < 3 * cycle:
        _one_wave(seasons)
    middle = seasons.mean()
    for j in range(cycle):
        if kind == 1:
            seasons[j] -= middle
        else:
            seasons[j] = max(seasons[j] / middle, 0.01)
    for t in range(n):
        adjusted[t] = y[t] - seasons[t % cycle] if kind == 1 else y[t] / seasons[t % cycle]
    return True


@njit(cache=True, nogil=True)
def _one_wave(seasons):  # type: ignore[no-untyped-def]
    """Keeps the mean and the first harmonic."""
    cycle = len(seasons)
    middle = seasons.mean()
    up, across = 0.0, 0.0
    for j in range(cycle):
        angle = 2.0 * math.pi * j / cycle
        up += seasons[j] * math.cos(angle)
        across += seasons[j] * math.sin(angle)
    for j in range(cycle):
        angle = 2.0 * math.pi * j / cycle
        share = 2.0 / cycle if cycle > 2 else 1.0 / cycle
        seasons[j] = middle + share * (up * math.cos(angle) + across * math.sin(angle))


@njit(cache=True, nogil=True)
def straight_line(y):  # type: ignore[no-untyped-def]
    """Level at time 0 and slope by least squares over the known values."""
    count, st, sy, stt, sty = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(len(y)):
        if not math.isnan(y[t]):
            count += 1.0
            st += t
            sy += y[t]
            stt += t * t
            sty += t * y[t]
    if count == 0.0:
        return np.nan, 0.0
    across = stt - st * st / count
    slope = (sty - st * sy / count) / across if across > 0.0 else 0.0
    return (sy - slope * st) / count, slope


@njit(cache=True, nogil=True)
def first_guess(y, adjusted, cycle, trend, start):  # type: ignore[no-untyped-def]
    """Level and slope before the first period from the first ten values or two cycles."""
    length = min(max(10, 2 * cycle), len(y))
    level, slope = straight_line(adjusted[:length])
    if trend > 0 and not math.isnan(level):
        start[4], start[5] = level - slope, slope
        return
    total, count = 0.0, 0.0
    for t in range(length):
        if not math.isnan(adjusted[t]):
            total += adjusted[t]
            count += 1.0
    start[4], start[5] = total / max(count, 1.0), 0.0
