"""Supply that fails: published examples, plain sums and searches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import (
    SupplyRisk,
    disrupted_base_stock,
    disrupted_cost,
    disrupted_order_quantity,
    recovery_buffer,
    yield_newsvendor,
    yield_order_quantity,
)


def test_tc_12_lot_under_disruptions() -> None:
    lot = disrupted_order_quantity(8, 0.225, 5, 1300, SupplyRisk(1.5, 14))
    assert float(lot.quantity) == pytest.approx(772.8110739983106, rel=1e-6)
    assert float(lot.cost) == pytest.approx(173.95000257319708, abs=1e-8)
    assert float(lot.naive_cost) == pytest.approx(248.25907359137173, abs=1e-8)


def test_tc_12_base_stock_under_disruptions() -> None:
    risk = SupplyRisk(0.04, 0.25)
    found = disrupted_base_stock(2000, 0.25, 3, risk)
    assert float(found.level) == 8000
    assert float(found.cost) == pytest.approx(2737.068965490435, abs=1e-6)
    assert disrupted_cost([2000, 12000], 2000, 0.25, 3, risk).cost.round(4).tolist() == [3310.3448, 3075.1616]


def test_tc_12_newsvendor_with_additive_yield() -> None:
    assert float(yield_newsvendor(1.5, 15e6, 75e6, (-0.5, 0.5)).quantity) == pytest.approx(1.5 + 1 / 3, abs=1e-12)


@settings(max_examples=60)
@given(st.floats(1, 300), st.floats(0.1, 5), st.floats(5, 60), st.floats(0.1, 4), st.floats(2, 40))
def test_no_lot_on_a_grid_is_cheaper(fixed: float, hold: float, lost: float, fail: float, mend: float) -> None:
    rate = 500.0
    best = disrupted_order_quantity(fixed, hold, lost, rate, SupplyRisk(fail, mend))
    lots = np.geomspace(float(best.naive) / 50, float(best.naive) * 200, 4000)
    down = fail / (fail + mend) * (1 - np.exp(-(fail + mend) * lots / rate))
    tried = (fixed + hold * lots**2 / (2 * rate) + lost * rate * down / mend) / (lots / rate + down / mend)
    assert float(best.cost) <= tried.min() * (1 + 1e-9)
    assert float(best.quantity) >= float(best.naive) * (1 - 1e-6) or float(best.cost) <= float(best.naive_cost)


@settings(max_examples=60)
@given(st.floats(0.01, 0.9), st.floats(0.05, 0.95), st.floats(0.1, 5), st.floats(0.5, 60), st.floats(0, 12))
def test_cost_of_a_level_is_the_plain_sum(fail: float, mend: float, hold: float, short: float, periods: float) -> None:
    risk, demand = SupplyRisk(fail, mend), 100.0
    n = np.arange(600)
    chance = np.where(n == 0, mend, fail * mend * (1 - mend) ** np.maximum(n - 1, 0)) / (fail + mend)

    def plain(level: float) -> float:
        gap = level - (n + 1) * demand
        return float(chance @ (hold * np.maximum(gap, 0) + short * np.maximum(-gap, 0)))

    found = disrupted_cost(periods * demand, demand, hold, short, risk)
    assert float(found.cost) == pytest.approx(plain(periods * demand), rel=1e-6)
    best = disrupted_base_stock(demand, hold, short, risk)
    for covered in range(40):
        assert float(best.cost) <= plain(covered * demand) * (1 + 1e-6)


def test_supply_that_always_mends_at_once() -> None:
    found = disrupted_base_stock(100, 1, [0.5, 9.0], SupplyRisk(0.5, 1.0))
    assert found.level.tolist() == [100, 200]


@settings(max_examples=40)
@given(st.floats(0.3, 1), st.floats(0, 0.4), st.floats(0.8, 1.25))
def test_lots_under_random_yield_have_no_cheaper_neighbour(mean: float, sd: float, stretch: float) -> None:
    fixed, hold, rate = 18500.0, 0.06, 75000.0

    def cost(lot: float) -> float:
        return fixed * rate / (mean * lot) + hold * lot * (mean**2 + sd**2) / (2 * mean)

    best = yield_order_quantity(fixed, hold, rate, (mean, sd))
    assert float(best.cost) == pytest.approx(cost(float(best.quantity)))
    assert float(best.cost) <= cost(float(best.quantity) * stretch) * (1 + 1e-12)


def test_yield_examples_9_4_and_9_5() -> None:
    added = yield_order_quantity(18500, 0.06, 75000, (-15000, 9000), additive=True)
    assert (float(added.quantity), float(added.cost)) == pytest.approx((230246.37046881882, 12914.78222812913))
    part = yield_order_quantity(18500, 0.06, 75000, (0.8333333333333334, 0.14085904245475275))
    assert (float(part.quantity), float(part.cost)) == pytest.approx((254460.21299998942, 13086.525239999457))


def test_yield_newsvendor_cost_is_the_integral() -> None:
    found = yield_newsvendor(25, 150, 1200, (-5, 0))
    y = np.linspace(-5, 0, 200_001)
    gap = float(found.quantity) + y - 25
    assert float(found.cost) == pytest.approx(np.mean(np.where(gap > 0, 150 * gap, -1200 * gap)), rel=1e-4)


def test_cover_until_recovery() -> None:
    assert recovery_buffer([40, 40, np.nan], [10, 3, 3], 4).tolist()[:2] == [240, 0]
    assert np.isnan(recovery_buffer(np.nan, 3))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: SupplyRisk(0, 1), "failing"),
        (lambda: disrupted_base_stock(1, 1, 1, SupplyRisk(2, 3)), "failing"),
        (lambda: disrupted_order_quantity(1, 1, -1, 1, SupplyRisk(1, 1)), "stockout"),
        (lambda: yield_newsvendor(1, 1, 1, (1, 0)), "yields"),
        (lambda: recovery_buffer(1, -1), "time_to_recover"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
