"""Which further cells must be withheld so that those withheld cannot be worked out from the totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tierwise.engine.disclosure.tabulate import Equations

if TYPE_CHECKING:
    from tierwise.engine.disclosure import programs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SLACK = 1e-6
"""Share of a protection level that a bound may miss it by: what the solver's own tolerance leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class Suppressible:
    """A table to be protected, one entry per cell.

    ``level``: how far the reader's bounds must stay from the value on either side, 0 for cells that are safe (primary
    suppressions are those above 0). ``weights``: what withholding a cell costs. ``open``: must be shown. ``lower``:
    what a reader knows a cell to be at least (0, or -infinity where values can be negative).
    ``knows``: per contributor that is alone in some cells, the numbers of these cells: it knows their values, and must
    not work out others' cells with that.
    """

    values: Floats
    equations: Equations
    level: Floats
    weights: Floats
    open: Bools
    lower: Floats
    knows: tuple[Ints, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "level", "weights", "open", "lower"):
            if len(getattr(self, name)) != self.equations.cells:
                raise ValueError(f"{name}: has {len(getattr(self, name))} entries for {self.equations.cells} cells")
        if not np.isfinite(self.values).all() or (self.lower > self.values).any():
            raise ValueError("values: must be finite and not below lower")
        if (self.level < 0).any() or (self.weights <= 0).any() or not np.isfinite(self.level + self.weights).all():
            raise ValueError("level must be 0 or more and weights above 0, all of them finite")
        if (self.open & (self.level > 0)).any():
            raise ValueError("open: a cell that must be shown is unsafe itself; withhold it or coarsen the table")
        size = max(1.0, float(np.abs(self.values).max(initial=0.0)))
        if (np.abs(self.equations.rest(self.values)) > 1e-7 * size).any():
            raise ValueError("values: some totals are not the sum of their parts; tabulate them from one source")


@dataclass(frozen=True, slots=True)
class SuppressionParams:
    """``exact_up_to`` cells the choice is proven; above, or when ``rounds`` of cuts do not suffice, it is the
    heuristic's and the gap says how far from the best it can be. ``nodes`` bounds each search.
    """

    exact_up_to: int = 2500
    rounds: int = 60
    nodes: int = 20_000

    def __post_init__(self) -> None:
        if self.exact_up_to < 0 or self.rounds < 0 or self.nodes < 1:
            raise ValueError("exact_up_to and rounds must be 0 or more and nodes 1 or more")


@dataclass(frozen=True, slots=True)
class Suppression:
    """``suppressed`` per cell, primary ones included. ``cost`` of the further ones, at least ``bound`` in any choice;
    ``gap`` = (cost − bound)/cost, 0 where optimal. ``unprotectable``: cells that stay open to a reader even with
    everything else withheld. ``cuts`` and ``rounds`` tell how hard it was.
    """

    suppressed: Bools
    cost: float
    bound: float
    unprotectable: Ints
    cuts: int
    rounds: int

    @property
    def gap(self) -> float:
        return 0.0 if self.cost <= 0 else max(0.0, (self.cost - self.bound) / self.cost)

    @property
    def optimal(self) -> bool:
        return self.gap <= 1e-9


DEFAULT = SuppressionParams()
_GLANCE = 5
"""Rounds of cuts for tables too large to be proven, for the sake of a bound."""
_TOO_OPEN = "open: the cells that must stay open leave no way to protect the others; open fewer"


def complementary_suppression(table: Suppressible, params: SuppressionParams = DEFAULT) -> Suppression:
    """The cheapest further cells to withhold so that no sensitive cell can be bounded more closely than its level.

    min Σ w·z over z in {0, 1}, z = 1 for primary cells, such that for each of them the reader's interval, given all
    equations and the shown cells, contains value ± level (down to its lower bound at most), for the public and for
    every contributor that knows cells of its own. Cuts from the readers' linear programs: where z leaves cell p less
    than its level, Σ min(c, level)·z ≥ level with c from the dual solution. A heuristic (cheapest flow for one cell
    after the other, then what is needless opened again) gives the choice where the proof is not finished.
    A contributor's knowledge is held against primary cells that share an equation with one of its own cells.
    ValueError where cells that must be open leave no way. Empty tables and tables without primary cells cost nothing.
    Source: Fischetti and Salazar González, Management Science 47 (2001) 1008-1027; Kelly, Golden and Assad, Networks 22
    (1992) 397-417. One cell of 2 × 2 needs the other three:

    >>> from tierwise.engine.disclosure.tabulate import Equations
    >>> sums = [(4, 0, 1), (5, 2, 3), (6, 0, 2), (7, 1, 3), (8, 4, 5), (8, 6, 7)]
    >>> equations = Equations(9, np.arange(0, 19, 3), np.array(sums).ravel(), np.tile([-1.0, 1, 1], 6))
    >>> values = np.array([4.0, 3, 2, 1, 7, 3, 6, 4, 10])
    >>> level = np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 0])
    >>> table = Suppressible(values, equations, level, values, np.zeros(9, dtype=bool), np.zeros(9))
    >>> found = complementary_suppression(table)
    >>> np.flatnonzero(found.suppressed).tolist(), found.cost, found.optimal
    ([0, 1, 2, 3], 6.0, True)
    """
    primary = table.level > 0
    if not primary.any():
        return Suppression(primary, 0.0, 0.0, np.zeros(0, dtype=np.int64), 0, 0)
    reader = _Reader(table)
    lost = _lost(reader, table)
    best = _pruned(reader, table, _grown(reader, table, primary))
    rounds = params.rounds if len(table.values) <= params.exact_up_to else min(params.rounds, _GLANCE)
    found = _proven(reader, table, best, (rounds, params.nodes))
    return Suppression(found.suppressed, found.cost, found.bound, lost, found.cuts, found.rounds)


