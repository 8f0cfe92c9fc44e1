"""The exponential smoothing family against published numbers, plain recursions, laws and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.forecasting import FAMILIES, FORMS, ExponentialParams, Panel, exponential_smoothing, project

# Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2nd ed.: air passengers in Australia, ch. 7.2.
PASSENGERS = [17.55, 21.86, 23.89, 26.93, 26.89, 28.83, 30.08, 30.95, 30.19, 31.58, 32.58, 33.48, 39.02, 41.39, 41.60]
PASSENGERS += [44.66, 46.95, 48.73, 51.49, 50.03, 60.64, 63.36, 66.36, 68.20, 68.12, 69.78, 72.60]


def wavy(seed: int, n: int = 48, cycle: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    season = 1 + 0.3 * np.cos(2 * np.pi * t / cycle)
    return np.maximum((50 + 0.5 * t) * season + rng.normal(0, 4, n), 1.0)


def slow(y: np.ndarray, form: str, parameters: np.ndarray, horizon: int) -> tuple[list[float], list[float], float]:
    """One form's textbook recursion: one-step forecasts, forecast ahead, twice the negative log likelihood."""
    alpha, beta, gamma, phi, level, slope = parameters[:6]
    seasons = list(parameters[6:])
    fitted, squares, logs, n = [], 0.0, 0.0, 0
    for t, value in enumerate(y):
        base, now = level + phi * slope, seasons[t % len(seasons)]
        mean = base * now if form[-1] == "M" else base + now
        fitted.append(mean)
        if np.isnan(value):
            level, slope = base, phi * slope
            continue
        error = value - mean
        over = now if form[-1] == "M" else 1.0
        level, slope = base + alpha * error / over, phi * slope + beta * error / over
        seasons[t % len(seasons)] = now + gamma * error / (base if form[-1] == "M" else 1.0)
        squares += (error / mean if form[0] == "M" else error) ** 2
        logs += np.log(mean) if form[0] == "M" else 0.0
        n += 1
    ahead = []
    for i in range(horizon):
        slope *= phi
        level += slope
        now = seasons[(len(y) + i) % len(seasons)]
        ahead.append(level * now if form[-1] == "M" else level + now)
    return fitted, ahead, n * np.log(squares) + 2 * logs


@pytest.mark.parametrize("form", FORMS)
def test_each_form_runs_as_the_textbook_says(form: str) -> None:
    y = wavy(3)
    y[[7, 20]] = np.nan
    found = exponential_smoothing(Panel.of([y]), 6, ExponentialParams(season=4, forms=(form,)))
    assert found.name(0) == form
    fitted, ahead, worth = slow(y, form, found.parameters[0], 6)
    np.testing.assert_allclose(found.fitted, fitted, rtol=1e-10)
    np.testing.assert_allclose(found.forecast[0], ahead, rtol=1e-10)
    k = 3 + 2 * (form[1] == "A") + ("d" in form) + 4 * (form[-1] != "N")
    n = 46
    assert found.aicc[0, FORMS.index(form)] == pytest.approx(worth + 2 * k + 2 * k * (k + 1) / (n - k - 1))
    assert found.n.tolist() == [n]
    assert found.rmse[0] == pytest.approx(np.sqrt(np.nanmean((y - fitted) ** 2)))
    beta_limit, gamma_limit = found.alpha[0], 1 - found.alpha[0]
    assert 0 < found.alpha[0] < 1
    assert 0 <= found.beta[0] <= beta_limit
    assert 0 <= found.gamma[0] <= gamma_limit


def test_holts_trend_of_australian_air_passengers() -> None:
    """Table 7.2 there: α = 0.8302, β* = 0.0001, b₀ = 2.102, forecasts 74.60, 76.70 … 83.01."""
    found = exponential_smoothing(Panel.of([PASSENGERS]), 5, ExponentialParams(forms=FAMILIES["holt"]))
    np.testing.assert_allclose(found.forecast[0], [74.60, 76.70, 78.80, 80.91, 83.01], atol=0.03)
    assert found.alpha[0] == pytest.approx(0.8302, abs=0.02)
    assert found.parameters[0, 5] == pytest.approx(2.102, abs=5e-3)


