from __future__ import annotations

import hashlib
from datetime import date
from graphlib import TopologicalSorter

import numpy as np
import polars as pl
import pytest
from stdnum import ean, lei, luhn

from tierwise.demo.company import Company, generate, generate_parts
from tierwise.demo.people import BUYER_PEOPLE, PEOPLE, SUPPLIER_PEOPLE
from tierwise.demo.world import easter
from tierwise.lake.schemas import FACTS, MASTERS, TABLES, Kind

ENDS_ON = date(2026, 6, 30)
TABLE_NAMES = [table.name for table in (*MASTERS, *FACTS)]


@pytest.fixture(scope="module")
def standard() -> Company:
    return generate("standard", seed=7, ends_on=ENDS_ON)


@pytest.fixture(scope="module")
def small() -> Company:
    return generate("small", seed=7, ends_on=ENDS_ON)


@pytest.fixture(params=["small", "standard"])
def company(request: pytest.FixtureRequest) -> Company:
    found: Company = request.getfixturevalue(request.param)
    return found


def digest(company: Company) -> str:
    told = hashlib.sha256()
    for name, frame in company.frames.items():
        told.update(name.encode())
        told.update(frame.write_csv().encode())
    return told.hexdigest()


def test_same_seed_gives_the_same_bytes_and_another_seed_others(small: Company) -> None:
    assert digest(generate("small", seed=7, ends_on=ENDS_ON)) == digest(small)
    assert digest(generate("small", seed=8, ends_on=ENDS_ON)) != digest(small)


def test_two_draws_of_the_standard_company_are_equal(standard: Company) -> None:
    again = generate("standard", seed=7, ends_on=ENDS_ON)
    assert all(again[name].equals(standard[name]) for name in TABLE_NAMES)


@pytest.mark.parametrize("ends_on", [date(2023, 1, 1), date(2024, 2, 29), date(2034, 12, 31)])
def test_any_last_day_within_the_bounds_works(ends_on: date) -> None:
    company = generate("small", seed=3, ends_on=ends_on)
    assert company["demand"]["ordered_on"].max() <= ends_on


def test_a_last_day_without_calendars_is_refused() -> None:
    with pytest.raises(ValueError, match="ends_on 2040-01-01"):
        generate("small", ends_on=date(2040, 1, 1))


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_declared_columns_types_choices_and_needs(company: Company, name: str) -> None:
    table, frame = TABLES[name], company[name]
    assert dict(frame.schema) == table.schema
    assert frame.height > 0
    for column in table.columns:
        values = frame[column.name]
        if column.required or column.name in table.key:
            assert values.null_count() == 0, column.name
        if column.choices:
            assert set(values.drop_nulls().unique()) <= set(column.choices), column.name
        if column.least is not None:
            assert values.drop_nulls().cast(pl.Float64).min() >= column.least, column.name
        if column.kind is Kind.RATIO and column.name not in {"latitude", "longitude"}:
            assert (values.drop_nulls().max() or 0) <= 1.0, column.name


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_keys_are_unique(company: Company, name: str) -> None:
    key = list(TABLES[name].key)
    assert company[name].select(key).is_duplicated().sum() == 0


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_reference_resolves(company: Company, name: str) -> None:
    for column in TABLES[name].columns:
        if column.refers_to:
            known = company[column.refers_to][column.refers_to]
            lost = set(company[name][column.name].drop_nulls().unique()) - set(known)
            assert not lost, (column.name, sorted(lost)[:5])


def test_references_that_the_declaration_leaves_open_resolve_too(company: Company) -> None:
    suppliers, items = set(company["supplier"]["supplier"]), set(company["item"]["item"])
    assert set(company["supplier"]["parent"].drop_nulls()) <= suppliers
    assert set(company["site"]["calendar"]) <= set(company["closure"]["calendar"])
    assert set(company["activity"]["item"]) - {"*"} <= items
    lines = company["purchase_line"].select("order", "line").unique()
    assert company["receipt"].join(lines, on=["order", "line"], how="anti").height == 0
    receipts = company["receipt"].select("order", "line", "receipt")
    assert company["reject"].join(receipts, on=["order", "line", "receipt"], how="anti").height == 0
    sites = set(company["site"]["site"]) | {"*"}
    assert set(company["bill_of_material"]["site"]) <= sites


def test_every_purchase_line_has_a_lane_and_its_unit_a_conversion(company: Company) -> None:
    lines = company["purchase_line"]
    on = {"item": "item", "supplier": "supplier", "site": "ship_to"}
    assert lines.join(company["lane"], left_on=list(on), right_on=list(on.values()), how="anti").height == 0
    foreign = lines.join(company["item"].select("item", base="unit"), on="item").filter(
        pl.col("unit") != pl.col("base")
    )
    assert foreign.height > 0
    assert foreign.join(company["item_unit"], on=["item", "unit"], how="anti").height == 0


