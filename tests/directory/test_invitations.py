"""The way in, from the invitation to the first page; and the ways that lead nowhere."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.core import mail
from django.test import Client

from directory.signing_in import PASSWORD, signed_in
from fixtures.worlds import World
from tierwise.directory.actions import INVITATION_DAYS, invite_person, set_person_active
from tierwise.directory.models import Invitation, Person
from tierwise.directory.viewers import viewer_for
from tierwise.kernel.clock import clock_set, now
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role

pytestmark = pytest.mark.database
NEW = {"name": "Nia New", "email": "nia@a.example.com", "role": "supplier_planner"}


def _link(page: str) -> str:
    return re.findall(r'href="http://testserver(/invitation/[^"]+)"', page)[0]


def _invited(world: World, email: str = "nia@a.example.com", supplier: str = "A") -> str:
    made = invite_person(world["administrator"], world.suppliers[supplier], "Nia New", email, Role.SUPPLIER_PLANNER)
    return f"/invitation/{made.token}/"


def test_invited_on_the_portal_one_chooses_a_password_and_is_in(world: World) -> None:
    answer = signed_in(world["a administrator"]).post("/portal/company/", **NEW)
    link = _link(answer.content.decode())
    assert answer.headers["Cache-Control"] == "no-store"
    assert mail.outbox[0].to == ["nia@a.example.com"]
    assert f"http://testserver{link}" in mail.outbox[0].body

    newcomer = Client()
    assert "nia@a.example.com" in newcomer.get(link).content.decode()
    came = newcomer.post(link, {"password": PASSWORD}, follow=True)
    assert came.redirect_chain == [("/", 302), ("/portal/", 302)]
    assert "Nia New" in came.content.decode()

    account = Account.objects.get(email="nia@a.example.com")
    viewer = viewer_for(account)
    assert viewer is not None
    assert (viewer.company, viewer.role) == (world.suppliers["A"], Role.SUPPLIER_PLANNER)
    assert viewer.segments == world["a planner"].segments
    again = Client().post("/accounts/login/", {"login": "nia@a.example.com", "password": PASSWORD}, follow=True)
    assert again.redirect_chain[-1] == ("/portal/", 302)


def test_the_link_is_shown_once(world: World) -> None:
    desk = signed_in(world["a administrator"])
    desk.post("/portal/company/", **NEW)
    assert "/invitation/" not in desk.text("/portal/company/")


def test_a_used_link_leads_nowhere(world: World) -> None:
    link = _invited(world)
    assert Client().post(link, {"password": PASSWORD}).status_code == 302
    for again in (Client().get(link), Client().post(link, {"password": "another-" + PASSWORD})):
        assert again.status_code == 404
        assert "cannot be used" in again.content.decode()
    assert Account.objects.get(email="nia@a.example.com").check_password(PASSWORD)


def test_an_expired_link_leads_nowhere(world: World) -> None:
    link = _invited(world)
    with clock_set(now() + timedelta(days=INVITATION_DAYS, seconds=1)):
        assert Client().get(link).status_code == 404
        assert Client().post(link, {"password": PASSWORD}).status_code == 404
    assert not Account.objects.filter(email="nia@a.example.com").exists()


def test_a_renewed_invitation_ends_the_older_link(world: World) -> None:
    older, newer = _invited(world), _invited(world)
    assert Client().get(older).status_code == 404
    assert Client().get(newer).status_code == 200


def test_who_is_shut_out_before_he_came_does_not_come(world: World) -> None:
    link = _invited(world)
    person = Person.objects.using("default").get(email="nia@a.example.com")
    set_person_active(world["administrator"], person.id, False)
    assert Client().post(link, {"password": PASSWORD}).status_code == 404


@pytest.mark.parametrize("password", ["short", "password123456", ""])
def test_a_weak_password_is_asked_for_again(world: World, password: str) -> None:
    link = _invited(world)
    answer = Client().post(link, {"password": password})
    assert answer.status_code == 200
    assert "field-error" in answer.content.decode()
    assert not Account.objects.filter(email="nia@a.example.com").exists()


def test_an_address_signs_in_for_one_company(world: World) -> None:
    first, second = _invited(world), _invited(world, supplier="B")
    Client().post(first, {"password": PASSWORD})
    answer = Client().post(second, {"password": "second-" + PASSWORD})
    assert "signs in for another company" in answer.content.decode()
    assert Account.objects.filter(email="nia@a.example.com").count() == 1
    assert Invitation.objects.using("default").filter(used_at=None).count() == 1


def test_a_guessed_link_says_nothing(world: World) -> None:
    answer = Client().get("/invitation/" + "x" * 43 + "/")
    assert answer.status_code == 404
    assert "@" not in answer.content.decode()


def test_who_is_shut_out_is_out_at_the_next_click(world: World) -> None:
    desk = signed_in(world["a planner"])
    desk.text("/portal/")
    set_person_active(world["administrator"], world["a planner"].person, False)
    answer = desk.get("/portal/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert "Your access has ended" in desk.client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(("who", "form"), [
    ("a administrator", {**NEW, "role": "administrator"}),
    ("a administrator", {**NEW, "email": "no address"}),
    ("administrator", {**NEW, "role": "supplier_planner"}),
])  # fmt: skip
def test_a_form_that_asks_for_too_much_invites_nobody(world: World, who: str, form: dict[str, str]) -> None:
    path = "/portal/company/" if who.startswith("a ") else "/desk/people/"
    assert signed_in(world[who]).post(path, **form).status_code == 422
    assert not mail.outbox
    assert not Invitation.objects.using("default").exists()


@pytest.mark.parametrize("who", ["a planner", "a viewer"])
def test_only_the_suppliers_administrator_invites(world: World, who: str) -> None:
    assert signed_in(world[who]).post("/portal/company/", **NEW).status_code == 403
    assert not Invitation.objects.using("default").exists()


def test_a_buyers_administrator_invites_into_a_supplier(world: World) -> None:
    path = f"/desk/suppliers/{world.suppliers['A']}/people"
    page = signed_in(world["administrator"]).post(path, **NEW).content.decode()
    assert Client().get(_link(page)).status_code == 200
    assert UUID(str(Person.objects.using("default").get(email="nia@a.example.com").company_id)) == world.suppliers["A"]
