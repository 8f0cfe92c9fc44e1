"""How much to buy when it can never be bought again: the all-time requirement against what is left over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock.distributions import Distribution


@dataclass(frozen=True, slots=True)
class LastTimeCosts:
    """Money per unit; every field one value or one per item.

    ``unit_cost`` now, ``shortage`` when demand in service obligation cannot be met (redesign, broker purchase,
    damages), ``holding`` per period kept, ``salvage`` at the end (negative: disposal costs), ``discount`` the factor
    that a period takes off the value of money (0.99 is 1 % a period).
    """

    unit_cost: npt.ArrayLike
    shortage: npt.ArrayLike
    holding: npt.ArrayLike = 0.0
    salvage: npt.ArrayLike = 0.0
    discount: npt.ArrayLike = 1.0

    def __post_init__(self) -> None:
        paid, short = checks.nonnegative("unit_cost", self.unit_cost), checks.positive("shortage", self.shortage)
        checks.nonnegative("holding", self.holding)
        factor, back = checks.positive("discount", self.discount), checks.numbers("salvage", self.salvage)
        if np.any(factor > 1):
            raise ValueError("discount: is a factor of at most 1 per period; 1 % a period is 0.99")
        if np.any(short <= paid):
            raise ValueError("shortage: must cost more than unit_cost, else buying nothing is best")
        if np.any(back > paid):
            raise ValueError("salvage: above unit_cost would make buying without end pay; check the two")


@dataclass(frozen=True, slots=True)
class LastTimeBuy:
    """``quantity`` to buy beside the stock at hand, expected discounted ``cost``, and what drives it.

    ``service`` is the chance to last to the end, ``shortage`` and ``leftover`` expected units then; of shape (items,
    periods): ``stock`` expected at each period's end, ``empty`` the chance that stock no longer suffices by then.
    """

    quantity: Floats
    cost: Floats
    service: Floats
    shortage: Floats
    leftover: Floats
    stock: Floats
    empty: Floats


def last_time_buy(
    period_means: npt.ArrayLike,
    costs: LastTimeCosts,
    variance_ratio: npt.ArrayLike = 1.0,
    on_hand: npt.ArrayLike = 0.0,
) -> LastTimeBuy:
    """The last purchase with the least expected cost over the rest of an item's life.

    ``period_means`` is expected demand per period until the last obligation ends, shape (periods,) or (items,
    periods): a Bass tail, an installed base times its failure rate, a plan. Demand up to t is Poisson, or negative
    binomial where ``variance_ratio`` (variance / mean, from forecast errors) exceeds 1. ``on_hand`` usable stock
    (paid for already, kept and salvaged alike) counts first. The quantity is the smallest Q at which the next unit no
    longer pays: c + h·Σ δᵗ P(D_t ≤ Q) − v·δᵀ P(D_T ≤ Q) ≥ p·Σ δᵗ [P(D_t > Q) − P(D_{t−1} > Q)], the left rising and
    the right falling in Q; for one period without discount it is F⁻¹((p − c)/(p − v)). NaN gives NaN, no items gives
    empty. ValueError for a ratio below 1 or no periods.

    Source: newsvendor over the remaining life, Teunter and Fortuin, Int. J. Production Economics 59 (1999) 145-152.
    Under-age 50 against over-age 8 and 120 expected units (own computation, Poisson quantile at 50/58):

    >>> print(last_time_buy([120], LastTimeCosts(unit_cost=8, shortage=58)).quantity)
    132.0
    """
    means = checks.nonnegative("period_means", period_means)
    ratio = checks.numbers("variance_ratio", variance_ratio)
    if means.ndim not in {1, 2} or not means.shape[-1]:
        raise ValueError("period_means: must have the shape (periods,) or (items, periods), at least one period")
    if np.any(ratio < 1):
        raise ValueError("variance_ratio: below 1 demand would be steadier than chance; use 1 for contracted demand")
    rows = np.atleast_2d(means)
    held = checks.nonnegative("on_hand", on_hand)
    given = _Given.of(rows, costs, ratio, held)
    quantity = given.best()
    found = given.priced(quantity)
    if means.ndim == 1:
        return LastTimeBuy(*(getattr(found, name)[0] for name in LastTimeBuy.__slots__))
    return found


@dataclass(frozen=True, slots=True)
class _Given:
    demand: Distribution
    paid: Floats
    short: Floats
    hold: Floats
    back: Floats
    worth: Floats
    held: Floats

    @classmethod
    def of(cls, rows: Floats, costs: LastTimeCosts, ratio: Floats, held: Floats) -> _Given:
        each = checks.together(
            rows=rows[:, 0], paid=costs.unit_cost, short=costs.shortage, hold=costs.holding, back=costs.salvage,
            discount=costs.discount, ratio=ratio, on_hand=held,
        )  # fmt: skip
        if each[0].shape != rows.shape[:1]:
            raise ValueError("costs, variance_ratio, on_hand: give one value, or one per row of period_means")
        total = np.cumsum(rows, axis=1)
        _, paid, short, hold, back, discount, spread, stock = (value[:, None] for value in each)
        if np.any(spread > 1):
            # Items at exactly 1 are Poisson; a hair above it the negative binomial is that to nine digits.
            sd = np.sqrt(np.maximum(spread, 1 + 1e-9) * total)
            demand = Distribution("negative_binomial", np.maximum(total, 1e-300), np.maximum(sd, 1e-149))
        else:
            demand = Distribution("poisson", total)
        return cls(demand, paid, short, hold, back, discount ** np.arange(1, rows.shape[1] + 1), stock)

    def marginal(self, quantity: Floats) -> Floats:
        """What the next unit after so many costs, less what it saves."""
        above = self.demand.above(quantity[:, None] + self.held)
        first_missed = np.diff(above, axis=1, prepend=0.0)
        kept = self.hold * self.worth * (1 - above)
        saved = self.short * self.worth * first_missed
        end = self.back[:, 0] * self.worth[:, -1] * (1 - above[:, -1])
        return np.asarray(self.paid[:, 0] + (kept - saved).sum(axis=1) - end)

    def best(self) -> Floats:
        mean, sd = self.demand.mean[:, -1], self.demand.sd[:, -1]
        known = np.isfinite(mean + self.paid[:, 0] + self.short[:, 0] + self.held[:, 0] + sd)
        low = np.full(mean.shape, -1.0)
        high = np.where(known, np.ceil(mean + 10 * sd + 10 * sd**2 / np.maximum(mean, 1.0) + 10), 0.0)
        # Beyond ten standard deviations only a shortage of a billion times the price could want more; then go on.
        for _ in range(60):
            more = known & (self.marginal(high) < 0)
            if not more.any():
                break
            high = np.where(more, 2 * high, high)
        while np.any(high - low > 1):
            middle = np.floor((low + high) / 2)
            enough = ~(self.marginal(middle) < -1e-12 * self.short[:, 0])
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return np.where(known, high, np.nan)

    def priced(self, quantity: Floats) -> LastTimeBuy:
        reach = quantity[:, None] + self.held
        loss = self.demand.loss(reach)
        stock = reach - self.demand.mean + loss
        missed = np.diff(loss, axis=1, prepend=0.0)
        cost = self.paid[:, 0] * quantity + (self.worth * (self.hold * stock + self.short * missed)).sum(axis=1)
        cost = cost - self.back[:, 0] * self.worth[:, -1] * stock[:, -1]
        empty = self.demand.above(reach)
        return LastTimeBuy(quantity, cost, 1 - empty[:, -1], loss[:, -1], stock[:, -1], stock, empty)
