"""AHP, TOPSIS, ELECTRE TRI, value functions, concordance and frontiers against published numbers and oracles."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from tierwise.engine.assessment import (
    Criteria,
    DrawParams,
    FrontierParams,
    StabilityParams,
    TierParams,
    TopsisParams,
    class_agreement,
    comparison_matrix,
    concordance,
    efficiency,
    efficiency_interval,
    grouping_agreement,
    merge_judgements,
    multi_value,
    portfolio_position,
    position_stability,
    priorities,
    rho_from_midvalue,
    single_value,
    sort_into_tiers,
    topsis,
)

NAN = float("nan")
DRINKS = ["coffee", "wine", "tea", "beer", "soda", "milk", "water"]
JUDGED = [
    9,
    5,
    2,
    1,
    1,
    1 / 2,
    1 / 3,
    1 / 9,
    1 / 9,
    1 / 9,
    1 / 9,
    1 / 3,
    1 / 4,
    1 / 3,
    1 / 9,
    1 / 2,
    1,
    1 / 3,
    2,
    1 / 2,
]
JUDGED += [1 / 3]
STAFF, SALES = np.array([[2, 3, 3, 4, 5, 5, 6, 8]]).T, np.array([[1, 3, 2, 3, 4, 2, 3, 5]]).T


def drinks() -> np.ndarray:
    return comparison_matrix(DRINKS, dict(zip(combinations(DRINKS, 2), JUDGED, strict=True)))


def test_tc_06_ahp_drinks() -> None:
    found = priorities(drinks())
    published = {
        "water": 0.327,
        "soda": 0.190,
        "coffee": 0.177,
        "milk": 0.129,
        "beer": 0.116,
        "tea": 0.042,
        "wine": 0.019,
    }
    assert {name: round(float(w), 3) for name, w in zip(DRINKS, found.weights[0], strict=True)} == published
    assert round(float(found.consistency_ratio[0]), 3) == 0.022
    assert found.judged.tolist() == [1.0]


@settings(max_examples=40)
@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=8), st.data())
def test_consistent_judgements_give_back_their_weights(weights: list[float], data: st.DataObject) -> None:
    w = np.array(weights)
    matrix = w[:, None] / w[None]
    whole = priorities(matrix)
    assert whole.weights[0] == pytest.approx(w / w.sum())
    assert whole.consistency_ratio[0] == pytest.approx(0, abs=1e-9)
    order = data.draw(st.permutations(range(len(w))))
    assert priorities(matrix[np.ix_(order, order)]).weights[0] == pytest.approx((w / w.sum())[order])
    # A chain of judgements suffices, wherever the rest is missing.
    sparse = np.full(matrix.shape, NAN)
    for i in range(len(w)):
        for j in (i - 1, i, i + 1):
            if 0 <= j < len(w):
                sparse[i, j] = matrix[i, j]
    assert priorities(sparse).weights[0] == pytest.approx(w / w.sum())


def test_the_judgement_to_talk_about_is_named() -> None:
    w = np.array([4.0, 2.0, 1.0, 1.0])
    matrix = w[:, None] / w[None]
    matrix[1, 3], matrix[3, 1] = 1 / 8, 8.0
    found = priorities(np.stack([matrix, w[:, None] / w[None]]))
    assert found.worst[0].tolist() == [1, 3]
    assert found.consistency_ratio[0] > 0.1
    assert 1 / 8 < found.implied[0] < 2
    assert priorities(np.empty((0, 3, 3))).weights.shape == (0, 3)
    assert priorities([[1.0]]).weights.tolist() == [[1.0]]
    assert priorities([[1.0]]).worst.tolist() == [[-1, -1]]


def test_merging_keeps_reciprocity_and_leaves_silent_members_out() -> None:
    one, two = np.array([[1, 3], [1 / 3, 1]]), np.array([[1, NAN], [NAN, 1]])
    assert merge_judgements([one, two]) == pytest.approx(one)
    assert np.isnan(merge_judgements([two])[0, 1])
    merged = merge_judgements([drinks(), drinks().T], voice=[3, 1])
    assert merged * merged.T == pytest.approx(np.ones((7, 7)))
    assert merged == pytest.approx(drinks() ** 0.5)


TABLE = [[7, 9, 9, 8], [8, 7, 8, 7], [9, 6, 8, 9], [6, 7, 8, 6]]
UP = [True, True, True, False]


def test_topsis_of_the_published_example_and_what_it_lost() -> None:
    found = topsis(TABLE, [0.1, 0.4, 0.3, 0.2], UP)
    assert found.closeness == pytest.approx([0.74269409, 0.40359933, 0.17586999, 0.44142927], abs=5e-9)
    assert found.rank.tolist() == [1, 3, 4, 2]
    assert found.lost.sum(axis=1) == pytest.approx(np.ones(4))
    assert found.lost[3].argmax() == 1


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.floats(1, 9)] * 3), min_size=2, max_size=8), st.floats(0.1, 50))
def test_topsis_ignores_units_and_order_and_bounds(rows: list[tuple[float, ...]], unit: float) -> None:
    table = np.array(rows)
    found = topsis(table, [1, 2, 3], [True, False, True])
    assert ((found.closeness >= 0) & (found.closeness <= 1)).all()
    assert topsis(table * [unit, 1, 1 / unit], [1, 2, 3], [True, False, True]).closeness == pytest.approx(
        found.closeness
    )
    assert topsis(table[::-1], [1, 2, 3], [True, False, True]).closeness[::-1] == pytest.approx(found.closeness)
    # Dominated in everything, never nearer.
    worse = np.vstack([table, table[0] * [0.9, 1.1, 0.9]])
    again = topsis(worse, [1, 2, 3], [True, False, True])
    assert again.closeness[-1] <= again.closeness[0] + 1e-12


def test_topsis_with_fixed_ideals_keeps_the_order_when_others_come() -> None:
    params = TopsisParams("range", best=(10, 10, 10, 0), worst=(0, 0, 0, 10))
    few, more = (topsis(TABLE[:n], [1, 1, 1, 1], UP, params).closeness for n in (2, 4))
    assert more[:2] == pytest.approx(few)
    gap = topsis([[1.0, NAN], [2.0, 3.0], [2.0, 3.0]], [1, 1], True)
    assert gap.rank.tolist() == [0, 1, 1]
    assert gap.closeness[1:].tolist() == [0.5, 0.5]
    assert topsis(np.empty((0, 2)), [1, 1], True).rank.tolist() == []


def test_topsis_against_pymcdm() -> None:
    peer = pytest.importorskip("pymcdm", reason="pymcdm is no dependency; the oracle runs where it is installed")
    from pymcdm.methods import TOPSIS
    from pymcdm.normalizations import vector_normalization

    assert peer
    rng = np.random.default_rng(1)
    table, weights = rng.uniform(1, 9, (12, 4)), np.array([0.1, 0.2, 0.3, 0.4])
    # Its vector normalisation turns cost criteria by 1 - x, which leaves the distances as they are.
    theirs = TOPSIS(vector_normalization)(table, weights, np.array([1, 1, 1, -1]))
    assert topsis(table, weights, UP).closeness == pytest.approx(theirs)


GUIDE = [[75, 67, 85, 82, 90], [28, 35, 70, 90, 95], [45, 60, 55, 68, 60]]


def tiers(profiles: tuple[tuple[float, ...], ...], **kw: object) -> TierParams:
    n = len(profiles[0])
    asked = {"weights": (1.0,) * n, "indifference": (5.0,) * n, "preference": (10.0,) * n, "veto": (30.0,) * n, **kw}
    return TierParams(profiles=profiles, **asked)  # type: ignore[arg-type]


def slow_credibility(a: list[float], b: list[float], params: TierParams) -> float:
    """σ(a, b) criterion by criterion, as the guide words it."""
    total = sum(params.weights)
    c = d_all = 0.0
    discordances = []
    for g in range(len(a)):
        short = b[g] - a[g]
        q, p, v = params.indifference[g], params.preference[g], params.veto[g]
        part = 1.0 if short <= q else 0.0 if short >= p else (p - short) / (p - q)
        c += part * params.weights[g] / total
        discordances.append(0.0 if np.isnan(v) or short <= p else 1.0 if short >= v else (short - p) / (v - p))
    d_all = c
    for d in discordances:
        if d > c:
            d_all *= (1 - d) / (1 - c)
    return d_all


def test_electre_tri_of_its_guide() -> None:
    params = tiers(((70, 75, 80, 75, 85),))
    found = sort_into_tiers(GUIDE, params)
    assert found.credibility[:, 0] == pytest.approx([0.88, 0.0, 0.00234], abs=1e-4)
    assert found.tier.tolist() == [1, 0, 0]
    assert found.optimistic.tolist() == [1, 1, 0]
    assert found.vetoed.tolist() == [False, True, False]
    assert found.held_back_by.tolist() == [-1, 0, 0]


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.floats(0, 100), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.floats(0, 30), min_size=3, max_size=3),
)
def test_outranking_against_the_wording_and_its_laws(rows: list[list[float]], step: list[float]) -> None:
    low = (20.0, 30.0, 40.0)
    high = tuple(a + b for a, b in zip(low, step, strict=True))
    params = tiers((low, high), weights=(1.0, 2.0, 3.0), veto=(30.0, NAN, 40.0), cut=0.7)
    found = sort_into_tiers(rows, params)
    for row, sigma in zip(rows, found.credibility, strict=True):
        assert sigma == pytest.approx([slow_credibility(row, list(b), params) for b in (low, high)])
    assert (found.tier <= found.optimistic).all()
    better = sort_into_tiers(np.array(rows) + 5, params)
    assert (better.tier >= found.tier).all()
    # Less is better: the mirrored problem has the mirrored answer.
    mirrored = tiers(
        tuple(tuple(-v for v in b) for b in (low, high)),
        weights=(1.0, 2.0, 3.0),
        veto=(30.0, NAN, 40.0),
        cut=0.7,
        larger_is_better=False,
    )
    assert sort_into_tiers(-np.array(rows), mirrored).tier.tolist() == found.tier.tolist()


def test_tiers_of_what_was_not_measured_and_what_reaches_all() -> None:
    params = tiers(((10, 10), (20, 20)))
    found = sort_into_tiers([[NAN, 50], [50, 50], [20, 20]], params)
    assert found.tier.tolist() == [-1, 2, 2]
    assert found.held_back_by.tolist() == [-1, -1, -1]
    assert np.isnan(found.credibility[0]).all()
    assert sort_into_tiers(np.empty((0, 2)), params).tier.tolist() == []


def test_tc_05_kraljic_value_functions() -> None:
    assert float(single_value(2.15031, 1, 5, 0.653)) == pytest.approx(0.570009, abs=2e-6)
    assert float(single_value(2.15031, 2, 4, 0.75)) == pytest.approx(0.137231, abs=2e-6)
    assert round(float(multi_value([[0.79, 0.19]], [0.65, 0.35])[0]), 2) == 0.58
    assert round(float(multi_value([[0.79, 0.19]], [0.45, 0.55])[0]), 2) == 0.46
    ease, importance = [0.6, 0.6, 0.5, 0.5, NAN], [0.5, 0.4, 0.5, 0.4, 0.5]
    found = portfolio_position(ease, importance)
    assert found.quadrant.tolist() == ["leverage", "non_critical", "strategic", "bottleneck", ""]
    assert found.margin[1] == pytest.approx(0.1)
    assert np.isnan(found.margin[4])


@settings(max_examples=50)
@given(st.floats(-3, 3), st.floats(0, 10), st.floats(0, 10), st.floats(0.05, 0.95))
def test_values_rise_from_0_to_1_and_know_their_middle(rho: float, a: float, b: float, share: float) -> None:
    low, high = min(a, b), max(a, b) + 0.5
    x = np.linspace(low, high, 9)
    v = single_value(x, low, high, rho)
    assert v[0] == 0
    assert v[-1] == pytest.approx(1)
    assert (np.diff(v) > -1e-12).all()
    assert single_value(low + high - x, high, low, rho) == pytest.approx(v)
    middle = low + share * (high - low)
    bend = rho_from_midvalue(middle, low, high)
    assert float(single_value(middle, low, high, bend)) == pytest.approx(0.5, abs=1e-6)


def test_values_at_the_edges() -> None:
    assert single_value([0, 3, 9, NAN], 2, 4).tolist()[:3] == [0, 0.5, 1]
    assert np.isnan(single_value(NAN, 0, 1))
    assert single_value([1, 2, 3], 3, 1).tolist() == [1, 0.5, 0]
    assert float(rho_from_midvalue(3, 2, 4)) == 0
    assert np.isnan(multi_value([[NAN, 0.2]], [1, 1])[0])
    assert multi_value(np.empty((0, 2)), [1, 1]).tolist() == []


def test_stability_is_sure_far_from_the_cuts_and_half_on_them() -> None:
    rng = np.random.default_rng(0)
    ease = Criteria(np.vstack([[0.9] * 3, [0.3, 0.5, 0.7], [0.5001, 0.9, 0.10015], [NAN, 1, 1]]), [1, 1, 1])
    importance = Criteria(np.vstack([[0.9] * 3] * 4), rng.uniform(0.5, 1, 3))
    found = position_stability(ease, importance, StabilityParams(draws=2000))
    assert found[0] == 1
    assert 0.4 < found[2] < 0.6
    assert np.isnan(found[3])
    assert position_stability(ease, importance, StabilityParams(draws=2000)).tolist()[:3] == found.tolist()[:3]


def test_concordance_of_three_units() -> None:
    found = concordance([[1, 2, 3, 4], [1, 3, 2, 4], [2, 1, 3, 4]])
    assert round(found.w, 4) == 0.7778
    assert found.chi2 == pytest.approx(7)
    assert found.p == pytest.approx(stats.chi2.sf(7, 3))
    assert found.spread.argmin() == 3
    assert concordance([[1, 2, 3]] * 4).w == pytest.approx(1)


@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(2, 8), st.data())
def test_concordance_is_friedmans_test(judges: int, items: int, data: st.DataObject) -> None:
    rows = [data.draw(st.lists(st.integers(0, 4), min_size=items, max_size=items)) for _ in range(judges)]
    found = concordance(rows)
    if items > 2 and judges > 2 and all(len(set(row)) > 1 for row in rows):
        theirs = stats.friedmanchisquare(*np.array(rows, dtype=float).T)
        assert found.chi2 == pytest.approx(theirs.statistic)
        assert found.p == pytest.approx(theirs.pvalue)
    if not np.isnan(found.w):
        assert -1e-12 <= found.w <= 1 + 1e-12


def test_concordance_without_enough_to_compare() -> None:
    assert np.isnan(concordance([[1, 2, 3]]).w)
    assert np.isnan(concordance([[1, 1], [2, 2]]).w)
    part = concordance([[1, 2, 3, NAN], [1, 2, NAN, 4], [1, 2, 3, 4]])
    assert part.items == 2
    assert np.isnan(part.spread[2:]).all()


def test_agreement_of_classes_and_groupings() -> None:
    first, second = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    found = class_agreement([first, second])
    assert found.pairwise[0, 1] == pytest.approx(0.4)
    assert found.split.sum() == 15
    assert class_agreement([[1, 2, 3, 3], [1, 2, 3, 1]], ordered=True).pairwise[0, 1] < 0.6
    assert class_agreement([[1, 1], [1, 1]]).pairwise[0, 1] == 1
    assert grouping_agreement([[0, 0, 1, 1], [5, 5, 2, 2]]).pairwise[0, 1] == 1
    assert round(float(grouping_agreement([[0, 0, 1, 2], [0, 0, 1, 1]]).pairwise[0, 1]), 2) == 0.57
    nothing = class_agreement([[1, NAN], [NAN, 1]])
    assert np.isnan(nothing.pairwise[0, 1])
    assert np.isnan(nothing.split).all()


def test_tc_07_frontier_of_eight_stores() -> None:
    ccr = efficiency(STAFF, SALES, FrontierParams("constant"))
    assert ccr.efficiency.round(4).tolist() == [0.5, 1, 0.6667, 0.75, 0.8, 0.4, 0.5, 0.625]
    bcc = efficiency(STAFF, SALES)
    assert bcc.efficiency.round(4).tolist() == [1, 1, 0.8333, 0.75, 1, 0.5, 0.5, 1]
    assert ccr.peers[:, 1] == pytest.approx(SALES[:, 0] / 3)
    assert ccr.input_target[:, 0] == pytest.approx(SALES[:, 0])
    assert ccr.efficient.tolist() == [False, True] + [False] * 6
    grow = efficiency(STAFF, SALES, FrontierParams("constant", "output"))
    assert grow.efficiency == pytest.approx(ccr.efficiency)
    assert grow.output_target[:, 0] == pytest.approx(STAFF[:, 0])


@pytest.mark.parametrize("returns", ["constant", "variable", "non_increasing"])
@pytest.mark.parametrize("orientation", ["input", "output"])
def test_frontier_against_scipy_and_its_laws(returns: str, orientation: str) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.uniform(1, 9, (14, 2)), rng.uniform(0, 9, (14, 2))
    y[3, 0] = 0
    params = FrontierParams(returns, orientation)  # type: ignore[arg-type]
    found = efficiency(x, y, params)
    for unit in range(14):
        if orientation == "input":
            cost = np.r_[1.0, np.zeros(14)]
            above = np.block([[-x[unit][:, None], x.T], [np.zeros((2, 1)), -y.T]])
            bound = np.r_[0, 0, -y[unit]]
        else:
            cost = np.r_[-1.0, np.zeros(14)]
            above = np.block([[np.zeros((2, 1)), x.T], [y[unit][:, None], -y.T]])
            bound = np.r_[x[unit], 0, 0]
        one = np.r_[0.0, np.ones(14)][None]
        extra = {"A_eq": one, "b_eq": [1]} if returns == "variable" else {}
        if returns == "non_increasing":
            above, bound = np.vstack([above, one]), np.r_[bound, 1]
        best = abs(optimize.linprog(cost, above, bound, **extra).fun)
        assert found.efficiency[unit] == pytest.approx(best if orientation == "input" else 1 / best, abs=1e-6)
    assert (found.output_target >= y - 1e-6).all()
    assert (found.input_target <= x + 1e-6).all()
    rescaled = efficiency(x * [1000, 0.01], y, params)
    assert rescaled.efficiency == pytest.approx(found.efficiency, abs=1e-6)
    assert rescaled.input_slack == pytest.approx(found.input_slack * [1000, 0.01], abs=1e-4)


def test_slack_shows_where_the_radial_score_flatters() -> None:
    found = efficiency([[2, 2], [2, 5]], [[1], [1]])
    assert found.efficiency.tolist() == [1, 1]
    assert found.efficient.tolist() == [True, False]
    assert found.input_slack[1] == pytest.approx([0, 3])
    missing = efficiency([[2], [NAN], [4]], [[1], [1], [1]])
    assert np.isnan(missing.efficiency[1])
    assert missing.efficiency[2] == pytest.approx(0.5)
    assert efficiency(np.empty((0, 1)), np.empty((0, 1))).efficiency.tolist() == []


def test_intervals_of_efficiency_correct_its_kindness() -> None:
    found = efficiency_interval(STAFF, SALES, DrawParams("constant", draws=40))
    assert (found.low < found.corrected).all()
    assert (found.corrected < found.efficiency).all()
    again = efficiency_interval(STAFF, SALES, DrawParams("constant", draws=40))
    assert again.low.tolist() == found.low.tolist()
    assert np.isnan(efficiency_interval(STAFF[:2], SALES[:2]).low).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: comparison_matrix(["a", "b"], {("a", "c"): 2}), "judgements"),
        (lambda: comparison_matrix(["a", "b"], {("a", "b"): 0}), "judgements"),
        (lambda: comparison_matrix(["a", "b"], {("a", "b"): 2, ("b", "a"): 2}), "judgements"),
        (lambda: priorities([[1, 2], [2, 1]]), "matrices"),
        (lambda: priorities([[1, -2], [-0.5, 1]]), "matrices"),
        (lambda: priorities([[1, NAN], [2, 1]]), "matrices"),
        (lambda: priorities([[1, NAN], [NAN, 1]]), "matrices"),
        (lambda: priorities(np.ones((16, 16))), "matrices"),
        (lambda: priorities([1, 2]), "matrices"),
        (lambda: merge_judgements(np.ones((2, 3, 3)), [0, 0]), "voice"),
        (lambda: topsis([[1, 2]], [1], True), "weights"),
        (lambda: topsis([[1, 2]], [1, -1], True), "weights"),
        (lambda: topsis([[1, 2]], [1, 1], [True]), "larger_is_better"),
        (lambda: topsis([1, 2], [1, 1], True), "values"),
        (lambda: topsis([[np.inf, 2]], [1, 1], True), "values"),
        (lambda: topsis([[1, 2]], [1, 1], True, TopsisParams(best=(1, 1), worst=(1, 0))), "best, worst"),
        (lambda: TopsisParams(best=(1,)), "best, worst"),
        (lambda: TopsisParams("z"), "scale"),  # type: ignore[arg-type]
        (lambda: tiers(((1, 1), (0, 2))), "profiles"),
        (lambda: tiers(((NAN, 1),)), "profiles"),
        (lambda: tiers(((1, 1),), cut=0.4), "cut"),
        (lambda: tiers(((1, 1),), veto=(1.0, 2.0)), "indifference, preference, veto"),
        (lambda: tiers(((1, 1),), veto=(30.0,)), "veto"),
        (lambda: sort_into_tiers([[1]], tiers(((1, 1),))), "values"),
        (lambda: single_value(1, 2, 2), "low, high"),
        (lambda: rho_from_midvalue(5, 1, 5), "middle"),
        (lambda: multi_value([[2.0]], [1]), "values"),
        (lambda: StabilityParams(spread=0), "spread"),
        (lambda: StabilityParams(draws=0), "draws"),
        (lambda: position_stability(Criteria([[1]], [1]), Criteria([[1], [1]], [1])), "ease, importance"),
        (lambda: class_agreement([[0.5]]), "classes"),
        (lambda: efficiency([[1]], [[1], [2]]), "inputs, outputs"),
        (lambda: efficiency([[-1]], [[1]]), "inputs"),
        (lambda: efficiency([[1]], [[0]]), "outputs"),
        (lambda: FrontierParams("rising"), "returns"),  # type: ignore[arg-type]
        (lambda: FrontierParams(orientation="both"), "orientation"),  # type: ignore[arg-type]
        (lambda: DrawParams(draws=1), "draws"),
        (lambda: DrawParams(confidence=1), "confidence"),
    ],
)
def test_errors_name_the_field(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=rf"^{message}: "):
        wrong()
