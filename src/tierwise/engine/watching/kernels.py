"""Compiled loops over panels of series; loaded on first use."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, pi

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def cusum_panel(panel, reference, chart, out):  # type: ignore[no-untyped-def]
    middle, width = reference
    allowance, limit, head, restart = chart
    high, low, signal, onset, shift = out
    for s in range(panel.shape[0]):
        up, down = head, head
        # Observed periods since each sum last stood at 0, and the first of them.
        up_run, down_run = 0, 0
        up_since, down_since = -1, -1
        up_head, down_head = head, head
        for t in range(panel.shape[1]):
            x = panel[s, t]
            if not np.isnan(x):
                z = (x - middle[s]) / width[s]
                up = up + z - allowance
                if up > 0.0:
                    if up_run == 0:
                        up_since = t
                    up_run += 1
                else:
                    up, up_run, up_head = 0.0, 0, 0.0
                down = down - z - allowance
                if down > 0.0:
                    if down_run == 0:
                        down_since = t
                    down_run += 1
                else:
                    down, down_run, down_head = 0.0, 0, 0.0
                if up > limit or down > limit:
                    above = up >= down
                    signal[s, t] = 1 if above else -1
                    if onset[s] < 0:
                        onset[s] = up_since if above else down_since
                        if above:
                            shift[s] = allowance + (up - up_head) / up_run
                        else:
                            shift[s] = -allowance - (down - down_head) / down_run
            high[s, t] = up
            low[s, t] = down
            if restart and signal[s, t] != 0:
                up, down, up_run, down_run = head, head, 0, 0
                up_head, down_head = head, head


@njit(cache=True, nogil=True)
def ewma_panel(panel, middle, weight, level):  # type: ignore[no-untyped-def]
    for s in range(panel.shape[0]):
        z = middle[s]
        for t in range(panel.shape[1]):
            x = panel[s, t]
            if not np.isnan(x):
                z = weight * x + (1.0 - weight) * z
            level[s, t] = z


@njit(cache=True, nogil=True)
def records(rng, sample, size, chart):  # type: ignore[no-untyped-def]
    """Times and heights at which each simulated chart reached a new maximum: its run length under every limit at once.

    ``sample`` empty means normal values; ``size`` is (runs, horizon, block). ``chart`` is (weight, allowance, rest),
    weight 0 being a cumulative sum with allowance and rest = 1 − head start, else an average whose statistic at period
    t is divided by ``spread[t]``.
    """
    runs, horizon, block = size
    weight, allowance, rest, spread = chart
    offsets = np.zeros(runs + 1, dtype=np.int64)
    times = np.empty(runs * 32, dtype=np.int64)
    heights = np.empty(runs * 32)
    used = 0
    for run in range(runs):
        best = 0.0
        mean = 0.0
        up, down, up_sum, down_sum = 0.0, 0.0, 0.0, 0.0
        at, left = 0, 0
        for t in range(horizon):
            if len(sample) == 0:
                z = rng.standard_normal()
            else:
                if left == 0:
                    at = int(rng.random() * len(sample))
                    left = block
                z = sample[at]
                at = at + 1 if at + 1 < len(sample) else 0
                left -= 1
            if weight > 0.0:
                mean = weight * z + (1.0 - weight) * mean
                height = abs(mean) / spread[t]
            else:
                # A sum begun at head start H is max(H + Σ, the sum reflected at 0), so either passing tells.
                up_sum += z - allowance
                down_sum += -z - allowance
                up = max(0.0, up + z - allowance) if t > 0 else 0.0
                down = max(0.0, down - z - allowance) if t > 0 else 0.0
                height = max(up, down, up_sum / rest, down_sum / rest)
            if height > best:
                best = height
                if used == len(times):
                    times = np.concatenate((times, np.empty(used, dtype=np.int64)))
                    heights = np.concatenate((heights, np.empty(used)))
                times[used] = t + 1
                heights[used] = height
                used += 1
        offsets[run + 1] = used
    return offsets, times[:used].copy(), heights[:used].copy()


@njit(cache=True, nogil=True)
def passages(found, limit, horizon, out):  # type: ignore[no-untyped-def]
    """Run length of each run under a limit, the horizon plus 1 where it never signals."""
    offsets, times, heights = found
    for run in range(len(out)):
        out[run] = horizon + 1
        for i in range(offsets[run], offsets[run + 1]):
            if heights[i] > limit:
                out[run] = times[i]
                break


@njit(cache=True, nogil=True)
def runs_panel(panel, reference, flags):  # type: ignore[no-untyped-def]
    """Bit r of ``flags`` is set where rule r + 1 of Nelson is fulfilled by the point and those before it."""
    middle, width = reference
    window = np.zeros(5)
    for s in range(panel.shape[0]):
        side_run, trend_run, swing_run, inner_run, outer_run = 0, 0, 0, 0, 0
        side, trend = 0, 0
        before = 0.0
        seen = 0
        window[:] = 0.0
        for t in range(panel.shape[1]):
            if np.isnan(panel[s, t]):
                continue
            z = (panel[s, t] - middle[s]) / width[s]
            seen += 1
            window[seen % 5] = z
            now = 1 if z > 0.0 else (-1 if z < 0.0 else 0)
            side_run = side_run + 1 if now == side and now != 0 else (1 if now != 0 else 0)
            side = now
            step = 0
            if seen > 1:
                step = 1 if z > before else (-1 if z < before else 0)
            # A run of n points has n − 1 steps; a level step ends it.
            swing_run = swing_run + 1 if step != 0 and step == -trend else (2 if step != 0 else 1)
            trend_run = trend_run + 1 if step != 0 and step == trend else (2 if step != 0 else 1)
            trend = step
            before = z
            inner_run = inner_run + 1 if abs(z) < 1.0 else 0
            outer_run = outer_run + 1 if abs(z) > 1.0 else 0
            two, one = 0, 0
            for back in range(5):
                w = window[(seen - back) % 5]
                if back < 3 and w * now > 2.0:
                    two += 1
                if w * now > 1.0:
                    one += 1
            mark = 0
            if abs(z) > 3.0:
                mark |= 1
            if side_run >= 9:
                mark |= 2
            if trend_run >= 6:
                mark |= 4
            if swing_run >= 14:
                mark |= 8
            if abs(z) > 2.0 and two >= 2:
                mark |= 16
            if abs(z) > 1.0 and one >= 4:
                mark |= 32
            if inner_run >= 15:
                mark |= 64
            if outer_run >= 8:
                mark |= 128
            flags[s, t] = mark


@njit(cache=True, nogil=True)
def _log_normal_predictive(x, mean, rest, count, prior):  # type: ignore[no-untyped-def]
    """Log density of Student's t ahead of a normal run of ``count`` values, normal-inverse-gamma prior."""
    strength, shape, rate = prior
    kappa = strength + count
    alpha = shape + count / 2.0
    spread = (rate + rest) * (kappa + 1.0) / (alpha * kappa)
    return (
        lgamma(alpha + 0.5)
        - lgamma(alpha)
        - 0.5 * log(2.0 * alpha * pi * spread)
        - (alpha + 0.5) * log1p((x - mean) ** 2 / (2.0 * alpha * spread))
    )


