"""Did each hand that touched the forecast make it better?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.champions import diebold_mariano
from tierwise.engine.forecasting.measures import accuracy
from tierwise.engine.forecasting.panel import Floats, Ints

MEASURES = ("wape", "mape", "mae", "rmse")


@dataclass(frozen=True, slots=True)
class ValueAdded:
    """One entry per stage in the order of hands. ``error`` as measured; ``added`` what the stage took off the error of
    the one before (below 0: it did harm), NaN for the first; ``since_first`` the same against the first; ``p``
    one-sided, that so much came by chance; ``kept`` where a gain is significant; ``touched`` cases it changed and the
    share of those it ``improved``; ``n`` cases."""

    names: tuple[str, ...]
    measure: str
    error: Floats
    added: Floats
    since_first: Floats
    p: Floats
    kept: npt.NDArray[np.bool_]
    touched: Ints
    improved: Floats
    n: int


def value_steps(errors: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What each stage added, from errors alone: against the stage before, and against the first.

    ``errors`` (stages, …), smaller is better. Source: Gilliland, The Business Forecasting Deal (2010), ch. 4. TC-34,
    MAPE in percent of naive, statistical, analyst's and executive's forecast:

    >>> before, first = value_steps([14.6, 12.3, 13.6, 15.3])
    >>> before.round(1).tolist(), float(first[-1].round(1))
    ([nan, 2.3, -1.3, -1.7], -0.7)
    """
    given = np.asarray(errors, dtype=np.float64)
    if given.ndim < 1 or not given.shape[0]:
        raise ValueError("errors: is empty; give one error per stage, the naive forecast first")
    added = np.concatenate([np.full((1, *given.shape[1:]), np.nan), given[:-1] - given[1:]])
    first = given[:1] - given
    return added, np.asarray(first)


def forecast_value_added(
    actual: npt.ArrayLike,
    stages: Mapping[str, npt.ArrayLike],
    measure: str = "wape",
    significance: float = 0.05,
) -> ValueAdded:
    """Which contributors earn their place in the process: naive, statistical, supplier's signal, planner, consensus?

    ``stages`` name → forecast in the order of hands, the naive one first, each of the shape of ``actual``, last axis
    time; only cases known to all count. ``measure`` wape, mape (cases without demand left out), mae or rmse, over all
    cases. A stage's gain is tested over periods (Diebold-Mariano on absolute, for rmse squared errors summed per
    period), so that many items of one month count as one case of evidence; less than two periods give p NaN and nothing
    kept. Source: as :func:`value_steps`; Fildes et al., IJF 25 (2009) 3-23.

    >>> sold = np.array([10.0, 12, 9, 14, 11, 13])
    >>> hands = {"naive": sold + [4, -4, 5, -3, 4, -5], "model": sold + [1, -2, 2, -1, 1, -2], "sales": sold * 1.5}
    >>> found = forecast_value_added(sold, hands)
    >>> found.added.round(2).tolist(), found.kept.tolist()
    ([nan, 0.23, -0.37], [False, True, False])
    """
    if measure not in MEASURES:
        raise ValueError(f"measure: {measure!r} is unknown; use one of {', '.join(MEASURES)}")
    if len(stages) < 2:
        raise ValueError("stages: give at least two, the naive forecast first")
    names = tuple(stages)
    seen = np.atleast_1d(np.asarray(actual, dtype=np.float64))
    made = _stacked(names, [stages[name] for name in names], seen)
    known = ~np.isnan(made).any(axis=0) & ~np.isnan(seen)
    if measure == "mape":
        known &= seen != 0
    flat, aim = made[:, known], seen[known]
    errors = getattr(accuracy(aim, flat), measure) if aim.size else np.full(len(names), np.nan)
    added, first = value_steps(errors)
    power = 2 if measure == "rmse" else 1
    missed = np.where(known, np.abs(made - seen), 0.0) ** power
    if measure == "mape":
        missed = np.divide(missed, np.abs(seen), out=np.zeros_like(missed), where=known & (seen != 0))
    by_period = missed.reshape(len(names), -1, seen.shape[-1]).sum(axis=1)
    some = known.reshape(-1, seen.shape[-1]).any(axis=0)
    p = np.full(len(names), np.nan)
    p[1:] = diebold_mariano(np.where(some, by_period[:-1] - by_period[1:], np.nan))[1]
    changed = np.zeros((len(names), *known.shape), dtype=bool)
    changed[1:] = known & (made[1:] != made[:-1])
    nearer = np.zeros_like(changed)
    nearer[1:] = changed[1:] & (missed[1:] < missed[:-1])
    touched = changed.reshape(len(names), -1).sum(axis=1)
    improved = np.divide(
        nearer.reshape(len(names), -1).sum(axis=1), touched, out=np.full(len(names), np.nan), where=touched > 0
    )
    kept = (np.nan_to_num(added, nan=-1.0) > 0) & (np.nan_to_num(p, nan=1.0) < significance)
    return ValueAdded(names, measure, errors, added, first, p, kept, touched, improved, int(known.sum()))


def _stacked(names: Sequence[str], given: Sequence[npt.ArrayLike], seen: Floats) -> Floats:
    made = []
    for name, values in zip(names, given, strict=True):
        array = np.asarray(values, dtype=np.float64)
        if array.shape != seen.shape:
            raise ValueError(f"stages: {name!r} has shape {array.shape}, the actuals {seen.shape}; give one per case")
        made.append(array)
    return np.stack(made)
