"""Segments, who supplies them, and their policies."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema

from tierwise.directory import listing, queries, shared
from tierwise.directory.actions import SupportProposal, confirm_support, end_support, propose_supports
from tierwise.directory.listing import SupportQuestion
from tierwise.directory.records import CompanySide, Involvement, SupportRecord, SupportState
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.web.api.bodies import Body, Day, Id
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, versioned

router = ApiRouter(Area.DIRECTORY)


class SegmentOut(Schema):
    """A segment under the name the asker knows; the rank is the buyer's own."""

    id: UUID
    code: str
    name: str
    slot: int
    rank: int | None
    active: bool


@router.get("/segments", response=list[SegmentOut], operation_id="list_segments")
def list_segments(request: ApiRequest) -> list[SegmentOut]:
    """Segments by rank; a supplier finds those it serves, by the names it was given."""
    viewer = request.viewer
    if viewer.is_supplier:
        return [
            SegmentOut(id=s.segment, code=s.shown_code, name=s.shown_name, slot=s.slot, rank=None, active=True)
            for s in shared.my_supports(viewer)
        ]
    return [
        SegmentOut(id=s.id, code=s.code, name=s.name, slot=s.slot, rank=s.rank, active=s.active)
        for s in queries.segments(viewer, active=False)
    ]


class PolicyOut(Schema):
    """What a segment asks for: facet → its values; what is not named has the facet's default."""

    segment: UUID
    facets: dict[str, dict[str, Any]]


@router.get("/segments/{segment_id}/policy", response=PolicyOut, operation_id="facets_of")
def read_policy(request: ApiRequest, segment_id: UUID, on: Day | None = None) -> PolicyOut:
    """The policy in force for a segment, today or on a day."""
    buyers_only(request)
    if segment_id not in {segment.id for segment in queries.segments(request.viewer, active=False)}:
        raise NotFound("segment", "There is no such segment.")
    return PolicyOut(segment=segment_id, facets=queries.facets_of(request.viewer, segment_id, on))


@router.get("/supports", response=Page[SupportRecord], operation_id="list_supports")
def list_supports(
    request: ApiRequest, paging: Paged, supplier: UUID | None = None, segment: UUID | None = None,
    state: SupportState | None = None, on: Day | None = None,
) -> Page[SupportRecord]:  # fmt: skip
    """Who serves which segment, past and proposed supports included."""
    keys = Keys("supports", (UUID,))
    rows = listing.supports(request.viewer, SupportQuestion(supplier, segment, state, on), keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.id,))
    return Page[SupportRecord](items=items, next=after)


@router.get("/supports/{support_id}", response=SupportRecord, operation_id="read_support")
def read_support(request: ApiRequest, support_id: UUID) -> SupportRecord:
    """One support."""
    return listing.support(request.viewer, support_id)


class ProposalBody(Body):
    """A supplier that should serve a segment."""

    supplier: Id
    segment: Id


@router.post("/supports", response={201: list[SupportRecord]}, operation_id="propose_supports")
def propose(request: ApiRequest, body: ProposalBody) -> list[SupportRecord]:
    """Proposes that a supplier serves a segment, until somebody confirms it; what stands already stays as it is."""
    viewer = request.viewer
    buyers_only(request)
    company = queries.company(viewer, body.supplier)
    segment = next((s for s in queries.segments(viewer) if s.id == body.segment), None)
    if company is None or company.id == queries.host(viewer).id:
        raise Invalid(CompanySide.SUPPLIER.value, "There is no such supplier; choose one of /companies.",
                      field="supplier")  # fmt: skip
    if segment is None:
        raise Invalid("segment", "There is no such segment; choose one of /segments.", field="segment")
    proposal = SupportProposal(company.id, segment.id, 0.0, segment.code, segment.name, segment.slot)
    propose_supports(viewer, [proposal])
    return [s for s in queries.supports(viewer, supplier=company.id) if s.segment == segment.id]


class ConfirmationBody(Body):
    involvement: Annotated[Involvement, Field(strict=False)] = Involvement.EXECUTION


@router.post("/supports/{support_id}/confirmation", response=SupportRecord, operation_id="confirm_support")
@versioned
def confirm(request: ApiRequest, support_id: UUID, body: ConfirmationBody) -> SupportRecord:
    """Makes a proposed support count: the supplier gains the segment's rights at once."""
    buyers_only(request)
    for_change(request, SupportRecord, f"support {support_id}", lambda: listing.support(request.viewer, support_id))
    confirm_support(request.viewer, support_id, body.involvement)
    return listing.support(request.viewer, support_id)


class SupportEndBody(Body):
    on: Day


@router.post("/supports/{support_id}/end", response=SupportRecord, operation_id="end_support")
@versioned
def end(request: ApiRequest, support_id: UUID, body: SupportEndBody) -> SupportRecord:
    """Ends a support after a day, or declines one that is only proposed."""
    buyers_only(request)
    for_change(request, SupportRecord, f"support {support_id}", lambda: listing.support(request.viewer, support_id))
    end_support(request.viewer, support_id, body.on)
    return listing.support(request.viewer, support_id)
