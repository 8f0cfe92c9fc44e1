"""Labelling a metric by cuts: ABC on a cumulative share, XYZ on a value, shares of the count."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nan
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

UNKNOWN = "?"
"""The label of a cell whose metric is missing or whose history is too short."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Shares are compared with this slack, so that 8 of 8 + 1 + 1 is 80 % in every currency.
_SHARE_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Threshold:
    """How one metric becomes labels.

    ``labels`` go from the best to the worst, ``cuts`` (one fewer) part neighbours, in the same order:

    - ``cumulative_share``: shares of the sum of all positive values, e.g. (0.8, 0.95) for A, B, C;
    - ``quantile``: shares of the number of cells, e.g. (0.2, 0.5);
    - ``value``: values of the metric, e.g. (0.5, 1.0) ascending for X, Y, Z; the cut itself has the better label.

    ``direction``: "descending" when large values are best. ``nonpositive`` is the label of zero and negative values
    under cumulative_share (empty: the last label). ``band`` is the relative distance to a cut within which a cell is
    flagged as a boundary case. ``needs_history``: cells flagged as too young stay unlabelled and out of the sum.
    ``within`` cuts every group of these columns (say, a region) by itself.
    """

    name: str
    metric: str
    kind: Literal["cumulative_share", "value", "quantile"]
    cuts: tuple[float, ...]
    labels: tuple[str, ...]
    direction: Literal["descending", "ascending"] = "descending"
    band: float = 0.05
    nonpositive: str = ""
    needs_history: bool = False
    within: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or not self.metric:
            raise ValueError("name, metric: a threshold needs both a name and the metric it labels")
        if self.kind not in {"cumulative_share", "value", "quantile"}:
            raise self._error("kind", f"{self.kind!r} is unknown; use cumulative_share, value or quantile")
        if self.direction not in {"descending", "ascending"}:
            raise self._error("direction", f"{self.direction!r} is unknown; use descending or ascending")
        if len(self.labels) != len(self.cuts) + 1 or not self.cuts:
            raise self._error("labels", f"{len(self.labels)} labels for {len(self.cuts)} cuts; give one more than cuts")
        if len(set(self.all_labels)) != len(self.all_labels) or UNKNOWN in self.all_labels or "" in self.labels:
            raise self._error("labels", f"{self.all_labels} must differ, not be empty and not be '{UNKNOWN}'")
        if self.nonpositive and self.kind != "cumulative_share":
            raise self._error("nonpositive", "only a cumulative share sets zero and negative values apart; leave empty")
        if not (isfinite(self.band) and 0 <= self.band < 1):
            raise self._error("band", f"{self.band} must be at least 0 and below 1, for example 0.05")
        self._check_cuts()

    def _check_cuts(self) -> None:
        if not all(isfinite(cut) for cut in self.cuts):
            raise self._error("cuts", f"{self.cuts} must be finite numbers")
        if self.kind == "value":
            rising = self.direction == "ascending"
            if any((b <= a) if rising else (b >= a) for a, b in pairwise(self.cuts)):
                order = "rise" if rising else "fall"
                raise self._error("cuts", f"{self.cuts} must {order}, from the best label's cut to the worst")
            return
        if any(b <= a for a, b in pairwise(self.cuts)) or not (self.cuts[0] > 0 and self.cuts[-1] <= 1):
            raise self._error("cuts", f"{self.cuts} are shares: let them rise, above 0 and up to 1")
        if self.kind == "cumulative_share" and self.direction == "ascending":
            raise self._error("direction", "a cumulative share counts from the largest value; use descending")

    def _error(self, field: str, problem: str) -> ValueError:
        return ValueError(f"{field}: threshold {self.name!r}: {problem}")

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Labels from best to worst, the one for zero and negative values last where there is one."""
        return self.labels if self.nonpositive in {"", self.labels[-1]} else (*self.labels, self.nonpositive)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of many cells, each an entry per row.

    ``index`` into ``Threshold.all_labels`` (-1: unknown); ``cuts`` (rows × boundaries) on the metric's own scale, NaN
    where a boundary does not exist; ``nearest`` cut; ``distance`` to it, relative and signed (positive on the better
    side); ``boundary``: within the threshold's band of the cut.
    """

    index: Ints
    cuts: Floats
    nearest: Floats
    distance: Floats
    boundary: npt.NDArray[np.bool_]

    def reach(self, values: Floats, margin: float) -> tuple[Ints, Ints]:
        """Best and worst label index that a cell could have if every cut lay up to ``margin`` of itself elsewhere."""
        slack = margin * np.abs(self.cuts) * (1 + 1e-12)
        near = np.abs(values[:, None] - self.cuts) <= slack
        boundaries = np.arange(self.cuts.shape[1])
        up = np.where(near & (boundaries < self.index[:, None]), boundaries, self.index[:, None]).min(axis=1)
        down = np.where(near & (boundaries >= self.index[:, None]), boundaries + 1, self.index[:, None]).max(axis=1)
        known = self.index >= 0
        return np.where(known, up, -1), np.where(known, down, -1)


