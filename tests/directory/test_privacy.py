"""What is a supplier's own: closed to the buyer but by a broken glass that it is told of, and its to take away."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.core import mail

from collaboration.scenes import at_once, entries
from directory.signing_in import signed_in
from fixtures.databases import Template
from fixtures.rows import Owner, Rows
from fixtures.worlds import World
from tierwise.directory.models import Invitation
from tierwise.directory.privacy import break_glass, close_glass, export_own, glasses, look_behind_glass, note_glass
from tierwise.directory.redacting import Passage, find_text, redact_text
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.clock import now
from tierwise.kernel.glass import look, private_models
from tierwise.kernel.ids import uuid7
from tierwise.kernel.retention import kept_tables, purge
from tierwise.kernel.viewer import Viewer
from tierwise.kernel.zones import Login, Zone, declared_tables

pytestmark = pytest.mark.database
WHY = "A parts recall: we must know whether a draft names the lot."
SECRET = "Lot 4711 of Nia New is the bad one"


def put(database: Template, table: str, supplier: UUID, segment: UUID, tag: int, **given: object) -> UUID:
    """A row of a supplier's with the rows it refers to, as the superuser."""
    name = database.runtime.admin_conninfo(str(_name()))
    with psycopg.connect(name, autocommit=True) as connection:
        rows = Rows(connection)
        owner = Owner(supplier, segment, tag)
        rows.put(table, owner)
        values = rows.values(table, owner)
        for column, value in given.items():
            connection.execute(f'update "{table}" set {column} = %s where id = %s', [value, values["id"]])  # type: ignore[arg-type]
        return UUID(str(values["id"]))


def _name() -> object:
    from django.db import connections

    return connections["owner"].settings_dict["NAME"]


@pytest.fixture
def draft(world: World, database: Template) -> UUID:
    return put(database, "resolve_casedraft", world.suppliers["A"], world.segments["STD"], 21, text=SECRET)


def rows_of(tables: object) -> str:
    return str(tables)


def test_closed_until_broken_open_for_a_time_and_told(world: World, draft: UUID) -> None:
    actor, supplier = world["administrator"], world.suppliers["A"]
    with pytest.raises(Stale):
        look_behind_glass(actor, supplier)
    assert SECRET not in rows_of(look(actor, supplier))
    break_glass(actor, supplier, WHY, 4)
    assert SECRET in rows_of(look_behind_glass(actor, supplier))
    assert [m.to for m in mail.outbox] == [["a.administrator@example.com"]]
    assert WHY in mail.outbox[0].body
    assert WHY in signed_in(world["a administrator"]).text("/portal/")
    assert WHY in signed_in(world["a planner"]).text("/portal/company/")
    assert WHY not in signed_in(world["b administrator"]).text("/portal/company/")
    assert entries(world, "break_glass") == 1
    assert entries(world, "look_behind_glass") == 1
    close_glass(actor, supplier)
    assert SECRET not in rows_of(look(actor, supplier))
    with pytest.raises(Stale):
        close_glass(actor, supplier)


def test_the_database_holds_to_person_supplier_and_time(world: World, database: Template, draft: UUID) -> None:
    put(database, "resolve_casedraft", world.suppliers["B"], world.segments["STD"], 22, text="theirs alone")
    break_glass(world["administrator"], world.suppliers["A"], WHY, 1)
    stranger = Viewer(uuid7(), world.host, world["administrator"].role)
    assert SECRET not in rows_of(look(stranger, world.suppliers["A"]))
    assert "theirs alone" not in rows_of(look(world["administrator"], world.suppliers["B"]))
    with psycopg.connect(database.runtime.admin_conninfo(str(_name())), autocommit=True) as connection:
        connection.execute(
            "update kernel_brokenglass set opened_at = now() - interval '2 hours', until = now() - interval '1 second'"
        )
    assert SECRET not in rows_of(look(world["administrator"], world.suppliers["A"]))


def test_the_glass_login_can_nothing_else(database: Template, world: World) -> None:
    with database.connect(Login.GLASS.alias) as connection:
        for table, rights in declared_tables().items():
            for verb in ("select", "insert", "update", "delete"):
                may = connection.execute("select has_table_privilege(%s, %s)", [f'"{table}"', verb]).fetchone()
                reads = verb == "select" and (rights.zone is Zone.PRIVATE or table == "kernel_brokenglass")
                assert may == (reads,), (table, verb)
    assert private_models()


