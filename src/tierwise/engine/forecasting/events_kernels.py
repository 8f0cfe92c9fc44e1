"""Compiled: effects of events on demand by Poisson scores around a moving baseline, many series at once."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MOST_STEPS = 30
STILL = 1e-6


@njit(cache=True, nogil=True)
def baseline(y, factor, window, base):  # type: ignore[no-untyped-def]
    """Demand without events: what was sold over what the events made of it, triangular over ``window`` periods to
    either side, so that it follows trend and season but not the single period."""
    n = len(y)
    for t in range(n):
        up, down = 0.0, 0.0
        for s in range(max(t - window, 0), min(t + window + 1, n)):
            if not math.isnan(y[s]):
                weight = window + 1.0 - abs(s - t)
                up += weight * y[s]
                down += weight * factor[s]
        base[t] = up / down if down > 0.0 else np.nan


@njit(cache=True, nogil=True)
def _factors(x, beta, factor):  # type: ignore[no-untyped-def]
    for t in range(len(factor)):
        total = 0.0
        for j in range(len(beta)):
            total += x[t, j] * beta[j]
        factor[t] = math.exp(min(max(total, -20.0), 20.0))


@njit(cache=True, nogil=True)
def _scores(y, x, fit, out):  # type: ignore[no-untyped-def]
    """Adds score and information of the log effects; gives back Pearson's chi square and the periods counted."""
    base, factor = fit
    score, information = out
    chi, count = 0.0, 0
    for t in range(len(y)):
        mean = base[t] * factor[t]
        if math.isnan(y[t]) or not mean > 0.0:
            continue
        chi += (y[t] - mean) ** 2 / mean
        count += 1
        for j in range(len(score)):
            if x[t, j] != 0.0:
                score[j] += x[t, j] * (y[t] - mean)
                for k in range(len(score)):
                    information[j, k] += x[t, j] * x[t, k] * mean
    return chi, count


@njit(cache=True, nogil=True)
def pooled_scores(panel, beta, window, out):  # type: ignore[no-untyped-def]
    """Score and information of effects common to all series, each series weighed by one over its dispersion."""
    values, offsets, x, starts, _ = panel
    score, information = out
    size = len(beta)
    for i in range(len(offsets) - 1):
        y = values[offsets[i] : offsets[i + 1]]
        rows = x[starts[i] : starts[i] + len(y)]
        factor, base = np.empty(len(y)), np.empty(len(y))
        own, info = np.zeros(size), np.zeros((size, size))
        _factors(rows, beta, factor)
        baseline(y, factor, window, base)
        chi, count = _scores(y, rows, (base, factor), (own, info))
        if count > size and chi > 0.0:
            for j in range(size):
                score[j] += own[j] * count / chi
                for k in range(size):
                    information[j, k] += info[j, k] * count / chi


@njit(cache=True, nogil=True)
def own_effects(panel, prior, window, out):  # type: ignore[no-untyped-def]
    """Each series' own log effects, drawn toward the common ones the more, the less it tells.

    ``out``: log effects, their standard errors, known periods each event was on, dispersion, baseline.
    """
    values, offsets, x, starts, span = panel
    common, spread = prior
    effects, errors, active, dispersion, bases = out
    size = len(common)
    for i in range(span[0], span[1]):
        y = values[offsets[i] : offsets[i + 1]]
        rows = x[starts[i] : starts[i] + len(y)]
        factor, base = np.empty(len(y)), bases[offsets[i] : offsets[i + 1]]
        beta = effects[i]
        beta[:] = common
        weight, information = 1.0, np.zeros((size, size))
        for j in range(size):
            active[i, j] = 0
            for t in range(len(y)):
                active[i, j] += 1 if rows[t, j] != 0.0 and not math.isnan(y[t]) else 0
        for _ in range(MOST_STEPS):
            score = np.zeros(size)
            information = np.zeros((size, size))
            _factors(rows, beta, factor)
            baseline(y, factor, window, base)
            chi, count = _scores(y, rows, (base, factor), (score, information))
            # Never less than half a Poisson's: a few quiet periods would make the rest look certain.
            weight = max(chi / max(count - size, 1), 0.5) if count > 0 else 1.0
            for j in range(size):
                score[j] -= weight / spread[j] ** 2 * (beta[j] - common[j])
                information[j, j] += weight / spread[j] ** 2
            moved = np.linalg.solve(information, score)
            largest = 0.0
            for j in range(size):
                beta[j] += min(max(moved[j], -1.0), 1.0)
                largest = max(largest, abs(moved[j]))
            if largest < STILL:
                break
        inverse = np.linalg.inv(information)
        dispersion[i] = weight
        for j in range(size):
            errors[i, j] = math.sqrt(weight * inverse[j, j])
