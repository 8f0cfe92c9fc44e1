"""How long each table is kept and why, declared on the model; what may go is purged by the cycle.

>>> retention: ClassVar[Retention] = Retention(90, "expires_at", "An invitation that nobody used")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.kernel.zones import Login, Zone, rights_of

BATCH = 5000


@dataclass(frozen=True)
class Retention:
    """Days a row is kept after the instant in ``dated_by``, and the basis; no days: as long as the installation.

    ``only`` narrows what is purged, as conditions of a query.
    """

    days: int | None
    dated_by: str
    basis: str | Promise
    only: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.days is not None and (self.days < 1 or not self.dated_by):
            raise ValueError("days: a retention lasts at least one day and names the column that dates a row")


RECORD = Retention(None, "", _("Business record of both companies; kept as long as the installation"))
DERIVED = Retention(None, "", _("Replaced whenever it is computed or imported anew"))
TRAIL = Retention(None, "", _("Audit trail; its chain must not be cut"))
# Tables of the libraries, by app and model.
THIRD_PARTY: dict[str, Retention] = {
    "sessions.session": Retention(1, "expire_date", _("A session that has expired")),
    "usersessions.usersession": Retention(90, "last_seen_at", _("Where somebody was signed in")),
    "account.emailconfirmation": Retention(30, "created", _("A mail that was to confirm an address")),
}
_ACCOUNT = Retention(None, "", _("As long as the person signs in; erased with the person"))
_LIBRARY = Retention(None, "", _("Machinery without people's data"))
_OF_ACCOUNTS = frozenset({"account", "socialaccount", "mfa", "usersessions"})


@dataclass(frozen=True, slots=True)
class Kept:
    """One table as the page of retention lists it."""

    table: str
    zone: Zone
    days: int | None
    dated_by: str
    basis: str


def retention_of(model: type[models.Model]) -> Retention:
    """The declaration of a model; business records are kept unless they say otherwise."""
    declared = getattr(model, "retention", None)
    if isinstance(declared, Retention):
        return declared
    label = model._meta.label_lower
    if not model.__module__.startswith("tierwise."):
        return THIRD_PARTY.get(label, _ACCOUNT if model._meta.app_label in _OF_ACCOUNTS else _LIBRARY)
    return _ACCOUNT if rights_of(model).zone is Zone.IDENTITY else RECORD


def kept_tables() -> list[Kept]:
    """Every table with how long it is kept and on what basis."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and model._meta.app_label != "procrastinate":
            said = retention_of(model)
            zone = rights_of(model).zone
            found.append(Kept(model._meta.db_table, zone, said.days, said.dated_by, str(said.basis)))
    return sorted(found, key=lambda kept: (kept.days is None, kept.zone.value, kept.table))


def purge(worker: Viewer) -> dict[str, int]:
    """Deletes what has been kept long enough, in batches; returns the rows by table."""
    gone: dict[str, int] = {}
    with viewer_scope(worker):
        for model, said, alias in _purgeable():
            old = {f"{said.dated_by}__lt": now() - timedelta(days=said.days or 0), **said.only}
            rows = model._default_manager.using(alias).filter(**old)
            while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
                # Straight, not by the collector: nothing refers to a row that may go, or the table says so itself.
                deleted = model._default_manager.using(alias).filter(pk__in=ids)._raw_delete(alias)
                gone[model._meta.db_table] = gone.get(model._meta.db_table, 0) + deleted
    return gone


def _purgeable() -> Iterator[tuple[type[models.Model], Retention, str]]:
    for model in apps.get_models():
        said = retention_of(model)
        if said.days is None or not model._meta.managed:
            continue
        rights = rights_of(model)
        login = next((one for one in (Login.WORKER, Login.IDENTITY) if "delete" in rights.verbs(one)), None)
        if login is None:
            raise LookupError(f"{model._meta.label} is kept for {said.days} days, and nobody may delete there")
        yield model, said, login.alias
