"""How good were the forecasts: scaled, weighted and signed errors, quantile losses, coverage, tracking signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.panel import Floats, Ints, Panel, whole


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Over the last axis of what was given, ``n`` pairs known on both sides; NaN where there are none.

    ``mae``, ``rmse`` in units; ``bias`` = Σ(forecast − actual)/Σ|actual|, above 0 where too much was forecast;
    ``wape`` = Σ|error|/Σ|actual|; ``mape`` over periods with demand; ``mase`` and ``rmsse`` against the naive forecast
    within the history, NaN without a scale.
    """

    n: Ints
    mae: Floats
    rmse: Floats
    bias: Floats
    wape: Floats
    mape: Floats
    mase: Floats
    rmsse: Floats


def naive_scale(panel: Panel, season: int = 1) -> tuple[Floats, Floats]:
    """What a naive forecast missed by within the history, mean absolute and root mean squared, per series.

    Mean of \\|y(t) − y(t − season)\\| over pairs of known values; the scale of MASE and RMSSE. NaN without a pair.
    Source: Hyndman and Koehler, IJF 22 (2006) 679-688.

    >>> [scale.tolist() for scale in naive_scale(Panel.of([[2, 4, 3, 6], [1]]))]
    [[2.0, nan], [2.160246899469287, nan]]
    """
    whole("season", season, 1)
    missed = np.full(panel.values.size, np.nan)
    if panel.values.size > season:
        missed[season:] = panel.values[season:] - panel.values[:-season]
    place = np.arange(panel.values.size) - np.repeat(panel.offsets[:-1], panel.lengths)
    missed[place < season] = np.nan
    known = ~np.isnan(missed)
    owner = np.repeat(np.arange(len(panel)), panel.lengths)[known]
    count = np.bincount(owner, minlength=len(panel))
    absolute = np.bincount(owner, np.abs(missed[known]), len(panel))
    squared = np.bincount(owner, missed[known] ** 2, len(panel))
    with np.errstate(invalid="ignore", divide="ignore"):
        return absolute / count, np.sqrt(squared / count)


def accuracy(
    actual: npt.ArrayLike, forecast: npt.ArrayLike, scale: tuple[npt.ArrayLike, npt.ArrayLike] | None = None
) -> Accuracy:
    """Errors of forecasts over the last axis; shapes broadcast, so that many methods meet one actual.

    ``scale`` as :func:`naive_scale` gives it; one entry per result. A scale of 0 gives NaN: the history never moved.
    Pairs with NaN on either side are left out. Source: Hyndman and Koehler (2006); Kolassa and Schütz, Foresight 6
    (2007) 40-43. Six months of a bakery's cakes (Heizer and Render, Operations Management, ch. 4, example 9) have a
    mean absolute deviation of 14.2:

    >>> found = accuracy([90, 95, 115, 100, 125, 140], [100, 100, 100, 110, 110, 110])
    >>> float(found.mae.round(1)), float(found.bias.round(3))
    (14.2, -0.053)
    """
    seen, made = np.broadcast_arrays(np.asarray(actual, np.float64), np.asarray(forecast, np.float64))
    if seen.ndim == 0:
        raise ValueError("actual, forecast: are single numbers; give at least a list of periods")
    error = made - seen
    known = ~np.isnan(error)
    n = known.sum(axis=-1)
    size = np.where(known, np.abs(seen), 0.0).sum(axis=-1)
    missed = np.where(known, np.abs(error), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mae, rmse = missed.sum(axis=-1) / n, np.sqrt((missed**2).sum(axis=-1) / n)
        bias = np.where(size > 0, np.where(known, error, 0.0).sum(axis=-1) / size, np.nan)
        wape = np.where(size > 0, missed.sum(axis=-1) / size, np.nan)
        some = known & (seen != 0)
        share = np.divide(missed, np.abs(seen), out=np.zeros_like(missed), where=some).sum(axis=-1)
        mape = share / some.sum(axis=-1)
        absolute, squared = (np.asarray(each, np.float64) for each in scale) if scale else (np.nan, np.nan)
        mase = np.where(np.asarray(absolute) > 0, mae / absolute, np.nan)
        rmsse = np.where(np.asarray(squared) > 0, rmse / squared, np.nan)
    return Accuracy(n, mae, rmse, bias, wape, mape, mase, rmsse)


def pinball(actual: npt.ArrayLike, forecast: npt.ArrayLike, levels: npt.ArrayLike) -> Floats:
    """Mean quantile loss, smallest in the long run for the true quantile.

    ``actual`` (…, periods), ``forecast`` (…, periods, levels), ``levels`` between 0 and 1; result (…, levels): the mean
    over known periods of q·(y − ŷ) above the forecast and (1 − q)·(ŷ − y) below. Source: Koenker and Bassett,
    Econometrica 46 (1978) 33-50.

    >>> pinball([10, 20], [[12], [12]], [0.9]).tolist()
    [3.7]
    """
    level = _levels(levels)
    over = np.asarray(actual, np.float64)[..., None] - np.asarray(forecast, np.float64)
    loss = np.maximum(level * over, (level - 1) * over)
    return _known_mean(loss)


def coverage(actual: npt.ArrayLike, forecast: npt.ArrayLike) -> Floats:
    """Share of known periods whose actual is at or below the quantile forecast; shapes as in :func:`pinball`.

    >>> coverage([10, 20, 15], [[12], [12], [15]]).round(2).tolist()
    [0.67]
    """
    over = np.asarray(actual, np.float64)[..., None] - np.asarray(forecast, np.float64)
    return _known_mean(np.where(np.isnan(over), np.nan, over <= 0))


def _levels(levels: npt.ArrayLike) -> Floats:
    level = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    if level.ndim != 1 or not ((level > 0) & (level < 1)).all():
        raise ValueError("levels: must lie between 0 and 1, both excluded; 95 % is 0.95")
    return level


def _known_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=-2) / known.sum(axis=-2))


