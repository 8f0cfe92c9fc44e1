from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.scheme import SelectionParams, select_collaboration


def frame(**columns: list[object]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    return pl.DataFrame({"code": [chr(97 + i) for i in range(size)], **columns}, strict=False)


def picked(candidates: pl.DataFrame, params: SelectionParams) -> list[str]:
    return select_collaboration(candidates, params).candidates.filter("picked")["code"].to_list()


def test_martello_and_toth_published_example() -> None:
    """Knapsack Problems (1990), example 2.1: the optimum is 107, items 1 and 4."""
    given_items = frame(value=[70, 20, 39, 37, 7, 5, 10], effort_hours=[31, 10, 20, 19, 4, 3, 6])
    result = select_collaboration(given_items, SelectionParams(hours=50))
    assert result.candidates.filter("picked")["code"].to_list() == ["a", "d"]
    assert (result.value, result.hours) == (107, 50)


def test_every_candidate_has_a_reason() -> None:
    result = select_collaboration(frame(value=[10, 0, -5, 9], effort_hours=[5, 0, 1, 6]), SelectionParams(hours=5))
    expected = ["picked", "value_not_positive", "value_not_positive", "not_enough_hours"]
    assert result.candidates["reason"].to_list() == expected


def test_both_sides_hours_count() -> None:
    candidates = frame(value=[10, 9], effort_hours=[1, 1], partner_hours=[8, 3])
    assert picked(candidates, SelectionParams(hours=9)) == ["a", "b"]
    assert picked(candidates, SelectionParams(hours=9, partner_hours=4)) == ["b"]


def test_how_deep_one_level_per_segment() -> None:
    candidates = pl.DataFrame(
        {
            "code": ["p", "p", "s"],
            "level": ["basic", "deep", "basic"],
            "value": [10.0, 14.0, 6.0],
            "effort_hours": [4.0, 9.0, 4.0],
        }
    )
    result = select_collaboration(candidates, SelectionParams(hours=9))
    assert result.candidates["reason"].to_list() == ["picked", "other_level_picked", "picked"]
    assert select_collaboration(candidates, SelectionParams(hours=13)).value == 20


def test_floors_may_pick_what_is_not_worth_it() -> None:
    candidates = frame(value=[10, -2, 5], effort_hours=[4, 4, 4], volume=[10, 80, 10])
    result = select_collaboration(candidates, SelectionParams(hours=8, volume_floor=0.85))
    assert result.candidates["reason"].to_list() == ["picked", "picked_for_floor", "not_enough_hours"]
    assert result.volume == 90


def test_floors_out_of_reach_are_named_with_what_is_reachable() -> None:
    candidates = frame(value=[10, 5], effort_hours=[4, 9], volume=[60, 40], service=[1, 9])
    with pytest.raises(ValueError, match=r"volume_floor: .* at most 0\.6000"):
        select_collaboration(candidates, SelectionParams(hours=8, volume_floor=0.7))
    with pytest.raises(ValueError, match="no pick meets both"):
        select_collaboration(candidates, SelectionParams(hours=9, volume_floor=0.5, service_floor=0.5))


def test_among_equal_values_fewer_hours() -> None:
    assert picked(frame(value=[5, 5], effort_hours=[4, 3]), SelectionParams(hours=6)) == ["b"]


def test_nothing_to_pick() -> None:
    empty = frame(value=[1], effort_hours=[1]).clear()
    assert select_collaboration(empty, SelectionParams(hours=6)).value == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"value": [1]}, "'effort_hours' is missing"),
        ({"value": [None], "effort_hours": [1]}, "'value' has missing"),
        ({"value": [1], "effort_hours": [-1]}, "'effort_hours' has negative"),
    ],
)
def test_bad_candidates_are_named(columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select_collaboration(frame(**columns), SelectionParams(hours=1))


def test_params_name_the_field() -> None:
    twice = pl.DataFrame({"code": ["a", "a"], "value": [1, 2], "effort_hours": [1, 1]})
    with pytest.raises(ValueError, match="stand twice"):
        select_collaboration(twice, SelectionParams(hours=1))
    with pytest.raises(ValueError, match="hours"):
        SelectionParams(hours=-1)
    with pytest.raises(ValueError, match="partner_hours"):
        SelectionParams(hours=1, partner_hours=float("nan"))
    with pytest.raises(ValueError, match="service_floor"):
        SelectionParams(hours=1, service_floor=1.5)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-5, 30), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8),
    st.integers(0, 25),
    st.sampled_from([0.0, 0.3]),
)
def test_against_every_possible_pick(rows: list[tuple[int, int, int]], hours: int, floor: float) -> None:
    candidates = frame(value=[r[0] for r in rows], effort_hours=[r[1] for r in rows], volume=[r[2] for r in rows])
    needed = floor * sum(volume for _, _, volume in rows)
    best: tuple[int, int] | None = None
    for pick in product([0, 1], repeat=len(rows)):
        value, effort, volume = (sum(x * row[k] for x, row in zip(pick, rows, strict=True)) for k in range(3))
        if effort <= hours and volume >= needed - 1e-9 and (best is None or (value, -effort) > best):
            best = (value, -effort)
    params = SelectionParams(hours=hours, volume_floor=floor)
    if best is None:
        with pytest.raises(ValueError, match="volume_floor"):
            select_collaboration(candidates, params)
        return
    result = select_collaboration(candidates, params)
    assert (result.value, -result.hours) == best
    mixed = select_collaboration(candidates.reverse(), params)
    assert mixed.candidates.equals(result.candidates)
