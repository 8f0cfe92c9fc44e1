"""Loops over lines and the segments they count for."""

from __future__ import annotations

import numpy as np
from numba import njit

NO_DAY = np.iinfo(np.int32).max
"""Stands for no date: an interval that is still open, a line that has none."""
PARTS = 1_000_000_000
"""A line is divided into this many parts; shares are whole numbers of parts, so they sum to 1 exactly."""
BASES = ("common", "direct", "lead", "mix", "pegged")
"""What a share is read from, by number, in the order of their names."""
COMMON, DIRECT, LEAD, MIX, PEGGED = range(5)


@njit(cache=True)
def intervals_on(pair, day, of_pair, first, last):  # type: ignore[no-untyped-def]
    """The interval of each line's pair (-1: none) that began last before its day, if it holds the day; -1 for none."""
    found = np.full(pair.size, -1, dtype=np.int64)
    for line in range(pair.size):
        if pair[line] < 0 or day[line] == NO_DAY:
            continue
        low, high = of_pair[pair[line]], of_pair[pair[line] + 1]
        begin = low
        while low < high:
            middle = (low + high) // 2
            if first[middle] <= day[line]:
                low = middle + 1
            else:
                high = middle
        if low > begin and day[line] <= last[low - 1]:
            found[line] = low - 1
    return found


@njit(cache=True)
def divided(interval, basis, mix, named, lead, common):  # type: ignore[no-untyped-def]
    """Each line in parts: [line, segment, basis, parts], by line, segment and basis.

    ``basis`` of each line: LEAD, MIX (whatever it does not name itself goes by the mix) or COMMON (it does not).
    ``mix`` are rows, segment and share of the intervals; ``named`` the rows (by line), segment, share and basis that
    lines name themselves; ``lead`` the segment that led each line before (-1: none), the rank of each segment (-1: it
    never leads) and the two thresholds; ``common`` the number of what is left over.
    """
    rows, segment, share = mix
    at, own_segment, own_share, own_basis = named
    most, widest = 0, 1
    for line in range(interval.size):
        here = at[line + 1] - at[line] + 1
        if interval[line] >= 0:
            here += rows[interval[line] + 1] - rows[interval[line]]
        most += here
        widest = max(widest, here)
    out_line, out_segment = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    out_basis, out_parts = np.empty(most, dtype=np.int8), np.empty(most, dtype=np.int64)
    who, what = np.empty(widest, dtype=np.int64), np.empty(widest, dtype=np.int8)
    much, rest = np.empty(widest), np.empty(widest)
    parts = np.empty(widest, dtype=np.int64)
    count = 0
    for line in range(interval.size):
        size, total = 0, 0.0
        for row in range(at[line], at[line + 1]):
            who[size], what[size], much[size] = own_segment[row], own_basis[row], own_share[row]
            total += much[size]
            size += 1
        if interval[line] >= 0:
            low, high = rows[interval[line]], rows[interval[line] + 1]
            if basis[line] == LEAD:
                leader = _leader(segment[low:high], share[low:high], lead, line)
                if leader >= 0:
                    who[size], what[size], much[size] = leader, LEAD, 1.0
                    total += 1.0
                    size += 1
            elif basis[line] == MIX and total < 1.0:
                left = 1.0 - total
                for row in range(low, high):
                    who[size], what[size], much[size] = segment[row], MIX, share[row] * left
                    total += much[size]
                    size += 1
        if 1.0 - total > 1e-12:
            who[size], what[size], much[size] = common, COMMON, 1.0 - total
            total += much[size]
            size += 1
        _to_parts((who, what, much, rest, parts), size, total)
        for row in range(size):
            if parts[row] > 0:
                out_line[count], out_segment[count] = line, who[row]
                out_basis[count], out_parts[count] = what[row], parts[row]
                count += 1
    return out_line[:count], out_segment[:count], out_basis[:count], out_parts[:count]


@njit(cache=True)
def _leader(segment, share, lead, line):  # type: ignore[no-untyped-def]
    """The highest-ranked segment with enough of the demand, less being enough for the one that led before."""
    before, rank, gains, keeps = lead
    best = -1
    for row in range(segment.size):
        mine = segment[row]
        # Shares are sums of floats: one that is exactly at the threshold must not fail it for the last bit.
        enough = share[row] >= (keeps if mine == before[line] else gains) - 1e-12
        if rank[mine] >= 0 and enough and (best < 0 or rank[mine] < rank[best]):
            best = mine
    return best


@njit(cache=True)
def _to_parts(held, size, total):  # type: ignore[no-untyped-def]
    """Largest remainder, rows in the order of segment and basis; see ``attribute``."""
    who, what, much, rest, parts = held
    for row in range(1, size):
        mine, basis, amount = who[row], what[row], much[row]
        place = row - 1
        while place >= 0 and (who[place] > mine or (who[place] == mine and what[place] > basis)):
            who[place + 1], what[place + 1], much[place + 1] = who[place], what[place], much[place]
            place -= 1
        who[place + 1], what[place + 1], much[place + 1] = mine, basis, amount
    left = PARTS
    for row in range(size):
        quota = much[row] / total * PARTS
        parts[row] = np.int64(np.floor(quota))
        rest[row] = quota - parts[row]
        left -= parts[row]
    for _ in range(min(left, size)):
        best = 0
        for row in range(1, size):
            if rest[row] > rest[best]:
                best = row
        parts[best] += 1
        rest[best] = -1.0
