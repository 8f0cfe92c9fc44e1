"""Plans in stages against published tables, and probabilities against every course an inspection can take."""

from __future__ import annotations

import doctest
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.assessment import (
    PlanParams,
    Severity,
    StagedPlan,
    acceptance_probability,
    attribute_plans,
    double_plans,
    faults_acceptance,
    find_double_plan,
    find_plan,
    staged_curve,
)
from tierwise.engine.assessment.attribute_plans import QUALITY_LIMITS

N, T, R = Severity.NORMAL, Severity.TIGHTENED, Severity.REDUCED
LOTS = dict(zip("ABCDEFGHJKLMNPQ", (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000,
                                    1_000_000), strict=True))  # fmt: skip
# MIL-STD-105E, tables III-A to III-C, arrows followed: the first sample by limit from 0.010 to 1000 (0: single).
SAMPLES = {
    (N, "B"): "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 2 2 2 2 2 2 2 2 2 2",
    (N, "E"): "0 0 0 0 0 0 0 0 0 0 0 0 13 8 8 8 8 8 8 8 8 8 8 5 3 2",
    (N, "F"): "0 0 0 0 0 0 0 0 0 0 0 20 13 13 13 13 13 13 13 13 8 8 8 5 3 2",
    (N, "J"): "0 0 0 0 0 0 0 0 80 50 50 50 50 50 50 50 50 32 20 13 8 8 8 5 3 2",
    (N, "N"): "0 0 0 0 500 315 315 315 315 315 315 315 315 200 125 80 50 32 20 13 8 8 8 5 3 2",
    (N, "R"): "0 0 1250 1250 1250 1250 1250 1250 1250 1250 800 500 315 200 125 80 50 32 20 13 8 8 8 5 3 2",
    (T, "D"): "0 0 0 0 0 0 0 0 0 0 0 0 0 13 8 5 5 5 5 5 5 5 5 5 3 2",
    (T, "H"): "0 0 0 0 0 0 0 0 0 80 50 32 32 32 32 32 32 32 20 13 8 8 8 5 3 2",
    (T, "Q"): "0 0 2000 1250 800 800 800 800 800 800 800 500 315 200 125 80 50 32 20 13 8 8 8 5 3 2",
    (T, "R"): "0 0 2000 1250 1250 1250 1250 1250 1250 1250 800 500 315 200 125 80 50 32 20 13 8 8 8 5 3 2",
    (R, "C"): "0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0",
    (R, "E"): "0 0 0 0 0 0 0 0 0 0 0 0 5 3 3 3 3 3 3 3 3 3 3 2 0 0",
    (R, "H"): "0 0 0 0 0 0 0 0 0 20 13 13 13 13 13 13 13 13 8 5 3 3 3 2 0 0",
    (R, "R"): "0 0 500 500 500 500 500 500 500 500 315 200 125 80 50 32 20 13 8 5 3 3 3 2 0 0",
}
# The same tables at one limit, from the letter given on: accept and refuse after the first sample, after both.
NUMBERS = {
    (N, 1.5, "F"): "0,2,1,2 0,2,1,2 0,3,3,4 1,4,4,5 2,5,6,7 3,7,8,9 5,9,12,13 7,11,18,19 11,16,26,27 11,16,26,27",
    (N, 150, "B"): "5,9,12,13 7,11,18,19 11,16,26,27 17,22,37,38 17,22,37,38 17,22,37,38",
    (N, 1000, "B"): "25,31,56,57 25,31,56,57 25,31,56,57 25,31,56,57",
    (T, 1.5, "F"): "0,2,1,2 0,2,1,2 0,2,1,2 0,3,3,4 1,4,4,5 2,5,6,7 3,7,11,12 6,10,15,16 9,14,23,24 9,14,23,24",
    (T, 150, "B"): "3,7,11,12 6,10,15,16 9,14,23,24 15,20,34,35 15,20,34,35",
    (T, 650, "B"): "15,20,34,35 23,29,52,53 23,29,52,53",
    (R, 1.5, "F"): "0,2,0,2 0,2,0,2 0,3,0,4 0,4,1,5 0,4,3,6 1,5,4,7 2,7,6,9 3,8,8,12 5,10,12,16 5,10,12,16",
    (R, 250, "D"): "7,12,18,22 11,17,26,30 11,17,26,30 11,17,26,30",
}


