"""Linear programs over the cells of a table; imported on first use, as the solver loads slowly.

Not `Program` itself: a question may have no end (a cell nothing bounds), wants its reduced costs only (reading the
whole plan each time takes about 1.5 times as long on 651 cells), and the cover grows by a row per cut and may stop
short of the best.
"""

from __future__ import annotations

import highspy
import numpy as np
import numpy.typing as npt

from tierwise.engine.programs.arrays import Arrays, compressed, load

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
INFINITE = float(highspy.kHighsInf)
CONTRADICTION = "values: published figures contradict each other; look for totals that are not their parts' sum"


class Table:
    """What the cells of a table can be, given that they add up; re-solved from where the last question ended."""

    def __init__(self, start: Ints, column: Ints, value: Floats, bounds: tuple[Floats, Floats], right: Floats) -> None:
        self.columns = len(bounds[0])
        row = np.repeat(np.arange(len(right)), np.diff(start))
        matrix = compressed(row, column, value, (len(right), self.columns))
        free = np.zeros(self.columns)
        self._every = np.arange(self.columns, dtype=np.int32)
        self._solver = load(Arrays(free, bounds, (right, right), matrix, free > 0))

    def bound(self, lower: Floats, upper: Floats) -> None:
        self._solver.changeColsBounds(self.columns, self._every, lower, upper)

    def bound_one(self, column: int, lower: float, upper: float) -> None:
        self._solver.changeColBounds(column, lower, upper)

    def cost(self, costs: Floats) -> None:
        self._solver.changeColsCost(self.columns, self._every, costs)

    def least(self, column: int, sign: float) -> tuple[float, Floats]:
        """The least of sign·column and the reduced costs there; the column's cost is put back to nothing.

        ValueError where the equations contradict each other; -infinity where nothing bounds the column.
        """
        self._solver.changeColCost(column, sign)
        status = self._run()
        # Read before the cost is changed back, which makes the solver forget its answer.
        found = float(self._solver.getObjectiveValue()), np.array(self._solver.getSolution().col_dual)
        self._solver.changeColCost(column, 0.0)
        if status == highspy.HighsModelStatus.kOptimal:
            return found
        if status in {highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
            return -INFINITE, np.zeros(self.columns)
        raise ValueError(CONTRADICTION)

    def furthest(self, column: int, sign: float) -> tuple[float, Floats]:
        """The most of sign·column, which the bounds must limit, and the point it is reached at."""
        self._solver.changeColCost(column, -sign)
        self._run()
        found = -float(self._solver.getObjectiveValue()), np.array(self._solver.getSolution().col_value)
        self._solver.changeColCost(column, 0.0)
        return found

    def solve(self) -> Floats | None:
        """The cheapest point, None where there is none."""
        if self._run() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self._solver.getSolution().col_value)

    def _run(self) -> highspy.HighsModelStatus:
        self._solver.run()
        status: highspy.HighsModelStatus = self._solver.getModelStatus()
        return status


class Cover:
    """The cheapest choice of cells that satisfies every cut found so far; ``whole`` cells or, for a bound, shares."""

    def __init__(self, weights: Floats, least: Floats, most: Floats, *, whole: bool = True) -> None:
        self._count = len(weights)
        no_rows, none = np.empty(0), np.empty(0, np.int64)
        matrix = compressed(none, none, no_rows, (0, self._count))
        self._solver = load(
            Arrays(weights, (least, most), (no_rows, no_rows), matrix, np.full(self._count, whole, dtype=np.bool_))
        )

    def cut(self, cells: Ints, coefficients: Floats) -> None:
        """Σ coefficient·cell ≥ 1."""
        self._solver.addRow(1.0, INFINITE, len(cells), cells.astype(np.int32), coefficients)

    def cuts(self, start: Ints, cells: Ints, coefficients: Floats) -> None:
        """Many at once: those of cut k stand at ``start[k]:start[k + 1]``."""
        count = len(start) - 1
        ends = np.ones(count), np.full(count, INFINITE)
        self._solver.addRows(
            count, *ends, len(cells), start[:-1].astype(np.int32), cells.astype(np.int32), coefficients
        )

    def bound(self) -> float:
        """What any choice of shares costs at least."""
        self._solver.run()
        return float(self._solver.getInfo().objective_function_value)

    def solve(self, nodes: int) -> tuple[npt.NDArray[np.bool_] | None, float]:
        """The choice and a cost below which there is none. None where no choice was found within so many nodes."""
        self._solver.setOptionValue("mip_max_nodes", nodes)
        self._solver.run()
        info = self._solver.getInfo()
        if self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            raise ValueError("open: the cells that must stay open leave no way to protect the others; open fewer")
        bound = float(info.mip_dual_bound)
        found = np.array(self._solver.getSolution().col_value)
        if not np.isfinite(info.objective_function_value) or len(found) != self._count:
            return None, bound
        return found > 0.5, bound
