from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    IndexComponent,
    IndexFormula,
    LeadTimeCurve,
    PriceCalendar,
    PriceTiers,
    Rounding,
    cheapest_order,
    index_prices,
    price_for_margin,
    relink,
    revision_frame,
    settle_tiers,
    tier_charge,
    tier_charges,
    time_price,
    time_prices,
    true_up,
)

D = Decimal
TEXTBOOK = {"starts": (D(0), D(400), D(800)), "prices": (D("0.75"), D("0.72"), D("0.68"))}
ALL_UNIT, INCREMENTAL = PriceTiers(**TEXTBOOK), PriceTiers(**TEXTBOOK, kind="incremental")  # type: ignore[arg-type]


# --- tiers


def test_tc11_yearly_cost_of_the_all_unit_optimum() -> None:
    """TC-11 (Snyder and Shen, Q 800 → 978.60): 1,300 a year, 8 an order, holding 30 % of the tier's price."""
    charge = tier_charge(800, ALL_UNIT)
    assert charge.unit_price == Fraction(68, 100)
    price = float(charge.unit_price)
    assert 1300 * price + 8 * 1300 / 800 + 0.3 * price * 800 / 2 == pytest.approx(978.60)


@pytest.mark.parametrize(
    ("quantity", "all_unit", "incremental"),
    [("0", "0.00", "0.00"), ("399.99", "299.99", "299.99"), ("400", "288.00", "300.00"), ("800", "544.00", "588.00"),
     ("1000.5", "680.34", "724.34")],
)  # fmt: skip
def test_breaks_belong_to_the_better_tier(quantity: str, all_unit: str, incremental: str) -> None:
    assert tier_charge(quantity, ALL_UNIT).amount == D(all_unit)
    assert tier_charge(quantity, INCREMENTAL).amount == D(incremental)


@st.composite
def some_tiers(draw: st.DrawFn) -> PriceTiers:
    starts = sorted(draw(st.sets(st.decimals("0.5", 1000, places=1), max_size=4)))
    prices = draw(st.lists(st.decimals(0, 50, places=3), min_size=len(starts) + 1, max_size=len(starts) + 1))
    kind = draw(st.sampled_from(("all_unit", "incremental")))
    return PriceTiers((D(0), *starts), tuple(sorted(prices, reverse=True)), kind)  # type: ignore[arg-type]


quantities = st.lists(st.decimals(0, 2000, places=2), min_size=1, max_size=12)


@settings(max_examples=30)
@given(quantities, some_tiers())
def test_columns_charge_what_single_quantities_do(given_: list[Decimal], tiers: PriceTiers) -> None:
    frame = pl.DataFrame({"quantity": pl.Series(given_, dtype=pl.Decimal(38, 2))})
    found = tier_charges(frame, tiers)
    assert found["amount"].to_list() == [tier_charge(each, tiers).amount for each in given_]
    assert found["tier"].to_list() == [sum(start <= each for start in tiers.starts) - 1 for each in given_]


@settings(max_examples=25)
@given(st.decimals(0, 2000, places=2), some_tiers())
def test_laws_of_tiers(quantity: Decimal, tiers: PriceTiers) -> None:
    found = tier_charge(quantity, tiers)
    assert sum(units for _, units, _, _ in found.parts) == quantity
    assert tiers.prices[-1] * quantity <= found.amount + D("0.01")
    more = tier_charge(quantity + 1, tiers)
    if tiers.kind == "incremental":
        assert more.amount >= found.amount
    best = cheapest_order(quantity, tiers)
    assert best.quantity >= quantity
    assert best.saving >= 0
    assert best.amount <= more.amount or tiers.kind == "incremental"


def test_rounding_up_to_the_next_tier() -> None:
    assert cheapest_order(390, ALL_UNIT).quantity == 400
    assert cheapest_order(300, ALL_UNIT).quantity == 300
    assert cheapest_order(390, INCREMENTAL).saving == 0


