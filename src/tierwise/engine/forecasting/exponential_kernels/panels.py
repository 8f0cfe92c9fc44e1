"""Ragged panels: the best form of every series, and known forms run on."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tierwise.engine.forecasting.exponential_kernels.decomposition import decompose, first_guess, straight_line
from tierwise.engine.forecasting.exponential_kernels.lanes import LANES, PHI_HIGH, PHI_LOW, ROWS
from tierwise.engine.forecasting.exponential_kernels.search import FREE_SEASONS, SHARES, free_of, search


@njit(cache=True, nogil=True)
def _corrected(criterion, seen, form, cycle):  # type: ignore[no-untyped-def]
    """AICc; infinite where the series is too short for the form's parameters, states and variance."""
    _, trend, season = form
    count = 3.0 + 2.0 * (trend > 0) + 1.0 * (trend == 2) + (season > 0) * float(cycle)
    if seen - count - 1.0 <= 0.0:
        return np.inf
    return criterion + 2.0 * count + 2.0 * count * (count + 1.0) / (seen - count - 1.0)


@njit(cache=True, nogil=True)
def _best_form(y, forms, cycle, out):  # type: ignore[no-untyped-def]
    """The form with the least AICc of a series that begins with a known value, as an index into ``forms``; -1 where the
    series is constant or too short. ``theta`` takes the set with all first states, ``aicc`` what each form reached."""
    theta_out, aicc = out
    n = len(y)
    seen, least, most, total, squares = 0, np.inf, -np.inf, 0.0, 0.0
    for t in range(n):
        if not math.isnan(y[t]):
            seen += 1
            least, most = min(least, y[t]), max(most, y[t])
            total += y[t]
            squares += y[t] * y[t]
    if most - least <= 1e-12 * max(abs(most), abs(least)):
        return -1
    unit = math.sqrt(max(squares / seen - (total / seen) ** 2, 0.0))
    widest = 6 + (cycle if cycle <= FREE_SEASONS else 0)
    states, residuals, sets = np.empty(ROWS), np.empty(n * LANES), np.empty(widest * LANES)
    jacobian, base, matrix, right = np.empty((widest, n)), np.empty(n), np.empty((widest, widest)), np.empty(widest)
    seasons, firsts, adjusted, applies = np.zeros(cycle * LANES), np.zeros((3, cycle)), np.empty((3, n)), np.zeros(3)
    adjusted[0], applies[0] = y, 1.0
    bests = np.full((9, widest), np.nan)
    chosen, least_so_far = -1, np.inf
    for f in range(len(forms)):
        form = (forms[f, 0], forms[f, 1], forms[f, 2])
        error, trend, season = form
        aicc[f] = np.inf
        if (error == 1 and least <= 0.0) or _corrected(0.0, seen, form, cycle) == np.inf:
            continue
        if season > 0 and applies[season] == 0.0:
            fits = n >= 2 * cycle and decompose(y, cycle, season, (firsts[season], adjusted[season]))
            applies[season] = 1.0 if fits else -1.0
        if applies[season] < 0.0:
            continue
        turns = cycle if season > 0 else 1
        size = 6 + (cycle if season > 0 and cycle <= FREE_SEASONS else 0)
        theta = bests[3 * trend + season, :size]
        fresh = math.isnan(theta[0])
        if fresh:
            first_guess(y, adjusted[season], turns, trend, theta)
            for j in range(size - 6):
                theta[6 + j] = firsts[season, j]
        equations = (sets[: size * LANES], jacobian, base, matrix, right)
        line = straight_line(adjusted[season]) if trend > 0 else (theta[4], 0.0)
        work = (states, seasons[: turns * LANES], residuals, equations, free_of(form, cycle), unit, line)
        # Relative errors begin where additive ones of the same trend and season ended; without a trend, where hollows
        # are far apart, and where forecasts from there fall below zero, once more from the coarse starts.
        begun, worth = theta.copy(), np.inf
        for again in (False, True):
            if again and (fresh or (trend > 0 and worth < np.inf)):
                continue
            trial = begun.copy()
            if again:
                trial[:SHARES] = np.nan
            reached = search(y, form, trial, firsts[season], work)
            if reached < worth:
                worth = reached
                theta[:] = trial
        aicc[f] = _corrected(worth, seen, form, cycle)
        if aicc[f] < least_so_far:
            chosen, least_so_far = f, aicc[f]
            theta_out[6 : 6 + cycle] = firsts[season]
            theta_out[:size] = theta
    return chosen


