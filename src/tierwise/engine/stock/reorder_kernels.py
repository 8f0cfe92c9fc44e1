"""Compiled: best (r, Q) under normal and Poisson demand, best (s, S) under any whole demand, many items at once."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_ROOT_TWO = math.sqrt(2.0)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@njit(cache=True, nogil=True)
def _normal(z):  # type: ignore[no-untyped-def]
    """P(Z > z), the loss and the second loss of a standard normal."""
    above = 0.5 * math.erfc(z / _ROOT_TWO)
    density = math.exp(-0.5 * z * z) / _ROOT_TWO_PI
    return above, density - z * above, 0.5 * ((z * z + 1.0) * above - z * density)


@njit(cache=True, nogil=True)
def _level_set(level, hold, short):  # type: ignore[no-untyped-def]
    """Both z at which h·z + (h + p)·loss(z) reaches a level; Newton from the asymptotes of a convex function."""
    low, high = -level / short, level / hold
    for _ in range(60):
        above, loss, _ = _normal(low)
        slope = hold - (hold + short) * above
        step = (hold * low + (hold + short) * loss - level) / slope if slope < 0.0 else 0.0
        low -= step
        if abs(step) <= 1e-13 * (1.0 + abs(low)):
            break
    for _ in range(60):
        above, loss, _ = _normal(high)
        slope = hold - (hold + short) * above
        step = (hold * high + (hold + short) * loss - level) / slope if slope > 0.0 else 0.0
        high -= step
        if abs(step) <= 1e-13 * (1.0 + abs(high)):
            break
    return low, high


@njit(cache=True, nogil=True)
def best_normal(setup, hold, short, mean, sd, best):  # type: ignore[no-untyped-def]
    """``setup`` is fixed cost × demand rate; ``best`` (items, 3) takes r, Q and the cost. Zheng's level condition."""
    for i in range(setup.size):
        h, p = hold[i], short[i]
        known = setup[i] + h + p + mean[i] + sd[i]
        if not math.isfinite(known):
            best[i, :] = np.nan
            continue
        if sd[i] == 0.0:
            level = math.sqrt(2.0 * setup[i] * h * p / (h + p))
            best[i, 0], best[i, 1], best[i, 2] = mean[i] - level / p, level / p + level / h, level
            continue
        wanted = setup[i] / (sd[i] * sd[i])
        # The level is at least the minimum of the cost rate; the area below it grows convexly, so Newton closes in.
        bottom, z = 0.0, 0.0
        for _ in range(60):
            above, _, _ = _normal(z)
            step = (h - (h + p) * above) / ((h + p) * math.exp(-0.5 * z * z) / _ROOT_TWO_PI)
            z -= max(-1.0, min(1.0, step))
            if abs(step) < 1e-13:
                break
        bottom = h * z + (h + p) * _normal(z)[1]
        level = bottom + math.sqrt(2.0 * wanted * h * p / (h + p)) + 1e-12
        low, high = z, z
        for _ in range(60):
            low, high = _level_set(level, h, p)
            area = level * (high - low) - 0.5 * h * (high * high - low * low)
            area -= (h + p) * (_normal(low)[2] - _normal(high)[2])
            step = (area - wanted) / (high - low)
            level = max(level - step, bottom + 0.25 * (level - bottom))
            if abs(step) <= 1e-13 * level:
                break
        low, high = _level_set(level, h, p)
        best[i, 0], best[i, 1], best[i, 2] = mean[i] + sd[i] * low, sd[i] * (high - low), sd[i] * level


