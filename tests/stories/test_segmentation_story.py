"""A buying company chooses its segments, and its suppliers see what follows for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from collaboration.scenes import agreed, offered, wording
from fixtures.worlds import NOW, World
from modules.segmentation.small_company import (
    DEMAND,
    ON,
    SCHEME,
    assert_history_is_whole,
    bring,
    cell,
    segments_now,
    ticking,
)
from tierwise.collaboration.publish.shared import my_publications
from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support
from tierwise.directory.records import Involvement, SupportState
from tierwise.kernel.audit import Invalid, NotAllowed, Stale
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.actions import apply_plan, file_plan, pin_cell, roll_back, write_scheme
from tierwise.modules.segmentation.records import read_scheme

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with ticking():
        yield


def cycle(world: World, on: date = ON) -> None:
    with ticking(NOW + timedelta(days=(on - ON).days)):
        for job in (jobs.place_cells, jobs.refresh_mix, jobs.derive_policies):
            job(world.worker, on)


def test_a_scheme_is_chosen_planned_and_applied(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "extract")

    # The planner writes the scheme and looks at what its threshold covers: two cells make four fifths of the margin.
    number = write_scheme(world["planner"], SCHEME)
    document = read_scheme(SCHEME)
    found = queries.evaluate_scheme(world["planner"], document, ON)
    covered = queries.coverage_of(found, "value").at(1000)
    assert (covered["count"], round(float(covered["profit_share"] or 0), 2)) == (2, 0.79)
    assert found.selection.filter(picked=True)["code"].to_list() == ["PREM"]  # the hours do for one segment

    # Nothing holds until the category manager applies the plan; the planner may not.
    planned = queries.plan_scheme(world["planner"], document, ON)
    plan = file_plan(world["planner"], number, planned)
    with pytest.raises(NotAllowed):
        apply_plan(world["planner"], plan, planned.fingerprint)
    apply_plan(world["manager"], plan, planned.fingerprint)
    assert segments_now(world["viewer"])["BIKE-1", "KEY"] == "PREM"

    # The cycle carries the segments to the suppliers of parts; a person confirms the one that is new.
    cycle(world)
    (waiting,) = directory.supports(world["planner"], state=SupportState.PROPOSED)
    confirm_support(world["planner"], waiting.id, Involvement.ADVISORY)

    # The hours do for Premium alone: what it agrees may look a year ahead, while Standard runs on default terms.
    agreed(world, "A", "PREM", wording(horizon_days=360))
    far = wording(horizon_days=360)
    with pytest.raises(Invalid, match="default terms") as refused:
        offered(world, "B", "STD", far)
    assert refused.value.parameters["field"] == "horizon_days"
    agreed(world, "B", "STD", wording(horizon_days=180))

    # A month later small customers buy less. The cycle moves nobody; it files a plan and says what would follow.
    bring(world, tmp_path / "extract", DEMAND | {("BIKE-1", "SMALL"): 2})
    cycle(world, date(2025, 8, 1))
    assert segments_now(world["viewer"])["BIKE-1", "SMALL"] == "PREM"
    filed = queries.plans(world["manager"])[0]
    assert (filed.filed_by_cycle, filed.summary["moves"]) == (True, 1)

    # Sales ask to keep one customer group where it is; that makes the plan stale, and the new one moves nobody.
    pin_cell(world["planner"], cell("BIKE-1", "SMALL"), "PREM", "a launch is agreed with them", date(2025, 12, 31))
    with pytest.raises(Stale):
        apply_plan(world["manager"], filed.id, filed.fingerprint)
    with ticking(NOW + timedelta(days=31)):
        assert queries.plan_scheme(world["planner"], document, date(2025, 9, 1)).moves.is_empty()

        # A stricter scheme is tried and taken back: going back is a version of its own, and no past day changed.
        strict = SCHEME.replace("cuts: [1000]", "cuts: [5000]")
        for text in (strict, None):
            version = write_scheme(world["planner"], text) if text else roll_back(world["manager"], 1)
            document = read_scheme(queries.scheme_version(world["planner"], version).document)
            planned = queries.plan_scheme(world["planner"], document, date(2025, 9, 1))
            plan = file_plan(world["planner"], version, planned)
            apply_plan(world["manager"], plan, planned.fingerprint)
    assert segments_now(world["viewer"])["BIKE-1", "KEY"] == "PREM"
    assert [v.state.value for v in queries.scheme_versions(world["viewer"])] == ["live", "past", "past"]
    told = queries.explain_cell(world["viewer"], cell("BIKE-1", "KEY"))
    assert {row["segment"] for row in told["intervals"] if row["valid_from"] < date(2025, 9, 1)} == {"PREM"}
    assert_history_is_whole(world["viewer"])


def test_what_is_shared_follows_the_segment(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "extract")
    document = read_scheme(SCHEME)
    planned = queries.plan_scheme(world["planner"], document, ON)
    plan = file_plan(world["planner"], write_scheme(world["planner"], SCHEME), planned)
    apply_plan(world["manager"], plan, planned.fingerprint)
    cycle(world)

    # Supplier A serves Premium under an agreement; supplier B does not, and gets nothing of it.
    agreed(world, "A", "PREM")
    jobs.publish_demand(world.worker, ON)
    mine = my_publications(world["a planner"])
    assert {one.segment for one in mine} == {world.segments["PREM"]}
    assert my_publications(world["b planner"]) == []

    # Once more publishes nothing anew.
    jobs.publish_demand(world.worker, ON)
    assert len(my_publications(world["a planner"])) == len(mine)
