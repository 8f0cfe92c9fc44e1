"""Intervals that cover, warm-up that is found, fits that are honest, and inputs that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.twin import (
    Capacities,
    Demands,
    FitParams,
    Lanes,
    OrderHistory,
    Outages,
    Outcome,
    Precision,
    Runs,
    Spread,
    Stocks,
    Twin,
    calibrate_lane,
    compare,
    fit,
    interval,
    replicate,
    retold,
    simulate,
    warm_up,
    welch,
)


def shop(up_to: float = 60.0, **lanes: object) -> Twin:
    return Twin(
        Stocks("base_stock", up_to=up_to, holding_cost=0.18),
        Lanes(to=[0], lead_time=1, **lanes),
        Demands(stock=[0], amount=Spread.normal(50, 8), waiting_cost=0.70),
    )


def test_results_do_not_depend_on_threads_or_batches() -> None:
    runs = Runs(periods=50, runs=70, seed=4, threads=1)
    whole = simulate(shop(), runs).cost()
    assert simulate(shop(), replace(runs, threads=2)).cost().tolist() == whole.tolist()
    later = simulate(shop(), replace(runs, first_run=40, runs=30)).cost()
    assert later.tolist() == whole[40:].tolist()


def test_runs_until_narrow_stop_where_they_should() -> None:
    found = replicate(shop(56.6), Runs(periods=300, runs=64, warm_up=1), Precision(relative=0.02))
    assert found.reached
    assert found.intervals["cost"].relative <= 0.02 / 1.02
    assert found.runs == found.values["cost"].size
    short = replicate(shop(56.6), Runs(periods=30, runs=64), Precision(relative=1e-4, most=30))
    assert not short.reached
    assert short.runs == 30


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    costs = simulate(shop(56.60395592743389), Runs(periods=101, runs=4000, warm_up=1, seed=8)).cost().reshape(10, 400)
    found = interval(costs, 0.9)
    covered = np.mean((found.low <= 1.997605193176645) & (found.high >= 1.997605193176645))
    assert 0.86 < covered < 0.94


def test_common_random_numbers_save_runs() -> None:
    runs = Runs(periods=400, runs=40, warm_up=1)
    first, second = (simulate(shop(level), runs).cost() for level in (58.0, 60.0))
    found = compare(first, second)
    assert found.correlation > 0.9
    assert found.runs_saved > 5
    apart = simulate(shop(60.0), replace(runs, seed=1)).cost()
    assert compare(first, apart).runs_saved < 2


def test_warm_up_is_found_where_a_network_fills() -> None:
    chain = Twin(
        Stocks("base_stock", up_to=[60, 120, 200], on_hand=0, holding_cost=1),
        Lanes(to=[0, 1, 2], source=[1, 2, -1], lead_time=[1, 2, 4]),
        Demands(stock=[0], amount=Spread.poisson(50), waiting_cost=5),
    )
    course = simulate(chain, Runs(periods=300, runs=50, course=True)).course[:, :, 0]
    found = warm_up(course)
    assert found.found
    assert 5 <= found.periods <= 25
    assert 5 <= welch(course, window=5, tolerance=0.15).periods <= 25


def test_mser_is_the_minimum_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    series = np.exp(-np.arange(400) / 30) * 20 + rng.normal(0, 1, 400)
    z = series.reshape(80, 5).mean(axis=1)
    slow = [np.sum((z[d:] - z[d:].mean()) ** 2) / (80 - d) ** 2 for d in range(41)]
    assert warm_up(series).periods == 5 * int(np.argmin(slow))


def test_p_values_of_fits_are_even_under_the_truth_and_small_under_another() -> None:
    """Parameters are fitted, so textbook p-values would pile up near 1; these agree with SciPy's own bootstrap."""
    rng = np.random.default_rng(5)
    params = FitParams(kinds=("normal",), resamples=99)
    p = np.array([float(fit(rng.normal(10, 2, 40), params).table["ks_p"][0]) for _ in range(120)])
    assert stats.kstest(p, "uniform").pvalue > 0.001
    skewed = fit(rng.exponential(3, 150), FitParams(kinds=("normal", "exponential")))
    assert skewed.kind == "exponential"
    assert float(skewed.table.filter(kind="normal")["ks_p"][0]) <= 0.01


