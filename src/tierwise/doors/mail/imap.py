"""Fetches what is unseen in a mailbox over IMAP, and marks as seen what was kept."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tierwise.doors.mail.keeping import keep_mail, note_too_large
from tierwise.doors.mail.messages import LARGEST_MESSAGE

TIMEOUT_SECONDS = 60
AT_ONCE = 50
Keep = Callable[[bytes, str, str], bool]


class MailboxError(RuntimeError):
    """The mailbox could not be read; the message says at which step."""


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """Where the mailbox is: ``imaps://user:password@host/FOLDER``, or ``imap://`` for a server on this machine."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    encrypted: bool = True

    @classmethod
    def from_url(cls, url: str) -> ImapMailbox:
        parts = urlsplit(url)
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username:
            raise ValueError("TIERWISE_IMAP_URL: give imaps://user:password@host/FOLDER")
        encrypted = parts.scheme == "imaps"
        if not encrypted and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("TIERWISE_IMAP_URL: use imaps://; without encryption a server on this machine only")
        return cls(
            parts.hostname, parts.port or (993 if encrypted else 143), unquote(parts.username),
            unquote(parts.password or ""), unquote(parts.path.strip("/")) or "INBOX", encrypted,
        )  # fmt: skip

    def connect(self) -> imaplib.IMAP4:
        if self.encrypted:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=TIMEOUT_SECONDS)
        return imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT_SECONDS)


def fetch_unseen(mailbox: ImapMailbox, keep: Keep = keep_mail) -> int:
    """Keeps the unseen messages, marks each as seen once it is kept, and returns how many were new.

    A message that was kept but not yet marked when something broke is met again and known by its content.
    """
    try:
        server = mailbox.connect()
    except OSError as error:
        raise MailboxError(f"{mailbox.host}: {error}") from error
    try:
        server.login(mailbox.user, mailbox.password)
        _ok(server.select(f'"{mailbox.folder}"'), f"open {mailbox.folder}")
        found = _ok(server.uid("SEARCH", "UNSEEN"), "search")[0] or b""
        return sum(_fetch(server, number, keep) for number in found.split()[:AT_ONCE])
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxError(f"{mailbox.host}: {error}") from error
    finally:
        _leave(server)


def _fetch(server: imaplib.IMAP4, number: bytes, keep: Keep) -> bool:
    uid = number.decode()
    answer = _ok(server.uid("FETCH", uid, "(RFC822.SIZE)"), "ask for a size")
    size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(_lines(answer)))
    new = False
    if size is not None and int(size[1]) > LARGEST_MESSAGE:
        note_too_large(f"{server.host} {uid}", "", "imap", int(size[1]))
    else:
        parts = _ok(server.uid("FETCH", uid, "(BODY.PEEK[])"), "fetch")
        raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
        if raw is None:
            return False
        new = keep(raw, "", "imap")
    _ok(server.uid("STORE", uid, "+FLAGS", r"(\Seen)"), "mark as seen")
    return new


def _lines(answer: list[Any]) -> list[bytes]:
    flat = [part for one in answer for part in (one if isinstance(one, tuple) else (one,))]
    return [part for part in flat if isinstance(part, bytes)]


def _ok(answer: tuple[str, list[Any]], what: str) -> list[Any]:
    state, found = answer
    if state != "OK":
        raise MailboxError(f"could not {what}: {found!r}")
    return found


def _leave(server: imaplib.IMAP4) -> None:
    try:
        server.logout()
    except (imaplib.IMAP4.error, OSError):
        server.shutdown()
