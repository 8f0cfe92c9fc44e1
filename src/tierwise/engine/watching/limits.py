"""Limits set so that false alarms come as rarely as agreed, also where values are neither normal nor independent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.cusum import CusumParams
from tierwise.engine.watching.ewma import EwmaParams
from tierwise.engine.watching.panel import Floats

Chart = TypeVar("Chart", CusumParams, EwmaParams)
_HORIZONS = 4
"""Simulated periods as a multiple of the run length sought: 98 % of the runs signal within, the rest are censored."""
_NO_SAMPLE = np.empty(0)


@dataclass(frozen=True, slots=True)
class TuneParams:
    """How rarely a chart may cry wolf, and how hard to look for the limit that keeps to it.

    ``run_length`` is the average number of periods between false alarms (a budget of one a year on weekly data is 52),
    ``runs`` the simulated series, ``seed`` makes the answer repeatable. ``block`` draws that many neighbouring values
    of the history at a time, so that what follows each other stays together; 1 takes values as independent.
    """

    run_length: float = 370.0
    runs: int = 10_000
    block: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.run_length <= 100_000:
            raise ValueError(f"run_length: is {self.run_length}; give 2 to 100,000 periods between false alarms")
        if not 100 <= self.runs <= 1_000_000:
            raise ValueError(f"runs: is {self.runs}; give 100 to 1,000,000 simulated series")
        if self.block < 1:
            raise ValueError(f"block: is {self.block}; give 1 or more neighbouring values to draw together")


@dataclass(frozen=True, slots=True)
class TunedLimit(Generic[Chart]):
    """The chart with its limit set, and how sure that limit is.

    ``run_length`` simulated under the limit, ``low`` to ``high`` its 95 % interval; ``median`` and ``tenth`` are the
    run lengths that half and a tenth of the series do not reach. ``runs`` simulated, ``history`` values drawn from
    (0: normal values).
    """

    chart: Chart
    limit: float
    run_length: float
    low: float
    high: float
    median: float
    tenth: float
    runs: int
    history: int


DEFAULT = TuneParams()


def tune_limit(chart: Chart, params: TuneParams = DEFAULT, history: npt.ArrayLike = ()) -> TunedLimit[Chart]:
    """Which limit makes this chart give a false alarm only every ``run_length`` periods?

    ``history`` are values in control in units of scale around the target, (x − target)/scale, in their order; missing
    ones (NaN) are left out, and an empty one stands for independent normal values. The chart's own limit (``limit`` of
    a cumulative sum, ``width`` of an average) is ignored and replaced.

    Each simulated series is charted once and its successive maxima kept, from which its run length follows for every
    limit, so that the search runs on the same random numbers. Average run length = periods at risk / signals, series
    that outlast 4 × ``run_length`` being censored. Raises ValueError for a history that never varies or is shorter than
    20 values or than a block.
    Source of the number: Montgomery, Introduction to Statistical Quality Control, 9.1.3: k = 0.5 and h = 4.77 give an
    average run length of 370.

    >>> round(tune_limit(CusumParams(allowance=0.5)).limit, 1)
    4.8
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    sample = _history(history, params.block)
    horizon = int(np.ceil(_HORIZONS * params.run_length))
    found = kernels.records(
        np.random.default_rng(params.seed), sample, (params.runs, horizon, params.block), _statistic(chart, horizon)
    )
    lengths = np.empty(params.runs, dtype=np.int64)
    below, above = 0.0, float(found[2].max())
    # Heights are continuous for normal values; 60 halvings exhaust a double either way.
    for _ in range(60):
        limit = (below + above) / 2
        kernels.passages(found, limit, horizon, lengths)
        if _mean(lengths, horizon) < params.run_length:
            below = limit
        else:
            above = limit
    kernels.passages(found, above, horizon, lengths)
    events = max(int((lengths <= horizon).sum()), 1)
    mean, factor = _mean(lengths, horizon), np.exp(1.96 / np.sqrt(events))
    return TunedLimit(
        chart=_with_limit(chart, above),
        limit=above,
        run_length=mean,
        low=mean / factor,
        high=mean * factor,
        median=float(np.quantile(lengths, 0.5)),
        tenth=float(np.quantile(lengths, 0.1)),
        runs=params.runs,
        history=len(sample),
    )


def _with_limit(chart: Chart, limit: float) -> Chart:
    if isinstance(chart, CusumParams):
        return replace(chart, limit=limit)
    return replace(chart, width=limit)


def _statistic(chart: CusumParams | EwmaParams, horizon: int) -> tuple[float, float, float, Floats]:
    if isinstance(chart, CusumParams):
        return 0.0, chart.allowance, 1 - chart.head_start, _NO_SAMPLE
    return chart.weight, 0.0, 1.0, chart.spread(horizon)


def _mean(lengths: npt.NDArray[np.int64], horizon: int) -> float:
    signals = int((lengths <= horizon).sum())
    return float("inf") if signals == 0 else float(np.minimum(lengths, horizon).sum()) / signals


def _history(history: npt.ArrayLike, block: int) -> Floats:
    sample = np.asarray(history, dtype=np.float64).ravel()
    if len(sample) == 0:
        return _NO_SAMPLE
    if np.isinf(sample).any():
        raise ValueError("history: holds infinities; leave missing values out or as NaN")
    sample = np.ascontiguousarray(sample[~np.isnan(sample)])
    if len(sample) < max(20, block):
        raise ValueError(f"history: has {len(sample)} values; give 20 or more, and at least a block of {block}")
    if np.ptp(sample) == 0:
        raise ValueError("history: never varies; a limit needs values that do")
    return sample