def label(metrics: pl.DataFrame, threshold: Threshold) -> pl.DataFrame:
    """Label of every row with its cut, distance and boundary flag, in the order of the rows.

    ``metrics`` holds ``threshold.metric``, the columns of ``threshold.within`` and, where the threshold needs it,
    ``enough_history`` (Boolean). Result: ``label``, ``value``, ``cut`` (the nearest, on the metric's scale),
    ``distance`` (relative to it, positive on the better side), ``boundary``.

    Under a share a cell gets the label in which its own share *begins*: the cell that crosses 80 % is still A, and a
    single cell with 90 % of the sum is A too. Equal values share a label. The cut on the metric's scale is half-way
    between the last value above and the first below. Zero and negative values never enter the sum. Labels depend
    neither on row order nor on the currency. Missing, NaN and infinite values are labelled '?'.

    Source: Dickie, "ABC inventory analysis shoots for dollars, not pennies", Factory Management and Maintenance 109
    (1951); 0.8 and 0.95 are today's usual cuts.

    >>> abc = Threshold("abc", "profit", "cumulative_share", (0.8, 0.95), ("A", "B", "C"))
    >>> label(pl.DataFrame({"profit": [1.0, 70.0, 15.0, 10.0, 4.0]}), abc)["label"].to_list()
    ['C', 'A', 'A', 'B', 'C']
    """
    values = metric_values(metrics, threshold)
    return label_frame(threshold, values, label_values(metrics, threshold, values))


def label_frame(threshold: Threshold, values: Floats, found: Labelled) -> pl.DataFrame:
    """`label`'s frame from values already labelled; a distance to a cut of 0 is null."""
    names = pl.Series([*threshold.all_labels, UNKNOWN])
    where = np.where(found.index < 0, len(names) - 1, found.index)
    distance = np.where(np.isfinite(found.distance), found.distance, nan)
    return pl.DataFrame(
        {
            "label": names.gather(pl.Series(where, dtype=pl.UInt32)),
            "value": pl.Series(values, dtype=pl.Float64).fill_nan(None),
            "cut": pl.Series(found.nearest, dtype=pl.Float64).fill_nan(None),
            "distance": pl.Series(distance, dtype=pl.Float64).fill_nan(None),
            "boundary": pl.Series(found.boundary, dtype=pl.Boolean),
        }
    )


def metric_values(metrics: pl.DataFrame, threshold: Threshold) -> Floats:
    """The metric as floats; NaN where it is missing, not finite, or history is too short for the threshold."""
    needed = [threshold.metric, *threshold.within, *(["enough_history"] if threshold.needs_history else [])]
    for name in needed:
        if name not in metrics.columns:
            raise ValueError(f"metrics: column {name!r} of threshold {threshold.name!r} is missing; add it")
    values = metrics[threshold.metric].cast(pl.Float64).fill_null(nan).to_numpy().copy()
    values[~np.isfinite(values)] = nan
    if threshold.needs_history:
        values[~metrics["enough_history"].fill_null(False).to_numpy()] = nan
    return values


