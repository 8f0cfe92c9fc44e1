"""Makes an empty server ours: logins, database, tables, zones. Every step may be repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tierwise.kernel.seal import stamp
from tierwise.kernel.zones import Login, statements

_FLAGS = "login noinherit nocreatedb nocreaterole nobypassrls"


@dataclass(frozen=True, slots=True)
class Lack:
    """A right that the user of the database's address lacks, and what a superuser says to give it.

    What is ``needed`` is needed to start; the rest for backups, restores and the order of the audit trail.
    """

    what: str
    remedy: str
    needed: bool = True


_RIGHTS = """
    select rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
        exists(select from pg_database where datname = %s)
    from pg_roles where rolname = current_user
"""
_NOT_OURS = """
    select r.rolname::text from pg_roles r where r.rolname = any(%s) and not exists(
        select from pg_auth_members m join pg_roles u on u.oid = m.member
        where m.roleid = r.oid and m.admin_option and u.rolname = current_user)
"""
_ADMIN_COUNTS_FROM = 160_000  # before, whoever may make roles may change any that is no superuser


def lacking(conninfo: str, name: str) -> list[Lack]:
    """What the user of an address lacks to keep the database ``name`` for us; nothing where all is well."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(_RIGHTS, [name]).fetchone()
        assert row is not None
        user, superuser, roles, databases, bypass, there = row
        if superuser:
            return []
        ours = [login.role for login in Login]
        strange = connection.execute(_NOT_OURS, [ours]).fetchall()
        if connection.info.server_version < _ADMIN_COUNTS_FROM:
            strange = []
    quoted = sql.Identifier(user).as_string()
    found = []
    if not roles:
        found.append(Lack(f"{user} may not make logins.", f"alter role {quoted} createrole;"))
    if not databases and not there:
        found.append(Lack(f"{user} may not make databases.", f"alter role {quoted} createdb;"))
    if strange:
        names = ", ".join(role for (role,) in strange)
        found.append(Lack(f"{names} were made by somebody else, so {user} may not set their passwords.",
                          f"grant {names} to {quoted} with admin option;"))  # fmt: skip
    if not bypass:
        found.append(Lack(f"{user} does not see all rows, so that nothing can be backed up, restored or proved whole.",
                          f"alter role {quoted} bypassrls;", needed=False))  # fmt: skip
    return found


def refuse_lacking(conninfo: str, name: str, *, every: bool = False) -> None:
    """RuntimeError with all remedies where the user of an address lacks what is needed, or anything at all."""
    lacks = [one for one in lacking(conninfo, name) if one.needed or every]
    if lacks:
        said, remedies = " ".join(one.what for one in lacks), " ".join(one.remedy for one in lacks)
        raise RuntimeError(f"{said} As a superuser of that server: {remedies}")


def create_logins(conninfo: str, password: Callable[[Login], str]) -> None:
    """One role per zone's login, none superuser, none a member of another."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # Roles belong to the whole server, so two installations on it may come here at once.
        connection.execute("select pg_advisory_lock(8203001)")
        existing = {row[0] for row in connection.execute("select rolname from pg_roles")}
        for login in Login:
            role, secret = sql.Identifier(login.role), sql.Literal(password(login))
            if login.role in existing:
                # Only a superuser may restate the flags, and who made the role set them.
                connection.execute(sql.SQL("alter role {} password {}").format(role, secret))
            else:
                connection.execute(sql.SQL("create role {} {} password {}").format(role, sql.SQL(_FLAGS), secret))


def create_database(conninfo: str, name: str) -> None:
    """A database owned by the owner's login, closed to everybody else but ours."""
    database = sql.Identifier(name)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            _join(connection)
            made = sql.SQL(
                "create database {} owner {} template template0 encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'"
            )
            connection.execute(made.format(database, sql.Identifier(Login.OWNER.role)))
        connection.execute(sql.SQL("revoke all on database {} from public").format(database))
        for login in Login:
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(login.role))
            )


def _join(connection: psycopg.Connection[Any]) -> None:
    """A user that may create roles but is no superuser gives things only to a role whose member he is."""
    row = connection.execute(
        "select pg_has_role(current_user, %s, 'set') and pg_has_role(current_user, %s, 'usage')"
        if connection.info.server_version >= _ADMIN_COUNTS_FROM
        else "select pg_has_role(current_user, %s, 'member') and pg_has_role(current_user, %s, 'usage')",
        [Login.OWNER.role] * 2,
    ).fetchone()
    if not (row and row[0]):
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(Login.OWNER.role)))


def own_schema(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _join(connection)
        owner = connection.execute(
            "select d.datdba::regrole::text, current_database() from pg_database d where datname = current_database()"
        ).fetchone()
        if owner and owner[0] != Login.OWNER.role:
            # A database that was made for us: who is given a schema must be let make one.
            grant = sql.SQL("grant create on database {} to {}")
            connection.execute(grant.format(sql.Identifier(owner[1]), sql.Identifier(Login.OWNER.role)))
        connection.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(Login.OWNER.role)))


def migrate(*, anew: bool = False) -> None:
    """Brings the tables up to date as the owner, then lays grants and row policies anew.

    Where tables and declarations are those of the last time, nothing is touched; ``tierwise migrate`` lays them anew
    whatever they were.
    """
    # Functions first: the zones say who may call them.
    laid = stamp.statements() + statements()
    wanted = "rights " + hashlib.sha256("\n".join(laid).encode()).hexdigest()
    executor = MigrationExecutor(connections[Login.OWNER.alias])
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not pending and not anew and _note() == wanted:
        return
    call_command("migrate", database=Login.OWNER.alias, verbosity=0, interactive=False)
    call_command("createcachetable", database=Login.OWNER.alias, verbosity=0)
    with transaction.atomic(using=Login.OWNER.alias), connections[Login.OWNER.alias].cursor() as cursor:
        for statement in laid:
            cursor.execute(statement)
        cursor.execute(f"comment on schema public is '{wanted}'")


def _note() -> str:
    """What was laid last, written on the schema in the same transaction."""
    with connections[Login.OWNER.alias].cursor() as cursor:
        cursor.execute("select coalesce(obj_description('public'::regnamespace, 'pg_namespace'), '')")
        return str(cursor.fetchone()[0])
