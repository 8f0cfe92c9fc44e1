"""Complementary suppression against every choice there is, and against SciPy's attack on what was released."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.disclosure import (
    Dimension,
    DisclosureParams,
    Equations,
    Suppressible,
    SuppressionParams,
    TableParams,
    complementary_suppression,
    equations_of,
    expand,
    protect_table,
)

COLUMNS = (Dimension("row"), Dimension("column"))


def two_way(inner: np.ndarray) -> tuple[np.ndarray, Equations]:
    """Values and equations of a table with its totals, cells in the order of their names."""
    rows = [(str(i + 1), str(j + 1), float(v)) for (i, j), v in np.ndenumerate(inner)]
    whole = expand(pl.DataFrame(rows, schema=["row", "column", "value"], orient="row"), COLUMNS)
    cells = whole.group_by("row", "column").agg(pl.col("value").sum()).sort("row", "column")
    return cells["value"].to_numpy(), equations_of(cells, COLUMNS)


def interval(equations: Equations, values: np.ndarray, hidden: np.ndarray, cell: int) -> tuple[float, float]:
    """A reader's bounds by SciPy, everything written out."""
    matrix = np.zeros((len(equations.start) - 1, equations.cells))
    for row in range(len(matrix)):
        span = slice(equations.start[row], equations.start[row + 1])
        matrix[row, equations.cell[span]] = equations.sign[span]
    bounds = [(0, None) if out else (value, value) for value, out in zip(values, hidden, strict=True)]
    ends = []
    for sign in (1, -1):
        cost = np.zeros(len(values))
        cost[cell] = sign
        found = linprog(cost, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=bounds)
        ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
    return ends[0], ends[1]


def holds(equations: Equations, values: np.ndarray, hidden: np.ndarray, level: np.ndarray) -> bool:
    for cell in np.flatnonzero(level > 0):
        low, high = interval(equations, values, hidden, int(cell))
        if low > max(values[cell] - level[cell], 0) + 1e-5 or high < values[cell] + level[cell] - 1e-5:
            return False
    return True


def cheapest_by_trying(equations: Equations, values: np.ndarray, weights: np.ndarray, level: np.ndarray) -> float:
    """The least cost over all choices, by size of cost."""
    free = np.flatnonzero(level <= 0)
    choices = [c for size in range(5) for c in combinations(free, size)]
    for choice in sorted(choices, key=lambda c: weights[list(c)].sum()):
        hidden = level > 0
        hidden[list(choice)] = True
        if holds(equations, values, hidden, level):
            return float(weights[list(choice)].sum())
    raise AssertionError("no choice of up to four cells protects the table")


@pytest.mark.parametrize("seed", range(5))
def test_no_choice_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, equations = two_way(rng.integers(1, 30, (2, 3)))
    weights = rng.integers(1, 20, len(values)).astype(float)
    # Totals dear, so that the choice lies among the inner cells as it does in practice.
    weights[[0, 1, 2, 3, 4, 8]] += 40
    level = np.zeros(len(values))
    level[5] = max(1.0, round(0.2 * values[5]))
    table = Suppressible(values, equations, level, weights, np.zeros(len(values), bool), np.zeros(len(values)))
    found = complementary_suppression(table)
    assert found.optimal
    assert found.cost == found.bound
    assert found.cost == pytest.approx(cheapest_by_trying(equations, values, weights, level))
    assert holds(equations, values, found.suppressed, level)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), rows=st.integers(2, 4), columns=st.integers(2, 4), exact=st.booleans())
def test_every_level_is_kept_and_the_bound_never_passes_the_cost(
    data: st.DataObject, rows: int, columns: int, exact: bool
) -> None:
    inner = data.draw(st.lists(st.integers(0, 50), min_size=rows * columns, max_size=rows * columns))
    values, equations = two_way(np.array(inner).reshape(rows, columns))
    unsafe = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1, max_size=3))
    level = np.zeros(len(values))
    level[list(unsafe)] = [max(1.0, 0.1 * values[cell]) for cell in unsafe]
    table = Suppressible(values, equations, level, values + 1, np.zeros(len(values), bool), np.zeros(len(values)))
    found = complementary_suppression(table, SuppressionParams(exact_up_to=10_000 if exact else 0))
    assert found.suppressed[list(unsafe)].all()
    assert found.bound <= found.cost + 1e-9
    assert 0 <= found.gap <= 1
    assert not len(found.unprotectable)
    assert holds(equations, values, found.suppressed, level)
    if exact:
        assert found.optimal


