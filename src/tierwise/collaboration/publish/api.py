"""Publications for machines: what was published to a supplier, read by it or by the buyer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import polars as pl
from ninja import Query, Schema

from tierwise.collaboration.publish import queries, shared
from tierwise.collaboration.publish.actions import acknowledge_publication
from tierwise.collaboration.publish.records import CellStatus, PublicationKind, PublicationQuestion, PublicationRecord
from tierwise.directory import queries as directory
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.web.api.bodies import Body, Comment, Instant
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only, suppliers_only
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, versioned

router = ApiRouter(Area.PUBLICATIONS)


class CellOut(Schema):
    """Demand or order forecast of one item, site and bucket; a cell that is held back has no quantity."""

    signal: str
    item: str
    item_name: str
    site: str
    region: str
    bucket_start: date
    bucket_days: int
    quantity: Decimal | None
    unit: str
    binds: str
    status: CellStatus


class MeasureOut(Schema):
    """One measure of a scorecard with its interval."""

    measure: str
    formula: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    effective_n: float | None
    target: float | None
    weight: float | None
    points: float | None
    standing: str
    note: str


class LineOut(Schema):
    """One purchase line as it was judged; ``share`` is how much of it counts for the segment."""

    id: UUID
    order: str
    line: str
    item: str
    item_name: str
    site: str
    ordered_on: date | None
    due_on: date | None
    due_from: str
    delivered_on: date | None
    days_late: int | None
    ordered: Decimal | None
    received: Decimal | None
    rejected: Decimal | None
    unit: str
    share: float
    on_time: bool | None
    in_full: bool | None
    otif: bool | None
    excluded: str


class ContentOut(Schema):
    """A publication with its cells and measures; lines come by page."""

    publication: PublicationRecord
    cells: list[CellOut]
    measures: list[MeasureOut]


@router.get("/publications", response=Page[PublicationRecord], operation_id="list_publications")
def list_publications(
    request: ApiRequest, paging: Paged, current: bool = True, supplier: UUID | None = None,
    segment: UUID | None = None, kind: PublicationKind | None = None,
) -> Page[PublicationRecord]:  # fmt: skip
    """Publications, the newest first; ``current`` leaves out replaced ones."""
    viewer, keys = request.viewer, Keys("publications", (datetime, UUID))
    question = PublicationQuestion(supplier, segment, kind, current)
    read = shared.my_publications_page if viewer.is_supplier else queries.publications_page
    items, after = keys.page(read(viewer, question, keys.slice(paging)), paging, lambda p: (p.published_at, p.id))
    return Page[PublicationRecord](items=items, next=after)


def _read(request: ApiRequest, publication_id: UUID) -> PublicationRecord:
    own = shared.my_publication if request.viewer.is_supplier else queries.publication
    return own(request.viewer, publication_id)


@router.get("/publications/{publication_id}", response=PublicationRecord, operation_id="read_publication")
def read_publication(request: ApiRequest, publication_id: UUID) -> PublicationRecord:
    """One publication without what stands in it."""
    return _read(request, publication_id)


@router.get("/publications/{publication_id}/content", response=ContentOut, operation_id="read_content")
def read_content(request: ApiRequest, publication_id: UUID) -> ContentOut:
    """A publication with its cells and measures."""
    viewer, record = request.viewer, _read(request, publication_id)
    supplier = viewer.is_supplier
    cells = shared.my_series(viewer, record.id) if supplier else queries.series(viewer, record.id)
    measures = shared.my_measures(viewer, record.id) if supplier else queries.measures(viewer, record.id)
    return ContentOut(
        publication=record,
        cells=[CellOut(**row) for row in _rows(cells, CellOut)],
        measures=[MeasureOut(**row) for row in _rows(measures, MeasureOut)],
    )


def _rows(frame: pl.DataFrame, kind: type[Schema]) -> list[dict[str, Any]]:
    return frame.select(list(kind.model_fields)).to_dicts()


@router.get("/publications/{publication_id}/lines", response=Page[LineOut], operation_id="list_lines")
def list_lines(request: ApiRequest, publication_id: UUID, paging: Paged) -> Page[LineOut]:
    """The judged lines of a scorecard, by order and line, as far as the agreement shares them."""
    viewer, keys = request.viewer, Keys("lines", (str, str, UUID))
    record = _read(request, publication_id)
    read = shared.my_lines_page if viewer.is_supplier else queries.lines_page
    rows = read(viewer, record.id, keys.slice(paging), LineOut)
    items, after = keys.page(rows, paging, lambda one: (one.order, one.line, one.id))
    return Page[LineOut](items=items, next=after)


class DigestOut(Schema):
    """Whether the rows still say what they said when they were published."""

    digest: str
    holds: bool


@router.get("/publications/{publication_id}/digest", response=DigestOut, operation_id="verify_digest")
def read_digest(request: ApiRequest, publication_id: UUID) -> DigestOut:
    """Computes the digest of a publication's rows anew and compares."""
    viewer, record = request.viewer, _read(request, publication_id)
    verify = shared.verify_digest if viewer.is_supplier else queries.verify_digest
    return DigestOut(digest=record.digest, holds=verify(viewer, record.id))


class AcknowledgementBody(Body):
    comment: Comment = ""


@router.post(
    "/publications/{publication_id}/acknowledgement", response=PublicationRecord,
    operation_id="acknowledge_publication",
)  # fmt: skip
@versioned
def acknowledge(request: ApiRequest, publication_id: UUID, body: AcknowledgementBody) -> PublicationRecord:
    """Says that a publication was received and read; agreeing to every line is not part of it."""
    suppliers_only(request)
    name = f"publication {publication_id}"
    for_change(request, PublicationRecord, name, lambda: _read(request, publication_id))
    acknowledge_publication(request.viewer, publication_id, body.comment)
    return _read(request, publication_id)


class KnownOut(Schema):
    """What one supplier knew at one instant."""

    supplier: UUID
    at: datetime
    publications: list[PublicationRecord]


At = Annotated[Instant | None, Query(description="Now, where it is left out")]


@router.get("/suppliers/{supplier_id}/known", response=KnownOut, operation_id="known_at")
def known_at(request: ApiRequest, supplier_id: UUID, at: At = None) -> KnownOut:
    """What did this supplier know on day T? Everything published to it by then, as it stood then."""
    buyers_only(request)
    if directory.company(request.viewer, supplier_id) is None:
        raise NotFound("supplier", "There is no such supplier.")
    found = queries.known_at(request.viewer, supplier_id, at or now())
    return KnownOut(supplier=found.supplier, at=found.at, publications=list(found.publications))
