"""Channels, routes and the log of deliveries, as buyers read them. No secret is ever among it."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.kernel.files import keep, path_of
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.modules.exchange.models import Channel, Delivery, DeliveryAttempt, RefusedRow, Route
from tierwise.modules.exchange.records.words import (
    SETTLED,
    AttemptRecord,
    ChannelKind,
    ChannelRecord,
    ChannelState,
    DeliveryQuestion,
    DeliveryRecord,
    DeliveryState,
    FileSent,
    RefusedRecord,
    RouteRecord,
    RowState,
    Send,
    WaitingDelivery,
)


def channels(viewer: Viewer) -> list[ChannelRecord]:
    with viewer_scope(viewer):
        return [channel_record(row) for row in Channel.objects.order_by("name")]


def channel(viewer: Viewer, channel_id: UUID) -> ChannelRecord:
    with viewer_scope(viewer):
        found = Channel.objects.filter(id=channel_id).first()
        if found is None:
            raise NotFound("channel", "There is no such channel.")
        return channel_record(found)


def channel_record(row: Channel) -> ChannelRecord:
    return ChannelRecord(
        row.id, row.name, ChannelKind(row.kind), ChannelState(row.state), row.settings, tuple(row.secret_names),
        row.expire_days, row.reason, row.failing_since, row.tested_at, row.test_result, row.old_secret_until,
        row.shown_key,
    )  # fmt: skip


def routes(viewer: Viewer, *, channel: UUID | None = None, feed: str = "", active: bool = False) -> list[RouteRecord]:
    """Routes by channel and feed. ``active``: those that are on, over channels that are."""
    with viewer_scope(viewer):
        rows = Route.objects.select_related("channel")
        if channel is not None:
            rows = rows.filter(channel_id=channel)
        if feed:
            rows = rows.filter(feed=feed)
        if active:
            rows = rows.filter(active=True, channel__state=ChannelState.ACTIVE)
        return [route_record(row) for row in rows.order_by("channel__name", "feed")]


def route_record(row: Route) -> RouteRecord:
    return RouteRecord(
        row.id, row.channel_id, row.channel.name, ChannelKind(row.channel.kind), ChannelState(row.channel.state),
        row.feed, row.mapping, row.active, row.base, row.base_number, row.last_number,
    )  # fmt: skip


def route(viewer: Viewer, route_id: UUID) -> RouteRecord:
    with viewer_scope(viewer):
        found = Route.objects.select_related("channel").filter(id=route_id).first()
        if found is None:
            raise NotFound("route", "There is no such feed on a channel.")
        return route_record(found)


def outstanding(viewer: Viewer, route: UUID) -> DeliveryRecord | None:
    """The batch that must be settled before another of its route may go out."""
    with viewer_scope(viewer):
        rows = _deliveries().filter(route_id=route).exclude(state__in=SETTLED)
        found = rows.order_by("number").first()
        return delivery_record(found) if found else None


def _deliveries() -> QuerySet[Any]:
    """With the rows waiting for a decision, counted for those deliveries alone that are asked for."""
    waiting = RefusedRow.objects.filter(delivery=OuterRef("id"), state=RowState.OPEN).order_by().values("delivery")
    counted = Coalesce(Subquery(waiting.values(n=Count("id"))), 0)
    return Delivery.objects.annotate(
        _channel=F("route__channel_id"), _name=F("route__channel__name"), _feed=F("route__feed"), _refused=counted
    )


def deliveries(
    viewer: Viewer, *, channel: UUID | None = None, feed: str = "", since: datetime | None = None, limit: int = 500
) -> list[DeliveryRecord]:
    """The log, the newest first."""
    asked = {"route__channel_id": channel, "route__feed": feed or None, "queued_at__gte": since}
    with viewer_scope(viewer):
        rows = _deliveries().filter(**{name: value for name, value in asked.items() if value is not None})
        return [delivery_record(row) for row in rows.order_by("-queued_at", "-number")[:limit]]


def deliveries_page(viewer: Viewer, question: DeliveryQuestion, part: Slice) -> list[DeliveryRecord]:
    """A page of the log, the newest first."""
    asked = {
        "route__channel_id": question.channel, "route__feed": question.feed or None, "state": question.state,
        "queued_at__gte": question.since,
    }  # fmt: skip
    with viewer_scope(viewer):
        rows = _deliveries().filter(**{name: value for name, value in asked.items() if value is not None})
        return [delivery_record(row) for row in keyset(rows, ("-queued_at", "-id"), part)]


def delivery(viewer: Viewer, delivery_id: UUID) -> DeliveryRecord:
    with viewer_scope(viewer):
        found = _deliveries().filter(id=delivery_id).first()
        if found is None:
            raise NotFound("delivery", "There is no such delivery.")
        return delivery_record(found)


def waiting_for_people(viewer: Viewer) -> list[WaitingDelivery]:
    """Deliveries that are stuck or have refused rows nobody has decided about."""
    stuck = [DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.EXPIRED]
    refused = RefusedRow.objects.filter(delivery=OuterRef("id"), state=RowState.OPEN)
    with viewer_scope(viewer):
        rows = _deliveries().filter(Q(state__in=stuck) | Exists(refused)).order_by("queued_at")
        return [_waiting(*row) for row in rows.values_list(*_WAITING)]


def _waiting(id_: UUID, channel: str, feed: str, number: int, state: str, *told: Any) -> WaitingDelivery:
    return WaitingDelivery(id_, channel, feed, number, DeliveryState(state), *told)


_WAITING = (
    "id", "_name", "_feed", "number", "state", "queued_at", "sent_at", "settled_at", "answer", "_refused",
)  # fmt: skip


def delivery_record(row: Any) -> DeliveryRecord:
    return DeliveryRecord(
        row.id, row.route_id, row._channel, row._name, row._feed, row.number, Send(row.send), DeliveryState(row.state),
        row.rows, row.digest, row.content, tuple(FileSent(**one) for one in row.files), row.schema_version,
        row.queued_at, row.sent_at, row.settled_at, row.next_attempt_at, row.attempts, row.answer, row.progress,
        row._refused,
    )  # fmt: skip


def attempts(viewer: Viewer, delivery_id: UUID) -> list[AttemptRecord]:
    with viewer_scope(viewer):
        rows = DeliveryAttempt.objects.filter(delivery_id=delivery_id).order_by("-at", "-id")
        return [AttemptRecord(row.at, row.ended_at, row.outcome, row.answer) for row in rows]


def refused_rows(viewer: Viewer, delivery_id: UUID) -> list[RefusedRecord]:
    with viewer_scope(viewer):
        rows = RefusedRow.objects.filter(delivery_id=delivery_id).order_by("row")
        return [
            RefusedRecord(row.id, row.delivery_id, row.key, row.row, row.reason, RowState(row.state), row.at)
            for row in rows
        ]


def turned_down(viewer: Viewer, route: UUID) -> frozenset[tuple[str, str]]:
    """(row key, digest) that the receiver refused and nobody has decided about."""
    with viewer_scope(viewer):
        rows = RefusedRow.objects.filter(route_id=route, state=RowState.OPEN)
        return frozenset(rows.values_list("key", "digest"))


def due_now(viewer: Viewer, channel: UUID) -> list[UUID]:
    """Deliveries of a channel that may be tried now, each the first unsettled one of its route, in order."""
    at = now()
    with viewer_scope(viewer):
        rows = Delivery.objects.filter(route__channel_id=channel).exclude(state__in=SETTLED)
        first: dict[UUID, Delivery] = {}
        for row in rows.order_by("route_id", "number"):
            first.setdefault(row.route_id, row)
        ready = [
            row
            for row in first.values()
            if row.state == DeliveryState.QUEUED
            and (row.next_attempt_at is None or row.next_attempt_at <= at)
            and (row.leased_until is None or row.leased_until <= at)
        ]
        return [row.id for row in sorted(ready, key=lambda row: (row.queued_at, row.number))]


def awaiting(viewer: Viewer, channel: UUID) -> list[DeliveryRecord]:
    """Deliveries that lie with the receiver, whose word is missing."""
    with viewer_scope(viewer):
        rows = _deliveries().filter(route__channel_id=channel, state=DeliveryState.SENT)
        return [delivery_record(row) for row in rows.order_by("number")]


def kept_frame(address: str) -> pl.DataFrame | None:
    """A frame kept by content; None where there is no address."""
    return pl.read_parquet(io.BytesIO(path_of(address).read_bytes())) if address else None


def keep_frame(frame: pl.DataFrame) -> str:
    """Keeps a frame by content and returns its address."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return keep(buffer.getvalue())
