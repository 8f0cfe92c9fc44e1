"""Demand that segments can be made on: classes come out spread, and customers differ in what they leave us."""

from __future__ import annotations

import time
from datetime import date

import polars as pl
import pytest

from tierwise.demo.company import Company, generate

ENDS_ON = date(2026, 6, 30)


@pytest.fixture(scope="module")
def company() -> Company:
    return generate("standard", seed=7, ends_on=ENDS_ON)


@pytest.fixture(scope="module")
def lines(company: Company) -> pl.DataFrame:
    """Order lines with their value and standard cost in euro, at the rate and cost of the day."""
    rates = company["exchange_rate"].filter(pl.col("kind") == "average").select(
        "valid_from", "rate", currency="from_currency").sort("valid_from")  # fmt: skip
    costs = (
        company["cost"].filter(pl.col("kind") == "standard").select("item", "valid_from", "amount").sort("valid_from")
    )
    orders = company["demand"].filter(pl.col("kind") == "order").sort("ordered_on")
    day = {"left_on": "ordered_on", "right_on": "valid_from", "check_sortedness": False}
    priced = orders.join_asof(rates, by="currency", **day).join_asof(costs, by="item", **day)
    return priced.select(
        "item", "customer", "ordered_on", pl.col("quantity").cast(float),
        euro=pl.col("revenue").cast(float) * pl.col("rate").cast(float).fill_null(1.0),
        cost=pl.col("quantity").cast(float) * pl.col("amount").cast(float),
    )  # fmt: skip


def test_a_standard_company_is_as_large_as_promised_and_quick(company: Company) -> None:
    assert 150_000 <= company["demand"].height <= 250_000
    assert 20_000 <= company["purchase_line"].filter(pl.col("revision") == 0).height <= 32_000
    assert company["item"].height == 800
    assert company["supplier"].height == 45
    assert company["customer"].height == 60
    assert company["customer"]["customer_group"].n_unique() in range(10, 15)
    assert company["customer"]["region"].n_unique() == company["customer"]["channel"].n_unique() == 3
    start = time.process_time()
    generate("standard", seed=11, ends_on=ENDS_ON)
    assert time.process_time() - start < 12  # two cores' time; about 2 when nothing else runs


def test_value_and_variability_classes_are_spread(lines: pl.DataFrame) -> None:
    value = lines.group_by("item").agg(pl.col("euro").sum()).sort("euro", descending=True)
    value = value.with_columns(behind=(pl.col("euro").cum_sum() / pl.col("euro").sum()))
    monthly = lines.group_by("item", pl.col("ordered_on").dt.truncate("1mo")).agg(pl.col("quantity").sum())
    total, square = pl.col("quantity").sum() / 36, (pl.col("quantity") ** 2).sum() / 36
    varied = monthly.group_by("item").agg(((square - total**2).sqrt() / total).alias("cv"))
    classes = value.join(varied, on="item").select(
        abc=pl.when(pl.col("behind") < 0.8).then(pl.lit("A")).when(pl.col("behind") < 0.95).then(pl.lit("B"))
        .otherwise(pl.lit("C")),
        xyz=pl.when(pl.col("cv") < 0.5).then(pl.lit("X")).when(pl.col("cv") < 1).then(pl.lit("Y"))
        .otherwise(pl.lit("Z")),
    )  # fmt: skip
    counts = {(abc, xyz): count for abc, xyz, count in classes.group_by("abc", "xyz").len().iter_rows()}
    assert counts["A", "X"] >= 15
    assert counts["C", "Z"] >= 60
    assert sum(count for (abc, _), count in counts.items() if abc == "A") < 0.3 * classes.height
    assert len(counts) >= 7


def test_margins_differ_by_customer_and_some_are_thin(lines: pl.DataFrame) -> None:
    margin = lines.group_by("customer").agg(margin=1 - pl.col("cost").sum() / pl.col("euro").sum())["margin"]
    assert margin.min() < 0.1
    assert margin.max() > 0.35
    assert 0.15 < margin.median() < 0.4


def test_serving_costs_turn_some_cells_into_losses(company: Company, lines: pl.DataFrame) -> None:
    """At sixty euro a line and 150 an activity, a few customer-item cells of real size lose money, most do not."""
    acts = company["activity"].group_by("customer", "item").agg(pl.col("count").cast(float).sum().alias("acts"))
    cells = lines.group_by("customer", "item").agg(pl.len(), pl.col("euro", "cost").sum())
    cells = cells.join(acts, on=["customer", "item"], how="left").with_columns(pl.col("acts").fill_null(0.0))
    left = cells.with_columns(left=pl.col("euro") - pl.col("cost") - 60 * pl.col("len") - 150 * pl.col("acts"))
    losing = left.filter(pl.col("left") < 0)
    assert 0.02 < losing["euro"].sum() / left["euro"].sum() < 0.35
    assert losing.filter(pl.col("euro") > 50_000).height >= 5


def test_cooling_sells_in_summer(company: Company) -> None:
    sold = company["demand"].filter(pl.col("kind") == "order").join(
        company["item"].filter(pl.col("category") == "equipment"), on="item")  # fmt: skip
    cooling = sold.filter(pl.col("business_unit") == "COOLING").group_by(pl.col("ordered_on").dt.month()).len()
    by_month = dict(cooling.iter_rows())
    assert by_month[7] > 1.4 * by_month[1]


def test_new_items_ramp_up_and_ending_items_fade(company: Company) -> None:
    item = company["item"]
    sold = company["demand"].filter(pl.col("kind") == "order").join(item, on="item")
    new = sold.filter(pl.col("launched_on").is_between(date(2023, 9, 1), date(2025, 9, 1)))
    age = (pl.col("ordered_on") - pl.col("launched_on")).dt.total_days()
    assert new.filter(age.is_between(180, 269)).height > 1.3 * new.filter(age.is_between(30, 119)).height
    old = sold.filter(pl.col("ends_on") < ENDS_ON)
    rest = (pl.col("ends_on") - pl.col("ordered_on")).dt.total_days()
    assert old.filter(rest < 90).height < 0.5 * old.filter(rest.is_between(250, 339)).height
