"""Who hears of an applied scheme, and what a supplier is not told."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.core import mail

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from fixtures.worlds import World
from modules.segmentation.small_company import SCHEME, applied
from tierwise.directory.jobs import mail_notices
from tierwise.directory.models import Person, Support
from tierwise.directory.records import NoticeRecord
from tierwise.directory.shared import my_news
from tierwise.directory.telling import in_words
from tierwise.kernel.clock import now
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import Viewer, viewer_scope

pytestmark = pytest.mark.database

HIGHER = SCHEME.replace("cuts: [1000]", "cuts: [2000]")
POLICY = SCHEME.replace("otif_target: 0.9}", "otif_target: 0.87}")


@pytest.fixture
def told(in_force: World) -> World:
    """A live scheme, its news delivered, and everybody there to read mail."""
    with viewer_scope(in_force["administrator"]):
        Person.objects.update(joined_at=now())
    deliver(in_force.worker)
    mail_notices(in_force.worker, prompt=False)
    mail.outbox.clear()
    return in_force


def latest(viewer: Viewer) -> NoticeRecord:
    return next(one for one in my_news(viewer) if one.kind == "scheme_applied")


def test_each_person_gets_one_mail_of_a_scheme_that_was_applied(told: World) -> None:
    applied(told, HIGHER, date(2025, 8, 1))
    for _ in range(2):
        deliver(told.worker)
        mail_notices(told.worker, prompt=True)
    reached = sorted(one.to[0] for one in mail.outbox)
    assert len(reached) == len(set(reached))
    assert "cam.manager@example.com" in reached
    assert "vic.viewer@example.com" not in reached
    assert {"a.planner@example.com", "b.viewer@example.com"} <= set(reached)
    buyers = next(one for one in mail.outbox if one.to == ["cam.manager@example.com"])
    assert "Scheme version 2 was applied: 1 member moves" in buyers.body
    assert "2 suppliers are told" in buyers.body
    assert "From 2025-08-01 on." in buyers.body


def test_a_supplier_is_told_of_its_segments_under_the_names_it_knows_and_of_nothing_else(told: World) -> None:
    applied(told, HIGHER, date(2025, 8, 1))
    deliver(told.worker)
    mail_notices(told.worker, prompt=True)
    body = next(one.body for one in mail.outbox if one.to == ["b.planner@example.com"])
    assert "Line Std: products or customers came or went" in body
    assert "From 2025-08-01 on." in body
    for secret in ("Prem", "PREM", "BIKE", "KEY", "Supplier A", "1080", "Standard", "member"):
        assert secret not in body, secret
    kept = json.dumps(dict(latest(told["b planner"]).said))
    for secret in ("PREM", "BIKE", str(told.suppliers["A"]), "moves"):
        assert secret not in kept, secret


def test_rules_that_change_are_named_but_not_their_values(told: World) -> None:
    applied(told, POLICY, date(2025, 8, 1))
    deliver(told.worker)
    (news,) = in_words([latest(told["a planner"])], at_desk=False)
    assert news.details == ("Line Std: new rules for how your deliveries are judged",)
    assert "87" not in str(latest(told["a planner"]).said)


def test_whoever_serves_none_of_the_segments_touched_hears_nothing(told: World) -> None:
    before = len(my_news(told["b planner"]))
    with viewer_scope(told["administrator"]):
        Support.objects.filter(supplier_id=told.suppliers["B"], segment_id=told.segments["STD"]).delete()
    applied(told, POLICY, date(2025, 8, 1))
    deliver(told.worker)
    assert len(my_news(told["b planner"])) == before
    assert [one.said["version"] for one in my_news(told["manager"])] == [2, 1]
