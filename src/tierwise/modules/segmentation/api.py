"""Segmentation for machines: schemes written, planned, applied and gone back to; cells and pins. Buyers alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Query, Schema

from tierwise.kernel.pages import cut
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.actions import (
    apply_plan,
    file_plan,
    pin_cell,
    roll_back,
    unpin_cell,
    write_scheme,
)
from tierwise.modules.segmentation.records import CELL, PlanRecord, PlanState, SchemeState, VersionRecord, read_scheme
from tierwise.web.api.bodies import SAYING, Body, Code, Day
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.SEGMENTATION)
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SchemeOut(Schema):
    """One version of the scheme, without its text."""

    number: int
    title: str
    digest: str
    state: SchemeState
    written_at: datetime
    written_by: UUID
    applied_at: datetime | None
    applied_by: UUID | None
    effective_on: date | None
    restores: int | None

    @classmethod
    def told(cls, record: VersionRecord) -> SchemeOut:
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


@router.get("/schemes", response=Page[SchemeOut], operation_id="scheme_versions")
def list_schemes(request: ApiRequest, paging: Paged, state: SchemeState | None = None) -> Page[SchemeOut]:
    """Versions of the scheme, the oldest first."""
    buyers_only(request)
    keys = Keys("schemes", (int,))
    found = [one for one in queries.scheme_versions(request.viewer) if state in {None, one.state}]
    rows = cut(found, lambda one: (one.number,), keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.number,))
    return Page[SchemeOut](items=[SchemeOut.told(one) for one in items], next=after)


@router.get("/schemes/{number}", response=VersionRecord, operation_id="scheme_version")
def read_version(request: ApiRequest, number: Number) -> VersionRecord:
    """One version with the text of its document."""
    buyers_only(request)
    return queries.scheme_version(request.viewer, number)


class SchemeBody(Body):
    document: Annotated[str, Field(min_length=1, max_length=500_000)]


@router.post("/schemes", response={201: VersionRecord}, operation_id="write_scheme")
def write(request: ApiRequest, body: SchemeBody) -> VersionRecord:
    """Keeps a scheme document (YAML) as a new draft; the same text again is the same draft. Every mistake is named."""
    buyers_only(request)
    return queries.scheme_version(request.viewer, write_scheme(request.viewer, body.document))


class PlanBody(Body):
    effective_on: Day


@router.post("/schemes/{number}/plans", response={201: PlanRecord}, operation_id="plan_scheme")
def plan(request: ApiRequest, number: Number, body: PlanBody) -> PlanRecord:
    """Says what applying a version from a day would change, and keeps it. Takes as long as an evaluation."""
    buyers_only(request)
    document = read_scheme(queries.scheme_version(request.viewer, number).document)
    planned = queries.plan_scheme(request.viewer, document, body.effective_on)
    return queries.plan(request.viewer, file_plan(request.viewer, number, planned))


@router.post("/schemes/{number}/rollback", response={201: VersionRecord}, operation_id="roll_back_scheme")
def go_back(request: ApiRequest, number: Number) -> VersionRecord:
    """Makes a past version a new draft, to be planned and applied like any other."""
    buyers_only(request)
    return queries.scheme_version(request.viewer, roll_back(request.viewer, number))


class PlanOut(Schema):
    """A plan without what it found."""

    id: UUID
    version: int
    title: str
    fingerprint: str
    effective_on: date
    state: PlanState
    planned_at: datetime
    planned_by: UUID
    filed_by_cycle: bool

    @classmethod
    def told(cls, record: PlanRecord) -> PlanOut:
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


@router.get("/plans", response=Page[PlanOut], operation_id="plans")
def list_plans(request: ApiRequest, paging: Paged, state: PlanState | None = None) -> Page[PlanOut]:
    """Plans, the newest first."""
    buyers_only(request)
    keys = Keys("plans", (datetime, UUID))
    rows = queries.plans_page(request.viewer, state, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.planned_at, one.id))
    return Page[PlanOut](items=[PlanOut.told(one) for one in items], next=after)


@router.get("/plans/{plan_id}", response=PlanRecord, operation_id="plan")
def read_plan(request: ApiRequest, plan_id: UUID) -> PlanRecord:
    """One plan with everything it found: segments, suppliers, people, agreements, money."""
    buyers_only(request)
    return queries.plan(request.viewer, plan_id)


class MoveOut(Schema):
    """A demand cell that a plan would move, and why."""

    id: UUID
    item: str
    customer_group: str
    region: str
    channel: str
    from_segment: str
    to_segment: str
    reason: str
    revenue: float
    profit: float
    units: float


@router.get("/plans/{plan_id}/moves", response=Page[MoveOut], operation_id="moves")
def list_moves(request: ApiRequest, plan_id: UUID, paging: Paged) -> Page[MoveOut]:
    """Cells that a plan would move."""
    buyers_only(request)
    keys = Keys("moves", (UUID,))
    found = queries.plan(request.viewer, plan_id)
    rows = queries.moves_page(request.viewer, found.id, MoveOut, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.id,))
    return Page[MoveOut](items=items, next=after)


class ApplicationBody(Body):
    """The plan's fingerprint says that it was read, and that nothing has changed since."""

    fingerprint: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$")]


