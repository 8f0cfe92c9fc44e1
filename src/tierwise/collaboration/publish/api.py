"""Publications for machines: what a supplier's own system reads of what was published to it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from ninja import Router, Schema

from tierwise.collaboration.publish import shared
from tierwise.collaboration.publish.records import CellStatus, PublicationKind, PublicationRecord
from tierwise.kernel.audit import NotFound
from tierwise.web.viewing import DeskRequest

router = Router(tags=["publications"])


class PublicationOut(Schema):
    """One publication, without its rows."""

    id: UUID
    number: int
    kind: PublicationKind
    segment: UUID
    title: str
    period_start: date
    period_end: date
    published_at: datetime
    reply_due_at: datetime | None
    superseded: bool
    digest: str

    @classmethod
    def of(cls, record: PublicationRecord) -> PublicationOut:
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class CellOut(Schema):
    """Demand or order forecast of one item, site and bucket; a cell that is held back has no quantity."""

    signal: str
    item: str
    site: str
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
    target: float | None
    standing: str


class ContentOut(Schema):
    publication: PublicationOut
    cells: list[CellOut]
    measures: list[MeasureOut]


def _only_suppliers(request: DeskRequest) -> None:
    if not request.viewer.is_supplier:
        raise NotFound("publication", "Publications are addressed to suppliers; buyers read them at the desk.")


@router.get("/publications", response=list[PublicationOut], operation_id="list_publications")
def list_publications(request: DeskRequest, current: bool = True) -> list[PublicationOut]:
    """Publications to the caller's company, the newest first; ``current`` leaves out replaced ones."""
    _only_suppliers(request)
    return [PublicationOut.of(record) for record in shared.my_publications(request.viewer, current=current)]


@router.get("/publications/{publication_id}", response=ContentOut, operation_id="read_publication")
def read_publication(request: DeskRequest, publication_id: UUID) -> ContentOut:
    """One publication with its cells and measures."""
    _only_suppliers(request)
    record = shared.my_publication(request.viewer, publication_id)
    cells = shared.my_series(request.viewer, record.id).select(list(CellOut.model_fields))
    measures = shared.my_measures(request.viewer, record.id).select(list(MeasureOut.model_fields))
    return ContentOut(
        publication=PublicationOut.of(record),
        cells=[CellOut(**row) for row in cells.iter_rows(named=True)],
        measures=[MeasureOut(**row) for row in measures.iter_rows(named=True)],
    )
