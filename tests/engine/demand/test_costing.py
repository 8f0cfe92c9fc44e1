from __future__ import annotations

from math import isnan

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.demand.costing import (
    CostingParams,
    CostPool,
    activity_costs,
    capacity_use,
    cell_margins,
    whale_curve,
)

GRAIN = ("item", "customer_group")
DESK = CostPool("desk", 560_000, 700_000, {"order": 40, "complaint": 220, "credit_check": 250})


def lines(*rows: tuple[str, str, str, str, float, float | None, float | None]) -> pl.DataFrame:
    names = ("item", "customer_group", "order", "kind", "quantity", "revenue", "unit_cost")
    types = (pl.String, pl.String, pl.String, pl.String, pl.Float64, pl.Float64, pl.Float64)
    return pl.DataFrame(list(rows), schema=dict(zip(names, types, strict=True)), orient="row")


def test_kaplan_anderson_published_example() -> None:
    use = capacity_use([DESK], {"order": 9_800, "complaint": 280, "credit_check": 500}).row(0, named=True)
    assert use["rate"] == pytest.approx(0.80)
    assert use["used_minutes"] == 578_600
    assert use["used_cost"] == pytest.approx(462_880)
    assert use["unused_minutes"] == 121_400
    assert use["unused_cost"] == pytest.approx(97_120)
    assert use["utilisation"] == pytest.approx(0.8266, abs=5e-5)


def test_an_activity_through_two_pools_costs_the_sum() -> None:
    store = CostPool("store", 100, 100, {"order": 5})
    assert activity_costs([DESK, store])["order"] == pytest.approx(40 * 0.8 + 5)


def test_published_example_through_the_cells() -> None:
    """The same counts, brought in as order lines and activity facts, charge 462,880 and leave 97,120 unused."""
    orders = pl.DataFrame({"order": [str(i) for i in range(9_800)]}).with_columns(
        pl.lit("a").alias("item"),
        pl.when(pl.int_range(9_800) < 800).then(pl.lit("x")).otherwise(pl.lit("y")).alias("customer_group"),
        pl.lit("order").alias("kind"),
        quantity=1.0,
        revenue=100.0,
        unit_cost=10.0,
    )
    facts = pl.DataFrame(
        {
            "customer_group": ["x", "y", "y"],
            "activity": ["complaint", "complaint", "credit_check"],
            "count": [200, 80, 500],
        }
    )
    result = cell_margins(orders, CostingParams(pools=(DESK,), grain=GRAIN), facts)
    assert result.cells["cost_to_serve"].to_list() == pytest.approx([800 * 32 + 200 * 176, 9_000 * 32 + 80 * 176 + 1e5])
    assert result.pools["unused_cost"].to_list() == pytest.approx([97_120])
    assert result.cells["net_margin"].sum() == pytest.approx(9_800 * 90 - 462_880)


def test_net_margin_by_hand() -> None:
    pool = CostPool("all", 100, 100, {"order_line": 1, "order": 2, "return": 3, "expedite": 4})
    frame = lines(
        ("a", "x", "1", "order", 10, 100, 5),
        ("b", "x", "1", "order", 1, 20, 7),
        ("a", "x", "2", "return", 2, 20, 5),
    )
    facts = pl.DataFrame({"item": ["*"], "customer_group": ["x"], "activity": ["expedite"], "count": [3]})
    params = CostingParams(pools=(pool,), grain=GRAIN)
    a, b = cell_margins(frame, params, facts).cells.iter_rows(named=True)
    assert (a["revenue"], a["returned_revenue"], a["volume"], a["cost_of_goods"]) == (100, 20, 8, 40)
    assert (a["orders"], b["orders"]) == (0.5, 0.5)
    assert a["cost_to_serve"] == pytest.approx(1 + 2 * 0.5 + 3 + 12 * 100 / 120)
    assert a["net_margin"] == pytest.approx(80 - 40 - 15)
    assert b["net_margin"] == pytest.approx(20 - 7 - (1 + 1 + 12 * 20 / 120))


def test_returned_goods_that_are_scrapped_keep_their_cost() -> None:
    frame = lines(("a", "x", "1", "order", 10, 100, 5), ("a", "x", "2", "return", 2, 20, 5))
    cells = cell_margins(frame, CostingParams(grain=GRAIN, restock_share=0)).cells
    assert cells["cost_of_goods"].item() == 50


def test_a_missing_cost_is_unknown_not_zero() -> None:
    frame = lines(
        ("a", "x", "1", "order", 10, 100, 5),
        ("a", "x", "2", "order", 10, 60, None),
        ("b", "x", "3", "order", 1, 9, None),
    )
    unknown = cell_margins(frame, CostingParams(grain=GRAIN)).cells
    assert unknown["net_margin"].to_list() == [None, None]
    assert unknown["cost_basis"].to_list() == ["unknown", "unknown"]
    assert unknown["uncosted_lines"].to_list() == [1, 1]
    estimated = cell_margins(frame, CostingParams(grain=GRAIN, missing_cost="cell_ratio")).cells
    assert estimated["cost_of_goods"].to_list() == [pytest.approx(80), None]
    assert estimated["cost_basis"].to_list() == ["estimated", "unknown"]


