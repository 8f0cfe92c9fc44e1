"""Delivery of what actions put into the outbox: at least once, in order of writing, by the worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from tierwise.kernel.clock import now
from tierwise.kernel.models import OutboxEvent
from tierwise.kernel.viewer import Viewer, viewer_scope

Handler = Callable[[Viewer, dict[str, Any]], None]

_subscribers: dict[str, list[Handler]] = defaultdict(list)
ATTEMPTS = 8


def subscribe(event: str, handler: Handler) -> None:
    """Registers a handler; modules do so when they start. Handlers must bear being called twice."""
    if handler not in _subscribers[event]:
        _subscribers[event].append(handler)


def deliver(worker: Viewer, limit: int = 200) -> int:
    """Delivers waiting events and returns how many. One that fails stays, with its error, and is tried again."""
    with viewer_scope(worker):
        waiting = list(
            OutboxEvent.objects.filter(delivered_at=None, attempts__lt=ATTEMPTS)
            .order_by("at", "id")[:limit]
            .values_list("id", flat=True)
        )
    return sum(_deliver_one(worker, event_id) for event_id in waiting)


def _deliver_one(worker: Viewer, event_id: UUID) -> bool:
    with viewer_scope(worker):
        # Held until every handler has answered, so that two workers never hand out one event at the same time.
        event = OutboxEvent.objects.select_for_update(skip_locked=True).filter(id=event_id, delivered_at=None).first()
        if event is None:
            return False
        errors = [error for handler in _subscribers.get(event.name, ()) if (error := _hand(worker, event, handler))]
        if errors:
            event.attempts += 1
            event.last_error = "\n".join(errors)[:2000]
        else:
            event.delivered_at = now()
        event.save(update_fields=["attempts", "last_error", "delivered_at"])
        return not errors


def _hand(worker: Viewer, event: OutboxEvent, handler: Handler) -> str:
    """Calls one handler in a savepoint of its own, so that its failure is not the others'. Returns the error."""
    try:
        with transaction.atomic(using=worker.alias):
            handler(worker, event.payload)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