def test_forms_are_fitted_no_worse_than_by_another_library() -> None:
    peer = pytest.importorskip("statsforecast.ets", reason="statsforecast is not installed")
    excess = []
    for form in FORMS:
        for seed in range(4):
            y = wavy(seed)
            found = exponential_smoothing(Panel.of([y]), 1, ExponentialParams(season=4, forms=(form,)))
            theirs = peer.ets_f(y, m=4, model=form[0] + form[1] + form[-1], damped="d" in form)["aicc"]
            excess.append(found.aicc[0, FORMS.index(form)] - theirs)
    # Twice the log likelihood. Both stop in a lesser hollow here and there; on the whole neither is ahead.
    assert np.mean(excess) < 0.05
    assert np.quantile(excess, 0.9) < 0.5
    assert np.max(excess) < 2.5


def test_relative_errors_look_again_where_additive_ones_led_below_zero() -> None:
    """A first slope that additive errors like takes the forecasts of relative ones below zero."""
    rng = np.random.default_rng(6)
    missed = 0
    for _ in range(60):
        fall = 60 - np.minimum(np.arange(60) * 8.0, 50)
        y = np.maximum(fall + rng.normal(0, 4, 60), 0.5)
        found = exponential_smoothing(Panel.of([y]), 1).aicc[0]
        missed += int(np.isinf(found[[FORMS.index("MAN"), FORMS.index("MAdN")]]).sum())
    assert missed == 0


def test_a_straight_line_in_noise_is_found() -> None:
    """Least alpha and the line by least squares: worth no less than any other set, and it shows in the forecast."""
    rng = np.random.default_rng(11)
    t = np.arange(100)
    for _ in range(20):
        y = 50 + 0.2 * t + rng.normal(0, 6, 100)
        found = exponential_smoothing(Panel.of([y]), 10, ExponentialParams(forms=FAMILIES["holt"]))
        line = np.polyfit(t, y, 1)
        worth = 100 * np.log(((y - np.polyval(line, t)) ** 2).sum()) + 10 + 60 / 94
        assert found.aicc[0, FORMS.index("AAN")] < worth + 0.5


def test_the_form_with_the_least_aicc_is_chosen() -> None:
    panel = Panel.of([wavy(1), np.linspace(10, 60, 40) + np.sin(np.arange(40) * 7), wavy(2)[:9]])
    found = exponential_smoothing(panel, 3, ExponentialParams(season=4))
    assert found.form.tolist() == found.aicc.argmin(axis=1).tolist()
    assert found.name(0)[-1] in "AM"
    assert found.name(1)[1] == "A"
    # Nine periods cannot carry four seasonal states.
    assert found.name(2)[-1] == "N"


def test_what_is_too_short_constant_or_unknown() -> None:
    nan = float("nan")
    panel = Panel.of([[], [nan, nan], [7], [nan, 5, 5, 5, 5, 5, 5, 5], [2, 4], [0, 0, 0, 0, 0, 0]])
    found = exponential_smoothing(panel, 2)
    assert found.form.tolist() == [-2, -2, -1, -1, -1, -1]
    assert np.isnan(found.forecast[:2]).all()
    assert found.forecast[2:].tolist() == [[7, 7], [5, 5], [3, 3], [0, 0]]
    assert found.n.tolist() == [0, 0, 1, 7, 2, 6]
    assert found.name(4) == "plain"
    empty = exponential_smoothing(Panel.of([]), 2)
    assert empty.forecast.shape == (0, 2)
    assert empty.form.size == 0


