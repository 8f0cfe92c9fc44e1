"""Words and values of the directory that may cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

COMMON = "COMMON"
"""Code of the segment in which everything stands that reaches no other."""


class CompanySide(StrEnum):
    BUYER = "buyer"
    SUPPLIER = "supplier"


class CompanyKind(StrEnum):
    MANUFACTURER = "manufacturer"
    DISTRIBUTOR = "distributor"
    CONTRACT_MANUFACTURER = "contract_manufacturer"
    SERVICE = "service"


class SupportState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Involvement(StrEnum):
    """A supplier's say in a segment."""

    ADVISORY = "advisory"
    CO_CREATION = "co_creation"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    id: UUID
    code: str
    name: str
    rank: int
    slot: int
    active: bool


@dataclass(frozen=True, slots=True)
class CompanyRecord:
    id: UUID
    code: str
    name: str
    country: str
    currency: str
    parent_code: str
    kind: str
    active: bool


@dataclass(frozen=True, slots=True)
class PersonRecord:
    id: UUID
    company: UUID
    name: str
    email: str
    role: str
    active: bool
    joined: bool


@dataclass(frozen=True, slots=True)
class SupportRecord:
    """One supplier × segment. ``code`` and ``name`` are the segment's own; ``shown_*`` what the supplier sees."""

    id: UUID
    supplier: UUID
    segment: UUID
    state: SupportState
    involvement: Involvement
    shown_code: str
    shown_name: str
    slot: int
    valid_from: date
    valid_to: date | None
