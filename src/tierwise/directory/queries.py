"""What buyers read of the directory. In bulk: whole frames and dictionaries, never a row at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
from django.db.models import Count, F, Q, QuerySet

from tierwise.directory.models import (
    Arc,
    Closure,
    Company,
    Customer,
    Item,
    ItemUnit,
    Lane,
    LanePolicy,
    Person,
    PolicyFacet,
    Segment,
    Site,
    Support,
)
from tierwise.directory.records import (
    COMMON,
    CompanyRecord,
    CompanySide,
    Involvement,
    PersonRecord,
    SegmentRecord,
    SupportRecord,
    SupportState,
    YearOfPurchases,
)
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.lake.currencies import in_currency
from tierwise.web.pages import Money, SegmentChip


def segments(viewer: Viewer, *, active: bool = True) -> list[SegmentRecord]:
    """Segments by rank, the common one included."""
    with viewer_scope(viewer):
        rows = Segment.objects.filter(active=True) if active else Segment.objects.all()
        return [SegmentRecord(s.id, s.code, s.name, s.rank, s.slot, s.active) for s in rows.order_by("rank")]


def segment_ids(viewer: Viewer) -> dict[str, UUID]:
    """Code → id, inactive segments included, for history refers to them."""
    return {segment.code: segment.id for segment in segments(viewer, active=False)}


def common_segment(viewer: Viewer) -> SegmentRecord:
    return next(segment for segment in segments(viewer, active=False) if segment.code == COMMON)


def segment_chips(viewer: Viewer) -> dict[UUID, SegmentChip]:
    """Segment → its chip, by rank, inactive segments included; the common one is neutral."""
    return {s.id: chip_of(s.code, s.name, s.slot) for s in segments(viewer, active=False)}


def chip_of(code: str, name: str, slot: int) -> SegmentChip:
    return SegmentChip(code, name, 0 if code == COMMON else slot)


_COMPANY = ("id", "code", "name", "country", "currency", "parent_code", "kind", "active", "duns", "lei")


def suppliers(viewer: Viewer, codes: Iterable[str] | None = None) -> list[CompanyRecord]:
    """Suppliers by name; all of them, or those with the codes given."""
    with viewer_scope(viewer):
        rows = Company.objects.filter(side=CompanySide.SUPPLIER)
        if codes is not None:
            rows = rows.filter(code__in=list(codes))
        return [CompanyRecord(*row) for row in rows.order_by("name").values_list(*_COMPANY)]


def suppliers_like(viewer: Viewer, words: str, limit: int = 10) -> list[CompanyRecord]:
    """Suppliers whose code or name holds the words."""
    with viewer_scope(viewer):
        rows = Company.objects.filter(Q(code__icontains=words) | Q(name__icontains=words), side=CompanySide.SUPPLIER)
        return [CompanyRecord(*row) for row in rows.order_by("name").values_list(*_COMPANY)[:limit]]


def companies_of_owner(viewer: Viewer, code: str) -> list[CompanyRecord]:
    """Suppliers of one owner by name, the owner included."""
    with viewer_scope(viewer):
        rows = Company.objects.filter(Q(code=code) | Q(parent_code=code), side=CompanySide.SUPPLIER)
        return [CompanyRecord(*row) for row in rows.order_by("name").values_list(*_COMPANY)]


def companies_named(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of the companies on a page; of thousands, a page names few."""
    with viewer_scope(viewer):
        return dict(Company.objects.filter(id__in=set(ids)).values_list("id", "name"))


def items_like(viewer: Viewer, words: str, limit: int = 10) -> list[tuple[str, str]]:
    """Code and name of items whose code or name holds the words."""
    with viewer_scope(viewer):
        rows = Item.objects.filter(Q(code__icontains=words) | Q(name__icontains=words))
        return list(rows.order_by("code").values_list("code", "name")[:limit])


def company(viewer: Viewer, company_id: UUID) -> CompanyRecord | None:
    with viewer_scope(viewer):
        found = Company.objects.filter(id=company_id).first()
        return _company(found) if found else None


def host(viewer: Viewer) -> CompanyRecord:
    """The buying company that runs this installation."""
    with viewer_scope(viewer):
        return _company(Company.objects.get(side=CompanySide.BUYER))


def _company(row: Company) -> CompanyRecord:
    return CompanyRecord(*(getattr(row, name) for name in _COMPANY))


