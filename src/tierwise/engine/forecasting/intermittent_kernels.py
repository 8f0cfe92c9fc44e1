"""Compiled: intermittent demand over ragged panels. Smoothing begins at the first value, as the methods' authors do."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

CROSTON, TSB, ADIDA, IMAPA = 0, 1, 2, 3
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_ALPHA_WIDTH = 1e-4
"""A forecast changes less than by rounding when alpha is known this well."""


@njit(cache=True, nogil=True)
def smoothed(x, alpha):  # type: ignore[no-untyped-def]
    """The level after all values, and the sum of squared one-step errors."""
    level, squares = x[0], 0.0
    for t in range(1, len(x)):
        e = x[t] - level
        squares += e * e
        level += alpha * e
    return level, squares


@njit(cache=True, nogil=True)
def _best_alpha(x, low, high):  # type: ignore[no-untyped-def]
    """Golden section on the squared one-step errors."""
    if len(x) < 2 or high <= low:
        return low
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = smoothed(x, left)[1], smoothed(x, right)[1]
    while high - low > _ALPHA_WIDTH:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = smoothed(x, left)[1]
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = smoothed(x, right)[1]
    return 0.5 * (low + high)


@njit(cache=True, nogil=True)
def _sums(y, width, room):  # type: ignore[no-untyped-def]
    """Totals of whole blocks of ``width`` periods that end with the last one."""
    blocks = len(y) // width
    begin = len(y) - blocks * width
    for b in range(blocks):
        total = 0.0
        for t in range(begin + b * width, begin + (b + 1) * width):
            total += y[t]
        room[b] = total
    return room[:blocks]


@njit(cache=True, nogil=True)
def _tsb_squares(y, alpha, beta):  # type: ignore[no-untyped-def]
    """Squared one-step errors of TSB's rate; it begins with the first demand's size and the first period's chance."""
    size, chance, squares = 0.0, 0.0, 0.0
    for t in range(len(y)):
        if t > 0 and size > 0.0:
            e = y[t] - size * chance
            squares += e * e
        if y[t] > 0.0:
            size = y[t] if size == 0.0 else size + alpha * (y[t] - size)
        happened = 1.0 if y[t] > 0.0 else 0.0
        chance = happened if t == 0 else chance + beta * (happened - chance)
    return squares


@njit(cache=True, nogil=True)
def _best_tsb(y, low, high):  # type: ignore[no-untyped-def]
    """Grid of five by five, twice: the second about the best of the first."""
    best, least = (low, low), np.inf
    centre, reach = (0.5 * (low + high), 0.5 * (low + high)), 0.5 * (high - low)
    for _ in range(2):
        for i in range(-2, 3):
            for j in range(-2, 3):
                alpha = min(max(centre[0] + 0.5 * i * reach, low), high)
                beta = min(max(centre[1] + 0.5 * j * reach, low), high)
                squares = _tsb_squares(y, alpha, beta)
                if squares < least:
                    best, least = (alpha, beta), squares
        centre, reach = best, 0.4 * reach
    return best


@njit(cache=True, nogil=True)
def _rate(y, method, weights, room):  # type: ignore[no-untyped-def]
    """Rate, size, interval, chance and both weights of one series of known values with some demand."""
    alpha, beta, low, high, optimise = weights
    sizes, gaps, blocks = room
    count, since = 0, 0
    for t in range(len(y)):
        since += 1
        if y[t] > 0.0:
            sizes[count], gaps[count] = y[t], since
            count, since = count + 1, 0
    sizes, gaps = sizes[:count], gaps[:count]
    if optimise and method == CROSTON:
        alpha, beta = _best_alpha(sizes, low, high), _best_alpha(gaps, low, high)
    elif optimise and method == TSB:
        alpha, beta = _best_tsb(y, low, high)
    size, gap = smoothed(sizes, alpha)[0], smoothed(gaps, beta)[0]
    if method == CROSTON:
        return size / gap, size, gap, 1.0 / gap, alpha, beta
    if method == TSB:
        for t in range(len(y)):
            blocks[t] = 1.0 if y[t] > 0.0 else 0.0
        chance = smoothed(blocks[: len(y)], beta)[0]
        return size * chance, size, gap, chance, alpha, beta
    # Python rounds halves to even, as do the published implementations.
    widest = min(max(round(gaps.sum() / count), 1), len(y))
    total, weight = 0.0, alpha
    first = widest if method == ADIDA else 1
    for width in range(first, widest + 1):
        sums = _sums(y, width, blocks)
        weight = _best_alpha(sums, low, high) if optimise else alpha
        total += smoothed(sums, weight)[0] / width
    rate = total / (widest - first + 1)
    return rate, size, float(widest), rate / size if size > 0.0 else 0.0, weight, weight


@njit(cache=True, nogil=True)
def rates_of(panel, method, weights, found):  # type: ignore[no-untyped-def]
    """``found`` (series, 8): rate, size, interval, chance, alpha, beta, known periods, periods with demand. Unknown
    periods are left out."""
    values, offsets, low, high = panel
    longest = 1
    for i in range(low, high):
        longest = max(longest, offsets[i + 1] - offsets[i])
    y = np.empty(longest)
    room = np.empty(longest), np.empty(longest), np.empty(longest)
    for i in range(low, high):
        n, demands = 0, 0
        for t in range(offsets[i], offsets[i + 1]):
            if not math.isnan(values[t]):
                y[n] = values[t]
                n += 1
                demands += 1 if values[t] > 0.0 else 0
        found[i, 6], found[i, 7] = n, demands
        if demands > 0:
            found[i, 0], found[i, 1], found[i, 2], found[i, 3], found[i, 4], found[i, 5] = _rate(
                y[:n], method, weights, room
            )
        elif n > 0:
            found[i, 0], found[i, 3] = 0.0, 0.0
