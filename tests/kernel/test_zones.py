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


def test_a_prepared_plan_of_a_connection_serves_each_viewer_with_its_own_rows(database: Template, world: World) -> None:
    """Policies read who is announced when they run: what a connection of the pool has planned for one viewer, and keeps
    as a generic plan, shows the next viewer its own rows, and nobody's to nobody."""
    asked = "select supplier_id from directory_support where id <> %s"
    with database.connect(Login.SUPPLIER.alias) as connection:
        connection.execute("set plan_cache_mode = force_generic_plan")
        connection.commit()
        for _ in range(4):
            for name in ("a planner", "b planner"):
                viewer = world[name]
                held = "{" + ",".join(str(segment) for segment in viewer.segments) + "}"
                for setting, value in (("person", viewer.person), ("company", viewer.company), ("segments", held)):
                    connection.execute("select set_config(%s, %s, true)", [f"tw.{setting}", str(value)])
                seen = connection.execute(asked, [viewer.person], prepare=True).fetchall()
                assert {row[0] for row in seen} == {viewer.company}
                connection.commit()
                assert connection.execute(asked, [viewer.person], prepare=True).fetchall() == []
                connection.commit()
        kept = connection.execute("select sum(generic_plans) from pg_prepared_statements").fetchone()
    assert kept is not None
    assert int(str(kept[0])) >= 16


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
