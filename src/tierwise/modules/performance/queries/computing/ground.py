"""What cards follow from besides facts: segments, their policies, priors and earlier cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.directory import queries as directory
from tierwise.directory.records import read_facet
from tierwise.kernel.viewer import Viewer
from tierwise.modules.performance.queries.cards import Kept, corrections, history, kept
from tierwise.modules.performance.queries.computing.periods import PeriodSpan, Request
from tierwise.modules.performance.records import Correction, Scoring


@dataclass(frozen=True, slots=True)
class Basis:
    """What scores are made with: segments by rank, policy values by segment code, priors and earlier cards."""

    segments: tuple[str, ...]
    policies: Mapping[str, Scoring]
    priors: pl.DataFrame = field(repr=False)
    scored_before: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What cards follow from besides facts: segments by rank, their policies, and the cards that there are.

    ``at_end`` are the policies in force at the end of each period (by label), ``earlier`` what :func:`history` returns.
    ``corrections`` are the rulings about lines; they are laid over when facts are read.
    """

    segments: Mapping[UUID, str]
    today: Mapping[UUID, Mapping[str, Any]]
    at_end: Mapping[str, Mapping[UUID, Mapping[str, Any]]]
    kept: Mapping[str, Kept]
    earlier: pl.DataFrame = field(repr=False)
    corrections: tuple[Correction, ...]

    def values(self, label: str, *, kept: bool = True) -> dict[str, Mapping[str, Any]]:
        """Segment code → values of its policy: the period's own, those in force at its end, or today's."""
        found = {**self.today, **self.at_end[label]}
        values = {code: found[key] for key, code in self.segments.items() if key in found}
        return values | dict(self.kept[label].policies) if kept and label in self.kept else values


def ground_of(viewer: Viewer, periods: Sequence[PeriodSpan]) -> Ground:
    """The ground for cards of some periods."""
    return Ground(
        {segment.id: segment.code for segment in directory.segments(viewer, active=False)},
        directory.policy(viewer, "scoring"),
        {period.label: directory.policy(viewer, "scoring", period.end) for period in periods},
        kept(viewer, [period.label for period in periods]),
        history(viewer, before=max(period.start for period in periods)), tuple(corrections(viewer)),
    )  # fmt: skip


def basis_of(request: Request, ground: Ground) -> Basis:
    """Segments and their expectations: the period's own, those in force at its end, today's, or the defaults."""
    label, codes = request.period.label, tuple(ground.segments.values())
    before = ground.kept.get(label)
    again = before is not None and before.formula == request.formula.id and not request.anew
    values = ground.values(label, kept=again)
    policies = {code: read_facet(Scoring, values.get(code)) for code in codes}
    return Basis(codes, policies, before.priors if before else pl.DataFrame(), again)


def policies(viewer: Viewer) -> dict[UUID, dict[str, Any]]:
    """Segment → what it expects today, the defaults filled in."""
    in_force = directory.policy(viewer, "scoring")
    return {each.id: vars_of(read_facet(Scoring, in_force.get(each.id))) for each in directory.segments(viewer)}


def vars_of(policy: Scoring) -> dict[str, Any]:
    return dict(policy.__dict__)