@njit(cache=True, nogil=True)
def _log_poisson_predictive(x, total, count, prior):  # type: ignore[no-untyped-def]
    """Log probability of a count ahead of a run of ``count`` Poisson counts that sum to ``total``, gamma prior."""
    shape, rate = prior[1] + total, prior[2] + count
    return (
        lgamma(shape + x)
        - lgamma(shape)
        - lgamma(x + 1.0)
        + shape * log(rate / (rate + 1.0))
        + x * log(1.0 / (rate + 1.0))
    )


@njit(cache=True, nogil=True)
def _weigh_runs(x, alive, seen, rule, runs):  # type: ignore[no-untyped-def]
    """Weighs every run that may go on and the one that may begin by the value ``x``; the sum of the weights."""
    counts, hazard, prior = rule
    p, length, centre, rest = runs
    top = -np.inf
    for i in range(alive + 1):
        if counts:
            ahead = _log_poisson_predictive(x, centre[i], length[i], prior)
        else:
            ahead = _log_normal_predictive(x, centre[i], rest[i], length[i], prior)
        stay = 1.0 - hazard if i < alive else (hazard if seen > 0 else 1.0)
        p[i] = log(p[i] * stay) + ahead
        top = max(top, p[i])
    total = 0.0
    for i in range(alive + 1):
        p[i] = exp(p[i] - top)
        total += p[i]
    return total


@njit(cache=True, nogil=True)
def _extended(x, run, counts, prior):  # type: ignore[no-untyped-def]
    """A run's centre and rest with the value ``x``, and the level it then expects."""
    length, centre, rest = run
    if counts:
        middle = centre + x
        return middle, 0.0, (prior[1] + middle) / (prior[2] + (length + 1))
    kappa = prior[0] + length
    gap = x - centre
    left = rest + kappa * gap * gap / (2.0 * (kappa + 1.0))
    middle = centre + gap / (kappa + 1.0)
    return middle, left, middle


