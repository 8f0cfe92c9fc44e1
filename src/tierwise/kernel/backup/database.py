"""The database in a backup: one snapshot for dump, digests and everything that is looked up for the rest."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from tierwise.kernel.postgres import binaries
from tierwise.kernel.zones import SEES_ALL_ROWS

PART = 8 << 20
_KNOWS_ALL_SETTINGS = 170_000
_UNKNOWN_TO_OLDER = {b"SET transaction_timeout = 0;\n"}
_PREAMBLE = 100
"""Lines of a script within which settings stand; further on, the same words would be data."""
Connection = psycopg.Connection[Any]
# What text a value becomes must not hang on where it is asked.
_PLAIN = (
    "set session timezone = 'UTC'; set session datestyle = 'ISO, YMD'; set session intervalstyle = 'postgres'; "
    "set session extra_float_digits = 1; set session bytea_output = 'hex'"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the database, held open: whatever is asked through it belongs together."""

    connection: Connection
    conninfo: str
    name: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    @property
    def version(self) -> int:
        return self.connection.info.server_version // 10000

    @property
    def size(self) -> int:
        return int(self.rows("select pg_database_size(current_database())")[0][0])


@contextmanager
def snapshot(conninfo: str) -> Iterator[Snapshot]:
    """Holds the database's state as it is now. ``conninfo`` is a superuser's: row policies hold everybody else."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(_PLAIN)
        connection.commit()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute(SEES_ALL_ROWS).fetchone()
        if not (row and row[0]):
            raise RuntimeError(
                f"The user {connection.info.user} does not see all rows, so that nothing can be backed up or compared. "
                f"As a superuser of that server: alter role {connection.info.user} bypassrls;"
            )
        found = connection.execute("select pg_export_snapshot()").fetchone()
        yield Snapshot(connection, conninfo, str(found[0]) if found else "")


def dump_parts(source: Snapshot) -> Iterator[bytes]:
    """The dump in parts of a few megabytes as ``pg_dump`` writes it. RuntimeError with what it said, if it fails."""
    command = [
        str(binaries() / "pg_dump"), "--format=custom", "--compress=gzip:1", f"--snapshot={source.name}",
        f"--dbname={source.conninfo}",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as dumping:
            assert dumping.stdout is not None
            while part := _filled(dumping.stdout):
                yield part
        if dumping.returncode:
            said.seek(0)
            raise RuntimeError(f"pg_dump failed:\n{said.read()[-2000:].decode(errors='replace')}")


def _filled(pipe: Any) -> bytes:
    buffer = io.BytesIO()
    while buffer.tell() < PART and (data := pipe.read(PART - buffer.tell())):
        buffer.write(data)
    return buffer.getvalue()


class Restoring:
    """Takes the parts of a dump and hands them to ``pg_restore`` as they come."""

    def __init__(self, conninfo: str) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the programs run
        self._older: _OlderServer | None = None
        target = ["--exit-on-error", "--single-transaction", f"--dbname={conninfo}"]
        with psycopg.connect(conninfo) as asked:
            if asked.info.server_version < _KNOWS_ALL_SETTINGS:
                target, self._older = ["--file=-"], _OlderServer(conninfo, self._said)
        self._program = subprocess.Popen(
            [str(binaries() / "pg_restore"), *target], stdin=subprocess.PIPE, stderr=self._said,
            stdout=subprocess.PIPE if self._older else None,
        )  # fmt: skip
        if self._older:
            self._older.follow(self._program)

    def take(self, part: BinaryIO) -> None:
        assert self._program.stdin is not None
        try:
            while data := part.read(1 << 20):
                self._program.stdin.write(data)
        except BrokenPipeError:
            self.finish()

    def finish(self) -> None:
        """RuntimeError with what the program said, if it failed; nothing was restored then."""
        assert self._program.stdin is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        code = self._program.wait()
        code = (self._older.finish() if self._older else 0) or code
        self._said.seek(0)
        said = self._said.read()[-2000:].decode(errors="replace")
        self._said.close()
        if code:
            raise RuntimeError(f"pg_restore failed:\n{said}")

    def give_up(self) -> None:
        self._program.kill()
        self._program.wait()
        if self._older:
            self._older.finish()
        assert self._program.stdin is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        self._said.close()


class _OlderServer:
    """A server that does not know a setting which ``pg_restore`` begins with: ``psql`` gets its script without."""

    def __init__(self, conninfo: str, said: BinaryIO) -> None:
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--dbname={conninfo}"]
        command = [str(binaries() / "psql"), *options]
        self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)

    def follow(self, writing: subprocess.Popen[bytes]) -> None:
        self._thread = threading.Thread(target=self._carry, args=(writing,), daemon=True)
        self._thread.start()

    def _carry(self, writing: subprocess.Popen[bytes]) -> None:
        assert writing.stdout is not None
        assert self._program.stdin is not None
        with writing.stdout as script, suppress(BrokenPipeError), self._program.stdin as taking:
            for number, line in enumerate(script):
                if number >= _PREAMBLE or line not in _UNKNOWN_TO_OLDER:
                    taking.write(line)
            if writing.wait():
                # Before its input ends: a script that was cut must not be committed.
                self._program.kill()

    def finish(self) -> int:
        self._thread.join()
        return self._program.wait()


def digests(source: Snapshot) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows and digest of every table, one after the other.

    The digest is that of the multiset of rows: the sum, in 128 bits, of the SHA-256 of each, so that it needs no order
    and no memory. Columns are taken by name, for their order may differ after an upgrade.
    """
    for table, columns in _tables(source):
        row = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL(
            "select count(*), coalesce(sum(('x' || encode(substr(h, 1, 8), 'hex'))::bit(64)::bigint::numeric), 0), "
            "coalesce(sum(('x' || encode(substr(h, 9, 8), 'hex'))::bit(64)::bigint::numeric), 0) "
            "from (select sha256(convert_to(row({})::text, 'UTF8')) h from {}) hashed"
        ).format(row, sql.Identifier("public", table))
        count, low, high = source.connection.execute(query).fetchone() or (0, 0, 0)
        text = f"{count}:{low % 2**64}:{high % 2**64}"
        yield table, {"rows": int(count), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _tables(source: Snapshot) -> Iterable[tuple[str, list[str]]]:
    return source.rows(
        "select c.relname::text, array_agg(a.attname::text order by a.attname) from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
        "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by 1 order by 1"
    )


def differences(expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[str]:
    """Tables that do not hold the same rows, in words."""
    told = []
    for table in sorted(expected.keys() | found.keys()):
        there, here = expected.get(table), found.get(table)
        if there is None or here is None:
            told.append(f"{table}: only {'there' if here is None else 'here'}")
        elif there != here:
            told.append(f"{table}: {there['rows']} rows there, {here['rows']} here" + (
                ", with other contents" if there["rows"] == here["rows"] else ""))  # fmt: skip
    return told
