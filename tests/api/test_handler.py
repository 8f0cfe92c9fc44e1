"""Machines come past what only pages need: they find the same door, and leave nothing behind."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client

from api.conftest import PREFIX, Machine, machine
from collaboration.scenes import at, at_once, scored
from fixtures.worlds import World
from tierwise.config.wsgi import application
from tierwise.directory.actions import revoke_token
from tierwise.kernel.pooled.base import give_back
from tierwise.kernel.zones import Login

pytestmark = pytest.mark.database
Answer = tuple[int, dict[str, str], bytes]
COUNTED = {"RateLimit"}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def served(method: str, path: str, token: str, body: bytes = b"", **more: str) -> Answer:
    """Through the program's WSGI application, as the server of a web process calls it."""
    where, _, query = path.partition("?")
    told: list[Any] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": where, "QUERY_STRING": query, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http", **more,
    }  # fmt: skip
    answered: Any = application(environ, lambda *given: told.append(given))
    if isinstance(answered, list):
        content = b"".join(answered)
    else:
        with closing(answered):
            content = b"".join(answered)
    status, headers = told[0]
    return int(status.split()[0]), dict(headers), content


def through_all(method: str, path: str, token: str, body: bytes = b"", **more: str) -> Answer:
    """Through the whole chain of middleware."""
    client = Client(raise_request_exception=False)
    answer = client.generic(
        method, path, body, "application/json", secure=more.get("wsgi.url_scheme") == "https",
        headers={"Authorization": f"Bearer {token}"}, **{n: v for n, v in more.items() if n.startswith("HTTP_")},
    )  # fmt: skip
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return answer.status_code, dict(answer.items()), content


def plain(answer: Answer, method: str = "GET") -> Answer:
    """Without what counts down, and what servers and Django's client leave out of answers to HEAD."""
    kept = {name: value for name, value in answer[1].items() if name not in COUNTED}
    return answer[0], kept, b"" if method == "HEAD" else answer[2]


ASKED = [
    ("GET", "/supports?limit=20"),
    ("GET", "/publications?limit=1"),
    ("GET", "/publications?limit=20&fields=id,title"),
    ("GET", "/publications?limit=20&f%69elds=id"),
    ("GET", "/publications?limit=20&fields=nothing"),
    ("GET", "/publications?limit=0"),
    ("GET", "/publications?cursor=nonsense"),
    ("GET", "/publications/00000000-0000-0000-0000-000000000000"),
    ("GET", "/nowhere"),
    ("GET", "/openapi.json"),
    ("GET", "/tokens"),
    ("HEAD", "/supports?limit=20"),
    ("DELETE", "/supports"),
    ("OPTIONS", "/supports"),
    ("POST", "/cycle"),
]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_answers_as_the_whole_chain_does(world: World, supplier: Machine, scheme: str) -> None:
    scored(world)
    for method, path in ASKED:
        # Twice each: what an address asks for is remembered.
        for token in (supplier.token, supplier.token, "tw_unknown"):
            given = method, PREFIX + path, token, b""
            ours = served(*given, **{"wsgi.url_scheme": scheme})
            theirs = through_all(*given, **{"wsgi.url_scheme": scheme})
            assert plain(ours, method) == plain(theirs, method), (method, path, token)
            assert {"X-Content-Type-Options", "Content-Security-Policy"} < set(ours[1])


def test_a_reader_is_spared_what_has_not_changed(world: World, supplier: Machine) -> None:
    path = PREFIX + "/supports?limit=20"
    status, headers, _ = served("GET", path, supplier.token)
    assert status == 200
    again = served("GET", path, supplier.token, HTTP_IF_NONE_MATCH=headers["ETag"])
    assert again[0] == 304
    assert plain(again) == plain(through_all("GET", path, supplier.token, HTTP_IF_NONE_MATCH=headers["ETag"]))


def test_what_one_asker_asked_is_remembered_for_nobody_else(world: World, supplier: Machine, buyer: Machine) -> None:
    """The address is remembered as it was read, never what it was answered with."""
    scored(world)
    other = machine(world["b administrator"])
    path = PREFIX + "/publications?limit=20"
    found = {name: json.loads(served("GET", path, who.token)[2])["items"]
             for name, who in {"mine": supplier, "theirs": other, "all": buyer, "again": supplier}.items()}  # fmt: skip
    assert found["mine"]
    assert {UUID(one["supplier"]) for one in found["mine"]} == {world["a planner"].company}
    assert not found["theirs"]
    assert found["again"] == found["mine"]
    assert {one["id"] for one in found["all"]} >= {one["id"] for one in found["mine"]}


def test_a_revoked_token_opens_nothing_any_more(world: World) -> None:
    asker = machine(world["a administrator"])
    path = PREFIX + "/supports?limit=20"
    assert served("GET", path, asker.token)[0] == 200
    revoke_token(world["a administrator"], UUID(hex=asker.token.split("_")[1]))
    assert served("GET", path, asker.token)[0] == 401


def held() -> set[str]:
    return {login.alias for login in Login if connections[login.alias].connection is not None}


@pytest.mark.parametrize("path", ["/supports?limit=20", "/publications?cursor=nonsense", "/nowhere"])
def test_connections_are_given_back_with_the_answer(world: World, supplier: Machine, path: str) -> None:
    give_back()
    assert not held()
    for token in (supplier.token, "tw_unknown"):
        served("GET", PREFIX + path, token)
        assert not held()


def test_a_fault_of_ours_is_told_and_leaves_nothing(world: World, buyer: Machine, monkeypatch: Any) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("not for others")

    monkeypatch.setattr("tierwise.web.api.everybody.find", fails)
    give_back()
    answer = served("GET", PREFIX + "/search?q=x", buyer.token)
    assert answer[0] == 500
    assert b"not for others" not in answer[2]
    assert plain(answer) == plain(through_all("GET", PREFIX + "/search?q=x", buyer.token))
    give_back()
    assert not held()
    assert served("GET", PREFIX + "/supports?limit=1", buyer.token)[0] == 200


def test_a_file_comes_whole(world: World) -> None:
    asker = machine(world["a administrator"])
    status, headers, content = served("GET", PREFIX + "/own-data", asker.token)
    assert status == 200
    assert content.startswith(b"PK")
    assert headers["Content-Type"] == "application/zip"
    assert not held()


def test_many_at_once_get_their_own(world: World, supplier: Machine, buyer: Machine) -> None:
    scored(world)
    path = PREFIX + "/publications?limit=20"
    wanted = {who.token: served("GET", path, who.token)[2] for who in (supplier, buyer)}

    def asks(token: str) -> list[bytes]:
        return [served("GET", path, token)[2] for _ in range(20)]

    found = at_once(*(lambda token=token: asks(token) for token in [*wanted, *wanted]))
    for token, answers in zip([*wanted, *wanted], found, strict=True):
        assert answers == [wanted[token]] * 20
