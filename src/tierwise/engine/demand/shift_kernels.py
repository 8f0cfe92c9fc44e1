"""The compiled search for level shifts; imported on first use, as the compiler loads slowly."""

from __future__ import annotations

import numpy as np
from numba import njit

NORMAL, POISSON = 0, 1


@njit(cache=True, nogil=True)
def _cost(sums, squares, first, end, model):  # type: ignore[no-untyped-def]
    """Twice the negative log-likelihood of the values first..end-1 at their own level, constants left out."""
    n = end - first
    total = sums[end] - sums[first]
    if model == POISSON:
        return 0.0 if total <= 0.0 else 2.0 * total * (1.0 - np.log(total / n))
    return max(squares[end] - squares[first] - total * total / n, 0.0)


@njit(cache=True, nogil=True)
def _cut(values, penalty, least, model):  # type: ignore[no-untyped-def]
    """Beginnings of the segments with the least cost plus penalties (Killick, Fearnhead and Eckley's PELT)."""
    n = len(values)
    sums, squares = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(n):
        sums[i + 1] = sums[i] + values[i]
        squares[i + 1] = squares[i] + values[i] * values[i]
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    last = np.zeros(n + 1, dtype=np.int64)
    ends_at = np.full(n + 1, n + 1)
    kept = np.empty(n + 1, dtype=np.int64)
    kept[0] = 0
    count = 1
    for end in range(least, n + 1):
        for k in range(count):
            value = best[kept[k]] + _cost(sums, squares, kept[k], end, model) + penalty
            if value < best[end]:
                best[end] = value
                last[end] = kept[k]
        # What a cut here would beat is beaten from the first end on that such a cut can reach.
        left = 0
        for k in range(count):
            one = kept[k]
            if ends_at[one] > n and best[one] + _cost(sums, squares, one, end, model) >= best[end]:
                ends_at[one] = end + least
            if ends_at[one] > end + 1:
                kept[left] = one
                left += 1
        count = left
        if end + 1 - least >= least:
            kept[count] = end + 1 - least
            count += 1
    began = np.zeros(n, dtype=np.bool_)
    end = n
    while end > 0:
        began[last[end]] = True
        end = last[end]
    return began


@njit(cache=True, nogil=True)
def shift_panel(panel, scale, rule, found):  # type: ignore[no-untyped-def]
    """Segment number and level of every period; a missing period belongs to the segment before it."""
    weight, least, model = rule
    segment, level = found
    values = np.empty(panel.shape[1])
    for one in range(len(panel)):
        n = 0
        for t in range(panel.shape[1]):
            if not np.isnan(panel[one, t]):
                values[n] = panel[one, t]
                n += 1
        if n == 0:
            continue
        penalty = weight * np.log(n) * (1.0 if model == POISSON else scale[one] ** 2)
        began = _cut(values[:n], penalty, least, model) if n >= 2 * least else np.arange(n) == 0
        place, number, start = 0, -1, 0
        for t in range(panel.shape[1]):
            if not np.isnan(panel[one, t]):
                if began[place]:
                    if number >= 0:
                        level[one, start:t] = level[one, start:t].sum() / max(
                            1, np.count_nonzero(~np.isnan(panel[one, start:t]))
                        )
                    number += 1
                    start = t
                level[one, t] = panel[one, t]
                place += 1
            elif number >= 0:
                level[one, t] = 0.0
            segment[one, t] = number
        count = np.count_nonzero(~np.isnan(panel[one, start:]))
        level[one, start:] = level[one, start:].sum() / count
