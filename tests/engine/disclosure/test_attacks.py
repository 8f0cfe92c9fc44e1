"""Attacker intervals: the handbook's table, SciPy on random publications, releases that undo each other."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.disclosure import (
    AttackParams,
    DisclosureParams,
    Release,
    attacker_intervals,
    audit_releases,
    difference_needs,
)


def release(name: str, cells: dict[str, str], values: dict[str, float | None]) -> Release:
    """Cells as texts of atoms."""
    members = [(cell, atom) for cell, atoms in cells.items() for atom in atoms.split()]
    return Release(
        name,
        pl.DataFrame(members, schema={"cell": pl.String, "atom": pl.String}, orient="row"),
        pl.DataFrame(list(values.items()), schema={"cell": pl.String, "value": pl.Float64}, orient="row"),
    )


INNER = {"11": "11", "12": "12", "21": "21", "22": "22"}
SUMS = {"r1": "11 12", "r2": "21 22", "c1": "11 21", "c2": "12 22"}


def test_tc_04c_feasibility_intervals() -> None:
    """TC-04 (c): rows 7, 3; columns 6, 4: x11 in [3, 6], x12 [1, 4], x21 [0, 3], x22 [0, 3]."""
    told = {**dict.fromkeys(INNER), "r1": 7.0, "r2": 3.0, "c1": 6.0, "c2": 4.0}
    found = attacker_intervals([release("table", INNER | SUMS, told)])
    assert found.rows() == [("11", 3.0, 6.0), ("12", 1.0, 4.0), ("21", 0.0, 3.0), ("22", 0.0, 3.0)]


def test_what_the_reader_knows_besides_narrows_its_bounds() -> None:
    told = {**dict.fromkeys(INNER), "r1": 7.0, "r2": 3.0, "c1": 6.0, "c2": 4.0}
    known = pl.DataFrame({"atom": ["21"], "value": [2.0]})
    found = attacker_intervals([release("table", INNER | SUMS, told)], known=known)
    assert found.rows() == [("11", 4.0, 4.0), ("12", 3.0, 3.0), ("21", 2.0, 2.0), ("22", 1.0, 1.0)]


def test_rounding_widens_them() -> None:
    told = {**dict.fromkeys(INNER), "r1": 7.0, "r2": 3.0, "c1": 6.0, "c2": 4.0}
    found = attacker_intervals([release("table", INNER | SUMS, told)], params=AttackParams(rounding=1.0))
    assert found.row(0) == ("11", 2.0, 6.5)


def test_two_harmless_releases_undo_each_other() -> None:
    """March shows A+B+C, April, after C left, A+B: together C; the earlier release alone says little."""
    march = release("march", {"sum": "a b c"}, {"sum": 100.0})
    april = release("april", {"sum": "a b"}, {"sum": 88.0})
    ask = pl.DataFrame({"target": ["c"], "atom": ["c"]})
    assert attacker_intervals([march], ask).row(0) == ("c", 0.0, 100.0)
    assert attacker_intervals([march, april], ask).row(0) == ("c", 12.0, 12.0)
    needs = pl.DataFrame({"target": ["c"], "total": [12.0], "upper_protection": [1.2]})
    assert audit_releases(needs, [march], ask)["protected"].item()
    assert not audit_releases(needs, [march, april], ask)["protected"].item()


def test_the_difference_is_found_before_it_is_published() -> None:
    columns = ["cell", "contributor", "value"]
    rows = [("s", "a", 40.0), ("s", "b", 38.0), ("s", "c", 12.0), ("t", "a", 5.0), ("t", "b", 6.0), ("t", "c", 7.0)]
    before = pl.DataFrame(rows, schema=columns, orient="row")
    after = before.filter(~((pl.col("cell") == "s") & (pl.col("contributor") == "c")))
    rules = DisclosureParams(("cell",), least_contributors=3, p_percent=10)
    found = difference_needs(before, after, rules)
    assert found.select("cell", "change", "contributors").rows() == [("s", -12.0, 1)]
    assert difference_needs(before, before, rules).is_empty()
    raised = before.with_columns(value=pl.col("value") * 2)
    assert difference_needs(before, raised, rules, "a").select("cell", "contributors").rows() == [("s", 2), ("t", 2)]
    assert difference_needs(before, after.filter(pl.col("cell") == "t"), rules).is_empty()


@settings(max_examples=40, deadline=None)
@given(data=st.data(), atoms=st.integers(2, 7), statements=st.integers(1, 5), negative=st.booleans())
def test_bounds_are_those_of_a_plain_program(data: st.DataObject, atoms: int, statements: int, negative: bool) -> None:
    names = [f"a{i}" for i in range(atoms)]
    truth = np.array(data.draw(st.lists(st.integers(0, 20), min_size=atoms, max_size=atoms)), dtype=float)
    sets = [data.draw(st.sets(st.sampled_from(names), min_size=1)) for _ in range(statements)]
    places = [[names.index(atom) for atom in each] for each in sets]
    half = statements // 2
    releases = [
        release(
            name, {f"s{i}": " ".join(sorted(sets[i])) for i in span}, {f"s{i}": truth[places[i]].sum() for i in span}
        )
        for name, span in (("one", range(half)), ("two", range(half, statements)))
    ]
    asked = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))
    targets = pl.DataFrame({"target": ["t"] * len(asked), "atom": sorted(asked)})
    low, high = attacker_intervals(
        releases, targets, params=AttackParams(lower=None if negative else 0.0, upper=25.0)
    ).row(0)[1:]
    matrix = np.array([[float(j in each) for j in range(atoms)] for each in places])
    cost = np.array([float(name in asked) for name in names])
    bounds = (None if negative else 0, 25)
    ends = [
        sign * linprog(sign * cost, A_eq=matrix, b_eq=matrix @ truth, bounds=bounds).fun
        if linprog(sign * cost, A_eq=matrix, b_eq=matrix @ truth, bounds=bounds).status == 0
        else -sign * np.inf
        for sign in (1, -1)
    ]
    assert (low, high) == (pytest.approx(ends[0], abs=1e-6), pytest.approx(ends[1], abs=1e-6))
    assert low - 1e-6 <= truth @ cost <= high + 1e-6


def test_contradicting_releases_and_wrong_frames_are_named() -> None:
    one, two = (release(name, {"s": "a"}, {"s": value}) for name, value in (("one", 1.0), ("two", 2.0)))
    ask = pl.DataFrame({"target": ["t"], "atom": ["a"]})
    with pytest.raises(ValueError, match="contradict each other"):
        attacker_intervals([one, two], ask)
    with pytest.raises(ValueError, match="at least one"):
        attacker_intervals([])
    with pytest.raises(ValueError, match="tells a cell twice"):
        Release("x", one.members, pl.concat([one.values, one.values]))
    with pytest.raises(ValueError, match="members: lacks 'atom'"):
        Release("x", one.members.drop("atom"), one.values)
    with pytest.raises(ValueError, match="nothing makes up cell"):
        Release("x", one.members, pl.DataFrame({"cell": ["q"], "value": [1.0]}))
    with pytest.raises(ValueError, match="lower, upper"):
        AttackParams(lower=2, upper=1)
    with pytest.raises(ValueError, match="rounding"):
        AttackParams(rounding=-1)


def test_nothing_hidden_asks_nothing_and_the_unheard_of_is_unbounded() -> None:
    one = release("one", {"s": "a"}, {"s": 1.0})
    assert attacker_intervals([one]).is_empty()
    ask = pl.DataFrame({"target": ["t", "u"], "atom": ["z", None]})
    assert attacker_intervals([one], ask).rows() == [("t", 0.0, np.inf), ("u", 0.0, 0.0)]
