"""Who may do what with each table, declared on the model and enforced by PostgreSQL.

A model says which zone it stands in with a ``rights`` attribute. :func:`statements` turns the declarations into
grants and forced row policies; they are laid anew after every migration, in one transaction, so a table that nobody
declared is closed to everybody.

The viewer reaches the policies through transaction-local settings (``tw.person``, ``tw.company``, ``tw.segments``).
Each is read in a scalar sub-select, so that it is evaluated once per query and not once per row; an unset or empty
setting is NULL and lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.apps import apps
from django.db import models


class Zone(StrEnum):
    INTERNAL = "internal"
    SHARED = "shared"
    PRIVATE = "private"
    IDENTITY = "identity"
    MACHINERY = "machinery"


class Login(StrEnum):
    """Database logins; each is a Django database alias too (identity is the default one)."""

    OWNER = "owner"
    BUYER = "buyer"
    SUPPLIER = "supplier"
    IDENTITY = "identity"
    WORKER = "worker"

    @property
    def role(self) -> str:
        return f"tw_{self.value}"

    @property
    def alias(self) -> str:
        return "default" if self is Login.IDENTITY else self.value


READ = "select"
APPEND = "select insert"
EDIT = "select insert update"
ALL = "select insert update delete"
PUT = "insert"


@dataclass(frozen=True, slots=True)
class Rights:
    """Verbs each login has on a table, and the columns that tie a row to a supplier and a segment."""

    zone: Zone
    buyer: str = ""
    supplier: str = ""
    identity: str = ""
    worker: str = ""
    supplier_column: str = ""
    segment_column: str = ""

    def verbs(self, login: Login) -> tuple[str, ...]:
        return tuple(getattr(self, login.value, "").split())


def internal(buyer: str = ALL, worker: str = ALL) -> Rights:
    """Buyers and the worker; suppliers have no grant at all."""
    return Rights(Zone.INTERNAL, buyer=buyer, worker=worker)


def shared(segment: str = "segment_id", *, supplier: str = READ, buyer: str = ALL, worker: str = ALL,
           company: str = "supplier_id") -> Rights:  # fmt: skip
    """Both companies; a supplier reaches only its own rows and, where there is a segment, those it supports."""
    return Rights(Zone.SHARED, buyer, supplier, "", worker, company, segment)


def published(segment: str = "segment_id") -> Rights:
    """Shared and immutable: added by the buyer's side, changed by nobody."""
    return shared(segment, buyer=APPEND, worker=APPEND)


def private(segment: str = "") -> Rights:
    """The supplier's own: no grant for buyers or the worker."""
    return Rights(Zone.PRIVATE, supplier=ALL, supplier_column="supplier_id", segment_column=segment)


MACHINERY_PUT = Rights(Zone.MACHINERY, buyer=PUT, supplier=PUT, worker=ALL)
IDENTITY_ONLY = Rights(Zone.IDENTITY, identity=ALL)

THIRD_PARTY: dict[str, Rights] = {
    "auth": IDENTITY_ONLY,
    "contenttypes": IDENTITY_ONLY,
    "sessions": IDENTITY_ONLY,
    "account": IDENTITY_ONLY,
    "mfa": IDENTITY_ONLY,
    "usersessions": IDENTITY_ONLY,
    "django_cache": IDENTITY_ONLY,
    "procrastinate": Rights(Zone.MACHINERY, worker=ALL),
}
UNMODELLED: dict[str, Rights] = {
    "django_migrations": Rights(Zone.MACHINERY, worker=READ),
    "sign_in_cache": IDENTITY_ONLY,
}


def rights_of(model: type[models.Model]) -> Rights:
    """The declaration of a model, or its app's when it is not ours. LookupError when there is none."""
    declared = getattr(model, "rights", None)
    if isinstance(declared, Rights):
        return declared
    try:
        return THIRD_PARTY[model._meta.app_label]
    except KeyError:
        raise LookupError(
            f"{model._meta.app_label}.{model.__name__} declares no rights; add `rights = internal()` or the like"
        ) from None


def declared_tables() -> dict[str, Rights]:
    """Every table with its rights, many-to-many tables included."""
    found = dict(UNMODELLED)
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed or model._meta.app_label == "procrastinate":
            found[model._meta.db_table] = rights_of(model)
    return found


