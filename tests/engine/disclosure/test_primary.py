"""Primary suppression: the handbook's examples, the intruder who is a recipient, and laws that must hold."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.disclosure import DisclosureParams, ProtectedTable, protect

P_ONLY = DisclosureParams(("cell",), least_contributors=1, p_percent=10)


def table(cells: dict[str, list[float]], holdings: dict[str, str] | None = None) -> pl.DataFrame:
    rows = [(cell, f"c{i}", value) for cell, values in cells.items() for i, value in enumerate(values)]
    frame = pl.DataFrame(rows, schema={"cell": pl.String, "contributor": pl.String, "value": pl.Float64}, orient="row")
    if holdings is None:
        return frame
    return frame.with_columns(
        holding=pl.col("contributor").replace_strict(holdings, default=None, return_dtype=pl.String)
    )


def statuses(result: ProtectedTable) -> dict[str, str]:
    return dict(result.released.select("cell", "status").iter_rows())


def test_p_rule_finds_what_dominance_misses() -> None:
    """TC-04 (a), Handbook on Statistical Disclosure Control, 4.2: X = 100,000, x1 = 50,000, x2 = 49,000."""
    cell = table({"a": [50_000, 49_000, 600, 400]})
    dominance = DisclosureParams(("cell",), least_contributors=1, dominance=((1, 90),), p_percent=None)
    assert statuses(protect(cell, dominance)) == {"a": "ok"}
    result = protect(cell, P_ONLY)
    assert statuses(result) == {"a": "suppressed"}
    assert result.internal["upper_protection"].item() == 4_000
    assert result.internal["reason"].item() == "p_percent(10)"
    assert result.released["value"].item() is None


def test_dominance_upper_protection_level() -> None:
    """TC-04 (b), the same chapter: 300, 20, 10 under (1, 85) must leave an upper bound of 352.94."""
    params = DisclosureParams(("cell",), least_contributors=1, dominance=((1, 85),), p_percent=None)
    result = protect(table({"a": [300, 20, 10]}), params)
    assert statuses(result) == {"a": "suppressed"}
    assert result.internal["upper_protection"].item() == pytest.approx(22.941176, abs=1e-6)


SEVEN = [[100], [90, 10], [80, 20], [70, 30], [80, 10, 10], [70, 10, 10, 10], [60, 20, 10, 10]]


@pytest.mark.parametrize(
    ("params", "unsafe"),
    [
        (DisclosureParams(("cell",), 1, ((2, 90),), p_percent=None), 5),
        (DisclosureParams(("cell",), 1, ((2, 90),), inclusive_dominance=False, p_percent=None), 4),
        (P_ONLY, 4),
    ],
    ids=["2-90 inclusive", "2-90 strict", "p 10"],
)
def test_seven_cells(params: DisclosureParams, unsafe: int) -> None:
    """TC-04 (d), top-two shares 1, 1, 1, 1, .9, .8, .8: the fifth cell is where the two readings of (2, 90) part."""
    cells = {str(i): [float(value) for value in values] for i, values in enumerate(SEVEN)}
    expected = {str(i): "suppressed" if i < unsafe else "ok" for i in range(7)}
    assert statuses(protect(table(cells), params)) == expected


def test_p_rule_is_strict_at_the_boundary() -> None:
    assert statuses(protect(table({"at": [100, 50, 10], "below": [100, 50, 9.999]}), P_ONLY)) == {
        "at": "ok",
        "below": "suppressed",
    }


def test_contributors_are_counted_by_holding() -> None:
    cell = table({"a": [40, 35, 30]}, {"c0": "group", "c1": "group"})
    params = DisclosureParams(("cell",), least_contributors=3, p_percent=None)
    assert statuses(protect(table({"a": [40, 35, 30]}), params)) == {"a": "ok"}
    result = protect(cell, params)
    assert statuses(result) == {"a": "suppressed"}
    assert result.internal.select("reason", "contributors").row(0) == ("too_few_contributors", 2)
    assert result.internal["upper_protection"].item() == pytest.approx(0.3 * 75)


def test_recipient_is_the_intruder() -> None:
    """40, 35, 30, 25 is fine for the public; to c3, who knows its 25, three others remain; to c2's group only two."""
    values = [40.0, 35.0, 30.0, 25.0]
    params = DisclosureParams(("cell",), least_contributors=3, p_percent=10)
    assert statuses(protect(table({"a": values}), params)) == {"a": "ok"}
    assert statuses(protect(table({"a": values}), params, "c3")) == {"a": "ok"}
    grouped = table({"a": values}, {"c2": "group", "c3": "group"})
    assert statuses(protect(grouped, params)) == {"a": "ok"}
    assert statuses(protect(grouped, params, "c3")) == {"a": "suppressed"}
    assert statuses(protect(grouped, params, "group")) == {"a": "suppressed"}


