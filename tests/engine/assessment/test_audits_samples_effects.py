"""Process audits, samples, switching rules, attainment and effects against the standards' rules and plain counts."""

from __future__ import annotations

from itertools import permutations
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.assessment import (
    AuditGrade,
    AuditParams,
    EffectParams,
    Level,
    PlanParams,
    Severity,
    SwitchingParams,
    acceptance_probability,
    allocate_samples,
    attainment,
    detection_probability,
    detection_sample,
    difference_in_differences,
    error_bound,
    find_plan,
    grade_process_audit,
    level_of_checklist,
    misstatement,
    switch_inspection,
)
from tierwise.engine.assessment.process_audit import FINDING_SCHEMA, GATE_SCHEMA, RESULT_SCHEMA
from tierwise.engine.scoring import exact_binomial, exact_poisson, wilson

NAN = float("nan")
Finding = tuple[str, str, str | None, str | None, bool, int | None]


def graded(*findings: Finding, params: AuditParams | None = None) -> AuditGrade:
    frame = pl.DataFrame(list(findings), schema=FINDING_SCHEMA, orient="row")
    return grade_process_audit(frame, params or AuditParams())


def asked(element: str, scores: list[int | None], *, star: int | None = None) -> list[Finding]:
    return [(f"{element}.{n}", element, None, None, n == star, score) for n, score in enumerate(scores)]


def test_tc_08_grades_by_score() -> None:
    assert graded(*asked("P2", [10] * 9 + [8])).grade == "A"
    assert graded(*asked("P2", [8] * 10)).grade == "B"
    assert graded(*asked("P2", [8] * 9 + [6])).grade == "C"
    found = graded(*asked("P2", [10] * 9 + [8]))
    assert (found.percent, found.answered, found.questions) == (98, 10, 10)
    assert found.gates.is_empty()


def test_tc_08_downgrades_to_b() -> None:
    weak_element = graded(*asked("P2", [10] * 30), *asked("P3", [8, 8, 8, 6]))
    assert (weak_element.by_score, weak_element.grade) == ("A", "B")
    assert weak_element.gates.row(0) == ("part_below_for_a", "P3", 75, "B")
    star_at_4 = graded(*asked("P2", [10] * 30 + [4], star=30))
    assert (star_at_4.grade, star_at_4.gates["rule"].to_list()) == ("B", ["star_at_4"])
    any_zero = graded(*asked("P2", [10] * 30 + [0]))
    assert (any_zero.grade, any_zero.gates["rule"].to_list()) == ("B", ["question_at_0"])
    weak_group = graded(
        *asked("P2", [10] * 30), *[("6.1.1", "P6", "EU1", "weld", False, 6), ("6.2.1", "P6", "EU2", "weld", False, 10)]
    )
    assert weak_group.grade == "B"
    assert weak_group.gates["name"].to_list() == ["EU1"]


def test_tc_08_downgrades_to_c() -> None:
    weak_element = graded(*asked("P2", [10] * 30), *asked("P3", [6, 6, 8, 6]))
    assert (weak_element.percent, weak_element.by_score, weak_element.grade) == (96, "A", "C")
    star_at_0 = graded(*asked("P2", [10] * 30 + [0], star=30))
    assert (star_at_0.grade, star_at_0.gates["rule"].to_list()) == ("C", ["star_at_0"])
    # A sub-element below 70 forbids only A.
    sub = graded(
        *asked("P2", [10] * 30), ("6.1.1", "P6", "EU1", None, False, 4), ("6.2.1", "P6", "EU2", None, False, 10)
    )
    assert sub.gates.filter(pl.col("name") == "EU1")["grade"].to_list() == ["B"]


def test_tc_08_findings_steps_and_rounding() -> None:
    steps: list[Finding] = [
        ("6.1.1", "P6", "EU1", "weld", False, 10),
        ("6.1.1", "P6", "EU1", "weld", False, 8),  # two findings: the worse counts
        ("6.1.1", "P6", "EU1", "paint", False, 10),
        ("6.1.1", "P6", "EU1", "pack", False, 8),  # mean of 8, 10, 8 is 8.67
    ]
    found = graded(*steps)
    assert found.percent == 87
    assert found.questions == 1
    assert found.parts.filter(pl.col("kind") == "step").select("name", "percent").rows() == [
        ("pack", 80),
        ("paint", 100),
        ("weld", 80),
    ]
    # 89.5 % is rounded up to 90 and gets its A.
    assert graded(*asked("P2", [10] * 11 + [8] * 6 + [6] * 2 + [10])).percent == 90


