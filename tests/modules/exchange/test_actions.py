"""What is written about sending: by whom, once, and never a secret in the open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncssh
import pytest

from collaboration.scenes import NOW, at, at_once, entries, events
from fixtures.databases import Template
from fixtures.worlds import World
from modules.exchange.receivers import Sftp, Web
from modules.exchange.scenes import (
    RULINGS,
    SUPPORTS,
    TODAY,
    deliveries,
    folder_channel,
    ndjson,
    on_channel,
    ruled,
    sent_over,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.vault import unseal
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.actions import ChannelPut
from tierwise.modules.exchange.models import Channel, Delivery
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.words import ChannelKind, ChannelState, DeliveryState, RowState
from tierwise.wire.acknowledgements import Acknowledgement, RefusedRow
from tierwise.wire.documents import DocumentError

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("clock")]
HOOK = ChannelPut("Hook", ChannelKind.WEBHOOK, {"url": "https://example.com/hook"})
TAKEN, REFUSED = Acknowledgement(True, "by phone"), Acknowledgement(False, "closed")


def secrets_of(world: World, channel: UUID) -> dict[str, str]:
    with viewer_scope(world.worker):
        row = Channel.objects.get(id=channel)
    return unseal(row.sealed, str(row.id))


@pytest.fixture
def sent(world: World) -> UUID:
    """A batch of supports that lies in the ERP's folder, unanswered."""
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    return deliveries(world, channel)[0].id


def state_of(world: World, delivery: UUID) -> DeliveryState:
    return log.delivery(world["viewer"], delivery).state


# --- every action alike: only those who may, of this company, and a refusal is on record

Call = Callable[[Viewer, UUID, UUID, UUID], Any]
CALLS: dict[str, Call] = {
    "put_channel": lambda a, c, r, d: actions.put_channel(a, HOOK),
    "rotate_secret": lambda a, c, r, d: actions.rotate_secret(a, c),
    "drop_secret": lambda a, c, r, d: actions.drop_secret(a, c),
    "set_channel_state": lambda a, c, r, d: actions.set_channel_state(a, c, ChannelState.PAUSED),
    "put_route": lambda a, c, r, d: actions.put_route(a, c, SUPPORTS),
    "set_route_active": lambda a, c, r, d: actions.set_route_active(a, r, False),
    "request_test": lambda a, c, r, d: actions.request_test(a, c),
    "request_sending": lambda a, c, r, d: actions.request_sending(a, c),
    "acknowledge_delivery": lambda a, c, r, d: actions.acknowledge(a, d, TAKEN),
    "resend_delivery": lambda a, c, r, d: actions.resend(a, d),
    "resend_since": lambda a, c, r, d: actions.resend_since(a, r, NOW),
    "set_aside_delivery": lambda a, c, r, d: actions.set_aside(a, d, "why"),
    "decide_rows": lambda a, c, r, d: actions.decide_rows(a, d, RowState.AGAIN),
    "accept_host_key": lambda a, c, r, d: actions.accept_host_key(a, c, "ssh-ed25519 AAAA"),
    "note_test": lambda a, c, r, d: actions.note_test(a, c, "x"),
    "begin_attempt": lambda a, c, r, d: actions.begin_attempt(a, d),
    "note_progress": lambda a, c, r, d: actions.note_progress(a, d, 1),
    "record_sent": lambda a, c, r, d: actions.record_sent(a, d, d, TAKEN),
    "record_fault": lambda a, c, r, d: actions.record_fault(a, d, d, "x", 0),
    "expire_delivery": lambda a, c, r, d: actions.expire(a, d),
}  # fmt: skip


@pytest.mark.parametrize("who", ["planner", "viewer", "a administrator"])
def test_no_other_role_and_no_other_company(world: World, who: str) -> None:
    one = uuid7()
    for name, call in CALLS.items():
        with pytest.raises(NotAllowed):
            call(world[who], one, one, one)
        assert entries(world, name, "refused") == 1, name


def test_what_is_not_there_is_not_found(world: World) -> None:
    one = uuid7()
    worker_only = {"note_test", "begin_attempt", "record_sent", "record_fault", "expire_delivery"}
    for name in CALLS.keys() - {"put_channel", "request_sending", "resend_since", "note_progress"}:
        actor = world.worker if name in worker_only else world["administrator"]
        with pytest.raises(NotFound):
            CALLS[name](actor, one, one, one)


def test_suppliers_have_no_grant_on_any_of_it(world: World, database: Template) -> None:
    import psycopg

    names = ("channel", "route", "delivery", "deliveryattempt", "refusedrow")
    with database.connect("supplier") as connection:
        for name in names:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select 1 from exchange_{name}")
            connection.rollback()


# --- channels


