"""Segments, their policies, the effective policies of lanes, and the founding of the company."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from collaboration.scenes import at, at_once, entries
from fixtures.databases import Template
from fixtures.worlds import TODAY, World
from tierwise.directory import queries
from tierwise.directory.actions import LanePolicyPut, SegmentPut, found_company, put_lane_policies, put_segments
from tierwise.kernel.audit import NotAllowed, Stale
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Door, Role, Viewer

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def _puts(window: int = 90) -> list[SegmentPut]:
    premium = SegmentPut("PREM", "Premium", 1, 1, {"attribution": {"window_days": window}})
    return [premium, SegmentPut("COMMON", "Common", 2, 8, {})]


def _window(world: World, on: date) -> Any:
    return queries.policy(world["planner"], "attribution", on).get(world.segments["PREM"], {}).get("window_days")


# put_segments


def test_segments_and_policies_come_to_what_the_scheme_says(world: World) -> None:
    put_segments(world["manager"], [*_puts(), SegmentPut("NEW", "New", 3, 3, {})], 1, TODAY)
    assert [s.code for s in queries.segments(world["planner"])] == ["PREM", "COMMON", "NEW"]
    assert "STD" in queries.segment_ids(world["planner"])
    assert _window(world, TODAY) == 90
    assert _window(world, TODAY - timedelta(days=1)) is None


def test_an_earlier_policy_stays_for_its_days(world: World) -> None:
    put_segments(world["planner"], _puts(90), 1, TODAY)
    put_segments(world["planner"], _puts(180), 2, TODAY + timedelta(days=30))
    assert _window(world, TODAY + timedelta(days=29)) == 90
    assert _window(world, TODAY + timedelta(days=30)) == 180
    put_segments(world["planner"], [SegmentPut("PREM", "Premium", 1, 1, {})], 3, TODAY + timedelta(days=60))
    assert _window(world, TODAY + timedelta(days=60)) is None


def test_each_value_names_the_version_that_set_it(world: World) -> None:
    def put(version: int, day: date, **values: Any) -> None:
        premium = SegmentPut("PREM", "Premium", 1, 1, {"attribution": values})
        put_segments(world["manager"], [premium, SegmentPut("COMMON", "Common", 2, 8, {})], version, day)

    def origin(day: date) -> dict[str, int]:
        found = queries.facet_provenance(world["viewer"], world.segments["PREM"], day)
        return {name: version for (_facet, name), (version, _since) in found.items()}

    days = [TODAY + timedelta(days=30 * n) for n in range(4)]
    put(1, days[0], window_days=90, support_share=0.1)
    put(2, days[1], window_days=60, support_share=0.1)
    put(3, days[2], window_days=90, support_share=0.1)
    put(4, days[3], window_days=90)
    assert origin(days[0]) == {"window_days": 1, "support_share": 1}
    assert origin(days[1]) == {"window_days": 2, "support_share": 1}
    assert origin(days[2]) == {"window_days": 3, "support_share": 1}
    assert origin(days[3]) == {"window_days": 3}
    since = queries.facet_provenance(world["viewer"], world.segments["PREM"], days[3])
    assert since["attribution", "window_days"] == (3, days[2])


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_put_segments(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        put_segments(world[who], _puts(), 1, TODAY)
    assert entries(world, "put_segments", "refused") == 1


def test_putting_the_same_again_changes_nothing(world: World) -> None:
    for version in (1, 2):
        put_segments(world["planner"], _puts(), version, TODAY)
    assert _window(world, TODAY) == 90
    assert queries.segment_ids(world["planner"])["PREM"] == world.segments["PREM"]


def test_two_schemes_at_once_leave_one_of_them_whole(world: World) -> None:
    new = SegmentPut("NEW", "New", 3, 3, {"attribution": {"window_days": 30}})
    results = at_once(
        lambda: put_segments(world["planner"], [*_puts(90), new], 1, TODAY),
        lambda: put_segments(world["manager"], [*_puts(180), new], 2, TODAY),
    )
    assert results == [None, None]
    assert _window(world, TODAY) in {90, 180}
    assert [s.code for s in queries.segments(world["planner"])].count("NEW") == 1


# put_lane_policies


def _policies(world: World, days: int = 7) -> list[LanePolicyPut]:
    return [LanePolicyPut(f"L{n}", world.suppliers["A"], {"cadence.days": days}, {"cadence.days": "x"}) for n in (1, 2)]


def test_lane_policies_are_replaced(world: World) -> None:
    put_lane_policies(world["planner"], _policies(world), 1)
    put_lane_policies(world["planner"], _policies(world, 14)[:1], 2)
    found = queries.lane_policies(world["planner"], world.suppliers["A"])
    assert [(p["lane"], p["values"]["cadence.days"]) for p in found] == [("L1", 14)]
    assert queries.lane_policies(world["planner"], world.suppliers["B"]) == []


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_put_lane_policies(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        put_lane_policies(world[who], _policies(world), 1)


def test_the_same_lane_policies_again_stay_as_they_are(world: World) -> None:
    for _ in range(2):
        put_lane_policies(world["planner"], _policies(world), 1)
    assert len(queries.lane_policies(world["planner"])) == 2


def test_two_replacements_at_once_leave_one_whole(world: World) -> None:
    results = at_once(*[lambda d=d: put_lane_policies(world["planner"], _policies(world, d), 1) for d in (7, 14)])
    assert results == [None, None]
    found = {p["values"]["cadence.days"] for p in queries.lane_policies(world["planner"])}
    assert len(found) == 1


# found_company


def _founder() -> Viewer:
    return Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR, door=Door.COMMAND)


def _found(actor: Viewer, code: str = "KH") -> Callable[[], UUID]:
    return lambda: found_company(actor, code, "Kesselhain", "DE", "EUR")


def test_a_founded_company_is_the_host(database: Template) -> None:
    actor = _founder()
    assert _found(actor)() == actor.company
    assert (queries.host(actor).code, queries.host(actor).currency) == ("KH", "EUR")


def test_only_an_administrator_founds(database: Template) -> None:
    actor = Viewer(uuid7(), uuid7(), Role.PLANNER)
    with pytest.raises(NotAllowed):
        _found(actor)()


def test_there_is_one_company(database: Template) -> None:
    first, second = _founder(), _founder()
    _found(first)()
    for again in (_found(first), _found(second), _found(second, "OTHER")):
        with pytest.raises(Stale):
            again()


def test_a_supplier_cannot_found(world: World) -> None:
    with pytest.raises(NotAllowed):
        _found(world["a administrator"])()


def test_two_foundings_at_once_make_one_company(database: Template) -> None:
    first, second = _founder(), _founder()
    results = at_once(_found(first, "ONE"), _found(second, "TWO"))
    assert sorted(type(result).__name__ for result in results) == ["Stale", "UUID"]
