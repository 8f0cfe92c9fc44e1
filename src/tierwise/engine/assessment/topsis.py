"""Ranking by nearness to the best there could be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tierwise.engine.assessment.table import Flags, Floats, as_directions, as_table, as_weights, complete

Scale = Literal["vector", "range"]


@dataclass(frozen=True, slots=True)
class TopsisParams:
    """``scale`` "vector" divides a criterion by its length √Σx², "range" by its span, so that 0 is worst and 1 best.

    ``best`` and ``worst`` fix the ideal and its opposite, in the criteria's own units; without them they are the best
    and worst seen, and a newcomer can turn the order of the others.
    """

    scale: Scale = "vector"
    best: tuple[float, ...] | None = None
    worst: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.scale not in {"vector", "range"}:
            raise ValueError(f"scale: is {self.scale!r}; give 'vector' or 'range'")
        if (self.best is None) != (self.worst is None):
            raise ValueError("best, worst: give both or neither")


@dataclass(frozen=True, slots=True)
class TopsisResult:
    """One entry per alternative; NaN and rank 0 where a criterion was not measured.

    ``closeness`` from 0 (worst on everything) to 1 (best), ``rank`` from 1, equals sharing the better one.
    ``lost`` alternatives × criteria is the share of the squared distance from the ideal that each criterion causes:
    where to begin. It is 0 throughout at the ideal itself.
    """

    closeness: Floats
    rank: npt.NDArray[np.int64]
    to_best: Floats
    to_worst: Floats
    lost: Floats


DEFAULT = TopsisParams()


def topsis(
    values: npt.ArrayLike,
    weights: npt.ArrayLike,
    larger_is_better: npt.ArrayLike,
    params: TopsisParams = DEFAULT,
) -> TopsisResult:
    """Which alternative is nearest to the ideal and farthest from its opposite?

    ``values`` alternatives × criteria, ``weights`` one per criterion (scaled to 1), ``larger_is_better`` one flag per
    criterion. C = d⁻/(d⁺ + d⁻) with Euclidean distances of the weighted, scaled values; 0.5 where all are alike. An
    alternative with a missing value (NaN) is left out, no alternatives give no rows.
    Source: Hwang and Yoon, Multiple Attribute Decision Making (1981), 3.2.8. The numbers are those published with the
    package topsis for its example.

    >>> table = [[7, 9, 9, 8], [8, 7, 8, 7], [9, 6, 8, 9], [6, 7, 8, 6]]
    >>> found = topsis(table, [0.1, 0.4, 0.3, 0.2], [True, True, True, False])
    >>> found.closeness.round(8).tolist()
    [0.74269409, 0.40359933, 0.17586999, 0.44142927]
    """
    table = as_table(values)
    criteria = table.shape[1]
    share, up = as_weights(weights, criteria), as_directions(larger_is_better, criteria)
    known = complete(table)
    seen = table[known]
    closeness, to_best, to_worst = (np.full(len(table), np.nan) for _ in range(3))
    lost = np.full(table.shape, np.nan)
    if len(seen):
        best, worst = _ideals(seen, up, params)
        span = np.sqrt((seen**2).sum(axis=0)) if params.scale == "vector" else np.abs(best - worst)
        scale = share / np.where(span > 0, span, 1.0)
        below, above = ((seen - best) * scale) ** 2, ((seen - worst) * scale) ** 2
        far, near = below.sum(axis=1), above.sum(axis=1)
        to_best[known], to_worst[known] = np.sqrt(far), np.sqrt(near)
        both = np.sqrt(far) + np.sqrt(near)
        closeness[known] = np.divide(np.sqrt(near), both, out=np.full(len(seen), 0.5), where=both > 0)
        lost[known] = below / np.where(far > 0, far, 1.0)[:, None]
    return TopsisResult(closeness, descending_rank(closeness), to_best, to_worst, lost)


def descending_rank(scores: Floats) -> npt.NDArray[np.int64]:
    """1 for the highest score, equals share the better rank, 0 for NaN."""
    known = scores[~np.isnan(scores)]
    above = len(known) - np.searchsorted(np.sort(known), scores, side="right") + 1
    return np.where(np.isnan(scores), 0, above).astype(np.int64)


def _ideals(seen: Floats, up: Flags, params: TopsisParams) -> tuple[Floats, Floats]:
    if params.best is None or params.worst is None:
        high, low = seen.max(axis=0), seen.min(axis=0)
        return np.where(up, high, low), np.where(up, low, high)
    best, worst = np.asarray(params.best, dtype=np.float64), np.asarray(params.worst, dtype=np.float64)
    if best.shape != up.shape or worst.shape != up.shape:
        raise ValueError(f"best, worst: give one number per criterion ({len(up)})")
    if (np.where(up, best - worst, worst - best) <= 0).any():
        raise ValueError("best, worst: best must lie on the better side of worst in every criterion")
    return best, worst