def test_tc_08_needs_two_thirds_of_the_questions() -> None:
    assert graded(*asked("P2", [10, 10, None])).grade == "A"
    short = graded(*asked("P2", [10, None, None]))
    assert (short.grade, short.by_score) == (None, "A")
    assert short.gates["rule"].to_list() == ["too_few_answered"]
    nothing = graded()
    assert (nothing.grade, nothing.percent, nothing.questions) == (None, None, 0)
    assert nothing.parts.schema == pl.Schema(RESULT_SCHEMA)
    assert nothing.gates.schema == pl.Schema(GATE_SCHEMA)
    assert graded(*asked("P2", [None])).grade is None


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["P2", "P3", "P7"]), st.booleans(), st.sampled_from([0, 4, 6, 8, 10])),
        min_size=1,
        max_size=25,
    )
)
def test_a_better_score_never_costs_a_grade(rows: list[tuple[str, bool, int]]) -> None:
    order = {"A": 0, "B": 1, "C": 2}
    findings = [(str(n), e, None, None, star, s) for n, (e, star, s) in enumerate(rows)]
    before = graded(*findings)
    improved = [(q, e, sub, step, star, min(10, {0: 4, 4: 6}.get(s, s + 2))) for q, e, sub, step, star, s in findings]
    after = graded(*improved)
    assert before.grade is not None
    assert after.grade is not None
    assert order[after.grade] <= order[before.grade]
    assert order[before.grade] >= order[str(before.by_score)]
    assert graded(*reversed(findings)).grade == before.grade


MMOG = {"F1": 1, "F2": 2, "F3": 3}
LEVELS = (Level("A", 90, {"F3": 0, "F2": 5}), Level("B", 75, {"F3": 0}), Level("C", 0))


def checklist(met: int, missed: list[str]) -> pl.DataFrame:
    rows = [(f"m{n}", "F1", True) for n in range(met)] + [(f"x{n}", kind, False) for n, kind in enumerate(missed)]
    return pl.DataFrame(rows, schema=["criterion", "weight_class", "met"], orient="row")


def test_one_missed_f3_means_c_whatever_the_points() -> None:
    found = level_of_checklist(checklist(200, ["F3"]), MMOG, LEVELS)
    assert (found.by_points, found.level, found.blocking) == ("A", "C", ("x0",))
    many = level_of_checklist(checklist(200, ["F2"] * 6), MMOG, LEVELS)
    assert (many.by_points, many.level, len(many.blocking)) == ("A", "B", 6)
    assert level_of_checklist(checklist(200, ["F1"] * 9), MMOG, LEVELS).level == "A"
    ignored = checklist(9, ["F1"]).vstack(
        pl.DataFrame({"criterion": ["n"], "weight_class": ["F3"], "met": [None]}).cast({"met": pl.Boolean})
    )
    assert level_of_checklist(ignored, MMOG, LEVELS).percent == 90


def test_tc_26_sampling() -> None:
    assert int(detection_sample(100, 5)) == 45
    assert round(float(detection_probability(100, 5, 45)), 4) == 0.9538
    assert float(detection_probability(100, 5, 44)) < 0.95
    assert round(float(error_bound(0, 59)), 4) == 0.0495


@settings(max_examples=60)
@given(st.integers(1, 120), st.data())
def test_detection_and_bounds_against_counting(population: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, population))
    sample = data.draw(st.integers(0, population))
    exact = 1 - comb(population - bad, sample) / comb(population, sample)
    assert float(detection_probability(population, bad, sample)) == pytest.approx(exact, abs=1e-9)
    if bad:
        n = int(detection_sample(population, bad, 0.9))
        assert float(detection_probability(population, bad, n)) >= 0.9 - 1e-9
        assert n == 0 or float(detection_probability(population, bad, n - 1)) < 0.9
    else:
        assert int(detection_sample(population, 0, 0.9)) == population
    if sample:
        found = data.draw(st.integers(0, sample))
        bound = round(float(error_bound(found, sample, population)) * population)
        law = stats.hypergeom(population, bound, sample)
        assert law.cdf(found) > 0.05 - 1e-9 or bound == found
        if bound < population - (sample - found):
            assert stats.hypergeom(population, bound + 1, sample).cdf(found) <= 0.05 + 1e-9
        assert bound / population <= float(error_bound(found, sample)) + 1 / population


