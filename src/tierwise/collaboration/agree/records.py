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
    OFFERED = "offered"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    SUPERSEDED = "superseded"
    ENDED = "ended"


class Grain(StrEnum):
    """How finely demand is shown."""

    ITEM_WEEK = "item_week"
    ITEM_MONTH = "item_month"
    FAMILY_MONTH = "family_month"


class Frequency(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


SHARED_FIELDS = ("demand", "order_forecast", "scorecard", "scorecard_lines")


@dataclass(frozen=True, slots=True)
class DataSharingTerms:
    """What is published under a data-sharing agreement, schema ``data_sharing/1``."""

    fields: tuple[str, ...]
    grain: Grain = Grain.ITEM_MONTH
    horizon_days: int = 180
    history_days: int = 365
    frequency: Frequency = Frequency.MONTHLY
    purpose: str = "joint planning"
    retention_days: int = 730
    schema: str = "data_sharing/1"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.fields) - set(SHARED_FIELDS))
        if unknown or not self.fields:
            raise ValueError(f"fields: {', '.join(unknown) or 'none given'}; choose from {', '.join(SHARED_FIELDS)}")
        for name in ("horizon_days", "history_days", "retention_days"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: give at least 1 day")
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
class AgreementRecord:
    """One version of an agreement with what identifies it."""

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
