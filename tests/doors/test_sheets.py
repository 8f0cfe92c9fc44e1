"""The spreadsheet door with the lists that go through it: all or nothing, merged, refused with every cell named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core import mail

from collaboration.scenes import at, at_once, entries, offered, score_draft, scored
from doors.filling import added, cell, comments, filled
from fixtures.worlds import World
from tierwise.collaboration.agree import shared as agreements
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.actions import publish
from tierwise.collaboration.publish.records import Reply
from tierwise.collaboration.resolve import queries as all_cases
from tierwise.collaboration.resolve import shared as cases
from tierwise.collaboration.resolve.actions import dispute_line
from tierwise.collaboration.resolve.records import CaseState, Claim, DisputeReason
from tierwise.directory import queries as directory
from tierwise.directory.actions import change_role, invite_person
from tierwise.directory.models import Support
from tierwise.directory.records import SupportState
from tierwise.doors import handed
from tierwise.doors.actions import issue_sheet, request_sheets, revoke_sheet
from tierwise.doors.models import PortalHandIn
from tierwise.doors.records import HandInRecord, HandInState
from tierwise.doors.sheets import Expected, SheetFile, make_sheet, receive_sheet
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.files import path_of
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import Door, Role, Viewer, viewer_scope
from tierwise.wire.spreadsheets import UnreadableWorkbook, Workbook

pytestmark = pytest.mark.database
LINES = "scorecard-lines"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def door(world: World, name: str) -> Viewer:
    return replace(world[name], door=Door.SPREADSHEET)


def handed_in(actor: Viewer, content: bytes, expected: Expected | None = None) -> HandInRecord:
    return receive_sheet(actor, SheetFile("filled.xlsx", content), expected)


DISPUTE = {
    ("PO00000", "Reply"): "It was delivered earlier", ("PO00000", "What happened"): "Receipt of the 9th.",
    ("PO00000", "Delivered on"): date(2025, 6, 9),
}  # fmt: skip


# scorecard replies


def test_a_scorecard_is_acknowledged_and_its_lines_disputed_in_one_go(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, LINES, str(publication))
    assert sheet.name == "Scorecard-2025-06.xlsx"
    assert cell(sheet.content, "PO00000", "Judged") == "late"
    done = handed_in(me, filled(sheet.content, DISPUTE | {
        ("The whole scorecard", "Reply"): "Acknowledge", ("The whole scorecard", "What happened"): "Thank you.",
        ("PO00002", "Reply"): "The quantity is wrong", ("PO00002", "What happened"): "Eleven came.",
        ("PO00002", "Right quantity"): 11.5,
    }))  # fmt: skip
    assert (done.state, done.changes, done.faults) == (HandInState.TAKEN, 3, ())
    record = published.my_publication(me, publication)
    assert (record.reply, record.comment) == (Reply.ACKNOWLEDGED, "Thank you.")
    claims = {one.order: one.claim for one in cases.my_cases(me)}
    assert claims["PO00000"] == Claim(DisputeReason.DELIVERED_EARLIER, "Receipt of the 9th.", date(2025, 6, 9))
    assert claims["PO00002"].quantity == Decimal("11.5")
    again = make_sheet(me, LINES, str(publication)).content
    assert cell(again, "PO00000", "Reply") == "It was delivered earlier"
    assert handed_in(me, again).state is HandInState.UNCHANGED


def test_one_bad_row_and_nothing_is_taken_and_every_bad_cell_is_named(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, DISPUTE | {
        ("PO00001", "Reply"): "It was delivered earlier", ("PO00001", "What happened"): "Earlier.",
        ("PO00002", "Right quantity"): "eleven", ("The whole scorecard", "Reply"): "It is not our order",
    })  # fmt: skip
    refused = handed_in(me, content)
    assert refused.state is HandInState.REFUSED
    told = {fault.cell: fault.why for fault in refused.faults}
    assert set(told) == {"O2", "Q4", "R5"}
    assert "acknowledge it here" in told["O2"]
    assert told["Q4"] == "Give the day it was delivered"
    assert "Write a number" in told["R5"]
    assert cases.my_cases(me) == []
    assert entries(world, "dispute_line") == 0
    assert entries(world, "refuse_sheet") == 1
    marked = path_of(refused.annotated).read_bytes()
    assert set(comments(marked)) == set(told)
    assert cell(marked, "PO00002", "Right quantity") == "eleven"
    assert cell(marked, "PO00000", "What happened") == "Receipt of the 9th."
    mended = filled(marked, {
        ("PO00001", "Delivered on"): date(2025, 6, 8), ("PO00002", "Right quantity"): None,
        ("The whole scorecard", "Reply"): None,
    })  # fmt: skip
    assert handed_in(me, mended).changes == 2


def test_emptying_the_reply_withdraws_and_more_is_said_in_the_case(world: World) -> None:
    publication, lines = scored(world)
    me = door(world, "a planner")
    dispute_line(world["a planner"], lines[0], Claim(DisputeReason.NOT_OUR_FAULT, "Storm."))
    sheet = make_sheet(me, LINES, str(publication)).content
    refused = handed_in(me, filled(sheet, {("PO00000", "What happened"): "A great storm."}))
    assert [fault.column for fault in refused.faults] == ["What happened"]
    assert "on its page" in refused.faults[0].why
    assert handed_in(me, filled(sheet, {("PO00000", "Reply"): None})).changes == 1
    (case,) = cases.my_cases(me)
    assert case.state is CaseState.WITHDRAWN


def test_what_others_changed_meanwhile_is_merged_or_told_with_both_values(world: World) -> None:
    publication, lines = scored(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, LINES, str(publication)).content
    said = Claim(DisputeReason.NOT_OUR_FAULT, "Storm.")
    dispute_line(world["a administrator"], lines[0], said)
    merged = handed_in(me, filled(sheet, {
        ("PO00000", "Reply"): "It was not our fault", ("PO00000", "What happened"): "Storm.",
        ("PO00001", "Reply"): "It is not our order", ("PO00001", "What happened"): "Not ours.",
    }))  # fmt: skip
    assert (merged.state, merged.changes, merged.already) == (HandInState.TAKEN, 1, 2)
    refused = handed_in(me, filled(sheet, DISPUTE))
    assert refused.state is HandInState.REFUSED
    against = {fault.field: (fault.was, fault.now, fault.value) for fault in refused.faults}
    assert against == {
        "reply": ("", "It was not our fault", "It was delivered earlier"),
        "text": ("", "Storm.", "Receipt of the 9th."),
    }
    assert len(cases.my_cases(me)) == 2


def test_the_same_file_again_changes_nothing_at_once_or_later(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, DISPUTE)
    first, second = at_once(lambda: handed_in(me, content), lambda: handed_in(me, content))
    assert {first.state, second.state} <= {HandInState.TAKEN, HandInState.UNCHANGED}
    assert handed_in(me, content).repeated
    assert len(cases.my_cases(me)) == 1
    assert entries(world, "dispute_line") == 1


def test_a_replaced_scorecard_is_refused_as_a_whole(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, DISPUTE)
    publish(world["planner"], score_draft(world, fingerprint="s2"))
    refused = handed_in(me, content)
    assert (refused.state, refused.annotated) == (HandInState.REFUSED, "")
    assert "newer revision" in refused.faults[0].why


# who may


def test_only_the_company_it_was_made_for_hands_it_in(world: World) -> None:
    publication, _lines = scored(world)
    me, other = door(world, "a planner"), door(world, "b planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, DISPUTE)
    refused = handed_in(other, content)
    assert "another company" in refused.faults[0].why
    assert entries(world, "dispute_line") == 0
    with pytest.raises(NotFound):
        make_sheet(other, LINES, str(publication))
    for name in ("a viewer", "planner"):
        with pytest.raises(NotAllowed):
            make_sheet(door(world, name), LINES, str(publication))
    assert handed_in(door(world, "a administrator"), content).state is HandInState.TAKEN


def test_a_changed_stamp_or_token_is_noticed(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, LINES, str(publication)).content

    def with_stamp(change: bytes, into: bytes) -> bytes:
        with ZipFile(BytesIO(sheet)) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        buffer = BytesIO()
        with ZipFile(buffer, "w", ZIP_DEFLATED) as package:
            for name, part in parts.items():
                package.writestr(name, part.replace(change, into) if "sheet3" in name else part)
        return buffer.getvalue()

    whole = handed_in(me, with_stamp(b"The whole", b"The whole"))
    assert whole.state is HandInState.UNCHANGED
    key = str(published.my_lines(me, publication)["id"][0]).encode()
    changed = with_stamp(key, key[:-1] + (b"0" if key[-1:] != b"0" else b"1"))
    here = Expected(LINES, str(publication))
    assert "hidden sheet of this spreadsheet was changed" in handed_in(me, changed, here).faults[0].why
    with pytest.raises(Invalid):
        handed_in(me, changed)
    with pytest.raises(UnreadableWorkbook):
        handed_in(me, b"PK\x03\x04 no workbook")
    assert "not a workbook" in handed_in(me, b"PK\x03\x04 no workbook", here).faults[0].why


def test_a_spreadsheet_that_was_called_off_or_is_too_old_is_refused(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, DISPUTE)
    (issue,) = handed.issues(me)
    with at(days=61):
        assert "60 days" in handed_in(me, content).faults[0].why
    for stranger in ("b planner", "b administrator"):
        with pytest.raises(NotFound):
            revoke_sheet(world[stranger], issue.id)
    with pytest.raises(NotAllowed):
        revoke_sheet(world["viewer"], issue.id)
    revoke_sheet(world["planner"], issue.id)
    revoke_sheet(world["a planner"], issue.id)
    assert "called off" in handed_in(me, content).faults[0].why
    assert handed.issues(me) == []


def test_a_file_of_another_list_is_told_so_on_the_page(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, LINES, str(publication)).content
    refused = handed_in(me, sheet, Expected("agreement-offers"))
    assert "another list" in refused.faults[0].why


def test_what_a_supplier_was_refused_no_buyer_reads(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    content = filled(make_sheet(me, LINES, str(publication)).content, {("PO00001", "What happened"): "secret words"})
    refused = handed_in(me, content)
    with pytest.raises(NotFound):
        handed.hand_in(world["planner"], refused.id)
    with pytest.raises(NotFound):
        handed.hand_in(world["b planner"], refused.id)
    assert handed.hand_in(world["a administrator"], refused.id).faults == refused.faults
    with viewer_scope(world["planner"]):
        assert "secret" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))
    with viewer_scope(world["a planner"]):
        assert PortalHandIn.objects.count() == 1


def test_actions_of_the_door_refuse_who_may_not(world: World) -> None:
    publication, _lines = scored(world)
    for name in ("viewer", "a viewer"):
        with pytest.raises(NotAllowed):
            issue_sheet(world[name], LINES, "", "x")
        with pytest.raises(NotAllowed):
            request_sheets(world[name], LINES, str(publication))
    with pytest.raises(NotAllowed):
        request_sheets(world["a planner"], "supports", "")
    with pytest.raises(NotFound):
        request_sheets(world["planner"], "no-such-list", "")


# the other lists


def test_offers_are_answered(world: World) -> None:
    _made, version = offered(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, "agreement-offers", "").content
    no_reason = handed_in(me, filled(sheet, {("Data sharing", "Answer"): "Decline"}))
    assert [(f.column, f.why) for f in no_reason.faults] == [
        ("Comment or reason", "Say in a sentence what you would need changed.")
    ]
    assert handed_in(me, filled(sheet, {("Data sharing", "Answer"): "accept"})).changes == 1
    assert agreements.version_terms(me, version).accepted  # type: ignore[union-attr]


def test_disputes_are_ruled(world: World) -> None:
    _publication, lines = scored(world)
    claim = Claim(DisputeReason.DELIVERED_EARLIER, "The 9th.", date(2025, 6, 9))
    dispute_line(world["a planner"], lines[0], claim)
    judge = door(world, "manager")
    sheet = make_sheet(judge, "open-cases", "").content
    half = handed_in(judge, filled(sheet, {("PO00000", "Ruling"): "Uphold"}))
    assert [fault.column for fault in half.faults] == ["Reason, read by the supplier"]
    ruled = handed_in(judge, filled(sheet, {
        ("PO00000", "Ruling"): "Uphold", ("PO00000", "Delivered on"): date(2025, 6, 9),
        ("PO00000", "Reason, read by the supplier"): "Receipt was booked late.",
    }))  # fmt: skip
    assert ruled.state is HandInState.TAKEN
    (case,) = all_cases.cases(world["planner"])
    assert (case.state, case.ruled.delivered_on) == (CaseState.UPHELD, date(2025, 6, 9))  # type: ignore[union-attr]


def test_supports_are_confirmed_and_ended(world: World) -> None:
    with viewer_scope(world["planner"]):
        Support.objects.filter(supplier_id=world.suppliers["B"], segment_id=world.segments["STD"]).update(
            state=SupportState.PROPOSED.value
        )
    me = door(world, "planner")
    of_b = make_sheet(me, "supports", str(world.suppliers["B"])).content
    assert cell(of_b, "Standard", "State") == "Proposed"
    unconfirmed = handed_in(me, filled(of_b, {("Standard", "Involvement"): "Advises"}))
    assert [fault.column for fault in unconfirmed.faults] == ["Involvement"]
    done = handed_in(me, filled(of_b, {
        ("Standard", "State"): "Confirmed", ("Standard", "Involvement"): "Advises",
        ("Common", "Last day"): date(2025, 12, 31),
    }))  # fmt: skip
    assert done.changes == 2
    standing = {one.segment: one for one in directory.supports(world["planner"], supplier=world.suppliers["B"])}
    assert standing[world.segments["STD"]].involvement.value == "advisory"
    assert standing[world.segments["COMMON"]].valid_to == date(2025, 12, 31)
    with pytest.raises(NotAllowed):
        make_sheet(door(world, "viewer"), "supports", "")


def test_people_are_let_in_and_out_by_their_own_administrator(world: World) -> None:
    me = door(world, "a administrator")
    sheet = make_sheet(me, "people", "").content
    done = handed_in(me, filled(sheet, {("a.viewer@example.com", "Role"): "Planner",
                                        ("a.planner@example.com", "Entry"): "Shut out"}))  # fmt: skip
    assert done.changes == 2
    people = {one.email: one for one in directory.people(world["administrator"], world.suppliers["A"])}
    assert people["a.viewer@example.com"].role == Role.SUPPLIER_PLANNER.value
    assert not people["a.planner@example.com"].active
    last = handed_in(
        me, filled(make_sheet(me, "people", "").content, {("a.administrator@example.com", "Role"): "Viewer"})
    )
    assert "last administrator" in last.faults[0].why
    with pytest.raises(NotFound):
        make_sheet(me, "people", str(world.suppliers["B"]))
    with pytest.raises(NotAllowed):
        make_sheet(door(world, "a planner"), "people", "")


def test_a_list_that_changed_in_another_cell_is_merged(world: World) -> None:
    me = door(world, "administrator")
    company = str(world.suppliers["A"])
    sheet = make_sheet(me, "people", company).content
    change_role(world["administrator"], world["a planner"].person, Role.SUPPLIER_VIEWER)
    done = handed_in(me, filled(sheet, {("a.planner@example.com", "Entry"): "Shut out"}))
    assert done.state is HandInState.TAKEN
    people = {one.email: one for one in directory.people(me, UUID(company))}
    planner = people["a.planner@example.com"]
    assert (planner.active, planner.role) == (False, Role.SUPPLIER_VIEWER.value)


def test_ended_supports_leave_the_list(world: World) -> None:
    me = door(world, "planner")
    sheet = make_sheet(me, "supports", "").content
    with viewer_scope(world["planner"]):
        Support.objects.filter(supplier_id=world.suppliers["B"], segment_id=world.segments["STD"]).update(
            valid_to=date(2025, 7, 1) - timedelta(days=1)
        )
    refused = handed_in(me, filled(sheet, {("Supplier B", "Last day"): date(2026, 1, 1)}))
    rows = {fault.why for fault in refused.faults}
    assert refused.state is HandInState.TAKEN or rows == {"This row is no longer in the list."}


# rows that are added

NEW = {"Name": "Nora New", "E-mail": "Nora.New@example.com", "Role": "Planner"}


def test_people_written_below_the_list_are_invited_and_mailed(world: World) -> None:
    me = door(world, "a administrator")
    sheet = make_sheet(me, "people", "").content
    with_changes = filled(sheet, {("a.viewer@example.com", "Role"): "Planner"})
    done = handed_in(me, added(with_changes, NEW, NEW | {"Name": "Max More", "E-mail": "max.more@example.com"}))
    assert (done.state, done.changes, done.faults) == (HandInState.TAKEN, 3, ())
    people = {one.email: one for one in directory.people(world["administrator"], world.suppliers["A"])}
    nora = people["nora.new@example.com"]
    assert (nora.name, nora.role, nora.joined) == ("Nora New", Role.SUPPLIER_PLANNER.value, False)
    assert [one.to for one in mail.outbox] == [["nora.new@example.com"], ["max.more@example.com"]]
    assert "http://127.0.0.1:8000/invitation/" in mail.outbox[0].body
    assert entries(world, "invite_person") == 2


def test_one_bad_new_row_stands_against_all_and_is_told_in_its_cells(world: World) -> None:
    me = door(world, "a administrator")
    sheet = make_sheet(me, "people", "").content
    rows = [
        NEW, {"Name": "No Address", "E-mail": "nowhere", "Role": "Planner"}, NEW | {"Name": "Nora again"},
        {"Name": "Known", "E-mail": "A.Viewer@example.com", "Role": "Viewer"},
        {"Name": "No role", "E-mail": "no.role@example.com"},
        {"Name": "Wrong", "E-mail": "wrong@example.com", "Role": "Emperor"},
    ]  # fmt: skip
    refused = handed_in(me, added(filled(sheet, {("a.viewer@example.com", "Role"): "Planner"}), *rows))
    first = max(n for n, cells in Workbook(sheet).rows("People")) + 1
    told = {fault.cell: fault.why for fault in refused.faults}
    assert refused.state is HandInState.REFUSED
    assert told.keys() == {f"C{first + 1}", f"C{first + 2}", f"C{first + 3}", f"E{first + 4}", f"E{first + 5}"}
    assert "full e-mail address" in told[f"C{first + 1}"]
    assert f"first time in row {first}" in told[f"C{first + 2}"]
    assert "in the list already" in told[f"C{first + 3}"]
    assert "Choose one of" in told[f"E{first + 5}"]
    people = {one.email: one for one in directory.people(world["administrator"], world.suppliers["A"])}
    assert "nora.new@example.com" not in people
    assert people["a.viewer@example.com"].role == Role.SUPPLIER_VIEWER.value
    assert mail.outbox == []
    # The copy with messages keeps what was written; mended there, it is taken.
    copy = path_of(refused.annotated).read_bytes()
    assert cell(copy, "No Address", "E-mail") == "nowhere"
    assert cell(copy, "Wrong", "Role") == "Emperor"
    assert len(comments(copy)) == 5
    mended = filled(copy, {
        ("No Address", "E-mail"): "an@example.com", ("Nora again", "E-mail"): "na@example.com",
        ("Known", "E-mail"): "kn@example.com", ("No role", "Role"): "Viewer", ("Wrong", "Role"): "Viewer",
    })  # fmt: skip
    assert handed_in(me, mended).changes == 7


def test_a_row_that_somebody_else_added_meanwhile_is_told(world: World) -> None:
    me = door(world, "a administrator")
    sheet = added(make_sheet(me, "people", "").content, NEW)
    invite_person(world["a administrator"], world.suppliers["A"], "Nora", "nora.new@example.com", Role.SUPPLIER_VIEWER)
    (fault,) = handed_in(me, sheet).faults
    assert (fault.column, fault.value) == ("E-mail", "Nora.New@example.com")
    assert "in the list already" in fault.why


def test_a_supplier_is_put_to_a_segment_by_a_new_row(world: World) -> None:
    me = door(world, "planner")
    sheet = make_sheet(me, "supports", str(world.suppliers["B"])).content
    code = cell(sheet, "Standard", "Supplier code")
    rows = {"Supplier code": code, "Segment": "Premium", "State": "Confirmed", "Involvement": "Advises"}
    assert handed_in(me, added(sheet, rows)).changes == 1
    found = {one.segment: one for one in directory.supports(world["planner"], supplier=world.suppliers["B"])}
    new = found[world.segments["PREM"]]
    assert (new.state, new.involvement.value) == (SupportState.CONFIRMED, "advisory")
    again = handed_in(me, added(sheet, rows | {"Involvement": ""}, {"Supplier code": "X-0", "Segment": "Common"}))
    assert [(one.column, one.value) for one in again.faults] == [("Supplier code", code), ("Supplier code", "X-0")]


def test_lists_that_cannot_grow_refuse_rows_below_them(world: World) -> None:
    publication, _lines = scored(world)
    me = door(world, "a planner")
    sheet = make_sheet(me, LINES, str(publication)).content
    with pytest.raises(AssertionError, match="no cell"):
        added(sheet, {"Reply": "It was delivered earlier"})
