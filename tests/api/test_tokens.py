"""Tokens: who makes and revokes them, what they open, and that they stop at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from api.conftest import Machine, machine
from collaboration.scenes import at, at_once, entries
from directory.signing_in import signed_in
from fixtures.worlds import World
from tierwise.directory.actions import (
    TOKEN_DAYS,
    TokenWish,
    change_role,
    end_support,
    invite_person,
    make_token,
    revoke_token,
    set_person_active,
)
from tierwise.directory.models import ApiToken, Support
from tierwise.directory.tokens import own_tokens, public_part
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import Role, viewer_scope

pytestmark = pytest.mark.database
READ = TokenWish("ERP", Role.VIEWER, ["cases:read"])


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def _id(asker: Machine) -> UUID:
    return UUID(hex=asker.token.split("_")[1])


def test_a_token_is_kept_as_a_digest_and_shows_its_beginning(world: World) -> None:
    made = make_token(world["administrator"], READ)
    [listed] = own_tokens(world["administrator"])
    assert made.token.startswith(listed.start)
    assert listed.start == public_part(made.id)
    assert (listed.name, listed.role, listed.scopes, listed.last_used_at) == ("ERP", "viewer", ("cases:read",), None)
    secret = made.token.rsplit("_", 1)[-1]
    with viewer_scope(world["administrator"]):
        assert secret not in str(ApiToken.objects.filter(id=made.id).values().get())
    assert Machine(made.token).get("/cases").status_code == 200
    assert own_tokens(world["administrator"])[0].last_used_at is not None


@pytest.mark.parametrize("who", ["planner", "manager", "viewer", "a planner", "a viewer"])
def test_only_administrators_make_and_revoke(world: World, who: str) -> None:
    made = make_token(world["administrator"], READ)
    with pytest.raises(NotAllowed):
        make_token(world[who], replace(READ, role=world[who].role))
    with pytest.raises(NotAllowed):
        revoke_token(world[who], made.id)


def test_a_token_is_of_ones_own_company_and_side(world: World) -> None:
    theirs = make_token(world["b administrator"], TokenWish("x", Role.SUPPLIER_VIEWER, ["cases:read"]))
    with pytest.raises(NotFound):
        revoke_token(world["a administrator"], theirs.id)
    with pytest.raises(NotFound):
        revoke_token(world["administrator"], theirs.id)
    assert own_tokens(world["a administrator"]) == []
    with pytest.raises(NotAllowed):
        make_token(world["a administrator"], replace(READ, role=Role.PLANNER))
    with pytest.raises(Invalid, match="audit:read"):
        make_token(world["a administrator"], TokenWish("x", Role.SUPPLIER_VIEWER, ["audit:read"]))


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (replace(READ, name=" "), "name"),
        (replace(READ, name="x" * 81), "name"),
        (replace(READ, scopes=[]), "scopes"),
        (replace(READ, scopes=["cases:all"]), "scopes"),
        (replace(READ, days=0), "days"),
        (replace(READ, days=TOKEN_DAYS + 1), "days"),
    ],
)
def test_what_cannot_be_is_named(world: World, wish: TokenWish, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_token(world["administrator"], wish)
    assert refused.value.parameters["field"] == field


def test_two_revoke_at_once_and_again(world: World, buyer: Machine) -> None:
    actor = world["administrator"]
    assert at_once(*[lambda: revoke_token(actor, _id(buyer))] * 2) == [None, None]
    revoke_token(actor, _id(buyer))
    assert entries(world, "revoke_token") == 3
    assert buyer.get("/me").status_code == 401


def test_a_request_is_its_makers_through_the_door_of_machines(world: World, buyer: Machine) -> None:
    me = buyer.read("/me")
    assert (me["person"], me["role"]) == (str(world["administrator"].person), "administrator")
    person = world["a viewer"].person
    assert buyer.change("PUT", f"/people/{person}", f"/people/{person}/active", {"active": False}).status_code == 200
    with viewer_scope(world["administrator"]):
        entry = AuditEntry.objects.get(action="set_person_active")
    assert (entry.door, entry.person, entry.outcome) == ("api", world["administrator"].person, "done")


def test_refusals_leave_an_entry(world: World) -> None:
    reader = machine(world["administrator"], Role.VIEWER)
    body = {"name": "N", "email": "n@example.com", "role": "viewer"}
    assert reader.post(f"/companies/{world.host}/people", body).status_code == 403
    assert entries(world, "invite_person", "refused") == 1


def test_scopes_narrow_what_the_role_may(world: World) -> None:
    narrow = machine(world["administrator"], scopes=["cases:read", "directory:read"])
    assert narrow.get("/cases").status_code == 200
    assert narrow.get("/audit").status_code == 403
    refused = narrow.post("/supports", {"supplier": str(world.suppliers["A"]), "segment": str(world.segments["PREM"])})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope")
    assert "directory:write" in refused.json()["detail"]


def test_it_stops_with_the_next_request(world: World) -> None:
    actor = world["administrator"]
    revoked, over, left, demoted = (machine(actor) for _ in range(4))
    for one in (revoked, over, left, demoted):
        assert one.get("/me").status_code == 200
    revoke_token(actor, _id(revoked))
    assert revoked.get("/me").status_code == 401
    with at(days=91):
        assert over.get("/me").status_code == 401
    second = invite_person(actor, world.host, "Second", "second@example.com", Role.ADMINISTRATOR).person
    other = replace(actor, person=second)
    change_role(other, actor.person, Role.PLANNER)
    assert demoted.get("/me").status_code == 401
    change_role(other, actor.person, Role.ADMINISTRATOR)
    assert left.get("/me").status_code == 200
    set_person_active(other, actor.person, False)
    assert left.get("/me").status_code == 401


def test_segments_follow_the_supports_of_the_moment(world: World, supplier: Machine) -> None:
    assert len(supplier.read("/me")["segments"]) == 3
    with viewer_scope(world["planner"]):
        premium = Support.objects.get(supplier_id=world.suppliers["A"], segment_id=world.segments["PREM"]).id
    end_support(world["planner"], premium, date(2025, 6, 30))
    assert str(world.segments["PREM"]) not in supplier.read("/me")["segments"]
    assert len(supplier.read("/me")["segments"]) == 2


@pytest.mark.parametrize(
    "token", ["", "x", "tw_", "tw_01a2052a73e87f6ebfbeb9befe6a9ded_secret", "tw_" + "z" * 32 + "_x", "tw_" + "0" * 32]
)
def test_what_is_no_token_opens_nothing(world: World, token: str) -> None:
    answer = Machine(token).get("/me")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_secret_opens_nothing(world: World, buyer: Machine) -> None:
    assert buyer.get("/me").status_code == 200
    assert Machine(buyer.token[:-1] + ("a" if buyer.token[-1] != "a" else "b")).get("/me").status_code == 401


@pytest.mark.parametrize(
    ("who", "page", "role", "scope"),
    [
        ("administrator", "/desk/api-access/", "viewer", "audit:read"),
        ("a administrator", "/portal/api-access/", "supplier_viewer", "cases:read"),
    ],
)
def test_the_page_shows_a_token_once_and_revokes_it(world: World, who: str, page: str, role: str, scope: str) -> None:
    desk = signed_in(world[who])
    assert "No machine has been let in yet" in desk.text(page)
    shown = desk.post(page, name="Warehouse", role=role, scopes=[scope], days=30)
    assert shown.headers["Cache-Control"] == "no-store"
    text = shown.content.decode()
    [record] = own_tokens(world[who])
    secret = text[text.index(record.start + "_") :].split("<")[0]
    assert Machine(secret).get("/me").status_code == 200
    assert secret not in desk.text(page)
    assert record.expires_at - record.made_at == timedelta(days=30)
    assert desk.post(f"{page}{record.id}/revoke").status_code == 302
    assert Machine(secret).get("/me").status_code == 401
    assert desk.post(page, name="", role=role, days=30).status_code == 422
    assert signed_in(world["planner" if who == "administrator" else "a planner"]).get(page).status_code == 403
