"""Index-linked prices: revisions as they were known, collars, missing readings, true-up and change of base year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.index_terms import IndexComponent, IndexFormula, IndexPart, IndexRevision, Outcome
from tierwise.engine.contracts.money import decimal_places, exact_columns, product

Known = dict[str, dict[date, tuple[Fraction, date]]]
_COLUMNS = ("index", "month", "value", "published")


def index_prices(
    formula: IndexFormula, readings: pl.DataFrame, days: Sequence[date], known_on: date | None = None
) -> tuple[IndexRevision, ...]:
    """The price at each revision day, with the breakdown by component.

    ``readings``: ``index``, ``month`` (any day in it), ``value`` (Decimal or integer, above 0), ``published`` (Date); a
    month that was revised has several rows. ``days`` rise. Without ``known_on`` each revision uses what had been
    published by its own day: the prices as they were billed. With it, all use what was known then: the prices as they
    turned out. The first revision is measured against the base price. No days: no revisions.

    Source of the clauses: US Bureau of Labor Statistics, "Price adjustment guide for contracting parties" (base and
    period named, lag, missing and revised data, floors and ceilings). Our own number: 1000 · (0.2 + 0.5 · 120 /
    100 + 0.3 · 104 / 100) = 1,112.

    >>> from decimal import Decimal as D
    >>> parts = (IndexComponent("steel", D("0.5"), D(100)), IndexComponent("wages", D("0.3"), D(100)))
    >>> formula = IndexFormula(D(1000), D("0.2"), parts)
    >>> day = date(2024, 4, 1)
    >>> rows = {"index": ["steel", "wages"], "month": [day] * 2, "value": [120, 104], "published": [day] * 2}
    >>> found = index_prices(formula, pl.DataFrame(rows), [day])[0]
    >>> str(found.price), [float(part.effect) for part in found.parts]
    ('1112.0000', [100.0, 12.0])
    """
    if any(a >= b for a, b in pairwise(days)):
        raise ValueError("days: revision days must rise")
    rows = _checked(readings)
    found: list[IndexRevision] = []
    price = formula.base_price
    for day in days:
        known = _known(rows, known_on or day, first=formula.readings == "first")
        revision = _revise(formula, known, day, price)
        price = revision.price
        found.append(revision)
    return tuple(found)


def revision_frame(revisions: Sequence[IndexRevision]) -> pl.DataFrame:
    """One row per revision and component: day, month, price, change, outcome, index, weight, value, stale, effect.

    Half the price follows steel, which rose by a fifth: 10 · (0.5 + 0.5 · 1.2) = 11.

    >>> from decimal import Decimal as D
    >>> formula = IndexFormula(D(10), D("0.5"), (IndexComponent("steel", D("0.5"), D(100)),))
    >>> day = date(2024, 4, 1)
    >>> readings = pl.DataFrame({"index": ["steel"], "month": [day], "value": [120], "published": [day]})
    >>> row = revision_frame(index_prices(formula, readings, [day])).row(0, named=True)
    >>> float(row["price"]), row["index"], row["value"], row["effect"]
    (11.0, 'steel', 120.0, 1.0)
    """
    rows = [
        {
            "day": each.day, "month": part.month, "price": each.price, "change": float(each.change),
            "outcome": each.outcome, "index": part.index, "weight": part.weight,
            "value": None if part.value is None else float(part.value), "stale": part.stale,
            "effect": float(part.effect),
        }
        for each in revisions
        for part in each.parts
    ]  # fmt: skip
    real, text, money = pl.Float64(), pl.String(), pl.Decimal(38, 12)
    schema: dict[str, pl.DataType] = {"day": pl.Date(), "month": pl.Date(), "price": money, "change": real}
    schema |= {"outcome": text, "index": text, "weight": money, "value": real, "stale": pl.Boolean(), "effect": real}
    return pl.DataFrame(rows, schema=schema)


@dataclass(frozen=True, slots=True)
class TrueUp:
    """``lines``: the purchases with ``billed_price``, ``final_price`` and ``due`` (Decimal; above 0 the buyer pays
    more); ``total`` their sum; the two series of revisions."""

    lines: pl.DataFrame
    total: Decimal
    billed: tuple[IndexRevision, ...]
    final: tuple[IndexRevision, ...]


def true_up(
    formula: IndexFormula, readings: pl.DataFrame, purchases: pl.DataFrame, days: Sequence[date], known_on: date
) -> TrueUp:
    """What purchases still cost once provisional readings have been revised.

    ``purchases``: ``day`` (Date), ``quantity`` (integer or Decimal), others kept, in their order. Each takes the price
    of the last revision up to its day (before the first: the base price), once as known at that revision and once as
    known on ``known_on``; due = quantity × difference, rounded per line. With ``readings="first"`` it is 0.

    Our own numbers: an index first given as 120 and revised to 110 takes 5 % of the base price off each unit:

    >>> from decimal import Decimal as D
    >>> formula = IndexFormula(D(10), D("0.5"), (IndexComponent("steel", D("0.5"), D(100)),))
    >>> day, later = date(2024, 4, 1), date(2024, 7, 1)
    >>> rows = {"index": ["steel"] * 2, "month": [day] * 2, "value": [120, 110], "published": [day, later]}
    >>> bought = pl.DataFrame({"day": [date(2024, 4, 9)], "quantity": [200]})
    >>> str(true_up(formula, pl.DataFrame(rows), bought, [day], later).total)
    '-100.00'
    """
    checks.columns("purchases", purchases, ("day",))
    rows = exact_columns(purchases, ["quantity"], "purchases")
    billed = index_prices(formula, readings, days)
    final = index_prices(formula, readings, days, known_on)
    lines = rows.with_columns(
        _in_force(rows["day"], formula, billed).alias("billed_price"),
        _in_force(rows["day"], formula, final).alias("final_price"),
    ).with_columns(_difference=pl.col("final_price") - pl.col("billed_price"))
    lines = lines.with_columns(product(lines, "quantity", "_difference", formula.rounding).alias("due"))
    total = sum(lines["due"].drop_nulls().to_list(), Decimal(0))
    return TrueUp(lines.drop("_difference"), total, billed, final)


def relink(old: pl.DataFrame, new: pl.DataFrame, index: str) -> pl.DataFrame:
    """An index continued on its old base after the office moved to a new base year.

    ``old``, ``new``: readings (columns as in `index_prices`) before and after the change. The link is the sum of the
    old readings over the sum of the new in the months that both have, each with its latest publication; new readings of
    later months are multiplied by it (exact to 10 places) and take their publication day along. Months of the old base
    stay as published. ValueError without a common month: the contract must then name the office's own factor.

    Source: BLS, "Price adjustment guide", on rebasing. Our own numbers: 150 old is 100 new, so 104 new is 156:

    >>> month = [date(2024, m, 1) for m in (1, 2)]
    >>> old = pl.DataFrame({"index": ["steel"], "month": month[:1], "value": [150], "published": month[:1]})
    >>> new = pl.DataFrame({"index": ["steel"] * 2, "month": month, "value": [100, 104], "published": month})
    >>> [str(value.normalize()) for value in relink(old, new, "steel")["value"]]
    ['1.5E+2', '156']
    """
    before, after = (_checked(each).filter(pl.col("index") == index) for each in (old, new))
    last = {name: _known(frame, date.max, first=False).get(index, {}) for name, frame in (("a", before), ("b", after))}
    shared = sorted(set(last["a"]) & set(last["b"]))
    if not shared:
        raise ValueError(f"{index}: old and new base have no month in common; name the office's linking factor")
    factor = sum((last["a"][m][0] for m in shared), Fraction(0)) / sum((last["b"][m][0] for m in shared), Fraction(0))
    later = after.filter(pl.col("month") > max(last["a"]))
    ten = 10**10
    linked = [Decimal(round(Fraction(value) * factor * ten)).scaleb(-10) for value in later["value"]]
    kind = pl.Decimal(38, 10)
    return pl.concat(
        [before.with_columns(pl.col("value").cast(kind)), later.with_columns(pl.Series("value", linked, kind))]
    )


def _checked(readings: pl.DataFrame) -> pl.DataFrame:
    checks.columns("readings", readings, _COLUMNS)
    rows = exact_columns(readings.select(_COLUMNS), ["value"], "readings").drop_nulls()
    if rows.select((pl.col("value") <= 0).any()).item():
        raise ValueError("value: an index is 0 or below; leave out months without a reading")
    return rows.with_columns(pl.col("month").cast(pl.Date).dt.truncate("1mo"), pl.col("published").cast(pl.Date))


def _known(rows: pl.DataFrame, day: date, *, first: bool) -> Known:
    """Per index and month the reading that counts on a day, with its publication."""
    found: Known = {}
    for index, month, value, published in rows.sort("published", maintain_order=True).iter_rows():
        months = found.setdefault(index, {})
        if published <= day and not (first and month in months):
            months[month] = (Fraction(value), published)
    return found


def _revise(formula: IndexFormula, known: Known, day: date, price: Decimal) -> IndexRevision:
    month = _back(day.replace(day=1), formula.lag_months)
    parts = tuple(_part(formula, each, known.get(each.index, {}), month) for each in formula.components)
    if any(part.value is None for part in parts):
        return IndexRevision(day, month, None, price, Fraction(0), "held", parts)
    computed = Fraction(formula.base_price) + sum((part.effect for part in parts), Fraction(0))
    wanted, outcome = _limited(formula, computed, Fraction(price))
    settled = price if outcome == "below threshold" else formula.unit_rounding.apply(wanted)
    change = Fraction(settled) / Fraction(price) - 1 if price else Fraction(0)
    return IndexRevision(day, month, computed, settled, change, outcome, parts)


def _limited(formula: IndexFormula, computed: Fraction, price: Fraction) -> tuple[Fraction, Outcome]:
    """Collar first, as it bounds what the price may be at all; then threshold and step against the price in force."""
    base, wanted, outcome = Fraction(formula.base_price), computed, "revised"
    if formula.cap is not None and wanted > base * Fraction(formula.cap):
        wanted, outcome = base * Fraction(formula.cap), "at the cap"
    if formula.floor is not None and wanted < base * Fraction(formula.floor):
        wanted, outcome = base * Fraction(formula.floor), "at the floor"
    if abs(wanted - price) < price * Fraction(formula.threshold):
        return price, "below threshold"
    if formula.step_limit is not None and abs(wanted - price) > price * Fraction(formula.step_limit):
        up = 1 if wanted > price else -1
        return price * (1 + up * Fraction(formula.step_limit)), "step limited"
    return wanted, outcome  # type: ignore[return-value]


def _part(
    formula: IndexFormula, component: IndexComponent, months: dict[date, tuple[Fraction, date]], month: date
) -> IndexPart:
    """The newest full window of months that ends at ``month`` or, where allowed, up to ``max_age_months`` earlier."""
    for age in range(formula.max_age_months + 1):
        window = [_back(month, age + each) for each in range(formula.average_months)]
        if all(each in months for each in window):
            value = sum((months[each][0] for each in window), Fraction(0)) / len(window)
            ratio = value / Fraction(component.base_value)
            effect = Fraction(formula.base_price) * Fraction(component.weight) * (ratio - 1)
            published = max(months[each][1] for each in window)
            return IndexPart(component.index, component.weight, value, window[0], published, age > 0, effect)
    return IndexPart(component.index, component.weight, None, None, None, stale=True, effect=Fraction(0))


def _back(month: date, months: int) -> date:
    at = month.year * 12 + month.month - 1 - months
    return date(at // 12, at % 12 + 1, 1)


def _in_force(days: pl.Series, formula: IndexFormula, revisions: Sequence[IndexRevision]) -> pl.Series:
    kind = pl.Decimal(38, max(formula.unit_rounding.places, decimal_places(formula.base_price)))
    starts = pl.DataFrame(
        {"start": [date.min, *(each.day for each in revisions)]}, schema={"start": pl.Date}
    ).with_columns(pl.Series("price", [formula.base_price, *(each.price for each in revisions)], kind))
    asked = pl.DataFrame({"day": days}).with_row_index("_row").sort("day")
    found = asked.join_asof(starts.sort("start"), left_on="day", right_on="start", check_sortedness=False)
    return found.sort("_row")["price"]
