"""Ten thousand rows of what a page lists: it asks the database no oftener, stays light, and leads on to the rest."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings as SettingsWrapper

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at, lines_frame, offered, scored
from directory.signing_in import Desk, signed_in
from fixtures.databases import Template
from fixtures.worlds import World
from modules.exchange.scenes import SUPPORTS, folder_channel
from modules.segmentation.small_company import applied, bring, planned
from tierwise.collaboration.resolve.actions import dispute_line
from tierwise.collaboration.resolve.records import Claim, DisputeReason
from tierwise.directory.models import ApiToken, Company, Invitation, Item, Person, Support
from tierwise.doors.models import DeskHandIn
from tierwise.kernel.clock import now, today
from tierwise.kernel.files import keep
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import Account, AuditEntry
from tierwise.kernel.viewer import Role, viewer_scope
from tierwise.lake import queries as lake
from tierwise.lake.actions import project
from tierwise.lake.models import ImportRun, Manifest, QuarantinedRow
from tierwise.lake.schemas import TABLES
from tierwise.modules.exchange import actions as exchange
from tierwise.modules.exchange.models import Delivery
from tierwise.modules.segmentation.models import Pin, PlannedMove, SchemePlan
from tierwise.web.pages import Column, Grid
from tierwise.web.pages.grids import WITH_PAGE

pytestmark = pytest.mark.database

MANY = 10_000
HEAVIEST = 1_000_000
SLACK = 4
"""Statements that a second page, a count or another part of a list of ids may add; a query a row would be thousands."""
LONG = "Übermäßig " * 20
NAMES = (LONG[:110], "شركة التوريد المتقدمة", "上海精密零部件有限公司", "<b>Zoë & Söhne</b>")


@dataclass
class Store:
    """The world's database, for what no action would do ten thousand times."""

    world: World
    template: Template

    def run(self, statement: str) -> str:
        name = connections["default"].settings_dict["NAME"]
        with psycopg.connect(self.template.runtime.admin_conninfo(name), autocommit=True) as connection:
            cursor = connection.execute(statement)
            found = cursor.fetchone() if cursor.description else None
        return str(found[0]) if found else ""

    def multiply(self, table: str, count: int, **changes: str) -> None:
        """Copies of a table's first row; ``changes`` are columns in SQL, in which ``n`` counts on."""
        pairs = ", ".join(f"'{name}', {value}" for name, value in {"id": "gen_random_uuid()", **changes}.items())
        self.run(f"""
            insert into {table} select made.* from (select * from {table} order by ctid limit 1) old,
            (select (select count(*) from {table}) + i as n from generate_series(1, {count}) i) numbers,
            jsonb_populate_record(null::{table}, to_jsonb(old) || jsonb_build_object({pairs})) made""")


Fill = Callable[[Store, int], None]


def people(store: Store, count: int) -> None:
    world = store.world
    actor, supplier = world["administrator"], world.suppliers["A"]
    with viewer_scope(actor):
        since = Person.objects.count()
        Person.objects.bulk_create(
            Person(
                company_id=owner, name=f"{NAMES[n % 4][:110]} {n}", email=f"{owner.hex[-8:]}.{n}@example.org", role=role
            )
            for owner, role in ((actor.company, Role.VIEWER.value), (supplier, Role.SUPPLIER_VIEWER.value))
            for n in range(since, since + count)
        )


def suppliers(store: Store, count: int) -> None:
    with viewer_scope(store.world["administrator"]):
        since = Company.objects.count()
        made = [
            Company(id=uuid7(), code=f"N{n:05}", side="supplier", name=f"{NAMES[n % 4][:110]} {n}", currency="EUR")
            for n in range(since, since + count)
        ]
        Company.objects.bulk_create(made)
        Support.objects.bulk_create(
            Support(
                supplier_id=one.id, segment_id=store.world.segments["STD"], shown_code="L", shown_name="Line",
                state="proposed" if n % 2 else "confirmed", valid_from=today(),
            )
            for n, one in enumerate(made)
        )  # fmt: skip


