"""Days of supply: the standard's test vectors, and the rule in plain words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import days_of_supply

DEMAND, INBOUND = [40, 60, 50, 50, 60, 50], [0, 60, 100, 0, 0, 40]


def test_tc_18_days_of_supply() -> None:
    assert days_of_supply(100, DEMAND, INBOUND).days == pytest.approx([1.0, 1.2, 2.0, 1.0, 0.0])
    assert days_of_supply(0, DEMAND, INBOUND).days == pytest.approx([0, 0, 0.2, 0, 0])
    assert days_of_supply(100, [40], [0]).days.tolist() == []


def plain(stock: float, demand: list[float], receipts: list[float]) -> tuple[list[float], list[bool]]:
    days, beyond = [], []
    for now in range(len(demand) - 1):
        stock += receipts[now] - demand[now]
        left, count = stock, 0.0
        for wanted in demand[now + 1 :]:
            if left <= 0:
                break
            if left < wanted:
                count, left = count + left / wanted, 0.0
                break
            count, left = count + 1, left - wanted
        days.append(count)
        beyond.append(left > 0)
    return days, beyond


whole = st.integers(0, 30).map(float)


@settings(max_examples=120)
@given(st.integers(-20, 200), st.lists(st.tuples(whole, whole), min_size=1, max_size=12))
def test_the_walk_is_the_plain_rule(stock: int, days: list[tuple[float, float]]) -> None:
    demand, receipts = [d for d, _ in days], [r for _, r in days]
    found = days_of_supply(stock, demand, receipts)
    expected, beyond = plain(float(stock), demand, receipts)
    assert found.days == pytest.approx(expected)
    assert found.beyond.tolist() == beyond
    assert found.projected == pytest.approx(stock + np.cumsum(receipts) - np.cumsum(demand))


def test_ample_stock_says_so_and_none_covers_nothing() -> None:
    ample = days_of_supply(1000, [1, 1, 1, 1])
    assert ample.days.tolist() == [3, 2, 1]
    assert ample.beyond.all()
    none = days_of_supply(0, [0, 0, 0])
    assert none.days.tolist() == [0, 0]
    assert not none.beyond.any()


def test_batches_and_unknown_days() -> None:
    found = days_of_supply([100, 0, np.nan], [DEMAND, DEMAND, DEMAND], INBOUND)
    assert found.days.shape == (3, 5)
    assert found.days[1] == pytest.approx([0, 0, 0.2, 0, 0])
    assert np.isnan(found.days[2]).all()
    assert np.isnan(days_of_supply(100, [10, 10, np.nan, 10]).days).all()
    assert days_of_supply([], np.zeros((0, 4))).days.shape == (0, 3)
    assert days_of_supply(0.3, [0.0, 0.1, 0.1, 0.1]).days[0] == pytest.approx(3)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: days_of_supply(1, [-1, 2]), "demand"),
        (lambda: days_of_supply(1, [1, 2], [1, 2, 3]), "shapes"),
        (lambda: days_of_supply([1, 2], [1, 2]), "stock"),
        (lambda: days_of_supply([1, 2], [[1, 2]] * 3), "stock"),
        (lambda: days_of_supply(1, 5), "demand"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