@settings(max_examples=30)
@given(quantities, some_tiers(), st.decimals(0, 50, places=2))
def test_a_settled_period_sums_to_its_tier(given_: list[Decimal], tiers: PriceTiers, billed: Decimal) -> None:
    kinds = {"quantity": pl.Decimal(38, 2), "unit_price": pl.Decimal(38, 2)}
    frame = pl.DataFrame({"quantity": given_, "unit_price": [billed] * len(given_)}, schema=kinds)
    found = settle_tiers(frame, tiers)
    assert sum(found.lines["due"]) == found.due == tier_charge(sum(given_), tiers).amount
    assert sum(found.lines["credit"]) == found.credit == found.billed - found.due


def test_tiers_refuse_floats_and_disorder() -> None:
    assert settle_tiers(pl.DataFrame(schema={"quantity": pl.Int64, "unit_price": pl.Int64}), ALL_UNIT).credit == 0
    nulls = tier_charges(pl.DataFrame({"quantity": [None, 5]}, schema={"quantity": pl.Int64}), ALL_UNIT)
    assert nulls["amount"].to_list() == [None, D("3.75")]
    with pytest.raises(ValueError, match=r"cast it to pl.Decimal"):
        tier_charges(pl.DataFrame({"quantity": [1.5]}), ALL_UNIT)
    with pytest.raises(ValueError, match="below 0"):
        tier_charges(pl.DataFrame({"quantity": [-1]}), ALL_UNIT)
    with pytest.raises(ValueError, match="must begin at 0"):
        PriceTiers((D(1),), (D(1),))
    with pytest.raises(ValueError, match="one price per start"):
        PriceTiers((D(0),), ())
    with pytest.raises(ValueError, match="one is unknown"):
        settle_tiers(pl.DataFrame({"quantity": [None], "unit_price": [1]}), ALL_UNIT)


# --- dated prices

CURVE = LeadTimeCurve(((0, D("1.3")), (7, D("1.1")), (21, D(1))))
CALENDAR = PriceCalendar(
    ((date(2024, 1, 1), D(10)), (date(2024, 7, 1), D(11))),
    CURVE,
    ((date(2024, 12, 1), date(2024, 12, 31), D("1.05")),),
)


@pytest.mark.parametrize(
    ("ordered", "lead", "price"),
    [("2024-06-30", 0, "13"), ("2024-06-30", 6, "13"), ("2024-06-30", 7, "11"), ("2024-06-30", 21, "10"),
     ("2024-07-01", 30, "11"), ("2024-11-10", 21, "11.55")],
)  # fmt: skip
def test_price_by_day_lead_time_and_season(ordered: str, lead: int, price: str) -> None:
    day = date.fromisoformat(ordered)
    assert time_price(day, day + timedelta(days=lead), CALENDAR).unit_price == D(price)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.decimals(0, 3, places=2)), min_size=1, max_size=5, unique_by=lambda p: p[0]
    ),
    st.integers(0, 80),
)
def test_lines_between_points_stay_between(points: list[tuple[int, Decimal]], days: int) -> None:
    curve = LeadTimeCurve(tuple(sorted(points)), "linear")
    factors = [factor for _, factor in points]
    assert min(factors) <= curve.factor(days) <= max(factors)
    for at, factor in points:
        assert curve.factor(at) == factor == LeadTimeCurve(curve.points).factor(at)


def test_orders_by_column_are_priced_like_one_by_one() -> None:
    day = date(2024, 6, 25)
    rows = [(day + timedelta(days=a), day + timedelta(days=a + lead), 3 + a) for a in range(9) for lead in (0, 8, 30)]
    frame = pl.DataFrame(rows, schema=["ordered", "due", "quantity"], orient="row")
    found = time_prices(frame, CALENDAR)
    expected = [time_price(ordered, due, CALENDAR).unit_price for ordered, due, _ in rows]
    assert found["unit_price"].to_list() == expected
    assert found["amount"].to_list() == [price * row[2] for price, row in zip(expected, rows, strict=True)]
    assert found["surcharge"][0] == D("9.00")
    assert time_prices(frame.clear(), CALENDAR).height == 0
    with pytest.raises(ValueError, match="none is in force"):
        time_price(date(2023, 1, 1), date(2024, 1, 1), CALENDAR)
    with pytest.raises(ValueError, match="lies before ordered"):
        time_price(date(2024, 2, 1), date(2024, 1, 1), CALENDAR)
    assert price_for_margin("80", "0.2") == D("100.00")
    with pytest.raises(ValueError, match="margin: 1 must lie below 1"):
        price_for_margin(1, 1)


