"""The scope of a viewer: what it announces, gives back and keeps apart."""

from __future__ import annotations

import contextvars
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connections, transaction

from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.directory.models import Company, Segment, Support
from tierwise.kernel.ids import uuid7
from tierwise.kernel.pooled.base import Planned
from tierwise.kernel.viewer import Lapsed, Role, Side, UnscopedRead, Viewer, current_viewer, literal, viewer_scope
from tierwise.modules.segmentation.models import Pin

pytestmark = pytest.mark.database


def seen() -> set[str]:
    return set(Company.objects.values_list("code", flat=True))


def announced(alias: str) -> tuple[str, ...]:
    query = "select current_setting('tw.person', true), current_setting('tw.company', true)"
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return tuple(value or "" for value in cursor.fetchone())


def test_a_scope_begins_and_ends(world: World) -> None:
    assert current_viewer() is None
    with viewer_scope(world["a planner"]):
        assert current_viewer() == world["a planner"]
        assert seen() == {"A"}
    assert current_viewer() is None
    with pytest.raises(UnscopedRead):
        seen()
    assert announced("supplier") == ("", "")


def test_the_same_viewer_joins(world: World) -> None:
    with viewer_scope(world["a planner"]), viewer_scope(replace(world["a planner"])):
        assert connections["supplier"].savepoint_ids == []
        assert seen() == {"A"}


def test_another_viewer_inside_gives_back(world: World) -> None:
    with viewer_scope(world["a planner"]):
        with viewer_scope(world["b planner"]):
            assert seen() == {"B"}
            with viewer_scope(world["a viewer"]):
                assert seen() == {"A"}
            assert seen() == {"B"}
        assert seen() == {"A"}
        assert announced("supplier") == (str(world["a planner"].person), str(world.suppliers["A"]))


def test_a_scope_of_the_other_side_in_between_changes_nothing(world: World) -> None:
    """Supplier, buyer, other supplier: the two suppliers share a connection though one scope lies between them."""
    with viewer_scope(world["a planner"]):
        with viewer_scope(world["planner"]):
            assert seen() == {"HOST", "A", "B"}
            with viewer_scope(world["b planner"]):
                assert seen() == {"B"}
            assert seen() == {"HOST", "A", "B"}
        assert seen() == {"A"}


def test_a_failed_scope_gives_back_too(world: World) -> None:
    with viewer_scope(world["a planner"]):
        with pytest.raises(DatabaseError), viewer_scope(world["b planner"]):
            Segment.objects.count()
        assert seen() == {"A"}
        with pytest.raises(RuntimeError, match="stop"), viewer_scope(world["b planner"]):
            raise RuntimeError("stop")
        assert seen() == {"A"}


def test_a_transaction_around_a_scope_is_left_with_nobody(world: World) -> None:
    with transaction.atomic(using="supplier"):
        with viewer_scope(world["a planner"]):
            assert seen() == {"A"}
        assert announced("supplier") == ("", "")


def test_a_failure_undoes_what_was_written(world: World) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        rename_and_stop(world)
    with viewer_scope(world["planner"]):
        assert Segment.objects.get(code="STD").name == "Standard"


def rename_and_stop(world: World) -> None:
    with viewer_scope(world["planner"]):
        Segment.objects.filter(code="STD").update(name="Changed")
        raise RuntimeError("stop")


