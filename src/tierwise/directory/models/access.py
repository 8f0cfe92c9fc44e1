"""Who may be where, and what people's data is kept: onboarding, confirmed access, redactions."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.directory.models.parties import Company, Person
from tierwise.directory.records import AccessDecision
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.retention import Retention
from tierwise.kernel.zones import APPEND, READ, Rights, internal, shared


class Onboarding(models.Model):
    """A supplier let in by invitation: what it was told, and what it accepted and said of itself."""

    company = models.OneToOneField(Company, models.PROTECT, primary_key=True, related_name="+")
    host_name = models.CharField(max_length=300)
    about = models.CharField(max_length=600, blank=True)
    invited_by = models.UUIDField()
    invited_at = models.DateTimeField(default=now)
    stated_name = models.CharField(max_length=300, blank=True)
    stated_country = models.CharField(max_length=2, blank=True)
    terms_digest = models.CharField(max_length=64, blank=True)
    accepted_by = models.UUIDField(null=True)
    accepted_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = shared(
        "", supplier="select update(stated_name,stated_country,terms_digest,accepted_by,accepted_at)",
        company="company_id",
    )  # fmt: skip

    def __str__(self) -> str:
        return str(self.company_id)


class AccessReview(models.Model):
    """One round in which a company's administrators confirm who may enter."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=now)
    due_on = models.DateField()
    ends_on = models.DateField()
    reminded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = shared("", buyer=READ, supplier=READ, company="company_id")
    retention: ClassVar[Retention] = Retention(4 * 365, "opened_at", "Shows who confirmed access, and when")

    class Meta:
        indexes = [models.Index(fields=["company", "-opened_at"], name="review_latest")]
        constraints = [
            models.UniqueConstraint(
                fields=["company"], condition=models.Q(closed_at__isnull=True), name="review_one_open"
            ),
            models.CheckConstraint(condition=models.Q(ends_on__gt=models.F("due_on")), name="review_grace"),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} {self.due_on}"


class ReviewedAccess(models.Model):
    """One person's access as it stood when a review was opened, and what was decided about it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    review = models.ForeignKey(AccessReview, models.CASCADE, related_name="lines", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    role = models.CharField(max_length=32)
    reach = models.CharField(max_length=400, blank=True)
    decision = models.CharField(
        max_length=16, choices=[(d.value, d.value) for d in AccessDecision], default=AccessDecision.OPEN.value
    )
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = shared(
        "", buyer="select update(decision,decided_by,decided_at)",
        supplier="select update(decision,decided_by,decided_at)", company="company_id",
    )  # fmt: skip
    retention: ClassVar[Retention] = Retention(3 * 365, "decided_at", "Shows who confirmed access, and when")

    class Meta:
        indexes = [models.Index(fields=["company", "review"], name="reviewed_of_review")]
        constraints = [models.UniqueConstraint(fields=["company", "review", "person"], name="reviewed_once")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.decision}"


class Redaction(models.Model):
    """A passage of free text that was taken out, leaving a mark; digests say what stood there before and after."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=now)
    by = models.UUIDField()
    table = models.CharField(max_length=80)
    row = models.UUIDField()
    field = models.CharField(max_length=63)
    reason = models.CharField(max_length=300)
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=APPEND)
    retention: ClassVar[Retention] = Retention(None, "at", "Proof that a record was changed, by whom and why")

    class Meta:
        indexes = [models.Index(fields=["table", "row"], name="redaction_of_row")]

    def __str__(self) -> str:
        return f"{self.table} {self.row}"