_PERSON = "(select nullif(current_setting('tw.person', true), '')) is not null"
_COMPANY = "(select nullif(current_setting('tw.company', true), '')::uuid)"
_SEGMENTS = "(select nullif(current_setting('tw.segments', true), '')::uuid[])::uuid[]"


def row_condition(rights: Rights, login: Login) -> str:
    """Which rows a login reaches, as SQL."""
    if login is not Login.SUPPLIER:
        return _PERSON if rights.zone is not Zone.IDENTITY or login is not Login.IDENTITY else "true"
    if not rights.supplier_column:
        return _PERSON
    condition = f"{rights.supplier_column} = {_COMPANY}"
    if rights.segment_column:
        condition += f" and {rights.segment_column} = any({_SEGMENTS})"
    return condition


def _table_statements(table: str, rights: Rights) -> Iterator[str]:
    everyone = ", ".join(login.role for login in Login if login is not Login.OWNER)
    yield f'revoke all on table "{table}" from public, {everyone}'
    guarded = table not in UNMODELLED and rights is not IDENTITY_ONLY and not table.startswith("procrastinate_")
    if guarded:
        yield f'alter table "{table}" enable row level security'
        yield f'alter table "{table}" force row level security'
    for login in Login:
        verbs = rights.verbs(login)
        if guarded and login is not Login.OWNER:
            yield f'drop policy if exists {login.value} on "{table}"'
        if not verbs:
            continue
        yield f'grant {", ".join(verbs)} on table "{table}" to {login.role}'
        if guarded:
            condition = row_condition(rights, login)
            yield (
                f'create policy {login.value} on "{table}" to {login.role} using ({condition}) with check ({condition})'
            )


def _composite_keys(model: type[models.Model], rights: Rights) -> Iterator[str]:
    """Keys of a shared table lead with the supplier: a lone id in a key would answer "exists" for somebody else's row.

    Django believes in ``id`` alone, which stays true; the database knows more.
    """
    table, owner = model._meta.db_table, rights.supplier_column
    if not owner or owner == "id" or model._meta.pk.column != "id":
        return
    yield f'alter table "{table}" drop constraint if exists "{table}_pkey" cascade'
    yield f'alter table "{table}" add constraint "{table}_pkey" primary key ({owner}, id)'
    for field in model._meta.concrete_fields:
        target = field.related_model if isinstance(field, models.ForeignKey) else None
        if not isinstance(target, type) or not issubclass(target, models.Model):
            continue
        theirs = rights_of(target)
        if not theirs.supplier_column or theirs.supplier_column == "id":
            continue
        name = f"{table}_{field.column}_fk"
        yield f'alter table "{table}" drop constraint if exists "{name}"'
        yield (
            f'alter table "{table}" add constraint "{name}" foreign key ({owner}, {field.column}) '
            f'references "{target._meta.db_table}" ({theirs.supplier_column}, id) deferrable initially deferred'
        )


def statements() -> list[str]:
    """All SQL that closes the database and opens it as declared. Run by the owner, in one transaction."""
    logins = ", ".join(login.role for login in Login if login is not Login.OWNER)
    found = [
        "revoke all on schema public from public",
        f"revoke all on schema public from {logins}",
        f"grant usage on schema public to {logins}",
        "revoke all on all tables in schema public from public",
        "revoke all on all sequences in schema public from public",
        f"revoke all on all sequences in schema public from {logins}",
        "revoke execute on all functions in schema public from public",
        "alter default privileges revoke execute on functions from public",
        "alter default privileges in schema public revoke all on tables from public",
    ]
    owned = [model for model in apps.get_models() if isinstance(getattr(model, "rights", None), Rights)]
    # Referenced tables first: a foreign key needs the composite key it points to.
    for model in owned:
        found.extend(s for s in _composite_keys(model, rights_of(model)) if "foreign key" not in s)
    for model in owned:
        found.extend(s for s in _composite_keys(model, rights_of(model)) if "primary key" not in s and "_pkey" not in s)
    for table, rights in sorted(declared_tables().items()):
        found.extend(_table_statements(table, rights))
    found.extend(_machinery())
    return found


def _machinery() -> Iterator[str]:
    """The queue is the worker's alone; identity tables keep their sequences."""
    yield f"grant usage, select on all sequences in schema public to {Login.WORKER.role}, {Login.IDENTITY.role}"
    yield f"grant execute on all functions in schema public to {Login.WORKER.role}"