def lot_of(letter: str) -> tuple[int, str]:
    return (10**6, "III") if letter == "R" else (LOTS[letter], "II")


def test_samples_are_those_of_the_published_tables() -> None:
    for (severity, letter), line in SAMPLES.items():
        found = double_plans(*lot_of(letter)[:1], QUALITY_LIMITS, lot_of(letter)[1], severity)
        assert set(found.letter.tolist()) == {letter}
        published = [int(size) for size in line.split()]
        assert np.where(found.single, 0, found.first).tolist() == published, (severity, letter)
        assert np.where(found.single, 0, found.second).tolist() == published


def test_numbers_are_those_of_the_published_tables() -> None:
    for (severity, limit, letter), line in NUMBERS.items():
        start = "ABCDEFGHJKLMNPQ".index(letter)
        for at, cell in zip("ABCDEFGHJKLMNPQ"[start:], line.split(), strict=False):
            found = double_plans(*lot_of(at)[:1], limit, severity=severity)
            numbers = found.accept_first, found.refuse_first, found.accept, found.refuse
            assert ",".join(str(each.item()) for each in numbers) == cell, (severity, limit, at)


def test_where_there_is_no_double_plan_it_is_the_single_one() -> None:
    found, one = double_plans([150, 8], 0.65), attribute_plans([150, 8], 0.65)
    assert found.single.all()
    assert found.first.tolist() == one.sample.tolist()
    assert found.accept.tolist() == one.accept.tolist() == (found.refuse - 1).tolist()
    assert found.second.tolist() == [0, 0]
    assert double_plans(40, 6.5).whole.item() is False
    assert double_plans(10, 6.5, "III").whole.item() is True


@pytest.mark.parametrize("severity", [N, T])
def test_a_double_plan_judges_much_as_the_single_one_does(severity: Severity) -> None:
    """Both halves of the tables were made to match: at the limit the chances differ by little."""
    for lot, limit in [(2000, 1.0), (2000, 2.5), (20_000, 0.65), (500, 4.0), (100_000, 0.4)]:
        two, one = double_plans(lot, limit, severity=severity), attribute_plans(lot, limit, severity=severity)
        plan = StagedPlan(
            (two.first.item(), two.second.item()), (two.accept_first.item(), two.accept.item()),
            (two.refuse_first.item(), two.refuse.item()),
        )  # fmt: skip
        shares = np.array([0.5, 1.0, 2.0, 3.0, 5.0]) * limit / 100
        curve = staged_curve(plan, shares)
        assert np.abs(curve.accepted - acceptance_probability(one.sample, one.accept, shares)).max() < 0.08
        assert (curve.looked_at[[0, -1]] < one.sample.item()).all()


# Duncan (1974), chapter 8, equal samples with 5 % and 10 % risk: numbers, n·p accepted with 95 % and 10 %, and the
# average looked at as a multiple of the first sample.
DUNCAN = [
    (0, 1, 0.21, 2.50, 1.170), (1, 2, 0.52, 3.92, 1.081), (0, 2, 0.43, 2.96, 1.340), (1, 3, 0.76, 4.11, 1.169),
    (2, 4, 1.16, 5.39, 1.105),
]  # fmt: skip


def test_double_plans_of_duncan() -> None:
    for first, both, good, bad, average in DUNCAN:
        curve = staged_curve(StagedPlan((1, 1), (first, both), (both + 1, both + 1)), [good, bad], faults=True)
        assert curve.accepted == pytest.approx([0.95, 0.10], abs=0.006)
        assert curve.looked_at[0] == pytest.approx(average, abs=0.001)


