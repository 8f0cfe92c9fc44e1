"""Allocation against SciPy on random programs, prices as finite differences, re-plans, and conflicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.flow import AllocationProblem, Allocator, NoPlan, allocate


def random_problem(seed: int) -> AllocationProblem:
    draw = np.random.default_rng(seed)
    items, weeks, groups = 3, 4, 2
    demand = draw.integers(5, 30, (items, weeks)).astype(float)
    item = np.repeat(np.arange(items), 2)
    committed = np.where(draw.random((6, weeks)) < 0.7, demand[item] / 2, np.nan)
    return AllocationProblem(
        demand=demand, item=item, price=draw.uniform(5, 15, (6, weeks)), group=draw.integers(-1, groups, 6),
        capacity=draw.uniform(15, 60, (groups, weeks)), load_factor=draw.uniform(0.5, 2, 6),
        shortage_cost=draw.uniform(30, 90, items), committed=committed, flex_up=draw.uniform(0.2, 1.5, 6),
        flex_down=1.0,
        change_cost=draw.choice([0.0, 1.0, 3.0], 6), minimum_take=draw.uniform(0, 60, 6),
        untaken_fee=draw.uniform(1, 9, 6),
        holding_cost=draw.choice([0.5, np.inf], items),
    )  # fmt: skip


def with_scipy(p: AllocationProblem) -> float:
    """The same program, written out place by place."""
    lanes, weeks = p.price.shape
    items = p.demand.shape[0]
    low, high = p.band
    names: list[tuple[object, ...]] = [("x", k, t) for k in range(lanes) for t in range(weeks)]
    names += [("s", i, t) for i in range(items) for t in range(weeks)] + [("u", k) for k in range(lanes)]
    names += [("h", i, t) for i in range(items) for t in range(weeks - 1) if np.isfinite(p.holding_cost[i])]
    known = [(k, t) for k in range(lanes) for t in range(weeks) if not np.isnan(p.committed[k, t])]
    names += [(side, k, t) for k, t in known for side in ("up", "down")]
    at = {name: place for place, name in enumerate(names)}
    cost = np.zeros(len(names))
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * len(names)
    equal, equals, upper, uppers = [], [], [], []
    for k in range(lanes):
        cost[at["u", k]] = p.untaken_fee[k]
        row = np.zeros(len(names))
        row[at["u", k]] = -1
        for t in range(weeks):
            cost[at["x", k, t]] = p.price[k, t]
            bounds[at["x", k, t]] = (low[k, t], high[k, t])
            row[at["x", k, t]] = -1
        upper.append(row)
        uppers.append(-p.minimum_take[k])
    for k, t in known:
        row = np.zeros(len(names))
        row[[at["x", k, t], at["up", k, t], at["down", k, t]]] = 1, -1, 1
        cost[[at["up", k, t], at["down", k, t]]] = p.change_cost[k]
        equal.append(row)
        equals.append(p.committed[k, t])
    for i in range(items):
        for t in range(weeks):
            row = np.zeros(len(names))
            row[at["s", i, t]] = 1
            cost[at["s", i, t]] = p.shortage_cost[i, t]
            for k in np.flatnonzero(p.item == i):
                row[at["x", k, t]] = 1
            if ("h", i, t) in at:
                row[at["h", i, t]] = -1
                cost[at["h", i, t]] = p.holding_cost[i]
            if ("h", i, t - 1) in at:
                row[at["h", i, t - 1]] = 1
            equal.append(row)
            equals.append(p.demand[i, t])
    for g in range(p.capacity.shape[0]):
        for t in range(weeks):
            row = np.zeros(len(names))
            for k in np.flatnonzero(p.group == g):
                row[at["x", k, t]] = p.load_factor[k]
            upper.append(row)
            uppers.append(p.capacity[g, t])
    found = linprog(cost, np.array(upper), uppers, np.array(equal), equals, bounds)
    assert found.status == 0
    return float(found.fun)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_least_cost_is_that_of_the_program_written_out(seed: int) -> None:
    problem = random_problem(seed)
    plan = allocate(problem)
    assert plan.cost == pytest.approx(with_scipy(problem), rel=1e-7)
    assert sum(plan.parts.values()) == pytest.approx(plan.cost, rel=1e-7)
    supplied = np.zeros_like(problem.demand)
    np.add.at(supplied, problem.item, plan.quantity)
    before = np.pad(plan.held, ((0, 0), (1, 0)))[:, :-1]
    assert np.allclose(supplied + plan.short + before - plan.held, problem.demand), "nothing appears or disappears"
    assert (plan.quantity.sum(axis=1) + plan.untaken >= problem.minimum_take - 1e-7).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_prices_are_what_one_more_unit_changes(seed: int) -> None:
    problem, step = random_problem(seed), 1e-4
    plan = allocate(problem)
    for name, price, sign in (
        ("capacity", plan.capacity_price, -1),
        ("demand", plan.demand_price, 1),
        ("minimum_take", plan.take_price, 1),
    ):
        given_ = np.asarray(getattr(problem, name))
        place = tuple(np.random.default_rng(seed).integers(0, size) for size in given_.shape)
        costs = []
        for moved in (-step, step):
            changed = given_.copy()
            changed[place] = max(changed[place] + moved, 0)
            costs.append(allocate(dataclasses.replace(problem, **{name: changed})).cost)
        below, above = sorted(((plan.cost - costs[0]) / step, (costs[1] - plan.cost) / step))
        assert below - 1e-4 <= sign * price[place] <= above + 1e-4, name


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plan_made_again_equals_one_made_anew(seed: int) -> None:
    problem, draw = random_problem(seed), np.random.default_rng(seed + 7)
    planner = Allocator(problem)
    planner.solve()
    changes = {
        "demand": problem.demand * draw.uniform(0.9, 1.1, problem.demand.shape), "price": problem.price * 1.1,
        "capacity": problem.capacity * 0.9, "shortage_cost": 50.0, "flex_up": 1.0, "minimum_take": 10.0,
        "committed": problem.committed * 1.05,
    }  # fmt: skip
    assert planner.replan(**changes).cost == pytest.approx(
        allocate(dataclasses.replace(problem, **changes)).cost, rel=1e-7
    )


def test_no_shift_of_demand_means_no_change_of_commitments() -> None:
    committed = np.array([[60.0, 60.0], [40.0, 40.0]])
    problem = AllocationProblem(
        [[100, 100]], [0, 0], 10, committed=committed, flex_up=0.2, flex_down=0.2, change_cost=1
    )
    assert np.allclose(allocate(problem).quantity, committed)
    moved = Allocator(problem).replan(demand=[[100, 110]])
    assert np.abs(moved.quantity - committed).sum() == pytest.approx(10), "the least disruptive move"


def test_a_band_price_is_what_room_would_save() -> None:
    problem = AllocationProblem([[100]], [0, 0], [[10], [14]], committed=[[50], [50]], flex_up=0.2, flex_down=0.2)
    plan = allocate(problem)
    assert plan.quantity.ravel().tolist() == [60, 40]
    assert plan.band_price.sum() == pytest.approx(4)


def test_conflicts_name_band_capacity_and_demand_with_the_remedy() -> None:
    tight = AllocationProblem([[100]], [0, 0], [10, 12], [0, 1], [[50], [30]])
    with pytest.raises(NoPlan, match="raise capacity by 20") as caught:
        allocate(tight)
    assert {each.name for each in caught.value.conflicts} == {"capacity", "demand"}
    band = AllocationProblem([[100]], [0], 10, committed=[[50]], flex_up=0.2, flex_down=0.2)
    with pytest.raises(NoPlan, match=r"widen the flex band by 40.*lane 0 week 0"):
        allocate(band)
    take = AllocationProblem([[10]], [0], 10, minimum_take=25)
    with pytest.raises(NoPlan, match="lower a minimum take by 15"):
        allocate(take)


def test_nothing_to_allocate_and_what_is_refused() -> None:
    assert allocate(AllocationProblem(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)))).cost == 0
    for field, changed in (
        ("demand", {"demand": [[np.nan]]}), ("item", {"item": [1]}), ("group", {"group": [0]}),
        ("capacity", {"group": [0], "capacity": [[-1]]}), ("flex_up", {"flex_up": -0.1}),
        ("price", {"price": [[1, 2]]}),
        ("minimum_take", {"minimum_take": np.nan}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=field):
            AllocationProblem(**({"demand": [[1]], "item": [0], "price": 1} | changed))
    planner = Allocator(AllocationProblem([[1]], [0], 1))
    with pytest.raises(ValueError, match="item"):
        planner.replan(item=[0])
    with pytest.raises(ValueError, match="demand: shape"):
        planner.replan(demand=[[1, 2]])
