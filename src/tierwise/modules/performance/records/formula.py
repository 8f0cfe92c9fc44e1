"""How scorecards are computed, as a versioned document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from tierwise.engine.attribution import Basis
from tierwise.engine.scoring import (
    Band,
    DateBasis,
    Event,
    Measure,
    MeasureParams,
    OtifParams,
    Period,
    ShrinkParams,
    StandingParams,
)

SCHEMA = "scorecard_formula/1"
BY_RECEIPT = frozenset({str(Measure.REJECT_PPM), str(Measure.REJECTED_LINES)})
"""Measures placed in a period by what was received in it; the others by the date the line was due."""
ATTRIBUTABLE = (Basis.MIX, Basis.PEGGED, Basis.LEAD)
_PERIODS = (Period.MONTH, Period.QUARTER)
_BANDS = (Band("poor", 0, 50), Band("watch", 50, 70), Band("good", 70, 90), Band("excellent", 90, 100))
_OTIF = OtifParams(
    basis=DateBasis.LAST_AGREED,
    fallbacks=(DateBasis.REQUESTED,),
    event=Event.ARRIVAL,
    event_fallbacks=(Event.POSTING,),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A measure surely worse than ``worse_than`` caps the whole score at ``cap`` points."""

    worse_than: float
    cap: float

    def __post_init__(self) -> None:
        if not 0 <= self.cap <= 100:
            raise ValueError(f"gates: a cap of {self.cap} is not a score; give 0 to 100")


@dataclass(frozen=True, slots=True)
class Formula:
    """One definition of a scorecard. What differs by segment (targets, weights, least n) is the segments' policy.

    A period is *closed* ``close_days`` after its last day: what happened up to then is judged, however much later it
    is computed, so that facts which merely go on do not restate a card, and facts that came late do. ``attribution``
    says by measure what a line's segment is read from; measures not named go by the mix. ``standing_periods``
    consecutive periods with enough lines, each beyond the edge by ``margin`` points, move a standing.
    """

    title: str = "Deliveries"
    period: Period = Period.MONTH
    otif: OtifParams = _OTIF
    lead_time_tolerance_days: int = 3
    confidence: float = 0.95
    close_days: int = 10
    attribution: Mapping[str, Basis] = field(default_factory=dict)
    shrinkage: bool = True
    least_suppliers: int = 5
    least_weight: float = 50.0
    gates: Mapping[str, Gate] = field(default_factory=dict)
    standings: tuple[Band, ...] = _BANDS
    standing_periods: int = 2
    margin: float = 2.0
    severity: Mapping[str, str] = field(default_factory=dict)
    reply_days: int = 10

    def __post_init__(self) -> None:
        if not self.title.strip() or len(self.title) > 120:
            raise ValueError("title: name the formula in at most 120 characters")
        if self.period not in _PERIODS:
            raise ValueError(f"period: {self.period} is not one of {', '.join(_PERIODS)}")
        if not 1 <= self.close_days <= 3660:
            raise ValueError("close_days: give 1 to 3660 days after a period's end until it is judged")
        if not 1 <= self.reply_days <= 90:
            raise ValueError("reply_days: give 1 to 90 days for the supplier to answer")
        if not 0 < self.least_weight <= 100:
            raise ValueError("least_weight: give more than 0, at most 100")
        known = {str(each) for each in Measure}
        if unknown := sorted({*self.attribution, *self.gates} - known):
            raise ValueError(f"{unknown[0]}: no such measure; there are {', '.join(sorted(known))}")
        if wrong := sorted(str(basis) for basis in self.attribution.values() if basis not in ATTRIBUTABLE):
            raise ValueError(f"attribution: {wrong[0]} is not one of {', '.join(ATTRIBUTABLE)}")
        # The engine's own checks of what is handed on to it: they name the field.
        _ = self.measured, self.shrunk, self.standing_with(1)

    @property
    def measured(self) -> MeasureParams:
        return MeasureParams(self.confidence, self.lead_time_tolerance_days)

    @property
    def shrunk(self) -> ShrinkParams:
        return ShrinkParams(least_suppliers=self.least_suppliers, confidence=self.confidence)

    def standing_with(self, least_n: int) -> StandingParams:
        return StandingParams(self.standings, least_n, self.margin, self.standing_periods, self.severity)

    def basis_of(self, measure: str) -> Basis:
        return self.attribution.get(measure, Basis.MIX)

    def closes_on(self, period_end: date) -> date:
        """Last day whose events a period's card sees."""
        return period_end + timedelta(days=self.close_days)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "schema": SCHEMA,
            "period": str(self.period),
            "otif": {name: _plain(value) for name, value in self.otif.to_dict().items()},
            "attribution": {name: str(basis) for name, basis in sorted(self.attribution.items())},
            "gates": {name: asdict(gate) for name, gate in sorted(self.gates.items())},
            "standings": [asdict(band) for band in self.standings],
            "severity": dict(sorted(self.severity.items())),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The formula back from :meth:`to_dict`. An unknown name is an error, a missing one takes the default."""
        given = dict(values)
        if (schema := given.pop("schema", SCHEMA)) != SCHEMA:
            raise ValueError(f"schema: {schema!r} is unknown; this release reads {SCHEMA}")
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise ValueError(f"{unknown[0]}: unknown in a formula; it has {', '.join(sorted(known))}")
        read: dict[str, Any] = {
            "period": _period,
            "otif": OtifParams.from_dict,
            "attribution": lambda each: {name: _basis(basis) for name, basis in each.items()},
            "gates": lambda each: {name: Gate(**gate) for name, gate in each.items()},
            "standings": lambda each: tuple(Band(**band) for band in each),
        }
        return cls(**{name: read[name](value) if name in read else value for name, value in given.items()})

    def with_changes(self, **changes: Any) -> Self:
        return replace(self, **changes)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _period(value: str) -> Period:
    try:
        return Period(value)
    except ValueError:
        raise ValueError(f"period: {value!r} is not one of {', '.join(_PERIODS)}") from None


def _basis(value: str) -> Basis:
    try:
        return Basis(value)
    except ValueError:
        raise ValueError(f"attribution: {value!r} is not one of {', '.join(ATTRIBUTABLE)}") from None


DEFAULT_FORMULA = Formula()


@dataclass(frozen=True, slots=True)
class FormulaRecord:
    """One version of the formula."""

    id: UUID
    number: int
    title: str
    formula: Formula
    written_at: datetime
    written_by: UUID
