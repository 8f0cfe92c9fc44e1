"""Masters that imports bring: items, customers, sites, lanes and what belongs to them. Buyers alone."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from ninja import Field, Query, Schema

from tierwise.directory import listing, queries
from tierwise.directory.actions import change_closures
from tierwise.directory.records import ClosedDay
from tierwise.kernel.audit import NotFound
from tierwise.web.api.bodies import Body, Day
from tierwise.web.api.paging import Keys, Page, Paged, Paging
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.DIRECTORY)


class Master(Schema):
    """A row of a master table, and the source it came from."""

    id: UUID
    source: str


M = TypeVar("M", bound=Master)


class ItemOut(Master):
    """Anything that is sold, made or bought."""

    code: str
    name: str
    unit: str
    business_unit: str
    category: str
    family: str
    gtin: str
    make_or_buy: str
    sold: bool
    launched_on: date | None
    ends_on: date | None


class ItemUnitOut(Master):
    """Base units in one other unit of an item, from a date."""

    item: str
    unit: str
    per_unit: Decimal
    valid_from: date


class CustomerOut(Master):
    """Who buys from us."""

    code: str
    name: str
    customer_group: str
    holding: str
    country: str
    region: str
    channel: str
    service_requirement: float | None


class SiteOut(Master):
    """A place where goods are made, held or handed over."""

    code: str
    name: str
    supplier: str
    kind: str
    country: str
    city: str
    latitude: float | None
    longitude: float | None
    timezone: str
    calendar: str
    gln: str


class ClosureOut(Master):
    """A day on which the sites of a calendar do not work."""

    calendar: str
    closed_on: date
    name: str


class LaneOut(Master):
    """An item from one supplier to one of our sites, with parties and terms."""

    code: str
    item: str
    supplier: str
    contract_parent: str
    manufacturer: str
    payee: str
    ship_from: str
    ship_to: str
    incoterm: str
    lead_time_days: int | None
    minimum_order: Decimal | None
    order_multiple: Decimal | None
    unit: str
    price: Decimal | None
    currency: str
    share: float | None
    valid_from: date
    valid_to: date | None


class ArcOut(Master):
    """A movement inside the network."""

    item: str
    from_site: str
    to_site: str
    kind: str
    share: float
    yield_ratio: float
    offset_days: int
    valid_from: date
    valid_to: date | None
    title_holder: str


def _page(request: ApiRequest, table: str, row: type[M], paging: Paging, **asked: Any) -> Page[M]:
    buyers_only(request)
    keys = Keys(table, (UUID,))
    rows = listing.masters(request.viewer, table, row, keys.slice(paging), **asked)
    items, after = keys.page(rows, paging, lambda one: (one.id,))
    return Page[row](items=items, next=after)  # type: ignore[valid-type]


Asked = Annotated[str, Query("", max_length=240, pattern=r"^[^\u0000]*$", description="Only those of this code")]


@router.get("/items", response=Page[ItemOut], operation_id="list_items")
def list_items(request: ApiRequest, paging: Paged, code: Asked = "", category: Asked = "") -> Page[ItemOut]:
    """Items, in the order they came in."""
    return _page(request, "items", ItemOut, paging, code=code, category=category)


@router.get("/item-units", response=Page[ItemUnitOut], operation_id="list_item_units")
def list_item_units(request: ApiRequest, paging: Paged, item: Asked = "") -> Page[ItemUnitOut]:
    """Conversions between units of items."""
    return _page(request, "item_units", ItemUnitOut, paging, item=item)


@router.get("/customers", response=Page[CustomerOut], operation_id="list_customers")
def list_customers(request: ApiRequest, paging: Paged, customer_group: Asked = "") -> Page[CustomerOut]:
    """Customers, in the order they came in."""
    return _page(request, "customers", CustomerOut, paging, customer_group=customer_group)


@router.get("/sites", response=Page[SiteOut], operation_id="list_sites")
def list_sites(request: ApiRequest, paging: Paged, supplier: Asked = "") -> Page[SiteOut]:
    """Our sites and those of suppliers."""
    return _page(request, "sites", SiteOut, paging, supplier=supplier)


@router.get("/closures", response=Page[ClosureOut], operation_id="list_closures")
def list_closures(request: ApiRequest, paging: Paged, calendar: Asked = "") -> Page[ClosureOut]:
    """Days on which the sites of a calendar do not work."""
    return _page(request, "closures", ClosureOut, paging, calendar=calendar)


class ClosedDayBody(Body):
    closed_on: Day
    name: Annotated[str, Field(max_length=120, pattern=r"^[^\u0000]*$")] = ""


class ClosuresBody(Body):
    """Days to add or to name otherwise, and days to take away."""

    put: Annotated[list[ClosedDayBody], Field(max_length=1000)] = []
    gone: Annotated[list[Day], Field(max_length=1000)] = []


@router.post("/calendars/{path:calendar}/closures", response=list[ClosedDay], operation_id="change_closures")
def change(request: ApiRequest, calendar: str, body: ClosuresBody) -> list[ClosedDay]:
    """Adds closed days to a calendar, renames them or takes them away, and returns all it has."""
    buyers_only(request)
    change_closures(request.viewer, calendar, {one.closed_on: one.name for one in body.put}, body.gone)
    return queries.closed_days(request.viewer, calendar)


@router.get("/lanes", response=Page[LaneOut], operation_id="list_lanes")
def list_lanes(request: ApiRequest, paging: Paged, supplier: Asked = "", item: Asked = "") -> Page[LaneOut]:
    """Lanes, past ones included."""
    return _page(request, "lanes", LaneOut, paging, supplier=supplier, item=item)


@router.get("/arcs", response=Page[ArcOut], operation_id="list_arcs")
def list_arcs(request: ApiRequest, paging: Paged, item: Asked = "") -> Page[ArcOut]:
    """Movements inside the network."""
    return _page(request, "arcs", ArcOut, paging, item=item)


class MixOut(Schema):
    """Share of a segment in the demand for an item, over all its sites, from a day on."""

    valid_from: date
    segment: str
    share: float


ItemCode = Annotated[str, Query(min_length=1, max_length=240, pattern=r"^[^\u0000]+$")]


@router.get("/mix", response=list[MixOut], operation_id="item_mix")
def item_mix(request: ApiRequest, item: ItemCode) -> list[MixOut]:
    """Whose demand an item serves, by period. Internal: it would tell our bills of material."""
    buyers_only(request)
    return [MixOut(**row) for row in queries.item_mix(request.viewer, item).iter_rows(named=True)]


class LanePolicyOut(Schema):
    """The one policy of a lane that serves several segments, with where each value came from."""

    lane: str
    supplier_id: UUID
    values: dict[str, Any]
    explanation: dict[str, Any]
    scheme_version: int
    computed_at: datetime


@router.get("/lane-policies", response=Page[LanePolicyOut], operation_id="lane_policies")
def lane_policies(request: ApiRequest, paging: Paged, supplier: UUID | None = None) -> Page[LanePolicyOut]:
    """Effective policies of lanes."""
    buyers_only(request)
    if supplier is not None and queries.company(request.viewer, supplier) is None:
        raise NotFound("supplier", "There is no such supplier.")
    keys = Keys("lane policies", (str,))
    rows = listing.lane_policies(request.viewer, LanePolicyOut, keys.slice(paging), supplier)
    items, after = keys.page(rows, paging, lambda one: (one.lane,))
    return Page[LanePolicyOut](items=items, next=after)