def items(store: Store, count: int) -> None:
    with viewer_scope(store.world["administrator"]):
        since = Item.objects.count()
        Item.objects.bulk_create(
            Item(code=f"I {n:05}/a", name=f"{NAMES[n % 4]} {n}", source="t") for n in range(since, since + count)
        )


def trail(store: Store, count: int) -> None:
    actor = store.world["administrator"]
    with viewer_scope(actor):
        AuditEntry.objects.bulk_create(
            AuditEntry(
                at=now() - timedelta(seconds=n), person=actor.person, company=actor.company, role="administrator",
                door="page", action="confirm_support", subject_kind="support", subject=str(uuid7()),
                supplier=store.world.suppliers["A"],
            )
            for n in range(count)
        )  # fmt: skip


def imports(store: Store, count: int) -> None:
    with viewer_scope(store.world.worker):
        last = Manifest.objects.order_by("-number").values_list("number", flat=True).first() or 0
        Manifest.objects.bulk_create(
            Manifest(number=last + n + 1, reason="import erp", moved_at=now() - timedelta(days=1)) for n in range(count)
        )
        ImportRun.objects.bulk_create(
            ImportRun(
                mapping="erp", fingerprint=f"{n}", began_at=now() - timedelta(minutes=n), state="unchanged",
                ended_at=now(), person=store.world["planner"].person, report={"same_files": True},
            )
            for n in range(count)
        )  # fmt: skip


def quarantine(store: Store, count: int) -> None:
    with viewer_scope(store.world.worker):
        run = ImportRun.objects.create(
            mapping="erp", fingerprint="q", began_at=now(), state="imported", ended_at=now(),
            person=store.world["planner"].person, report={"quarantined": count},
        )  # fmt: skip
        faults = [{"column": "day", "value": "2025-13-01", "why": "is no day", "remedy": "Write YYYY-MM-DD."}]
        QuarantinedRow.objects.bulk_create(
            QuarantinedRow(
                run=run, mapping="erp", mapping_file="m", place="orders", table="demand", file="orders.csv", row=n,
                key=f"PO{n}", cells={"day": "2025-13-01"}, faults=faults, state="open",
            )
            for n in range(count)
        )  # fmt: skip


def sheets(store: Store, count: int) -> None:
    with viewer_scope(store.world["planner"]):
        DeskHandIn.objects.bulk_create(
            DeskHandIn(
                person=store.world["planner"].person, list_name="open-cases", door="spreadsheet", file_name=f"{n}.xlsx",
                at=now() - timedelta(minutes=n), digest=f"{n}", state="refused",
            )
            for n in range(count)
        )  # fmt: skip


def publications(store: Store, count: int) -> None:
    _scene(store)
    store.multiply(
        "publish_publication", count, number="n", title="'Scorecard ' || n", supersedes_id="null", reply_due_at="null",
        published_at=f"'{now() - timedelta(days=30)}'::timestamptz + n * interval '1 second'",
    )  # fmt: skip


def replies(store: Store, count: int) -> None:
    """Publications that wait for the supplier's answer: its worklist."""
    _scene(store)
    later = f"'{now() + timedelta(days=5)}'::timestamptz + n * interval '1 second'"
    store.multiply("publish_publication", count, number="n", title="'Scorecard ' || n", reply_due_at=later)


def cases(store: Store, count: int) -> None:
    if found := _scene(store):
        claim = Claim(DisputeReason.DELIVERED_EARLIER, "It came earlier.", date(2025, 6, 9))
        dispute_line(store.world["a planner"], found[0], claim)
    store.multiply(
        "resolve_case", count, number="n", order="'PO-' || n", line="'10'",
        due_at=f"'{now()}'::timestamptz + n * interval '1 minute'",
        opened_at=f"'{now()}'::timestamptz - n * interval '1 minute'",
    )  # fmt: skip


def lines(store: Store, count: int) -> None:
    _scene(store)
    store.multiply("publish_publishedline", count, order="'PO-' || n")


