from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    AuthorisationTerms,
    ClaimDates,
    ExcessTerms,
    authorisation_liability,
    claim_dates,
    cumulate_authorisations,
    excess_and_obsolete,
)

D = Decimal
START = date(2024, 1, 1)


def weekly(rows: list[tuple[int, int, int]], start: date = START, item: str = "a") -> pl.DataFrame:
    """(finished, material, received) of successive weeks."""
    return pl.DataFrame(
        [(item, START + timedelta(weeks=at), start, *row) for at, row in enumerate(rows)],
        schema=["item", "released", "cum_start", "finished", "material", "received"],
        orient="row",
    )


def test_tc35_the_mark_never_falls_with_the_forecast() -> None:
    """TC-35 (X12 830 ATH): ATH04 is the highest cumulative; FI owes it less what was received, MT net of FI."""
    found = authorisation_liability(weekly([(500, 900, 300), (350, 600, 300), (380, 700, 360), (650, 1000, 520)]))
    assert found["finished_high"].to_list() == [500, 500, 500, 650]
    assert found["material_high"].to_list() == [900, 900, 900, 1000]
    assert found["finished_units"].to_list() == [200, 200, 140, 130]
    assert found["material_units"].to_list() == [400, 400, 400, 350]
    assert found["finished_dropped"].to_list() == [0, 150, 120, 0]


def test_tc35_received_beyond_the_mark_owes_nothing() -> None:
    found = authorisation_liability(weekly([(100, 150, 120), (100, 150, 200)]))
    assert found["finished_units"].to_list() == [0, 0]
    assert found["material_units"].to_list() == [30, 0]


def test_a_new_cumulative_year_begins_anew() -> None:
    both = pl.concat([weekly([(500, 900, 300)]), weekly([(0, 0, 0), (80, 90, 0)], date(2024, 1, 8)).tail(1)])
    found = authorisation_liability(both)
    assert found["finished_high"].to_list() == [500, 80]


positions = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300), st.integers(0, 90)), min_size=1, max_size=8)


@settings(max_examples=25)
@given(positions)
def test_liability_by_walking_week_by_week(weeks: list[tuple[int, int, int]]) -> None:
    received, rows = 0, []
    for finished, more, taken in weeks:
        received += taken
        rows.append((finished, finished + more, received))
    frame = weekly(rows).with_columns(finished_price=D("2.55"), material_cost=D("0.125"))
    found = authorisation_liability(frame).rows(named=True)
    high_finished = high_material = 0
    for (finished, material, held), row in zip(rows, found, strict=True):
        high_finished, high_material = max(high_finished, finished), max(high_material, material)
        units = max(0, high_finished - held)
        raw = max(0, high_material - max(high_finished, held))
        assert (row["finished_units"], row["material_units"]) == (units, raw)
        assert row["finished_amount"] == units * D("2.55")
        assert row["amount"] - row["finished_amount"] == (raw * D("0.125")).quantize(
            D("0.01"), rounding="ROUND_HALF_UP"
        )


def test_releases_become_cumulatives() -> None:
    plan = pl.DataFrame(
        [("a", START, START - timedelta(days=3), 10), ("a", START, START + timedelta(days=28), 20),
         ("a", START, START + timedelta(days=29), 40), ("a", START, START + timedelta(days=85), 80)],
        schema=["item", "released", "due", "quantity"], orient="row",
    )  # fmt: skip
    held = pl.DataFrame(
        [("a", START, START, 5), ("b", START, START, 7)],
        schema=["item", "released", "cum_start", "received"],
        orient="row",
    )
    found = cumulate_authorisations(plan, held, AuthorisationTerms(28, 84))
    assert found.select("finished", "material").rows() == [(35, 75), (7, 7)]
    assert authorisation_liability(found)["finished_units"].to_list() == [30, 0]
    with pytest.raises(ValueError, match="quantity, received: one is below 0"):
        cumulate_authorisations(plan.with_columns(quantity=-1), held, AuthorisationTerms(1, 2))
    with pytest.raises(ValueError, match="material_days: 1 is less"):
        AuthorisationTerms(2, 1)


def test_liability_refuses_what_is_not_exact_or_not_there() -> None:
    with pytest.raises(ValueError, match=r"cast it to pl\.Decimal"):
        authorisation_liability(weekly([(1, 1, 1)]).with_columns(finished=1.0))
    with pytest.raises(ValueError, match="one lies below finished"):
        authorisation_liability(weekly([(5, 1, 1)]))
    with pytest.raises(ValueError, match="one is unknown"):
        authorisation_liability(weekly([(1, 1, 1)]).with_columns(received=pl.lit(None, pl.Int64)))
    with pytest.raises(ValueError, match="cum_start is missing"):
        authorisation_liability(weekly([(1, 1, 1)]).drop("cum_start"))
    assert authorisation_liability(weekly([(1, 1, 1)]).clear()).height == 0


