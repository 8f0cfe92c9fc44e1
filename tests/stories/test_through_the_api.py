"""The main job through the machines' door alone, beside the same job by what pages call: equal but for the door.

Facts come in, segments are chosen, planned and applied, suppliers agree, what they may know is published, their
deliveries are scored, they answer, a dispute is ruled, the scorecard restated, and the next cycle goes on from there.
What the worker does by itself belongs to neither door.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
import yaml

from api.conftest import Machine, machine
from fixtures.worlds import NOW, World
from modules.segmentation.small_company import DEMAND as BOUGHT
from modules.segmentation.small_company import MAPPING, MASTERS, ON, PRICE, SCHEME, bring, months, ticking
from tierwise.collaboration.agree.actions import Offer, accept_agreement, offer_agreement
from tierwise.collaboration.agree.queries import agreement
from tierwise.collaboration.agree.records import DataSharingTerms, Wording
from tierwise.collaboration.publish import shared
from tierwise.collaboration.publish.actions import acknowledge_publication
from tierwise.collaboration.publish.models import Publication, PublicationReply, PublishedMeasure
from tierwise.collaboration.publish.records import PublicationKind
from tierwise.collaboration.resolve.actions import dispute_line, rule_case
from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.collaboration.resolve.records import Claim, DisputeReason, ExclusionReason, Ruling
from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support
from tierwise.directory.records import Involvement, SupportState
from tierwise.kernel import rates
from tierwise.kernel.clock import today
from tierwise.kernel.cycle import run_cycle
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import Door, Role, viewer_scope
from tierwise.lake import queries as lake
from tierwise.lake.jobs import Pushed, import_records
from tierwise.modules.segmentation import queries as segmentation
from tierwise.modules.segmentation.actions import apply_plan, file_plan, write_scheme
from tierwise.modules.segmentation.records import read_scheme

pytestmark = [pytest.mark.database, pytest.mark.slow]
FIELDS = ("demand", "order_forecast", "scorecard", "scorecard_lines")
WHY, VERDICT = "The gate was closed on the day we arrived.", "Our gate log says so too."
LATE = ("PO-00", "PO-07", "PO-14")


def purchases() -> tuple[list[dict[str, str | None]], list[dict[str, str | None]]]:
    """Wheels of supplier A, due in May and June; three of twenty came late."""
    lines: list[dict[str, str | None]] = []
    receipts: list[dict[str, str | None]] = []
    for number in range(20):
        due = date(2025, 5, 5) + timedelta(days=2 * number)
        order = f"PO-{number:02}"
        came = due + timedelta(days=6 if order in LATE else 0)
        lines.append({"order": order, "line": "1", "supplier": "A", "item": "WHEEL", "site": "MAIN", "quantity": "10",
                      "ordered_on": "2025-04-01", "requested_on": due.isoformat(), "state": "closed"})  # fmt: skip
        receipts.append({"order": order, "line": "1", "arrived_on": came.isoformat(), "posted_on": came.isoformat(),
                         "quantity": "10"})  # fmt: skip
    return lines, receipts


@dataclass
class Pages:
    """The job by the actions that pages call, as the people who sit before them."""

    world: World
    folder: Path

    def bring_facts(self) -> None:
        bring(self.world, self.folder)
        lines, receipts = purchases()
        for table, rows in (("purchase_line", lines), ("receipt", receipts)):
            import_records(self.world["manager"], table, pl.DataFrame(rows), Pushed("erp"))

    def choose(self) -> None:
        buyer, document = self.world["manager"], read_scheme(SCHEME)
        planned = segmentation.plan_scheme(buyer, document, ON)
        plan = file_plan(buyer, write_scheme(buyer, SCHEME), planned)
        apply_plan(buyer, plan, planned.fingerprint)

    def agree(self) -> None:
        buyer, world = self.world["manager"], self.world
        for one in directory.supports(buyer, state=SupportState.PROPOSED):
            confirm_support(buyer, one.id, Involvement.ADVISORY)
        said = Wording(DataSharingTerms(fields=FIELDS), date(2025, 1, 1))
        made = offer_agreement(buyer, Offer(world.suppliers["A"], world.segments["PREM"], "Data sharing", said))
        accept_agreement(world["a administrator"], agreement(buyer, made).latest.version_id)

    def reply(self) -> UUID:
        me = self.world["a administrator"]
        card = shared.my_publications(me, kind=PublicationKind.SCORECARD, current=True)[0]
        lines = shared.my_lines(me, card.id).filter(~pl.col("otif").fill_null(value=True)).sort("order", "line")
        acknowledge_publication(me, card.id, "Read.")
        return dispute_line(me, UUID(lines["id"][0]), Claim(DisputeReason.NOT_OUR_FAULT, WHY))

    def rule(self, case: UUID) -> None:
        ruling = Ruling(True, VERDICT, excluded=ExclusionReason.BUYER_CAUSED)
        rule_case(self.world["manager"], case, ruling)


@dataclass
class Api:
    """The same through requests alone; whatever an answer does not tell stays unknown."""

    buyer: Machine
    supplier: Machine

    def bring_facts(self) -> None:
        for table, rows in extracted().items():
            answer = self.buyer.post(f"/facts/{table}", {"source": "erp", "records": rows})
            assert json.loads(answer.content)["state"] == "imported", (table, answer.content)

    def choose(self) -> None:
        number = _made(self.buyer.post("/schemes", {"document": SCHEME}))["number"]
        plan = _made(self.buyer.post(f"/schemes/{number}/plans", {"effective_on": ON.isoformat()}))
        body = {"fingerprint": self.buyer.read(f"/plans/{plan['id']}")["fingerprint"]}
        assert self.buyer.post(f"/plans/{plan['id']}/application", body).status_code == 200

    def agree(self) -> None:
        for one in self.buyer.read("/supports?state=proposed")["items"]:
            where = f"/supports/{one['id']}"
            self.buyer.change("POST", where, f"{where}/confirmation", {"involvement": "advisory"})
        company = self.supplier.read("/me")["company"]
        segment = next(one["id"] for one in self.buyer.read("/segments") if one["code"] == "PREM")
        offer = {"supplier": company, "segment": segment, "title": "Data sharing", "terms": {"fields": list(FIELDS)},
                 "valid_from": "2025-01-01"}  # fmt: skip
        made = _made(self.buyer.post("/agreements", offer))
        where = f"/agreements/{made['id']}"
        offered = self.supplier.read(where)
        done = self.supplier.change("POST", where, f"{where}/acceptance", {"version": _latest(offered)})
        assert done.status_code == 200, done.content

    def reply(self) -> UUID:
        card = self.supplier.read("/publications?kind=scorecard")["items"][0]
        where = f"/publications/{card['id']}"
        lines = self.supplier.read(f"{where}/lines?limit=500")["items"]
        late = next(one for one in lines if one["otif"] is False)
        self.supplier.change("POST", where, f"{where}/acknowledgement", {"comment": "Read."})
        claim = {"reason": "not_our_fault", "text": WHY}
        opened = _made(self.supplier.post(f"/lines/{late['id']}/dispute", claim, Idempotency_Key=late["id"]))
        return UUID(opened["case"]["id"])

    def rule(self, case: UUID) -> None:
        ruling = {"upheld": True, "text": VERDICT, "excluded": "buyer_caused"}
        answer = self.buyer.change("POST", f"/cases/{case}", f"/cases/{case}/ruling", ruling)
        assert answer.status_code == 200, answer.content


def _made(answer: Any) -> Any:
    assert answer.status_code == 201, answer.content
    return json.loads(answer.content)


def _latest(offered: dict[str, Any]) -> str:
    return next(str(one["version_id"]) for one in offered["versions"] if one["state"] == "offered")


def extracted() -> dict[str, list[dict[str, str | None]]]:
    """The rows that the mapping makes of the small company's files, as an ERP that knows our tables sends them."""
    found: dict[str, list[dict[str, str | None]]] = {}
    for table, block in yaml.safe_load(MAPPING)["tables"].items():
        rows = csv.DictReader(io.StringIO(MASTERS.get(block["from"], _demand())))
        found[table] = [
            {name: origin["constant"] if isinstance(origin, dict) else row[origin] for name, origin in
             block["columns"].items()}
            for row in rows
        ]  # fmt: skip
    lines, receipts = purchases()
    names = list(dict.fromkeys([*found["purchase_line"][0], *lines[0]]))
    found["purchase_line"] = [{name: row.get(name) for name in names} for row in [*found["purchase_line"], *lines]]
    return found | {"receipt": receipts}


