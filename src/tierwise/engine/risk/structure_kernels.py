"""The compiled walk that finds articulation points and bridges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@njit(cache=True)
def joints(first: Ints, to: Ints, link: Ints) -> tuple[Flags, Flags, int]:
    """Depth first without recursion: ``low`` is the earliest node that a subtree still reaches past its own root."""
    nodes = first.size - 1
    point, bridge = np.zeros(nodes, np.bool_), np.zeros(to.size // 2, np.bool_)
    seen, low = np.full(nodes, -1, np.int64), np.zeros(nodes, np.int64)
    came, stack = np.full(nodes, -1, np.int64), np.empty(nodes, np.int64)
    at = first[:-1].copy()
    clock, parts = 0, 0
    for root in range(nodes):
        if seen[root] >= 0:
            continue
        parts += 1
        children, height = 0, 1
        stack[0] = root
        seen[root] = low[root] = clock
        clock += 1
        while height > 0:
            node = stack[height - 1]
            if at[node] < first[node + 1]:
                place = at[node]
                at[node] += 1
                near = to[place]
                if link[place] == came[node] or near == node:
                    continue
                if seen[near] >= 0:
                    low[node] = min(low[node], seen[near])
                    continue
                came[near] = link[place]
                seen[near] = low[near] = clock
                clock += 1
                stack[height] = near
                height += 1
                continue
            height -= 1
            if height == 0:
                break
            above = stack[height - 1]
            low[above] = min(low[above], low[node])
            if low[node] > seen[above]:
                bridge[came[node]] = True
            if above == root:
                children += 1
            elif low[node] >= seen[above]:
                point[above] = True
        point[root] = children > 1
    return point, bridge, parts
