"""Four doors, one room: the same reply leaves the same record, whichever way it came in, but for the door."""

from __future__ import annotations

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

from collaboration.scenes import at, scored
from doors.filling import filled
from fixtures.worlds import World
from tierwise.collaboration.publish.models import PublicationReply
from tierwise.collaboration.resolve import queries as cases
from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.doors.mail.keeping import keep_mail
from tierwise.doors.mail.reading import read_mailroom
from tierwise.doors.sheets import make_sheet
from tierwise.kernel.models import Account, AuditEntry, OutboxEvent
from tierwise.kernel.viewer import Door, viewer_scope

pytestmark = pytest.mark.database
WHAT, WHY, DAY = "delivered_earlier", "Receipt of the 9th.", date(2025, 6, 9)
THANKS = "Read; one line is wrong."
TOLD = {
    ("The whole scorecard", "Reply"): "Acknowledge", ("The whole scorecard", "What happened"): THANKS,
    ("PO00000", "Reply"): "It was delivered earlier", ("PO00000", "What happened"): WHY,
    ("PO00000", "Delivered on"): DAY,
}  # fmt: skip
Reply = Callable[[World, UUID, list[UUID]], None]


def _browser(world: World) -> Client:
    account = Account.objects.create_account("a.planner@example.com", world["a planner"].person)
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


DOORS: dict[Door, Reply] = {Door.SCREEN: on_screen, Door.SPREADSHEET: by_spreadsheet, Door.EMAIL: by_mail}
"""A further door is a further line."""
OF_THE_DOOR = frozenset({"issue_sheet", "hand_in_sheet"})
"""What a door notes of itself: that a sheet went out and came back."""


def record_of(world: World, lines: list[UUID]) -> dict[str, Any]:
    """Everything the reply left, without ids."""
    names = {world["a planner"].person: "a planner", world.suppliers["A"]: "A", lines[0]: "line 0"}
    with viewer_scope(world.worker):
        entries = AuditEntry.objects.filter(person=world["a planner"].person).exclude(action__in=OF_THE_DOOR)
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


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_reply_leaves_the_same_record_through_every_door(world: World, door: Door) -> None:
    publication, lines = scored(world)
    DOORS[door](world, publication, lines)
    left = record_of(world, lines)
    assert left["replies"][0][:2] == ("acknowledged", THANKS)
    assert [case[1:4] for case in left["cases"]] == [(WHAT, WHY, DAY)]
    # The first door to be tried says what the others must leave.
    assert left == WANTED.setdefault("record", left)
    with viewer_scope(world.worker):
        found = AuditEntry.objects.filter(action__in=["acknowledge_publication", "dispute_line"])
        assert set(found.values_list("door", flat=True)) == {door.value}
    assert len(cases.open_cases(world["manager"])) == 1
