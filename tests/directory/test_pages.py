"""Pages of the directory: who may open which, what a form does, and what the other company never sees."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at_once, entries
from directory.signing_in import signed_in
from fixtures.worlds import TODAY, World
from tierwise.directory import queries
from tierwise.directory.actions import SupportProposal, give_notices, propose_supports
from tierwise.directory.records import Involvement, NoticePut, SupportState
from tierwise.kernel.actions import request_examination
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.clock import today
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import OutboxEvent
from tierwise.kernel.queries import AuditQuestion, audit_entries
from tierwise.kernel.viewer import viewer_scope
from tierwise.web.navigation import places, shell
from tierwise.wire.spreadsheets import Workbook

pytestmark = pytest.mark.database


def _propose(world: World) -> None:
    segment = world.segments["PREM"]
    propose_supports(world["planner"], [SupportProposal(world.suppliers["B"], segment, 0.2, "LA", "Line A", 1)])


@pytest.mark.parametrize(("path", "who", "status"), [
    ("/desk/", "viewer", 200), ("/desk/suppliers/", "viewer", 200), ("/desk/items/", "viewer", 200),
    ("/desk/imports/", "viewer", 200), ("/desk/imports/new", "viewer", 403), ("/desk/imports/new", "planner", 200),
    ("/desk/people/", "planner", 403), ("/desk/people/", "administrator", 200),
    ("/desk/audit/", "planner", 403), ("/desk/audit/", "administrator", 200),
    ("/desk/", "a planner", 403), ("/desk/audit/", "a administrator", 403), ("/desk/suppliers/", "a viewer", 403),
    ("/portal/", "a viewer", 200), ("/portal/company/", "a viewer", 200), ("/portal/", "planner", 403),
    ("/desk/items/none/", "viewer", 404), ("/desk/lanes/none/policy", "viewer", 404),
])  # fmt: skip
def test_pages_open_to_those_they_are_for(world: World, path: str, who: str, status: int) -> None:
    assert signed_in(world[who]).get(path).status_code == status


def test_nobody_sees_a_page_before_signing_in(world: World) -> None:
    paths = [reverse(place.url) for place in places()]
    assert {"/desk/", "/portal/"} < set(paths)
    for path in paths:
        assert Client().get(path).headers["Location"] == f"/accounts/login/?next={path}"


def test_a_part_of_a_page_is_told_that_its_reader_was_signed_out(world: World) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/scheme/?cut=1"}
    answer = Client().post("/desk/scheme/trial", headers=page)
    assert answer.status_code == 401
    assert "/accounts/login/?next=%2Fdesk%2Fscheme%2F%3Fcut%3D1" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "back"),
    [("http://testserver/desk/agreements/?x=1", "/desk/agreements/%3Fx%3D1"), ("http://elsewhere.example/desk/", "/")],
)
def test_what_is_sent_when_signed_out_leads_back_to_where_it_was_written(world: World, referer: str, back: str) -> None:
    answer = Client().post("/desk/scheme/save", headers={"Referer": referer})
    assert answer.headers["Location"] == f"/accounts/login/?next={back}"


@pytest.mark.parametrize(("path", "marked"), [
    ("/desk/imports/quarantine/", "/desk/imports/quarantine/"), ("/desk/imports/new", "/desk/imports/"),
    ("/desk/", "/desk/"), ("/desk/preview/none", ""),
])  # fmt: skip
def test_the_rail_marks_the_one_entry_that_a_page_belongs_to(world: World, path: str, marked: str) -> None:
    request = RequestFactory().get(path)
    request.viewer = world["administrator"]
    with viewer_scope(world["administrator"]):
        items = [item for group in shell(request)["navigation"] for item in group["items"]]
    assert [item["href"] for item in items if item["active"]] == ([marked] if marked else [])


@pytest.mark.parametrize(("told", "shown"), [("Europe/Berlin", "Europe/Berlin"), ("../etc/passwd", "UTC"), ("", "UTC")])
def test_instants_stand_in_the_readers_zone(world: World, told: str, shown: str) -> None:
    desk = signed_in(world["administrator"])
    desk.client.cookies["zone"] = told
    assert f'data-zone="{shown}"' in desk.text("/desk/audit/")


def test_a_supplier_that_is_not_there_has_no_page(world: World) -> None:
    desk = signed_in(world["planner"])
    for company in (uuid7(), world.host):
        assert desk.get(f"/desk/suppliers/{company}/").status_code == 404


def test_a_proposed_support_is_due_until_it_is_decided(world: World) -> None:
    _propose(world)
    desk, path = signed_in(world["planner"]), f"/desk/suppliers/{world.suppliers['B']}/supports"
    home = desk.text("/desk/")
    assert "Confirm that Supplier B serves 1 segment" in home
    assert "gains 1 segment" in desk.text("/desk/", open=f"supports-{world.suppliers['B']}")
    assert "Confirm that" not in signed_in(world["viewer"]).text("/desk/")
    assert desk.post(path, decision="confirm", involvement="advisory", next="/desk/").headers["Location"] == "/desk/"
    assert "Confirm that" not in desk.text("/desk/")
    found = {(s.supplier, s.segment): s for s in queries.supports(world["planner"], on=today())}
    confirmed = found[world.suppliers["B"], world.segments["PREM"]]
    assert (confirmed.state, confirmed.involvement) == (SupportState.CONFIRMED, Involvement.ADVISORY)


def test_a_support_is_ended_alone_and_with_a_day(world: World) -> None:
    desk, path = signed_in(world["planner"]), f"/desk/suppliers/{world.suppliers['A']}/supports"
    standing = queries.supports(world["planner"], on=today(), supplier=world.suppliers["A"])
    assert desk.post(path, decision="end", support=str(standing[0].id), on="soon").status_code == 422
    assert desk.post(path, decision="end", support=str(uuid7()), on=str(TODAY)).status_code == 404
    assert desk.post(path, decision="end", support=str(standing[0].id), on="2020-01-31").status_code == 302
    assert len(queries.supports(world["planner"], on=today(), supplier=world.suppliers["A"])) == len(standing) - 1


def test_an_address_from_outside_is_not_followed(world: World) -> None:
    _propose(world)
    path = f"/desk/suppliers/{world.suppliers['B']}/supports"
    answer = signed_in(world["planner"]).post(
        path, decision="confirm", involvement="advisory", next="https://elsewhere.example"
    )
    assert answer.headers["Location"].startswith("/desk/suppliers/")


def test_a_refused_form_says_so_and_leaves_an_entry(world: World) -> None:
    path = f"/desk/suppliers/{world.suppliers['A']}/supports"
    answer = signed_in(world["viewer"]).post(path, decision="confirm", involvement="advisory", support=str(
        queries.supports(world["planner"], on=today(), supplier=world.suppliers["A"])[0].id
    ))  # fmt: skip
    assert answer.status_code == 403
    assert "may not do this" in answer.content.decode()
    assert entries(world, "confirm_support", "refused") == 1


def test_people_are_let_out_and_given_roles_from_both_sides(world: World) -> None:
    person, path = world["a viewer"].person, "/portal/company/people/{}/{}"
    portal = signed_in(world["a administrator"])
    assert portal.post(path.format(person, "role"), role="supplier_planner").status_code == 302
    assert portal.post(path.format(person, "active"), active="no").status_code == 302
    assert portal.post(path.format(world["b viewer"].person, "active"), active="no").status_code == 404
    assert portal.post(path.format(person, "role"), role="owner").status_code == 422
    desk = signed_in(world["administrator"])
    back = desk.post(f"/desk/people/{person}/active", active="yes", next=str(world.suppliers["A"]))
    assert back.headers["Location"] == f"/desk/suppliers/{world.suppliers['A']}/people"
    found = {p.id: p for p in queries.people(world["administrator"], world.suppliers["A"])}[person]
    assert (found.role, found.active) == ("supplier_planner", True)


def test_a_suppliers_pages_name_nobody_else(world: World) -> None:
    portal = signed_in(world["a administrator"])
    seen = portal.text("/portal/") + portal.text("/portal/company/")
    assert "Line Prem" in seen
    for hidden in ("Supplier B", "Premium", "pat.planner", "b.viewer", "HOST"):
        assert hidden not in seen, hidden


def test_every_grid_of_a_page_is_exported(world: World) -> None:
    desk = signed_in(world["administrator"])
    _propose(world)
    for path, name in [("/desk/suppliers/", "suppliers"), ("/desk/items/", "items"), ("/desk/audit/", "audit")]:
        answer = desk.get(path, export=name)
        assert answer.content.startswith(b"PK"), path
    assert desk.get("/desk/suppliers/", export="nothing").status_code == 404


def test_the_audit_trail_answers_what_is_asked(world: World) -> None:
    _propose(world)
    actor = world["administrator"]
    path = f"/desk/suppliers/{world.suppliers['B']}/supports"
    signed_in(world["planner"]).post(path, decision="confirm", involvement="advisory")
    asked = AuditQuestion(person=world["planner"].person, action="confirm_support", supplier=world.suppliers["B"])
    found = audit_entries(actor, asked)
    assert [one.detail["involvement"] for one in found] == ["advisory"]
    assert audit_entries(actor, AuditQuestion(supplier=world.suppliers["A"])) == []
    assert audit_entries(actor, AuditQuestion(until=TODAY.replace(year=2000))) == []
    desk = signed_in(actor)
    page = desk.text("/desk/audit/", action="confirm_support", supplier=str(world.suppliers["B"]))
    assert "Pat Planner" in page
    assert "1 entry." in page
    assert "No entry answers this" in desk.text("/desk/audit/", until="2000-01-01")
    assert desk.get("/desk/audit/", since="never").status_code == 200
    assert "advisory" in desk.text(f"/desk/audit/{found[0].id}/")
    assert desk.get(f"/desk/audit/{UUID(int=0)}/").status_code == 404


def test_the_trail_shows_people_first_and_the_platforms_own_work_when_asked(world: World) -> None:
    give_notices(world.worker, [NoticePut(world.suppliers["A"], "support_confirmed", "x", {})])
    _propose(world)
    everything = audit_entries(world["administrator"], AuditQuestion())
    own = audit_entries(world["administrator"], AuditQuestion(platform=True))
    others = audit_entries(world["administrator"], AuditQuestion(platform=False))
    assert {one.action for one in own} >= {"give_notices"}
    assert {one.role for one in own} == {"system"}
    assert sorted(one.id for one in everything) == sorted(one.id for one in [*own, *others])
    desk = signed_in(world["administrator"])
    page = desk.text("/desk/audit/")
    assert "Give notices" not in page
    left_out = "1 of the platform itself is" if len(own) == 1 else f"{len(own)} of the platform itself are"
    assert f"{left_out} left out" in page
    with_own = desk.text("/desk/audit/", platform="on")
    assert f"Give notices ({sum(one.action == 'give_notices' for one in own)})" in with_own
    assert f"{len(everything)} entries" in with_own
    assert "left out" not in with_own

    def exported(**query: str) -> str:
        answer = desk.get("/desk/audit/", export="audit", **query)
        book = Workbook(b"".join(answer) if answer.streaming else answer.content)
        return " ".join(cell.text for _n, row in book.rows(book.sheets[0]) for cell in row.values())

    assert "Give notices" not in exported()
    assert "Give notices" in exported(platform="on")


def test_an_address_that_only_takes_forms_says_so(world: World) -> None:
    answer = signed_in(world["administrator"]).get("/desk/condition/now")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "There is no page here" in answer.content.decode()


# request_examination


def test_an_administrator_has_the_installation_examined_now(world: World) -> None:
    desk = signed_in(world["administrator"])
    assert desk.post("/desk/condition/now").headers["Location"] == "/desk/condition/"
    with viewer_scope(world.worker):
        assert OutboxEvent.objects.filter(name="examination_requested").count() == 1


def test_only_administrators_of_the_buying_company_have_it_examined(world: World) -> None:
    for name in ("planner", "a administrator"):
        with pytest.raises(NotAllowed):
            request_examination(world[name])


def test_asking_twice_or_at_once_is_noted_each_time(world: World) -> None:
    request_examination(world["administrator"])
    at_once(*[lambda: request_examination(world["administrator"])] * 2)
    assert entries(world, "request_examination") == 3
