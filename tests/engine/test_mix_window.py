"""Mixes frozen per period, and the mix of lanes that customers approve."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tierwise.engine.mix import WindowParams, joined_mixes, lane_mix, mixes_in_turn, segment_mix, window_mix

STARTS = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)]


def _demand(*rows: tuple[date, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["date", "item", "segment", "units"], orient="row")


def _told(frame: pl.DataFrame, item: str) -> list[tuple[Any, ...]]:
    rows = frame.filter(pl.col("item") == item)
    return [tuple(row) for row in rows.select("valid_from", "segment", "share", "basis").iter_rows()]


DEMAND = _demand(
    (date(2025, 1, 31), "A", "P", 3.0),
    (date(2025, 1, 10), "A", "G", 1.0),
    (date(2025, 2, 1), "A", "S", 4.0),
)


def test_a_window_ends_the_day_before_and_the_first_mix_is_carried_back() -> None:
    frame = window_mix(DEMAND, STARTS[:3], params=WindowParams(window_days=31))
    assert _told(frame, "A") == [
        (STARTS[0], "G", 0.25, "first_mix"),
        (STARTS[0], "P", 0.75, "first_mix"),
        (STARTS[1], "G", 0.25, "window"),
        (STARTS[1], "P", 0.75, "window"),
        (STARTS[2], "P", 3 / 7, "window"),
        (STARTS[2], "S", 4 / 7, "window"),
    ]
    assert frame["valid_to"].unique().sort().to_list() == [None, date(2025, 1, 31), date(2025, 2, 28)]


def test_demand_inside_a_period_never_changes_its_mix() -> None:
    before = window_mix(DEMAND, STARTS)
    more = pl.concat([DEMAND, _demand((STARTS[2], "A", "S", 1000.0))])
    after = window_mix(more, STARTS)
    kept = pl.col("valid_from") <= STARTS[2]
    assert after.filter(kept).equals(before.filter(kept))
    assert not after.equals(before)


def test_an_empty_window_has_no_mix_unless_it_is_held() -> None:
    demand = _demand((date(2024, 12, 31), "A", "P", 1.0), (date(2025, 3, 31), "A", "G", 1.0))
    plain = window_mix(demand, STARTS, params=WindowParams(window_days=5))
    assert [row[:2] for row in _told(plain, "A")] == [(STARTS[0], "P"), (STARTS[3], "G")]
    held = window_mix(demand, STARTS, params=WindowParams(window_days=5, hold_periods=1))
    assert [row[:2] for row in _told(held, "A")] == [(STARTS[0], "P"), (STARTS[1], "P"), (STARTS[3], "G")]
    longer = window_mix(demand, STARTS, params=WindowParams(window_days=5, hold_periods=9))
    assert [row[1] for row in _told(longer, "A")] == ["P", "P", "P", "G"]


def test_older_demand_weighs_less_by_its_half_life() -> None:
    demand = _demand((date(2024, 12, 31), "A", "P", 1.0), (date(2024, 12, 21), "A", "G", 1.0))
    frame = window_mix(demand, STARTS[:1], params=WindowParams(half_life_days=10))
    shares = {row[1]: row[2] for row in _told(frame, "A")}
    assert shares == {"G": pytest.approx(1 / 3), "P": pytest.approx(2 / 3)}


def test_each_period_uses_the_bill_valid_on_its_first_day() -> None:
    bom = pl.DataFrame({
        "parent": ["A", "A"], "component": ["OLD", "NEW"], "quantity_per": [1.0, 2.0],
        "valid_from": [None, STARTS[2]], "valid_to": [STARTS[2] - timedelta(days=1), None],
    }, schema_overrides={"valid_from": pl.Date, "valid_to": pl.Date})  # fmt: skip
    frame = window_mix(DEMAND, STARTS, bom)
    windows = frame.filter(pl.col("basis") == "window")
    assert windows.filter(pl.col("item") == "OLD")["valid_from"].unique().to_list() == [STARTS[1]]
    assert windows.filter(pl.col("item") == "NEW")["valid_from"].unique().sort().to_list() == STARTS[2:]
    new = frame.filter(pl.col("item") == "NEW", pl.col("valid_from") == STARTS[2])
    assert new["units"].sum() == 16


def test_window_parameters_are_checked() -> None:
    for wrong in ({"window_days": 0}, {"half_life_days": 0.0}, {"hold_periods": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            WindowParams(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="starts is empty"):
        window_mix(DEMAND, [])
    with pytest.raises(ValueError, match="a day twice"):
        window_mix(DEMAND, [STARTS[0], STARTS[0]])


def test_no_demand_at_all_gives_no_mix() -> None:
    assert window_mix(DEMAND.clear(), STARTS).is_empty()


def _mix(**shares: float) -> pl.DataFrame:
    demand = pl.DataFrame(
        {"item": ["W"] * len(shares), "segment": list(shares), "units": [100 * v for v in shares.values()]}
    )
    return segment_mix(demand).frame()


def _lanes(frame: pl.DataFrame) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for lane, segment, share in frame.select("lane", "segment", "share").iter_rows():
        found.setdefault(lane, {})[segment] = pytest.approx(share, abs=1e-6)
    return found


LANES = pl.DataFrame({"lane": ["L1", "L2"], "item": ["W", "W"], "site": ["A", "*"], "share": [0.4, 0.6]})


def test_lanes_without_restrictions_have_the_mix_of_their_item() -> None:
    found = lane_mix(_mix(P=0.3, G=0.7), LANES)
    assert _lanes(found) == {"L1": {"P": 0.3, "G": 0.7}, "L2": {"P": 0.3, "G": 0.7}}
    assert not found["restricted"].any()


def test_an_approved_source_shifts_the_others_so_that_segments_keep_their_totals() -> None:
    lanes = LANES.with_columns(site=pl.lit("*"))
    approved = pl.DataFrame({"lane": ["L1"], "segment": ["P"]})
    found = lane_mix(_mix(P=0.6, G=0.4), lanes, approved)
    assert _lanes(found) == {"L1": {"P": 1.0}, "L2": {"P": 1 / 3, "G": 2 / 3}}


def test_demand_beyond_the_approved_lanes_leaves_each_lane_whole() -> None:
    lanes = LANES.with_columns(site=pl.lit("*"))
    approved = pl.DataFrame({"lane": ["L1", "L2"], "segment": ["P", "G"]})
    found = lane_mix(_mix(P=0.9, G=0.1), lanes, approved)
    assert _lanes(found) == {"L1": {"P": 1.0}, "L2": {"G": 1.0}}
    nobody = lane_mix(_mix(P=0.9, G=0.1), lanes, pl.DataFrame({"lane": ["L1"], "segment": ["S"]}))
    assert _lanes(nobody) == {"L2": {"P": 0.9, "G": 0.1}}


def test_lanes_without_a_planned_share_take_what_the_others_leave() -> None:
    lanes = pl.DataFrame({"lane": ["L1", "L2", "L3"], "item": ["W"] * 3, "share": [0.5, None, None]})
    approved = pl.DataFrame({"lane": ["L1"], "segment": ["P"]})
    found = lane_mix(_mix(P=0.5, G=0.5), lanes, approved)
    assert _lanes(found)["L1"] == {"P": 1.0}
    # P fits L1 to the last unit, where proportional fitting only creeps to the limit.
    shares = found.filter(pl.col("segment") == "G")["share"].to_list()
    assert shares == [pytest.approx(1.0, abs=5e-3)] * 2


Rows = dict[tuple[str, str, int], tuple[str, list[tuple[str, float, float]]]]


def joined_plainly(
    mixes: dict[tuple[str, str], dict[int, list[tuple[str, float, float]]]], count: int, hold: int
) -> Rows:
    """Node by node and period by period: its own mix, else the one held, else, before any, its first."""
    found: Rows = {}
    for (item, site), own in mixes.items():
        for period in range(count):
            past = [earlier for earlier in own if earlier <= period]
            if past and period - max(past) <= hold:
                found[item, site, period] = "window", own[max(past)]
            elif not past:
                found[item, site, period] = "first_mix", own[min(own)]
    return found


nodes = st.tuples(st.sampled_from("ABC"), st.sampled_from(["*", "M"]))
shares = st.lists(
    st.tuples(st.sampled_from("PQR"), st.integers(1, 9)), min_size=1, max_size=3, unique_by=lambda row: row[0]
)


@given(
    st.dictionaries(nodes, st.dictionaries(st.integers(0, 5), shares, min_size=1), min_size=1), st.integers(0, 3),
    st.lists(st.integers(1, 5), unique=True),
)  # fmt: skip
def test_periods_that_come_one_after_the_other_say_what_they_would_together(
    drawn: dict[tuple[str, str], dict[int, list[tuple[str, int]]]], hold: int, cuts: list[int]
) -> None:
    starts = [date(2025, month, 1) for month in range(1, 7)]
    mixes = {
        node: {
            period: [(name, n / sum(m for _, m in rows), float(n)) for name, n in rows] for period, rows in own.items()
        }
        for node, own in drawn.items()
    }
    columns = {
        **dict.fromkeys(("item", "site", "segment"), pl.String),
        "share": pl.Float64,
        "units": pl.Float64,
        "start": pl.Date,
    }
    table = pl.DataFrame(
        [(*node, *row, starts[period]) for node, own in mixes.items() for period, rows in own.items() for row in rows],
        schema=columns, orient="row",
    ).sort("start", "item", "site", "segment")  # fmt: skip
    edges = [0, *sorted(cuts), 6]
    parts = [table.filter(pl.col("start").is_in(starts[low:high])) for low, high in pairwise(edges)]
    pieces = list(mixes_in_turn(iter(parts), starts, hold))
    assert all(piece["valid_from"].n_unique() <= 1 for piece in pieces)
    told: Rows = {}
    for item, site, segment, first, last, share, units, basis in pl.concat(pieces).sort("segment").iter_rows():
        period = starts.index(first)
        assert last == (starts[period + 1] - timedelta(days=1) if period < 5 else None)
        told.setdefault((item, site, period), (basis, []))[1].append((segment, share, units))
        assert told[item, site, period][0] == basis
    assert told == {key: (basis, sorted(rows)) for key, (basis, rows) in joined_plainly(mixes, 6, hold).items()}
    assert_frame_equal(
        joined_mixes(parts, starts, hold), pl.concat(pieces).sort("item", "site", "valid_from", "segment")
    )


def test_mixes_out_of_turn_are_refused() -> None:
    part = window_mix(DEMAND, STARTS).select("item", "site", "segment", "share", "units", start=pl.lit(STARTS[1]))
    with pytest.raises(ValueError, match="in order"):
        list(mixes_in_turn([part, part.with_columns(start=pl.lit(STARTS[0]))], STARTS))
