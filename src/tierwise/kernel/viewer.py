"""Who is looking or acting, and the transaction in which the database knows it.

:func:`viewer_scope` is the only way to a table outside the identity zone: it picks the login of the viewer's side,
opens the transaction and tells the row policies who is there. Without it, the router refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import TracebackType
from typing import Any
from uuid import UUID

from django.db import connections, models, transaction

from tierwise.kernel.pooled.base import Planned
from tierwise.kernel.zones import Login, Zone, rights_of


class Side(StrEnum):
    BUYER = "buyer"
    SUPPLIER = "supplier"
    WORKER = "worker"

    @property
    def login(self) -> Login:
        return Login(self.value)


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    PLANNER = "planner"
    CATEGORY_MANAGER = "category_manager"
    QUALITY = "quality"
    VIEWER = "viewer"
    SUPPLIER_ADMINISTRATOR = "supplier_administrator"
    SUPPLIER_PLANNER = "supplier_planner"
    SUPPLIER_VIEWER = "supplier_viewer"
    SYSTEM = "system"

    @property
    def side(self) -> Side:
        return _SIDES[self]


_SIDES = {
    role: Side.WORKER if role is Role.SYSTEM else Side.SUPPLIER if role.value.startswith("supplier_") else Side.BUYER
    for role in Role
}
_ALIASES = {role: role.side.login.alias for role in Role}
BUYER_ROLES = frozenset(role for role in Role if role.side is Side.BUYER)
BUYER_EDITORS = frozenset({Role.ADMINISTRATOR, Role.PLANNER, Role.CATEGORY_MANAGER})
SUPPLIER_ROLES = frozenset(role for role in Role if role.side is Side.SUPPLIER)
SUPPLIER_EDITORS = frozenset({Role.SUPPLIER_ADMINISTRATOR, Role.SUPPLIER_PLANNER})


class Door(StrEnum):
    """How a request came in; the record is the same but for this."""

    SCREEN = "screen"
    SPREADSHEET = "spreadsheet"
    EMAIL = "email"
    API = "api"
    EDI = "edi"
    COMMAND = "command"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Viewer:
    """One person (or the worker) with everything that decides what it may see.

    With ``preview`` a buyer looks through a supplier's eyes: the transaction is read-only, and what the buyer's own
    login may not read (a supplier's drafts) stays closed.
    """

    person: UUID
    company: UUID
    role: Role
    segments: frozenset[UUID] = frozenset()
    door: Door = Door.SCREEN
    preview: bool = False

    @property
    def side(self) -> Side:
        return self.role.side

    @property
    def alias(self) -> str:
        return _ALIASES[self.role]

    @property
    def is_supplier(self) -> bool:
        return self.side is Side.SUPPLIER


SYSTEM = Viewer(UUID(int=1), UUID(int=0), Role.SYSTEM, door=Door.JOB)
"""The worker: nobody in particular, of no company, with the worker's login."""


class UnscopedRead(RuntimeError):
    """A table outside the identity zone was touched with no viewer."""


class Lapsed(RuntimeError):
    """What a scope was to be opened upon does not hold any more."""


Condition = Planned | str
"""What a scope is opened upon: a condition in SQL with its values as literals, or one that is kept planned."""

_scope: ContextVar[Viewer | None] = ContextVar("viewer", default=None)
# Whom each login's connection was told about; scopes of both sides may be nested in any order.
_announced: ContextVar[Mapping[str, Viewer]] = ContextVar("announced", default={})  # noqa: B039  never changed

_SETTINGS = ("tw.person", "tw.company", "tw.segments", "tw.preview")


def current_viewer() -> Viewer | None:
    return _scope.get()


@lru_cache(maxsize=4096)
def _announcement(viewer: Viewer | None) -> str:
    """What tells the database of a viewer, as SQL: it goes out with the beginning of the transaction."""
    values = ["", "", "", ""]
    if viewer is not None:
        segments = "{" + ",".join(sorted(str(segment) for segment in viewer.segments)) + "}"
        values = [str(viewer.person), str(viewer.company), segments, "on" if viewer.preview else ""]
    told = (f"set_config('{name}', {literal(value)}, true)" for name, value in zip(_SETTINGS, values, strict=True))
    return f"select {', '.join(told)}"


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _announce(viewer: Viewer | None, alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(_announcement(viewer))
        if viewer is not None and viewer.preview:
            cursor.execute("set transaction read only")


def _begin(viewer: Viewer, alias: str, provided: Condition) -> bool:
    """The transaction's beginning, the announcement and the condition in one trip to the server."""
    begun = f"begin{' read only' if viewer.preview else ''}; {_announcement(viewer)}"
    connection: Any = connections[alias]
    if isinstance(provided, Planned):
        return bool(connection.begin(begun, provided) == b"t")
    found: bytes = connection.begin(f"{begun}; select {provided}" if provided else begun)
    return not provided or found == b"t"


def _holds(alias: str, provided: Condition) -> bool:
    with connections[alias].cursor() as cursor:
        if isinstance(provided, Planned):
            # Within a transaction nothing may fail, and whether the plan is still there is not known.
            cursor.execute("select exists (select from pg_prepared_statements where name = %s)", [provided.name])
            if not cursor.fetchone()[0]:
                cursor.execute(provided.preparation)
        cursor.execute(provided.asked if isinstance(provided, Planned) else f"select {provided}")
        return bool(cursor.fetchone()[0])


def viewer_scope(viewer: Viewer, provided: Condition = "") -> AbstractContextManager[None]:
    """Opens a transaction in which the database knows the viewer; an open scope of the same viewer is joined.

    A scope of another viewer inside it (an approval made on behalf, a job per supplier) gives back what it found.
    ``provided`` is a condition that is asked within the scope; where it does not hold, ``Lapsed`` is raised and
    nothing is done.
    """
    return _Scope(viewer, provided)


class _Scope(AbstractContextManager[None]):
    """Most scopes join the one around them, which costs next to nothing."""

    __slots__ = ("_opened", "_provided", "_viewer")

    def __init__(self, viewer: Viewer, provided: Condition) -> None:
        self._viewer, self._provided = viewer, provided
        self._opened: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        viewer, outer = self._viewer, _scope.get()
        if (outer is viewer or outer == viewer) and connections[viewer.alias].in_atomic_block:
            if self._provided and not _holds(viewer.alias, self._provided):
                raise Lapsed
            return
        self._opened = _opened(viewer, self._provided)
        self._opened.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._opened.__exit__(kind, fault, trace) if self._opened is not None else None


@contextmanager
def _opened(viewer: Viewer, provided: Condition) -> Iterator[None]:
    """A scope of its own: a transaction, or a turn within the one there is."""
    alias = viewer.alias
    announced = _announced.get()
    goes_on = connections[alias].in_atomic_block
    with transaction.atomic(using=alias):
        if goes_on:
            _announce(viewer, alias)
            stands = not provided or _holds(alias, provided)
        else:
            stands = _begin(viewer, alias, provided)
        if not stands:
            raise Lapsed
        tokens = _scope.set(viewer), _announced.set({**announced, alias: viewer})
        try:
            yield
        finally:
            _scope.reset(tokens[0])
            _announced.reset(tokens[1])
        if goes_on:
            _announce(announced.get(alias), alias)


class ZoneRouter:
    """Sends each model to the login its zone asks for; refuses when nobody is looking."""

    def _alias(self, model: type[models.Model]) -> str:
        rights = rights_of(model)
        viewer = _scope.get()
        if viewer is not None and rights.verbs(viewer.side.login):
            return viewer.alias
        if rights.identity:
            return Login.IDENTITY.alias
        if viewer is not None:
            return viewer.alias
        if rights.zone is Zone.MACHINERY and not rights.buyer:
            return Login.WORKER.alias
        raise UnscopedRead(f"{model._meta.label} was read outside viewer_scope()")

    def db_for_read(self, model: type[models.Model], **_: Any) -> str:
        return self._alias(model)

    def db_for_write(self, model: type[models.Model], **_: Any) -> str:
        return self._alias(model)

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        return True

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool:
        return db == Login.OWNER.alias
