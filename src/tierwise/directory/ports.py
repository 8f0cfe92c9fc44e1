"""What segmentation needs answered from above: what a change of scheme would touch in each module's field."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from tierwise.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class SupportChange:
    """A supplier that would begin or cease to serve a segment."""

    supplier: UUID
    supplier_name: str
    segment: str
    begins: bool
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class SchemeChange:
    """What a plan would do to the directory, for modules to say what follows from it."""

    effective_on: date
    segments_added: tuple[str, ...]
    segments_removed: tuple[str, ...]
    policies_changed: tuple[str, ...]
    supports: tuple[SupportChange, ...]

    def suppliers(self) -> frozenset[UUID]:
        return frozenset(change.supplier for change in self.supports)


@dataclass(frozen=True, slots=True)
class ImpactSection:
    """One module's part of a plan: a headline, counted rows, and the money at stake where there is any."""

    title: str
    headline: str
    count: int
    rows: tuple[dict[str, Any], ...] = ()
    money: Decimal | None = None
    currency: str = ""
    warnings: tuple[str, ...] = field(default=())


class SchemeImpact(Protocol):
    """A module's answer to: what would this change touch in your field?"""

    def section(self, viewer: Viewer, change: SchemeChange) -> ImpactSection:
        """The module's section of the plan."""


_impacts: list[SchemeImpact] = []


def register_impact(impact: SchemeImpact) -> None:
    _impacts.append(impact)


def impact_sections(viewer: Viewer, change: SchemeChange) -> list[ImpactSection]:
    return [impact.section(viewer, change) for impact in _impacts]