def _lost(reader: _Reader, table: Suppressible) -> Ints:
    """Cells that nothing protects; what they need is struck off."""
    lost = {need.cell for need in reader.missing(np.ones(len(table.values), dtype=bool))}
    reader.needs = [need for need in reader.needs if need.cell not in lost]
    if table.open.any() and next(reader.missing(~table.open), None) is not None:
        raise ValueError(_TOO_OPEN)
    return np.array(sorted(lost), dtype=np.int64)


def _cost(table: Suppressible, suppressed: Bools) -> float:
    return float(table.weights[suppressed & (table.level <= 0)].sum())


@dataclass(frozen=True, slots=True)
class _Need:
    """That a reader who knows ``known`` cells can think cell off by ``amount`` (of the table's scale) that way."""

    cell: int
    up: bool
    amount: float
    known: int


@dataclass(slots=True)
class _Reader:
    """Asks what a reader of the table can exclude, for one choice of suppressed cells after the other."""

    table: Suppressible
    scale: float = field(init=False)
    needs: list[_Need] = field(init=False)
    _program: programs.Table = field(init=False)

    def __post_init__(self) -> None:
        from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

        table = self.table
        levels = table.level[table.level > 0]
        # Near the protection levels, which the answers are compared with.
        self.scale = float(np.median(levels))
        zero = np.zeros(table.equations.cells)
        sums = np.zeros(len(table.equations.start) - 1)
        equations = table.equations
        self._program = programs.Table(equations.start, equations.cell, equations.sign, (zero, zero), sums)
        self.needs = list(self._all_needs())

    def _all_needs(self) -> Iterator[_Need]:
        table, near = self.table, _neighbours(self.table.equations)
        sensitive = np.flatnonzero(table.level > 0)
        for known in range(-1, len(table.knows)):
            own = set() if known < 0 else set(table.knows[known].tolist())
            beside = set().union(*(near(cell) for cell in own)) if own else set()
            for cell in sensitive.tolist():
                if known >= 0 and (cell in own or cell not in beside):
                    continue
                level = float(table.level[cell])
                down = min(level, float(table.values[cell] - table.lower[cell]))
                yield _Need(cell, True, level / self.scale, known)
                if down > _SLACK * level:
                    yield _Need(cell, False, down / self.scale, known)

    def missing(self, suppressed: Bools) -> Iterator[_Need]:
        """The needs a choice does not meet."""
        for need, reached, _ in self.answers(suppressed):
            if reached < need.amount * (1 - _SLACK):
                yield need

    def answers(self, suppressed: Bools) -> Iterator[tuple[_Need, float, Floats]]:
        """Per need how far the reader must think the cell may be off, and how much each cell's freedom adds to it."""
        current = -2
        down, up = self.freedom(suppressed)
        for need in self.needs:
            if need.known != current:
                current = need.known
                self._bound(suppressed, current)
            sign = -1.0 if need.up else 1.0
            # Never further than asked, so that nothing is unbounded.
            own = (-down[need.cell], need.amount) if need.up else (-need.amount, up[need.cell])
            self._program.bound_one(need.cell, *own)
            value, reduced = self._program.least(need.cell, sign)
            self._program.bound_one(need.cell, -down[need.cell], up[need.cell])
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

    def cheapest_way(self, need: _Need, costs: Floats, allowed: Bools) -> Bools | None:
        """Cells on the cheapest way for a cell to be off as much as needed; None where there is none."""
        free = allowed.copy()
        if need.known >= 0:
            free[self.table.knows[need.known]] = False
        return _cheapest(self.table, self.freedom(free), costs, need)


def _neighbours(equations: Equations):  # type: ignore[no-untyped-def]
    row = np.repeat(np.arange(len(equations.start) - 1), np.diff(equations.start))
    order = np.argsort(equations.cell, kind="stable")
    starts = np.searchsorted(equations.cell[order], np.arange(equations.cells + 1))

    def near(cell: int) -> set[int]:
        rows = row[order[starts[cell] : starts[cell + 1]]]
        return {int(c) for r in rows for c in equations.cell[equations.start[r] : equations.start[r + 1]]}

    return near


