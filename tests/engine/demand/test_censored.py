"""Demand behind stockouts: a published sample, SciPy's optimiser as another way to the same maximum, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from tierwise.engine.demand import CensoredParams, demand_rate, uncensored_demand

GUPTA = [1.613, 1.644, 1.663, 1.732, 1.740, 1.763, 1.778, 1.778, 1.778, 1.778]


def test_gupta_seven_of_ten() -> None:
    """Biometrika 39 (1952): mean 1.742, standard deviation 0.079."""
    found = uncensored_demand(GUPTA, [False] * 7 + [True] * 3)
    assert found.mean[0] == pytest.approx(1.742, abs=5e-4)
    assert found.sd[0] == pytest.approx(0.079, abs=5e-4)
    assert bool(found.converged[0])


@pytest.mark.parametrize("model", ["normal", "lognormal", "poisson"])
def test_it_is_the_maximum_of_the_likelihood(model: str) -> None:
    rng = np.random.default_rng(17)
    demand = {"normal": rng.normal(50, 9, 80), "lognormal": rng.lognormal(3, 0.4, 80), "poisson": rng.poisson(7, 80)}
    drawn = demand[model].astype(float)
    stock = np.full(80, np.quantile(drawn, 0.6))
    sales, cut = np.minimum(drawn, stock), drawn >= stock
    found = uncensored_demand(sales, cut, CensoredParams(model))  # type: ignore[arg-type]

    def loss(theta: np.ndarray) -> float:
        if model == "poisson":
            rate = float(np.exp(theta[0]))
            return -float(
                stats.poisson.logpmf(sales[~cut], rate).sum() + stats.poisson.logsf(sales[cut] - 1, rate).sum()
            )
        values = np.log(sales) if model == "lognormal" else sales
        law = stats.norm(theta[0], np.exp(theta[1]))
        return -float(law.logpdf(values[~cut]).sum() + law.logsf(values[cut]).sum())

    start = [np.log(7.0)] if model == "poisson" else ([3.0, -1.0] if model == "lognormal" else [50.0, 2.0])
    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}).x
    if model == "poisson":
        expected = (np.exp(best[0]), np.sqrt(np.exp(best[0])))
    elif model == "normal":
        expected = (best[0], np.exp(best[1]))
    else:
        law = stats.lognorm(np.exp(best[1]), scale=np.exp(best[0]))
        expected = (law.mean(), law.std())
    assert (found.mean[0], found.sd[0]) == pytest.approx(expected, rel=1e-5)
    assert found.mean[0] > found.sales_mean[0]


def test_what_is_lost_is_what_conditional_expectation_says() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.normal(100, 20, (2, 400))
    sales, cut = np.minimum(drawn, 105), drawn >= 105
    found = uncensored_demand(sales, cut)
    truth = np.where(cut, drawn - 105, 0).sum(axis=1)
    assert found.lost == pytest.approx(truth, rel=0.2)
    beyond = stats.truncnorm.mean((105 - found.mean[0]) / found.sd[0], np.inf, found.mean[0], found.sd[0])
    assert found.expected[0][cut[0]] == pytest.approx(float(beyond), rel=1e-6)
    assert (found.expected[~cut] == sales[~cut]).all()


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(1, 30), min_size=4, max_size=15), cuts=st.integers(0, 3),
    model=st.sampled_from(["normal", "lognormal", "poisson"]), factor=st.sampled_from([1.0, 10.0]),
)  # fmt: skip
def test_a_cut_period_never_lowers_the_answer(values: list[int], cuts: int, model: str, factor: float) -> None:
    sales = np.array(values, dtype=float) * factor
    flags = np.arange(len(values)) < cuts
    if len(values) - cuts < 2:
        return
    params = CensoredParams(model, tolerance=1e-7)  # type: ignore[arg-type]
    with_cuts, without = uncensored_demand(sales, flags, params), uncensored_demand(sales, flags & False, params)
    assert with_cuts.mean[0] >= without.mean[0] * (1 - 1e-6)
    assert (with_cuts.expected >= sales - 1e-9).all()
    assert with_cuts.lost[0] >= -1e-9
    if model != "lognormal":
        assert without.mean[0] == pytest.approx(sales.mean())


def test_nothing_but_stockouts_has_no_answer_and_neither_has_nothing() -> None:
    found = uncensored_demand([[3.0, 4, 5], [np.nan] * 3], [[True] * 3, [False] * 3])
    assert np.isnan(found.mean).all()
    assert np.isnan(found.expected[0]).all()
    assert found.censored.tolist() == [3, 0]
    assert not found.converged.any()
    assert uncensored_demand(np.empty((0, 3)), np.empty((0, 3), dtype=bool)).mean.shape == (0,)


def test_far_tails_stay_finite() -> None:
    sales, cut = [1.0, 2, 1, 2, 400], [False] * 4 + [True]
    for model in ("normal", "lognormal", "poisson"):
        found = uncensored_demand(sales, cut, CensoredParams(model))  # type: ignore[arg-type]
        assert np.isfinite(found.mean).all()
        assert found.expected[0, 4] >= 400


def test_rate_by_time_in_stock() -> None:
    """Evenly coming demand of 8 a day, a third of the time out of stock."""
    rng = np.random.default_rng(1)
    share = rng.uniform(0.2, 1, (50, 200))
    found = demand_rate(rng.poisson(8 * share), share)
    assert found.rate.mean() == pytest.approx(8, rel=0.01)
    assert found.rate.std() == pytest.approx(found.standard_error.mean(), rel=0.3)
    none = demand_rate([[0.0, np.nan]], [[0.0, 1.0]])
    assert np.isnan(none.rate[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uncensored_demand([1.0, 2], [0, 1]), "stockout: must be booleans"),
        (lambda: uncensored_demand([1.0, 2], [True]), "stockout: has shape"),
        (lambda: uncensored_demand([-1.0, 2], [True, False], CensoredParams("poisson")), "sales: must be 0 or more"),
        (lambda: uncensored_demand([0.0, 2], [True, False], CensoredParams("lognormal")), "sales: must be above 0"),
        (lambda: CensoredParams("gamma"), "model"),  # type: ignore[arg-type]
        (lambda: CensoredParams(least_seen=1), "least_seen"),
        (lambda: CensoredParams(rounds=0), "rounds"),
        (lambda: demand_rate([1.0], [0.0]), "in_stock: is 0 in a period with sales"),
        (lambda: demand_rate([1.0], [1.5]), "in_stock: must lie between 0 and 1"),
        (lambda: demand_rate([1.0], [1.0, 1.0]), "in_stock: has shape"),
    ],
)
def test_wrong_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
