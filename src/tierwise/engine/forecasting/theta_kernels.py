"""Compiled: the theta method over ragged panels. For a given alpha the forecast is linear in the first level and in the
weight of the trend line, so both follow by least squares and one number is left to search."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tierwise.engine.forecasting.exponential_kernels import decompose, straight_line

ALPHA_LOW, ALPHA_HIGH = 0.1, 0.99
MOST_WEIGHT = 0.999
"""Weight 1 - 1/theta of the trend line; theta beyond a thousand is the line itself."""
COARSE, ROUNDS = 12, 3


@njit(cache=True, nogil=True)
def _given(y, alpha, line, weight):  # type: ignore[no-untyped-def]
    """Squared errors, first level and weight that minimise them (``weight`` fixed unless negative)."""
    level_of_line, slope_of_line = line
    a, c, d = 0.0, 1.0, 0.0
    decay = 1.0
    yy, yc, yd, cc, cd, dd = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(len(y)):
        pull = decay * level_of_line + (1.0 - decay * (1.0 - alpha)) / alpha * slope_of_line
        decay *= 1.0 - alpha
        over = d + pull
        if math.isnan(y[t]):
            d += alpha * pull
            continue
        rest = y[t] - a
        yy += rest * rest
        yc += rest * c
        yd += rest * over
        cc += c * c
        cd += c * over
        dd += over * over
        a += alpha * (y[t] - a)
        c *= 1.0 - alpha
        d *= 1.0 - alpha
    if weight < 0.0:
        across = cc * dd - cd * cd
        weight = (yd * cc - yc * cd) / across if across > 1e-12 * cc * dd else 0.5
        weight = min(max(weight, 0.0), MOST_WEIGHT)
    first = (yc - weight * cd) / cc
    squares = yy + first * first * cc + weight * weight * dd - 2.0 * (first * yc + weight * yd - first * weight * cd)
    return squares, first, weight


@njit(cache=True, nogil=True)
def _search(y, line, weight):  # type: ignore[no-untyped-def]
    """Alpha, first level and weight: a grid over alpha, refined about its best."""
    low, high = ALPHA_LOW, ALPHA_HIGH
    best, first, chosen, least = low, y[0], max(weight, 0.0), np.inf
    for _ in range(ROUNDS):
        step = (high - low) / (COARSE - 1)
        for i in range(COARSE):
            alpha = low + i * step
            squares, level, share = _given(y, alpha, line, weight)
            if squares < least:
                best, first, chosen, least = alpha, level, share, squares
        low, high = max(best - step, ALPHA_LOW), min(best + step, ALPHA_HIGH)
    return best, first, chosen, least


@njit(cache=True, nogil=True)
def _is_seasonal(y, cycle):  # type: ignore[no-untyped-def]
    """Is the autocorrelation one cycle back beyond chance (90 %), given those before it?"""
    n = len(y)
    total, count = 0.0, 0
    for t in range(n):
        if not math.isnan(y[t]):
            total += y[t]
            count += 1
    mean, spread = total / count, 0.0
    for t in range(n):
        if not math.isnan(y[t]):
            spread += (y[t] - mean) ** 2
    if spread <= 0.0:
        return False
    before, at = 0.0, 0.0
    for lag in range(1, cycle + 1):
        at = 0.0
        for t in range(lag, n):
            if not math.isnan(y[t]) and not math.isnan(y[t - lag]):
                at += (y[t] - mean) * (y[t - lag] - mean)
        at /= spread
        if lag < cycle:
            before += at * at
    return abs(at) > 1.645 * math.sqrt((1.0 + 2.0 * before) / count)


@njit(cache=True, nogil=True)
def theta_panel(panel, cycle, weight, out):  # type: ignore[no-untyped-def]
    """``figures`` (series, 6): alpha, weight of the line, first level, slope of the line, kind of season, root mean
    squared one-step error (seasonally adjusted)."""
    values, offsets, low, high = panel
    forecast, figures = out
    for i in range(low, high):
        begin, end = offsets[i], offsets[i + 1]
        while begin < end and math.isnan(values[begin]):
            begin += 1
        n = end - begin
        if n == 0:
            continue
        y = values[begin:end].copy()
        seen, least = 0, np.inf
        for t in range(n):
            if not math.isnan(y[t]):
                seen += 1
                least = min(least, y[t])
        seasons, kind = np.zeros(cycle), 0
        if cycle > 1 and n >= 2 * cycle and _is_seasonal(y, cycle):
            adjusted, kind = np.empty(n), 2 if least > 0.0 else 1
            if decompose(y, cycle, kind, (seasons, adjusted)):
                y = adjusted
            else:
                kind = 0
        # Times begin with 1, so that the line's level is the one before the first period.
        at_zero, slope = straight_line(y)
        line = (at_zero - slope, slope)
        alpha, level, share, squares = _search(y, line, weight if seen > 3 else 0.5)
        first, decay = level, 1.0
        for t in range(n):
            pull = share * (decay * line[0] + (1.0 - decay * (1.0 - alpha)) / alpha * slope)
            decay *= 1.0 - alpha
            level += alpha * ((level + pull if math.isnan(y[t]) else y[t]) - level)
        for j in range(forecast.shape[1]):
            mean = level + share * (decay * line[0] + (j + (1.0 - decay * (1.0 - alpha)) / alpha) * slope)
            now = seasons[(n + j) % cycle]
            forecast[i, j] = mean * now if kind == 2 else mean + now
        figures[i, 0], figures[i, 1], figures[i, 2], figures[i, 3] = alpha, share, first, slope
        figures[i, 4], figures[i, 5] = kind, math.sqrt(max(squares, 0.0) / seen)