@njit(cache=True, nogil=True)
def change_panel(panel, priors, rule, out):  # type: ignore[no-untyped-def]
    """Posterior of the current run's length, per series and period.

    ``rule`` is (counts, hazard, window, least), runs below the probability ``least`` being dropped. The runs alive are
    kept oldest first; a change, where there is one, is taken to come before the period's value.
    """
    counts, hazard, window, least = rule
    recent, run_length, level, began = out
    periods = panel.shape[1]
    p, length = np.empty(periods + 1), np.empty(periods + 1, dtype=np.int64)
    centre, rest = np.empty(periods + 1), np.empty(periods + 1)
    when = np.empty(periods, dtype=np.int64)
    for s in range(panel.shape[0]):
        prior = (priors[s, 0], priors[s, 1], priors[s, 2])
        seen, alive = 0, 0
        for t in range(periods):
            x = panel[s, t]
            if np.isnan(x):
                if t > 0:
                    recent[s, t], run_length[s, t] = recent[s, t - 1], run_length[s, t - 1]
                    level[s, t], began[s, t] = level[s, t - 1], began[s, t - 1]
                continue
            p[alive], length[alive], centre[alive], rest[alive] = 1.0, 0, 0.0, 0.0
            total = _weigh_runs(x, alive, seen, (counts, hazard, prior), (p, length, centre, rest))
            when[seen] = t
            seen += 1
            kept = 0
            sure, best, shift, first, mean = 0.0, 0.0, 0.0, -1, 0.0
            for i in range(alive + 1):
                share = p[i] / total
                if share < least:
                    continue
                n = length[i] + 1
                middle, left, expected = _extended(x, (length[i], centre[i], rest[i]), counts, prior)
                mean += share * expected
                if share > best:
                    best = share
                    run_length[s, t] = n
                if n <= window and n < seen:
                    sure += share
                    if share > shift:
                        shift = share
                        first = when[seen - n]
                p[kept], length[kept], centre[kept], rest[kept] = share, n, middle, left
                kept += 1
            alive = kept
            recent[s, t], level[s, t], began[s, t] = min(sure, 1.0), mean, first


@njit(cache=True, nogil=True)
def kendall_panel(panel, times, out):  # type: ignore[no-untyped-def]
    """Per series: observed periods, S, tie-corrected variance of S, Sen's slope and its rank bounds, intercept."""
    z, moments, slopes_out = out
    periods = panel.shape[1]
    x, at = np.empty(periods), np.empty(periods)
    slopes = np.empty(periods * (periods - 1) // 2)
    for s in range(panel.shape[0]):
        n = 0
        for t in range(periods):
            if not np.isnan(panel[s, t]):
                x[n], at[n] = panel[s, t], times[t]
                n += 1
        moments[s, 0] = n
        if n < 2:
            continue
        score, pairs = 0.0, 0
        for i in range(n - 1):
            for j in range(i + 1, n):
                gap = x[j] - x[i]
                score += 1.0 if gap > 0.0 else (-1.0 if gap < 0.0 else 0.0)
                slopes[pairs] = gap / (at[j] - at[i])
                pairs += 1
        ordered = np.sort(x[:n])
        tied, i = 0.0, 0
        while i < n:
            j = i
            while j + 1 < n and ordered[j + 1] == ordered[i]:
                j += 1
            size = j - i + 1.0
            tied += size * (size - 1.0) * (2.0 * size + 5.0)
            i = j + 1
        moments[s, 1] = score
        moments[s, 2] = (n * (n - 1.0) * (2.0 * n + 5.0) - tied) / 18.0
        ranked = np.sort(slopes[:pairs])
        slopes_out[s, 0] = (ranked[(pairs - 1) // 2] + ranked[pairs // 2]) / 2.0
        half = z * np.sqrt(moments[s, 2])
        low = int(np.floor((pairs - half) / 2.0)) - 1
        high = int(np.ceil((pairs + half) / 2.0))
        slopes_out[s, 1] = ranked[low] if low >= 0 else -np.inf
        slopes_out[s, 2] = ranked[high] if high < pairs else np.inf
        middle_x = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
        middle_at = (at[(n - 1) // 2] + at[n // 2]) / 2.0
        slopes_out[s, 3] = middle_x - slopes_out[s, 0] * middle_at


@njit(cache=True, nogil=True)
def rank_correlations(panel, times, slope, correction):  # type: ignore[no-untyped-def]
    """Hamed and Rao's factor on the variance of S: autocorrelation of the ranks of the detrended series."""
    periods = panel.shape[1]
    for s in range(panel.shape[0]):
        rest = np.empty(periods)
        n = 0
        for t in range(periods):
            if not np.isnan(panel[s, t]):
                rest[n] = panel[s, t] - slope[s] * times[t]
                n += 1
        if n < 4:
            continue
        rank = np.empty(n)
        for i in range(n):
            below, same = 0, 0
            for j in range(n):
                below += rest[j] < rest[i]
                same += rest[j] == rest[i]
            rank[i] = below + (same + 1) / 2.0
        rank -= rank.mean()
        square = (rank * rank).sum()
        if square == 0.0:
            continue
        total = 0.0
        for lag in range(1, n - 1):
            r = (rank[lag:] * rank[: n - lag]).sum() / square
            if abs(r) > 1.959963984540054 / np.sqrt(n):
                total += (n - lag) * (n - lag - 1.0) * (n - lag - 2.0) * r
        # Strongly negative correlation can drive the factor to 0 and below, where it means nothing.
        correction[s] = max(1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * total, 1.0 / n)
