"""Segments, who supplies them, and the policies that follow from them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.directory.models.parties import Company
from tierwise.directory.records import Involvement, SupportState
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import Rights, internal, shared


class Segment(models.Model):
    """A segment of the scheme. Its code names it in facts, its rank orders it, its slot colours it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=80)
    rank = models.PositiveSmallIntegerField()
    slot = models.PositiveSmallIntegerField(default=1)
    active = models.BooleanField(default=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.name


class Support(models.Model):
    """A supplier serves a segment: what rights, publications, contracts and teams refer to.

    ``shown_code`` and ``shown_name`` are what the supplier gets to see, an alias where the scheme asks for one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey(Company, models.PROTECT, related_name="supports")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="supports")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in SupportState])
    involvement = models.CharField(
        max_length=16, choices=[(i.value, i.value) for i in Involvement], default=Involvement.EXECUTION.value
    )
    shown_code = models.CharField(max_length=16)
    shown_name = models.CharField(max_length=80)
    slot = models.PositiveSmallIntegerField(default=1)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    rights: ClassVar[Rights] = shared("")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["supplier", "segment", "valid_from"], name="support_key")]

    def __str__(self) -> str:
        return self.shown_name


class PolicyFacet(models.Model):
    """The values one facet takes for one segment, from the scheme version that set them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="facets")
    facet = models.CharField(max_length=48)
    values = models.JSONField(default=dict)
    scheme_version = models.PositiveIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    rights: ClassVar[Rights] = internal()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "facet", "valid_from"], name="facet_key")]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.facet}"


class LanePolicy(models.Model):
    """The one policy of a lane that serves several segments, with where each value came from."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    lane = models.CharField(max_length=240, unique=True)
    supplier = models.ForeignKey(Company, models.CASCADE, related_name="+")
    values = models.JSONField(default=dict)
    explanation = models.JSONField(default=dict)
    scheme_version = models.PositiveIntegerField()
    computed_at = models.DateTimeField()

    rights: ClassVar[Rights] = internal()

    def __str__(self) -> str:
        return self.lane
