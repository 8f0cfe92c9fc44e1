"""Spreadsheets sent back by mail: who may, what comes of it, what is answered, and how messages get in."""

from __future__ import annotations

import re
import smtplib
import socket
import socketserver
import threading
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail as outbox

from collaboration.scenes import at, entries, scored
from doors.filling import cell, comments, filled
from doors.test_sheets import DISPUTE, LINES
from fixtures.worlds import World
from tierwise.collaboration.resolve import shared as cases
from tierwise.directory.actions import set_person_active
from tierwise.doors import handed
from tierwise.doors.actions import request_sheets, revoke_sheet
from tierwise.doors.mail.imap import ImapMailbox, MailboxError, fetch_unseen
from tierwise.doors.mail.keeping import keep_mail
from tierwise.doors.mail.lmtp import LmtpServer
from tierwise.doors.mail.messages import LARGEST_MESSAGE, read_message
from tierwise.doors.mail.reading import read_mailroom
from tierwise.doors.mailroom import MailroomParams
from tierwise.doors.records import HandInState, MailState
from tierwise.doors.sheets import make_sheet
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.outbox import deliver
from tierwise.kernel.pages import Slice
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database
MAILBOX = "lists@host.example"
ME = "a.planner@example.com"


@pytest.fixture(autouse=True)
def _clock(settings: Any) -> Iterator[None]:
    settings.TIERWISE_MAILBOX = MAILBOX
    with at():
        yield


def message(*files: bytes, sender: str = ME, **headers: str) -> bytes:
    made = EmailMessage()
    made["From"] = f"Somebody <{sender}>"
    made["To"] = MAILBOX
    made["Subject"] = "Re: To fill in"
    made["Message-ID"] = f"<{len(files)}@example.com>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Please find attached.")
    for content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename="Scorecard.xlsx")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    return made.as_bytes(policy=policy.SMTP)


def sheet_of(world: World, name: str = "a planner") -> tuple[str, bytes]:
    publication, _lines = scored(world)
    return str(publication), make_sheet(world[name], LINES, str(publication)).content


def read(world: World, raw: bytes) -> tuple[MailState, str]:
    keep_mail(raw, "", "lmtp")
    read_mailroom(world.worker)
    latest = handed.mails(world["administrator"])[0]
    return latest.state, latest.note


def test_a_filled_in_spreadsheet_is_taken_and_answered(world: World) -> None:
    _publication, sheet = sheet_of(world)
    assert read(world, message(filled(sheet, DISPUTE))) == (MailState.TAKEN, "1 taken")
    (case,) = cases.my_cases(world["a planner"])
    assert case.opened_by == world["a planner"].person
    with viewer_scope(world.worker):
        doors = set(AuditEntry.objects.filter(action="dispute_line").values_list("door", "person"))
    assert doors == {("email", world["a planner"].person)}
    (answer,) = outbox.outbox
    assert answer.to == [ME]
    assert "1 row was changed." in answer.body
    assert answer.extra_headers["Auto-Submitted"] == "auto-replied"
    assert answer.extra_headers["In-Reply-To"] == "<1@example.com>"
    assert answer.reply_to == [MAILBOX]
    assert read_message(answer.message().as_bytes()).automatic == "our own message"


def test_what_is_refused_goes_back_with_messages_in_its_cells_and_can_be_mended(world: World) -> None:
    _publication, sheet = sheet_of(world)
    state, _note = read(world, message(filled(sheet, DISPUTE | {("PO00001", "Right quantity"): "many"})))
    assert state is MailState.REFUSED
    assert cases.my_cases(world["a planner"]) == []
    (answer,) = outbox.outbox
    assert "R4 (Right quantity): 'many': Write a number" in answer.body
    ((name, content, _kind),) = answer.attachments
    assert name == "Scorecard - messages.xlsx"
    assert set(comments(content)) == {"R4"}
    assert cell(content, "PO00000", "What happened") == "Receipt of the 9th."
    mended = filled(content, {("PO00001", "Right quantity"): None})
    assert read(world, message(mended, X_Second="yes"))[0] is MailState.TAKEN
    assert len(cases.my_cases(world["a planner"])) == 1