def test_threads_keep_their_viewers_apart(world: World) -> None:
    wrong: list[object] = []
    barrier = threading.Barrier(4)

    def look(name: str, expected: set[str]) -> None:
        try:
            for _ in range(10):
                barrier.wait(10)
                with viewer_scope(world[name]):
                    if (found := seen()) != expected:
                        wrong.append((name, found))
        except Exception as error:
            wrong.append(error)
        finally:
            connections.close_all()

    asked = [("a planner", {"A"}), ("b planner", {"B"}), ("planner", {"HOST", "A", "B"}), ("b viewer", {"B"})]
    threads = [threading.Thread(target=look, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_thread_that_inherits_a_scope_by_name_has_no_rows_by_it(world: World) -> None:
    """A copied context knows the viewer, but the thread's connection was told of nobody."""
    found: list[int] = []

    def look() -> None:
        try:
            found.append(Support.objects.count())
        finally:
            connections.close_all()

    with viewer_scope(world["a planner"]):
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(look,))
        thread.start()
        thread.join()
    assert found == [0]


def test_each_role_has_one_side() -> None:
    assert {role for role in Role if role.side is Side.WORKER} == {Role.SYSTEM}
    assert {role for role in Role if role.side is Side.SUPPLIER} == {r for r in Role if r.value.startswith("supplier")}


def test_a_supplier_without_segments_sees_its_company_and_nothing_segmented(world: World) -> None:
    bare = Viewer(world["a planner"].person, world.suppliers["A"], Role.SUPPLIER_PLANNER)
    with viewer_scope(bare):
        assert seen() == {"A"}


def test_a_scope_opens_only_upon_a_condition_that_holds(world: World) -> None:
    """Asked as the viewer, whether the scope is the outermost, joined or inside another's."""
    viewer = world["a planner"]
    alone = "(select count(*) from directory_company) = 1"
    with viewer_scope(viewer, alone), viewer_scope(viewer, alone), viewer_scope(world["b planner"], alone):
        assert seen() == {"B"}
    never = f"exists (select from directory_company where code <> {literal('A')})"
    for outer in (viewer, world["b planner"], world["planner"]):
        with viewer_scope(outer), pytest.raises(Lapsed), viewer_scope(viewer, never):
            raise AssertionError("entered")
    with pytest.raises(Lapsed), viewer_scope(viewer, never):
        raise AssertionError("entered")
    with pytest.raises(DatabaseError), viewer_scope(viewer, "there is no such condition"):
        raise AssertionError("entered")
    with viewer_scope(viewer):
        assert seen() == {"A"}


ALONE = Planned("test_alone", "text", "select not exists (select from directory_company where code <> $1)")


def test_a_condition_kept_planned_is_asked_of_each_viewer(world: World) -> None:
    """More often than the server plans anew: the plan that is kept must serve whoever is announced."""
    of_a, of_b = (replace(ALONE, values=literal(code)) for code in "AB")
    for _ in range(8):
        with viewer_scope(world["a planner"], of_a), viewer_scope(world["b planner"], of_b):
            assert seen() == {"B"}
        with viewer_scope(world["b planner"], of_b), viewer_scope(world["b planner"], of_b):
            assert seen() == {"B"}
        with pytest.raises(Lapsed), viewer_scope(world["b planner"], of_a):
            raise AssertionError("entered")
        with viewer_scope(world["a planner"], of_a):
            assert seen() == {"A"}


def test_plans_outlive_a_rollback_and_are_made_again_when_let_go(world: World) -> None:
    of_a = replace(ALONE, values=literal("A"))
    asked = "select count(*) from directory_company where code = %s"
    with viewer_scope(world["a planner"], of_a), connections["supplier"].prepared() as cursor:
        cursor.execute(asked, ["A"])
    with pytest.raises(Lapsed), viewer_scope(world["a planner"], replace(ALONE, values=literal("B"))):
        raise AssertionError("entered")
    with viewer_scope(world["a planner"], of_a), connections["supplier"].cursor() as cursor:
        cursor.execute("select count(*) from pg_prepared_statements")
        assert cursor.fetchone()[0] == 2
        cursor.execute("deallocate all")
    with viewer_scope(world["a planner"], of_a):
        assert seen() == {"A"}


def test_what_the_mapper_asks_for_a_supplier_is_planned_once_and_serves_whoever_is_announced(world: World) -> None:
    """Over rollbacks of transactions and of savepoints, and more often than the server plans anew."""

    def asked(planner: str, code: str) -> None:
        for _ in range(8):
            with viewer_scope(world[planner]):
                found = Company.objects.filter(code__in=["A", "B"]).order_by("code").values_list("code", flat=True)
                assert list(found) == [code]
                with pytest.raises(DatabaseError), transaction.atomic(using="supplier"):
                    Pin.objects.using("supplier").exists()
                transaction.set_rollback(True, using="supplier")

    asked("a planner", "A")
    asked("b planner", "B")
    kept = "select generic_plans from pg_prepared_statements where statement like 'SELECT %directory_company%'"
    with viewer_scope(world["a planner"]), connections["supplier"].cursor() as cursor:
        cursor.execute(kept)
        assert cursor.fetchall() == [(6,)]


def test_rows_come_alike_with_and_without_a_kept_plan(world: World) -> None:
    connection: Any = connections["supplier"]
    asked = "select id, code, %s::timestamptz, %s::text from directory_company where code = %s"
    moment = datetime(2026, 3, 1, 8, tzinfo=UTC)
    found = []

    def noted(execute: Any, *given: Any) -> Any:
        return execute(*given)

    with viewer_scope(world["a planner"]):
        found.extend(connection.rows(asked, [moment, None, "A"]) for _ in range(3))
        with connection.execute_wrapper(noted):
            found.append(connection.rows(asked, [moment, None, "A"]))
        with pytest.raises(DatabaseError), transaction.atomic(using="supplier"):
            connection.rows("select 1 / %s::int", [0])
        found.append(connection.rows(asked, [moment, None, "A"]))
        assert connection.rows("select 1 / %s::int", [1]) == connection.rows("select 1 / %s::int", [1])
        with pytest.raises(DatabaseError), transaction.atomic(using="supplier"):
            connection.rows("select 1 / %s::int", [0])
        found.append(connection.rows(asked, [moment, None, "A"]))
        assert not connection.rows(asked, [moment, None, "B"])
    (row,) = found[0]
    assert row[1:] == ("A", moment, None)
    assert found == [[row]] * len(found)
    with viewer_scope(world["b planner"]):
        assert not connection.rows(asked, [moment, None, "A"])
        assert len(connection.rows(asked, [moment, None, "B"])) == 1


def test_a_planned_condition_that_is_none_opens_nothing(world: World) -> None:
    wrong = replace(ALONE, name="test_wrong", text="select no_such_column")
    with pytest.raises(DatabaseError), viewer_scope(world["a planner"], wrong):
        raise AssertionError("entered")
    with viewer_scope(world["a planner"]):
        assert seen() == {"A"}


def test_a_literal_stays_one(world: World) -> None:
    text = "it's \\' a -- text'); select 1"
    with (
        viewer_scope(world["planner"], f"length({literal(text)}) = {len(text)}"),
        connections["buyer"].cursor() as cursor,
    ):
        cursor.execute(f"select {literal(text)}")
        assert cursor.fetchone()[0] == text


def test_a_preview_begins_read_only(world: World) -> None:
    shown = replace(world["a planner"], preview=True)
    with viewer_scope(shown), connections["supplier"].cursor() as cursor:
        cursor.execute("show transaction_read_only")
        assert cursor.fetchone()[0] == "on"
    with viewer_scope(world["a planner"]), connections["supplier"].cursor() as cursor:
        cursor.execute("show transaction_read_only")
        assert cursor.fetchone()[0] == "off"


def test_a_connection_that_the_server_ended_is_not_handed_out_again(database: Template, world: World) -> None:
    """As after a restart of the server: what waited in the pool is found dead without asking and replaced."""
    viewer = world["a planner"]
    with viewer_scope(viewer):
        before = connections["supplier"].connection.info.backend_pid
    connections["supplier"].close()
    with psycopg.connect(database.runtime.admin_conninfo(), autocommit=True) as superuser:
        superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'tw_supplier'")
    with viewer_scope(viewer):
        assert seen() == {"A"}
        assert connections["supplier"].connection.info.backend_pid != before


def test_a_connection_that_ends_in_use_is_told_and_replaced(database: Template, world: World) -> None:
    viewer = world["a planner"]
    with viewer_scope(viewer):
        seen()
    with psycopg.connect(database.runtime.admin_conninfo(), autocommit=True) as superuser:
        superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'tw_supplier'")
    with pytest.raises(OperationalError), viewer_scope(viewer):
        raise AssertionError("entered")
    connections["supplier"].close_if_unusable_or_obsolete()
    with viewer_scope(viewer):
        assert seen() == {"A"}


def test_instants_are_read_in_utc_by_all_cursors(world: World) -> None:
    at = datetime(2026, 3, 29, 1, 30, 0, 250, tzinfo=UTC)
    with viewer_scope(world["planner"]):
        Pin.objects.create(
            item="I", customer_group="*", region="*", channel="*", segment="STD", reason="x", pinned_by=uuid7(),
            pinned_at=at,
        )  # fmt: skip
        rows = Pin.objects.values_list("pinned_at", flat=True)
        found = [*rows, *rows.iterator(chunk_size=1)]
    assert found == [at, at]
    assert {one.tzinfo for one in found} == {UTC}
