"""Exponential value functions and the portfolio matrix, with how firmly an item stands in its quadrant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tierwise.engine.assessment.table import Floats, as_table, as_weights

_DRAWS_AT_ONCE = 256


class Quadrant(StrEnum):
    """Where an item stands in Kraljic's portfolio."""

    STRATEGIC = "strategic"
    LEVERAGE = "leverage"
    BOTTLENECK = "bottleneck"
    NON_CRITICAL = "non_critical"


def single_value(x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, rho: npt.ArrayLike = 0.0) -> Floats:
    """What is a measurement worth, from 0 at ``low`` to 1 at ``high``?

    Arrays broadcast. v = (1 − e^(−ρ(x−low)))/(1 − e^(−ρ(high−low))); ρ > 0 says that the first steps matter most,
    ρ < 0 the last, 0 is a straight line. Beyond the ends it is 0 and 1. ``low`` may be the larger number where less is
    better (ρ then counts on the turned scale). NaN for NaN. Raises ValueError for equal ends.
    Source: Kirkwood, Strategic Decision Making (1997), ch. 4; numbers from the R package KraljicMatrix.

    >>> single_value(2.1503101, [1, 2], [5, 4], [0.653, 0.75]).round(6).tolist()
    [0.570009, 0.137231]
    """
    values, start, end, bend = np.broadcast_arrays(
        *(np.asarray(each, dtype=np.float64) for each in (x, low, high, rho))
    )
    span = end - start
    if (span == 0).any():
        raise ValueError("low, high: are equal; a value function needs a range")
    along = np.clip((values - start) / span, 0.0, 1.0)
    curve = bend * np.abs(span)
    straight = np.abs(curve) < 1e-9
    safe = np.where(straight, 1.0, curve)
    return np.asarray(np.where(straight, along, np.expm1(-safe * along) / np.expm1(-safe)))


def rho_from_midvalue(middle: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """Which ρ makes ``middle`` worth one half? People can name that point, not ρ.

    Arrays broadcast; 0 where it is the arithmetic middle. Solved by bisection for |ρ|·(high − low) up to 700. NaN for
    NaN. Raises ValueError where ``middle`` is not strictly between the ends.

    >>> rho = rho_from_midvalue(2.0, 1, 5)
    >>> float(single_value(2.0, 1, 5, rho).round(6)), float(rho.round(3))
    (0.5, 0.609)
    """
    m, start, end = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (middle, low, high)))
    along = (m - start) / (end - start)
    if ((along <= 0) | (along >= 1)).any():
        raise ValueError("middle: must lie strictly between low and high")
    below, above = np.full(along.shape, -700.0), np.full(along.shape, 700.0)
    for _ in range(80):
        curve = (below + above) / 2
        early = single_value(along, 0.0, 1.0, curve) < 0.5
        below, above = np.where(early, curve, below), np.where(early, above, curve)
    found = np.where(np.abs(along - 0.5) < 1e-12, 0.0, (below + above) / 2) / np.abs(end - start)
    return np.asarray(np.where(np.isnan(along), np.nan, found))