def test_relative_errors_need_values_above_zero() -> None:
    y = wavy(0)
    y[5] = 0.0
    found = exponential_smoothing(Panel.of([y]), 2, ExponentialParams(season=4))
    relative = [FORMS.index(form) for form in FORMS if form[0] == "M"]
    assert np.isinf(found.aicc[0, relative]).all()
    assert np.isfinite(found.aicc[0, FORMS.index("ANA")])
    only = exponential_smoothing(Panel.of([y]), 2, ExponentialParams(4, FAMILIES["seasonal_multiplicative"]))
    assert only.form.tolist() == [-1]
    assert np.isfinite(only.forecast).all()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=40), min_size=1, max_size=4),
    st.sampled_from([0.001, 4.0, 1024.0]),
)
def test_units_and_neighbours_do_not_matter(series: list[list[int]], unit: float) -> None:
    panel = Panel.of(series)
    one = exponential_smoothing(panel, 3)
    scaled = exponential_smoothing(panel.with_values(panel.values * unit), 3)
    same = one.form == scaled.form
    np.testing.assert_allclose(scaled.forecast[same], one.forecast[same] * unit, rtol=0.02, atol=0.02 * unit)
    back = exponential_smoothing(Panel.of(series[::-1]), 3, ExponentialParams(threads=2))
    np.testing.assert_array_equal(back.forecast[::-1], one.forecast)


def test_known_parameters_go_on_with_new_periods() -> None:
    y = wavy(5)
    params = ExponentialParams(season=4)
    early = exponential_smoothing(Panel.of([y[:40]]), 8, params)
    later = project(Panel.of([y]), 8, early, params)
    fitted, ahead, _ = slow(y, early.name(0), early.parameters[0], 8)
    np.testing.assert_allclose(later.forecast[0], ahead)
    np.testing.assert_allclose(later.fitted, fitted)
    np.testing.assert_allclose(later.seasons[0], np.roll(later.seasons[0], 4))
    with pytest.raises(ValueError, match="the same series"):
        project(Panel.of([y, y]), 8, early)


def test_long_cycles_keep_the_decomposed_season() -> None:
    rng = np.random.default_rng(8)
    wave = 20 * np.cos(2 * np.pi * np.arange(52) / 52)
    y = 100 + np.tile(wave, 4) + rng.normal(0, 3, 208)
    found = exponential_smoothing(Panel.of([y]), 52, ExponentialParams(season=52))
    assert found.name(0)[-1] != "N"
    assert np.abs(found.forecast[0] - 100 - wave).mean() < 3


def test_forecasts_of_demand_stop_at_zero() -> None:
    falling = Panel.of([np.arange(30, 0, -1.0) + np.tile([0.1, -0.1], 15)])
    free = exponential_smoothing(falling, 5, ExponentialParams(forms=FAMILIES["holt"]))
    cut = exponential_smoothing(falling, 5, ExponentialParams(forms=FAMILIES["holt"], nonnegative=True))
    assert free.forecast.min() < -2
    assert cut.forecast.min() == 0


@pytest.mark.parametrize(
    ("given_params", "named"),
    [({"season": 0}, "season"), ({"forms": ("XYZ",)}, "forms"), ({"forms": ()}, "forms"), ({"threads": -1}, "threads")],
)
def test_params_name_what_is_wrong(given_params: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ExponentialParams(**given_params)  # type: ignore[arg-type]


def test_calls_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="horizon"):
        exponential_smoothing(Panel.of([[1, 2]]), 0)
    with pytest.raises(ValueError, match="season"):
        exponential_smoothing(Panel.of([[1, 2]]), 1, ExponentialParams(forms=("ANA",)))
    with pytest.raises(ValueError, match="infinities"):
        Panel.of([[1, float("inf")]])
    with pytest.raises(ValueError, match="offsets"):
        Panel(np.ones(3), np.array([0, 2]))
    with pytest.raises(ValueError, match="offsets"):
        Panel(np.ones(3), np.array([0, 2, 1, 3]))
