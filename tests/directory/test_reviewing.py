"""Confirming access: opened in time, decided by a company's own administrators, ended where nobody answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.core import mail

from collaboration.scenes import at, at_once, entries
from directory.signing_in import signed_in
from fixtures.worlds import NOW, TODAY, World
from tierwise.directory import queries
from tierwise.directory.entrance import Review
from tierwise.directory.jobs import step_reviews
from tierwise.directory.models import Person
from tierwise.directory.records import AccessDecision
from tierwise.directory.reviewing import (
    decide_access,
    end_reviews,
    open_review,
    open_reviews,
    reviewed_people,
    standing_review,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.clock import clock_set
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import Role, Viewer, viewer_scope

pytestmark = pytest.mark.database
SAID = Review(180, 21, 7)


@pytest.fixture(autouse=True)
def joined(world: World) -> Iterator[None]:
    with at():
        with viewer_scope(world["administrator"]):
            Person.objects.update(joined_at=NOW - timedelta(days=200))
        yield


def opened(world: World, supplier: str = "A") -> UUID:
    assert open_review(world.worker, world.suppliers[supplier], TODAY, SAID) == 1
    review = standing_review(world[f"{supplier.lower()} administrator"])
    assert review is not None
    return review.id


def lines(world: World, who: str = "a administrator") -> dict[UUID, UUID]:
    """Person → line."""
    review = standing_review(world[who])
    assert review is not None
    return {one.person: one.id for one in reviewed_people(world[who], review.id)}


def active(world: World) -> set[UUID]:
    return {p.id for p in queries.people(world["administrator"]) if p.active}


def test_reviews_open_by_themselves_for_both_sides_and_once(world: World) -> None:
    assert open_reviews(world.worker, TODAY, SAID) == 3
    assert open_reviews(world.worker, TODAY + timedelta(days=1), SAID) == 0
    ours, theirs = standing_review(world["administrator"]), standing_review(world["a administrator"])
    assert ours is not None
    assert theirs is not None
    assert (ours.people, theirs.people, theirs.due_on, theirs.ends_on) == (4, 3, date(2025, 7, 22), date(2025, 7, 29))
    assert {m.to[0] for m in mail.outbox} == {
        "ada.administrator@example.com", "a.administrator@example.com", "b.administrator@example.com"
    }  # fmt: skip
    reach = {one.reach for one in reviewed_people(world["a administrator"], theirs.id)}
    assert reach == {"Line Prem, Line Std, Line Common"}


def test_nobody_is_asked_before_it_is_time(world: World) -> None:
    assert open_reviews(world.worker, TODAY, Review(every_days=201)) == 0
    assert step_reviews(world.worker, TODAY)["opened"] == 3


def test_an_administrator_confirms_and_withdraws(world: World) -> None:
    opened(world)
    found = lines(world)
    administrator = world["a administrator"]
    assert decide_access(administrator, [found[world["a planner"].person]], True) == 1
    assert decide_access(administrator, [found[world["a viewer"].person]], False) == 1
    assert world["a viewer"].person not in active(world)
    assert world["a planner"].person in active(world)
    assert entries(world, "decide_access") == 2
    assert ["a.viewer@example.com"] in [m.to for m in mail.outbox]
    with pytest.raises(Stale):
        decide_access(administrator, [found[world["a viewer"].person]], True)


def test_the_only_administrator_confirms_himself_two_do_not(world: World) -> None:
    opened(world)
    own, administrator = lines(world)[world["a administrator"].person], world["a administrator"]
    with pytest.raises(NotAllowed):
        decide_access(administrator, [own], False)
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=world["a planner"].person).update(role=Role.SUPPLIER_ADMINISTRATOR.value)
    with pytest.raises(NotAllowed):
        decide_access(administrator, [own], True)
    second = replace(world["a planner"], role=Role.SUPPLIER_ADMINISTRATOR)
    assert decide_access(second, [own], True) == 1


def test_who_may_not_decide(world: World) -> None:
    opened(world)
    line = lines(world)[world["a planner"].person]
    for who in ("a planner", "a viewer", "planner"):
        with pytest.raises(NotAllowed):
            decide_access(world[who], [line], True)
    for who in ("b administrator", "administrator"):
        with pytest.raises(NotFound):
            decide_access(world[who], [line], True)
    with pytest.raises(Invalid):
        decide_access(world["a administrator"], [], True)


def test_two_decisions_at_once(world: World) -> None:
    opened(world)
    line = lines(world)[world["a planner"].person]
    second = Viewer(world["a viewer"].person, world.suppliers["A"], Role.SUPPLIER_ADMINISTRATOR)
    results = at_once(
        lambda: decide_access(world["a administrator"], [line], True), lambda: decide_access(second, [line], False)
    )
    assert sum(isinstance(result, Stale) for result in results) == 1


def test_whom_nobody_confirms_is_suspended_but_never_the_last_administrator(world: World) -> None:
    opened(world)
    decide_access(world["a administrator"], [lines(world)[world["a planner"].person]], True)
    assert end_reviews(world.worker, date(2025, 7, 29)) == 0
    assert step_reviews(world.worker, date(2025, 7, 23))["reminded"] == 1
    with clock_set(datetime(2025, 7, 30, 3, tzinfo=UTC)):
        assert end_reviews(world.worker, date(2025, 7, 30)) == 1
        deliver(world.worker)
        deliver(world.worker)
    assert world["a viewer"].person not in active(world)
    assert {world["a planner"].person, world["a administrator"].person} <= active(world)
    review = standing_review(world["a administrator"])
    assert review is not None
    assert review.closed
    decisions = {one.person: one.decision for one in reviewed_people(world["a administrator"], review.id)}
    assert decisions[world["a viewer"].person] is AccessDecision.SUSPENDED
    assert decisions[world["a administrator"].person] is AccessDecision.KEPT
    subjects = [m.subject for m in mail.outbox]
    assert subjects.count("Your access to Tierwise has ended") == 1
    assert subjects.count("Access ended") == 1
    with pytest.raises(Stale):
        decide_access(world["a administrator"], [next(iter(lines(world).values()))], True)


def test_the_page_on_both_sides(world: World) -> None:
    opened(world)
    portal = signed_in(world["a administrator"])
    assert "Confirm that 3 people may enter" in portal.text("/portal/")
    page = portal.text("/portal/company/review")
    assert "Line Prem" in page
    found = lines(world)
    others = [str(found[world[who].person]) for who in ("a planner", "a viewer")]
    answer = portal.client.post("/portal/company/review", {"decision": "confirm", "line": others})
    assert answer.status_code == 302
    assert signed_in(world["a planner"]).get("/portal/company/review").status_code == 403
    desk = signed_in(world["administrator"])
    assert "Nobody has to be confirmed" in desk.text("/desk/people/review")
