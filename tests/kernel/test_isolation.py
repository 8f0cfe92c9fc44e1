"""What one supplier's database login can reach, table by table, whatever runs on it.

Every relation, sequence and function is taken from the catalogue, and every table is filled with rows of supplier A,
of supplier B, and of a segment that neither is told about; tables that are added later are covered without a word here.

One thing is possible by design and not shown here as refused: who can run SQL of his own on the supplier's login can
also call ``set_config('tw.company', …)`` and announce another supplier. Against that stand parameterised SQL (the ORM
and placeholders are the only ways in), that a login of its own keeps the damage on the suppliers' side (no internal,
identity or machinery table is readable from it, shown below), and that settings are local to one transaction.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from fixtures.databases import Template
from fixtures.rows import Connection, Owner, Rows, columns_of, fillable_tables, insertion, key_column, one_per_company
from fixtures.worlds import World, build_world
from tierwise.kernel.zones import IDENTITY_ONLY, Login, Rights, Zone, declared_tables

pytestmark = pytest.mark.database

VERBS = ("select", "insert", "update", "delete")
WEB_LOGINS = (Login.BUYER, Login.SUPPLIER, Login.IDENTITY, Login.WORKER)
_RELATIONS = """
    select n.nspname, c.relname, c.relkind::text, coalesce(c.reloptions::text, '')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind = any(%s)
"""
Refused = psycopg.errors.InsufficientPrivilege


@dataclass
class Filled:
    """A world whose every table holds rows of everybody."""

    template: Template
    world: World
    rows: Rows
    owners: dict[str, Owner]
    hidden: UUID
    tags: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    @property
    def supplier(self) -> UUID:
        return self.world.suppliers["A"]

    @contextmanager
    def as_supplier(self, company: str | None = None, segments: str | None = None) -> Iterator[Connection]:
        """Supplier A's login with A announced, or whatever is given; rolled back at the end."""
        held = "{" + ",".join(str(segment) for segment in self.world["a planner"].segments) + "}"
        with self.template.connect(Login.SUPPLIER.alias) as connection:
            announce(
                connection, self.world["a planner"].person, str(self.supplier) if company is None else company,
                held if segments is None else segments,
            )  # fmt: skip
            yield connection
            connection.rollback()

    def visible(self, rights: Rights, owner: Owner) -> bool:
        supported = not rights.segment_column or owner.segment in self.world["a planner"].segments
        return owner.company == self.supplier and supported

    def new(self, table: str, like: str) -> dict[str, Any]:
        """Values of a further row of one of the owners; the rows it refers to are there."""
        owner = self.owners[like]
        return self.rows.values(table, Owner(owner.company, owner.segment, next(self.tags)))


def announce(connection: Connection, person: UUID | str, company: str, segments: str) -> None:
    for name, value in (("person", str(person)), ("company", company), ("segments", segments)):
        connection.execute("select set_config(%s, %s, true)", [f"tw.{name}", value])


@pytest.fixture(scope="module")
def filled(template: Template, django_db_blocker: Any) -> Iterator[Filled]:
    with django_db_blocker.unblock(), template.clone() as name:
        world = build_world()
        with psycopg.connect(template.runtime.admin_conninfo(name), autocommit=True) as connection:
            hidden = uuid4()
            connection.execute(
                "insert into directory_segment (id, code, name, rank, slot, active) "
                "values (%s, 'GOLD', 'Gold', 9, 9, true)",
                [hidden],
            )
            a, b, shared = world.suppliers["A"], world.suppliers["B"], world.segments["STD"]
            owners = {
                "mine": Owner(a, shared, 11), "mine, hidden segment": Owner(a, hidden, 12),
                "theirs": Owner(b, shared, 13), "theirs, hidden segment": Owner(b, hidden, 14),
            }  # fmt: skip
            rows = Rows(connection)
            for table in fillable_tables():
                for owner in owners.values():
                    rows.put(table, owner)
            connection.execute("analyze")
            yield Filled(template, world, rows, owners, hidden)


def may(connection: Connection, table: str, verb: str, role: str = Login.SUPPLIER.role) -> bool:
    """Whether a login has a verb on a table or on any of its columns; asked of PostgreSQL, not of the declarations."""
    function = "has_table_privilege" if verb == "delete" else "has_any_column_privilege"
    found = connection.execute(f"select {function}(%s, %s, %s)", [role, f'"{table}"', verb]).fetchone()
    assert found is not None
    return bool(found[0])


