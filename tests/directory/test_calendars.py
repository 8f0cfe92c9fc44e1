"""Site calendars: days that people close beside those of imports, by page, spreadsheet and API."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at_once, entries
from directory.signing_in import signed_in
from doors.filling import added, filled
from fixtures.worlds import World
from tierwise.directory import queries
from tierwise.directory.actions import change_closures
from tierwise.directory.models import Closure, Site
from tierwise.doors.records import HandInRecord, HandInState
from tierwise.doors.sheets import SheetFile, make_sheet, receive_sheet
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.viewer import Door, viewer_scope

pytestmark = pytest.mark.database
LABOUR, BRIDGE, XMAS = date(2027, 5, 1), date(2027, 5, 7), date(2027, 12, 25)
PAGE = "/desk/calendars/DE/BY/"


@pytest.fixture
def calendar(world: World) -> World:
    """A calendar of one site with a closed day that an import brought."""
    with viewer_scope(world["planner"]):
        Site.objects.create(code="P1", name="Plant", calendar="DE/BY", source="erp")
        Closure.objects.create(calendar="DE/BY", closed_on=XMAS, name="Christmas", source="erp")
    return world


def closed(world: World) -> dict[date, str]:
    return {one.closed_on: one.name for one in queries.closed_days(world["viewer"], "DE/BY")}


# change_closures


def test_days_are_added_renamed_and_taken_away(calendar: World) -> None:
    actor = calendar["planner"]
    assert change_closures(actor, "DE/BY", {LABOUR: "Labour  day", BRIDGE: ""}, ()) == 2
    assert change_closures(actor, "DE/BY", {BRIDGE: "Bridge day"}, [LABOUR]) == 2
    assert closed(calendar) == {BRIDGE: "Bridge day", XMAS: "Christmas"}
    (found,) = queries.calendars(actor)
    assert (found.code, found.sites, found.by_hand) == ("DE/BY", 1, 1)
    assert entries(calendar, "change_closures") == 2


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_readers_and_suppliers_change_no_calendar(calendar: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        change_closures(calendar[who], "DE/BY", {LABOUR: ""}, ())


def test_what_an_import_brought_and_what_no_site_has_is_refused(calendar: World) -> None:
    for put, gone in (({XMAS: "Feast"}, []), ({}, [XMAS])):
        with pytest.raises(Invalid, match="imports of erp"):
            change_closures(calendar["planner"], "DE/BY", put, gone)
    with pytest.raises(NotFound):
        change_closures(calendar["planner"], "FR", {LABOUR: ""}, ())
    with pytest.raises(Invalid, match="at most 120"):
        change_closures(calendar["planner"], "DE/BY", {LABOUR: "x" * 121}, ())


def test_the_same_again_and_two_at_once_leave_it_once(calendar: World) -> None:
    for count in (1, 0):
        assert change_closures(calendar["planner"], "DE/BY", {LABOUR: "Labour day"}, ()) == count
    assert change_closures(calendar["planner"], "DE/BY", {}, [BRIDGE]) == 0
    found = at_once(*[lambda day=day: change_closures(calendar["planner"], "DE/BY", {BRIDGE: "", day: ""}, ())
                      for day in (date(2027, 6, 1), date(2027, 6, 2))])  # type: ignore[misc]  # fmt: skip
    assert not [one for one in found if isinstance(one, BaseException)]
    assert set(closed(calendar)) == {LABOUR, BRIDGE, date(2027, 6, 1), date(2027, 6, 2), XMAS}


# the page


def test_a_list_that_was_sent_changes_only_what_its_reader_changed(calendar: World) -> None:
    change_closures(calendar["planner"], "DE/BY", {LABOUR: "Labour day", BRIDGE: ""}, ())
    desk = signed_in(calendar["planner"])
    assert "DE/BY" in desk.text("/desk/calendars/")
    stood = "2027-05-01, Labour day\t2027-05-07, "
    assert f'value="{stood}"' in desk.text(PAGE)
    change_closures(calendar["manager"], "DE/BY", {date(2027, 6, 1): "Strike"}, ())
    answer = desk.post(PAGE, stood=stood, days="2027-05-01, Labour day, all plants\r\n2027-07-01, Fair\r\n")
    assert answer.status_code == 302
    assert closed(calendar) == {
        LABOUR: "Labour day, all plants", date(2027, 6, 1): "Strike", date(2027, 7, 1): "Fair", XMAS: "Christmas",
    }  # fmt: skip


def test_a_faulty_row_is_named_and_nothing_is_kept(calendar: World) -> None:
    desk = signed_in(calendar["planner"])
    days = "2027-05-01, a\n1.5.2027, b\n2027-05-01, c"
    answer = desk.post(PAGE, stood="", days=days)
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Row 2: “1.5.2027” is no day" in said
    assert "Row 3: 2027-05-01 stands there twice" in said
    assert "1.5.2027, b" in said
    imported = desk.post(PAGE, stood="", days="2027-12-25, Feast")
    assert imported.status_code == 422
    assert "imports of erp" in imported.content.decode()
    assert closed(calendar) == {XMAS: "Christmas"}


def test_who_may_not_change_it_reads_it(calendar: World) -> None:
    desk = signed_in(calendar["viewer"])
    assert "Keep the list" not in desk.text(PAGE)
    assert desk.post(PAGE, days="2027-05-01, x").status_code == 403
    assert desk.get("/desk/calendars/none/").status_code == 404


# the spreadsheet


def handed_in(world: World, content: bytes) -> HandInRecord:
    return receive_sheet(replace(world["planner"], door=Door.SPREADSHEET), SheetFile("filled.xlsx", content))


def test_the_sheet_adds_renames_and_removes_whole_or_not_at_all(calendar: World) -> None:
    me = replace(calendar["planner"], door=Door.SPREADSHEET)
    change_closures(me, "DE/BY", {LABOUR: "Labour day", BRIDGE: "Bridge"}, ())
    sheet = make_sheet(me, "closures", "DE/BY").content
    wrong = filled(sheet, {("Bridge", "Remove"): "Remove", ("Christmas", "Remove"): "Remove"})
    refused = handed_in(calendar, added(wrong, {"Day": LABOUR, "Why": "again"}, {"Why": "no day"}))
    assert refused.state is HandInState.REFUSED
    told = {(fault.column, fault.why.split(";")[0]) for fault in refused.faults}
    assert ("Remove", "2027-12-25 comes with the imports of erp") in told
    assert len(told) == 3
    assert closed(calendar) == {LABOUR: "Labour day", BRIDGE: "Bridge", XMAS: "Christmas"}
    right = filled(sheet, {("Bridge", "Remove"): "Remove", ("Labour day", "Why"): "May day"})
    done = handed_in(calendar, added(right, {"Day": date(2027, 8, 2), "Why": "Fair"}))
    assert (done.state, done.changes, done.faults) == (HandInState.TAKEN, 3, ())
    assert closed(calendar) == {LABOUR: "May day", date(2027, 8, 2): "Fair", XMAS: "Christmas"}
