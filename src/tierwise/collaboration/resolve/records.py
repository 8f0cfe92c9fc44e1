"""Words and values of cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class CaseKind(StrEnum):
    SCORECARD_LINE = "scorecard_line"


class CaseState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CaseStep(StrEnum):
    """What an entry of a case's timeline is."""

    OPENED = "opened"
    NOTE = "note"
    WITHDRAWN = "withdrawn"
    RULED = "ruled"


class ExclusionReason(StrEnum):
    """Why a ruling takes a line out of the score."""

    BUYER_CAUSED = "buyer_caused"
    FORCE_MAJEURE = "force_majeure"
    NOT_THE_SUPPLIERS = "not_the_suppliers"
    DATA_ERROR = "data_error"


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
class DraftClaim:
    """A claim as far as it has been written; nothing in it is required."""

    reason: DisputeReason | None = None
    text: str = ""
    delivered_on: date | None = None
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file as it was handed in."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Ruling:
    """The buyer's answer. An upheld dispute says what is put right: a date, a quantity, or that the line is left out.

    A rejected one says why and corrects nothing.
    """

    upheld: bool
    text: str
    delivered_on: date | None = None
    received: Decimal | None = None
    rejected: Decimal | None = None
    excluded: ExclusionReason | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("text: give the reason; the supplier reads it")
        for name in ("received", "rejected"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name}: a quantity cannot be negative")
        corrections = (self.delivered_on, self.received, self.rejected, self.excluded)
        if self.upheld and all(value is None for value in corrections):
            raise ValueError("delivered_on: an upheld dispute corrects a date or quantity, or leaves the line out")
        if not self.upheld and any(value is not None for value in corrections):
            raise ValueError("delivered_on: a rejected dispute corrects nothing")


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case as both sides see it. ``ruling`` is empty until it is ruled; corrections stand in ``ruled``."""

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
    opened_by: UUID | None = None
    ruled_by: UUID | None = None
    ruled: Ruling | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Evidence as it is listed; ``sha256`` finds its bytes."""

    id: UUID
    name: str
    size: int
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class CaseEntryRecord:
    id: UUID
    at: datetime
    side: str
    person: UUID
    what: CaseStep
    text: str
    file: FileRecord | None


@dataclass(frozen=True, slots=True)
class CaseQuestion:
    """Which cases are asked for; what is None does not narrow."""

    supplier: UUID | None = None
    segment: UUID | None = None
    publication: UUID | None = None
    state: CaseState | None = None

    def narrowing(self) -> dict[str, Any]:
        """The question as conditions on columns."""
        asked = {
            "supplier_id": self.supplier, "segment_id": self.segment, "publication_id": self.publication,
            "state": self.state,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with its timeline, the oldest entry first."""

    case: CaseRecord
    entries: tuple[CaseEntryRecord, ...]


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A draft of a claim; the supplier's own."""

    subject: UUID
    claim: DraftClaim
    saved_at: datetime