def test_plans_keep_both_risks_and_none_smaller_does() -> None:
    plan = find_plan(PlanParams(good=0.05, bad=0.15, producer_risk=0.05, consumer_risk=0.075))
    assert (plan.sample, plan.accept) == (80, 7)
    assert plan.producer_risk <= 0.05
    assert plan.consumer_risk <= 0.075
    assert plan.producer_risk == pytest.approx(stats.binom.sf(7, 80, 0.05))
    n, c = np.arange(1, 80)[:, None], np.arange(12)
    assert ((stats.binom.sf(c, n, 0.05) > 0.05) | (stats.binom.cdf(c, n, 0.15) > 0.075)).all()
    assert acceptance_probability(5, 7, 0.9).tolist() == 1.0
    with pytest.raises(ValueError, match="so near"):
        find_plan(PlanParams(good=0.05, bad=0.0501))


def test_stringer_bound_by_hand() -> None:
    factors = [stats.chi2.ppf(0.95, 2 * (j + 1)) / 2 for j in range(3)]
    assert [round(f, 2) for f in factors] == [3.00, 4.74, 6.30]
    found = misstatement(1000, 100, [0.5, 1.0])
    by_hand = 10 * (factors[0] + (factors[1] - factors[0]) * 1.0 + (factors[2] - factors[1]) * 0.5)
    assert found.bound == pytest.approx(by_hand)
    assert found.likely == pytest.approx(15)
    assert misstatement(1000, 2, [1, 1]).bound == 1000
    assert misstatement(0, 1).bound == 0


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 10)), min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(0, 60),
)
def test_allocation_keeps_its_bounds_and_gives_everything_away(
    strata: list[tuple[int, float]], least: int, extra: int
) -> None:
    sizes, spreads = (np.array(column, dtype=float) for column in zip(*strata, strict=True))
    floor = np.minimum(sizes, least)
    total = int(floor.sum()) + extra
    found = allocate_samples(sizes, spreads, total, least)
    assert found.sum() == min(total, sizes.sum())
    assert (found >= floor).all()
    assert (found <= sizes).all()


def test_allocation_is_neymans_where_nothing_binds() -> None:
    assert allocate_samples([500, 300, 200], [10, 20, 40], 38).tolist() == [10, 12, 16]
    assert allocate_samples([10, 1000], [100, 1], 30, least=2).tolist() == [10, 20]
    assert allocate_samples([100, 100], [1, 1], 3, least=0).tolist() == [2, 1]
    assert allocate_samples([100, 100], [0, 0], 4, least=0).tolist() == [2, 2]


def test_tc_27_switching_rules() -> None:
    tight = switch_inspection([True, False, True, True, False, True], 1, False)
    assert tight.severity.tolist() == ["normal"] * 5 + ["tightened"]
    assert tight.switch[4] == "misses_within_window"
    # Two misses six lots apart do not tighten.
    apart = switch_inspection([False, True, True, True, True, False, True], 1, False)
    assert set(apart.severity) == {"normal"}
    back = switch_inspection([False, False] + [True] * 6, 1, False)
    assert back.severity.tolist() == ["normal"] * 2 + ["tightened"] * 5 + ["normal"]
    # A miss begins the five anew.
    again = switch_inspection(
        [False, False, True, True, True, True, False, True, True, True, True, True, True], 1, False
    )
    assert again.severity.tolist()[2:] == ["tightened"] * 10 + ["normal"]
    stop = switch_inspection([False] * 2 + [False, True] * 4 + [False, True], 1, False)
    assert stop.severity.tolist()[-1] == "discontinued"
    assert stop.switch.tolist()[-2] == "misses_on_tightened"
    assert stop.state.severity is Severity.DISCONTINUED


