"""The newsvendor: published examples, and that no neighbour is cheaper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import Discrete, Distribution, newsvendor, newsvendor_cost, newsvendor_profit


def test_tc_11_newsvendor_normal() -> None:
    once = newsvendor(Distribution("normal", 50, 8), 0.18, 0.70)
    assert float(once.quantity) == pytest.approx(56.60395592743389, abs=1e-10)
    assert float(once.cost) == pytest.approx(1.997605193176645, abs=1e-10)


def test_tc_11_newsvendor_with_lead_time() -> None:
    once = newsvendor(Distribution("normal", 50, 8), 0.18, 0.70, lead_time=4)
    assert float(once.quantity) == pytest.approx(264.7668943741548, abs=1e-9)
    assert float(once.cost) == pytest.approx(4.466781004149578, abs=1e-10)


def test_tc_11_newsvendor_poisson() -> None:
    once = newsvendor(Distribution("poisson", 6), 1, 4)
    assert float(once.quantity) == 8
    assert float(once.cost) == pytest.approx(3.570106945770946, abs=1e-12)


def test_listed_demand_of_problem_4_7b() -> None:
    demand = Discrete(range(1, 9), [0.25, 0.05, 0.1, 0.2, 0.15, 0.1, 0.1, 0.05])
    assert newsvendor(demand, 500_000, 1_000_000).quantity == 5


def test_explicit_prices_of_example_4_2_and_problem_4_3b() -> None:
    once, profit = newsvendor_profit(Distribution("normal", 50, [8, 10]), [1, 7], [0.3, 2.5], [0.12, 1.5])
    assert once.quantity.round(4).tolist() == [56.604, 59.0846]
    assert profit[0] == pytest.approx(0.7 * 50 - 1.9976052)


@settings(max_examples=60)
@given(
    st.sampled_from([("normal", 50, 8), ("gamma", 20, 9), ("poisson", 6, 1), ("negative_binomial", 9, 5)]),
    st.floats(0.01, 50),
    st.floats(0.01, 50),
    st.floats(0.1, 20),
)
def test_no_other_quantity_is_cheaper(kind: tuple[str, float, float], hold: float, short: float, away: float) -> None:
    demand = Distribution(*kind)
    best = newsvendor(demand, hold, short)
    others = newsvendor_cost(best.quantity + np.array([-away, away]), demand, hold, short)
    assert (others.cost >= best.cost - 1e-7 * (hold + short) * 100).all()
    assert float(best.service) >= float(best.critical_ratio) - 1e-9
    assert best.leftover - best.shortage == pytest.approx(float(best.quantity - demand.mean), abs=1e-7)


def test_batches_broadcast_and_unknown_items_stay_unknown() -> None:
    once = newsvendor(Distribution("normal", [50, np.nan, 70], 8), [[0.18], [0.5]], 0.7)
    assert once.quantity.shape == once.cost.shape == once.critical_ratio.shape == (2, 3)
    assert np.isnan(once.cost[:, 1]).all()
    assert once.quantity[0, 0] == pytest.approx(56.60395592743389)
    assert newsvendor(Distribution("poisson", []), 1, 4).quantity.size == 0


def test_wrong_input_is_named() -> None:
    demand = Distribution("normal", 50, 8)
    with pytest.raises(ValueError, match="holding"):
        newsvendor(demand, 0, 1)
    with pytest.raises(ValueError, match="stockout"):
        newsvendor(demand, 1, -1)
    with pytest.raises(ValueError, match="lead_time"):
        newsvendor(Discrete([1], [1]), 1, 1, lead_time=2)
    with pytest.raises(ValueError, match="salvage"):
        newsvendor_profit(demand, 1, 2)
