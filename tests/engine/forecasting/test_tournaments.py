"""Rolling origins, the champion rule, combination, quantiles and further candidates."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.forecasting import (
    ChampionParams,
    GlobalTrees,
    Naive,
    Panel,
    Statsforecast,
    Together,
    Tournament,
    TournamentParams,
    accuracy,
    choose_champions,
    combine,
    conformal_quantiles,
    coverage,
    diebold_mariano,
    inverse_error_weights,
    naive_scale,
    own_candidates,
    paired_signs,
    tournament,
)
from tierwise.engine.forecasting.champions import REASONS

NAN = float("nan")


class Spy:
    """Remembers how far each panel it was shown reached, and forecasts the last value."""

    name = "spy"

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def forecast(self, panel: Panel, horizon: int) -> np.ndarray:
        self.seen.append(panel[0].tolist())
        return Naive().forecast(panel, horizon)


def made_up(losses: np.ndarray) -> Tournament:
    """A tournament with the given squared losses: candidates × series × origins."""
    shape = losses.shape
    forecast = np.sqrt(losses)[..., None]
    names = tuple(f"m{i}" for i in range(shape[0]))
    ones = np.ones(shape[1])
    return Tournament(names, forecast, np.zeros((*shape[1:], 1)), (ones, ones), TournamentParams(1, shape[2]))


def test_candidates_see_the_past_alone_and_are_judged_by_what_came() -> None:
    y = [3.0, 1, 4, 1, 5, 9, 2, 6]
    spy = Spy()
    found = tournament(Panel.of([y]), [spy, Naive(2, "before")], TournamentParams(2, origins=3, step=1))
    assert spy.seen == [y[:4], y[:5], y[:6]]
    assert found.actual[0].tolist() == [[5, 9], [9, 2], [2, 6]]
    assert found.forecast[1, 0].tolist() == [[4, 1], [1, 5], [5, 9]]
    assert found.errors(0)[0].tolist() == [[4, 8], [4, -3], [-7, -3]]
    by_hand = accuracy(found.actual[0].ravel(), found.forecast[:, 0].reshape(2, -1))
    np.testing.assert_allclose(found.accuracy().wape[:, 0], by_hand.wape)
    assert found.scale[0][0] == naive_scale(Panel.of([y[:4]]))[0][0]
    np.testing.assert_allclose(found.losses("absolute")[0, 0], np.array([6, 3.5, 5]) / found.scale[0][0])


def test_young_series_are_judged_from_when_they_can_be() -> None:
    found = tournament(Panel.of([[1, 2, 3, 4, 5, 6], [7, 8, 9]]), [Naive()], TournamentParams(1, 4, least_history=2))
    assert np.isnan(found.actual[1, :3]).all()
    assert found.errors(0)[1, 3].tolist() == [1]
    assert found.losses()[0, 1, :3].tolist() == pytest.approx([NAN] * 3, nan_ok=True)
    with pytest.raises(ValueError, match="name"):
        tournament(Panel.of([[1]]), [Naive(), Naive()], TournamentParams(1))
    with pytest.raises(ValueError, match="horizon"):
        TournamentParams(0)


def test_own_candidates_find_the_season() -> None:
    rng = np.random.default_rng(0)
    wave = 50 + np.tile([20.0, -10, 5, -15], 15)
    panel = Panel.of([np.maximum(wave + rng.normal(0, 3, 60), 0) for _ in range(5)])
    found = tournament(panel, own_candidates(4), TournamentParams(4, origins=6, season=4))
    worth = dict(zip(found.names, found.accuracy().mase.mean(axis=1), strict=True))
    assert worth["auto"] < worth["simple"]
    assert worth["auto and theta"] < worth["naive"]
    choice = choose_champions(found, found.names.index("simple"), groups=np.zeros(5, dtype=int))
    assert found.names[choice.champion[0]] in {"auto", "theta", "auto and theta", "seasonal_additive"} | {
        "seasonal_multiplicative"
    }
    assert choice.why(0) == REASONS[5]


def test_diebold_mariano_without_overlap_is_students_test() -> None:
    rng = np.random.default_rng(1)
    d = rng.normal(0.3, 1, (6, 12))
    statistic, p = diebold_mariano(d)
    theirs = stats.ttest_1samp(d, 0, axis=1, alternative="greater")
    np.testing.assert_allclose(statistic, theirs.statistic)
    np.testing.assert_allclose(p, theirs.pvalue)


def test_diebold_mariano_with_overlap_by_hand() -> None:
    d = np.array([0.5, 0.7, 0.9, 0.8, 0.1, -0.2, -0.1, 0.3])
    n, h, off = 8, 3, d - d.mean()
    long_run = (off @ off + 2 * sum(off[k:] @ off[:-k] for k in (1, 2))) / n
    expected = d.mean() / np.sqrt(long_run / n) * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    statistic, p = diebold_mariano([*d[:4], NAN, *d[4:]], overlap=2)
    assert statistic == pytest.approx(expected)
    assert p == pytest.approx(stats.t.sf(expected, n - 1))
    assert [float(each) for each in diebold_mariano([1, 1, 1])[1:]] == [0]
    assert diebold_mariano([0, 0, 0])[1] == 0.5
    assert np.isnan(diebold_mariano([1.0])[1])
    assert np.isnan(paired_signs([0.0]))
    assert paired_signs([-1, -2]) == 1


@pytest.mark.parametrize("test", ["diebold_mariano", "sign"])
def test_noise_seldom_dethrones_a_champion_and_skill_does(test: str) -> None:
    rng = np.random.default_rng(5)
    params = ChampionParams(test=test, least_gain=0.0)
    alike = rng.chisquare(3, (6, 2000, 12))
    assert choose_champions(made_up(alike), 2, params).switched.mean() < 0.06
    better = alike.copy()
    better[4] *= 0.1
    choice = choose_champions(made_up(better), 2, params)
    assert choice.switched.mean() > 0.75
    assert (choice.champion[choice.switched] == 4).mean() > 0.99
    assert (choice.champion[~choice.switched] == 2).all()


def test_why_a_champion_stays() -> None:
    base = np.tile([1.0, 1.2, 0.8, 1.1, 0.9, 1.0, 1.05, 0.95], (2, 6, 1))
    base[1, 0] *= 1.5
    base[1, 1] *= 0.99
    base[1, 2] *= [0.1, 3, 0.1, 3, 0.1, 0.1, 0.1, 0.1]
    base[1, 3] *= 0.5
    base[1, 4] *= 0.5
    base[:, 4, :5] = NAN
    base[:, 5] = NAN
    choice = choose_champions(made_up(base))
    assert choice.reason.tolist() == [1, 3, 4, 5, 2, 0]
    assert choice.champion.tolist() == [0, 0, 0, 1, 0, 0]
    alone = choose_champions(made_up(base[:1]))
    assert not alone.switched.any()
    tie = choose_champions(made_up(np.ones((3, 1, 8))), 1)
    assert tie.champion.tolist() == [1]
    # Two alike series tell together what the third group tells alone.
    pooled = choose_champions(made_up(base[:, :4]), groups=[0, 0, 0, 1])
    assert pooled.champion.shape == (2,)
    assert pooled.champion[1] == 1
    for wrong in ({"incumbent": 7}, {"groups": [0]}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            choose_champions(made_up(base), **wrong)  # type: ignore[arg-type]
    for bad in ({"loss": "x"}, {"test": "x"}, {"significance": 2.0}, {"least_origins": 0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            ChampionParams(**bad)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.floats(0, 1), st.integers(0, 10**6))
def test_weights_sum_to_one_and_combinations_lie_between(methods: int, series: int, even: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(methods, series, 6))
    errors[rng.random(errors.shape) < 0.2] = NAN
    weights = inverse_error_weights(errors, toward_equal=even)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    forecasts = rng.normal(size=(methods, series, 3))
    forecasts[rng.random(forecasts.shape) < 0.2] = NAN
    found = combine(forecasts, weights)
    some = ~np.isnan(forecasts).all(axis=0)
    assert (np.isnan(found) == ~some).all()
    low, high = np.where(np.isnan(forecasts), np.inf, forecasts), np.where(np.isnan(forecasts), -np.inf, forecasts)
    assert (found[some] >= low.min(axis=0)[some] - 1e-9).all()
    assert (found[some] <= high.max(axis=0)[some] + 1e-9).all()


def test_weights_of_perfect_and_unknown_methods() -> None:
    assert inverse_error_weights([[0, 0], [1, 2], [NAN, NAN]]).tolist() == [1, 0, 0]
    assert inverse_error_weights([[NAN], [NAN]]).tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="axes"):
        inverse_error_weights([1.0])
    with pytest.raises(ValueError, match="weights"):
        combine(np.ones((2, 1, 1)), [0.5])
    with pytest.raises(ValueError, match="of"):
        Together(())


def test_quantiles_hold_their_level() -> None:
    rng = np.random.default_rng(7)
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    drawn = rng.gamma(1.5, 10, (4000, 40, 2))
    made = np.full((4000, 2), 12.0)
    found = conformal_quantiles(made, drawn[:, :39] - 12, levels)
    assert (found.source == 0).all()
    held = coverage(drawn[:, 39].T, np.swapaxes(found.values, 0, 1)).mean(axis=0)
    assert (held[2:] >= levels[2:] - 0.012).all()
    assert (np.abs(held - levels) < 0.03).all()
    assert (np.diff(found.values, axis=2) >= 0).all()


def test_short_histories_borrow_from_all_series() -> None:
    rng = np.random.default_rng(8)
    scales = np.array([1.0, 10.0] * 30)
    errors = rng.normal(size=(60, 5, 1)) * scales[:, None, None]
    found = conformal_quantiles(np.zeros((60, 1)), errors, [0.5, 0.95], scales)
    assert (found.source[:, 0, 1] == 1).all()
    assert found.values[::2, 0, 1].mean() == pytest.approx(1.645, abs=0.35)
    np.testing.assert_allclose(found.values[1::2, 0, 1], 10 * found.values[::2, 0, 1])
    few = conformal_quantiles([[5.0], [1.0]], [[[1.0]], [[NAN]]], [0.9], nonnegative=True)
    assert few.source.tolist() == [[[2]], [[2]]]
    assert few.n.tolist() == [[1], [0]]
    assert few.values[0, 0, 0] == 6
    none = conformal_quantiles([[5.0]], np.full((1, 2, 1), NAN), [0.9])
    assert np.isnan(none.values).all()
    for levels in ([0.9, 0.5], [1.2]):
        with pytest.raises(ValueError, match="levels"):
            conformal_quantiles([[5.0]], [[[1.0]]], levels)
    with pytest.raises(ValueError, match="errors"):
        conformal_quantiles([[5.0]], [[1.0]], [0.5])


def test_candidates_of_other_libraries_forecast_behind_the_same_port() -> None:
    pytest.importorskip("statsforecast", reason="statsforecast is not installed")
    y = 20 + 5 * np.cos(np.arange(40)) + np.arange(40)
    y[7] = NAN
    panel = Panel.of([y, [NAN, 3], []])
    for model in ("AutoETS", "AutoCES"):
        made = Statsforecast(model).forecast(panel, 3)
        assert np.isfinite(made[0]).all()
        assert np.isnan(made[2]).all()
    with pytest.raises(ValueError, match="AutoETS"):
        Statsforecast("Oracle")


def test_one_model_for_all_series_learns_what_they_share() -> None:
    pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    rng = np.random.default_rng(3)
    pattern = np.tile([0.2, 1.8, 1.0, 1.0], 12)
    series = [rng.uniform(5, 500) * pattern[: 48 - k % 3] * rng.uniform(0.9, 1.1, 48 - k % 3) for k in range(40)]
    ends = np.stack([each[-4:] for each in series])
    past = Panel.of([each[:-4] for each in series])
    trees = GlobalTrees(season=4, lags=8, rounds=60)
    made = trees.forecast(past, 4)
    np.testing.assert_array_equal(made, trees.forecast(past, 4))
    ours, naive = accuracy(ends, made).wape, accuracy(ends, Naive().forecast(past, 4)).wape
    assert ours.mean() < 0.3 * naive.mean()
    assert np.isnan(trees.forecast(Panel.of([[1, 2]]), 3)).all()


def test_missing_libraries_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    further = importlib.import_module("tierwise.engine.forecasting.further")
    monkeypatch.setattr(further, "import_module", absent)
    with pytest.raises(ValueError, match=r"statsforecast is not installed; install tierwise\[forecast\]"):
        Statsforecast().forecast(Panel.of([[1, 2, 3]]), 1)
    with pytest.raises(ValueError, match="lightgbm is not installed"):
        GlobalTrees().forecast(Panel.of([np.arange(30.0)]), 1)
