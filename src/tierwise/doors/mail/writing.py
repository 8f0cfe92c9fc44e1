"""Mails that go out: a spreadsheet to fill in, and the answer to one that came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.doors.mail.messages import OWN_MARK, Message
from tierwise.doors.ports import Correspondent, list_named
from tierwise.doors.records import SHEET_DAYS, CellFault, HandInRecord, HandInState
from tierwise.kernel.files import path_of

if TYPE_CHECKING:
    from tierwise.doors.mail.reading import Result
    from tierwise.doors.sheets import SheetFile

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FAULTS_IN_MAIL = 40


def send_to_fill_in(to: Correspondent, list_name: str, file: SheetFile) -> None:
    with translation.override(to.language):
        title = str(list_named(list_name).title)
        back = (
            _("Fill in the yellow cells and send the file back by replying to this mail.")
            if settings.TIERWISE_MAILBOX
            else _("Fill in the yellow cells and hand the file in on the page of the list.")
        )
        text = _(
            "Hello %(name)s,\n\n%(title)s: the list to fill in is attached.\n\n%(back)s\n"
            "It is made for you: it is taken from your address only, within %(days)d days.\n"
            "What others change meanwhile is kept; where you both change one cell, you are told.\n"
        ) % {"name": to.name, "title": title, "back": back, "days": SHEET_DAYS}
        mail = _mail(to, _("To fill in: %(title)s") % {"title": file.name.removesuffix(".xlsx")}, text)
        mail.extra_headers["Auto-Submitted"] = "auto-generated"
        mail.attach(file.name, file.content, XLSX)
        mail.send()


def _mail(to: Correspondent, subject: str, text: str) -> EmailMessage:
    reply_to = [settings.TIERWISE_MAILBOX] if settings.TIERWISE_MAILBOX else None
    return EmailMessage(
        " ".join(subject.split()), text, None, [to.email], reply_to=reply_to, headers={OWN_MARK: "sheet"}
    )


def _reply(to: Correspondent, message: Message, text: str) -> EmailMessage:
    """To the address we know, not to the one in the message; marked so that no machine answers it."""
    said = message.subject if message.subject.lower().startswith("re:") else f"Re: {message.subject}"
    mail = _mail(to, said, text)
    mail.extra_headers["Auto-Submitted"] = "auto-replied"
    if message.message_id:
        mail.extra_headers["In-Reply-To"] = message.message_id
        mail.extra_headers["References"] = f"{message.references} {message.message_id}".strip()
    return mail


def answer_unknown(to: Correspondent, message: Message, why: str) -> None:
    """To somebody we know whose message holds nothing that could be taken."""
    with translation.override(to.language):
        text = _("Hello %(name)s,\n\n%(why)s\nNothing was changed.\n") % {"name": to.name, "why": why}
        _reply(to, message, text).send()


def answer(to: Correspondent, message: Message, results: Sequence[Result]) -> None:
    """What was done with each spreadsheet; those that were refused go back with the messages in their cells."""
    with translation.override(to.language):
        told = [
            f"{attached.name}\n{_outcome(why, record)}"
            for attached, (why, record) in zip(message.sheets, results, strict=True)
        ]
        text = _("Hello %(name)s,\n\n%(told)s\n") % {"name": to.name, "told": "\n\n".join(told)}
        mail = _reply(to, message, text)
        for attached, (_why, record) in zip(message.sheets, results, strict=True):
            if record is not None and record.annotated:
                mail.attach(annotated_name(attached.name), path_of(record.annotated).read_bytes(), XLSX)
        mail.send()


def annotated_name(name: str) -> str:
    return f"{name[:-5]} - messages.xlsx" if name.lower().endswith(".xlsx") else f"{name} - messages.xlsx"


def _outcome(why: str, record: HandInRecord | None) -> str:
    if record is None:
        return _("Nothing was taken. %(why)s") % {"why": why}
    if record.state is not HandInState.REFUSED:
        return in_words(record)
    lines = [_fault(fault) for fault in record.faults[:FAULTS_IN_MAIL]]
    if len(record.faults) > FAULTS_IN_MAIL:
        lines.append(_("… and %(n)d more.") % {"n": len(record.faults) - FAULTS_IN_MAIL})
    head = _("Nothing was taken.")
    if record.annotated:
        head += " " + _("The attached file has these messages in its cells; mend them and send it back.")
    return "\n".join([head, *lines])


def in_words(record: HandInRecord) -> str:
    """What a spreadsheet did, in a sentence or two."""
    if record.state is HandInState.REFUSED:
        told = ngettext("Nothing was taken: %d message.", "Nothing was taken: %d messages.", len(record.faults))
        return told % len(record.faults)
    if record.repeated:
        return _("This very file was taken before, on %(at)s; it changes nothing again.") % {
            "at": f"{record.at:%Y-%m-%d %H:%M} UTC"
        }
    if record.state is HandInState.UNCHANGED:
        return _("Nothing in it differs from what stands, so nothing was changed.")
    told = ngettext("%d row was changed.", "%d rows were changed.", record.changes) % record.changes
    if record.already:
        told += " " + ngettext(
            "%d cell said already what you wrote.", "%d cells said already what you wrote.", record.already
        ) % record.already  # fmt: skip
    return told


def _fault(fault: CellFault) -> str:
    place = " ".join(filter(None, (fault.place, f"({fault.column})" if fault.column else "")))
    value = f" {fault.value!r}:" if fault.value else ""
    return " ".join(filter(None, (f"- {place}:{value}" if place else "-", fault.why, fault.remedy)))
