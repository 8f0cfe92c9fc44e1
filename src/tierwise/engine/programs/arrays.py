"""A program as the solver takes it, passed in one call, and the solver's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tierwise.engine.programs.draft import Draft, Floats, Ints

Codes = npt.NDArray[np.int32]

_COLUMNWISE, _MINIMISE = 1, 1
_REPEATED: dict[str, bool | int | float | str] = {
    "presolve": "off", "solver": "simplex", "simplex_dual_edge_weight_strategy": 0,
    "dual_simplex_cost_perturbation_multiplier": 0.0,
}  # fmt: skip
"""For many small re-solves: steepest-edge weights and perturbed costs would be set up anew each time, which takes
longer than the few steps that are left (five times as long on chains of 200 nodes)."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """A program as the solver takes it, by columns."""

    cost: Floats
    column_bounds: tuple[Floats, Floats]
    row_bounds: tuple[Floats, Floats]
    matrix: tuple[Codes, Codes, Floats]
    whole: npt.NDArray[np.bool_]


def arrays_of(draft: Draft) -> Arrays:
    columns, rows = draft.column_side, draft.row_side
    cost = columns.joined("cost")
    bounds = columns.joined("lower"), columns.joined("upper")
    limits = rows.joined("lower"), rows.joined("upper")
    matrix = compressed(*draft.entries(), (rows.count, columns.count))
    given = (("cost", cost), ("bounds", bounds[0]), ("bounds", bounds[1]), ("limits", limits[0]), ("limits", limits[1]))
    for name, array in (*given, ("coefficients", matrix[2])):
        if np.isnan(array).any():
            raise ValueError(f"{name}: some are NaN; fill them or leave these rows out before building the program")
    return Arrays(cost, bounds, limits, matrix, columns.joined("whole") > 0)


def load(arrays: Arrays, *, gap: float = 0.0, repeated: bool = False) -> Any:
    """A silent solver with the program passed in one call."""
    import highspy  # noqa: PLC0415 - the solver's library loads on first use

    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | int | float | str] = {
        "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": gap, "mip_abs_gap": 1e-9,
    }  # fmt: skip
    if repeated:
        options |= _REPEATED
    for name, setting in options.items():
        solver.setOptionValue(name, setting)
    start, index, value = arrays.matrix
    whole = arrays.whole.astype(np.int32) if arrays.whole.any() else np.empty(0, np.int32)
    solver.passModel(
        arrays.cost.size, arrays.row_bounds[0].size, value.size, _COLUMNWISE, _MINIMISE, 0.0,
        arrays.cost, *arrays.column_bounds, *arrays.row_bounds, start, index, value,
        np.zeros(arrays.cost.size, np.int32) if whole.size == 0 else whole,
    )  # fmt: skip
    return solver


def run(solver: Any) -> bool:
    """Whether there is an optimum. ValueError where the cost has no lower end or the search was cut short."""
    import highspy  # noqa: PLC0415 - the solver's library loads on first use

    solver.run()
    status = solver.getModelStatus()
    kinds = highspy.HighsModelStatus
    if status in (kinds.kUnboundedOrInfeasible, kinds.kUnknown):
        # Presolve may not tell the two apart, and a warm start may stall: once more from the beginning.
        solver.clearSolver()
        before = solver.getOptions().presolve
        solver.setOptionValue("presolve", "off")
        solver.run()
        solver.setOptionValue("presolve", before)
        status = solver.getModelStatus()
    if status == kinds.kInfeasible:
        return False
    if status in (kinds.kUnbounded, kinds.kUnboundedOrInfeasible):
        raise ValueError("cost: falls for ever; give every rewarding decision an upper limit and check signs")
    if status != kinds.kOptimal:
        raise ValueError(f"program: ended {solver.modelStatusToString(status).lower()}; look for extreme numbers")
    return True


def compressed(rows: Ints, columns: Ints, values: Floats, shape: tuple[int, int]) -> tuple[Codes, Codes, Floats]:
    """Columns' starts, row of each entry, value; entries for one place are added up."""
    from scipy.sparse import coo_matrix  # noqa: PLC0415 - only where a program is built

    given: Any = coo_matrix
    matrix = given((values, (rows.astype(np.int32), columns.astype(np.int32))), shape=shape).tocsc()
    return matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data