def test_recipient_may_see_what_is_all_its_own() -> None:
    result = protect(table({"a": [40.0]}), DisclosureParams(("cell",)), "c0")
    assert result.released.row(0) == ("a", 40.0, "ok")
    assert statuses(protect(table({"a": [40.0]}), DisclosureParams(("cell",)))) == {"a": "suppressed"}


def test_zero_cells_and_zero_contributors() -> None:
    cells = table({"nobody": [0, 0, 0, 0], "two": [5, 5, 0, 0]})
    params = DisclosureParams(("cell",), least_contributors=3, p_percent=None)
    assert statuses(protect(cells, params)) == {"nobody": "ok", "two": "suppressed"}
    hidden = DisclosureParams(("cell",), least_contributors=3, p_percent=None, protect_zeros=True)
    assert statuses(protect(cells, hidden)) == {"nobody": "suppressed", "two": "suppressed"}


def test_returns_are_judged_by_size_and_released_as_they_are() -> None:
    result = protect(table({"safe": [50, -40, 30, 20], "large": [-100, 5, 2]}), P_ONLY)
    assert statuses(result) == {"safe": "ok", "large": "suppressed"}
    assert result.released.filter(pl.col("cell") == "safe")["value"].item() == 60


def test_exempt_rows_pass_untouched_and_do_not_help() -> None:
    """A supplier's own order forecast is its business; it must neither be withheld nor widen another cell's cover."""
    rows = pl.DataFrame(
        {
            "cell": ["a", "a", "a", "b"],
            "contributor": ["x", "y", "own", "own"],
            "value": [60.0, 40.0, 500.0, 7.0],
            "exempt": [False, False, True, True],
        }
    )
    result = protect(rows, DisclosureParams(("cell",)))
    assert result.released.rows() == [("a", 500.0, "exempt"), ("a", None, "suppressed"), ("b", 7.0, "exempt")]


def test_release_tells_neither_reason_nor_margin() -> None:
    result = protect(table({"a": [50, 49, 1]}), DisclosureParams(("cell",)))
    assert result.released.columns == ["cell", "value", "status"]
    assert set(result.released["status"]) == {"suppressed"}


