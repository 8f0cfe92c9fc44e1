"""The theta method against its papers' recursion, laws and another library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from tierwise.engine.forecasting import Panel, ThetaParams, theta_method

NAN = float("nan")


def drifting(seed: int, n: int = 50) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100 + 0.8 * np.arange(n) + np.cumsum(rng.normal(0, 3, n)) + rng.normal(0, 4, n)


def slow(y: np.ndarray, alpha: float, theta: float, first: float, horizon: int) -> tuple[float, list[float]]:
    """Fiorucci et al. (2016), eq. 10-12: squared one-step errors and the forecast ahead."""
    n = len(y)
    slope, at_zero = np.polyfit(np.arange(1, n + 1), y, 1)
    level, squares, share = first, 0.0, 1 - 1 / theta
    for t in range(1, n + 1):
        mean = level + share * ((1 - alpha) ** (t - 1) * at_zero + (1 - (1 - alpha) ** t) / alpha * slope)
        squares += (y[t - 1] - mean) ** 2
        level = alpha * y[t - 1] + (1 - alpha) * level
    tail = (1 - alpha) ** n
    ahead = [
        level + share * (tail * at_zero + (h - 1 + (1 - tail * (1 - alpha)) / alpha) * slope)
        for h in range(1, horizon + 1)
    ]
    return squares, ahead


@pytest.mark.parametrize("optimise", [False, True])
def test_recursion_is_that_of_the_papers_and_the_search_finds_its_best(optimise: bool) -> None:
    for seed in range(4):
        y = drifting(seed)
        found = theta_method(Panel.of([y]), 6, ThetaParams(optimise=optimise))
        squares, ahead = slow(y, found.alpha[0], found.theta[0], found.level[0], 6)
        np.testing.assert_allclose(found.forecast[0], ahead)
        assert found.rmse[0] == pytest.approx(np.sqrt(squares / len(y)))
        assert found.theta[0] >= 1
        if not optimise:
            assert found.theta[0] == 2

        def missed(given: np.ndarray, y: np.ndarray = y) -> float:
            theta = 1 / (1 - min(max(given[2], 0), 0.999)) if optimise else 2.0
            return slow(y, min(max(given[0], 0.1), 0.99), theta, given[1], 1)[0]

        best = min(
            optimize.minimize(missed, [alpha, y[0] / 2, 0.5], method="Nelder-Mead").fun for alpha in (0.2, 0.5, 0.9)
        )
        assert squares <= best * (1 + 1e-4)


def test_agrees_with_another_library_where_there_is_no_season() -> None:
    models = pytest.importorskip("statsforecast.models", reason="statsforecast is not installed")
    apart = []
    for seed in range(8):
        y = drifting(seed)
        mine = theta_method(Panel.of([y]), 4).forecast[0]
        theirs = models.OptimizedTheta(season_length=1).forecast(y, 4)["mean"]
        apart.append(np.abs(mine / theirs - 1).max())
    assert np.median(apart) < 5e-3
    assert np.max(apart) < 0.05


def test_seasons_are_taken_out_and_put_back() -> None:
    rng = np.random.default_rng(2)
    wave = np.array([10.0, -5, -15, 10])
    y = 100 + np.tile(wave, 12) + rng.normal(0, 1, 48)
    found = theta_method(Panel.of([y, y - 120, rng.normal(50, 5, 48)]), 4, ThetaParams(season=4))
    assert found.season.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.forecast[0], 100 + wave, atol=2.5)
    np.testing.assert_allclose(found.forecast[1], wave - 20, atol=2.5)


def test_units_gaps_and_short_series() -> None:
    y = drifting(3)
    one, scaled = theta_method(Panel.of([y]), 3), theta_method(Panel.of([y * 1000]), 3)
    np.testing.assert_allclose(scaled.forecast, one.forecast * 1000, rtol=1e-6)
    holes = y.copy()
    holes[[10, 25]] = NAN
    np.testing.assert_allclose(theta_method(Panel.of([[NAN, *holes]]), 3).forecast, one.forecast, rtol=0.05)
    short = theta_method(Panel.of([[], [NAN], [4], [4, 4], [0, 0, 0]]), 2)
    assert np.isnan(short.forecast[:2]).all()
    np.testing.assert_allclose(short.forecast[2:], [[4, 4], [4, 4], [0, 0]], atol=1e-9)
    falling = Panel.of([np.arange(20, 0, -1.0)])
    assert theta_method(falling, 9).forecast.min() < 0
    assert theta_method(falling, 9, ThetaParams(nonnegative=True)).forecast.min() == 0
    many = Panel.of([drifting(seed, 30 + seed) for seed in range(9)])
    np.testing.assert_array_equal(
        theta_method(many, 2, ThetaParams(threads=2)).forecast, theta_method(many, 2).forecast
    )
    with pytest.raises(ValueError, match="season"):
        ThetaParams(season=0)