def test_a_bigger_table_is_proven_or_says_how_far_it_may_be() -> None:
    rng = np.random.default_rng(8)
    values, equations = two_way(rng.gamma(0.7, 40, (12, 10)).round() + 1)
    level = np.where((rng.random(len(values)) < 0.06) & (values < 200), 0.1 * values + 1, 0.0)
    table = Suppressible(values, equations, level, values, np.zeros(len(values), bool), np.zeros(len(values)))
    exact = complementary_suppression(table)
    quick = complementary_suppression(table, SuppressionParams(exact_up_to=0))
    assert exact.optimal
    assert exact.cost <= quick.cost
    assert quick.bound <= exact.cost + 1e-6
    assert quick.gap < 0.8
    for found in (exact, quick):
        assert holds(equations, values, found.suppressed, level)


def test_cells_that_must_be_shown_are_and_where_that_cannot_be_it_is_said() -> None:
    values, equations = two_way(np.array([[20, 50, 10], [8, 19, 22], [17, 32, 12]]))
    level, lower = np.zeros(len(values)), np.zeros(len(values))
    level[5] = 4.0
    shown = np.zeros(len(values), dtype=bool)
    free = complementary_suppression(Suppressible(values, equations, level, values, shown, lower))
    shown[np.flatnonzero(free.suppressed & (level == 0))[0]] = True
    kept = complementary_suppression(Suppressible(values, equations, level, values, shown, lower))
    assert not kept.suppressed[shown].any()
    assert kept.cost >= free.cost
    with pytest.raises(ValueError, match="open: the cells that must stay open"):
        complementary_suppression(Suppressible(values, equations, level, values, level == 0, lower))


def contributions(cells: dict[tuple[str, str], list[float]]) -> pl.DataFrame:
    rows = [(row, column, f"c{i}", value) for (row, column), each in cells.items() for i, value in enumerate(each)]
    return pl.DataFrame(rows, schema=["row", "column", "contributor", "value"], orient="row")


RULES = DisclosureParams(("row", "column"), least_contributors=3, p_percent=10)


def test_a_table_is_proven_by_the_attack_and_keeps_its_reasons_inside() -> None:
    cells = {(str(i), str(j)): [10.0, 12, 9, 11, 13] for i in range(4) for j in range(4)}
    cells["1", "2"] = [100.0, 3, 2, 1]
    found = protect_table(contributions(cells), TableParams(COLUMNS, RULES))
    assert found.internal["status"].value_counts().sort("status").rows() == [
        ("ok", 21),
        ("primary", 1),
        ("secondary", 3),
    ]
    assert found.internal["protected"].drop_nulls().to_list() == [True]
    assert found.released.columns == ["row", "column", "value", "status"]
    assert found.released.filter(status="suppressed")["value"].null_count() == 4
    total = found.released.filter(row="*", column="*")["value"].item()
    assert total == sum(sum(each) for each in cells.values())
    low, high = found.internal.filter(status="primary").select("low", "high").row(0)
    assert low < 106 < high


def test_totals_of_groups_hold_too() -> None:
    """Two levels of rows: a cell must not come out by subtracting its neighbours from their group."""
    tree = Dimension("row", {"a": "left", "b": "left", "c": "right", "d": "right"})
    cells = {(row, column): [10.0, 12, 9, 11] for row in "abcd" for column in "xyz"}
    cells["a", "x"] = [80.0, 1, 1]
    params = TableParams((tree, Dimension("column")), RULES)
    found = protect_table(contributions(cells), params)
    assert found.released.height == 7 * 4
    assert found.suppression.optimal
    hidden = found.internal.filter(pl.col("status") != "ok")
    assert set(hidden["row"]) == {"a", "b"}
    assert hidden["protected"].drop_nulls().all()


def test_weeks_without_a_sum_stand_side_by_side() -> None:
    cells = {("a", "1"): [80.0, 1, 1], ("b", "1"): [10.0, 9, 8], ("c", "1"): [5.0, 6, 7], ("a", "2"): [5.0, 6, 7]}
    params = TableParams((Dimension("row"), Dimension("column", total=None)), RULES)
    found = protect_table(contributions(cells), params)
    assert set(found.released["column"]) == {"1", "2"}
    assert found.internal.filter(pl.col("status") != "ok").select("row", "column").rows() == [("a", "1"), ("c", "1")]


