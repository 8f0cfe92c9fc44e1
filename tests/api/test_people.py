"""Access and what is a supplier's own, for machines: suppliers let in, people signed out, everything taken away."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.http import StreamingHttpResponse

from api.conftest import Machine, machine
from collaboration.scenes import at, entries, scored
from fixtures.worlds import World
from tierwise.directory.models import Person
from tierwise.kernel.viewer import viewer_scope
from tierwise.web.api.scopes import scopes_of

pytestmark = pytest.mark.database
NEW = {"name": "Nine GmbH", "email": "anna@nine.example", "contact": "Anna Neun", "code": "V9"}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def test_a_supplier_is_let_in_and_says_the_rest_itself(world: World, buyer: Machine, supplier: Machine) -> None:
    made = buyer.post("/suppliers", NEW, Idempotency_Key="erp-V9")
    assert made.status_code == 201
    told = json.loads(made.content)
    assert json.loads(buyer.post("/suppliers", NEW, Idempotency_Key="erp-V9").content) == told
    (first,) = buyer.read(f"/companies/{told['company']}/people")["items"]
    assert (first["name"], first["role"], first["joined"]) == ("Anna Neun", "supplier_administrator", False)
    assert buyer.client.get(told["page"]).status_code == 200
    assert buyer.read(f"/suppliers/{told['company']}/onboarding")["accepted_at"] is None
    assert buyer.post("/suppliers", NEW).status_code == 409
    assert buyer.post("/suppliers", NEW | {"email": "anna"}).status_code == 400
    assert buyer.get(f"/suppliers/{world.suppliers['A']}/onboarding").status_code == 404
    assert supplier.post("/suppliers", NEW | {"code": "V10"}).status_code == 403
    assert supplier.get(f"/suppliers/{told['company']}/onboarding").status_code == 403
    assert entries(world, "invite_supplier") == 1


def test_a_person_is_signed_out_by_administrators_of_reach(world: World, buyer: Machine, supplier: Machine) -> None:
    person = world["a planner"].person
    assert supplier.post(f"/people/{person}/signing-out").status_code == 204
    assert buyer.post(f"/people/{person}/signing-out").status_code == 204
    assert machine(world["b administrator"]).post(f"/people/{person}/signing-out").status_code == 404
    assert entries(world, "end_sessions") == 2


def test_all_that_is_its_own_is_taken_away_by_the_supplier_alone(world: World, buyer: Machine) -> None:
    scored(world)
    own = machine(world["a administrator"], None, scopes_of(True))
    answer = own.get("/own-data")
    assert isinstance(answer, StreamingHttpResponse)
    with closing(answer), zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as package:  # type: ignore[arg-type]
        lines = json.loads(package.read("tables/publish_publication.json"))
        people = json.loads(package.read("tables/directory_person.json"))
    assert {one["supplier_id"] for one in lines} == {str(world.suppliers["A"])}
    with viewer_scope(world.worker):
        mine = Person.objects.filter(company_id=world.suppliers["A"])
        assert {one["id"] for one in people} == {str(each) for each in mine.values_list("id", flat=True)}
    assert entries(world, "export_own") == 1

    narrow = machine(world["a administrator"], None, ["directory:read", "cases:read"])
    refused = narrow.get("/own-data")
    assert (refused.status_code, json.loads(refused.content)["code"]) == (403, "scope")
    assert buyer.get("/own-data").status_code == 403
    assert entries(world, "export_own") == 1