def granted_columns(connection: Connection, table: str, verb: str) -> list[str]:
    query = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
    query += " and has_column_privilege(%s, attrelid, attnum, %s) order by attnum"
    return [row[0] for row in connection.execute(query, [f'"{table}"', Login.SUPPLIER.role, verb])]


def tables_with(connection: Connection, verb: str) -> list[tuple[str, Rights]]:
    found = [(t, r) for t, r in sorted(declared_tables().items()) if may(connection, t, verb)]
    assert found, f"suppliers may {verb} nothing at all: the test would prove nothing"
    return found


Query = str | bytes | sql.Composable


def attempt(connection: Connection, query: Query, values: Sequence[Any] = ()) -> psycopg.Error | None:
    """The error of a statement with its deferred constraints, or None; undone in either case."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(query, values)
            connection.execute("set constraints all immediate")
    except psycopg.Error as error:
        return error
    return None


def put(connection: Connection, table: str, values: dict[str, Any]) -> psycopg.Error | None:
    return attempt(connection, insertion(table, values, ""), list(values.values()))


# --- reading


def test_every_relation_is_a_declared_table_of_the_public_schema(filled: Filled) -> None:
    found = filled.rows.connection.execute(_RELATIONS, [list("rpmf")]).fetchall()
    assert {(schema, name) for schema, name, _, _ in found} == {("public", name) for name in declared_tables()}


def test_every_table_holds_rows_of_both_suppliers(filled: Filled) -> None:
    for table in declared_tables():
        found = filled.rows.connection.execute(f'select count(*) from "{table}"').fetchone()
        assert found is not None
        assert found[0] >= 2, table


def test_a_supplier_reads_its_own_supported_rows_and_no_other(filled: Filled) -> None:
    problems = []
    read = 0
    with filled.as_supplier() as connection:
        for schema, table, _, _ in connection.execute(_RELATIONS, [list("rpvmf")]).fetchall():
            columns = granted_columns(connection, f"{schema}.{table}" if schema != "public" else table, "select")
            if not columns:
                error = attempt(connection, f'select 1 from "{table}"')
                problems += [] if isinstance(error, Refused) else [f"{table}: no grant, yet {error!r}"]
                continue
            read += 1
            rights = declared_tables()[table]
            listed = ", ".join(f'"{column}"' for column in columns)
            found = connection.execute(f'select {listed} from "{table}"').fetchall()
            problems += judge(filled, table, rights, [dict(zip(columns, row, strict=True)) for row in found])
    assert problems == []
    assert read >= 12


def judge(filled: Filled, table: str, rights: Rights, found: list[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with the rows a supplier got from a table."""
    for row in found:
        if row.get(rights.supplier_column) != filled.supplier:
            yield f"{table}: a row of {row.get(rights.supplier_column)}"
        if rights.segment_column and row[rights.segment_column] not in filled.world["a planner"].segments:
            yield f"{table}: a row of a segment that is not supported"
        if str(filled.world.suppliers["B"]) in str(row):
            yield f"{table}: the other supplier is named"
    got = {row[key_column(filled.rows.connection, table)] for row in found}
    for name, owner in filled.owners.items():
        key = filled.rows.key(table, owner)
        if key is not None and (key in got) is not filled.visible(rights, owner):
            yield f"{table}: the row {name!r} is {'there' if key in got else 'missing'}"


def test_conditions_that_fail_on_strange_rows_see_none(filled: Filled) -> None:
    """A condition is never tried on a row before the policy is: an error would tell that the row is there."""
    with filled.as_supplier() as connection:
        for table, rights in tables_with(connection, "select"):
            divisor = f'(case when "{rights.supplier_column}" = %s then 1 else 0 end)'
            probe = f'select count(*) from "{table}" where 1 / {divisor} = 1'
            assert attempt(connection, probe, [filled.supplier]) is None, table


def test_copy_and_statistics_tell_no_more_than_select(filled: Filled) -> None:
    other = str(filled.world.suppliers["B"])
    statistics = "select tablename, attname from pg_stats where schemaname = 'public'"
    assert filled.rows.connection.execute(statistics).fetchall()
    with filled.as_supplier() as connection:
        for table, _ in tables_with(connection, "select"):
            with connection.cursor().copy(f'copy (select * from "{table}") to stdout') as copy:
                text = b"".join(bytes(part) for part in copy).decode()
            assert other not in text, table
        found = connection.execute(statistics).fetchall()
    assert found == [], "statistics of a column list its most common values, other suppliers' included"


