"""What an action leaves behind: its entry, its news, or the entry of its refusal and nothing else."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from fixtures.worlds import NOW, World
from tierwise.directory.models import Segment
from tierwise.kernel.audit import Invalid, NotAllowed, Refused, Subject, action, note_refusal, publish_event, record
from tierwise.kernel.clock import clock_set
from tierwise.kernel.models import AuditEntry, OutboxEvent, as_detail
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Role, Viewer, viewer_scope

pytestmark = pytest.mark.database


def name_of(world: World, code: str = "STD") -> str:
    with viewer_scope(world["planner"]):
        return Segment.objects.get(code=code).name


def entries(world: World) -> list[AuditEntry]:
    with viewer_scope(world["planner"]):
        return list(AuditEntry.objects.order_by("id"))


@action("rename_segment", roles=BUYER_EDITORS)
def rename(actor: Viewer, name: str, code: str = "STD") -> str:
    segment = Segment.objects.get(code=code)
    old, segment.name = segment.name, name
    segment.save()
    record(actor, Subject("segment", segment.id, segment=segment.id), old=old)
    publish_event(actor, "segment_renamed", segment=segment.id)
    if not name:
        raise Invalid("name", "A segment needs a name.", field="name")
    return old


@action("rename_twice", roles=BUYER_EDITORS)
def rename_twice(actor: Viewer, first: str, second: str) -> None:
    rename(actor, first)
    rename(actor, second, code="PREM")
    record(actor, Subject("scheme", "both"), count=2)


@action("forgetful", roles=BUYER_EDITORS)
def forgetful(actor: Viewer) -> None:
    Segment.objects.filter(code="STD").update(name="Forgotten")


@action("remark", roles=SUPPLIER_EDITORS)
def remark(actor: Viewer) -> None:
    record(actor, Subject("remark", "1", supplier=actor.company))


def test_what_was_done_is_entered(world: World) -> None:
    with clock_set(NOW):
        assert rename(world["planner"], "Steady") == "Standard"
    (entry,) = entries(world)
    assert name_of(world) == "Steady"
    assert (entry.action, entry.outcome, entry.at) == ("rename_segment", "done", NOW)
    assert (entry.person, entry.company) == (world["planner"].person, world.host)
    assert (entry.role, entry.door, entry.detail) == ("planner", "screen", {"old": "Standard"})
    assert entry.segment == world.segments["STD"]
    with viewer_scope(world.worker):
        assert OutboxEvent.objects.get().company == world.host


@pytest.mark.parametrize("name", ["viewer", "a planner", "a administrator"])
def test_the_wrong_role_is_refused_and_noted(world: World, name: str) -> None:
    with pytest.raises(NotAllowed) as refusal:
        rename(world[name], "Mine")
    assert refusal.value.status == 403
    (entry,) = entries(world)
    assert (entry.outcome, entry.action, entry.person) == ("refused", "rename_segment", world[name].person)
    assert entry.detail["code"] == "role"
    assert name_of(world) == "Standard"


def test_a_buyer_does_not_act_for_a_supplier(world: World) -> None:
    for actor in (world["administrator"], world.worker):
        with pytest.raises(NotAllowed):
            remark(actor)
    remark(world["a planner"])
    assert [entry.outcome for entry in entries(world)] == ["refused", "refused", "done"]


def test_a_refusal_takes_everything_back_but_its_own_entry(world: World) -> None:
    with pytest.raises(Invalid):
        rename(world["planner"], "")
    (entry,) = entries(world)
    assert (entry.outcome, entry.detail) == ("refused", {"code": "name", "field": "name"})
    assert name_of(world) == "Standard"
    with viewer_scope(world.worker):
        assert OutboxEvent.objects.count() == 0


def test_an_action_without_an_entry_is_a_mistake_and_undone(world: World) -> None:
    with pytest.raises(RuntimeError, match="forgetful left no audit entry"):
        forgetful(world["planner"])
    assert name_of(world) == "Standard"
    assert entries(world) == []


def test_an_entry_outside_an_action_is_a_mistake(world: World) -> None:
    with viewer_scope(world["planner"]), pytest.raises(RuntimeError, match="outside an action"):
        record(world["planner"], Subject("x", "1"))


def test_actions_within_actions_share_one_fate(world: World) -> None:
    rename_twice(world["planner"], "One", "Two")
    assert (name_of(world), name_of(world, "PREM")) == ("One", "Two")
    assert [entry.action for entry in entries(world)] == ["rename_segment", "rename_segment", "rename_twice"]
    with pytest.raises(Refused):
        rename_twice(world["planner"], "Three", "")
    assert (name_of(world), name_of(world, "PREM")) == ("One", "Two")
    refused = [entry for entry in entries(world) if entry.outcome == "refused"]
    assert [entry.action for entry in refused] == ["rename_twice"], "one refusal, that of what was asked for"


def test_an_inner_refusal_may_be_borne(world: World) -> None:
    @action("try_both", roles=BUYER_EDITORS)
    def try_both(actor: Viewer) -> None:
        with pytest.raises(Invalid):
            rename(actor, "")
        rename(actor, "Kept", code="PREM")
        record(actor, Subject("x", "1"))

    try_both(world["planner"])
    assert (name_of(world), name_of(world, "PREM")) == ("Standard", "Kept")
    assert [entry.action for entry in entries(world)] == ["rename_segment", "try_both"]


def test_within_a_page_the_door_notes_the_refusal(world: World) -> None:
    with pytest.raises(Invalid) as refusal, viewer_scope(world["planner"]):
        rename(world["planner"], "")
    assert entries(world) == []
    note_refusal(world["planner"], refusal.value)
    (entry,) = entries(world)
    assert (entry.action, entry.outcome) == ("rename_segment", "refused")


def test_the_worker_does_what_buyers_may(world: World) -> None:
    rename(world.worker, "By night")
    (entry,) = entries(world)
    assert (entry.role, entry.door) == (Role.SYSTEM.value, "job")


def test_a_mistake_of_ours_is_no_refusal(world: World) -> None:
    with pytest.raises(Segment.DoesNotExist):
        rename(world["planner"], "X", code="NONE")
    assert entries(world) == []


def test_details_stay_as_they_are_in_json() -> None:
    key = uuid4()
    found = as_detail({
        "id": key, "day": date(2025, 7, 1), "amount": Decimal("1.50"), "many": (1, key), "set": {"b", "a"},
        "deep": {"list": [{"id": key}], 3: None}, "none": math.nan, "role": Role.PLANNER, "yes": True,
    })  # fmt: skip
    assert found == {
        "id": str(key), "day": "2025-07-01", "amount": "1.50", "many": [1, str(key)], "set": ["a", "b"],
        "deep": {"list": [{"id": str(key)}], "3": None}, "none": "nan", "role": "planner", "yes": True,
    }  # fmt: skip
