"""The life of a delivery. What is sent is decided before it is sent, so that a crash repeats it and never varies it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
from django.db.models import QuerySet

from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Role, Viewer
from tierwise.modules.exchange.actions.channels import INTEGRATORS
from tierwise.modules.exchange.layout import DIGEST, base_after, empty_base
from tierwise.modules.exchange.models import Channel, Delivery, DeliveryAttempt, RefusedRow, Route
from tierwise.modules.exchange.queries.log import keep_frame, kept_frame
from tierwise.modules.exchange.records.feeds import FEEDS
from tierwise.modules.exchange.records.settings import AcknowledgedBy, WebhookSettings, acknowledged_by, read_settings
from tierwise.modules.exchange.records.words import (
    SETTLED,
    STUCK,
    BatchDraft,
    ChannelKind,
    ChannelState,
    DeliveryState,
    RowState,
    Send,
)
from tierwise.wire.acknowledgements import Acknowledgement

WAITS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds before each further attempt, as Standard Webhooks suggests: about three days in all."""
JITTER = 0.2
LEASE = timedelta(minutes=20)
"""Longer than any transport may take; after it a dead process's delivery is taken up again."""
WORKER = frozenset({Role.SYSTEM})


def _delivery(delivery_id: UUID) -> Delivery:
    found = Delivery.objects.select_for_update().filter(id=delivery_id).first()
    if found is None:
        raise NotFound("delivery", "There is no such delivery.")
    return found


def _subject(row: Delivery) -> Subject:
    return Subject("delivery", row.id)


@action("queue_batch", roles=INTEGRATORS)
def queue_batch(actor: Viewer, draft: BatchDraft) -> UUID:
    """Queues a batch, if it is still the route's next. ``Stale`` where another was queued or awaits its end."""
    route = Route.objects.select_for_update().filter(id=draft.route).first()
    if route is None:
        raise NotFound("route", "There is no such feed on a channel.")
    if draft.number != route.last_number + 1 or _outstanding(route).exists():
        raise Stale("batch", f"Another batch of {route.feed} is on its way.")
    row = Delivery(
        route=route, number=draft.number, send=draft.send.value, state=DeliveryState.QUEUED.value, rows=draft.rows,
        digest=draft.digest, content=draft.content, files=[asdict(one) for one in draft.files],
        schema_version=draft.schema_version,
    )  # fmt: skip
    row.save(force_insert=True)
    route.last_number = draft.number
    route.save(update_fields=["last_number"])
    # Rows that people asked for again are in it; from here on they are this batch's.
    RefusedRow.objects.filter(route=route, state=RowState.AGAIN).update(state=RowState.SETTLED)
    record(actor, _subject(row), count=max(1, draft.rows), feed=route.feed, number=row.number, digest=row.digest)
    return row.id


def _outstanding(route: Route) -> QuerySet[Delivery]:
    return Delivery.objects.filter(route=route).exclude(state__in=SETTLED)


@action("begin_attempt", roles=WORKER)
def begin_attempt(actor: Viewer, delivery_id: UUID) -> UUID:
    """Takes a delivery up for one attempt. ``Stale`` where it is no longer waiting or somebody else has it."""
    row, at = _delivery(delivery_id), now()
    if row.state != DeliveryState.QUEUED or (row.leased_until is not None and row.leased_until > at):
        raise Stale("delivery", "It is being sent already, or not waiting.")
    row.leased_until, row.attempts = at + LEASE, row.attempts + 1
    row.save(update_fields=["leased_until", "attempts"])
    one = DeliveryAttempt(delivery=row, at=at)
    one.save(force_insert=True)
    record(actor, _subject(row), attempt=row.attempts)
    return one.id


@action("note_progress", roles=WORKER)
def note_progress(actor: Viewer, delivery_id: UUID, rows: int) -> None:
    """So many rows the receiver has taken; another attempt goes on after them."""
    Delivery.objects.filter(id=delivery_id, progress__lt=rows).update(progress=rows, leased_until=now() + LEASE)
    record(actor, Subject("delivery", delivery_id), rows=rows)


