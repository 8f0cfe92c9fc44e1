"""An LMTP listener (RFC 2033): the mail server hands messages over, and keeps what we could not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import close_old_connections

from tierwise.doors.mail.keeping import keep_mail
from tierwise.doors.mail.messages import LARGEST_MESSAGE

Keep = Callable[[bytes, str, str], bool]


class _Handler:
    """One recipient a message: the protocol wants an answer for each, and a mailbox has one reader."""

    def __init__(self, mailbox: str, keep: Keep) -> None:
        self._mailbox = mailbox.strip().lower()
        self._keep = keep
        self._threads = ThreadPoolExecutor(2, "mailroom")

    async def handle_RCPT(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        if not self._ours(address):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    def _ours(self, address: str) -> bool:
        """The mailbox itself, or an address of it with a detail behind a plus sign."""
        name, _, host = address.strip().strip("<>").lower().rpartition("@")
        return f"{name.partition('+')[0]}@{host}" == self._mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del server, session
        raw, sender = envelope.original_content or b"", (envelope.mail_from or "").strip("<>")
        if not sender:
            # Bounces have no sender; answering them is how loops begin.
            raw = b"Return-Path: <>\r\n" + raw
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._threads, self._kept, raw, sender)
        except Exception:
            return "451 4.3.0 Not kept; try again later"
        return "250 2.0.0 Kept"

    def _kept(self, raw: bytes, sender: str) -> None:
        try:
            self._keep(raw, sender, "lmtp")
        finally:
            close_old_connections()


class _Lmtp(LMTP):
    # RFC 5321 sets 1000; a mail server that hands over what it took with longer lines is not to be asked twice.
    line_length_limit = 2**16


class LmtpServer(Controller):
    """Listens in a thread of its own from ``start`` to ``stop``."""

    def __init__(self, host: str, port: int, mailbox: str, keep: Keep = keep_mail) -> None:
        super().__init__(_Handler(mailbox, keep), hostname=host, port=port)

    def factory(self) -> SMTP:
        options: dict[str, Any] = {"data_size_limit": LARGEST_MESSAGE, "enable_SMTPUTF8": True, "ident": "Tierwise"}
        return _Lmtp(self.handler, **options)
