"""Reconciliation, forecast value added and effects of events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.forecasting import (
    EventParams,
    Events,
    Exponential,
    ExponentialParams,
    Hierarchy,
    Panel,
    TournamentParams,
    WithEvents,
    event_effects,
    forecast_value_added,
    promotion_events,
    reconcile,
    tournament,
    value_steps,
)
from tierwise.engine.forecasting.hierarchy import METHODS

NAN = float("nan")


def world(seed: int = 1) -> tuple[Hierarchy, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    tree = Hierarchy.of(list("abcdef"), [list("xxyyzz"), list("pqpqpq")])
    base = rng.normal(20, 5, (12, 4))
    base[0] = 120
    return tree, base, rng.normal(0, 2, (12, 30)) + 0.6 * rng.normal(0, 2, (1, 30))


def test_tc_21() -> None:
    """TC-21: total 100 over 45 and 50 becomes 98.333 46.667 51.667 (OLS) and 97.5 46.25 51.25 (structural)."""
    tree = Hierarchy.of(["a", "b"], [])
    for method, expected in (("ols", [98.3333, 46.6667, 51.6667]), ("wls_structural", [97.5, 46.25, 51.25])):
        found = reconcile(tree, [100, 45, 50], method)
        np.testing.assert_allclose(found.forecast, expected, atol=5e-5)
        assert found.gap.tolist() == [5]
        np.testing.assert_allclose(found.adjustment, np.array(expected) - [100, 45, 50], atol=5e-5)
    assert reconcile(tree, [100, 45, 50], "bottom_up").forecast.tolist() == [95, 45, 50]


@pytest.mark.parametrize("method", METHODS[1:])
def test_it_is_the_projection_of_the_papers(method: str) -> None:
    tree, base, residuals = world()
    found = reconcile(tree, base, method, residuals)
    summing = tree.add_up(np.eye(6))
    if method == "mint_shrink":
        centred = residuals - residuals.mean(axis=1, keepdims=True)
        covariance = np.zeros((12, 12))
        for i in range(12):
            for j in range(12):
                covariance[i, j] = np.mean(centred[i] * centred[j]) * (1.0 if i == j else 1 - found.shrinkage)
    else:
        variance = {"ols": np.ones(12), "wls_structural": summing.sum(axis=1)}
        covariance = np.diag(variance.get(method, np.mean(residuals**2, axis=1)))
    inverse = np.linalg.inv(covariance)
    expected = summing @ np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse @ base)
    np.testing.assert_allclose(found.forecast, expected, rtol=1e-8)


def test_shrinkage_of_a_world_known_from_another_library() -> None:
    """hierarchicalforecast 1.5.3, MinTrace("mint_shrink") on these residuals gives these totals."""
    rng = np.random.default_rng(1)
    tree = Hierarchy.of(list("abcdef"), [list("xxyyzz"), list("pqpqpq")])
    base = rng.normal(20, 5, (12, 4))
    base[0] = 120
    rng.normal(20, 3, (12, 30))
    residuals = -(rng.normal(0, 2, (12, 30)) + 0.3 * rng.normal(0, 2, (1, 30)))
    found = reconcile(tree, base, "mint_shrink", residuals)
    np.testing.assert_allclose(found.forecast[0], [95.74672, 95.68682, 96.47047, 97.43340], atol=2e-5)
    by_variance = reconcile(tree, base, "wls_variance", residuals)
    np.testing.assert_allclose(by_variance.forecast[0], [94.85106, 94.92509, 96.07130, 96.69678], atol=2e-5)
    assert 0 < found.shrinkage < 1


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(METHODS), st.integers(0, 10**6), st.booleans())
def test_sums_fit_and_what_fits_already_stays(method: str, seed: int, nonnegative: bool) -> None:
    tree, base, residuals = world(seed)
    found = reconcile(tree, base, method, residuals, nonnegative=nonnegative)
    np.testing.assert_allclose(found.forecast, tree.add_up(found.forecast[tree.totals :]), atol=1e-8)
    again = reconcile(tree, found.forecast, method, residuals)
    np.testing.assert_allclose(again.forecast, found.forecast, atol=1e-7)
    if nonnegative:
        assert found.forecast.min() >= 0


def test_least_trace_beats_the_parts_alone_where_totals_know_more() -> None:
    rng = np.random.default_rng(3)
    tree = Hierarchy.of([f"p{i}" for i in range(20)], [])
    noise = np.concatenate([[2.0], np.tile([1.0, 8.0], 10)])
    past = rng.normal(size=(21, 100)) * noise[:, None]
    truth = tree.add_up(rng.uniform(10, 30, (20, 200)))
    base = truth + rng.normal(size=truth.shape) * noise[:, None]
    errors = {m: np.mean((reconcile(tree, base, m, past).forecast - truth) ** 2, axis=1) for m in METHODS}
    assert errors["mint_shrink"][0] < 0.1 * errors["bottom_up"][0]
    assert errors["mint_shrink"].mean() <= 1.02 * errors["wls_variance"].mean() < errors["ols"].mean()


def test_hierarchies_name_what_is_wrong() -> None:
    tree = Hierarchy.of(["a", "b"], [])
    assert Hierarchy.of(["a", "b"], [], total="").names == ("a", "b")
    calls = [
        ("base", [1, 2], "ols", None), ("base", [NAN, 1, 2], "ols", None), ("method", [1, 2, 3], "magic", None),
        ("residuals", [1, 2, 3], "wls_variance", None), ("residuals", [1, 2, 3], "mint_shrink", np.ones((3, 2))),
        ("residuals", [1, 2, 3], "wls_variance", np.ones((2, 9))),
    ]  # fmt: skip
    for named, base, method, residuals in calls:
        with pytest.raises(ValueError, match=named):
            reconcile(tree, base, method, residuals)
    with pytest.raises(ValueError, match="levels"):
        Hierarchy.of(["a", "b"], [["x"]])
    with pytest.raises(ValueError, match="names"):
        Hierarchy(tree.sums, ("a",))


def test_tc_34() -> None:
    """TC-34: MAPE 14.6 → 12.3 → 13.6 → 15.3 adds +2.3, −1.3, −1.7, in all −0.7 points; IBF's 40 → 38 adds 2."""
    before, first = value_steps([14.6, 12.3, 13.6, 15.3])
    np.testing.assert_allclose(before[1:], [2.3, -1.3, -1.7])
    assert first[-1] == pytest.approx(-0.7)
    assert value_steps([40, 38])[0][1] == 2


