"""The least one would write by hand to answer the two queries of ``bench_api.py``, served by the same server.

A statement each, which finds the token and filters by its company, on a pool of connections as psycopg makes them; rows
become JSON as they come. No row policy binds the connection.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

_ASKER = """
with asker as (
    select company_id from directory_apitoken
    where id = %s and digest = %s and revoked_at is null and expires_at > now()
)
"""
_STATEMENTS = {
    "/api/v1/supports": _ASKER + """
        select s.id, s.supplier_id, s.segment_id, s.state, s.involvement, s.shown_code, s.shown_name, s.slot,
               s.valid_from, s.valid_to
        from directory_support s join asker on asker.company_id = s.supplier_id
        where s.state <> 'proposed' order by s.id limit 21
    """,
    "/api/v1/publications": _ASKER + """
        select p.id, p.supplier_id, p.segment_id, p.kind, p.number, p.title, p.period_start, p.period_end,
               p.published_at, p.reply_due_at, p.supersedes_id, p.digest, r.reply, p.agreement_version_id, p.content,
               r.replied_at, r.comment
        from publish_publication p join asker on asker.company_id = p.supplier_id
        left join publish_publicationreply r on r.supplier_id = p.supplier_id and r.publication_id = p.id
        where p.segment_id in (
            select segment_id from directory_support where supplier_id = p.supplier_id and state = 'confirmed'
        ) and not exists (
            select from publish_publication n where n.supplier_id = p.supplier_id and n.supersedes_id = p.id
        )
        order by p.published_at desc, p.id desc limit 21
    """,
}  # fmt: skip
_pool: ConnectionPool[Any] = ConnectionPool(
    os.environ["BARE_DOOR_DATABASE"], min_size=1, max_size=24, kwargs={"autocommit": True, "row_factory": dict_row},
    open=True,
)  # fmt: skip


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    _, token, secret = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ").split("_", 2)
    statement = _STATEMENTS[environ["PATH_INFO"]]
    with _pool.connection() as connection:
        rows = connection.execute(statement, (token, hashlib.sha256(secret.encode()).hexdigest())).fetchall()
    body = json.dumps({"items": rows[:20]}, default=str).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
