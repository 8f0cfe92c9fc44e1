from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tierwise.engine.division import (
    FairProblem,
    MenuParams,
    agree,
    constrained_equal_awards,
    fair_shares,
    final_offer_award,
    final_offer_equilibrium,
    nash_mixture,
    nash_split,
    pareto_front,
    present_values,
    rank_offers,
    zopa,
)

menus = st.lists(st.tuples(st.integers(-5, 20), st.integers(-5, 20)), min_size=1, max_size=12)


# --- zones and splits


@settings(max_examples=25)
@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 1))
def test_settlements_lie_in_the_zone_and_follow_power(buyer: float, supplier: float, power: float) -> None:
    found = zopa(buyer, supplier, power)
    assert bool(found.exists) == (buyer >= supplier)
    if found.exists:
        assert supplier - 1e-9 <= found.settlement <= buyer + 1e-9
        assert zopa(buyer, supplier, 1).settlement == pytest.approx(supplier)
        assert zopa(buyer, supplier, 0).settlement == pytest.approx(buyer)
    else:
        assert np.isnan(found.settlement)


def test_zones_of_the_unknown() -> None:
    assert not zopa(np.nan, 1).exists
    assert zopa([], []).settlement.shape == (0,)
    with pytest.raises(ValueError, match="buyer_power"):
        zopa(1, 0, 2)


@settings(max_examples=25)
@given(st.floats(0, 1000), st.lists(st.tuples(st.floats(0, 300), st.floats(0.1, 5)), min_size=1, max_size=5))
def test_nash_split_is_the_largest_product(total: float, parties: list[tuple[float, float]]) -> None:
    without, power = (np.array(each) for each in zip(*parties, strict=True))
    found = nash_split(total, without, power)
    if total < without.sum():
        assert np.isnan(found).all()
        return
    assert found.sum() == pytest.approx(total, abs=1e-9)
    gains = found - without
    assert (gains >= -1e-9).all()
    if total > without.sum() + 1e-6:
        best = power @ np.log(gains)
        for _ in range(20):
            other = np.random.default_rng(0).dirichlet(np.ones(len(parties))) * gains.sum()
            assert power @ np.log(np.maximum(other, 1e-300)) <= best + 1e-6


def test_nash_split_over_rows() -> None:
    found = nash_split([100, 30], [[30, 10], [30, 10]])
    assert found[0].tolist() == [60, 40]
    assert np.isnan(found[1]).all()
    with pytest.raises(ValueError, match="walk_away"):
        nash_split(1, [])
    with pytest.raises(ValueError, match="power"):
        nash_split(1, [0, 0], [1, 0])


# --- menus of offers


@settings(max_examples=25)
@given(menus)
def test_agreements_by_looking_at_every_offer(offers: list[tuple[int, int]]) -> None:
    worth, without = np.array(offers, dtype=float), np.array([1.0, 2.0])
    found = agree(worth, without)
    gains = worth - without
    ok = [at for at in range(len(offers)) if (gains[at] >= 0).all()]
    assert np.flatnonzero(found.acceptable).tolist() == ok
    if not ok:
        assert (found.nash, found.kalai_smorodinsky, found.egalitarian) == (-1, -1, -1)
        return
    assert gains[found.nash].prod() == pytest.approx(max(gains[at].prod() for at in ok))
    assert gains[found.egalitarian].min() == pytest.approx(max(gains[at].min() for at in ok))
    best = gains[ok].max(axis=0)
    even = [min(g / b if b > 0 else 0 for g, b in zip(gains[at], best, strict=True)) for at in ok]
    chosen = gains[found.kalai_smorodinsky]
    assert min(g / b if b > 0 else 0 for g, b in zip(chosen, best, strict=True)) == pytest.approx(max(even))
    if gains[found.nash].prod() > 0:
        assert found.pareto[found.nash]


@settings(max_examples=25)
@given(menus, st.floats(0.1, 9), st.floats(-50, 50))
def test_axioms_of_nash(offers: list[tuple[int, int]], scale: float, shift: float) -> None:
    """Units do not matter, offers nobody would take do not matter, and two alike sides are treated alike."""
    worth, without = np.array(offers, dtype=float), np.array([0.0, 0.0])
    found = agree(worth, without)
    if found.nash < 0:
        return
    product = worth[found.nash].prod()
    moved = agree(worth * [scale, 1] + [shift, 0], np.array([shift, 0.0])).nash
    assert worth[moved].prod() == pytest.approx(product)
    fewer = np.vstack([worth[found.nash], worth[: found.nash]])
    assert fewer[agree(fewer, without).nash].prod() == pytest.approx(product)
    assert worth[agree(worth[:, ::-1], without).nash].prod() == pytest.approx(product)


