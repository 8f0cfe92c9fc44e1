"""How much profit, volume and how many cells a threshold covers, wherever it is put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coverage:
    """``points``: one row per threshold value, from covering least to covering everything: ``threshold``, ``count``,
    ``count_share``, and per measure its sum and ``<measure>_share`` (null where the total is not positive).
    ``totals``: the measure over all cells that have the metric. ``unknown``: cells without the metric, never covered.
    """

    points: pl.DataFrame
    totals: dict[str, float]
    unknown: int

    def at(self, value: float) -> dict[str, float | int | None]:
        """The row of a value that was among the cuts."""
        found = self.points.filter(pl.col("threshold") == value)
        if found.is_empty():
            raise ValueError(f"value: {value} is no exact point; pass it among the cuts")
        return found.row(0, named=True)


@dataclass(frozen=True, slots=True)
class CoverageParams:
    """``cuts``: values whose coverage must be exact. ``descending``: a cell is covered from the threshold upwards.
    ``points``: the most rows wanted for a picture."""

    cuts: tuple[float, ...] = ()
    descending: bool = True
    points: int = 500

    def __post_init__(self) -> None:
        if self.points < len(self.cuts) + 2:
            raise ValueError(f"points: {self.points} is too few for {len(self.cuts)} cuts and both ends; raise it")


def coverage(
    metrics: pl.DataFrame, metric: str, others: Sequence[str], params: CoverageParams | None = None
) -> Coverage:
    """What a threshold on ``metric`` covers of the ``others`` (profit, volume …) as it is dragged over its whole range.

    A cell with exactly the threshold's value is covered. The picture is thinned evenly over the cells' ranks, keeps
    both ends and the highest point of every measure, and is exact at every row and at the cuts. Missing measures count
    as 0, cells without the metric as ``unknown``.

    >>> frame = pl.DataFrame({"margin": [50.0, 30.0, 20.0, -10.0], "volume": [1.0, 2.0, 3.0, 4.0]})
    >>> coverage(frame, "margin", ["margin", "volume"], CoverageParams(cuts=(25.0,))).at(25.0)["margin"]
    80.0
    """
    params = params or CoverageParams()
    for name in (metric, *others):
        if name not in metrics.columns:
            raise ValueError(f"metrics: column {name!r} is missing; add it or leave it out")
    values = metrics[metric].cast(pl.Float64).fill_null(nan).to_numpy()
    known = np.isfinite(values)
    sign = -1.0 if params.descending else 1.0
    order = np.argsort(sign * values[known], kind="stable")
    sorted_values = values[known][order]
    sums = {}
    for name in dict.fromkeys(others):
        column = np.nan_to_num(metrics[name].cast(pl.Float64).fill_null(0.0).to_numpy()[known])
        sums[name] = np.concatenate([[0.0], np.cumsum(column[order])])
    ends = np.flatnonzero(np.append(np.diff(sorted_values) != 0, True)) + 1 if len(order) else np.zeros(0, dtype=int)
    cuts = np.array(params.cuts, dtype=float)
    exact = np.searchsorted(sign * sorted_values, sign * cuts, side="right")
    covered = np.concatenate([_thin(ends, list(sums.values()), params), exact])
    thresholds = np.concatenate([sorted_values[covered[: len(covered) - len(cuts)] - 1], cuts])
    return _table(covered, thresholds, sums, params.descending, int((~known).sum()))


def _thin(ends: npt.NDArray[np.intp], sums: list[Floats], params: CoverageParams) -> npt.NDArray[np.intp]:
    """Some of the ranks at which the covered set changes: both ends, the peaks, and evenly spaced ones between."""
    room = params.points - len(params.cuts)
    if len(ends) <= room:
        return ends
    peaks = [ends[np.argmax(total[ends])] for total in sums][: room - 2]
    even = ends[np.searchsorted(ends, np.linspace(ends[0], ends[-1], room - len(peaks)))]
    return np.unique(np.concatenate([even, np.array(peaks, dtype=even.dtype)]))


def _table(
    covered: npt.NDArray[np.intp], thresholds: Floats, sums: dict[str, Floats], descending: bool, unknown: int
) -> Coverage:
    totals = {name: float(total[-1]) for name, total in sums.items()}
    cells = max((len(total) - 1 for total in sums.values()), default=int(covered.max(initial=0)))
    columns: dict[str, npt.NDArray[np.generic]] = {
        "threshold": thresholds,
        "count": covered.astype(np.int64),
        "count_share": covered / cells if cells else np.full(len(covered), nan),
    }
    for name, total in sums.items():
        columns[name] = total[covered]
        columns[f"{name}_share"] = total[covered] / totals[name] if totals[name] > 0 else np.full(len(covered), nan)
    points = pl.DataFrame(columns).fill_nan(None).unique("threshold").sort("threshold", descending=descending)
    return Coverage(points, totals, unknown)
