"""Programs in arrays against SciPy, the laws of duality, and conflicts against what each remedy really does."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, milp

from tierwise.engine.programs import Draft, Kind, NoPlan, Program, draft

SEEDS = st.integers(0, 2**32 - 1)


def random_program(seed: int, whole: bool = False) -> tuple[Program, dict[str, np.ndarray]]:
    """A bounded program with a plan: rows are set around a point that fits."""
    draw = np.random.default_rng(seed)
    rows, columns = draw.integers(1, 7), draw.integers(1, 8)
    matrix = np.where(draw.random((rows, columns)) < 0.6, draw.integers(-5, 9, (rows, columns)), 0).astype(float)
    inside = draw.integers(0, 5, columns)
    parts = {
        "matrix": matrix, "cost": draw.normal(size=columns), "upper": np.full(columns, 6.0),
        "limit": matrix @ inside + draw.uniform(0, 3, rows),
    }  # fmt: skip
    made = Draft()
    x = made.columns((columns,), parts["cost"], (0, parts["upper"]), whole=whole)
    r = made.rows((rows,), upper=parts["limit"])
    made.put(r.at[:, None], x.at, matrix)
    return Program(made), parts


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_optimum_and_prices_are_those_of_another_solver(seed: int) -> None:
    program, parts = random_program(seed)
    found = program.solve()
    other = linprog(
        parts["cost"], parts["matrix"], parts["limit"], bounds=[(0, 6)] * len(parts["cost"]), method="highs-ipm"
    )
    assert found.objective == pytest.approx(other.fun, abs=1e-7)
    assert found.bound == pytest.approx(found.objective, abs=1e-6), "dual objective = primal objective"
    assert (parts["matrix"] @ found.columns <= parts["limit"] + 1e-7).all()
    slack = parts["limit"] - parts["matrix"] @ found.columns
    assert np.abs(found.row_prices * slack).max() < 1e-6, "a row with room has no price"
    assert (found.row_prices <= 1e-9).all(), "more room never costs"


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_price_lies_between_the_differences_on_both_sides(seed: int) -> None:
    program, parts = random_program(seed)
    found, step = program.solve(), 1e-4
    for row in range(len(parts["limit"])):
        costs = []
        for moved in (-step, step):
            program.limit_rows([row], -np.inf, parts["limit"][row] + moved)
            try:
                costs.append(program.solve().objective)
            except NoPlan:
                costs.append(np.inf)
        program.limit_rows([row], -np.inf, parts["limit"][row])
        below, above = (found.objective - costs[0]) / step, (costs[1] - found.objective) / step
        assert below - 1e-5 <= found.row_prices[row] <= above + 1e-5


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_whole_numbers_as_another_search_finds_them(seed: int) -> None:
    program, parts = random_program(seed, whole=True)
    found = program.solve()
    size = len(parts["cost"])
    if size <= 4:
        every = np.array(list(itertools.product(range(7), repeat=size)))
        fits = (every @ parts["matrix"].T <= parts["limit"] + 1e-9).all(axis=1)
        assert found.objective == pytest.approx((every[fits] @ parts["cost"]).min(), abs=1e-6)
    other = milp(
        parts["cost"],
        integrality=np.ones(len(parts["cost"])),
        bounds=(0, 6),
        constraints=(parts["matrix"], -np.inf, parts["limit"]),
    )
    assert found.objective == pytest.approx(other.fun, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_what_is_solved_again_equals_what_is_solved_anew(seed: int) -> None:
    program, parts = random_program(seed)
    program.solve()
    draw = np.random.default_rng(seed + 1)
    limit, cost = parts["limit"] + draw.uniform(0, 2, len(parts["limit"])), draw.normal(size=len(parts["cost"]))
    program.limit_rows(np.arange(len(limit)), -np.inf, limit)
    program.cost(np.arange(len(cost)), cost)
    program.limit_columns(np.arange(len(cost)), 0.0, 5.0)
    assert program.objective() == pytest.approx(
        linprog(cost, parts["matrix"], limit, bounds=(0, 5)).fun, abs=1e-7
    )  # fmt: skip


def conflicting(take: float = 11.0, capacity: float = 8.0, harmless: float = 100.0) -> Draft:
    made = Draft()
    x = made.columns((2,), bounds=([take - 6, 6], np.inf), kind=Kind("minimum", ("lane",), "lower a minimum"))
    made.put(made.rows((1,), upper=capacity, kind=Kind("capacity", ("plant",), "raise capacity")).at, x.at, 1.0)
    made.put(made.rows((1,), upper=harmless, kind=Kind("budget", ("year",), "raise the budget")).at, x.at, [1.0, 2.0])
    return made


def test_a_conflict_names_the_groups_and_how_far_each_must_give_way() -> None:
    with pytest.raises(NoPlan, match=r"capacity.*minimum.*raise capacity by 3 in all \(plant 0: 3\)") as caught:
        Program(conflicting()).solve()
    assert {each.name for each in caught.value.conflicts} == {"capacity", "minimum"}
    assert all(each.least == pytest.approx(3) and each.enough for each in caught.value.conflicts)


@pytest.mark.parametrize("remedied", [{"take": 8.0}, {"capacity": 11.0}])
def test_each_remedy_alone_makes_a_plan_possible(remedied: dict[str, float]) -> None:
    assert Program(conflicting(**remedied)).solve().columns.sum() == pytest.approx(min(11, remedied.get("take", 11)))


def test_two_conflicts_at_once_are_told_apart() -> None:
    made = Draft()
    x = made.columns((2,), bounds=(0, 5))
    made.put(made.rows((1,), lower=9, kind=Kind("demand", ("item",), "cut demand")).at, x.at[:1], 1.0)
    made.put(made.rows((1,), lower=7, kind=Kind("take", ("lane",), "cut the take")).at, x.at[1:], 1.0)
    with pytest.raises(NoPlan, match="further conflicts") as caught:
        Program(made).solve()
    assert len(caught.value.conflicts) == 1
    assert not caught.value.conflicts[0].enough


def test_balances_that_can_never_give_way_are_said_so() -> None:
    made = Draft()
    x = made.columns((1,), bounds=(0, 1))
    made.put(made.rows((1,), lower=2).at, x.at, 1.0)
    with pytest.raises(NoPlan, match="contradict"):
        Program(made).solve()


def test_cost_without_a_lower_end_and_unknown_numbers_are_refused() -> None:
    made = Draft()
    made.columns((1,), -1.0)
    with pytest.raises(ValueError, match="falls for ever"):
        Program(made).solve()
    made = Draft()
    made.columns((1,), np.nan)
    with pytest.raises(ValueError, match="NaN"):
        Program(made)
    program, _ = random_program(1)
    with pytest.raises(ValueError, match="NaN"):
        program.cost([0], np.nan)


def test_nothing_to_decide_costs_nothing() -> None:
    assert Program(Draft()).solve().objective == 0
    made = Draft()
    made.rows((1,), lower=1)
    with pytest.raises(NoPlan):
        Program(made).solve()


def test_examples_hold() -> None:
    assert doctest.testmod(draft, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
