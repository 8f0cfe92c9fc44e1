"""The pages of sent decisions, used as their people use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from collaboration.scenes import events
from fixtures.worlds import World
from modules.exchange.receivers import Sftp
from modules.exchange.scenes import RULINGS, SUPPORTS, deliveries, folder_channel, on_channel, ruled, sent_over
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.actions import ChannelPut
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS
from tierwise.modules.exchange.records.settings import fingerprint
from tierwise.modules.exchange.records.words import ChannelKind, ChannelState, DeliveryState, RowState
from tierwise.wire.acknowledgements import Acknowledgement, RefusedRow

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("clock")]
SignIn = Callable[[str], Client]


def text(client: Client, name: str, *args: object, status: int = 200, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == status
    return answer.content.decode()


def test_an_administrator_makes_a_channel_puts_a_feed_on_it_and_follows_it(world: World, sign_in: SignIn) -> None:
    client = sign_in("administrator")
    assert "No channel yet" in text(client, "desk-exchange-channels")
    assert "SFTP" in text(client, "desk-exchange-channel-new")
    new = reverse("desk-exchange-channel-new") + "?kind=folder"
    form = {"name": "ERP", "path": "erp", "done_file": "on", "acknowledged_by": "file", "expire_days": "7"}
    assert client.post(new, form | {"path": ""}).status_code == 422
    made = client.post(new, form)
    assert made.status_code == 302
    [channel] = log.channels(world["viewer"])
    assert (channel.name, channel.settings["path"], channel.settings["done_file"]) == ("ERP", "erp", True)
    edit = reverse("desk-exchange-route-edit", args=[channel.id])
    assert "lane policies" not in text(client, "desk-exchange-route-edit", channel.id, feed="rulings")
    assert "LIFNR" not in client.get(edit, {"feed": "supports"}).content.decode()
    wrong = client.post(edit, {"mapping": "feed: suports"})
    assert wrong.status_code == 422
    assert "did you mean" in wrong.content.decode()
    assert "1 mistake" in client.post(reverse("desk-exchange-check"), {"mapping": "feed: suports"}).content.decode()
    kept = client.post(edit, {"mapping": SUPPORTS}, follow=True).content.decode()
    assert "supports_00000001.csv" in kept
    assert "A,PREM,2020-01-01,execution,new" in kept
    assert deliveries(world, channel.id) == [], "looking sends nothing"
    client.post(reverse("desk-exchange-send"))
    assert len(events(world, "sending_requested")) == 1
    sent_over(world, channel.id)
    [one] = deliveries(world, channel.id)
    page = text(client, "desk-exchange-delivery", one.id)
    assert "A,PREM,2020-01-01,execution,new" in page
    assert one.digest in page
    file = client.get(reverse("desk-exchange-file", args=[one.id, 0]))
    content = b"".join(file.streaming_content)  # type: ignore[attr-defined]
    assert content == (Path(str(log.path_of(one.files[0].sha256)))).read_bytes()
    assert 'filename="supports_00000001.csv"' in file["Content-Disposition"]
    assert client.get(reverse("desk-exchange-file", args=[one.id, 9])).status_code == 404
    client.post(reverse("desk-exchange-answer", args=[one.id]), {"verdict": "taken", "reason": "by phone"})
    assert deliveries(world, channel.id)[0].state is DeliveryState.ACKNOWLEDGED
    client.post(reverse("desk-exchange-resend", args=[one.id]))
    assert deliveries(world, channel.id)[0].state is DeliveryState.QUEUED
    [route] = log.routes(world["viewer"])
    client.post(reverse("desk-exchange-route-resend", args=[route.id]), {"since": "2025-07-01"})
    client.post(reverse("desk-exchange-route-active", args=[route.id]), {"active": ""})
    assert log.routes(world["viewer"])[0].active is False


def test_a_signing_secret_is_shown_once(world: World, sign_in: SignIn) -> None:
    client = sign_in("administrator")
    form = {"name": "Hook", "url": "https://example.com/h", "rows_per_message": "500", "disable_after_days": "5",
            "timeout_seconds": "15", "expire_days": "7"}  # fmt: skip
    shown = client.post(reverse("desk-exchange-channel-new") + "?kind=webhook", form)
    assert "whsec_" in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    [channel] = log.channels(world["viewer"])
    for page in ("desk-exchange-channel", "desk-exchange-channel-edit"):
        assert "whsec_" not in text(client, page, channel.id)
    turned = client.post(reverse("desk-exchange-channel-secret", args=[channel.id])).content.decode()
    assert "whsec_" in turned
    assert "Drop the old secret" in text(client, "desk-exchange-channel", channel.id)
    client.post(reverse("desk-exchange-channel-secret", args=[channel.id]), {"drop": "yes"})
    assert log.channel(world["viewer"], channel.id).secrets == ("secret",)
    client.post(reverse("desk-exchange-channel-state", args=[channel.id]), {"state": "paused"})
    assert log.channel(world["viewer"], channel.id).state is ChannelState.PAUSED
    client.post(reverse("desk-exchange-channel-test", args=[channel.id]))
    assert len(events(world, "channel_test_requested")) == 1


def test_a_form_of_every_kind_keeps_its_secrets_to_itself(world: World, sign_in: SignIn) -> None:
    client = sign_in("administrator")
    rest = {
        "name": "REST",
        "url": "https://erp.example.com",
        "method": "PUT",
        "per": "batch",
        "auth": "bearer",
        "token": "t0p secret",
        "batch_size": "100",
        "timeout_seconds": "30",
        "acknowledged_by": "hand",
        "expire_days": "3",
    }
    assert client.post(reverse("desk-exchange-channel-new") + "?kind=rest", rest).status_code == 302
    [channel] = log.channels(world["viewer"])
    assert channel.secrets == ("token",)
    assert "t0p" not in text(client, "desk-exchange-channel", channel.id) + text(
        client, "desk-exchange-channel-edit", channel.id
    )
    edit = reverse("desk-exchange-channel-edit", args=[channel.id])
    assert client.post(edit, rest | {"token": "", "name": "Renamed"}).status_code == 302
    assert log.channel(world["viewer"], channel.id).secrets == ("token",)
    sftp = {"name": "SFTP", "host": "erp.example.com", "user": "u", "host_key": "nonsense", "path": ".", "port": "22",
            "acknowledged_by": "file", "expire_days": "3"}  # fmt: skip
    wrong = client.post(reverse("desk-exchange-channel-new") + "?kind=sftp", sftp)
    assert wrong.status_code == 422
    assert "ssh-keyscan" in wrong.content.decode()


def refused(world: World) -> UUID:
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    [one] = deliveries(world, channel)
    answer = Acknowledgement(refused=(RefusedRow("", 1, "locked"), RefusedRow("", 2, "locked")))
    actions.acknowledge(world["administrator"], one.id, answer)
    return one.id


def test_refused_rows_are_a_worklist(world: World, sign_in: SignIn) -> None:
    one = refused(world)
    assert "Decide about refused rows of supports 1 to Files" in text(sign_in("administrator"), "desk-home")
    assert "Decide about refused rows" not in text(sign_in("planner"), "desk-home")
    client = sign_in("administrator")
    assert "locked" in text(client, "desk-exchange-delivery", one)
    assert client.post(reverse("desk-exchange-rows", args=[one]), {"state": "x"}).status_code == 422
    client.post(reverse("desk-exchange-rows", args=[one]), {"state": "again"})
    assert {row.state for row in log.refused_rows(world["viewer"], one)} == {RowState.AGAIN}


def test_a_stuck_batch_is_set_aside_with_a_reason(world: World, sign_in: SignIn) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    one = deliveries(world, channel)[0].id
    client = sign_in("administrator")
    answer = reverse("desk-exchange-answer", args=[one])
    client.post(answer, {"verdict": "refused", "reason": "closed"})
    assert "End the stuck batch supports 1 to Files" in text(client, "desk-home")
    assert client.post(answer, {"verdict": "aside", "reason": ""}).status_code == 422
    client.post(answer, {"verdict": "aside", "reason": "the next one brings it"})
    assert deliveries(world, channel)[0].state is DeliveryState.SET_ASIDE


def test_others_read_and_do_nothing(world: World, sign_in: SignIn) -> None:
    one = refused(world)
    [route] = log.routes(world["viewer"])
    client = sign_in("viewer")
    for name, args in (
        ("desk-exchange", []), ("desk-exchange-feeds", []), ("desk-exchange-channels", []),
        ("desk-exchange-delivery", [one]), ("desk-exchange-channel", [route.channel]),
        ("desk-exchange-route", [route.id]),
    ):  # fmt: skip
        page = text(client, name, *args)
        assert "<button" not in page.split("<main")[1] or "is-primary" not in page.split("<main")[1]
    for name, args in (("desk-exchange-channel-new", []), ("desk-exchange-route-edit", [route.channel])):
        assert client.get(reverse(name, args=args)).status_code == 403
    for name, args in (("desk-exchange-resend", [one]), ("desk-exchange-rows", [one]), ("desk-exchange-send", [])):
        assert client.post(reverse(name, args=args)).status_code == 403


def test_suppliers_find_no_such_page(world: World, sign_in: SignIn) -> None:
    one = refused(world)
    client = sign_in("a administrator")
    for name, args in (("desk-exchange", []), ("desk-exchange-delivery", [one]), ("desk-exchange-file", [one, 0])):
        assert client.get(reverse(name, args=args)).status_code in {403, 404}


def test_every_feed_has_a_page_and_rulings_show(world: World, sign_in: SignIn) -> None:
    ruled(world)
    client = sign_in("viewer")
    for name in FEEDS:
        assert FEEDS[name].title in text(client, "desk-exchange-feed", name)
    assert "PO00000" in text(client, "desk-exchange-feed", "rulings")
    text(client, "desk-exchange-feed", "nothing", status=404)
    assert "nothing has been sent" not in text(client, "desk-exchange")
    channel = folder_channel(world)
    on_channel(world, channel, RULINGS)
    assert client.get(reverse("desk-exchange"), {"export": "deliveries"}).status_code == 200


def test_a_fingerprint_is_shown_and_accepted_on_the_page(world: World, sftp: Sftp, sign_in: SignIn) -> None:
    put = ChannelPut("SAP", ChannelKind.SFTP, {"host": "127.0.0.1", "port": sftp.port, "user": "tierwise"})
    channel = actions.put_channel(world["administrator"], put).channel
    jobs.test_channel(world.worker, channel)
    where = reverse("desk-exchange-channel", args=[channel])
    shown = fingerprint(sftp.host_key)
    told = sign_in("administrator").get(where).content.decode()
    assert shown in told
    assert "accept this key" in told
    assert "accept this key" not in sign_in("viewer").get(where).content.decode()
    key = " ".join(sftp.host_key.split()[:2])
    accept = reverse("desk-exchange-channel-host-key", args=[channel])
    assert sign_in("administrator").post(accept, {"key": key}).status_code == 302
    assert "accept this key" not in sign_in("administrator").get(where).content.decode()