def courses(plan: StagedPlan, p: float) -> tuple[float, float]:
    """Accepted and looked at, over every course an inspection can take."""

    def go(stage: int, bad: int, chance: float) -> tuple[float, float]:
        sample = plan.sample[stage]
        accepted, looked = 0.0, chance * sample
        last = stage == len(plan.sample) - 1
        for more in range(sample + 1):
            here, all_bad = chance * comb(sample, more) * p**more * (1 - p) ** (sample - more), bad + more
            if all_bad >= plan.refuse[stage]:
                continue
            if last or all_bad <= plan.accept[stage]:
                accepted += here
            else:
                further = go(stage + 1, all_bad, here)
                accepted, looked = accepted + further[0], looked + further[1]
        return accepted, looked

    return go(0, 0, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    stages=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=3),
    p=st.floats(0, 1),
)
def test_chances_are_those_of_all_courses(stages: list[tuple[int, int, int]], p: float) -> None:
    accept = np.cumsum([step for _, step, _ in stages]) - 1
    gaps = [max(gap, -at) + (at < 0) for (_, _, gap), at in zip(stages, accept.tolist(), strict=True)]
    plan = StagedPlan(
        tuple(sample for sample, _, _ in stages), tuple(accept.tolist()),
        tuple(np.maximum.accumulate(accept + gaps).tolist()),
    )  # fmt: skip
    found = staged_curve(plan, [p])
    accepted, looked_at = courses(plan, p)
    assert found.accepted.item() == pytest.approx(accepted, abs=1e-12)
    assert found.looked_at.item() == pytest.approx(looked_at, rel=1e-12)
    assert found.decided.sum() == pytest.approx(1.0)


def test_one_stage_is_a_single_plan_and_empty_is_empty() -> None:
    shares = np.linspace(0, 1, 11)
    assert staged_curve(StagedPlan((20,), (2,), (3,)), shares).accepted == pytest.approx(
        acceptance_probability(20, 2, shares)
    )
    assert staged_curve(StagedPlan((20,), (2,), (3,)), shares, faults=True).accepted == pytest.approx(
        faults_acceptance(20, 2, 100 * shares)
    )
    assert staged_curve(StagedPlan((20,), (2,), (3,)), []).decided.shape == (0, 1)


@pytest.mark.parametrize(("good", "bad"), [(0.01, 0.06), (0.02, 0.093), (0.05, 0.2)])
@pytest.mark.parametrize("ratio", [1, 2])
def test_a_plan_that_is_found_keeps_both_risks_for_less_work(good: float, bad: float, ratio: int) -> None:
    params = PlanParams(good, bad)
    plan = find_double_plan(params, ratio)
    curve = staged_curve(plan, [good, bad])
    assert plan.sample[1] == ratio * plan.sample[0]
    assert 1 - curve.accepted[0] <= params.producer_risk
    assert curve.accepted[1] <= params.consumer_risk
    assert curve.looked_at[0] < find_plan(params).sample


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: double_plans(100, 0.7), "limit: must be one of"),
        (lambda: double_plans("many", 1.0), "lot: must be numbers"),
        (lambda: double_plans(1, 1.0), "lot: must be 2 or more"),
        (lambda: double_plans(100, 1.0, severity=Severity.DISCONTINUED), "severity: is discontinued"),
        (lambda: StagedPlan((5, 5), (0, 1), (2,)), "give one number per stage"),
        (lambda: StagedPlan((5, 0), (0, 1), (2, 2)), "sample: must be 1 or more"),
        (lambda: StagedPlan((5, 5), (0, 2), (2, 2)), "refuse more than it"),
        (lambda: StagedPlan((5, 5), (1, 0), (2, 2)), "cannot fall"),
        (lambda: staged_curve(StagedPlan((5,), (0,), (1,)), [5.0]), "bad: must be shares"),
        (lambda: staged_curve(StagedPlan((5,), (0,), (1,)), [np.nan]), "bad: must be shares"),
        (lambda: find_double_plan(PlanParams(0.01, 0.05), 0), "ratio: must be 1"),
        (lambda: find_double_plan(PlanParams(0.05, 0.08)), "good, bad: are so near"),
    ],
)
def test_wrong_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()


def test_examples_of_the_module() -> None:
    import tierwise.engine.assessment.staged_plans as module

    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).failed == 0