def test_the_same_file_and_the_same_message_again_change_nothing(world: World) -> None:
    _publication, sheet = sheet_of(world)
    content = filled(sheet, DISPUTE)
    raw = message(content)
    assert keep_mail(raw, "", "lmtp")
    assert not keep_mail(raw, "", "imap")
    assert read_mailroom(world.worker) == 1
    assert read(world, message(content, Date="Tue, 1 Jul 2025 10:00:00 +0000"))[0] is MailState.TAKEN
    assert entries(world, "dispute_line") == 1
    assert "changes nothing again" in outbox.outbox[-1].body


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Auto-Submitted"), ({"Precedence": "bulk"}, "Precedence"),
        ({"List_Id": "<all.example.com>"}, "List-Id"), ({"Return_Path": "<>"}, "mail system"),
        ({"X_Tierwise": "sheet"}, "our own"), ({"sender": "MAILER-DAEMON@example.com"}, "mail system"),
    ],
)  # fmt: skip
def test_machines_are_neither_believed_nor_answered(world: World, headers: dict[str, str], why: str) -> None:
    _publication, sheet = sheet_of(world)
    state, note = read(world, message(filled(sheet, DISPUTE), **headers))
    assert (state, why in note) == (MailState.IGNORED, True)
    assert outbox.outbox == []
    assert cases.my_cases(world["a planner"]) == []


def test_who_is_not_known_is_not_answered_and_another_company_gets_nothing_done(world: World) -> None:
    _publication, sheet = sheet_of(world)
    content = filled(sheet, DISPUTE)
    assert read(world, message(content, sender="mallory@elsewhere.com"))[0] is MailState.IGNORED
    assert outbox.outbox == []
    for other in ("b.planner@example.com", "a.administrator@example.com", "pat.planner@example.com"):
        state, note = read(world, message(content, sender=other))
        assert (state, "made for somebody else" in note) == (MailState.REFUSED, True)
        assert outbox.outbox[-1].to == [other]
    assert cases.my_cases(world["a planner"]) == []
    assert read(world, message(b"PK no workbook"))[0] is MailState.REFUSED
    assert read(world, message())[1] == "no spreadsheet"


def test_a_person_shut_out_and_a_sheet_called_off_are_refused(world: World) -> None:
    _publication, sheet = sheet_of(world)
    content = filled(sheet, DISPUTE)
    (issue,) = handed.issues(world["a planner"])
    revoke_sheet(world["a administrator"], issue.id)
    assert read(world, message(content))[0] is MailState.REFUSED
    assert "called off" in outbox.outbox[-1].body
    set_person_active(world["a administrator"], world["a planner"].person, active=False)
    assert read(world, message(content, X_Second="yes")) == (MailState.IGNORED, "the sender is nobody we know")
    assert cases.my_cases(world["a planner"]) == []


def test_a_mail_server_that_is_believed_must_vouch_for_the_sender(world: World, settings: Any) -> None:
    settings.TIERWISE_MAIL_AUTHORITY = "mx.host.example"
    _publication, sheet = sheet_of(world)
    content = filled(sheet, DISPUTE)
    forged = message(content, Authentication_Results="mx.elsewhere.com; dmarc=pass")
    assert read(world, forged)[0] is MailState.IGNORED
    failed = b"Authentication-Results: mx.host.example; dmarc=fail\r\n" + message(
        content, Authentication_Results="mx.host.example; dmarc=pass"
    )
    assert read(world, failed)[0] is MailState.IGNORED
    assert read(world, message(content, Authentication_Results="mx.host.example; spf=pass"))[0] is MailState.TAKEN


