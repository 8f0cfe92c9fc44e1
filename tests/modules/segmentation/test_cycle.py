"""The cycle: it places what is new, moves nobody, and waits as long as hysteresis says before it plans a move."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fixtures.worlds import NOW, World
from modules.segmentation.small_company import (
    DEEP,
    DEMAND,
    ON,
    SCHEME,
    applied,
    assert_history_is_whole,
    bring,
    cell,
    planned,
    segments_now,
    ticking,
)
from tierwise.kernel.audit import Stale
from tierwise.kernel.models import StepRun
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.actions import apply_plan, pin_cell, project_cycle, unpin_cell
from tierwise.modules.segmentation.queries import demand
from tierwise.modules.segmentation.records import CELL, PlanState, read_scheme

pytestmark = pytest.mark.database

SMALL = ("BIKE-2", "SMALL")


def grown(units: float) -> dict[tuple[str, str], float]:
    return DEMAND | {SMALL: units}


def cycle(world: World, on: date = ON) -> dict[str, Any]:
    with ticking(NOW + timedelta(days=(on - ON).days)):
        return jobs.place_cells(world.worker, on)


def runs(world: World) -> int:
    with viewer_scope(world.worker):
        return StepRun.objects.filter(step="place_cells").count()


def state_of(world: World, item: str, group: str) -> tuple[str, int, str | None]:
    rows = queries.cells(world["viewer"]).filter(item=item, customer_group=group)
    return rows.select("decided", "streak", "streak_segment").row(0)


def test_nothing_is_evaluated_before_a_scheme_is_live(small: World) -> None:
    assert cycle(small) == {"state": "no live scheme"}


def test_the_same_facts_again_are_a_skipped_step(in_force: World) -> None:
    first = cycle(in_force)
    assert cycle(in_force) == first
    assert cycle(in_force, date(2025, 7, 20)) == first
    assert runs(in_force) == 1
    cycle(in_force, date(2025, 8, 1))
    assert runs(in_force) == 2


def test_a_cycle_places_new_cells_and_moves_nobody(in_force: World, tmp_path: Path) -> None:
    bring(in_force, tmp_path / "extract", DEMAND | {("BIKE-1", "SMALL"): 2, ("BIKE-2", "KEY"): 30})
    before = segments_now(in_force["viewer"])
    done = cycle(in_force)
    assert (done["new_cells"], done["would_move"]) == (1, 1)
    assert segments_now(in_force["viewer"]) == before | {("BIKE-2", "KEY"): "PREM"}
    assert_history_is_whole(in_force["viewer"])
    plan = queries.plans(in_force["viewer"])[0]
    assert str(plan.id) == done["plan"]
    assert plan.filed_by_cycle
    assert plan.effective_on == date(2025, 8, 1)
    apply_plan(in_force["manager"], plan.id, plan.fingerprint)
    assert segments_now(in_force["viewer"])["BIKE-1", "SMALL"] == "STD"
    rows = queries.assignments(in_force["viewer"]).filter(item="BIKE-1", customer_group="SMALL").sort("valid_from")
    assert rows["valid_to"].to_list() == [date(2025, 7, 31), None]
    assert_history_is_whole(in_force["viewer"])


def test_a_member_near_the_cut_is_held_until_it_has_qualified_often_enough(in_force: World, tmp_path: Path) -> None:
    bring(in_force, tmp_path / "extract", grown(8.75))  # 1,050 a year: above the cut, within the margin
    first = cycle(in_force)
    assert first["would_move"] == 0
    assert state_of(in_force, *SMALL) == ("STD", 1, "PREM")
    # Looking at plans, as often as one likes, is no evaluation in a row; nor is the same month's facts looked at again.
    for _ in range(3):
        assert planned(in_force)[1]
        assert queries.plan_scheme(in_force["planner"], read_scheme(SCHEME), ON).moves.is_empty()
    pin_cell(in_force["planner"], cell("SPARE", "KEY"), "STD", "why", None)
    assert cycle(in_force)["would_move"] == 0
    assert state_of(in_force, *SMALL) == ("STD", 1, "PREM")
    second = cycle(in_force, date(2025, 8, 1))
    assert second["would_move"] == 1
    assert segments_now(in_force["viewer"])[SMALL] == "STD"
    assert state_of(in_force, *SMALL)[:2] == ("STD", 2)
    moves = queries.moves(in_force["viewer"], queries.plans(in_force["viewer"])[0].id)
    assert moves["reason"].to_list() == ["moved_after_streak: earners"]


def test_a_streak_ends_when_the_member_falls_back(in_force: World, tmp_path: Path) -> None:
    bring(in_force, tmp_path / "extract", grown(8.75))
    cycle(in_force)
    bring(in_force, tmp_path / "extract", grown(7))
    cycle(in_force, date(2025, 8, 1))
    assert state_of(in_force, *SMALL) == ("STD", 0, None)


def test_beyond_the_margin_it_moves_at_once_and_the_plan_stays_until_applied(in_force: World, tmp_path: Path) -> None:
    bring(in_force, tmp_path / "extract", grown(12))
    assert cycle(in_force)["would_move"] == 1
    assert cycle(in_force, date(2025, 8, 1))["would_move"] == 1
    assert segments_now(in_force["viewer"])[SMALL] == "STD"
    states = [plan.state for plan in queries.plans(in_force["viewer"])]
    assert states == [PlanState.OPEN, PlanState.STALE, PlanState.APPLIED]


def test_one_evaluation_beyond_the_margin_is_one_of_those_in_a_row(small: World, tmp_path: Path) -> None:
    patient = SCHEME.replace("consecutive: 2", "consecutive: 4")
    applied(small, patient)
    bring(small, tmp_path / "extract", grown(12))
    cycle(small)
    assert state_of(small, *SMALL) == ("STD", 1, "PREM")
    bring(small, tmp_path / "extract", grown(8.75))
    assert cycle(small, date(2025, 8, 1))["would_move"] == 0
    assert state_of(small, *SMALL) == ("STD", 2, "PREM")


def test_a_pin_wins_ends_and_leaves_no_trace(in_force: World) -> None:
    key = cell("BIKE-1", "KEY")
    pin_cell(in_force["planner"], key, "STD", "agreed with sales", date(2025, 9, 15))
    done = cycle(in_force)
    plan = queries.plans(in_force["viewer"])[0]
    assert (done["would_move"], plan.summary["pinned"]) == (1, 1)
    assert queries.moves(in_force["viewer"], plan.id)["reason"].to_list() == ["pinned: earners"]
    apply_plan(in_force["manager"], plan.id, plan.fingerprint)
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "STD"
    assert state_of(in_force, "BIKE-1", "KEY") == ("PREM", 0, None)  # what the rules think of it goes on underneath
    rows = queries.explain_cell(in_force["viewer"], key)["intervals"]
    assert [row["rule"] for row in rows] == ["earners", "pinned"]
    assert cycle(in_force, date(2025, 8, 2))["would_move"] == 0
    later = cycle(in_force, date(2025, 9, 16))
    assert later["would_move"] == 1
    back = queries.plans(in_force["viewer"])[0]
    assert queries.moves(in_force["viewer"], back.id)["reason"].to_list() == ["pin_ended: earners"]
    with ticking(NOW + timedelta(days=78)):
        apply_plan(in_force["manager"], back.id, back.fingerprint)
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "PREM"
    assert_history_is_whole(in_force["viewer"])


def test_a_pin_taken_away_before_it_was_applied_changes_nothing(in_force: World) -> None:
    pin_cell(in_force["planner"], cell("BIKE-1", "KEY"), "STD", "why", None)
    cycle(in_force)
    unpin_cell(in_force["planner"], cell("BIKE-1", "KEY"))
    assert cycle(in_force)["would_move"] == 0
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "PREM"


def test_pins_to_a_segment_the_scheme_lost_are_told_and_passed_over(in_force: World) -> None:
    pin_cell(in_force["planner"], cell("SPARE", "KEY"), "PREM", "why", None)
    renamed = SCHEME.replace("PREM", "GOLD")
    found = queries.plan_scheme(in_force["planner"], read_scheme(renamed), ON)
    assert any("PREM" in warning and "pins" in warning for warning in found.warnings)
    assert set(found.found.evaluation.cells["segment"]) == {"GOLD", "STD"}
    assert set(found.moves["reason"]) == {"moved_segment_gone: earners"}


def test_a_cycle_that_was_overtaken_by_an_applied_scheme_changes_nothing(in_force: World) -> None:
    seen = queries.plan_scheme(in_force.worker, read_scheme(SCHEME), ON)
    applied(in_force, SCHEME.replace("cuts: [1000]", "cuts: [5000]"))
    with pytest.raises(Stale):
        project_cycle(in_force.worker, seen.found, 1)
    assert state_of(in_force, "BIKE-1", "KEY")[0] == "STD"


def test_facts_that_stop_are_measured_up_to_where_they_stop(small: World) -> None:
    found = queries.evaluate_scheme(small["planner"], read_scheme(SCHEME), date(2025, 12, 1))
    assert found.until == ON
    assert any("after 2025-06-30" in warning for warning in found.warnings)
    revenue = dict(zip(found.cells["item"] + found.cells["customer_group"], found.cells["revenue"], strict=True))
    assert revenue["BIKE-1KEY"] == pytest.approx(2400)


def test_demand_is_read_once_for_days_between_which_nothing_is_ordered(small: World) -> None:
    viewer, document, later = small["planner"], read_scheme(SCHEME), date(2025, 12, 1)
    at = lake.manifest(viewer)
    loaded = queries.load_demand(viewer, document, later, at)
    last = date(2025, 6, 5)
    assert loaded.lines["ordered_on"].max() == last
    assert loaded.serves(document, last + timedelta(days=1), at)
    assert not loaded.serves(document, last, at)
    assert not loaded.serves(document, later + timedelta(days=1), at)
    shared = queries.evaluate_scheme(viewer, document, ON, basis=queries.Basis(at, loaded))
    assert shared.demand is loaded
    assert shared.cells.equals(queries.evaluate_scheme(viewer, document, ON).cells)
    earlier = queries.evaluate_scheme(viewer, document, date(2025, 4, 1), basis=queries.Basis(at, loaded))
    assert earlier.demand is not loaded


def test_demand_read_month_by_month_is_the_same(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer, document = small["planner"], read_scheme(SCHEME)
    at = lake.manifest(viewer)
    whole = queries.load_demand(viewer, document, ON, at)
    monkeypatch.setattr(demand, "_BLOCK", 1)
    parts = queries.load_demand(viewer, document, ON, at)
    key = ["ordered_on", "order", *CELL]
    assert parts.lines.sort(key).equals(whole.lines.sort(key))
    assert parts.unconverted == whole.unconverted
    recent = queries.load_demand(viewer, document, ON, at, date(2025, 3, 1))
    assert recent.lines.height == whole.lines.filter(pl.col("ordered_on") >= date(2025, 3, 1)).height > 0


def test_without_facts_there_is_nothing_to_place(world: World) -> None:
    with ticking():
        _place_nothing(world)


def _place_nothing(world: World) -> None:
    found = queries.plan_scheme(world["planner"], read_scheme(SCHEME), ON)
    assert (found.moves.height, found.new_cells) == (0, 0)
    assert applied(world) == 1
    assert jobs.place_cells(world.worker, ON)["cells"] == 0
    assert jobs.refresh_mix(world.worker, ON)["rows"] == 0
    assert jobs.derive_policies(world.worker, ON)["lanes"] == 0


def test_profit_is_revenue_less_goods_less_what_serving_costs(small: World) -> None:
    found = queries.evaluate_scheme(small["planner"], read_scheme(SCHEME), ON)
    row = found.cells.filter(item="BIKE-1", customer_group="KEY").row(0, named=True)
    assert row["revenue"] == pytest.approx(20 * 12 * 10)
    assert row["profit"] == pytest.approx(20 * 12 * (10 - 6) - 12 * 1)  # a line costs a minute of the desk, 1 each
    assert (row["lines"], row["units"], row["cost_basis"]) == (12, 240, "known")
    assert found.pools.select("used_minutes", "unused_minutes").row(0) == (48, 952)
    assert found.selection.select("code", "picked", "reason").rows() == [
        ("PREM", True, "picked"), ("STD", False, "not_enough_hours"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "picked"),
    [
        (200, [("PREM", "deep"), ("STD", "standard")]),  # both fit: 100 and 50 hours
        (120, [("PREM", "deep")]),
        (99, [("PREM", "standard"), ("STD", "standard")]),  # 40 and 50: depth is out of reach, breadth is not
        (45, [("PREM", "standard")]),
        (39, []),
    ],
)
def test_the_hours_decide_how_deep(small: World, hours: int, picked: list[tuple[str, str]]) -> None:
    text = DEEP.replace("hours: 120, partner_hours: 100", f"hours: {hours}, partner_hours: 100")
    found = queries.evaluate_scheme(small["planner"], read_scheme(text), ON)
    assert found.selection.filter("picked").select("code", "level").rows() == picked
    assert found.document.depths(found.selection.iter_rows(named=True)) == {
        "COMMON": "none", "PREM": "none", "STD": "none", **dict(picked),
    }  # fmt: skip


def test_a_floor_of_service_takes_hours_from_what_earns_more(small: World) -> None:
    """Premium sells 348 of 444 units, all at 95 %: three quarters of the need, so four fifths ask for Standard too."""
    text = DEEP.replace("partner_hours: 100}", "partner_hours: 100, service_floor: 0.8}")
    found = queries.evaluate_scheme(small["planner"], read_scheme(text), ON)
    assert found.selection.filter("picked").select("code", "level").rows() == [
        ("PREM", "standard"),
        ("STD", "standard"),
    ]


def test_floors_that_no_pick_meets_are_a_warning_and_no_failure(small: World) -> None:
    text = SCHEME.replace("partner_hours: 100}", "partner_hours: 100, volume_floor: 0.95}")
    found = queries.evaluate_scheme(small["planner"], read_scheme(text), ON)
    assert not found.selection["picked"].any()
    assert any("No segment is picked" in warning for warning in found.warnings)


def test_coverage_is_exact_at_the_cut(small: World) -> None:
    found = queries.evaluate_scheme(small["planner"], read_scheme(SCHEME), ON)
    at = queries.coverage_of(found, "value").at(1000)
    assert (at["count"], at["revenue"]) == (2, pytest.approx(3480))
    assert at["profit_share"] == pytest.approx(1368 / 1728)


def test_every_cell_is_explained_by_rule_and_numbers(in_force: World) -> None:
    told = queries.explain_cell(in_force["viewer"], cell("BIKE-1", "SMALL"))
    assert told["intervals"][0]["rule"] == "earners"
    numbers = pl.Series([told["latest"]["numbers"]]).str.json_decode(
        pl.Struct({"rule": pl.String, "thresholds": pl.Struct({"value": pl.Struct({
            "value": pl.Float64, "label": pl.String, "cut": pl.Float64, "distance": pl.Float64})})})
    )[0]  # fmt: skip
    assert numbers["rule"] == "earners"
    assert numbers["thresholds"]["value"]["value"] == pytest.approx(1080)
    assert numbers["thresholds"]["value"]["cut"] == 1000