def test_a_channel_keeps_its_secrets_sealed(world: World) -> None:
    settings = {
        "url": "https://erp.example.com/in",
        "auth": "oauth2",
        "token_url": "https://id.example.com/t",
        "client_id": "c",
    }
    put = ChannelPut("ERP", ChannelKind.REST, settings, {"client_secret": "hush hush"})
    made = actions.put_channel(world["administrator"], put)
    assert made.secret == ""
    shown = log.channel(world["viewer"], made.channel)
    assert shown.secrets == ("client_secret",)
    assert secrets_of(world, made.channel) == {"client_secret": "hush hush"}
    with viewer_scope(world.worker):
        told = [str(entry.detail) for entry in AuditEntry.objects.all()]
        assert "hush" not in str([*Channel.objects.values_list(), *told])
    # A secret left out stays, an empty one goes.
    actions.put_channel(world["administrator"], ChannelPut("ERP 2", ChannelKind.REST, settings), made.channel)
    assert secrets_of(world, made.channel) == {"client_secret": "hush hush"}
    actions.put_channel(
        world["administrator"], ChannelPut("ERP 2", ChannelKind.REST, settings, {"client_secret": ""}), made.channel
    )
    assert log.channel(world["viewer"], made.channel).secrets == ()


WRONG = [
    (ChannelPut("", ChannelKind.FOLDER, {"path": "x"}), "name"),
    (ChannelPut("x", ChannelKind.FOLDER, {"path": " "}), "path"),
    (ChannelPut("x", ChannelKind.FOLDER, {}), "path"),
    (ChannelPut("x", ChannelKind.FOLDER, {"path": "x", "host": "y"}), "host"),
    (ChannelPut("x", ChannelKind.FOLDER, {"path": "x"}, {"password": "y"}), "password"),
    (ChannelPut("x", ChannelKind.FOLDER, {"path": "x"}, {}, 0), "expire_days"),
    (ChannelPut("x", ChannelKind.SFTP, {"host": "h", "user": "u", "host_key": "AAAA"}), "host_key"),
    (ChannelPut("x", ChannelKind.REST, {"url": "ftp://x"}), "url"),
    (ChannelPut("x", ChannelKind.REST, {"url": "https://u:p@x"}), "url"),
    (ChannelPut("x", ChannelKind.REST, {"url": "https://x/{A}"}), "url"),
    (ChannelPut("x", ChannelKind.REST, {"url": "https://x", "per": "odata"}), "entity"),
    (ChannelPut("x", ChannelKind.REST, {"url": "https://x", "acknowledged_by": "file"}), "acknowledged_by"),
    (ChannelPut("x", ChannelKind.REST, {"url": "https://x", "timeout_seconds": "soon"}), "timeout_seconds"),
    (ChannelPut("x", ChannelKind.WEBHOOK, {"url": "https://x", "rows_per_message": 0}), "rows_per_message"),
]


def test_what_a_channel_must_be_told(world: World) -> None:
    for put, field in WRONG:
        with pytest.raises(Invalid) as refused:
            actions.put_channel(world["administrator"], put)
        assert refused.value.parameters["field"] == field
    assert log.channels(world["viewer"]) == []


def test_two_channels_of_one_name_at_once(world: World) -> None:
    results = at_once(*(lambda: actions.put_channel(world["administrator"], HOOK) for _ in range(2)))
    assert sorted(type(one).__name__ for one in results) == ["Invalid", "Revealed"]


def test_a_rotation_keeps_both_secrets_for_a_week(world: World) -> None:
    made = actions.put_channel(world["administrator"], HOOK)
    assert made.secret.startswith("whsec_")
    turned = actions.rotate_secret(world["administrator"], made.channel)
    held = secrets_of(world, made.channel)
    assert held == {"secret": turned.secret, "old_secret": made.secret}
    assert log.channel(world["viewer"], made.channel).old_secret_until == NOW + timedelta(days=7)
    for _ in range(2):
        actions.drop_secret(world["administrator"], made.channel)
    assert secrets_of(world, made.channel) == {"secret": turned.secret}
    with pytest.raises(Stale):
        actions.rotate_secret(world["administrator"], folder_channel(world))


def test_only_the_program_disables(world: World) -> None:
    channel = folder_channel(world)
    with pytest.raises(Invalid):
        actions.set_channel_state(world["administrator"], channel, ChannelState.DISABLED)
    actions.set_channel_state(world["administrator"], channel, ChannelState.PAUSED)
    on_channel(world, channel)
    assert sent_over(world, channel)["batches"] == 0
    actions.set_channel_state(world["administrator"], channel, ChannelState.ACTIVE)
    assert sent_over(world, channel)["sent"] == 1


