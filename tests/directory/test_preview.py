"""Looking at the portal as a supplier sees it: read only, nothing private, nobody else's, and on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from django.db import DatabaseError
from django.urls import reverse

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at, demand_draft, scored
from directory.signing_in import Desk, signed_in
from fixtures.worlds import World
from tierwise.collaboration.publish.actions import publish
from tierwise.collaboration.resolve import shared as cases
from tierwise.collaboration.resolve.actions import save_draft
from tierwise.collaboration.resolve.models import CaseDraft
from tierwise.collaboration.resolve.records import DraftClaim
from tierwise.directory.actions import invite_person, preview_supplier
from tierwise.directory.models import Company, Person, Segment
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import Role, Viewer, viewer_scope
from tierwise.kernel.zones import Login, declared_tables, row_condition

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _in_july() -> Iterator[None]:
    with at():
        yield


def previewing(world: World, who: str = "manager", role: Role = Role.SUPPLIER_PLANNER, supplier: str = "A") -> Desk:
    desk = signed_in(world[who])
    answer = desk.post(reverse("desk-preview", args=[world.suppliers[supplier]]), role=role.value)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/portal/")
    return desk


def seen_as(world: World, who: str = "a planner") -> Viewer:
    """What the planner becomes who looks through somebody's eyes."""
    return replace(world[who], person=world["planner"].person, preview=True)


def test_one_sees_the_portal_as_the_supplier_and_leaves_again(world: World) -> None:
    scored(world, "A")
    scored(world, "B", "STD", title="Scorecard of the other")
    desk = previewing(world)
    own, theirs = desk.text("/portal/scorecards/"), signed_in(world["a planner"]).text("/portal/scorecards/")
    assert "You see exactly what Supplier A sees" in own
    assert "You see exactly" not in theirs
    assert "Scorecard 2025-06" in own
    assert "Scorecard of the other" not in own
    assert "Line Prem" in own
    assert desk.get("/desk/").status_code == 403
    assert desk.get("/").headers["Location"] == "/portal/"
    left = desk.post(reverse("desk-preview-leave"))
    assert left.headers["Location"] == reverse("desk-supplier", args=[world.suppliers["A"]])
    assert desk.get("/desk/").status_code == 200
    assert desk.get("/portal/").status_code == 403


def test_what_one_may_open_depends_on_the_role_that_was_chosen(world: World) -> None:
    publication, _lines = scored(world, "A")
    page = reverse("portal-publication", args=[publication])
    assert "Acknowledge" in previewing(world, role=Role.SUPPLIER_PLANNER).text(page)
    assert "Acknowledge" not in previewing(world, role=Role.SUPPLIER_VIEWER).text(page)


def test_every_write_is_refused_with_a_reason_and_noted(world: World) -> None:
    publication, lines = scored(world, "A")
    desk = previewing(world, role=Role.SUPPLIER_ADMINISTRATOR)
    writes = [
        reverse("portal-acknowledge", args=[publication]), reverse("portal-dispute", args=[lines[0]]),
        reverse("portal-company"),
    ]  # fmt: skip
    for path in writes:
        answer = desk.post(path, name="X", email="x@example.com", role="supplier_viewer", save="1")
        assert answer.status_code == 403
        assert "Only its own people can do this" in answer.content.decode()
    with viewer_scope(world.worker):
        noted = AuditEntry.objects.filter(outcome="refused", person=world["manager"].person)
        assert noted.count() == len(writes)
        assert set(noted.values_list("company", flat=True)) == {world.host}


def test_no_action_runs_in_a_preview_and_the_database_takes_no_row(world: World) -> None:
    seen = seen_as(world, "a administrator")
    with pytest.raises(NotAllowed, match="leave the preview"):
        invite_person(seen, seen.company, "X", "x@example.com", Role.SUPPLIER_VIEWER)
    with pytest.raises(DatabaseError) as refused, viewer_scope(seen):
        Person.objects.filter(company_id=seen.company).update(name="Somebody else")
    assert isinstance(refused.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)