@settings(max_examples=25)
@given(st.integers(2, 3), st.data())
def test_front_by_comparing_all_pairs(parties: int, data: st.DataObject) -> None:
    worth = np.array(data.draw(st.lists(st.lists(st.integers(0, 5), min_size=parties, max_size=parties), max_size=15)))
    worth = worth.reshape(-1, parties)
    expected = [not any((o >= w).all() and (o > w).any() for o in worth) for w in worth]
    assert pareto_front(worth).tolist() == expected


def test_a_menu_that_the_supplier_would_not_survive() -> None:
    offers = pl.DataFrame(
        {
            "offer": ["keep", "buy-out", "defer", "swap", "unknown"],
            "buyer": [-10.0, 40.0, 30.0, 55.0, None],
            "supplier": [90.0, 20.0, 30.0, 30.0, 5.0],
            "supplier_cash": [100.0, 10.0, 4.0, -20.0, 5.0],
        }
    )
    found = rank_offers(offers, MenuParams(least_cash=0))
    assert found["offer"].to_list()[:2] == ["defer", "buy-out"]
    assert found.filter(pl.col("recommended"))["offer"].to_list() == ["defer"]
    assert found.filter(~pl.col("survives"))["offer"].to_list() == ["swap"]
    assert set(found.filter(~pl.col("acceptable"))["offer"]) == {"keep", "swap", "unknown"}
    rescued = rank_offers(offers.drop("supplier_cash"), MenuParams())
    assert rescued["offer"][0] == "swap"
    assert rescued["transfer"][0] == pytest.approx(12.5)
    assert rank_offers(offers.clear(), MenuParams()).height == 0
    with pytest.raises(ValueError, match="column buyer is missing"):
        rank_offers(offers.drop("buyer"), MenuParams())
    with pytest.raises(ValueError, match="buyer_power: 1"):
        MenuParams(buyer_power=1)


def test_present_values() -> None:
    assert present_values([[-100, 60, 60], [0, 0, 121]], 0.1).tolist() == pytest.approx([4.132231, 100])
    assert present_values([100.0], 0.5, times=[2.0]) == pytest.approx(100 / 2.25)
    with pytest.raises(ValueError, match="times"):
        present_values([1.0], 0.1, times=[1, 2])
    with pytest.raises(ValueError, match="rate"):
        present_values([1.0], -1)


# --- arbitration


def test_the_nearer_offer_wins() -> None:
    assert final_offer_award([100, 120], [120, 100], 109).tolist() == [100, 100]
    assert np.isnan(final_offer_award(np.nan, 1, 1))


def test_brams_merrill_offers_lie_two_and_a_half_deviations_apart() -> None:
    """Brams and Merrill 1983: √(2π) = 2.507 standard deviations; no side gains by moving its offer."""
    found = final_offer_equilibrium(100, 4)
    assert found.apart / 4 == pytest.approx(2.5066, abs=1e-4)
    fair = 100 + 4 * np.sqrt(2) * np.array([_inverse_error(2 * (each + 0.5) / 4001 - 1) for each in range(4001)])
    pays = final_offer_award(found.buyer, found.supplier, fair).mean()
    for step in (-2, -0.5, 0.5, 2):
        assert final_offer_award(found.buyer + step, found.supplier, fair).mean() >= pays - 0.01
        assert final_offer_award(found.buyer, found.supplier + step, fair).mean() <= pays + 0.01
    with pytest.raises(ValueError, match="deviation"):
        final_offer_equilibrium(1, -1)


def _inverse_error(value: float) -> float:
    from scipy.special import erfinv

    return float(erfinv(value))


# --- proportional fairness


def test_linear_network_of_kelly() -> None:
    """One party on all of k links, one on each: 1/(k + 1) and k/(k + 1)."""
    for links in (1, 2, 5):
        use = np.hstack([np.ones((links, 1)), np.eye(links)])
        found = fair_shares(FairProblem(use, np.ones(links), np.full(links + 1, np.inf), np.ones(links + 1)))
        assert found.shares[0] == pytest.approx(1 / (links + 1), rel=1e-6)
        assert found.shares[1:].tolist() == pytest.approx([links / (links + 1)] * links, rel=1e-6)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.5, 100), st.floats(0.1, 10)), min_size=1, max_size=6), st.floats(0.05, 1.5))
