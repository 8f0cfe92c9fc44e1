"""Sent decisions for machines: channels and feeds, the log of deliveries, and the receiver's word on them.

Buyers alone. Channels are made, and their secrets entered, by people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from ninja import Field, Query, Schema

from tierwise.kernel.audit import NotFound
from tierwise.kernel.files import path_of
from tierwise.modules.exchange.actions import (
    acknowledge,
    decide_rows,
    put_route,
    request_sending,
    request_test,
    resend,
    resend_since,
    set_aside,
    set_channel_state,
    set_route_active,
)
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS, Feed
from tierwise.modules.exchange.records.words import (
    AttemptRecord,
    ChannelKind,
    ChannelRecord,
    ChannelState,
    DeliveryQuestion,
    DeliveryRecord,
    DeliveryState,
    FileSent,
    RefusedRecord,
    RouteRecord,
    RowState,
    Send,
)
from tierwise.web.api.bodies import Body, Id, Instant, Sentence, Whole, named
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area
from tierwise.web.api.versions import for_change, versioned
from tierwise.wire.acknowledgements import MOST_ROWS, Acknowledgement, RefusedRow

router = ApiRouter(Area.EXCHANGE)
KnownFeed = Annotated[str, named(FEEDS)]
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\u0000]*$")]


class FeedColumnOut(Schema):
    """One column of a feed."""

    name: str
    meaning: str
    unit: str
    key: bool


class FeedOut(Schema):
    """What is decided here and may go back to other systems, and what it binds its reader to."""

    name: str
    title: str
    binds: str
    final: bool
    columns: list[FeedColumnOut]

    @classmethod
    def told(cls, feed: Feed) -> FeedOut:
        columns = [
            FeedColumnOut(name=c.name, meaning=c.meaning, unit=c.unit, key=c.name in feed.key) for c in feed.columns
        ]
        return cls(name=feed.name, title=feed.title, binds=feed.binds, final=feed.final, columns=columns)


@router.get("/feeds", response=list[FeedOut], operation_id="list_feeds")
def list_feeds(request: ApiRequest) -> list[FeedOut]:
    """Every feed with its columns."""
    buyers_only(request)
    return [FeedOut.told(feed) for feed in FEEDS.values()]


@router.get("/feeds/{name}", response=FeedOut, operation_id="read_feed")
def read_feed(request: ApiRequest, name: KnownFeed) -> FeedOut:
    """One feed."""
    buyers_only(request)
    if name not in FEEDS:
        raise NotFound("feed", "There is no such feed; GET /feeds lists them.")
    return FeedOut.told(FEEDS[name])


@router.get("/channels", response=list[ChannelRecord], operation_id="list_channels")
def list_channels(request: ApiRequest) -> list[ChannelRecord]:
    """Ways to other systems, by name. Of secrets only the names are told."""
    buyers_only(request)
    return log.channels(request.viewer)


@router.get("/channels/{channel_id}", response=ChannelRecord, operation_id="read_channel")
def read_channel(request: ApiRequest, channel_id: UUID) -> ChannelRecord:
    """One channel, with what its last test came to."""
    buyers_only(request)
    return log.channel(request.viewer, channel_id)


class ChannelStateBody(Body):
    """``paused`` or ``active``; only the program disables a channel."""

    state: Annotated[ChannelState, Field(strict=False)]
    reason: Annotated[str, Field(max_length=300, pattern=r"^[^\u0000]*$")] = ""


@router.put("/channels/{channel_id}/state", response=ChannelRecord, operation_id="set_channel_state")
@versioned
def put_state(request: ApiRequest, channel_id: UUID, body: ChannelStateBody) -> ChannelRecord:
    """Pauses a channel or lets it go on, as while the receiver is being maintained. What waits keeps its order."""
    for_change(request, ChannelRecord, f"channel {channel_id}", lambda: read_channel(request, channel_id))
    set_channel_state(request.viewer, channel_id, body.state, body.reason)
    return log.channel(request.viewer, channel_id)


@router.post("/channels/{channel_id}/test", response={202: ChannelRecord}, operation_id="request_test")
def ask_for_test(request: ApiRequest, channel_id: UUID) -> ChannelRecord:
    """Asks to have a channel tried; ``tested_at`` and ``test_result`` of the channel tell what came of it."""
    buyers_only(request)
    request_test(request.viewer, channel_id)
    return log.channel(request.viewer, channel_id)


class RouteOut(Schema):
    """A feed over a channel under a mapping. Batches are numbered from 1; up to ``acknowledged`` they are settled."""

    id: UUID
    channel: UUID
    channel_name: str
    channel_kind: ChannelKind
    channel_state: ChannelState
    feed: str
    mapping: str
    active: bool
    acknowledged: int
    batches: int

    @classmethod
    def told(cls, record: RouteRecord) -> RouteOut:
        same = {name: getattr(record, name) for name in cls.model_fields if name not in {"acknowledged", "batches"}}
        return cls(**same, acknowledged=record.base_number, batches=record.last_number)


FeedName = Annotated[str, Query("", max_length=48, pattern=r"^[^\u0000]*$", description="Only this feed")]


@router.get("/routes", response=list[RouteOut], operation_id="list_routes")
def list_routes(request: ApiRequest, channel: UUID | None = None, feed: FeedName = "") -> list[RouteOut]:
    """Which feed goes over which channel, and how far each is."""
    buyers_only(request)
    return [RouteOut.told(one) for one in log.routes(request.viewer, channel=channel, feed=feed)]


@router.get("/routes/{route_id}", response=RouteOut, operation_id="read_route")
def read_route(request: ApiRequest, route_id: UUID) -> RouteOut:
    """One feed over one channel."""
    buyers_only(request)
    return RouteOut.told(log.route(request.viewer, route_id))


class MappingBody(Body):
    """The mapping as YAML; it names its feed."""

    mapping: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\u0000]+$")]


@router.put("/channels/{channel_id}/route", response=RouteOut, operation_id="put_route")
@versioned
def write_route(request: ApiRequest, channel_id: UUID, body: MappingBody) -> RouteOut:
    """Sends a feed over a channel under a mapping, or changes the mapping from the next batch on.

    The version is the channel's: mappings of one channel are changed one at a time.
    """
    for_change(request, ChannelRecord, f"channel {channel_id}", lambda: read_channel(request, channel_id))
    return RouteOut.told(log.route(request.viewer, put_route(request.viewer, channel_id, body.mapping)))


class RouteActiveBody(Body):
    active: bool


@router.put("/routes/{route_id}/active", response=RouteOut, operation_id="set_route_active")
@versioned
def put_active(request: ApiRequest, route_id: UUID, body: RouteActiveBody) -> RouteOut:
    """Stops a feed on its channel, or lets it go on from what was last acknowledged."""
    for_change(request, RouteOut, f"route {route_id}", lambda: read_route(request, route_id))
    set_route_active(request.viewer, route_id, body.active)
    return RouteOut.told(log.route(request.viewer, route_id))


class DeliveryOut(Schema):
    """One batch of a feed on its way over a channel. What it holds never changes; how far it is does."""

    id: UUID
    route: UUID
    channel: UUID
    channel_name: str
    feed: str
    number: int
    send: Send
    state: DeliveryState
    rows: int
    refused_rows: int
    digest: str
    files: list[FileSent]
    schema_version: str
    queued_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    answer: str

    @classmethod
    def told(cls, record: DeliveryRecord) -> DeliveryOut:
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


@router.get("/deliveries", response=Page[DeliveryOut], operation_id="list_deliveries")
def list_deliveries(
    request: ApiRequest, paging: Paged, channel: UUID | None = None, feed: FeedName = "",
    state: DeliveryState | None = None,
) -> Page[DeliveryOut]:  # fmt: skip
    """The log, the newest first."""
    buyers_only(request)
    keys = Keys("deliveries", (datetime, UUID))
    rows = log.deliveries_page(request.viewer, DeliveryQuestion(channel, feed, state), keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.queued_at, one.id))
    return Page[DeliveryOut](items=[DeliveryOut.told(one) for one in items], next=after)


def _delivery(request: ApiRequest, delivery_id: UUID) -> DeliveryOut:
    return DeliveryOut.told(log.delivery(request.viewer, delivery_id))


@router.get("/deliveries/{delivery_id}", response=DeliveryOut, operation_id="read_delivery")
def read_delivery(request: ApiRequest, delivery_id: UUID) -> DeliveryOut:
    """One delivery."""
    buyers_only(request)
    return _delivery(request, delivery_id)


@router.get("/deliveries/{delivery_id}/attempts", response=list[AttemptRecord], operation_id="attempts")
def list_attempts(request: ApiRequest, delivery_id: UUID) -> list[AttemptRecord]:
    """Every try, the newest first, and what the receiver said."""
    buyers_only(request)
    log.delivery(request.viewer, delivery_id)
    return log.attempts(request.viewer, delivery_id)


@router.get("/deliveries/{delivery_id}/refused-rows", response=list[RefusedRecord], operation_id="refused_rows")
def list_refused(request: ApiRequest, delivery_id: UUID) -> list[RefusedRecord]:
    """Rows that the receiver did not take, and what became of them."""
    buyers_only(request)
    log.delivery(request.viewer, delivery_id)
    return log.refused_rows(request.viewer, delivery_id)


_FILE: dict[str, Any] = {
    "responses": {"200": {
        "description": "The file, byte for byte as it was sent",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }}
}  # fmt: skip


@router.get("/deliveries/{delivery_id}/files/{place}", operation_id="sent_file", openapi_extra=_FILE)
def read_file(request: ApiRequest, delivery_id: UUID, place: int) -> HttpResponseBase:
    """A file of a delivery; ``place`` counts its ``files`` from 0."""
    buyers_only(request)
    files = log.delivery(request.viewer, delivery_id).files
    if not 0 <= place < len(files) or not path_of(files[place].sha256).is_file():
        raise NotFound("file", "There is no such file.")
    one = files[place]
    return FileResponse(
        path_of(one.sha256).open("rb"), as_attachment=True, filename=one.name, content_type=one.media_type
    )


class RowRefusedBody(Body):
    """A row that was not taken, by its key or by its number within the batch, from 1."""

    key: Annotated[str, Field(max_length=1000, pattern=r"^[^\u0000]*$")] = ""
    row: Whole = 0
    reason: Reason = ""


class DeliveryAnswerBody(Body):
    """The receiver's word: all taken, none (``accepted`` is false), or taken but for some rows."""

    accepted: bool = True
    reason: Reason = ""
    refused: Annotated[list[RowRefusedBody], Field(max_length=MOST_ROWS)] = []


