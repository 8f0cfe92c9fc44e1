"""Channels, routes, deliveries, their attempts, and rows that a receiver refused."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, EDIT, Rights, internal
from tierwise.modules.exchange.records.words import (
    ChannelKind,
    ChannelState,
    DeliveryState,
    RowState,
    Send,
)


class Channel(models.Model):
    """A way to another system. ``sealed`` holds its secrets, which nothing ever shows again.

    ``shown_key`` is what an SFTP server showed when it was tried and nobody has accepted yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in ChannelKind])
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in ChannelState])
    reason = models.CharField(max_length=300, blank=True)
    settings = models.JSONField(default=dict)
    sealed = models.TextField(blank=True)
    secret_names = models.JSONField(default=list)
    old_secret_until = models.DateTimeField(null=True)
    expire_days = models.PositiveSmallIntegerField(default=7)
    failing_since = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True)
    test_result = models.CharField(max_length=500, blank=True)
    shown_key = models.TextField(blank=True)
    made_at = models.DateTimeField(default=now)

    rights: ClassVar[Rights] = internal(buyer=EDIT, worker=EDIT)

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """A feed over a channel. ``base`` is what the receiver has acknowledged, up to batch ``base_number``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="routes")
    feed = models.CharField(max_length=48)
    mapping = models.TextField()
    active = models.BooleanField(default=True)
    base = models.CharField(max_length=64, blank=True)
    base_number = models.PositiveIntegerField(default=0)
    last_number = models.PositiveIntegerField(default=0)

    rights: ClassVar[Rights] = internal(buyer=EDIT, worker=EDIT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "feed"], name="route_key")]

    def __str__(self) -> str:
        return self.feed


class Delivery(models.Model):
    """One batch: what it holds (``content``, by address), its files as sent, and how far it is.

    ``leased_until`` keeps others away while it is being sent; ``progress`` counts rows the receiver has already taken.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    route = models.ForeignKey(Route, models.PROTECT, related_name="deliveries")
    number = models.PositiveIntegerField()
    send = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Send])
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in DeliveryState])
    rows = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.CharField(max_length=64)
    files = models.JSONField(default=list)
    schema_version = models.CharField(max_length=40)
    queued_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=1000, blank=True)

    rights: ClassVar[Rights] = internal(buyer=EDIT, worker=EDIT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["route", "number"], name="delivery_key")]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="delivery_waiting"),
            models.Index(fields=["-queued_at"], name="delivery_log"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class DeliveryAttempt(models.Model):
    """One try, and what the receiver said."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="tries")
    at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)
    answer = models.CharField(max_length=1000, blank=True)

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=EDIT)

    class Meta:
        indexes = [models.Index(fields=["delivery", "at"], name="attempt_of")]

    def __str__(self) -> str:
        return self.outcome


class RefusedRow(models.Model):
    """A row that the receiver did not take, and what became of it. ``digest`` is what it said."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    route = models.ForeignKey(Route, models.PROTECT, related_name="refused")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="refused")
    key = models.CharField(max_length=1000)
    digest = models.CharField(max_length=32)
    row = models.PositiveIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in RowState])
    at = models.DateTimeField(default=now)
    decided_by = models.UUIDField(null=True)

    rights: ClassVar[Rights] = internal(buyer=EDIT, worker=EDIT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "row"], name="refused_once")]
        indexes = [models.Index(fields=["route", "state"], name="refused_waiting")]

    def __str__(self) -> str:
        return self.key
