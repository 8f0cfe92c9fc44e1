"""Checks of the database and of what the worker does, asked with the worker's login."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from tierwise.kernel.clock import now
from tierwise.kernel.database import lacking, migrate
from tierwise.kernel.doctor.findings import Check, Finding, Severity, add_checks
from tierwise.kernel.outbox import ATTEMPTS
from tierwise.kernel.seal.verify import verify
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.kernel.zones import Login, declared_tables, row_condition

OLDEST_SUPPORTED, NEWEST_TRIED = 15, 18
OUTBOX_MINUTES, JOB_MINUTES, SEAL_MINUTES = 5, 120, 15
"""What is delivered every three seconds, what a job may take, what is sealed every ten seconds."""


def _rows(query: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with viewer_scope(SYSTEM), connections[Login.WORKER.alias].cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def server() -> Iterator[Finding]:
    version = connections[Login.WORKER.alias].pg_version // 10000  # type: ignore[attr-defined]
    found = dict(_rows("select name, setting from pg_settings"))
    if version < OLDEST_SUPPORTED:
        yield Finding("postgres", Severity.FAULT, f"The server is PostgreSQL {version}.",
                      f"Upgrade it to {OLDEST_SUPPORTED} or newer.")  # fmt: skip
    elif version > NEWEST_TRIED:
        yield Finding("postgres", Severity.NOTE, f"PostgreSQL {version} has not been tried with this release.",
                      "Watch it, or use a version up to 18.")  # fmt: skip
    for name in ("fsync", "full_page_writes"):
        if found.get(name) == "off":
            yield Finding("postgres", Severity.FAULT, f"{name} is off: a power cut may destroy the database.",
                          f"alter system set {name} = on; select pg_reload_conf();")  # fmt: skip
    if found.get("server_encoding") != "UTF8":
        yield Finding("postgres", Severity.FAULT, f"The database's encoding is {found.get('server_encoding')}.",
                      "Restore a backup into a database of encoding UTF8.")  # fmt: skip
    used = int(_rows("select count(*) from pg_stat_activity where backend_type = 'client backend'")[0][0])
    most = int(found["max_connections"])
    if used > most * 0.85:
        yield Finding("connections", Severity.WARNING, f"{used} of {most} connections are in use.",
                      "Run fewer web processes, lower TIERWISE_CONNECTIONS, or raise max_connections.")  # fmt: skip


def logins() -> Iterator[Finding]:
    for role, superuser, bypass, member in _rows(
        "select rolname, rolsuper, rolbypassrls, exists(select from pg_auth_members where member = r.oid) "
        "from pg_roles r where rolname = any(%s)", [[login.role for login in Login]],
    ):  # fmt: skip
        if superuser or bypass or member:
            yield Finding("logins", Severity.FAULT, f"The login {role} has rights that it must not have.",
                          f"alter role {role} nosuperuser nobypassrls; and revoke what it is a member of.")  # fmt: skip


def administering() -> Iterator[Finding]:
    """What the user of an address of your own lacks; asked also where nothing starts for want of it."""
    if settings.RUNTIME.embedded:
        return
    try:
        lacks = lacking(settings.RUNTIME.admin_conninfo(), settings.RUNTIME.database_name)
    except psycopg.OperationalError as error:
        yield Finding("administering", Severity.FAULT, f"TIERWISE_DATABASE_URL leads nowhere: {error}".strip(),
                      "Correct the address, or start that server.")  # fmt: skip
        return
    for lack in lacks:
        yield Finding("administering", Severity.FAULT if lack.needed else Severity.WARNING, lack.what,
                      f"As a superuser of that server: {lack.remedy}")  # fmt: skip


_GRANTS = """
    select c.relname::text, r.rolname::text, lower(x.privilege_type) from pg_class c
    cross join lateral aclexplode(c.relacl) x join pg_roles r on r.oid = x.grantee
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and r.rolname = any(%s)
    union all
    select c.relname::text, r.rolname::text, lower(x.privilege_type) || '(' || a.attname || ')' from pg_class c
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    cross join lateral aclexplode(a.attacl) x join pg_roles r on r.oid = x.grantee
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and r.rolname = any(%s)
"""
_TABLES = """
    select relname::text, relforcerowsecurity and relrowsecurity from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace
