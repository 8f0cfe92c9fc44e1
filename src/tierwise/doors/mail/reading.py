"""What the worker does with a message: who may say it, what it says, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from tierwise.doors.mail.messages import Attached, Message, read_message
from tierwise.doors.mail.writing import answer, answer_unknown
from tierwise.doors.models import InboundMail
from tierwise.doors.ports import Correspondent, correspondents
from tierwise.doors.records import HandInRecord, HandInState, MailState
from tierwise.doors.sheets import SheetFile, claims_of, receive_sheet
from tierwise.doors.wording import refusal_text
from tierwise.kernel.audit import Refused
from tierwise.kernel.clock import now
from tierwise.kernel.files import path_of
from tierwise.kernel.viewer import Door, Viewer, viewer_scope
from tierwise.wire.spreadsheets import UnreadableWorkbook

ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=5)
"""Doubled with every attempt, so that the last is made some six hours after the first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    state: MailState
    note: str = ""


def read_mailroom(worker: Viewer, limit: int = 20) -> int:
    """Reads the messages that wait, each by itself; returns how many were dealt with."""
    with viewer_scope(worker):
        waiting = InboundMail.objects.filter(state=MailState.WAITING).order_by("received_at")
        ids = list(waiting[:limit].values_list("id", flat=True))
    return sum(_read_one(worker, mail_id) for mail_id in ids)


def _read_one(worker: Viewer, mail_id: UUID) -> bool:
    with viewer_scope(worker):
        rows = InboundMail.objects.select_for_update(skip_locked=True)
        row = rows.filter(id=mail_id, state=MailState.WAITING).first()
        if row is None or (row.attempts and now() < row.received_at + FIRST_PAUSE * 2**row.attempts):
            return False
        try:
            outcome = _dealt_with(read_message(path_of(row.sha256).read_bytes(), settings.TIERWISE_MAIL_AUTHORITY))
        except Exception as error:
            # Whatever it was may pass: the database, the mail server. What was taken is known when it is met again.
            row.attempts += 1
            outcome = Outcome(
                MailState.FAILED if row.attempts >= ATTEMPTS else MailState.WAITING, f"{type(error).__name__}: {error}"
            )
        row.state, row.note = outcome.state.value, outcome.note[:300]
        row.save(update_fields=["state", "note", "attempts"])
        return outcome.state is not MailState.WAITING


def _dealt_with(message: Message) -> Outcome:
    if message.automatic:
        return Outcome(MailState.IGNORED, f"written by a machine: {message.automatic}")
    if not message.sender:
        return Outcome(MailState.IGNORED, "no single sender")
    if settings.TIERWISE_MAIL_AUTHORITY and not message.vouched_by:
        return Outcome(MailState.IGNORED, f"{settings.TIERWISE_MAIL_AUTHORITY} does not vouch for the sender")
    known = correspondents().known(message.sender)
    if not known:
        # Never answered: who writes under a false name would make us write to a stranger.
        return Outcome(MailState.IGNORED, "the sender is nobody we know")
    if not message.sheets:
        answer_unknown(known[0], message, "There was no spreadsheet (.xlsx) in your message.")
        return Outcome(MailState.REFUSED, "no spreadsheet")
    results = [_taken(one, known) for one in message.sheets]
    refused = [
        text or f"{len(record.faults) if record else 0} messages" for text, record in results if _is_refused(record)
    ]
    answered = next((person for person in known if person.viewer.person in _people(results)), known[0])
    answer(answered, message, results)
    if refused:
        return Outcome(MailState.REFUSED, refused[0])
    return Outcome(MailState.TAKEN, f"{len(results)} taken")


def _is_refused(record: HandInRecord | None) -> bool:
    return record is None or record.state is HandInState.REFUSED


Result = tuple[str, HandInRecord | None]


def _people(results: list[Result]) -> set[UUID]:
    return {record.person for _, record in results if record is not None}


def _taken(attached: Attached, known: list[Correspondent]) -> Result:
    """What became of one spreadsheet: in words where nobody may send it, else with its record."""
    try:
        claims = claims_of(attached.content)
    except (UnreadableWorkbook, Refused) as error:
        return refusal_text(error), None
    sender = next((person for person in known if person.viewer.person == claims.person), None)
    if sender is None or sender.viewer.company != claims.company:
        return (
            "This spreadsheet was made for somebody else; send it from his address, or ask for your own.",
            None,
        )
    actor = replace(sender.viewer, door=Door.EMAIL)
    try:
        return "", receive_sheet(actor, SheetFile(attached.name, attached.content))
    except Refused as refusal:
        return refusal.message, None