def label_values(metrics: pl.DataFrame, threshold: Threshold, values: Floats) -> Labelled:
    """`label` as arrays, for values already read by `metric_values`."""
    index = np.full(len(values), -1, dtype=np.int64)
    cuts = np.full((len(values), len(threshold.all_labels) - 1), nan)
    for rows in _groups(metrics, threshold.within):
        known = rows[np.isfinite(values[rows])]
        if len(known):
            index[known], cuts[known] = _label_group(values[known], threshold)
    return _with_distances(values, index, cuts, threshold)


def _groups(metrics: pl.DataFrame, within: tuple[str, ...]) -> list[npt.NDArray[np.uint32]]:
    if not within:
        return [np.arange(metrics.height, dtype=np.uint32)]
    rows = metrics.select(within).with_row_index("row").group_by(within, maintain_order=True).agg("row")["row"]
    return [group.to_numpy() for group in rows]


def _label_group(values: Floats, threshold: Threshold) -> tuple[Ints, Floats]:
    """Label indices of one group and the cuts on the metric's scale."""
    sign = 1.0 if threshold.direction == "descending" else -1.0
    if threshold.kind == "value":
        cuts = np.array(threshold.cuts)
        return np.searchsorted(-sign * cuts, -sign * values, side="left").astype(np.int64), cuts
    scored = sign * values
    distinct, inverse, count = np.unique(-scored, return_inverse=True, return_counts=True)
    distinct = -distinct  # best first
    counted = threshold.kind == "quantile"
    weight = count.astype(float) if counted else np.maximum(distinct, 0.0) * count
    total = weight.sum()
    before = np.concatenate([[0.0], np.cumsum(weight)[:-1]]) / total if total > 0 else np.ones(len(weight))
    steps = np.searchsorted(np.array(threshold.cuts) - _SHARE_SLACK, before, side="right")
    floor = -np.inf
    if not counted:
        floor = 0.0
        worst = threshold.all_labels.index(threshold.nonpositive) if threshold.nonpositive else len(threshold.cuts)
        steps = np.where(distinct > 0, steps, worst)
    boundaries = len(threshold.all_labels) - 1
    return steps[inverse].astype(np.int64), sign * _cuts_between(distinct, steps, boundaries, floor)


def _cuts_between(distinct: Floats, steps: Ints, boundaries: int, floor: float) -> Floats:
    """Half-way between the worst value above and the best below each boundary; NaN where a side is empty.

    ``floor`` (0 for shares of a sum) stands in for values below it: the cut of a share is never negative.
    """
    cuts = np.full(boundaries, nan)
    for boundary in range(boundaries):
        above, below = distinct[steps <= boundary], distinct[steps > boundary]
        if np.isfinite(floor):
            above, below = above[above > floor], np.append(below, floor)
        if len(above) and len(below):
            cuts[boundary] = above[-1] / 2 + max(below[0], floor) / 2
    return cuts


def _with_distances(values: Floats, index: Ints, cuts: Floats, threshold: Threshold) -> Labelled:
    sign = 1.0 if threshold.direction == "descending" else -1.0
    gap = np.abs(values[:, None] - cuts)
    column = np.argmin(np.where(np.isfinite(gap), gap, np.inf), axis=1)
    rows = np.arange(len(values))
    nearest = cuts[rows, column]
    signed = sign * (values - nearest)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(signed == 0, 0.0, signed / np.abs(nearest))
    boundary = np.abs(np.nan_to_num(distance, nan=np.inf)) <= threshold.band * (1 + 1e-12)
    return Labelled(index, cuts, nearest, distance, boundary)
