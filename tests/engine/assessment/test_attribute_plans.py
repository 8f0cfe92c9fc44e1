"""Plans for lots by attributes against published tables, plain laws of probability and the switching rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.assessment import (
    InspectionParams,
    Severity,
    SwitchingParams,
    acceptance_probability,
    attribute_plans,
    code_letters,
    faults_acceptance,
    inspect_lots,
    switch_inspection,
)

SEVERITIES = (Severity.NORMAL, Severity.TIGHTENED, Severity.REDUCED)
LIMITS = [
    0.01, 0.015, 0.025, 0.04, 0.065, 0.1, 0.15, 0.25, 0.4, 0.65, 1, 1.5, 2.5, 4, 6.5, 10,
    15, 25, 40, 65, 100, 150, 250, 400, 650, 1000,
]  # fmt: skip
SIZES = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000, 1_000_000)
LOT = dict(zip("ABCDEFGHJKLMNPQ", SIZES, strict=True))
"""A lot that has the letter at level II; R is reached at level III."""

# Tables 2-A, 2-B and 2-C of ISO 2859-1:1999 at 0.65, 1.0, 1.5, 2.5, 4.0, 6.5 and 10, arrows followed: sample/number.
PUBLISHED = {
    Severity.NORMAL: """
        A 20/0 13/0 8/0 5/0 3/0 2/0 5/1
        C 20/0 13/0 8/0 5/0 3/0 8/1 5/1
        E 20/0 13/0 8/0 20/1 13/1 13/2 13/3
        F 20/0 13/0 32/1 20/1 20/2 20/3 20/5
        G 20/0 50/1 32/1 32/2 32/3 32/5 32/7
        H 80/1 50/1 50/2 50/3 50/5 50/7 50/10
        J 80/1 80/2 80/3 80/5 80/7 80/10 80/14
        K 125/2 125/3 125/5 125/7 125/10 125/14 125/21
        L 200/3 200/5 200/7 200/10 200/14 200/21 125/21
        M 315/5 315/7 315/10 315/14 315/21 200/21 125/21
        P 800/10 800/14 800/21 500/21 315/21 200/21 125/21
        R 2000/21 1250/21 800/21 500/21 315/21 200/21 125/21
    """,
    Severity.TIGHTENED: """
        A 32/0 20/0 13/0 8/0 5/0 3/0 2/0
        B 32/0 20/0 13/0 8/0 5/0 3/0 8/1
        D 32/0 20/0 13/0 8/0 20/1 13/1 8/1
        G 32/0 80/1 50/1 32/1 32/2 32/3 32/5
        H 125/1 80/1 50/1 50/2 50/3 50/5 50/8
        K 125/1 125/2 125/3 125/5 125/8 125/12 125/18
        L 200/2 200/3 200/5 200/8 200/12 200/18 125/18
        Q 1250/12 1250/18 800/18 500/18 315/18 200/18 125/18
    """,
    Severity.REDUCED: """
        A 8/0 5/0 3/0 2/0 2/0 2/0 3/1
        C 8/0 5/0 3/0 2/0 2/0 5/1 3/1
        F 8/0 5/0 20/1 13/1 8/1 8/2 8/3
        H 50/1 32/1 20/1 20/2 20/3 20/5 20/6
        K 50/1 50/2 50/3 50/5 50/6 50/8 50/10
        L 80/2 80/3 80/5 80/6 80/8 80/10 50/10
        N 200/5 200/6 200/8 200/10 125/10 80/10 50/10
        R 800/10 500/10 315/10 200/10 125/10 80/10 50/10
    """,
}
# The corners of the same tables, where the regular pattern ends: letter, limit, sample, number.
CORNERS = {
    Severity.NORMAL: [("R", 0.01, 1250, 0), ("R", 0.015, 800, 0), ("Q", 0.025, 2000, 1), ("A", 15, 3, 1),
                      ("A", 1000, 2, 30), ("B", 1000, 3, 44), ("E", 150, 13, 30), ("F", 100, 13, 21),
                      ("F", 150, 13, 30), ("R", 1000, 3, 44)],
    Severity.TIGHTENED: [("R", 0.01, 2000, 0), ("R", 0.025, 3150, 1), ("R", 0.015, 1250, 0), ("P", 0.04, 2000, 1),
                         ("A", 15, 5, 1), ("B", 1000, 3, 41), ("E", 250, 13, 41), ("F", 100, 13, 18)],
    Severity.REDUCED: [("Q", 0.025, 200, 0), ("P", 0.04, 800, 1), ("A", 25, 2, 1), ("B", 150, 2, 7), ("C", 150, 2, 8),
                       ("C", 650, 2, 21), ("D", 650, 2, 21), ("E", 150, 5, 14), ("F", 100, 5, 10), ("R", 1000, 2, 30)],
}  # fmt: skip


def of_letter(letter: str, limit: float, severity: Severity) -> tuple[int, int]:
    found = attribute_plans(10**7 if letter in "RQ" else LOT[letter], limit, "III" if letter == "R" else "II", severity)
    assert found.letter.item() == letter
    # The sample of a plan, also where it takes in the whole lot.
    size = attribute_plans(10**9, LIMITS, "III", severity)
    known = dict(zip("ABCDEFGHJKLMNPQRS", np.array([2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000,
                                                     3150]), strict=True))  # fmt: skip
    if severity is Severity.REDUCED:
        known = dict(zip("ABCDEFGHJKLMNPQR", [2, 2, *list(known.values())[:14]], strict=True))
    assert size.sample.tolist() == [known[each] for each in size.plan_letter]
    whole = bool(found.whole.item())
    assert whole == (known[found.plan_letter.item()] >= LOT.get(letter, 10**7))
    return int(known[found.plan_letter.item()]), found.accept.item()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_plans_are_those_of_the_published_tables(severity: Severity) -> None:
    for line in PUBLISHED[severity].split("\n")[1:-1]:
        letter, *cells = line.split()
        found = [of_letter(letter, limit, severity) for limit in LIMITS[9:16]]
        assert [f"{sample}/{number}" for sample, number in found] == cells, letter
    for letter, limit, sample, number in CORNERS[severity]:
        assert of_letter(letter, limit, severity) == (sample, number), (letter, limit)


def test_code_letters_of_table_1() -> None:
    sizes = [2, 8, 9, 90, 91, 280, 281, 3200, 3201, 35_000, 150_001, 500_000, 500_001]
    assert "".join(code_letters(sizes)) == "AABEFGHKLMPPQ"
    assert "".join(code_letters(sizes, "I")) == "AAACDEFHJKMMN"
    assert "".join(code_letters(sizes, "III")) == "BBCFGHJLMNQQR"
    assert "".join(code_letters(sizes, "S-1")) == "AAABBBBCCCDDD"
    assert "".join(code_letters(sizes, "S-4")) == "AAACDEEGGHJJK"
    assert code_letters([]).tolist() == []


@given(st.integers(2, 10**7), st.integers(0, 25), st.sampled_from(["I", "II", "III", "S-2", "S-3"]))
def test_severities_differ_as_they_should(lot: int, column: int, level: str) -> None:
    """Where they use the same letter: tightened inspection accepts no more bad ones than normal, reduced looks at
    fewer; and what is as good as agreed passes normal inspection nearly always."""
    normal, tightened, reduced = (attribute_plans(lot, LIMITS[column], level, each) for each in SEVERITIES)
    if tightened.plan_letter == normal.plan_letter:
        assert tightened.accept <= normal.accept
        assert tightened.sample == normal.sample
    if reduced.plan_letter == normal.plan_letter:
        assert reduced.sample <= normal.sample
        assert reduced.accept <= normal.accept
    assert normal.tighter_accept <= normal.accept
    if not normal.whole:
        assert faults_acceptance(normal.sample, normal.accept, LIMITS[column]) > 0.85


@given(st.integers(1, 60), st.data())
def test_operating_characteristic_against_laws_of_probability(population: int, data: st.DataObject) -> None:
    sample, bad = data.draw(st.integers(0, population)), data.draw(st.integers(0, population))
    accept = data.draw(st.integers(0, 5))
    exact = stats.hypergeom.cdf(accept, population, bad, sample)
    assert acceptance_probability(sample, accept, bad / population, population).item() == pytest.approx(exact, abs=1e-9)
    assert faults_acceptance(sample, accept, bad).item() == pytest.approx(stats.poisson.cdf(accept, sample * bad / 100))
    assert acceptance_probability(sample, accept, bad / population, 10**6).item() == pytest.approx(
        acceptance_probability(sample, accept, bad / population).item(), abs=2e-3
    )


@pytest.mark.parametrize(
    ("number", "often", "seldom"), [(0, 0.0513, 2.303), (1, 0.355, 3.89), (3, 1.366, 6.681), (5, 2.613, 9.275)]
)
def test_unity_values_of_cameron(number: int, often: float, seldom: float) -> None:
    """Industrial Quality Control 9/1 (1952): np at which 95 % and 10 % of lots are accepted."""
    assert faults_acceptance(1000, number, [often / 10, seldom / 10]).round(3).tolist() == [0.95, 0.1]


def test_tc_27_a_history_with_the_plans_of_its_severities() -> None:
    found = [0] * 10 + [1, 0, 2] + [3, 0, 3] + [0] * 5 + [0]
    done = inspect_lots([2000] * len(found), found, InspectionParams(0.65))
    assert done.switching.severity.tolist() == (
        ["normal"] * 10 + ["reduced"] * 3 + ["normal"] * 3 + ["tightened"] * 5 + ["normal"]
    )
    assert done.sample.tolist() == [125] * 10 + [50] * 3 + [125] * 9
    assert done.accept.tolist() == [2] * 10 + [1] * 3 + [2] * 3 + [1] * 5 + [2]
    assert done.accepted.tolist() == [each <= c for each, c in zip(found, done.accept, strict=True)]
    # Two bad ones pass with c = 2, but not one step tighter, where c = 1: the score begins anew.
    assert inspect_lots([2000] * 3, [1, 2, 0], InspectionParams(0.65)).switching.score.tolist() == [3, 0, 3]


def test_discontinued_lots_are_not_judged_and_histories_go_on() -> None:
    params = InspectionParams(1.0, "I", SwitchingParams(most_tightened_misses=2))
    done = inspect_lots([900] * 6, [9] * 6, params)
    assert done.switching.severity.tolist() == ["normal"] * 2 + ["tightened"] * 2 + ["discontinued"] * 2
    assert done.sample.tolist()[-2:] == [0, 0]
    assert done.accept.tolist()[-2:] == [-1, -1]
    assert not done.accepted.any()
    first = inspect_lots([900] * 3, [9] * 3, params)
    rest = inspect_lots([900] * 3, [9] * 3, params, first.switching.state)
    assert [*first.sample, *rest.sample] == done.sample.tolist()
    assert rest.switching.state == done.switching.state
    none = inspect_lots([], [], params)
    assert none.sample.size == 0
    assert none.switching.state == switch_inspection([], 0, True).state


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: code_letters(1), "lot"),
        (lambda: code_letters(100, "IV"), "level"),
        (lambda: attribute_plans(100, 0.7), "limit"),
        (lambda: attribute_plans(100, 1.0, severity=Severity.DISCONTINUED), "severity"),
        (lambda: InspectionParams(2.0), "limit"),
        (lambda: InspectionParams(1.0, "S-5"), "level"),
        (lambda: inspect_lots([100, 100], [1], InspectionParams(1.0)), "lot, found"),
        (lambda: inspect_lots([100], [-1], InspectionParams(1.0)), "lot, found"),
        (lambda: faults_acceptance(5, 1, -1), "sample, accept, per_hundred"),
        (lambda: acceptance_probability(5, 1, 0.5, 4), "population"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=rf"^{message}: "):
        wrong()
