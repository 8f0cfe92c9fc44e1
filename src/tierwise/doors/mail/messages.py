"""A message as bytes becomes the little that is looked at: who sent it, whether a machine did, its spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

LARGEST_MESSAGE = 30 * 2**20
MOST_SHEETS = 5
MOST_PARTS = 200
OWN_MARK = "X-Tierwise"
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_MACHINES = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@")


@dataclass(frozen=True, slots=True)
class Attached:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """``automatic`` says by which sign a machine wrote it; ``sheets`` are workbooks, all else is left aside."""

    sender: str
    subject: str
    message_id: str
    references: str
    automatic: str
    sheets: tuple[Attached, ...]
    left_aside: int
    vouched_by: tuple[str, ...]


def read_message(raw: bytes, authority: str = "") -> Message:
    """Reads a message, however badly it is made.

    ``authority`` names the mail server whose ``Authentication-Results`` are believed; ``vouched_by`` lists what passed.
    """
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)  # what the policy makes
    sheets, left = _sheets(message)
    return Message(
        _sender(message), _text(message, "Subject")[:200], _text(message, "Message-ID")[:400],
        _text(message, "References")[:2000], _automatic(message), tuple(sheets), left, _vouched(message, authority),
    )  # fmt: skip


def _text(message: EmailMessage, name: str) -> str:
    """A header in one line; what cannot be decoded counts as absent."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, LookupError):
        return ""


def _sender(message: EmailMessage) -> str:
    """The one address in From; empty where there is none or several."""
    try:
        found = {address.strip().lower() for _, address in getaddresses([str(v) for v in message.get_all("From", [])])}
    except (ValueError, IndexError, AttributeError, LookupError):
        return ""
    found.discard("")
    return found.pop() if len(found) == 1 else ""


def _automatic(message: EmailMessage) -> str:
    """The sign by which a machine's message is known (RFC 3834 and custom); empty for a person's."""
    if _text(message, OWN_MARK):
        return "our own message"
    submitted = _text(message, "Auto-Submitted").lower()
    if submitted and not submitted.startswith("no"):
        return f"Auto-Submitted: {submitted[:40]}"
    if _text(message, "Precedence").lower() in _BULK:
        return "Precedence"
    for name in ("List-Id", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"):
        if _text(message, name) and (name != "X-Auto-Response-Suppress" or "all" in _text(message, name).lower()):
            return name
    if message.get_content_type() == "multipart/report":
        return "a delivery report"
    if _text(message, "Return-Path") == "<>" or _sender(message).startswith(_MACHINES):
        return "a mail system's message"
    return ""


def _sheets(message: EmailMessage) -> tuple[list[Attached], int]:
    """Attached workbooks, and how many other attachments were left aside."""
    found: list[Attached] = []
    left = 0
    for part in _parts(message):
        name = part.get_filename() or ""
        if not name:
            continue
        if not name.lower().endswith(".xlsx") or len(found) == MOST_SHEETS:
            left += 1
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            found.append(Attached(name, content))
    return found, left


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    for number, part in enumerate(message.walk()):
        if number == MOST_PARTS:
            return
        if not part.is_multipart():
            yield part


def _vouched(message: EmailMessage, authority: str) -> tuple[str, ...]:
    """What the believed server found about the sender: the first result it wrote, for anybody may write one below."""
    for value in message.get_all("Authentication-Results", []) if authority else []:
        server, _, results = str(value).partition(";")
        if server.split()[:1] == [authority]:
            return tuple(re.findall(r"\b(dmarc|dkim|spf)\s*=\s*pass\b", results.lower()))
    return ()
