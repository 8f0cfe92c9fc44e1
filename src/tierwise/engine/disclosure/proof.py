"""How cheap a choice of withheld cells can be at best: cuts from what readers could work out of cheaper ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from tierwise.engine.disclosure import programs
from tierwise.engine.disclosure.needs import SLACK, Bools, Floats, Ints, Needs, Suppressible, rows_of


@dataclass(frozen=True, slots=True)
class Bounded:
    """A choice, what its further cells cost, and what any choice costs at least."""

    suppressed: Bools
    cost: float
    bound: float = 0.0
    cuts: int = 0
    rounds: int = 0


def cost_of(table: Suppressible, suppressed: Bools) -> float:
    return float(table.weights[suppressed & (table.level <= 0)].sum())


@dataclass(slots=True)
class _Reader:
    """Asks what readers of the table can exclude, for one choice of suppressed cells after the other."""

    table: Suppressible
    needs: Needs
    scale: float = field(init=False)
    _program: programs.Table = field(init=False)

    def __post_init__(self) -> None:
        levels = self.table.level[self.table.level > 0]
        # Near the protection levels, which the answers are compared with.
        self.scale = float(np.median(levels))
        zero = np.zeros(self.table.equations.cells)
        sums = np.zeros(len(self.table.equations.start) - 1)
        equations = self.table.equations
        self._program = programs.Table(equations.start, equations.cell, equations.sign, (zero, zero), sums)

    def answers(self, suppressed: Bools) -> Iterator[tuple[int, float, Floats]]:
        """Per need how far the reader must think the cell may be off, and how much each cell's freedom adds to it."""
        current = -2
        down, up = self.freedom(suppressed)
        for need in range(len(self.needs)):
            cell, amount = int(self.needs.cell[need]), self.needs.amount[need] / self.scale
            if self.needs.known[need] != current:
                current = int(self.needs.known[need])
                self._bound(suppressed, current)
            rises = bool(self.needs.up[need])
            # Never further than asked, so that nothing is unbounded.
            own = (-down[cell], amount) if rises else (-amount, up[cell])
            self._program.bound_one(cell, *own)
            value, reduced = self._program.least(cell, -1.0 if rises else 1.0)
            self._program.bound_one(cell, -down[cell], up[cell])
            yield need, -value, -reduced

    def freedom(self, suppressed: Bools) -> tuple[Floats, Floats]:
        """By how much a reader can think each cell smaller and larger."""
        room = (self.table.values - self.table.lower) / self.scale
        return np.where(suppressed, room, 0.0), np.where(suppressed, inf, 0.0)

    def _bound(self, suppressed: Bools, known: int) -> None:
        free = suppressed.copy()
        if known >= 0:
            free[self.table.knows[known]] = False
        down, up = self.freedom(free)
        self._program.bound(-down, up)


def proven(table: Suppressible, needs: Needs, start: Bounded, effort: tuple[int, int]) -> Bounded:
    """Better choices than the one given, or the proof that there is none, by rounds of cuts, each round's search over
    so many nodes."""
    reader = _Reader(table, needs)
    primary = table.level > 0
    weights = np.where(primary, 0.0, table.weights)
    cover = programs.Cover(weights, primary.astype(np.float64), np.where(table.open, 0.0, 1.0))
    cost, bound, cuts = start.cost, 0.0, 0
    choice: Bools = primary.copy()
    rounds = 0
    while cost - bound > 1e-9 * max(cost, 1.0) and rounds < effort[0]:
        rounds += 1
        missed, new = _cuts(reader, table, choice)
        if not missed:
            found = cost_of(table, choice)
            return Bounded(choice, found, found, cuts, rounds)
        for cells, coefficients in new:
            cover.cut(cells, coefficients)
        cuts += len(new)
        picked, lowest = cover.solve(effort[1])
        bound = min(max(bound, lowest), cost)
        if picked is None or not new:
            break
        choice = picked | primary
    return replace(start, bound=bound, cuts=cuts, rounds=rounds)


def _cuts(reader: _Reader, table: Suppressible, choice: Bools) -> tuple[bool, list[tuple[Ints, Floats]]]:
    """Whether a choice leaves needs unmet, and what every choice must satisfy that this one does not."""
    primary, needs = table.level > 0, reader.needs
    down, up = reader.freedom(np.ones(len(choice), dtype=bool))
    missed, found = False, []
    for need, reached, adds in reader.answers(choice):
        amount, known = needs.amount[need] / reader.scale, int(needs.known[need])
        if reached >= amount * (1 - SLACK):
            continue
        missed = True
        # What is below the solver's tolerance would count infinitely on a cell without upper bound.
        adds[np.abs(adds) < 1e-6] = 0.0
        adds[needs.cell[need]] = 0.0
        if known >= 0:
            adds[table.knows[known]] = 0.0
        with np.errstate(invalid="ignore"):
            worth = np.where(adds > 0, adds * up, np.where(adds < 0, -adds * down, 0.0))
        # Primary cells are withheld anyway: what they add is there already.
        left = amount - float(worth[primary].sum())
        cells = np.flatnonzero((worth > 0) & ~primary)
        if left > SLACK * amount and len(cells):
            found.append((cells, np.minimum(worth[cells], left) / left))
    return missed, found


def bounded(table: Suppressible, needs: Needs, start: Bounded) -> Bounded:
    """The choice given with a bound from single equations: what else stands in one must be able to move as far as a
    cell that is off. Of the needs in an equation the one that asks for most counts.
    """
    cells = _strictest(table, needs.only(needs.known < 0))
    if not len(cells[0]) - 1:
        return start
    primary = table.level > 0
    weights = np.where(primary, 0.0, table.weights)
    cover = programs.Cover(weights, primary.astype(np.float64), np.where(table.open, 0.0, 1.0), whole=False)
    cover.cuts(*cells)
    return replace(start, bound=min(cover.bound(), start.cost), cuts=len(cells[0]) - 1, rounds=1)


def _strictest(table: Suppressible, needs: Needs) -> tuple[Ints, Ints, Floats]:
    """Per equation the cut that is furthest from being met by primary cells: starts, cells, coefficients."""
    equations, row = table.equations, rows_of(table.equations)
    primary, room = table.level > 0, table.values - table.lower
    # By cell, whether it must rise and fall, and how far.
    most = np.zeros((2, equations.cells))
    np.maximum.at(most, (np.where(needs.up, 0, 1), needs.cell), needs.amount)
    best: dict[int, tuple[float, Ints, Floats]] = {}
    for way in (0, 1):
        for entry in np.flatnonzero(most[way][equations.cell] > 0).tolist():
            r, own = int(row[entry]), int(equations.cell[entry])
            span = slice(equations.start[r], equations.start[r + 1])
            others = equations.cell[span]
            amount = float(most[way, own])
            # What stands on the same side must move the other way.
            same = equations.sign[span] == equations.sign[entry]
            worth = np.where(same == (way == 0), np.minimum(room[others], amount), amount)
            worth[others == own] = 0.0
            left = (amount - float(worth[primary[others]].sum())) / amount
            if left <= SLACK or (r in best and best[r][0] >= left):
                continue
            kept = ~primary[others] & (worth > 0)
            best[r] = left, others[kept], np.minimum(worth[kept] / (left * amount), 1.0)
    start = np.concatenate([[0], np.cumsum([len(cells) for _, cells, _ in best.values()])]).astype(np.int64)
    return (
        start,
        np.concatenate([cells for _, cells, _ in best.values()] or [np.zeros(0, dtype=np.int64)]),
        np.concatenate([worth for _, _, worth in best.values()] or [np.zeros(0)]),
    )
