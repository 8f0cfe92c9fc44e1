"""Safety stock and service: the textbook's numbers, inverses of each other, and simulated cycles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import (
    LeadTimeDemand,
    cost_of_service,
    lead_time_demand,
    service_of,
    stock_for_cycle_service,
    stock_for_fill_rate,
)

WEEKLY = lead_time_demand((2500, 500), (2, 0))


def test_tc_09_random_lead_time() -> None:
    over = lead_time_demand((2500, 500), (7, 7))
    assert float(over.sd) == pytest.approx(17549.9288, abs=1e-4)
    assert float(stock_for_cycle_service(0.90, over)) == pytest.approx(22491.1387, abs=1e-4)


def test_tc_10_fill_rate_of_a_reorder_point() -> None:
    found = service_of(6000, 10_000, WEEKLY)
    assert float(WEEKLY.sd) == pytest.approx(707.10678, abs=1e-5)
    assert float(found.safety_stock) == pytest.approx(1000)
    assert float(found.shortage) == pytest.approx(25.12727, abs=1e-5)
    assert float(found.fill_rate) == pytest.approx(0.9974873, abs=1e-7)
    assert float(found.cycle_service) == pytest.approx(0.9214, abs=1e-4)


def test_tc_10_stock_for_a_fill_rate() -> None:
    stock = stock_for_fill_rate([0.975, 0.99, 0.999], 10_000, WEEKLY)
    assert stock == pytest.approx([66.6976, 499.2523, 1275.4292], abs=1e-4)


def test_tc_10_reorder_point_of_the_carpet() -> None:
    over = lead_time_demand((30, 5), (10, 0))
    assert 1.65 * float(over.sd) == pytest.approx(26.1, abs=0.05)
    assert float(over.mean) + 1.65 * float(over.sd) == pytest.approx(326.1, abs=0.05)


@settings(max_examples=80)
@given(st.floats(0.3, 0.9999), st.floats(0.2, 50), st.floats(1, 800), st.booleans())
def test_fill_rate_both_ways(target: float, lots: float, sd: float, exact: bool) -> None:
    over = LeadTimeDemand(np.asarray(3000.0), np.asarray(sd))
    stock = stock_for_fill_rate(target, lots * sd, over, exact)
    back = service_of(over.mean + stock, lots * sd, over, exact)
    assert float(back.fill_rate) == pytest.approx(target, abs=1e-9)
    if exact:
        assert float(stock) <= float(stock_for_fill_rate(target, lots * sd, over)) + 1e-6 * sd


@settings(max_examples=40)
@given(st.floats(0.01, 0.99))
def test_cycle_service_both_ways(target: float) -> None:
    stock = stock_for_cycle_service(target, WEEKLY)
    assert float(service_of(5000 + stock, 10_000, WEEKLY).cycle_service) == pytest.approx(target)


def test_exact_fill_rate_is_what_simulated_lots_serve() -> None:
    """Reorder at R, one lot of Q: position is uniform on R … R + Q, so shortages of n(R) − n(R + Q) a lot."""
    draw = np.random.default_rng(3)
    lot, sd, mean, point = 600.0, 500.0, 5000.0, 5300.0
    position = draw.uniform(point, point + lot, 400_000)
    level = position - draw.normal(mean, sd, position.size)
    found = service_of(point, lot, LeadTimeDemand(np.asarray(mean), np.asarray(sd)), exact=True)
    # Units short per unit demanded is the share of time that the level is below zero.
    assert 1 - float(found.fill_rate) == pytest.approx((level < 0).mean(), abs=4e-3)


def test_random_sums_have_the_deviation_of_the_formula() -> None:
    draw = np.random.default_rng(5)
    lead = draw.integers(3, 12, 60_000)
    sums = draw.normal(100 * lead, 20 * np.sqrt(lead))
    over = lead_time_demand((100, 20), (lead.mean(), lead.std()))
    assert float(over.sd) == pytest.approx(sums.std(), rel=0.02)
    assert float(over.mean) == pytest.approx(sums.mean(), rel=0.01)


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.5, 0.9])
def test_dependent_periods_add_up_as_their_covariances_do(rho: float) -> None:
    covariance = rho ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    over = lead_time_demand((10, 3), (4, 0), review=2, correlation=rho)
    assert float(over.sd) == pytest.approx(3 * np.sqrt(covariance.sum()))


def test_review_periods_count_like_lead_time() -> None:
    assert lead_time_demand((10, 3), (4, 1), review=2).mean == 60
    assert float(lead_time_demand((10, 3), (4, 1), review=2).sd) == pytest.approx(np.sqrt(6 * 9 + 100))


def test_certain_and_unknown_items() -> None:
    over = LeadTimeDemand(np.array([100.0, np.nan]), np.array([0.0, 5.0]))
    assert stock_for_fill_rate(0.9, 50, over)[0] == pytest.approx(-5)
    found = service_of([95, 100], 50, over)
    assert found.fill_rate[0] == pytest.approx(0.9)
    assert found.cycle_service[0] == 0
    assert np.isnan(found.fill_rate[1])
    assert np.isnan(found.cycle_service[1])
    assert stock_for_fill_rate(0.9, 50, LeadTimeDemand(np.array([]), np.array([]))).size == 0


def test_each_percent_costs_more_than_the_one_before() -> None:
    targets = np.linspace(0.9, 0.999, 12)
    _, cost, step = cost_of_service(
        targets, [10_000, 4_000], lead_time_demand(([2500, 900], [500, 300]), ([2, 3], 0)), [2.0, 5.0]
    )
    assert cost.shape == (2, 12)
    assert (np.diff(step[:, :-1], axis=1) > 0).all()
    assert np.isnan(step[:, -1]).all()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: stock_for_fill_rate(1.0, 10, WEEKLY), "target"),
        (lambda: stock_for_fill_rate(0.9, 0, WEEKLY), "quantity"),
        (lambda: lead_time_demand((1, -1), (1, 1)), "demand"),
        (lambda: lead_time_demand((1, 1), (1, 1), correlation=1), "correlation"),
        (lambda: cost_of_service([0.9, 0.8], 1, WEEKLY, 1), "targets"),
        (lambda: LeadTimeDemand(np.asarray(-1.0), np.asarray(1.0)), "mean"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
