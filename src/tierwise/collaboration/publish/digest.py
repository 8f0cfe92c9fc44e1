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
from datetime import UTC

from django.db import connections, models
from psycopg import sql

from tierwise.collaboration.publish.models import Publication
from tierwise.collaboration.publish.rows import ROW_KINDS, RowKind
from tierwise.kernel.viewer import Viewer

FORMAT = "publication/1"


def digest_of(viewer: Viewer, row: Publication) -> str:
    """The digest as the rows stand in the database now. The publication itself need not be saved yet."""
    made = hashlib.sha256(_header(row).encode())
    with connections[viewer.alias].cursor() as cursor:
        for kind in ROW_KINDS:
            made.update(f"\n{kind.name}\n".encode())
            with cursor.copy(_rows(kind, row)) as lines:
                for part in lines:
                    made.update(part)
    return made.hexdigest()


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


def _rows(kind: RowKind, row: Publication) -> sql.Composed:
    def ordered(name: str) -> sql.Composable:
        text = isinstance(kind.model._meta.get_field(name), models.CharField)
        return sql.Identifier(name) + sql.SQL(' collate "C"' if text else "")

    return sql.SQL(
        "copy (select {} from {} where supplier_id = {}::uuid and publication_id = {}::uuid order by {}) to stdout"
    ).format(
        sql.SQL(", ").join(sql.Identifier(name) for name in kind.columns),
        sql.Identifier(kind.model._meta.db_table),
        sql.Literal(str(row.supplier_id)),
        sql.Literal(str(row.id)),
        sql.SQL(", ").join(ordered(name) for name in kind.key),
    )
