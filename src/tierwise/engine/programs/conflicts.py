"""Why nothing fits: which kinds of constraint conflict, and how far each would have to give way alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.engine.programs.arrays import Arrays, compressed, load, run
from tierwise.engine.programs.draft import Block, Draft, Floats, Ints, Kind

_LARGEST_SHOWN = 5
_NOTHING = 1e-7


@dataclass(frozen=True, slots=True)
class Conflict:
    """A kind of constraint that takes part in a conflict. ``least`` is by how much it must give way in all if nothing
    else does; ``where`` the places that give way most, each with its amount; ``remedy`` what to do. ``enough`` is False
    where further conflicts would be left, so that ``least`` only settles this one."""

    name: str
    remedy: str
    least: float
    where: tuple[tuple[str, float], ...]
    enough: bool = True


class NoPlan(ValueError):
    """No plan meets all constraints. ``conflicts`` cannot all hold together; each one alone, given way by ``least``,
    settles it. Empty where the constraints that can never give way conflict among themselves."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        self.conflicts = conflicts
        if not conflicts:
            super().__init__("no plan: the balances themselves conflict; look for inputs that contradict each other")
            return
        named = ", ".join(each.name for each in conflicts)
        ways = "; or ".join(f"{each.remedy} by {each.least:g} in all ({_listed(each)})" for each in conflicts)
        more = "" if conflicts[0].enough else "; further conflicts are left then, so solve again"
        super().__init__(f"no plan keeps {named} together: {ways}{more}")


def explain(draft: Draft, arrays: Arrays) -> NoPlan:
    """The conflict of a program that has no plan.

    Every named block becomes soft in turn: a block is part of the conflict if, without it, the named blocks that are
    left over can be met (deletion filter over blocks; Chinneck, Feasibility and Infeasibility in Optimization, 2008,
    chapter 6). Then each alone gives way by the least sum.
    """
    elastic = _Elastic(draft, arrays)
    kept = list(range(len(elastic.blocks)))
    if not kept or elastic.least(set(kept)) is None:
        return NoPlan(())
    for each in range(len(elastic.blocks)):
        rest = [other for other in kept if other != each]
        free = set(range(len(elastic.blocks))) - set(rest)
        if elastic.least(free) is None:
            kept = rest
    everything_else = set(range(len(elastic.blocks))) - set(kept)
    found = []
    for each in kept:
        alone = elastic.least({each}, pay={each})
        given = elastic.least({each} | everything_else, pay={each}) if alone is None else alone
        if given is not None:
            found.append(elastic.conflict(each, given, alone is not None))
    return NoPlan(tuple(found))


class _Elastic:
    """The program with every named limit as a row that a slack on each side may stretch."""

    def __init__(self, draft: Draft, arrays: Arrays) -> None:
        count = arrays.cost.size
        sides = [(block, False) for block in draft.row_side.blocks if block.kind and block.size]
        sides += [(block, True) for block in draft.column_side.blocks if block.kind and block.size]
        self.blocks = [block for block, _ in sides]
        self._kinds = [block.kind for block in self.blocks if block.kind]
        start, index, value = arrays.matrix
        rows, columns, values = [index.astype(np.int64)], [np.repeat(np.arange(count), np.diff(start))], [value]
        low, high = [*arrays.row_bounds[:1]], [*arrays.row_bounds[1:]]
        column_low, column_high = arrays.column_bounds[0].copy(), arrays.column_bounds[1].copy()
        height, width = arrays.row_bounds[0].size, count
        self._slacks: list[tuple[Ints, Ints]] = []
        for block, is_column in sides:
            at = block.at.ravel()
            if is_column:
                rows.append(height + np.arange(at.size))
                columns.append(at)
                values.append(np.ones(at.size))
                low.append(arrays.column_bounds[0][at])
                high.append(arrays.column_bounds[1][at])
                # What may not be negative by nature stays so.
                column_low[at] = np.where(arrays.column_bounds[0][at] >= 0, 0.0, -np.inf)
                column_high[at] = np.inf
                at = height + np.arange(at.size)
                height += at.size
            more = width + np.arange(at.size)
            less = width + at.size + np.arange(at.size)
            rows += [at, at]
            columns += [more, less]
            values += [np.ones(at.size), -np.ones(at.size)]
            self._slacks.append((more, less))
            width += 2 * at.size
        self._width = width
        added = width - count
        matrix = compressed(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), (height, width))
        self._arrays = Arrays(
            np.zeros(width),
            (np.append(column_low, np.zeros(added)), np.append(column_high, np.zeros(added))),
            (np.concatenate(low), np.concatenate(high)),
            matrix,
            np.append(arrays.whole, np.zeros(added, np.bool_)),
        )
        self._solver = load(self._arrays)

    def least(self, free: set[int], pay: set[int] | None = None) -> Floats | None:
        """The columns of a plan in which blocks ``free`` may give way, those of ``pay`` as little as they can."""
        cost, upper = np.zeros(self._width), self._arrays.column_bounds[1].copy()
        for each, slacks in enumerate(self._slacks):
            for at in slacks:
                upper[at] = np.inf if each in free else 0.0
                cost[at] = 1.0 if pay and each in pay else 0.0
        every = np.arange(self._width, dtype=np.int32)
        self._solver.changeColsBounds(self._width, every, self._arrays.column_bounds[0], upper)
        self._solver.changeColsCost(self._width, every, cost)
        self._solver.clearSolver()
        return np.array(self._solver.getSolution().col_value) if run(self._solver) else None

    def conflict(self, each: int, columns: Floats, enough: bool) -> Conflict:
        block, kind, (more, less) = self.blocks[each], self._kinds[each], self._slacks[each]
        given = columns[more] + columns[less]
        largest = np.argsort(-given, kind="stable")[:_LARGEST_SHOWN]
        where = tuple((_label(block, kind, int(k)), float(given[k])) for k in largest if given[k] > _NOTHING)
        return Conflict(kind.name, kind.remedy, float(given.sum()), where, enough)


def _label(block: Block, kind: Kind, offset: int) -> str:
    place = block.place(offset)
    return " ".join(f"{axis} {at}" for axis, at in zip(kind.axes, place, strict=True))


def _listed(conflict: Conflict) -> str:
    return ", ".join(f"{label}: {amount:g}" for label, amount in conflict.where)