@pytest.mark.parametrize("who", ["planner", "manager", "viewer", "a administrator"])
def test_only_the_buyers_administrator_breaks_it(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        break_glass(world[who], world.suppliers["A"], WHY, 1)


def test_what_breaking_it_asks_for(world: World) -> None:
    actor, supplier = world["administrator"], world.suppliers["A"]
    for reason, hours in (("because", 1), (WHY, 0), (WHY, 25)):
        with pytest.raises(Invalid):
            break_glass(actor, supplier, reason, hours)
    for other in (world.host, uuid7()):
        with pytest.raises(NotFound):
            break_glass(actor, other, WHY, 1)
    results = at_once(*[lambda: break_glass(actor, supplier, WHY, 1)] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1


def test_the_supplier_notes_that_it_has_read(world: World) -> None:
    made = break_glass(world["administrator"], world.suppliers["A"], WHY, 1)
    with pytest.raises(NotAllowed):
        note_glass(world["a planner"], made)
    with pytest.raises(NotFound):
        note_glass(world["b administrator"], made)
    results = at_once(*[lambda: note_glass(world["a administrator"], made)] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1
    assert glasses(world["administrator"], world.suppliers["A"])[0].seen_at is not None
    assert WHY not in signed_in(world["a administrator"]).text("/portal/")


def test_the_page_opens_and_closes(world: World, draft: UUID) -> None:
    desk, here = signed_in(world["administrator"]), f"/desk/suppliers/{world.suppliers['A']}/private"
    assert SECRET not in desk.text(here)
    assert desk.post(here, reason="short", hours="1").status_code == 422
    assert desk.post(here, reason=WHY, hours="1").status_code == 302
    assert SECRET in desk.text(here)
    desk.post(here, close="yes")
    assert SECRET not in desk.text(here)
    assert signed_in(world["planner"]).get(here).status_code == 403


# the export


def test_everything_of_the_supplier_and_nothing_of_anybody_else(world: World, database: Template, draft: UUID) -> None:
    put(database, "resolve_casedraft", world.suppliers["B"], world.segments["STD"], 22, text="=theirs alone")
    answer = signed_in(world["a administrator"]).post("/portal/company/take-away")
    assert answer.headers["Content-Type"] == "application/zip"
    body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    answer.close()
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        texts = {name: package.read(name).decode() for name in package.namelist()}
    assert SECRET in texts["tables/resolve_casedraft.csv"]
    assert json.loads(texts["tables/resolve_casedraft.json"])[0]["text"] == SECRET
    people = list(csv.DictReader(io.StringIO(texts["tables/directory_person.csv"])))
    assert {one["email"].split("@")[0] for one in people} == {"a.administrator", "a.planner", "a.viewer"}
    whole = "".join(texts.values())
    assert "theirs alone" not in whole
    assert str(world.suppliers["B"]) not in whole
    assert "resolve_casedraft: 1" in texts["README.txt"]
    assert entries(world, "export_own") == 1


@pytest.mark.parametrize("who", ["a planner", "a viewer", "administrator"])
def test_only_the_suppliers_administrator_takes_it_away(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        export_own(world[who])


# redaction


@pytest.fixture
def case(world: World, database: Template) -> UUID:
    text = f"We saw it. {SECRET}. Nia New knows."
    return put(database, "resolve_case", world.suppliers["A"], world.segments["STD"], 31, text=text)


def passage(world: World, words: str = "Nia New") -> Passage:
    found = next(one for one in find_text(world["administrator"], words) if one.table == "resolve_case")
    return Passage(found.table, found.row, found.field, words, found.digest)


def test_words_are_taken_out_for_both_companies_and_a_mark_stays(world: World, case: UUID, database: Template) -> None:
    asked = passage(world)
    after = redact_text(world["administrator"], asked, "Asked for by the person")
    assert "Nia New" not in after
    assert after.count("[redacted ") == 2
    assert find_text(world["administrator"], "nia new") == []
    with psycopg.connect(database.runtime.admin_conninfo(str(_name()))) as connection:
        kept = connection.execute("select before, after, reason from directory_redaction").fetchone()
    assert kept is not None
    assert kept[0] == asked.digest
    assert kept[1] != kept[0]
    with pytest.raises(Stale):
        redact_text(world["administrator"], asked, "Again")


@pytest.mark.parametrize("who", ["planner", "a administrator", "viewer"])
def test_only_administrators_redact(world: World, case: UUID, who: str) -> None:
    asked = passage(world)
    with pytest.raises(NotAllowed):
        redact_text(world[who], asked, "Asked for")


def test_what_cannot_be_redacted(world: World, case: UUID) -> None:
    asked, actor = passage(world), world["administrator"]
    for wrong in (
        Passage("directory_person", case, "name", "Nia", "x"),
        Passage("resolve_case", uuid7(), "text", "Nia", "x"),
    ):
        with pytest.raises(NotFound):
            redact_text(actor, wrong, "Asked for")
    for words, reason in (("No such words", "Asked for"), ("Nia New", ""), ("Nia New", "Nia New asked")):
        with pytest.raises(Invalid):
            redact_text(actor, Passage(asked.table, asked.row, asked.field, words, asked.digest), reason)
    results = at_once(*[lambda: redact_text(actor, asked, "Asked for")] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1


def test_the_page_finds_and_redacts(world: World, case: UUID) -> None:
    desk = signed_in(world["administrator"])
    assert "knows" in desk.text("/desk/privacy/", words="nia new")
    asked = passage(world)
    given = {"table": asked.table, "row": str(asked.row), "field": asked.field, "digest": asked.digest}
    assert desk.post("/desk/privacy/redact", words="Nia New", reason="Asked for", **given).status_code == 302
    assert "Nobody wrote these words" in desk.text("/desk/privacy/", words="Nia New")


# retention


def test_every_table_says_how_long_it_is_kept_and_why(world: World) -> None:
    kept = {one.table: one for one in kept_tables()}
    assert set(kept) >= {name for name, rights in declared_tables().items() if rights.zone is Zone.SHARED}
    assert all(one.basis for one in kept.values())
    assert kept["kernel_auditentry"].days is None
    assert kept["directory_invitation"].days == 90


def test_what_was_kept_long_enough_goes_and_the_rest_stays(world: World) -> None:
    person = world["a planner"]
    for age in (89, 91):
        Invitation.objects.using("default").create(
            company_id=person.company, person_id=person.person, digest=str(age), expires_at=now() - timedelta(days=age)
        )
    assert purge(world.worker) == {"directory_invitation": 1}
    assert [one.digest for one in Invitation.objects.using("default").all()] == ["89"]
    assert purge(world.worker) == {}