def test_fits_agree_with_scipy() -> None:
    x = np.random.default_rng(2).gamma(3, 2, 300)
    table = fit(x, FitParams(resamples=99)).table
    shape, _, scale = stats.gamma.fit(x, floc=0)
    row = table.filter(kind="gamma")
    assert row["a"][0] == pytest.approx(shape, rel=1e-4)
    assert row["b"][0] == pytest.approx(scale, rel=1e-4)
    assert row["ks"][0] == pytest.approx(stats.kstest(x, stats.gamma(row["a"][0], scale=row["b"][0]).cdf).statistic)
    bent, _, size = stats.weibull_min.fit(x, floc=0)
    assert table.filter(kind="weibull")["b"][0] == pytest.approx(bent, rel=1e-3)
    assert table.filter(kind="weibull")["a"][0] == pytest.approx(size, rel=1e-3)
    oracle = stats.goodness_of_fit(stats.norm, x, statistic="ks", n_mc_samples=499, rng=np.random.default_rng(1)).pvalue
    assert fit(x, FitParams(kinds=("normal",))).table["ks_p"][0] == pytest.approx(oracle, abs=0.03)


def test_counts_are_fitted_with_counts_and_little_history_is_used_as_it_is() -> None:
    rng = np.random.default_rng(3)
    assert fit(rng.negative_binomial(2, 0.2, 300)).kind == "negative_binomial"
    few = fit([3, 3, 8, np.nan])
    assert (few.kind, few.n, few.table.height) == ("empirical", 3, 0)
    assert few.spread.mean[0] == pytest.approx(14 / 3)
    assert fit([7.0] * 50).kind == "empirical"


def test_a_calibrated_lane_retells_the_one_that_made_the_history() -> None:
    rng = np.random.default_rng(1)
    placed = np.arange(400.0)
    quantity = rng.integers(10, 60, 400)
    received = placed + np.ceil(rng.gamma(6, 0.8, 400)) + 0.1 * quantity
    received[received > 400] = np.nan
    delivered = np.where(np.isnan(received), np.nan, quantity * rng.choice([1.0, 0.8], 400, p=[0.7, 0.3]))
    found = calibrate_lane(
        OrderHistory(placed, received, 400, quantity, quantity, delivered=delivered, rejected=0.05 * delivered)
    )
    assert found.per_unit == pytest.approx(0.1, abs=0.02)
    assert found.per_unit_p < 0.001
    assert found.n_open == int(np.isnan(received).sum())
    assert found.kept.mean[0] == pytest.approx(0.94, abs=0.02)
    assert found.usable.mean[0] == pytest.approx(0.95)
    assert found.crossing > 0.2
    assert not found.in_turn
    assert found.lead_time.mean[0] + found.per_unit * quantity.mean() == pytest.approx(8.75, abs=0.3)


def test_retold_sees_a_wrong_twin() -> None:
    rng = np.random.default_rng(0)
    runs, seen = rng.normal(100, 10, (200, 60)), rng.normal(100, 10, 60)
    good, bad = retold(runs, seen), retold(runs + 25, seen)
    assert 0.65 < good.inside < 0.95
    assert good.ks_p > 0.01
    assert bad.inside < 0.3
    assert bad.ks_p < 1e-6
    assert bad.bias - good.bias == pytest.approx(25)
    assert bad.wasserstein == pytest.approx(stats.wasserstein_distance((runs + 25).ravel(), seen))


@settings(max_examples=25, deadline=None)
@given(
    up_to=st.floats(0, 200), lead=st.integers(1, 6), waits=st.floats(0, 1), usable=st.floats(0.2, 1),
    capacity=st.floats(5, 80), seed=st.integers(0, 2**40),
)  # fmt: skip
def test_nothing_is_made_or_lost(
    up_to: float, lead: int, waits: float, usable: float, capacity: float, seed: int
) -> None:
    """Demand is served, lost or owed; what was ordered arrived, spoiled, waits or is under way; stock balances."""
    twin = Twin(
        Stocks("base_stock", up_to=[up_to, 2 * up_to]),
        Lanes(to=[0, 1], source=[1, -1], lead_time=lead, usable=[1, usable], capacity=[-1, 0]),
        Demands(stock=[0, 0], amount=Spread.normal([20, 10], 5), rank=[0, 1], waits=[1, waits]),
        Capacities(capacity),
    )
    found = simulate(twin, Runs(periods=40, runs=5, seed=seed, history=True))
    on_hand, owed, on_order, _ = found.history[:, -1].transpose(2, 0, 1)
    asked, at_once, served, lost = (found.demands[:, :, column].sum(axis=1) for column in range(4))
    assert asked == pytest.approx(served + lost + owed[:, 0], abs=1e-6)
    assert (at_once <= served + 1e-9).all()
    placed, arrived, spoiled = (found.lanes[:, :, column] for column in (0, 3, 4))
    assert placed == pytest.approx(arrived + spoiled + on_order, abs=1e-6)
    assert up_to + arrived[:, 0] == pytest.approx(served + on_hand[:, 0], abs=1e-6)
    assert ((found.utilisation() <= 1 + 1e-9) | np.isnan(found.utilisation())).all()
    assert (on_hand >= 0).all()


