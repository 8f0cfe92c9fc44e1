"""Lists with some of their fields: the same rows, pages and versions, and nothing that was not asked for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from openapi_schema_validator import OAS31Validator

from api.conftest import PREFIX, Machine
from collaboration.scenes import at, scored
from fixtures.worlds import World
from tierwise.config.api import api

pytestmark = pytest.mark.database


def lists() -> dict[str, tuple[str, ...]]:
    """Address → fields of its rows, of lists that need nothing else in their address."""
    found = {}
    for path, methods in api.get_openapi_schema()["paths"].items():
        asked = [one for one in methods.get("get", {}).get("parameters", ()) if one["in"] != "header"]
        names = next((one["schema"]["items"]["enum"] for one in asked if one["name"] == "fields"), None)
        if names and not any(one.get("required") for one in asked):
            found[path.removeprefix(PREFIX)] = tuple(names)
    return found


LISTS = lists()


def rows_of(answer: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer if isinstance(answer, list) else answer["items"]
    return rows


def test_every_list_gives_the_fields_that_are_asked_for(world: World, buyer: Machine, supplier: Machine) -> None:
    with at():
        scored(world)
        seen = 0
        for path, names in LISTS.items():
            whole = buyer.get(path)
            if whole.status_code == 403:
                continue
            some = names[1::2] or names
            part = buyer.read(f"{path}?fields={','.join(some)}")
            rows = rows_of(json.loads(whole.content))
            assert rows_of(part) == [{name: row[name] for name in names if name in some} for row in rows], path
            assert isinstance(part, list) or set(part) == {"items", "next"}, path
            seen += len(rows)
    assert len(LISTS) > 30
    assert seen > 20


def test_a_field_that_rows_do_not_have_is_refused_with_those_they_have(buyer: Machine) -> None:
    for asked in ("nmae", "code,nmae", "", "code,", "code&fields=nmae"):
        answer = buyer.get(f"/items?fields={asked}")
        told = json.loads(answer.content)
        assert (answer.status_code, told["code"], told["field"]) == (400, "fields", "fields"), asked
        assert "code, name, unit" in told["remedy"]
    assert repr("nmae") in json.loads(buyer.get("/items?fields=nmae").content)["detail"]


def test_some_fields_go_with_pages_and_versions(world: World, buyer: Machine) -> None:
    every = [one["code"] for one in rows_of(buyer.read("/companies?limit=500"))]
    cursor, codes = "", []
    while cursor is not None:
        page = buyer.read(f"/companies?fields=code&limit=1&cursor={quote(cursor)}")
        codes += [one["code"] for one in page["items"]]
        cursor = page["next"]
    assert codes == every
    assert len(codes) > 2
    part, whole = buyer.get("/companies?fields=code"), buyer.get("/companies")
    assert part.headers["ETag"] != whole.headers["ETag"]
    known = part.headers["ETag"]
    assert buyer.get("/companies?fields=code", If_None_Match=known).status_code == 304
    assert buyer.get("/companies?fields=code,name", If_None_Match=known).status_code == 200
    # A list with commas, or the name again and again, as clients write lists.
    assert buyer.read("/companies?fields=code&fields=name") == buyer.read("/companies?fields=name,code")


def test_a_part_is_what_the_description_says(buyer: Machine) -> None:
    document = api.get_openapi_schema()
    schema = document["paths"][f"{PREFIX}/companies"]["get"]["responses"]["200"]["content"]["application/json"]
    whole, part = schema["schema"]["anyOf"]
    beside = {"components": document["components"]}
    answer = buyer.read("/companies?fields=code")
    assert OAS31Validator(part | beside).is_valid(answer)
    assert not OAS31Validator(whole | beside).is_valid(answer)
    assert OAS31Validator(whole | beside).is_valid(buyer.read("/companies"))
