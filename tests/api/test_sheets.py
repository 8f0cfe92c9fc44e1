"""Spreadsheets through the machines' door: downloaded, filled in, handed in, refused cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.http import HttpResponse

from api.conftest import Machine, handed_in, machine
from collaboration.scenes import at, scored
from doors.filling import cell, comments, filled
from fixtures.worlds import World
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.records import Reply
from tierwise.doors.models import DeskHandIn
from tierwise.doors.ports import registered_lists
from tierwise.kernel.models import AuditEntry, OutboxEvent
from tierwise.kernel.viewer import Role, viewer_scope

pytestmark = pytest.mark.database
LINES = "/sheets/scorecard-lines"
DISPUTE: dict[tuple[str, str], Any] = {
    ("PO00000", "Reply"): "It was delivered earlier", ("PO00000", "What happened"): "Receipt of the 9th.",
    ("PO00000", "Delivered on"): date(2025, 6, 9),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def told(answer: HttpResponse) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def test_every_list_names_the_areas_whose_actions_it_calls() -> None:
    assert [one.name for one in registered_lists() if not one.areas] == []


def test_a_machine_finds_its_lists_with_the_scopes_they_take(supplier: Machine, buyer: Machine) -> None:
    own = {one["name"]: one["scopes"] for one in supplier.read("/sheets")}
    assert own["scorecard-lines"] == ["sheets:write", "publications:write", "cases:write"]
    assert "supports" not in own
    assert {"supports", "pins", "people"} <= {one["name"] for one in buyer.read("/sheets")}


def test_a_form_is_filled_in_and_taken_once(world: World, supplier: Machine) -> None:
    publication, _lines = scored(world)
    form = supplier.get(f"{LINES}?scope={publication}")
    assert form.headers["Content-Disposition"] == 'attachment; filename="Scorecard-2025-06.xlsx"'
    content = filled(form.content, {("The whole scorecard", "Reply"): "Acknowledge"})
    assert [told(handed_in(supplier, LINES, content, str(publication)))[name] for name in ("state", "changes")] == [
        "taken", 1,
    ]  # fmt: skip
    assert told(handed_in(supplier, LINES, content, str(publication)))["repeated"] is True
    assert published.my_publication(world["a planner"], publication).reply is Reply.ACKNOWLEDGED
    (result,) = supplier.read("/sheet-results")["items"]
    assert (result["door"], result["state"], result["file_name"]) == ("api", "taken", "filled.xlsx")


def test_what_cannot_be_taken_is_told_cell_by_cell_and_nothing_is(world: World, supplier: Machine) -> None:
    publication, _lines = scored(world)
    form = supplier.get(f"{LINES}?scope={publication}").content
    wrong = filled(form, DISPUTE | {("PO00000", "Delivered on"): "yesterday",
                                    ("The whole scorecard", "Reply"): "Acknowledge"})  # fmt: skip
    refused = told(handed_in(supplier, LINES, wrong, str(publication)))
    assert (refused["state"], refused["marked_up"]) == ("refused", True)
    (fault,) = refused["faults"]
    assert (fault["column"], fault["value"]) == ("Delivered on", "yesterday")
    assert published.my_publication(world["a planner"], publication).reply is None
    marked = supplier.get(f"/sheet-results/{refused['id']}/marked-up").content
    assert list(comments(marked)) == [fault["cell"]]
    assert cell(marked, "PO00000", "What happened") == "Receipt of the 9th."
    mended = filled(marked, {("PO00000", "Delivered on"): date(2025, 6, 9)})
    assert told(handed_in(supplier, LINES, mended, str(publication)))["changes"] == 2
    assert supplier.read(f"/sheet-results/{refused['id']}")["state"] == "refused"


def test_a_spreadsheet_opens_no_area_that_the_token_lacks(world: World) -> None:
    narrow = machine(world["administrator"], Role.ADMINISTRATOR, ["sheets:read", "sheets:write", "directory:read"])
    form = narrow.get("/sheets/people")
    assert form.status_code == 200
    shut = filled(form.content, {("pat.planner@example.com", "Entry"): "Shut out"})
    refused = handed_in(narrow, "/sheets/people", shut)
    assert (refused.status_code, json.loads(refused.content)["code"]) == (403, "scope")
    assert narrow.get("/sheets/pins?scope=PREM").status_code == 403
    with viewer_scope(world.worker):
        assert not AuditEntry.objects.filter(action="set_person_active").exists()
    full = machine(world["administrator"])
    assert told(handed_in(full, "/sheets/people", shut))["changes"] == 1
    assert [one["list_name"] for one in narrow.read("/sheet-results")["items"]] == ["people"]
    other = machine(world["administrator"], Role.ADMINISTRATOR, ["sheets:read", "cases:read"])
    assert other.read("/sheet-results")["items"] == []
    with viewer_scope(world.worker):
        result = DeskHandIn.objects.get().id
    assert other.get(f"/sheet-results/{result}").status_code == 403


def test_a_file_of_another_company_or_list_is_refused(world: World, buyer: Machine, supplier: Machine) -> None:
    publication, _lines = scored(world)
    form = supplier.get(f"{LINES}?scope={publication}").content
    rival = machine(world["b administrator"])
    told_rival = told(handed_in(rival, LINES, form, str(publication)))
    assert (told_rival["state"], told_rival["faults"][0]["why"]) == (
        "refused", "This spreadsheet was made for another company.",
    )  # fmt: skip
    assert rival.get(f"{LINES}?scope={publication}").status_code == 404
    assert told(handed_in(supplier, "/sheets/people", form))["state"] == "refused"
    assert handed_in(buyer, LINES, form, str(publication)).status_code in {200, 403}
    assert buyer.get("/sheets/nothing").status_code == 404
    assert told(handed_in(supplier, LINES, b"no workbook", str(publication)))["state"] == "refused"


def test_sheets_are_mailed_and_called_off(world: World, buyer: Machine, supplier: Machine) -> None:
    publication, _lines = scored(world)
    assert buyer.post(f"{LINES}/mails", {"scope": str(publication)}).status_code == 202
    assert supplier.post("/sheets/supports/mails").status_code == 403
    with viewer_scope(world.worker):
        assert OutboxEvent.objects.filter(name="sheets_requested").count() == 1
    form = supplier.get(f"{LINES}?scope={publication}").content
    (out,) = supplier.read("/sheet-issues")
    assert machine(world["b administrator"]).ask("DELETE", f"/sheet-issues/{out['id']}").status_code == 404
    assert supplier.ask("DELETE", f"/sheet-issues/{out['id']}").status_code == 204
    late = told(handed_in(supplier, LINES, filled(form, DISPUTE), str(publication)))
    assert (late["state"], "called off" in late["faults"][0]["why"]) == ("refused", True)
