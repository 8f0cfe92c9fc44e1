"""Companies and their people, by name and by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from tierwise.directory.models import (
    Company,
    Person,
)
from tierwise.directory.records import (
    CompanyRecord,
    CompanySide,
    PersonRecord,
)
from tierwise.kernel.viewer import Viewer, viewer_scope

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
