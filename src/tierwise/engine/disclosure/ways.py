"""Suppressions that protect a table, and for every need the way that shows it: which cells can be off together.

A need stays met while all cells of its way are withheld. So a cell that may be needless is tried by looking for other
ways for the few needs that lean on it, and a way found for one need is at once a way for all sensitive cells on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tierwise.engine.disclosure import detours, ways_kernels
from tierwise.engine.disclosure.needs import SLACK, TOO_OPEN, Bools, Floats, Ints, Needs, Suppressible, rows_of

_NEARLY_FREE = 1e-6
"""What moving a cell costs that is withheld already, as a share of the least weight: short ways are better ways."""
_ROUNDS = 3
"""Rounds of exchange at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Protection:
    """``suppressed`` cells, and the numbers of those ``lost``: open to a reader with everything else withheld."""

    suppressed: Bools
    needs: Needs
    lost: Ints


def protect_all(table: Suppressible, needs: Needs) -> Protection:
    """Withholds need by need what is cheapest, then opens again what is needless, the dearest first.

    ``needs`` of the result are those that can be met at all. ValueError where only open cells would do.
    """
    ways = _Ways(table, needs)
    unmet = ways.grow()
    ways.prune()
    for _ in range(_ROUNDS):
        if not ways.exchange():
            break
        ways.prune()
    met = np.ones(len(needs), dtype=bool)
    met[unmet] = False
    return Protection(ways.suppressed, needs.only(met), np.unique(needs.cell[unmet]))


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    cells: Ints
    shifts: Floats
    reached: float