def _cheapest(table: Suppressible, freedom: tuple[Floats, Floats], costs: Floats, need: _Need) -> Bools | None:
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    equations, n = table.equations, table.equations.cells
    down, up = freedom
    # Each cell may rise (first n columns) and fall (last n), either at its cost.
    row = np.repeat(np.arange(len(equations.start) - 1), np.diff(equations.start))
    columns = np.concatenate([equations.cell, equations.cell + n])
    signs = np.concatenate([equations.sign, -equations.sign])
    order = np.argsort(np.concatenate([row, row]), kind="stable")
    lower, upper = np.zeros(2 * n), np.concatenate([up, down])
    moved, still = (need.cell, need.cell + n) if need.up else (need.cell + n, need.cell)
    lower[moved] = upper[moved] = need.amount
    upper[still] = 0.0
    program = programs.Table(
        2 * equations.start, columns[order], signs[order], (lower, upper), np.zeros(len(equations.start) - 1)
    )
    program.cost(np.concatenate([costs, costs]))
    point = program.solve()
    if point is None:
        return None
    return np.asarray(point[:n] + point[n:] > 1e-9 * need.amount)


def _grown(reader: _Reader, table: Suppressible, primary: Bools) -> Bools:
    """Suppressions that protect everything, added need by need along the cheapest way."""
    suppressed = primary.copy()
    size = np.abs(table.values) / reader.scale
    for _ in range(1 + len(reader.needs)):
        missing = sorted(reader.missing(suppressed), key=lambda need: (-need.amount, need.cell, need.up, need.known))
        if not missing:
            break
        for need in missing:
            # What is withheld already is nearly free; large cells move by the same amount at less of their weight.
            costs = np.where(suppressed, 1e-6, table.weights / np.maximum(np.minimum(size, need.amount), 1e-6))
            way = reader.cheapest_way(need, costs, ~table.open)
            if way is None:
                raise ValueError(_TOO_OPEN)
            suppressed |= way
    return suppressed


def _pruned(reader: _Reader, table: Suppressible, suppressed: Bools) -> Bools:
    """The same without what is needless, the dearest tried first."""
    extra = np.flatnonzero(suppressed & (table.level <= 0))
    for cell in extra[np.argsort(-table.weights[extra], kind="stable")]:
        suppressed[cell] = False
        if next(reader.missing(suppressed), None) is not None:
            suppressed[cell] = True
    return suppressed


@dataclass(frozen=True, slots=True)
class _Bounded:
    suppressed: Bools
    cost: float
    bound: float
    cuts: int
    rounds: int


def _proven(reader: _Reader, table: Suppressible, start: Bools, effort: tuple[int, int]) -> _Bounded:
    """Better choices, or the proof that there is none, by cuts."""
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    primary = table.level > 0
    weights = np.where(primary, 0.0, table.weights)
    cover = programs.Cover(weights, primary.astype(np.float64), np.where(table.open, 0.0, 1.0))
    cost, bound, cuts = _cost(table, start), 0.0, 0
    choice: Bools = primary.copy()
    rounds = 0
    while cost - bound > 1e-9 * max(cost, 1.0) and rounds < effort[0]:
        rounds += 1
        missed, new = _cuts(reader, table, choice)
        if not missed:
            found = _cost(table, choice)
            return _Bounded(choice, found, found, cuts, rounds)
        for cells, coefficients in new:
            cover.cut(cells, coefficients)
        cuts += len(new)
        picked, lowest = cover.solve(effort[1])
        bound = min(max(bound, lowest), cost)
        if picked is None or not new:
            break
        choice = picked | primary
    return _Bounded(start, cost, bound, cuts, rounds)


def _cuts(reader: _Reader, table: Suppressible, choice: Bools) -> tuple[bool, list[tuple[Ints, Floats]]]:
    """Whether a choice leaves needs unmet, and what every choice must satisfy that this one does not."""
    primary = table.level > 0
    down, up = reader.freedom(np.ones(len(choice), dtype=bool))
    missed, found = False, []
    for need, reached, adds in reader.answers(choice):
        if reached >= need.amount * (1 - _SLACK):
            continue
        missed = True
        # What is below the solver's tolerance would count infinitely on a cell without upper bound.
        adds[np.abs(adds) < 1e-6] = 0.0
        adds[need.cell] = 0.0
        if need.known >= 0:
            adds[table.knows[need.known]] = 0.0
        with np.errstate(invalid="ignore"):
            worth = np.where(adds > 0, adds * up, np.where(adds < 0, -adds * down, 0.0))
        # Primary cells are withheld anyway: what they add is there already.
        left = need.amount - float(worth[primary].sum())
        cells = np.flatnonzero((worth > 0) & ~primary)
        if left > _SLACK * need.amount and len(cells):
            found.append((cells, np.minimum(worth[cells], left) / left))
    return missed, found
