"""A program held by the solver: solved once cold, then again from where it stood when numbers change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.programs.arrays import Codes, arrays_of, load, run
from tierwise.engine.programs.conflicts import explain
from tierwise.engine.programs.draft import Block, Draft, Floats

_FEASIBLE_WITHIN = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """An optimum. ``objective`` is the least cost; ``work`` counts simplex steps (0: the last optimum stood);
    ``bound`` is a proven lower bound (with whole numbers; else the objective of the dual)."""

    objective: float
    columns: Floats
    row_prices: Floats
    column_prices: Floats
    work: int
    bound: float

    def value(self, block: Block) -> Floats:
        return self.columns[block.span].reshape(block.shape)

    def price(self, block: Block) -> Floats:
        """What one more unit of each row's bound would add to the least cost (0 where it does not bind)."""
        return self.row_prices[block.span].reshape(block.shape)

    def reduced(self, block: Block) -> Floats:
        """What one more unit of each column's binding bound would add to the least cost."""
        return self.column_prices[block.span].reshape(block.shape)


class Program:
    """min cost·x with bounds on rows and columns, kept in the solver for changes.

    ``gap`` is the relative gap at which a search over whole numbers may stop; ``repeated`` tunes the solver for
    thousands of small re-solves.
    Solving raises `NoPlan` where nothing fits, naming the blocks that
    conflict, and ValueError where the cost has no lower end. Changing numbers keeps the basis, so that the next
    ``solve`` starts from the last optimum.
    """

    def __init__(self, draft: Draft, *, gap: float = 0.0, repeated: bool = False) -> None:
        self.draft = draft
        self.arrays = arrays_of(draft)
        self._solver = load(self.arrays, gap=gap, repeated=repeated)
        self._mixed = bool(self.arrays.whole.any())

    def cost(self, at: npt.ArrayLike, cost: npt.ArrayLike) -> None:
        """New cost of columns ``at`` (positions, as from ``Block.at``)."""
        where, values = _each(at, cost)
        self.arrays.cost[where] = values
        self._solver.changeColsCost(where.size, where, values)

    def limit_columns(self, at: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike) -> None:
        """New bounds of columns."""
        where, low = _each(at, lower)
        _, high = _each(at, upper)
        self.arrays.column_bounds[0][where], self.arrays.column_bounds[1][where] = low, high
        self._solver.changeColsBounds(where.size, where, low, high)

    def limit_rows(self, at: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike) -> None:
        """New bounds of rows."""
        where, low = _each(at, lower)
        _, high = _each(at, upper)
        self.arrays.row_bounds[0][where], self.arrays.row_bounds[1][where] = low, high
        self._solver.changeRowsBounds(where.size, where, low, high)

    def basis(self) -> object:
        """Where the last solve ended, for `begin_at`."""
        return self._solver.getBasis()

    def begin_at(self, basis: object) -> None:
        """The next solve begins there and not where the last one ended."""
        self._solver.setBasis(basis)

    def objective(self) -> float | None:
        """The least cost alone, without reading the plan; None where nothing fits."""
        return float(self._solver.getObjectiveValue()) if self._run() else None

    def values(self, block: Block) -> Floats:
        """The plan of one block after `objective`."""
        return np.array(self._solver.getSolution().col_value[block.span]).reshape(block.shape)

    def solve(self) -> Solved:
        if not self._run():
            raise explain(self.draft, self.arrays)
        found, info = self._solver.getSolution(), self._solver.getInfo()
        columns = np.array(found.col_value)
        duals = (np.zeros(self.arrays.row_bounds[0].size), np.zeros(columns.size))
        if not self._mixed:
            duals = (np.array(found.row_dual), np.array(found.col_dual))
        objective = float(info.objective_function_value)
        bound = float(info.mip_dual_bound) if self._mixed else self._dual_objective(*duals)
        work = max(int(info.simplex_iteration_count), 0)
        return Solved(objective, columns, *duals, work, bound)

    def _run(self) -> bool:
        if self.arrays.cost.size == 0:
            low, high = self.arrays.row_bounds
            return bool(np.all(low <= _FEASIBLE_WITHIN) and np.all(high >= -_FEASIBLE_WITHIN))
        return run(self._solver)

    def _dual_objective(self, rows: Floats, columns: Floats) -> float:
        total = 0.0
        for price, (low, high) in ((rows, self.arrays.row_bounds), (columns, self.arrays.column_bounds)):
            bound = np.where(price > 0, low, high)
            total += float(
                np.sum(
                    np.where(np.abs(price) > _FEASIBLE_WITHIN, price * np.where(np.isfinite(bound), bound, 0.0), 0.0)
                )
            )
        return total


def _each(at: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Codes, Floats]:
    where = np.asarray(at, dtype=np.int32)
    wide = np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float64), where.shape)).ravel()
    if np.isnan(wide).any():
        raise ValueError("values: some are NaN; a program takes known numbers only")
    return np.ascontiguousarray(where).ravel(), wide
