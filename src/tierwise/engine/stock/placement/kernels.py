"""Compiled: longest replenishment times, and the dynamic programme over a forest.

A stage's cost is c·root(SI + T − S) with root(t) = tᵖ concave. A(SI), what upstream neighbours already solved add,
never rises; B(S), what downstream ones add, never falls. So only values where A drops or B is about to rise can be
best: a handful of candidates instead of all pairs, and the result is exact.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def longest(order, start, arcs, targets, given):  # type: ignore[no-untyped-def]
    """Highest service times in and out that can matter, for whole processing times, inbound times and limits."""
    times, inbound, limit = given
    high_in = inbound.copy()
    high_out = np.zeros(times.size, dtype=np.int64)
    for at in range(order.size):
        k = order[at]
        high_out[k] = min(high_in[k] + times[k], limit[k])
        for i in range(start[k], start[k + 1]):
            target = targets[arcs[i]]
            high_in[target] = max(high_in[target], high_out[k])
    return high_in, high_out


@njit(cache=True, nogil=True)
def variance_upward(order, start, arcs, targets, units, variance):  # type: ignore[no-untyped-def]
    """Net demand variance where no demand reaches a stage on two ways: own plus units² times each customer's."""
    for at in range(order.size - 1, -1, -1):
        k = order[at]
        for i in range(start[k], start[k + 1]):
            e = arcs[i]
            variance[k] += units[e] * units[e] * variance[targets[e]]


@njit(cache=True, nogil=True)
def usage_upward(order, start, arcs, targets, units, usage):  # type: ignore[no-untyped-def]
    """Units of each stage in one unit of each outlet; ``usage`` has shape (stages, outlets), 1 at the outlet itself."""
    for at in range(order.size - 1, -1, -1):
        k = order[at]
        for i in range(start[k], start[k + 1]):
            e = arcs[i]
            for d in range(usage.shape[1]):
                usage[k, d] += units[e] * usage[targets[e], d]


@njit(cache=True, nogil=True)
def peel(n, sources, targets, used):  # type: ignore[no-untyped-def]
    """Leaves first: order, and per stage the arc to its neighbour that comes later (-1 for the last of a tree).

    Only arcs marked in ``used`` count. Xor of the incident arcs leaves the last one standing, so no lists are needed.
    Fewer than n stages come back where the marked arcs close a loop.
    """
    degree = np.zeros(n, dtype=np.int64)
    mixed = np.zeros(n, dtype=np.int64)
    for e in range(sources.size):
        if used[e]:
            degree[sources[e]] += 1
            degree[targets[e]] += 1
            mixed[sources[e]] ^= e
            mixed[targets[e]] ^= e
    order = np.empty(n, dtype=np.int64)
    link = np.full(n, -1, dtype=np.int64)
    size = 0
    for k in range(n):
        if degree[k] <= 1:
            order[size] = k
            size += 1
    at = 0
    while at < size:
        k = order[at]
        at += 1
        if degree[k] == 0:
            continue
        e = mixed[k]
        link[k] = e
        other = targets[e] if sources[e] == k else sources[e]
        degree[k] = 0
        degree[other] -= 1
        mixed[other] ^= e
        if degree[other] == 1:
            order[size] = other
            size += 1
        # With degree 0 both were leaves of each other: the other already stands in the order, as last of its tree.
    return order[:size], link


@njit(cache=True, nogil=True)
def spanning_forest(n, sources, targets, arcs):  # type: ignore[no-untyped-def]
    """Marks arcs, taken in the order given, that close no loop."""
    root = np.arange(n)
    used = np.zeros(sources.size, dtype=np.bool_)
    for i in range(arcs.size):
        e = arcs[i]
        a = sources[e]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        b = targets[e]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a != b:
            root[a] = b
            used[e] = True
    return used


@njit(cache=True, nogil=True)
def by_outbound(upstream, low_in, high_in, downstream, low_out, high_out, stage, scratch):  # type: ignore[no-untyped-def]
    """Least cost for each outbound time S, into scratch[0]: B(S) + min over SI of A(SI) + c·root(SI + T − S)."""
    times, weight, root = stage
    out, drops = scratch
    count = 0
    for x in range(low_in + 1, high_in + 1):
        if upstream[x] < upstream[x - 1]:
            drops[count] = x
            count += 1
    least = upstream[high_in]
    first = 0
    for s in range(low_out, high_out + 1):
        low = max(low_in, s - times)
        if low > high_in:
            out[s] = np.inf
            continue
        best = upstream[low] + weight * root[low + times - s]
        while first < count and drops[first] <= low:
            first += 1
        for i in range(first, count):
            held = weight * root[drops[i] + times - s]
            if least + held >= best:
                break
            best = min(best, upstream[drops[i]] + held)
        out[s] = downstream[s] + best


