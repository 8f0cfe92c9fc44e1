"""The database's own mark on every audit entry: which transaction wrote it.

A trigger sets it, so nobody can slip an entry into a past that is sealed. Transaction numbers belong to one server:
where a database was restored into another, whose numbers are lower, a new *era* begins and the order goes on.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from tierwise.kernel.seal.chain import START, Place
from tierwise.kernel.zones import SEES_ALL_ROWS

_LATEST = """
    (select era, transaction from kernel_auditentry order by era desc, transaction desc limit 1)
    union all (select until_era, until_transaction from kernel_auditseal order by number desc limit 1)
"""


def _functions(era: int) -> list[str]:
    return [
        f"create or replace function tw_audit_era() returns integer language sql immutable as 'select {era}'",
        f"""create or replace function tw_stamp_audit() returns trigger language plpgsql as $$ begin
            new.era := {era};
            new.transaction := pg_current_xact_id()::text::bigint;
            return new;
        end $$""",
    ]


def statements() -> list[str]:
    """Functions and trigger, laid where they are not yet; the era that runs stays."""
    first = "; ".join(_functions(1)).replace("$$", "$body$")
    return [
        f"do $do$ begin if to_regprocedure('tw_audit_era()') is null then {first}; end if; end $do$",
        "create or replace trigger tw_stamp before insert on kernel_auditentry "
        "for each row execute function tw_stamp_audit()",
    ]


def current_era(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("select tw_audit_era()")
        return int(cursor.fetchone()[0])


def settled_until(alias: str) -> Place:
    """Every transaction before this place has ended, so no entry can appear there any more."""
    with connections[alias].cursor() as cursor:
        cursor.execute("select tw_audit_era(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        era, number = cursor.fetchone()
        return Place(int(era), int(number))


def keep_order(conninfo: str) -> bool:
    """Begins a new era where the server's next transaction would come before what stands; returns whether it did.

    Asked as the superuser whenever an installation starts, and at the end of a restore.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        sees = connection.execute(SEES_ALL_ROWS).fetchone()
        if not (sees and sees[0]):
            return False  # a restore, after which alone there is anything to do, is refused to this user
        rows = connection.execute(_LATEST).fetchall()
        return begin_era_before(connection, max((Place(*row) for row in rows), default=START))


def begin_era_before(connection: psycopg.Connection[Any], latest: Place) -> bool:
    row = connection.execute("select tw_audit_era(), pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row is not None
    era, following = row
    if Place(era, following) >= latest:
        return False
    for statement in _functions(max(era, latest.era) + 1):
        connection.execute(sql.SQL(statement))
    return True
