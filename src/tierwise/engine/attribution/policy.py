"""How a measure attributes its lines to segments, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Basis(StrEnum):
    """What a line's segment is read from; `COMMON` marks what reaches no segment."""

    PEGGED = "pegged"
    MIX = "mix"
    LEAD = "lead"
    DIRECT = "direct"
    COMMON = "common"


@dataclass(frozen=True, slots=True)
class AttributionPolicy:
    """The attribution of one measure.

    `basis` holds for every line whose `item_class` is not in `by_class`. `fallback` (mix or common) says what becomes
    of the part of a pegged or direct line that names no segment. `rank` lists the segments, highest first; segments
    not listed never lead. A segment takes the lead at `lead_share` and loses it below `lead_keep`.
    """

    basis: Basis = Basis.MIX
    by_class: Mapping[str, Basis] = field(default_factory=dict)
    fallback: Basis = Basis.MIX
    rank: tuple[str, ...] = ()
    lead_share: float = 0.3
    lead_keep: float = 0.2

    def __post_init__(self) -> None:
        if Basis.COMMON in (self.basis, *self.by_class.values()):
            raise ValueError("basis must be pegged, mix, lead or direct; common is only ever a result")
        if self.fallback not in (Basis.MIX, Basis.COMMON):
            raise ValueError("fallback must be mix or common: what becomes of the part that names no segment")
        if not 0 < self.lead_keep <= self.lead_share <= 1:
            raise ValueError("lead_keep and lead_share must satisfy 0 < lead_keep <= lead_share <= 1")
        if len(set(self.rank)) < len(self.rank):
            raise ValueError("rank lists a segment twice; list each once, the highest first")
        if Basis.LEAD in (self.basis, *self.by_class.values()) and not self.rank:
            raise ValueError("rank is empty: attribution by lead needs the segments in order, the highest first")
