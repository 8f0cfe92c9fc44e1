"""Ways for a withheld cell to be off, searched through a table's equations; imported on first use, for the compiler."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DUST = 1e-9


class Links(NamedTuple):
    """Cells as links between the two equations they stand in; what stands in one only leads to the ground, the last.

    ``first`` and ``second`` equation per cell (-1: in more than two, no link), with the signs there. The links at
    equation e are ``cell[start[e]:start[e + 1]]``.
    """

    start: Ints
    cell: Ints
    first: Ints
    second: Ints
    first_sign: Floats
    second_sign: Floats


class Room(NamedTuple):
    """How far each cell may rise and fall, and what it costs to move it at all."""

    up: Floats
    down: Floats
    cost: Floats


def only(links: Links, kept: npt.NDArray[np.bool_]) -> Links:
    """The links of some cells, so that a search looks at no others."""
    listed = kept[links.cell]
    start = np.concatenate([[0], np.cumsum(listed)])[links.start]
    return links._replace(start=start, cell=links.cell[listed])


class Trail(NamedTuple):
    """Room to work in. Per state (equation, sign of what it lacks): its cost, and the step that led to it."""

    cost: Floats
    before: Ints
    by: Ints
    seen: Ints
    shift: Floats
    moved: Ints


def trail(cells: int, equations: int) -> Trail:
    states = 2 * (equations + 1)
    before, by, seen = (np.zeros(states, np.int64) for _ in range(3))
    return Trail(np.full(states, np.inf), before, by, seen, np.zeros(cells), np.zeros(2 * cells + 4 * states, np.int64))


@njit(cache=True, nogil=True)
def _state(equation, sign, ground):  # type: ignore[no-untyped-def]
    return 2 * equation + (1 if sign > 0 and equation < ground else 0)


@njit(cache=True, nogil=True)
def _left(room, shift, cell, way):  # type: ignore[no-untyped-def]
    return room.up[cell] - shift[cell] if way > 0 else room.down[cell] + shift[cell]


@njit(cache=True, nogil=True)
def _relax(links, room, work, step, own, sought, count):  # type: ignore[no-untyped-def]
    """All cells that can make up for what an equation lacks; returns how many states were seen."""
    least, wanted, _ = sought
    ground = len(links.start) - 2
    equation, lacks = step // 2, 1.0 if step % 2 else -1.0
    for at in range(links.start[equation], links.start[equation + 1]):
        cell = links.cell[at]
        if cell == own:
            continue
        here = links.first[cell] == equation
        other = links.second[cell] if here else links.first[cell]
        sign = links.first_sign[cell] if here else links.second_sign[cell]
        far = links.second_sign[cell] if here else links.first_sign[cell]
        price = 0.0 if work.shift[cell] != 0.0 else room.cost[cell]
        for turn in range(2 if equation == ground else 1):
            # The ground takes and gives any amount.
            way = (1.0 - 2.0 * turn) if equation == ground else -lacks * sign
            left = _left(room, work.shift, cell, way)
            if left < least:
                continue
            to = _state(other, far * way, ground)
            # A cell with room for a part costs as much for that part.
            total = work.cost[step] + price / min(left, wanted)
            if total < work.cost[to]:
                if work.cost[to] == np.inf:
                    work.seen[count] = to
                    count += 1
                work.cost[to] = total
                work.before[to] = step
                work.by[to] = (cell + 1) * (1 if way > 0 else -1)
    return count


@njit(cache=True, nogil=True)
def _search(links, room, work, ends, own, sought):  # type: ignore[no-untyped-def]
    """Whether the goal is reached, along the cheapest way; ``work`` then tells the steps back."""
    start, goal = ends
    work.cost[:] = np.inf
    work.cost[start] = 0.0
    work.seen[0] = start
    count, done = 1, 0
    while done < count:
        best = done
        for at in range(done + 1, count):
            if work.cost[work.seen[at]] < work.cost[work.seen[best]]:
                best = at
        step = work.seen[best]
        work.seen[best] = work.seen[done]
        work.seen[done] = step
        done += 1
        if step == goal:
            return True
        if work.cost[step] * sought[1] > sought[2]:
            return False
        count = _relax(links, room, work, step, own, sought, count)
    return False


@njit(cache=True, nogil=True)
def _push(room, work, start, goal, most, moved):  # type: ignore[no-untyped-def]
    """Moves as much as goes along the way found, at most so much; returns that and how many cells have moved."""
    amount = most
    step = goal
    while step != start:
        cell, way = abs(work.by[step]) - 1, 1.0 if work.by[step] > 0 else -1.0
        amount = min(amount, _left(room, work.shift, cell, way))
        step = work.before[step]
    # A way may come through a cell twice; half as much then fits both times.
    for size in (amount, amount / 2):
        step, fits = goal, True
        while step != start:
            cell, way = abs(work.by[step]) - 1, 1.0 if work.by[step] > 0 else -1.0
            if work.shift[cell] == 0.0:
                work.moved[moved] = cell
                moved += 1
            work.shift[cell] += way * size
            fits = fits and work.shift[cell] <= room.up[cell] + _DUST * amount
            fits = fits and -work.shift[cell] <= room.down[cell] + _DUST * amount
            step = work.before[step]
        if fits:
            return size, moved
        step = goal
        while step != start:
            cell, way = abs(work.by[step]) - 1, 1.0 if work.by[step] > 0 else -1.0
            work.shift[cell] -= way * size
            step = work.before[step]
    return 0.0, moved


@njit(cache=True, nogil=True)
def _carried(links, room, work, need, least, most):  # type: ignore[no-untyped-def]
    """How much of a need is met along the cheapest ways that carry at least so much each and cost at most so much; and
    how many cells moved."""
    cell, way, amount = need
    ground = len(links.start) - 2
    start = _state(links.first[cell], links.first_sign[cell] * way, ground)
    goal = _state(links.second[cell], -links.second_sign[cell] * way, ground)
    reached, moved = 0.0, 0
    while reached < amount * (1 - _DUST) and moved + 2 * len(work.cost) <= len(work.moved):
        wanted = amount - reached
        if not _search(links, room, work, (start, goal), cell, (least, wanted, most)):
            break
        pushed, moved = _push(room, work, start, goal, wanted, moved)
        if pushed <= 0.0:
            break
        reached += pushed
    return reached, moved


@njit(cache=True, nogil=True)
def _told(work, moved, need, reached):  # type: ignore[no-untyped-def]
    """Cells that moved and by how much, the need's own included; leaves ``work`` as it was before."""
    own, way, amount = need
    cells, shifts, count = np.empty(moved + 1, np.int64), np.empty(moved + 1), 0
    for at in range(moved):
        cell = work.moved[at]
        if abs(work.shift[cell]) > _DUST * amount:
            cells[count], shifts[count] = cell, work.shift[cell]
            count += 1
        work.shift[cell] = 0.0
    cells[count], shifts[count] = own, way * reached
    return cells[: count + 1], shifts[: count + 1]


@njit(cache=True, nogil=True)
def _price(room, cells):  # type: ignore[no-untyped-def]
    total = 0.0
    for cell in cells:
        total += room.cost[cell]
    return total


@njit(cache=True, nogil=True)
def find_way(links, room, work, need, prices):  # type: ignore[no-untyped-def]
    """How far a cell can be off one way, at most so much, and which cells then move by how much (it included).

    ``need``: cell, sign, amount. The cheaper of two: the cheapest single way that carries all, good enough where it
    costs no more than the first of ``prices``, and part by part on whatever is cheapest. Neither dearer than the last.
    """
    amount, (content, most) = need[2], prices
    whole, moved = _carried(links, room, work, need, amount * (1 - _DUST), most)
    one, one_shifts = _told(work, moved, need, whole)
    if whole >= amount * (1 - _DUST) and _price(room, one) <= content:
        return whole, one, one_shifts
    parts, moved = _carried(links, room, work, need, _DUST * amount, most)
    some, some_shifts = _told(work, moved, need, parts)
    if whole >= amount * (1 - _DUST) and _price(room, one) <= _price(room, some):
        return whole, one, one_shifts
    return parts, some, some_shifts
