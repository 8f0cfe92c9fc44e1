"""What the worker does: look what is new, carry it, read the answers. One job per channel, none per row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tierwise.kernel.audit import Invalid, Stale
from tierwise.kernel.clock import now, today
from tierwise.kernel.pipeline import Progress, fingerprint, silent
from tierwise.kernel.vault import Unreadable
from tierwise.kernel.viewer import SYSTEM, Viewer
from tierwise.modules.exchange import actions
from tierwise.modules.exchange.carrying import answers_of, carry, mark_taken, newly_shown_key, probe
from tierwise.modules.exchange.layout import CannotMap
from tierwise.modules.exchange.preparing import prepare
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS
from tierwise.modules.exchange.records.words import ChannelState, DeliveryRecord
from tierwise.modules.exchange.transport.parcel import AckFile, NotTaken, TransportFault
from tierwise.wire.acknowledgements import Acknowledgement, UnreadableAcknowledgement, read_acknowledgement

_log = logging.getLogger(__name__)


def collect(worker: Viewer, on: date, *, feeds: Collection[str] = (), channel: UUID | None = None) -> dict[str, Any]:
    """Queues what is new on every active route; a route whose batch is still on its way waits for it."""
    queued, rows, waiting = 0, 0, 0
    faults: list[str] = []
    for route in log.routes(worker, channel=channel, active=True):
        if feeds and route.feed not in feeds:
            continue
        if log.outstanding(worker, route.id) is not None:
            waiting += 1
            continue
        try:
            draft = prepare(worker, route, on)
            if draft is None:
                continue
            actions.queue_batch(worker, draft)
        except CannotMap as error:
            faults.append(f"{route.channel_name}, {route.feed}: {error}")
            _log.warning("%s", faults[-1])
            continue
        except Stale:
            waiting += 1
            continue
        queued, rows = queued + 1, rows + draft.rows
    return {"batches": queued, "rows": rows, "waiting": waiting, "faults": faults}


def collect_all(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """The cycle's step: queue what the day's steps decided."""
    progress("collecting decisions to send", 0.5)
    return collect(worker, on)


def work_channel(worker: Viewer, channel: UUID) -> dict[str, int]:
    """Reads answers, then sends what is due, then reads what was answered at once."""
    told = take_answers(worker, channel)
    sent = 0
    while due := log.due_now(worker, channel):
        if log.channel(worker, channel).state is not ChannelState.ACTIVE:
            break
        sent += sum(deliver_one(worker, one) for one in due)
    return {"sent": sent, "answers": told}


def deliver_one(worker: Viewer, delivery: UUID) -> bool:
    """One attempt: taken up, carried outside of any transaction, and its outcome kept. True when it arrived."""
    try:
        attempt = actions.begin_attempt(worker, delivery)
    except Stale:
        return False
    found = log.delivery(worker, delivery)
    try:
        outcome = carry(worker, found, lambda rows: actions.note_progress(worker, delivery, rows))
    except TransportFault as fault:
        actions.record_fault(worker, delivery, attempt, str(fault), fault.after if fault.again else None)
        if fault.gone:
            actions.set_channel_state(worker, found.channel, ChannelState.DISABLED, f"The receiver is gone: {fault}")
        return False
    except (Unreadable, CannotMap, ValueError) as error:
        actions.record_fault(worker, delivery, attempt, str(error), None)
        return False
    except NotTaken as refusal:
        actions.record_sent(worker, delivery, attempt, Acknowledgement(False, str(refusal)))
        return True
    try:
        actions.record_sent(worker, delivery, attempt, Acknowledgement(True, outcome.answer, outcome.refused))
    except Invalid as unclear:
        # It arrived, whatever its answer meant; sending it again would not make the answer clearer.
        actions.record_sent(worker, delivery, attempt, Acknowledgement(True, f"{outcome.answer} ({unclear.message})"))
    return True


def take_answers(worker: Viewer, channel: UUID) -> int:
    """Reads acknowledgement files, and lets batches expire that nobody answered."""
    waiting = log.awaiting(worker, channel)
    found = log.channel(worker, channel)
    taken = 0
    if waiting:
        try:
            answers = answers_of(worker, found)
        except (TransportFault, Unreadable) as fault:
            _log.warning("%s: acknowledgements cannot be read: %s", found.name, fault)
            answers = []
        by_stem = {stem: one for one in waiting for stem in stems_of(one)}
        for answer in answers:
            if (delivery := by_stem.get(answer.stem)) is not None:
                taken += _take_answer(worker, delivery, answer)
                mark_taken(worker, found, answer)
    oldest = now() - timedelta(days=found.expire_days)
    for one in log.awaiting(worker, channel):
        if one.sent_at is not None and one.sent_at <= oldest:
            actions.expire(worker, one.id)
    return taken


def stems_of(delivery: DeliveryRecord) -> set[str]:
    """Names under which a receiver may answer: a file's, with or without its ending, or feed and number."""
    stem = f"{delivery.feed}_{delivery.number:08}"
    if len(delivery.files) > 1:
        return {stem}
    name = delivery.files[0].name if delivery.files else stem
    return {stem, name, name.rsplit(".", 1)[0]}


