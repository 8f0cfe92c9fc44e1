"""A stock's period, compiled: what arrives, what is asked, who gets it, and what is ordered.

``w`` is the part's memory; a row's fields say where in it its vectors are, one entry per run of the block.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numba import njit

from tierwise.engine.twin.draw_kernels import draw
from tierwise.engine.twin.layout import (
    AMOUNT,
    ARRIVED,
    ASKED,
    AT_HAND,
    AT_ONCE,
    BASE_STOCK,
    DRAWN,
    FORECAST,
    FREE,
    LATE,
    LEVELS,
    LOST,
    LOTS,
    NONE,
    ORDERED,
    ORDERED_SQUARE,
    ORDERS,
    OTHER,
    PLACED,
    PLANNED,
    SERVED,
    SHORT,
    SPOILED,
    TIMES,
    TOTAL,
    WAITING,
    WANTED,
    WANTED_SQUARE,
    WIDTH,
)  # fmt: skip

_SLACK = 1e-9
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def receive(w, words, spreads, pool, nodes, lanes, at, i):  # type: ignore[no-untyped-def]
    """What is due today arrives; assemblies are made of what there is of every component."""
    first, last, counted = nodes[i].lanes_from, nodes[i].lanes_to, at.counted
    stock, kit = nodes[i].stock, nodes[i].kit
    for a in range(first, last):
        sums, ring, dock, per = lanes[a].sums, lanes[a].arriving + at.today * WIDTH, lanes[a].dock, lanes[a].per
        total = 0.0
        for j in range(at.size):
            w[AMOUNT + j] = w[ring + j]
            w[ring + j] = 0.0
            total += w[AMOUNT + j]
        if total > 0.0:
            unfilled, opened = lanes[a].unfilled, nodes[i].open
            for j in range(at.size):
                w[unfilled + j] -= w[AMOUNT + j]
            if not kit:
                for j in range(at.size):
                    w[opened + j] -= w[AMOUNT + j] / per
            if lanes[a].sound:
                for j in range(at.size):
                    w[DRAWN + j] = w[AMOUNT + j]
            else:
                draw(w, words, spreads, pool, lanes[a].usable, at, DRAWN)
                for j in range(at.size):
                    w[DRAWN + j] *= w[AMOUNT + j]
                for j in range(at.size):
                    w[sums + SPOILED * WIDTH + j] += (w[AMOUNT + j] - w[DRAWN + j]) * counted
            for j in range(at.size):
                w[sums + ARRIVED * WIDTH + j] += w[DRAWN + j] * counted
            for j in range(at.size):
                w[dock + j] += w[DRAWN + j] / per
        if lanes[a].promised >= 0:
            judge(w, lanes, at, a)
        if lanes[a].cuts:
            cancel(w, lanes, at, a, nodes[i].open)
        if not kit:
            for j in range(at.size):
                w[stock + j] += w[dock + j]
                w[dock + j] = 0.0
    if kit:
        assemble(w, nodes, lanes, at, i)


@njit(cache=True, nogil=True)
def assemble(w, nodes, lanes, at, i):  # type: ignore[no-untyped-def]
    first, last = nodes[i].lanes_from, nodes[i].lanes_to
    for j in range(at.size):
        w[TOTAL + j] = np.inf
    for a in range(first, last):
        for j in range(at.size):
            w[TOTAL + j] = min(w[TOTAL + j], w[lanes[a].dock + j])
    for a in range(first, last):
        for j in range(at.size):
            w[lanes[a].dock + j] -= w[TOTAL + j]
    for j in range(at.size):
        w[nodes[i].stock + j] += w[TOTAL + j]
        w[nodes[i].open + j] -= w[TOTAL + j]


@njit(cache=True, nogil=True)
def judge(w, lanes, at, a):  # type: ignore[no-untyped-def]
    """What was promised for today and is not there; deliveries meet the oldest promise first."""
    ring, early, sums = lanes[a].due + at.due_today * WIDTH, lanes[a].early, lanes[a].sums + LATE * WIDTH
    for j in range(at.size):
        due = w[ring + j]
        w[ring + j] = 0.0
        have = w[early + j] + w[AMOUNT + j]
        w[sums + j] += (due - min(due, max(have, 0.0))) * at.counted
        w[early + j] = have - due


@njit(cache=True, nogil=True)
def cancel(w, lanes, at, a, opened):  # type: ignore[no-untyped-def]
    """What the supplier had confirmed and never sends leaves the order on the day it should have come."""
    ring, early, sums = lanes[a].cancelled + at.today * WIDTH, lanes[a].early, lanes[a].sums
    for j in range(at.size):
        cut = w[ring + j]
        w[ring + j] = 0.0
        w[lanes[a].unfilled + j] -= cut
        w[opened + j] -= cut / lanes[a].per
        w[sums + SPOILED * WIDTH + j] += cut * at.counted
        # Promises already overdue were counted when they fell due.
        w[sums + LATE * WIDTH + j] += (cut - min(cut, max(-w[early + j], 0.0))) * at.counted
        w[early + j] += cut


@njit(cache=True, nogil=True)
def ask(w, words, spreads, pool, nodes, lanes, demands, takers, seasons, at, i):  # type: ignore[no-untyped-def]
    """Demands of the day at a stock; row TOTAL is left with all that was asked, orders included."""
    for j in range(at.size):
        w[TOTAL + j] = 0.0
    for n in range(nodes[i].takers_from, nodes[i].takers_to):
        k, a = takers[n].demand, takers[n].lane
        if k < 0:
            fresh, queue = lanes[a].fresh, lanes[a].queue
            for j in range(at.size):
                w[TOTAL + j] += w[fresh + j]
                w[queue + j] += w[fresh + j]
            continue
        draw(w, words, spreads, pool, demands[k].amount, at, DRAWN)
        season, new, sums = demands[k].season, demands[k].new, demands[k].sums + ASKED * WIDTH
        factor = seasons[season, at.when % seasons.shape[1]] if season >= 0 else 1.0
        for j in range(at.size):
            w[new + j] = w[DRAWN + j] * factor
        for j in range(at.size):
            w[TOTAL + j] += w[new + j]
        for j in range(at.size):
            w[sums + j] += w[new + j] * at.counted
    sums = nodes[i].sums
    for j in range(at.size):
        w[sums + WANTED * WIDTH + j] += w[TOTAL + j] * at.counted
    for j in range(at.size):
        w[sums + WANTED_SQUARE * WIDTH + j] += w[TOTAL + j] * w[TOTAL + j] * at.counted


@njit(cache=True, nogil=True)
def serve(w, nodes, lanes, demands, takers, at, i):  # type: ignore[no-untyped-def]
    """Stock goes out by rank; within a rank all get the same share of what they need."""
    stock, n, last = nodes[i].stock, nodes[i].takers_from, nodes[i].takers_to
    while n < last:
        end = takers[n].group_end
        alone = end == n + 1
        if not alone:
            for j in range(at.size):
                w[OTHER + j] = 0.0
            for m in range(n, end):
                k = takers[m].demand
                first = demands[k].backlog if k >= 0 else lanes[takers[m].lane].queue
                second = demands[k].new if k >= 0 else FREE
                for j in range(at.size):
                    w[FREE + j] = 0.0
                for j in range(at.size):
                    w[OTHER + j] += w[first + j] + w[second + j]
            reserve = takers[n].reserve
            for j in range(at.size):
                free = max(w[stock + j] - reserve, 0.0)
                w[OTHER + j] = 1.0 if free >= w[OTHER + j] else free / w[OTHER + j]
        for m in range(n, end):
            if takers[m].demand < 0:
                feed(w, lanes, takers, at, m, stock, alone)
            else:
                give(w, demands, takers, at, m, stock, alone)
        n = end


@njit(cache=True, nogil=True)
def take(w, stock, reserve, need, alone, at):  # type: ignore[no-untyped-def]
    """What one taker gets of a stock, into row AT_HAND; ``need`` is where its need stands."""
    if alone:
        for j in range(at.size):
            w[AT_HAND + j] = min(w[need + j], max(w[stock + j] - reserve, 0.0))
    else:
        for j in range(at.size):
            w[AT_HAND + j] = w[need + j] * w[OTHER + j]
    for j in range(at.size):
        w[stock + j] = max(w[stock + j] - w[AT_HAND + j], 0.0)


@njit(cache=True, nogil=True)
def feed(w, lanes, takers, at, n, stock, alone):  # type: ignore[no-untyped-def]
    """A lane takes from the stock it starts at."""
    queue, line = lanes[takers[n].lane].queue, lanes[takers[n].lane].line
    take(w, stock, takers[n].reserve, queue, alone, at)
    for j in range(at.size):
        w[queue + j] -= w[AT_HAND + j]
    for j in range(at.size):
        w[line + j] += w[AT_HAND + j]


@njit(cache=True, nogil=True)
def give(w, demands, takers, at, n, stock, alone):  # type: ignore[no-untyped-def]
    """A customer is served; loops are short, since long ones do not become vector instructions."""
    k = takers[n].demand
    waits, counted = demands[k].waits, at.counted
    owed, asked, sums = demands[k].backlog, demands[k].new, demands[k].sums
    for j in range(at.size):
        w[FREE + j] = w[owed + j] + w[asked + j]
    take(w, stock, takers[n].reserve, FREE, alone, at)
    # At once, then missed, then lost.
    for j in range(at.size):
        w[FREE + j] = min(w[asked + j], max(w[AT_HAND + j] - w[owed + j], 0.0))
    for j in range(at.size):
        w[sums + AT_ONCE * WIDTH + j] += w[FREE + j] * counted
    for j in range(at.size):
        w[FREE + j] = w[asked + j] - w[FREE + j]
    for j in range(at.size):
        w[owed + j] = max(w[owed + j] - w[AT_HAND + j], 0.0) + w[FREE + j] * waits
    for j in range(at.size):
        w[sums + SHORT * WIDTH + j] += counted if w[FREE + j] > _SLACK * w[asked + j] else 0.0
    for j in range(at.size):
        w[asked + j] = w[FREE + j] * (1.0 - waits)
    for j in range(at.size):
        w[sums + SERVED * WIDTH + j] += w[AT_HAND + j] * counted
    for j in range(at.size):
        w[sums + WAITING * WIDTH + j] += w[owed + j] * counted
    if waits < 1.0:
        for j in range(at.size):
            w[sums + LOST * WIDTH + j] += w[asked + j] * counted


@njit(cache=True, nogil=True)
def order(w, lanes, at, a):  # type: ignore[no-untyped-def]
    """Orders row AMOUNT over lane ``a``, rounded to what it takes; what is ordered stands there afterwards."""
    least, step, promised, sums = lanes[a].minimum, lanes[a].multiple, lanes[a].promised, lanes[a].sums
    fresh, unfilled = lanes[a].fresh, lanes[a].unfilled
    for j in range(at.size):
        q = w[AMOUNT + j]
        w[AMOUNT + j] = max(q, least) if q > _SLACK else 0.0
    if step > 0.0:
        for j in range(at.size):
            w[AMOUNT + j] = ceil(w[AMOUNT + j] / step - _SLACK) * step
    for j in range(at.size):
        w[fresh + j] += w[AMOUNT + j]
    for j in range(at.size):
        w[unfilled + j] += w[AMOUNT + j]
    for j in range(at.size):
        w[sums + PLACED * WIDTH + j] += w[AMOUNT + j] * at.counted
    for j in range(at.size):
        w[sums + TIMES * WIDTH + j] += at.counted if w[AMOUNT + j] > 0.0 else 0.0
    if lanes[a].source < 0:
        line = lanes[a].line
        for j in range(at.size):
            w[line + j] += w[AMOUNT + j]
    if promised >= 0:
        due = lanes[a].due + (at.due_today + np.uint64(promised)) % at.memory * WIDTH
        for j in range(at.size):
            w[due + j] += w[AMOUNT + j]


@njit(cache=True, nogil=True)
def expedite(w, nodes, lanes, at, i, a):  # type: ignore[no-untyped-def]
    """Tops up what is there or will be within the quick lane's time, by the quick lane (dual index)."""
    per = lanes[a].per
    for j in range(at.size):
        soon = w[lanes[a].line + j] / per - w[OTHER + j]
        for b in range(nodes[i].lanes_from, nodes[i].lanes_to):
            for ahead in range(lanes[a].ahead):
                soon += w[lanes[b].arriving + (at.today + _ONE + ahead) % at.slots * WIDTH + j] / lanes[b].per
        w[AMOUNT + j] = (lanes[a].expedite_to - soon) * per
    order(w, lanes, at, a)
    for j in range(at.size):
        w[nodes[i].open + j] += w[AMOUNT + j] / per


