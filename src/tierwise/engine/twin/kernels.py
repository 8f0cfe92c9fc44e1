"""The simulation, compiled. A block of runs goes through time side by side, so that one run's waits hide another's.

A part's memory is one array; records of the rows say what lies where. Passing many arrays about instead took ten times
as long to compile and to run.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tierwise.engine.twin.lane_kernels import allot, disturb, offer, ready, send
from tierwise.engine.twin.layout import (
    AMOUNT,
    IN_LINE,
    ON_HAND,
    ON_ORDER,
    ON_WAY,
    OUT,
    PART_OF,
    RUNS_WIDE,
    WIDTH,
    Moment,
)
from tierwise.engine.twin.stock_kernels import ask, look, receive, review, serve


@njit(cache=True, nogil=True)
def note(w, nodes, lanes, part, after, at):  # type: ignore[no-untyped-def]
    """The end of a period: what is held and under way."""
    for i in range(part.node, after.node):
        stock, opened, sums = nodes[i].stock, nodes[i].open, nodes[i].sums
        for j in range(at.size):
            w[sums + ON_HAND * WIDTH + j] += w[stock + j] * at.counted
        for j in range(at.size):
            w[sums + ON_ORDER * WIDTH + j] += w[opened + j] * at.counted
        for j in range(at.size):
            w[sums + OUT * WIDTH + j] += at.counted if w[stock + j] <= 0.0 else 0.0
    for a in range(part.lane, after.lane):
        line, unfilled, queue, sums = lanes[a].line, lanes[a].unfilled, lanes[a].queue, lanes[a].sums
        for j in range(at.size):
            w[sums + IN_LINE * WIDTH + j] += w[line + j] * at.counted
        for j in range(at.size):
            w[sums + ON_WAY * WIDTH + j] += (w[unfilled + j] - w[queue + j] - w[line + j]) * at.counted


@njit(cache=True, nogil=True)
def film(w, nodes, lanes, demands, takers, part, after, at, course, history):  # type: ignore[no-untyped-def]
    """The period itself, where asked for."""
    if len(course):
        for i in range(part.node, after.node):
            for j in range(at.size):
                course[j, at.when, 0] += w[nodes[i].stock + j] * nodes[i].holding
        for k in range(part.demand, after.demand):
            for j in range(at.size):
                waits, lost = w[demands[k].backlog + j], w[demands[k].new + j]
                course[j, at.when, 0] += waits * demands[k].waiting_cost + lost * demands[k].lost_cost
                course[j, at.when, 1] += waits + lost
    if len(history):
        for i in range(part.node, after.node):
            for j in range(at.size):
                owed, ordered = 0.0, 0.0
                for n in range(nodes[i].takers_from, nodes[i].takers_to):
                    k = takers[n].demand
                    owed += w[(demands[k].backlog if k >= 0 else lanes[takers[n].lane].queue) + j]
                for a in range(nodes[i].lanes_from, nodes[i].lanes_to):
                    ordered += w[lanes[a].fresh + j] / lanes[a].per
                history[j, at.when, i, 0] = w[nodes[i].stock + j]
                history[j, at.when, i, 1] = owed
                history[j, at.when, i, 2] = w[nodes[i].open + j]
                history[j, at.when, i, 3] = ordered


@njit(cache=True, nogil=True)
def collect(w, table, first, last, found):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        for column in range(found.shape[2]):
            for j in range(len(found)):
                found[j, row, column] = w[table[row].sums + np.uint64(column) * WIDTH + np.uint64(j)]


@njit(cache=True, nogil=True)
def simulate(net, work, found):  # type: ignore[no-untyped-def]
    """Each part of the network and a few runs at a time through all periods."""
    spreads, pool, nodes, lanes, demands, takers, capacities, users, outages, parts, seasons = net
    largest = 0
    for p in range(work.first_part, work.last_part):
        largest = max(largest, parts[p].size)
    w, words = np.zeros(largest), np.zeros(RUNS_WIDE, dtype=np.uint64)
    for p in range(work.first_part, work.last_part):
        part, after = parts[p], parts[p + 1]
        for row in range(0, work.runs, RUNS_WIDE):
            size = min(RUNS_WIDE, work.runs - row)
            w[: part.size] = 0.0
            for i in range(part.node, after.node):
                for j in range(np.uint64(size)):
                    w[nodes[i].stock + j] = nodes[i].start
            for when in range(work.periods):
                counted = 1.0 if when >= work.warm_up else 0.0
                at = Moment(
                    work.key, work.first_run + row, np.uint64(size), when, counted, part.slots,
                    np.uint64(when) % part.slots, part.memory, np.uint64(when) % part.memory,
                )  # fmt: skip
                for o in range(part.outage, after.outage):
                    disturb(w, words, spreads, pool, outages, at, o)
                for i in range(part.node, after.node):
                    receive(w, words, spreads, pool, nodes, lanes, at, i)
                    ask(w, words, spreads, pool, nodes, lanes, demands, takers, seasons, at, i)
                    serve(w, nodes, lanes, demands, takers, at, i)
                    look(w, nodes, lanes, demands, takers, at, i)
                    review(w, words, spreads, pool, nodes, lanes, at, i)
                for a in range(part.lane, after.lane):
                    if lanes[a].capacity < 0:
                        ready(w, lanes, outages, at, a, AMOUNT)
                        send(w, words, spreads, pool, lanes, at, a)
                for c in range(part.capacity, after.capacity):
                    offer(w, words, spreads, pool, capacities, outages, at, c)
                    for n in range(capacities[c].users_from, capacities[c].users_to):
                        if n == capacities[c].users_from or users[n - 1].group_end == n:
                            allot(w, lanes, users, outages, at, n, capacities[c].sums)
                        ready(w, lanes, outages, at, users[n].lane, AMOUNT)
                        for j in range(at.size):
                            w[AMOUNT + j] *= w[PART_OF + j]
                        send(w, words, spreads, pool, lanes, at, users[n].lane)
                note(w, nodes, lanes, part, after, at)
                if len(found.course) or len(found.history):
                    course, history = found.course[row : row + size], found.history[row : row + size]
                    film(w, nodes, lanes, demands, takers, part, after, at, course, history)
            runs = slice(row, row + size)
            collect(w, demands, part.demand, after.demand, found.demands[runs])
            collect(w, nodes, part.node, after.node, found.nodes[runs])
            collect(w, lanes, part.lane, after.lane, found.lanes[runs])
            collect(w, capacities, part.capacity, after.capacity, found.capacities[runs])