def test_more_stock_never_serves_less_on_the_same_luck() -> None:
    rates = [simulate(shop(level), Runs(periods=200, runs=30)).fill_rate() for level in (45.0, 52.0, 60.0)]
    assert (np.diff(rates, axis=0) >= -1e-12).all()


def test_rank_and_reserve_protect_the_first_segment() -> None:
    def rates(**given: object) -> np.ndarray:
        twin = Twin(
            Stocks("base_stock", up_to=110),
            Lanes(to=[0], lead_time=2),
            Demands(stock=[0, 0], amount=Spread.poisson([20, 30]), segment=[0, 1], **given),
        )
        return simulate(twin, Runs(periods=400, runs=20)).fill_rate().mean(axis=0)

    alike, ranked, kept = rates(), rates(rank=[0, 1]), rates(rank=[0, 1], reserve=[0, 15])
    assert ranked[0] > alike[0]
    assert ranked[1] < alike[1]
    assert kept[0] >= ranked[0]
    assert kept[1] < ranked[1]
    assert alike[0] == pytest.approx(alike[1], abs=0.01)


def test_drivers_add_up_to_the_cost() -> None:
    found = simulate(shop(), Runs(periods=60, runs=12))
    assert found.drivers()["cost"].sum() == pytest.approx(found.cost().mean())
    assert found.drivers()["share"].sum() == pytest.approx(1)
    assert sum(part.sum() for part in found.cost_parts().values()) == pytest.approx(found.cost().sum())


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Stocks("always"), "policy"),
        (lambda: Stocks("levels", up_to=5, level=7), "up_to"),
        (lambda: Stocks("base_stock", up_to=float("nan")), "up_to"),
        (lambda: Lanes(to=[0], lead_time=1, per_unit=0.1), "longest"),
        (lambda: Lanes(to=[0], lead_time=1, usable=1.2), "usable"),
        (lambda: Lanes(to=[0], lead_time=1, kept=Spread.normal(0.9, 0.1)), "kept"),
        (lambda: Lanes(to=[0], lead_time=Spread.trace([1.0, 2.0])), "lead_time"),
        (lambda: Demands(stock=[0], amount=5, waits=2), "waits"),
        (lambda: Outages(5, 2, left=-1), "left"),
        (lambda: Twin(Stocks("base_stock"), Lanes([1], 1), Demands([0], 1)), "lanes.to"),
        (lambda: Twin(Stocks("base_stock"), Lanes([0], 1, share=0.5), Demands([0], 1)), "lanes.share"),
        (lambda: Spread.gamma(0, 1), "mean"),
        (lambda: Spread.empirical([]), "samples"),
        (lambda: Spread.negative_binomial(5, 2), "sd"),
        (lambda: Runs(periods=0), "periods"),
        (lambda: Runs(periods=5, warm_up=5), "warm_up"),
        (lambda: Runs(periods=5, first_run=3), "first_run"),
        (lambda: Precision(relative=0), "relative"),
        (lambda: FitParams(kinds=("cauchy",)), "kinds"),
        (lambda: fit([np.nan]), "sample"),
        (lambda: compare([1, 2], [1, 2, 3]), "first"),
        (lambda: warm_up(np.ones(20)), "course"),
        (lambda: interval(3.0), "values"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_named(make: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        make()  # type: ignore[operator]


def test_lanes_in_a_circle_are_refused() -> None:
    ring = Twin(Stocks("base_stock", up_to=[1, 1]), Lanes([0, 1], 1, source=[1, 0]), Demands([0], 1.0))
    with pytest.raises(ValueError, match="circle"):
        simulate(ring, Runs(periods=3))


def test_empty_and_idle_networks_give_nothing_and_nan() -> None:
    idle = simulate(Twin(Stocks("none", up_to=[0, 0]), Lanes([], []), Demands([], [])), Runs(periods=3, runs=2))
    assert isinstance(idle, Outcome)
    assert idle.cost().tolist() == [0, 0]
    assert idle.fill_rate().shape == (2, 0)
    silent = simulate(shop(0.0), Runs(periods=1, runs=2))
    assert np.isnan(silent.on_time()).all()
