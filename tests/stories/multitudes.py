"""Ten thousand of whatever a page lists, filled into a world, and the pages that list it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import polars as pl
import psycopg
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone

from collaboration.scenes import lines_frame, offered, scored
from directory.signing_in import signed_in
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
