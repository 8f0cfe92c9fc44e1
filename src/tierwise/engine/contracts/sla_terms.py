"""What a service level agreement says about money, and its pay-off as shares of the value at stake."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.contracts.money import CENTS, Rounding, exact, not_negative, share

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EarnBack:
    """A penalty comes back when the next ``periods`` judged periods all reach ``level``; ``returned`` is the share."""

    periods: int
    level: Decimal
    returned: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.periods < 1:
            raise ValueError(f"periods: {self.periods} must be 1 or more")
        exact(self.level, "level")
        share(self.returned, "returned")


@dataclass(frozen=True, slots=True)
class SlaTerms:
    """Pay-off of one measure: −min(cap, a·(L − x)⁺) + min(cap, b·(x − U)⁺), as a share of the period's value.

    ``low`` L and ``high`` U enclose the dead band in which nothing is paid. ``better`` "high": a larger measure is
    better (on-time share); "low": a smaller one (ppm, days), and penalties start above ``high``, rewards below ``low``.
    ``penalty_rate``, ``reward_rate``: share of the value per unit of the measure (0.5: half a percent of the value per
    point of a share). ``penalty_steps`` (limit, share) replace the rate by a table: the largest share whose limit is
    missed counts. ``penalty_cap``, ``reward_cap``: share of a period's value; ``yearly_penalty_cap``,
    ``yearly_reward_cap``: money per contract year (None: no cap). ``minimum_n``: below it nothing is judged.
    ``confidence``: with it, money moves only when the whole interval lies outside the dead band (None: the measured
    value alone decides).
    """

    low: Decimal
    high: Decimal
    penalty_rate: Decimal = Decimal(0)
    reward_rate: Decimal = Decimal(0)
    penalty_cap: Decimal = Decimal(1)
    reward_cap: Decimal = Decimal(1)
    better: Literal["high", "low"] = "high"
    penalty_steps: tuple[tuple[Decimal, Decimal], ...] = ()
    yearly_penalty_cap: Decimal | None = None
    yearly_reward_cap: Decimal | None = None
    minimum_n: int = 0
    confidence: float | None = None
    earn_back: EarnBack | None = None
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        if exact(self.low, "low") > exact(self.high, "high"):
            raise ValueError(f"low: {self.low} lies above high {self.high}; the dead band runs from low to high")
        for name in ("penalty_rate", "reward_rate"):
            not_negative(getattr(self, name), name)
        for name in ("penalty_cap", "reward_cap"):
            share(getattr(self, name), name)
        for name in ("yearly_penalty_cap", "yearly_reward_cap"):
            if getattr(self, name) is not None:
                not_negative(getattr(self, name), name)
        if self.better not in {"high", "low"}:
            raise ValueError(f"better: {self.better!r} is unknown; use high or low")
        if self.minimum_n < 0:
            raise ValueError(f"minimum_n: {self.minimum_n} must be 0 or more")
        if self.confidence is not None:
            checks.confidence(self.confidence)
        self._check_steps()

    def _check_steps(self) -> None:
        if self.penalty_steps and self.penalty_rate:
            raise ValueError("penalty_steps, penalty_rate: both are given; use a table or a rate")
        edge = self.low if self.better == "high" else self.high
        ordered = sorted(self.penalty_steps, key=lambda step: step[0], reverse=self.better == "high")
        for limit, part in ordered:
            share(part, "penalty_steps")
            if (limit > edge) if self.better == "high" else (limit < edge):
                raise ValueError(f"penalty_steps: limit {limit} lies on the good side of {edge}, where nothing is due")
        if any(before[1] > after[1] for before, after in pairwise(ordered)):
            raise ValueError("penalty_steps: a worse measure costs less than a better one; let shares rise")

    def payoff(self, measure: Fraction) -> Fraction:
        """Share of the value, exactly: below 0 a penalty, above 0 a reward.

        >>> from decimal import Decimal as D
        >>> terms = SlaTerms(D("0.95"), D("0.98"), penalty_rate=D("0.5"), reward_rate=D("0.25"), penalty_cap=D("0.05"))
        >>> [str(terms.payoff(Fraction(x, 100))) for x in (80, 93, 96, 99)]
        ['-1/20', '-1/100', '0', '1/400']
        """
        sign, bad, good = self._edges()
        worse, better = sign * (bad - measure), sign * (measure - good)
        due = Fraction(self.penalty_rate) * max(worse, Fraction(0))
        for limit, part in self.penalty_steps:
            if sign * (Fraction(limit) - measure) > 0:
                due = max(due, Fraction(part))
        reward = Fraction(self.reward_rate) * max(better, Fraction(0))
        return min(reward, Fraction(self.reward_cap)) - min(due, Fraction(self.penalty_cap))

    def _edges(self) -> tuple[int, Fraction, Fraction]:
        """Direction, the edge where penalties start, the edge where rewards start."""
        low, high = Fraction(self.low), Fraction(self.high)
        return (1, low, high) if self.better == "high" else (-1, high, low)


def sla_payoffs(measure: npt.ArrayLike, terms: SlaTerms) -> Floats:
    """`SlaTerms.payoff` over an array, in floats, for simulation; a settlement uses `settle_sla`.

    Any shape; NaN gives NaN, empty gives empty. Caps within the period hold, those of the year need the periods' order.

    >>> terms = SlaTerms(Decimal("0.95"), Decimal("0.98"), penalty_rate=Decimal("0.5"), penalty_cap=Decimal("0.05"))
    >>> sla_payoffs([0.80, 0.93, 0.96], terms).round(4).tolist()
    [-0.05, -0.01, 0.0]
    """
    x = np.asarray(measure, dtype=np.float64)
    sign = 1.0 if terms.better == "high" else -1.0
    bad, good = (terms.low, terms.high) if terms.better == "high" else (terms.high, terms.low)
    due = float(terms.penalty_rate) * np.maximum(sign * (float(bad) - x), 0.0)
    for limit, part in terms.penalty_steps:
        due = np.where(sign * (float(limit) - x) > 0, np.maximum(due, float(part)), due)
    reward = float(terms.reward_rate) * np.maximum(sign * (x - float(good)), 0.0)
    pay = np.minimum(reward, float(terms.reward_cap)) - np.minimum(due, float(terms.penalty_cap))
    return np.asarray(np.where(np.isnan(x), np.nan, pay + 0.0))