# --- index-linked prices

STEEL_AND_WAGES = (IndexComponent("steel", D("0.5"), D(100)), IndexComponent("wages", D("0.3"), D(100)))


def readings(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (index, date.fromisoformat(f"{month}-01"), D(value), date.fromisoformat(day))
            for index, month, value, day in rows
        ],
        schema={"index": pl.String, "month": pl.Date, "value": pl.Decimal(38, 4), "published": pl.Date},
        orient="row",
    )


def only_steel(**more: object) -> IndexFormula:
    return IndexFormula(D(100), D("0.5"), (IndexComponent("steel", D("0.5"), D(100)),), **more)  # type: ignore[arg-type]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(each) for each in texts]


def test_tc36_index_price() -> None:
    """TC-36: 1000 (0.2 + 0.5 · 120/100 + 0.3 · 104/100) = 1,112."""
    known = readings(("steel", "2024-04", "120", "2024-04-01"), ("wages", "2024-04", "104", "2024-04-01"))
    found = index_prices(IndexFormula(D(1000), D("0.2"), STEEL_AND_WAGES), known, days("2024-04-01"))[0]
    assert found.price == 1112
    assert found.computed == 1112
    assert [part.effect for part in found.parts] == [100, 12]
    assert found.change == Fraction(112, 1000)
    assert revision_frame([found]).height == 2


def test_lag_average_and_a_reading_that_is_missing() -> None:
    known = readings(
        ("steel", "2024-01", "100", "2024-02-10"), ("steel", "2024-02", "110", "2024-03-10"),
        ("steel", "2024-03", "120", "2024-04-10"),
    )  # fmt: skip
    lagged = index_prices(only_steel(lag_months=1), known, days("2024-04-15", "2024-05-15"))
    assert [each.outcome for each in lagged] == ["revised", "held"]
    assert [each.price for each in lagged] == [110, 110]
    aged = index_prices(only_steel(lag_months=1, max_age_months=1), known, days("2024-05-15"))[0]
    assert (aged.price, aged.parts[0].stale, aged.parts[0].month) == (110, True, date(2024, 3, 1))
    mean = index_prices(only_steel(lag_months=1, average_months=3), known, days("2024-04-15"))[0]
    assert mean.price == 105
    early = index_prices(only_steel(lag_months=1), known, days("2024-04-09"))[0]
    assert early.outcome == "held"  # March was not out yet


def test_threshold_step_and_collar() -> None:
    known = readings(*(("steel", f"2024-{month:02}", value, f"2024-{month:02}-01") for month, value in
                       ((1, "103"), (2, "110"), (3, "160"), (4, "160"), (5, "40"))))  # fmt: skip
    when = days("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01")
    threshold = index_prices(only_steel(threshold=D("0.02")), known, when)
    assert [each.price for each in threshold] == [100, 105, 130, 130, 70]
    assert [each.outcome for each in threshold][:2] == ["below threshold", "revised"]
    step = index_prices(only_steel(step_limit=D("0.10")), known, when)
    assert [each.price for each in step] == [D("101.5"), 105, D("115.5"), D("127.05"), D("114.345")]
    assert [each.outcome for each in step] == ["revised", "revised", "step limited", "step limited", "step limited"]
    collar = index_prices(only_steel(floor=D("0.9"), cap=D("1.2")), known, when)
    assert [each.price for each in collar] == [D("101.5"), 105, 120, 120, 90]
    assert [each.outcome for each in collar][2:] == ["at the cap", "at the cap", "at the floor"]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.integers(0, 20), st.integers(0, 30))