def agreements(store: Store, count: int) -> None:
    if "offered" not in store.world.people:
        offered(store.world, "A", "STD")
        store.world.people["offered"] = store.world["planner"]
    store.multiply("agree_agreement", count, number="n", title="'Data sharing ' || n")
    store.run("""
        insert into agree_agreementversion select made.* from
        (select * from agree_agreementversion order by ctid limit 1) old, agree_agreement a,
        jsonb_populate_record(null::agree_agreementversion, to_jsonb(old)
          || jsonb_build_object('id', gen_random_uuid(), 'agreement_id', a.id)) made
        where not exists (select from agree_agreementversion v where v.agreement_id = a.id)""")


def deliveries(store: Store, count: int) -> None:
    world = store.world
    if "route" not in world.people:
        channel = folder_channel(world)
        exchange.put_route(world["administrator"], channel, SUPPORTS)
        world.people["route"] = world["administrator"]
    route = store.run("select id from exchange_route limit 1")
    with viewer_scope(world.worker):
        last = Delivery.objects.order_by("-number").values_list("number", flat=True).first() or 0
        Delivery.objects.bulk_create(
            Delivery(
                route_id=route, number=last + n + 1, send="changes", state="failed", rows=3, digest="d", content="",
                schema_version="1", queued_at=now() - timedelta(minutes=n),
            )
            for n in range(count)
        )  # fmt: skip


def tokens(store: Store, count: int) -> None:
    for who in ("administrator", "a administrator"):
        actor = store.world[who]
        with viewer_scope(actor):
            ApiToken.objects.bulk_create(
                ApiToken(
                    company_id=actor.company, person_id=actor.person, name=f"{NAMES[n % 4][:50]} {n}",
                    digest=f"{n:064}", role=actor.role.value, scopes="cases:read", made_at=now() - timedelta(seconds=n),
                    expires_at=now() + timedelta(days=30),
                )
                for n in range(count)
            )  # fmt: skip


def sessions(store: Store, count: int) -> None:
    """Of one person, of whom some ended by themselves."""
    signed_in(store.world["a administrator"])
    account = Account.objects.get(person_id=store.world["a administrator"].person)
    since = UserSession.objects.count()
    keys = [f"key{n}" for n in range(since, since + count)]
    ends = timezone.now() + timedelta(days=1)
    Session.objects.bulk_create(Session(session_key=key, session_data="", expire_date=ends) for key in keys)
    UserSession.objects.bulk_create(
        UserSession(user=account, ip="192.0.2.1", session_key=key, user_agent="Firefox/140 Linux")
        for key in [*keys, f"gone{since}"]
    )


FAULTY = UUID(int=7)


def faults_of_an_import(store: Store, count: int) -> None:
    listed = pl.DataFrame({
        "severity": "refuse", "file": "orders.csv", "row": range(count), "table": "demand", "column": "day",
        "value": "2025-13-01", "why": "is no day", "remedy": "Write YYYY-MM-DD.",
    })  # fmt: skip
    content = io.BytesIO()
    listed.write_parquet(content)
    report = {
        "source": "erp", "refusals": count, "notes": 0, "tables": [],
        "counts": [{"table": "demand", "column": "day", "why": "is no day", "severity": "refuse", "count": count}],
        "files": [{"place": "orders", "file": "orders.csv", "rows": count, "bytes": 1, "digest": "d"}],
    }  # fmt: skip
    with viewer_scope(store.world.worker):
        ImportRun.objects.update_or_create(id=FAULTY, defaults={
            "mapping": "erp", "fingerprint": "f", "began_at": now(), "ended_at": now(), "state": "refused",
            "person": store.world["planner"].person, "report": report, "issues_file": keep(content.getvalue()),
        })  # fmt: skip


def moves(store: Store, count: int) -> None:
    if "small" not in store.world.people:
        bring(store.world, Path(settings.TIERWISE_HOME) / "extract")
        planned(store.world)
        store.world.people["small"] = store.world["planner"]
    with viewer_scope(store.world["planner"]):
        plan = SchemePlan.objects.latest("planned_at")
        PlannedMove.objects.bulk_create(
            PlannedMove(
                plan=plan, item=f"I-{n}", customer_group="KEY", region="ALL", channel="direct", from_segment="TAIL",
                to_segment="PREM", reason="assigned: best", revenue=n, profit=n, units=1,
            )
            for n in range(count)
        )  # fmt: skip