@dataclass(frozen=True, slots=True)
class Tracking:
    """Per series and period: cumulated error over the mean absolute deviation so far, and Trigg's smoothed one between
    −1 and 1. ``first_alarm`` is the first period beyond the limit, -1 where none is."""

    signal: Floats
    smoothed: Floats
    first_alarm: Ints
    limit: float


def tracking_signal(
    actual: npt.ArrayLike, forecast: npt.ArrayLike, limit: float = 4.0, weight: float = 0.1, least_n: int = 4
) -> Tracking:
    """Does a forecast miss to one side for long? Series × periods (or one series), NaN where unknown.

    signal(t) = Σ(actual − forecast)/MAD over the periods so far; an alarm where its size exceeds ``limit`` with
    ``least_n`` known periods or more (the first errors always look biased). Trigg's signal is the smoothed error over
    the smoothed absolute error. 0 while every error is 0; unknown periods repeat what was.

    Source: Trigg, ORQ 15 (1964) 271-274; Heizer and Render, Operations Management, ch. 4, example 9:

    >>> found = tracking_signal([90, 95, 115, 100, 125, 140], [100, 100, 100, 110, 110, 110])
    >>> found.signal.round(1).tolist(), found.first_alarm.tolist()
    ([[-1.0, -2.0, 0.0, -1.0, 0.5, 2.5]], [-1])
    """
    if not limit > 0 or not 0 < weight <= 1:
        raise ValueError(f"limit, weight: are {limit} and {weight}; give a limit above 0 and a weight up to 1")
    error = np.atleast_2d(np.asarray(actual, np.float64) - np.asarray(forecast, np.float64))
    known = ~np.isnan(error)
    filled = np.where(known, error, 0.0)
    n = known.cumsum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.abs(filled).cumsum(axis=1) / n
        signal = np.where(n == 0, np.nan, np.where(deviation > 0, filled.cumsum(axis=1) / deviation, 0.0))
    smoothed, up, size = np.full(error.shape, np.nan), np.zeros(len(error)), np.zeros(len(error))
    for t in range(error.shape[1]):
        step = np.where(known[:, t], np.where(n[:, t] == 1, 1.0, weight), 0.0)
        up, size = up + step * (filled[:, t] - up), size + step * (np.abs(filled[:, t]) - size)
        ratio = np.divide(up, size, out=np.zeros_like(up), where=size > 0)
        smoothed[:, t] = np.where(n[:, t] == 0, np.nan, ratio)
    beyond = (np.abs(signal) > limit) & (n >= least_n) & known
    first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), -1) if error.shape[1] else np.full(len(error), -1)
    return Tracking(signal, smoothed, first.astype(np.int64), limit)
