"""What people may do to the scheme: done, refused by role and company, repeated, and by two at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from collaboration.scenes import agreed, at_once, entries, events, wording
from fixtures.worlds import NOW, World
from modules.segmentation.small_company import (
    DEEP,
    ON,
    SCHEME,
    applied,
    assert_history_is_whole,
    cell,
    planned,
    segments_now,
    ticking,
)
from tierwise.collaboration.agree.records import Grain
from tierwise.directory import queries as directory
from tierwise.directory.records import COMMON
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.actions import (
    apply_plan,
    derive_lane_policies,
    derive_supports,
    file_plan,
    pin_cell,
    project_cycle,
    project_mix,
    roll_back,
    unpin_cell,
    write_scheme,
)
from tierwise.modules.segmentation.records import PlanState, SchemeState, read_scheme
from tierwise.wire.documents import DocumentError

pytestmark = pytest.mark.database
KEY = cell("BIKE-1", "KEY")
HIGHER = SCHEME.replace("cuts: [1000]", "cuts: [2000]")


def states(world: World) -> dict[int, SchemeState]:
    return {version.number: version.state for version in queries.scheme_versions(world["viewer"])}


# write_scheme


def test_a_document_is_kept_as_a_draft(small: World) -> None:
    assert write_scheme(small["planner"], SCHEME) == 1
    assert write_scheme(small["planner"], HIGHER) == 2
    assert states(small) == {1: SchemeState.DRAFT, 2: SchemeState.DRAFT}
    assert queries.scheme_version(small["viewer"], 1).document == SCHEME


def test_the_same_draft_again_is_one_version_with_the_latest_comments(small: World) -> None:
    again = f"# reworded\n{SCHEME}"
    assert [write_scheme(small["planner"], text) for text in (SCHEME, SCHEME, again)] == [1, 1, 1]
    assert queries.scheme_version(small["viewer"], 1).document == again
    assert entries(small, "write_scheme") == 3


def test_a_mistaken_document_is_not_kept(small: World) -> None:
    with pytest.raises(DocumentError):
        write_scheme(small["planner"], SCHEME.replace("rank: 2", "rank: two"))
    assert states(small) == {}


def test_two_at_once_write_two_versions_of_two_texts_and_one_of_the_same(small: World) -> None:
    numbers = at_once(
        *(lambda text=text: write_scheme(small["planner"], text) for text in (SCHEME, HIGHER)),
    )
    assert sorted(numbers) == [1, 2]
    last = queries.scheme_version(small["viewer"], 2).document
    assert at_once(*[lambda: write_scheme(small["planner"], last)] * 2) == [2, 2]


# file_plan


def test_a_plan_is_kept_once_with_its_moves(in_force: World) -> None:
    plan, fingerprint, _ = planned(in_force, HIGHER)
    assert planned(in_force, HIGHER)[:2] == (plan, fingerprint)
    kept = queries.plan(in_force["viewer"], plan)
    assert kept.state is PlanState.OPEN
    assert kept.summary["moves"] == 1
    assert queries.moves(in_force["viewer"], plan).to_dicts() == [
        cell("BIKE-1", "SMALL")
        | {"from_segment": "PREM", "to_segment": "STD", "reason": "moved_beyond_margin: default", "revenue": 1080.0,
           "profit": 420.0, "units": 108.0}
    ]  # fmt: skip
    assert next(row.id for row in queries.plans(in_force["viewer"])) == plan


def test_a_plan_of_another_document_is_refused(small: World) -> None:
    write_scheme(small["planner"], SCHEME)
    other = queries.plan_scheme(small["planner"], read_scheme(HIGHER), ON)
    with pytest.raises(Invalid, match="plan that version again"):
        file_plan(small["planner"], 1, other)
    with pytest.raises(NotFound):
        file_plan(small["planner"], 7, other)


def test_two_plans_at_once_are_one(small: World) -> None:
    number = write_scheme(small["planner"], SCHEME)
    found = queries.plan_scheme(small["planner"], read_scheme(SCHEME), ON)
    first, second = at_once(*[lambda: file_plan(small["planner"], number, found)] * 2)
    assert first == second
    assert len(queries.plans(small["viewer"])) == 1


# apply_plan


def test_an_applied_plan_is_live_and_told(small: World) -> None:
    plan, fingerprint, number = planned(small)
    done = apply_plan(small["manager"], plan, fingerprint)
    assert (done.version, done.moved, done.new_cells) == (1, 0, 4)
    live = queries.live_scheme(small["viewer"])
    assert live is not None
    assert (live.number, live.effective_on, live.applied_by) == (number, ON, small["manager"].person)
    assert queries.plan(small["viewer"], plan).state is PlanState.APPLIED
    told = events(small, "scheme_applied")
    assert [(one["version"], one["effective_on"], one["moved"]) for one in told] == [(1, "2025-07-01", 0)]
    assert segments_now(small["viewer"]) == {
        ("BIKE-1", "KEY"): "PREM", ("BIKE-1", "SMALL"): "PREM", ("BIKE-2", "SMALL"): "STD", ("SPARE", "KEY"): "STD",
    }  # fmt: skip
    assert_history_is_whole(small["viewer"])


def test_applying_decides_how_deeply_each_segment_is_worked_on(small: World) -> None:
    plan, fingerprint, _ = planned(small, DEEP)
    apply_plan(small["manager"], plan, fingerprint)
    names = {segment.id: segment.code for segment in directory.segments(small["viewer"])}
    decided = {names[key]: values for key, values in directory.policy(small["viewer"], "collaboration", ON).items()}
    assert decided == {"PREM": {"depth": "deep"}, "STD": {"depth": "none"}, COMMON: {"depth": "none"}}

    # Hours are cut: a new plan says which agreements go too far, and applying it lowers the depth from its day.
    agreed(small, "A", "PREM", wording(grain=Grain.ITEM_WEEK))
    less = DEEP.replace("hours: 120", "hours: 90")
    later = ON + timedelta(days=31)
    with ticking(NOW + timedelta(days=31)):
        found = queries.plan_scheme(small["planner"], read_scheme(less), later)
        (section,) = [one for one in found.sections if one.title == "Agreements"]
        number = write_scheme(small["planner"], less)
        plan = file_plan(small["planner"], number, replace(found, sections=()))
        assert queries.plan(small["planner"], plan).sections == []
        assert (section.count, [row["segment"] for row in section.rows]) == (1, ["PREM"])
        assert section.warnings
        assert file_plan(small["planner"], number, found) == plan
        assert len(queries.plan(small["planner"], plan).sections) == len(found.sections)
        apply_plan(small["manager"], plan, found.fingerprint)
    premium = small.segments["PREM"]
    depths = [directory.policy(small["viewer"], "collaboration", day)[premium]["depth"] for day in (ON, later)]
    assert depths == ["deep", "standard"]


@pytest.mark.parametrize("who", ["planner", "viewer", "a administrator"])
def test_only_category_managers_and_administrators_apply(small: World, who: str) -> None:
    plan, fingerprint, _ = planned(small)
    with pytest.raises(NotAllowed):
        apply_plan(small[who], plan, fingerprint)
    assert entries(small, "apply_scheme", "refused") == 1
    assert queries.live_scheme(small["viewer"]) is None


def test_an_applied_plan_is_not_applied_twice(small: World) -> None:
    plan, fingerprint, _ = planned(small)
    apply_plan(small["manager"], plan, fingerprint)
    at = lake.manifest(small["viewer"]).number
    again = apply_plan(small["manager"], plan, fingerprint)
    assert (again.moved, again.new_cells) == (0, 0)
    assert lake.manifest(small["viewer"]).number == at
    assert len(events(small, "scheme_applied")) == 1


def test_two_at_once_apply_it_once(small: World) -> None:
    plan, fingerprint, _ = planned(small)
    done = at_once(*[lambda: apply_plan(small["manager"], plan, fingerprint)] * 2)
    assert sorted(one.new_cells for one in done) == [0, 4]
    assert_history_is_whole(small["viewer"])


def test_of_two_plans_applied_at_once_the_second_is_stale(in_force: World) -> None:
    plans = [planned(in_force, HIGHER), planned(in_force, SCHEME.replace("cuts: [1000]", "cuts: [300]"))]
    done = at_once(*(lambda one=one: apply_plan(in_force["manager"], one[0], one[1]) for one in plans))
    assert sorted(type(one).__name__ for one in done) == ["Applied", "Stale"]
    assert sum(state is SchemeState.LIVE for state in states(in_force).values()) == 1
    assert_history_is_whole(in_force["viewer"])


def test_a_wrong_fingerprint_is_refused(small: World) -> None:
    plan, _, _ = planned(small)
    with pytest.raises(Stale, match="plan again"):
        apply_plan(small["manager"], plan, "0" * 64)
    with pytest.raises(NotFound):
        apply_plan(small["manager"], uuid7(), "0" * 64)


def test_a_plan_is_stale_once_a_pin_or_a_fact_changed(in_force: World) -> None:
    plan, fingerprint, _ = planned(in_force, HIGHER)
    pin_cell(in_force["planner"], KEY, "STD", "asked by sales", None)
    with pytest.raises(Stale):
        apply_plan(in_force["manager"], plan, fingerprint)
    fresh, seen, _ = planned(in_force, HIGHER)
    assert seen != fingerprint
    assert apply_plan(in_force["manager"], fresh, seen).moved == 2


def test_days_that_have_passed_stay_as_they_are(in_force: World) -> None:
    plan, fingerprint, _ = planned(in_force, HIGHER, on=date(2025, 6, 1))
    with pytest.raises(Invalid, match="stay as they are"):
        apply_plan(in_force["manager"], plan, fingerprint)
    with ticking(NOW + timedelta(days=20)):
        plan, fingerprint, _ = planned(in_force, HIGHER, on=date(2025, 7, 10))
        with pytest.raises(Invalid, match="2025-07-21"):
            apply_plan(in_force["manager"], plan, fingerprint)


def test_a_scheme_takes_effect_at_its_day_and_history_keeps_the_days_before(in_force: World) -> None:
    applied(in_force, HIGHER, on=date(2025, 9, 1))
    rows = queries.assignments(in_force["viewer"]).filter(item="BIKE-1", customer_group="SMALL").sort("valid_from")
    assert rows.select("segment", "valid_from", "valid_to", "scheme_version").rows() == [
        ("PREM", date(1900, 1, 1), date(2025, 8, 31), 1),
        ("STD", date(2025, 9, 1), None, 2),
    ]
    seen = {
        day: dict(
            queries.cells(in_force["viewer"], day).select("segment", "item").group_by("segment").len().iter_rows()
        )
        for day in (ON, date(2025, 9, 1))
    }
    assert seen == {ON: {"PREM": 2, "STD": 2}, date(2025, 9, 1): {"PREM": 1, "STD": 3}}
    targets = {
        day: directory.policy(in_force["viewer"], "scoring", day)[in_force.segments["PREM"]]["otif_target"]
        for day in (ON, date(2025, 9, 1))
    }
    assert targets == {ON: 0.97, date(2025, 9, 1): 0.97}
    assert_history_is_whole(in_force["viewer"])


def test_a_second_change_on_the_same_day_replaces_the_first(in_force: World) -> None:
    applied(in_force, HIGHER)
    assert segments_now(in_force["viewer"])["BIKE-1", "SMALL"] == "STD"
    applied(in_force, SCHEME.replace("cuts: [1000]", "cuts: [900]"))
    assert segments_now(in_force["viewer"])["BIKE-1", "SMALL"] == "PREM"
    assert queries.assignments(in_force["viewer"]).filter(pl.col("valid_from") == ON).height == 1
    assert_history_is_whole(in_force["viewer"])


def test_a_segment_that_leaves_the_scheme_stays_until_the_day(in_force: World) -> None:
    kept = [line for line in SCHEME.splitlines() if "code: STD" not in line]
    only = "\n".join(kept).replace("default_segment: STD", "default_segment: PREM")
    applied(in_force, only, on=date(2025, 9, 1))
    assert {s.code for s in directory.segments(in_force["viewer"])} == {"PREM", "STD", COMMON}
    held = {day: set(directory.policy(in_force["viewer"], "scoring", day)) for day in (ON, date(2025, 9, 1))}
    assert in_force.segments["STD"] in held[ON]
    assert in_force.segments["STD"] not in held[date(2025, 9, 1)]
    found = queries.plan_scheme(in_force.worker, read_scheme(only), date(2025, 9, 1))
    with ticking(NOW + timedelta(days=70)):
        project_cycle(in_force.worker, found.found, 2)
    assert {s.code for s in directory.segments(in_force["viewer"])} == {"PREM", COMMON}


# roll_back


def test_a_past_version_comes_back_as_a_new_one(in_force: World) -> None:
    applied(in_force, SCHEME.replace("cuts: [1000]", "cuts: [5000]"))
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "STD"
    assert roll_back(in_force["manager"], 1) == 3
    back = queries.scheme_version(in_force["viewer"], 3)
    assert (back.document, back.restores, back.state) == (SCHEME, 1, SchemeState.DRAFT)
    assert roll_back(in_force["manager"], 1) == 3  # repeated: the same draft
    applied(in_force, SCHEME)
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "PREM"
    assert segments_now(in_force["viewer"])["BIKE-1", "SMALL"] == "STD"  # 1,080 lies within 10 % of the cut: held
    assert states(in_force) == {1: SchemeState.PAST, 2: SchemeState.PAST, 3: SchemeState.LIVE}


def test_what_never_was_live_or_still_is_cannot_come_back(in_force: World) -> None:
    write_scheme(in_force["planner"], HIGHER)
    for number, said in [(2, "never live"), (1, "live already")]:
        with pytest.raises(Invalid, match=said):
            roll_back(in_force["manager"], number)
    with pytest.raises(NotFound):
        roll_back(in_force["manager"], 9)


def test_two_roll_backs_at_once_are_one_draft(in_force: World) -> None:
    applied(in_force, HIGHER)
    assert at_once(*[lambda: roll_back(in_force["manager"], 1)] * 2) == [3, 3]


# pin_cell, unpin_cell


def test_a_pin_is_kept_apart_and_can_be_changed(in_force: World) -> None:
    pin_cell(in_force["planner"], KEY, "STD", " agreed with sales ", date(2025, 12, 31))
    pin_cell(in_force["manager"], KEY, "STD", "until the review", None)
    pin = queries.pin_of(in_force["viewer"], KEY)
    assert pin is not None
    assert (pin.segment, pin.reason, pin.expires_on) == ("STD", "until the review", None)
    assert pin.pinned_by == in_force["manager"].person
    assert queries.pins(in_force["viewer"]).height == 1
    assert segments_now(in_force["viewer"])["BIKE-1", "KEY"] == "PREM"  # it counts from the next applied plan
    unpin_cell(in_force["planner"], KEY)
    assert queries.pin_of(in_force["viewer"], KEY) is None
    with pytest.raises(NotFound):
        unpin_cell(in_force["planner"], KEY)


@pytest.mark.parametrize(
    ("where", "segment", "reason", "until", "field"),
    [
        (KEY, "STD", "  ", None, "reason"),
        (KEY, "NONE", "why", None, "segment"),
        (KEY, COMMON, "why", None, "segment"),
        (KEY, "STD", "why", date(2025, 6, 30), "expires_on"),
    ],
)
def test_a_pin_that_cannot_hold_is_refused(
    in_force: World, where: dict[str, str], segment: str, reason: str, until: date | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        pin_cell(in_force["planner"], where, segment, reason, until)
    assert refused.value.parameters["field"] == field


def test_a_cell_that_is_not_there_cannot_be_pinned(in_force: World) -> None:
    with pytest.raises(NotFound):
        pin_cell(in_force["planner"], cell("BIKE-9", "KEY"), "STD", "why", None)


def test_the_lake_is_read_once_for_the_pins_of_a_sheet_and_anew_when_it_moved(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(small)  # a manifest of its own, which nothing has been read of
    read: list[str] = []
    facts = lake.facts

    def noted(viewer: Viewer, table: str, *at: Any) -> pl.LazyFrame:
        read.append(table)
        return facts(viewer, table, *at)

    monkeypatch.setattr(lake, "facts", noted)
    with viewer_scope(small["planner"]):
        for segment in ("STD", "PREM", "STD"):
            pin_cell(small["planner"], KEY, segment, "why", None)
        with pytest.raises(NotFound):
            pin_cell(small["planner"], cell("BIKE-9", "KEY"), "STD", "why", None)
    assert read.count("assignment") == 1
    monkeypatch.undo()
    applied(small, HIGHER)
    monkeypatch.setattr(lake, "facts", noted)
    pin_cell(small["planner"], KEY, "STD", "why", None)
    assert read.count("assignment") == 2


def test_two_pins_of_a_cell_at_once_are_one(in_force: World) -> None:
    done = at_once(*(lambda s=s: pin_cell(in_force["planner"], KEY, s, "why", None) for s in ("STD", "PREM")))
    assert done == [None, None]
    assert queries.pins(in_force["viewer"]).height == 1


# Roles of all actions, and what only the worker does.

EMPTY = pl.DataFrame()


@pytest.mark.parametrize("who", ["viewer", "a administrator", "b planner"])
def test_readers_and_suppliers_change_nothing(in_force: World, who: str) -> None:
    document = read_scheme(SCHEME)
    found = queries.plan_scheme(in_force["planner"], document, ON)
    before = lake.manifest(in_force["viewer"]).number
    tries = {
        "write_scheme": lambda: write_scheme(in_force[who], HIGHER),
        "plan_scheme": lambda: file_plan(in_force[who], 1, found),
        "roll_back_scheme": lambda: roll_back(in_force[who], 1),
        "pin_cell": lambda: pin_cell(in_force[who], KEY, "STD", "why", None),
        "unpin_cell": lambda: unpin_cell(in_force[who], KEY),
        "assign_new_cells": lambda: project_cycle(in_force[who], found.found, 1),
        "project_mix": lambda: project_mix(in_force[who], EMPTY),
        "derive_supports": lambda: derive_supports(in_force[who], EMPTY, document),
        "derive_lane_policies": lambda: derive_lane_policies(in_force[who], [], 1),
    }
    for name, attempt in tries.items():
        with pytest.raises(NotAllowed):
            attempt()
        assert entries(in_force, name, "refused") == 1
    assert lake.manifest(in_force["viewer"]).number == before


def test_people_do_not_do_what_the_cycle_does(in_force: World) -> None:
    found = queries.plan_scheme(in_force["administrator"], read_scheme(SCHEME), ON)
    with pytest.raises(NotAllowed):
        project_cycle(in_force["administrator"], found.found, 1)


def test_suppliers_read_nothing_of_it(in_force: World) -> None:
    assert queries.scheme_versions(in_force["planner"])
    for read in (queries.scheme_versions, queries.plans, queries.pins, queries.live_scheme):
        with pytest.raises(Exception, match=r"permission denied|not open"):
            read(in_force["a administrator"])
    with pytest.raises(NotAllowed):
        queries.assignments(in_force["a administrator"])
