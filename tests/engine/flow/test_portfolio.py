"""Portfolios against every set of suppliers, with risk, second sources, capabilities and changes."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.flow import NoPlan, PortfolioParams, PortfolioProblem, choose_portfolio

SEEDS = st.integers(0, 10**6)


def random_problem(seed: int) -> PortfolioProblem:
    draw = np.random.default_rng(seed)
    price = np.where(draw.random((4, 2)) < 0.8, draw.uniform(5, 15, (4, 2)), np.nan)
    price[0] = draw.uniform(5, 15, 2)
    return PortfolioProblem(
        price=price, demand=draw.uniform(20, 60, 2), capacity=np.r_[200, draw.uniform(20, 90, 3)],
        fixed_cost=draw.uniform(0, 200, 4), incumbent=draw.random(4) < 0.5, onboard_cost=draw.uniform(0, 90, 4),
        exit_cost=draw.uniform(0, 90, 4), available=np.vstack([np.ones(4), draw.choice([0, 0.5, 1], (3, 4))]),
        probability=[0.85, 0.05, 0.05, 0.05], shortage_cost=draw.uniform(20, 60, 2),
    )  # fmt: skip


def least_by_sets(p: PortfolioProblem, params: PortfolioParams) -> float:
    """For every set of kept suppliers the program without whole numbers, written out for SciPy."""
    best = np.inf
    suppliers, items = p.price.shape
    scenarios = len(p.probability)
    for kept in itertools.product([False, True], repeat=suppliers):
        keep = np.array(kept)
        if (keep != p.incumbent).sum() > params.most_changes:
            continue
        fixed = p.fixed_cost @ keep + p.onboard_cost @ (keep & ~p.incumbent) + p.exit_cost @ (~keep & p.incumbent)
        buy, miss = suppliers * items, scenarios * items
        size = buy + miss + 1 + scenarios
        cost = np.zeros(size)
        cost[:buy] = np.nan_to_num(p.price).ravel()
        cost[buy + miss] = params.risk_weight
        cost[buy + miss + 1 :] = params.risk_weight * p.probability / (1 - params.level)
        high = np.r_[np.where(keep[:, None] & ~np.isnan(p.price), np.inf, 0).ravel(), np.full(size - buy, np.inf)]
        low = np.zeros(size)
        upper, limits = [], []
        for s in range(suppliers):
            row = np.zeros(size)
            row[s * items : (s + 1) * items] = 1
            upper.append(row)
            limits.append(p.capacity[s])
        for q in range(scenarios):
            for i in range(items):
                row = np.zeros(size)
                row[i:buy:items] = -p.available[q]
                row[buy + q * items + i] = -1
                upper.append(row)
                limits.append(-p.demand[i])
            row = np.zeros(size)
            row[buy + q * items : buy + (q + 1) * items] = p.shortage_cost
            row[buy + miss] = row[buy + miss + 1 + q] = -1
            upper.append(row)
            limits.append(0)
        equal = np.array([np.r_[np.tile(np.arange(items) == i, suppliers), np.zeros(size - buy)] for i in range(items)])
        found = linprog(cost, np.array(upper), limits, equal, p.demand, np.column_stack([low, high]))
        if found.status == 0:
            best = min(best, found.fun + fixed)
    return best


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([1, 4]))
def test_the_choice_is_the_best_of_all_sets(seed: int, weight: float, changes: int) -> None:
    problem, params = random_problem(seed), PortfolioParams(most_changes=changes, risk_weight=weight)
    best = least_by_sets(problem, params)
    if np.isinf(best):
        with pytest.raises(NoPlan):
            choose_portfolio(problem, params)
        return
    found = choose_portfolio(problem, params)
    assert found.cost == pytest.approx(best, rel=1e-5)
    assert sum(found.parts.values()) == pytest.approx(found.cost, rel=1e-5)
    assert found.bound <= found.cost + 1e-6
    assert (found.quantity.sum(axis=1) <= problem.capacity + 1e-6).all()


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_more_care_for_risk_never_leaves_more_of_it(seed: int) -> None:
    problem = random_problem(seed)
    risks = [choose_portfolio(problem, PortfolioParams(risk_weight=w)).conditional for w in (0.0, 1.0, 10.0)]
    assert risks[0] >= risks[1] - 1e-5 >= risks[2] - 2e-5


def facility_problem(seed: int, sites: int = 8, customers: int = 12) -> PortfolioProblem:
    draw = np.random.default_rng(seed)
    return PortfolioProblem(draw.uniform(1, 20, (sites, customers)), 1.0, fixed_cost=draw.uniform(5, 30, sites))


@pytest.mark.parametrize("seed", range(3))
def test_without_limits_it_is_facility_location_solved_over_all_sets(seed: int) -> None:
    problem = facility_problem(seed)
    sets = np.array(list(itertools.product([False, True], repeat=8)))[1:]
    costs = [problem.fixed_cost[s].sum() + problem.price[s].min(axis=0).sum() for s in sets]
    found = choose_portfolio(problem)
    assert found.cost == pytest.approx(min(costs))
    assert found.kept.tolist() == sets[int(np.argmin(costs))].tolist()


def test_two_suppliers_of_one_owner_are_one_source() -> None:
    problem = PortfolioProblem([[10], [11], [15]], [100], owner=[0, 0, 1], sources=2, least_share=0.2)
    found = choose_portfolio(problem)
    assert found.quantity.ravel().tolist() == [80, 0, 20]
    assert found.sole.size == 0
    free = choose_portfolio(dataclasses.replace(problem, sources=1))
    assert free.sole.tolist() == [0]


def test_a_sole_cover_of_a_capability_is_never_cut() -> None:
    problem = PortfolioProblem(
        [[10], [30]], [10], fixed_cost=[0, 500], incumbent=True, capability=[[0], [1]], needed=[1]
    )
    found = choose_portfolio(problem)
    assert found.decision == ("keep", "keep")
    assert choose_portfolio(dataclasses.replace(problem, needed=[0])).decision == ("keep", "exit")


def test_conflicts_name_the_rule_that_stands_in_the_way() -> None:
    alone = PortfolioProblem([[10], [np.nan]], [100], sources=2)
    with pytest.raises(NoPlan, match="accept fewer sources by 1"):
        choose_portfolio(alone)
    small = PortfolioProblem([[10], [11]], [100], capacity=[30, 40])
    with pytest.raises(NoPlan, match=r"raise capacity by 30|buy less by 30"):
        choose_portfolio(small)
    frozen = PortfolioProblem([[10], [11]], [100], incumbent=False)
    with pytest.raises(NoPlan, match="allow more changes by 1"):
        choose_portfolio(frozen, PortfolioParams(most_changes=0))


def test_what_is_refused() -> None:
    good = {"price": [[1.0]], "demand": [1.0]}
    for field, changed in (
        ("demand", {"demand": [1, 2]}), ("owner", {"owner": [0, 1]}),
        ("available", {"available": [[2.0]], "probability": [1]}),
        ("probability", {"available": [[1.0]], "probability": [0.5]}), ("least_share", {"least_share": 2}),
        ("fixed_cost", {"fixed_cost": -1}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=field):
            PortfolioProblem(**(good | changed))
    for field, changed in (("most_changes", -1), ("risk_weight", -1), ("level", 1), ("gap", 1)):
        with pytest.raises(ValueError, match=field):
            PortfolioParams(**{field: changed})


# OR-Library (Beasley), uncapacitated warehouse location: the four instances share customers and differ in what a
# warehouse costs; one stands already and costs nothing.
OPTIMA = {7_500.0: 932_615.750, 12_500.0: 977_799.400, 17_500.0: 1_010_641.450, 25_000.0: 1_034_976.975}


@pytest.mark.parametrize(("fixed", "optimum"), OPTIMA.items(), ids=["cap71", "cap72", "cap73", "cap74"])
def test_warehouses_of_the_or_library(fixed: float, optimum: float) -> None:
    """Sixteen warehouses as suppliers of fifty customers' demand, each cell the cost of all of it."""
    customers = np.loadtxt(Path(__file__).with_name("cap71.txt"))
    demand, cost = customers[:, 0], customers[:, 1:]
    costs = np.full(16, fixed)
    costs[10] = 0.0
    found = choose_portfolio(PortfolioProblem(price=(cost / demand[:, None]).T, demand=demand, fixed_cost=costs))
    assert found.cost == pytest.approx(optimum, abs=0.001)
    assert found.bound == pytest.approx(optimum, rel=1e-6)
    assert found.parts["fixed"] == fixed * (found.kept.sum() - found.kept[10])
