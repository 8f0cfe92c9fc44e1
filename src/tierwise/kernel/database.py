"""Makes an empty server ours: logins, database, tables, zones. Every step may be repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import psycopg
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tierwise.kernel.seal import stamp
from tierwise.kernel.zones import Login, statements

_FLAGS = "login noinherit nocreatedb nocreaterole nobypassrls"


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


def create_database(conninfo: str, name: str, template: str = "") -> None:
    """A database owned by the owner's login, closed to everybody else but ours."""
    database = sql.Identifier(name)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            options = (
                sql.SQL(" template {}").format(sql.Identifier(template))
                if template
                else sql.SQL(" template template0 encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'")
            )
            # A user that may create roles but is no superuser must be a member to give a database away.
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(Login.OWNER.role)))
            connection.execute(
                sql.SQL("create database {} owner {}").format(database, sql.Identifier(Login.OWNER.role)) + options
            )
        connection.execute(sql.SQL("revoke all on database {} from public").format(database))
        for login in Login:
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(login.role))
            )


def own_schema(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
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
