"""Excess and obsolete material at a supplier: what it is, what it costs, and until when it can be claimed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

import numpy as np
import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.money import CENTS, Rounding, decimal_places, exact_columns, not_negative, product, share

WINDOW_DAYS = {"A": 30, "B": 90, "C": 180}
"""Days of demand that each class may have in stock, as in contract manufacturers' usual terms."""


@dataclass(frozen=True, slots=True)
class ExcessTerms:
    """An excess-and-obsolete clause.

    ``window_days`` by class: stock beyond the demand of that time is excess. Without demand in ``obsolete_months`` all
    of it is obsolete. ``markup`` on what the buyer takes over (handling), ``return_fee`` on what the maker of the
    material takes back, both shares of its cost. Working days: ``list_days`` after the month's end until the list is
    due, ``objection_days`` to object to it, ``final_days`` until it is final.
    """

    window_days: Mapping[str, int] = field(default_factory=lambda: dict(WINDOW_DAYS))
    obsolete_months: int = 6
    markup: Decimal = Decimal(0)
    return_fee: Decimal = Decimal(0)
    list_days: int = 15
    objection_days: int = 5
    final_days: int = 5
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        if not self.window_days or any(days < 0 for days in self.window_days.values()):
            raise ValueError("window_days: give each class its days, 0 or more")
        if self.obsolete_months < 1 or min(self.list_days, self.objection_days, self.final_days) < 0:
            raise ValueError("obsolete_months: 1 or more; list_days, objection_days, final_days: 0 or more")
        not_negative(self.markup, "markup")
        share(self.return_fee, "return_fee")


def excess_and_obsolete(
    stock: pl.DataFrame, demand: pl.DataFrame, as_of: date, terms: ExcessTerms | None = None
) -> pl.DataFrame:
    """Which stock at the supplier the buyer answers for, part by part, in exact decimals.

    ``stock``: ``part``, ``abc`` (class), ``on_hand``, ``on_order`` (cannot be cancelled any more), ``returnable``
    (units its maker takes back), ``unit_cost``; other columns kept. ``demand``: ``part``, ``due`` (Date), ``quantity``
    of all products that use the part, whoever buys them, so that what another use takes is not claimed; overdue demand
    counts.

    Adds ``demand_window`` (due up to as_of + the class's days), ``demand_horizon`` (up to as_of + ``obsolete_months``),
    ``kind`` ('obsolete', 'excess', 'none'), ``units`` (all stock, or stock − demand_window, 0 or more), ``returned``
    (as many of them as can be returned), ``taken`` over by the buyer, ``amount`` = taken · cost · (1 + markup) +
    returned · cost · fee, each product rounded once. No stock: no rows.

    Source: clauses of contract manufacturers (Sanmina, by lawinsider.com): obsolete without demand in 6 months,
    excess beyond 30, 90, 180 days for classes A, B, C. Our own numbers: 100 held and 60 needed in 30 days is 40 excess.

    >>> stock = {"part": ["r1"], "abc": ["A"], "on_hand": [70], "on_order": [30], "returnable": [10]}
    >>> held = pl.DataFrame(stock | {"unit_cost": [Decimal("2.50")]})
    >>> need = pl.DataFrame({"part": ["r1", "r1"], "due": [date(2024, 2, 15), date(2024, 5, 1)], "quantity": [60, 30]})
    >>> found = excess_and_obsolete(held, need, date(2024, 1, 31), ExcessTerms(return_fee=Decimal("0.1")))
    >>> [str(each) for each in found.select("kind", "units", "taken", "amount").row(0)]
    ['excess', '40', '30', '77.50']
    """
    rule = terms or ExcessTerms()
    held = exact_columns(stock, ["on_hand", "on_order", "returnable", "unit_cost"], "stock")
    needed = exact_columns(demand, ["quantity"], "demand")
    checks.columns("stock", held, ("part", "abc"))
    checks.columns("demand", needed, ("part", "due"))
    if unknown := sorted(set(held["abc"].drop_nulls().to_list()) - set(rule.window_days)):
        raise ValueError(f"abc: class {', '.join(unknown)} has no window; name its days in window_days")
    if held["abc"].null_count() or held["part"].is_duplicated().any():
        raise ValueError("part, abc: each part stands once and has a class; sum its stock over places first")
    days = pl.col("abc").replace_strict(rule.window_days, return_dtype=pl.Int64)
    ends = held.select("part", _window=pl.lit(as_of) + pl.duration(days=days))
    horizon = pl.lit(as_of).dt.offset_by(f"{rule.obsolete_months}mo")
    sums = (
        needed.join(ends, on="part", how="inner")
        .group_by("part")
        .agg(
            pl.col("quantity").filter(pl.col("due") <= pl.col("_window")).sum().alias("demand_window"),
            pl.col("quantity").filter(pl.col("due") <= horizon).sum().alias("demand_horizon"),
        )
    )
    nothing = pl.lit(Decimal(0))
    rows = held.join(sums, on="part", how="left", maintain_order="left").with_columns(
        pl.col("demand_window", "demand_horizon").fill_null(nothing), _all=pl.col("on_hand") + pl.col("on_order")
    )
    over = pl.max_horizontal(pl.col("_all") - pl.col("demand_window"), nothing)
    obsolete = pl.col("demand_horizon") <= 0
    rows = rows.with_columns(units=pl.when(obsolete).then("_all").otherwise(over)).with_columns(
        kind=pl.when(pl.col("units") <= 0)
        .then(pl.lit("none"))
        .when(obsolete)
        .then(pl.lit("obsolete"))
        .otherwise(pl.lit("excess")),
        returned=pl.min_horizontal("units", "returnable"),
    )
    return _valued(rows.with_columns(taken=pl.col("units") - pl.col("returned")), rule)


