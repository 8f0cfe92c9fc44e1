"""Carrying through faults: retries, crashes between any two steps, answers that never come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from collaboration.scenes import NOW, at
from fixtures.worlds import World
from modules.exchange.receivers import Web
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
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.actions import ChannelPut
from tierwise.modules.exchange.actions.deliveries import JITTER, LEASE, WAITS
from tierwise.modules.exchange.models import Delivery
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.words import ChannelKind, ChannelState, DeliveryState

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("clock")]


class Killed(BaseException):
    """The process is gone: nothing of ours runs after it."""


def rest(world: World, web: Web, **settings: Any) -> UUID:
    put = ChannelPut("ERP", ChannelKind.REST, {"url": f"{web.url}/in", **settings})
    return actions.put_channel(world["administrator"], put).channel


def hook(world: World, web: Web) -> UUID:
    put = ChannelPut("Hook", ChannelKind.WEBHOOK, {"url": f"{web.url}/hook", "disable_after_days": 2})
    return actions.put_channel(world["administrator"], put).channel


@pytest.mark.parametrize("step", ["before_sending", "before_recording", "while_recording"])
def test_a_crash_repeats_the_very_same_batch(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    channel = rest(world, web)
    on_channel(world, channel)
    original = {"carry": jobs.carry, "record_sent": actions.record_sent}

    def dies(*args: Any, **kwargs: Any) -> Any:
        if step == "before_recording":
            original["carry"](*args, **kwargs)
        raise Killed

    if step == "while_recording":
        # Within the transaction that would have kept the outcome, after everything was written.
        monkeypatch.setattr("tierwise.modules.exchange.actions.deliveries.publish_event", dies)
    else:
        monkeypatch.setattr(jobs, "carry", dies)
    with pytest.raises(Killed):
        sent_over(world, channel)
    monkeypatch.undo()
    assert sent_over(world, channel)["sent"] == 0, "the dead process may still be at it"
    with at(minutes=LEASE.total_seconds() / 60 + 1):
        done = sent_over(world, channel)
    assert (done["batches"], done["sent"]) == (0, 1)
    [one] = deliveries(world, channel)
    assert (one.number, one.state, one.attempts) == (1, DeliveryState.ACKNOWLEDGED, 2)
    assert len(web.requests) == (1 if step == "before_sending" else 2)
    assert len({(r.headers["idempotency-key"], r.body) for r in web.requests}) == 1


def test_a_crash_while_queueing_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr("tierwise.modules.exchange.actions.deliveries.record", dies)
    with pytest.raises(Killed):
        jobs.collect(world.worker, TODAY)
    monkeypatch.undo()
    assert deliveries(world, channel) == []
    assert sent_over(world, channel)["batches"] == 1


def test_a_crash_between_an_answer_and_its_mark_reads_it_twice_without_harm(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    answer = tmp_path / "exchange" / "erp" / "supports_00000001.ack"
    answer.write_text("row;reason\n1;no\n")

    def dies(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(jobs, "mark_taken", dies)
    with pytest.raises(Killed):
        jobs.work_channel(world.worker, channel)
    monkeypatch.undo()
    jobs.work_channel(world.worker, channel)
    [one] = deliveries(world, channel)
    assert (one.state, one.refused_rows) == (DeliveryState.ACKNOWLEDGED, 1)


def test_attempts_wait_longer_each_time_and_end(world: World, web: Web) -> None:
    channel = rest(world, web)
    on_channel(world, channel)
    web.answers = lambda _: (503, {}, b"asleep")
    moment = timedelta()
    jobs.collect(world.worker, TODAY)
    for number, wait in enumerate(WAITS, start=1):
        with at(seconds=moment.total_seconds()):
            jobs.work_channel(world.worker, channel)
            [one] = deliveries(world, channel)
            assert (one.attempts, one.state) == (number, DeliveryState.QUEUED)
            assert one.next_attempt_at is not None
            waited = (one.next_attempt_at - (NOW + moment)).total_seconds()
            assert wait * (1 - JITTER) <= waited <= wait * (1 + JITTER)
            jobs.work_channel(world.worker, channel)
            assert len(web.requests) == number, "not before its time"
        moment = one.next_attempt_at - NOW
    with at(seconds=moment.total_seconds()):
        jobs.work_channel(world.worker, channel)
        [one] = deliveries(world, channel)
        assert (one.state, one.answer) == (DeliveryState.FAILED, "the service answered 503 asleep")
        assert len(log.attempts(world["viewer"], one.id)) == len(WAITS) + 1
        assert log.channel(world["viewer"], channel).failing_since == NOW
        web.answers = lambda _: (200, {}, b"")
        actions.resend(world["administrator"], one.id)
        jobs.work_channel(world.worker, channel)
    assert deliveries(world, channel)[0].state is DeliveryState.ACKNOWLEDGED
    assert log.channel(world["viewer"], channel).failing_since is None


def test_what_will_not_work_is_not_tried_again(world: World, web: Web) -> None:
    channel = rest(world, web)
    on_channel(world, channel)
    web.answers = lambda _: (403, {}, b"")
    sent_over(world, channel)
    assert deliveries(world, channel)[0].state is DeliveryState.FAILED


def test_a_receiver_that_asks_to_wait_is_let_be(world: World, web: Web) -> None:
    channel = rest(world, web)
    on_channel(world, channel)
    web.answers = lambda _: (429, {"retry-after": "3600"}, b"")
    sent_over(world, channel)
    [one] = deliveries(world, channel)
    assert one.next_attempt_at is not None
    assert one.next_attempt_at >= NOW + timedelta(hours=1)


def test_a_webhook_that_fails_for_days_is_disabled(world: World, web: Web) -> None:
    channel = hook(world, web)
    on_channel(world, channel, ndjson(SUPPORTS))
    web.answers = lambda _: (500, {}, b"")
    sent_over(world, channel)
    with at(days=2, hours=1):
        jobs.work_channel(world.worker, channel)
        found = log.channel(world["viewer"], channel)
        assert found.state is ChannelState.DISABLED
        assert "500" in found.reason
        web.answers = lambda _: (200, {}, b"")
        assert sent_over(world, channel)["sent"] == 0
        actions.set_channel_state(world["administrator"], channel, ChannelState.ACTIVE)
    with at(days=3):
        assert sent_over(world, channel)["sent"] == 1


def test_a_webhook_that_is_gone_is_disabled_at_once(world: World, web: Web) -> None:
    channel = hook(world, web)
    on_channel(world, channel, ndjson(SUPPORTS))
    web.answers = lambda _: (410, {}, b"")
    sent_over(world, channel)
    assert log.channel(world["viewer"], channel).state is ChannelState.DISABLED


def test_a_batch_nobody_answers_expires(world: World) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    with at(days=6):
        jobs.work_channel(world.worker, channel)
        assert deliveries(world, channel)[0].state is DeliveryState.SENT
    with at(days=8):
        jobs.work_channel(world.worker, channel)
        assert deliveries(world, channel)[0].state is DeliveryState.EXPIRED


def test_an_answer_that_cannot_be_read_is_a_refusal(world: World, tmp_path: Path) -> None:
    channel = folder_channel(world)
    on_channel(world, channel)
    sent_over(world, channel)
    (tmp_path / "exchange" / "erp" / "supports_00000001.csv.ack").write_text("all fine")
    jobs.work_channel(world.worker, channel)
    [one] = deliveries(world, channel)
    assert one.state is DeliveryState.REFUSED
    assert "no column key or row" in one.answer


def test_answers_about_unknown_rows_do_not_send_the_batch_again(world: World, web: Web) -> None:
    channel = rest(world, web)
    on_channel(world, channel)
    web.answers = lambda _: (200, {}, b'{"rows": [{"row": 999}]}')
    sent_over(world, channel)
    [one] = deliveries(world, channel)
    assert one.state is DeliveryState.ACKNOWLEDGED
    assert "has no row 999" in one.answer
    assert len(web.requests) == 1


def test_a_mapping_without_an_answer_is_told_and_holds_up_no_other(world: World) -> None:
    good, bad = folder_channel(world), folder_channel(world, "Other", path="other")
    on_channel(world, good)
    on_channel(world, bad, "feed: supports\ncolumns: {S: {from: segment, values: {PREM: A}}}")
    found = jobs.collect(world.worker, TODAY)
    assert found["batches"] == 1
    why = "columns.S: COMMON, STD is not in its code map; add it, or write `otherwise: keep`"
    assert found["faults"] == [f"Other, supports: {why}"]


def test_a_secret_that_cannot_be_opened_fails_the_batch_with_a_remedy(world: World, web: Web, settings: Any) -> None:
    channel = hook(world, web)
    on_channel(world, channel, ndjson(SUPPORTS))
    settings.SECRET_KEY = "another installation"
    sent_over(world, channel)
    [one] = deliveries(world, channel)
    assert one.state is DeliveryState.FAILED
    assert "Enter them again" in one.answer


def test_everything_is_sent_where_that_was_asked_for(world: World, web: Web) -> None:
    channel = rest(world, web)
    on_channel(world, channel, SUPPORTS + "send: everything\n")
    assert sent_over(world, channel)["rows"] == 5
    assert sent_over(world, channel)["batches"] == 0
    from tierwise.directory.actions import end_support
    from tierwise.directory.queries import supports

    end_support(world["planner"], supports(world["planner"], supplier=world.suppliers["B"])[0].id, TODAY)
    assert sent_over(world, channel)["rows"] == 5


def test_news_defers_one_job_for_the_feeds_it_concerns(world: World) -> None:
    def queued() -> list[str]:
        with viewer_scope(world.worker):
            rows = ProcrastinateJob.objects.filter(task_name__contains="exchange").order_by("id")
            return [f"{row.task_name.rpartition('.')[2]} {row.args}" for row in rows]

    ruled(world)
    deliver(world.worker)
    assert queued() == [], "nobody receives rulings"
    channel = folder_channel(world)
    on_channel(world, channel, RULINGS)
    actions.request_sending(world["administrator"])
    actions.request_test(world["administrator"], channel)
    deliver(world.worker)
    assert queued() == ["exchange_collect {'feeds': ''}", f"exchange_test {{'channel': '{channel}'}}"]
    jobs.look_again("case_ruled")(world.worker, {})
    jobs.look_again("case_ruled")(world.worker, {})
    assert queued()[2:] == ["exchange_collect {'feeds': 'rulings'}"]
    jobs.collect(world.worker, TODAY)
    for _ in range(2):
        jobs.exchange_tick(0)
    assert queued()[3:] == [f"exchange_channel {{'channel': '{channel}'}}"]


def test_a_try_says_what_came_of_it(world: World, web: Web) -> None:
    assert "can be written" in jobs.test_channel(world.worker, folder_channel(world))
    channel = hook(world, web)
    assert jobs.test_channel(world.worker, channel) == "taken: 200"
    web.answers = lambda _: (500, {}, b"broken")
    jobs.test_channel(world.worker, channel)
    assert log.channel(world["viewer"], channel).test_result == "failed: the receiver answered 500 broken"
    with viewer_scope(world.worker):
        assert not Delivery.objects.exists()
