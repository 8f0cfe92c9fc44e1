"""The directory page by page, as machines read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q
from django.db.models.functions import Lower

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
    Site,
)
from tierwise.directory.records import CompanyRecord, Involvement, PersonRecord, SupportRecord, SupportState
from tierwise.kernel.audit import NotFound
from tierwise.kernel.pages import Slice, Statement, keyset, narrowing
from tierwise.kernel.viewer import Viewer, viewer_scope

R = TypeVar("R")
MASTERS: dict[str, type[Model]] = {
    "items": Item, "item_units": ItemUnit, "customers": Customer, "sites": Site, "closures": Closure, "lanes": Lane,
    "arcs": Arc,
}  # fmt: skip


def masters(viewer: Viewer, table: str, row: Callable[..., R], part: Slice, **asked: Any) -> list[R]:
    """Rows of a master table in the order they came in; ``row`` is called with the columns it names."""
    model = MASTERS[table]
    columns: Mapping[str, Any] = row.model_fields  # type: ignore[attr-defined]
    wanted = {name: value for name, value in asked.items() if value}
    with viewer_scope(viewer):
        found = keyset(model._default_manager.filter(**wanted), ("id",), part).values(*columns)
        return [row(**each) for each in found]


def companies(viewer: Viewer, part: Slice, words: str = "") -> list[CompanyRecord]:
    """Companies that the viewer may know of, by id."""
    with viewer_scope(viewer):
        rows = Company.objects.all()
        if words:
            rows = rows.filter(Q(code__icontains=words) | Q(name__icontains=words))
        return [company_record(row) for row in keyset(rows, ("id",), part)]


def company(viewer: Viewer, company_id: UUID) -> CompanyRecord:
    with viewer_scope(viewer):
        row = Company.objects.filter(id=company_id).first()
        if row is None:
            raise NotFound("company", "There is no such company.")
        return company_record(row)


def company_record(row: Company) -> CompanyRecord:
    return CompanyRecord(
        row.id, row.code, row.name, row.country, row.currency, row.parent_code, row.kind, row.active, row.duns, row.lei
    )


def people(viewer: Viewer, company_id: UUID, part: Slice) -> list[PersonRecord]:
    with viewer_scope(viewer):
        return [_person(row) for row in keyset(Person.objects.filter(company_id=company_id), ("id",), part)]


def people_like(viewer: Viewer, company_id: UUID, words: str, limit: int) -> tuple[list[PersonRecord], int, int]:
    """People of a company whose name or address holds the words, those shut out last; how many so, and in all."""
    with viewer_scope(viewer):
        everybody = Person.objects.filter(company_id=company_id)
        found = everybody.filter(Q(name__icontains=words) | Q(email__icontains=words)) if words else everybody
        rows = found.order_by("-active", Lower("name"), "id")[:limit]
        shown = [_person(row) for row in rows]
        count = found.count()
        return shown, count, everybody.count() if words else count


def person(viewer: Viewer, person_id: UUID) -> PersonRecord:
    """One person; for a supplier, of its own company alone."""
    with viewer_scope(viewer):
        row = Person.objects.filter(id=person_id).first()
        if row is None or (viewer.is_supplier and row.company_id != viewer.company):
            raise NotFound("person", "There is no such person.")
        return _person(row)


def _person(row: Person) -> PersonRecord:
    return PersonRecord(
        row.id, row.company_id, row.name, row.email, row.role, row.active, row.joined_at is not None,
        row.erased_at is not None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupportQuestion:
    """Which supports are asked for; what is None does not narrow."""

    supplier: UUID | None = None
    segment: UUID | None = None
    state: SupportState | None = None
    on: date | None = None


_SUPPORTS = Statement(
    "select id, supplier_id, segment_id, state, involvement, shown_code, shown_name, slot, valid_from, valid_to "
    "from directory_support", ("id",),
)  # fmt: skip


def supports(viewer: Viewer, question: SupportQuestion, part: Slice) -> list[SupportRecord]:
    """Supports, past ones included unless a day is asked for. A supplier is not told what is only proposed."""
    asked = narrowing({"supplier_id": question.supplier, "segment_id": question.segment, "state": question.state})
    if viewer.is_supplier:
        asked.append(("state <> %s", [SupportState.PROPOSED]))
    if question.on is not None:
        asked.append(("valid_from <= %s and (valid_to is null or valid_to >= %s)", [question.on, question.on]))
    with viewer_scope(viewer):
        return [_support(row) for row in _SUPPORTS.page(viewer.alias, asked, part)]


def support(viewer: Viewer, support_id: UUID) -> SupportRecord:
    with viewer_scope(viewer):
        rows = _SUPPORTS.page(viewer.alias, [("id = %s", [support_id])], Slice(1))
        found = _support(rows[0]) if rows else None
    if found is None or (viewer.is_supplier and found.state is SupportState.PROPOSED):
        raise NotFound("support", "There is no such support.")
    return found


def _support(row: tuple[Any, ...]) -> SupportRecord:
    id_, supplier, segment, state, involvement, *shown = row
    return SupportRecord(id_, supplier, segment, SupportState(state), Involvement(involvement), *shown)


def lane_policies(viewer: Viewer, row: Callable[..., R], part: Slice, supplier: UUID | None) -> list[R]:
    with viewer_scope(viewer):
        rows = LanePolicy.objects.all() if supplier is None else LanePolicy.objects.filter(supplier_id=supplier)
        names = ("lane", "supplier_id", "values", "explanation", "scheme_version", "computed_at")
        return [row(**each) for each in keyset(rows, ("lane",), part).values(*names)]
