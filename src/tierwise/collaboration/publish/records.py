"""Words and values of publications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.directory.records import Facet, register_facet, setting
from tierwise.engine.lane_policy import Better, Combine


class PublicationKind(StrEnum):
    DEMAND = "demand"
    SCORECARD = "scorecard"

    @property
    def rolling(self) -> bool:
        """A rolling view is replaced by the next one, whatever its period; others only within their own period."""
        return self is PublicationKind.DEMAND


class CellStatus(StrEnum):
    """What a recipient is told about a cell: its value, or that it is held back. Never why."""

    OK = "ok"
    HELD_BACK = "held_back"


class Reply(StrEnum):
    """What a supplier answered to a publication."""

    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"


QUANTITY = pl.Decimal(18, 4)
SERIES_COLUMNS: dict[str, Any] = {
    "signal": pl.String, "item": pl.String, "item_name": pl.String, "site": pl.String, "region": pl.String,
    "bucket_start": pl.Date, "bucket_days": pl.Int32, "quantity": QUANTITY, "unit": pl.String, "binds": pl.String,
    "status": pl.String,
}  # fmt: skip
SERIES_KEY = ("signal", "item", "site", "region", "bucket_start")
MEASURE_COLUMNS: dict[str, Any] = {
    "measure": pl.String, "formula": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "shrunk": pl.Float64, "numerator": pl.Float64, "denominator": pl.Float64, "n": pl.Int32,
    "effective_n": pl.Float64, "target": pl.Float64, "weight": pl.Float64, "points": pl.Float64,
    "standing": pl.String, "note": pl.String,
}  # fmt: skip
MEASURE_KEY = ("measure",)
LINE_COLUMNS: dict[str, Any] = {
    "order": pl.String, "line": pl.String, "item": pl.String, "item_name": pl.String, "site": pl.String,
    "ordered_on": pl.Date, "due_on": pl.Date, "due_from": pl.String, "delivered_on": pl.Date, "days_late": pl.Int32,
    "ordered": QUANTITY, "received": QUANTITY, "rejected": QUANTITY, "unit": pl.String, "share": pl.Float64,
    "on_time": pl.Boolean, "in_full": pl.Boolean, "otif": pl.Boolean, "excluded": pl.String,
}  # fmt: skip
LINE_KEY = ("order", "line")
HELD_BACK_COLUMNS: dict[str, Any] = {
    "signal": pl.String, "item": pl.String, "site": pl.String, "region": pl.String, "bucket_start": pl.Date,
    "reason": pl.String, "numbers": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be published to one supplier for one segment, computed by somebody else.

    The frames have the columns of ``SERIES_COLUMNS``, ``MEASURE_COLUMNS`` and ``LINE_COLUMNS``; text columns and those
    that may be empty can be left out, and others are refused. ``held_back`` says, for each series row whose status is
    ``held_back``, the reason and its numbers (JSON text); it never leaves the house.

    ``fingerprint`` stands for everything the rows were computed from: a draft with the fingerprint of the latest
    publication of the same period is not published again. ``agreement_version`` is the wording the rows were cut to,
    None for the one in force. ``supersedes`` is found by itself where it is not given.
    """

    supplier: UUID
    segment: UUID
    kind: PublicationKind
    title: str
    period_start: date
    period_end: date
    manifest: UUID
    fingerprint: str
    agreement_version: UUID | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    reply_days: int | None = None
    supersedes: UUID | None = None
    series: pl.DataFrame | None = None
    measures: pl.DataFrame | None = None
    lines: pl.DataFrame | None = None
    held_back: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("title: say what is published")
        if self.period_end < self.period_start:
            raise ValueError("period_end: the period would end before it begins")
        if not 1 <= len(self.fingerprint) <= 64:
            raise ValueError("fingerprint: give 1 to 64 characters that stand for all inputs")
        if self.reply_days is not None and self.reply_days < 1:
            raise ValueError("reply_days: give at least 1 day, or None when no reply is asked for")
        if self.series is None and self.measures is None and self.lines is None:
            raise ValueError("series, measures or lines: there is nothing to publish")

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in (self.series, self.measures, self.lines) if frame is not None)


@dataclass(frozen=True, slots=True)
class PublicationRecord:
    """``superseded`` and ``reply`` as they are now, or were at the time asked about.

    ``content`` names the shared fields that stand in it.
    """

    id: UUID
    supplier: UUID
    segment: UUID
    kind: PublicationKind
    number: int
    title: str
    period_start: date
    period_end: date
    published_at: datetime
    reply_due_at: datetime | None
    supersedes: UUID | None
    superseded: bool
    digest: str
    reply: Reply | None
    agreement_version: UUID | None = None
    content: tuple[str, ...] = ()
    replied_at: datetime | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PublicationQuestion:
    """Which publications are asked for; what is None does not narrow. ``current`` leaves out replaced ones."""

    supplier: UUID | None = None
    segment: UUID | None = None
    kind: PublicationKind | None = None
    current: bool = True


@dataclass(frozen=True, slots=True)
class BasisRecord:
    """What a publication was made from. Internal."""

    manifest: UUID
    fingerprint: str
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What one supplier knew at one instant: everything published to it by then."""

    supplier: UUID
    at: datetime
    publications: tuple[PublicationRecord, ...]

    @property
    def current(self) -> tuple[PublicationRecord, ...]:
        return tuple(p for p in self.publications if not p.superseded)


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One judged purchase line of a publication."""

    id: UUID
    publication: UUID
    segment: UUID
    order: str
    line: str
    item: str
    item_name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of a scorecard to show; None asks nothing of that column."""

    on_time: bool | None = None
    in_full: bool | None = None
    otif: bool | None = None
    item: str = ""
    excluded: bool | None = None


@register_facet("disclosure")
@dataclass(frozen=True)
class Disclosure(Facet):
    """What must hold before a number about customers or other suppliers is published."""

    min_contributors: int = setting(3, Combine.STRICTEST, Better.HIGHER, within=(1, 50))
    p_percent: float = setting(10.0, Combine.STRICTEST, Better.HIGHER, within=(0, 100))
    reply_days: int = setting(10, Combine.STRICTEST, Better.LOWER, within=(1, 90))