def test_shares_sum_to_one(company: Company) -> None:
    lanes = company["lane"].group_by("item", "ship_to").agg(pl.col("share").sum())
    np.testing.assert_allclose(lanes["share"], 1.0)
    moves = company["arc"].filter(pl.col("kind") == "move").group_by("item", "to_site").agg(pl.col("share").sum())
    np.testing.assert_allclose(moves["share"], 1.0)
    versions = company["bill_of_material"].unique(["parent", "version"]).group_by("parent")
    np.testing.assert_allclose(versions.agg(pl.col("version_share").sum())["version_share"], 1.0)


def test_bills_are_acyclic_and_only_made_things_have_one(company: Company) -> None:
    bill = company["bill_of_material"]
    graph: dict[str, set[str]] = {}
    for parent, component in bill.select("parent", "component").iter_rows():
        graph.setdefault(parent, set()).add(component)
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(set(order))
    made = company["item"].filter(pl.col("make_or_buy") == "make")["item"]
    assert set(made) <= set(bill["parent"])
    subcontracted = set(bill.filter(pl.col("site") != "*")["parent"])
    assert set(bill["parent"]) - set(made) == subcontracted


def test_whatever_is_bought_and_used_has_a_lane(company: Company) -> None:
    bought = company["item"].filter(pl.col("make_or_buy") == "buy")["item"]
    used = set(company["bill_of_material"]["component"])
    assert used & set(bought) <= set(company["lane"]["item"])


def test_dates_are_in_order(company: Company) -> None:
    demand = company["demand"].filter(pl.col("kind") == "order")
    assert demand.filter(pl.col("shipped_on") < pl.col("ordered_on")).height == 0
    assert demand.filter(pl.col("requested_on") < pl.col("ordered_on")).height == 0
    receipt = company["receipt"]
    assert receipt.filter(pl.col("handed_over_on") > pl.col("arrived_on")).height == 0
    assert receipt.filter(pl.col("arrived_on") > pl.col("posted_on")).height == 0
    placed = company["purchase_line"].filter(pl.col("revision") == 0).select("order", "line", "ordered_on")
    joined = receipt.join(placed, on=["order", "line"])
    assert joined.filter(pl.col("handed_over_on") < pl.col("ordered_on")).height == 0
    lines = company["purchase_line"].sort("order", "line", "revision")
    backwards = pl.col("revised_on").diff().over("order", "line") < pl.duration(days=0)
    assert lines.filter(backwards).height == 0
    assert lines.filter(pl.col("ordered_on") > pl.col("requested_on")).height == 0
    assert company["item"].filter(pl.col("ends_on") <= pl.col("launched_on")).height == 0


@pytest.mark.parametrize(
    ("name", "column"),
    [("demand", "ordered_on"), ("demand", "shipped_on"), ("activity", "on"), ("order_forecast", "vintage_on"),
     ("purchase_line", "ordered_on"), ("purchase_line", "revised_on"), ("receipt", "posted_on"),
     ("reject", "rejected_on"), ("stock", "counted_on"), ("exchange_rate", "valid_from")],
)  # fmt: skip
def test_nothing_is_known_before_it_happens(company: Company, name: str, column: str) -> None:
    assert company[name][column].max() <= ENDS_ON


def test_revisions_count_from_nought_and_only_the_last_is_settled(company: Company) -> None:
    lines = company["purchase_line"]
    by = lines.group_by("order", "line").agg(
        pl.col("revision").min().alias("first"), pl.col("revision").max(), pl.len()
    )
    assert by.filter((pl.col("first") != 0) | (pl.col("revision") + 1 != pl.col("len"))).height == 0
    last = pl.col("revision") == pl.col("revision").max().over("order", "line")
    assert lines.filter(~last & (pl.col("state") != "open")).height == 0
    assert lines.filter((pl.col("state") == "cancelled") != pl.col("cancelled_by").is_not_null()).height == 0


def test_receipts_hardly_exceed_orders_nor_rejects_receipts_and_the_cancelled_get_nothing(company: Company) -> None:
    key = ["order", "line"]
    placed = company["purchase_line"].sort("revision").group_by(key).last()
    received = company["receipt"].group_by(key).agg(pl.col("quantity").sum().alias("received"))
    both = placed.join(received, on=key)
    share = both["received"].cast(float) / both["quantity"].cast(float)
    assert 0 < (share > 1).mean() < 0.01
    assert share.max() < 1.06
    assert both.filter(pl.col("state") == "cancelled").height == 0
    refused = company["reject"].join(company["receipt"], on=[*key, "receipt"])
    assert refused.filter(pl.col("quantity") > pl.col("quantity_right")).height == 0


def test_orders_belong_to_one_party_and_day(company: Company) -> None:
    lines = company["purchase_line"].group_by("order").agg(pl.n_unique("supplier", "site", "ordered_on"))
    assert lines.select(pl.all().exclude("order").max()).row(0) == (1, 1, 1)
    orders = company["demand"].group_by("order").agg(pl.n_unique("customer", "ordered_on"))
    assert orders.select(pl.all().exclude("order").max()).row(0) == (1, 1)


def test_returns_name_a_cell_that_ordered(company: Company) -> None:
    demand = company["demand"]
    cell = ["item", "customer"]
    orders = demand.filter(pl.col("kind") == "order").select(cell).unique()
    returns = demand.filter(pl.col("kind") == "return")
    assert returns.height > 0
    assert returns.join(orders, on=cell, how="anti").height == 0


