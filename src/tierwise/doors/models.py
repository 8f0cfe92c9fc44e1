"""Spreadsheets that are out, those that came back, and the mail they came with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.doors.records import HandInState, MailState
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Door
from tierwise.kernel.zones import EDIT, READ, Rights, internal, private, shared


class SheetIssue(models.Model):
    """A spreadsheet made for one person. What comes back names it, so that it can be called off."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.UUIDField()
    person = models.UUIDField()
    list_name = models.CharField(max_length=48)
    scope = models.CharField(max_length=128, blank=True)
    issued_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    requested = models.UUIDField(null=True)

    rights: ClassVar[Rights] = shared(
        "", supplier="select insert update(revoked_at)", buyer=EDIT, worker=EDIT, company="company"
    )

    class Meta:
        indexes = [models.Index(fields=["company", "-issued_at"], name="sheets_out")]

    def __str__(self) -> str:
        return f"{self.list_name} {self.scope}"


class HandIn(models.Model):
    """A spreadsheet that was sent back, by its content, with what became of it.

    What was refused was never said, so a supplier's stand where no buyer reads.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.UUIDField()
    issue = models.UUIDField(null=True)
    list_name = models.CharField(max_length=48)
    scope = models.CharField(max_length=128, blank=True)
    door = models.CharField(max_length=16, choices=[(d.value, d.value) for d in Door])
    at = models.DateTimeField(default=now)
    digest = models.CharField(max_length=64)
    file_name = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in HandInState])
    changes = models.PositiveIntegerField(default=0)
    already = models.PositiveIntegerField(default=0)
    faults = models.JSONField(default=list)
    annotated = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.list_name} {self.state}"


class DeskHandIn(HandIn):
    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [
            models.Index(fields=["digest"], name="desk_handed"),
            models.Index(fields=["-at"], name="desk_latest"),
        ]


class PortalHandIn(HandIn):
    supplier_id = models.UUIDField()

    rights: ClassVar[Rights] = private()

    class Meta:
        indexes = [
            models.Index(fields=["supplier_id", "digest"], name="portal_handed"),
            models.Index(fields=["supplier_id", "-at"], name="portal_latest"),
        ]


class InboundMail(models.Model):
    """A message as it came in, once; its bytes lie in the file store."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    received_at = models.DateTimeField(default=now)
    via = models.CharField(max_length=8)
    sender = models.CharField(max_length=320, blank=True)
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveIntegerField()
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in MailState], default=MailState.WAITING.value
    )
    note = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    rights: ClassVar[Rights] = internal(buyer=READ, worker=EDIT)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(state="waiting"), name="mail_waiting"),
            models.Index(fields=["-received_at"], name="mail_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.via} {self.state}"