@njit(cache=True, nogil=True)
def needed(w, nodes, at, i):  # type: ignore[no-untyped-def]
    """What the policy wants ordered, into row DRAWN; row OTHER is what the stock owes less what it has."""
    policy, level, up_to, lot, opened = nodes[i].policy, nodes[i].level, nodes[i].up_to, nodes[i].lot, nodes[i].open
    if policy == BASE_STOCK:
        for j in range(at.size):
            w[DRAWN + j] = max(up_to - (w[opened + j] - w[OTHER + j]), 0.0)
    elif policy == LEVELS:
        for j in range(at.size):
            position = w[opened + j] - w[OTHER + j]
            w[DRAWN + j] = max(up_to - position, 0.0) if position <= level else 0.0
    elif policy == LOTS:
        for j in range(at.size):
            position = w[opened + j] - w[OTHER + j]
            w[DRAWN + j] = max((floor((level - position) / lot) + 1.0) * lot, 0.0) if position <= level else 0.0
    else:
        recent, cover, seen = nodes[i].recent, nodes[i].cover, min(at.when + 1, nodes[i].window)
        for j in range(at.size):
            w[DRAWN + j] = max(cover * (w[recent + j] / seen) + up_to - (w[opened + j] - w[OTHER + j]), 0.0)


@njit(cache=True, nogil=True)
def look(w, nodes, lanes, demands, takers, at, i):  # type: ignore[no-untyped-def]
    """What was asked lately, what is owed less what is there (into row OTHER); earlier orders are no longer fresh."""
    stock = nodes[i].stock
    if nodes[i].policy == FORECAST:
        seen, recent = nodes[i].seen + np.uint64(at.when % nodes[i].window) * WIDTH, nodes[i].recent
        for j in range(at.size):
            w[recent + j] += w[TOTAL + j] - w[seen + j]
            w[seen + j] = w[TOTAL + j]
    for a in range(nodes[i].lanes_from, nodes[i].lanes_to):
        for j in range(lanes[a].fresh, lanes[a].fresh + at.size):
            w[j] = 0.0
    for j in range(at.size):
        w[OTHER + j] = -w[stock + j]
    for n in range(nodes[i].takers_from, nodes[i].takers_to):
        k = takers[n].demand
        owed = demands[k].backlog if k >= 0 else lanes[takers[n].lane].queue
        for j in range(at.size):
            w[OTHER + j] += w[owed + j]