def cells(store: Store, count: int) -> None:
    """Members of a segment, each pinned by hand: as many items as ever were, in one evaluation."""
    actor = store.world["manager"]
    if "live" not in store.world.people:
        bring(store.world, Path(settings.TIERWISE_HOME) / "extract")
        applied(store.world)
        store.world.people["live"] = actor
    names = pl.Series("item", [f"{NAMES[n % 4][:80]} {n}" for n in range(count)])
    spare = pl.col("item") == "SPARE"
    with viewer_scope(actor):
        copies = {}
        for name in ("cell", "assignment"):
            one = lake.facts(actor, name).select([c.name for c in TABLES[name].columns]).filter(spare).head(1).collect()
            copies[name] = one.drop("item").join(names.to_frame(), how="cross")
        project(actor, copies, frozenset(), "copies")
        Pin.objects.all().delete()
        Pin.objects.bulk_create(
            Pin(
                item=name,
                customer_group="KEY",
                region="ALL",
                channel="direct",
                segment="STD",
                reason=LONG[:200],
                pinned_by=actor.person,
            )
            for name in names
        )


def invitations(store: Store, count: int) -> None:
    """Of people who have not come yet, each asked twice."""
    people(store, count)
    ends = now() + timedelta(days=7)
    waiting = Person.objects.using("default").exclude(invitations__isnull=False)
    Invitation.objects.using("default").bulk_create(
        Invitation(company_id=who.company_id, person_id=who.id, digest=f"{who.id}{n}", expires_at=ends)
        for who in waiting for n in range(2)
    )  # fmt: skip


def _scene(store: Store) -> list[UUID]:
    """A published scorecard of supplier A and what hangs on it, once in a world; its lines."""
    if "scored" in store.world.people:
        return []
    _publication, found = scored(store.world, lines=lines_frame(3))
    store.world.people["scored"] = store.world["planner"]
    return found


LISTS: dict[Fill, list[tuple[str, str]]] = {
    people: [
        ("administrator", "/desk/people/"), ("administrator", "/desk/suppliers/{A}/people"),
        ("a administrator", "/portal/company/"),
    ],
    suppliers: [
        ("administrator", "/desk/suppliers/"), ("administrator", "/desk/"), ("administrator", "/desk/audit/"),
        ("planner", "/desk/segments/STD/?view=suppliers"), ("planner", "/desk/segments/proposals/"),
        ("planner", "/desk/agreements/offer/"), ("planner", "/desk/known/"),
    ],
    items: [("planner", "/desk/items/")],
    trail: [("administrator", "/desk/audit/")],
    imports: [("planner", "/desk/imports/"), ("planner", "/desk/imports/history/")],
    quarantine: [("planner", "/desk/imports/quarantine/")],
    sheets: [("planner", "/desk/sheets/")],
    publications: [
        ("planner", "/desk/publications/"), ("planner", "/desk/suppliers/{A}/publications/"),
        ("planner", "/desk/segments/PREM/?view=publications"), ("a planner", "/portal/scorecards/"),
        ("planner", "/desk/known/?supplier={A}&on=2025-12-31"),
    ],
    replies: [("a planner", "/portal/")],
    cases: [
        ("planner", "/desk/cases/"), ("planner", "/desk/cases/?show=all"), ("planner", "/desk/suppliers/{A}/cases/"),
        ("planner", "/desk/"), ("a planner", "/portal/cases/"),
    ],
    lines: [
        ("planner", "/desk/publications/{publication}/"), ("a planner", "/portal/publications/{publication}/"),
    ],
    agreements: [("planner", "/desk/agreements/"), ("a planner", "/portal/agreements/")],
    deliveries: [("administrator", "/desk/exchange/"), ("administrator", "/desk/")],
    tokens: [("administrator", "/desk/api-access/"), ("a administrator", "/portal/api-access/")],
    sessions: [("a administrator", "/accounts/sessions/")],
    faults_of_an_import: [("planner", f"/desk/imports/{FAULTY}/")],
    moves: [("planner", "/desk/segments/plans/{plan}/")],
    cells: [("planner", "/desk/segments/STD/")],
    invitations: [("administrator", "/desk/people/"), ("a administrator", "/portal/company/")],
}  # fmt: skip
"""What fills the world, and the pages that list it, as somebody who may see them."""


