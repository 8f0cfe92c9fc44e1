"""Weekly matching of demand and capacity: the standard's table, load factors, levelling, deviations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.flow import (
    SubHorizon,
    demand_deviation,
    group_demand,
    level_production,
    match_weeks,
)


def test_tc_19_every_row_of_the_matching_table() -> None:
    table = [
        (100, 100, 100, "green"), (100, 100, 120, "green"), (80, 100, 100, "green"), (80, 100, 120, "green"),
        (120, 100, 100, "red"), (110, 100, 120, "orange"), (120, 100, 120, "orange"), (130, 100, 120, "red"),
    ]  # fmt: skip
    found = match_weeks(*(np.array([row[k] for row in table]) for k in range(3)))
    assert found.colours().tolist() == [row[3] for row in table]
    assert found.deviation.tolist() == [0, 0, 20, 20, -20, -10, -20, -30]
    assert found.short_of_maximum.tolist() == [0, 0, 0, 0, 20, 0, 0, 10]


def test_tc_19_demand_is_load_times_demand_plus_delta_without_inactive_series() -> None:
    found = group_demand([[10, 20], [4, 4], [100, 100]], [0, 0, 0], [2, 0.5, 1], [True, True, False], [[5, -5]])
    assert found.tolist() == [[27, 37]]


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=20))
def test_the_table_covers_every_case_once(rows: list[tuple[int, int, int]]) -> None:
    demand, actual, more = (np.array(column, float) for column in zip(*rows, strict=True))
    found = match_weeks(demand, actual, actual + more)
    plain = [
        "red" if d > a + m else "orange" if d > a else "green" for d, a, m in zip(demand, actual, more, strict=True)
    ]
    assert found.colours().tolist() == plain


def test_unknown_weeks_are_grey_and_nothing_on_nothing_is_idle() -> None:
    found = match_weeks([np.nan, 0, 5], [1, 0, 0], [1, 0, 0])
    assert found.colours().tolist() == ["grey", "green", "red"]
    assert np.isnan(found.utilisation[0])
    assert found.utilisation[1:].tolist() == [0, np.inf]
    assert match_weeks([], [], []).status.size == 0
    assert group_demand(np.empty((0, 3)), []).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: match_weeks(1, 2, 1), "maximum"),
        (lambda: match_weeks(1, -2, 1), "actual"),
        (lambda: match_weeks([1, 2], [1, 2, 3], 9), "shapes"),
        (lambda: group_demand([[1]], [0, 1]), "group"),
        (lambda: group_demand([[1]], [0], np.nan), "load_factor"),
        (lambda: group_demand([[1, 2]], [1], delta_production=[[0, 0]]), "delta_production"),
        (lambda: level_production([1, np.nan], 1, 1), "NaN"),
        (lambda: level_production([1], 1, -1), "weeks_ahead"),
        (lambda: demand_deviation([[1, 2]], [[1]], ()), "previous"),
        (lambda: demand_deviation([[1]], [[1]], (SubHorizon(0, 2),)), "past"),
        (lambda: SubHorizon(3, 2), "first"),
        (lambda: SubHorizon(0, 2, relative_down=-0.2), "positive"),
    ],
)
def test_wrong_inputs_are_named(call: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        call()  # type: ignore[operator]


def least_left(demand: np.ndarray, capacity: np.ndarray, ahead: int) -> tuple[float, float]:
    """By linear programs: the least shortage, and the fewest unit-weeks of moving at that shortage."""
    weeks = len(demand)
    pairs = [(s, w) for w in range(weeks) for s in range(max(w - ahead, 0), w + 1)]
    serve = np.array([[float(w == k) for _, w in pairs] for k in range(weeks)])
    make = np.array([[float(s == k) for s, _ in pairs] for k in range(weeks)])
    limits = np.concatenate([demand, capacity])
    most = linprog(-np.ones(len(pairs)), np.vstack([serve, make]), limits)
    moved = np.array([float(w - s) for s, w in pairs])
    again = linprog(moved, np.vstack([serve, make]), limits, np.ones((1, len(pairs))), [-most.fun])
    return demand.sum() + most.fun, again.fun


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(0, 3), st.integers(0, 10**6))
def test_levelling_leaves_and_moves_as_little_as_the_program(weeks: int, ahead: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    demand, capacity = draw.integers(0, 12, weeks).astype(float), draw.integers(0, 12, weeks).astype(float)
    found = level_production(demand, capacity, ahead)
    left, unit_weeks = least_left(demand, capacity, ahead)
    assert found.left.sum() == pytest.approx(left, abs=1e-6)
    assert found.unit_weeks[0] == pytest.approx(unit_weeks, abs=1e-5)
    assert found.delta_production.sum() == pytest.approx(0)
    after = demand + found.delta_production[0]
    assert (after <= capacity + found.left[0] + 1e-9).all()


def test_lateness_takes_what_earliness_leaves() -> None:
    found = level_production([130, 90, 100], 100, weeks_ahead=1, weeks_behind=1)
    assert found.delta_production.tolist() == [[-10, 10, 0]]
    assert found.left.tolist() == [[20, 0, 0]]


def test_deviation_windows_and_signs() -> None:
    watch = (SubHorizon(0, 3, 1, relative_up=0.1, relative_down=0.2), SubHorizon(1, 4, 2, absolute_down=5))
    found = demand_deviation([[110, 79, 111, 90]], [[100, 100, 100, 100]], watch)
    assert found.alert[0, 0].tolist() == [False, True, True, False]
    assert found.absolute[0, 1].tolist()[1:3] == [-10, 1]
    assert found.alert[0, 1].tolist() == [False, True, False, False]
    assert np.isnan(found.relative[0, 1, 3])
    assert demand_deviation([[5.0]], [[0.0]], (SubHorizon(0, 1, relative_up=9),)).alert.all(), (
        "from nothing to something"
    )
