"""Supports: proposed, confirmed, ended; and what a supplier reaches by them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import pytest

from collaboration.scenes import at, at_once, entries, events
from fixtures.worlds import TODAY, World
from tierwise.directory import queries, shared
from tierwise.directory.actions import SupportProposal, confirm_support, end_support, propose_supports
from tierwise.directory.records import Involvement, SupportRecord, SupportState
from tierwise.directory.viewers import supported_segments
from tierwise.kernel.audit import NotAllowed, NotFound, Stale
from tierwise.kernel.ids import uuid7

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def _proposal(world: World, supplier: str = "B", segment: str = "PREM") -> SupportProposal:
    return SupportProposal(world.suppliers[supplier], world.segments[segment], 0.2, "LA", "Line A", 1)


def _support(world: World, supplier: str = "B", segment: str = "PREM", on: date = TODAY) -> SupportRecord | None:
    wanted = (world.suppliers[supplier], world.segments[segment])
    return next((s for s in queries.supports(world["planner"], on=on) if (s.supplier, s.segment) == wanted), None)


def _id(world: World, supplier: str = "A", segment: str = "PREM") -> UUID:
    found = _support(world, supplier, segment)
    assert found is not None
    return found.id


def _proposed(world: World) -> UUID:
    propose_supports(world["planner"], [_proposal(world)])
    return _id(world, "B")


# propose_supports


def test_a_proposed_support_opens_nothing_yet(world: World) -> None:
    assert propose_supports(world["planner"], [_proposal(world)]) == 1
    found = _support(world)
    assert found is not None
    assert (found.state, found.shown_name, found.valid_from) == (SupportState.PROPOSED, "Line A", TODAY)
    assert world.segments["PREM"] not in supported_segments(world["b planner"])
    assert [s.shown_name for s in shared.my_supports(world["b planner"])].count("Line A") == 0


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_propose(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        propose_supports(world[who], [_proposal(world, "A")])
    assert entries(world, "propose_supports", "refused") == 1


def test_what_stands_is_not_proposed_again(world: World) -> None:
    assert propose_supports(world["planner"], [_proposal(world, "A"), _proposal(world)]) == 1
    assert propose_supports(world["planner"], [_proposal(world)]) == 0
    standing = _support(world, "A")
    assert standing is not None
    assert standing.state is SupportState.CONFIRMED


def test_a_support_that_ran_out_is_proposed_anew(world: World) -> None:
    end_support(world["planner"], _id(world), TODAY)
    later = TODAY + timedelta(days=1)
    with at(days=1):
        assert _support(world, "A", on=later) is None
        assert propose_supports(world["planner"], [_proposal(world, "A")]) == 1
        found = _support(world, "A", on=later)
    assert found is not None
    assert (found.state, found.valid_from) == (SupportState.PROPOSED, later)


def test_a_support_ended_on_its_first_day_opens_again(world: World) -> None:
    end_support(world["planner"], _proposed(world), TODAY - timedelta(days=1))
    assert _support(world) is None
    assert propose_supports(world["planner"], [_proposal(world)]) == 1
    found = _support(world)
    assert found is not None
    assert found.valid_to is None


def test_two_proposals_at_once_make_one_support(world: World) -> None:
    results = at_once(*[lambda: propose_supports(world["planner"], [_proposal(world)])] * 2)
    assert sorted(results) == [0, 1]
    assert sum(s.supplier == world.suppliers["B"] for s in queries.supports(world["planner"])) == 3


# confirm_support


def test_a_confirmed_support_opens_its_segment_at_once(world: World) -> None:
    confirm_support(world["manager"], _proposed(world), Involvement.CO_CREATION)
    assert world.segments["PREM"] in supported_segments(world["b planner"])
    found = _support(world)
    assert found is not None
    assert (found.state, found.involvement) == (SupportState.CONFIRMED, Involvement.CO_CREATION)
    told = {"supplier": str(world.suppliers["B"]), "segment": str(world.segments["PREM"])}
    assert events(world, "support_confirmed") == [told]


@pytest.mark.parametrize("who", ["viewer", "b administrator"])
def test_only_editors_confirm(world: World, who: str) -> None:
    support = _proposed(world)
    with pytest.raises(NotAllowed):
        confirm_support(world[who], support, Involvement.EXECUTION)
    assert world.segments["PREM"] not in supported_segments(world["b planner"])


def test_a_confirmed_support_of_one_supplier_opens_nothing_to_another(world: World) -> None:
    before = supported_segments(world["a planner"])
    confirm_support(world["planner"], _proposed(world), Involvement.EXECUTION)
    assert supported_segments(world["a planner"]) == before
    assert "Line A" not in [s.shown_name for s in shared.my_supports(world["a planner"])]


def test_confirming_again_changes_the_involvement(world: World) -> None:
    support = _proposed(world)
    for involvement in (Involvement.EXECUTION, Involvement.ADVISORY):
        confirm_support(world["planner"], support, involvement)
    found = _support(world)
    assert found is not None
    assert found.involvement is Involvement.ADVISORY


def test_what_is_not_there_or_over_is_not_confirmed(world: World) -> None:
    with pytest.raises(NotFound):
        confirm_support(world["planner"], uuid7(), Involvement.EXECUTION)
    support = _proposed(world)
    end_support(world["planner"], support, TODAY)
    with at(days=1), pytest.raises(Stale):
        confirm_support(world["planner"], support, Involvement.EXECUTION)


def test_confirmed_and_ended_at_once_is_over_in_either_order(world: World) -> None:
    support, yesterday = _proposed(world), TODAY - timedelta(days=1)
    at_once(
        lambda: confirm_support(world["planner"], support, Involvement.EXECUTION),
        lambda: end_support(world["manager"], support, yesterday),
    )
    assert world.segments["PREM"] not in supported_segments(world["b planner"])
    assert entries(world, "end_support") == 1


# end_support


def test_an_ended_support_closes_after_its_last_day(world: World) -> None:
    end_support(world["planner"], _id(world), TODAY + timedelta(days=2))
    premium = world.segments["PREM"]
    assert premium in supported_segments(world["a planner"])
    with at(days=3):
        assert premium not in supported_segments(world["a planner"])
    assert events(world, "support_ended")[0]["on"] == str(TODAY + timedelta(days=2))


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_end(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        end_support(world[who], _id(world), TODAY)


def test_the_end_of_one_suppliers_support_touches_no_other(world: World) -> None:
    end_support(world["planner"], _id(world, "A", "STD"), TODAY - timedelta(days=1))
    assert world.segments["STD"] not in supported_segments(world["a planner"])
    assert world.segments["STD"] in supported_segments(world["b planner"])


def test_what_has_ended_does_not_end_again(world: World) -> None:
    support = _id(world)
    end_support(world["planner"], support, TODAY - timedelta(days=1))
    with pytest.raises(Stale):
        end_support(world["planner"], support, TODAY + timedelta(days=30))
    assert world.segments["PREM"] not in supported_segments(world["a planner"])


def test_two_ends_at_once_leave_one_of_the_days(world: World) -> None:
    support = _id(world)
    days = [TODAY + timedelta(days=1), TODAY + timedelta(days=2)]
    at_once(*[lambda day=day: end_support(world["planner"], support, day) for day in days])
    found = _support(world, "A")
    assert found is not None
    assert found.valid_to in days