def test_a_line_without_revenue_leaves_the_margin_unknown() -> None:
    frame = lines(("a", "x", "1", "order", 10, None, 5), ("a", "x", "2", "order", 10, 60, 5))
    cells = cell_margins(frame, CostingParams(grain=GRAIN, missing_cost="cell_ratio")).cells
    assert cells["cost_basis"].item() == "unknown"
    assert cells["net_margin"].item() is None


def test_activities_that_fit_no_cell_or_no_pool_are_reported() -> None:
    facts = pl.DataFrame({"customer_group": ["x", "z"], "activity": ["audit", "complaint"], "count": [1, 2]})
    result = cell_margins(lines(("a", "x", "1", "order", 1, 9, 1)), CostingParams(pools=(DESK,), grain=GRAIN), facts)
    assert result.unpriced == ("audit",)
    assert result.unplaced.select("customer_group", "count", "cost").rows() == [("z", 2.0, pytest.approx(352))]


def test_counting_an_activity_twice_is_refused() -> None:
    facts = pl.DataFrame({"activity": ["order"], "count": [1]})
    with pytest.raises(ValueError, match="counted from the demand lines"):
        cell_margins(lines(("a", "x", "1", "order", 1, 9, 1)), CostingParams(pools=(DESK,), grain=GRAIN), facts)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("quantity", -1.0, "'quantity'.*positive"),
        ("item", None, "'item'.*fill"),
        ("kind", "gift", "'kind'.*map"),
    ],
)
def test_bad_lines_are_named(column: str, value: object, message: str) -> None:
    frame = lines(("a", "x", "1", "order", 1, 9, 1)).with_columns(pl.lit(value).alias(column))
    with pytest.raises(ValueError, match=message):
        cell_margins(frame, CostingParams(grain=GRAIN))


def test_no_lines_give_no_cells() -> None:
    result = cell_margins(lines(), CostingParams(pools=(DESK,), grain=GRAIN))
    assert result.cells.is_empty()
    assert result.pools["unused_cost"].to_list() == [560_000]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CostPool("p", -1, 1, {}), "cost: pool 'p'"),
        (lambda: CostPool("p", 1, 0, {}), "practical_capacity_minutes"),
        (lambda: CostPool("p", 1, 1, {"a": float("nan")}), "activities: 'a'"),
        (lambda: CostingParams(pools=(DESK, DESK)), "pools"),
        (lambda: CostingParams(restock_share=2), "restock_share"),
    ],
)
def test_params_name_the_field(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


KEYS = st.sampled_from(["a", "b", "*"])


@settings(max_examples=60)
@given(
    orders=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("123"), st.integers(0, 50)), min_size=1
    ),
    facts=st.lists(st.tuples(KEYS, st.sampled_from(["x", "y", "*"]), st.integers(0, 9)), max_size=6),
    driver=st.sampled_from(["revenue", "order_lines", "quantity", "equal"]),
)
def test_every_cost_lands_in_a_cell_or_is_reported(orders: list, facts: list, driver: str) -> None:
    """What is charged to cells plus what is unplaced equals what the pools worked; orders add up to orders."""
    frame = lines(*((item, group, order, "order", 1.0, float(money), 1.0) for item, group, order, money in orders))
    counted = pl.DataFrame(
        [(item, group, "complaint", count) for item, group, count in facts],
        schema={"item": pl.String, "customer_group": pl.String, "activity": pl.String, "count": pl.Int64},
        orient="row",
    )
    result = cell_margins(frame, CostingParams(pools=(DESK,), grain=GRAIN, driver=driver), counted)
    charged = result.cells["cost_to_serve"].sum() + result.unplaced["cost"].sum()
    assert charged == pytest.approx(result.pools["used_cost"].sum())
    assert result.cells["orders"].sum() == pytest.approx(len({order for _, _, order, _ in orders}))


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))))
def test_whale_curve_against_plain_python(values: list[float]) -> None:
    curve = whale_curve(np.array(values, dtype=float))
    known = sorted((v for v in values if not isnan(v)), reverse=True)
    running, best, best_rank, sums = 0.0, 0.0, 0, []
    for rank, value in enumerate(known, 1):
        running += value
        sums.append(running)
        if value > 0:
            best, best_rank = running, rank
    assert curve.profit.tolist() == pytest.approx(sums)
    assert (curve.peak, curve.peak_rank) == (pytest.approx(best), best_rank)
    assert curve.unknown == len(values) - len(known)
    assert curve.total <= curve.peak + 1e-6