@dataclass(slots=True, eq=False)
class _Ways:
    table: Suppressible
    needs: Needs
    suppressed: Bools = field(init=False)
    _links: ways_kernels.Links = field(init=False)
    _plain: bool = field(init=False)
    _free: float = field(init=False)
    _content: float = field(init=False)
    _room: ways_kernels.Room = field(init=False)
    _work: ways_kernels.Trail = field(init=False)
    _programs: detours.Detours = field(init=False)
    # Per need the number of its way, -1 while it has none; per way its cells.
    _way_of: Ints = field(init=False)
    _cells_of: list[Ints] = field(default_factory=list)
    _through: list[set[int]] = field(init=False)
    _asked: tuple[Ints, Ints] = field(init=False)

    def __post_init__(self) -> None:
        table, cells = self.table, len(self.table.values)
        self.suppressed = table.level > 0
        self._links, self._plain = _links(table)
        self._free = _NEARLY_FREE * float(table.weights.min(initial=1.0))
        weights = np.where(self.suppressed, 0.0, table.weights) + self._free
        free = ~table.open
        room = table.values - table.lower
        self._room = ways_kernels.Room(np.where(free, np.inf, 0.0), np.where(free, room, 0.0), weights)
        self._work = ways_kernels.trail(cells, len(table.equations.start) - 1)
        # Below the cheapest cell there is nothing to save.
        self._content = 0.5 * float(table.weights.min(initial=np.inf))
        self._programs = detours.Detours(table)
        self._way_of = np.full(len(self.needs), -1)
        self._through = [set() for _ in range(cells)]
        order = np.argsort(self.needs.cell, kind="stable")
        self._asked = order, np.searchsorted(self.needs.cell[order], np.arange(cells + 1))

    def grow(self) -> Ints:
        """Withholds more until every need has a way; returns those that nothing gives one."""
        unmet = []
        for need in np.lexsort((self.needs.known, self.needs.up, self.needs.cell, -self.needs.amount)).tolist():
            if self._way_of[need] >= 0:
                continue
            way = self._find(need)
            if way is None:
                if self._possible(need):
                    raise ValueError(TOO_OPEN)
                unmet.append(need)
                continue
            self.suppressed[way.cells] = True
            self._room.cost[way.cells] = self._free
            self._keep(way, np.flatnonzero(self._way_of < 0))
        return np.array(unmet, dtype=np.int64)

    def prune(self) -> None:
        """Opens cells again that no need must lean on, the dearest tried first."""
        table = self.table
        self._room.up[:] = np.where(self.suppressed, np.inf, 0.0)
        self._room.down[:] = np.where(self.suppressed, table.values - table.lower, 0.0)
        self._room.cost[:], self._content = 1.0, np.inf
        every, self._links = self._links, ways_kernels.only(self._links, self.suppressed)
        self._programs.within(self.suppressed)
        for cell in self._dearest():
            self._around(cell, 0.0)
        self._links = every

    def exchange(self) -> bool:
        """Whether dear cells could be given up for others that together cost less."""
        table, free = self.table, ~self.table.open
        self._room.up[:] = np.where(free, np.inf, 0.0)
        self._room.down[:] = np.where(free, table.values - table.lower, 0.0)
        self._room.cost[:] = np.where(self.suppressed, 0.0, table.weights) + self._free
        self._content = 0.5 * float(table.weights.min())
        found = [self._around(cell, float(table.weights[cell]) * (1 - SLACK)) for cell in self._dearest()]
        return any(found)

    def _dearest(self) -> list[int]:
        extra = np.flatnonzero(self.suppressed & (self.table.level <= 0))
        return [int(cell) for cell in extra[np.argsort(-self.table.weights[extra], kind="stable")]]

    def _around(self, cell: int, most: float) -> bool:
        """Whether all needs that lean on a cell have found ways around it, over new cells that cost less than ``most``
        (none, where that is 0); the cell is then opened. Nothing changes where they have not."""
        table, room = self.table, self._room
        leaning = np.flatnonzero(np.isin(self._way_of, sorted(self._through[cell])))
        kept, ways = self._way_of[leaning].copy(), len(self._cells_of)
        own = float(room.up[cell]), float(room.down[cell]), float(room.cost[cell])
        room.up[cell] = room.down[cell] = 0.0
        self._way_of[leaning] = -1
        spent, added = 0.0, np.zeros(0, dtype=np.int64)
        for need in leaning[np.argsort(-self.needs.amount[leaning], kind="stable")].tolist():
            if self._way_of[need] >= 0:
                continue
            # Programs over the whole table for every try would take far longer than they save.
            way = self._find(need, most=most - spent if most > 0 else np.inf, solve=most == 0.0)
            new = added if way is None else way.cells[~self.suppressed[way.cells]]
            spent += float(table.weights[new].sum())
            if way is None or spent > most:
                self.suppressed[added] = False
                room.cost[added] = table.weights[added] + self._free
                room.up[cell], room.down[cell], _ = own
                self._way_of[leaning] = kept
                self._forget(ways)
                return False
            if len(new):
                self.suppressed[new] = True
                room.cost[new] = self._free
                added = np.concatenate([added, new])
            self._keep(way, leaning)
        self.suppressed[cell] = False
        if most > 0:
            # It may come back at its price, for another one.
            room.up[cell], room.down[cell], _ = own
            room.cost[cell] = table.weights[cell] + self._free
        return True

    def _find(self, need: int, *, most: float = np.inf, solve: bool = True) -> _Way | None:
        """A way through cells that have room; by linear programs where links alone do not lead round."""
        cell, amount = int(self.needs.cell[need]), float(self.needs.amount[need])
        sign = 1.0 if self.needs.up[need] else -1.0
        closed = self._closed(need)
        before = self._room.up[closed], self._room.down[closed]
        self._room.up[closed] = self._room.down[closed] = 0.0
        found = None
        if self._links.first[cell] >= 0:
            reached, cells, shifts = ways_kernels.find_way(
                self._links, self._room, self._work, (cell, sign, amount), (self._content, most)
            )
            if reached >= amount * (1 - SLACK):
                found = _Way(cells, shifts, reached)
        if found is None and solve and not self._plain:
            solved = self._programs.find(cell, sign * amount, self._room)
            found = None if solved is None else _Way(*solved, amount)
        self._room.up[closed], self._room.down[closed] = before
        return found

    def _possible(self, need: int) -> bool:
        """Whether a need that has no way would have one if open cells could be withheld."""
        shut = self._room.up.copy(), self._room.down.copy()
        self._room.up[:] = np.inf
        self._room.down[:] = self.table.values - self.table.lower
        found = self._find(need)
        self._room.up[:], self._room.down[:] = shut
        return found is not None

    def _closed(self, need: int) -> Ints:
        known = int(self.needs.known[need])
        return self.table.knows[known] if known >= 0 else np.zeros(0, dtype=np.int64)

    def _keep(self, way: _Way, among: Ints) -> None:
        """Gives the way, or its reverse, to all of these needs it serves."""
        number = len(self._cells_of)
        served = self._served(way)
        served = served[np.isin(served, among) & (self._way_of[served] < 0)]
        self._way_of[served] = number
        self._cells_of.append(way.cells)
        for cell in way.cells.tolist():
            self._through[cell].add(number)

    def _served(self, way: _Way) -> Ints:
        order, start = self._asked
        spans = [order[start[cell] : start[cell + 1]] for cell in way.cells.tolist()]
        needs = np.concatenate(spans)
        shift = np.repeat(way.shifts, [len(span) for span in spans])
        needs, shift = needs[shift != 0.0], shift[shift != 0.0]
        room = np.maximum(self.table.values - self.table.lower, 0.0)[way.cells]
        along, against = (_stretch(room, way.shifts * sign) for sign in (1.0, -1.0))
        rising = np.where(shift > 0, along, against) * np.abs(shift)
        falling = np.where(shift > 0, against, along) * np.abs(shift)
        enough = np.where(self.needs.up[needs], rising, falling) >= self.needs.amount[needs] * (1 - SLACK)
        knowing = np.unique(self.needs.known[needs])
        touched = [k for k in knowing[knowing >= 0].tolist() if np.isin(self.table.knows[k], way.cells).any()]
        return np.asarray(needs[enough & ~np.isin(self.needs.known[needs], touched)])

    def _forget(self, ways: int) -> None:
        for number in range(ways, len(self._cells_of)):
            for cell in self._cells_of[number].tolist():
                self._through[cell].discard(number)
        del self._cells_of[ways:]