def test_contributors_are_kept_for_real_gains_only() -> None:
    rng = np.random.default_rng(6)
    sold = rng.gamma(9, 10, (30, 24))
    naive = sold + rng.normal(0, 30, sold.shape)
    model = sold + 0.5 * (naive - sold)
    signal = model + np.where(rng.random(sold.shape) < 0.3, rng.normal(0, 1, sold.shape), 0.0)
    boss = signal * 1.3
    hands = {"naive": naive, "model": model, "supplier": signal, "boss": boss}
    found = forecast_value_added(sold, hands)
    assert found.kept.tolist() == [False, True, False, False]
    assert found.error[0] == pytest.approx(np.abs(naive - sold).sum() / sold.sum())
    np.testing.assert_allclose(found.added[1:].sum(), found.since_first[-1])
    assert found.touched[2] == pytest.approx(0.3 * sold.size, rel=0.15)
    assert found.improved[2] == pytest.approx(0.5, abs=0.1)
    assert found.n == sold.size
    for measure in ("mape", "mae", "rmse"):
        assert forecast_value_added(sold, hands, measure).kept[1]
    gaps = sold.copy()
    gaps[:, 3] = NAN
    assert forecast_value_added(gaps, hands).n == sold.size - 30
    assert np.isnan(forecast_value_added([5.0], {"a": [4.0], "b": [5.0]}).p).all()
    for wrong in (
        lambda: forecast_value_added([1], {"a": [1]}),
        lambda: forecast_value_added([1, 2], {"a": [1, 2], "b": [1]}),
    ):
        with pytest.raises(ValueError, match="stages"):
            wrong()
    with pytest.raises(ValueError, match="measure"):
        forecast_value_added([1], {"a": [1], "b": [1]}, "smape")
    with pytest.raises(ValueError, match="errors"):
        value_steps([])


