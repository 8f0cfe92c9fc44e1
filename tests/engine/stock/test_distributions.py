"""Probability, loss and quantile of every kind against SciPy's distributions and plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tierwise.engine.stock import Discrete, Distribution, inverse_normal_loss, normal_loss


def frozen(kind: str, mean: float, sd: float):  # type: ignore[no-untyped-def]
    if kind == "normal":
        return stats.norm(mean, sd)
    if kind == "gamma":
        return stats.gamma((mean / sd) ** 2, scale=sd**2 / mean)
    if kind == "lognormal":
        spread = np.sqrt(np.log1p((sd / mean) ** 2))
        return stats.lognorm(spread, scale=mean * np.exp(-(spread**2) / 2))
    if kind == "uniform":
        return stats.uniform(mean - np.sqrt(3) * sd, 2 * np.sqrt(3) * sd)
    if kind == "poisson":
        return stats.poisson(mean)
    return stats.nbinom(mean**2 / (sd**2 - mean), mean / sd**2)


KINDS = [("normal", 50, 8), ("gamma", 20, 9), ("lognormal", 30, 12), ("uniform", 12, 3)]
WHOLE = [("poisson", 6, np.nan), ("poisson", 140, np.nan), ("negative_binomial", 9, 5)]


@pytest.mark.parametrize(("kind", "mean", "sd"), KINDS)
def test_continuous_kinds_agree_with_scipy(kind: str, mean: float, sd: float) -> None:
    ours, theirs = Distribution(kind, mean, sd), frozen(kind, mean, sd)
    p = np.array([0.001, 0.1, 0.5, 0.9, 0.99999])
    x = theirs.ppf(p)
    assert np.allclose(ours.quantile(p), x, rtol=1e-10)
    assert np.allclose(ours.above(x), theirs.sf(x), rtol=1e-9)
    top = theirs.ppf(1 - 1e-15)
    loss = [integrate.quad(theirs.sf, at, top, epsabs=1e-12, limit=200)[0] for at in x]
    assert np.allclose(ours.loss(x), loss, atol=1e-8)
    second = [integrate.quad(lambda y, at=at: (y - at) * theirs.sf(y), at, top, limit=200)[0] for at in x]
    assert np.allclose(ours.second_loss(x), second, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("kind", "mean", "sd"), WHOLE)
def test_whole_kinds_agree_with_plain_sums(kind: str, mean: float, sd: float) -> None:
    ours, theirs = Distribution(kind, mean, sd), frozen(kind, mean, sd)
    p = np.array([1e-6, 0.1, 0.5, 0.9, 0.9999])
    assert ours.quantile(p).tolist() == theirs.ppf(p).tolist()
    units = np.arange(0, 2000)
    mass = theirs.pmf(units)
    for x in (-1.0, 0.0, 3.0, 3.5, 8.0, float(mean)):
        assert ours.above(x) == pytest.approx(mass[units > x].sum(), rel=1e-9)
        assert ours.loss(x) == pytest.approx((np.maximum(units - x, 0) * mass).sum(), rel=1e-9)
        assert ours.second_loss(x) == pytest.approx((np.maximum(units - x, 0) ** 2 * mass).sum() / 2, rel=1e-9)


def test_listed_demand_agrees_with_plain_sums() -> None:
    ours = Discrete([3, 1, 3, 7], [1, 2, 1, 4])
    assert ours.values.tolist() == [1, 3, 7]
    assert ours.probabilities.tolist() == [0.25, 0.25, 0.5]
    for x in (0.0, 1.0, 2.5, 7.0, 9.0):
        assert ours.loss(x) == pytest.approx(sum(q * max(v - x, 0) for v, q in ((1, 0.25), (3, 0.25), (7, 0.5))))
    assert ours.quantile([0.2, 0.25, 0.26, 0.5, 0.51]).tolist() == [1, 1, 3, 3, 7]
    assert np.isnan(ours.quantile(np.nan))


@settings(max_examples=80)
@given(st.floats(-4, 12))
def test_the_inverse_of_the_loss_takes_back(z: float) -> None:
    assert float(inverse_normal_loss(normal_loss(z))) == pytest.approx(z, abs=1e-8)


@settings(max_examples=60)
@given(st.sampled_from(KINDS + WHOLE), st.floats(-20, 200), st.floats(0, 30))
def test_loss_is_convex_falls_and_bounds_hold(kind: tuple[str, float, float], x: float, step: float) -> None:
    demand = Distribution(*kind)
    a, b, c = demand.loss([x, x + step, x + 2 * step])
    slack = 1e-7 * (1 + abs(x))
    assert a >= b - slack
    assert b >= c - slack
    assert a + c >= 2 * b - slack
    assert a >= max(float(demand.mean) - x, 0) - slack


def test_certain_and_unknown_demand_is_defined() -> None:
    certain = Distribution("normal", [10.0, np.nan], 0.0)
    assert certain.quantile(0.9)[0] == 10
    assert certain.loss(7.0)[0] == 3
    assert certain.loss(12.0)[0] == 0
    assert certain.second_loss(7.0)[0] == pytest.approx(4.5)
    assert np.isnan(certain.quantile(0.9)[1])
    assert np.isnan(certain.loss(7.0)[1])
    assert Distribution("gamma", 10.0, 0.0).loss(7.0) == pytest.approx(3)
    assert Distribution("normal", [], []).quantile(0.5).size == 0
    assert Distribution("poisson", 0.0).quantile(0.99) == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Distribution("weibull", 1, 1), "kind"),
        (lambda: Distribution("normal", 1, -1), "sd"),
        (lambda: Distribution("gamma", 0, 1), "mean"),
        (lambda: Distribution("negative_binomial", 9, 3), "sd"),
        (lambda: Distribution("normal", [1, 2], [1, 2, 3]), "shapes"),
        (lambda: Distribution("normal", "many", 1), "mean"),
        (lambda: Distribution("normal", 1, 1).quantile(1.0), "p:"),
        (lambda: Discrete([], []), "values"),
        (lambda: Discrete([1, np.nan], [1, 1]), "values"),
        (lambda: inverse_normal_loss(0.0), "loss"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
