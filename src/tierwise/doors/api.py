"""Spreadsheets for machines: a list is downloaded as a form, handed in filled in, and says what became of every cell.

A spreadsheet calls the actions of its list, so a token needs the scopes of the list's areas beside those of this one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Field, File, Form, Query, Schema, UploadedFile

from tierwise.doors import handed
from tierwise.doors.actions import request_sheets, revoke_sheet
from tierwise.doors.mail.writing import XLSX, annotated_name
from tierwise.doors.pages import as_download
from tierwise.doors.ports import EditableList, list_named, registered_lists
from tierwise.doors.records import CellFault, HandInRecord, HandInState, IssueRecord
from tierwise.doors.sheets import Expected, SheetFile, make_sheet, receive_sheet
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.files import LARGEST, path_of
from tierwise.web.api.bodies import Body
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.SHEETS)
_SCOPE = r"^[^\u0000]*$"
ABOUT = "Which of its kind: a scorecard's id, a company's, a segment's code; empty for all"
ScopeAsked = Annotated[str, Query("", max_length=128, pattern=_SCOPE, description=ABOUT)]
_XLSX: dict[str, Any] = {
    "responses": {"200": {
        "description": "The workbook, as an attachment",
        "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
    }}
}  # fmt: skip


class SheetListOut(Schema):
    """A list that can be filled in as a spreadsheet, and the scopes that handing it in takes."""

    name: str
    title: str
    scopes: list[str]


def _scopes(one: EditableList, *, write: bool) -> list[str]:
    return [area.write if write else area.read for area in one.areas]


def _open(request: ApiRequest, one: EditableList, *, write: bool = False) -> bool:
    held = request.api_pass.scopes
    return held is None or set(_scopes(one, write=write)) <= held


def _must(request: ApiRequest, name: str, *, write: bool = False) -> None:
    one = list_named(name)
    if not _open(request, one, write=write):
        needed = next(scope for scope in _scopes(one, write=write) if scope not in (request.api_pass.scopes or ()))
        raise NotAllowed(
            "scope", f"This token has no scope {needed}, which the list {name} takes; ask for one that has.",
            field="Authorization", scope=needed,
        )  # fmt: skip


@router.get("/sheets", response=list[SheetListOut], operation_id="list_sheets")
def list_sheets(request: ApiRequest) -> list[SheetListOut]:
    """Lists that the asker may fill in."""
    return [
        SheetListOut(name=one.name, title=str(one.title), scopes=[Area.SHEETS.write, *_scopes(one, write=True)])
        for one in registered_lists()
        if one.open_to(request.viewer)
    ]


@router.get("/sheets/{name}", operation_id="make_sheet", openapi_extra=_XLSX)
def download(request: ApiRequest, name: str, scope: ScopeAsked = "") -> HttpResponse:
    """A list as a spreadsheet to fill in, signed for the asker; each one is noted and may come back for 60 days."""
    _must(request, name)
    file = make_sheet(request.viewer, name, scope)
    return as_download(file.name, file.content)


class HandInOut(Schema):
    """What became of a spreadsheet: rows changed, cells that said so already, or a message for every cell refused.

    ``repeated``: the very same file was taken before, and nothing was done. ``marked_up``: it can be downloaded with
    the messages in its cells.
    """

    id: UUID
    list_name: str
    scope: str
    person: UUID
    door: str
    at: datetime
    file_name: str
    state: HandInState
    changes: int
    already: int
    faults: list[CellFault]
    marked_up: bool
    repeated: bool

    @classmethod
    def told(cls, record: HandInRecord) -> HandInOut:
        same = {name: getattr(record, name) for name in cls.model_fields if name != "marked_up"}
        return cls(**same, marked_up=bool(record.annotated))


@router.post("/sheets/{name}", response=HandInOut, operation_id="receive_sheet")
def hand_in(
    request: ApiRequest, name: str, file: Annotated[UploadedFile, File()],
    scope: Annotated[str, Form(max_length=128, pattern=_SCOPE, description=ABOUT)] = "",
) -> HandInOut:  # fmt: skip
    """Takes a spreadsheet back, whole or not at all. ``state`` says which; a refused one is kept with its messages."""
    _must(request, name, write=True)
    sent = SheetFile(file.name or "sheet.xlsx", file.read(LARGEST + 1))
    return HandInOut.told(receive_sheet(request.viewer, sent, Expected(name, scope)))


class SheetMailBody(Body):
    """Which of its kind is mailed; empty for all."""

    scope: Annotated[str, Field(max_length=128, pattern=_SCOPE)] = ""


@router.post("/sheets/{name}/mails", response={202: None}, operation_id="request_sheets")
def mail(request: ApiRequest, name: str, body: SheetMailBody) -> None:
    """Has a list mailed to be filled in: to the token's maker, or to the supplier's people whose list it is."""
    _must(request, name)
    request_sheets(request.viewer, name, body.scope)


@router.get("/sheet-results", response=Page[HandInOut], operation_id="hand_ins")
def list_results(request: ApiRequest, paging: Paged) -> Page[HandInOut]:
    """What came back, by whichever door, the newest first."""
    keys = Keys("sheet results", (datetime, UUID))
    lists = [one.name for one in registered_lists() if _open(request, one)]
    rows = handed.hand_ins_page(request.viewer, lists, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.at, one.id))
    return Page[HandInOut](items=[HandInOut.told(one) for one in items], next=after)


def _result(request: ApiRequest, result_id: UUID) -> HandInRecord:
    found = handed.hand_in(request.viewer, result_id)
    _must(request, found.list_name)
    return found


@router.get("/sheet-results/{result_id}", response=HandInOut, operation_id="read_hand_in")
def read_result(request: ApiRequest, result_id: UUID) -> HandInOut:
    """What became of one spreadsheet."""
    return HandInOut.told(_result(request, result_id))


@router.get("/sheet-results/{result_id}/marked-up", operation_id="marked_up_sheet", openapi_extra=_XLSX)
def read_marked_up(request: ApiRequest, result_id: UUID) -> HttpResponse:
    """A refused spreadsheet with the messages in its cells, to be mended and handed in again."""
    found = _result(request, result_id)
    if not found.annotated:
        raise NotFound("sheet", "There is no marked-up file.")
    return as_download(annotated_name(found.file_name), path_of(found.annotated).read_bytes())


@router.get("/sheet-issues", response=list[IssueRecord], operation_id="issues")
def list_issues(request: ApiRequest) -> list[IssueRecord]:
    """Spreadsheets that are out and may still come back, the newest first; at most two hundred."""
    return handed.issues(request.viewer)


@router.delete("/sheet-issues/{issue_id}", response={204: None}, operation_id="revoke_sheet")
def call_off(request: ApiRequest, issue_id: UUID) -> None:
    """Calls a spreadsheet off: it is no longer taken back, by no door."""
    revoke_sheet(request.viewer, issue_id)
