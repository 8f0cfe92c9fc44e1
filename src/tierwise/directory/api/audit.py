"""The audit trail, for the buying company's administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Query

from tierwise.kernel.audit import NotFound
from tierwise.kernel.queries import AuditQuestion, AuditRecord, audit_entry, audit_page
from tierwise.web.api.bodies import Day
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.AUDIT)
Asked = Annotated[str, Query("", max_length=128, pattern=r"^[^\u0000]*$")]


@router.get("/audit", response=Page[AuditRecord], operation_id="audit_entries")
def audit_entries(
    request: ApiRequest, paging: Paged, person: UUID | None = None, supplier: UUID | None = None, action: Asked = "",
    outcome: Asked = "", subject: Asked = "", since: Day | None = None, until: Day | None = None,
    platform: bool | None = None,
) -> Page[AuditRecord]:  # fmt: skip
    """Who did what, the newest first. Days are days in UTC, both included.

    ``platform`` false leaves out what the platform does by itself; true asks for that alone.
    """
    buyers_only(request)
    keys = Keys("audit", (datetime, UUID))
    question = AuditQuestion(person, supplier, action, outcome, subject, since, until, platform=platform)
    rows = audit_page(request.viewer, question, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.at, one.id))
    return Page[AuditRecord](items=items, next=after)


@router.get("/audit/{entry_id}", response=AuditRecord, operation_id="audit_entry")
def read_entry(request: ApiRequest, entry_id: UUID) -> AuditRecord:
    """One entry with all its detail."""
    buyers_only(request)
    found = audit_entry(request.viewer, entry_id)
    if found is None:
        raise NotFound("entry", "There is no such entry.")
    return found
