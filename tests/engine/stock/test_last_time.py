"""Last-time buy: one period is a newsvendor, many periods against a plain search and drawn demand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tierwise.engine.stock import Distribution, LastTimeCosts, last_time_buy, newsvendor


def test_row_9_3_under_age_50_over_age_8_poisson_120() -> None:
    found = last_time_buy([120], LastTimeCosts(unit_cost=8, shortage=58))
    assert float(found.quantity) == 132
    assert float(found.quantity) == float(newsvendor(Distribution("poisson", 120), 8, 50).quantity)


def plain_cost(quantity: int, means: list[float], costs: LastTimeCosts) -> float:
    total, before = float(costs.unit_cost) * quantity, 0.0
    units = np.arange(250)
    for t, mean in enumerate(np.cumsum(means), start=1):
        mass = np.exp(special.xlogy(units, mean) - mean - special.gammaln(units + 1))
        left = float(np.maximum(quantity - units, 0) @ mass)
        missed = float(np.maximum(units - quantity, 0) @ mass)
        worth = float(costs.discount) ** t
        total += worth * (float(costs.holding) * left + float(costs.shortage) * (missed - before))
        before = missed
        if t == len(means):
            total -= worth * float(costs.salvage) * left
    return total


@settings(max_examples=10)
@given(
    st.lists(st.floats(0, 12), min_size=1, max_size=6),
    st.floats(0.5, 20),
    st.floats(1.1, 20),
    st.floats(0, 1),
    st.floats(-0.5, 0.9),
    st.floats(0.8, 1),
)
def test_the_quantity_is_the_plain_search_s(
    means: list[float], paid: float, short: float, hold: float, back: float, discount: float
) -> None:
    costs = LastTimeCosts(paid, paid * short, hold, paid * back, discount)
    found = last_time_buy(means, costs)
    plain = [plain_cost(q, means, costs) for q in range(100)]
    assert float(found.cost) == pytest.approx(plain[int(found.quantity)], rel=1e-7, abs=1e-7)
    assert float(found.cost) <= min(plain) + 1e-7 * (1 + abs(min(plain)))


def test_wider_demand_and_dearer_shortage_ask_for_more() -> None:
    costs = LastTimeCosts(unit_cost=8, shortage=[58, 580, 58], holding=0.05, discount=0.99)
    found = last_time_buy(np.tile(np.linspace(12, 1, 10), (3, 1)), costs, variance_ratio=[1, 1, 4])
    assert found.quantity[1] > found.quantity[0]
    assert found.quantity[2] > found.quantity[0]
    assert (np.diff(found.stock, axis=1) < 0).all()
    assert (np.diff(found.empty, axis=1) >= 0).all()
    assert found.service == pytest.approx(1 - found.empty[:, -1])


def test_a_mixed_batch_is_each_item_alone() -> None:
    means = np.array([[5.0, 4.0, 3.0], [9.0, 2.0, 0.0]])
    both = last_time_buy(means, LastTimeCosts(2, 30, 0.1, 0.5, 0.98), variance_ratio=[1, 3])
    alone = [last_time_buy(m, LastTimeCosts(2, 30, 0.1, 0.5, 0.98), r) for m, r in zip(means, [1, 3], strict=True)]
    assert both.quantity.tolist() == [float(each.quantity) for each in alone]
    assert both.cost == pytest.approx([float(each.cost) for each in alone], rel=1e-6)


def test_stock_at_hand_counts_first() -> None:
    costs = LastTimeCosts(unit_cost=8, shortage=58)
    assert float(last_time_buy([120], costs, on_hand=100).quantity) == 32
    assert float(last_time_buy([120], costs, on_hand=500).quantity) == 0


def test_unknown_and_no_items() -> None:
    found = last_time_buy([[5.0], [np.nan]], LastTimeCosts(2, 30))
    assert found.quantity[0] > 0
    assert np.isnan(found.quantity[1])
    assert last_time_buy(np.zeros((0, 3)), LastTimeCosts(2, 30)).quantity.size == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: LastTimeCosts(8, 7), "shortage"),
        (lambda: LastTimeCosts(8, 9, salvage=9), "salvage"),
        (lambda: LastTimeCosts(8, 9, discount=1.1), "discount"),
        (lambda: last_time_buy([], LastTimeCosts(1, 2)), "period_means"),
        (lambda: last_time_buy([1], LastTimeCosts(1, 2), variance_ratio=0.5), "variance_ratio"),
        (lambda: last_time_buy([[1.0], [2.0]], LastTimeCosts([1, 1, 1], 2)), "shapes"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