def test_tc_27_switching_score() -> None:
    ten = switch_inspection([True] * 11, 2, True)
    assert ten.score.tolist()[:10] == list(range(3, 33, 3))
    assert ten.severity.tolist() == ["normal"] * 10 + ["reduced"]
    fifteen = switch_inspection([True] * 16, 1, False)
    assert fifteen.severity.tolist() == ["normal"] * 15 + ["reduced"]
    lost = switch_inspection([True] * 4, [2, 2, 2, 0], [True, True, False, False])
    assert lost.score.tolist() == [3, 6, 0, 2]
    missed = switch_inspection([True] * 10 + [True, False, True], 2, True)
    assert missed.severity.tolist()[10:] == ["reduced", "reduced", "normal"]
    assert missed.switch[11] == "miss_on_reduced"
    never = switch_inspection([True] * 20, 2, True, SwitchingParams(may_reduce=False))
    assert set(never.severity) == {"normal"}


@settings(max_examples=50)
@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60), st.integers(0, 3))
def test_a_history_may_be_taken_up_anywhere(lots: list[bool], cut: int, number: int) -> None:
    whole = switch_inspection(lots, number, True)
    first = switch_inspection(lots[:cut], number, True)
    rest = switch_inspection(lots[cut:], number, True, start=first.state)
    assert [*first.severity, *rest.severity] == whole.severity.tolist()
    assert rest.state == whole.state


def test_tc_28_intervals() -> None:
    low, high = wilson(0.92, 100)
    assert (round(float(low), 4), round(float(high), 4)) == (0.85, 0.9589)
    ppm = [round(float(bound) / 50_000 * 1e6, 1) for bound in exact_poisson(3)]
    assert ppm == [12.4, 175.3]


@settings(max_examples=40)
@given(st.integers(1, 300), st.data())
def test_exact_interval_against_scipy(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="exact")
    low, high = exact_binomial(k, n)
    assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high))


@settings(max_examples=60)
@given(st.integers(1, 200), st.floats(0, 1), st.data())
def test_attainment_is_the_exact_test(n: int, target: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    missed = stats.binom.cdf(k, n, target) <= 0.05
    met = stats.binom.sf(k - 1, n, target) <= 0.05
    assert str(attainment(k, n, target)) == ("met" if met else "missed" if missed else "open")


def test_attainment_of_nothing_is_open() -> None:
    assert attainment([0, NAN, 3], [0, 5, 3], [0.9, 0.9, NAN]).tolist() == ["open"] * 3
    assert attainment([], [], 0.9).tolist() == []


def test_effect_of_card_and_kruegers_means() -> None:
    found = difference_in_differences([[20.44, 21.03], [23.33, 21.17]], [1, -1])
    assert round(found.effect, 2) == 2.75
    assert np.isnan([found.standard_error, found.p, found.pre_trend_p]).all()
    assert (found.treated, found.untreated) == (1, 1)


def test_effect_with_one_start_is_welchs_test_of_the_changes() -> None:
    rng = np.random.default_rng(5)
    panel = rng.normal(0, 1, (24, 10)) + rng.normal(0, 5, (24, 1))
    start = np.where(np.arange(24) < 9, 6, -1)
    panel[:9, 6:] += 2
    found = difference_in_differences(panel, start)
    change = panel[:, 6:].mean(axis=1) - panel[:, :6].mean(axis=1)
    theirs = stats.ttest_ind(change[:9], change[9:], equal_var=False)
    assert found.p == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.placebo_p < 0.01
    slopes = np.polyfit(np.arange(6), panel[:, :6].T, 1)[0]
    assert found.pre_trend == pytest.approx(slopes[:9].mean() - slopes[9:].mean())
    assert found.pre_trend_p > 0.05


def test_effect_is_blind_to_levels_and_common_shocks_and_sees_planted_ones() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 0.1, (40, 12))
    start = np.where(np.arange(40) < 8, 4, np.where(np.arange(40) < 16, 8, -1))
    planted = noise + rng.normal(0, 9, (40, 1)) + rng.normal(0, 9, 12)
    for unit, g in enumerate(start):
        if g >= 0:
            planted[unit, g:] += 1.5
    found = difference_in_differences(planted, start, EffectParams(draws=99))
    assert found.effect == pytest.approx(1.5, abs=0.1)
    assert found.low < 1.5 < found.high
    assert [(g, n) for g, n, _ in found.cohorts] == [(4, 8), (8, 8)]
    assert found.placebo_p == pytest.approx(0.01)


