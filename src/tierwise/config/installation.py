"""Brings one installation up: its database server, its logins, its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from tierwise.config.runtime import Runtime
from tierwise.kernel import database
from tierwise.kernel.postgres import Server


@contextmanager
def running() -> Iterator[Runtime]:
    """The installation's database serves, set up and migrated, as long as the block lasts."""
    found: Runtime = settings.RUNTIME
    found.keep_secret()
    server = found.server() if found.embedded else None
    if server is not None:
        server.start()
    try:
        _set_up(found)
        yield found
    finally:
        if server is not None:
            _let_go(server)


def _set_up(runtime: Runtime) -> None:
    database.create_logins(runtime.admin_conninfo(), runtime.password)
    database.create_database(runtime.admin_conninfo(), runtime.database_name)
    database.own_schema(runtime.admin_conninfo(runtime.database_name))
    database.migrate()


def _let_go(server: Server) -> None:
    for alias in connections:
        connections[alias].close()
        connections[alias].close_pool()  # type: ignore[attr-defined]  # PostgreSQL alone has pools
    server.stop()
