"""Scorecards as they cross borders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.collaboration.publish.records import Draft


@dataclass(frozen=True, slots=True)
class CardKey:
    supplier: UUID
    segment: UUID
    period: str


@dataclass(frozen=True, slots=True)
class CardQuestion:
    """Which cards are asked for; what is None or empty does not narrow."""

    supplier: UUID | None = None
    segment: UUID | None = None
    period: str = ""


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    """One measure of a card. ``shrunk`` is what was scored where the small sample leans on the peers' prior."""

    id: UUID
    measure: str
    value: float | None
    low: float | None
    high: float | None
    shrunk: float | None
    numerator: float | None
    denominator: float | None
    n: int
    effective_n: float | None
    limit: float | None
    target: float | None
    weight: float | None
    points: float | None
    prior_mean: float | None
    prior_n: float | None
    note: str


@dataclass(frozen=True, slots=True)
class CardRecord:
    """One revision of a scorecard. ``n`` is the least effective number of lines behind a scored measure."""

    id: UUID
    supplier: UUID
    segment: UUID
    period: str
    period_start: date
    period_end: date
    revision: int
    latest: bool
    formula: UUID
    formula_number: int
    manifest: UUID
    scheme_version: int
    fingerprint: str
    policy: Mapping[str, Any]
    n: int
    score: float | None
    ungated: float | None
    gates: str
    missing: str
    first_mix: float
    standing: str
    standing_reason: str
    computed_at: datetime
    publication: UUID | None
    measures: tuple[MeasureRecord, ...] = ()

    @property
    def key(self) -> CardKey:
        return CardKey(self.supplier, self.segment, self.period)

    @property
    def idle(self) -> bool:
        return not self.n and self.score is None

    def measure(self, name: str) -> MeasureRecord | None:
        return next((each for each in self.measures if each.measure == name), None)


@dataclass(frozen=True, slots=True)
class CardDraft:
    """A card and what is to be published of it."""

    card: UUID
    draft: Draft


@dataclass(frozen=True, slots=True)
class CardDrafts(Collection[CardDraft]):
    """Drafts of cards that may go out, in the order of the cards, made as they are asked for and not kept.

    ``suppliers``: card → whom it is for. ``made`` draws up those of some of the cards.
    """

    suppliers: Mapping[UUID, UUID]
    made: Callable[[Collection[UUID]], Iterator[CardDraft]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.suppliers)

    def __iter__(self) -> Iterator[CardDraft]:
        return self.made(self.suppliers)

    def __contains__(self, one: object) -> bool:
        return isinstance(one, CardDraft) and one.card in self.suppliers


@dataclass(frozen=True, slots=True)
class Correction:
    """What a ruling says about one purchase line; empty fields leave the fact as it came."""

    supplier: UUID
    order: str
    line: str
    case: UUID
    ruled_at: datetime
    delivered_on: date | None = None
    received: Decimal | None = None
    rejected: Decimal | None = None
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class FormulaId:
    id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class ComputedCards:
    """Cards of one period for many suppliers × segments, by code: nothing is stored yet.

    ``cards``: supplier, segment, score, ungated, n, gates, missing, standing, reason, first_mix. ``measures``:
    supplier, segment, measure and the columns of a measure. ``lines``: every judged line with the share it counts with
    for each segment. ``warnings`` are sentences for people.
    """

    formula: FormulaId
    period: str
    period_start: date
    period_end: date
    manifest: UUID
    scheme_version: int
    cards: pl.DataFrame = field(repr=False)
    measures: pl.DataFrame = field(repr=False)
    lines: pl.DataFrame = field(repr=False)
    policies: Mapping[str, Mapping[str, Any]] = field(repr=False)
    warnings: tuple[str, ...] = ()
