"""Segments, who supports them, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import polars as pl
from django.db.models import Count, F

from tierwise.directory.models import (
    LanePolicy,
    PolicyFacet,
    Segment,
    Support,
)
from tierwise.directory.queries.masters import _frame
from tierwise.directory.queries.validity import in_force
from tierwise.directory.records import (
    COMMON,
    Involvement,
    SegmentRecord,
    SupportRecord,
    SupportState,
)
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.web.pages import SegmentChip


def segments(viewer: Viewer, *, active: bool = True) -> list[SegmentRecord]:
    """Segments by rank, the common one included."""
    with viewer_scope(viewer):
        rows = Segment.objects.filter(active=True) if active else Segment.objects.all()
        return [SegmentRecord(s.id, s.code, s.name, s.rank, s.slot, s.active) for s in rows.order_by("rank")]


def segment_ids(viewer: Viewer) -> dict[str, UUID]:
    """Code → id, inactive segments included, for history refers to them."""
    return {segment.code: segment.id for segment in segments(viewer, active=False)}


def common_segment(viewer: Viewer) -> SegmentRecord:
    return next(segment for segment in segments(viewer, active=False) if segment.code == COMMON)


def segment_chips(viewer: Viewer) -> dict[UUID, SegmentChip]:
    """Segment → its chip, by rank, inactive segments included; the common one is neutral."""
    return {s.id: chip_of(s.code, s.name, s.slot) for s in segments(viewer, active=False)}


def chip_of(code: str, name: str, slot: int) -> SegmentChip:
    return SegmentChip(code, name, 0 if code == COMMON else slot)


_SUPPORT = (
    "id", "supplier_id", "segment_id", "state", "involvement", "shown_code", "shown_name", "slot", "valid_from",
    "valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """Which supports are asked for; what is None does not narrow. ``ends_by`` leaves out those that go on."""

    state: SupportState | None = None
    supplier: UUID | None = None
    segment: UUID | None = None
    ends_by: date | None = None

    def narrowing(self) -> dict[str, Any]:
        names = ("state", "supplier_id", "segment_id", "valid_to__lte")
        values = (self.state, self.supplier, self.segment, self.ends_by)
        return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def supports(
    viewer: Viewer, *, on: date | None = None, state: SupportState | None = None, supplier: UUID | None = None
) -> list[SupportRecord]:
    """Supports in force on a day (today when none is given), of one state or of all."""
    return standing_supports(viewer, Standing(state, supplier), on)


def standing_supports(viewer: Viewer, asked: Standing, on: date | None = None) -> list[SupportRecord]:
    """Supports in force on a day (today when none is given), by supplier and rank of the segment."""
    with viewer_scope(viewer):
        rows = in_force(Support.objects.filter(**asked.narrowing()), on or today())
        return [_support(*row) for row in rows.order_by("supplier_id", "segment__rank").values_list(*_SUPPORT)]


def support_counts(viewer: Viewer) -> dict[tuple[UUID, SupportState], int]:
    """(segment, state) → supports in force today."""
    with viewer_scope(viewer):
        counted = in_force(Support.objects.all(), today()).values_list("segment_id", "state").annotate(n=Count("id"))
        return {(segment, SupportState(state)): int(n) for segment, state, n in counted}


def _support(*row: Any) -> SupportRecord:
    id_, supplier, segment, state, involvement, *shown = row
    return SupportRecord(id_, supplier, segment, SupportState(state), Involvement(involvement), *shown)


def policy(viewer: Viewer, facet: str, on: date | None = None) -> dict[UUID, dict[str, Any]]:
    """Segment id → the values of one facet in force on a day; segments without any are left out."""
    with viewer_scope(viewer):
        rows = in_force(PolicyFacet.objects.filter(facet=facet), on or today())
        return dict(rows.values_list("segment_id", "values"))


def facets_of(viewer: Viewer, segment: UUID, on: date | None = None) -> dict[str, dict[str, Any]]:
    """Facet → values in force for one segment."""
    with viewer_scope(viewer):
        rows = in_force(PolicyFacet.objects.filter(segment_id=segment), on or today())
        return dict(rows.order_by("facet").values_list("facet", "values"))


def facet_provenance(viewer: Viewer, segment: UUID, on: date | None = None) -> dict[tuple[str, str], tuple[int, date]]:
    """(facet, setting) → the scheme version that gave it the value in force, and from which day it has it.

    A version that repeats a value did not set it; one that sets another and back again did.
    """
    day = on or today()
    with viewer_scope(viewer):
        rows = PolicyFacet.objects.filter(segment_id=segment, valid_from__lte=day).order_by("facet", "valid_from")
        found: dict[tuple[str, str], tuple[int, date]] = {}
        held: dict[str, PolicyFacet] = {}
        for row in rows:
            before = held.get(row.facet)
            follows = before is not None and before.valid_to == row.valid_from - timedelta(days=1)
            for name, value in row.values.items():
                same = before is not None and follows and name in before.values and before.values[name] == value
                if not same:
                    found[row.facet, name] = row.scheme_version, row.valid_from
            held[row.facet] = row
        in_force = {facet: row for facet, row in held.items() if row.valid_to is None or row.valid_to >= day}
        return {
            (facet, name): said
            for (facet, name), said in found.items()
            if facet in in_force and name in in_force[facet].values
        }


def facets_set_by(viewer: Viewer, scheme_version: int) -> dict[UUID, set[str]]:
    """Segment → facets whose values a scheme version brought; those it left as they were keep the version before."""
    with viewer_scope(viewer):
        found: dict[UUID, set[str]] = {}
        rows = PolicyFacet.objects.filter(scheme_version=scheme_version)
        for segment, facet in rows.values_list("segment_id", "facet"):
            found.setdefault(segment, set()).add(facet)
        return found


def lane_policies(viewer: Viewer, supplier: UUID | None = None) -> list[dict[str, Any]]:
    with viewer_scope(viewer):
        rows = LanePolicy.objects.all() if supplier is None else LanePolicy.objects.filter(supplier_id=supplier)
        names = ("lane", "supplier_id", "values", "explanation", "scheme_version", "computed_at")
        return [dict(zip(names, row, strict=True)) for row in rows.order_by("lane").values_list(*names)]


def support_names(viewer: Viewer) -> pl.DataFrame:
    """Every confirmed support with codes and names of both sides, for pages that list them."""
    with viewer_scope(viewer):
        rows = in_force(Support.objects.exclude(state=SupportState.ENDED), today()).annotate(
            supplier_code=F("supplier__code"), supplier_name=F("supplier__name"), segment_code=F("segment__code")
        )
        names = ("supplier_code", "supplier_name", "segment_code", "state", "involvement", "shown_name", "shown_code")
        return _frame(rows, dict.fromkeys(names, pl.String))