@router.post("/deliveries/{delivery_id}/acknowledgement", response=DeliveryOut, operation_id="acknowledge_delivery")
def take_answer(request: ApiRequest, delivery_id: UUID, body: DeliveryAnswerBody) -> DeliveryOut:
    """What the receiver says of a batch. A batch never changes, so no version is asked for; the same word again does
    nothing."""
    buyers_only(request)
    refused = tuple(RefusedRow(one.key, one.row, one.reason) for one in body.refused)
    acknowledge(request.viewer, delivery_id, Acknowledgement(body.accepted, body.reason, refused))
    return _delivery(request, delivery_id)


@router.post("/deliveries/{delivery_id}/resending", response={202: DeliveryOut}, operation_id="resend_delivery")
def send_again(request: ApiRequest, delivery_id: UUID) -> DeliveryOut:
    """Sends the same bytes under the same number once more."""
    buyers_only(request)
    resend(request.viewer, delivery_id)
    return _delivery(request, delivery_id)


class SettingAsideBody(Body):
    reason: Annotated[Sentence, Field(max_length=500)]


@router.post("/deliveries/{delivery_id}/setting-aside", response=DeliveryOut, operation_id="set_aside_delivery")
def give_up(request: ApiRequest, delivery_id: UUID, body: SettingAsideBody) -> DeliveryOut:
    """Gives a stuck batch up; what it held goes out with the next one."""
    buyers_only(request)
    set_aside(request.viewer, delivery_id, body.reason)
    return _delivery(request, delivery_id)


