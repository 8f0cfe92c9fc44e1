"""Compiled: the exponential smoothing family over ragged panels; parameters and first states by least squares.

Eight sets of parameters ("lanes") run through a series at once, which fills the processor where one recursion would
wait for itself; derivatives are differences between lanes. Arrays of lanes are flat, lane by lane, and the search calls
the recursion in one place only: both keep the loops vectorised and the compiler quick.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LANES = 8
ALPHA, BETA, GAMMA, PHI, LEVEL, SLOPE, LEAST, PRODUCT, LOGS, FOUND, ROWS = (LANES * row for row in range(11))
"""Where each row of the lanes' states begins."""
SHARES = 4
"""Bounded parameters come first in a set: alpha, beta / alpha, gamma / (1 - alpha), phi on 0.8 … 0.98."""
LOW, HIGH = 1e-4, 1.0 - 1e-4
PHI_LOW, PHI_HIGH = 0.8, 0.98
DIFFERENCE = 1e-4
MOST_STEPS = 12
ENOUGH = 5e-3
"""Gain of twice the log likelihood below which a search ends; one more parameter must earn four hundred times that."""
FREE_SEASONS = 24
"""Longest cycle whose first seasonal states are searched; longer ones keep what the decomposition gave."""
LOOK, SLOPES, STEP = 0, 1, 2


@njit(cache=True, nogil=True)
def _run(y, form, states, seasons, residuals):  # type: ignore[no-untyped-def]
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
def _spread(sets, form, first, states, seasons):  # type: ignore[no-untyped-def]
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
def _first_guess(y, adjusted, cycle, trend, start):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)
def _free_of(form, cycle):  # type: ignore[no-untyped-def]
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
def _corrected(criterion, seen, form, cycle):  # type: ignore[no-untyped-def]
    """AICc; infinite where the series is too short for the form's parameters, states and variance."""
    _, trend, season = form
    count = 3.0 + 2.0 * (trend > 0) + 1.0 * (trend == 2) + (season > 0) * float(cycle)
    if seen - count - 1.0 <= 0.0:
        return np.inf
    return criterion + 2.0 * count + 2.0 * count * (count + 1.0) / (seen - count - 1.0)


@njit(cache=True, nogil=True)
def _propose_grid(theta, form, half, sets):  # type: ignore[no-untyped-def]
    """Coarse starts: four alphas by two of what the form has besides; a second half for forms with more."""
    for lane in range(LANES):
        for i in range(len(theta)):
            sets[i * LANES + lane] = theta[i]
        sets[lane] = (0.05, 0.2, 0.5, 0.9)[lane % 4]
        sets[LANES + lane] = (0.02, 0.3)[lane // 4]
        sets[2 * LANES + lane] = (0.02, 0.2)[(lane // 4 + half) % 2 if form[1] > 0 else lane // 4]
        sets[3 * LANES + lane] = (0.9, 0.4)[half]


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
def _search(y, form, theta, first, work):  # type: ignore[no-untyped-def]
    """Best set of one form into ``theta``; a grid looks for a start where its shares are unknown. Gives back the
    criterion. Coarse starts, slopes and damped steps take turns until a step gains too little."""
    states, seasons, residuals, equations, free, unit = work
    sets, jacobian, base = equations[:3]
    phase = LOOK if math.isnan(theta[0]) else SLOPES
    half, done, steps, damping, best = 0, 0, 0, 1e-3, np.inf
    while True:
        batch = free[done : min(done + LANES - 1, len(free))]
        if phase == LOOK:
            _propose_grid(theta, form, half, sets)
        elif phase == SLOPES:
            _propose_differences(theta, form, batch, unit, sets)
        elif not _propose_steps(theta, free, damping, equations):
            return best
        _spread(sets, form, first, states, seasons)
        _run(y, form, states, seasons, residuals)
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
            for i in range(SHARES if phase == LOOK else len(theta)):
                theta[i] = sets[i * LANES + chosen]
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
            _first_guess(y, adjusted[season], turns, trend, theta)
            for j in range(size - 6):
                theta[6 + j] = firsts[season, j]
        equations = (sets[: size * LANES], jacobian, base, matrix, right)
        work = (states, seasons[: turns * LANES], residuals, equations, _free_of(form, cycle), unit)
        # Relative errors begin where additive ones of the same trend and season ended; without a trend, where hollows
        # are far apart, once more from the coarse starts.
        begun, worth = theta.copy(), np.inf
        for attempt in range(1 if fresh or trend > 0 else 2):
            trial = begun.copy()
            if attempt == 1:
                trial[:SHARES] = np.nan
            reached = _search(y, form, trial, firsts[season], work)
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