@pytest.mark.parametrize("company", ["", "x", "' or true --", "00000000-0000-0000-0000-000000000000", "{}", "%"])
@pytest.mark.parametrize("segments", [None, "", "{}", "{x}", "x"])
def test_without_a_proper_viewer_there_is_nothing(filled: Filled, company: str, segments: str | None) -> None:
    with filled.as_supplier(company, segments) as connection:
        for table, _ in tables_with(connection, "select"):
            query = f'select count(*) from "{table}"'
            try:
                with connection.transaction():
                    assert connection.execute(query).fetchone() == (0,), table
            except psycopg.errors.DataError:
                continue


@pytest.mark.parametrize("segments", ["", "{}", "{NULL}", "{00000000-0000-0000-0000-000000000000}"])
def test_without_segments_there_is_nothing_that_has_one(filled: Filled, segments: str) -> None:
    with filled.as_supplier(segments=segments) as connection:
        having = [(t, r) for t, r in tables_with(connection, "select") if r.segment_column]
        assert len(having) >= 8
        for table, _ in having:
            assert connection.execute(f'select count(*) from "{table}"').fetchone() == (0,), table


def test_a_viewer_is_forgotten_at_the_end_of_its_transaction(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        assert connection.execute("select count(*) from directory_company").fetchone() == (1,)
        connection.commit()
        assert connection.execute("select count(*) from directory_company").fetchone() == (0,)


# --- writing


def test_rows_are_added_for_oneself_in_supported_segments_alone(filled: Filled) -> None:
    problems = []
    accepted = 0
    with filled.as_supplier() as connection:
        for table, rights in sorted(declared_tables().items()):
            if table in {"directory_company", "directory_segment"}:
                assert not may(connection, table, "insert")
                continue
            for name, owner in filled.owners.items():
                values = filled.new(table, name)
                with connection.transaction():
                    announce_writer(connection, rights, values, filled)
                    error = put(connection, table, values)
                allowed = may(connection, table, "insert") and filled.visible(rights, owner)
                accepted += allowed
                if isinstance(error, psycopg.errors.UniqueViolation) and one_per_company(connection, table):
                    error = None  # past the policies, and stopped by one's own row
                if allowed and error is not None:
                    problems.append(f"{table}: {name}: {error}")
                if not allowed and not isinstance(error, Refused):
                    problems.append(f"{table}: {name}: not refused by grant or policy but {error!r}")
    assert problems == []
    assert accepted >= 7


def announce_writer(connection: Connection, rights: Rights, values: dict[str, Any], filled: Filled) -> None:
    """Where entries carry their writer, lets the row's own be the viewer."""
    person = values["person"] if "tw.person" in rights.check else filled.world["a planner"].person
    connection.execute("select set_config('tw.person', %s, true)", [str(person)])


def test_updates_and_deletions_reach_own_rows_alone(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        for verb in ("update", "delete"):
            for table, rights in tables_with(connection, verb):
                for name, owner in filled.owners.items():
                    key = filled.rows.key(table, owner)
                    assert key is not None
                    expected = 1 if filled.visible(rights, owner) else 0
                    assert touched(connection, table, verb, key) == expected, (table, verb, name)


def plain_column(filled: Filled, table: str) -> str:
    return next(column.name for column in columns_of(filled.rows.connection, table) if not column.generated)


def touched(connection: Connection, table: str, verb: str, row: UUID) -> int:
    column = granted_columns(connection, table, "update")[0] if verb == "update" else ""
    query = f'update "{table}" set "{column}" = "{column}"' if verb == "update" else f'delete from "{table}"'
    counts: list[int] = []
    with connection.transaction(force_rollback=True):
        counts.append(connection.execute(f"{query} where {key_column(connection, table)} = %s", [row]).rowcount)
    return counts[0]


def test_a_row_cannot_be_given_away(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        for table, rights in tables_with(connection, "update"):
            strange = {rights.supplier_column: filled.world.suppliers["B"], rights.segment_column: filled.hidden}
            for column, value in strange.items():
                if not column:
                    continue
                query = f'update "{table}" set "{column}" = %s'
                error = attempt(connection, query, [value])
                assert isinstance(error, Refused), (table, column, error)


def test_tables_without_a_grant_refuse_every_verb(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        for table, rights in sorted(declared_tables().items()):
            column = plain_column(filled, table)
            attempts = {
                "update": f'update "{table}" set "{column}" = "{column}"', "delete": f'delete from "{table}"',
                "truncate": f'truncate "{table}"', "lock": f'lock table "{table}" in access exclusive mode',
            }  # fmt: skip
            for verb, query in attempts.items():
                if verb in {"update", "delete"} and may(connection, table, verb):
                    continue
                if verb == "lock" and any(may(connection, table, v) for v in ("update", "delete")):
                    continue
                error = attempt(connection, query)
                assert isinstance(error, Refused), (table, verb, error, rights.zone)


def test_a_reference_to_a_strange_row_fails_like_one_to_a_missing_row(filled: Filled) -> None:
    """Otherwise a supplier could ask "is there such a row?" and count what others have."""
    compared = 0
    with filled.as_supplier() as connection:
        for table, rights in tables_with(connection, "insert"):
            values = filled.new(table, "mine")
            announce_writer(connection, rights, values, filled)
            for column in columns_of(filled.rows.connection, table):
                if not column.target or column.name in {rights.supplier_column, rights.segment_column}:
                    continue
                theirs = filled.rows.key(column.target, filled.owners["theirs"])
                answers = set()
                for reference in (theirs, uuid4()):
                    error = put(connection, table, {**values, column.name: reference})
                    assert isinstance(error, psycopg.errors.ForeignKeyViolation), (table, column.name, error)
                    answers.add(re.sub(str(reference), "…", str(error)))
                assert len(answers) == 1, answers
                compared += 1
    assert compared >= 5


def test_unique_keys_of_what_a_supplier_writes_lead_with_the_supplier(filled: Filled) -> None:
    """A violated key that spans suppliers would answer "somebody else has that"."""
    query = """
        select i.indexrelid::regclass::text, a.attname from pg_index i
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = %s::regclass and (i.indisunique or i.indisexclusion)
    """
    with filled.as_supplier() as connection:
        written = {t: r for verb in ("insert", "update") for t, r in tables_with(connection, verb)}
        for table, rights in written.items():
            assert rights.supplier_column, f"{table} is written by suppliers and says nowhere whose the row is"
            found = filled.rows.connection.execute(query, [f'"{table}"']).fetchall()
            assert found, table
            assert {column for _, column in found} == {rights.supplier_column}, (table, found)


def test_references_of_what_a_supplier_writes_lead_with_the_supplier(filled: Filled) -> None:
    query = """
        select conname, array(select attname::text from unnest(conkey) with ordinality k(n, place)
                              join pg_attribute on attrelid = conrelid and attnum = n order by place)
        from pg_constraint where contype = 'f' and conrelid = %s::regclass
    """
    with filled.as_supplier() as connection:
        for table, rights in tables_with(connection, "insert"):
            for name, columns in filled.rows.connection.execute(query, [f'"{table}"']).fetchall():
                guarded = {rights.supplier_column, rights.segment_column}
                assert columns[0] in guarded, f"{name} of {table} asks for {columns} across suppliers"


def test_entries_and_news_are_written_in_ones_own_name(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        values = filled.new("kernel_auditentry", "mine") | {"person": filled.world["planner"].person}
        assert isinstance(put(connection, "kernel_auditentry", values), Refused)
        values = filled.new("kernel_outboxevent", "mine") | {"company": filled.world.host}
        assert isinstance(put(connection, "kernel_outboxevent", values), Refused)


def test_a_supplier_cannot_become_a_buyer(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        query = "update directory_person set role = 'administrator'"
        assert isinstance(attempt(connection, query), Refused)
        values = filled.new("directory_person", "mine") | {"role": "planner"}
        assert isinstance(put(connection, "directory_person", values), Refused)


# --- beside tables


def test_sequences_functions_and_views_open_nothing(filled: Filled) -> None:
    connection = filled.rows.connection
    sequences = [f'"{schema}"."{name}"' for schema, name, _, _ in connection.execute(_RELATIONS, [["S"]]).fetchall()]
    functions = connection.execute(
        "select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    ).fetchall()
    assert len(sequences) > 5
    assert len(functions) > 5
    for login in (Login.SUPPLIER, Login.BUYER, Login.IDENTITY):
        for name in sequences:
            for verb in ("usage", "select", "update"):
                query = "select has_sequence_privilege(%s, %s, %s)"
                assert connection.execute(query, [login.role, name, verb]).fetchone() == (False,), (login, name, verb)
        for (function,) in functions:
            query = "select has_function_privilege(%s, %s::oid, 'execute')"
            assert connection.execute(query, [login.role, function]).fetchone() == (False,), (login, function)
    for _, name, _, options in connection.execute(_RELATIONS, [["v"]]).fetchall():
        assert "security_invoker=true" in options, f"view {name} reads with its owner's rights"
    assert connection.execute(_RELATIONS, [["m"]]).fetchall() == [], "a materialised view knows no row policy"


@pytest.mark.parametrize(
    "statement",
    [
        "set role tw_buyer", "set role tw_owner", "set session authorization tw_buyer",
        "create table public.mine (x int)", "create temporary table mine (x int)", "create schema mine",
        "create function public.f() returns int language sql as 'select 1'",
        "alter table directory_person disable row level security",
        "alter table directory_person no force row level security",
        "drop policy supplier on directory_person", "create policy mine on directory_person using (true)",
        "alter role tw_supplier bypassrls", "set session_replication_role = replica",
        "copy directory_company to program 'true'",
        "select pg_read_file('postgresql.conf')", "select * from pg_authid", "select passwd from pg_shadow",
    ],
)  # fmt: skip
def test_a_supplier_cannot_change_the_rules(filled: Filled, statement: str) -> None:
    with filled.as_supplier() as connection:
        error = attempt(connection, statement.encode())
        assert isinstance(error, (Refused, psycopg.errors.InvalidParameterValue)), error


def test_row_security_switched_off_is_an_error_and_no_rows(filled: Filled) -> None:
    with filled.as_supplier() as connection:
        for table, _ in tables_with(connection, "select"):
            connection.execute("set local row_security = off")
            error = attempt(connection, f'select 1 from "{table}"')
            assert isinstance(error, Refused), table


# --- the other logins


def test_each_login_has_what_is_declared_and_nothing_more(filled: Filled) -> None:
    connection = filled.rows.connection
    for table, rights in declared_tables().items():
        for login in WEB_LOGINS:
            declared = {verb.split("(")[0] for verb in rights.verbs(login)}
            granted = {verb for verb in VERBS if may(connection, table, verb, login.role)}
            assert granted == declared, (table, login)
            for verb in ("truncate", "references", "trigger"):
                query = "select has_table_privilege(%s, %s, %s)"
                assert connection.execute(query, [login.role, f'"{table}"', verb]).fetchone() == (False,), (table, verb)


@pytest.mark.parametrize("login", [Login.BUYER, Login.WORKER, Login.IDENTITY])
def test_what_is_private_to_a_supplier_is_closed_to_all_others(filled: Filled, login: Login) -> None:
    private = [table for table, rights in declared_tables().items() if rights.zone is Zone.PRIVATE]
    assert private
    refuses(filled, login, private)


@pytest.mark.parametrize("login", [Login.BUYER, Login.WORKER, Login.SUPPLIER])
def test_accounts_and_sessions_are_closed_to_all_but_sign_in(filled: Filled, login: Login) -> None:
    secret = [table for table, rights in declared_tables().items() if rights is IDENTITY_ONLY]
    assert {"kernel_account", "django_session", "account_emailaddress", "mfa_authenticator"} <= set(secret)
    refuses(filled, login, secret)


def refuses(filled: Filled, login: Login, tables: list[str]) -> None:
    viewer = {Login.BUYER: filled.world["administrator"], Login.WORKER: filled.world.worker}.get(
        login, filled.world["a administrator"]
    )
    with filled.template.connect(login.alias) as connection:
        announce(connection, viewer.person, str(viewer.company), "{}")
        for table in tables:
            column = plain_column(filled, table)
            values = filled.new(table, "mine")
            assert isinstance(put(connection, table, values), Refused), table
            for query in (
                'select 1 from {t}', 'select count({c}) from {t}', 'update {t} set {c} = {c}', 'delete from {t}',
            ):  # fmt: skip
                text = sql.SQL(query).format(t=sql.Identifier(table), c=sql.Identifier(column))
                error = attempt(connection, text)
                assert isinstance(error, Refused), (table, query)
        connection.rollback()


def test_the_test_runs_as_plain_logins(filled: Filled) -> None:
    """A superuser's connection would pass every reading test above for the wrong reason, or fail none of them."""
    with filled.as_supplier() as connection:
        assert connection.execute("select current_user::text, session_user::text").fetchone() == ("tw_supplier",) * 2
        row = connection.execute(
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
    assert row == (False,)
    assert connections[Login.OWNER.alias].settings_dict["USER"] == "tw_owner"