def asked(desk: Desk, path: str) -> tuple[int, HttpResponse]:
    """Statements on the logins of both sides and of sign-in, and the answer."""
    captures = [CaptureQueriesContext(connections[alias]) for alias in ("buyer", "supplier", "default")]
    for one in captures:
        one.__enter__()
    try:
        answer = desk.client.get(path)
    finally:
        for one in captures:
            one.__exit__(None, None, None)
    assert answer.status_code == 200, path
    return sum(map(len, captures)), answer


def leads_on(text: str) -> bool:
    """By a link to the next rows, a search, a name to type, a table that fetches its other rows itself, or what ends
    all others at once."""
    ways = ('rel="next"', 'name="find"', '"rest":"', '<input type="text" name="supplier"', 'value="others"')
    return any(way in text for way in ways)


@pytest.mark.parametrize("fill", LISTS, ids=lambda fill: fill.__name__)
def test_ten_thousand_rows_ask_no_oftener_stay_light_and_lead_on(
    world: World, template: Template, fill: Fill, tmp_path: Path, settings: SettingsWrapper
) -> None:
    settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, f"{tmp_path}/lake"
    with at():
        wrong = _with_very_many(Store(world, template), fill)
    assert wrong == []


def _with_very_many(store: Store, fill: Fill) -> list[str]:
    world = store.world
    fill(store, 10)
    found = store.run("select id from publish_publication limit 1")
    plan = store.run("select id from segmentation_schemeplan order by planned_at desc limit 1")
    pages = [(signed_in(world[who]), path.format(A=world.suppliers["A"], publication=found, plan=plan))
             for who, path in LISTS[fill]]  # fmt: skip
    for desk, path in pages:
        asked(desk, path)
    few = [asked(desk, path)[0] for desk, path in pages]
    fill(store, MANY)
    return [fault for (desk, path), usual in zip(pages, few, strict=True) for fault in faults(desk, path, usual)]


def faults(desk: Desk, path: str, usual: int) -> Iterator[str]:
    """What is wrong with a page of very many rows, and with the way from it to the others."""
    most, answer = asked(desk, path)
    if most > usual + SLACK:
        yield f"{path}: {most} statements, {usual} for ten rows"
    if len(answer.content) > HEAVIEST:
        yield f"{path}: {len(answer.content)} bytes"
    text = answer.content.decode()
    if not leads_on(text):
        yield f"{path}: no way on"
    if following := re.search(r'href="([^"]*[?&]after=[^"]+)"[^>]* rel="next"', text):
        again, beyond = asked(desk, following[1].replace("&amp;", "&"))
        if again > usual + SLACK:
            yield f"{path}: {again} statements for the next page"
        if beyond.content == answer.content or "Back to the first" not in beyond.content.decode():
            yield f"{path}: the next page is the same"
    if rest := re.search(r'"rest":"([^"]+)"', text):
        whole = desk.client.get(rest[1].encode().decode("unicode_escape")).json()
        if whole["count"] < MANY or "rest" in whole:
            yield f"{path}: the rest holds {whole['count']} rows"


@contextmanager
def rows_read() -> Iterator[Counter[str]]:
    """Rows that come from the database, by the table that is named first."""
    read: Counter[str] = Counter()

    def count(execute: Callable[..., object], sql: str, params: object, many: bool, context: dict[str, Any]) -> object:
        found = execute(sql, params, many, context)
        named = re.search(r'from "?([a-z_]+)"?', sql, re.IGNORECASE)
        if named and context["cursor"].description:
            read[named[1]] += context["cursor"].rowcount
        return found

    with ExitStack() as stack:
        for alias in ("buyer", "supplier", "default"):
            stack.enter_context(connections[alias].execute_wrapper(count))
        yield read


