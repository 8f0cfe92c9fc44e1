"""Prices that depend on when something is ordered and how soon it is wanted."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.money import (
    CENTS,
    UNIT_PRICES,
    Exact,
    Rounding,
    decimal_places,
    exact,
    exact_columns,
    not_negative,
    product,
)


@dataclass(frozen=True, slots=True)
class LeadTimeCurve:
    """Price factor by lead time in days: ``points`` (days, factor), days rising.

    ``kind`` "step": the factor of the last point reached; "linear": straight lines between points. Before the first
    point its factor holds, after the last the last one's. A price that rises as the lead time shrinks is an expedite
    curve: (0, 1.30), (7, 1.10), (21, 1.00).
    """

    points: tuple[tuple[int, Decimal], ...]
    kind: Literal["step", "linear"] = "step"

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("points: none given; give at least (0, Decimal(1))")
        days = [at for at, _ in self.points]
        if any(a >= b for a, b in pairwise(days)):
            raise ValueError(f"points: days {days} must rise")
        for _, factor in self.points:
            not_negative(factor, "points")
        if self.kind not in {"step", "linear"}:
            raise ValueError(f"kind: {self.kind!r} is unknown; use step or linear")

    def factor(self, days: int) -> Fraction:
        """The exact factor at a lead time.

        >>> curve = LeadTimeCurve(((0, Decimal("1.30")), (10, Decimal("1.10")), (20, Decimal(1))), "linear")
        >>> float(curve.factor(5)), float(curve.factor(30))
        (1.2, 1.0)
        """
        at = bisect_right([each for each, _ in self.points], days) - 1
        if at < 0:
            return Fraction(self.points[0][1])
        here, factor = self.points[at]
        if self.kind == "step" or at == len(self.points) - 1:
            return Fraction(factor)
        there, following = self.points[at + 1]
        return Fraction(factor) + (Fraction(following) - Fraction(factor)) * Fraction(days - here, there - here)


@dataclass(frozen=True, slots=True)
class PriceCalendar:
    """Base prices with the day each comes into force, a lead-time curve, and seasons (first day, last day, factor).

    The base price is that of the day ordered or of the day due, as ``priced_by`` says; a season is that of the day due,
    and where seasons overlap the first holds. ``unit_rounding`` rounds the unit price, ``rounding`` the line.
    """

    prices: tuple[tuple[date, Decimal], ...]
    lead_time: LeadTimeCurve = LeadTimeCurve(((0, Decimal(1)),))
    seasons: tuple[tuple[date, date, Decimal], ...] = ()
    priced_by: Literal["ordered", "due"] = "ordered"
    unit_rounding: Rounding = UNIT_PRICES
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        days = [day for day, _ in self.prices]
        if not days or any(a >= b for a, b in pairwise(days)):
            raise ValueError("prices: give at least one, with rising days from which they hold")
        for _, price in self.prices:
            not_negative(price, "prices")
        for first, last, factor in self.seasons:
            not_negative(factor, "seasons")
            if last < first:
                raise ValueError(f"seasons: {last} lies before {first}; swap them")
        if self.priced_by not in {"ordered", "due"}:
            raise ValueError(f"priced_by: {self.priced_by!r} is unknown; use ordered or due")


@dataclass(frozen=True, slots=True)
class TimePrice:
    """A unit price and what made it: base price, factor of the lead time, factor of the season."""

    unit_price: Decimal
    base: Decimal
    lead_days: int
    lead_factor: Fraction
    season_factor: Fraction


def time_price(ordered: date, due: date, calendar: PriceCalendar) -> TimePrice:
    """The unit price of something ordered on one day and due on another.

    Base × lead factor × season factor, rounded once. ValueError before the first price and for a due day before the
    order. Our own numbers: 10.00 with 10 % for less than a week.

    >>> curve = LeadTimeCurve(((0, Decimal("1.10")), (7, Decimal(1))))
    >>> calendar = PriceCalendar(((date(2024, 1, 1), Decimal("10.00")),), curve)
    >>> str(time_price(date(2024, 3, 1), date(2024, 3, 5), calendar).unit_price)
    '11.0000'
    """
    lead = (due - ordered).days
    if lead < 0:
        raise ValueError(f"due: {due} lies before ordered {ordered}; a return is settled at the price it was bought at")
    day = ordered if calendar.priced_by == "ordered" else due
    at = bisect_right([start for start, _ in calendar.prices], day) - 1
    if at < 0:
        raise ValueError(f"prices: none is in force on {day}; the first begins on {calendar.prices[0][0]}")
    base = exact(calendar.prices[at][1], "prices")
    season = next((Fraction(f) for first, last, f in calendar.seasons if first <= due <= last), Fraction(1))
    factor = calendar.lead_time.factor(lead)
    return TimePrice(calendar.unit_rounding.apply(Fraction(base) * factor * season), base, lead, factor, season)


def time_prices(orders: pl.DataFrame, calendar: PriceCalendar) -> pl.DataFrame:
    """`time_price` for every row, and its amount.

    ``orders``: ``ordered``, ``due`` (Date), ``quantity`` (integer or Decimal), other columns are kept, order too. Adds
    ``lead_days``, ``unit_price``, ``amount`` (Decimal, rounded once per line) and ``surcharge``, the part of the amount
    that lead time and season put on the base price (below 0: a discount). Null dates or quantities give null.

    >>> curve = LeadTimeCurve(((0, Decimal("1.10")), (7, Decimal(1))))
    >>> calendar = PriceCalendar(((date(2024, 1, 1), Decimal("10.00")),), curve)
    >>> due = [date(2024, 3, 5), date(2024, 3, 9)]
    >>> orders = pl.DataFrame({"ordered": [date(2024, 3, 1)] * 2, "due": due, "quantity": [30, 30]})
    >>> found = time_prices(orders, calendar)
    >>> found.select(pl.col("lead_days", "amount", "surcharge").cast(pl.Float64)).rows()
    [(4.0, 330.0, 30.0), (8.0, 300.0, 0.0)]
    """
    checks.columns("orders", orders, ("ordered", "due"))
    rows = exact_columns(orders, ["quantity"], "orders")
    pairs = rows.select("ordered", "due").drop_nulls().unique()
    found = [time_price(ordered, due, calendar) for ordered, due in pairs.iter_rows()]
    places = max(calendar.unit_rounding.places, 0)
    bases = max([places, *(decimal_places(price) for _, price in calendar.prices)])
    priced = pairs.with_columns(
        pl.Series("lead_days", [each.lead_days for each in found], pl.Int64),
        pl.Series("unit_price", [each.unit_price for each in found], pl.Decimal(38, places)),
        pl.Series("_base", [each.base for each in found], pl.Decimal(38, bases)),
    )
    joined = rows.join(priced, on=["ordered", "due"], how="left", maintain_order="left")
    amount = product(joined, "quantity", "unit_price", calendar.rounding)
    plain = product(joined, "quantity", "_base", calendar.rounding)
    return joined.with_columns(amount=amount, surcharge=amount - plain).drop("_base")


def price_for_margin(cost: Exact, margin: Exact, rounding: Rounding = CENTS) -> Decimal:
    """The price at which a cost leaves a margin (share of the price): cost / (1 − margin).

    >>> str(price_for_margin("75", "0.25"))
    '100.00'
    """
    part = exact(margin, "margin")
    if part >= 1:
        raise ValueError(f"margin: {margin} must lie below 1; it is a share of the price, not of the cost")
    return rounding.apply(Fraction(not_negative(cost, "cost")) / (1 - Fraction(part)))
