"""The database's connections: pooled, checked before use without a trip, transactions begun in one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper, debug_transaction
from psycopg._preparing import Prepare
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg_pool import ConnectionPool

_IN_TRANSACTION = {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}
_SQLSTATE = psycopg.pq.DiagnosticField.SQLSTATE
_UNKNOWN_PLAN = b"26000"
_INSTANT = psycopg.adapters.types["timestamptz"].oid


@dataclass(frozen=True, slots=True)
class Planned:
    """A question that is asked all day: each connection plans it once under its name, and runs it with the values.

    ``text`` is a query over ``$1`` and so on, of the ``types``; ``values`` are literals in SQL.
    """

    name: str
    types: str
    text: str
    values: str = ""

    @property
    def preparation(self) -> str:
        return f"prepare {self.name} ({self.types}) as {self.text}"

    @property
    def asked(self) -> str:
        return f"execute {self.name} ({self.values})"


def check_open(connection: psycopg.Connection[Any]) -> None:
    """Is the server still there? What waits to be read on an idle connection is read: its end is found so, and behind
    the words of a server that says why it ends it. One that has silently vanished is found by the next statement, as
    it would be by a question. Nothing here waits, so no other thread comes between."""
    connection.pgconn.consume_input()
    connection.pgconn.consume_input()


class _Connection(psycopg.Connection[Any]):
    """psycopg's, which changes into and out of autocommit without a lock and a generator where nothing is under way."""

    def turn(self, autocommit: bool) -> None:
        if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._autocommit = autocommit
        else:
            self.autocommit = autocommit


class _Taken(threading.local):
    """Whatever this thread has taken connections with."""

    def __init__(self) -> None:
        self.wrappers: list[DatabaseWrapper] = []


_taken = _Taken()


def give_back() -> None:
    """Does at the end of a request what Django does, for the connections alone that this thread has taken since."""
    wrappers = _taken.wrappers
    while wrappers:
        wrappers.pop().close_if_unusable_or_obsolete()


class _Prepared(psycopg.Cursor[Any]):
    """Binds values at the server, which keeps the plan of a statement for as long as the connection lasts.

    Rows come in binary: instants and ids are read by compiled code then, and by Python where they come as texts.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, prepare=True, binary=True, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        compiled = psycopg.adapters.get_loader(_INSTANT, psycopg.pq.Format.TEXT)
        if compiled is not None:
            params["context"].register_loader(_INSTANT, compiled)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """With psycopg's reader of instants, which is compiled, instead of Django's, which took most of the time of
        long lists. It reads them in the connection's zone, which Django sets to its own."""
        if name:
            return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)
        return self.connection.cursor()

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
                check=check_open, connection_class=_Connection, **options,
            )  # fmt: skip
            # Two threads may come here at once; the first one's stays.
            pools.setdefault(self.alias, made)
        return pools[self.alias]

    def connect(self) -> None:
        super().connect()
        if self not in _taken.wrappers:
            _taken.wrappers.append(self)

    def get_new_connection(self, conn_params: Any) -> Any:
        pool = self.pool
        if pool is None:
            return super().get_new_connection(conn_params)
        if pool.closed:
            pool.open()
        return pool.getconn()

    def _set_autocommit(self, autocommit: bool) -> None:
        if isinstance(self.connection, _Connection):
            self.connection.turn(autocommit)
        else:
            super()._set_autocommit(autocommit)  # type: ignore[misc]

    def begin(self, statements: str, planned: Planned | None = None) -> Any:
        """Begins the transaction that the caller opened with ``atomic``, and runs statements with it in one trip.

        Answers with the first value of the last one, which is the planned one if there is one. The statements hold
        their values: they are composed of literals.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            raw = self.connection.pgconn
            found = self._begun(statements, planned)
            if found.error_field(_SQLSTATE) == _UNKNOWN_PLAN:
                # Whoever lets go of plans lets go of all: psycopg does when a table is altered or dropped.
                raw.exec_(b"ROLLBACK")
                self._plans().clear()
                found = self._begun(statements, planned)
            if found.status != psycopg.pq.ExecStatus.TUPLES_OK:
                self._failed(found)
            return found.get_value(0, 0)

    def _begun(self, statements: str, planned: Planned | None) -> Any:
        raw = self.connection.pgconn
        if planned is not None:
            if planned.name not in self._plans():
                found = raw.exec_(planned.preparation.encode())
                if found.status != psycopg.pq.ExecStatus.COMMAND_OK:
                    return found
                self._plans().add(planned.name)
            statements = f"{statements}; {planned.asked}"
        return raw.exec_(statements.encode())

    def _plans(self) -> set[str]:
        """Names of what this very connection keeps planned."""
        names: set[str] = vars(self.connection).setdefault("tierwise_plans", set())
        return names

    def _commit(self) -> None:
        self._end(b"COMMIT", super()._commit)  # type: ignore[misc]

    def _rollback(self) -> None:
        self._end(b"ROLLBACK", super()._rollback)  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        self._end(self.ops.savepoint_rollback_sql(sid).encode(), partial(super()._savepoint_rollback, sid))  # type: ignore[misc]

    def _end(self, statement: bytes, otherwise: Callable[[], None]) -> None:
        """In one call of the library: psycopg's own way takes longer, and lets go of all plans at a rollback."""
        if self.connection is None or self.connection.pgconn.transaction_status not in _IN_TRANSACTION:
            otherwise()
            return
        with debug_transaction(self, statement.decode()), self.wrap_database_errors:
            found = self.connection.pgconn.exec_(statement)
            if found.status != psycopg.pq.ExecStatus.COMMAND_OK:
                self._failed(found)

    def _failed(self, found: Any) -> NoReturn:
        if self.connection.pgconn.status == psycopg.pq.ConnStatus.BAD:
            raise psycopg.OperationalError(found.get_error_message())
        raise error_from_result(found)

    def rows(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of a statement that is asked all day, in one call of the library once its plan is kept."""
        self.ensure_connection()
        if not (self.queries_logged or self.execute_wrappers):
            self.validate_no_broken_transaction()
            with self.wrap_database_errors:
                found = self._planned_rows(statement, values)
            if found is not None:
                return found
        with self.prepared() as cursor:
            cursor.execute(statement, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _planned_rows(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """None where psycopg keeps no plan of it by now."""
        loaded = Transformer(self.connection)
        query = PostgresQuery(loaded)
        query.convert(statement, values)
        kept, name = self.connection._prepared.get(query, True)
        if kept is not Prepare.YES:
            return None
        found = self.connection.pgconn.exec_prepared(name, query.params, query.formats, psycopg.pq.Format.BINARY)
        if found.status != psycopg.pq.ExecStatus.TUPLES_OK:
            self._failed(found)
        loaded.set_pgresult(found)
        return loaded.load_rows(0, found.ntuples, tuple)

    def prepared(self) -> CursorWrapper:
        """A cursor for statements that are asked all day: planning one anew takes longer than running it.

        A plan serves whoever is announced, for row policies read the announcement as it runs.
        """
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = self._prepare_cursor(_Prepared(self.connection))  # type: ignore[attr-defined]
            return cursor
