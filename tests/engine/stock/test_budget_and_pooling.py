"""Money where it prevents most; one stock for several demands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from tierwise.engine.stock import (
    BufferItems,
    SubstitutionCosts,
    budget_buffers,
    exchange_curve,
    normal_loss,
    pooled_stock,
    substitution_stock,
)


def some_items(seed: int, n: int = 6) -> BufferItems:
    draw = np.random.default_rng(seed)
    return BufferItems(
        draw.uniform(1, 50, n), draw.uniform(5, 80, n), draw.uniform(50, 900, n), draw.uniform(500, 9000, n),
        weight=draw.uniform(0.5, 20, n), floor=draw.choice([0.5, 0.9], n), ceiling=0.9999,
    )  # fmt: skip


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.floats(0.3, 0.9))
def test_no_other_split_of_the_budget_is_short_of_less(seed: int, part: float) -> None:
    items = some_items(seed)
    cash = items.unit_cost * items.sd
    low, high = special.ndtri(items.floor), special.ndtri(items.ceiling)
    budget = float(cash @ low + part * (cash @ (high - low)))
    found = budget_buffers(items, budget)
    assert found.cash.sum() == pytest.approx(budget, rel=1e-6)
    worth = items.weight * items.demand_rate / items.quantity * items.sd
    scale = float(worth @ normal_loss(low))
    other = optimize.minimize(
        lambda k: worth @ normal_loss(k) / scale, low + part * (high - low), method="SLSQP",
        jac=lambda k: -worth * special.ndtr(-k) / scale,
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "ineq", "fun": lambda k: (budget - cash @ k) / budget},
        options={"ftol": 1e-12, "maxiter": 400},
    )  # fmt: skip
    assert found.shortage.sum() <= other.fun * scale * (1 + 1e-6) + 1e-9
    assert found.shortage.sum() <= found.equal_service_shortage * (1 + 1e-9)
    more = budget_buffers(items, budget * (1 + 1e-6))
    assert found.shortage.sum() - more.shortage.sum() == pytest.approx(found.price * budget * 1e-6, rel=1e-2)


def test_floors_ceilings_and_what_is_unknown() -> None:
    items = BufferItems([1, 1, np.nan, 1], [100, 0, 5, 50], 1000, 5000, floor=[0.98, 0.5, 0.5, 0.5])
    rich = budget_buffers(items, 1e9)
    assert rich.price == 0
    assert rich.cycle_service[[0, 1, 3]] == pytest.approx([0.9999, 1, 0.9999])
    assert np.isnan(rich.safety_stock[2])
    poor = budget_buffers(items, 206)
    assert poor.cycle_service[0] >= 0.98 - 1e-9
    with pytest.raises(ValueError, match="floors alone take 205"):
        budget_buffers(items, 100)


def test_the_exchange_curve_falls_and_flattens() -> None:
    items = some_items(3)
    short, price, fill = exchange_curve(items, np.linspace(500, 4000, 8))
    known = np.isfinite(short)
    assert known.sum() > 4
    assert (np.diff(short[known]) < 0).all()
    assert (np.diff(price[known]) < 0).all()
    assert (np.diff(fill[known]) > 0).all()


def test_alike_independent_demands_pool_by_the_root_of_their_number() -> None:
    found = pooled_stock([10] * 9, 1.645)
    assert found.saving == pytest.approx(1 - 1 / 3)
    assert found.each.sum() == pytest.approx(found.pooled)
    assert pooled_stock([10, 20], 2, [[1, 1], [1, 1]]).saving == pytest.approx(0, abs=1e-12)
    assert pooled_stock([10, 10], 2, [[1, -1], [-1, 1]]).pooled == pytest.approx(0, abs=1e-6)
    assert pooled_stock([10, 20], 2, rate=0).saving == pytest.approx(0, abs=1e-12)


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_substitution_never_costs_more_than_going_alone(seed: int, rate: float) -> None:
    draw = np.random.default_rng(seed)
    demand = draw.poisson(draw.uniform(3, 30, 3), (40, 3))
    rates = np.full((3, 3), rate / 2) * (1 - np.eye(3))
    costs = SubstitutionCosts(draw.uniform(0.5, 3, 3), draw.uniform(3, 12, 3), 0.5)
    found = substitution_stock(demand, rates, costs)
    assert found.cost <= found.cost_alone + 1e-9
    assert found.cost_alone <= found.cost_without + 1e-9
    assert (found.served + found.substituted <= 1 + 1e-9).all()
    assert plain_cost(demand, rates, costs, found.stock) == pytest.approx(found.cost)


def plain_cost(demand: np.ndarray, rates: np.ndarray, costs: SubstitutionCosts, stock: np.ndarray) -> float:
    total = 0.0
    for row in demand:
        missed, left = np.maximum(row - stock, 0), np.maximum(stock - row, 0)
        spill = rates * missed[:, None]
        wanted = spill.sum(axis=0)
        part = np.divide(np.minimum(left, wanted), wanted, out=np.zeros(3), where=wanted > 0)
        served = spill * part
        total += costs.overage @ (left - served.sum(axis=0)) + costs.underage @ missed
        total -= ((costs.underage - costs.penalty)[:, None] * served).sum()
    return total / len(demand)


def test_full_substitution_is_one_newsvendor_of_the_sum() -> None:
    draw = np.random.default_rng(1)
    demand = draw.poisson(20, (600, 2))
    found = substitution_stock(demand, [[0, 1], [1, 0]], SubstitutionCosts([1, 1], [9, 9]))
    whole = np.quantile(demand.sum(axis=1), 0.9, method="inverted_cdf")
    gap = demand.sum(axis=1) - whole
    assert found.cost == pytest.approx(np.mean(np.where(gap > 0, 9 * gap, -gap)), rel=0.01)
    assert found.stock.sum() == pytest.approx(whole, abs=1)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: BufferItems(0, 1, 1, 1), "unit_cost"),
        (lambda: BufferItems(1, 1, 1, 1, floor=0.9, ceiling=0.8), "floor"),
        (lambda: BufferItems(1, 1, 1, 1, roof=0.8), "roof"),
        (lambda: budget_buffers(some_items(1), np.nan), "budget"),
        (lambda: pooled_stock([1, 2], 1, [[1, 2], [2, 1]]), "correlation"),
        (lambda: pooled_stock([1, 2], 1, [[1, 0.5]]), "correlation"),
        (lambda: pooled_stock([1], 1, rate=2), "rate"),
        (lambda: SubstitutionCosts(1, 1, 2), "penalty"),
        (lambda: substitution_stock([[1, 2]], np.zeros((2, 2)), SubstitutionCosts(1, 2)), "demand"),
        (lambda: substitution_stock([[1, 2]] * 3, np.ones((2, 2)), SubstitutionCosts(1, 2)), "rates"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