class AppliedOut(Schema):
    """What applying a plan did."""

    version: int
    moved: int
    new_cells: int
    manifest: int


@router.post("/plans/{plan_id}/application", response=AppliedOut, operation_id="apply_scheme")
def apply(request: ApiRequest, plan_id: UUID, body: ApplicationBody) -> AppliedOut:
    """Makes a planned scheme live; refused where facts, pins or the live scheme changed since the plan was made."""
    buyers_only(request)
    done = apply_plan(request.viewer, plan_id, body.fingerprint)
    return AppliedOut(version=done.version, moved=done.moved, new_cells=done.new_cells, manifest=done.manifest)


class DemandCellOut(Schema):
    """A demand cell as last evaluated, and the segment it is in today."""

    item: str
    customer_group: str
    region: str
    channel: str
    segment: str | None
    decided: str
    proposed: str
    rule: str
    reason: str
    boundary: bool
    streak: int
    revenue: float | None
    profit: float | None
    units: float | None
    lines: int | None
    demand_class: str | None


Asked = Annotated[str, Query("", max_length=240, pattern=r"^[^\u0000]*$")]


@router.get("/cells", response=Page[DemandCellOut], operation_id="cells")
def list_cells(
    request: ApiRequest, paging: Paged, segment: Asked = "", item: Asked = "", customer_group: Asked = ""
) -> Page[DemandCellOut]:
    """Demand cells with their segment: the members of a segment, where one is named by its code."""
    buyers_only(request)
    keys = Keys("cells", (str,) * len(CELL))
    asked = {"segment": segment, "item": item, "customer_group": customer_group}
    found = queries.cells_page(request.viewer, asked, keys.slice(paging))
    rows = [DemandCellOut(**row) for row in found.select(list(DemandCellOut.model_fields)).to_dicts()]
    items, after = keys.page(rows, paging, lambda one: [getattr(one, name) for name in CELL])
    return Page[DemandCellOut](items=items, next=after)


class CellKey(Schema):
    """What tells a demand cell from others; a column that the scheme does not use stands at ``*``."""

    item: Annotated[str, Field(min_length=1, max_length=240, pattern=r"^[^\u0000]+$")]
    customer_group: Code = "*"
    region: Code = "*"
    channel: Code = "*"

    def cell(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in CELL}


class WhyOut(Schema):
    """Why a cell is where it is: its intervals, and the latest evaluation with everything it was made on."""

    intervals: list[dict[str, Any]]
    latest: dict[str, Any] | None


@router.get("/cells/explanation", response=WhyOut, operation_id="explain_cell")
def explain(request: ApiRequest, cell: Annotated[CellKey, Query()]) -> WhyOut:
    """Why a demand cell is in its segment."""
    buyers_only(request)
    found = queries.explain_cell(request.viewer, cell.cell())
    return WhyOut(intervals=found["intervals"], latest=found["latest"])


class PinOut(Schema):
    """A cell's segment fixed by hand."""

    item: str
    customer_group: str
    region: str
    channel: str
    segment: str
    expires_on: date | None


@router.get("/pins", response=Page[PinOut], operation_id="pins")
def list_pins(request: ApiRequest, paging: Paged) -> Page[PinOut]:
    """Every pin by its cell, those that ended included."""
    buyers_only(request)
    keys = Keys("pins", (str,) * len(CELL))
    rows = [
        PinOut(**one.cell, segment=one.segment, expires_on=one.expires_on)
        for one in queries.pins_page(request.viewer, keys.slice(paging))
    ]
    items, after = keys.page(rows, paging, lambda one: [getattr(one, name) for name in CELL])
    return Page[PinOut](items=items, next=after)


class PinBody(Body):
    item: Annotated[str, Field(min_length=1, max_length=240, pattern=r"^[^\u0000]+$")]
    customer_group: Code
    region: Code
    channel: Code
    segment: Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[^\u0000]+$")]
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=SAYING)]
    expires_on: Day | None = None


@router.put("/pins", response=PinOut, operation_id="pin_cell")
def put_pin(request: ApiRequest, body: PinBody) -> PinOut:
    """Fixes a cell's segment by hand, with a reason; it counts from the next applied plan."""
    buyers_only(request)
    cell = {name: getattr(body, name) for name in CELL}
    pin_cell(request.viewer, cell, body.segment, body.reason, body.expires_on)
    return PinOut(**cell, segment=body.segment, expires_on=body.expires_on)


@router.delete("/pins", response={204: None}, operation_id="unpin_cell")
def delete_pin(request: ApiRequest, cell: Annotated[CellKey, Query()]) -> None:
    """Gives a cell back to the rules."""
    buyers_only(request)
    unpin_cell(request.viewer, cell.cell())