def test_laws_of_a_collared_price(values: list[int], step: int, width: int) -> None:
    formula = only_steel(step_limit=D(step) / 100, floor=1 - D(width) / 100, cap=1 + D(width) / 100)
    known = readings(
        *(("steel", f"2024-{at + 1:02}", str(value), f"2024-{at + 1:02}-01") for at, value in enumerate(values))
    )
    before = D(100)
    for each in index_prices(formula, known, [date(2024, at + 1, 1) for at in range(len(values))]):
        assert abs(each.price - before) <= before * step / 100 + D("0.0001")
        assert 100 - width <= each.price <= 100 + width
        before = each.price


def test_true_up_pays_the_revision_and_nothing_else() -> None:
    known = readings(
        ("steel", "2024-01", "120", "2024-01-01"), ("steel", "2024-01", "110", "2024-03-01"),
        ("steel", "2024-02", "130", "2024-02-01"),
    )  # fmt: skip
    bought = pl.DataFrame(
        {"day": days("2023-12-31", "2024-01-15", "2024-02-15"), "quantity": [D("7.5"), D("10"), D("20")]}
    )
    when = days("2024-01-01", "2024-02-01")
    found = true_up(only_steel(), known, bought, when, date(2024, 4, 1))
    assert found.lines["billed_price"].to_list() == [100, 110, 115]
    assert found.lines["final_price"].to_list() == [100, 105, 115]
    assert found.lines["due"].to_list() == [0, -50, 0]
    assert found.total == -50
    fixed = true_up(only_steel(readings="first"), known, bought, when, date(2024, 4, 1))
    assert fixed.total == 0
    assert true_up(only_steel(), known, bought, when, date(2024, 2, 20)).total == 0
    assert true_up(only_steel(), known, bought.clear(), when, date(2024, 4, 1)).total == 0


def test_a_new_base_year_leaves_the_price_where_it_was() -> None:
    old = readings(("steel", "2024-01", "150", "2024-02-01"), ("steel", "2024-02", "153", "2024-03-01"))
    new = readings(
        ("steel", "2024-01", "100", "2024-02-01"), ("steel", "2024-02", "102", "2024-03-01"),
        ("steel", "2024-03", "104", "2024-04-01"),
    )  # fmt: skip
    linked = relink(old, new, "steel")
    assert linked["value"].to_list() == [150, 153, 156]
    with pytest.raises(ValueError, match="no month in common"):
        relink(old, new.filter(pl.col("month") == date(2024, 3, 1)), "steel")


def test_formulas_and_readings_check_themselves() -> None:
    with pytest.raises(ValueError, match="must sum to 1"):
        IndexFormula(D(1), D("0.3"), STEEL_AND_WAGES)
    with pytest.raises(ValueError, match="base_value: 0"):
        IndexComponent("steel", D("0.5"), D(0))
    with pytest.raises(ValueError, match="floor: 2 lies above the cap"):
        only_steel(floor=D(2), cap=D(1))
    with pytest.raises(ValueError, match="revision days must rise"):
        index_prices(only_steel(), readings(), days("2024-02-01", "2024-01-01"))
    with pytest.raises(ValueError, match="value: an index is 0"):
        index_prices(only_steel(), readings(("steel", "2024-01", "0", "2024-01-01")), days("2024-02-01"))
    with pytest.raises(ValueError, match="readings: column value is Float64"):
        index_prices(only_steel(), readings().with_columns(pl.col("value").cast(pl.Float64)), days("2024-02-01"))
    assert index_prices(only_steel(), readings(), []) == ()
    assert index_prices(only_steel(), readings(), days("2024-02-01"))[0].outcome == "held"
    rounded = only_steel(unit_rounding=Rounding(1))
    known = readings(("steel", "2024-01", "100.77", "2024-01-01"))
    assert index_prices(rounded, known, days("2024-01-01"))[0].price == D("100.4")
