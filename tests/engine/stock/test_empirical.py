"""What history shows: lead times with open orders, crossing, sums over windows, and when the formula is left."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tierwise.engine.stock import (
    Discrete,
    Histories,
    chosen_reorder_points,
    effective_lead_times,
    empirical_lead_time_demand,
    lead_time_distribution,
)
from tierwise.engine.stock.empirical import METHODS

DAYS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=25)


def test_product_limit_of_the_published_remission_times() -> None:
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    seen = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    found = lead_time_distribution(weeks, seen)
    stays = found.times.above([6, 7, 10, 13, 16, 22, 23])
    assert stays.round(3).tolist() == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert (found.orders, found.open_orders, round(found.unfinished, 3)) == (21, 12, 0.448)


@settings(max_examples=80)
@given(DAYS)
def test_product_limit_against_a_plain_loop(orders: list[tuple[int, bool]]) -> None:
    if not any(done for _, done in orders):
        with pytest.raises(ValueError, match="arrived"):
            lead_time_distribution([d for d, _ in orders], [done for _, done in orders])
        return
    found = lead_time_distribution([d for d, _ in orders], [done for _, done in orders])
    stays = 1.0
    longest = max(d for d, _ in orders)
    for day in range(1, longest):
        waiting = sum(d >= day for d, _ in orders)
        stays *= 1 - sum(done and d == day for d, done in orders) / waiting
        assert float(found.times.above(day)) == pytest.approx(stays, abs=1e-12)
    if all(done for _, done in orders):
        assert float(found.times.mean) == pytest.approx(np.mean([d for d, _ in orders]))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=1, max_size=20))
def test_effective_lead_times_keep_the_mean_and_never_spread_more(orders: list[tuple[int, int]]) -> None:
    start = np.array([s for s, _ in orders])
    end = start + np.array([d for _, d in orders])
    found = effective_lead_times(start, end)
    assert found.effective.mean() == pytest.approx((end - start).mean())
    assert (found.effective >= 0).all()
    assert not found.effective_sd > found.sd + 1e-9
    pairs = list(zip(start, end, strict=True))
    overtaken = any(s1 < s2 and e1 > e2 for (s1, e1), (s2, e2) in product(pairs, repeat=2))
    assert (found.share > 0) == overtaken


def test_windows_and_convolution_against_plain_enumeration() -> None:
    demand = [3.0, 0.0, 5.0, 1.0]
    windows = empirical_lead_time_demand(demand, Discrete([1.5, 3], [0.25, 0.75]))
    expected = [(3, 0.25 / 3), (5, 0.25 / 3), (6, 0.25 / 3), (8, 0.375), (6, 0.375)]
    for x in (2.0, 3.0, 5.0, 6.0, 7.5, 8.0):
        assert float(windows.above(x)) == pytest.approx(sum(q for value, q in expected if value > x))
    mixed = empirical_lead_time_demand(demand, Discrete([1, 3], [0.25, 0.75]), independent=True)
    sums = [(sum(each), 0.75 / 64) for each in product(demand, repeat=3)] + [(v, 0.25 / 4) for v in demand]
    for x in range(16):
        assert float(mixed.above(x)) == pytest.approx(sum(q for value, q in sums if value > x))


def ragged(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(rows).astype(float), np.concatenate([[0], np.cumsum([len(row) for row in rows])])


def histories(demand: list[np.ndarray], lead: list[np.ndarray]) -> Histories:
    return Histories(*ragged(demand), *ragged(lead))


def test_each_broken_assumption_is_found_and_named() -> None:
    draw = np.random.default_rng(11)
    steady, fixed = draw.normal(100, 10, 400), np.full(30, 4.0)
    lumpy = draw.poisson(0.3, 400) * draw.exponential(200, 400)
    chained = np.empty(400)
    chained[0] = 100
    for t in range(1, 400):
        chained[t] = 100 + 0.7 * (chained[t - 1] - 100) + draw.normal(0, 10)
    late = np.where(draw.random(30) < 0.1, 30.0, 4.0)
    slower = np.linspace(2, 9, 30).round()
    found = chosen_reorder_points(
        histories(
            [steady, lumpy, chained, steady, steady, lumpy[:12], steady[:0]],
            [fixed, fixed, fixed, late, slower, fixed[:4], fixed],
        ),
        0.95,
    )
    assert [METHODS[m] for m in found.method] == ["formula"] + ["empirical"] * 4 + ["formula", "none"]
    assert found.why(0) == []
    assert "demand is not normal" in found.why(1)
    assert "demand depends on the period before" in found.why(2)
    assert "lead time is not normal" in found.why(3)
    assert "lead time has a trend" in found.why(4)
    assert "too little history to read a quantile off" in found.why(5)
    assert np.isnan(found.reorder_point[6])


def test_the_numbers_behind_the_choice_are_those_of_scipy_and_of_the_windows() -> None:
    draw = np.random.default_rng(2)
    demand, lead = draw.gamma(2, 30, 300), draw.integers(2, 6, 25).astype(float)
    found = chosen_reorder_points(histories([demand], [lead]), 0.9, review=1)
    exact = empirical_lead_time_demand(demand, Discrete(lead, np.ones(25)), review=1)
    assert found.method[0] == METHODS.index("empirical")
    assert found.reorder_point[0] == pytest.approx(float(exact.quantile(0.9)))
    spread = (lead.mean() + 1) * demand.var(ddof=1) + demand.mean() ** 2 * lead.var(ddof=1)
    assert found.formula[0] == pytest.approx(stats.norm.ppf(0.9) * np.sqrt(spread))
    assert stats.jarque_bera(demand).pvalue < 0.05


def test_on_lumpy_demand_the_quantile_keeps_what_the_formula_does_not() -> None:
    draw = np.random.default_rng(4)
    demand = (draw.random(4000) < 0.08) * draw.lognormal(4, 1, 4000)
    past, future = demand[:2000], demand[2000:]
    found = chosen_reorder_points(histories([past], [np.full(20, 3.0)]), 0.98)
    kept = [
        (np.convolve(future, np.ones(3), "valid") <= point).mean()
        for point in (found.reorder_point[0], found.mean[0] + found.formula[0])
    ]
    assert abs(kept[0] - 0.98) < abs(kept[1] - 0.98)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: lead_time_distribution([1, 2], [True]), "days"),
        (lambda: effective_lead_times([2], [1]), "received"),
        (lambda: empirical_lead_time_demand([1, np.nan], Discrete([1], [1])), "demand"),
        (lambda: empirical_lead_time_demand([1, 2], Discrete([3], [1])), "lead_times"),
        (lambda: Histories(np.ones(3), np.array([0, 2]), np.ones(1), np.array([0, 1])), "demand_at"),
        (lambda: chosen_reorder_points(histories([np.ones(3)], [np.ones(2)]), 1.2), "target"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
