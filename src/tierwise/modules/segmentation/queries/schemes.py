"""Reads of segmentation: what cells are worth, what the live scheme says of them, what another would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import polars as pl

from tierwise.directory import queries as directory
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.pipeline import fingerprint
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.models import Pin, PlannedMove, SchemePlan, SchemeVersion
from tierwise.modules.segmentation.records import (
    CELL,
    PinRecord,
    PlanRecord,
    PlanState,
    SchemeDocument,
    SchemeState,
    VersionRecord,
    read_scheme,
)

T = TypeVar("T")
_FACTS_USED = ("demand", "activity", "cost", "exchange_rate", "bill_of_material", "assignment", "directory")


def live_scheme(viewer: Viewer) -> VersionRecord | None:
    """The scheme in force, or None before the first."""
    with viewer_scope(viewer):
        found = SchemeVersion.objects.filter(state=SchemeState.LIVE).first()
        return _version(found) if found else None


def scheme_version(viewer: Viewer, number: int) -> VersionRecord:
    with viewer_scope(viewer):
        found = SchemeVersion.objects.filter(number=number).first()
        if found is None:
            raise NotFound("scheme", f"There is no scheme version {number}.", number=number)
        return _version(found)


def scheme_versions(viewer: Viewer) -> list[VersionRecord]:
    """All versions, the newest first."""
    with viewer_scope(viewer):
        return [_version(row) for row in SchemeVersion.objects.order_by("-number")]


def _version(row: SchemeVersion) -> VersionRecord:
    return VersionRecord(
        row.id, row.number, row.title, row.document, row.digest, SchemeState(row.state), row.written_at,
        row.written_by, row.applied_at, row.applied_by, row.effective_on, row.restores,
    )  # fmt: skip


def live_document(viewer: Viewer) -> SchemeDocument | None:
    live = live_scheme(viewer)
    return read_scheme(live.document) if live else None


def plan(viewer: Viewer, plan_id: UUID) -> PlanRecord:
    with viewer_scope(viewer):
        found = SchemePlan.objects.select_related("scheme").filter(id=plan_id).first()
        if found is None:
            raise NotFound("plan", "There is no such plan.")
        return _plan(found)


def plans(viewer: Viewer, limit: int = 100) -> list[PlanRecord]:
    """Plans, the newest first."""
    with viewer_scope(viewer):
        return [_plan(row) for row in SchemePlan.objects.select_related("scheme").order_by("-planned_at")[:limit]]


def plans_page(viewer: Viewer, state: PlanState | None, part: Slice) -> list[PlanRecord]:
    """One page of plans, the newest first."""
    with viewer_scope(viewer):
        rows = SchemePlan.objects.select_related("scheme")
        rows = rows if state is None else rows.filter(state=state)
        return [_plan(row) for row in keyset(rows, ("-planned_at", "-id"), part)]


def moves_page(viewer: Viewer, plan_id: UUID, row: Callable[..., T], part: Slice) -> list[T]:
    """One page of a plan's moves, as ``row`` makes them of their columns."""
    with viewer_scope(viewer):
        found = keyset(PlannedMove.objects.filter(plan_id=plan_id), ("id",), part)
        names = ("id", *CELL, "from_segment", "to_segment", "reason", "revenue", "profit", "units")
        return [row(**each) for each in found.values(*names)]


def _plan(row: SchemePlan) -> PlanRecord:
    return PlanRecord(
        row.id, row.scheme.number, row.scheme.title, row.fingerprint, row.effective_on, PlanState(row.state),
        row.planned_at, row.planned_by, row.filed_by_cycle, row.summary, row.sections,
    )  # fmt: skip


def moves(viewer: Viewer, plan_id: UUID) -> pl.DataFrame:
    """Cells that a plan would move, those worth most first."""
    names = (*CELL, "from_segment", "to_segment", "reason")
    values = ("revenue", "profit", "units")
    with viewer_scope(viewer):
        rows = PlannedMove.objects.filter(plan_id=plan_id).order_by("-revenue").values_list(*names, *values)
        schema: dict[str, Any] = dict.fromkeys(names, pl.String) | dict.fromkeys(values, pl.Float64)
        return pl.DataFrame(list(rows), schema=schema, orient="row")


