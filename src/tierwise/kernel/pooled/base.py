"""The database's connections: pooled, checked before use without a trip, transactions begun in one."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.errors import error_from_result
from psycopg_pool import ConnectionPool

_ENDED = select.POLLIN | select.POLLHUP | select.POLLERR


def check_open(connection: psycopg.Connection[Any]) -> None:
    """Is the server still there? An idle connection on which something waits to be read has been ended, or told a
    notice, and only then is the server asked. One that has silently vanished is found by the next statement, as it
    would be by a question."""
    watched = select.poll()
    watched.register(connection.fileno(), _ENDED)
    if watched.poll(0):
        ConnectionPool.check_connection(connection)


class _Prepared(psycopg.Cursor[Any]):
    """Binds values at the server, which keeps the plan of a statement for as long as the connection lasts."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, prepare=True, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> ConnectionPool[Any] | None:
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options:
            return None
        pools: dict[str, ConnectionPool[Any]] = self._connection_pools  # type: ignore[attr-defined]
        if self.alias not in pools:
            made: ConnectionPool[Any] = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True}, open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]
                check=check_open, **options,
            )  # fmt: skip
            # Two threads may come here at once; the first one's stays.
            pools.setdefault(self.alias, made)
        return pools[self.alias]

    def begin(self, statements: str) -> Any:
        """Begins the transaction that the caller opened with ``atomic``, and runs statements with it in one trip.

        Answers with the first value of the last one. The statements hold their values: they are composed of literals.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            raw = self.connection.pgconn
            found = raw.exec_(statements.encode())
            if found.status != psycopg.pq.ExecStatus.TUPLES_OK:
                if raw.status == psycopg.pq.ConnStatus.BAD:
                    raise psycopg.OperationalError(found.get_error_message())
                raise error_from_result(found)
            return found.get_value(0, 0)

    def prepared(self) -> CursorWrapper:
        """A cursor for statements that are asked all day: planning one anew takes longer than running it.

        A plan serves whoever is announced, for row policies read the announcement as it runs.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = self._prepare_cursor(_Prepared(self.connection))  # type: ignore[attr-defined]
            return cursor