@dataclass(frozen=True, slots=True)
class ClaimDates:
    """Last days of a claim: for the list, for an objection to it, and until it is final."""

    list_due: date
    objection_due: date
    final_due: date

    def stage(self, day: date) -> Literal["listing", "objection", "final", "closed"]:
        """Where the claim stands on a day."""
        if day <= self.list_due:
            return "listing"
        if day <= self.objection_due:
            return "objection"
        return "final" if day <= self.final_due else "closed"


def claim_dates(
    month_end: date, terms: ExcessTerms | None = None, closures: Collection[date] = (), listed: date | None = None
) -> ClaimDates:
    """When a claim for a month must be listed, objected to and final, in working days.

    Monday to Friday without ``closures``. ``listed``: the day the list really came; the times after it then run from
    there. A list that came too late is refused by ValueError: it can be claimed with the next month. Source as
    `excess_and_obsolete`: 15, 5 and 5 working days.

    >>> found = claim_dates(date(2024, 1, 31))
    >>> str(found.list_due), str(found.objection_due), str(found.final_due)
    ('2024-02-21', '2024-02-28', '2024-03-06')
    """
    rule = terms or ExcessTerms()
    list_due = _after(month_end, rule.list_days, closures)
    if listed is not None and listed > list_due:
        raise ValueError(f"listed: {listed} is after the last day {list_due}; claim it with the next month")
    objection_due = _after(listed or list_due, rule.objection_days, closures)
    return ClaimDates(list_due, objection_due, _after(objection_due, rule.final_days, closures))


def _valued(rows: pl.DataFrame, terms: ExcessTerms) -> pl.DataFrame:
    places = max(decimal_places(terms.markup), decimal_places(terms.return_fee))
    factor = pl.Decimal(38, places)
    kind = rows.schema["unit_cost"]
    assert isinstance(kind, pl.Decimal)
    wide = pl.Decimal(38, kind.scale + places)
    cost = pl.col("unit_cost").cast(wide)
    taken, returned = (pl.lit(each, factor).cast(wide) for each in (1 + terms.markup, terms.return_fee))
    rates = rows.with_columns(_take=cost * taken, _back=cost * returned)
    amount = product(rates, "taken", "_take", terms.rounding) + product(rates, "returned", "_back", terms.rounding)
    return rates.with_columns(amount=amount).drop("_take", "_back", "_all")


def _after(day: date, working_days: int, closures: Collection[date]) -> date:
    """The given number of working days after a day; from a day off they count from the working day before it."""
    holidays = [np.datetime64(each) for each in sorted(closures)]
    found = np.busday_offset(np.datetime64(day, "D"), working_days, roll="backward", holidays=holidays)
    return date.fromisoformat(str(found))
