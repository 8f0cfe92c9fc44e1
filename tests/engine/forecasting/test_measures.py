"""Error measures and tracking signals; the family's examples and its import."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.engine.forecasting import Panel, accuracy, coverage, naive_scale, pinball, tracking_signal

NAN = float("nan")


def test_panel_goes_back_and_selects() -> None:
    panel = Panel.of([[1, 2, 3], [], [4, 5]])
    assert panel.until(1).lengths.tolist() == [2, 0, 1]
    assert panel.until(5).values.size == 0
    assert panel.select([2, 0]).values.tolist() == [4, 5, 1, 2, 3]
    assert panel.latest(2, back=1).tolist()[0] == [1, 2]
    assert np.isnan(panel.latest(2)[1]).all()
    assert panel[2].tolist() == [4, 5]
    assert list(map(len, panel)) == [3, 0, 2]
    with pytest.raises(ValueError, match="back"):
        panel.until(-1)
    with pytest.raises(ValueError, match="one list"):
        Panel.of([[[1, 2]]])


def test_measures_on_a_worked_example() -> None:
    found = accuracy([[10, 0, NAN, 20], [5, 5, 5, 5]], [[12, 1, 3, 16], [5, 5, 5, 5]], scale=([2.0, 0.0], [2.0, 0.0]))
    assert found.n.tolist() == [3, 4]
    assert found.mae.tolist() == pytest.approx([7 / 3, 0])
    assert found.rmse.tolist() == pytest.approx([np.sqrt(7), 0])
    assert found.bias.tolist() == pytest.approx([-1 / 30, 0])
    assert found.wape.tolist() == pytest.approx([7 / 30, 0])
    assert found.mape.tolist() == pytest.approx([0.2, 0])
    assert found.mase[0] == pytest.approx(7 / 6)
    assert np.isnan(found.mase[1])
    assert found.rmsse[0] == pytest.approx(np.sqrt(7) / 2)


def test_seasonal_naive_scale_knows_series_apart() -> None:
    absolute, squared = naive_scale(Panel.of([[1, 5, 2, 9], [7, 8], [3, NAN, 6, 6]]), season=2)
    assert absolute[[0, 2]].tolist() == [2.5, 3.0]
    assert squared[0] == pytest.approx(np.sqrt(8.5))
    assert np.isnan(absolute[1])


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.sampled_from([0.1, 0.5, 0.9]))
def test_no_forecast_has_less_quantile_loss_than_the_quantile(values: list[float], level: float) -> None:
    y = np.array(values)
    best = np.quantile(y, level, method="inverted_cdf")
    losses = [pinball(y, np.full((y.size, 1), each), [level])[0] for each in values]
    assert pinball(y, np.full((y.size, 1), best), [level])[0] <= min(losses) + 1e-9
    assert coverage(y, np.full((y.size, 1), best))[0] >= level - 1e-9


def test_half_the_absolute_error_is_the_loss_of_the_median() -> None:
    rng = np.random.default_rng(0)
    y, made = rng.normal(size=(3, 9)), rng.normal(size=(3, 9))
    np.testing.assert_allclose(pinball(y, made[..., None], [0.5])[..., 0], accuracy(y, made).mae / 2)


def test_a_biased_forecast_sounds_the_alarm_and_an_even_one_does_not() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 5, (200, 24))
    even = tracking_signal(100 + noise, 100.0, limit=6)
    low = tracking_signal(106 + noise, 100.0, limit=6)
    assert (even.first_alarm >= 0).mean() < 0.65
    assert (low.first_alarm >= 0).mean() > 0.95
    assert low.signal[:, -1].min() > 0
    assert np.abs(low.smoothed).max() <= 1


def test_tracking_signal_by_hand_with_gaps() -> None:
    actual, made = [10, NAN, 14, 9, 13, 14], [8, 9, 8, 8, 8, 8]
    found = tracking_signal(actual, made)
    errors, slow = [], []
    for a, f in zip(actual, made, strict=True):
        if not np.isnan(a):
            errors.append(a - f)
        slow.append(sum(errors) / (sum(map(abs, errors)) / len(errors)))
    np.testing.assert_allclose(found.signal[0], slow)
    assert found.first_alarm.tolist() == [5]
    assert found.smoothed[0].tolist() == [1.0] * 6
    exact = tracking_signal([5, 5], [5, 5])
    assert exact.signal.tolist() == [[0, 0]]
    assert np.isnan(tracking_signal([NAN], [1.0]).signal).all()
    assert tracking_signal(np.zeros((2, 0)), np.zeros((2, 0))).first_alarm.tolist() == [-1, -1]


def test_calls_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="list of periods"):
        accuracy(1, 2)
    with pytest.raises(ValueError, match="levels"):
        pinball([1], [[1]], [95])
    with pytest.raises(ValueError, match="limit"):
        tracking_signal([1], [1], limit=0)
    with pytest.raises(ValueError, match="season"):
        naive_scale(Panel.of([[1]]), 0)
