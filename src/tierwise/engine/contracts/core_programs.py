"""The linear programs behind the nucleolus; imported on first use, as the solver loads slowly."""

from __future__ import annotations

import highspy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_TIGHT = 1e-7


def lexicographic_excess(costs: Floats, n: int) -> tuple[Floats, float, int]:
    """Shares, first stage's excess and number of programs; ``costs`` as in `cost_games`, n of 2 or more."""
    scale = max(1.0, float(np.abs(costs).max()))
    indicator = ((np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1).astype(np.float64)
    bound = costs[1:] / scale
    settled = np.full(2**n - 1, np.nan)
    settled[-1] = bound[-1]
    first, programs = np.nan, 0
    while True:
        fixed = indicator[~np.isnan(settled)]
        free = np.isnan(settled) & ~_within_span(indicator, fixed)
        if not free.any():
            break
        shares, excess, dual = _least_excess(indicator, bound, settled, free)
        programs += 1
        first = excess if programs == 1 else first
        tight = free.copy()
        tight[free] = np.abs(dual) > _TIGHT
        if not tight.any():
            # Degenerate duals can vanish; the single tightest coalition is then settled, which still makes progress.
            tight[np.flatnonzero(free)[int(np.argmax(indicator[free] @ shares - bound[free]))]] = True
        settled[tight] = bound[tight] + excess
    rows = ~np.isnan(settled)
    found: Floats = np.asarray(np.linalg.lstsq(indicator[rows], settled[rows], rcond=None)[0], dtype=np.float64)
    return found * scale, first * scale, programs


def _least_excess(
    indicator: Floats, bound: Floats, settled: Floats, free: npt.NDArray[np.bool_]
) -> tuple[Floats, float, Floats]:
    """min ε: Σ_S x − ε ≤ c(S) for free S, Σ_S x = settled for the others that are."""
    n = indicator.shape[1]
    equal = ~np.isnan(settled)
    rows = np.vstack([indicator[free], indicator[equal]])
    rows = np.column_stack([rows, np.where(np.arange(len(rows)) < free.sum(), -1.0, 0.0)])
    upper = np.concatenate([bound[free], settled[equal]])
    lower = np.concatenate([np.full(free.sum(), -highspy.kHighsInf), settled[equal]])
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n + 1, rows.shape[0]
    model.col_cost_ = np.append(np.zeros(n), 1.0)
    model.col_lower_, model.col_upper_ = np.full(n + 1, -highspy.kHighsInf), np.full(n + 1, highspy.kHighsInf)
    model.row_lower_, model.row_upper_ = lower, upper
    where, column = np.nonzero(rows)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    counts = np.bincount(where, minlength=rows.shape[0])
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    model.a_matrix_.index_, model.a_matrix_.value_ = column.astype(np.int32), rows[where, column]
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise ValueError("game: the least core has no solution; look for infinite or unbalanced costs")
    solution = solver.getSolution()
    return (
        np.array(solution.col_value[:n]),
        float(solution.col_value[n]),
        np.array(solution.row_dual[: int(free.sum())]),
    )


def _within_span(indicator: Floats, fixed: Floats) -> npt.NDArray[np.bool_]:
    """Coalitions whose payment already follows from the settled ones."""
    _, values, right = np.linalg.svd(fixed, full_matrices=False)
    basis = right[values > 1e-9 * values[0]]
    rest = indicator - (indicator @ basis.T) @ basis
    return np.asarray(np.abs(rest).max(axis=1) < 1e-7)
