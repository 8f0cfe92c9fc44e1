"""Lanes, capacities and outages, compiled: what can be sent is sent, and when it will be there."""

from __future__ import annotations

from math import ceil

import numpy as np
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
    line, sums, arriving = lanes[a].line, lanes[a].sums, lanes[a].arriving
    for j in range(at.size):
        w[line + j] -= w[AMOUNT + j]
    for j in range(at.size):
        w[sums + SENT * WIDTH + j] += w[AMOUNT + j] * at.counted
    if lanes[a].simple:
        slot = arriving + (at.today + np.uint64(spreads[lanes[a].lead].a)) % at.slots * WIDTH
        for j in range(at.size):
            w[slot + j] += w[AMOUNT + j]
        return
    draw(w, words, spreads, pool, lanes[a].lead, at, OTHER)
    if lanes[a].cuts or lanes[a].parted:
        draw(w, words, spreads, pool, lanes[a].kept, at, TOTAL)
        draw(w, words, spreads, pool, lanes[a].first_part, at, DRAWN)
    reckon(w, lanes, at, a)
    split = lanes[a].cuts or lanes[a].parted
    after = lanes[a].rest_after
    for j in range(at.size):
        q = w[AMOUNT + j]
        slot = at.today + np.uint64(w[OTHER + j])
        slot = slot - at.slots if slot >= at.slots else slot
        if not split or q <= 0.0:
            w[arriving + slot * WIDTH + j] += q
            continue
        kept = q * w[TOTAL + j]
        first = kept * w[DRAWN + j]
        w[arriving + slot * WIDTH + j] += first
        if kept < q:
            w[lanes[a].cancelled + slot * WIDTH + j] += q - kept
        if first < kept:
            w[arriving + (slot + after) % at.slots * WIDTH + j] += kept - first


@njit(cache=True, nogil=True)
def reckon(w, lanes, at, a):  # type: ignore[no-untyped-def]
    """Lead times drawn become lead times had: more with the quantity, cut at the longest, no overtaking."""
    per_unit, longest, cut, last = lanes[a].per_unit, lanes[a].longest, lanes[a].sums + CUT * WIDTH, lanes[a].last
    if per_unit > 0.0:
        for j in range(at.size):
            w[OTHER + j] += ceil(w[AMOUNT + j] * per_unit - _SLACK)
    for j in range(at.size):
        if w[OTHER + j] > longest:
            w[OTHER + j] = longest
            w[cut + j] += at.counted if w[AMOUNT + j] > 0.0 else 0.0
    if lanes[a].in_turn:
        for j in range(at.size):
            if w[AMOUNT + j] > 0.0:
                w[OTHER + j] = max(w[OTHER + j], w[last + j] - at.when)
                w[last + j] = at.when + w[OTHER + j]


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
        load = lanes[a].load
        for j in range(at.size):
            w[PART_OF + j] += w[AMOUNT + j] * load
    for j in range(at.size):
        wanted = w[PART_OF + j]
        w[PART_OF + j] = 1.0 if w[FREE + j] >= wanted else w[FREE + j] / wanted
        used = min(w[FREE + j], wanted)
        w[FREE + j] -= used
        w[sums + USED * WIDTH + j] += used * at.counted
