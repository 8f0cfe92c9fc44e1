"""Service levels that pay: statements period by period, with excuses, caps and earn-back, in exact decimals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.money import CENTS, Exact, Rounding, exact, not_negative, split_money
from tierwise.engine.contracts.sla_terms import SlaTerms

Verdict = Literal["penalty", "reward", "in band", "too few", "within error", "nothing measured"]


@dataclass(frozen=True, slots=True)
class SlaPeriod:
    """What happened in one period: ``value`` the money at stake, ``year`` the contract year its caps belong to.

    Either ``hits`` of ``n`` (a share), or a ``measure`` of another kind (ppm, days) with the ``interval`` it is known
    within. ``n`` counts what was judged, excused lines left out.
    """

    label: str
    value: Decimal
    n: int
    hits: int | None = None
    measure: Decimal | None = None
    interval: tuple[Decimal, Decimal] | None = None
    year: str = ""

    def __post_init__(self) -> None:
        not_negative(self.value, "value")
        if (self.hits is None) == (self.measure is None):
            raise ValueError(f"hits, measure: period {self.label!r} needs one of the two")
        if self.n < 0 or (self.hits is not None and not 0 <= self.hits <= self.n):
            raise ValueError(f"hits: period {self.label!r} has {self.hits} of {self.n}; give 0 to n")
        if self.measure is not None:
            exact(self.measure, "measure")
        if self.interval is not None and exact(self.interval[0], "interval") > exact(self.interval[1], "interval"):
            raise ValueError(f"interval: period {self.label!r} has its ends swapped")


@dataclass(frozen=True, slots=True)
class SlaLine:
    """One line of a statement; amounts from the buyer's side: penalties come in (+), rewards go out (−).

    ``uncapped`` is what the rate alone says, ``capped`` what the period's cap leaves, ``amount`` what the year's cap
    leaves, ``earned_back`` the earlier penalties given back in this period (0 or less), of ``earned_back_for``.
    """

    label: str
    year: str
    n: int
    measure: Decimal | None
    low: float | None
    high: float | None
    verdict: Verdict
    uncapped: Decimal
    capped: Decimal
    amount: Decimal
    earned_back: Decimal
    earned_back_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlaStatement:
    """Lines in the order of the periods; ``net`` is what the supplier owes the buyer (below 0: the other way)."""

    lines: tuple[SlaLine, ...]

    @property
    def penalties(self) -> Decimal:
        """All penalties after caps."""
        return sum((line.amount for line in self.lines if line.amount > 0), Decimal(0))

    @property
    def rewards(self) -> Decimal:
        """All rewards after caps, 0 or less."""
        return sum((line.amount for line in self.lines if line.amount < 0), Decimal(0))

    @property
    def earned_back(self) -> Decimal:
        """All penalties given back, 0 or less."""
        return sum((line.earned_back for line in self.lines), Decimal(0))

    @property
    def net(self) -> Decimal:
        """Penalties less rewards and what was earned back."""
        return self.penalties + self.rewards + self.earned_back

    def frame(self) -> pl.DataFrame:
        """The lines as a frame; ``earned_back_for`` as text."""
        rows = [{each.name: getattr(line, each.name) for each in fields(SlaLine)} for line in self.lines]
        for row in rows:
            row["earned_back_for"] = ", ".join(row["earned_back_for"])
        money, real = pl.Decimal(38, 12), pl.Float64()
        schema: dict[str, pl.DataType] = dict.fromkeys((each.name for each in fields(SlaLine)), money)
        schema |= dict.fromkeys(("label", "year", "verdict", "earned_back_for"), pl.String())
        return pl.DataFrame(rows, schema=schema | {"n": pl.Int64(), "low": real, "high": real})


def count_hits(lines: pl.DataFrame, excusable: Collection[str], keys: Sequence[str] = ("period",)) -> pl.DataFrame:
    """What remains to be judged once misses that the other side or nobody caused are taken out.

    ``lines``: ``keys``, ``hit`` (Boolean, null: not to be judged) and ``cause`` of a miss (text or null). A miss whose
    cause is in ``excusable`` leaves both the count and the hits; a hit stays whatever its cause says. One row per key,
    sorted: ``lines`` judged at all, ``excused``, ``n``, ``hits``, ``as_measured`` (hits / lines), ``as_judged`` (hits /
    n, null without n). Our own numbers: of 4 lines two hit, one miss is the carrier's and excused: 2 of 3.

    >>> given = {"period": ["m"] * 4, "hit": [True, True, False, False], "cause": [None, None, "carrier", "late"]}
    >>> count_hits(pl.DataFrame(given), {"carrier"}).row(0)
    ('m', 4, 1, 3, 2, 0.5, 0.666...)
    """
    checks.columns("lines", lines, (*keys, "hit", "cause"))
    excused = ~pl.col("hit") & pl.col("cause").is_in(sorted(excusable)).fill_null(value=False)
    counted = (
        lines.filter(pl.col("hit").is_not_null())
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("lines"),
            excused.sum().cast(pl.Int64).alias("excused"),
            (~excused).sum().cast(pl.Int64).alias("n"),
            pl.col("hit").sum().cast(pl.Int64).alias("hits"),
        )
    )
    judged = pl.when(pl.col("n") > 0).then(pl.col("hits") / pl.col("n"))
    return counted.with_columns(as_measured=pl.col("hits") / pl.col("lines"), as_judged=judged).sort(keys)


def settle_sla(periods: Sequence[SlaPeriod], terms: SlaTerms) -> SlaStatement:
    """The statement of a measure over successive periods.

    Per period: judge (enough n, interval wholly outside the dead band if the terms ask for it), take the pay-off of the
    measured value, cap it by the period's share, round once, cap it by what the contract year has left. Then earn-back:
    a penalty returns with the period in which the required number of judged periods in a row reached the level; a
    period that falls short loses it for good, a period that was not judged is passed over. What returns does not
    reopen the year's cap. Intervals of shares are Wilson's. No periods: no lines.

    Clause types: dead band, service credit, cap and earn-back as in usual outsourcing contracts. Published interval
    (Wilson 1927): 92 of 100 is [0.8500, 0.9589], so a floor of 95 % is not proven missed:

    >>> from decimal import Decimal as D
    >>> plain = SlaTerms(D("0.95"), D("0.98"), penalty_rate=D("0.5"), penalty_cap=D("0.05"))
    >>> settle_sla([SlaPeriod("May", D(10000), n=100, hits=92)], plain).net
    Decimal('150.00')
    >>> guarded = SlaTerms(D("0.95"), D("0.98"), penalty_rate=D("0.5"), confidence=0.95)
    >>> settle_sla([SlaPeriod("May", D(10000), n=100, hits=92)], guarded).lines[0].verdict
    'within error'
    """
    lines: list[SlaLine] = []
    used: dict[tuple[str, bool], Decimal] = {}
    for period in periods:
        line = _judge(period, terms)
        cap = terms.yearly_penalty_cap if line.capped > 0 else terms.yearly_reward_cap
        amount, drawer = line.capped, (period.year, line.capped > 0)
        if cap is not None and amount:
            left = max(cap - used.get(drawer, Decimal(0)), Decimal(0))
            amount = min(amount, left) if amount > 0 else max(amount, -left)
            used[drawer] = used.get(drawer, Decimal(0)) + abs(amount)
        lines.append(_with(line, amount=amount))
    return SlaStatement(tuple(_earn_back(lines, terms)))


@dataclass(frozen=True, slots=True)
class SharedCap:
    """Amounts of several measures under one cap: what each keeps, and how much the cap took away."""

    amounts: tuple[Decimal, ...]
    cut: Decimal


def cap_together(amounts: Sequence[Exact], cap: Exact, rounding: Rounding = CENTS) -> SharedCap:
    """Penalties of several measures of one period under the contract's amount at risk, cut in proportion.

    Amounts 0 or more; the cut parts sum to the cap exactly. None: nothing. Our own numbers: 60, 30 and 10 under 50.

    >>> [str(each) for each in cap_together([60, 30, 10], 50).amounts]
    ['30.00', '15.00', '5.00']
    """
    given = [not_negative(each, "amounts") for each in amounts]
    total, roof = sum(given, Decimal(0)), not_negative(cap, "cap")
    if total <= roof:
        return SharedCap(tuple(given), Decimal(0))
    return SharedCap(tuple(split_money(roof, given, rounding)), total - roof)


def _judge(period: SlaPeriod, terms: SlaTerms) -> SlaLine:
    measure = _measure(period)
    low, high = _interval(period, terms)
    verdict = _verdict(period, terms, measure, (low, high))
    pay = -terms.payoff(measure) if measure is not None and verdict in {"penalty", "reward"} else Fraction(0)
    plain = _uncapped(terms, measure) if pay else Fraction(0)
    shown = None if measure is None else _decimal(measure)
    value = Fraction(period.value)
    return SlaLine(
        label=period.label, year=period.year, n=period.n, measure=shown, low=low, high=high, verdict=verdict,
        uncapped=terms.rounding.apply(plain * value), capped=terms.rounding.apply(pay * value),
        amount=Decimal(0), earned_back=Decimal(0), earned_back_for=(),
    )  # fmt: skip


def _measure(period: SlaPeriod) -> Fraction | None:
    if period.measure is not None:
        return Fraction(period.measure)
    return Fraction(period.hits or 0, period.n) if period.n else None


def _interval(period: SlaPeriod, terms: SlaTerms) -> tuple[float | None, float | None]:
    if period.interval is not None:
        return float(period.interval[0]), float(period.interval[1])
    if period.hits is None or not period.n or terms.confidence is None:
        return None, None
    from tierwise.engine.scoring.intervals import wilson  # noqa: PLC0415  # its package loads compiled kernels

    low, high = wilson(period.hits / period.n, period.n, terms.confidence)
    return float(low), float(high)


def _verdict(
    period: SlaPeriod, terms: SlaTerms, measure: Fraction | None, interval: tuple[float | None, float | None]
) -> Verdict:
    if measure is None:
        return "nothing measured"
    if period.n < terms.minimum_n:
        return "too few"
    if Fraction(terms.low) <= measure <= Fraction(terms.high):
        return "in band"
    if terms.confidence is not None:
        low, high = interval
        if low is None or high is None or (high >= float(terms.low) and low <= float(terms.high)):
            return "within error"
    below = measure < Fraction(terms.low)
    return "penalty" if below == (terms.better == "high") else "reward"


def _uncapped(terms: SlaTerms, measure: Fraction | None) -> Fraction:
    """What the rate says from the buyer's side; a table's share has no more to it than itself."""
    if measure is None:
        return Fraction(0)
    low, high = Fraction(terms.low) - measure, measure - Fraction(terms.high)
    worse, better = (low, high) if terms.better == "high" else (high, low)
    if worse > 0 and terms.penalty_steps:
        sign = 1 if terms.better == "high" else -1
        missed = [Fraction(part) for limit, part in terms.penalty_steps if sign * (Fraction(limit) - measure) > 0]
        return max(missed, default=Fraction(0))
    return Fraction(terms.penalty_rate) * max(worse, Fraction(0)) - Fraction(terms.reward_rate) * max(
        better, Fraction(0)
    )


def _earn_back(lines: list[SlaLine], terms: SlaTerms) -> list[SlaLine]:
    rule = terms.earn_back
    if rule is None:
        return lines
    back: dict[int, list[SlaLine]] = {}
    for at, line in enumerate(lines):
        if line.amount <= 0:
            continue
        judged = 0
        for later in range(at + 1, len(lines)):
            reached = lines[later].measure
            if reached is None or lines[later].verdict == "too few":
                continue
            if (reached < rule.level) if terms.better == "high" else (reached > rule.level):
                break
            judged += 1
            if judged == rule.periods:
                back.setdefault(later, []).append(line)
                break
    returned = Fraction(rule.returned)
    found = []
    for at, line in enumerate(lines):
        earned = back.get(at, [])
        amount = terms.rounding.apply(-returned * sum((Fraction(each.amount) for each in earned), Fraction(0)))
        found.append(_with(line, earned_back=amount, earned_back_for=tuple(each.label for each in earned)))
    return found


def _with(line: SlaLine, **changes: object) -> SlaLine:
    given = {each.name: getattr(line, each.name) for each in fields(SlaLine)} | changes
    return SlaLine(**given)


def _decimal(value: Fraction) -> Decimal:
    """Ten places, enough to show; money is computed from the fraction itself."""
    return Rounding(10, "half_even").apply(value)
