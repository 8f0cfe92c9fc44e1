"""Ways through tables of every shape, against linear programs over the whole table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from tierwise.engine.disclosure import (
    AttackParams,
    Dimension,
    DisclosureParams,
    Equations,
    Release,
    Suppressible,
    SuppressionParams,
    TableParams,
    attacker_intervals,
    complementary_suppression,
    equations_of,
    expand,
    protect_table,
    ways,
    ways_kernels,
)
from tierwise.engine.disclosure.needs import needs_of

QUICK = SuppressionParams(exact_up_to=0)


def drawn(shape: tuple[int, ...], grouped: int, seed: int, share: float = 0.06, alone: int = 0) -> Suppressible:
    """A table with totals, groups of three in its first dimensions, and contributors alone in sensitive cells."""
    rng = np.random.default_rng(seed)
    inner = rng.gamma(0.7, 40, shape).round() + 1
    names = list("abc")[: len(shape)]
    rows = [(*(f"{at:03}" for at in place), float(value)) for place, value in np.ndenumerate(inner)]
    dimensions = tuple(
        Dimension(name, {f"{at:03}": f"g{at // 3}" for at in range(size)} if place < grouped else {})
        for place, (name, size) in enumerate(zip(names, shape, strict=True))
    )
    whole = expand(pl.DataFrame(rows, schema=[*names, "value"], orient="row"), dimensions)
    cells = whole.group_by(names).agg(pl.col("value").sum()).sort(names)
    values = cells["value"].to_numpy()
    level = np.where((rng.random(len(values)) < share) & (values < 200), 0.1 * values + 1, 0.0)
    level[len(values) // 2] = 1.0
    knows = tuple(np.array([cell]) for cell in rng.permutation(np.flatnonzero(level > 0))[:alone])
    zero = np.zeros(len(values))
    return Suppressible(values, equations_of(cells, dimensions), level, values, zero > 0, zero, knows)


def freedom(table: Suppressible, hidden: np.ndarray, cell: int, sign: float) -> float:
    """How far a reader must think a cell may be off that way, by SciPy."""
    equations = table.equations
    rows = len(equations.start) - 1
    matrix = csr_array((equations.sign, equations.cell, equations.start), shape=(rows, equations.cells))
    cost = np.zeros(equations.cells)
    cost[cell] = -sign
    ends = np.stack([np.where(hidden, -table.values, 0.0), np.where(hidden, 1e5, 0.0)], axis=1)
    found = linprog(cost, A_eq=matrix, b_eq=np.zeros(rows), bounds=ends)
    assert found.status == 0
    return -float(found.fun)


SHAPES = [((7, 6), 0), ((9, 5), 1), ((6, 6), 2), ((4, 4, 3), 0), ((6, 3, 3), 1), ((11,), 0)]


@settings(max_examples=12, deadline=None)
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 10**6), alone=st.integers(0, 2))
def test_no_reader_bounds_a_sensitive_cell_too_closely(
    shape: tuple[tuple[int, ...], int], seed: int, alone: int
) -> None:
    table = drawn(*shape, seed, alone=alone)
    found = complementary_suppression(table, QUICK)
    assert not len(found.unprotectable)
    assert found.suppressed[table.level > 0].all()
    needs = needs_of(table)
    for at in range(len(needs)):
        hidden = found.suppressed.copy()
        if needs.known[at] >= 0:
            hidden[table.knows[needs.known[at]]] = False
        reached = freedom(table, hidden, int(needs.cell[at]), 1.0 if needs.up[at] else -1.0)
        assert reached >= needs.amount[at] * (1 - 1e-5)


@settings(max_examples=3, deadline=None)
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 10**6))
def test_none_of_the_further_cells_is_needless(shape: tuple[tuple[int, ...], int], seed: int) -> None:
    table = drawn(*shape, seed)
    found = complementary_suppression(table, QUICK)
    needs = needs_of(table)
    for cell in np.flatnonzero(found.suppressed & (table.level <= 0)):
        hidden = found.suppressed.copy()
        hidden[cell] = False
        reached = [
            freedom(table, hidden, int(needs.cell[at]), 1.0 if needs.up[at] else -1.0) / needs.amount[at]
            for at in range(len(needs))
        ]
        assert min(reached) < 1 - 1e-7


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), rising=st.booleans(), amount=st.floats(0.5, 60))
def test_a_way_goes_as_far_as_the_program_says(seed: int, rising: bool, amount: float) -> None:
    table = drawn((5, 4), 0, seed)
    hidden = np.random.default_rng(seed).random(len(table.values)) < 0.5
    cell = int(np.random.default_rng(seed + 1).integers(len(hidden)))
    hidden[cell] = True
    links, plain = ways._links(table)
    assert plain
    room = ways_kernels.Room(np.where(hidden, np.inf, 0.0), np.where(hidden, table.values, 0.0), table.values)
    work = ways_kernels.trail(len(hidden), len(table.equations.start) - 1)
    sign = 1.0 if rising else -1.0
    reached, cells, shifts = ways_kernels.find_way(links, room, work, (cell, sign, amount), (0.0, np.inf))
    own = amount if rising else min(amount, table.values[cell])
    assert min(reached, own) == pytest.approx(min(own, freedom(table, hidden, cell, sign)), abs=1e-6)
    moved = np.zeros(len(hidden))
    np.add.at(moved, cells, shifts)
    assert np.abs(table.equations.rest(moved)).max() < 1e-9
    assert hidden[moved != 0].all()
    others = np.delete(np.arange(len(hidden)), cell)
    assert (table.values[others] + moved[others] >= -1e-7).all()
    # Nothing is left behind for the next search.
    assert not work.shift.any()


def test_links_tell_all_about_flat_tables_only() -> None:
    assert [ways._links(drawn(*shape, 0))[1] for shape in SHAPES] == [True, False, False, False, False, True]


def test_cells_that_nothing_protects_are_named() -> None:
    """One cell and its total: whoever sees either sees both; with both withheld they are free."""
    equations = Equations(3, np.array([0, 2]), np.array([0, 1]), np.array([-1.0, 1.0]))
    values, level = np.array([5.0, 5.0, 7.0]), np.array([0.0, 1.0, 1.0])
    shown = np.zeros(3, dtype=bool)
    found = complementary_suppression(Suppressible(values, equations, level, values, shown, np.zeros(3)), QUICK)
    assert found.suppressed.all()
    assert not len(found.unprotectable)
    # A reader who knows the total knows the cell; nothing helps against that.
    knows = (np.array([0]),)
    found = complementary_suppression(Suppressible(values, equations, level, values, shown, np.zeros(3), knows), QUICK)
    assert found.unprotectable.tolist() == [1]
    with pytest.raises(ValueError, match="open: the cells that must stay open"):
        complementary_suppression(
            Suppressible(values, equations, level, values, np.array([True, False, False]), np.zeros(3)), QUICK
        )


def test_a_table_of_ten_thousand_cells_is_protected_and_attacked() -> None:
    rng = np.random.default_rng(3)
    count = 100 * 100
    values = rng.integers(5, 30, (count, 4)).astype(float)
    values[rng.random(count) < 0.002, 0] = 2000.0
    at = np.repeat(np.arange(count), 4)
    rows = pl.DataFrame({
        "item": [f"i{k:03}" for k in at // 100], "region": [f"r{k:03}" for k in at % 100],
        "contributor": [f"c{k}" for k in np.tile(np.arange(4), count)], "value": values.ravel(),
    })  # fmt: skip
    params = TableParams((Dimension("item"), Dimension("region")), DisclosureParams(("item", "region"), p_percent=10))
    found = protect_table(rows, params)
    judged = found.internal["protected"].drop_nulls()
    assert len(judged) > 10
    assert judged.all()
    assert 0 < found.suppression.gap < 0.6


def told(cells: dict[str, tuple[str, float | None]]) -> Release:
    made_of = [(cell, atom) for cell, (atoms, _) in cells.items() for atom in atoms]
    members = pl.DataFrame(made_of, schema=["cell", "atom"], orient="row")
    values = [(cell, value) for cell, (_, value) in cells.items()]
    return Release("r", members, pl.DataFrame(values, schema={"cell": pl.String, "value": pl.Float64}, orient="row"))


def test_what_is_told_by_itself_is_taken_off_its_total() -> None:
    release = told({"a": ("a", 4.0), "bc": ("bc", None), "ab": ("ab", None), "abc": ("abc", 10.0)})
    assert attacker_intervals([release]).rows() == [("bc", 6.0, 6.0), ("ab", 4.0, 10.0)]
    assert attacker_intervals([release], params=AttackParams(rounding=2)).rows() == [
        ("bc", 4.0, 8.0),
        ("ab", 3.0, 11.0),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        {"a": ("a", 4.0), "also a": ("a", 5.0), "b": ("b", None)},
        {"a": ("a", 4.0), "b": ("b", 3.0), "ab": ("ab", 8.0), "c": ("c", None)},
        {"a": ("a", -1.0), "b": ("b", None)},
        {"a": ("a", 4.0), "ab": ("ab", 3.0), "b": ("b", None)},
    ],
)
def test_figures_that_contradict_each_other_are_refused(cells: dict[str, tuple[str, float | None]]) -> None:
    with pytest.raises(ValueError, match="published figures contradict each other"):
        attacker_intervals([told(cells)])