def test_drafts_stay_with_the_supplier(world: World) -> None:
    _publication, lines = scored(world, "A")
    save_draft(world["a planner"], lines[0], DraftClaim(text="Not for the buyer's eyes"))
    assert cases.my_draft(world["a planner"], lines[0]) is not None
    assert cases.my_draft(seen_as(world), lines[0]) is None
    with viewer_scope(seen_as(world)):
        assert CaseDraft.objects.count() == 0
    desk = previewing(world)
    assert "eyes" not in desk.text(reverse("portal-dispute", args=[lines[0]]))
    assert "Finish and send" not in desk.text("/portal/")
    assert "Finish and send" in signed_in(world["a planner"]).text("/portal/")


def test_whatever_the_buyers_login_may_not_read_is_closed_in_a_preview() -> None:
    closed = {
        table
        for table, rights in declared_tables().items()
        if "select" in rights.verbs(Login.SUPPLIER) and "select" not in rights.verbs(Login.BUYER)
    }
    assert "resolve_casedraft" in closed
    for table, rights in declared_tables().items():
        assert ("tw.preview" in row_condition(rights, Login.SUPPLIER)) is ("select" not in rights.verbs(Login.BUYER)), (
            table
        )


def test_neither_another_supplier_nor_an_internal_table_is_in_reach(world: World) -> None:
    with viewer_scope(seen_as(world)):
        assert [c.code for c in Company.objects.all()] == ["A"]
    with pytest.raises(DatabaseError), viewer_scope(seen_as(world)):
        Segment.objects.count()
    scored(world, "B", "STD")
    theirs = publish(world["planner"], demand_draft(world, "B", "STD"))
    assert previewing(world).get(reverse("portal-publication", args=[theirs])).status_code == 404


def test_who_looked_through_whose_eyes_is_on_record(world: World) -> None:
    previewing(world).post(reverse("desk-preview-leave"))
    with viewer_scope(world.worker):
        found = AuditEntry.objects.filter(supplier=world.suppliers["A"], subject_kind="supplier").order_by("at", "id")
        assert list(found.values_list("action", "person", "company")) == [
            ("preview_supplier", world["manager"].person, world.host),
            ("leave_preview", world["manager"].person, world.host),
        ]
        assert found[0].detail == {"role": "supplier_planner"}


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_others_may_not_look(world: World, who: str) -> None:
    answer = signed_in(world[who]).post(reverse("desk-preview", args=[world.suppliers["A"]]), role="supplier_viewer")
    assert answer.status_code == 403
    assert "See what it sees" not in signed_in(world["viewer"]).text(
        reverse("desk-supplier", args=[world.suppliers["A"]])
    )
    with pytest.raises(NotAllowed):
        preview_supplier(world[who], world.suppliers["A"], Role.SUPPLIER_VIEWER)


def test_only_a_supplier_in_one_of_its_roles_is_previewed(world: World) -> None:
    desk = signed_in(world["planner"])
    for role in ("planner", "system", "none"):
        assert desk.post(reverse("desk-preview", args=[world.suppliers["A"]]), role=role).status_code == 422
    with pytest.raises(NotFound):
        preview_supplier(world["planner"], world.host, Role.SUPPLIER_VIEWER)


def test_a_preview_ends_with_the_right_to_it(world: World) -> None:
    desk = previewing(world)
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=world["manager"].person).update(role=Role.VIEWER.value)
    assert desk.get("/portal/").status_code == 403
    assert desk.get("/desk/").status_code == 200


def test_a_forgotten_preview_ends_after_an_hour(world: World) -> None:
    desk = previewing(world)
    with at(None, minutes=59):
        assert desk.get("/portal/").status_code == 200
    with at(None, minutes=61):
        assert desk.get("/portal/").status_code == 403
