"""What is sent to other systems, for machines: feeds and channels, the log, the receiver's word, sending again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from api.conftest import Machine, machine
from collaboration.scenes import at, entries
from fixtures.worlds import NOW, World
from modules.exchange.scenes import RULINGS, SUPPORTS, folder_channel, on_channel, ruled, sent_over
from tierwise.kernel.models import AuditEntry, OutboxEvent
from tierwise.kernel.viewer import Role, viewer_scope
from tierwise.modules.exchange.actions import acknowledge
from tierwise.wire.acknowledgements import Acknowledgement

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock(settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.EXCHANGE_FOLDERS = [str(tmp_path / "exchange")]
    with at():
        yield


def told(answer: HttpResponse) -> Any:
    return json.loads(answer.content)


@pytest.fixture
def channel(world: World) -> UUID:
    """A folder over which one batch of supports was sent, whose receiver has not answered."""
    made = folder_channel(world)
    on_channel(world, made)
    assert sent_over(world, made)["sent"] == 1
    return made


def test_feeds_say_what_they_bind_and_channels_tell_no_secret(buyer: Machine, channel: UUID) -> None:
    feeds = {one["name"]: one for one in buyer.read("/feeds")}
    assert feeds["rulings"]["final"]
    assert [c["name"] for c in feeds["supports"]["columns"] if c["key"]] == ["supplier", "segment", "valid_from"]
    assert buyer.read("/feeds/rulings") == feeds["rulings"]
    assert buyer.get("/feeds/ruling").status_code == 404
    (found,) = buyer.read("/channels")
    assert (found["id"], found["kind"], found["settings"]["path"]) == (str(channel), "folder", "erp")
    assert not {"sealed", "secret"} & set(found)
    (route,) = buyer.read(f"/routes?channel={channel}&feed=supports")
    assert (route["batches"], route["acknowledged"]) == (1, 0)


def test_a_batch_is_read_and_acknowledged_but_for_a_row(buyer: Machine, channel: UUID) -> None:
    (sent,) = buyer.read(f"/deliveries?channel={channel}&state=sent")["items"]
    where = f"/deliveries/{sent['id']}"
    assert [one["outcome"] for one in buyer.read(f"{where}/attempts")] == ["sent"]
    file = buyer.get(f"{where}/files/0")
    assert isinstance(file, StreamingHttpResponse)
    with closing(file):
        lines = b"".join(file.streaming_content).decode().split()  # type: ignore[arg-type]
    assert lines[0] == "V,S,FROM,I,C"
    assert len(lines) == sent["rows"] + 1
    assert [buyer.get(f"{where}/files/{place}").status_code for place in (1, -1)] == [404, 404]

    wrong = buyer.post(f"{where}/acknowledgement", {"refused": [{"row": 9, "reason": "locked"}]})
    assert (wrong.status_code, told(wrong)["field"]) == (422, "rows")
    answer = {"reason": "booked", "refused": [{"row": 1, "reason": "locked"}]}
    taken = told(buyer.post(f"{where}/acknowledgement", answer))
    assert (taken["state"], taken["refused_rows"], taken["answer"]) == ("acknowledged", 1, "booked")
    assert told(buyer.post(f"{where}/acknowledgement", {"accepted": False}))["state"] == "acknowledged"
    (row,) = buyer.read(f"{where}/refused-rows")
    assert (row["reason"], row["state"]) == ("locked", "open")
    assert told(buyer.post(f"{where}/rows", {"state": "again", "rows": [row["id"]]})) == {"count": 1}
    assert buyer.post(f"{where}/rows", {"state": "open"}).status_code == 422
    assert buyer.read(f"{where}/refused-rows")[0]["state"] == "again"


def test_the_same_word_leaves_the_same_record_as_on_the_page(world: World, buyer: Machine, channel: UUID) -> None:
    (sent,) = buyer.read("/deliveries")["items"]
    buyer.post(f"/deliveries/{sent['id']}/acknowledgement", {"reason": "booked"})
    other = folder_channel(world, "Other", path="erp2")
    on_channel(world, other)
    sent_over(world, other)
    (second,) = buyer.read(f"/deliveries?channel={other}")["items"]
    acknowledge(world["administrator"], UUID(second["id"]), Acknowledgement(True, "booked"))
    same = ("state", "answer", "settled_at", "refused_rows", "rows", "attempts", "digest")
    first, second = (buyer.read(f"/deliveries/{one['id']}") for one in (sent, second))
    assert [first[name] for name in same] == [second[name] for name in same]
    with viewer_scope(world.worker):
        found = list(AuditEntry.objects.filter(action="acknowledge_delivery").order_by("at", "door"))
    assert [one.door for one in found] == ["api", "screen"]
    assert found[0].detail == found[1].detail


def test_a_stuck_batch_is_sent_again_or_set_aside(world: World, buyer: Machine, channel: UUID) -> None:
    (sent,) = buyer.read("/deliveries")["items"]
    where = f"/deliveries/{sent['id']}"
    assert buyer.post(f"{where}/setting-aside", {"reason": "lost"}).status_code == 409
    assert told(buyer.post(f"{where}/acknowledgement", {"accepted": False, "reason": "no"}))["state"] == "refused"
    again = buyer.post(f"{where}/resending")
    assert (again.status_code, told(again)["state"], told(again)["number"]) == (202, "queued", 1)
    sent_over(world, channel)
    buyer.post(f"{where}/acknowledgement", {"accepted": False, "reason": "no"})
    assert told(buyer.post(f"{where}/setting-aside", {"reason": "lost"}))["state"] == "set_aside"


def test_all_since_an_instant_goes_out_again_in_order(world: World, buyer: Machine) -> None:
    ruled(world)
    channel = folder_channel(world, acknowledged_by="delivery")
    route = on_channel(world, channel, RULINGS)
    sent_over(world, channel)
    since = {"since": (NOW - timedelta(days=1)).isoformat()}
    done = buyer.post(f"/routes/{route}/resending", since)
    assert (done.status_code, told(done)) == (202, {"count": 1})
    assert buyer.post(f"/routes/{route}/resending", {"since": "2025-07-01"}).status_code == 400
    assert buyer.post(f"/routes/{route}/resending", {"since": "0001-01-01T00:00:00+05:00"}).status_code == 400
    assert buyer.post(f"/routes/{channel}/resending", since).status_code == 404


def test_channels_and_feeds_are_stopped_in_the_version_read(world: World, buyer: Machine, channel: UUID) -> None:
    where = f"/channels/{channel}"
    paused = {"state": "paused", "reason": "The ERP is being upgraded."}
    assert buyer.ask("PUT", f"{where}/state", paused).status_code == 428
    assert told(buyer.change("PUT", where, f"{where}/state", paused))["state"] == "paused"
    assert buyer.change("PUT", where, f"{where}/state", {"state": "disabled"}).status_code == 422
    told(buyer.change("PUT", where, f"{where}/state", {"state": "active"}))
    tested = buyer.post(f"{where}/test")
    assert (tested.status_code, told(tested)["test_result"]) == (202, "…")
    made = told(buyer.change("PUT", where, f"{where}/route", {"mapping": RULINGS}))
    assert (made["feed"], made["active"]) == ("rulings", True)
    wrong = buyer.change("PUT", where, f"{where}/route", {"mapping": SUPPORTS.replace("segment", "segmnt")})
    assert (wrong.status_code, told(wrong)["code"]) == (422, "document")
    record = f"/routes/{made['id']}"
    assert told(buyer.change("PUT", record, f"{record}/active", {"active": False}))["active"] is False
    assert len(buyer.read("/routes")) == 2


def test_sending_is_asked_for_once_with_a_key(world: World, buyer: Machine, channel: UUID) -> None:
    for _ in range(2):
        assert buyer.post("/sendings", {"channel": str(channel)}, Idempotency_Key="night").status_code == 202
    assert buyer.post("/sendings", {"channel": str(world.host)}).status_code == 404
    with viewer_scope(world.worker):
        assert OutboxEvent.objects.filter(name="sending_requested").count() == 1


def test_suppliers_and_readers_change_nothing_here(world: World, supplier: Machine, channel: UUID) -> None:
    reader = machine(world["administrator"], Role.VIEWER)
    (sent,) = reader.read("/deliveries")["items"]
    for path, body in (
        (f"/deliveries/{sent['id']}/acknowledgement", {}), (f"/deliveries/{sent['id']}/resending", {}),
        ("/sendings", {}), (f"/channels/{channel}/test", {}),
    ):  # fmt: skip
        assert reader.post(path, body).status_code == 403
        assert supplier.post(path, body).status_code == 403
    for path in ("/channels", "/feeds", "/deliveries", "/routes", f"/deliveries/{sent['id']}"):
        assert supplier.get(path).status_code == 403
    assert entries(world, "acknowledge_delivery", "refused") == 1
