"""What every operation has in common: problems, pages, versions, requests sent again, limits, sessions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from api.conftest import PREFIX, Machine, machine
from architecture.source import ROOT
from collaboration.scenes import agreed, at, at_once, entries, score_draft, scored
from directory.signing_in import signed_in
from fixtures.worlds import NOW, World
from tierwise.collaboration.publish.actions import publish
from tierwise.collaboration.resolve.queries import cases
from tierwise.config.wsgi import application
from tierwise.kernel import rates
from tierwise.kernel.answers import sweep
from tierwise.kernel.clock import clock_set
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import KeptAnswer
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.segmentation.models import Pin

pytestmark = pytest.mark.database
CLAIM = {"reason": "not_our_fault", "text": "The lorry stood in the strike."}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def told(answer: HttpResponse) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.content)
    assert found["status"] == answer.status_code
    assert found["code"]
    assert found["detail"]
    assert found["remedy"]
    return found


# --- problems


def test_whatever_goes_wrong_is_told_in_one_form(world: World, buyer: Machine, supplier: Machine) -> None:
    assert told(buyer.get("/nothing"))["status"] == 404
    assert told(buyer.get(f"/cases/{world.host}"))["code"] == "case"
    assert told(supplier.get("/schemes"))["status"] == 403
    wrong = buyer.ask("PUT", "/cases")
    assert told(wrong)["status"] == 405
    assert wrong.headers["Allow"] == "GET, HEAD"
    assert told(buyer.get("/cases?limit=0"))["field"] == "limit"
    assert told(buyer.get("/cases?cursor=x"))["status"] == 422
    faults = told(buyer.post("/supports", {"supplier": "x", "segmnt": 1}))
    assert faults["status"] == 400
    assert {one["field"] for one in faults["errors"]} == {"supplier", "segment", "segmnt"}
    assert told(buyer.post("/schemes", {"document": "title: x"}))["errors"][0]["field"]


@pytest.mark.parametrize("path", ["/supports?on=0", "/audit?since=0", "/audit?until=2025-1-1"])
def test_a_number_is_no_day(buyer: Machine, path: str) -> None:
    """What reads dates takes numbers for seconds since 1970, unless it is told not to."""
    assert buyer.get(path).status_code == 400


def test_a_fault_of_ours_is_told_too_and_undone(world: World, buyer: Machine, monkeypatch: Any) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("not for others")

    monkeypatch.setattr("tierwise.web.api.everybody.find", fails)
    buyer.client.raise_request_exception = False
    answer = buyer.get("/search?q=x")
    assert told(answer)["status"] == 500
    assert b"not for others" not in answer.content


# --- pages


def test_pages_hold_every_row_once_while_rows_are_added(world: World, supplier: Machine) -> None:
    agreed(world)
    made = [
        publish(world["planner"], score_draft(world, fingerprint=f"s{n}", period_start=day, period_end=day))
        for n, day in enumerate(score_days(7))
    ]
    page = supplier.read("/publications?limit=3")
    seen = [one["id"] for one in page["items"]]
    publish(world["planner"], score_draft(world, fingerprint="late"))
    while page["next"]:
        page = supplier.read(f"/publications?limit=3&cursor={page['next']}")
        seen += [one["id"] for one in page["items"]]
    assert sorted(seen) == sorted(str(one) for one in made)
    assert supplier.get(f"/cases?cursor={supplier.read('/publications?limit=3')['next']}").status_code == 422


def score_days(count: int) -> list[Any]:
    first = score_draft_period()
    return [first.replace(day=1 + n) for n in range(count)]


def score_draft_period() -> Any:
    return NOW.date().replace(month=5)


# --- versions


def test_a_reader_is_spared_what_has_not_changed(world: World, supplier: Machine) -> None:
    publication, _ = scored(world)
    first = supplier.get(f"/publications/{publication}")
    again = supplier.get(f"/publications/{publication}", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert supplier.get(f"/publications/{publication}", If_None_Match='"x"').status_code == 200


def test_a_change_says_which_version_it_is_of(world: World, supplier: Machine) -> None:
    publication, _ = scored(world)
    path, answer = f"/publications/{publication}", f"/publications/{publication}/acknowledgement"
    before = supplier.get(path)
    missing = supplier.post(answer)
    assert missing.status_code == 428
    assert told(missing)["current"] == before.json()
    assert missing.headers["ETag"] == before.headers["ETag"]
    done = supplier.post(answer, If_Match=before.headers["ETag"])
    assert (done.status_code, done.json()["reply"]) == (200, "acknowledged")
    assert done.headers["ETag"] == supplier.get(path).headers["ETag"]
    late = supplier.post(answer, If_Match=before.headers["ETag"])
    assert late.status_code == 412
    assert told(late)["current"]["reply"] == "acknowledged"


# --- sent again


def test_a_request_sent_again_is_done_once(world: World, supplier: Machine) -> None:
    _, lines = scored(world)
    path = f"/lines/{lines[0]}/dispute"
    first = supplier.post(path, CLAIM, Idempotency_Key="k1")
    again = supplier.post(path, CLAIM, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert entries(world, "dispute_line") == 1
    other = supplier.post(path, CLAIM | {"text": "Something else."}, Idempotency_Key="k1")
    assert told(other)["code"] == "key_reused"
    assert supplier.post(path, CLAIM, Idempotency_Key="k 1").status_code == 400


def test_a_refused_request_may_be_sent_again(world: World, supplier: Machine) -> None:
    _, lines = scored(world)
    path = f"/lines/{lines[0]}/dispute"
    assert supplier.post(path, {"reason": "quantity_wrong", "text": "x"}, Idempotency_Key="k").status_code == 422
    assert supplier.post(path, CLAIM, Idempotency_Key="k").status_code == 201


def test_a_deletion_takes_a_key(world: World, buyer: Machine) -> None:
    machine(world["administrator"])
    token = next(
        one
        for one in buyer.read("/tokens")["items"]
        if one["revoked_at"] is None and one["id"].replace("-", "") not in buyer.token
    )
    first = buyer.ask("DELETE", f"/tokens/{token['id']}", Idempotency_Key="d")
    again = buyer.ask("DELETE", f"/tokens/{token['id']}", Idempotency_Key="d")
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Content-Type" not in again.headers
    assert entries(world, "revoke_token") == 1


def test_tokens_and_pins_come_in_pages(world: World, buyer: Machine) -> None:
    for _ in range(2):
        machine(world["administrator"])
    with viewer_scope(world["planner"]):
        Pin.objects.bulk_create(
            Pin(item=f"I{n}", customer_group=g, region="*", channel="*", segment="STD", reason="x", pinned_by=uuid7())
            for n in range(2) for g in ("KEY", "SMALL")
        )  # fmt: skip
    for path in ("/tokens", "/pins"):
        whole = buyer.read(path)
        assert whole["next"] is None
        first = buyer.read(f"{path}?limit=2")
        second = buyer.read(f"{path}?limit=2&cursor={first['next']}")
        assert first["items"] + second["items"] == whole["items"]
        assert (len(first["items"]), second["next"]) == (2, None)


def test_a_key_makes_no_method_of_what_is_none(world: World, buyer: Machine) -> None:
    token = next(one for one in buyer.read("/tokens")["items"] if one["id"].replace("-", "") in buyer.token)
    assert buyer.ask("PUT", "/me", {}, Idempotency_Key="k").status_code == 405
    assert buyer.ask("DELETE", f"/tokens/{token['id']}", Idempotency_Key="k").status_code == 204


def test_what_is_private_to_a_supplier_is_kept_in_no_answer(world: World, supplier: Machine) -> None:
    _, lines = scored(world)
    path, draft = f"/lines/{lines[0]}/draft", {"reason": "not_our_fault", "text": "The lorry"}
    for _ in range(2):
        put = supplier.ask("PUT", path, draft, Idempotency_Key="p")
        assert put.status_code == 200
        assert "Idempotency-Replayed" not in put.headers
    assert supplier.ask("DELETE", path, Idempotency_Key="q").status_code == 204
    with viewer_scope(world.worker):
        assert KeptAnswer.objects.count() == 0


def test_a_change_sent_again_with_its_key_and_version_is_answered_as_at_first(world: World, buyer: Machine) -> None:
    where = f"/people/{world['planner'].person}"
    etag = buyer.get(where).headers["ETag"]
    first = buyer.ask("PUT", f"{where}/role", {"role": "quality"}, If_Match=etag, Idempotency_Key="r")
    again = buyer.ask("PUT", f"{where}/role", {"role": "quality"}, If_Match=etag, Idempotency_Key="r")
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    # Without the key nobody could tell an own first try from another's change.
    assert buyer.ask("PUT", f"{where}/role", {"role": "quality"}, If_Match=etag).status_code == 412


def test_a_key_is_the_tokens_own_and_lasts_a_day(world: World, supplier: Machine) -> None:
    _, lines = scored(world)
    path = f"/lines/{lines[0]}/dispute"
    supplier.post(path, CLAIM, Idempotency_Key="k")
    other = machine(world["a administrator"]).post(path, CLAIM, Idempotency_Key="k")
    assert "Idempotency-Replayed" not in other.headers
    with at(hours=25):
        assert "Idempotency-Replayed" not in supplier.post(path, CLAIM, Idempotency_Key="k").headers
        assert sweep() == 1
    with viewer_scope(world["a administrator"]):
        assert KeptAnswer.objects.count() == 1


def test_two_at_once_with_one_key_are_done_once(world: World, supplier: Machine) -> None:
    _, lines = scored(world)

    def ask() -> HttpResponse:
        return Machine(supplier.token).post(f"/lines/{lines[0]}/dispute", CLAIM, Idempotency_Key="k")

    found = sorted(answer.status_code for answer in at_once(ask, ask, ask))
    assert set(found) <= {201, 409}
    assert 201 in found
    assert len(cases(world["planner"])) == 1
    assert entries(world, "dispute_line") == 1


# --- limits


def test_a_token_that_asks_too_often_waits(world: World, settings: Any) -> None:
    settings.TIERWISE_API_RATE = (1.0, 3)
    asker = machine(world["administrator"])
    answers = [asker.get("/me") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert told(answers[3])["code"] == "rate"
    assert answers[0].headers["RateLimit-Policy"] == '"token";q=3;w=3'
    assert machine(world["administrator"]).get("/me").status_code == 200
    with at(seconds=1):
        assert [asker.get("/me").status_code for _ in range(2)] == [200, 429]


def test_processes_together_let_no_more_through(world: World) -> None:
    """Each forgets what the others hold; the bucket alone decides."""
    rate, owner, allowed = rates.Rate(5.0, 50), UUID(int=7), 0
    with clock_set(NOW):
        for _ in range(100):
            rates.forget()
            allowed += rates.take(owner, rate).allowed
        assert allowed == 10  # a share of five each time, of which one request was made
        rates.forget()
    with at(seconds=10):
        taken = [rates.take(owner, rate) for _ in range(60)]
    assert sum(one.allowed for one in taken) == 50


def test_a_share_that_another_thread_took_is_there_for_all(world: World, monkeypatch: Any) -> None:
    """Two ask when the share is used up; the first empties the bucket, and the second may spend what the first got."""
    rate, owner = rates.Rate(1.0, 3), UUID(int=8)
    answers = iter([(0, 0.0)])

    def late(owner: UUID, rate: rates.Rate) -> tuple[int, float]:
        rates._shares[owner] = rates._Share(2, 0.0, NOW.timestamp() + 5)
        return next(answers)

    with clock_set(NOW):
        monkeypatch.setattr(rates, "_more", late)
        assert [rates.take(owner, rate).allowed for _ in range(2)] == [True, True]
        monkeypatch.setattr(rates, "_more", lambda owner, rate: (0, 0.0))
        assert not rates.take(owner, rate).allowed


# --- HEAD


def test_head_is_answered_as_get_without_content(world: World, supplier: Machine) -> None:
    publication, _ = scored(world)
    for path in (f"/publications/{publication}", "/supports?limit=1", "/me"):
        full, head = supplier.get(path), supplier.ask("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["ETag"] == full.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(full.content))
    assert supplier.ask("HEAD", "/me", If_None_Match=head.headers["ETag"]).status_code == 304
    gone = supplier.ask("HEAD", f"/publications/{UUID(int=5)}")
    assert (gone.status_code, gone.content) == (404, b"")
    wrong = supplier.ask("DELETE", "/me")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, HEAD")


def test_head_needs_the_scope_of_reading(world: World) -> None:
    narrow = machine(world["administrator"], scopes=["cases:read"])
    assert narrow.ask("HEAD", "/companies").status_code == 403
    assert machine(world["administrator"], scopes=["directory:read"]).ask("HEAD", "/companies").status_code == 200


# --- sessions


def test_a_person_signed_in_may_try_it(world: World) -> None:
    client = signed_in(world["administrator"]).client
    assert client.get(f"{PREFIX}/me").json()["scopes"] is None
    page = client.get(f"{PREFIX}/docs").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "https://" not in page
    assert client.get(f"{PREFIX}/openapi.json").json()["openapi"] == "3.1.0"
    assert Client().get(f"{PREFIX}/openapi.json").status_code == 401


def test_a_session_that_changes_something_is_guarded_against_forgery(world: World) -> None:
    client = signed_in(world["planner"]).client
    client.handler.enforce_csrf_checks = True
    refused = client.post(f"{PREFIX}/cycle", {}, "application/json")
    assert told(refused)["code"] == "csrf"
    token = client.get(f"{PREFIX}/docs").cookies["csrftoken"].value
    done = client.post(f"{PREFIX}/cycle", {}, "application/json", headers={"X-CSRFToken": token})
    assert done.status_code == 202
    assert entries(world, "request_cycle") == 1


# --- the manual's examples


BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_manual_run(
    world: World, supplier: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    publication, lines = scored(world)
    supplier.post(f"/lines/{lines[0]}/dispute", CLAIM)
    agreed(world, segment="STD")
    publish(world["planner"], score_draft(world, segment="STD"))
    made = subprocess.run(
        [sys.executable, "-m", "tierwise", "openapi", "--client"], capture_output=True, text=True, check=True
    )
    (tmp_path / "tierwise_client.py").write_text(made.stdout, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    plain = httpx.Client

    def ours(**options: Any) -> httpx.Client:
        return plain(transport=httpx.WSGITransport(app=application), **options)

    monkeypatch.setattr(httpx, "Client", ours)
    examples = BLOCK.findall((ROOT / "docs/api.md").read_text(encoding="utf-8"))
    assert len(examples) == 2
    for example in examples:
        exec(example, {"address": "http://localhost", "token": supplier.token})
    said = capsys.readouterr().out
    assert "We are supplier" in said
    assert "Acknowledged 2" in said
    assert re.search(r"^1 2025-07-", said, re.MULTILINE)
    assert supplier.read(f"/publications/{publication}")["reply"] == "disputed"
