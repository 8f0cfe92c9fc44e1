"""The digest of a publication, which either side can compute again from what it sees.

SHA-256 over UTF-8 text, format ``publication/1``:

1. one line of JSON with sorted keys and no blanks: ``agreement_version``, ``content``, ``format``, ``kind``,
   ``number``, ``period_end``, ``period_start``, ``published_at`` (UTC, microseconds, ``+00:00``), ``segment``,
   ``supersedes``, ``supplier``, ``title``; ids as text, dates as ISO, absent values as null;
2. for each of series, measures and lines: its name on a line, then its rows exactly as PostgreSQL's
   ``copy (select …) to stdout`` writes them (columns parted by tabs, ``\\N`` for null, ``t`` and ``f``), the columns in
   the order of ``records.py``, the rows ordered by their key with ``collate "C"``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from uuid import UUID

from django.db import connections, models
from psycopg import sql

from tierwise.collaboration.publish.models import Publication
from tierwise.collaboration.publish.rows import ROW_KINDS, RowKind
from tierwise.kernel.viewer import Viewer

FORMAT = "publication/1"


def digest_of(viewer: Viewer, row: Publication) -> str:
    """The digest as the rows stand in the database now. The publication itself need not be saved yet."""
    return digests_of(viewer, [row])[row.id]


def digests_of(viewer: Viewer, publications: Sequence[Publication]) -> dict[UUID, str]:
    """Publication id → digest, of any number of them in one reading of each table."""
    made = {str(row.id): hashlib.sha256(_header(row).encode()) for row in publications}
    with connections[viewer.alias].cursor() as cursor:
        for kind in ROW_KINDS:
            for digest in made.values():
                digest.update(f"\n{kind.name}\n".encode())
            with cursor.copy(_rows(kind, publications)) as copied:
                for line in _lines(copied):
                    owner, _, said = line.partition(b"\t")
                    made[owner.decode()].update(said + b"\n")
    return {UUID(owner): digest.hexdigest() for owner, digest in made.items()}


def _lines(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Whole lines, however the server cut its answer. A line break within a value comes escaped."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + bytes(part)).split(b"\n")
        yield from whole


def _header(row: Publication) -> str:
    said = {
        "format": FORMAT,
        "supplier": str(row.supplier_id),
        "segment": str(row.segment_id),
        "kind": str(row.kind),
        "number": row.number,
        "title": row.title,
        "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(),
        "published_at": row.published_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "agreement_version": str(row.agreement_version_id) if row.agreement_version_id else None,
        "supersedes": str(row.supersedes_id) if row.supersedes_id else None,
        "content": row.content,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _rows(kind: RowKind, publications: Sequence[Publication]) -> sql.Composed:
    """The rows of the publications, each after the id of its publication, which is no part of the digest."""

    def ordered(name: str) -> sql.Composable:
        text = isinstance(kind.model._meta.get_field(name), models.CharField)
        return sql.Identifier(name) + sql.SQL(' collate "C"' if text else "")

    return sql.SQL(
        "copy (select publication_id, {} from {} join unnest({}, {}) as wanted(supplier, publication)"
        " on supplier_id = wanted.supplier and publication_id = wanted.publication"
        " order by publication_id, {}) to stdout"
    ).format(
        sql.SQL(", ").join(sql.Identifier(name) for name in kind.columns),
        sql.Identifier(kind.model._meta.db_table),
        _ids(row.supplier_id for row in publications),
        _ids(row.id for row in publications),
        sql.SQL(", ").join(ordered(name) for name in kind.key),
    )


def _ids(ids: Iterable[UUID]) -> sql.Composed:
    return sql.Literal("{" + ",".join(map(str, ids)) + "}") + sql.SQL("::uuid[]")
