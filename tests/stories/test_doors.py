"""Four doors, one room: the same reply leaves the same record, whichever way it came in, but for the door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from email import policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from api.conftest import handed_in, machine
from collaboration.scenes import at, scored
from doors.filling import added, filled
from fixtures.worlds import World
from tierwise.collaboration.publish.models import PublicationReply
from tierwise.collaboration.resolve import queries as cases
from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.directory import shared
from tierwise.directory.models import Support
from tierwise.directory.records import SupportState
from tierwise.doors.mail.keeping import keep_mail
from tierwise.doors.mail.reading import read_mailroom
from tierwise.doors.sheets import make_sheet
from tierwise.kernel.models import Account, AuditEntry, OutboxEvent
from tierwise.kernel.viewer import Door, Role, Viewer, viewer_scope

pytestmark = pytest.mark.database
WHAT, WHY, DAY = "delivered_earlier", "Receipt of the 9th.", date(2025, 6, 9)
THANKS = "Read; one line is wrong."
TOLD = {
    ("The whole scorecard", "Reply"): "Acknowledge", ("The whole scorecard", "What happened"): THANKS,
    ("PO00000", "Reply"): "It was delivered earlier", ("PO00000", "What happened"): WHY,
    ("PO00000", "Delivered on"): DAY,
}  # fmt: skip
Reply = Callable[[World, UUID, list[UUID]], None]
PLANNERS = frozenset({"a planner", "a administrator"})
"""Who replies as a planner: a machine does so in the name of the administrator who gave it that role."""


def _browser(world: World, who: str = "a planner") -> Client:
    account = Account.objects.create_account(f"{who.replace(' ', '.')}@example.com", world[who].person)
    browser = Client()
    browser.force_login(account)
    return browser


def on_screen(world: World, publication: UUID, lines: list[UUID]) -> None:
    browser = _browser(world)
    browser.post(reverse("portal-acknowledge", args=[publication]), {"comment": THANKS})
    said = {"reason": WHAT, "text": WHY, "delivered_on": DAY.isoformat(), "quantity": ""}
    assert browser.post(reverse("portal-dispute", args=[lines[0]]), said).status_code == 302


def by_spreadsheet(world: World, publication: UUID, lines: list[UUID]) -> None:
    del lines
    browser = _browser(world)
    where = {"scope": str(publication)}
    sheet = browser.post(reverse("portal-sheet-make", args=["scorecard-lines"]), where)
    assert sheet["Content-Disposition"] == 'attachment; filename="Scorecard-2025-06.xlsx"'
    file = SimpleUploadedFile("filled.xlsx", filled(sheet.content, TOLD))
    done = browser.post(reverse("portal-sheet-hand-in", args=["scorecard-lines"]), where | {"file": file}, follow=True)
    assert "2 rows were changed." in done.content.decode()


def by_mail(world: World, publication: UUID, lines: list[UUID]) -> None:
    del lines
    sheet = make_sheet(replace(world["a planner"], door=Door.EMAIL), "scorecard-lines", str(publication))
    message = EmailMessage()
    message["From"], message["Subject"] = "a.planner@example.com", "Re: To fill in"
    message.set_content("Attached.")
    message.add_attachment(filled(sheet.content, TOLD), maintype="application", subtype="zip", filename=sheet.name)
    keep_mail(message.as_bytes(policy=policy.SMTP), "a.planner@example.com", "lmtp")
    assert read_mailroom(world.worker) == 1


def by_api(world: World, publication: UUID, lines: list[UUID]) -> None:
    api = machine(world["a administrator"], Role.SUPPLIER_PLANNER)
    where = f"/publications/{publication}"
    assert api.change("POST", where, f"{where}/acknowledgement", {"comment": THANKS}).status_code == 200
    said = {"reason": WHAT, "text": WHY, "delivered_on": DAY.isoformat()}
    assert api.post(f"/lines/{lines[0]}/dispute", said).status_code == 201


def by_sheet_over_api(world: World, publication: UUID, lines: list[UUID]) -> None:
    del lines
    api = machine(world["a administrator"], Role.SUPPLIER_PLANNER)
    form = api.get(f"/sheets/scorecard-lines?scope={publication}").content
    done = handed_in(api, "/sheets/scorecard-lines", filled(form, TOLD), str(publication))
    assert json.loads(done.content)["changes"] == 2


DOORS: dict[str, tuple[Door, Reply]] = {
    "screen": (Door.SCREEN, on_screen), "spreadsheet": (Door.SPREADSHEET, by_spreadsheet),
    "mail": (Door.EMAIL, by_mail), "api": (Door.API, by_api), "spreadsheet over the api": (Door.API, by_sheet_over_api),
}  # fmt: skip
"""A further door is a further line."""
OF_THE_DOOR = frozenset({"issue_sheet", "hand_in_sheet", "make_token"})
"""What a door notes of itself: that a sheet went out and came back, that a machine was let in."""


def record_of(world: World, lines: list[UUID]) -> dict[str, Any]:
    """Everything the reply left, without ids."""
    people = {world[name].person for name in PLANNERS}
    names = dict.fromkeys(people, "a planner") | {world.suppliers["A"]: "A", lines[0]: "line 0"}
    with viewer_scope(world.worker):
        entries = AuditEntry.objects.filter(person__in=people).exclude(action__in=OF_THE_DOOR)
        actions = ["acknowledge_publication", "dispute_line", "dispute_publication"]
        audit = sorted(
            (e.action, e.outcome, names[e.company], e.role, e.subject_kind, e.count, str(e.detail), e.at)
            for e in entries.filter(action__in=actions)
        )
        assert (
            entries.count()
            == len(audit) + entries.exclude(action__in=actions).filter(action="accept_agreement").count()
        )
        return {
            "audit": audit,
            "replies": list(PublicationReply.objects.values_list("reply", "comment", "replied_at")),
            "cases": [
                (names[c.subject_id], c.reason, c.text, c.claimed_on, c.claimed_quantity, c.state, c.number,
                 names[c.opened_by], c.opened_at, c.due_at)
                for c in Case.objects.all()
            ],
            "timeline": list(CaseEntry.objects.values_list("side", "what", "text")),
            "news": sorted(OutboxEvent.objects.filter(company=world.suppliers["A"]).values_list("name", flat=True)),
        }  # fmt: skip


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


WANTED: dict[str, Any] = {}


@pytest.mark.parametrize("way", DOORS)
def test_a_reply_leaves_the_same_record_through_every_door(world: World, way: str) -> None:
    publication, lines = scored(world)
    door, reply = DOORS[way]
    reply(world, publication, lines)
    left = record_of(world, lines)
    assert left["replies"][0][:2] == ("acknowledged", THANKS)
    assert [case[1:4] for case in left["cases"]] == [(WHAT, WHY, DAY)]
    # The first door to be tried says what the others must leave.
    assert left == WANTED.setdefault("record", left)
    with viewer_scope(world.worker):
        found = AuditEntry.objects.filter(action__in=["acknowledge_publication", "dispute_line"])
        assert set(found.values_list("door", flat=True)) == {door.value}
    assert len(cases.open_cases(world["manager"])) == 1


# A list of the directory: which segments a supplier serves.

LAST = date(2025, 12, 31)
DECIDED: dict[tuple[str, str], Any] = {
    ("Standard", "State"): "Confirmed", ("Standard", "Involvement"): "Advises", ("Common", "Last day"): LAST,
}  # fmt: skip
Decide = Callable[[World, dict[str, UUID]], None]


def supports_on_screen(world: World, supports: dict[str, UUID]) -> None:
    browser, where = _browser(world, "planner"), reverse("desk-supports", args=[world.suppliers["B"]])
    confirmed = {"support": supports["STD"], "decision": "confirm", "involvement": "advisory"}
    assert browser.post(where, confirmed).status_code == 302
    ended = {"support": supports["COMMON"], "decision": "end", "on": LAST.isoformat()}
    assert browser.post(where, ended).status_code == 302


def supports_by_spreadsheet(world: World, supports: dict[str, UUID]) -> None:
    del supports
    browser, where = _browser(world, "planner"), {"scope": str(world.suppliers["B"])}
    sheet = browser.post(reverse("desk-sheet-make", args=["supports"]), where)
    file = SimpleUploadedFile("filled.xlsx", filled(sheet.content, DECIDED))
    done = browser.post(reverse("desk-sheet-hand-in", args=["supports"]), where | {"file": file}, follow=True)
    assert "2 rows were changed." in done.content.decode()


def supports_by_mail(world: World, supports: dict[str, UUID]) -> None:
    del supports
    me: Viewer = replace(world["planner"], door=Door.EMAIL)
    sheet = make_sheet(me, "supports", str(world.suppliers["B"]))
    message = EmailMessage()
    message["From"], message["Subject"] = "pat.planner@example.com", "Re: To fill in"
    message.set_content("Attached.")
    message.add_attachment(filled(sheet.content, DECIDED), maintype="application", subtype="zip", filename=sheet.name)
    keep_mail(message.as_bytes(policy=policy.SMTP), "pat.planner@example.com", "lmtp")
    assert read_mailroom(world.worker) == 1


def supports_by_api(world: World, supports: dict[str, UUID]) -> None:
    api = machine(world["administrator"], Role.PLANNER)
    where = f"/supports/{supports['STD']}"
    assert api.change("POST", where, f"{where}/confirmation", {"involvement": "advisory"}).status_code == 200
    where = f"/supports/{supports['COMMON']}"
    assert api.change("POST", where, f"{where}/end", {"on": LAST.isoformat()}).status_code == 200


INTO_THE_DIRECTORY: dict[Door, Decide] = {
    Door.SCREEN: supports_on_screen, Door.SPREADSHEET: supports_by_spreadsheet, Door.EMAIL: supports_by_mail,
    Door.API: supports_by_api,
}  # fmt: skip
DECISION: dict[str, Any] = {}


@pytest.mark.parametrize("door", INTO_THE_DIRECTORY, ids=str)
def test_a_list_of_the_directory_leaves_the_same_record_through_every_door(world: World, door: Door) -> None:
    with viewer_scope(world["planner"]):
        mine = Support.objects.filter(supplier_id=world.suppliers["B"])
        mine.filter(segment_id=world.segments["STD"]).update(state=SupportState.PROPOSED.value)
        supports = {code: mine.get(segment_id=world.segments[code]).id for code in ("STD", "COMMON")}
    INTO_THE_DIRECTORY[door](world, supports)
    codes = {segment: code for code, segment in world.segments.items()}
    named = {str(support): code for code, support in supports.items()}
    with viewer_scope(world.worker):
        entries = AuditEntry.objects.filter(action__in=["confirm_support", "end_support"])
        left = {
            "supports": [
                (codes[s.segment_id], s.state, s.involvement, s.valid_to) for s in mine.order_by("segment__code")
            ],
            "audit": sorted(
                (e.action, e.outcome, e.role, e.subject_kind, named[e.subject], codes[e.segment], e.count,
                 str(e.detail), e.at)
                for e in entries
                if e.segment is not None
            ),
            "news": sorted(OutboxEvent.objects.filter(name__startswith="support_").values_list("name", flat=True)),
        }  # fmt: skip
        assert set(entries.values_list("door", flat=True)) == {door.value}
    assert left["supports"] == [("COMMON", "confirmed", "execution", LAST), ("STD", "confirmed", "advisory", None)]
    assert (len(left["audit"]), left["news"]) == (2, ["support_confirmed", "support_ended"])
    assert left == DECISION.setdefault("record", left)


# A row that a list did not have: somebody is invited.

NEW = {"name": "Nora New", "email": "nora.new@example.com", "role": "supplier_planner"}
WRITTEN = {"Name": NEW["name"], "E-mail": NEW["email"], "Role": "Planner"}
Invite = Callable[[World], None]


def invited_on_screen(world: World) -> None:
    done = _browser(world, "a administrator").post(reverse("portal-company"), {"invite": "1", **NEW})
    assert done.status_code in {200, 302}


def invited_by_spreadsheet(world: World) -> None:
    browser, where = _browser(world, "a administrator"), {"scope": ""}
    sheet = browser.post(reverse("portal-sheet-make", args=["people"]), where)
    file = SimpleUploadedFile("filled.xlsx", added(sheet.content, WRITTEN))
    done = browser.post(reverse("portal-sheet-hand-in", args=["people"]), where | {"file": file}, follow=True)
    assert "1 row was changed." in done.content.decode()


def invited_by_mail(world: World) -> None:
    sheet = make_sheet(replace(world["a administrator"], door=Door.EMAIL), "people", "")
    message = EmailMessage()
    message["From"], message["Subject"] = "a.administrator@example.com", "Re: To fill in"
    message.set_content("Attached.")
    content = added(sheet.content, WRITTEN)
    message.add_attachment(content, maintype="application", subtype="zip", filename=sheet.name)
    keep_mail(message.as_bytes(policy=policy.SMTP), "a.administrator@example.com", "lmtp")
    assert read_mailroom(world.worker) == 1


def invited_by_api(world: World) -> None:
    api = machine(world["a administrator"])
    assert api.post(f"/companies/{world.suppliers['A']}/people", NEW).status_code == 201


INVITED: dict[Door, Invite] = {
    Door.SCREEN: invited_on_screen, Door.SPREADSHEET: invited_by_spreadsheet, Door.EMAIL: invited_by_mail,
    Door.API: invited_by_api,
}  # fmt: skip
COMER: dict[str, Any] = {}


@pytest.mark.parametrize("door", INVITED, ids=str)
def test_a_new_row_leaves_the_same_record_through_every_door(world: World, door: Door) -> None:
    INVITED[door](world)
    with viewer_scope(world.worker):
        entries = AuditEntry.objects.filter(action="invite_person")
        assert set(entries.values_list("door", flat=True)) == {door.value}
        audit = [
            (e.outcome, e.role, e.subject_kind, e.supplier == world.suppliers["A"], e.count, str(e.detail), e.at)
            for e in entries
        ]
    people = [
        (one.name, one.email, one.role, one.joined, one.active)
        for one in shared.my_people(world["a administrator"])
        if one.email == NEW["email"]
    ]
    assert len(audit) == len(people) == 1
    assert {"audit": audit, "people": people} == COMER.setdefault("record", {"audit": audit, "people": people})
