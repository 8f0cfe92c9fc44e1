"""How much could a unit save, judged by what its peers achieve: data envelopment analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.assessment.table import Floats, as_table, complete

Returns = Literal["constant", "variable", "non_increasing"]
Orientation = Literal["input", "output"]
_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class FrontierParams:
    """What the frontier may look like and which way a unit moves to it.

    ``returns`` to scale: "constant" (CCR; a unit half the size does half the work), "variable" (BCC; units are
    compared with such of their size) or "non_increasing". ``orientation`` "input" asks how much less would do for the
    same result, "output" how much more the same effort should yield.
    """

    returns: Returns = "variable"
    orientation: Orientation = "input"

    def __post_init__(self) -> None:
        if self.returns not in {"constant", "variable", "non_increasing"}:
            raise ValueError(f"returns: is {self.returns!r}; give 'constant', 'variable' or 'non_increasing'")
        if self.orientation not in {"input", "output"}:
            raise ValueError(f"orientation: is {self.orientation!r}; give 'input' or 'output'")


@dataclass(frozen=True, slots=True)
class Efficiency:
    """One row per unit, NaN where one of its numbers is missing.

    ``efficiency`` 0…1, 1 on the frontier (for "output" the reciprocal of the possible growth). ``peers`` units × units
    are the shares in which peers make up the unit's reference. ``input_target`` and ``output_target`` are the
    reference's numbers, ``input_slack`` and ``output_slack`` what remains to be gained after the proportional move; a
    unit is efficient without ifs only at 1 with no slack.
    """

    efficiency: Floats
    peers: Floats
    input_target: Floats
    output_target: Floats
    input_slack: Floats
    output_slack: Floats
    efficient: npt.NDArray[np.bool_]


DEFAULT = FrontierParams()


def efficiency(inputs: npt.ArrayLike, outputs: npt.ArrayLike, params: FrontierParams = DEFAULT) -> Efficiency:
    """How near is each unit to the best practice among all of them, and whom should it look at?

    ``inputs`` units × inputs (less is better), ``outputs`` units × outputs (more is better), 0 or more, in any units;
    every unit needs some input and some output above 0. Units with a missing number (NaN) neither get a score nor
    form the frontier. For each unit: min θ with Σλx ≤ θx₀, Σλy ≥ y₀, λ ≥ 0 (and Σλ = 1 or ≤ 1); then the largest sum
    of slacks, each measured in means of its column, at that θ. Rule of thumb: units ≥ 3 × (inputs + outputs), below
    which nearly all look efficient. Raises ValueError for negative numbers and tables of different length.
    Source: Charnes, Cooper and Rhodes, EJOR 2 (1978) 429-444; Banker, Charnes and Cooper, Management Science 30 (1984)
    1078-1092; numbers: Cooper, Seiford and Tone, Data Envelopment Analysis (2007), table 1.1 and p. 4.

    >>> staff, sales = [[2], [3], [3], [4], [5], [5], [6], [8]], [[1], [3], [2], [3], [4], [2], [3], [5]]
    >>> efficiency(staff, sales, FrontierParams(returns="constant")).efficiency.round(4).tolist()
    [0.5, 1.0, 0.6667, 0.75, 0.8, 0.4, 0.5, 0.625]
    >>> efficiency(staff, sales).efficiency.round(4).tolist()
    [1.0, 1.0, 0.8333, 0.75, 1.0, 0.5, 0.5, 1.0]
    """
    x, y, known = _units(inputs, outputs)
    units = len(known)
    score = np.full(units, np.nan)
    peers = np.zeros((units, units))
    gains = [np.full((units, each.shape[1]), np.nan) for each in (x, y)]
    rows = np.flatnonzero(known)
    if len(rows):
        across, along = x[known] / _means(x[known]), y[known] / _means(y[known])
        radial, slacks = _Radial(across, along, params), _Slacks(across, along, params)
        for at, row in enumerate(rows):
            score[row] = radial.solve(across[at], along[at])
            shrink, grow = (score[row], 1.0) if params.orientation == "input" else (1.0, 1 / score[row])
            share, left = slacks.solve(shrink * across[at], grow * along[at])
            peers[row, rows] = share
            gains[0][row], gains[1][row] = left[: x.shape[1]], left[x.shape[1] :]
        gains = [gain * _means(table[known]) for gain, table in zip(gains, (x, y), strict=True)]
    clean = (gains[0] <= _SLACK * _scale(x)).all(axis=1) & (gains[1] <= _SLACK * _scale(y)).all(axis=1)
    missing = ~known[:, None]
    return Efficiency(
        efficiency=score,
        peers=np.where(missing, np.nan, peers),
        input_target=np.where(missing, np.nan, peers @ np.where(missing, 0.0, x)),
        output_target=np.where(missing, np.nan, peers @ np.where(missing, 0.0, y)),
        input_slack=gains[0],
        output_slack=gains[1],
        efficient=known & (score >= 1 - _SLACK) & clean,
    )


@dataclass(frozen=True, slots=True)
class DrawParams:
    """How the interval is drawn: ``draws`` pseudo-samples, two-sided ``confidence``, ``seed`` for repeatability."""

    returns: Returns = "variable"
    draws: int = 200
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        FrontierParams(self.returns)
        if not 20 <= self.draws <= 100_000:
            raise ValueError(f"draws: is {self.draws}; give 20 to 100,000 pseudo-samples")
        checks.confidence(self.confidence)


@dataclass(frozen=True, slots=True)
class EfficiencyInterval:
    """One entry per unit, NaN where a number is missing.

    ``efficiency`` as measured (too kind, as the frontier is made of the same few units), ``corrected`` for that bias,
    ``low`` to ``high`` the interval of the true one.
    """

    efficiency: Floats
    corrected: Floats
    low: Floats
    high: Floats
    draws: int


DRAWS = DrawParams()


def efficiency_interval(
    inputs: npt.ArrayLike, outputs: npt.ArrayLike, params: DrawParams = DRAWS
) -> EfficiencyInterval:
    """How sure is an (input-oriented) efficiency, given that other units might have been seen?

    Smoothed bootstrap: scores are redrawn from their reflected, smoothed distribution, each pseudo-sample moves the
    units' inputs by θ̂/θ*, and every unit is measured against that frontier. bias = mean(θ̂*) − θ̂. Needs three known
    units; fewer give NaN. Takes draws × units small linear programmes, some 0.1 ms each.
    Source: Simar and Wilson, Management Science 44 (1998) 49-61.

    >>> staff, sales = [[2], [3], [3], [4], [5], [5], [6], [8]], [[1], [3], [2], [3], [4], [2], [3], [5]]
    >>> found = efficiency_interval(staff, sales, DrawParams(returns="constant", draws=50))
    >>> bool((found.low <= found.corrected).all() and (found.corrected < found.efficiency).all())
    True
    """
    frontier = FrontierParams(params.returns)
    measured = efficiency(inputs, outputs, frontier).efficiency
    corrected, low, high = (np.full(len(measured), np.nan) for _ in range(3))
    x, y, known = _units(inputs, outputs)
    if known.sum() >= 3:
        across, along, score = x[known] / _means(x[known]), y[known] / _means(y[known]), measured[known]
        rng = np.random.default_rng(params.seed)
        drawn = np.empty((params.draws, len(score)))
        for draw in range(params.draws):
            moved = across * (score / _redraw(score, rng))[:, None]
            radial = _Radial(moved, along, frontier)
            drawn[draw] = [radial.solve(across[unit], along[unit]) for unit in range(len(score))]
        # A unit outside of the pseudo-frontier's reach says nothing about its own bias.
        error = np.where(np.isfinite(drawn), drawn - score, np.nan)
        tail = (1 - params.confidence) / 2
        corrected[known] = score - np.nanmean(error, axis=0)
        low[known] = score - np.nanquantile(error, 1 - tail, axis=0)
        high[known] = score - np.nanquantile(error, tail, axis=0)
    return EfficiencyInterval(measured, corrected, low, high, params.draws)


def _redraw(score: Floats, rng: np.random.Generator) -> Floats:
    n = len(score)
    spread = float(score.std(ddof=1))
    if spread == 0:
        return score
    middle = float(np.subtract(*np.quantile(score, [0.75, 0.25]))) / 1.34
    width = 0.9 * (min(spread, middle) if middle > 0 else spread) * n**-0.2
    picked = rng.choice(score, n)
    smooth = picked + width * rng.standard_normal(n)
    smooth = np.where(smooth > 1, 2 - smooth, smooth)
    kept = picked.mean() + (smooth - picked.mean()) / np.sqrt(1 + width**2 / spread**2)
    return np.asarray(np.clip(kept, score.min() / 10, 1.0))


def _units(inputs: npt.ArrayLike, outputs: npt.ArrayLike) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    x, y = as_table(inputs, "inputs"), as_table(outputs, "outputs")
    if len(x) != len(y):
        raise ValueError(f"inputs, outputs: have {len(x)} and {len(y)} units; give the same units in the same order")
    for table, name in ((x, "inputs"), (y, "outputs")):
        if (table < 0).any():
            raise ValueError(f"{name}: must be 0 or more; shift or turn a measure that can fall below")
        if ((np.nan_to_num(table, nan=1.0) == 0).all(axis=1)).any():
            raise ValueError(f"{name}: a unit has none above 0; leave it out")
    return x, y, complete(np.hstack([x, y]))


def _means(table: Floats) -> Floats:
    mean = table.mean(axis=0)
    return np.asarray(np.where(mean > 0, mean, 1.0))


def _scale(table: Floats) -> Floats:
    return np.asarray(np.nan_to_num(np.abs(table), nan=0.0).max(axis=0, initial=1.0))


class _Radial:
    """min θ (or max φ) for one unit after the other against the same reference; the solver keeps its basis between."""

    def __init__(self, x: Floats, y: Floats, params: FrontierParams) -> None:
        self._input = params.orientation == "input"
        self._inputs, outputs, units = x.shape[1], y.shape[1], len(x)
        rows = np.vstack([-x.T, y.T, np.ones((1, units))])
        self._matrix = np.hstack([np.zeros((len(rows), 1)), rows])
        self._rows = self._inputs + outputs
        self._solver = _solver()
        inf = self._solver.inf
        lower = np.append(np.zeros(self._rows), 1.0 if params.returns == "variable" else -inf)
        upper = np.append(np.full(self._rows, inf), inf if params.returns == "constant" else 1.0)
        cost = np.zeros(units + 1)
        cost[0] = 1.0 if self._input else -1.0
        # A structural nonzero in the first column keeps its place while units come and go.
        self._matrix[: self._rows, 0] = 1.0
        _load(self._solver, self._matrix, cost, (lower, upper))

    def solve(self, x: Floats, y: Floats) -> float:
        fixed, moved = (y, x) if self._input else (x, y)
        first = 0 if self._input else self._inputs
        for at, number in enumerate(moved):
            self._solver.changeCoeff(first + at, 0, float(number if self._input else -number))
        other = self._inputs if self._input else 0
        for at, number in enumerate(fixed):
            self._solver.changeCoeff(other + at, 0, 0.0)
            bound = float(number if self._input else -number)
            self._solver.changeRowBounds(other + at, bound, self._solver.inf)
        if not _solved(self._solver):
            return float("nan")
        best = float(self._solver.getSolution().col_value[0])
        return min(best, 1.0) if self._input and best < 1 + _SLACK else (best if self._input else 1 / max(best, 1e-300))


class _Slacks:
    """The largest sum of slacks of one moved unit after the other."""

    def __init__(self, x: Floats, y: Floats, params: FrontierParams) -> None:
        units, rows = len(x), x.shape[1] + y.shape[1]
        self._units, self._rows = units, rows
        sign = np.concatenate([np.ones(x.shape[1]), -np.ones(y.shape[1])])
        top = np.hstack([np.vstack([x.T, y.T]), np.diag(sign)])
        matrix = np.vstack([top, np.concatenate([np.ones(units), np.zeros(rows)])])
        self._solver = _solver()
        inf = self._solver.inf
        lower = np.append(np.zeros(rows), 1.0 if params.returns == "variable" else -inf)
        upper = np.append(np.zeros(rows), inf if params.returns == "constant" else 1.0)
        _load(self._solver, matrix, np.concatenate([np.zeros(units), -np.ones(rows)]), (lower, upper))

    def solve(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        for at, number in enumerate((*x, *y)):
            self._solver.changeRowBounds(at, float(number), float(number))
        _solved(self._solver)
        found = np.array(self._solver.getSolution().col_value)
        found[np.abs(found) < _SLACK] = 0.0
        return found[: self._units], found[self._units :]


def _solver() -> Any:
    import highspy  # noqa: PLC0415 - the solver's library loads on first use

    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    return solver


def _load(solver: Any, matrix: Floats, cost: Floats, rows: tuple[Floats, Floats]) -> None:
    import highspy  # noqa: PLC0415 - the solver's library loads on first use

    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    program.col_cost_, program.col_lower_ = cost, np.zeros(len(cost))
    program.col_upper_ = np.full(len(cost), solver.inf)
    program.row_lower_, program.row_upper_ = rows
    used = matrix != 0
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(used.sum(axis=0))]).astype(np.int32)
    program.a_matrix_.index_ = np.nonzero(used.T)[1].astype(np.int32)
    program.a_matrix_.value_ = matrix.T[used.T]
    solver.passModel(program)


def _solved(solver: Any) -> bool:
    import highspy  # noqa: PLC0415 - the solver's library loads on first use

    solver.run()
    return bool(solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)
