"""Answers kept under a key of the asker's, so that a request that is sent again is done once.

The row is claimed before the work and filled in after it, in the work's own transaction: an answer is kept exactly
when its work is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connections

from tierwise.kernel.audit import Invalid, Refused
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import KeptAnswer
from tierwise.kernel.viewer import SYSTEM, Viewer, viewer_scope

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: status, version of the record, body."""

    status: int
    etag: str
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work of a key, held until the transaction ends."""

    owner: UUID
    key: str


def claim(actor: Viewer, owner: UUID, key: str, digest: str) -> Claim | Answer:
    """The claim on a key, or the answer it was given before. ``digest`` stands for everything that was asked.

    Raises ``Refused`` (409) while another request with the key is under way, ``Invalid`` for one that asks otherwise.
    """
    number = int.from_bytes(hashlib.sha256(f"{owner} {key}".encode()).digest()[:8], signed=True)
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise Refused("key_under_way", "A request with this Idempotency-Key is under way; send it again shortly.",
                          field="Idempotency-Key")  # fmt: skip
    mine = KeptAnswer.objects.filter(company=actor.company, owner=owner, key=key)
    found = mine.first()
    if found is not None and found.kept_at > now() - KEPT:
        if found.digest != digest:
            raise Invalid("key_reused", "This Idempotency-Key was used for another request; choose a new one.",
                          field="Idempotency-Key")  # fmt: skip
        return Answer(found.status, found.etag, found.body)
    mine.delete()
    KeptAnswer.objects.bulk_create(
        [KeptAnswer(id=uuid7(), company=actor.company, owner=owner, key=key, digest=digest, kept_at=now())]
    )
    return Claim(owner, key)


def keep(actor: Viewer, held: Claim, answer: Answer) -> None:
    """Fills the claim in."""
    mine = KeptAnswer.objects.filter(company=actor.company, owner=held.owner, key=held.key)
    mine.update(status=answer.status, etag=answer.etag, body=answer.body)


def release(actor: Viewer, held: Claim) -> None:
    """Gives a claim back: what was answered is nobody else's and is not kept."""
    KeptAnswer.objects.filter(company=actor.company, owner=held.owner, key=held.key).delete()


def sweep() -> int:
    """Deletes answers whose time is over."""
    with viewer_scope(SYSTEM):
        return KeptAnswer.objects.filter(kept_at__lt=now() - KEPT).delete()[0]
