"""Lines coded once give what the lines themselves give, whatever way their keys are numbered."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tierwise.engine.demand import GRAIN, DemandParams, code_lines, coded, demand_series, measure_demand
from tierwise.engine.demand.costing import CostingParams, CostPool, cell_margins

YEARS = DemandParams(date(2023, 1, 1), date(2024, 12, 31))
COSTING = CostingParams((CostPool("desk", 900.0, 600.0, {"order": 3.0, "order_line": 1.0, "return": 5.0}),))


@pytest.fixture
def lines() -> pl.DataFrame:
    random = np.random.default_rng(3)
    count = 3_000
    day = [date(2022, 11, 1) + timedelta(days=int(n)) for n in random.integers(0, 850, count)]
    drawn = {name: [f"{name}-{n}" for n in random.integers(0, 7, count)] for name in GRAIN}
    return pl.DataFrame({
        **drawn, "ordered_on": day, "order": [f"O{n}" for n in random.integers(0, 900, count)],
        "kind": random.choice(["order", "order", "order", "return"], count), "quantity": random.integers(0, 9, count),
        "revenue": random.random(count), "unit_cost": [None if n < 0.1 else n for n in random.random(count)],
    })  # fmt: skip


def test_series_are_the_sums_of_a_plain_query(lines: pl.DataFrame) -> None:
    cells, series = demand_series(code_lines(lines), YEARS)
    known = lines.filter(pl.col("ordered_on") <= YEARS.window_to)
    assert_frame_equal(cells.select(GRAIN), known.select(GRAIN).unique().sort(GRAIN))
    inside = known.filter(pl.col("ordered_on") >= YEARS.window_from)
    number = pl.col("ordered_on").dt.year().cast(pl.Int64) * 12 + pl.col("ordered_on").dt.month() - 2023 * 12 - 1
    is_order = pl.col("kind") == "order"
    plain = inside.group_by(*GRAIN, number.alias("at")).agg(
        (pl.col("quantity") * is_order).sum().cast(pl.Float64).alias("ordered"),
        (pl.col("quantity") * ~is_order).sum().cast(pl.Float64).alias("returned"),
    )
    each = np.repeat(np.arange(cells.height), np.diff(series.offsets))
    ours = cells.select(GRAIN)[each].with_columns(
        at=pl.Series(series.at), ordered=pl.Series(series.ordered), returned=pl.Series(series.returned)
    )
    assert_frame_equal(ours, plain.sort(*GRAIN, "at"))


def test_coded_once_or_by_each_reader_is_the_same(lines: pl.DataFrame) -> None:
    once = code_lines(lines.lazy())
    assert_frame_equal(measure_demand(once, YEARS), measure_demand(lines, YEARS))
    assert_frame_equal(cell_margins(once, COSTING).cells, cell_margins(lines, COSTING).cells)
    span = (date(2023, 3, 1), date(2023, 4, 30))
    cut = lines.filter(pl.col("ordered_on").is_between(*span))
    assert_frame_equal(cell_margins(once.within(*span), COSTING).cells, cell_margins(cut, COSTING).cells)


def test_keys_too_sparse_for_a_table_are_numbered_alike(lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    dense = code_lines(lines)
    monkeypatch.setattr(coded, "_DENSE", 0)
    monkeypatch.setattr(coded, "_SMALL", 0)
    hashed = code_lines(lines)
    assert (hashed.cell == dense.cell).all()
    assert_frame_equal(hashed.cells, dense.cells)
    assert_frame_equal(hashed.cells, lines.select(GRAIN).unique().sort(GRAIN))


def test_texts_may_be_enumerated_already(lines: pl.DataFrame) -> None:
    plain = code_lines(lines)
    for name in GRAIN:
        backwards = pl.Enum(sorted(set(lines[name]) | {"zzz"}, reverse=True))
        lines = lines.with_columns(pl.col(name).cast(backwards))
    assert_frame_equal(code_lines(lines).cells, plain.cells)
    assert (code_lines(lines).cell == plain.cell).all()


def test_what_the_reader_needs_must_have_been_coded(lines: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="coded by item, not by item, customer_group"):
        measure_demand(code_lines(lines, ("item",)), YEARS)
    with pytest.raises(ValueError, match="'revenue' is missing; code the lines with it"):
        cell_margins(code_lines(lines, GRAIN, ("kind", "quantity", "order")), COSTING)
