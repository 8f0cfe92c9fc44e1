"""One policy for a lane of several segments: each rule, its explanation, overrides and conflicts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.engine.lane_policy import (
    Better,
    Combine,
    FieldRule,
    LaneMix,
    LaneParams,
    Override,
    combine_lane,
    effective_values,
)

RULES = (
    FieldRule("days_to_confirm", Combine.STRICTEST, Better.LOWER),
    FieldRule("cadence", Combine.STRICTEST, Better.LOWER, order=("daily", "weekly", "monthly")),
    FieldRule("service_target", Combine.WEIGHTED, step=Decimal("0.001")),
    FieldRule("flex", Combine.SPLIT),
    FieldRule("minimum_order", Combine.SINGLE),
)
POLICIES: dict[str, dict[str, Any]] = {
    "PREMIUM": {"days_to_confirm": 1, "cadence": "daily", "service_target": Decimal("0.99"), "flex": Decimal("0.3"),
                "minimum_order": 100},
    "BASIC": {"days_to_confirm": 3, "cadence": "monthly", "service_target": Decimal("0.9"), "flex": Decimal("0.1"),
              "minimum_order": 500},
    "COMMON": {"days_to_confirm": 5},
}  # fmt: skip
LANE = LaneMix("L1", {"PREMIUM": 0.25, "BASIC": 0.7, "COMMON": 0.05})


def test_each_rule_and_what_it_says() -> None:
    policy = combine_lane(LANE, POLICIES, RULES)
    assert policy["days_to_confirm"].value == 1
    assert policy["days_to_confirm"].why == "lowest of BASIC 3 (70 %), COMMON 5 (5 %), PREMIUM 1 (25 %)"
    assert policy["cadence"].value == "daily"
    assert policy["service_target"].value == Decimal("0.924")
    assert policy["flex"].per_segment == {"BASIC": Decimal("0.1"), "PREMIUM": Decimal("0.3")}
    assert policy["flex"].value is None
    assert policy.conflicts == ("minimum_order",)
    assert "500" in policy["minimum_order"].why


@pytest.mark.parametrize(
    ("contract", "lead", "expected"), [("BASIC", "PREMIUM", 500), (None, "PREMIUM", 100), ("COMMON", "BASIC", 500)]
)
def test_one_value_is_the_contracts_then_the_leads(contract: str | None, lead: str | None, expected: int) -> None:
    lane = LaneMix("L1", LANE.shares, contract_segment=contract, lead=lead)
    result = combine_lane(lane, POLICIES, RULES)["minimum_order"]
    assert (result.value, result.conflict) == (expected, False)


def test_one_value_that_all_agree_on_is_no_conflict() -> None:
    policies = {segment: {**values, "minimum_order": 50} for segment, values in POLICIES.items()}
    assert combine_lane(LANE, policies, RULES)["minimum_order"].value == 50


def test_small_shares_do_not_set_the_pace_but_are_shown() -> None:
    lane = LaneMix("L1", {"PREMIUM": 0.01, "BASIC": 0.99})
    result = combine_lane(lane, POLICIES, RULES, LaneParams(least_share=0.05))["days_to_confirm"]
    assert result.value == 3
    assert [(source.segment, source.counted) for source in result.sources] == [("BASIC", True), ("PREMIUM", False)]
    assert result.why.endswith("too small a share to count: PREMIUM")
    everybody = combine_lane(lane, POLICIES, RULES, LaneParams(least_share=1.0))["days_to_confirm"]
    assert everybody.value == 1


def test_higher_may_be_the_stricter_end() -> None:
    rule = FieldRule("service_target", Combine.STRICTEST, Better.HIGHER)
    assert combine_lane(LANE, POLICIES, [rule])["service_target"].value == Decimal("0.99")


def test_an_override_holds_until_its_day_and_keeps_the_computed_reason() -> None:
    override = Override("days_to_confirm", 2, date(2025, 6, 30), "plant move", "J. Doe")
    on_time = combine_lane(LANE, POLICIES, RULES, LaneParams((override,), date(2025, 6, 30)))["days_to_confirm"]
    assert (on_time.value, on_time.override) == (2, override)
    assert on_time.why.startswith("set to 2 by J. Doe until 2025-06-30: plant move (computed: lowest of")
    assert combine_lane(LANE, POLICIES, RULES, LaneParams((override,), date(2025, 7, 1)))["days_to_confirm"].value == 1
    decided = Override("minimum_order", 250, date(2025, 6, 30), "agreed", "J. Doe")
    assert combine_lane(LANE, POLICIES, RULES, LaneParams((decided,), date(2025, 6, 1))).conflicts == ()


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="on is missing"):
        LaneParams((Override("flex", 1, date(2025, 1, 1), "", ""),))
    twice = tuple(Override("flex", value, date(2025, 1, 1), "", "") for value in (1, 2))
    with pytest.raises(ValueError, match="two overrides"):
        LaneParams(twice, date(2025, 1, 1))
    assert LaneParams(twice, date(2025, 1, 2)).active == {}
    with pytest.raises(ValueError, match="least_share"):
        LaneParams(least_share=2.0)
    with pytest.raises(ValueError, match="no policy for segment NEW"):
        combine_lane(LaneMix("L1", {"NEW": 1.0}), POLICIES, RULES)
    with pytest.raises(ValueError, match="cadence: 'hourly'"):
        combine_lane(LaneMix("L1", {"X": 1.0}), {"X": {"cadence": "hourly"}}, RULES)
    with pytest.raises(ValueError, match="needs better"):
        FieldRule("days", Combine.STRICTEST)
    with pytest.raises(ValueError, match="lane L1: shares"):
        LaneMix("L1", {"P": -0.1})


def test_a_lane_without_demand_has_no_values() -> None:
    policy = combine_lane(LaneMix("L1", {}), POLICIES, RULES)
    assert policy["days_to_confirm"].value is None
    assert policy["days_to_confirm"].why == "no segment of the lane sets it"


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 1000), min_size=2, max_size=2).filter(any))
def test_divided_amounts_sum_to_the_total(units: int, weights: list[int]) -> None:
    lane = LaneMix("L1", dict(zip(["PREMIUM", "BASIC"], map(float, weights), strict=True)))
    total = Decimal(units) / 100
    divided = combine_lane(lane, POLICIES, RULES).divide("flex", total, Decimal("0.01"))
    assert sum(divided.values()) == total
    for segment, amount in divided.items():
        share = Decimal(weights[["PREMIUM", "BASIC"].index(segment)]) / sum(weights)
        assert abs(amount - total * share) <= Decimal("0.0101")


def test_amounts_that_do_not_fit_the_step_are_refused() -> None:
    policy = combine_lane(LANE, POLICIES, RULES)
    with pytest.raises(ValueError, match="multiple of step"):
        policy.divide("flex", Decimal("1.005"), Decimal("0.01"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["PREMIUM", "BASIC", "COMMON"]), st.integers(1, 99)),
                min_size=1, max_size=9, unique_by=lambda row: row[:2]))  # fmt: skip
def test_many_lanes_at_once_equal_one_by_one(rows: list[tuple[str, str, int]]) -> None:
    shares = pl.DataFrame(rows, schema={"lane": pl.String, "segment": pl.String, "share": pl.Float64}, orient="row")
    fields = ("days_to_confirm", "service_target")
    long = [
        (segment, name, float(values[name]))
        for segment, values in POLICIES.items()
        for name in fields
        if name in values
    ]
    policies = pl.DataFrame(long, schema=["segment", "field", "value"], orient="row")
    bulk = effective_values(shares, policies, RULES, least_share=0.2)
    for lane in {row[0] for row in rows}:
        mix = LaneMix(lane, {segment: float(share) for code, segment, share in rows if code == lane})
        one = combine_lane(mix, POLICIES, RULES, LaneParams(least_share=0.2))
        found = dict(bulk.filter(pl.col("lane") == lane).select("field", "value").iter_rows())
        assert {name for name in fields if one[name].value is not None} == found.keys()
        for name, value in found.items():
            assert value == pytest.approx(float(one[name].value), abs=0.0005 + 1e-9)  # type: ignore[arg-type]
