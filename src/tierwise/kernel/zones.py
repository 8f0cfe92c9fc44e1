"""Who may do what with each table, declared on the model and enforced by PostgreSQL.

A model says which zone it stands in with a ``rights`` attribute. :func:`statements` turns the declarations into
grants and forced row policies; they are laid anew after every migration, in one transaction, so a table that nobody
declared is closed to everybody.

The viewer reaches the policies through transaction-local settings (``tw.person``, ``tw.company``, ``tw.segments``,
``tw.preview``).
Each is read in a scalar sub-select, so that it is evaluated once per query and not once per row; an unset or empty
setting is NULL and lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from django.apps import apps
from django.db import models

SEES_ALL_ROWS = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
"""Asks whether row policies let the user of a connection see everything."""


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
    GLASS = "glass"

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
    """Verbs each login has on a table, and the columns that tie a row to a supplier and a segment.

    ``check`` is a further SQL condition that rows written by people's logins must meet.
    """

    zone: Zone
    buyer: str = ""
    supplier: str = ""
    identity: str = ""
    worker: str = ""
    supplier_column: str = ""
    segment_column: str = ""
    check: str = ""
    glass: str = ""

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
    """The supplier's own: no grant for buyers or the worker. The glass login reads it while a glass is broken."""
    return Rights(Zone.PRIVATE, supplier=ALL, supplier_column="supplier_id", segment_column=segment, glass=READ)


MACHINERY_PUT = Rights(Zone.MACHINERY, buyer=PUT, supplier=PUT, worker=ALL, supplier_column="company")
IDENTITY_ONLY = Rights(Zone.IDENTITY, identity=ALL)

THIRD_PARTY: dict[str, Rights] = {
    "auth": IDENTITY_ONLY,
    "contenttypes": IDENTITY_ONLY,
    "sessions": IDENTITY_ONLY,
    "account": IDENTITY_ONLY,
    "mfa": IDENTITY_ONLY,
    "socialaccount": IDENTITY_ONLY,
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
            found[model._meta.db_table] = _redactable(model, rights_of(model))
    return found


def _redactable(model: type[models.Model], rights: Rights) -> Rights:
    """The worker may write a model's ``redactable`` columns of free text, even where nobody else changes rows."""
    columns: tuple[str, ...] = getattr(model, "redactable", ())
    if not columns or "update" in rights.verbs(Login.WORKER):
        return rights
    return replace(rights, worker=f"{rights.worker} update({','.join(columns)})")


PERSON = "(select nullif(current_setting('tw.person', true), '')::uuid)"
_PERSON = f"{PERSON} is not null"
_OPENED = f"g.person = {PERSON} and g.until > now()"
_COMPANY = "(select nullif(current_setting('tw.company', true), '')::uuid)"
_SEGMENTS = "(select nullif(current_setting('tw.segments', true), '')::uuid[])::uuid[]"
_NOT_PREVIEW = "(select nullif(current_setting('tw.preview', true), '')) is null"


def _behind_glass(column: str) -> str:
    """Rows of suppliers for whom the announced person has broken the glass, while the time lasts."""
    return f"{column} in (select g.supplier_id from kernel_brokenglass g where {_OPENED})"  # noqa: S608  a policy


def row_condition(rights: Rights, login: Login) -> str:
    """Which rows a login reaches, as SQL."""
    if login is Login.GLASS:
        # Its own openings, and behind each the supplier's private rows, until the time is over.
        return f"person = {PERSON}" if rights.zone is not Zone.PRIVATE else _behind_glass(rights.supplier_column)
    if login is not Login.SUPPLIER:
        return _PERSON if rights.zone is not Zone.IDENTITY or login is not Login.IDENTITY else "true"
    condition = f"{rights.supplier_column} = {_COMPANY}" if rights.supplier_column else _PERSON
    if rights.segment_column:
        condition += f" and {rights.segment_column} = any({_SEGMENTS})"
    if "select" not in rights.verbs(Login.BUYER):
        # A buyer who looks through a supplier's eyes sees no more than he could at his own desk.
        condition += f" and {_NOT_PREVIEW}"
    return condition


_PEOPLE = (Login.BUYER, Login.SUPPLIER)


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
            written = f"{condition} and {rights.check}" if rights.check and login in _PEOPLE else condition
            yield f'create policy {login.value} on "{table}" to {login.role} using ({condition}) with check ({written})'


def _keyed_by(rights: Rights) -> str:
    """Column that leads the keys of a table; empty where ``id`` stands alone."""
    return "" if rights.supplier_column == "id" else rights.supplier_column


def _constraint(table: str, name: str, definition: str) -> str:
    """Replaces a constraint unless it already reads so: building a key anew locks a table for as long as it takes."""
    return f"""do $$ begin
    if not exists (select from pg_constraint where conrelid = '"{table}"'::regclass and conname = '{name}'
                   and pg_get_constraintdef(oid) = '{definition}') then
        alter table "{table}" drop constraint if exists "{name}" cascade;
        alter table "{table}" add constraint "{name}" {definition};
    end if;
end $$"""


def _primary_key(model: type[models.Model]) -> Iterator[str]:
    """Keys of a shared table lead with the supplier: a lone id in a key would answer "exists" for somebody else's row.

    Django believes in ``id`` alone, which stays true; the database knows more.
    """
    table, owner = model._meta.db_table, _keyed_by(rights_of(model))
    if owner and model._meta.pk.column == "id":
        yield _constraint(table, f"{table}_pkey", f"PRIMARY KEY ({owner}, id)")
        # The buyer's side asks by id alone, which a key that leads with the supplier answers only by being read whole.
        yield f'create index if not exists "{table}_by_id" on "{table}" (id)'


def _foreign_keys(model: type[models.Model]) -> Iterator[str]:
    """References from one supplier's row to another row of the same supplier."""
    table, owner = model._meta.db_table, _keyed_by(rights_of(model))
    if not owner:
        return
    for field in model._meta.concrete_fields:
        target = field.related_model if isinstance(field, models.ForeignKey) else None
        if not isinstance(target, type) or not issubclass(target, models.Model):
            continue
        if theirs := _keyed_by(rights_of(target)):
            definition = (
                f"FOREIGN KEY ({owner}, {field.column}) REFERENCES {target._meta.db_table}({theirs}, id) "
                "DEFERRABLE INITIALLY DEFERRED"
            )
            yield _constraint(table, f"{table}_{field.column}_fk", definition)


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
    found.extend(statement for model in owned for statement in _primary_key(model))
    found.extend(statement for model in owned for statement in _foreign_keys(model))
    for table, rights in sorted(declared_tables().items()):
        found.extend(_table_statements(table, rights))
    found.extend(_machinery())
    return found


def _machinery() -> Iterator[str]:
    """The queue is the worker's alone. Its ids are serial, which asks for the sequence; identity columns do not."""
    yield f"grant usage, select on all sequences in schema public to {Login.WORKER.role}"
    yield f"grant execute on all functions in schema public to {Login.WORKER.role}"
