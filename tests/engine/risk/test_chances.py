"""Tails, ripples, recovery, options: published digits, plain oracles, laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.risk import (
    OptionTerms,
    RecoveryPlan,
    RippleNetwork,
    causes_given_effect,
    dual_source_option,
    noisy_or,
    ripple,
    tail_risk,
    tail_shares,
    time_to_recover,
)

SEEDS = st.integers(0, 10**6)
LOSSES, CHANCES = [0, 10, 20, 50, 200], [0.6, 0.2, 0.1, 0.06, 0.04]


def test_tc_29_value_at_risk_50_and_conditional_170() -> None:
    found = tail_risk(LOSSES, CHANCES)
    assert float(found.value_at_risk) == 50
    assert float(found.conditional) == pytest.approx(170)


def test_tc_30_noisy_or_and_its_cause() -> None:
    assert float(noisy_or([0.05, 0.1], [0.8, 0.5], 0.01)) == pytest.approx(0.09712, abs=5e-6)
    assert causes_given_effect([0.05, 0.1], [0.8, 0.5], 0.01)[0] == pytest.approx(0.41799, abs=5e-6)
    found = ripple(RippleNetwork([0.05, 0.1, 0.01], [0, 1], [2, 2], [0.8, 0.5]), {2: True})
    assert found.exact
    assert found.probability[0] == pytest.approx(0.41799, abs=5e-6)
    assert found.evidence == pytest.approx(0.09712, abs=5e-6)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.floats(0.05, 0.95))
def test_conditional_value_is_the_least_of_the_threshold_function(seed: int, level: float) -> None:
    draw = np.random.default_rng(seed)
    loss, chance = draw.integers(0, 20, 8).astype(float), draw.dirichlet(np.ones(8))
    found = tail_risk(loss, chance, level)
    thresholds = [c + (np.maximum(loss - c, 0) @ chance) / (1 - level) for c in loss]
    assert float(found.conditional) == pytest.approx(min(thresholds))
    assert found.expected - 1e-9 <= found.conditional <= loss.max() + 1e-9
    assert found.value_at_risk <= found.conditional + 1e-9
    assert float(tail_risk(loss + 7, chance, level).conditional) == pytest.approx(found.conditional + 7)
    assert float(tail_risk(loss * 3, chance, level).conditional) == pytest.approx(found.conditional * 3)
    other = draw.integers(0, 20, 8)
    both = tail_risk(loss + other, chance, level).conditional
    assert both <= found.conditional + tail_risk(other, chance, level).conditional + 1e-9, "pooling never adds risk"
    shares = tail_shares(np.column_stack([loss, other]), chance, level)
    assert shares.sum() == pytest.approx(both)


def test_tails_of_many_rows_draws_nothing_and_nan() -> None:
    losses = np.random.default_rng(3).exponential(1.0, (3, 200_000))
    found = tail_risk(losses)
    assert np.abs(found.conditional - (1 + np.log(20))).max() < 5 * found.error.max(), "exponential: VaR + 1"
    assert np.isnan(tail_risk([]).conditional)
    assert np.isnan(tail_risk([[1, np.nan], [1, 2]]).conditional).tolist() == [True, False]


def by_every_state(network: RippleNetwork, evidence: dict[int, bool]) -> np.ndarray:
    total, mass = np.zeros(len(network.own)), 0.0
    for state in itertools.product([False, True], repeat=len(network.own)):
        if any(state[k] != v for k, v in evidence.items()):
            continue
        chance = 1.0
        for node, failed in enumerate(state):
            spared = 1 - network.own[node]
            for s, t, w in zip(network.source, network.target, network.weight, strict=True):
                if t == node and state[s]:
                    spared *= 1 - w
            chance *= (1 - spared) if failed else spared
        total, mass = total + chance * np.array(state), mass + chance
    return total / mass


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_ripples_count_common_causes_once(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = [(s, t) for t in range(6) for s in range(t) if draw.random() < 0.5]
    source, target = (np.array([p[k] for p in pairs], int) for k in range(2))
    network = RippleNetwork(draw.uniform(0.01, 0.3, 6), source, target, draw.uniform(0.1, 1, len(pairs)))
    seen = {5: True, 3: False}
    assert ripple(network, seen).probability == pytest.approx(by_every_state(network, seen))


def test_a_large_network_is_drawn_and_says_how_sure_it_is() -> None:
    chain = RippleNetwork(np.r_[0.3, np.zeros(19)], np.arange(19), np.arange(1, 20), 0.9)
    found = ripple(chain, draws=40_000, seed=1)
    assert not found.exact
    expected = 0.3 * 0.9 ** np.arange(20)
    assert (np.abs(found.probability - expected) < 5 * found.error + 1e-9).all()
    back = ripple(chain, {19: True}, draws=40_000, seed=2)
    assert back.probability[0] == pytest.approx(1)
    assert back.evidence == pytest.approx(expected[-1], abs=0.005)


def test_certain_passes_and_impossible_evidence() -> None:
    assert causes_given_effect([0.2, 0.3], [1.0, 1.0]).tolist() == pytest.approx([0.2 / 0.44, 0.3 / 0.44])
    assert noisy_or([], []) == 0
    with pytest.raises(ValueError, match="cannot happen"):
        ripple(RippleNetwork([0.0, 0.0], [0], [1], 0.5), {1: True})
    with pytest.raises(ValueError, match="circle"):
        ripple(RippleNetwork([0.1, 0.1], [0, 1], [1, 0], 0.5))


def test_pert_step_two_four_twelve() -> None:
    found = time_to_recover(RecoveryPlan(2, 4, 12), draws=50_000)
    assert found.expected.tolist() == [5]
    assert found.variance[0] == pytest.approx(2.78, abs=0.005)
    assert found.mean == pytest.approx(5, abs=0.05)
    assert found.critical.tolist() == [1]


def test_ways_run_side_by_side_and_steps_in_order() -> None:
    fixed = [2, 3, 4, 6]
    plan = RecoveryPlan(fixed, fixed, fixed, before=[0, 0], after=[1, 2], way=[0, 0, 0, 1])
    found = time_to_recover(plan, draws=10)
    assert found.mean == 6
    assert found.first.tolist() == [1, 0], "a tie goes to the first way"
    assert found.critical.tolist() == [1, 0, 1, 0]
    slow = RecoveryPlan([2, 3, 4, 5], [2, 3, 4, 5], [2, 3, 4, 5], [0, 0], [1, 2], [0, 0, 0, 1])
    assert time_to_recover(slow, draws=10).first.tolist() == [0, 1]


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_a_second_way_never_delays_and_a_step_more_never_speeds(seed: int) -> None:
    draw = np.random.default_rng(seed)
    low = draw.uniform(0, 3, 3)
    one = RecoveryPlan(low, low + 1, low + 4, [0, 1], [1, 2])
    two = RecoveryPlan(np.r_[low, 4], np.r_[low + 1, 5], np.r_[low + 4, 8], [0, 1], [1, 2], [0, 0, 0, 1])
    assert time_to_recover(two, draws=500).mean <= time_to_recover(one, draws=500).mean + 0.3
    assert time_to_recover(one, draws=500).mean >= (low + 1).sum() / 3


def test_an_option_is_worth_what_is_avoided_only_where_it_pays() -> None:
    terms = OptionTerms(activation_cost=50, retention=5, setup=10, readiness=0.5, years=2, discount_rate=0.1)
    found = dual_source_option([0, 40, 100, 300], [0, 0, 20, 100], terms, [0.4, 0.3, 0.2, 0.1])
    assert found.use.tolist() == [False, False, True, True]
    assert found.payoff == pytest.approx(0.5 * (0.2 * 30 + 0.1 * 150))
    assert found.exercised == pytest.approx(0.3)
    annuity = 1 / 1.1 + 1 / 1.21
    assert found.present_value == pytest.approx((10.5 - 5) * annuity - 10)
    even = OptionTerms(50, found.highest_retention, 10, 0.5, 2, 0.1)
    again = dual_source_option([0, 40, 100, 300], [0, 0, 20, 100], even, [0.4, 0.3, 0.2, 0.1])
    assert again.present_value == pytest.approx(0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.floats(0, 1e5), st.floats(0, 1))
def test_an_option_is_never_worth_less_than_nothing_before_its_fees(
    losses: list[float], cost: float, left: float
) -> None:
    found = dual_source_option(losses, np.array(losses) * left, OptionTerms(cost))
    must = np.mean(np.array(losses) * (1 - left) - cost)
    assert found.payoff >= max(0.0, must) - 1e-6 * (1 + abs(must)), "a right is worth at least the duty"


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: tail_risk([1], level=1), "level"),
        (lambda: tail_risk([1, 2], [0.5, 0.6]), "probabilities"),
        (lambda: noisy_or(1.2, 0.5), "probability"),
        (lambda: RippleNetwork([0.1], [0], [1], 0.5), "source"),
        (lambda: RippleNetwork([np.nan], [], [], []), "own"),
        (lambda: ripple(RippleNetwork([0.1], [], [], []), {3: True}), "evidence"),
        (lambda: RecoveryPlan(3, 2, 4), "shortest"),
        (lambda: RecoveryPlan([1, 1], [1, 1], [1, 1], [0], [1], [0, 1]), "two ways"),
        (lambda: time_to_recover(RecoveryPlan(1, 1, 1), draws=0), "draws"),
        (lambda: OptionTerms(readiness=2), "readiness"),
        (lambda: OptionTerms(setup=-1), "setup"),
        (lambda: OptionTerms(years=0), "years"),
        (lambda: dual_source_option([np.nan], 0, OptionTerms()), "loss_without"),
    ],
)
def test_wrong_inputs_are_named(call: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        call()  # type: ignore[operator]
