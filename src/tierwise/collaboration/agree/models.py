"""Agreements and their versions."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.collaboration.agree.records import AgreementKind, AgreementState
from tierwise.collaboration.numbering import Counter
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import Rights, internal, shared


class Agreement(models.Model):
    """What two companies agree on for one segment, numbered per supplier; its content stands in versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32, choices=[(k.value, k.value) for k in AgreementKind])
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=160)

    rights: ClassVar[Rights] = shared()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["supplier", "number"], name="agreement_number")]

    def __str__(self) -> str:
        return self.title


class AgreementVersion(models.Model):
    """One wording: offered by one side, answered by the other, in force between two dates."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="versions", db_constraint=False)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in AgreementState])
    terms = models.JSONField(default=dict)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    offered_at = models.DateTimeField(null=True)
    offered_by = models.UUIDField(null=True)
    answer_due_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.UUIDField(null=True)
    answer = models.TextField(blank=True)

    rights: ClassVar[Rights] = shared(supplier="select update(state,answered_at,answered_by,answer)")
    redactable: ClassVar[tuple[str, ...]] = ("answer",)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supplier", "agreement", "version"], name="agreement_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} v{self.version}"


class AgreementCounter(Counter):
    rights: ClassVar[Rights] = internal()
