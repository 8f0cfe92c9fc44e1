"""The best set of one form: coarse starts, then Levenberg-Marquardt steps of eight dampings at once.

Derivatives are differences between lanes. The search calls the recursion in one place only, which keeps the compiler
quick.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tierwise.engine.forecasting.exponential_kernels.lanes import FOUND, LANES, LOGS, ROWS, run, spread

SHARES = 4
"""Bounded parameters come first in a set: alpha, beta / alpha, gamma / (1 - alpha), phi on 0.8 … 0.98."""
LOW, HIGH = 1e-4, 1.0 - 1e-4
DIFFERENCE = 1e-4
MOST_STEPS = 12
ENOUGH = 5e-3
"""Gain of twice the log likelihood below which a search ends; one more parameter must earn four hundred times that."""
FREE_SEASONS = 24
"""Longest cycle whose first seasonal states are searched; longer ones keep what the decomposition gave."""
LOOK, SLOPES, STEP = 0, 1, 2


@njit(cache=True, nogil=True)
def free_of(form, cycle):  # type: ignore[no-untyped-def]
    """Which entries of a set are searched."""
    _, trend, season = form
    free = [0, 4]
    if trend > 0:
        free.append(1)
        free.append(5)
    if trend == 2:
        free.append(3)
    if season > 0:
        free.append(2)
        if cycle <= FREE_SEASONS:
            free.extend(range(6, 6 + cycle))
    return np.array(free)


@njit(cache=True, nogil=True)
def _propose_grid(theta, form, half, line, sets):  # type: ignore[no-untyped-def]
    """Coarse starts: four alphas by two of what the form has besides; a second half for forms with more. With a trend
    the least alpha goes with the straight line through all periods, which hardly a step leads to from elsewhere."""
    for lane in range(LANES):
        for i in range(len(theta)):
            sets[i * LANES + lane] = theta[i]
        alphas = (0.01, 0.1, 0.35, 0.85) if form[1] > 0 else (0.05, 0.2, 0.5, 0.9)
        sets[lane] = alphas[lane % 4]
        sets[LANES + lane] = (0.02, 0.3)[lane // 4]
        sets[2 * LANES + lane] = (0.02, 0.2)[(lane // 4 + half) % 2 if form[1] > 0 else lane // 4]
        sets[3 * LANES + lane] = (0.9, 0.4)[half]
        if form[1] > 0 and lane % 4 == 0:
            sets[4 * LANES + lane], sets[5 * LANES + lane] = line[0] - line[1], line[1]


@njit(cache=True, nogil=True)
def _propose_differences(theta, form, free, unit, sets):  # type: ignore[no-untyped-def]
    """Lane 0 the present set, the others each with one free parameter moved a little."""
    for i in range(len(theta)):
        for lane in range(LANES):
            sets[i * LANES + lane] = theta[i]
    for q in range(len(free)):
        place = free[q]
        step = DIFFERENCE if place < SHARES or (place >= 6 and form[2] == 2) else DIFFERENCE * unit
        sets[place * LANES + q + 1] += -step if place < SHARES and theta[place] > 0.5 else step


@njit(cache=True, nogil=True)
def _take_differences(theta, free, states, residuals, equations):  # type: ignore[no-untyped-def]
    """Slopes of the scaled residuals, whose squares are the criterion also where errors are relative."""
    sets, jacobian, base, done = equations
    middle = math.exp(states[LOGS])
    for t in range(len(base)):
        base[t] = residuals[t * LANES] * middle
    for q in range(len(free)):
        step = sets[free[q] * LANES + q + 1] - theta[free[q]]
        scale = math.exp(states[LOGS + q + 1])
        for t in range(len(base)):
            jacobian[done + q, t] = (residuals[t * LANES + q + 1] * scale - base[t]) / step


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _product(one, other):  # type: ignore[no-untyped-def]
    total = 0.0
    for t in range(len(one)):
        total += one[t] * other[t]
    return total


@njit(cache=True, nogil=True)
def _propose_steps(theta, free, damping, equations):  # type: ignore[no-untyped-def]
    """Levenberg-Marquardt steps of eight dampings; parameters at a bound that the slope pushes against stay. False when
    nothing may move."""
    sets, jacobian, base, matrix, right = equations
    active = np.empty(len(free), dtype=np.int64)
    kept = 0
    for q in range(len(free)):
        slope, at = -_product(jacobian[q], base), theta[free[q]]
        curve = _product(jacobian[q], jacobian[q])
        pushed = free[q] < SHARES and ((at <= LOW and slope < 0.0) or (at >= HIGH and slope > 0.0))
        if not pushed and 0.0 < curve < np.inf:
            active[kept], right[kept], matrix[kept, kept] = q, slope, curve
            for a in range(kept):
                matrix[kept, a] = _product(jacobian[q], jacobian[active[a]])
                matrix[a, kept] = matrix[kept, a]
            kept += 1
    if kept == 0:
        return False
    factor, moved = np.empty((kept, kept)), np.empty(kept)
    weight = damping * 1e-2
    for lane in range(LANES):
        for i in range(len(theta)):
            sets[i * LANES + lane] = theta[i]
        if _solve(matrix, right, weight, (factor, moved)):
            for a in range(kept):
                place = free[active[a]]
                value = theta[place] + moved[a]
                sets[place * LANES + lane] = min(max(value, LOW), HIGH) if place < SHARES else value
        weight *= 10.0
    return True


@njit(cache=True, nogil=True)
def _solve(matrix, right, damping, room):  # type: ignore[no-untyped-def]
    """Solves (matrix + damping · its diagonal) answer = right by Cholesky; False where it is singular."""
    factor, answer = room
    size = len(answer)
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            if i == j:
                total += damping * matrix[i, i] + 1e-12
            for p in range(j):
                total -= factor[i, p] * factor[j, p]
            if i == j:
                if total <= 0.0:
                    return False
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(size):
        total = right[i]
        for p in range(i):
            total -= factor[i, p] * answer[p]
        answer[i] = total / factor[i, i]
    for i in range(size - 1, -1, -1):
        total = answer[i]
        for p in range(i + 1, size):
            total -= factor[p, i] * answer[p]
        answer[i] = total / factor[i, i]
    return True


@njit(cache=True, nogil=True)
def search(y, form, theta, first, work):  # type: ignore[no-untyped-def]
    """Best set of one form into ``theta``; a grid looks for a start where its shares are unknown. Gives back the
    criterion. Coarse starts, slopes and damped steps take turns until a step gains too little."""
    states, seasons, residuals, equations, free, unit, line = work
    sets, jacobian, base = equations[:3]
    phase = LOOK if math.isnan(theta[0]) else SLOPES
    half, done, steps, damping, best = 0, 0, 0, 1e-3, np.inf
    while True:
        batch = free[done : min(done + LANES - 1, len(free))]
        if phase == LOOK:
            _propose_grid(theta, form, half, line, sets)
        elif phase == SLOPES:
            _propose_differences(theta, form, batch, unit, sets)
        elif not _propose_steps(theta, free, damping, equations):
            return best
        spread(sets, form, first, states, seasons)
        run(y, form, states, seasons, residuals)
        if phase == SLOPES:
            best = states[FOUND]
            if not best < np.inf:
                return best
            _take_differences(theta, batch, states, residuals, (sets, jacobian, base, done))
            done += len(batch)
            if done == len(free):
                phase, done = STEP, 0
            continue
        chosen = np.argmin(states[FOUND:ROWS])
        found = states[FOUND + chosen]
        gain = best - found
        if gain > 0.0:
            best = found
            theta[:] = sets[chosen::LANES]
        if phase == LOOK:
            half += 1
            if not best < np.inf:
                for i in range(SHARES):
                    theta[i] = 0.1
            if half == 2 or (form[1] < 2 and form[2] == 0):
                phase = SLOPES
            continue
        steps += 1
        damping = max(damping * 1e-2 * 10.0**chosen, 1e-6)
        if not gain > ENOUGH or steps == MOST_STEPS:
            return best
        phase = SLOPES
