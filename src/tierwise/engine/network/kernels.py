"""Compiled walks over the network: which nodes are reached, in which order, and what flows along the links."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ELSEWHERE = -1
"""Site code of the bill that holds at every named site without a row of its own."""


class Bills(NamedTuple):
    """Bills by parent: bills `first[p]` to `first[p+1]`, each for one site code; rows `rows[b]` to `rows[b+1]`."""

    first: Ints
    site: Codes
    rows: Ints
    component: Codes
    phantom: Flags
    factor: Floats


class Arcs(NamedTuple):
    """Movements by item: arcs `first[i]` to `first[i+1]`, sorted by receiving site."""

    first: Ints
    to_site: Codes
    from_site: Codes
    share: Floats
    factor: Floats


class Reached(NamedTuple):
    """Nodes in the order found (key = (item × sites + site) × 2 + phantom) and their links, grouped by node."""

    key: Ints
    first: Ints
    to: Codes
    factor: Floats
    is_bill: Flags


@njit(cache=True)
def _slot(table: Codes, keys: Ints, key: int | np.int64) -> int | np.int64:
    mask = table.size - 1
    mixed = key * np.int64(-7046029254386353131)
    slot = (mixed ^ (mixed >> np.int64(29))) & mask
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True)
def _bill_at(bills: Bills, item: int, site: int) -> int:
    elsewhere = -1
    for bill in range(bills.first[item], bills.first[item + 1]):
        if bills.site[bill] == site:
            return bill
        if bills.site[bill] == ELSEWHERE:
            elsewhere = bill
    return elsewhere


@njit(cache=True)
def _has_bill(bills: Bills, item: int, site: int) -> bool:
    bill = _bill_at(bills, item, site)
    if bill >= 0:
        for row in range(bills.rows[bill], bills.rows[bill + 1]):
            if bills.factor[row] > 0:
                return True
    return False


@njit(cache=True)
def _component_key(bills: Bills, row: int, site: int, sites: int) -> int:
    component = bills.component[row]
    # A phantom without a bill has nothing to pass its demand to: it is an ordinary item after all.
    blown = bills.phantom[row] and _has_bill(bills, component, site)
    return int((component * np.int64(sites) + site) * 2 + (1 if blown else 0))


@njit(cache=True)
def _arrivals(arcs: Arcs, item: int, site: int) -> tuple[int, int, float]:
    """Movements of an item to a site (first, past the last), and the share of its need that they leave there."""
    begin, end = arcs.first[item], arcs.first[item + 1]
    first = begin + np.searchsorted(arcs.to_site[begin:end], site, side="left")
    past = begin + np.searchsorted(arcs.to_site[begin:end], site, side="right")
    stays = 1.0
    for arc in range(first, past):
        stays -= arcs.share[arc]
    return first, past, stays


@njit(cache=True)
def _larger_table(keys: Ints, count: int, size: int) -> Codes:
    table = np.full(size, -1, np.int32)
    for node in range(count):
        table[_slot(table, keys, keys[node])] = node
    return table


@njit(cache=True)
def discover(starts: Ints, sites: int, bills: Bills, arcs: Arcs) -> Reached:
    """Everything that demand at the nodes `starts` (unique keys) reaches, breadth first.

    A node passes the shares that arrive by movement on to the sending sites and explodes its bill for the rest only,
    or components would be called for twice. A phantom has no movements: it is built where its parent is.
    """
    keys = np.empty(max(16, 2 * starts.size), np.int64)
    size = 64
    while size < 4 * keys.size:
        size *= 2
    keys[: starts.size] = starts
    count = starts.size
    table = _larger_table(keys, count, size)
    to, factor, is_bill = np.empty(1024, np.int32), np.empty(1024), np.empty(1024, np.bool_)
    link, node = 0, 0
    first = np.zeros(keys.size + 1, np.int64)
    while node < count:
        item, site, phantom = keys[node] // 2 // sites, keys[node] // 2 % sites, keys[node] % 2
        arc_from, arc_to, stays = _arrivals(arcs, item, site) if phantom == 0 else (0, 0, 1.0)
        bill = _bill_at(bills, item, site)
        rows = bills.rows[bill + 1] - bills.rows[bill] if bill >= 0 and stays > 1e-9 else 0
        needed = arc_to - arc_from + rows
        if link + needed > to.size:
            longer = 2 * (link + needed)
            to, factor, is_bill = _longer(to, longer), _longer(factor, longer), _longer(is_bill, longer)
        if count + needed > keys.size:
            keys = _longer(keys, 2 * (count + needed))
            first = _longer(first, keys.size + 1)
            while size < 4 * keys.size:
                size *= 2
            table = _larger_table(keys, count, size)
        for step in range(needed):
            if step < rows:
                row = bills.rows[bill] + step
                if bills.factor[row] == 0:
                    continue
                key = _component_key(bills, row, site, sites)
                factor[link], is_bill[link] = bills.factor[row] * stays, True
            else:
                arc = arc_from + step - rows
                key = (item * np.int64(sites) + arcs.from_site[arc]) * 2
                factor[link], is_bill[link] = arcs.factor[arc], False
            slot = _slot(table, keys, key)
            if table[slot] < 0:
                keys[count] = key
                table[slot] = count
                count += 1
            to[link] = table[slot]
            link += 1
        node += 1
        first[node] = link
    return Reached(keys[:count], first[: count + 1], to[:link], factor[:link], is_bill[:link])


@njit(cache=True)
def _longer(values, size):  # type: ignore[no-untyped-def]  # compiled once per element type
    longer = np.zeros(size, values.dtype)
    longer[: values.size] = values
    return longer


@njit(cache=True)
def topological_order(first: Ints, to: Codes) -> tuple[Codes, Codes, int]:
    """Kahn's order: (nodes with every parent before its children, low-level code of each node, nodes ordered).

    Fewer nodes ordered than there are means a cycle among the rest (A. B. Kahn, Communications of the ACM 5(11), 1962).
    """
    nodes = first.size - 1
    waiting = np.zeros(nodes, np.int32)
    level = np.zeros(nodes, np.int32)
    for link in range(to.size):
        waiting[to[link]] += 1
    order = np.empty(nodes, np.int32)
    done = 0
    for node in range(nodes):
        if waiting[node] == 0:
            order[done] = node
            done += 1
    at = 0
    while at < done:
        node = order[at]
        at += 1
        for link in range(first[node], first[node + 1]):
            child = to[link]
            level[child] = max(level[child], level[node] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                order[done] = child
                done += 1
    return order, level, done


@njit(cache=True)
def carry_down(order: Codes, reached: Reached, item: Codes, units: Floats, rolled: Floats) -> None:
    """Add to `units` [node, segment], holding own demand, all dependent demand; to `rolled` [item, segment] likewise.

    `rolled` counts a unit where it enters the item (own demand, bills), not again each time it is moved.
    """
    segments = units.shape[1]
    for at in range(order.size):
        node = order[at]
        for link in range(reached.first[node], reached.first[node + 1]):
            child = reached.to[link]
            counts = reached.is_bill[link] and reached.key[child] % 2 == 0
            for segment in range(segments):
                flow = units[node, segment] * reached.factor[link]
                units[child, segment] += flow
                if counts:
                    rolled[item[child], segment] += flow


@njit(cache=True)
def reach_up(order: Codes, reached: Reached, target: Flags, entering: bool) -> tuple[Floats, Floats, Ints]:
    """Per node: target units that one unit calls for, number of paths to the target, and the link that carries most.

    With `entering`, a target counts where a bill calls for it (the item as a whole), not where it is moved.
    """
    nodes = order.size
    calls, paths, main = np.zeros(nodes), np.zeros(nodes), np.full(nodes, -1, np.int64)
    for at in range(nodes - 1, -1, -1):
        node = order[at]
        most = 0.0
        for link in range(reached.first[node], reached.first[node + 1]):
            child = reached.to[link]
            hit = target[child] and (reached.is_bill[link] or not entering)
            flow = reached.factor[link] * (calls[child] + (1.0 if hit else 0.0))
            calls[node] += flow
            paths[node] += paths[child] + (1.0 if hit else 0.0)
            if flow > most:
                most = flow
                main[node] = link
    return calls, paths, main