def people_counts(viewer: Viewer) -> dict[UUID, int]:
    """Company → people who may enter."""
    with viewer_scope(viewer):
        counted = Person.objects.filter(active=True).values_list("company_id").annotate(n=Count("id"))
        return {company_id: int(n) for company_id, n in counted}


def people(viewer: Viewer, company_id: UUID | None = None) -> list[PersonRecord]:
    with viewer_scope(viewer):
        rows = Person.objects.all() if company_id is None else Person.objects.filter(company_id=company_id)
        return [_person(*row) for row in rows.order_by("name").values_list(*_PERSON)]


_PERSON = ("id", "company_id", "name", "email", "role", "active", "joined_at", "erased_at")


def _person(*row: Any) -> PersonRecord:
    id_, company_id, name, email, role, active, joined, erased = row
    return PersonRecord(id_, company_id, name, email, role, active, joined is not None, erased is not None)


def names_of(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names behind opaque person ids, as far as the viewer may know them and they have not been erased."""
    with viewer_scope(viewer):
        return dict(Person.objects.filter(id__in=set(ids)).values_list("id", "name"))


def _in_force(rows: QuerySet[Any], on: date) -> QuerySet[Any]:
    return rows.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=on), valid_from__lte=on)


_SUPPORT = (
    "id", "supplier_id", "segment_id", "state", "involvement", "shown_code", "shown_name", "slot", "valid_from",
    "valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """Which supports are asked for; what is None does not narrow. ``ends_by`` leaves out those that go on."""

    state: SupportState | None = None
    supplier: UUID | None = None
    segment: UUID | None = None
    ends_by: date | None = None

    def narrowing(self) -> dict[str, Any]:
        names = ("state", "supplier_id", "segment_id", "valid_to__lte")
        values = (self.state, self.supplier, self.segment, self.ends_by)
        return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def supports(
    viewer: Viewer, *, on: date | None = None, state: SupportState | None = None, supplier: UUID | None = None
) -> list[SupportRecord]:
    """Supports in force on a day (today when none is given), of one state or of all."""
    return standing_supports(viewer, Standing(state, supplier), on)


def standing_supports(viewer: Viewer, asked: Standing, on: date | None = None) -> list[SupportRecord]:
    """Supports in force on a day (today when none is given), by supplier and rank of the segment."""
    with viewer_scope(viewer):
        rows = _in_force(Support.objects.filter(**asked.narrowing()), on or today())
        return [_support(*row) for row in rows.order_by("supplier_id", "segment__rank").values_list(*_SUPPORT)]


def support_counts(viewer: Viewer) -> dict[tuple[UUID, SupportState], int]:
    """(segment, state) → supports in force today."""
    with viewer_scope(viewer):
        counted = _in_force(Support.objects.all(), today()).values_list("segment_id", "state").annotate(n=Count("id"))
        return {(segment, SupportState(state)): int(n) for segment, state, n in counted}


def _support(*row: Any) -> SupportRecord:
    id_, supplier, segment, state, involvement, *shown = row
    return SupportRecord(id_, supplier, segment, SupportState(state), Involvement(involvement), *shown)


def policy(viewer: Viewer, facet: str, on: date | None = None) -> dict[UUID, dict[str, Any]]:
    """Segment id → the values of one facet in force on a day; segments without any are left out."""
    with viewer_scope(viewer):
        rows = _in_force(PolicyFacet.objects.filter(facet=facet), on or today())
        return dict(rows.values_list("segment_id", "values"))


def facets_of(viewer: Viewer, segment: UUID, on: date | None = None) -> dict[str, dict[str, Any]]:
    """Facet → values in force for one segment."""
    with viewer_scope(viewer):
        rows = _in_force(PolicyFacet.objects.filter(segment_id=segment), on or today())
        return dict(rows.order_by("facet").values_list("facet", "values"))


def facet_provenance(viewer: Viewer, segment: UUID, on: date | None = None) -> dict[tuple[str, str], tuple[int, date]]:
    """(facet, setting) → the scheme version that gave it the value in force, and from which day it has it.

    A version that repeats a value did not set it; one that sets another and back again did.
    """
    day = on or today()
    with viewer_scope(viewer):
        rows = PolicyFacet.objects.filter(segment_id=segment, valid_from__lte=day).order_by("facet", "valid_from")
        found: dict[tuple[str, str], tuple[int, date]] = {}
        held: dict[str, PolicyFacet] = {}
        for row in rows:
            before = held.get(row.facet)
            follows = before is not None and before.valid_to == row.valid_from - timedelta(days=1)
            for name, value in row.values.items():
                same = before is not None and follows and name in before.values and before.values[name] == value
                if not same:
                    found[row.facet, name] = row.scheme_version, row.valid_from
            held[row.facet] = row
        in_force = {facet: row for facet, row in held.items() if row.valid_to is None or row.valid_to >= day}
        return {
            (facet, name): said
            for (facet, name), said in found.items()
            if facet in in_force and name in in_force[facet].values
        }


def facets_set_by(viewer: Viewer, scheme_version: int) -> dict[UUID, set[str]]:
    """Segment → facets whose values a scheme version brought; those it left as they were keep the version before."""
    with viewer_scope(viewer):
        found: dict[UUID, set[str]] = {}
        rows = PolicyFacet.objects.filter(scheme_version=scheme_version)
        for segment, facet in rows.values_list("segment_id", "facet"):
            found.setdefault(segment, set()).add(facet)
        return found


def lane_policies(viewer: Viewer, supplier: UUID | None = None) -> list[dict[str, Any]]:
    with viewer_scope(viewer):
        rows = LanePolicy.objects.all() if supplier is None else LanePolicy.objects.filter(supplier_id=supplier)
        names = ("lane", "supplier_id", "values", "explanation", "scheme_version", "computed_at")
        return [dict(zip(names, row, strict=True)) for row in rows.order_by("lane").values_list(*names)]


def _frame(rows: QuerySet[Any], columns: Mapping[str, Any], **names: str) -> pl.DataFrame:
    """Columns of a table as a frame; ``names`` maps a frame's column to the field it is read from."""
    fields = [names.get(column, column) for column in columns]
    return pl.DataFrame(list(rows.values_list(*fields)), schema=columns, orient="row")


def items(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("item", "name", "unit", "business_unit", "category", "family", "make_or_buy"), pl.String
        )
        columns |= {"sold": pl.Boolean, "launched_on": pl.Date, "ends_on": pl.Date}
        return _frame(Item.objects.all(), columns, item="code")


def customers(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("customer", "customer_group", "holding", "country", "region", "channel"), pl.String
        )
        return _frame(Customer.objects.all(), columns | {"service_requirement": pl.Float64}, customer="code")


def sites(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("site", "name", "supplier", "kind", "country", "city", "timezone", "calendar"), pl.String
        )
        return _frame(Site.objects.all(), columns | {"latitude": pl.Float64, "longitude": pl.Float64}, site="code")


def closures(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        return _frame(Closure.objects.all(), {"calendar": pl.String, "closed_on": pl.Date, "name": pl.String})


def item_units(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns = {"item": pl.String, "unit": pl.String, "per_unit": pl.Decimal(18, 4), "valid_from": pl.Date}
        return _frame(ItemUnit.objects.all(), columns)


def lanes(viewer: Viewer, on: date | None = None) -> pl.DataFrame:
    """Lanes open on a day, or all."""
    with viewer_scope(viewer):
        rows = Lane.objects.all() if on is None else _in_force(Lane.objects.all(), on)
        columns: dict[str, Any] = dict.fromkeys(
            (
                "lane",
                "item",
                "supplier",
                "contract_parent",
                "manufacturer",
                "payee",
                "ship_from",
                "ship_to",
                "incoterm",
            ),
            pl.String,
        )
        columns |= {
            "lead_time_days": pl.Int64, "minimum_order": pl.Decimal(18, 4), "price": pl.Decimal(18, 6),
            "currency": pl.String, "share": pl.Float64, "valid_from": pl.Date, "valid_to": pl.Date,
        }  # fmt: skip
        return _frame(rows, columns, lane="code")


def purchases(viewer: Viewer) -> YearOfPurchases:
    """What was ordered in the twelve months up to the last order known; each line counts as last revised."""
    at, home = lake.manifest(viewer), host(viewer).currency
    lines = lake.facts(viewer, "purchase_line", at)
    last = lines.select(pl.col("ordered_on").max()).collect().item() or today()
    until = min(last, today())
    since = until - timedelta(days=364)
    recent = (
        lines.filter(pl.col("ordered_on").is_between(since, until), pl.col("state") != "cancelled")
        .sort("revision")
        .unique(["source", "order", "line"], keep="last", maintain_order=True)
        .select("supplier", "item", "ordered_on", "amount", "currency")
    )
    worth = in_currency(recent, "amount", "ordered_on", home, lake.facts(viewer, "exchange_rate", at))
    found = worth.group_by("supplier", "item").agg(
        pl.col("amount").sum().alias("spend"), pl.len().alias("lines"), pl.col("amount").null_count().alias("unpriced")
    )
    return YearOfPurchases(found.sort("supplier", "item").collect(), since, until, home)


def demand_by_segment(viewer: Viewer) -> pl.DataFrame:
    """[segment, cells, revenue] of the demand cells as they are assigned today; revenue in the scheme's currency."""
    grain = ["item", "customer_group", "region", "channel"]
    at, day = lake.manifest(viewer), today()
    open_now = (pl.col("valid_from") <= day) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    held = lake.facts(viewer, "assignment", at).filter(open_now).select(*grain, "segment")
    worth = lake.facts(viewer, "cell", at).select(*grain, "revenue")
    found = held.join(worth, on=grain, how="left").group_by("segment")
    return found.agg(pl.len().alias("cells"), pl.col("revenue").sum()).sort("segment").collect()


def item_mix(viewer: Viewer, item: str) -> pl.DataFrame:
    """[valid_from, segment, share] of an item over all its sites, weighed by the demand behind each share."""
    rows = lake.facts(viewer, "mix").filter(pl.col("item") == item)
    weighed = rows.group_by("valid_from", "segment").agg(pl.col("units").sum(), pl.col("share").mean())
    total = pl.col("units").sum().over("valid_from")
    share = pl.when(total > 0).then(pl.col("units") / total).otherwise("share")
    return weighed.select("valid_from", "segment", share.alias("share")).sort("valid_from", "segment").collect()


def current_mix(viewer: Viewer) -> pl.DataFrame:
    """[item, segment, share] of every item in the latest period, over all its sites, weighed by demand."""
    mix = lake.facts(viewer, "mix").filter(pl.col("valid_from") <= today())
    latest = mix.filter(pl.col("valid_from") == pl.col("valid_from").max())
    weighed = latest.group_by("item", "segment").agg(pl.col("units").sum(), pl.col("share").mean())
    total = pl.col("units").sum().over("item")
    share = pl.when(total > 0).then(pl.col("units") / total).otherwise("share")
    return weighed.select("item", "segment", share.alias("share")).sort("item", "segment").collect()


def as_money(amount: float, currency: str) -> Money:
    """An amount of many facts, whole: its cents would be false precision."""
    return Money(Decimal(round(amount)), currency)


def used_in(viewer: Viewer, item: str, on: date) -> pl.DataFrame:
    """[parent, quantity_per, site, version, version_share, option_rate]: the products one level up, open on a day."""
    names = ("parent", "quantity_per", "site", "version", "version_share", "option_rate")
    rows = lake.facts(viewer, "bill_of_material").filter(pl.col("component") == item, pl.col("valid_from") <= on)
    open_now = rows.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= on))
    return open_now.select(*names).sort("parent", "site").collect()


def arcs(viewer: Viewer) -> pl.DataFrame:
    """Movements of the network, each with the days it is open."""
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(("item", "from_site", "to_site", "kind"), pl.String)
        columns |= {
            "share": pl.Float64, "yield_ratio": pl.Float64, "offset_days": pl.Int64, "valid_from": pl.Date,
            "valid_to": pl.Date,
        }  # fmt: skip
        return _frame(Arc.objects.all(), columns)


def support_names(viewer: Viewer) -> pl.DataFrame:
    """Every confirmed support with codes and names of both sides, for pages that list them."""
    with viewer_scope(viewer):
        rows = _in_force(Support.objects.exclude(state=SupportState.ENDED), today()).annotate(
            supplier_code=F("supplier__code"), supplier_name=F("supplier__name"), segment_code=F("segment__code")
        )
        names = ("supplier_code", "supplier_name", "segment_code", "state", "involvement", "shown_name", "shown_code")
        return _frame(rows, dict.fromkeys(names, pl.String))
