"""Cases, their timeline, and the drafts a supplier keeps to itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.collaboration.resolve.records import CaseKind, CaseState, DisputeReason
from tierwise.directory.models import Company, Segment
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, Rights, private, shared


class Case(models.Model):
    """One matter between the two companies, numbered per supplier.

    ``publication`` and ``subject`` say what it is about; ``claimed_*`` what the supplier holds to be right.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey(Company, models.PROTECT, related_name="+")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32, choices=[(k.value, k.value) for k in CaseKind])
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in CaseState])
    publication = models.ForeignKey("publish.Publication", models.PROTECT, related_name="+", db_constraint=False)
    subject = models.ForeignKey("publish.PublishedLine", models.PROTECT, related_name="+", db_constraint=False)
    order = models.CharField(max_length=64)
    line = models.CharField(max_length=64)
    reason = models.CharField(max_length=32, choices=[(r.value, r.value) for r in DisputeReason])
    text = models.TextField()
    claimed_on = models.DateField(null=True)
    claimed_quantity = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    opened_at = models.DateTimeField(default=now)
    opened_by = models.UUIDField()
    due_at = models.DateTimeField()
    ruled_at = models.DateTimeField(null=True)
    ruled_by = models.UUIDField(null=True)
    ruling = models.TextField(blank=True)

    rights: ClassVar[Rights] = shared(supplier="select insert update(state,ruling,ruled_at,ruled_by)")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supplier", "number"], name="case_number"),
            models.UniqueConstraint(
                fields=["supplier", "subject"], condition=models.Q(state="open"), name="case_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class CaseEntry(models.Model):
    """One step of a case, by either side, with evidence where there is some."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey(Company, models.PROTECT, related_name="+")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, models.PROTECT, related_name="entries", db_constraint=False)
    at = models.DateTimeField(default=now)
    person = models.UUIDField()
    what = models.CharField(max_length=24)
    text = models.TextField(blank=True)
    file = models.ForeignKey("kernel.StoredFile", models.PROTECT, null=True, related_name="+", db_constraint=False)

    rights: ClassVar[Rights] = shared(supplier=APPEND, buyer=APPEND, worker=APPEND)

    class Meta:
        indexes = [models.Index(fields=["supplier", "case", "at"], name="case_timeline")]

    def __str__(self) -> str:
        return self.what


class CaseDraft(models.Model):
    """What a supplier has written and not yet sent. No buyer can read it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey(Company, models.PROTECT, related_name="+")
    subject = models.UUIDField()
    reason = models.CharField(max_length=32, blank=True)
    text = models.TextField(blank=True)
    claimed_on = models.DateField(null=True)
    claimed_quantity = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    saved_at = models.DateTimeField(default=now)
    saved_by = models.UUIDField()

    rights: ClassVar[Rights] = private()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["supplier", "subject"], name="one_draft")]

    def __str__(self) -> str:
        return str(self.subject)