def measured(store: Store) -> None:
    """Every publication has the measures that lists show, and one that they do not."""
    store.run("""
        insert into publish_publishedmeasure select made.* from
        (select * from publish_publishedmeasure order by ctid limit 1) old, publish_publication p,
        unnest(array['otif', 'score', 'lead_time']) told(name),
        jsonb_populate_record(null::publish_publishedmeasure, to_jsonb(old)
          || jsonb_build_object('id', gen_random_uuid(), 'publication_id', p.id, 'measure', told.name)) made""")


def test_pages_read_each_row_once_and_what_stands_behind_rows_for_those_they_hold(
    world: World, template: Template, tmp_path: Path, settings: SettingsWrapper
) -> None:
    settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, f"{tmp_path}/lake"
    with at():
        _reads_once(Store(world, template))


def _reads_once(store: Store) -> None:
    for fill in (publications, replies, deliveries):
        fill(store, MANY // 5)
    measured(store)
    held = int(store.run("select count(*) from publish_publication"))
    supplier, buyer = (signed_in(store.world[who]) for who in ("a planner", "administrator"))
    for desk in (supplier, buyer):
        asked(desk, "/portal/" if desk is supplier else "/desk/")
    with rows_read() as read:
        page = asked(supplier, "/portal/scorecards/")[1]
    assert held - 10 <= read["publish_publication"] <= held + 10
    assert 2 * WITH_PAGE <= read["publish_publishedmeasure"] <= 2 * WITH_PAGE + 10
    rest = re.search(r'"rest":"([^"]+)"', page.content.decode())
    assert rest
    whole = supplier.client.get(rest[1].encode().decode("unicode_escape")).json()
    assert whole["count"] > 2 * WITH_PAGE
    assert len(whole["data"]["otif"]) == whole["count"]
    assert None not in whole["data"]["otif"]
    with rows_read() as read:
        asked(supplier, "/portal/")
    assert MANY // 5 <= read["publish_publication"] <= MANY // 5 + 10
    assert read["publish_publicationreply"] < 10
    with rows_read() as read:
        asked(buyer, "/desk/")
    # Its rows to decide are counted within the statement, so their table is named first.
    told = read["exchange_delivery"] + read["exchange_refusedrow"]
    assert MANY // 5 <= told <= MANY // 5 + 10


@pytest.mark.parametrize("name", NAMES)
def test_long_and_foreign_names_are_found_and_shown_as_text(world: World, template: Template, name: str) -> None:
    people(Store(world, template), 240)
    text = signed_in(world["administrator"]).text("/desk/people/", find=name[:20])
    assert "60 of 60 shown" in text
    assert "<b>Zoë" not in text


def test_among_very_many_a_name_is_typed_and_must_say_whom(world: World, template: Template) -> None:
    suppliers(Store(world, template), 300)
    desk = signed_in(world["planner"])
    page = "/desk/known/"
    assert "names hold" in desk.text(page, supplier="Übermäßig", on="2025-07-01")
    assert "Nobody here is called" in desk.text(page, supplier="Xylophon", on="2025-07-01")
    found = desk.text(page, supplier="supplier a", on="2025-07-01")
    assert "Publications received by then" in found
    by_id = desk.text(page, supplier=str(world.suppliers["A"]), on="2025-07-01")
    assert 'value="Supplier A"' in by_id


def test_a_frame_and_rows_are_cut_alike() -> None:
    rows = [{"a": n} for n in range(1500)]
    for given in (rows, pl.DataFrame(rows)):
        cut = Grid("g", [Column("a", "A", "quantity")], given)
        assert '"count":1000,"all":1500,"rest":"/x"' in cut.payload("/x")
        assert '"count":1500' in cut.payload()
    edited = Grid("g", [Column("a", "A", "quantity", editable=True)], rows, key="a")
    assert '"rest"' not in edited.payload("/x")
