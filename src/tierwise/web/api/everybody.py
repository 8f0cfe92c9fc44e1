"""What every machine may ask: who it is, and whether something of a name is there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Field, Query, Schema

from tierwise.kernel.viewer import Role, Side
from tierwise.web.api.bodies import SAYING
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter
from tierwise.web.search import find

router = ApiRouter(None)


class Me(Schema):
    """Who asks, as the platform sees it."""

    person: UUID
    company: UUID
    side: Side
    role: Role
    segments: list[UUID] = Field(description="Segments that a supplier serves today; empty for buyers")
    scopes: list[str] | None = Field(description="What the token may do; null for a person signed in")


@router.get("/me", response=Me, operation_id="who_am_i")
def who_am_i(request: ApiRequest) -> Me:
    """Who the token or the session stands for, and what it may do."""
    viewer, scopes = request.viewer, request.api_pass.scopes
    return Me(
        person=viewer.person, company=viewer.company, side=viewer.side, role=viewer.role,
        segments=sorted(viewer.segments), scopes=None if scopes is None else sorted(scopes),
    )  # fmt: skip


class Find(Schema):
    """Something whose name or number holds the words, with the address of its page."""

    name: str
    kind: str
    page: str


Words = Annotated[str, Query(min_length=1, max_length=200, pattern=SAYING)]


@router.get("/search", response=list[Find], operation_id="search")
def search(request: ApiRequest, q: Words) -> list[Find]:
    """Suppliers, items and pages by name or number; at most ten of each kind."""
    return [Find(name=str(row.what), kind=str(row.detail), page=row.href) for row in find(request.viewer, q.strip())]
