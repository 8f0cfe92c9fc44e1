"""Words and values of what is sent out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ChannelKind(StrEnum):
    FOLDER = "folder"
    SFTP = "sftp"
    REST = "rest"
    WEBHOOK = "webhook"


class ChannelState(StrEnum):
    """``disabled`` was done by the program, after days of failure or because the receiver said it is gone."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """``sent``: it lies with the receiver, whose word is awaited. ``refused``: the receiver took none of it.

    ``failed`` ran out of attempts, ``expired`` out of days. ``set_aside``: given up; its rows go with the next batch.
    """

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    SET_ASIDE = "set_aside"


SETTLED = frozenset({DeliveryState.ACKNOWLEDGED, DeliveryState.SET_ASIDE})
STUCK = frozenset({DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.EXPIRED})
"""States that a person must end; until then nothing further of the feed goes out, so that the order holds."""


class RowState(StrEnum):
    """A refused row waits; ``again``: it goes with the next batch; ``settled``: put right at the receiver."""

    OPEN = "open"
    AGAIN = "again"
    SETTLED = "settled"


class Change(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


class Send(StrEnum):
    """``changes`` since what was last acknowledged, or ``everything`` as soon as anything changed."""

    CHANGES = "changes"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A way to another system. ``secrets`` are the names of what is kept sealed, never their values."""

    id: UUID
    name: str
    kind: ChannelKind
    state: ChannelState
    settings: dict[str, Any]
    secrets: tuple[str, ...]
    expire_days: int
    reason: str = ""
    failing_since: datetime | None = None
    tested_at: datetime | None = None
    test_result: str = ""
    old_secret_until: datetime | None = None
    shown_key: str = ""


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """A feed over a channel, under a mapping. ``base`` addresses what the receiver has acknowledged so far."""

    id: UUID
    channel: UUID
    channel_name: str
    channel_kind: ChannelKind
    channel_state: ChannelState
    feed: str
    mapping: str
    active: bool
    base: str
    base_number: int
    last_number: int


@dataclass(frozen=True, slots=True)
class FileSent:
    """A file of a batch; ``sha256`` finds its bytes."""

    name: str
    sha256: str
    rows: int
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One batch of a feed on its way over a channel."""

    id: UUID
    route: UUID
    channel: UUID
    channel_name: str
    feed: str
    number: int
    send: Send
    state: DeliveryState
    rows: int
    digest: str
    content: str
    files: tuple[FileSent, ...]
    schema_version: str
    queued_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    answer: str
    progress: int = 0
    refused_rows: int = 0

    @property
    def label(self) -> str:
        return f"{self.feed} {self.number}"


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """What a worklist tells of a batch that waits for people."""

    id: UUID
    channel_name: str
    feed: str
    number: int
    state: DeliveryState
    queued_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    answer: str
    refused_rows: int

    @property
    def label(self) -> str:
        return f"{self.feed} {self.number}"


@dataclass(frozen=True, slots=True)
class DeliveryQuestion:
    """Which deliveries are asked for; what is left out does not narrow."""

    channel: UUID | None = None
    feed: str = ""
    state: DeliveryState | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    at: datetime
    ended_at: datetime | None
    outcome: str
    answer: str


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    id: UUID
    delivery: UUID
    key: str
    row: int
    reason: str
    state: RowState
    at: datetime


@dataclass(frozen=True, slots=True)
class BatchDraft:
    """A batch before it is queued: its number (the route's next), its rows by content, its files."""

    route: UUID
    number: int
    send: Send
    rows: int
    digest: str
    content: str
    files: tuple[FileSent, ...]
    schema_version: str