def test_items_sell_only_within_their_life(company: Company) -> None:
    sold = company["demand"].filter(pl.col("kind") == "order").join(company["item"], on="item")
    assert sold.filter(pl.col("ordered_on") < pl.col("launched_on")).height == 0
    assert sold.filter(pl.col("ordered_on") > pl.col("ends_on") + pl.duration(days=7)).height == 0


def test_check_digits_are_valid(company: Company) -> None:
    for code in (*company["item"]["gtin"].drop_nulls(), *company["site"]["gln"]):
        assert ean.is_valid(code), code
    for code in company["supplier"]["lei"]:
        assert lei.is_valid(code), code
    for code in company["supplier"]["duns"]:
        assert len(code) == 9
        assert luhn.is_valid(code), code
    for name, column in (("item", "gtin"), ("site", "gln"), ("supplier", "lei"), ("supplier", "duns")):
        assert company[name][column].drop_nulls().is_unique().all()


def test_purchases_follow_the_need_of_the_bills(standard: Company) -> None:
    """Explodes a year of demand level by level, in plain Python, against what was ordered in that year."""
    year = pl.col("ordered_on").is_between(date(2025, 1, 1), date(2025, 12, 31))
    demand = standard["demand"].filter(year & (pl.col("kind") == "order"))
    need = dict(demand.group_by("item").agg(pl.col("quantity").cast(float).sum()).iter_rows())
    graph: dict[str, list[tuple[str, float]]] = {}
    for row in standard["bill_of_material"].iter_rows(named=True):
        rate = float(row["quantity_per"]) * row["version_share"] * row["option_rate"] / row["yield_ratio"]
        graph.setdefault(row["parent"], []).append((row["component"], rate))
    parents = TopologicalSorter({parent: {part for part, _ in parts} for parent, parts in graph.items()})
    for item in reversed(list(parents.static_order())):
        for part, rate in graph.get(item, []):
            need[part] = need.get(part, 0.0) + rate * need.get(item, 0.0)
    lines = standard["purchase_line"].filter(year & (pl.col("revision") == 0))
    units = standard["item_unit"].select("item", "unit", pl.col("per_unit").cast(float))
    bought = lines.join(units, on=["item", "unit"], how="left").group_by("item").agg(
        (pl.col("quantity").cast(float) * pl.col("per_unit").fill_null(1.0)).sum().alias("bought"))  # fmt: skip
    cost = standard["cost"].filter(pl.col("kind") == "standard", pl.col("valid_to").is_null())
    value = bought.join(cost, on="item").with_columns(pl.col("amount").cast(float))
    spent = (value["bought"] * value["amount"]).sum()
    needed = sum(need.get(item, 0.0) * amount for item, amount in value.select("item", "amount").iter_rows())
    assert spent == pytest.approx(needed, rel=0.12)
    ordered, wanted = value["bought"].to_numpy(), np.array([need.get(item, 0.0) for item in value["item"]])
    assert np.corrcoef(np.log1p(ordered), np.log1p(wanted))[0, 1] > 0.97


def test_stock_is_never_negative_and_components_are_there(company: Company) -> None:
    stock = company["stock"]
    assert stock.filter(pl.col("quantity") < 0).height == 0
    assert set(stock["kind"].unique()) >= {"unrestricted", "blocked", "in_transit"}


def test_exchange_rates_cover_every_currency_and_day(company: Company) -> None:
    rates = company["exchange_rate"]
    used = (
        set(company["lane"]["currency"])
        | set(company["demand"]["currency"])
        | set(company["purchase_line"]["currency"])
    )
    for kind in ("average", "spot", "budget"):
        own = rates.filter(pl.col("kind") == kind)
        assert used - {"EUR"} <= set(own["from_currency"])
        assert own["valid_from"].min() <= company["demand"]["ordered_on"].min()


def test_large_is_made_of_parts_that_fit_together() -> None:
    parts = generate_parts("large", seed=7, ends_on=ENDS_ON)
    first, second = next(parts), next(parts)
    assert second["supplier"].height == 0
    for name in TABLE_NAMES:
        key = list(TABLES[name].key)
        both = pl.concat([first[name], second[name]])
        assert both.select(key).is_duplicated().sum() == 0, name
    assert set(second["demand"]["customer"]) <= set(first["customer"]["customer"])
    assert set(second["bill_of_material"]["component"]) <= set(second["item"]["item"])


def test_people_belong_to_known_suppliers_and_use_example_addresses(small: Company) -> None:
    suppliers = set(small["supplier"]["supplier"])
    assert {person.supplier for person in SUPPLIER_PEOPLE} <= suppliers
    assert {person.supplier for person in BUYER_PEOPLE} == {""}
    assert len({person.email for person in PEOPLE}) == len(PEOPLE)
    assert all(person.email.endswith(".example.com") for person in PEOPLE)


@pytest.mark.parametrize(
    ("year", "day"), [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2038, date(2038, 4, 25))]
)
def test_easter(year: int, day: date) -> None:
    assert easter(year) == day