def _demand() -> str:
    customers = {"KEY": "K1", "SMALL": "K2"}
    rows = ["order,item,customer,day,quantity,revenue"]
    rows += [
        f"{item}/{group}/{day:%y%m},{item},{customers[group]},{day.replace(day=5)},{units},{units * PRICE}"
        for (item, group), units in BOUGHT.items()
        for day in months()
    ]
    return "\n".join(rows) + "\n"


PEOPLE = {"manager": "buyer", "administrator": "buyer", "a administrator": "supplier"}
"""A token acts in the name of the administrator who made it, in the role that it was given."""


def left_behind(world: World) -> dict[str, Any]:
    """Everything the job left, without ids, instants and the imports' own entries."""
    names = {world[n].person: side for n, side in PEOPLE.items()}
    codes = {company: code for code, company in world.suppliers.items()}
    with viewer_scope(world.worker):
        entries = AuditEntry.objects.filter(person__in=names).exclude(action__in=("import_extract", "make_token"))
        return {
            "audit": sorted((e.action, e.outcome, names[e.person], e.role, e.subject_kind, e.count) for e in entries),
            "segments": sorted(lake.facts(world.worker, "assignment").drop("known_from", "known_to").collect().rows()),
            "demand": facts_of(world, "demand"),
            "purchases": facts_of(world, "purchase_line"),
            "supports": sorted(
                (codes[s.supplier], s.shown_code, s.state.value, s.involvement.value if s.involvement else "")
                for s in directory.supports(world.worker)
            ),
            "publications": sorted(
                Publication.objects.values_list("kind", "title", "period_start", "period_end", "segment__code")
            ),
            "measures": sorted(
                PublishedMeasure.objects.values_list("publication__title", "measure", "value", "n", "standing")
            ),
            "replies": list(PublicationReply.objects.values_list("reply", "comment")),
            "cases": list(Case.objects.values_list("reason", "text", "state", "number", "order", "line")),
            "timeline": list(CaseEntry.objects.order_by("at", "id").values_list("side", "what", "text")),
        }  # fmt: skip