def test_a_mail_that_cannot_be_answered_is_read_again_and_takes_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publication, sheet = sheet_of(world)

    def down(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError("no mail server")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", down)
        assert read(world, message(filled(sheet, DISPUTE)))[0] is MailState.WAITING
    assert read_mailroom(world.worker) == 0
    with at(minutes=1):
        assert read_mailroom(world.worker) == 1
    assert len(outbox.outbox) == 1
    assert entries(world, "dispute_line") == 1


# going out


def test_a_buyer_mails_a_scorecard_to_everybody_who_may_answer_it(world: World) -> None:
    publication, _lines = scored(world)
    request_sheets(world["planner"], LINES, str(publication))
    deliver(world.worker)
    assert sorted(one.to[0] for one in outbox.outbox) == ["a.administrator@example.com", ME]
    mine = next(one for one in outbox.outbox if one.to == [ME])
    assert mine.subject == "To fill in: Scorecard-2025-06"
    ((name, content, _kind),) = mine.attachments
    assert name == "Scorecard-2025-06.xlsx"
    assert read(world, message(filled(content, DISPUTE)))[0] is MailState.TAKEN
    assert [one.mailed for one in handed.issues(world["planner"])] == [True, True]
    request_sheets(world["a planner"], LINES, str(publication))
    deliver(world.worker)
    assert [one.to for one in outbox.outbox[3:]] == [[ME]]
    with pytest.raises(NotAllowed):
        request_sheets(world["b planner"], "open-cases", "")


# getting in


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_lmtp_keeps_what_is_for_the_mailbox_and_says_what_it_could_not_keep() -> None:
    kept: list[tuple[bytes, str, str]] = []
    broken = False

    def keep(raw: bytes, sender: str, via: str) -> bool:
        if broken:
            raise ConnectionError("the database is away")
        kept.append((raw, sender, via))
        return True

    server = LmtpServer("127.0.0.1", free_port(), MAILBOX, keep)
    server.start()
    try:
        with smtplib.LMTP("127.0.0.1", server.port) as client:
            client.sendmail("a@example.com", [MAILBOX], b"From: a@example.com\r\n\r\nhello\r\n")
            client.sendmail("", ["Lists+old@HOST.example"], b"Subject: bounce\r\n\r\nhello\r\n")
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@example.com", ["elsewhere@host.example"], b"x")
            refused = client.sendmail("a@example.com", [MAILBOX, MAILBOX], b"Subject: two\r\n\r\n")
            assert refused[MAILBOX][0] == 452
            broken = True
            with pytest.raises(smtplib.SMTPDataError, match="try again later"):
                client.sendmail("a@example.com", [MAILBOX], b"Subject: lost?\r\n\r\n")
            with pytest.raises(smtplib.SMTPSenderRefused):
                client.sendmail("a@example.com", [MAILBOX], b"x" * (LARGEST_MESSAGE + 1))
    finally:
        server.stop()
    assert [(sender, via) for _raw, sender, via in kept] == [
        ("a@example.com", "lmtp"), ("", "lmtp"), ("a@example.com", "lmtp"),
    ]  # fmt: skip
    assert read_message(kept[1][0]).automatic


def test_a_message_handed_over_by_lmtp_is_kept_in_the_database(world: World) -> None:
    _publication, sheet = sheet_of(world)
    server = LmtpServer("127.0.0.1", free_port(), MAILBOX)
    server.start()
    try:
        with smtplib.LMTP("127.0.0.1", server.port) as client:
            client.sendmail(ME, [MAILBOX], message(filled(sheet, DISPUTE)))
    finally:
        server.stop()
    assert read_mailroom(world.worker) == 1
    (one,) = handed.mails(world["administrator"])
    assert (one.sender, one.via, one.state) == (ME, "lmtp", MailState.TAKEN)
    assert len(cases.my_cases(world["a planner"])) == 1


class ImapServer(socketserver.ThreadingTCPServer):
    """As much of IMAP4rev1 as a mailbox that is looked into needs, over a real socket."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, messages: list[bytes], password: str = "secret") -> None:
        super().__init__(("127.0.0.1", 0), _ImapTalk)
        self.messages, self.password = messages, password
        self.seen: set[int] = set()
        self.sizes: dict[int, int] = {}

    def __enter__(self) -> ImapServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _ImapTalk(socketserver.StreamRequestHandler):
    server: ImapServer

    def say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))

    def handle(self) -> None:
        self.say(b"* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.strip().partition(b" ")
            words = rest.split(b" ")
            verb = words[1].upper() if words[0].upper() == b"UID" else words[0].upper()
            self.answer(tag, verb, rest)
            if verb == b"LOGOUT":
                return

    def answer(self, tag: bytes, verb: bytes, rest: bytes) -> None:
        if verb == b"CAPABILITY":
            self.say(b"* CAPABILITY IMAP4rev1")
        elif verb == b"LOGIN" and self.server.password.encode() not in rest:
            self.say(tag + b" NO wrong password")
            return
        elif verb == b"SELECT":
            self.say(b"* %d EXISTS" % len(self.server.messages))
        elif verb == b"SEARCH":
            unseen = [b"%d" % n for n in range(1, len(self.server.messages) + 1) if n not in self.server.seen]
            self.say(b"* SEARCH " + b" ".join(unseen))
        elif verb == b"FETCH":
            self.fetch(int(rest.split()[2]), rest)
        elif verb == b"STORE":
            self.server.seen.add(int(rest.split()[2]))
        elif verb == b"LOGOUT":
            self.say(b"* BYE")
        self.say(tag + b" OK done")

    def fetch(self, number: int, rest: bytes) -> None:
        raw = self.server.messages[number - 1]
        if b"RFC822.SIZE" in rest:
            self.say(b"* %d FETCH (UID %d RFC822.SIZE %d)" % (number, number, self.server.sizes.get(number, len(raw))))
            return
        self.wfile.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (number, number, len(raw)) + raw + b")\r\n")


def mailbox(server: ImapServer, password: str = "secret") -> ImapMailbox:
    return ImapMailbox.from_url(f"imap://lists:{password}@127.0.0.1:{server.server_address[1]}/INBOX")


def test_a_mailbox_is_looked_into_and_what_was_kept_is_marked(world: World) -> None:
    _publication, sheet = sheet_of(world)
    first, second = message(filled(sheet, DISPUTE)), message(sender="stranger@elsewhere.com")
    with ImapServer([first, second, b"Subject: huge\r\n\r\n"]) as server:
        server.sizes[3] = LARGEST_MESSAGE + 1
        assert fetch_unseen(mailbox(server)) == 2
        assert server.seen == {1, 2, 3}
        assert fetch_unseen(mailbox(server)) == 0
        server.seen.clear()
        assert fetch_unseen(mailbox(server)) == 0
        with pytest.raises(MailboxError, match="wrong password"):
            fetch_unseen(mailbox(server, "guessed"))
    assert read_mailroom(world.worker) == 2
    states = sorted(one.state for one in handed.mails(world["administrator"]))
    assert states == [MailState.IGNORED, MailState.IGNORED, MailState.TAKEN]
    assert [one.state for one in handed.hand_ins_page(world["a planner"], None, Slice())] == [HandInState.TAKEN]


def test_a_message_that_could_not_be_kept_stays_unseen() -> None:
    def away(*_: Any) -> bool:
        raise OSError("disk full")

    with ImapServer([message()]) as server:
        with pytest.raises(MailboxError, match="disk full"):
            fetch_unseen(mailbox(server), away)
        assert server.seen == set()
    with pytest.raises(MailboxError):
        fetch_unseen(mailbox(server))


def test_settings_say_what_is_missing() -> None:
    for wrong, why in (
        (lambda: MailroomParams("", "127.0.0.1:24"), "TIERWISE_MAILBOX"),
        (lambda: MailroomParams(MAILBOX), "TIERWISE_LMTP or TIERWISE_IMAP_URL"),
        (lambda: MailroomParams(MAILBOX, "8024"), "HOST:PORT"),
        (lambda: ImapMailbox.from_url("imap://me:x@mail.example.com/"), "imaps"),
        (lambda: ImapMailbox.from_url("pop3://me@host"), "imaps://"),
    ):
        with pytest.raises(ValueError, match=re.escape(why)):
            wrong()
    assert MailroomParams(MAILBOX, "[::1]:24").listen_at() == ("::1", 24)
    far = ImapMailbox.from_url("imaps://me%40host:p%2Fw@mail.example.com/Lists")
    assert (far.user, far.password, far.port, far.folder, far.encrypted) == ("me@host", "p/w", 993, "Lists", True)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"From: a@b, c@d\r\n\r\n", b"From: =?utf-8?q?=ff?= <\r\n\r\nx",
                                 b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x"])  # fmt: skip
def test_badly_made_messages_are_nobodys(raw: bytes) -> None:
    assert (read_message(raw).sender, read_message(raw).sheets) == ("", ())