@njit(cache=True, nogil=True)
def review(w, words, spreads, pool, nodes, lanes, at, i):  # type: ignore[no-untyped-def]
    first, last, opened, sums = nodes[i].lanes_from, nodes[i].lanes_to, nodes[i].open, nodes[i].sums
    for a in range(first, last):
        if lanes[a].quick:
            expedite(w, nodes, lanes, at, i, a)
    since = at.when - nodes[i].phase
    if nodes[i].policy != NONE and since >= 0 and (nodes[i].review == 1 or since % nodes[i].review == 0):
        if nodes[i].policy == PLANNED:
            draw(w, words, spreads, pool, nodes[i].plan, at, DRAWN)
        else:
            needed(w, nodes, at, i)
        for a in range(first, last):
            share, per = lanes[a].share, lanes[a].per
            if share > 0.0:
                for j in range(at.size):
                    w[AMOUNT + j] = w[DRAWN + j] * share * per
                order(w, lanes, at, a)
                if not nodes[i].kit:
                    for j in range(at.size):
                        w[opened + j] += w[AMOUNT + j] / per
        if nodes[i].kit:
            for j in range(at.size):
                w[opened + j] += w[DRAWN + j] if w[DRAWN + j] > _SLACK else 0.0
    for j in range(at.size):
        w[AMOUNT + j] = 0.0
    for a in range(first, last):
        fresh, per = lanes[a].fresh, lanes[a].per
        for j in range(at.size):
            w[AMOUNT + j] += w[fresh + j] / per
    for j in range(at.size):
        w[sums + ORDERED * WIDTH + j] += w[AMOUNT + j] * at.counted
    for j in range(at.size):
        w[sums + ORDERED_SQUARE * WIDTH + j] += w[AMOUNT + j] * w[AMOUNT + j] * at.counted
    for j in range(at.size):
        w[sums + ORDERS * WIDTH + j] += at.counted if w[AMOUNT + j] > 0.0 else 0.0
