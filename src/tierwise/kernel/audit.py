"""Actions: who may do it, in which transaction, and the entry that says it was done.

>>> @action("dispute_line", roles=SUPPLIER_EDITORS)
... def dispute_line(actor: Viewer, line: UUID, reason: str) -> UUID:
...     ...
...     record(actor, Subject("scorecard_line", line), reason=reason)

The outermost action opens the viewer's scope and owns the transaction; one called from within joins it. An action
that ends without an entry is a programming error and is rolled back. A refused one leaves its own entry, written
after the rollback.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from django.db import transaction

from tierwise.kernel.clock import now
from tierwise.kernel.models import AuditEntry, OutboxEvent, as_detail
from tierwise.kernel.viewer import Role, Viewer, current_viewer, viewer_scope

P = ParamSpec("P")
R = TypeVar("R")
BATCH = 2000


class Refused(Exception):
    """An action that may not or cannot be done. ``code`` and ``parameters`` are put into words at the door."""

    status = 409

    def __init__(self, code: str, message: str, **parameters: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.parameters = parameters


class NotAllowed(Refused):
    """The viewer's role, company or segments do not permit it."""

    status = 403


class NotFound(Refused):
    """No such thing, or none that this viewer may know of; the two are never told apart."""

    status = 404


class Stale(Refused):
    """It changed since the viewer looked."""

    status = 409


class Invalid(Refused):
    """A value that cannot be taken; ``field`` names the place."""

    status = 422


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about."""

    kind: str
    id: UUID | str
    supplier: UUID | None = None
    segment: UUID | None = None


@dataclass(slots=True)
class _Running:
    name: str
    entries: int = 0


_running: ContextVar[_Running | None] = ContextVar("action", default=None)


def record(actor: Viewer, subject: Subject, *, count: int = 1, **detail: Any) -> None:
    """Adds the entry of the running action. ``count`` is the number of things a bulk action touched."""
    _add(actor, [(subject, count, detail)])


def record_many(actor: Viewer, entries: Iterable[tuple[Subject, dict[str, Any]]]) -> None:
    """Adds an entry of the running action for each of many subjects, with its own detail, in few statements."""
    _add(actor, [(subject, 1, detail) for subject, detail in entries])


def _add(actor: Viewer, entries: Sequence[tuple[Subject, int, dict[str, Any]]]) -> None:
    running = _running.get()
    if running is None:
        raise RuntimeError("record() was called outside an action")
    running.entries += len(entries)
    rows = [_entry(actor, running.name, subject, count, detail) for subject, count, detail in entries]
    AuditEntry.objects.using(actor.alias).bulk_create(rows, batch_size=BATCH)


def _entry(actor: Viewer, name: str, subject: Subject, count: int, detail: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        at=now(), person=actor.person, company=actor.company, role=actor.role.value, door=actor.door.value, action=name,
        subject_kind=subject.kind, subject=str(subject.id), supplier=subject.supplier, segment=subject.segment,
        count=count, detail=as_detail(detail),
    )  # fmt: skip


def publish_event(actor: Viewer, name: str, **payload: Any) -> None:
    """Puts news into the outbox, in the action's transaction. Names are past tense: ``scheme_applied``."""
    publish_events(actor, name, [payload])


def publish_events(actor: Viewer, name: str, payloads: Iterable[dict[str, Any]]) -> None:
    """The same for many pieces of news of one name, delivered in their order."""
    events = [OutboxEvent(company=actor.company, name=name, payload=as_detail(payload)) for payload in payloads]
    OutboxEvent.objects.using(actor.alias).bulk_create(events, batch_size=BATCH)


def _note_refusal(actor: Viewer, name: str, refusal: Refused) -> None:
    with viewer_scope(actor):
        entry = _entry(actor, name, Subject("", ""), 1, {"code": refusal.code, **refusal.parameters})
        entry.outcome = "refused"
        AuditEntry.objects.using(actor.alias).bulk_create([entry])


def action(
    name: str, *, roles: Collection[Role]
) -> Callable[[Callable[Concatenate[Viewer, P], R]], Callable[Concatenate[Viewer, P], R]]:
    """Declares a write. ``roles`` are those that may do it; the worker may do everything buyers may."""
    allowed = frozenset(roles) | ({Role.SYSTEM} if any(not r.value.startswith("supplier") for r in roles) else set())

    def declare(function: Callable[Concatenate[Viewer, P], R]) -> Callable[Concatenate[Viewer, P], R]:
        @wraps(function)
        def run(actor: Viewer, /, *args: P.args, **kwargs: P.kwargs) -> R:
            nested = _running.get()
            running = _Running(name)
            # A scope opened here rolls back by itself; one that is joined goes on after a refusal.
            joins = current_viewer() == actor
            token = _running.set(running)
            try:
                if actor.preview:
                    raise NotAllowed(
                        "preview", "You are looking at what a supplier sees; leave the preview to do anything."
                    )
                if actor.role not in allowed:
                    raise NotAllowed("role", "Your role may not do this.", role=actor.role.value)
                with viewer_scope(actor), transaction.atomic(using=actor.alias, savepoint=joins):
                    result = function(actor, *args, **kwargs)
                    if not running.entries:
                        raise RuntimeError(f"action {name} left no audit entry")
                    return result
            except Refused as refusal:
                # Within a page's transaction the rollback is the page's; the entry is then written by the door.
                if nested is None and current_viewer() is None and not actor.preview:
                    _note_refusal(actor, name, refusal)
                else:
                    refusal.parameters.setdefault("action", name)
                raise
            finally:
                _running.reset(token)

        run.action_name = name  # type: ignore[attr-defined]
        run.roles = allowed  # type: ignore[attr-defined]
        return run

    return declare


def note_refusal(actor: Viewer, refusal: Refused) -> None:
    """For doors that hold the transaction themselves: the entry of a refusal, once it has been rolled back."""
    parameters = dict(refusal.parameters)
    name = str(parameters.pop("action", "unknown"))
    _note_refusal(actor, name, Refused(refusal.code, refusal.message, **parameters))
