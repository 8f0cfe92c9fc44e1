"""The process that lets messages in: an LMTP listener, a mailbox looked into, or both."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from dataclasses import dataclass
from types import FrameType

import django
from django.conf import settings
from django.db import close_old_connections

POLL_SECONDS = 60
log = logging.getLogger("tierwise.mailroom")


@dataclass(frozen=True, slots=True)
class MailroomParams:
    """``lmtp`` is HOST:PORT, ``imap_url`` an address with user and password; at least one of them."""

    mailbox: str
    lmtp: str = ""
    imap_url: str = ""

    def __post_init__(self) -> None:
        if self.mailbox.count("@") != 1:
            raise ValueError("TIERWISE_MAILBOX: name the address for filled-in lists, such as lists@company.com")
        if not self.lmtp and not self.imap_url:
            raise ValueError("TIERWISE_LMTP or TIERWISE_IMAP_URL: say how messages arrive")
        if self.lmtp:
            self.listen_at()

    def listen_at(self) -> tuple[str, int]:
        host, _, port = self.lmtp.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"TIERWISE_LMTP: give HOST:PORT, such as 127.0.0.1:8024, not {self.lmtp!r}")
        return host.strip("[]"), int(port)

    @property
    def ways(self) -> str:
        return " and ".join([f"LMTP at {self.lmtp}"] * bool(self.lmtp) + ["an IMAP mailbox"] * bool(self.imap_url))

    @classmethod
    def from_settings(cls) -> MailroomParams:
        return cls(settings.TIERWISE_MAILBOX, settings.TIERWISE_LMTP, settings.TIERWISE_IMAP_URL)


def wanted() -> bool:
    """Whether the settings ask for a mailroom."""
    return bool(settings.TIERWISE_MAILBOX and (settings.TIERWISE_LMTP or settings.TIERWISE_IMAP_URL))


def run(params: MailroomParams, stop: threading.Event) -> None:
    """Lets messages in until asked to stop."""
    # The apps must be ready before their models are imported.
    from tierwise.doors.mail.imap import ImapMailbox, MailboxError, fetch_unseen  # noqa: PLC0415
    from tierwise.doors.mail.lmtp import LmtpServer  # noqa: PLC0415

    mailbox = ImapMailbox.from_url(params.imap_url) if params.imap_url else None
    server = LmtpServer(*params.listen_at(), params.mailbox) if params.lmtp else None
    if server is not None:
        server.start()
    try:
        while True:
            if mailbox is not None:
                try:
                    fetch_unseen(mailbox)
                except MailboxError as error:
                    log.warning("%s; tried again in %d s", error, POLL_SECONDS)
                finally:
                    close_old_connections()
            if stop.wait(POLL_SECONDS):
                return
    finally:
        if server is not None:
            server.stop()


def main() -> int:
    django.setup()
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    try:
        run(MailroomParams.from_settings(), stop)
    except ValueError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
