"""An ERP pushes facts: taken, refused with every fault, or taken in part with the rest kept for repair."""

from __future__ import annotations

import json

import pytest

from api.conftest import Machine
from fixtures.worlds import World
from tierwise.lake import queries

pytestmark = pytest.mark.database
VENDORS = [{"supplier": "V7", "name": "Seven"}, {"supplier": "V8", "name": "Eight", "country": "DE"}]


def test_records_are_taken_once(world: World, buyer: Machine) -> None:
    answer = buyer.post("/facts/supplier", {"source": "sap", "records": VENDORS})
    assert (answer.status_code, json.loads(answer.content)["state"]) == (200, "imported")
    again = buyer.post("/facts/supplier", {"source": "sap", "records": VENDORS})
    assert json.loads(again.content)["state"] == "unchanged"


def test_a_bad_record_refuses_all_or_waits_for_repair(world: World, buyer: Machine) -> None:
    bad = {"source": "sap", "records": [*VENDORS, {"supplier": "V9", "name": "Nine", "country": "Germany"}]}
    refused = json.loads(buyer.post("/facts/supplier", bad).content)
    assert (refused["state"], refused["report"]["refusals"]) == ("refused", 1)
    (issue,) = buyer.read(f"/imports/{refused['id']}/issues")
    assert (issue["row"], issue["value"]) == (3, "Germany")
    partly = json.loads(buyer.post("/facts/supplier", bad | {"quarantine": True}).content)
    assert (partly["state"], partly["report"]["quarantined"]) == ("imported", 1)
    assert len(queries.quarantined(world["planner"])) == 1


def test_unknown_columns_and_suppliers_are_refused(buyer: Machine, supplier: Machine) -> None:
    wrong = buyer.post("/facts/supplier", {"source": "sap", "records": [{"supplier": "1", "nam": "x"}]})
    assert wrong.status_code == 422
    assert "did you mean" in json.loads(wrong.content)["detail"]
    assert supplier.post("/facts/supplier", {"source": "sap", "records": VENDORS}).status_code == 403
