"""What the right to buy later is worth against the spot market, and how much of it to reserve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OptionPlan:
    """Per item: ``quantity`` to reserve, the ``value`` of doing so over buying on the spot market (0 or more), the
    units ``called`` on average, ``fee_at_none`` the largest reservation fee at which the first unit is worth having,
    and ``n`` scenarios looked at."""

    quantity: Floats
    value: Floats
    called: Floats
    fee_at_none: Floats
    n: int


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """Fee per reserved unit, price per called unit, the most that can be reserved, and what is bought firmly anyhow."""

    reserve: float
    exercise: float
    limit: float = float("inf")
    firm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("reserve", "exercise", "limit", "firm"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be 0 or more")
        if not (np.isfinite(self.reserve) and np.isfinite(self.exercise) and np.isfinite(self.firm)):
            raise ValueError("reserve, exercise, firm: give finite numbers")


def reserve_options(
    demand: npt.ArrayLike, spot: npt.ArrayLike, terms: OptionTerms, probability: npt.ArrayLike | None = None
) -> OptionPlan:
    """How much to reserve when every unit needed can also be bought on the spot market.

    ``demand``: items × scenarios (or one row), units; ``spot``: price in each scenario, same shape or one row;
    ``probability`` of the scenarios (None: equal). A unit is called where spot s > exercise e, so K options bring
    E[(s − e)⁺ · min((D − firm)⁺, K)] − r·K: concave, best where E[(s − e)⁺ · 1{D − firm > K}] falls to r. Among equally
    good quantities the smallest. Dependence between demand and spot price is the scenarios' own. NaN in a row gives NaN
    for its item; no items give none.

    Source: Martínez-de-Albéniz and Simchi-Levi, "A portfolio approach to procurement contracts", POM 14 (2005) 90-114.
    Our own numbers: demands 5 and 10, spot 12 or 20 with them, at 2 and 10: 10 units, ½·(2·5 + 10·10) − 20 = 35.

    >>> plan = reserve_options([5, 10], [12, 20], OptionTerms(reserve=2, exercise=10))
    >>> plan.quantity.tolist(), plan.value.tolist(), plan.fee_at_none.tolist()
    ([10.0], [35.0], [6.0])
    """
    need, price = np.broadcast_arrays(
        np.atleast_2d(np.asarray(demand, dtype=np.float64)), np.asarray(spot, dtype=np.float64)
    )
    if need.ndim != 2 or not need.shape[1]:
        raise ValueError("demand: give items × scenarios with at least one scenario")
    if np.any(need < 0) or np.any(price < 0):
        raise ValueError("demand, spot: one is below 0; net returns first")
    weight = _weights(probability, need.shape[1])
    open_need = np.maximum(need - terms.firm, 0.0)
    gain = np.maximum(price - terms.exercise, 0.0) * weight
    order = np.argsort(open_need, axis=1, kind="stable")
    sorted_need = np.take_along_axis(open_need, order, axis=1)
    sorted_gain = np.take_along_axis(gain, order, axis=1)
    # marginal[:, k] is what one more unit is worth while K lies just below the k-th smallest need.
    marginal = np.cumsum(sorted_gain[:, ::-1], axis=1)[:, ::-1]
    worth = (marginal > terms.reserve + 1e-12 * max(terms.reserve, 1.0)) & (sorted_need > 0)
    last = np.where(worth.any(axis=1), worth.shape[1] - 1 - np.argmax(worth[:, ::-1], axis=1), -1)
    quantity = np.where(last >= 0, np.take_along_axis(sorted_need, np.maximum(last, 0)[:, None], axis=1)[:, 0], 0.0)
    quantity = np.minimum(quantity, terms.limit)
    served = np.minimum(open_need, quantity[:, None])
    value = (gain * served).sum(axis=1) - terms.reserve * quantity
    called = (weight * served * (price > terms.exercise)).sum(axis=1)
    first = (gain * (open_need > 0)).sum(axis=1)
    unknown = np.isnan(need).any(axis=1) | np.isnan(price).any(axis=1)
    shown = [np.where(unknown, np.nan, each) for each in (quantity, value, called, first)]
    return OptionPlan(shown[0], shown[1], shown[2], shown[3], need.shape[1])


def _weights(probability: npt.ArrayLike | None, count: int) -> Floats:
    if probability is None:
        return np.full(count, 1 / count)
    given = np.asarray(probability, dtype=np.float64)
    if given.shape != (count,) or not (given >= 0).all() or abs(given.sum() - 1) > 1e-6:
        raise ValueError("probability: give one per scenario, 0 or more, together 1")
    return given
