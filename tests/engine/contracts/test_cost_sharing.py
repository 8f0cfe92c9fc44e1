from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    airport_shares,
    check_core,
    coalition_index,
    game_of,
    nucleolus,
    pool_stock,
    pooling_game,
    shapley,
    shapley_sampled,
    split_by_cause,
    true_up_cost,
)
from tierwise.engine.division import talmud

D = Decimal
RUNWAYS = game_of(lambda members: (members * np.array([8, 11, 13, 18])).max(axis=1), 4)
costs = st.lists(st.integers(0, 100), min_size=1, max_size=5)


@st.composite
def games(draw: st.DrawFn, most: int = 4) -> np.ndarray:  # type: ignore[type-arg]
    n = draw(st.integers(1, most))
    return np.array([0, *draw(st.lists(st.integers(-50, 50), min_size=2**n - 1, max_size=2**n - 1))], dtype=float)


def test_tc20_airport() -> None:
    """TC-20: runways of 8, 11, 13, 18 are shared 2, 3, 4, 9, and nobody would rather build alone."""
    assert shapley(RUNWAYS).tolist() == pytest.approx([2, 3, 4, 9])
    assert airport_shares([8, 11, 13, 18]).tolist() == pytest.approx([2, 3, 4, 9])
    assert check_core(RUNWAYS, [2, 3, 4, 9]).in_core


@settings(max_examples=30)
@given(games())
def test_shapley_by_walking_through_every_order(game: np.ndarray) -> None:  # type: ignore[type-arg]
    n = len(game).bit_length() - 1
    total, orders = np.zeros(n), list(permutations(range(n)))
    for order in orders:
        for at, party in enumerate(order):
            total[party] += game[coalition_index(order[: at + 1])] - game[coalition_index(order[:at])]
    assert shapley(game).tolist() == pytest.approx((total / len(orders)).tolist())


@settings(max_examples=25)
@given(games(), st.data())
def test_axioms_of_shapley(game: np.ndarray, data: st.DataObject) -> None:  # type: ignore[type-arg]
    """Efficiency, additivity, the dummy pays what it costs alone, and equals pay alike."""
    n = len(game).bit_length() - 1
    other = np.array([0, *data.draw(st.lists(st.integers(-50, 50), min_size=2**n - 1, max_size=2**n - 1))], dtype=float)
    shares = shapley(game)
    assert shares.sum() == pytest.approx(game[-1])
    assert shapley(game + other).tolist() == pytest.approx((shares + shapley(other)).tolist())
    assert shapley(np.stack([game, other]))[1].tolist() == pytest.approx(shapley(other).tolist())
    with_dummy = np.concatenate([game, game + 7])
    assert shapley(with_dummy)[-1] == pytest.approx(7)
    assert shapley(with_dummy)[:-1].tolist() == pytest.approx(shares.tolist())


@settings(max_examples=25)
@given(costs)
def test_airport_is_the_shapley_value_of_the_dearest(needs: list[int]) -> None:
    game = game_of(lambda members: (members * np.array(needs)).max(axis=1), len(needs))
    assert airport_shares(needs).tolist() == pytest.approx(shapley(game).tolist())
    assert check_core(game, airport_shares(needs)).in_core


def test_airport_of_many_rows_and_of_the_unknown() -> None:
    found = airport_shares([[8, 11, 13, 18], [np.nan, 1, 2, 3]])
    assert found[0].tolist() == pytest.approx([2, 3, 4, 9])
    assert np.isnan(found[1]).all()
    assert airport_shares([]).shape == (0,)
    with pytest.raises(ValueError, match="costs: one is below 0"):
        airport_shares([-1])


def test_drawn_orders_come_near_and_say_how_near() -> None:
    draw = np.random.default_rng(0)
    needs = draw.uniform(1, 50, 40)
    found = shapley_sampled(lambda members: (members * needs).max(axis=1), 40, 800, seed=7)
    exact = airport_shares(needs)
    assert found.shares.sum() == pytest.approx(needs.max())
    assert (np.abs(found.shares - exact) < 5 * found.errors + 1e-9).all()
    again = shapley_sampled(lambda members: (members * needs).max(axis=1), 40, 800, seed=7)
    assert again.shares.tolist() == found.shares.tolist()
    with pytest.raises(ValueError, match="pairs"):
        shapley_sampled(lambda members: members.sum(axis=1), 3, 1, seed=0)


def test_core_names_who_would_leave() -> None:
    found = check_core(RUNWAYS, [4.5] * 4)
    assert not found.in_core
    assert found.blocking == (((0, 1, 2), 0.5), ((0, 1), -2.0))[:1]
    assert found.excess == 0.5
    short = check_core(RUNWAYS, [1, 1, 1, 1])
    assert not short.in_core
    assert short.gap == -14
    assert check_core(np.array([0.0, 5.0]), [5.0]).in_core
    with pytest.raises(ValueError, match="shares"):
        check_core(RUNWAYS, [1, 2])


@settings(max_examples=25)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=5), st.floats(0, 1))
def test_nucleolus_of_an_estate_is_the_talmud(claims: list[int], part: float) -> None:
    """Aumann and Maschler 1985: for the game of what the others' claims leave, the rule of the Mishnah."""
    estate = part * sum(claims)
    asked = np.array(claims, dtype=float)
    game = game_of(lambda members: np.minimum(members @ asked, estate), len(claims))
    assert nucleolus(game).shares.tolist() == pytest.approx(talmud(asked, estate).tolist(), abs=1e-6)


