"""Companies, their people, and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from ninja import Field, Query, Schema

from tierwise.directory import listing, tokens
from tierwise.directory.actions import change_role, end_sessions, invite_person, revoke_token, set_person_active
from tierwise.directory.onboarding import NewSupplier, OnboardingRecord, invite_supplier, onboarding_of
from tierwise.directory.privacy import export_own
from tierwise.directory.records import CompanyRecord, PersonRecord, TokenRecord
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.api.bodies import MAIL_ADDRESS, SAYING, Body
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only, suppliers_only
from tierwise.web.api.scopes import Area, scopes_of
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

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=SAYING)]
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=MAIL_ADDRESS)]
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


class SupplierBody(Body):
    """A supplier to let in: its name and the address of its first person suffice. ``code`` is the ERP's, if known."""

    name: Annotated[str, Field(min_length=1, max_length=300, pattern=SAYING)]
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=MAIL_ADDRESS)]
    contact: Annotated[str, Field(min_length=1, max_length=120, pattern=SAYING)]
    about: Annotated[str, Field(max_length=600, pattern=r"^[^\u0000]*$")] = ""
    code: Annotated[str, Field(max_length=240, pattern=r"^[^\u0000]*$")] = ""


class InvitedSupplierOut(Schema):
    """The new company, its first person, and the address of the page where he begins; told this once."""

    company: UUID
    person: UUID
    page: str


@router.post("/suppliers", response={201: InvitedSupplierOut}, operation_id="invite_supplier")
def let_in(request: ApiRequest, body: SupplierBody) -> InvitedSupplierOut:
    """Sets a supplier up and invites its first person, who administers it from then on. Nothing is mailed: hand the
    page on."""
    buyers_only(request)
    made = invite_supplier(request.viewer, NewSupplier(body.name, body.email, body.contact, body.about, body.code))
    page = f"/invitation/{made.invited.token}/"
    return InvitedSupplierOut(company=made.company, person=made.invited.person, page=page)


@router.get("/suppliers/{supplier_id}/onboarding", response=OnboardingRecord, operation_id="onboarding_of")
def read_onboarding(request: ApiRequest, supplier_id: UUID) -> OnboardingRecord:
    """What a supplier that was let in by invitation has said of itself, and when it accepted the terms."""
    buyers_only(request)
    found = onboarding_of(request.viewer, supplier_id)
    if found is None:
        raise NotFound("supplier", "There is no supplier of this id that was let in by invitation.")
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


@router.post("/people/{person_id}/signing-out", response={204: None}, operation_id="end_sessions")
def sign_out(request: ApiRequest, person_id: UUID) -> None:
    """Signs a person out everywhere, at once, as after a lost computer; he may sign in again."""
    end_sessions(request.viewer, person_id)


_ZIP: dict[str, Any] = {
    "responses": {"200": {
        "description": "A ZIP of CSV, JSON and files, as an attachment",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }}
}  # fmt: skip


@router.get("/own-data", operation_id="export_own", openapi_extra=_ZIP)
def take_away(request: ApiRequest) -> HttpResponseBase:
    """Everything that is the supplier's own and everything shared with it, to take away. It holds what every area
    holds, so a token needs all reading scopes of its side."""
    suppliers_only(request)
    held = request.api_pass.scopes
    if held is not None and (missing := [s for s in scopes_of(True) if s.endswith(":read") and s not in held]):
        raise NotAllowed(
            "scope", f"This token has no scope {missing[0]}; the export takes all that read.", field="Authorization",
            scope=missing[0],
        )  # fmt: skip
    return FileResponse(
        export_own(request.viewer), as_attachment=True, filename="tierwise.zip", content_type="application/zip"
    )


@router.get("/tokens", response=Page[TokenRecord], operation_id="list_tokens")
def list_tokens(request: ApiRequest, paging: Paged) -> Page[TokenRecord]:
    """Tokens of one's own company, the newest first, for administrators. They are made on the page API access, by
    people."""
    if request.viewer.role not in tokens.MAKERS:
        raise NotAllowed("role", "Only administrators see tokens.")
    keys = Keys("tokens", (datetime, UUID))
    rows = tokens.own_tokens_page(request.viewer, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.made_at, one.id))
    return Page[TokenRecord](items=items, next=after)


@router.delete("/tokens/{token_id}", response={204: None}, operation_id="revoke_token")
def end_token(request: ApiRequest, token_id: UUID) -> None:
    """Ends a token at once."""
    revoke_token(request.viewer, token_id)
