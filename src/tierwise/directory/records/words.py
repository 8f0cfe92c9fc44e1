"""Words and values of the directory that may cross a border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import polars as pl

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


class AccessDecision(StrEnum):
    """What came of a person's access in a review; kept is who could not be suspended, being the last administrator."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    KEPT = "kept"


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
    duns: str = ""
    lei: str = ""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    id: UUID
    company: UUID
    name: str
    email: str
    role: str
    active: bool
    joined: bool
    erased: bool = False


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A machine's way in as it is listed; ``start`` is the part of the token that may be shown."""

    id: UUID
    start: str
    name: str
    person: UUID
    role: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class YearOfPurchases:
    """Purchases by supplier and item over the twelve months up to the last order known, in the host's currency.

    ``by_item``: supplier, item, spend, lines, unpriced (lines without an amount or an exchange rate; not in the spend).
    """

    by_item: pl.DataFrame
    since: date
    until: date
    currency: str

    @property
    def unpriced(self) -> int:
        return int(self.by_item["unpriced"].sum())

    def by(self, column: str) -> dict[str, float]:
        """Spend by ``supplier`` or ``item``."""
        return dict(self.by_item.group_by(column).agg(pl.col("spend").sum()).iter_rows())
