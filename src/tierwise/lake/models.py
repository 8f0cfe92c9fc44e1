"""The catalogue of the lake: which version of each table counts, and what every import did."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, Rights, internal


class Manifest(models.Model):
    """One consistent state of the lake: the version of every table. The newest one is what readers open."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(unique=True)
    moved_at = models.DateTimeField(default=now)
    versions = models.JSONField(default=dict)
    reason = models.CharField(max_length=120)

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=APPEND)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"manifest {self.number}"


class ImportRun(models.Model):
    """One attempt to bring an extract in, with its report."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    mapping = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=16)
    person = models.UUIDField()
    manifest = models.ForeignKey(Manifest, models.PROTECT, null=True, related_name="imports")
    report = models.JSONField(default=dict)
    issues_file = models.CharField(max_length=64, blank=True)
    cancel_asked = models.BooleanField(default=False)

    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [models.Index(fields=["-began_at"], name="import_latest")]

    def __str__(self) -> str:
        return f"{self.mapping} {self.state}"


class QuarantinedRow(models.Model):
    """A row that an import set aside: the texts it was made of, what is wrong, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(ImportRun, models.PROTECT, related_name="quarantined")
    mapping = models.CharField(max_length=64)
    mapping_file = models.CharField(max_length=64)
    place = models.CharField(max_length=120)
    table = models.CharField(max_length=40)
    file = models.CharField(max_length=400)
    row = models.PositiveBigIntegerField()
    key = models.TextField(blank=True)
    cells = models.JSONField(default=dict)
    faults = models.JSONField(default=list)
    state = models.CharField(max_length=16)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.UUIDField(null=True)
    why = models.CharField(max_length=200, blank=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [models.Index(fields=["mapping", "state"], name="quarantine_open")]

    def __str__(self) -> str:
        return f"{self.file} row {self.row} {self.state}"
