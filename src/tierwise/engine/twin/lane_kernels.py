"""Lanes, capacities and outages, compiled: what can be sent is sent, and when it will be there."""

from __future__ import annotations

from math import ceil

from numba import njit

from tierwise.engine.twin.draw_kernels import draw
from tierwise.engine.twin.layout import (
    AMOUNT,
    CUT,
    DISTURBED,
    DRAWN,
    FREE,
    OFFERED,
    OTHER,
    PART_OF,
    SENT,
    TOTAL,
    USED,
    WIDTH,
)  # fmt: skip

_SLACK = 1e-9


@njit(cache=True, nogil=True)
def disturb(w, words, spreads, pool, outages, at, o):  # type: ignore[no-untyped-def]
    """Outages whose time is over end, those whose time has come begin; one may follow the other at once."""
    down, rest = outages[o].down, outages[o].rest
    # At the very beginning all are up, for as long as drawn.
    begin = 0 if at.when == 0 else 1
    for step in range(begin, 3):
        phase = 1.0 if step == 1 else 0.0
        over = step == 0
        for j in range(at.size):
            over |= w[rest + j] <= 0.0 and w[down + j] == phase
        if not over:
            continue
        draw(w, words, spreads, pool, outages[o].length if step == 2 else outages[o].up, at, DRAWN)
        for j in range(at.size):
            time = float(int(w[DRAWN + j] + 0.5))
            if step == 0:
                w[rest + j] = time
            elif w[rest + j] <= 0.0 and w[down + j] == phase:
                w[down + j] = 1.0 - phase
                w[rest + j] = max(time, 1.0 - phase)
    for j in range(at.size):
        w[rest + j] -= 1.0


@njit(cache=True, nogil=True)
def ready(w, lanes, outages, at, a, out):  # type: ignore[no-untyped-def]
    """What waits on a lane and may leave, given its outage, into the memory from ``out`` on."""
    line, o = lanes[a].line, lanes[a].outage
    for j in range(at.size):
        w[out + j] = w[line + j]
    if o >= 0:
        for j in range(at.size):
            w[out + j] *= outages[o].left if w[outages[o].down + j] == 1.0 else 1.0


@njit(cache=True, nogil=True)
def send(w, words, spreads, pool, lanes, at, a):  # type: ignore[no-untyped-def]
    """Row AMOUNT leaves for its target: how much really, in how many parts, and when it will be there."""
    total = 0.0
    for j in range(at.size):
        total += w[AMOUNT + j]
    if total <= 0.0:
        return
    for step in range(3):
        spread = lanes[a].lead if step == 0 else (lanes[a].kept if step == 1 else lanes[a].first_part)
        draw(w, words, spreads, pool, spread, at, OTHER if step == 0 else (TOTAL if step == 1 else DRAWN))
    slots, longest, per_unit, in_turn = at.slots, lanes[a].longest, lanes[a].per_unit, lanes[a].in_turn
    line, sums, arriving, last = lanes[a].line, lanes[a].sums, lanes[a].arriving, lanes[a].last
    for j in range(at.size):
        q = w[AMOUNT + j]
        w[line + j] -= q
        w[sums + SENT * WIDTH + j] += q * at.counted
    for j in range(at.size):
        q = w[AMOUNT + j]
        if q <= 0.0:
            continue
        time = int(w[OTHER + j])
        if per_unit > 0.0:
            time += ceil(q * per_unit - _SLACK)
        if time > longest:
            time = longest
            w[sums + CUT * WIDTH + j] += at.counted
        if in_turn:
            time = max(time, int(w[last + j]) - at.when)
            w[last + j] = at.when + time
        kept = q * w[TOTAL + j]
        first = kept * w[DRAWN + j]
        slot = at.today + time
        slot = slot - slots if slot >= slots else slot
        w[arriving + slot * WIDTH + j] += first
        if kept < q:
            w[lanes[a].cancelled + slot * WIDTH + j] += q - kept
        if first < kept:
            w[arriving + (slot + lanes[a].rest_after) % slots * WIDTH + j] += kept - first


@njit(cache=True, nogil=True)
def offer(w, words, spreads, pool, capacities, outages, at, c):  # type: ignore[no-untyped-def]
    """What a capacity can do today, into row FREE."""
    o, sums = capacities[c].outage, capacities[c].sums
    draw(w, words, spreads, pool, capacities[c].amount, at, FREE)
    if o >= 0:
        for j in range(at.size):
            factor = outages[o].left if w[outages[o].down + j] == 1.0 else 1.0
            w[FREE + j] *= factor
            w[sums + DISTURBED * WIDTH + j] += at.counted if factor < 1.0 else 0.0
    for j in range(at.size):
        w[sums + OFFERED * WIDTH + j] += w[FREE + j] * at.counted


@njit(cache=True, nogil=True)
def allot(w, lanes, users, outages, at, group, sums):  # type: ignore[no-untyped-def]
    """Lanes of one rank get the same share of what they wait for, as far as the capacity left goes: row PART_OF."""
    for j in range(at.size):
        w[PART_OF + j] = 0.0
    for n in range(group, users[group].group_end):
        a = users[n].lane
        ready(w, lanes, outages, at, a, AMOUNT)
        for j in range(at.size):
            w[PART_OF + j] += w[AMOUNT + j] * lanes[a].load
    for j in range(at.size):
        wanted = w[PART_OF + j]
        w[PART_OF + j] = 1.0 if w[FREE + j] >= wanted else w[FREE + j] / wanted
        used = min(w[FREE + j], wanted)
        w[FREE + j] -= used
        w[sums + USED * WIDTH + j] += used * at.counted
