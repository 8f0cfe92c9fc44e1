"""Scheme versions, plans, planned moves and pins."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import Rights, internal
from tierwise.modules.segmentation.records import PlanState, SchemeState


class SchemeVersion(models.Model):
    """One version of the scheme document. Applied versions are never changed; a rollback is a new one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=120)
    document = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in SchemeState])
    written_at = models.DateTimeField(default=now)
    written_by = models.UUIDField()
    applied_at = models.DateTimeField(null=True)
    applied_by = models.UUIDField(null=True)
    effective_on = models.DateField(null=True)
    restores = models.PositiveIntegerField(null=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"scheme {self.number}"


class SchemePlan(models.Model):
    """What applying a scheme version would change, against one state of the facts and of the live scheme.

    ``fingerprint`` covers document, facts, live assignments and pins; apply refuses any other.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scheme = models.ForeignKey(SchemeVersion, models.PROTECT, related_name="plans")
    fingerprint = models.CharField(max_length=64)
    manifest = models.UUIDField()
    effective_on = models.DateField()
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in PlanState])
    planned_at = models.DateTimeField(default=now)
    planned_by = models.UUIDField()
    filed_by_cycle = models.BooleanField(default=False)
    summary = models.JSONField(default=dict)
    sections = models.JSONField(default=list)

    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [models.Index(fields=["-planned_at"], name="plan_latest")]

    def __str__(self) -> str:
        return f"plan of {self.scheme_id}"


class PlannedMove(models.Model):
    """One demand cell that a plan would move, and why."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(SchemePlan, models.CASCADE, related_name="moves")
    item = models.CharField(max_length=240)
    customer_group = models.CharField(max_length=240)
    region = models.CharField(max_length=240)
    channel = models.CharField(max_length=240)
    from_segment = models.CharField(max_length=16)
    to_segment = models.CharField(max_length=16)
    reason = models.CharField(max_length=120)
    revenue = models.FloatField()
    profit = models.FloatField()
    units = models.FloatField()

    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [models.Index(fields=["plan", "from_segment", "to_segment"], name="move_plan")]

    def __str__(self) -> str:
        return f"{self.item} {self.from_segment} to {self.to_segment}"


class Pin(models.Model):
    """A person's own decision about a demand cell, kept apart from the rules and never lost to them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.CharField(max_length=240)
    customer_group = models.CharField(max_length=240)
    region = models.CharField(max_length=240)
    channel = models.CharField(max_length=240)
    segment = models.CharField(max_length=16)
    reason = models.CharField(max_length=200)
    pinned_by = models.UUIDField()
    pinned_at = models.DateTimeField(default=now)
    expires_on = models.DateField(null=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "customer_group", "region", "channel"], name="one_pin_per_cell")
        ]

    def __str__(self) -> str:
        return f"{self.item} in {self.segment}"
