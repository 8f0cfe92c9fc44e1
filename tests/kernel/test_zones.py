"""The zones hold in the database itself, for every table, whatever a program does."""

from __future__ import annotations

import psycopg
import pytest

from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.directory.models import Company, Person, Segment, Support
from tierwise.kernel.viewer import UnscopedRead, viewer_scope
from tierwise.kernel.zones import Login, Zone, declared_tables

pytestmark = pytest.mark.database


def test_every_table_is_declared(database: Template) -> None:
    with database.connect("owner") as connection:
        found = {row[0] for row in connection.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert found == set(declared_tables())


def test_outside_a_scope_nothing_is_read(world: World) -> None:
    with pytest.raises(UnscopedRead):
        Segment.objects.count()


def test_a_supplier_sees_its_own_company_people_and_supports(world: World) -> None:
    with viewer_scope(world["a planner"]):
        assert [c.code for c in Company.objects.all()] == ["A"]
        assert {p.company_id for p in Person.objects.all()} == {world.suppliers["A"]}
        assert Support.objects.count() == 3


def test_a_supplier_login_has_no_way_to_internal_tables(database: Template, world: World) -> None:
    internal = [name for name, rights in declared_tables().items() if rights.zone is Zone.INTERNAL]
    assert len(internal) > 10
    with database.connect(Login.SUPPLIER.alias) as connection:
        for table in internal:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f'select 1 from "{table}"')


def test_nobody_announced_sees_nothing(database: Template, world: World) -> None:
    for login in (Login.SUPPLIER, Login.BUYER, Login.WORKER):
        with database.connect(login.alias) as connection:
            for table, rights in declared_tables().items():
                if rights.zone in {Zone.IDENTITY, Zone.MACHINERY} or "select" not in rights.verbs(login):
                    continue
                assert connection.execute(f'select count(*) from "{table}"').fetchone() == (0,), (login, table)


def test_logins_are_members_of_nothing_and_own_nothing(database: Template) -> None:
    with database.connect("owner") as connection:
        members = connection.execute(
            "select m.rolname from pg_auth_members a join pg_roles m on m.oid = a.member where m.rolname like 'tw\\_%'"
        ).fetchall()
        flagged = connection.execute(
            "select rolname from pg_roles where rolname like 'tw\\_%' and (rolsuper or rolbypassrls or rolinherit)"
        ).fetchall()
    assert members == []
    assert flagged == []
