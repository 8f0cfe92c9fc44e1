"""The rules by published numbers, by bisection, and by the properties that tell them apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tierwise.engine.division import (
    RULES,
    constrained_equal_awards,
    constrained_equal_losses,
    linear,
    proportional,
    talmud,
    uniform,
)

claims = st.lists(st.floats(0, 1000).map(lambda each: round(each, 3)), min_size=1, max_size=7)
parts = st.floats(0, 1.2)
rules = pytest.mark.parametrize("rule", RULES)
near = {"rel": 1e-7, "abs": 1e-6}


def test_tc20_talmud() -> None:
    """TC-20: claims of 100, 200, 300 on 100, 200 and 300."""
    found = talmud([100, 200, 300], [100, 200, 300])
    assert found.round(4).tolist() == [[33.3333, 33.3333, 33.3333], [50, 75, 75], [50, 100, 150]]


def test_tc20_capacity() -> None:
    """TC-20: capacity 100, orders 50, 40, 30, 20."""
    orders = [50, 40, 30, 20]
    assert proportional(orders, 100).round(4).tolist() == [35.7143, 28.5714, 21.4286, 14.2857]
    assert uniform(orders, 100).round(4).tolist() == [26.6667, 26.6667, 26.6667, 20]
    assert linear(orders, 100).round(4).tolist() == [40, 30, 20, 10]


def test_contested_garment() -> None:
    """Mishnah Baba Mezia 2a: one claims all, one half: three quarters and one quarter."""
    assert talmud([1, 0.5], 1).tolist() == [0.75, 0.25]


def level(asked: np.ndarray, amount: float, weights: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """min(c, λ·w) with sum ``amount``, by bisection on λ."""
    low, high = 0.0, float((asked / weights).max(initial=0.0))
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(asked, middle * weights).sum() < amount else (low, middle)
    return np.minimum(asked, high * weights)


@settings(max_examples=25)
@given(claims, parts, st.data())
def test_rules_by_bisection(given_: list[float], part: float, data: st.DataObject) -> None:
    asked = np.array(given_)
    total = asked.sum()
    estate, one = min(part, 1.0) * total, np.ones(len(given_))
    weights = np.array(data.draw(st.lists(st.floats(0.1, 10), min_size=len(given_), max_size=len(given_))))
    assert constrained_equal_awards(asked, estate, weights).tolist() == pytest.approx(
        level(asked, estate, weights).tolist(), **near
    )
    losses = level(asked, total - estate, one)
    assert constrained_equal_losses(asked, estate).tolist() == pytest.approx((asked - losses).tolist(), **near)
    half = asked / 2
    expected = level(half, estate, one) if estate <= total / 2 else asked - level(half, total - estate, one)
    assert talmud(asked, estate).tolist() == pytest.approx(expected.tolist(), **near)


@rules
@settings(max_examples=30)
@given(given_=claims, part=parts)
def test_bounds_balance_and_equal_treatment(rule: str, given_: list[float], part: float) -> None:
    asked = np.array(given_)
    estate = part * asked.sum()
    found = RULES[rule](asked, estate)
    assert (found >= 0).all()
    assert (found <= asked + 1e-9).all()
    assert found.sum() == pytest.approx(min(estate, asked.sum()), **near)
    order = np.argsort(asked)  # order preservation of awards and losses; equals are treated equally
    assert (np.diff(found[order]) >= -1e-6).all()
    assert (np.diff((asked - found)[order]) >= -1e-6).all()
    mixed = np.random.default_rng(0).permutation(len(asked))  # anonymity
    assert RULES[rule](asked[mixed], estate).tolist() == pytest.approx(found[mixed].tolist(), **near)


@rules
@settings(max_examples=30)
@given(given_=claims, part=parts, more=st.floats(0, 1), scale=st.floats(0.01, 100))
def test_more_is_never_worse_and_units_do_not_matter(
    rule: str, given_: list[float], part: float, more: float, scale: float
) -> None:
    asked = np.array(given_)
    estate = part * asked.sum()
    found = RULES[rule](asked, estate)
    assert (RULES[rule](asked, estate * (1 + more)) >= found - 1e-6).all()  # resource monotonicity
    assert RULES[rule](asked * scale, estate * scale).tolist() == pytest.approx(
        (found * scale).tolist(), rel=1e-6, abs=1e-5
    )
    raised = asked.copy()
    raised[0] *= 1 + more
    assert RULES[rule](raised, estate)[0] >= found[0] - 1e-6  # claims monotonicity


@rules
@settings(max_examples=30)
@given(given_=claims.filter(lambda each: len(each) > 1), part=st.floats(0, 1))
def test_consistency(rule: str, given_: list[float], part: float) -> None:
    """When one leaves with its award, the rule gives the others what it gave them before."""
    asked = np.array(given_)
    found = RULES[rule](asked, part * asked.sum())
    rest = RULES[rule](asked[1:], found[1:].sum())
    assert rest.tolist() == pytest.approx(found[1:].tolist(), rel=1e-6, abs=1e-5)


@settings(max_examples=25)
@given(claims, st.floats(0, 1))
def test_duality(given_: list[float], part: float) -> None:
    """Equal awards and equal losses are duals; proportional and Talmud are their own."""
    asked = np.array(given_)
    estate = part * asked.sum()
    left = asked.sum() - estate
    pairs = (
        ("constrained_equal_awards", "constrained_equal_losses"),
        ("talmud", "talmud"),
        ("proportional", "proportional"),
    )
    for rule, dual in pairs:
        assert RULES[rule](asked, estate).tolist() == pytest.approx((asked - RULES[dual](asked, left)).tolist(), **near)


@settings(max_examples=25)
@given(claims, st.floats(0, 1))
def test_what_sets_the_rules_apart(given_: list[float], part: float) -> None:
    asked = np.array(given_)
    estate = part * asked.sum()
    awards, losses = constrained_equal_awards(asked, estate), constrained_equal_losses(asked, estate)
    capped = np.minimum(asked, estate)
    assert constrained_equal_awards(capped, estate).tolist() == pytest.approx(
        awards.tolist(), **near
    )  # claims truncation
    assert talmud(capped, estate).tolist() == pytest.approx(talmud(asked, estate).tolist(), **near)
    for other in (proportional(asked, estate), losses, talmud(asked, estate)):
        assert awards.min() >= other.min() - 1e-6  # no rule leaves the worst award higher
        assert (asked - losses).max() <= (asked - other).max() + 1e-6  # nor the worst loss lower
    minimal = np.maximum(estate - (asked.sum() - asked), 0)  # what the others concede
    assert (talmud(asked, estate) >= minimal - 1e-6).all()
    half = np.minimum(asked, estate) / len(asked)  # securement of Moreno-Ternero and Villar 2004
    assert (talmud(asked, estate) >= half / 2 - 1e-6).all()


@settings(max_examples=25)
@given(claims.filter(lambda each: len(each) > 1), st.floats(0, 1), st.floats(0, 5))
def test_uniform_is_strategy_proof(needs: list[float], part: float, factor: float) -> None:
    """Sprumont 1991: whatever is claimed, nobody gets nearer to its need than by claiming it."""
    need = np.array(needs)
    estate = part * need.sum()
    honest = uniform(need, estate)[0]
    told = need.copy()
    told[0] *= factor
    assume(told.sum() >= estate)
    assert abs(uniform(told, estate)[0] - need[0]) >= abs(honest - need[0]) - 1e-6


@settings(max_examples=25)
@given(claims, st.floats(0, 1), st.floats(0, 1))
def test_proportional_gains_nothing_by_merging(given_: list[float], part: float, cut: float) -> None:
    """Only proportional division is proof against parties that merge or split (O'Neill 1982)."""
    asked = np.array(given_)
    estate = part * asked.sum()
    split = np.concatenate([[asked[0] * cut, asked[0] * (1 - cut)], asked[1:]])
    assert proportional(split, estate)[:2].sum() == pytest.approx(proportional(asked, estate)[0], **near)


def test_others_do_gain_by_splitting_or_merging() -> None:
    assert uniform([5, 5, 10], 10)[:2].sum() > uniform([10, 10], 10)[0]
    assert linear([5, 5, 10], 10)[:2].sum() < linear([10, 10], 10)[0]


@rules
def test_batches_absent_parties_and_what_is_not_there(rule: str) -> None:
    draw = np.random.default_rng(9)
    asked = draw.uniform(0, 50, (30, 6))
    estate = draw.uniform(0, 200, 30)
    found = RULES[rule](asked, estate)
    for row in range(30):
        assert found[row].tolist() == pytest.approx(RULES[rule](asked[row], estate[row]).tolist(), **near)
    with_gap = RULES[rule]([50, np.nan, 40, 30], 60)
    assert with_gap[[0, 2, 3]].tolist() == pytest.approx(RULES[rule]([50, 40, 30], 60).tolist())
    assert np.isnan(with_gap[1])
    assert np.isnan(RULES[rule]([[1.0, 2.0]], [np.nan])).all()
    assert RULES[rule]([], 5).shape == (0,)
    assert RULES[rule](np.empty((0, 3)), np.empty(0)).shape == (0, 3)
    assert RULES[rule]([0, 0], 5).tolist() == [0, 0]
    assert RULES[rule]([3, 4], 100).tolist() == [3, 4]
    assert RULES[rule]([3, 4], np.array([1.0, 2.0])).shape == (2, 2)
    for wrong, field in (
        (([-1, 2], 1), "claims"),
        (([1, 2], -1), "estate"),
        (([np.inf], 1), "claims"),
        ((5, 1), "claims"),
    ):
        with pytest.raises(ValueError, match=f"{field}:"):
            RULES[rule](*wrong)


def test_weights_are_above_zero() -> None:
    assert constrained_equal_awards([10, 10], 9, [2, 1]).tolist() == [6, 3]
    with pytest.raises(ValueError, match="weights: one is 0"):
        constrained_equal_awards([10, 10], 9, [0, 1])
