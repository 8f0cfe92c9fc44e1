"""Compiled: bounds and improvements for networks that are not trees.

Bound: messages along the arcs (sequential tree-reweighted message passing): each stage keeps its own cost and shares
with its neighbours what a service time would cost it, until neighbours agree. Every pass gives a valid lower bound of
the optimum, and bounds never get worse by more passes except in rounding.
Improvement: cut the network to a random forest, hold the cut arcs at a time between what is quoted and received, and
solve the rest exactly. The solution at hand stays feasible, so the cost never rises.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tierwise.engine.stock.placement.kernels import (
    by_inbound,
    by_outbound,
    cost_of,
    peel,
    settle,
    solve_forest,
    spanning_forest,
)


@njit(cache=True, nogil=True)
def _gather(k, arcs, windows, tables, messages):  # type: ignore[no-untyped-def]
    """A(SI) and B(S) of a stage: the sums of the messages on its arcs in and out."""
    out_start, out_arcs, in_start, in_arcs = arcs
    low_in, high_in, low_out, high_out = windows
    upstream, downstream = tables
    to_in, to_out, at_in, at_out = messages
    for x in range(low_in[k], high_in[k] + 1):
        upstream[x] = 0.0
    for s in range(low_out[k], high_out[k] + 1):
        downstream[s] = 0.0
    for i in range(in_start[k], in_start[k + 1]):
        message = to_in[at_in[in_arcs[i]] :]
        for x in range(low_in[k], high_in[k] + 1):
            upstream[x] += message[x]
    for i in range(out_start[k], out_start[k + 1]):
        message = to_out[at_out[out_arcs[i]] :]
        for s in range(low_out[k], high_out[k] + 1):
            downstream[s] += message[s]


@njit(cache=True, nogil=True)
def _tell_downstream(k, targets, arcs, windows, messages, out):  # type: ignore[no-untyped-def]
    """A stage's messages to those it serves, from its costs ``out`` by the time it quotes."""
    out_start, out_arcs, in_start, _ = arcs
    low_in, high_in, low_out, high_out = windows
    to_in, to_out, at_in, at_out = messages
    part = 1.0 / max(out_start[k + 1] - out_start[k], in_start[k + 1] - in_start[k])
    for i in range(out_start[k], out_start[k + 1]):
        e = out_arcs[i]
        mine, theirs, t = to_out[at_out[e] :], to_in[at_in[e] :], targets[e]
        least, s = np.inf, low_out[k]
        for x in range(low_in[t], high_in[t] + 1):
            while s <= min(x, high_out[k]):
                least = min(least, part * out[s] - mine[s])
                s += 1
            theirs[x] = least
        floor = theirs[high_in[t]]
        for x in range(low_in[t], high_in[t] + 1):
            theirs[x] -= floor


@njit(cache=True, nogil=True)
def _tell_upstream(k, sources, arcs, windows, messages, costs):  # type: ignore[no-untyped-def]
    """A stage's messages to those that serve it, from its ``costs`` (by the time it receives, and the least of them).

    Returns what they add to the bound.
    """
    out_start, _, in_start, in_arcs = arcs
    low_in, high_in, low_out, high_out = windows
    to_in, to_out, at_in, at_out = messages
    out, floor = costs
    bound = 0.0
    part = 1.0 / max(out_start[k + 1] - out_start[k], in_start[k + 1] - in_start[k])
    for i in range(in_start[k], in_start[k + 1]):
        e = in_arcs[i]
        mine, theirs, j = to_in[at_in[e] :], to_out[at_out[e] :], sources[e]
        least, x = np.inf, high_in[k]
        for s in range(high_out[j], low_out[j] - 1, -1):
            while x >= max(s, low_in[k]):
                least = min(least, part * (out[x] - floor) - mine[x])
                x -= 1
            theirs[s] = least
        level = theirs[low_out[j]]
        bound += level
        for s in range(low_out[j], high_out[j] + 1):
            theirs[s] -= level
    return bound


@njit(cache=True, nogil=True)
def pass_messages(order, ends, arcs, stages, windows, messages, passes):  # type: ignore[no-untyped-def]
    """So many passes there and back; the lower bound after each."""
    sources, targets = ends
    times, weights, root = stages
    out_start, _, in_start, _ = arcs
    low_in, high_in, low_out, high_out = windows
    widest = int((high_in + times).max()) + 2
    upstream, downstream, out = np.empty(widest), np.empty(widest), np.empty(widest)
    marks = np.empty(widest, dtype=np.int64)
    tables = (upstream, downstream)
    bounds = np.empty(passes)
    for turn in range(passes):
        for place in range(order.size):
            k = order[place]
            if out_start[k + 1] == out_start[k]:
                continue
            _gather(k, arcs, windows, tables, messages)
            stage = (times[k], weights[k], root)
            by_outbound(upstream, low_in[k], high_in[k], downstream, low_out[k], high_out[k], stage, (out, marks))
            _tell_downstream(k, targets, arcs, windows, messages, out)
        bound = 0.0
        for place in range(order.size - 1, -1, -1):
            k = order[place]
            _gather(k, arcs, windows, tables, messages)
            stage = (times[k], weights[k], root)
            by_inbound(upstream, low_in[k], high_in[k], downstream, low_out[k], high_out[k], stage, (out, marks))
            floor = np.inf
            for x in range(low_in[k], high_in[k] + 1):
                floor = min(floor, out[x])
            bound += floor
            if in_start[k + 1] == in_start[k]:
                continue
            bound += _tell_upstream(k, sources, arcs, windows, messages, (out, floor))
        bounds[turn] = bound
    return bounds