# --- excess and obsolete


def stock(*rows: tuple[str, str, int, int, int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(*row[:-1], D(row[-1])) for row in rows],
        schema={"part": pl.String, "abc": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64, "returnable": pl.Int64,
                "unit_cost": pl.Decimal(38, 4)},
        orient="row",
    )  # fmt: skip


def needs(*rows: tuple[str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(part, START + timedelta(days=after), quantity) for part, after, quantity in rows],
        schema={"part": pl.String, "due": pl.Date, "quantity": pl.Int64}, orient="row",
    )  # fmt: skip


def test_tc33_windows_by_class_and_six_months() -> None:
    """TC-33: obsolete without demand in 6 months; excess beyond 30 (A), 90 (B), 180 days (C)."""
    parts = stock(*((each, each, 100, 0, 0, "1") for each in "ABC"), ("O", "A", 100, 0, 0, "1"))
    demand = needs(*((part, after, 10) for part in "ABC" for after in (30, 31, 90, 91, 180, 181)), ("O", 183, 50))
    found = excess_and_obsolete(parts, demand, START)
    assert found["units"].to_list() == [90, 70, 50, 100]
    assert found["kind"].to_list() == ["excess", "excess", "excess", "obsolete"]
    still = excess_and_obsolete(parts, needs(("O", 182, 50)), START)  # 1 July: the last day of six months
    assert still["kind"].to_list() == ["obsolete", "obsolete", "obsolete", "excess"]


def test_tc33_dates_of_a_claim() -> None:
    """TC-33: list within 15 working days after the month, objection within 5, final within 5 more."""
    assert claim_dates(date(2024, 1, 31)) == ClaimDates(date(2024, 2, 21), date(2024, 2, 28), date(2024, 3, 6))
    easter = {date(2024, 3, 29), date(2024, 4, 1)}
    assert claim_dates(date(2024, 3, 31), closures=easter).list_due == date(2024, 4, 22)
    early = claim_dates(date(2024, 1, 31), listed=date(2024, 2, 2))
    assert early.objection_due == date(2024, 2, 9)
    stages = [early.stage(day) for day in (date(2024, 2, 21), date(2024, 2, 22))]
    assert stages == ["listing", "closed"]
    assert claim_dates(date(2024, 1, 31)).stage(date(2024, 2, 28)) == "objection"
    assert claim_dates(date(2024, 1, 31)).stage(date(2024, 3, 6)) == "final"
    with pytest.raises(ValueError, match="listed: 2024-02-22 is after the last day"):
        claim_dates(date(2024, 1, 31), listed=date(2024, 2, 22))


def test_what_can_go_back_costs_its_fee_and_the_rest_its_price() -> None:
    parts = stock(("r", "A", 40, 20, 15, "1.2345"), ("s", "A", 5, 0, 99, "10"))
    terms = ExcessTerms(markup=D("0.05"), return_fee=D("0.1"))
    found = excess_and_obsolete(parts, needs(("r", -4, 10), ("r", 20, 10)), START, terms).rows(named=True)
    assert (found[0]["units"], found[0]["returned"], found[0]["taken"]) == (40, 15, 25)
    assert found[0]["amount"] == D("32.41") + D("1.85")
    assert (found[1]["kind"], found[1]["amount"]) == ("obsolete", D("5.00"))


@settings(max_examples=25)
@given(
    st.integers(0, 200), st.integers(0, 100), st.lists(st.tuples(st.integers(-10, 250), st.integers(0, 60)), max_size=6)
)
def test_laws_of_excess(held: int, ordered: int, demand: list[tuple[int, int]]) -> None:
    frame = needs(*(("p", after, quantity) for after, quantity in demand))
    found = [
        excess_and_obsolete(stock(("p", each, held, ordered, 0, "1")), frame, START).row(0, named=True)
        for each in "ABC"
    ]
    units = [row["units"] for row in found]
    assert units == sorted(units, reverse=True)  # a longer window never claims more
    for row in found:
        assert 0 <= row["units"] <= held + ordered
        assert row["amount"] == row["units"]
        assert (row["kind"] == "none") == (row["units"] == 0)


def test_excess_checks_its_input() -> None:
    with pytest.raises(ValueError, match="abc: class Z has no window"):
        excess_and_obsolete(stock(("p", "Z", 1, 1, 1, "1")), needs(), START)
    with pytest.raises(ValueError, match="each part stands once"):
        excess_and_obsolete(stock(*[("p", "A", 1, 1, 1, "1")] * 2), needs(), START)
    assert excess_and_obsolete(stock(), needs(), START).height == 0
    with pytest.raises(ValueError, match="return_fee"):
        ExcessTerms(return_fee=D(2))
