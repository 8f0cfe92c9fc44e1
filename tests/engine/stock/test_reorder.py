"""(r, Q) and (s, S): published examples, and plain searches that must not find anything cheaper."""

from __future__ import annotations

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import (
    Distribution,
    ReorderParams,
    approximate_reorder_policy,
    level_policy,
    reorder_cost,
    reorder_policy,
)

BOOK = ReorderParams(8, 0.225, 7.5, demand_mean=1300, demand_sd=150, lead_time=1 / 12)


def test_tc_11_cost_of_a_given_policy() -> None:
    assert float(reorder_cost(126.8, 328.5, BOOK).cost) == pytest.approx(78.0711625, abs=1e-7)


def test_tc_11_expected_inventory_level_approximation() -> None:
    found = approximate_reorder_policy(BOOK)
    assert float(found.reorder_point) == pytest.approx(213.97044213580244, abs=1e-8)
    assert float(found.quantity) == pytest.approx(318.5901810768729, abs=1e-8)
    assert float(found.cost) == pytest.approx(95.45114022285196, abs=1e-8)


def test_tc_11_economic_lot_with_safety_stock() -> None:
    found = approximate_reorder_policy(BOOK, "economic_lot")
    assert float(found.reorder_point) == pytest.approx(190.3369965715624, abs=1e-9)
    assert float(found.quantity) == pytest.approx(304.0467800264368, abs=1e-9)


def test_exact_policy_of_example_5_1() -> None:
    best = reorder_policy(BOOK)
    assert float(best.reorder_point) == pytest.approx(126.8670634, abs=1e-6)
    assert float(best.quantity) == pytest.approx(328.4491422, abs=1e-6)
    assert float(best.cost) < 78.0711625


costs = st.tuples(st.floats(1, 300), st.floats(0.1, 5), st.floats(0.5, 60))


@settings(max_examples=60)
@given(costs, st.floats(10, 3000), st.floats(1, 500), st.floats(0.02, 3), st.floats(-1, 1), st.floats(0.6, 1.6))
def test_no_other_normal_policy_is_cheaper(
    money: tuple[float, float, float], rate: float, sd: float, lead: float, shift: float, stretch: float
) -> None:
    params = ReorderParams(*money, rate, lead, sd)
    best = reorder_policy(params)
    other = reorder_cost(best.reorder_point + shift * sd, best.quantity * stretch, params)
    assert float(best.cost) <= float(other.cost) * (1 + 1e-10)
    assert float(approximate_reorder_policy(params, "economic_lot").cost) >= float(best.cost) * (1 - 1e-10)


def plain_poisson_cost(point: int, lot: int, money: tuple[float, float, float], rate: float, lead: float) -> float:
    fixed, hold, short = money
    mean = rate * lead
    mass = [exp(-mean) * mean**d / factorial(d) for d in range(60)]
    total = fixed * rate
    for y in range(point + 1, point + lot + 1):
        total += sum(q * (hold * max(y - d, 0) + short * max(d - y, 0)) for d, q in enumerate(mass))
    return total / lot


@settings(max_examples=15)
@given(costs, st.floats(0.2, 6), st.floats(0.05, 2))
def test_poisson_policy_is_the_plain_search_s(money: tuple[float, float, float], rate: float, lead: float) -> None:
    best = reorder_policy(ReorderParams(*money, rate, lead), "poisson")
    point, lot = int(best.reorder_point), int(best.quantity)
    here = plain_poisson_cost(point, lot, money, rate, lead)
    assert here == pytest.approx(float(best.cost), rel=1e-8)
    for r, q in ((point - 1, lot), (point + 1, lot), (point, lot + 1), (point - 1, lot + 1), (point, max(lot - 1, 1))):
        assert here <= plain_poisson_cost(r, q, money, rate, lead) * (1 + 1e-9)


def test_large_poisson_demand_comes_near_the_normal_one() -> None:
    whole = reorder_policy(ReorderParams(100, 1, 20, 50_000, 0.2), "poisson")
    smooth = reorder_policy(ReorderParams(100, 1, 20, 50_000, 0.2, demand_sd=np.sqrt(50_000)))
    assert float(whole.cost) == pytest.approx(float(smooth.cost), rel=1e-3)


def test_certain_demand_is_the_economic_lot_with_backorders() -> None:
    best = reorder_policy(ReorderParams(8, 0.225, 5, 1300, 0.1))
    assert float(best.quantity) == pytest.approx(310.81255, abs=1e-4)
    assert float(best.cost) == pytest.approx(66.92136, abs=1e-4)


