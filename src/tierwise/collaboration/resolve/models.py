"""Cases, their timeline, and the drafts a supplier keeps to itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.collaboration.numbering import Counter
from tierwise.collaboration.resolve.records import CaseKind, CaseState, CaseStep, DisputeReason
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, Rights, private, shared


class Case(models.Model):
    """One matter between the two companies, numbered per supplier.

    ``publication`` and ``subject`` say what it is about; ``claimed_*`` what the supplier holds to be right.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32, choices=[(k.value, k.value) for k in CaseKind])
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in CaseState])
    publication = models.ForeignKey("publish.Publication", models.PROTECT, related_name="+", db_constraint=False)
    subject = models.ForeignKey("publish.PublishedLine", models.PROTECT, related_name="+", db_constraint=False)
    order = models.CharField(max_length=240)
    line = models.CharField(max_length=240)
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
    ruled_delivered_on = models.DateField(null=True)
    ruled_received = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    ruled_rejected = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    ruled_excluded = models.CharField(max_length=32, blank=True)

    rights: ClassVar[Rights] = shared(supplier="select insert update(state)")
    redactable: ClassVar[tuple[str, ...]] = ("text", "ruling")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supplier", "number"], name="case_number"),
            models.UniqueConstraint(
                fields=["supplier", "order", "line"], condition=models.Q(state="open"), name="case_open_once"
            ),
        ]
        indexes = [models.Index(fields=["supplier", "state", "due_at"], name="case_clock")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class CaseCounter(Counter):
    rights: ClassVar[Rights] = shared("", supplier="select insert update(last)")


class CaseEntry(models.Model):
    """One step of a case, by either side, with evidence where there is some."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, models.PROTECT, related_name="entries", db_constraint=False)
    at = models.DateTimeField(default=now)
    person = models.UUIDField()
    side = models.CharField(max_length=16)
    what = models.CharField(max_length=24, choices=[(s.value, s.value) for s in CaseStep])
    text = models.TextField(blank=True)
    file = models.ForeignKey("kernel.StoredFile", models.PROTECT, null=True, related_name="+", db_constraint=False)

    rights: ClassVar[Rights] = shared(supplier=APPEND, buyer=APPEND, worker=APPEND)
    redactable: ClassVar[tuple[str, ...]] = ("text",)

    class Meta:
        indexes = [models.Index(fields=["supplier", "case", "at"], name="case_timeline")]

    def __str__(self) -> str:
        return self.what


class CaseDraft(models.Model):
    """What a supplier has written and not yet sent. No buyer can read it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    subject = models.UUIDField()
    reason = models.CharField(max_length=32, choices=[(r.value, r.value) for r in DisputeReason], blank=True)
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