def test_a_feed_stands_on_a_channel_once(world: World) -> None:
    channel = folder_channel(world)
    first = on_channel(world, channel)
    assert on_channel(world, channel, SUPPORTS + "send: everything\n") == first
    with pytest.raises(DocumentError):
        on_channel(world, channel, "feed: nothing")
    hook = actions.put_channel(world["administrator"], HOOK).channel
    with pytest.raises(Invalid, match="form: ndjson"):
        on_channel(world, hook)
    on_channel(world, hook, ndjson(SUPPORTS))
    assert {one["channel"] for one in events(world, "channel_test_requested")} == set()
    actions.request_test(world["administrator"], hook)
    assert [one["channel"] for one in events(world, "channel_test_requested")] == [str(hook)]


# --- deliveries


def test_a_receivers_word_ends_a_batch_once(world: World, sent: UUID) -> None:
    assert state_of(world, sent) is DeliveryState.SENT
    assert actions.acknowledge(world["administrator"], sent, TAKEN) is DeliveryState.ACKNOWLEDGED
    assert actions.acknowledge(world["administrator"], sent, REFUSED) is DeliveryState.ACKNOWLEDGED
    assert len(events(world, "delivery_settled")) == 1
    channel = log.delivery(world["viewer"], sent).channel
    assert sent_over(world, channel)["batches"] == 0


def test_two_words_at_once_count_once(world: World, sent: UUID) -> None:
    words = at_once(*(lambda: actions.acknowledge(world["administrator"], sent, TAKEN) for _ in range(2)))
    assert words == [DeliveryState.ACKNOWLEDGED] * 2
    assert len(events(world, "delivery_settled")) == 1


def test_a_row_the_batch_does_not_have_is_refused(world: World, sent: UUID) -> None:
    for row in (RefusedRow("nobody"), RefusedRow("", 99)):
        with pytest.raises(Invalid, match="has no row"):
            actions.acknowledge(world["administrator"], sent, Acknowledgement(refused=(row,)))
    assert state_of(world, sent) is DeliveryState.SENT


def test_a_refused_batch_holds_the_feed_until_people_end_it(world: World, sent: UUID) -> None:
    channel = log.delivery(world["viewer"], sent).channel
    actions.acknowledge(world["administrator"], sent, REFUSED)
    assert sent_over(world, channel)["waiting"] == 1
    with pytest.raises(Invalid):
        actions.set_aside(world["administrator"], sent, " ")
    for _ in range(2):
        actions.set_aside(world["administrator"], sent, "Sent anew under another number")
    assert sent_over(world, channel)["batches"] == 1
    first, second = deliveries(world, channel)
    assert (first.state, second.number, second.rows) == (DeliveryState.SET_ASIDE, 2, first.rows)
    with pytest.raises(Stale):
        actions.set_aside(world["administrator"], second.id, "why not")


def test_rows_settled_by_hand_are_known_to_be_there(world: World, sent: UUID) -> None:
    channel = log.delivery(world["viewer"], sent).channel
    actions.acknowledge(
        world["administrator"], sent, Acknowledgement(refused=(RefusedRow("", 1, "x"), RefusedRow("", 2)))
    )
    assert log.delivery(world["viewer"], sent).refused_rows == 2
    [one, two] = log.refused_rows(world["viewer"], sent)
    assert actions.decide_rows(world["administrator"], sent, RowState.SETTLED, [one.id]) == 1
    assert actions.decide_rows(world["administrator"], sent, RowState.AGAIN) == 1
    assert actions.decide_rows(world["administrator"], sent, RowState.AGAIN) == 0
    with pytest.raises(Invalid):
        actions.decide_rows(world["administrator"], sent, RowState.OPEN)
    assert sent_over(world, channel)["rows"] == 1
    assert two.key in str(log.kept_frame(deliveries(world, channel)[1].content)["row_key"].to_list())  # type: ignore[index]


def test_an_older_batch_never_overtakes_a_newer_one(world: World, sent: UUID) -> None:
    administrator = world["administrator"]
    first = log.delivery(administrator, sent)
    actions.acknowledge(administrator, sent, TAKEN)
    from tierwise.directory.actions import end_support
    from tierwise.directory.queries import supports

    end_support(world["planner"], supports(administrator, supplier=world.suppliers["A"])[0].id, TODAY)
    assert sent_over(world, first.channel)["rows"] == 1
    second = deliveries(world, first.channel)[1]
    actions.acknowledge(administrator, second.id, TAKEN)
    with pytest.raises(Stale, match="Send all since"):
        actions.resend(administrator, sent)
    actions.resend(administrator, second.id)
    sent_over(world, first.channel)
    actions.acknowledge(administrator, second.id, TAKEN)
    assert actions.resend_since(administrator, first.route, NOW) == 2
    with at(hours=1):
        assert actions.resend_since(administrator, first.route, NOW + timedelta(hours=1)) == 0
        for one in (first, second):
            jobs.work_channel(world.worker, first.channel)
            # One at a time: the second waits until the first is acknowledged.
            assert [d.state for d in deliveries(world, first.channel)].count(DeliveryState.SENT) == 1
            actions.acknowledge(administrator, one.id, TAKEN)
        assert sent_over(world, first.channel)["batches"] == 0


