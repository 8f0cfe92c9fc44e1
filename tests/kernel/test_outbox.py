"""News leaves with its action, reaches every subscriber at least once, and one that fails holds up nobody else."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from fixtures.worlds import World
from tierwise.directory.models import Segment
from tierwise.kernel import outbox
from tierwise.kernel.audit import Subject, action, publish_event, record
from tierwise.kernel.models import OutboxEvent
from tierwise.kernel.outbox import ATTEMPTS, deliver, subscribe
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Viewer, viewer_scope

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_subscribers", defaultdict(list))


@action("tell", roles=BUYER_EDITORS | SUPPLIER_EDITORS)
def tell(actor: Viewer, name: str = "told", *, fail: bool = False, **payload: Any) -> None:
    record(actor, Subject("news", name))
    publish_event(actor, name, **payload)
    if fail:
        raise RuntimeError("after all not")


def events(world: World) -> list[OutboxEvent]:
    with viewer_scope(world.worker):
        return list(OutboxEvent.objects.order_by("at", "id"))


def test_news_stands_or_falls_with_its_action(world: World) -> None:
    with pytest.raises(RuntimeError):
        tell(world["planner"], fail=True)
    assert events(world) == []
    tell(world["planner"])
    assert [event.name for event in events(world)] == ["told"]


def test_news_is_handed_out_in_order_and_once_where_all_goes_well(world: World) -> None:
    heard: list[int] = []
    subscribe("told", lambda worker, payload: heard.append(payload["n"]))
    for n in range(4):
        tell(world["a planner" if n % 2 else "planner"], n=n)
    assert deliver(world.worker) == 4
    assert deliver(world.worker) == 0
    assert heard == [0, 1, 2, 3]
    assert all(event.delivered_at and not event.attempts for event in events(world))


def test_a_subscriber_is_registered_once(world: World) -> None:
    heard: list[int] = []

    def hear(worker: Viewer, payload: dict[str, Any]) -> None:
        heard.append(1)

    subscribe("told", hear)
    subscribe("told", hear)
    tell(world["planner"])
    deliver(world.worker)
    assert heard == [1]


def test_news_that_nobody_wants_is_delivered(world: World) -> None:
    tell(world["planner"])
    assert deliver(world.worker) == 1


def rename(worker: Viewer, payload: dict[str, Any]) -> None:
    Segment.objects.filter(code="STD").update(name="Renamed")


def test_one_that_fails_stops_neither_other_subscribers_nor_other_news(world: World) -> None:
    heard: list[str] = []

    def fail(worker: Viewer, payload: dict[str, Any]) -> None:
        Segment.objects.filter(code="PREM").update(name="Half done")
        Segment.objects.create(code="PREM", name="Twice", rank=1)

    subscribe("told", fail)
    subscribe("told", rename)
    subscribe("other", lambda worker, payload: heard.append("other"))
    tell(world["planner"])
    tell(world["planner"], "other")
    assert deliver(world.worker) == 1
    assert heard == ["other"]
    with viewer_scope(world["planner"]):
        names = dict(Segment.objects.values_list("code", "name"))
    assert (names["STD"], names["PREM"]) == ("Renamed", "Premium"), "the one's work stays, the other's half is undone"
    told = events(world)[0]
    assert (told.attempts, told.delivered_at) == (1, None)
    assert told.last_error.startswith("IntegrityError")


def test_what_failed_is_tried_again_until_it_goes_well(world: World) -> None:
    calls: list[int] = []

    def hear(worker: Viewer, payload: dict[str, Any]) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("not yet")

    subscribe("told", hear)
    tell(world["planner"])
    assert [deliver(world.worker) for _ in range(4)] == [0, 0, 1, 0]
    assert len(calls) == 3
    assert events(world)[0].attempts == 2


def test_after_some_attempts_it_is_left_for_a_person(world: World) -> None:
    calls: list[int] = []

    def fail(worker: Viewer, payload: dict[str, Any]) -> None:
        calls.append(1)
        raise ValueError("never")

    subscribe("told", fail)
    tell(world["planner"])
    for _ in range(ATTEMPTS + 2):
        deliver(world.worker)
    assert len(calls) == ATTEMPTS
    assert (events(world)[0].attempts, events(world)[0].delivered_at) == (ATTEMPTS, None)


def test_a_worker_that_dies_before_the_end_hands_it_out_again(world: World) -> None:
    heard: list[int] = []

    def hear(worker: Viewer, payload: dict[str, Any]) -> None:
        heard.append(1)
        if len(heard) == 1:
            raise KeyboardInterrupt

    subscribe("told", hear)
    tell(world["planner"])
    with pytest.raises(KeyboardInterrupt):
        deliver(world.worker)
    assert events(world)[0].attempts == 0
    assert deliver(world.worker) == 1
    assert heard == [1, 1]
