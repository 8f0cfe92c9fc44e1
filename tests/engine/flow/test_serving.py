"""Readiness and headroom: priorities, prices as differences, against SciPy and plain greedy service."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.flow import NoPlan, ReadinessProblem, headroom, readiness

SEEDS = st.integers(0, 10**6)


def random_problem(seed: int, ranks: int = 2) -> ReadinessProblem:
    draw = np.random.default_rng(seed)
    lines, weeks, resources, routes = 4, 4, 3, 6
    line = np.r_[np.arange(lines), draw.integers(0, lines, routes - lines)]
    pairs = [(r, m) for r in range(routes) for m in range(resources) if m == r % resources or draw.random() < 0.3]
    return ReadinessProblem(
        demand=draw.integers(0, 20, (lines, weeks)), capacity=draw.uniform(5, 30, (resources, weeks)), line=line,
        route=[r for r, _ in pairs], resource=[m for _, m in pairs], load=draw.uniform(0.5, 2, len(pairs)),
        priority=draw.integers(1, ranks + 1, lines), worth=draw.uniform(1, 5, lines),
        weeks_ahead=draw.integers(0, 3, lines),
        weeks_before=draw.integers(0, 2, len(pairs)), lead_weeks=draw.integers(0, 3, routes), longest_lead=2,
    )  # fmt: skip


def written_out(p: ReadinessProblem) -> tuple[list[tuple[int, int, int]], np.ndarray, np.ndarray]:
    """Every (route, ahead, due) that is allowed, with what it serves and what it takes."""
    lines, weeks = p.demand.shape
    ways = []
    for route in range(len(p.line)):
        mine = p.route == route
        for ahead in range(p.weeks_ahead[p.line[route]] + 1):
            for due in range(weeks):
                begun = due - ahead - max(p.weeks_before[mine], default=0)
                if begun >= 0 and p.lead_weeks[route] <= p.longest_lead[p.line[route]]:
                    ways.append((route, ahead, due))
    serve, take = np.zeros((lines * weeks, len(ways))), np.zeros((p.capacity.size, len(ways)))
    for at, (route, ahead, due) in enumerate(ways):
        serve[p.line[route] * weeks + due, at] = 1
        for link in np.flatnonzero(p.route == route):
            take[p.resource[link] * weeks + due - ahead - p.weeks_before[link], at] += p.load[link]
    return ways, serve, take


def most(p: ReadinessProblem, rank: int, floors: list[tuple[int, float]]) -> float:
    _, serve, take = written_out(p)
    value = np.repeat(p.worth, p.demand.shape[1])[:, None] * serve
    of = np.repeat(p.priority, p.demand.shape[1])
    keep = [-value[of == above].sum(axis=0) for above, _ in floors]
    rows = np.vstack([serve, take, *keep])
    limits = np.r_[p.demand.ravel(), p.capacity.ravel(), [-least * (1 - 1e-7) for _, least in floors]]
    found = linprog(-value[of == rank].sum(axis=0), rows, limits)
    assert found.status == 0
    return -float(found.fun)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_each_rank_reaches_the_most_that_higher_ranks_leave(seed: int) -> None:
    problem = random_problem(seed)
    found = readiness(problem)
    floors: list[tuple[int, float]] = []
    for level, reached in zip(found.levels.tolist(), found.served_worth.tolist(), strict=True):
        assert reached == pytest.approx(most(problem, level, floors), rel=1e-5, abs=1e-3)
        floors.append((level, reached))
    assert np.allclose(found.served + found.short, problem.demand)
    assert (found.free >= -1e-6).all(), "no resource is used beyond its capacity"


@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_a_price_is_what_one_more_unit_of_capacity_adds(seed: int) -> None:
    problem, step = random_problem(seed, ranks=1), 1e-4
    found = readiness(problem)
    place = tuple(np.random.default_rng(seed).integers(0, size) for size in problem.capacity.shape)
    worth = []
    for moved in (-step, step):
        capacity = problem.capacity.copy()
        capacity[place] += moved
        worth.append(readiness(dataclasses.replace(problem, capacity=capacity)).served_worth[0])
    above, below = (worth[1] - found.served_worth[0]) / step, (found.served_worth[0] - worth[0]) / step
    assert above - 1e-3 <= found.price[0][place] <= below + 1e-3


@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_more_capacity_never_serves_the_first_rank_less(seed: int) -> None:
    problem = random_problem(seed)
    richer = dataclasses.replace(problem, capacity=problem.capacity + 3)
    assert readiness(richer).served_worth[0] >= readiness(problem).served_worth[0] - 1e-6


def test_first_come_by_priority_then_the_cheapest_fix() -> None:
    problem = ReadinessProblem(
        [[50], [50], [50]],
        [[80], [200]],
        line=[0, 1, 2],
        route=[0, 1, 2],
        resource=[0, 0, 1],
        priority=[1, 2, 2],
        worth=[1, 3, 1],
    )
    found = readiness(problem)
    assert found.share == pytest.approx([1, 0.6, 1])
    assert found.bottlenecks(cost=[2, 1]) == [(0, 0, 1.5)], "the first rank lacks nothing, the second gains 3 for 2"


def test_slow_routes_serve_only_lines_that_may_wait() -> None:
    base = {"demand": [[10], [10]], "capacity": [[5], [50]], "route": [0, 1, 2, 3], "resource": [0, 1, 0, 1]}
    problem = ReadinessProblem(**base, line=[0, 0, 1, 1], lead_weeks=[1, 4, 1, 4], longest_lead=[2, 9])
    assert readiness(problem).share.tolist() == [0.5, 1]


@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_at_the_headroom_all_is_served_and_beyond_it_is_not(seed: int) -> None:
    problem = random_problem(seed)
    found = headroom(problem)
    if np.isinf(found.factor):
        return
    scaled = dataclasses.replace(problem, demand=problem.demand * max(found.factor - 1e-6, 0), priority=1)
    assert readiness(scaled).short.sum() < 1e-3
    beyond = dataclasses.replace(problem, demand=problem.demand * (found.factor + 0.01), priority=1)
    assert readiness(beyond).short.sum() > 1e-6
    assert found.first or found.factor == 0


def test_growth_of_one_line_only_and_growth_without_end() -> None:
    problem = ReadinessProblem([[40], [40]], [[100]], line=[0, 1], route=[0, 1], resource=[0, 0])
    assert headroom(problem, [True, False]).factor == pytest.approx(1.5)
    free = dataclasses.replace(problem, capacity=[[np.inf]])
    assert np.isinf(headroom(free).factor)
    assert np.isinf(headroom(dataclasses.replace(problem, demand=[[0], [0]])).factor)
    with pytest.raises(NoPlan, match="capacity"):
        headroom(dataclasses.replace(problem, demand=[[0.5], [140]]), [True, False])


def test_no_lines_and_what_is_refused() -> None:
    empty = readiness(ReadinessProblem(np.zeros((0, 2)), np.zeros((1, 2)), [], [], []))
    assert empty.share.size == 0
    good = {"demand": [[1]], "capacity": [[1]], "line": [0], "route": [0], "resource": [0]}
    for field, changed in (
        ("capacity", {"capacity": [[1, 2]]}), ("demand", {"demand": [[np.nan]]}), ("line", {"line": [3]}),
        ("route", {"route": [2]}), ("resource", {"resource": [2]}), ("priority", {"priority": 0}),
        ("load", {"load": [1, 2]}), ("worth", {"worth": -1}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=field):
            ReadinessProblem(**(good | changed))
