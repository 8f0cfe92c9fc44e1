"""Eight sets of parameters ("lanes") run through a series at once.

That fills the processor where one recursion would wait for itself. Arrays of lanes are flat, lane by lane, which keeps
the loops vectorised.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LANES = 8
ALPHA, BETA, GAMMA, PHI, LEVEL, SLOPE, LEAST, PRODUCT, LOGS, FOUND, ROWS = (LANES * row for row in range(11))
"""Where each row of the lanes' states begins."""
PHI_LOW, PHI_HIGH = 0.8, 0.98


@njit(cache=True, nogil=True)
def run(y, form, states, seasons, residuals):  # type: ignore[no-untyped-def]
    """Runs every lane through the series: residuals, and minus twice the concentrated log likelihood at FOUND.

    The forms' recursions are the same for additive and for relative errors, only what is squared differs. LOGS holds
    the log of the mean forecast where errors are relative (infinite once a forecast is not above zero), else 0.
    """
    error, _, season = form
    cycle = len(seasons) // LANES
    for k in range(LANES):
        states[LEAST + k], states[PRODUCT + k], states[LOGS + k], states[FOUND + k] = np.inf, 1.0, 0.0, 0.0
    scale, seen = 0.0, 0
    for t in range(len(y)):
        if not math.isnan(y[t]):
            scale = max(scale, abs(y[t]))
    for t in range(len(y)):
        known = 0.0 if math.isnan(y[t]) else 1.0
        value = y[t] if known > 0.0 else 0.0
        at, turn = t * LANES, (t % cycle) * LANES
        if season == 0:
            for k in range(LANES):
                trend = states[SLOPE + k] * states[PHI + k]
                base = states[LEVEL + k] + trend
                e = (value - base) * known
                states[LEVEL + k] = base + states[ALPHA + k] * e
                states[SLOPE + k] = trend + states[BETA + k] * e
                residuals[at + k] = e
        elif season == 1:
            for k in range(LANES):
                trend = states[SLOPE + k] * states[PHI + k]
                base = states[LEVEL + k] + trend
                e = (value - base - seasons[turn + k]) * known
                states[LEVEL + k] = base + states[ALPHA + k] * e
                states[SLOPE + k] = trend + states[BETA + k] * e
                seasons[turn + k] += states[GAMMA + k] * e
                residuals[at + k] = e
        else:
            for k in range(LANES):
                trend = states[SLOPE + k] * states[PHI + k]
                base = states[LEVEL + k] + trend
                now = seasons[turn + k]
                e = (value - base * now) * known
                states[LEVEL + k] = base + states[ALPHA + k] * e / now
                states[SLOPE + k] = trend + states[BETA + k] * e / now
                seasons[turn + k] = now + states[GAMMA + k] * e / base
                residuals[at + k] = e
        if known > 0.0:
            seen += 1
            if error == 1:
                for k in range(LANES):
                    mean = value - residuals[at + k]
                    residuals[at + k] /= mean
                    states[LEAST + k] = min(states[LEAST + k], mean)
                    states[PRODUCT + k] *= mean / scale
                if seen % 8 == 0:
                    for k in range(LANES):
                        states[LOGS + k] += math.log(abs(states[PRODUCT + k]) + 1e-300)
                        states[PRODUCT + k] = 1.0
            for k in range(LANES):
                states[FOUND + k] += residuals[at + k] * residuals[at + k]
    for k in range(LANES):
        if error == 1:
            logs = (states[LOGS + k] + math.log(abs(states[PRODUCT + k]) + 1e-300)) / seen + math.log(scale)
            states[LOGS + k] = logs if states[LEAST + k] > 0.0 else np.inf
        worth = seen * (math.log(states[FOUND + k] + 1e-300) + 2.0 * states[LOGS + k])
        states[FOUND + k] = min(np.inf, worth)


@njit(cache=True, nogil=True)
def spread(sets, form, first, states, seasons):  # type: ignore[no-untyped-def]
    """Sets (shares, level, slope, free seasonal states; lane by lane) written as the lanes' states."""
    _, trend, season = form
    for k in range(LANES):
        alpha = sets[k]
        states[ALPHA + k] = alpha
        states[BETA + k] = alpha * sets[LANES + k] if trend > 0 else 0.0
        states[GAMMA + k] = (1.0 - alpha) * sets[2 * LANES + k] if season > 0 else 0.0
        states[PHI + k] = PHI_LOW + (PHI_HIGH - PHI_LOW) * sets[3 * LANES + k] if trend == 2 else 1.0
        states[LEVEL + k] = sets[4 * LANES + k]
        states[SLOPE + k] = sets[5 * LANES + k] if trend > 0 else 0.0
    for j in range(len(seasons)):
        seasons[j] = sets[6 * LANES + j] if 6 * LANES + j < len(sets) else first[j // LANES]