def test_two_that_are_alone_must_not_protect_each_other_alone() -> None:
    cells = {(str(i), str(j)): [10.0, 12, 9, 11] for i in range(4) for j in range(4)}
    rows = contributions(cells).filter(~((pl.col("row") == "1") & pl.col("column").is_in(["1", "2"])))
    alone = pl.DataFrame(
        [("1", "1", "A", 40.0), ("1", "2", "B", 40.0), ("2", "1", "A", 20.0), ("2", "2", "B", 20.0)],
        schema=rows.columns, orient="row",
    )  # fmt: skip
    rows = pl.concat([rows.filter(~((pl.col("row") == "2") & pl.col("column").is_in(["1", "2"]))), alone])
    strict = protect_table(rows, TableParams(COLUMNS, RULES))
    loose = protect_table(rows, TableParams(COLUMNS, RULES, singletons=False))
    assert loose.internal.filter(pl.col("status") != "ok").height == 4
    hidden = strict.internal.filter(pl.col("status") != "ok")
    assert hidden.height > 4
    # What A sees: its own cells known, B's must still be open by their level.
    keyed = strict.internal.with_row_index("cell")
    values, equations = keyed["total"].to_numpy(), equations_of(keyed, COLUMNS)
    out = (keyed["status"] != "ok").to_numpy() & ~keyed["column"].is_in(["1"]).to_numpy()
    for cell in keyed.filter((pl.col("column") == "2") & (pl.col("status") == "primary"))["cell"]:
        low, high = interval(equations, values, out, cell)
        level = keyed["upper_protection"][cell]
        assert low <= values[cell] - level + 1e-6
        assert high >= values[cell] + level - 1e-6


def test_the_recipients_own_business_protects_nothing_from_it() -> None:
    cells = {(str(i), str(j)): [10.0, 12, 9, 11, 13] for i in range(3) for j in range(3)}
    cells["1", "1"] = [100.0, 3, 2, 60, 20]
    rows = contributions(cells)
    public, own = (protect_table(rows, TableParams(COLUMNS, RULES), recipient) for recipient in (None, "c3"))
    assert public.internal.filter(status="primary").height == 0
    assert own.internal.filter(status="primary").select("row", "column").rows() == [("1", "1")]
    assert own.internal["protected"].drop_nulls().all()
    shown = own.released.filter((pl.col("row") != "*") & (pl.col("column") != "*"), status="ok")
    assert shown["value"].unique().to_list() == [55.0]
    grouped = rows.with_columns(holding=pl.when(pl.col("contributor") == "c3").then(pl.lit("G")))
    assert protect_table(grouped, TableParams(COLUMNS, RULES), "G").released.equals(own.released)


def test_order_of_rows_does_not_matter_and_empty_is_empty() -> None:
    cells = {(str(i), str(j)): [10.0 * i + 1, 12, 9, 11] for i in range(3) for j in range(3)}
    cells["1", "2"] = [100.0, 3, 2, 1]
    rows = contributions(cells)
    params = TableParams(COLUMNS, RULES, weights="log")
    assert protect_table(rows.reverse(), params).released.equals(protect_table(rows, params).released)
    assert protect_table(rows.clear(), params).released.is_empty()


def test_returns_leave_values_without_lower_bound() -> None:
    cells = {(str(i), str(j)): [10.0, 12, 9, 11] for i in range(3) for j in range(3)}
    cells["1", "1"] = [90.0, -2, 1, 1]
    found = protect_table(contributions(cells), TableParams(COLUMNS, RULES))
    assert found.internal.filter(status="primary")["low"].item() == -np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dimension("value"), "column: is 'value'"),
        (lambda: Dimension("row", {"*": "x"}), "puts its total"),
        (lambda: Dimension("row", {"a": "b", "b": "a"}), "back to itself"),
        (lambda: expand(pl.DataFrame({"column": ["a"]}), COLUMNS), "contributions lack row"),
        (lambda: expand(pl.DataFrame({"row": ["*"], "column": ["a"]}), COLUMNS), "holds '\\*', which is a sum"),
        (lambda: expand(pl.DataFrame({"row": [None], "column": ["a"]}), COLUMNS), "row is empty"),
        (lambda: TableParams((Dimension("row"),), RULES), "rules: judge cells"),
        (lambda: TableParams((Dimension("row"), Dimension("row")), RULES), "dimensions"),
        (lambda: TableParams(COLUMNS, RULES, weights="size"), "weights"),  # type: ignore[arg-type]
        (lambda: TableParams(COLUMNS, RULES, keep_open=(("a",),)), "keep_open"),
        (lambda: SuppressionParams(nodes=0), "nodes"),
        (
            lambda: protect_table(
                contributions({("a", "b"): [1.0]}), TableParams(COLUMNS, RULES, keep_open=(("a", "b"),))
            ),
            "keep_open: .* is unsafe itself",
        ),
    ],
)
def test_wrong_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_table_that_does_not_add_up_is_refused() -> None:
    values, equations = two_way(np.array([[1, 2], [3, 4]]))
    values = values + np.arange(9)
    zero = np.zeros(9)
    with pytest.raises(ValueError, match="some totals are not the sum"):
        Suppressible(values, equations, zero, zero + 1, zero > 0, zero)
    with pytest.raises(ValueError, match="knows: must number cells from 0 to 8"):
        Suppressible(zero, equations, zero, zero + 1, zero > 0, zero, (np.array([9]),))
