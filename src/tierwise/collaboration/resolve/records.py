"""Words and values of cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class CaseKind(StrEnum):
    SCORECARD_LINE = "scorecard_line"


class CaseState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class DisputeReason(StrEnum):
    """Why a supplier questions a judged line."""

    DELIVERED_EARLIER = "delivered_earlier"
    QUANTITY_WRONG = "quantity_wrong"
    DATE_CHANGED_BY_BUYER = "date_changed_by_buyer"
    NOT_OUR_FAULT = "not_our_fault"
    REJECT_NOT_JUSTIFIED = "reject_not_justified"
    NOT_OUR_ORDER = "not_our_order"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the supplier says is right: a date, a quantity, or neither where the line should not count at all."""

    reason: DisputeReason
    text: str
    delivered_on: date | None = None
    quantity: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("text: say in a sentence what happened")
        if self.reason is DisputeReason.DELIVERED_EARLIER and self.delivered_on is None:
            raise ValueError("delivered_on: give the day it was delivered")
        if self.reason in {DisputeReason.QUANTITY_WRONG, DisputeReason.REJECT_NOT_JUSTIFIED} and self.quantity is None:
            raise ValueError("quantity: give the quantity that is right")


@dataclass(frozen=True, slots=True)
class CaseRecord:
    id: UUID
    supplier: UUID
    segment: UUID
    kind: CaseKind
    number: int
    state: CaseState
    publication: UUID
    subject: UUID
    order: str
    line: str
    claim: Claim
    opened_at: datetime
    due_at: datetime
    ruled_at: datetime | None
    ruling: str