def _take_answer(worker: Viewer, delivery: DeliveryRecord, answer: AckFile) -> int:
    try:
        actions.acknowledge(worker, delivery.id, read_acknowledgement(answer.content, answer.negative))
    except (UnreadableAcknowledgement, Invalid) as error:
        actions.acknowledge(worker, delivery.id, Acknowledgement(False, f"{answer.name}: {error}"))
    return 1


def test_channel(worker: Viewer, channel: UUID) -> str:
    """Tries a channel and keeps what came of it."""
    found, shown = log.channel(worker, channel), ""
    try:
        result = probe(worker, found)
    except (TransportFault, Unreadable, ValueError) as fault:
        result = f"failed: {fault}"
        shown = newly_shown_key(found)
    actions.note_test(worker, channel, result, shown)
    return result


@app.task
def exchange_collect(feeds: str) -> None:
    """Queues what is new of some feeds (names, parted by blanks; none for all) and sends it."""
    collect(SYSTEM, today(), feeds=feeds.split())
    _wake_channels()


@app.task
def exchange_channel(channel: str) -> None:
    work_channel(SYSTEM, UUID(channel))


@app.task
def exchange_test(channel: str) -> None:
    test_channel(SYSTEM, UUID(channel))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="exchange_tick", pass_context=False)
def exchange_tick(timestamp: int) -> None:
    """Every minute: channels with something to send or to be answered get a job each."""
    del timestamp
    _wake_channels()


def _wake_channels() -> None:
    for channel in log.channels(SYSTEM):
        busy = log.due_now(SYSTEM, channel.id) or log.awaiting(SYSTEM, channel.id)
        if channel.state is ChannelState.ACTIVE and busy:
            _defer(exchange_channel, f"exchange {channel.id}", channel=str(channel.id))


def _defer(task: Any, lock: str, **values: str) -> None:
    """Puts a job into the queue unless one like it waits there; jobs of one channel never run side by side."""
    try:
        with transaction.atomic(using=SYSTEM.alias):
            task.configure(lock=lock, queueing_lock=lock).defer(**values)
    except AlreadyEnqueued:
        pass


def look_again(event: str) -> Callable[[Viewer, dict[str, Any]], None]:
    """The answer to some news: the feeds that it concerns are looked at, where anybody receives them."""
    names = frozenset(feed.name for feed in FEEDS.values() if event in feed.events)

    def hear(worker: Viewer, payload: dict[str, Any]) -> None:
        del payload
        wanted = sorted(names & {route.feed for route in log.routes(worker, active=True)})
        if wanted:
            feeds = " ".join(wanted)
            _defer(exchange_collect, f"exchange {fingerprint(feeds)[:12]}", feeds=feeds)

    return hear


def send_as_asked(worker: Viewer, payload: dict[str, Any]) -> None:
    """Answers ``sending_requested``."""
    del worker, payload
    _defer(exchange_collect, "exchange all", feeds="")


def test_as_asked(worker: Viewer, payload: dict[str, Any]) -> None:
    """Answers ``channel_test_requested``."""
    del worker
    _defer(exchange_test, f"test {payload['channel']}", channel=str(payload["channel"]))