def test_fill_rate_and_backorders_are_those_of_a_plain_integral() -> None:
    found = reorder_cost(126.8, 328.5, BOOK)
    y = np.linspace(126.8, 126.8 + 328.5, 20_001)
    over = Distribution("normal", 1300 / 12, 150 * np.sqrt(1 / 12))
    assert float(found.backorders) == pytest.approx(np.trapezoid(over.loss(y), y) / 328.5, rel=1e-6)
    assert 1 - float(found.fill_rate) == pytest.approx(np.trapezoid(over.above(y), y) / 328.5, rel=1e-6)


def test_levels_of_example_4_7_and_problem_4_31() -> None:
    best = level_policy(Distribution("poisson", [6, 4]), [5, 150], [1, 40], [4, 125])
    assert best.reorder_level.tolist()[0] == 4
    assert best.up_to.tolist()[0] == 10
    assert best.cost[0] == pytest.approx(8.034111561471642, abs=1e-9)


def plain_level_cost(low: int, high: int, money: tuple[float, float, float], mean: float) -> float:
    """Stationary distribution of the level after ordering, by a linear system."""
    fixed, hold, short = money
    mass = np.array([exp(-mean) * mean**d / factorial(d) for d in range(60)])
    states = list(range(low + 1, high + 1))
    moves = np.zeros((len(states), len(states)))
    orders = np.zeros(len(states))
    for a, y in enumerate(states):
        for d, q in enumerate(mass):
            to = y - d if y - d > low else high
            moves[a, states.index(to)] += q
            orders[a] += q * (y - d <= low)
    system = np.vstack([(moves / moves.sum(axis=1, keepdims=True)).T - np.eye(len(states)), np.ones(len(states))])
    share = np.linalg.lstsq(system, np.append(np.zeros(len(states)), 1.0), rcond=None)[0]
    rate = [sum(q * (hold * max(y - d, 0) + short * max(d - y, 0)) for d, q in enumerate(mass)) for y in states]
    return float(share @ (np.array(rate) + fixed * orders))


@settings(max_examples=12)
@given(st.tuples(st.floats(1, 60), st.floats(0.3, 3), st.floats(1, 20)), st.floats(0.6, 6))
def test_levels_are_the_plain_search_s(money: tuple[float, float, float], mean: float) -> None:
    best = level_policy(Distribution("poisson", mean), *money)
    low, high = int(best.reorder_level), int(best.up_to)
    assert plain_level_cost(low, high, money, mean) == pytest.approx(float(best.cost), rel=1e-6)
    for s in range(low - 2, low + 3):
        for top in range(max(s + 1, high - 2), high + 3):
            assert float(best.cost) <= plain_level_cost(s, top, money, mean) * (1 + 1e-6)


def test_lead_time_and_finer_steps_of_continuous_demand() -> None:
    waited = level_policy(Distribution("poisson", 6), 5, 1, 4, lead_time=2)
    assert float(waited.up_to) > 18
    demand = Distribution("normal", 50, 8)
    coarse, fine = (level_policy(demand, 2.5, 0.18, 0.7, unit=unit) for unit in (1.0, 0.25))
    assert float(coarse.cost) == pytest.approx(float(fine.cost), rel=2e-3)
    assert float(fine.reorder_level) % 0.25 == 0


def test_batches_and_unknown_items() -> None:
    found = reorder_policy(ReorderParams([8, np.nan], 0.225, 7.5, 1300, 1 / 12, 150))
    assert found.cost.shape == (2,)
    assert np.isnan(found.cost[1])
    levels = level_policy(Distribution("poisson", [6, np.nan]), 5, 1, 4)
    assert levels.up_to[0] == 10
    assert np.isnan(levels.up_to[1])
    assert reorder_policy(ReorderParams([], 1, 1, 1, 1)).cost.size == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: ReorderParams(0, 1, 1, 1, 1), "fixed"),
        (lambda: ReorderParams(1, 1, 1, 1, -1), "lead_time"),
        (lambda: ReorderParams([1, 2], 1, 1, 1, [1, 2, 3]), "shapes"),
        (lambda: reorder_policy(BOOK, "weibull"), "demand"),
        (lambda: approximate_reorder_policy(BOOK, "guess"), "method"),
        (lambda: level_policy(Distribution("poisson", 6), 5, 1, 4, leadtime=1), "leadtime"),
        (lambda: level_policy(Distribution("normal", 5e6, 1), 5, 1, 4), "unit"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
