"""Figures of the directory's pages against plain sums over a small extract."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from collaboration.scenes import at
from fixtures.worlds import World
from tierwise.directory import queries
from tierwise.lake.actions import project
from tierwise.lake.currencies import in_currency, rates_into
from tierwise.lake.schemas import TABLES

pytestmark = pytest.mark.database


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = TABLES[table].schema
    filled = [{name: row.get(name) for name in schema} for row in rows]
    return pl.DataFrame(filled, schema=schema, orient="row")


def line(order: str, amount: int, on: date = date(2025, 5, 1), **more: object) -> dict[str, object]:
    return {
        "order": order, "line": "1", "revision": 0, "supplier": "A", "item": "I1", "site": "S", "ordered_on": on,
        "quantity": Decimal(1), "amount": Decimal(amount), "currency": "EUR", "state": "open", "changed_by": "buyer",
    } | more  # fmt: skip


RATES = [
    {"from_currency": "USD", "to_currency": "EUR", "kind": "average", "valid_from": date(2025, 1, 1), "rate": 0.5},
    {"from_currency": "USD", "to_currency": "EUR", "kind": "average", "valid_from": date(2025, 6, 1), "rate": 0.8},
    {"from_currency": "USD", "to_currency": "EUR", "kind": "budget", "valid_from": date(2025, 6, 1), "rate": 9},
    {"from_currency": "EUR", "to_currency": "CZK", "kind": "average", "valid_from": date(2025, 1, 1), "rate": 25},
]


def test_purchases_count_each_line_once_in_the_hosts_currency(world: World) -> None:
    lines = [
        line("1", 100), line("1", 150, revision=1), line("2", 1000, state="cancelled"),
        line("3", 200, currency="USD"), line("4", 10, date(2025, 6, 30), currency="USD", item="I2"),
        line("5", 250, currency="CZK", supplier="B"), line("6", 7, date(2024, 6, 30)), line("7", 5, date(2024, 7, 1)),
        line("8", 99, currency="XXX", supplier="C"),
    ]  # fmt: skip
    with at():
        tables = {"purchase_line": frame("purchase_line", lines), "exchange_rate": frame("exchange_rate", RATES)}
        project(world.worker, tables, frozenset(), "test")
        year = queries.purchases(world["viewer"])
    assert (year.since, year.until, year.currency) == (date(2024, 7, 1), date(2025, 6, 30), "EUR")
    assert year.by("supplier") == {"A": 150 + 100 + 8 + 5, "B": 10, "C": 0}
    assert year.unpriced == 1
    assert year.by("item") == {"I1": 150 + 100 + 10 + 5, "I2": 8}


def test_rates_hold_from_their_day_in_either_direction() -> None:
    rates = pl.LazyFrame(RATES, schema_overrides={"rate": pl.Float64})
    assert set(rates_into(rates, "EUR").select("currency", "factor").collect().rows()) == {
        ("USD", 0.5), ("USD", 0.8), ("CZK", 0.04),
    }  # fmt: skip
    rows = pl.LazyFrame({
        "on": [date(2024, 12, 31), date(2025, 5, 31), date(2025, 6, 1), date(2025, 6, 1)],
        "currency": ["USD", "USD", "USD", None], "amount": [1.0, 1.0, 1.0, 1.0],
    })  # fmt: skip
    found = in_currency(rows, "amount", "on", "EUR", rates).collect()
    assert found["amount"].to_list() == [None, 0.5, 0.8, 1.0]


def mix(
    item: str, site: str, segment: str, share: float, units: float, since: date = date(2025, 6, 1)
) -> dict[str, object]:
    return {
        "item": item, "site": site, "segment": segment, "valid_from": since, "share": share, "units": units,
        "basis": "window",
    }  # fmt: skip


def test_an_items_mix_over_sites_is_weighed_by_demand(world: World) -> None:
    rows = [
        mix("I1", "S1", "PREM", 0.5, 30), mix("I1", "S1", "STD", 0.5, 30), mix("I1", "S2", "STD", 1.0, 40),
        mix("I1", "S1", "STD", 1.0, 10, date(2025, 5, 1)), mix("I2", "*", "COMMON", 1.0, 0),
    ]  # fmt: skip
    with at():
        project(world.worker, {"mix": frame("mix", rows)}, frozenset({"mix"}), "test")
        found = queries.item_mix(world["viewer"], "I1")
        now = queries.current_mix(world["viewer"])
    assert found.rows() == [
        (date(2025, 5, 1), "STD", 1.0), (date(2025, 6, 1), "PREM", 0.3), (date(2025, 6, 1), "STD", 0.7),
    ]  # fmt: skip
    assert now.rows() == [("I1", "PREM", 0.3), ("I1", "STD", 0.7), ("I2", "COMMON", 1.0)]


def test_before_any_import_there_are_no_figures_and_no_errors(world: World) -> None:
    viewer = world["viewer"]
    assert queries.purchases(viewer).by("supplier") == {}
    assert queries.demand_by_segment(viewer).is_empty()
    assert queries.item_mix(viewer, "I1").is_empty()
    assert queries.used_in(viewer, "I1", date(2025, 1, 1)).is_empty()
