"""Words and values of agreements."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class AgreementKind(StrEnum):
    DATA_SHARING = "data_sharing"


class AgreementState(StrEnum):
    """``EXPIRED`` is told from the clock and never stored: nobody answered in time."""

    OFFERED = "offered"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    EXPIRED = "expired"


class Grain(StrEnum):
    """How finely demand is shown."""

    ITEM_WEEK = "item_week"
    ITEM_MONTH = "item_month"
    FAMILY_MONTH = "family_month"

    @property
    def shortest_bucket_days(self) -> int:
        return 7 if self is Grain.ITEM_WEEK else 28


class Frequency(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


SHARED_FIELDS = ("demand", "order_forecast", "scorecard", "scorecard_lines")


@dataclass(frozen=True, slots=True)
class DataSharingTerms:
    """What is published under a data-sharing agreement, schema ``data_sharing/1``.

    ``ruling_days`` is the buyer's own duty: the days it has to rule on a dispute about what it published.
    ``notice_days`` is how long beforehand the buyer announces the end.
    """

    fields: tuple[str, ...]
    grain: Grain = Grain.ITEM_MONTH
    horizon_days: int = 180
    history_days: int = 365
    frequency: Frequency = Frequency.MONTHLY
    purpose: str = "joint planning"
    retention_days: int = 730
    ruling_days: int = 10
    notice_days: int = 30
    schema: str = "data_sharing/1"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.fields) - set(SHARED_FIELDS))
        if unknown or not self.fields:
            raise ValueError(f"fields: {', '.join(unknown) or 'none given'}; choose from {', '.join(SHARED_FIELDS)}")
        for name in ("horizon_days", "history_days", "retention_days", "ruling_days"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: give at least 1 day")
        if self.notice_days < 0:
            raise ValueError("notice_days: give 0 or more days")
        if "scorecard_lines" in self.fields and "scorecard" not in self.fields:
            raise ValueError("fields: scorecard_lines are the lines beneath a scorecard; share scorecard as well")
        if not self.purpose.strip():
            raise ValueError("purpose: say what the data may be used for")

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"fields": list(self.fields)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DataSharingTerms:
        known = {field.name for field in fields(cls)}
        if extra := sorted(set(values) - known):
            raise ValueError(f"unknown terms: {', '.join(extra)}")
        converted = dict(values)
        converted["fields"] = tuple(values.get("fields", ()))
        if "grain" in values:
            converted["grain"] = Grain(values["grain"])
        if "frequency" in values:
            converted["frequency"] = Frequency(values["frequency"])
        return cls(**converted)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that may be agreed at a depth of collaboration: what goes further costs hours nobody planned."""

    shortest_bucket_days: int = 1
    horizon_days: int = 3660
    frequencies: frozenset[Frequency] = frozenset(Frequency)


CEILINGS = {
    "none": Ceiling(28, 184, frozenset({Frequency.MONTHLY})),
    "standard": Ceiling(28, 366, frozenset({Frequency.MONTHLY})),
    "deep": Ceiling(),
}
"""By depth of the facet ``collaboration``; the first are the default terms."""


def beyond_depth(terms: DataSharingTerms, depth: str) -> tuple[str, ...]:
    """The terms that go further than the segment is worked on; empty where none does."""
    most = CEILINGS[depth]
    over = {
        "grain": terms.grain.shortest_bucket_days < most.shortest_bucket_days,
        "frequency": terms.frequency not in most.frequencies,
        "horizon_days": terms.horizon_days > most.horizon_days,
    }
    return tuple(name for name, too_far in over.items() if too_far)


@dataclass(frozen=True, slots=True)
class Wording:
    """What is offered: terms, the days between which they shall hold, and the days the other side has to answer."""

    terms: DataSharingTerms
    valid_from: date
    valid_to: date | None = None
    answer_days: int = 14

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to: the agreement would end before it begins")
        if not 1 <= self.answer_days <= 365:
            raise ValueError("answer_days: give 1 to 365 days")


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """One version of an agreement with what identifies it. ``state`` is what holds today, the clock considered."""

    id: UUID
    version_id: UUID
    supplier: UUID
    segment: UUID
    kind: AgreementKind
    number: int
    title: str
    version: int
    state: AgreementState
    terms: DataSharingTerms
    valid_from: date
    valid_to: date | None
    offered_at: datetime | None
    answer_due_at: datetime | None
    answered_at: datetime | None
    offered_by: UUID | None = None
    answered_by: UUID | None = None
    answer: str = ""

    @property
    def accepted(self) -> bool:
        return self.answered_at is not None and self.state in ACCEPTED


ACCEPTED = frozenset({AgreementState.IN_FORCE, AgreementState.SUPERSEDED, AgreementState.ENDED})


@dataclass(frozen=True, slots=True)
class AgreementHistory:
    """An agreement with all its wordings, the newest first, and the one that holds today."""

    versions: tuple[AgreementRecord, ...]
    in_force: AgreementRecord | None = None

    @property
    def latest(self) -> AgreementRecord:
        return self.versions[0]

    @property
    def offered(self) -> AgreementRecord | None:
        return next((v for v in self.versions if v.state is AgreementState.OFFERED), None)
