"""Commands on what is sent to other systems."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from tierwise.cli.acting import acting
from tierwise.cli.output import FAILED, NOTHING, fail, say, show
from tierwise.kernel.audit import Refused
from tierwise.kernel.viewer import SYSTEM
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS, Feed
from tierwise.modules.exchange.records.words import ChannelState, DeliveryRecord


def list_feeds(as_json: bool) -> None:
    rows = [
        {"feed": feed.name, "says": feed.title, "key": ", ".join(feed.key), "binds": feed.binds}
        | ({"columns": _columns(feed)} if as_json else {})
        for feed in FEEDS.values()
    ]
    show(rows, as_json, "")


def _columns(feed: Feed) -> list[dict[str, str]]:
    return [{"name": one.name, "unit": one.unit, "meaning": one.meaning} for one in feed.columns]


def list_channels(email: str, as_json: bool) -> None:
    actor = acting(email)
    feeds: dict[UUID, list[str]] = {}
    for route in log.routes(actor):
        feeds.setdefault(route.channel, []).append(route.feed)
    rows = [
        {"channel": one.name, "kind": one.kind.value, "state": one.state.value,
         "feeds": ", ".join(feeds.get(one.id, [])),
         "fails_since": one.failing_since, "reason": one.reason}
        for one in log.channels(actor)
    ]  # fmt: skip
    show(rows, as_json, "There is no channel yet; an administrator makes one under Sent decisions.")


def send_now(on: date, feed: str, channel: str, as_json: bool) -> None:
    """Queues what is new and carries it, here and now."""
    _known_feed(feed, as_json)
    wanted = _channel(channel, as_json) if channel else None
    found = jobs.collect(SYSTEM, on, feeds=[feed] if feed else (), channel=wanted)
    sent = answers = 0
    for one in log.channels(SYSTEM):
        if one.state is ChannelState.ACTIVE and wanted in {None, one.id}:
            done = jobs.work_channel(SYSTEM, one.id)
            sent, answers = sent + done["sent"], answers + done["answers"]
    values: dict[str, Any] = {**found, "sent": sent, "answers": answers}
    text = f"{found['batches']} batches queued, {sent} sent, {answers} acknowledgements read."
    say(values, as_json, "\n".join([text, *found["faults"]]))
    if found["faults"]:
        raise SystemExit(FAILED)
    if not (found["batches"] or sent or answers):
        raise SystemExit(NOTHING)


def send_again(delivery: str, since: datetime | None, feed: str, channel: str, as_json: bool, email: str = "") -> None:
    """One delivery, or all of a feed on a channel since a day."""
    actor = acting(email)
    try:
        if delivery:
            actions.resend(actor, UUID(delivery))
            count = 1
        else:
            if since is None or not feed or not channel:
                fail("Name a delivery, or --channel, --feed and --since.", as_json)
            _known_feed(feed, as_json)
            routes = log.routes(actor, channel=_channel(channel, as_json), feed=feed)
            if not routes:
                fail(f"{feed} does not go over {channel}.", as_json)
            count = actions.resend_since(actor, routes[0].id, since.replace(tzinfo=UTC))
    except ValueError:
        fail(f"{delivery} is not the id of a delivery; `tierwise exchange log` prints it.", as_json)
    except Refused as refusal:
        fail(refusal.message, as_json, code=refusal.code)
    say({"queued": count}, as_json, f"{count} batches go out again under their own numbers.")
    if not count:
        raise SystemExit(NOTHING)


def list_log(limit: int, feed: str, channel: str, email: str, as_json: bool) -> None:
    actor = acting(email)
    _known_feed(feed, as_json)
    wanted = _channel(channel, as_json) if channel else None
    rows = [_line(one, as_json) for one in log.deliveries(actor, channel=wanted, feed=feed, limit=limit)]
    show(rows, as_json, "Nothing was sent yet.")


def _line(one: DeliveryRecord, as_json: bool) -> dict[str, Any]:
    shown = {
        "delivery": one.id, "channel": one.channel_name, "feed": one.feed, "batch": one.number,
        "state": one.state.value, "rows": one.rows, "refused": one.refused_rows,
        "queued": f"{one.queued_at:%Y-%m-%d %H:%M:%S}",
        "attempts": one.attempts,
    }  # fmt: skip
    further = {"digest": one.digest, "files": [f.name for f in one.files], "answer": one.answer}
    return shown | (further if as_json else {"answer": one.answer[:60]})


def _channel(name: str, as_json: bool) -> UUID:
    found = next((one for one in log.channels(SYSTEM) if one.name.lower() == name.lower()), None)
    if found is None:
        fail(f"There is no channel {name}; `tierwise exchange channels` lists them.", as_json)
    return found.id


def _known_feed(feed: str, as_json: bool) -> None:
    if feed and feed not in FEEDS:
        fail(f"There is no feed {feed}; `tierwise exchange feeds` lists them.", as_json)
