"""Linear programs over the cells of a table; imported on first use, as the solver loads slowly."""

from __future__ import annotations

import highspy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
INFINITE = float(highspy.kHighsInf)


class Table:
    """What the cells of a table can be, given that they add up; re-solved from where the last question ended."""

    def __init__(self, start: Ints, column: Ints, value: Floats, bounds: tuple[Floats, Floats], right: Floats) -> None:
        lower, upper = bounds
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(lower), len(right)
        model.col_cost_ = np.zeros(len(lower))
        model.col_lower_, model.col_upper_ = lower, upper
        model.row_lower_, model.row_upper_ = right, right
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = start.astype(np.int32)
        model.a_matrix_.index_, model.a_matrix_.value_ = column.astype(np.int32), value
        self.columns = len(lower)
        self._every = np.arange(self.columns, dtype=np.int32)
        self._solver = _quiet()
        self._solver.passModel(model)

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
        raise ValueError(
            "values: published figures contradict each other; look for totals that are not their parts' sum"
        )

    def solve(self) -> Floats | None:
        """The cheapest point, None where there is none."""
        if self._run() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self._solver.getSolution().col_value)

    def _run(self) -> highspy.HighsModelStatus:
        self._solver.run()
        return self._solver.getModelStatus()


class Cover:
    """The cheapest choice of cells that satisfies every cut found so far."""

    def __init__(self, weights: Floats, least: Floats, most: Floats) -> None:
        self._solver = _quiet()
        self._count = len(weights)
        whole = np.arange(self._count, dtype=np.int32)
        self._solver.addVars(self._count, least, most)
        self._solver.changeColsCost(self._count, whole, weights)
        kinds = np.full(self._count, int(highspy.HighsVarType.kInteger.value), dtype=np.uint8)
        self._solver.changeColsIntegrality(self._count, whole, kinds)
        self._solver.setOptionValue("mip_rel_gap", 0.0)

    def cut(self, cells: Ints, coefficients: Floats) -> None:
        """Σ coefficient·cell ≥ 1."""
        self._solver.addRow(1.0, INFINITE, len(cells), cells.astype(np.int32), coefficients)

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


def _quiet() -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver
