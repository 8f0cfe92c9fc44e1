"""How sure is a forecast: quantiles from the errors that the same method made before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.measures import naive_scale
from tierwise.engine.forecasting.panel import Floats, Ints, Panel

OWN, POOLED, BEYOND = 0, 1, 2
SOURCES = ("own errors", "errors of all series, scaled", "fewer errors than the level needs: the largest seen")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """``values`` series × horizon × levels, ascending over levels; ``source`` of each (index into SOURCES); ``n`` own
    errors per series and step. NaN and BEYOND where there is no error at all."""

    values: Floats
    levels: Floats
    source: Ints
    n: Ints


def conformal_quantiles(
    forecast: npt.ArrayLike,
    errors: npt.ArrayLike,
    levels: npt.ArrayLike,
    scale: npt.ArrayLike | None = None,
    *,
    nonnegative: bool = False,
) -> Quantiles:
    """Quantile forecasts that hold their level whatever the distribution, from past errors of the same method.

    ``forecast`` series × horizon; ``errors`` (actual − forecast) series × origins × horizon out of sample, as
    :class:`Tournament` keeps them, NaN where unknown; ``levels`` between 0 and 1. Level q is the forecast plus the
    ⌈(n + 1)q⌉-th smallest of n errors at that step (⌊(n + 1)q⌋-th below the middle): if the next error is exchangeable
    with those, actuals stay at or below it with at least the chance q. Where n is too small for that the errors of all
    series at that step, each over its series' ``scale`` (default: its mean absolute error), stand in times the scale;
    where they too are too few, the extreme one.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), 2.3; Lei et al., JASA 113 (2018)
    1094-1111. Nine errors carry exactly the levels 10 % to 90 %:

    >>> nine = np.arange(-4.0, 5.0).reshape(1, 9, 1)
    >>> conformal_quantiles([[100.0]], nine, [0.1, 0.5, 0.9]).values.tolist()
    [[[96.0, 100.0, 104.0]]]
    """
    made, missed = np.asarray(forecast, np.float64), np.asarray(errors, np.float64)
    level = np.atleast_1d(np.asarray(levels, np.float64))
    if not ((level > 0) & (level < 1)).all() or (np.diff(level) <= 0).any():
        raise ValueError("levels: must ascend between 0 and 1, both excluded; 95 % is 0.95")
    if made.ndim != 2 or missed.ndim != 3 or (missed.shape[0], missed.shape[2]) != made.shape:
        raise ValueError(f"errors: shape {missed.shape} must be series × origins × horizon of forecast {made.shape}")
    unit = _unit(missed, scale)
    own, enough, n = _ranked(np.swapaxes(missed, 1, 2), level)
    relative = missed / unit[:, None, None]
    steps = np.moveaxis(relative, 2, 0).reshape(made.shape[1], -1)
    pooled, pool_enough, _ = _ranked(steps, level)
    spread = pooled[None] * unit[:, None, None]
    values = made[:, :, None] + np.where(enough, own, spread)
    source = np.where(enough, OWN, np.where(pool_enough[None] & ~np.isnan(spread), POOLED, BEYOND))
    values = np.sort(values, axis=2)
    if nonnegative:
        values = np.maximum(values, 0.0)
    return Quantiles(values, level, source.astype(np.int64), n.astype(np.int64))


def _unit(missed: Floats, scale: npt.ArrayLike | None) -> Floats:
    if scale is not None:
        unit = np.asarray(scale, np.float64)
        if unit.shape != missed.shape[:1]:
            raise ValueError(f"scale: has shape {unit.shape}; give one number per series ({missed.shape[0]})")
    else:
        known = ~np.isnan(missed)
        count = known.sum(axis=(1, 2))
        total = np.where(known, np.abs(missed), 0.0).sum(axis=(1, 2))
        unit = np.divide(total, count, out=np.full(len(missed), np.nan), where=count > 0)
    known_units = unit[np.isfinite(unit) & (unit > 0)]
    # A series that never erred, or has no past, takes the usual scale of the others.
    return np.where(np.isfinite(unit) & (unit > 0), unit, np.median(known_units) if known_units.size else np.nan)


def _ranked(missed: Floats, level: Floats) -> tuple[Floats, npt.NDArray[np.bool_], Ints]:
    """Order statistics for each level over the last axis, whether it holds enough of them, and how many there are."""
    ordered = np.sort(missed, axis=-1)
    n = (~np.isnan(missed)).sum(axis=-1)
    # The margin takes what floats add to whole ranks: 0.9 · 10 is 9, not the next.
    rank = (n[..., None] + 1) * level
    place = np.where(level < 0.5, np.floor(rank + 1e-9), np.ceil(rank - 1e-9)).astype(np.int64)
    enough = (place >= 1) & (place <= n[..., None])
    if not missed.shape[-1]:
        return np.full(place.shape, np.nan), enough, n
    index = np.clip(place, 1, np.maximum(n[..., None], 1)) - 1
    return np.take_along_axis(ordered, index, axis=-1), enough, n


def scale_of(panel: Panel, season: int = 1) -> Floats:
    """The mean absolute error of the naive forecast per series, as the scale of pooled errors.

    >>> scale_of(Panel.of([[1, 3, 2]])).tolist()
    [1.5]
    """
    return naive_scale(panel, season)[0]