@action("record_sent", roles=WORKER)
def record_sent(actor: Viewer, delivery_id: UUID, attempt_id: UUID, answer: Acknowledgement) -> None:
    """The batch arrived. Where arriving is enough it is acknowledged by that, but for the rows refused."""
    row = _delivery(delivery_id)
    _end_attempt(attempt_id, "sent", answer.reason)
    if row.state != DeliveryState.QUEUED:
        record(actor, _subject(row), repeated=True)
        return
    row.state, row.sent_at, row.leased_until = DeliveryState.SENT.value, now(), None
    row.next_attempt_at, row.answer = None, answer.reason[:1000]
    row.save(update_fields=["state", "sent_at", "leased_until", "next_attempt_at", "answer"])
    channel = row.route.channel
    Channel.objects.filter(id=channel.id).update(failing_since=None)
    settings = read_settings(ChannelKind(channel.kind), channel.settings)
    record(actor, _subject(row), rows=row.rows, refused=len(answer.refused))
    if acknowledged_by(settings) is AcknowledgedBy.DELIVERY or not answer.accepted:
        _settle(actor, row, answer)


def _end_attempt(attempt_id: UUID, outcome: str, answer: str) -> None:
    DeliveryAttempt.objects.filter(id=attempt_id).update(ended_at=now(), outcome=outcome, answer=answer[:1000])


@action("record_fault", roles=WORKER)
def record_fault(actor: Viewer, delivery_id: UUID, attempt_id: UUID, why: str, again_after: float | None) -> None:
    """The batch did not arrive. ``again_after``: least seconds to wait, None where another try would not help."""
    row, at = _delivery(delivery_id), now()
    _end_attempt(attempt_id, "fault", why)
    if row.state != DeliveryState.QUEUED:
        record(actor, _subject(row), repeated=True)
        return
    row.leased_until, row.answer = None, why[:1000]
    if again_after is None or row.attempts > len(WAITS):
        row.state, row.next_attempt_at = DeliveryState.FAILED.value, None
    else:
        wait = max(WAITS[row.attempts - 1], again_after)
        spread = 1 + JITTER * (2 * secrets.randbelow(10_001) / 10_000 - 1)
        row.next_attempt_at = at + timedelta(seconds=max(wait * spread, again_after))
    row.save(update_fields=["leased_until", "answer", "state", "next_attempt_at"])
    channel = Channel.objects.select_for_update().get(id=row.route.channel_id)
    channel.failing_since = channel.failing_since or at
    if _given_up(channel, at):
        channel.state = ChannelState.DISABLED.value
        channel.reason = f"It has failed since {channel.failing_since:%Y-%m-%d %H:%M} UTC: {why}"[:300]
    channel.save(update_fields=["failing_since", "state", "reason"])
    record(actor, _subject(row), state=row.state, why=why[:300], channel_state=channel.state)


def _given_up(channel: Channel, at: datetime) -> bool:
    if channel.kind != ChannelKind.WEBHOOK or channel.failing_since is None:
        return False
    settings = read_settings(ChannelKind.WEBHOOK, channel.settings)
    assert isinstance(settings, WebhookSettings)
    return at - channel.failing_since >= timedelta(days=settings.disable_after_days)


@action("acknowledge_delivery", roles=INTEGRATORS)
def acknowledge(actor: Viewer, delivery_id: UUID, answer: Acknowledgement) -> DeliveryState:
    """The receiver's word on a batch, from its file or by hand. The same word again has no second effect.

    A batch that failed or expired may still be acknowledged: it had arrived after all.
    """
    row = _delivery(delivery_id)
    if row.state in SETTLED or row.state == DeliveryState.REFUSED:
        record(actor, _subject(row), repeated=True)
        return DeliveryState(row.state)
    if row.state == DeliveryState.QUEUED and not row.attempts:
        raise Stale("delivery", "It has not been sent yet.")
    _settle(actor, row, answer)
    return DeliveryState(row.state)


