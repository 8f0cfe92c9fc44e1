"""When did the level of demand change for good? Looking back over whole histories; `watching` looks on as they grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.watching.panel import Floats, Ints, as_panel

_MAD_TO_SD = 1.482602218505602
_SCHEMA = {
    "series": pl.Int64, "at": pl.Int64, "before": pl.Float64, "after": pl.Float64, "change": pl.Float64,
    "size": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShiftParams:
    """``model`` "normal" for levels of one spread, "poisson" for counts. A shift must last ``least_periods``.

    ``weight`` times ln n is the price of a shift: 2 is the Schwarz criterion's, 3 sees fewer where nothing is; series
    whose periods resemble their neighbours, beyond the level, want more. ``scale``: the spread within a level, by
    default from the differences of neighbouring periods (median of absolute deviations), which shifts hardly touch.
    """

    model: Literal["normal", "poisson"] = "normal"
    least_periods: int = 3
    weight: float = 3.0
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.model not in {"normal", "poisson"}:
            raise ValueError(f"model: is {self.model!r}; give 'normal' or 'poisson'")
        if self.least_periods < 1:
            raise ValueError(f"least_periods: is {self.least_periods}; give 1 or more")
        if not 0 < self.weight < np.inf:
            raise ValueError(f"weight: is {self.weight}; give a positive number, such as 3")
        if self.scale is not None and not 0 < self.scale < np.inf:
            raise ValueError(f"scale: is {self.scale}; give a positive spread, or None to estimate it")


@dataclass(frozen=True, slots=True)
class LevelShifts:
    """``shifts`` has a row per change: ``series``, ``at`` (first period of the new level), levels ``before`` and
    ``after``, ``change`` (after/before − 1, null from zero) and ``size`` in spreads of single periods.

    ``segment`` (series × periods) numbers the levels from 0, -1 before the first observation; ``level`` is their mean
    (NaN there). ``since`` is the period in which the present level began, -1 where nothing was observed.
    """

    shifts: pl.DataFrame
    segment: Ints
    level: Floats
    since: Ints
    scale: Floats
    n: Ints


DEFAULT = ShiftParams()


def level_shifts(demand: npt.ArrayLike, params: ShiftParams = DEFAULT) -> LevelShifts:
    """Into which stretches of one level does each history fall, and from when on does the present level hold?

    ``demand`` series × periods (or one series), NaN for a period without observation; seasons taken out. Minimises
    Σ cost(stretch) + weight·ln n per shift, cost the squared deviations over the spread² (normal) or twice the negative
    log-likelihood (Poisson), exactly, by dynamic programming with pruning. A series shorter than two stretches has
    none. Look at the present level before averaging a year.
    Source: Killick, Fearnhead and Eckley, JASA 107 (2012) 1590-1598; Schwarz (1978). The flow of the Nile changed
    once, after 1898 (Cobb, Biometrika 65 (1978) 243-251):

    >>> nile = [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799]
    >>> nile += [958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916]
    >>> nile += [692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698]
    >>> level_shifts(nile).shifts.select(1871 + pl.col("at"), pl.col("before", "after").round(0)).rows()
    [(1899, 1098.0, 834.0)]
    """
    from tierwise.engine.demand import shift_kernels as kernels  # noqa: PLC0415 - the compiler loads on first use

    panel = as_panel(demand)
    if not panel.shape[1]:
        panel = np.full((len(panel), 1), np.nan)
    counts = params.model == "poisson"
    if counts and (panel < 0).any():
        raise ValueError("demand: must be 0 or more for model 'poisson'; net returns first or use 'normal'")
    segment = np.full(panel.shape, -1, dtype=np.int64)
    level = np.full(panel.shape, np.nan)
    scale = np.full(len(panel), params.scale) if params.scale else _spread(panel)
    rule = (params.weight, params.least_periods, kernels.POISSON if counts else kernels.NORMAL)
    kernels.shift_panel(panel, np.maximum(scale, 1e-12 * _size(panel)), rule, (segment, level))
    if counts and params.scale is None:
        scale = np.sqrt(
            np.where(np.isfinite(level), level, 0.0).sum(axis=1) / np.maximum((segment >= 0).sum(axis=1), 1)
        )
    row, at = np.nonzero((segment[:, 1:] > 0) & (segment[:, 1:] != segment[:, :-1]))
    at = at + 1
    before, after = level[row, at - 1], level[row, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "series": row, "at": at, "before": before, "after": after,
            "change": np.where(before == 0, np.nan, after / before - 1), "size": (after - before) / scale[row],
        }  # fmt: skip
    shifts = pl.DataFrame({name: pl.Series(column, dtype=_SCHEMA[name]) for name, column in columns.items()})
    present = segment[:, -1:]
    since = np.where(present[:, 0] >= 0, (segment == present).argmax(axis=1), -1)
    n = np.isfinite(panel).sum(axis=1)
    return LevelShifts(shifts.with_columns(pl.col("change").fill_nan(None)), segment, level, since, scale, n)


def _spread(panel: Floats) -> Floats:
    """Per series 1.4826·median|d − median d| of the differences of neighbouring observations, over √2; 0 if none."""
    found = np.zeros(len(panel))
    for row, values in enumerate(panel):
        steps = np.diff(values[np.isfinite(values)])
        if len(steps):
            found[row] = _MAD_TO_SD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2)
            # More than half of the steps alike says nothing of the others; their ordinary spread then does.
            found[row] = found[row] or steps.std() / np.sqrt(2)
    return found


def _size(panel: Floats) -> Floats:
    return np.asarray(np.maximum(np.where(np.isfinite(panel), np.abs(panel), 0.0).max(axis=1, initial=0.0), 1e-290))
