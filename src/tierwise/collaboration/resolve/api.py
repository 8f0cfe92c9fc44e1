"""Cases for machines: a line disputed, talked about, and ruled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Field, File, Form, UploadedFile

from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.resolve import queries, shared
from tierwise.collaboration.resolve.actions import (
    add_note,
    discard_draft,
    dispute_line,
    rule_case,
    save_draft,
    withdraw_case,
)
from tierwise.collaboration.resolve.download import attachment
from tierwise.collaboration.resolve.records import (
    CaseFile,
    CaseQuestion,
    CaseRecord,
    CaseState,
    Claim,
    DisputeReason,
    DraftClaim,
    DraftRecord,
    Evidence,
    ExclusionReason,
    Ruling,
)
from tierwise.kernel.audit import NotFound
from tierwise.kernel.files import LARGEST
from tierwise.web.api.bodies import SAYING, Body, Comment, Day, Quantity, Sentence, made
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only, suppliers_only
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, private, versioned

router = ApiRouter(Area.CASES)


@router.get("/cases", response=Page[CaseRecord], operation_id="list_cases")
def list_cases(
    request: ApiRequest, paging: Paged, state: CaseState | None = None, supplier: UUID | None = None,
    segment: UUID | None = None, publication: UUID | None = None,
) -> Page[CaseRecord]:  # fmt: skip
    """Cases, the newest first."""
    viewer, keys = request.viewer, Keys("cases", (datetime, UUID))
    question = CaseQuestion(supplier, segment, publication, state)
    read = shared.my_cases_page if viewer.is_supplier else queries.cases_page
    rows = read(viewer, question, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.opened_at, one.id))
    return Page[CaseRecord](items=items, next=after)


def _read(request: ApiRequest, case_id: UUID) -> CaseFile:
    own = shared.my_case if request.viewer.is_supplier else queries.case
    return own(request.viewer, case_id)


def _for_change(request: ApiRequest, case_id: UUID) -> CaseFile:
    return for_change(request, CaseFile, f"case {case_id}", lambda: _read(request, case_id))


@router.get("/cases/{case_id}", response=CaseFile, operation_id="read_case")
def read_case(request: ApiRequest, case_id: UUID) -> CaseFile:
    """One case with its timeline."""
    return _read(request, case_id)


class ClaimBody(Body):
    """What the supplier holds to be right: a day, a quantity, or neither where the line should not count at all."""

    reason: Annotated[DisputeReason, Field(strict=False)]
    text: Sentence
    delivered_on: Day | None = None
    quantity: Quantity | None = None


@router.post("/lines/{line_id}/dispute", response={201: CaseFile}, operation_id="dispute_line")
def dispute(request: ApiRequest, line_id: UUID, body: ClaimBody) -> CaseFile:
    """Opens a case about one judged line of the newest scorecard; evidence follows as notes with a file."""
    suppliers_only(request)
    claim = made(lambda: Claim(body.reason, body.text, body.delivered_on, body.quantity))
    return _read(request, dispute_line(request.viewer, line_id, claim))


class NoteBody(Body):
    text: Sentence


@router.post("/cases/{case_id}/notes", response={201: CaseFile}, operation_id="add_note")
def note(request: ApiRequest, case_id: UUID, body: NoteBody) -> CaseFile:
    """Says something in an open case; both sides read it."""
    add_note(request.viewer, case_id, body.text)
    return _read(request, case_id)


@router.post("/cases/{case_id}/evidence", response={201: CaseFile}, operation_id="add_evidence")
def add_evidence(
    request: ApiRequest, case_id: UUID,
    text: Annotated[str, Form(min_length=1, max_length=4000, pattern=SAYING)],
    file: Annotated[UploadedFile, File()],
) -> CaseFile:  # fmt: skip
    """Adds a note with a file: PDF, picture, spreadsheet or text, at most 20 MB."""
    evidence = Evidence(file.name or "file", file.read(LARGEST + 1))
    add_note(request.viewer, case_id, text, evidence)
    return _read(request, case_id)


_FILE: dict[str, Any] = {
    "responses": {"200": {
        "description": "The file, as an attachment",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }}
}  # fmt: skip


@router.get("/evidence/{entry_id}", operation_id="read_evidence", openapi_extra=_FILE)
def read_evidence(request: ApiRequest, entry_id: UUID) -> HttpResponse:
    """The file of an entry of a case."""
    own = shared.evidence if request.viewer.is_supplier else queries.evidence
    return attachment(own(request.viewer, entry_id))


class RulingBody(Body):
    """An upheld dispute says what is put right; a rejected one says why and corrects nothing."""

    upheld: bool
    text: Sentence
    delivered_on: Day | None = None
    received: Quantity | None = None
    rejected: Quantity | None = None
    excluded: Annotated[ExclusionReason | None, Field(strict=False)] = None


@router.post("/cases/{case_id}/ruling", response=CaseFile, operation_id="rule_case")
@versioned
def rule(request: ApiRequest, case_id: UUID, body: RulingBody) -> CaseFile:
    """Decides an open case for good."""
    buyers_only(request)
    _for_change(request, case_id)
    ruling = made(
        lambda: Ruling(body.upheld, body.text, body.delivered_on, body.received, body.rejected, body.excluded)
    )
    rule_case(request.viewer, case_id, ruling)
    return _read(request, case_id)


class WithdrawalBody(Body):
    text: Comment = ""


@router.post("/cases/{case_id}/withdrawal", response=CaseFile, operation_id="withdraw_case")
@versioned
def withdraw(request: ApiRequest, case_id: UUID, body: WithdrawalBody) -> CaseFile:
    """Takes a dispute back before it is ruled."""
    suppliers_only(request)
    _for_change(request, case_id)
    withdraw_case(request.viewer, case_id, body.text)
    return _read(request, case_id)


@router.get("/drafts", response=list[DraftRecord], operation_id="list_drafts")
def list_drafts(request: ApiRequest) -> list[DraftRecord]:
    """Claims begun and not sent; no buyer can read them."""
    suppliers_only(request)
    return shared.my_drafts(request.viewer)


def _draft(request: ApiRequest, line_id: UUID) -> DraftRecord:
    found = shared.my_draft(request.viewer, line_id)
    if found is None:
        raise NotFound("draft", "There is no draft for this line.")
    return found


@router.get("/lines/{line_id}/draft", response=DraftRecord, operation_id="read_draft")
def read_draft(request: ApiRequest, line_id: UUID) -> DraftRecord:
    """The claim begun about a line."""
    suppliers_only(request)
    return _draft(request, line_id)


class DraftBody(Body):
    """A claim as far as it has been written."""

    reason: Annotated[DisputeReason | None, Field(strict=False)] = None
    text: Annotated[str, Field(max_length=4000, pattern=r"^[^\u0000]*$")] = ""
    delivered_on: Day | None = None
    quantity: Quantity | None = None


@router.put("/lines/{line_id}/draft", response=DraftRecord, operation_id="save_draft")
@private
def put_draft(request: ApiRequest, line_id: UUID, body: DraftBody) -> DraftRecord:
    """Keeps an unfinished claim where no buyer can read it; saving again replaces it."""
    suppliers_only(request)
    published.my_line(request.viewer, line_id)
    save_draft(request.viewer, line_id, DraftClaim(body.reason, body.text, body.delivered_on, body.quantity))
    return _draft(request, line_id)


@router.delete("/lines/{line_id}/draft", response={204: None}, operation_id="discard_draft")
@private
def delete_draft(request: ApiRequest, line_id: UUID) -> None:
    """Throws an unfinished claim away."""
    suppliers_only(request)
    discard_draft(request.viewer, line_id)