def _settle(actor: Viewer, row: Delivery, answer: Acknowledgement) -> None:
    """Ends a batch. Rows taken become what the receiver is known to hold; those refused wait for people."""
    row.settled_at, row.leased_until, row.next_attempt_at = now(), None, None
    if answer.reason:
        row.answer = answer.reason[:1000]
    if not answer.accepted:
        row.state = DeliveryState.REFUSED.value
    else:
        refused = _keep_refused(row, answer)
        _advance(row, refused)
        _close_overtaken(row)
        _close_taken(row, refused)
        row.state = DeliveryState.ACKNOWLEDGED.value
    row.save(update_fields=["state", "settled_at", "leased_until", "next_attempt_at", "answer"])
    record(actor, _subject(row), state=row.state, refused=len(answer.refused))
    publish_event(
        actor, "delivery_settled", delivery=row.id, feed=row.route.feed, number=row.number, state=row.state,
        refused=len(answer.refused),
    )  # fmt: skip


def _keep_refused(row: Delivery, answer: Acknowledgement) -> frozenset[str]:
    """Adds refused rows to the worklist; ``Invalid`` for a row that the batch does not have."""
    if not answer.refused:
        return frozenset()
    batch = _content(row)
    numbers = {key: place for place, key in enumerate(batch["row_key"], start=1)}
    digests, keys, found = batch[DIGEST].to_list(), batch["row_key"].to_list(), []
    for one in answer.refused:
        place = numbers.get(one.key, 0) if one.key else one.row
        if not 1 <= place <= batch.height:
            raise Invalid(
                "row", f"Batch {row.number} has no row {one.key or one.row}; name rows by key, or by number from 1.",
                field="rows",
            )  # fmt: skip
        found.append(
            RefusedRow(
                route_id=row.route_id, delivery=row, key=keys[place - 1], digest=digests[place - 1], row=place,
                reason=one.reason[:500], state=RowState.OPEN.value,
            )
        )  # fmt: skip
    RefusedRow.objects.bulk_create(found, batch_size=2000, ignore_conflicts=True)
    return frozenset(one.key for one in found)


def _close_overtaken(row: Delivery) -> None:
    """A row refused in an earlier batch and taken since, with what it says now, waits for nobody."""
    waiting = RefusedRow.objects.filter(route_id=row.route_id, state=RowState.OPEN, delivery__number__lt=row.number)
    earlier = dict(waiting.values_list("id", "key"))
    if earlier:
        named = set(_content(row)["row_key"].to_list())
        overtaken = [refused for refused, key in earlier.items() if key in named]
        RefusedRow.objects.filter(id__in=overtaken).update(state=RowState.SETTLED)


def _close_taken(row: Delivery, refused: frozenset[str]) -> None:
    """Rows refused when this batch went out before, and taken now that it was sent again, wait for nobody."""
    open_rows = RefusedRow.objects.filter(delivery=row, state=RowState.OPEN)
    taken = [one for one, key in open_rows.values_list("id", "key") if key not in refused]
    if taken:
        found = RefusedRow.objects.filter(id__in=taken)
        _hold(Route.objects.select_for_update().get(id=row.route_id), row, list(found.values_list("key", flat=True)))
        found.update(state=RowState.SETTLED)


def _hold(route: Route, delivery: Delivery, keys: Sequence[str]) -> None:
    """The receiver is known to hold these rows as the batch says them."""
    batch = _content(delivery).filter(pl.col("row_key").is_in(keys))
    feed, base = FEEDS[route.feed], kept_frame(route.base)
    after = base_after(empty_base(feed) if base is None else base, batch, feed, Send.CHANGES, frozenset())
    route.base = keep_frame(after)
    route.save(update_fields=["base"])


def _content(row: Delivery) -> pl.DataFrame:
    found = kept_frame(row.content)
    assert found is not None
    return found


def _advance(row: Delivery, refused: frozenset[str]) -> None:
    """Moves what the receiver holds on; an older batch sent again cannot move it back."""
    route = Route.objects.select_for_update().get(id=row.route_id)
    if row.number <= route.base_number:
        return
    feed = FEEDS[route.feed]
    base = kept_frame(route.base)
    after = base_after(empty_base(feed) if base is None else base, _content(row), feed, Send(row.send), refused)
    route.base, route.base_number = keep_frame(after), row.number
    route.save(update_fields=["base", "base_number"])