def excesses(game: np.ndarray, shares: np.ndarray) -> list[float]:  # type: ignore[type-arg]
    n = len(shares)
    over = [sum(shares[p] for p in range(n) if b >> p & 1) - game[b] for b in range(1, 2**n - 1)]
    return sorted((round(each, 6) for each in over), reverse=True)


@settings(max_examples=25)
@given(games(), st.lists(st.floats(-20, 20), min_size=4, max_size=4))
def test_nothing_is_lexicographically_better_than_the_nucleolus(game: np.ndarray, shift: list[float]) -> None:  # type: ignore[type-arg]
    found = nucleolus(game)
    n = len(found.shares)
    assert found.shares.sum() == pytest.approx(game[-1], abs=1e-6)
    for scale in (1.0, 0.01):
        moved = found.shares + scale * (np.array(shift[:n]) - np.mean(shift[:n]))
        best, other = excesses(game, found.shares), excesses(game, moved)
        assert all(a <= b + 1e-5 for a, b in zip(best, other, strict=True)) or best <= other
    if n > 1:
        assert found.excess == pytest.approx(excesses(game, found.shares)[0], abs=1e-5)
        assert check_core(game, found.shares, tolerance=1e-6).in_core == (found.excess <= 1e-6 * max(1, abs(game[-1])))


def test_games_check_themselves() -> None:
    for wrong in (np.zeros(3), np.array([1.0, 2.0]), np.float64(1)):
        with pytest.raises(ValueError, match="game"):
            shapley(wrong)
    with pytest.raises(ValueError, match="parties: 30 is out of"):
        game_of(lambda members: members.sum(axis=1), 30)
    with pytest.raises(ValueError, match="at most 12"):
        nucleolus(np.zeros(2**13))
    assert shapley(np.empty((0, 4))).shape == (0, 2)
    assert np.isnan(shapley([0, np.nan, 1, 2])).all()
    with pytest.raises(ValueError, match="repeat"):
        coalition_index([1, 1])


# --- stock held together


def test_two_deviations_pool_by_the_published_numbers() -> None:
    """σ 30, 40, ρ 0.5 → 60.83, of which 24.66 and 36.17."""
    found = pool_stock([30, 40], [[1, 0.5], [0.5, 1]])
    assert found.pooled.item() == pytest.approx(60.8276, abs=1e-4)
    assert found.shares.tolist() == pytest.approx([24.6598, 36.1678], abs=1e-4)
    assert found.saving.sum() == pytest.approx(70 - 60.8276, abs=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_shares_of_pooled_stock_lie_in_the_core(n: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    sigma = draw.uniform(0, 50, n)
    factors = draw.normal(size=(n, 3))
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    rho = factors @ factors.T
    np.fill_diagonal(rho, 1.0)
    rho = (rho + rho.T) / 2
    found = pool_stock(sigma, rho, 2.5)
    game = pooling_game(sigma, rho, 2.5)
    assert found.pooled.item() == pytest.approx(game[-1])
    assert check_core(game, found.shares, tolerance=1e-7).in_core
    assert (found.saving >= -1e-7).all()


def test_pooling_many_items_at_once() -> None:
    sigma = np.array([[30.0, 40.0], [0.0, 0.0], [np.nan, 1.0]])
    found = pool_stock(sigma, np.array([[1, 0.5], [0.5, 1]]), np.array([1.0, 1.0, 2.0]))
    assert found.shares[0].tolist() == pytest.approx([24.6598, 36.1678], abs=1e-4)
    assert found.shares[1].tolist() == [0, 0]
    assert np.isnan(found.pooled[2])
    hedge = pool_stock([30, 10], [[1, -1], [-1, 1]])
    assert hedge.shares.tolist() == pytest.approx([30, -10])
    assert pool_stock(np.empty((0, 2)), np.eye(2)).pooled.shape == (0,)
    for wrong in ([[1, 2], [2, 1]], [[1, 0.5], [0.4, 1]], [[2, 0], [0, 1]]):
        with pytest.raises(ValueError, match="correlation"):
            pool_stock([1, 1], wrong)
    with pytest.raises(ValueError, match="deviations"):
        pool_stock([-1, 1], np.eye(2))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.decimals(0, 500, places=2)), min_size=1, max_size=6),
    st.decimals(0, 10**5, places=2),
)
def test_true_up_balances(parties: list[tuple[int, Decimal]], amount: Decimal) -> None:
    weights = {str(at): weight for at, (weight, _) in enumerate(parties)}
    paid = {str(at): advance for at, (_, advance) in enumerate(parties)}
    if not any(weights.values()):
        weights["0"] = 1
    lines = true_up_cost(amount, weights, paid)
    assert sum(line.due for line in lines) == amount - sum(paid.values())
    assert all(line.due == line.share - line.paid for line in lines)


def test_true_up_and_causes_refuse_the_unknown() -> None:
    with pytest.raises(ValueError, match="paid: B paid"):
        true_up_cost(10, {"A": 1}, {"B": 5})
    with pytest.raises(ValueError, match="nobody answers for 'age'"):
        split_by_cause({"age": 5}, {})
    with pytest.raises(ValueError, match="sum to"):
        split_by_cause({"age": 5}, {"age": {"A": "0.4"}})
    assert split_by_cause({}, {}) == {}