def multi_value(values: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """The weighted sum of single values per item; NaN where one is missing.

    ``values`` items × criteria within 0…1, ``weights`` one per criterion (scaled to 1).

    >>> multi_value([[0.79, 0.19]], [0.65, 0.35]).round(2).tolist()
    [0.58]
    """
    table = _values(values, "values")
    return np.asarray(table @ as_weights(weights, table.shape[1]))


@dataclass(frozen=True, slots=True)
class Position:
    """One entry per item; an item with a missing value has no quadrant ("").

    ``margin`` is the distance to the nearer of the two cuts: small ones deserve a talk, not a rule.
    """

    quadrant: npt.NDArray[np.str_]
    margin: Floats


def portfolio_position(
    ease: npt.ArrayLike, importance: npt.ArrayLike, ease_cut: float = 0.5, importance_cut: float = 0.5
) -> Position:
    """In which quadrant of the portfolio matrix does each item stand?

    ``ease`` of supply and ``importance`` to profit, both 0…1 and one per item. Above ``ease_cut`` it is leverage from
    ``importance_cut`` on, else non-critical; at or below it strategic, else bottleneck.
    Source: Kraljic, Harvard Business Review 61/5 (1983) 109-117; edges as in the R package KraljicMatrix.

    >>> portfolio_position([0.58, 0.46], [0.7, 0.7]).quadrant.tolist()
    ['leverage', 'strategic']
    """
    x, y = np.broadcast_arrays(np.asarray(ease, dtype=np.float64), np.asarray(importance, dtype=np.float64))
    easy, weighty = x > ease_cut, y >= importance_cut
    names = np.where(
        easy,
        np.where(weighty, Quadrant.LEVERAGE.value, Quadrant.NON_CRITICAL.value),
        np.where(weighty, Quadrant.STRATEGIC.value, Quadrant.BOTTLENECK.value),
    )
    missing = np.isnan(x) | np.isnan(y)
    margin = np.minimum(np.abs(x - ease_cut), np.abs(y - importance_cut))
    return Position(np.where(missing, "", names), margin)


@dataclass(frozen=True, slots=True)
class StabilityParams:
    """Weights are multiplied by independent draws from 1 − ``spread`` to 1 + ``spread`` and scaled again."""

    spread: float = 0.2
    draws: int = 1000
    seed: int = 0
    ease_cut: float = 0.5
    importance_cut: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.spread < 1:
            raise ValueError(f"spread: is {self.spread}; give a share between 0 and 1, such as 0.2")
        if not 1 <= self.draws <= 1_000_000:
            raise ValueError(f"draws: is {self.draws}; give 1 to 1,000,000")


@dataclass(frozen=True, slots=True)
class Criteria:
    """The values of items on the criteria of one axis (items × criteria, 0…1) and the criteria's weights."""

    values: npt.ArrayLike
    weights: npt.ArrayLike


STABILITY = StabilityParams()


def position_stability(ease: Criteria, importance: Criteria, params: StabilityParams = STABILITY) -> Floats:
    """In which share of the draws does an item keep its quadrant when the weights are a little different?

    One entry per item, NaN where a value is missing. An item at 1 can be ruled on; one at 0.6 depends on taste.

    >>> firm = Criteria([[0.9, 0.8], [0.9, 0.1]], [0.5, 0.5])
    >>> share = position_stability(firm, firm)
    >>> float(share[0]), bool(share[1] < 0.8)
    (1.0, True)
    """
    x, y = _values(ease.values, "ease"), _values(importance.values, "importance")
    if len(x) != len(y):
        raise ValueError(f"ease, importance: have {len(x)} and {len(y)} items; give the same items in the same order")
    wx, wy = as_weights(ease.weights, x.shape[1], "ease"), as_weights(importance.weights, y.shape[1], "importance")
    now = portfolio_position(x @ wx, y @ wy, params.ease_cut, params.importance_cut).quadrant
    rng = np.random.default_rng(params.seed)
    same = np.zeros(len(x))
    for begin in range(0, params.draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, params.draws - begin)
        tilted = []
        for table, weights in ((x, wx), (y, wy)):
            drawn = weights * rng.uniform(1 - params.spread, 1 + params.spread, (count, len(weights)))
            tilted.append(table @ (drawn / drawn.sum(axis=1, keepdims=True)).T)
        then = portfolio_position(tilted[0], tilted[1], params.ease_cut, params.importance_cut).quadrant
        same += (then == now[:, None]).sum(axis=1)
    return np.where(now == "", np.nan, same / params.draws)


def _values(values: npt.ArrayLike, name: str) -> Floats:
    table = as_table(values, name)
    if ((table < 0) | (table > 1)).any():
        raise ValueError(f"{name}: must lie between 0 and 1; pass measurements through single_value first")
    return table
