"""Messages are kept before they are acknowledged, each once, and looked at later."""

from __future__ import annotations

import hashlib

from tierwise.doors.mail.messages import LARGEST_MESSAGE
from tierwise.doors.models import InboundMail
from tierwise.doors.records import MailState
from tierwise.kernel import files
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import SYSTEM, viewer_scope


def keep_mail(raw: bytes, sender: str, via: str) -> bool:
    """Keeps a message for the worker; False when the very same was kept before."""
    digest = hashlib.sha256(raw).hexdigest()
    with viewer_scope(SYSTEM):
        if InboundMail.objects.filter(sha256=digest).exists():
            return False
        files.keep(raw)
        row = InboundMail(
            id=uuid7(), received_at=now(), via=via, sender=sender[:320], sha256=digest, size=len(raw),
        )  # fmt: skip
        InboundMail.objects.bulk_create([row], ignore_conflicts=True)
    return True


def note_too_large(key: str, sender: str, via: str, size: int) -> None:
    """Notes a message that was not fetched, so that somebody sees that it came."""
    digest = hashlib.sha256(f"{via} {key}".encode()).hexdigest()
    with viewer_scope(SYSTEM):
        row = InboundMail(
            id=uuid7(), received_at=now(), via=via, sender=sender[:320], sha256=digest, size=size,
            state=MailState.IGNORED.value, note=f"larger than {LARGEST_MESSAGE // 2**20} MB",
        )  # fmt: skip
        InboundMail.objects.bulk_create([row], ignore_conflicts=True)
