"""Vendor-managed stock: bands, proposals that keep them, and how they were kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import ReplenishmentRules, band_kept, lead_time_demand, propose_replenishment, vendor_band


def test_a_band_covers_the_lead_time_in_whole_packs() -> None:
    band = vendor_band(lead_time_demand((2500, 500), (2, 0)), [0.5, 0.92, 0.98], lot=9_950, pack=100)
    assert band.minimum.tolist() == [5000, 6000, 6500]
    assert (band.maximum - band.minimum).tolist() == [10_000] * 3
    assert band.average.tolist() == [5000, 6000, 6500]
    assert np.isnan(vendor_band(lead_time_demand((np.nan, 1), (2, 0)), 0.9, 10).minimum)


@settings(max_examples=100)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=20),
    st.integers(0, 40),
    st.integers(1, 5),
    st.integers(5, 20),
    st.integers(0, 4),
)
def test_proposals_keep_the_band(demand: list[int], stock: int, pack: int, minimum: int, lead: int) -> None:
    rules = ReplenishmentRules(minimum, minimum + 3 * pack, lead_time=lead, pack=pack)
    found = propose_replenishment(stock, demand, 0, rules)
    assert found.projected == pytest.approx(stock - np.cumsum(demand) + np.cumsum(found.deliver))
    assert (found.deliver % pack == 0).all()
    assert (found.deliver[:lead] == 0).all()
    assert (found.projected[lead:] >= minimum).all()
    assert (found.projected[found.deliver > 0] <= minimum + 3 * pack).all()
    before = found.projected - found.deliver
    assert (before[found.deliver > 0] < minimum).all()
    assert ((found.state == -1) == (found.projected < minimum)).all()


def test_lots_and_receipts_on_their_way() -> None:
    most = ReplenishmentRules(50, 80, largest=20)
    assert propose_replenishment(10, [5, 0], [0, 0], most).deliver.tolist() == [60, 0]
    least = ReplenishmentRules(10, 12, smallest=30)
    assert propose_replenishment(10, [5, 0], 0, least).projected.tolist() == [35, 35]
    assert propose_replenishment(10, [5, 0], 0, least).state.tolist() == [1, 1]
    assert propose_replenishment(10, [5, 5], [5, 5], ReplenishmentRules(10, 20)).deliver.tolist() == [0, 0]
    many = propose_replenishment([10, np.nan], np.full((2, 3), 4.0), 0, ReplenishmentRules([8, 8], 20))
    assert many.deliver[0].tolist() == [14, 0, 0]
    assert np.isnan(many.projected[1]).all()


def test_how_a_band_was_kept() -> None:
    kept = band_kept([[5, 8, 20, 25], [np.nan, 0, 10, 10], [np.nan] * 4], [8, 8, 8], 20)
    assert kept.inside[:2] == pytest.approx([0.5, 2 / 3])
    assert kept.stocked_out[:2] == pytest.approx([0, 1 / 3])
    assert kept.units_below.tolist() == [3, 8, 0]
    assert kept.units_above.tolist() == [5, 0, 0]
    assert kept.periods.tolist() == [4, 3, 0]
    assert np.isnan(kept.inside[2])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: ReplenishmentRules(9, 8), "maximum"),
        (lambda: ReplenishmentRules(1, 8, pack=4, largest=3), "largest"),
        (lambda: ReplenishmentRules(1, 8, lead_time=1.5), "lead_time"),
        (lambda: band_kept([1], 3, 2), "maximum"),
        (lambda: propose_replenishment(1, 5, 0, ReplenishmentRules(1, 2)), "demand"),
        (lambda: vendor_band(lead_time_demand((1, 1), (1, 0)), 1.0, 5), "target"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