def pins(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        rows = Pin.objects.values_list(*CELL, "segment", "expires_on")
        schema: dict[str, Any] = dict.fromkeys((*CELL, "segment"), pl.String) | {"expires_on": pl.Date}
        return pl.DataFrame(list(rows), schema=schema, orient="row")


def pin_records(viewer: Viewer) -> list[PinRecord]:
    """Every pin, expired or not."""
    with viewer_scope(viewer):
        return [_pin(row) for row in Pin.objects.all()]


def pins_page(viewer: Viewer, part: Slice) -> list[PinRecord]:
    """One page of the same, by cell."""
    with viewer_scope(viewer):
        return [_pin(row) for row in keyset(Pin.objects.all(), CELL, part)]


def _pin(row: Pin) -> PinRecord:
    cell = {name: getattr(row, name) for name in CELL}
    return PinRecord(cell, row.segment, row.reason, row.pinned_by, row.pinned_at, row.expires_on)


def pin_of(viewer: Viewer, cell: dict[str, str]) -> PinRecord | None:
    """The pin of a cell, expired or not."""
    with viewer_scope(viewer):
        row = Pin.objects.filter(**{name: cell[name] for name in CELL}).first()
        return _pin(row) if row is not None else None


def assignments(viewer: Viewer, at: ManifestRecord | None = None) -> pl.DataFrame:
    """Every assignment interval known now."""
    return lake.facts(viewer, "assignment", at).collect()


# The cells of one manifest: a spreadsheet of pins asks for each of its rows, and the lake is read for the first alone.
_known_cells: tuple[UUID, pl.DataFrame] | None = None


def has_cell(viewer: Viewer, cell: Mapping[str, str]) -> bool:
    """Was there ever such a demand cell, as far as the newest manifest tells?"""
    global _known_cells
    at, known = lake.manifest(viewer), _known_cells
    if known is None or known[0] != at.id:
        known = at.id, lake.facts(viewer, "assignment", at).select(CELL).unique().collect()
        _known_cells = known
    return not known[1].filter(pl.all_horizontal([pl.col(name) == cell[name] for name in CELL])).is_empty()


def cells(viewer: Viewer, on: date | None = None) -> pl.DataFrame:
    """The latest evaluation of every demand cell, with the segment it is in on a day (today when none is given)."""
    at, day = lake.manifest(viewer), on or today()
    valid = (pl.col("valid_from") <= day) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    current = lake.facts(viewer, "assignment", at).filter(valid).select(*CELL, "segment")
    return lake.facts(viewer, "cell", at).join(current, on=CELL, how="left").collect()


def cells_page(viewer: Viewer, asked: Mapping[str, str], part: Slice) -> pl.DataFrame:
    """One page of the cells as last evaluated, with today's segment; ``asked`` narrows by column where it says so."""
    at, day = lake.manifest(viewer), today()
    valid = (pl.col("valid_from") <= day) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    current = lake.facts(viewer, "assignment", at).filter(valid).select(*CELL, "segment")
    rows = lake.facts(viewer, "cell", at).join(current, on=CELL, how="left")
    for name, value in asked.items():
        rows = rows.filter(pl.col(name) == value) if value else rows
    if part.after:
        later, equal = pl.lit(False), pl.lit(True)
        for name, value in zip(CELL, part.after, strict=True):
            later, equal = later | (equal & (pl.col(name) > value)), equal & (pl.col(name) == value)
        rows = rows.filter(later)
    return rows.sort(CELL).head(part.limit + 1).collect()


def plan_fingerprint(viewer: Viewer, document: SchemeDocument, effective_on: date, at: ManifestRecord) -> str:
    """What a plan is valid for: the document, the facts, the live assignments, pins and the day it takes effect."""
    versions = {name: at.versions.get(name, 0) for name in (*_FACTS_USED, "cell")}
    live = live_scheme(viewer)
    held = pins(viewer).sort(CELL)
    return fingerprint(document.digest, versions, str(effective_on), live.number if live else 0, held.rows())


def explain_cell(viewer: Viewer, cell: dict[str, str]) -> dict[str, Any]:
    """Why a cell is where it is: its intervals, and the rule and numbers of the latest evaluation."""
    wanted = pl.all_horizontal([pl.col(name) == cell[name] for name in CELL])
    intervals = lake.facts(viewer, "assignment").filter(wanted).sort("valid_from").collect()
    latest = lake.facts(viewer, "cell").filter(wanted).collect()
    if intervals.is_empty() and latest.is_empty():
        raise NotFound("cell", "There is no such demand cell.")
    return {
        "intervals": intervals.to_dicts(),
        "latest": latest.to_dicts()[0] if latest.height else None,
        "names": {segment.code: segment for segment in directory.segments(viewer, active=False)},
    }
