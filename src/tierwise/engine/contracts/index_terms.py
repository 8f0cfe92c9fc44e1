"""What an index-linked price says, and the record of each revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from tierwise.engine.contracts.money import CENTS, UNIT_PRICES, Rounding, exact, not_negative, share

Outcome = Literal["revised", "below threshold", "step limited", "at the cap", "at the floor", "held"]


@dataclass(frozen=True, slots=True)
class IndexComponent:
    """A published index, the share of the price that follows it, and its value when the base price was agreed."""

    index: str
    weight: Decimal
    base_value: Decimal

    def __post_init__(self) -> None:
        share(self.weight, "weight")
        if exact(self.base_value, "base_value") <= 0:
            raise ValueError(f"base_value: {self.base_value} of {self.index!r} must be above 0")


@dataclass(frozen=True, slots=True)
class IndexFormula:
    """P = P0 · (a + Σ b_i · I_i / I_i0), with what a contract puts around it.

    ``fixed_share`` a and the weights b_i sum to 1. A revision reads the month ``lag_months`` before it (mean of the
    ``average_months`` that end there). ``max_age_months``: how much older a reading may be used when one is missing;
    without one the price in force is held. ``threshold``: smallest change of the price in force that is carried out,
    then in full. ``step_limit``: largest change per revision. ``floor``, ``cap``: bounds as factors of the base price
    (0.9, 1.2). The formula always starts from the base, so what a limit held back comes through later. ``readings``
    "final": the latest publication counts, and an index revised afterwards is trued up; "first": the first publication
    of a month counts for good. ``unit_rounding`` rounds the price, ``rounding`` a line.
    """

    base_price: Decimal
    fixed_share: Decimal
    components: tuple[IndexComponent, ...]
    lag_months: int = 0
    average_months: int = 1
    max_age_months: int = 0
    threshold: Decimal = Decimal(0)
    step_limit: Decimal | None = None
    floor: Decimal | None = None
    cap: Decimal | None = None
    readings: Literal["final", "first"] = "final"
    unit_rounding: Rounding = UNIT_PRICES
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        not_negative(self.base_price, "base_price")
        total = share(self.fixed_share, "fixed_share") + sum((each.weight for each in self.components), Decimal(0))
        if total != 1:
            raise ValueError(f"components: fixed share and weights sum to {total}; they must sum to 1")
        if len({each.index for each in self.components}) != len(self.components):
            raise ValueError("components: an index stands twice; add its weights")
        if self.lag_months < 0 or self.average_months < 1 or self.max_age_months < 0:
            raise ValueError("lag_months, max_age_months: 0 or more; average_months: 1 or more")
        not_negative(self.threshold, "threshold")
        for name in ("step_limit", "floor", "cap"):
            if getattr(self, name) is not None:
                not_negative(getattr(self, name), name)
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor: {self.floor} lies above the cap {self.cap}; swap them")
        if self.readings not in {"final", "first"}:
            raise ValueError(f"readings: {self.readings!r} is unknown; use final or first")


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One component at one revision: the value read, its month (the last, if averaged) and publication, whether an
    older month stood in, and what it puts on the price against the base."""

    index: str
    weight: Decimal
    value: Fraction | None
    month: date | None
    published: date | None
    stale: bool
    effect: Fraction


@dataclass(frozen=True, slots=True)
class IndexRevision:
    """The price from ``day`` on. ``computed`` is the formula alone (None: a reading is missing), ``outcome`` what stood
    between it and the price."""

    day: date
    month: date
    computed: Fraction | None
    price: Decimal
    change: Fraction
    outcome: Outcome
    parts: tuple[IndexPart, ...]
