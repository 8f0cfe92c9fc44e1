"""An ERP pushes facts: taken, refused with every fault, or taken in part with the rest kept for repair."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.conftest import PREFIX, Machine
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


def test_unknown_tables_columns_and_suppliers_are_refused(buyer: Machine, supplier: Machine) -> None:
    assert buyer.get("/tables/suplier").status_code == 404
    unknown = buyer.post("/facts/suplier", {"source": "sap", "records": VENDORS})
    assert (unknown.status_code, "did you mean" in json.loads(unknown.content)["detail"]) == (422, True)
    wrong = buyer.post("/facts/supplier", {"source": "sap", "records": [{"supplier": "1", "nam": "x"}]})
    assert wrong.status_code == 422
    assert "did you mean" in json.loads(wrong.content)["detail"]
    assert supplier.post("/facts/supplier", {"source": "sap", "records": VENDORS}).status_code == 403


def pushed(who: Machine, path: str, content: bytes, kind: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {who.token}"}
    answer = who.client.generic("POST", PREFIX + path, content, kind, headers=headers)
    return answer.status_code, json.loads(answer.content)


LINES = {
    "text/csv": b"supplier,name,country\r\nV7,Seven,\r\nV8,\"Eight, the\",DE\r\n",
    "application/x-ndjson": b'{"supplier": "V7", "name": "Seven"}\n\n'
                            b'{"supplier": "V8", "name": "Eight, the", "country": "DE"}\n',
}  # fmt: skip


@pytest.mark.parametrize("kind", LINES)
def test_rows_come_as_csv_and_ndjson_too(buyer: Machine, kind: str) -> None:
    status, done = pushed(buyer, "/facts/supplier?source=sap", LINES[kind], f"{kind}; charset=utf-8")
    assert (status, done["state"]) == (200, "imported")
    records = [{"supplier": "V7", "name": "Seven"}, {"supplier": "V8", "name": "Eight, the", "country": "DE"}]
    again = json.loads(buyer.post("/facts/supplier", {"source": "sap", "records": records}).content)
    assert again["state"] == "unchanged"


def test_a_bad_row_is_told_alike_in_every_form(buyer: Machine) -> None:
    rows = [*VENDORS, {"supplier": "V9", "name": "Nine", "country": "Germany"}]
    text = "supplier,name,country\nV7,Seven,\nV8,Eight,DE\nV9,Nine,Germany\n"
    lines = "\n".join(map(json.dumps, rows)).encode()
    sent = [
        json.loads(buyer.post("/facts/supplier", {"source": "sap", "records": rows}).content),
        pushed(buyer, "/facts/supplier?source=sap", text.encode(), "text/csv")[1],
        pushed(buyer, "/facts/supplier?source=sap", lines, "application/x-ndjson")[1],
    ]  # fmt: skip
    assert {one["state"] for one in sent} == {"refused"}
    issues = [buyer.read(f"/imports/{one['id']}/issues") for one in sent]
    assert issues[0] == issues[1] == issues[2]
    where = "/facts/supplier?source=sap&quarantine=true"
    assert pushed(buyer, where, text.encode(), "text/csv")[1]["report"]["quarantined"] == 1


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        ("text/csv", b"supplier,name\nV7,Seven,more\n", "line 2: it has 3 cells"),
        ("text/csv", b"supplier,supplier\nV7,Seven\n", "line 1: the column 'supplier' stands there twice"),
        ("text/csv", b'supplier,name\nV7,"Seven\n', "line 2: unexpected end of data"),
        ("text/csv", b"supplier,name\nV7,\xe4\n", "line 2: it is not UTF-8"),
        ("application/x-ndjson", b'{"supplier": "V7"}\n{"supplier"', "line 2: it is no JSON"),
        ("application/x-ndjson", b'{"supplier": 7}', "line 1: supplier is no text"),
        ("application/x-ndjson", b'["V7"]', "line 1: it is no object"),
    ],
)
def test_what_is_no_row_is_named_by_its_line(buyer: Machine, kind: str, content: bytes, why: str) -> None:
    status, told = pushed(buyer, "/facts/supplier?source=sap", content, kind)
    assert status == 422
    assert why in told["detail"]


def test_names_that_facts_do_not_have_are_refused(buyer: Machine) -> None:
    wrong = buyer.post("/facts/supplier", {"source": "sap", "records": VENDORS, "qarantine": True})
    assert (wrong.status_code, json.loads(wrong.content)["field"]) == (400, "qarantine")
    nobody = buyer.post("/facts/supplier", {"records": VENDORS})
    assert (nobody.status_code, json.loads(nobody.content)["field"]) == (422, "source")
    assert pushed(buyer, "/supports", b"a\n1\n", "text/csv")[0] == 400


@pytest.mark.parametrize("record", [{"supplier": "V7", "name": "a\0b"}, {"supplier": "V7", "na\0me": "a"}])
def test_a_nul_is_refused_in_a_record(buyer: Machine, record: dict[str, str]) -> None:
    answer = buyer.post("/facts/supplier", {"source": "sap", "records": [record], "quarantine": True})
    assert answer.status_code in {400, 422}, answer.content


def test_an_empty_body_is_told_as_the_body(buyer: Machine) -> None:
    status, told = pushed(buyer, "/facts/supplier?source=sap", b"", "text/csv")
    assert (status, told["field"]) == (400, "body")
