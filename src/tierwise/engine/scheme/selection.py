"""Which segments (or cells) get collaboration, and how deep, within the hours that both sides have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import highspy
import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SelectionParams:
    """Hours per period: ours, and the partners' (infinite: not limited). ``volume_floor`` and ``service_floor`` are the
    least shares (0 to 1) of all volume and of all service need that the picked must hold."""

    hours: float
    partner_hours: float = inf
    volume_floor: float = 0.0
    service_floor: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.hours) and self.hours >= 0):
            raise ValueError(f"hours: {self.hours} must be a number of hours, 0 or more")
        if not self.partner_hours >= 0:
            raise ValueError(f"partner_hours: {self.partner_hours} must be 0 or more; leave it out where not limited")
        for name in ("volume_floor", "service_floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} is a share; give 0 to 1")


@dataclass(frozen=True, slots=True)
class Selection:
    """``candidates``: as given, sorted by code and level, with ``picked`` and ``reason`` (picked, picked_for_floor,
    value_not_positive, other_level_picked, not_enough_hours). Sums are over the picked."""

    candidates: pl.DataFrame
    value: float
    hours: float
    partner_hours: float
    volume: float
    service: float


def select_collaboration(candidates: pl.DataFrame, params: SelectionParams) -> Selection:
    """Pick the candidates worth most within the hours: a 0/1 knapsack, solved exactly.

    max Σ v x subject to Σ hours x ≤ H (ours and the partners'), one level per code, Σ volume x ≥ floor × Σ volume, the
    same for service, x ∈ {0, 1}; among equally good picks the one with fewer hours. ``candidates``: ``code``,
    ``value`` (per period), ``effort_hours``, and optionally ``level`` (how deep; several rows per code),
    ``partner_hours``, ``volume``, ``service`` (weights). Totals behind the floors count each code once, at its largest.
    Does not depend on row order. Exact to the end: 2,000 candidates take about a second, 20,000 a minute or more, so
    select segments or customers rather than every cell. Raises ValueError where no pick meets the floors, naming the
    highest reachable share.

    Source: Kellerer, Pferschy and Pisinger, "Knapsack Problems", Springer 2004, chapter 2. Published example (Martello
    and Toth, "Knapsack Problems", Wiley 1990, example 2.1): values 70 20 39 37 7 5 10, hours 31 10 20 19 4 3 6,
    50 hours: the first and the fourth are picked, worth 107.
    """
    frame = _prepared(candidates)
    model = _Model(frame, params)
    best = model.solve(frame["value"].to_numpy())
    picked = model.cheapest(best)
    reasons = [
        _reason(row, chosen, model.codes_of(picked)) for row, chosen in zip(frame.rows(named=True), picked, strict=True)
    ]
    shown = frame.with_columns(picked=pl.Series(picked, dtype=pl.Boolean), reason=pl.Series(reasons, dtype=pl.String))
    sums = {name: float(frame[name].to_numpy()[picked].sum()) for name in ("value", "effort_hours", *_OPTIONAL)}
    return Selection(
        candidates=shown.select(*candidates.columns, "picked", "reason"),
        value=sums["value"],
        hours=sums["effort_hours"],
        partner_hours=sums["partner_hours"],
        volume=sums["volume"],
        service=sums["service"],
    )


_OPTIONAL = ("partner_hours", "volume", "service")


def _prepared(candidates: pl.DataFrame) -> pl.DataFrame:
    for name in ("code", "value", "effort_hours"):
        if name not in candidates.columns:
            raise ValueError(f"candidates: column {name!r} is missing; each needs a code, a value and effort_hours")
    extra = [pl.lit(0.0).alias(name) for name in _OPTIONAL if name not in candidates.columns]
    if "level" not in candidates.columns:
        extra.append(pl.lit("").alias("level"))
    frame = candidates.with_columns(extra)
    if frame.select("code", "level").is_duplicated().any():
        raise ValueError("candidates: a code and level stand twice; give one row for each")
    numeric = ("value", "effort_hours", *_OPTIONAL)
    frame = frame.with_columns(pl.col(name).cast(pl.Float64) for name in numeric).sort("code", "level")
    for name in numeric:
        column = frame[name]
        if column.null_count() or not column.is_finite().all():
            raise ValueError(f"candidates: {name!r} has missing or infinite numbers; fill them or leave the rows out")
        if name != "value" and (column < 0).any():
            raise ValueError(f"candidates: {name!r} has negative numbers; give 0 or more")
    return frame


def _reason(row: dict[str, object], chosen: bool, codes: set[object]) -> str:
    worthless = float(str(row["value"])) <= 0
    if chosen:
        return "picked_for_floor" if worthless else "picked"
    if row["code"] in codes:
        return "other_level_picked"
    return "value_not_positive" if worthless else "not_enough_hours"


class _Model:
    """The knapsack's constraints, solved for one objective after another."""

    def __init__(self, frame: pl.DataFrame, params: SelectionParams) -> None:
        self._frame = frame
        self._params = params
        self._codes = frame["code"].to_list()
        limits = [("effort_hours", params.hours), ("partner_hours", params.partner_hours)]
        self._upper = [(frame[name].to_numpy(), limit) for name, limit in limits if isfinite(limit)]
        largest = frame.group_by("code").agg(pl.col("volume").max(), pl.col("service").max())
        floors = [("volume", params.volume_floor), ("service", params.service_floor)]
        self._lower = [
            (name, frame[name].to_numpy(), share * float(largest[name].sum())) for name, share in floors if share > 0
        ]

    def codes_of(self, picked: npt.NDArray[np.bool_]) -> set[object]:
        return {code for code, chosen in zip(self._codes, picked, strict=True) if chosen}

    def solve(self, objective: Floats) -> npt.NDArray[np.bool_]:
        """The pick that is worth most; ValueError with the highest reachable share where no pick meets the floors."""
        found = self._run(objective, self._lower)
        if found is not None:
            return found
        for name, weights, needed in self._lower:
            reachable = self._run(weights, [])
            most = float(weights[reachable].sum()) if reachable is not None else 0.0
            if most < needed:
                share = most / needed * getattr(self._params, f"{name}_floor")
                raise ValueError(
                    f"{name}_floor: within the hours at most {share:.4f} is reachable; lower it or add hours"
                )
        raise ValueError("volume_floor, service_floor: no pick meets both within the hours; lower one or add hours")

    def cheapest(self, best: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Among picks worth as much as the best one, one that takes the fewest hours, ours before the partners'."""
        value = self._frame["value"].to_numpy()
        worth = float(value[best].sum())
        hours = self._frame["effort_hours"].to_numpy()
        needed = worth - 1e-9 * max(abs(worth), 1.0)
        found = self._run(-hours, [*self._lower, ("value", value, needed)])
        # The solver's tolerance is wider than ours: what is worth less is no tie.
        if found is None or value[found].sum() < needed or hours[found].sum() >= hours[best].sum():
            return best
        return found

    def _run(self, objective: Floats, lower: Sequence[tuple[str, Floats, float]]) -> npt.NDArray[np.bool_] | None:
        size = len(objective)
        if size == 0:
            return None if any(needed > 0 for _, _, needed in lower) else np.zeros(0, dtype=np.bool_)
        rows: list[tuple[Floats, float, float]] = [(weights, -inf, limit) for weights, limit in self._upper]
        rows += [(weights, needed, inf) for _, weights, needed in lower]
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, setting in _OPTIONS:
            solver.setOptionValue(option, setting)
        top = float(np.abs(objective).max()) or 1.0
        columns = np.arange(size, dtype=np.int32)
        worthless = (self._frame["value"].to_numpy() <= 0) & (not self._lower)
        solver.addVars(size, np.zeros(size), np.where(worthless, 0.0, 1.0))
        solver.changeColsCost(size, columns, -objective / top)
        solver.changeColsIntegrality(size, columns, np.full(size, highspy.HighsVarType.kInteger))
        for weights, low, high in rows:
            _add_row(solver, weights, low, high)
        for members in self._levels():
            _add_row(solver, members, -inf, 1.0)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.asarray(solver.getSolution().col_value) > 0.5

    def _levels(self) -> list[Floats]:
        """One row of ones per code that comes at several levels."""
        codes = np.array(self._codes, dtype=object)
        several = {code for code, count in Counter(self._codes).items() if count > 1}
        return [(codes == code).astype(float) for code in sorted(several)]


_OPTIONS: tuple[tuple[str, bool | int | float], ...] = (
    ("output_flag", False),
    ("threads", 1),
    ("random_seed", 0),
    ("mip_rel_gap", 0.0),
    ("mip_abs_gap", 0.0),
)


def _add_row(solver: highspy.Highs, weights: Floats, low: float, high: float) -> None:
    """A row scaled to weights of at most 1, so that the solver's absolute tolerances mean the same for every unit."""
    scale = float(weights.max()) or 1.0
    at = np.flatnonzero(weights)
    solver.addRow(low / scale, high / scale, len(at), at.astype(np.int32), weights[at] / scale)