class RowsDecisionBody(Body):
    """``again``: with the next batch. ``settled``: put right at the receiver. Without ``rows`` all that are open."""

    state: Annotated[RowState, Field(strict=False)]
    rows: Annotated[list[Id], Field(max_length=MOST_ROWS)] = []


class RowsDecided(Schema):
    """How many rows were open and are decided now."""

    count: int


@router.post("/deliveries/{delivery_id}/rows", response=RowsDecided, operation_id="decide_rows")
def decide(request: ApiRequest, delivery_id: UUID, body: RowsDecisionBody) -> RowsDecided:
    """Decides about rows that the receiver refused."""
    buyers_only(request)
    return RowsDecided(count=decide_rows(request.viewer, delivery_id, body.state, body.rows))


class SinceBody(Body):
    since: Instant


class Resent(Schema):
    """How many batches go out again."""

    count: int


@router.post("/routes/{route_id}/resending", response={202: Resent}, operation_id="resend_since")
def send_since(request: ApiRequest, route_id: UUID, body: SinceBody) -> Resent:
    """Sends every batch of a feed queued since an instant once more, in their order and under their numbers."""
    buyers_only(request)
    log.route(request.viewer, route_id)
    return Resent(count=resend_since(request.viewer, route_id, body.since))


class SendingBody(Body):
    """Over which channel; all where none is named."""

    channel: Id | None = None


@router.post("/sendings", response={202: None}, operation_id="request_sending")
def send_now(request: ApiRequest, body: SendingBody) -> None:
    """Asks to look what is new and to send it now; /deliveries tells what went out."""
    buyers_only(request)
    if body.channel is not None:
        log.channel(request.viewer, body.channel)
    request_sending(request.viewer, body.channel)
