"""The same numbers as stockpyl where it computes the same. It is not among the packages that tests need."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tierwise.engine import stock

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("stockpyl", reason="stockpyl, an outside oracle, is not installed")
    from stockpyl.eoq import economic_order_quantity_with_backorders
    from stockpyl.newsvendor import newsvendor_normal, newsvendor_poisson
    from stockpyl.rq import r_q_poisson_exact
    from stockpyl.ss import s_s_discrete_exact
    from stockpyl.supply_uncertainty import eoq_with_disruptions
    from stockpyl.wagner_whitin import wagner_whitin

pytestmark = pytest.mark.filterwarnings("ignore")
CASES = [tuple(row) for row in np.random.default_rng(8).uniform([1, 0.1, 1, 2], [90, 3, 20, 12], (8, 4)).round(3)]


@pytest.mark.parametrize(("fixed", "hold", "short", "mean"), CASES)
def test_one_item_at_a_time(fixed: float, hold: float, short: float, mean: float) -> None:
    once = stock.newsvendor(stock.Distribution("normal", 10 * mean, mean), hold, short)
    assert newsvendor_normal(hold, short, 10 * mean, mean) == pytest.approx((float(once.quantity), float(once.cost)))
    whole = stock.newsvendor(stock.Distribution("poisson", mean), hold, short)
    assert newsvendor_poisson(hold, short, mean) == pytest.approx((float(whole.quantity), float(whole.cost)))
    best = stock.reorder_policy(stock.ReorderParams(fixed, hold, short, mean, 0.5), "poisson")
    assert r_q_poisson_exact(hold, short, fixed, mean, 0.5)[2] == pytest.approx(float(best.cost), rel=1e-6)
    levels = stock.level_policy(stock.Distribution("poisson", mean), fixed, hold, short)
    assert s_s_discrete_exact(hold, short, fixed, True, mean)[2] == pytest.approx(float(levels.cost), rel=1e-5)
    lot = stock.economic_order_quantity(fixed, hold, 100 * mean, short)
    assert economic_order_quantity_with_backorders(fixed, hold, short, 100 * mean)[0] == pytest.approx(
        float(lot.quantity)
    )
    failing = stock.disrupted_order_quantity(fixed, hold, short, 100 * mean, stock.SupplyRisk(1.5, 14))
    assert eoq_with_disruptions(fixed, hold, short, 100 * mean, 1.5, 14)[1] == pytest.approx(float(failing.cost))


def test_known_demand_over_time() -> None:
    draw = np.random.default_rng(4)
    for _ in range(6):
        demand = draw.integers(1, 90, 12)
        _, cost = stock.dynamic_lots(200, 1.5, demand)
        assert wagner_whitin(12, 1.5, 200, demand.tolist())[1] == pytest.approx(float(cost))