@njit(cache=True, nogil=True)
def best_poisson(setup, hold, short, mean, best):  # type: ignore[no-untyped-def]
    """Federgruen and Zheng: from the best single level outward, always to the cheaper side, while it pays."""
    for i in range(setup.size):
        h, p, m = hold[i], short[i], mean[i]
        if not math.isfinite(setup[i] + h + p + m):
            best[i, :] = np.nan
            continue
        y = 0
        if m > 0.0:
            y = max(0, int(m - 12.0 * math.sqrt(m) - 20.0))
        mass = math.exp(y * math.log(m) - m - math.lgamma(y + 1.0)) if m > 0.0 else 1.0
        covered = mass
        wanted = p / (h + p) * (1.0 - 1e-13)
        short_by = m - y
        while covered < wanted:
            short_by -= 1.0 - covered
            y += 1
            mass *= m / y
            covered += mass
        # What lies below the start is beyond rounding; ``short_by`` is E[(D − y)⁺] once y has climbed from there.
        low, high = y, y
        low_mass, low_covered = mass, covered
        high_mass, high_covered = mass, covered
        rate = h * (y - m) + (h + p) * short_by
        total = setup[i] + rate
        units = 1
        below = rate - h * (low_covered - low_mass) + p * (1.0 - low_covered + low_mass)
        beyond = rate + h * high_covered - p * (1.0 - high_covered)
        while min(below, beyond) < total / units:
            if below <= beyond:
                total += below
                low -= 1
                low_covered -= low_mass
                low_mass = low_mass * (low + 1) / m if low >= 0 and m > 0.0 else 0.0
                covered_here = max(low_covered - low_mass, 0.0) if low > 0 else 0.0
                below += -h * covered_here + p * (1.0 - covered_here)
            else:
                total += beyond
                high += 1
                high_mass *= m / high
                high_covered = min(1.0, high_covered + high_mass)
                beyond += h * high_covered - p * (1.0 - high_covered)
            units += 1
        best[i, 0], best[i, 1], best[i, 2] = low - 1.0, float(units), total / units


@njit(cache=True, nogil=True)
def _rate(y, h, p, mean, loss):  # type: ignore[no-untyped-def]
    if y < 0:
        return p * (mean - y)
    held = loss[y] if y < loss.size else 0.0
    return h * (y - mean) + (h + p) * held


@njit(cache=True, nogil=True)
def _renew(mass, renewals, sums, span):  # type: ignore[no-untyped-def]
    """Renewal density and its sums up to ``span``, grown where they are too short; known ones have sums above 0."""
    if span >= renewals.size:
        renewals = np.concatenate((renewals, np.zeros(span)))
        sums = np.concatenate((sums, np.zeros(span)))
    for at in range(span):
        if sums[at + 1] > 0.0:
            continue
        value = 1.0 if at == 0 else 0.0
        for j in range(1, min(at, mass.size - 1) + 1):
            value += mass[j] * renewals[at - j]
        renewals[at] = value / (1.0 - mass[0])
        sums[at + 1] = sums[at] + renewals[at]
    return renewals, sums


@njit(cache=True, nogil=True)
def _average(low, high, costs, loss, renewal):  # type: ignore[no-untyped-def]
    """Cost per period of ordering up to ``high`` from ``low`` or less."""
    fixed, h, p, mean = costs
    renewals, sums = renewal
    total = fixed
    for j in range(high - low):
        total += renewals[j] * _rate(high - j, h, p, mean, loss)
    return total / sums[high - low]


@njit(cache=True, nogil=True)
def best_levels(costs, masses, losses, best):  # type: ignore[no-untyped-def]
    """Zheng and Federgruen for each item: rows of ``costs`` are fixed, h, p and the mean of demand over lead time + 1,
    of ``masses`` P(D = j) per period, of ``losses`` E[(D − j)⁺] over lead time + 1."""
    for i in range(masses.shape[0]):
        fixed, h, p, mean = costs[i]
        if not math.isfinite(fixed + h + p + mean + masses[i, 0]):
            best[i, :] = np.nan
            continue
        loss, given = losses[i], (fixed, h, p, mean)
        width = masses.shape[1]
        while width > 1 and masses[i, width - 1] == 0.0:
            width -= 1
        mass = masses[i, :width]
        top = 0
        while _rate(top + 1, h, p, mean, loss) < _rate(top, h, p, mean, loss):
            top += 1
        renewals, sums = np.zeros(64), np.zeros(65)
        low, high = top - 1, top
        renewals, sums = _renew(mass, renewals, sums, 1)
        cost = _average(low, high, given, loss, (renewals, sums))
        while cost > _rate(low, h, p, mean, loss):
            low -= 1
            renewals, sums = _renew(mass, renewals, sums, high - low)
            cost = _average(low, high, given, loss, (renewals, sums))
        at = top + 1
        while _rate(at, h, p, mean, loss) <= cost:
            renewals, sums = _renew(mass, renewals, sums, at - low)
            value = _average(low, at, given, loss, (renewals, sums))
            if value < cost:
                high, cost = at, value
                # A lower cost can make a higher reorder point worth while.
                while low + 1 < high and cost <= _rate(low + 1, h, p, mean, loss):
                    low += 1
                    cost = _average(low, high, given, loss, (renewals, sums))
            at += 1
        best[i, 0], best[i, 1], best[i, 2] = float(low), float(high), cost