"""


def rights() -> Iterator[Finding]:
    """Grants and row policies as the models declare them."""
    people = [login for login in Login if login is not Login.OWNER]
    granted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, role, verb in _rows(_GRANTS, [[one.role for one in people]] * 2):
        granted[table, role].add(verb)
    forced = dict(_rows(_TABLES))
    policies = set(_rows("select tablename::text, policyname::text from pg_policies where schemaname = 'public'"))
    wrong = []
    for table, declared in sorted(declared_tables().items()):
        if table not in forced:
            wrong.append(f"{table} is missing")
            continue
        for login in people:
            if granted[table, login.role] != _by_column(declared.verbs(login)):
                wrong.append(f"{login.role} on {table}")
            guarded = declared.verbs(login) and forced[table]
            if guarded and row_condition(declared, login) and (table, login.value) not in policies:
                wrong.append(f"policy of {login.role} on {table}")
    unknown = sorted(forced.keys() - declared_tables().keys())
    remedy = "tierwise migrate lays them anew."
    if wrong:
        yield Finding("rights", Severity.FAULT, f"Rights are not as declared: {', '.join(wrong[:10])}"
                      f"{' …' if len(wrong) > 10 else ''}.", remedy, lambda: migrate(anew=True))  # fmt: skip
    if unknown:
        yield Finding("rights", Severity.WARNING, f"Tables that nobody declared: {', '.join(unknown[:10])}.",
                      "Drop what you made by hand, or keep it in a schema of its own.")  # fmt: skip


def _by_column(verbs: tuple[str, ...]) -> set[str]:
    """``update(state,answer)`` as the catalogue tells it: one grant for each column."""
    found = set()
    for verb in verbs:
        word, _, columns = verb.rstrip(")").partition("(")
        found |= {f"{word}({column})" for column in columns.split(",")} if columns else {word}
    return found


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connections[Login.OWNER.alias])
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        names = ", ".join(f"{m.app_label} {m.name}" for m, _ in pending[:5])
        yield Finding("migrations", Severity.FAULT, f"Tables are behind the program: {names}.",
                      "tierwise migrate", lambda: migrate(anew=True))  # fmt: skip


def jobs() -> Iterator[Finding]:
    stuck = _rows(
        "select task_name, count(*) from procrastinate_jobs j where status = 'doing' and not exists "
        "(select from procrastinate_workers w where w.id = j.worker_id and "
        "w.last_heartbeat > now() - interval '5 minutes') group by 1 order by 1"
    )  # fmt: skip
    for name, count in stuck:
        yield Finding("jobs", Severity.WARNING, f"{count} × {name} was begun by a worker that died.",
                      "A running worker puts it back within two minutes; start one with `tierwise serve`.")  # fmt: skip
    failed = _rows(
        "select task_name, count(*) from procrastinate_jobs j where status = 'failed' and exists (select from "
        "procrastinate_events e where e.job_id = j.id and e.at > now() - interval '2 days') group by 1 order by 1"
    )  # fmt: skip
    for name, count in failed:
        yield Finding("jobs", Severity.FAULT, f"{count} × {name} failed within the last two days.",
                      "The worker's output tells why; mend it; the next turn of the job makes it good.")  # fmt: skip
    late = _rows(
        "select count(*), min(scheduled_at) from procrastinate_jobs where status = 'todo' and "
        "coalesce(scheduled_at, now() - interval '1 day') < now() - make_interval(mins => %s) and exists (select from "
        "procrastinate_events e where e.job_id = procrastinate_jobs.id and e.at < now() - make_interval(mins => %s))",
        [JOB_MINUTES, JOB_MINUTES],
    )[0][0]
    if late:
        yield Finding("jobs", Severity.WARNING, f"{late} jobs have waited for more than {JOB_MINUTES} minutes.",
                      "Start a worker with `tierwise serve` or `tierwise worker`.")  # fmt: skip


def outbox() -> Iterator[Finding]:
    waiting, oldest = _rows(
        "select count(*), min(at) from kernel_outboxevent where delivered_at is null and attempts < %s", [ATTEMPTS]
    )[0]
    if waiting and now() - oldest > timedelta(minutes=OUTBOX_MINUTES):
        yield Finding("outbox", Severity.WARNING, f"{waiting} pieces of news wait, some since {oldest:%Y-%m-%d %H:%M}.",
                      "Start a worker with `tierwise serve` or `tierwise worker`.")  # fmt: skip
    for name, count, error in _rows(
        "select name, count(*), max(last_error) from kernel_outboxevent where delivered_at is null and attempts >= %s "
        "group by 1 order by 1", [ATTEMPTS],
    ):  # fmt: skip
        yield Finding("outbox", Severity.FAULT, f"{count} × {name} was given up: {error[:200]}",
                      "Mend the cause, then: update kernel_outboxevent set attempts = 0 where delivered_at is null.",
                      _try_again)  # fmt: skip


def _try_again() -> None:
    with viewer_scope(SYSTEM), connections[Login.WORKER.alias].cursor() as cursor:
        cursor.execute("update kernel_outboxevent set attempts = 0 where delivered_at is null")


def audit() -> Iterator[Finding]:
    verdict = verify(SYSTEM)
    if verdict.faults:
        first = verdict.faults[0]
        yield Finding("audit", Severity.FAULT, f"The audit trail has {len(verdict.faults)} faults; {first.what}.",
                      "`tierwise audit verify` lists them; compare with a backup.")  # fmt: skip
    if verdict.oldest_unsealed and now() - verdict.oldest_unsealed > timedelta(minutes=SEAL_MINUTES):
        yield Finding("audit", Severity.WARNING, f"{verdict.unsealed} entries are not sealed, the oldest of "
                      f"{verdict.oldest_unsealed:%Y-%m-%d %H:%M}: no worker runs, or a transaction is open since.",
                      "Start a worker; `tierwise audit seal` seals at once.")  # fmt: skip


def register() -> None:
    add_checks(
        Check("server", server),
        Check("administering", administering, needs_database=False),
        Check("logins", logins),
        Check("rights", rights),
        Check("migrations", migrations),
        Check("jobs", jobs),
        Check("outbox", outbox),
        Check("audit trail", audit),
    )
