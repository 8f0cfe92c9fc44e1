"""Formulas, scorecards, their measures, and corrections that rulings made."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, Rights, internal


class ScorecardFormula(models.Model):
    """One version of how scorecards are computed. Versions are added, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=120)
    parameters = models.JSONField(default=dict)
    written_at = models.DateTimeField(default=now)
    written_by = models.UUIDField()

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=APPEND)

    def __str__(self) -> str:
        return f"scorecard/{self.number}"


class Scorecard(models.Model):
    """A supplier's result in one segment and period. A restatement is a new revision of the same card.

    ``policy`` is the segment's expectation it was scored by, which later restatements keep; ``n`` the least effective
    number of lines behind a scored measure; ``first_mix`` the share of its lines attributed by a mix carried back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")
    period = models.CharField(max_length=8)
    period_start = models.DateField()
    period_end = models.DateField()
    revision = models.PositiveSmallIntegerField(default=1)
    formula = models.ForeignKey(ScorecardFormula, models.PROTECT, related_name="+")
    manifest = models.UUIDField()
    scheme_version = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    policy = models.JSONField(default=dict)
    n = models.PositiveIntegerField()
    score = models.FloatField(null=True)
    ungated = models.FloatField(null=True)
    gates = models.CharField(max_length=200, blank=True)
    missing = models.CharField(max_length=200, blank=True)
    first_mix = models.FloatField(default=0.0)
    standing = models.CharField(max_length=24, blank=True)
    standing_reason = models.CharField(max_length=200, blank=True)
    computed_at = models.DateTimeField(default=now)
    publication = models.UUIDField(null=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supplier", "segment", "period", "revision"], name="scorecard_key")
        ]
        indexes = [models.Index(fields=["period_start", "segment"], name="scorecard_period")]

    def __str__(self) -> str:
        return f"{self.supplier_id} {self.period}"


class ScorecardMeasure(models.Model):
    """One measure of a scorecard.

    ``prior_mean`` and ``prior_n`` are what the peers said when the period was first scored. Restatements keep them, or
    a ruling about one supplier would move the cards of all others.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scorecard = models.ForeignKey(Scorecard, models.CASCADE, related_name="measures")
    measure = models.CharField(max_length=32)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    shrunk = models.FloatField(null=True)
    numerator = models.FloatField(null=True)
    denominator = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    effective_n = models.FloatField(null=True)
    limit = models.FloatField(null=True)
    target = models.FloatField(null=True)
    weight = models.FloatField(null=True)
    points = models.FloatField(null=True)
    prior_mean = models.FloatField(null=True)
    prior_n = models.FloatField(null=True)
    note = models.CharField(max_length=200, blank=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scorecard", "measure"], name="scorecard_measure_key")]

    def __str__(self) -> str:
        return self.measure


class LineCorrection(models.Model):
    """What a ruling says about a purchase line; scoring puts it over the facts, which stay as they came."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    order = models.CharField(max_length=240)
    line = models.CharField(max_length=240)
    case = models.UUIDField(unique=True)
    delivered_on = models.DateField(null=True)
    received = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    rejected = models.DecimalField(null=True, max_digits=18, decimal_places=4)
    excluded = models.CharField(max_length=32, blank=True)
    ruled_at = models.DateTimeField(default=now)

    rights: ClassVar[Rights] = internal()

    class Meta:
        indexes = [models.Index(fields=["supplier", "order", "line"], name="correction_line")]

    def __str__(self) -> str:
        return f"{self.order}/{self.line}"