def promoted(seed: int, series: int = 40, weeks: int = 156) -> tuple[Panel, Panel, np.ndarray]:
    """Demand in weeks with offers of two weeks that nearly double it, and two weeks of a quarter less after."""
    rng = np.random.default_rng(seed)
    on, sold, plain = [], [], []
    for _ in range(series):
        active, factor = np.zeros(weeks), np.ones(weeks)
        for start in np.sort(rng.choice(weeks // 6 - 1, 12, replace=False)) * 6:
            active[start : start + 2] = 1
            factor[start : start + 2] *= 1.9
            factor[start + 2 : start + 4] *= 0.75
        level = rng.uniform(2, 60) * (1 + 0.3 * np.cos(2 * np.pi * np.arange(weeks) / 52 + rng.uniform(0, 6)))
        on.append(active)
        plain.append(level)
        sold.append(rng.poisson(level * factor).astype(float))
    return Panel.of(on), Panel.of(sold), np.concatenate(plain)


def test_lift_and_dip_are_found_again() -> None:
    on, sold, plain = promoted(1)
    found = event_effects(sold, promotion_events(on), EventParams(threads=2))
    np.testing.assert_allclose(found.common, [1.9, 0.75, 0.75], rtol=0.04)
    assert (np.abs(np.log(found.common / [1.9, 0.75, 0.75])) < 4 * found.common_error).all()
    assert np.abs(np.log(found.factor[:, 0] / 1.9)).max() < 0.3
    assert found.active[:, 0].tolist() == [int((on[i] > 0).sum()) for i in range(40)]
    assert np.abs(found.baseline / plain - 1).mean() < 0.12
    freed = found.without(sold, promotion_events(on))
    assert np.std(freed.values / plain) < np.std(sold.values / plain)


def test_series_without_promotions_take_the_common_effects() -> None:
    on, sold, _ = promoted(2, 12)
    quiet = Panel.of([*(on[i] for i in range(12)), np.zeros(156), np.zeros(156)])
    rng = np.random.default_rng(0)
    series = Panel.of([*(sold[i] for i in range(12)), rng.poisson(9.0, 156), np.full(156, NAN)])
    found = event_effects(series, promotion_events(quiet))
    np.testing.assert_allclose(found.factor[12:], np.tile(found.common, (2, 1)), rtol=1e-6)
    assert found.active[12:].sum() == 0
    assert (found.error[12] > found.error[0]).all()


def test_forecasts_that_know_of_promotions_are_better() -> None:
    on, sold, _ = promoted(3, 15)
    plain = Exponential(ExponentialParams(forms=("ANN",), nonnegative=True), "simple")
    knowing = WithEvents(plain, promotion_events(on))
    found = tournament(sold, [plain, knowing], TournamentParams(6, origins=4))
    wape = found.accuracy().wape.mean(axis=1)
    assert found.names == ("simple", "simple with events")
    assert wape[1] < 0.9 * wape[0]
    some = knowing.of_series([2, 5]).forecast(sold.until(6).select([2, 5]), 6)
    assert some.shape == (2, 6)


def test_dips_follow_each_promotion_and_other_events_stand_beside() -> None:
    events = promotion_events(Panel.of([[1, 0, 2, 0, 0], [0, 1]]), 2, "offer")
    assert events.names == ("offer", "offer +1", "offer +2")
    assert events.columns[:, 1].tolist() == [0, 1, 0, 2, 0, 0, 0]
    assert events.columns[:, 2].tolist() == [0, 0, 0, 0, 2, 0, 0]
    holiday = Events(np.ones((7, 1)), events.offsets, ("holiday",))
    assert events.beside(holiday).columns.shape == (7, 4)
    assert events.ahead(np.array([3, 0]), 2)[0].tolist() == [[0, 2, 0], [0, 0, 2]]
    for wrong, named in (
        (lambda: events.ahead(np.array([4, 2]), 2), "events"),
        (lambda: events.beside(Events(np.ones((1, 1)), np.array([0, 1]), ("x",))), "other"),
        (lambda: Events(np.ones((2, 2)), np.array([0, 2]), ("x",)), "columns"),
        (lambda: Events(np.ones((2, 1)), np.array([0, 1]), ("x",)), "offsets"),
        (lambda: promotion_events(Panel.of([[NAN]])), "active"),
        (lambda: event_effects(Panel.of([[1, 2, 3]]), Events(np.ones((2, 1)), np.array([0, 2]), ("x",))), "events"),
        (lambda: event_effects(Panel.of([[-1.0]]), Events(np.ones((2, 1)), np.array([0, 2]), ("x",))), "values"),
        (lambda: EventParams(spread=0), "spread"),
        (lambda: EventParams(window=0), "window"),
    ):
        with pytest.raises(ValueError, match=named):
            wrong()
