"""The cycle for machines: what its steps did, and asking for one. Buyers alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Query, Schema

from tierwise.kernel.actions import request_cycle
from tierwise.kernel.cycle import cycle_steps
from tierwise.kernel.queries import StepRecord, steps_page
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.OPERATIONS)
Asked = Annotated[str, Query("", max_length=64, pattern=r"^[^\u0000]*$", description="Only runs of this step")]


@router.get("/steps", response=Page[StepRecord], operation_id="list_steps")
def list_steps(request: ApiRequest, paging: Paged, step: Asked = "") -> Page[StepRecord]:
    """Runs of the cycle's steps, the newest first; a step whose inputs have not changed does not run again."""
    buyers_only(request)
    keys = Keys("steps", (datetime, UUID))
    rows = steps_page(request.viewer, step, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.began_at, one.id))
    return Page[StepRecord](items=items, next=after)


class RequestedOut(Schema):
    """What the worker will do; GET /steps tells when it has."""

    steps: list[str]


@router.post("/cycle", response={202: RequestedOut}, operation_id="request_cycle")
def start_cycle(request: ApiRequest) -> RequestedOut:
    """Asks the worker to run the cycle now instead of tonight."""
    buyers_only(request)
    request_cycle(request.viewer)
    return RequestedOut(steps=[step.name for step in cycle_steps()])
