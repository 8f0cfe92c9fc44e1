"""Lot sizes: published examples, discounts against a fine grid, known demand against all subsets of periods."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import discounted_order_quantity, dynamic_lots, economic_order_quantity

PRICES = ([0, 400, 800], [0.75, 0.72, 0.68])


def test_tc_11_economic_order_quantity() -> None:
    lot = economic_order_quantity(8, 0.225, 1300)
    assert float(lot.quantity) == pytest.approx(304.0467800264368, abs=1e-9)
    assert float(lot.cost) == pytest.approx(68.4105255, abs=1e-7)


def test_backorders_of_example_3_8_and_production_of_problem_3_22() -> None:
    lot = economic_order_quantity(8, 0.225, 1300, stockout=5)
    assert float(lot.quantity) == pytest.approx(310.81255, abs=1e-4)
    assert float(lot.cost) == pytest.approx(66.92136, abs=1e-4)
    assert float(lot.short_share) == pytest.approx(0.0430622, abs=1e-6)
    made = economic_order_quantity(4, 0.08, 80, production_rate=110)
    assert float(made.quantity) == pytest.approx(171.2698, abs=1e-3)


def test_tc_11_all_unit_discounts() -> None:
    lot = discounted_order_quantity(8, 0.3, 1300, PRICES)
    assert (float(lot.quantity), int(lot.tier)) == (800, 2)
    assert float(lot.cost) == pytest.approx(978.6, abs=1e-9)


def test_tc_11_incremental_discounts() -> None:
    lot = discounted_order_quantity(8, 0.3, 1300, PRICES, incremental=True)
    assert float(lot.quantity) == pytest.approx(304.0467800264368, abs=1e-9)
    assert float(lot.cost) == pytest.approx(1043.4105255, abs=1e-7)
    assert int(lot.tier) == 0


def plain_cost(quantity: float, fixed: float, charge: float, rate: float, incremental: bool) -> float:
    breaks, costs = PRICES
    tier = max(j for j, b in enumerate(breaks) if quantity >= b)
    if not incremental:
        return costs[tier] * rate + fixed * rate / quantity + charge * costs[tier] * quantity / 2
    paid = sum(
        costs[j] * (min(quantity, breaks[j + 1] if j + 1 < len(breaks) else quantity) - breaks[j])
        for j in range(tier + 1)
    )
    return paid / quantity * rate + fixed * rate / quantity + charge * paid / quantity * quantity / 2


@settings(max_examples=40)
@given(st.floats(0.5, 60), st.floats(0.05, 0.6), st.floats(100, 9000), st.booleans())
def test_no_lot_on_a_grid_is_cheaper(fixed: float, charge: float, rate: float, incremental: bool) -> None:
    lot = discounted_order_quantity(fixed, charge, rate, PRICES, incremental)
    assert plain_cost(float(lot.quantity), fixed, charge, rate, incremental) == pytest.approx(float(lot.cost))
    tried = [plain_cost(q, fixed, charge, rate, incremental) for q in np.geomspace(5, 20000, 300)]
    assert float(lot.cost) <= min(tried) + 1e-6


def test_items_with_fewer_tiers_and_unknown_items() -> None:
    breaks = [[0, 400, 800], [0, 100, np.nan], [0, 100, 200]]
    costs = [[0.75, 0.72, 0.68], [2.0, 1.9, np.nan], [2.0, 1.9, 1.8]]
    lot = discounted_order_quantity(8, 0.3, [1300, 1300, np.nan], (breaks, costs))
    assert lot.quantity[0] == 800
    assert lot.tier.tolist() == [2, 1, -1]
    assert np.isnan(lot.quantity[2])


def test_wagner_whitin_of_examples() -> None:
    orders, cost = dynamic_lots(500, 2, [90, 120, 80, 70])
    assert (orders.tolist(), float(cost)) == ([210, 0, 150, 0], 1380)
    _, cost = dynamic_lots(120, 0.8, [150, 100, 80, 200])
    assert float(cost) == pytest.approx(424)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=7), st.floats(0, 200), st.floats(0, 5))
def test_known_demand_costs_what_the_best_subset_costs(demand: list[int], fixed: float, hold: float) -> None:
    orders, cost = dynamic_lots(fixed, hold, demand)
    best = np.inf
    for plan in product([0, 1], repeat=len(demand)):
        total, last = 0.0, None
        for t, wanted in enumerate(demand):
            if plan[t]:
                total, last = total + fixed, t
            if wanted:
                total = np.inf if last is None else total + hold * (t - last) * wanted
        best = min(best, total)
    assert float(cost) == pytest.approx(best)
    stock = np.cumsum(orders) - np.cumsum(demand)
    assert (stock >= -1e-9).all()
    assert fixed * (orders > 0).sum() + hold * stock.sum() == pytest.approx(best)


def test_batches_of_known_demand_keep_unknown_rows_apart() -> None:
    orders, cost = dynamic_lots(500, [2, 2], [[90, 120, 80, 70], [1, np.nan, 1, 1]])
    assert orders[0].tolist() == [210, 0, 150, 0]
    assert np.isnan(orders[1]).all()
    assert np.isnan(cost[1])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: economic_order_quantity(0, 1, 1), "fixed"),
        (lambda: economic_order_quantity(1, 1, 10, production_rate=9), "production_rate"),
        (lambda: discounted_order_quantity(1, 0.1, 1, ([0, 5], [1, 2])), "unit_costs"),
        (lambda: discounted_order_quantity(1, 0.1, 1, ([1, 5], [2, 1])), "breakpoints"),
        (lambda: discounted_order_quantity(1, 0.1, 1, ([0], [2, 1])), "tiers"),
        (lambda: dynamic_lots(1, 1, 5.0), "demand"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