def test_on_one_resource_it_is_the_weighted_uniform_rule(parties: list[tuple[float, float]], part: float) -> None:
    claims, weights = (np.array(each) for each in zip(*parties, strict=True))
    capacity = part * claims.sum()
    found = fair_shares(FairProblem(np.ones((1, len(parties))), np.array([capacity]), claims, weights))
    expected = constrained_equal_awards(claims, capacity, weights)
    assert found.shares.tolist() == pytest.approx(expected.tolist(), rel=1e-4)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_conditions_of_the_optimum(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n, r = int(draw.integers(1, 9)), int(draw.integers(1, 5))
    use = draw.uniform(0, 3, (r, n)) * (draw.random((r, n)) < 0.7)
    problem = FairProblem(use, draw.uniform(1, 100, r), draw.uniform(1, 60, n), draw.uniform(0.2, 4, n))
    found = fair_shares(problem)
    assert (use @ found.shares <= problem.capacity * (1 + 1e-9)).all()
    assert (found.shares <= problem.claims * (1 + 1e-9)).all()
    value = problem.weights @ np.log(found.shares)
    # No feasible change helps in percent more than it costs: Σ w (y − x)/x ≤ gap for any feasible y.
    for _ in range(30):
        other = draw.uniform(0, 1, n) * problem.claims
        other /= max(1.0, float((use @ other / problem.capacity).max()))
        assert (problem.weights * (other - found.shares) / found.shares).sum() <= 1e-5 * problem.weights.sum()
    paid = found.prices @ use
    free = found.shares < problem.claims * (1 - 1e-4)
    assert (problem.weights / found.shares)[free] == pytest.approx(paid[free], rel=1e-3)
    assert np.isfinite(value)


def test_shares_beside_a_general_solver() -> None:
    draw = np.random.default_rng(8)
    use, claims, weights = draw.uniform(0.2, 2, (3, 5)), np.full(5, 12.0), draw.uniform(0.5, 3, 5)
    capacity = np.array([20.0, 25.0, 30.0])
    found = fair_shares(FairProblem(use, capacity, claims, weights))
    other = minimize(
        lambda x: -(weights @ np.log(x)), np.full(5, 0.5), jac=lambda x: -weights / x, bounds=[(1e-6, 12)] * 5,
        constraints={"type": "ineq", "fun": lambda x: capacity - use @ x, "jac": lambda _: -use},
        method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assert found.shares.tolist() == pytest.approx(other.x.tolist(), rel=1e-4)
    assert weights @ np.log(found.shares) >= -other.fun - 1e-7


def test_fair_problems_check_themselves() -> None:
    one = {"use": np.ones((1, 2)), "capacity": np.ones(1), "claims": np.ones(2), "weights": np.ones(2)}
    for name, wrong in (
        ("capacity", np.zeros(1)),
        ("claims", np.zeros(2)),
        ("use", -np.ones((1, 2))),
        ("weights", np.ones(3)),
    ):
        with pytest.raises(ValueError, match=name):
            FairProblem(**(one | {name: wrong}))
    with pytest.raises(ValueError, match="without end"):
        FairProblem(np.array([[1.0, 0.0]]), np.ones(1), np.full(2, np.inf), np.ones(2))
    assert fair_shares(FairProblem(np.empty((1, 0)), np.ones(1), np.empty(0), np.empty(0))).shares.shape == (0,)


# --- mixtures


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-9, 20), st.integers(-9, 20)), min_size=1, max_size=6), st.floats(0.1, 0.9))
def test_no_mixture_is_better_than_nashs(offers: list[tuple[int, int]], power: float) -> None:
    worth = np.array(offers, dtype=float)
    found = nash_mixture(worth, [0, 0], power)
    best = -np.inf
    for one in worth:
        for other in worth:
            mixed = one + np.linspace(0, 1, 201)[:, None] * (other - one)
            mixed = mixed[(mixed >= 0).all(axis=1)]
            if len(mixed):
                best = max(best, float((mixed[:, 0] ** power * mixed[:, 1] ** (1 - power)).max()))
    if found.first < 0:
        assert best == -np.inf
        return
    assert found.gains[0] ** power * found.gains[1] ** (1 - power) >= best - 1e-9
    made = worth[found.first] + found.share * (worth[found.second] - worth[found.first])
    assert made.tolist() == pytest.approx(found.utilities.tolist())


def test_a_mixture_can_suit_both_where_no_offer_does() -> None:
    worth = [[-2, 10], [8, -1]]
    assert agree(worth, [0, 0]).nash == -1
    found = nash_mixture(worth, [0, 0])
    assert (found.gains > 0).all()
    assert nash_mixture(np.empty((0, 2)), [0, 0]).first == -1
    assert nash_mixture([[np.nan, 1.0]], [0, 0]).first == -1
    with pytest.raises(ValueError, match="buyer_power: 0"):
        nash_mixture(worth, [0, 0], 0)
    with pytest.raises(ValueError, match="utilities, walk_away"):
        nash_mixture([[1, 2, 3]], [0, 0])