def test_intervals_of_effects_cover_what_they_should() -> None:
    rng = np.random.default_rng(8)
    hit = 0
    start = np.array([4] * 6 + [8] * 6 + [-1] * 12)
    for _ in range(300):
        walk = rng.normal(0, 1, (24, 12)).cumsum(axis=1)
        found = difference_in_differences(walk, start, EffectParams(confidence=0.9, draws=0))
        hit += found.low < 0 < found.high
    assert 0.85 < hit / 300 < 0.95


def test_placebo_counts_all_assignments() -> None:
    panel = np.column_stack([np.zeros(6), [5.0, 1, 2, 0, 1, 2]])
    found = difference_in_differences(panel, [1, -1, -1, -1, -1, -1], EffectParams(draws=4000))
    as_large = [abs(p[0] - np.mean(p[1:])) >= 3.8 - 1e-9 for p in permutations(panel[:, 1])]
    assert found.placebo_p == pytest.approx(np.mean(as_large), abs=0.03)


def test_effects_without_treated_untreated_or_values() -> None:
    for start in ([-1, -1], [1, 1]):
        assert np.isnan(difference_in_differences([[1, 2], [3, 4]], start).effect)
    gap = difference_in_differences([[1, 3, NAN], [NAN, 1, 1], [1, NAN, 1]], [1, 1, -1])
    assert gap.effect == 2
    assert gap.treated == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: graded(*asked("P2", [5])), "score"),
        (lambda: grade_process_audit(pl.DataFrame({"question": ["1"]})), "findings"),
        (lambda: graded((None, "P2", None, None, False, 4)), "question, element"),  # type: ignore[arg-type]
        (lambda: AuditParams(grade_b=95), "grade_a, grade_b"),
        (lambda: AuditParams(part_for_b=90), "part_for_a, part_for_b"),
        (lambda: AuditParams(scores=(0, 4)), "scores"),
        (lambda: AuditParams(least_answered=2), "least_answered"),
        (lambda: level_of_checklist(checklist(1, ["F9"]), MMOG, LEVELS), "points"),
        (lambda: level_of_checklist(checklist(0, []), MMOG, LEVELS), "criteria"),
        (lambda: level_of_checklist(checklist(1, []), MMOG, LEVELS[:1]), "levels"),
        (lambda: detection_probability(5, 6, 1), "population, bad, sample"),
        (lambda: detection_sample(5, 1, 1.0), "confidence"),
        (lambda: error_bound(2, 1), "found"),
        (lambda: error_bound(0, 9, 5), "sample"),
        (lambda: PlanParams(good=0.2, bad=0.1), "good, bad"),
        (lambda: PlanParams(good=0.1, bad=0.2, consumer_risk=0), "consumer_risk"),
        (lambda: acceptance_probability(5, 1, 2), "sample, accept"),
        (lambda: misstatement(1, 0), "sample"),
        (lambda: misstatement(-1, 1), "book_value"),
        (lambda: misstatement(1, 3, [2]), "taints"),
        (lambda: allocate_samples([5, 5], [1, 1], 1), "total"),
        (lambda: allocate_samples([5], [1, 1], 1), "sizes, spreads"),
        (lambda: SwitchingParams(misses=0), "misses"),
        (lambda: SwitchingParams(misses=6), "misses"),
        (lambda: switch_inspection([True, True], [1], [True, True, True]), "acceptance_number, tighter_accepted"),
        (lambda: switch_inspection([True], -1, True), "acceptance_number"),
        (lambda: attainment(3, 2, 0.5), "hits"),
        (lambda: attainment(1, 2, 95), "target"),
        (lambda: attainment(1, 2, 0.5, 1), "confidence"),
        (lambda: difference_in_differences([[1, 2]], [2]), "start"),
        (lambda: difference_in_differences([[1, 2]], [1, 1]), "start"),
        (lambda: EffectParams(confidence=0), "confidence"),
        (lambda: EffectParams(draws=-1), "draws"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=rf"^{message}: "):
        wrong()