def test_no_contributions_give_no_cells() -> None:
    result = protect(table({}), DisclosureParams(("cell",), dominance=((2, 90),)))
    assert result.released.is_empty()
    assert result.internal.is_empty()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table({"a": [float("nan")]}), "value must be a finite number"),
        (table({"a": [1.0]}).drop("contributor"), "lack contributor"),
        (
            pl.DataFrame({"cell": ["a", "b"], "contributor": ["x", "x"], "holding": ["g", "h"], "value": [1, 2]}),
            "more than one holding",
        ),
    ],
)
def test_unusable_contributions_are_refused(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        protect(frame, DisclosureParams(("cell",)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cells": ()}, "cells are"),
        ({"cells": ("value",)}, "cells are"),
        ({"least_contributors": 0}, "least_contributors"),
        ({"dominance": ((0, 90),)}, "dominance"),
        ({"dominance": ((1, 101),)}, "dominance"),
        ({"p_percent": 0}, "p_percent"),
        ({"frequency_margin_percent": float("inf")}, "frequency_margin_percent"),
    ],
)
def test_params_check_themselves(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DisclosureParams(**{"cells": ("cell",), **given})  # type: ignore[arg-type]


amounts = st.lists(st.integers(-500, 1000), min_size=1, max_size=9)
rule_sets = st.builds(
    DisclosureParams,
    cells=st.just(("cell",)),
    least_contributors=st.integers(1, 4),
    dominance=st.lists(st.tuples(st.integers(1, 3), st.integers(50, 100)), max_size=2).map(tuple),
    inclusive_dominance=st.booleans(),
    p_percent=st.one_of(st.none(), st.integers(1, 60)),
)


def plain_verdict(values: list[float], params: DisclosureParams) -> str:
    """The rules once more, from the definitions, one cell at a time."""
    sizes = sorted((abs(value) for value in values if value), reverse=True)
    total = sum(sizes)
    if not sizes:
        return "ok"
    unsafe = len(sizes) < params.least_contributors
    for n, k in params.dominance:
        share = 100 * sum(sizes[:n])
        unsafe |= share >= k * total if params.inclusive_dominance else share > k * total
    if params.p_percent is not None:
        unsafe |= 100 * (total - sum(sizes[:2])) < params.p_percent * sizes[0]
    return "suppressed" if unsafe else "ok"


@settings(max_examples=60)
@given(values=amounts, params=rule_sets, data=st.data())
def test_verdict_is_that_of_the_definitions_in_any_order(
    values: list[int], params: DisclosureParams, data: st.DataObject
) -> None:
    frame = table({"a": [float(value) for value in values], "b": [1.0, 2.0, 3.0]})
    result = protect(frame, params)
    assert statuses(result)["a"] == plain_verdict(list(values), params)
    mixed = frame[data.draw(st.permutations(range(len(frame))))]
    again = protect(mixed, params)
    assert again.released.equals(result.released)
    assert again.internal.equals(result.internal)


@settings(max_examples=60)
@given(values=amounts, params=rule_sets)
def test_recipient_sees_what_the_public_would_see_of_the_others(values: list[int], params: DisclosureParams) -> None:
    frame = table({"a": [*map(float, values), 123.0]})
    mine = f"c{len(values)}"
    others = frame.filter(pl.col("contributor") != mine)
    assert statuses(protect(frame, params, mine)) == statuses(protect(others, params))


@settings(max_examples=60)
@given(values=st.lists(st.integers(1, 1000), min_size=2, max_size=9), params=rule_sets)
def test_a_merger_never_makes_an_unsafe_cell_safe(values: list[int], params: DisclosureParams) -> None:
    apart = protect(table({"a": [float(value) for value in values]}), params)
    merged = protect(table({"a": [float(value) for value in values]}, {"c0": "group", "c1": "group"}), params)
    if statuses(apart)["a"] == "suppressed":
        assert statuses(merged)["a"] == "suppressed"


@settings(max_examples=60)
@given(values=st.lists(st.integers(1, 1000), min_size=1, max_size=9), params=rule_sets, data=st.data())
def test_another_contributor_no_larger_than_any_never_endangers(
    values: list[int], params: DisclosureParams, data: st.DataObject
) -> None:
    extra = data.draw(st.integers(1, min(values)))
    before = statuses(protect(table({"a": [float(value) for value in values]}), params))["a"]
    after = statuses(protect(table({"a": [*map(float, values), float(extra)]}), params))["a"]
    assert (before, after) != ("ok", "suppressed")


@settings(max_examples=40)
@given(values=st.lists(st.integers(1, 1000), min_size=1, max_size=6), p=st.integers(1, 60))
def test_protection_level_is_just_enough(values: list[int], p: int) -> None:
    """With an upper bound of X + level nobody who knows x2 gets nearer to x1 than p % of it."""
    params = DisclosureParams(("cell",), least_contributors=1, p_percent=p)
    result = protect(table({"a": [float(value) for value in values]}), params)
    if statuses(result)["a"] == "suppressed":
        largest, second = sorted([*values, 0], reverse=True)[:2]
        bound = sum(values) + result.internal["upper_protection"].item()
        assert bound - second - largest == pytest.approx(p / 100 * largest)