def facts_of(world: World, table: str) -> list[tuple[Any, ...]]:
    rows = lake.facts(world.worker, table).drop("known_from", "known_to").collect()
    return sorted(rows.rows(), key=str)


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    rates.forget()
    yield
    rates.forget()


def by_pages(world: World, folder: Path) -> Pages:
    return Pages(world, folder / "extract")


def by_api(world: World, folder: Path) -> Api:
    del folder
    return Api(machine(world["administrator"], Role.CATEGORY_MANAGER), machine(world["a administrator"]))


DOORS: dict[Door, Callable[[World, Path], Pages | Api]] = {Door.SCREEN: by_pages, Door.API: by_api}
WANTED: dict[str, Any] = {}


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_main_job_leaves_the_same_record_through_either_door(world: World, tmp_path: Path, door: Door) -> None:
    with ticking():
        way = DOORS[door](world, tmp_path)
        way.bring_facts()
        way.choose()
        run_cycle(world.worker, today())
        way.agree()
        run_cycle(world.worker, today())
    with ticking(NOW + timedelta(hours=1)):
        case = way.reply()
        way.rule(case)
        while deliver(world.worker):
            pass
    with ticking(NOW + timedelta(days=1)):
        run_cycle(world.worker, today())
    left = left_behind(world)
    assert {kind for kind, *_ in left["publications"]} == {"demand", "scorecard"}
    assert left["cases"][0][:3] == ("not_our_fault", WHY, "upheld")
    assert left == WANTED.setdefault("record", left)
    with viewer_scope(world.worker):
        acted = AuditEntry.objects.filter(person__in=[world[name].person for name in PEOPLE])
        doors = set(acted.exclude(action="make_token").values_list("door", flat=True))
    assert doors == {door.value}