@njit(cache=True, nogil=True)
def by_inbound(upstream, low_in, high_in, downstream, low_out, high_out, stage, scratch):  # type: ignore[no-untyped-def]
    """Least cost for each inbound time SI, into scratch[0]: A(SI) + min over S of B(S) + c·root(SI + T − S)."""
    times, weight, root = stage
    out, rises = scratch
    count = 0
    for s in range(high_out - 1, low_out - 1, -1):
        if downstream[s + 1] > downstream[s]:
            rises[count] = s
            count += 1
    least = downstream[low_out]
    first = 0
    for x in range(high_in, low_in - 1, -1):
        high = min(high_out, x + times)
        if high < low_out:
            out[x] = np.inf
            continue
        best = downstream[high] + weight * root[x + times - high]
        while first < count and rises[first] >= high:
            first += 1
        for i in range(first, count):
            held = weight * root[x + times - rises[i]]
            if least + held >= best:
                break
            best = min(best, downstream[rises[i]] + held)
        out[x] = upstream[x] + best


@njit(cache=True, nogil=True)
def best_inbound(upstream, low_in, high_in, s, stage):  # type: ignore[no-untyped-def]
    times, weight, root = stage
    best, found = np.inf, max(low_in, s - times)
    for x in range(max(low_in, s - times), high_in + 1):
        cost = upstream[x] + weight * root[x + times - s]
        if cost < best:
            best, found = cost, x
    return found


@njit(cache=True, nogil=True)
def best_outbound(downstream, low_out, high_out, x, stage):  # type: ignore[no-untyped-def]
    times, weight, root = stage
    best, found = np.inf, low_out
    for s in range(min(high_out, x + times), low_out - 1, -1):
        cost = downstream[s] + weight * root[x + times - s]
        if cost < best:
            best, found = cost, s
    return found


@njit(cache=True, nogil=True)
def solve_forest(order, link, sources, targets, stages, windows, tables):  # type: ignore[no-untyped-def]
    """Exact service times on a forest within windows; ``tables`` (A, B) are zeroed here and hold the way back."""
    times, weights, root = stages
    low_in, high_in, low_out, high_out, at_in, at_out = windows
    upstream, downstream = tables
    upstream[:] = 0.0
    downstream[:] = 0.0
    widest = 1
    for k in range(times.size):
        widest = max(widest, high_in[k] + times[k] + 2)
    out = np.empty(widest)
    marks = np.empty(widest, dtype=np.int64)
    service = np.zeros(times.size, dtype=np.int64)
    received = np.zeros(times.size, dtype=np.int64)
    for place in range(order.size):
        k = order[place]
        stage = (times[k], weights[k], root)
        mine_a = upstream[at_in[k] : at_in[k + 1]]
        mine_b = downstream[at_out[k] : at_out[k + 1]]
        e = link[k]
        if e >= 0 and targets[e] == k:
            by_inbound(mine_a, low_in[k], high_in[k], mine_b, low_out[k], high_out[k], stage, (out, marks))
            for x in range(high_in[k], low_in[k] - 1, -1):
                mine_a[x] = out[x] if x == high_in[k] else min(out[x], mine_a[x + 1])
            j = sources[e]
            theirs = downstream[at_out[j] : at_out[j + 1]]
            for s in range(low_out[j], high_out[j] + 1):
                theirs[s] += np.inf if s > high_in[k] else mine_a[max(s, low_in[k])]
            continue
        by_outbound(mine_a, low_in[k], high_in[k], mine_b, low_out[k], high_out[k], stage, (out, marks))
        for s in range(low_out[k], high_out[k] + 1):
            mine_b[s] = out[s] if s == low_out[k] else min(out[s], mine_b[s - 1])
        if e >= 0:
            i = targets[e]
            theirs = upstream[at_in[i] : at_in[i + 1]]
            for x in range(low_in[i], high_in[i] + 1):
                theirs[x] += np.inf if x < low_out[k] else mine_b[min(x, high_out[k])]
    for place in range(order.size - 1, -1, -1):
        k = order[place]
        stage = (times[k], weights[k], root)
        mine_a = upstream[at_in[k] : at_in[k + 1]]
        mine_b = downstream[at_out[k] : at_out[k + 1]]
        e = link[k]
        if e >= 0 and targets[e] == k:
            x = max(service[sources[e]], low_in[k])
            while x < high_in[k] and mine_a[x + 1] == mine_a[x]:
                x += 1
            received[k] = x
            service[k] = best_outbound(mine_b, low_out[k], high_out[k], x, stage)
            continue
        s = high_out[k] if e < 0 else min(received[targets[e]], high_out[k])
        while s > low_out[k] and mine_b[s - 1] == mine_b[s]:
            s -= 1
        service[k] = s
        received[k] = best_inbound(mine_a, low_in[k], high_in[k], s, stage)
    return service, received


@njit(cache=True, nogil=True)
def settle(order, start, arcs, targets, stages, service):  # type: ignore[no-untyped-def]
    """What each stage really receives, the longest of what it is quoted; it then never quotes more than it needs.

    Neither step lengthens a net lead time, so the cost does not rise.
    """
    times, inbound = stages
    received = inbound.copy()
    for at in range(order.size):
        k = order[at]
        service[k] = min(service[k], received[k] + times[k])
        for i in range(start[k], start[k + 1]):
            target = targets[arcs[i]]
            received[target] = max(received[target], service[k])
    return received


@njit(cache=True, nogil=True)
def cost_of(times, weights, root, service, received):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(times.size):
        total += weights[k] * root[received[k] + times[k] - service[k]]
    return total
