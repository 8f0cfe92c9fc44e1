"""What is due between the two companies, for machines."""

from __future__ import annotations

from tierwise.collaboration import queries, shared
from tierwise.collaboration.records import DueItem
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter
from tierwise.web.api.scopes import Area

router = ApiRouter(Area.CASES)


@router.get("/due", response=list[DueItem], operation_id="list_due")
def list_due(request: ApiRequest) -> list[DueItem]:
    """What waits for the asker's company and what it waits for, by clock."""
    return shared.due(request.viewer) if request.viewer.is_supplier else queries.due(request.viewer)