def test_two_workers_carry_a_batch_once(world: World) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    jobs.collect(world.worker, TODAY)
    [one] = deliveries(world, channel)
    results = at_once(*(lambda: actions.begin_attempt(world.worker, one.id) for _ in range(2)))
    assert sorted(type(r).__name__ for r in results) == ["Stale", "UUID"]


def test_two_looks_at_once_queue_one_batch(world: World) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    at_once(*(lambda: jobs.collect(world.worker, TODAY) for _ in range(2)))
    assert [one.number for one in deliveries(world, channel)] == [1]


def test_a_final_word_may_be_sent_again_whatever_came_later(world: World, web: Web) -> None:
    put = ChannelPut("ERP", ChannelKind.REST, {"url": f"{web.url}/in"})
    channel = actions.put_channel(world["administrator"], put).channel
    on_channel(world, channel, RULINGS)
    ruled(world)
    sent_over(world, channel)
    [first] = deliveries(world, channel)
    assert first.state is DeliveryState.ACKNOWLEDGED
    with viewer_scope(world.worker):
        row = Delivery.objects.get(id=first.id)
        Delivery.objects.create(
            route_id=row.route_id, number=2, send="changes", state="acknowledged", rows=0, digest="d",
            content=row.content, schema_version="1",
        )  # fmt: skip
    actions.resend(world["administrator"], first.id)
    jobs.work_channel(world.worker, channel)
    assert len({r.headers["idempotency-key"] for r in web.requests}) == 1
    assert len({r.body for r in web.requests}) == 1
    assert len(web.requests) == 2


def test_rows_refused_before_are_closed_by_the_whole_batch_taken_later(world: World, sent: UUID) -> None:
    administrator, channel = world["administrator"], log.delivery(world["viewer"], sent).channel
    both = (RefusedRow("", 1, "closed"), RefusedRow("", 2, "closed"))
    actions.acknowledge(administrator, sent, Acknowledgement(refused=both))
    assert log.delivery(administrator, sent).refused_rows == 2
    # Sent again as it was: the one row is refused once more, the other was taken.
    actions.resend(administrator, sent)
    jobs.work_channel(world.worker, channel)
    actions.acknowledge(administrator, sent, Acknowledgement(refused=both[:1]))
    states = {one.row: one.state for one in log.refused_rows(administrator, sent)}
    assert states == {1: RowState.OPEN, 2: RowState.SETTLED}
    # And again: now everything was taken, and the receiver is known to hold it.
    actions.resend(administrator, sent)
    jobs.work_channel(world.worker, channel)
    actions.acknowledge(administrator, sent, TAKEN)
    assert {one.state for one in log.refused_rows(administrator, sent)} == {RowState.SETTLED}
    assert log.delivery(administrator, sent).refused_rows == 0
    assert sent_over(world, channel)["batches"] == 0


def test_a_host_key_is_fetched_compared_accepted_and_on_record(world: World, sftp: Sftp) -> None:
    administrator = world["administrator"]
    settings = {"host": "127.0.0.1", "port": sftp.port, "user": "tierwise", "path": "in"}
    put = ChannelPut("SAP", ChannelKind.SFTP, settings, {"password": "open sesame"})
    channel = actions.put_channel(administrator, put).channel
    on_channel(world, channel)
    assert sent_over(world, channel)["batches"] == 1
    assert deliveries(world, channel)[0].state is DeliveryState.FAILED
    assert list((sftp.root / "in").iterdir()) == []
    assert "accept its fingerprint" in jobs.test_channel(world.worker, channel)
    shown = log.channel(administrator, channel).shown_key
    with pytest.raises(Stale, match="another key"):
        actions.accept_host_key(administrator, channel, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG")
    actions.accept_host_key(administrator, channel, shown)
    actions.accept_host_key(administrator, channel, shown)
    found = log.channel(administrator, channel)
    assert (found.settings["host_key"], found.shown_key) == (shown, "")
    assert entries(world, "accept_host_key") == 2
    assert "signed in" in jobs.test_channel(world.worker, channel)
    actions.resend(administrator, deliveries(world, channel)[0].id)
    jobs.work_channel(world.worker, channel)
    assert len(list((sftp.root / "in").iterdir())) == 2
    # Another key: nothing is sent, and a try shows it beside the one accepted.
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    actions.put_channel(administrator, replace(put, settings=settings | {"host_key": other}, secrets={}), channel)
    assert "another host key" in jobs.test_channel(world.worker, channel)
    assert log.channel(administrator, channel).shown_key == shown
