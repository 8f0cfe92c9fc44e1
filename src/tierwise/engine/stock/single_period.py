"""How much to order once: one period, or base stock over a lead time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock.distributions import Demand, Discrete, Distribution


@dataclass(frozen=True, slots=True)
class OrderOnce:
    """The quantity and what it rests on, one entry per item.

    ``service`` is P(D ≤ quantity), ``shortage`` and ``leftover`` are expected units, ``cost`` money per period.
    """

    quantity: Floats
    cost: Floats
    critical_ratio: Floats
    service: Floats
    shortage: Floats
    leftover: Floats


def newsvendor(
    demand: Demand, holding: npt.ArrayLike, stockout: npt.ArrayLike, lead_time: npt.ArrayLike | None = None
) -> OrderOnce:
    """The quantity with the least expected cost of too much (``holding``) and too little (``stockout``), per unit.

    Q* = F⁻¹(p / (p + h)); for whole demand the smallest unit that reaches the ratio. Cost = h(Q − µ) + (h + p)·n(Q).
    With ``lead_time`` the answer is a base-stock level under periodic review: demand over lead time + 1 periods.
    Shapes broadcast, one entry per item; NaN gives NaN, empty gives empty. ValueError where a cost is not above 0, or a
    lead time comes with listed demand (convolve it first, see :func:`empirical_lead_time_demand`).

    Source: Snyder and Shen, Fundamentals of Supply Chain Theory (2019), 4.3.2 and 4.3.4. Examples 4.1 and 4.4:

    >>> once = newsvendor(Distribution("normal", 50, 8), holding=0.18, stockout=0.70)
    >>> print(f"{once.quantity:.7f} {once.cost:.7f}")
    56.6039559 1.9976052
    >>> print(f"{newsvendor(Distribution('normal', 50, 8), 0.18, 0.70, lead_time=4).quantity:.4f}")
    264.7669
    """
    over, under = checks.positive("holding", holding), checks.positive("stockout", stockout)
    ratio = under / (over + under)
    spanned = _over(demand, lead_time)
    quantity = spanned.quantile(ratio)
    return _priced(spanned, quantity, over, under, ratio)


def newsvendor_cost(
    quantity: npt.ArrayLike, demand: Demand, holding: npt.ArrayLike, stockout: npt.ArrayLike
) -> OrderOnce:
    """What another quantity than the best would cost and serve. Inputs as in :func:`newsvendor`.

    >>> print(f"{newsvendor_cost(40, Distribution('normal', 50, 8), 0.18, 0.70).cost:.4f}")
    7.3561
    """
    over, under = checks.positive("holding", holding), checks.positive("stockout", stockout)
    return _priced(demand, checks.numbers("quantity", quantity), over, under, under / (over + under))


def newsvendor_profit(
    demand: Demand, price: npt.ArrayLike, unit_cost: npt.ArrayLike, salvage: npt.ArrayLike = 0.0
) -> tuple[OrderOnce, Floats]:
    """The most profitable quantity of what is bought once and sold off at ``salvage``, and its expected profit.

    Under-age is price − unit cost, over-age unit cost − salvage; profit = (price − cost)·µ − cost of mismatch.
    ValueError unless salvage < unit cost < price. Source: Snyder and Shen (2019), 4.3.2.5, example 4.2:

    >>> once, profit = newsvendor_profit(Distribution("normal", 50, 8), price=1.0, unit_cost=0.3, salvage=0.12)
    >>> print(f"{once.quantity:.4f} {profit:.4f}")
    56.6040 33.0024
    """
    sold, paid, left = (checks.numbers(name, value) for name, value in _money(price, unit_cost, salvage))
    if np.any(paid >= sold) or np.any(left >= paid):
        raise ValueError(
            "price, unit_cost, salvage: need salvage < unit_cost < price; otherwise order nothing or no end"
        )
    once = newsvendor(demand, paid - left, sold - paid)
    return once, (sold - paid) * demand.mean - once.cost


def _money(price: npt.ArrayLike, unit_cost: npt.ArrayLike, salvage: npt.ArrayLike) -> list[tuple[str, npt.ArrayLike]]:
    return [("price", price), ("unit_cost", unit_cost), ("salvage", salvage)]


def _over(demand: Demand, lead_time: npt.ArrayLike | None) -> Demand:
    if lead_time is None:
        return demand
    if isinstance(demand, Distribution):
        return demand.over(checks.nonnegative("lead_time", lead_time) + 1)
    kind = "listed demand" if isinstance(demand, Discrete) else "this demand"
    raise ValueError(f"lead_time: {kind} cannot be stretched over a lead time; give demand over lead time + 1 instead")


def _priced(demand: Demand, quantity: Floats, over: Floats, under: Floats, ratio: Floats) -> OrderOnce:
    shortage = demand.loss(quantity)
    leftover = quantity - demand.mean + shortage
    service = 1 - demand.above(quantity)
    ratio = np.broadcast_to(ratio, np.shape(quantity)).astype(np.float64)
    return OrderOnce(quantity, over * leftover + under * shortage, ratio, service, shortage, leftover)
