"""Several forecasts of one thing made into one, the better counting for more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.panel import Floats


def inverse_error_weights(errors: npt.ArrayLike, power: float = 2.0, toward_equal: float = 0.0) -> Floats:
    """Weights that sum to 1 over the methods, from errors each made on the same past cases.

    ``errors`` (methods, …, cases), NaN where unknown; result (methods, …). w ∝ 1/mean(\\|error\\|^power), power 2 as by
    Bates and Granger; correlations are left out, for they are never known well enough. ``toward_equal`` between 0 and 1
    moves weights that far toward equal ones. Methods without a known case get 0; where none has one, all are equal.
    Methods without any error share everything. Source: Bates and Granger, ORQ 20 (1969) 451-468.

    >>> inverse_error_weights([[1, -1, 1], [3, -3, 3]]).round(6).tolist()
    [0.9, 0.1]
    """
    given = np.asarray(errors, dtype=np.float64)
    if given.ndim < 2:
        raise ValueError(f"errors: has {given.ndim} axes; give methods first and cases last")
    if power <= 0 or not 0 <= toward_equal <= 1:
        raise ValueError(
            f"power, toward_equal: are {power} and {toward_equal}; give a power above 0 and a share of 0 … 1"
        )
    known = ~np.isnan(given)
    count = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = 1 / (np.where(known, np.abs(given) ** power, 0.0).sum(axis=-1) / count)
    exact = np.isinf(worth).any(axis=0)
    worth = np.where(exact, np.isinf(worth), np.nan_to_num(worth, nan=0.0, posinf=0.0))
    total = worth.sum(axis=0)
    equal = np.full(worth.shape, 1 / len(worth))
    weights = np.divide(worth, total, out=equal.copy(), where=total > 0)
    some = np.where(total > 0, count > 0, True)
    even = some / some.sum(axis=0)
    return np.asarray((1 - toward_equal) * weights + toward_equal * even)


def combine(forecasts: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """The weighted mean over methods: ``forecasts`` (methods, series, horizon), ``weights`` (methods,) or (methods,
    series). Where a method has no forecast (NaN) the others share its weight; NaN where none has one.

    >>> combine([[[10.0, 10.0]], [[20.0, float("nan")]]], [0.9, 0.1]).tolist()
    [[11.0, 10.0]]
    """
    made, weight = np.asarray(forecasts, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if made.ndim != 3 or weight.ndim not in {1, 2} or weight.shape != made.shape[: weight.ndim]:
        raise ValueError(
            f"weights: shape {weight.shape} does not fit forecasts {made.shape}; give (methods,) or (methods, series)"
        )
    if (weight < 0).any() or np.isnan(weight).any():
        raise ValueError("weights: must be 0 or more and known; see inverse_error_weights")
    weight = weight.reshape(weight.shape + (1,) * (made.ndim - weight.ndim))
    share = np.where(np.isnan(made), 0.0, np.broadcast_to(weight, made.shape))
    # A method alone in having a forecast decides, even with the weight 0.
    lone = ~np.isnan(made) & (share.sum(axis=0) == 0)
    share = share + lone
    total = share.sum(axis=0)
    return np.asarray(
        np.divide((share * np.nan_to_num(made)).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)
    )
