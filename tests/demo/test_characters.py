"""Each supplier's numbers tell the story that pages and examples say they tell."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from tierwise.demo.characters import CHARACTERS
from tierwise.demo.company import Company, generate

ENDS_ON = date(2026, 6, 30)
LINE = ["order", "line"]


@pytest.fixture(scope="module", params=[7, 21])
def company(request: pytest.FixtureRequest) -> Company:
    return generate("standard", seed=request.param, ends_on=ENDS_ON)


@pytest.fixture(scope="module")
def lines(company: Company) -> pl.DataFrame:
    """Lines as placed, with days late against the last date we asked for, share received and share refused."""
    every = company["purchase_line"].sort("revision")
    first = every.filter(pl.col("revision") == 0)
    last = every.group_by(LINE).agg(
        pl.col("requested_on").last().alias("wanted"),
        pl.col("state").last().alias("ended"),
        (pl.col("changed_by") == "supplier").sum().alias("repromises"),
        (pl.col("revised_on").count() - 1).alias("revisions"),
    )
    got = (
        company["receipt"]
        .group_by(LINE)
        .agg(pl.col("arrived_on").min(), pl.col("quantity").cast(float).sum().alias("got"))
    )
    refused = company["reject"].group_by(LINE).agg(pl.col("quantity").cast(float).sum().alias("refused"))
    joined = first.join(last, on=LINE).join(got, on=LINE, how="left").join(refused, on=LINE, how="left")
    due = pl.max_horizontal("wanted", "promised_on")
    return joined.with_columns(
        late=(pl.col("arrived_on") - due).dt.total_days(), fill=pl.col("got") / pl.col("quantity").cast(float)
    )


def of(lines: pl.DataFrame, supplier: str) -> pl.DataFrame:
    return lines.filter(pl.col("supplier") == supplier)


def on_time(lines: pl.DataFrame) -> float:
    return float((lines["late"].drop_nulls() <= 0).mean() or 0.0)


def mean_late(lines: pl.DataFrame) -> float:
    return float(lines["late"].mean() or 0.0)  # type: ignore[arg-type]


def years_before(lines: pl.DataFrame, years: int) -> pl.DataFrame:
    """The lines due in the given year before the last day; 0 is the latest."""
    until = ENDS_ON - timedelta(365 * years)
    return lines.filter(pl.col("promised_on").is_between(until - timedelta(364), until))


def test_the_punctual_and_the_excellent_are_on_time(lines: pl.DataFrame) -> None:
    assert on_time(of(lines, "S001")) > 0.9
    assert on_time(of(lines, "S008")) > 0.95
    assert of(lines, "S008")["fill"].drop_nulls().min() == 1.0


def test_the_lunar_new_year_stops_one_supplier(lines: pl.DataFrame) -> None:
    mine = of(lines, "S002")
    spring = pl.col("promised_on").dt.ordinal_day().is_between(50, 80)
    assert mean_late(mine.filter(spring)) > mean_late(mine.filter(~spring)) + 8


def test_one_supplier_drifts_later_and_one_recovers(lines: pl.DataFrame) -> None:
    drifting = [mean_late(years_before(of(lines, "S003"), years)) for years in (2, 1, 0)]
    assert drifting[1] > drifting[0] + 3
    assert drifting[2] > drifting[1] + 3
    recovered = of(lines, "S016")
    assert on_time(years_before(recovered, 2)) < 0.3
    assert on_time(years_before(recovered, 0)) > 0.75


def test_one_supplier_ships_early_and_one_ships_short(lines: pl.DataFrame) -> None:
    assert of(lines, "S004")["late"].median() <= -5
    short = of(lines, "S005")["fill"].drop_nulls()
    assert 0.85 < short.mean() < 0.95
    assert of(lines, "S001")["fill"].drop_nulls().mean() > 0.99


def test_quality_trouble_is_confined_to_one_period(company: Company) -> None:
    receipt, reject = company["receipt"], company["reject"]
    supplier = company["purchase_line"].select(*LINE, "supplier").unique()
    both = receipt.join(supplier, on=LINE).filter(pl.col("supplier") == "S006")
    both = both.join(reject.select(*LINE, "receipt", bad="quantity"), on=[*LINE, "receipt"], how="left")
    ago = (pl.lit(ENDS_ON) - pl.col("posted_on")).dt.total_days()
    trouble = both.filter(ago.is_between(270, 420))
    calm = both.filter(~ago.is_between(270, 420))
    assert trouble["bad"].is_not_null().mean() > 0.3
    assert calm["bad"].is_not_null().mean() < 0.04


def test_one_supplier_is_too_small_for_statistics(lines: pl.DataFrame) -> None:
    assert 1 <= of(lines, "S007").height < 10
    ordinary = lines.filter(~pl.col("supplier").is_in(["S007"])).group_by("supplier").len()
    assert ordinary["len"].min() >= 30


def test_one_promises_again_and_one_is_rescheduled_by_us(lines: pl.DataFrame) -> None:
    assert of(lines, "S014")["repromises"].mean() > 0.4
    assert of(lines, "S001")["repromises"].mean() < 0.05
    moved = of(lines, "S015")["revisions"] - of(lines, "S015")["repromises"]
    assert moved.mean() > 0.35


def test_an_outage_of_six_weeks(lines: pl.DataFrame) -> None:
    ago = (pl.lit(ENDS_ON) - pl.col("promised_on")).dt.total_days()
    mine = of(lines, "S018")
    assert mean_late(mine.filter(ago.is_between(250, 285))) > mean_late(mine.filter(~ago.is_between(240, 300))) + 15


def test_parents_distributor_and_contract_manufacturer(company: Company) -> None:
    lane = company["lane"]
    twins = lane.filter(pl.col("supplier").is_in(["S009", "S010"]))
    assert set(twins["contract_parent"]) == {"S011"}
    assert "S011" not in set(lane["supplier"])
    sold_on = lane.filter(pl.col("supplier") == "S012")
    assert set(sold_on["manufacturer"]) == {"S017", "S018", "S021"}
    assert set(company["arc"].filter(pl.col("kind") == "subcontract")["to_site"]) == {"S013-A"}
    made = set(company["bill_of_material"].filter(pl.col("site") == "S013-A")["parent"])
    assert made == set(lane.filter(pl.col("supplier") == "S013")["item"])


def test_some_lines_are_overdue_cancelled_and_never_delivered(lines: pl.DataFrame) -> None:
    ended = dict(lines.group_by("ended").len().iter_rows())
    assert ended["cancelled"] > 100
    overdue = lines.filter(pl.col("ended") == "open", pl.col("wanted") < ENDS_ON, pl.col("got").is_null())
    assert overdue.height > 50
    assert overdue.filter(pl.col("wanted") < ENDS_ON - timedelta(180)).height > 5


def test_forecast_bias_belongs_to_the_business_unit(company: Company) -> None:
    """Half a year ahead against the last word on the same weeks, in money at standard cost.

    Vintages come every second week, so a week is seen twice from 22 to 25 weeks ahead and once from under two.
    """
    standard = company["cost"].filter(pl.col("valid_to").is_null(), pl.col("kind") == "standard")
    known = company["order_forecast"].join(standard.select("item", "amount"), on="item")
    known = known.join(company["item"].select("item", "business_unit"), on="item")
    weeks = known.filter(pl.col("bucket_start").is_between(date(2024, 3, 4), ENDS_ON - timedelta(21)))
    ahead = (pl.col("bucket_start") - pl.col("vintage_on")).dt.total_days()
    money = pl.col("quantity").cast(float) * pl.col("amount").cast(float)
    told = weeks.group_by("business_unit").agg(
        (money.filter(ahead >= 154).sum() / 2 / money.filter(ahead < 14).sum()).alias("ratio")
    )
    ratio = dict(told.iter_rows())
    assert ratio["COOKING"] == pytest.approx(1.19, abs=0.12)
    assert ratio["COOLING"] == pytest.approx(0.88, abs=0.09)
    assert ratio["COOKING"] > ratio["COFFEE"] > ratio["COOLING"]


def test_every_named_character_trades(lines: pl.DataFrame) -> None:
    assert set(CHARACTERS) <= set(lines["supplier"])
