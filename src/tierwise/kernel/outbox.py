"""Delivery of what actions put into the outbox: at least once, in order of writing, by the worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

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
            .order_by("at")[:limit]
            .values_list("id")
        )
    return sum(_deliver_one(worker, event_id) for (event_id,) in waiting)


def _deliver_one(worker: Viewer, event_id: Any) -> bool:
    try:
        with viewer_scope(worker):
            event = (
                OutboxEvent.objects.select_for_update(skip_locked=True).filter(id=event_id, delivered_at=None).first()
            )
            if event is None:
                return False
            for handler in _subscribers[event.name]:
                handler(worker, event.payload)
            event.delivered_at = now()
            event.save(update_fields=["delivered_at"])
            return True
    except Exception as error:
        with viewer_scope(worker):
            event = OutboxEvent.objects.get(id=event_id)
            event.attempts += 1
            event.last_error = f"{type(error).__name__}: {error}"[:2000]
            event.save(update_fields=["attempts", "last_error"])
        return False