@njit(cache=True, nogil=True)
def decode(order, ends, arcs, stages, windows, messages):  # type: ignore[no-untyped-def]
    """A solution read off the messages, suppliers first; and per stage the times it would choose by itself.

    Where what stages would choose by themselves agrees along every arc, it is optimal; else that is where to branch.
    """
    _, targets = ends
    times, weights, root = stages
    out_start, out_arcs, _, _ = arcs
    low_in, high_in, low_out, high_out = windows
    widest = int((high_in + times).max()) + 2
    upstream, downstream, out = np.empty(widest), np.empty(widest), np.empty(widest)
    marks = np.empty(widest, dtype=np.int64)
    service = np.zeros(times.size, dtype=np.int64)
    own_out = np.zeros(times.size, dtype=np.int64)
    own_in = np.zeros(times.size, dtype=np.int64)
    received = low_in.copy()
    for place in range(order.size):
        k = order[place]
        _gather(k, arcs, windows, (upstream, downstream), messages)
        stage = (times[k], weights[k], root)
        by_outbound(upstream, low_in[k], high_in[k], downstream, low_out[k], high_out[k], stage, (out, marks))
        s = low_out[k]
        for x in range(low_out[k] + 1, high_out[k] + 1):
            if out[x] < out[s] - 1e-12 * (1.0 + abs(out[s])):
                s = x
        own_out[k] = s
        by_inbound(upstream, low_in[k], high_in[k], downstream, low_out[k], high_out[k], stage, (out, marks))
        least = np.inf
        for x in range(high_in[k], low_in[k] - 1, -1):
            if out[x] < least - 1e-12 * (1.0 + abs(out[x])):
                least = out[x]
                own_in[k] = x
        best = np.inf
        for s in range(low_out[k], min(high_out[k], received[k] + times[k]) + 1):
            cost = weights[k] * root[received[k] + times[k] - s] + downstream[s]
            if cost < best:
                best = cost
                service[k] = s
        for i in range(out_start[k], out_start[k + 1]):
            target = targets[out_arcs[i]]
            received[target] = max(received[target], service[k])
    return service, received, own_out, own_in


@njit(cache=True, nogil=True)
def improve(order, ends, arcs, stages, windows, begun, shuffles):  # type: ignore[no-untyped-def]
    """Re-solves over one random forest per row of ``shuffles`` (orders of the arcs); service times and their cost."""
    service, received = begun
    sources, targets = ends
    times, weights, root, inbound = stages
    low_in, high_in, low_out, high_out, at_in, at_out = windows
    best = cost_of(times, weights, root, service, received)
    tables = (np.empty(at_in[-1]), np.empty(at_out[-1]))
    for turn in range(shuffles.shape[0]):
        used = spanning_forest(times.size, sources, targets, shuffles[turn])
        leaves, link = peel(times.size, sources, targets, used)
        bottom, top = low_in.copy(), high_out.copy()
        for i in range(shuffles.shape[1]):
            e = shuffles[turn, i]
            if used[e]:
                continue
            # Three ways to hold a cut arc, in turn: at what is quoted, at what is received, halfway.
            quoted, there = service[sources[e]], received[targets[e]]
            held = quoted if (turn + e) % 3 == 0 else (there if (turn + e) % 3 == 1 else (quoted + there) // 2)
            top[sources[e]] = min(top[sources[e]], held)
            bottom[targets[e]] = max(bottom[targets[e]], held)
        kept = (bottom, high_in, low_out, top, at_in, at_out)
        new, _ = solve_forest(leaves, link, sources, targets, (times, weights, root), kept, tables)
        got = settle(order, arcs[0], arcs[1], targets, (times, inbound), new)
        cost = cost_of(times, weights, root, new, got)
        if cost < best or (cost == best and turn % 2 == 1):
            best = cost
            service, received = new, got
    return service, received, best


@njit(cache=True, nogil=True)
def tighten(order, ends, arcs, times, windows):  # type: ignore[no-untyped-def]
    """Carries narrowed windows along the arcs; False where nothing is left."""
    sources, targets = ends
    out_start, out_arcs, in_start, in_arcs = arcs
    low_in, high_in, low_out, high_out = windows
    for place in range(order.size):
        k = order[place]
        if in_start[k + 1] > in_start[k]:
            longest = low_in[k]
            for i in range(in_start[k], in_start[k + 1]):
                longest = max(longest, high_out[sources[in_arcs[i]]])
            high_in[k] = min(high_in[k], longest)
        high_out[k] = min(high_out[k], high_in[k] + times[k])
        for i in range(out_start[k], out_start[k + 1]):
            target = targets[out_arcs[i]]
            low_in[target] = max(low_in[target], low_out[k])
    for place in range(order.size - 1, -1, -1):
        k = order[place]
        for i in range(out_start[k], out_start[k + 1]):
            high_out[k] = min(high_out[k], high_in[targets[out_arcs[i]]])
        low_in[k] = max(low_in[k], low_out[k] - times[k])
        if low_out[k] > high_out[k] or low_in[k] > high_in[k]:
            return False
    return True