@action("expire_delivery", roles=WORKER)
def expire(actor: Viewer, delivery_id: UUID) -> None:
    """Nobody acknowledged it in time. It waits for people, and so does what comes after it."""
    row = _delivery(delivery_id)
    if row.state == DeliveryState.SENT:
        row.state = DeliveryState.EXPIRED.value
        row.save(update_fields=["state"])
    record(actor, _subject(row), state=row.state)


@action("resend_delivery", roles=INTEGRATORS)
def resend(actor: Viewer, delivery_id: UUID) -> None:
    """Sends the same bytes under the same number once more; a receiver that has them takes them once.

    ``Stale`` where later batches went out and may say otherwise of the same rows: those must follow, see
    :func:`resend_since`.
    """
    row = _delivery(delivery_id)
    if row.state == DeliveryState.QUEUED:
        _requeue(row)
        record(actor, _subject(row), repeated=True)
        return
    later = Delivery.objects.filter(route_id=row.route_id, number__gt=row.number).exists()
    if later and not FEEDS[row.route.feed].final:
        raise Stale(
            "later_batches",
            f"Later batches of {row.route.feed} were sent. Send all since this one, so that the newest stays last.",
        )
    _requeue(row)
    record(actor, _subject(row), number=row.number)


def _requeue(row: Delivery) -> None:
    row.state, row.next_attempt_at, row.attempts, row.progress = DeliveryState.QUEUED.value, None, 0, 0
    row.settled_at = None
    row.save(update_fields=["state", "next_attempt_at", "attempts", "progress", "settled_at"])


@action("resend_since", roles=INTEGRATORS)
def resend_since(actor: Viewer, route_id: UUID, since: datetime) -> int:
    """Sends every batch of a feed queued since an instant once more, in their order; returns how many."""
    rows = Delivery.objects.select_for_update().filter(route_id=route_id).exclude(state=DeliveryState.SET_ASIDE)
    first = rows.filter(queued_at__gte=since).order_by("number").first()
    found = list(rows.filter(number__gte=first.number).order_by("number")) if first else []
    for row in found:
        _requeue(row)
    record(actor, Subject("route", route_id), count=len(found), since=since)
    return len(found)


@action("set_aside_delivery", roles=INTEGRATORS)
def set_aside(actor: Viewer, delivery_id: UUID, reason: str) -> None:
    """Gives a stuck batch up: what it held goes out with the next one, under a new number."""
    row = _delivery(delivery_id)
    if not reason.strip():
        raise Invalid("reason", "Say why it is given up.", field="reason")
    if row.state == DeliveryState.SET_ASIDE:
        record(actor, _subject(row), repeated=True)
        return
    if row.state not in STUCK:
        raise Stale("delivery", "Only a batch that is stuck can be set aside.")
    row.state, row.settled_at, row.answer = DeliveryState.SET_ASIDE.value, now(), reason.strip()[:1000]
    row.save(update_fields=["state", "settled_at", "answer"])
    record(actor, _subject(row), reason=reason)


@action("decide_rows", roles=INTEGRATORS)
def decide_rows(actor: Viewer, delivery_id: UUID, state: RowState, rows: Sequence[UUID] = ()) -> int:
    """Decides about refused rows, all that are open or those named: send them again, or they are settled.

    ``settled``: put right at the receiver, which is then known to hold them. Returns how many were open.
    """
    if state is RowState.OPEN:
        raise Invalid("state", "Choose to send the rows again, or that they are settled.", field="state")
    delivery = _delivery(delivery_id)
    route = Route.objects.select_for_update().get(id=delivery.route_id)
    found = RefusedRow.objects.select_for_update().filter(delivery=delivery, state=RowState.OPEN)
    if rows:
        found = found.filter(id__in=rows)
    keys = list(found.values_list("key", flat=True))
    if state is RowState.SETTLED and keys:
        _hold(route, delivery, keys)
    found.update(state=state.value, decided_by=actor.person)
    record(actor, _subject(delivery), count=max(1, len(keys)), state=state.value)
    return len(keys)


@action("request_sending", roles=INTEGRATORS)
def request_sending(actor: Viewer, channel_id: UUID | None = None) -> None:
    """Asks the worker to look what is new and to send it now."""
    record(actor, Subject("channel", channel_id or ""))
    publish_event(actor, "sending_requested", channel=channel_id)
