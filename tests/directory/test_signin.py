"""Lockout, sessions and the invitation's other way: how somebody comes in, waits, and is let out."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client

from collaboration.scenes import at_once, entries
from directory.signing_in import PASSWORD, signed_in
from fixtures.worlds import World
from tierwise.directory.actions import end_sessions, invite_person, set_person_active, unlock_person
from tierwise.directory.lockout import locked_until
from tierwise.directory.models import Person
from tierwise.directory.sessions import device_of
from tierwise.kernel.audit import NotAllowed, NotFound, Stale
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role, viewer_scope

pytestmark = pytest.mark.database
PLANNER = "a.planner@example.com"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@pytest.fixture
def planner(world: World) -> Account:
    return Account.objects.create_account(PLANNER, world["a planner"].person, PASSWORD)


def try_in(email: str, password: str, client: Client | None = None, place: str = "10.0.0.1") -> str:
    answer = (client or Client()).post(
        "/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=place, headers={"user-agent": CHROME}
    )
    return "in" if answer.status_code == 302 else answer.content.decode()


def failures(email: str, count: int) -> list[str]:
    """Each from another place, so that the address alone is what is counted."""
    return [try_in(email, "wrong-password", place=f"10.0.1.{n}") for n in range(count)]


def test_five_failures_lock_an_address_and_the_right_password_waits_too(world: World, planner: Account) -> None:
    assert all("not correct" in page for page in failures(PLANNER, 5))
    assert "Too many failed" in try_in(PLANNER, PASSWORD)
    assert locked_until(PLANNER) is not None
    assert entries(world, "note_lockout") == 1
    # Trying on while locked adds no entry: a trail that anybody may fill tells nothing.
    failures(PLANNER, 3)
    assert entries(world, "note_lockout") == 1


def test_a_strangers_address_is_answered_alike(world: World, planner: Account) -> None:
    known, unknown = failures(PLANNER, 6), failures("nobody@example.com", 6)
    strip = [[page.split("<h1>")[1].split("csrfmiddlewaretoken")[0] for page in pages] for pages in (known, unknown)]
    assert strip[0] == strip[1]
    assert ["Too many failed" in page for page in known] == ["Too many failed" in page for page in unknown]


def test_the_wait_grows(world: World, planner: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    start = time.time()
    clock = [start]
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: clock[0])
    failures(PLANNER, 5)
    first = locked_until(PLANNER)
    clock[0] = start + 301
    assert try_in(PLANNER, PASSWORD) == "in"
    failures(PLANNER, 5)
    second = locked_until(PLANNER)
    assert first is not None
    assert second is not None
    assert first.timestamp() - start == pytest.approx(300, abs=20)
    assert second.timestamp() - start == pytest.approx(3600, abs=20)


def test_one_place_that_tries_many_addresses_is_locked_too(world: World, planner: Account) -> None:
    for n in range(20):
        try_in(f"somebody{n}@example.com", "wrong-password", place="10.9.9.9")
    assert "Too many failed" in try_in(PLANNER, PASSWORD, place="10.9.9.9")
    assert try_in(PLANNER, PASSWORD, place="10.9.9.8") == "in"


def test_an_administrator_unlocks_and_the_page_shows_who_waits(world: World, planner: Account) -> None:
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=planner.person_id).update(joined_at="2025-01-01T00:00:00Z")
    failures(PLANNER, 5)
    desk = signed_in(world["a administrator"])
    assert "Locked until" in desk.text("/portal/company/")
    assert desk.post(f"/portal/company/people/{planner.person_id}/tend", what="unlock").status_code == 302
    assert "Locked until" not in desk.text("/portal/company/")
    assert try_in(PLANNER, PASSWORD) == "in"
    assert entries(world, "unlock_person") == 1


@pytest.mark.parametrize("who", ["planner", "a planner", "a viewer"])
def test_only_administrators_unlock_and_sign_out(world: World, planner: Account, who: str) -> None:
    for tend in (unlock_person, end_sessions):
        with pytest.raises(NotAllowed):
            tend(world[who], planner.person_id)


def test_a_supplier_tends_nobody_elses_people(world: World, planner: Account) -> None:
    failures(PLANNER, 5)
    for tend in (unlock_person, end_sessions):
        with pytest.raises(NotFound):
            tend(world["b administrator"], planner.person_id)
    assert locked_until(PLANNER) is not None


def test_who_is_not_locked_is_not_unlocked(world: World, planner: Account) -> None:
    with pytest.raises(Stale):
        unlock_person(world["administrator"], planner.person_id)
    failures(PLANNER, 5)
    results = at_once(*[lambda: unlock_person(world["administrator"], planner.person_id)] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1


# sessions


def enter(email: str) -> Client:
    client = Client(headers={"user-agent": CHROME})
    assert try_in(email, PASSWORD, client) == "in"
    return client


def test_one_sees_where_one_is_signed_in_and_ends_one_or_all_others(world: World, planner: Account) -> None:
    here, there, elsewhere = enter(PLANNER), enter(PLANNER), enter(PLANNER)
    page = here.get("/accounts/sessions/").content.decode()
    assert page.count("Chrome on Linux") >= 3
    assert "10.0.0.1" in page
    assert page.count("This one") == 1
    key = UserSession.objects.get(session_key=there.session.session_key).pk
    assert here.post("/accounts/sessions/end", {"which": key}).status_code == 302
    assert there.get("/portal/").status_code == 302
    assert elsewhere.get("/portal/").status_code == 200
    here.post("/accounts/sessions/end", {"which": "others"})
    assert elsewhere.get("/portal/").status_code == 302
    assert here.get("/portal/").status_code == 200


def test_nobody_ends_somebody_elses_session(world: World, planner: Account) -> None:
    Account.objects.create_account("b.planner@example.com", world["b planner"].person, PASSWORD)
    mine, theirs = enter(PLANNER), enter("b.planner@example.com")
    key = UserSession.objects.get(session_key=theirs.session.session_key).pk
    assert mine.post("/accounts/sessions/end", {"which": key}).status_code == 404
    assert theirs.get("/portal/").status_code == 200


def test_sessions_end_with_access_and_at_an_administrators_word(world: World, planner: Account) -> None:
    client = enter(PLANNER)
    end_sessions(world["a administrator"], planner.person_id)
    assert client.get("/portal/").status_code == 302
    assert entries(world, "end_sessions") == 1
    enter(PLANNER)
    set_person_active(world["administrator"], planner.person_id, False)
    assert not UserSession.objects.exists()


def test_a_new_password_ends_every_other_session(world: World, planner: Account) -> None:
    here, there = enter(PLANNER), enter(PLANNER)
    new = "silver-" + PASSWORD
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/accounts/password/change/", given).status_code == 302
    assert there.get("/portal/").status_code == 302
    assert here.get("/portal/").status_code == 200


def test_last_seen_is_noted_sparingly(world: World, planner: Account) -> None:
    client = enter(PLANNER)
    before = UserSession.objects.get()
    client.get("/portal/")
    assert UserSession.objects.get().last_seen_at == before.last_seen_at
    UserSession.objects.update(last_seen_at="2025-01-01T00:00:00Z")
    client.get("/portal/")
    assert UserSession.objects.get().last_seen_at.year > 2025


@pytest.mark.parametrize(("agent", "words"), [
    (CHROME, "Chrome on Linux"), ("", "Unknown device"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1", "Safari on iOS"),
    ("Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537.36 Edg/130.0", "Edge on Windows"),
])  # fmt: skip
def test_devices_have_names_people_know(agent: str, words: str) -> None:
    assert device_of(agent) == words


# invitation


def test_an_invited_person_may_take_a_passkey_instead(world: World) -> None:
    made = invite_person(world["administrator"], world.host, "Nia New", "nia@example.com", Role.PLANNER)
    client = Client()
    answer = client.post(f"/invitation/{made.token}/", {"way": "passkey"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/2fa/webauthn/add/")
    assert answer.status_code == 200
    assert not Account.objects.get(person_id=made.person).has_usable_password()


def test_who_forgot_his_password_gets_a_link_and_a_stranger_the_same_answer(world: World, planner: Account) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True).redirect_chain
        for email in (PLANNER, "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert [PLANNER] in [message.to for message in mail.outbox]
    cache.clear()