@njit(cache=True, nogil=True)
def search_panel(panel, forms, cycle, out):  # type: ignore[no-untyped-def]
    """Best form of the series ``low`` … ``high`` of a ragged panel.

    ``parameters`` (series, 6 + cycle): alpha, beta, gamma, phi, first level, slope and seasonal states; ``aicc``
    (series, forms); ``chosen`` the index of the form, -1 for none, -2 where nothing is known.
    """
    values, offsets, low, high = panel
    parameters, aicc, chosen = out
    for i in range(low, high):
        begin, end = offsets[i], offsets[i + 1]
        while begin < end and math.isnan(values[begin]):
            begin += 1
        chosen[i] = -2
        if begin == end:
            continue
        y, theta = values[begin:end], parameters[i]
        chosen[i] = _best_form(y, forms, cycle, (theta, aicc[i]))
        if chosen[i] < 0:
            # Constant, or too short for any form: smoothing by a half from the first value.
            theta[:] = 0.0
            theta[0], theta[3], theta[4] = 0.5, 1.0, y[0]
            continue
        trend, season = forms[chosen[i], 1], forms[chosen[i], 2]
        theta[1] = theta[0] * theta[1] if trend > 0 else 0.0
        theta[2] = (1.0 - theta[0]) * theta[2] if season > 0 else 0.0
        theta[3] = PHI_LOW + (PHI_HIGH - PHI_LOW) * theta[3] if trend == 2 else 1.0
        if trend == 0:
            theta[5] = 0.0
        if season == 0:
            theta[6:] = 0.0


@njit(cache=True, nogil=True)
def project_panel(panel, season_of, parameters, out):  # type: ignore[no-untyped-def]
    """Runs known parameters through the series: one-step forecasts, last states and the forecast ahead.

    ``last`` (series, 3 + cycle): root mean squared one-step error, last level and slope, the next cycle's seasons.
    """
    values, offsets, low, high = panel
    forecast, fitted, last = out
    cycle = parameters.shape[1] - 6
    for i in range(low, high):
        begin, end = offsets[i], offsets[i + 1]
        while begin < end and math.isnan(values[begin]):
            begin += 1
        if begin == end:
            continue
        alpha, beta, gamma, phi = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        level, slope, season, turn = parameters[i, 4], parameters[i, 5], season_of[i], parameters[i, 6:].copy()
        total, seen = 0.0, 0
        for t in range(end - begin):
            value, at = values[begin + t], t % cycle
            slope *= phi
            level += slope
            now, base = turn[at], level
            mean = base * now if season == 2 else base + now
            fitted[begin + t] = mean
            if math.isnan(value):
                continue
            e = value - mean
            total += e * e
            seen += 1
            over = now if season == 2 else 1.0
            level += alpha * e / over
            slope += beta * e / over
            turn[at] += gamma * e / (base if season == 2 else 1.0)
        last[i, 0], last[i, 1], last[i, 2] = math.sqrt(total / seen), level, slope
        for j in range(cycle):
            last[i, 3 + j] = turn[(end - begin + j) % cycle]
        for j in range(forecast.shape[1]):
            slope *= phi
            level += slope
            now = last[i, 3 + j % cycle]
            forecast[i, j] = level * now if season == 2 else level + now
