"""People of a company: invited, let in and out, given another role; by whom, and when two do it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from collaboration.scenes import at, at_once, entries
from fixtures.worlds import NOW, World
from tierwise.directory import queries, shared
from tierwise.directory.actions import INVITATION_DAYS, change_role, invite_person, set_person_active
from tierwise.directory.models import Invitation, Person
from tierwise.directory.records import PersonRecord
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Role, Viewer, viewer_scope

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def _people(world: World, company: UUID) -> dict[str, PersonRecord]:
    return {person.email: person for person in queries.people(world["administrator"], company)}


def _joined(world: World, person: UUID) -> None:
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=person).update(joined_at=NOW)


def _second(world: World, company: UUID, role: Role) -> Viewer:
    made = invite_person(world["administrator"], company, "Second Person", "second@example.com", role)
    return Viewer(made.person, company, role)


# invite_person


def test_an_invited_person_waits_under_the_role_given(world: World) -> None:
    made = invite_person(world["administrator"], world.host, " Nia New ", " Nia@Example.COM ", Role.QUALITY)
    person = _people(world, world.host)["nia@example.com"]
    assert (person.id, person.name, person.role, person.joined) == (made.person, "Nia New", "quality", False)
    kept = Invitation.objects.using("default").get(person_id=made.person)
    assert made.token not in kept.digest
    assert kept.expires_at == NOW + timedelta(days=INVITATION_DAYS)
    assert entries(world, "invite_person") == 1


def test_a_supplier_administrator_invites_into_his_own_company(world: World) -> None:
    made = invite_person(world["a administrator"], world.suppliers["A"], "Nia", "n@a.example", Role.SUPPLIER_PLANNER)
    assert made.person in {person.id for person in shared.my_people(world["a planner"])}
    assert made.person not in {person.id for person in shared.my_people(world["b planner"])}


@pytest.mark.parametrize("who", ["planner", "manager", "viewer", "a planner", "a viewer"])
def test_only_administrators_invite(world: World, who: str) -> None:
    role = Role.SUPPLIER_VIEWER if who.startswith("a ") else Role.VIEWER
    with pytest.raises(NotAllowed):
        invite_person(world[who], world[who].company, "Nia", "nia@example.com", role)
    assert entries(world, "invite_person", "refused") == 1


def test_a_supplier_invites_into_no_other_company(world: World) -> None:
    for other in (world.suppliers["B"], world.host, uuid7()):
        with pytest.raises(NotFound):
            invite_person(world["a administrator"], other, "Nia", "nia@example.com", Role.SUPPLIER_VIEWER)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.PLANNER, Role.VIEWER, Role.SYSTEM])
def test_a_supplier_gives_no_role_of_the_buyers_side(world: World, role: Role) -> None:
    with pytest.raises(NotAllowed):
        invite_person(world["a administrator"], world.suppliers["A"], "Nia", "nia@example.com", role)


def test_inviting_again_renews_under_what_is_said_now(world: World) -> None:
    actor, company = world["administrator"], world.suppliers["A"]
    first = invite_person(actor, company, "Nia", "nia@example.com", Role.SUPPLIER_VIEWER)
    set_person_active(actor, first.person, False)
    second = invite_person(actor, company, "Nia New", "NIA@example.com", Role.SUPPLIER_PLANNER)
    assert second.person == first.person
    assert second.token != first.token
    person = _people(world, company)["nia@example.com"]
    assert (person.name, person.role, person.active) == ("Nia New", "supplier_planner", True)


def test_who_has_joined_is_not_invited_again(world: World) -> None:
    made = invite_person(world["administrator"], world.host, "Nia", "nia@example.com", Role.QUALITY)
    _joined(world, made.person)
    with pytest.raises(Stale, match="already joined"):
        invite_person(world["administrator"], world.host, "Nia", "nia@example.com", Role.ADMINISTRATOR)
    assert _people(world, world.host)["nia@example.com"].role == "quality"


@pytest.mark.parametrize(("name", "email", "field"), [
    ("Nia", "nia", "email"), ("Nia", "", "email"), ("Nia", "a@b@c.de", "email"),
    ("  ", "nia@example.com", "name"), ("N" * 121, "nia@example.com", "name"),
])  # fmt: skip
def test_what_is_wrong_with_an_invitation_is_said(world: World, name: str, email: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        invite_person(world["administrator"], world.host, name, email, Role.QUALITY)
    assert refused.value.parameters["field"] == field
    assert len(_people(world, world.host)) == 4


def test_two_invitations_at_once_make_one_person(world: World) -> None:
    def invite() -> UUID:
        return invite_person(world["administrator"], world.host, "Nia", "nia@example.com", Role.QUALITY).person

    people = at_once(invite, invite, invite)
    assert len(set(people)) == 1
    assert isinstance(people[0], UUID)
    assert Invitation.objects.using("default").filter(person_id=people[0]).count() == 3


# set_person_active


def test_a_person_is_let_out_and_in_again(world: World) -> None:
    person = world["planner"].person
    for active in (False, True):
        set_person_active(world["administrator"], person, active)
        assert _people(world, world.host)["pat.planner@example.com"].active is active
    assert entries(world, "set_person_active") == 2


@pytest.mark.parametrize("who", ["planner", "viewer", "a planner"])
def test_only_administrators_let_people_out(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        set_person_active(world[who], world["a viewer"].person, False)


def test_a_supplier_reaches_nobody_of_another_company(world: World) -> None:
    for other in (world["b viewer"].person, world["planner"].person, uuid7()):
        with pytest.raises(NotFound):
            set_person_active(world["a administrator"], other, False)
    assert _people(world, world.suppliers["B"])["b.viewer@example.com"].active


def test_letting_out_twice_is_once(world: World) -> None:
    for _ in range(2):
        set_person_active(world["a administrator"], world["a viewer"].person, False)
    assert not _people(world, world.suppliers["A"])["a.viewer@example.com"].active


def test_nobody_shuts_himself_out(world: World) -> None:
    _second(world, world.host, Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed, match="yourself"):
        set_person_active(world["administrator"], world["administrator"].person, False)


def test_no_company_loses_its_last_administrator(world: World) -> None:
    with pytest.raises(NotAllowed, match="last administrator"):
        set_person_active(world["administrator"], world["a administrator"].person, False)


def test_two_administrators_who_let_each_other_out_leave_one(world: World) -> None:
    first = world["a administrator"]
    second = replace(_second(world, world.suppliers["A"], Role.SUPPLIER_ADMINISTRATOR), segments=first.segments)
    results = at_once(
        lambda: set_person_active(first, second.person, False), lambda: set_person_active(second, first.person, False)
    )
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "NotAllowed"]
    left = [p for p in queries.people(world["administrator"], world.suppliers["A"]) if p.active]
    assert sum(p.role == "supplier_administrator" for p in left) == 1


# change_role


def test_a_role_changes_and_the_entry_says_from_what(world: World) -> None:
    change_role(world["administrator"], world["planner"].person, Role.CATEGORY_MANAGER)
    assert _people(world, world.host)["pat.planner@example.com"].role == "category_manager"
    assert entries(world, "change_role") == 1


@pytest.mark.parametrize("who", ["planner", "viewer", "a planner"])
def test_only_administrators_change_roles(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        change_role(world[who], world[who].person, Role.SUPPLIER_ADMINISTRATOR)


def test_no_role_crosses_to_the_other_side(world: World) -> None:
    with pytest.raises(NotAllowed, match="does not exist"):
        change_role(world["a administrator"], world["a planner"].person, Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed, match="does not exist"):
        change_role(world["administrator"], world["planner"].person, Role.SUPPLIER_ADMINISTRATOR)


def test_a_supplier_changes_no_role_of_another_company(world: World) -> None:
    with pytest.raises(NotFound):
        change_role(world["a administrator"], world["b viewer"].person, Role.SUPPLIER_ADMINISTRATOR)


def test_giving_a_role_twice_is_once(world: World) -> None:
    for _ in range(2):
        change_role(world["a administrator"], world["a viewer"].person, Role.SUPPLIER_PLANNER)
    assert _people(world, world.suppliers["A"])["a.viewer@example.com"].role == "supplier_planner"


def test_two_administrators_who_demote_each_other_leave_one(world: World) -> None:
    first, second = world["administrator"], _second(world, world.host, Role.ADMINISTRATOR)
    results = at_once(
        lambda: change_role(first, second.person, Role.VIEWER), lambda: change_role(second, first.person, Role.VIEWER)
    )
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "NotAllowed"]