def _stretch(room: Floats, shifts: Floats) -> float:
    """How many times the shifts fit: until the first cell that falls has no room left."""
    falls = shifts < 0
    return float(np.min(room[falls] / -shifts[falls], initial=np.inf)) * (1 + 1e-12)


def _links(table: Suppressible) -> tuple[ways_kernels.Links, bool]:
    """The table as links, and whether they tell all about it: every cell one, and signs that alternate all round."""
    equations, count = table.equations, len(table.equations.start) - 1
    row = rows_of(equations)
    order = np.argsort(equations.cell, kind="stable")
    start = np.searchsorted(equations.cell[order], np.arange(equations.cells + 1))
    often = np.diff(start)
    ends, signs = np.full((2, equations.cells), count), np.ones((2, equations.cells))
    for end in (0, 1):
        there = often > end
        at = order[start[:-1][there] + end]
        ends[end, there], signs[end, there] = row[at], equations.sign[at]
    ends[:, often > 2] = -1
    cells = np.tile(np.arange(equations.cells), 2)
    both = ends.ravel()
    # The ground lists its links once.
    listed = (both >= 0) & ~((both == count) & (cells == np.arange(2 * equations.cells)))
    sorted_ends = np.argsort(both[listed], kind="stable")
    begin = np.searchsorted(both[listed][sorted_ends], np.arange(count + 2))
    links = ways_kernels.Links(begin, cells[listed][sorted_ends], ends[0], ends[1], signs[0], signs[1])
    return links, bool((often <= 2).all()) and _alternates(links, count)


def _alternates(links: ways_kernels.Links, count: int) -> bool:
    """Whether equations can be turned so that every link leaves one and enters another: then ways tell all."""
    turned = np.zeros(count)
    for root in range(count):
        if turned[root]:
            continue
        turned[root] = 1.0
        waiting = [root]
        while waiting:
            here = waiting.pop()
            cells = links.cell[links.start[here] : links.start[here + 1]]
            cells = cells[(links.first[cells] < count) & (links.second[cells] < count)]
            first = links.first[cells] == here
            there = np.where(first, links.second[cells], links.first[cells])
            wanted = -turned[here] * links.first_sign[cells] * links.second_sign[cells]
            if (turned[there] * wanted < 0).any():
                return False
            new = np.unique(there[turned[there] == 0])
            turned[there] = wanted
            waiting.extend(new.tolist())
    return True
