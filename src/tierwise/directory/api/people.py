"""Companies, their people, and tokens."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Field, Query, Schema

from tierwise.directory import listing, tokens
from tierwise.directory.actions import change_role, invite_person, revoke_token, set_person_active
from tierwise.directory.records import CompanyRecord, PersonRecord, TokenRecord
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.api.bodies import Body
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, versioned

router = ApiRouter(Area.DIRECTORY)
_ID = (UUID,)
Words = Annotated[str, Query("", max_length=200, pattern=r"^[^\u0000]*$", description="Part of the code or name")]


@router.get("/companies", response=Page[CompanyRecord], operation_id="list_companies")
def list_companies(request: ApiRequest, paging: Paged, words: Words = "") -> Page[CompanyRecord]:
    """The buying company and its suppliers; a supplier finds itself alone."""
    keys = Keys("companies", _ID)
    rows = listing.companies(request.viewer, keys.slice(paging), words)
    items, after = keys.page(rows, paging, lambda row: (row.id,))
    return Page[CompanyRecord](items=items, next=after)


@router.get("/companies/{company_id}", response=CompanyRecord, operation_id="read_company")
def read_company(request: ApiRequest, company_id: UUID) -> CompanyRecord:
    """One company."""
    return listing.company(request.viewer, company_id)


@router.get("/companies/{company_id}/people", response=Page[PersonRecord], operation_id="list_people")
def list_people(request: ApiRequest, company_id: UUID, paging: Paged) -> Page[PersonRecord]:
    """People of a company, those shut out included; for administrators, and for suppliers of their own company."""
    viewer = request.viewer
    _may_see_people(viewer, listing.company(viewer, company_id).id)
    keys = Keys("people", _ID)
    rows = listing.people(viewer, company_id, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda row: (row.id,))
    return Page[PersonRecord](items=items, next=after)


def _may_see_people(viewer: Viewer, company: UUID) -> None:
    if viewer.is_supplier and company != viewer.company:
        raise NotFound("company", "There is no such company.")
    if not viewer.is_supplier and viewer.role is not Role.ADMINISTRATOR:
        raise NotAllowed("role", "Only administrators see and change who may enter.")


class InvitationBody(Body):
    """Whom to invite, and as what."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\u0000]*\S[^\u0000]*$")]
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s\u0000]+@[^@\s\u0000]+$")]
    role: Annotated[Role, Field(strict=False)]


class InvitationOut(Schema):
    """An invited person, and the address of the page where he chooses a password; told this once."""

    person: UUID
    page: str


@router.post("/companies/{company_id}/people", response={201: InvitationOut}, operation_id="invite_person")
def invite(request: ApiRequest, company_id: UUID, body: InvitationBody) -> InvitationOut:
    """Invites somebody into a company; inviting the same address again renews the invitation."""
    made = invite_person(request.viewer, company_id, body.name, body.email, body.role)
    return InvitationOut(person=made.person, page=f"/invitation/{made.token}/")


@router.get("/people/{person_id}", response=PersonRecord, operation_id="read_person")
def read_person(request: ApiRequest, person_id: UUID) -> PersonRecord:
    """One person."""
    found = listing.person(request.viewer, person_id)
    _may_see_people(request.viewer, found.company)
    return found


class RoleBody(Body):
    role: Annotated[Role, Field(strict=False)]


@router.put("/people/{person_id}/role", response=PersonRecord, operation_id="change_role")
@versioned
def put_role(request: ApiRequest, person_id: UUID, body: RoleBody) -> PersonRecord:
    """Gives a person another role of the same side."""
    for_change(request, PersonRecord, f"person {person_id}", lambda: read_person(request, person_id))
    change_role(request.viewer, person_id, body.role)
    return listing.person(request.viewer, person_id)


class ActiveBody(Body):
    active: bool


@router.put("/people/{person_id}/active", response=PersonRecord, operation_id="set_person_active")
@versioned
def put_active(request: ApiRequest, person_id: UUID, body: ActiveBody) -> PersonRecord:
    """Lets a person in or out, at once; tokens made by somebody who is out stop."""
    for_change(request, PersonRecord, f"person {person_id}", lambda: read_person(request, person_id))
    set_person_active(request.viewer, person_id, body.active)
    return listing.person(request.viewer, person_id)


@router.get("/tokens", response=list[TokenRecord], operation_id="list_tokens")
def list_tokens(request: ApiRequest) -> list[TokenRecord]:
    """Tokens of one's own company, for administrators. They are made on the page API access, by people."""
    if request.viewer.role not in tokens.MAKERS:
        raise NotAllowed("role", "Only administrators see tokens.")
    return tokens.own_tokens(request.viewer)


@router.delete("/tokens/{token_id}", response={204: None}, operation_id="revoke_token")
def end_token(request: ApiRequest, token_id: UUID) -> None:
    """Ends a token at once."""
    revoke_token(request.viewer, token_id)
