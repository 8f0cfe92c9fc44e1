"""Ways through cells that add up in more than two places, by linear programs; the solver loads on first use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tierwise.engine.disclosure.needs import SLACK, Bools, Floats, Ints, Suppressible, rows_of

if TYPE_CHECKING:
    from tierwise.engine.disclosure import programs
    from tierwise.engine.disclosure.ways_kernels import Room

_FIRST = 12
"""Cheapest cells of each equation that the first, small program may move; four times as many where they do not do."""


@dataclass(slots=True, eq=False)
class Detours:
    """The cheapest way by a program over a table's cheap cells; after ``within``, any way through the cells left."""

    table: Suppressible
    _rank: Ints = field(init=False)
    _row: Ints = field(init=False)
    _inside: _Inside | None = None

    def __post_init__(self) -> None:
        equations = self.table.equations
        self._row = rows_of(equations)
        weights = self.table.weights[equations.cell]
        order = np.lexsort((weights, self._row))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - equations.start[self._row[order]]
        # A cell is as near as the nearest of its equations puts it.
        self._rank = np.full(equations.cells, len(order))
        np.minimum.at(self._rank, equations.cell, rank)

    def within(self, suppressed: Bools) -> None:
        self._inside = _Inside(self.table, self._row, suppressed)

    def find(self, cell: int, amount: float, room: Room) -> tuple[Ints, Floats] | None:
        """Cells and how far they move when this one is off by ``amount``; None where it cannot be."""
        if self._inside is not None:
            return self._inside.find(cell, amount, room)
        size = np.maximum(np.minimum(np.abs(self.table.values), abs(amount)), 1e-6 * abs(amount))
        free = np.maximum(room.up, room.down) > 0
        near = _FIRST
        while True:
            allowed = free & ((self._rank < near) | (room.cost <= room.cost.min()))
            allowed[cell] = True
            found = self._cheapest(np.flatnonzero(allowed), (cell, amount), (room, size))
            if found is not None or not (free & ~allowed).any():
                return found
            near *= 4

    def _cheapest(self, cells: Ints, need: tuple[int, float], given: tuple[Room, Floats]) -> tuple[Ints, Floats] | None:
        """Each cell may rise (first columns) and fall (last), either at its cost; large ones at less of it."""
        from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

        (cell, amount), (room, size) = need, given
        scale, count = abs(amount), len(cells)
        start, column, sign = _part(self.table, self._row, cells)
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        order = np.argsort(np.tile(row, 2), kind="stable")
        lower, upper = np.zeros(2 * count), np.concatenate([room.up[cells], room.down[cells]]) / scale
        at = int(np.searchsorted(cells, cell))
        moved, still = (at, at + count) if amount > 0 else (at + count, at)
        lower[moved] = upper[moved] = 1.0
        upper[still] = 0.0
        program = programs.Table(
            2 * start, np.concatenate([column, column + count])[order], np.concatenate([sign, -sign])[order],
            (lower, upper), np.zeros(len(start) - 1),
        )  # fmt: skip
        program.cost(np.tile(room.cost[cells] / size[cells], 2))
        point = program.solve()
        return None if point is None else _moved(cells, scale * (point[:count] - point[count:]), scale)


@dataclass(slots=True, eq=False)
class _Inside:
    """One program over the withheld cells, re-solved as they become fewer."""

    table: Suppressible
    row: Ints
    suppressed: Bools
    _cells: Ints = field(init=False)
    _scale: float = field(init=False)
    _program: programs.Table = field(init=False)

    def __post_init__(self) -> None:
        from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

        self._cells = np.flatnonzero(self.suppressed)
        self._scale = float(np.median(self.table.level[self.table.level > 0]))
        start, column, sign = _part(self.table, self.row, self._cells)
        zero = np.zeros(len(self._cells))
        self._program = programs.Table(start, column, sign, (zero, zero), np.zeros(len(start) - 1))

    def find(self, cell: int, amount: float, room: Room) -> tuple[Ints, Floats] | None:
        asked = amount / self._scale
        lower, upper = -room.down[self._cells] / self._scale, room.up[self._cells] / self._scale
        at = int(np.searchsorted(self._cells, cell))
        # Never further than asked, so that nothing is unbounded.
        lower[at], upper[at] = (0.0, asked) if asked > 0 else (asked, 0.0)
        self._program.bound(lower, upper)
        reached, point = self._program.furthest(at, 1.0 if asked > 0 else -1.0)
        if reached < abs(asked) * (1 - SLACK):
            return None
        return _moved(self._cells, self._scale * point, abs(amount))


def _part(table: Suppressible, row: Ints, cells: Ints) -> tuple[Ints, Ints, Floats]:
    """The equations over some cells only: starts, cells by their place among these, signs."""
    equations = table.equations
    place = np.full(equations.cells, -1)
    place[cells] = np.arange(len(cells))
    kept = place[equations.cell] >= 0
    lengths = np.bincount(row[kept], minlength=len(equations.start) - 1)
    start = np.concatenate([[0], np.cumsum(lengths[lengths > 0])]).astype(np.int64)
    return start, place[equations.cell[kept]], equations.sign[kept]


def _moved(cells: Ints, shifts: Floats, amount: float) -> tuple[Ints, Floats]:
    kept = np.abs(shifts) > 1e-9 * amount
    return cells[kept], shifts[kept]
