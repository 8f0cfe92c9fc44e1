"""What applying a scheme would change against what is live: members, money, suppliers, people, other modules."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.directory import queries as directory
from tierwise.directory.ports import ImpactSection, SchemeChange, SupportChange, impact_sections
from tierwise.directory.records import Attribution, CompanyRecord, SupportState, read_facet
from tierwise.engine.scheme import Difference, Reason, difference
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.segmentation.queries.demand import Demand
from tierwise.modules.segmentation.queries.evaluation import Basis, SchemeEvaluation, evaluate_scheme
from tierwise.modules.segmentation.queries.mix import mix_on, supplier_shares
from tierwise.modules.segmentation.queries.schemes import live_document, plan_fingerprint
from tierwise.modules.segmentation.records import CELL, SchemeDocument

_VALUES = ("revenue", "profit", "units")
PIN_ENDED = "pin_ended"
"""Why a cell moves that the rules leave where they had it: somebody's pin no longer holds."""


@dataclass(frozen=True)
class SchemePlanned:
    """What applying a document on a day would change, and the fingerprint that apply asks for.

    ``moves``: CELL, from_segment, to_segment, reason, and what moves with the cell. ``supports``: suppliers that begin
    or cease to serve a segment, with the people it touches.
    """

    effective_on: date
    fingerprint: str
    found: SchemeEvaluation = field(repr=False)
    moves: pl.DataFrame = field(repr=False)
    new_cells: int
    matrix: pl.DataFrame = field(repr=False)
    segments: pl.DataFrame = field(repr=False)
    supports: tuple[dict[str, Any], ...] = field(repr=False)
    sections: tuple[ImpactSection, ...]
    warnings: tuple[str, ...] = ()

    @property
    def summary(self) -> dict[str, Any]:
        moved = {f"{name}_moved": float(self.moves[name].abs().sum()) for name in _VALUES}
        cells = self.found.evaluation.cells
        return {
            "moves": self.moves.height, "new_cells": self.new_cells, **moved,
            "currency": self.found.document.currency,
            "until": str(self.found.until),
            "cells": cells.height,
            "held": int(cells["held"].sum()),
            "pinned": int(cells["pinned"].sum()),
            "boundary": int(cells["boundary"].sum()),
            "matrix": self.matrix.to_dicts(),
            "segments": self.segments.to_dicts(),
            "selection": self.found.selection.to_dicts(),
            "hours": self.found.document.collaboration.model_dump(),
            "pools": self.found.pools.to_dicts(),
            "supports": [dict(row) for row in self.supports],
            "warnings": list(self.warnings),
        }  # fmt: skip

    def sections_as_json(self) -> list[dict[str, Any]]:
        """The sections as plain values; what JSON does not know stands as text."""
        plain: list[dict[str, Any]] = json.loads(json.dumps([asdict(each) for each in self.sections], default=str))
        return plain


def plan_scheme(
    viewer: Viewer, document: SchemeDocument, effective_on: date, demand: Demand | None = None
) -> SchemePlanned:
    """Computes what applying a scheme from a day would change against what is live.

    The evaluation does not count as one of those in a row that hysteresis waits for. ``demand`` is taken where a load
    would find the same.
    """
    found = evaluate_scheme(viewer, document, effective_on, repeat=True, basis=Basis(lake.manifest(viewer), demand))
    standing = _assigned(viewer, found)
    changed = _changed(found, standing)
    live = live_document(viewer)
    change = _change(viewer, found, standing, effective_on, live)
    supports = _touched(viewer, change)
    return SchemePlanned(
        effective_on=effective_on,
        fingerprint=plan_fingerprint(viewer, document, effective_on, found.manifest),
        found=found,
        moves=_moves(changed.moves),
        new_cells=changed.moves.filter(pl.col("from").is_null()).height,
        matrix=changed.matrix,
        segments=changed.segments,
        supports=supports,
        sections=(_people_section(supports), *impact_sections(viewer, change)),
        warnings=(*found.warnings, *_grain_warning(document, live)),
    )


def moves_of(viewer: Viewer, found: SchemeEvaluation) -> pl.DataFrame:
    """The moves alone that :func:`plan_scheme` tells of."""
    return _moves(_changed(found, _assigned(viewer, found)).moves)


def _assigned(viewer: Viewer, found: SchemeEvaluation) -> pl.DataFrame:
    """CELL, segment: where every cell is that has a place."""
    current = lake.facts(viewer, "assignment", found.manifest).filter(pl.col("valid_to").is_null())
    return current.select(*CELL, "segment").collect()


def _changed(found: SchemeEvaluation, standing: pl.DataFrame) -> Difference:
    after = found.evaluation.cells.select(*CELL, "segment", "reason", "rule")
    values = found.cells.select(*CELL, *(pl.col(name).fill_null(0.0) for name in _VALUES))
    # Cells that left the facts keep their place; only cells there are can be moved.
    return difference(standing.join(after.select(CELL), on=CELL, how="semi"), after, values)


def _moves(changed: pl.DataFrame) -> pl.DataFrame:
    stays = pl.col("reason").is_in([Reason.KEPT.value, Reason.HELD.value])
    reason = pl.when(stays).then(pl.lit(PIN_ENDED)).otherwise("reason")
    return (
        changed.filter(pl.col("from").is_not_null())
        .with_columns(reason=pl.concat_str(reason, pl.lit(": "), "rule"))
        .select(*CELL, pl.col("from").alias("from_segment"), pl.col("to").alias("to_segment"), "reason", *_VALUES)
    )


def _grain_warning(document: SchemeDocument, live: SchemeDocument | None) -> tuple[str, ...]:
    if live is None or set(live.grain) == set(document.grain):
        return ()
    was, now = ", ".join(live.grain), ", ".join(document.grain)
    return (
        f"The grain changes from {was} to {now}: every cell counts as new, its first assignment reaches back, and "
        "mixes of past months are computed again. Signed scores and settlements stay.",
    )


def _change(
    viewer: Viewer, found: SchemeEvaluation, standing: pl.DataFrame, effective_on: date, live: SchemeDocument | None
) -> SchemeChange:
    """Which suppliers would begin or cease to serve a segment, and what becomes of segments and policies.

    Shares before and after come from the same demand and the same day, so that only the scheme tells them apart.
    """
    document = found.document
    old = {s.code: s for s in live.segments} if live else {}
    new = {s.code: s for s in document.segments}
    shares = _shares(viewer, found, standing, effective_on)
    least = [_least_share(live).items() if live else (), _least_share(document).items()]
    reached = [
        rows.join(pl.DataFrame(list(limits), schema={"segment": pl.String, "least": pl.Float64}, orient="row"),
                  on="segment", how="left").with_columns(serves=pl.col("share") >= pl.col("least").fill_null(2.0))
        for rows, limits in zip(shares, least, strict=True)
    ]  # fmt: skip
    both = (
        reached[0]
        .join(reached[1], on=["supplier", "segment"], how="full", coalesce=True, suffix="_after")
        .with_columns(pl.col("share", "share_after").fill_null(0.0), pl.col("serves", "serves_after").fill_null(False))
        .filter(pl.col("serves") != pl.col("serves_after"))
        .sort("supplier", "segment")
    )
    companies = {c.code: c for c in directory.suppliers(viewer)}
    standing_now = _standing(viewer)
    crossing = [
        _support_change(companies[row["supplier"]], row)
        for row in both.iter_rows(named=True)
        if row["supplier"] in companies
    ]
    return SchemeChange(
        effective_on=effective_on,
        segments_added=tuple(code for code in new if code not in old),
        segments_removed=tuple(code for code in old if code not in new),
        policies_changed=tuple(c for c in new if c in old and new[c].policy != old[c].policy),
        supports=tuple(each for each in crossing if _changes(each, standing_now)),
        depths=document.depths(found.selection.iter_rows(named=True)),
    )


def _shares(
    viewer: Viewer, found: SchemeEvaluation, standing: pl.DataFrame, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What each supplier works for by the standing assignments and by those of the evaluation."""

    def of(cells: pl.DataFrame) -> pl.DataFrame:
        return supplier_shares(viewer, mix_on(viewer, found.demand, cells, on, found.manifest), on, found.manifest)

    wanted = found.assignments().select(*CELL, "segment")
    after = of(wanted)
    if standing.is_empty():
        # Before the first scheme everything is common, and nothing of that begins or ends.
        return after.clear(), after
    return (after if standing.sort(CELL).equals(wanted.sort(CELL)) else of(standing)), after


def _standing(viewer: Viewer) -> dict[tuple[UUID, str], SupportState]:
    """(supplier, segment) → the state of the support that stands today."""
    codes = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    return {
        (support.supplier, codes[support.segment]): support.state
        for support in directory.supports(viewer)
        if support.state is not SupportState.ENDED
    }


def _changes(change: SupportChange, standing: dict[tuple[UUID, str], SupportState]) -> bool:
    """Whether anything begins or ends: what is confirmed does not begin, and what does not stand does not end."""
    state = standing.get((change.supplier, change.segment))
    return state is not SupportState.CONFIRMED if change.begins else state is not None


def _support_change(company: CompanyRecord, row: dict[str, Any]) -> SupportChange:
    return SupportChange(
        company.id, company.name, row["segment"], row["serves_after"], row["share"], row["share_after"]
    )


def _least_share(document: SchemeDocument) -> dict[str, float]:
    """From which share a supplier serves each segment."""
    return {
        segment.code: read_facet(Attribution, segment.policy.get(Attribution.name)).support_share
        for segment in document.segments
    }


def _touched(viewer: Viewer, change: SchemeChange) -> tuple[dict[str, Any], ...]:
    """The supports a plan begins or ends, whether they stand today, and how many people sign in for the supplier."""
    standing = _standing(viewer)
    people = Counter(person.company for person in directory.people(viewer) if person.active)
    return tuple(
        {
            "supplier": str(each.supplier), "supplier_name": each.supplier_name, "segment": each.segment,
            "begins": each.begins, "share_before": each.share_before, "share_after": each.share_after,
            "standing": str(standing.get((each.supplier, each.segment), "")), "people": people[each.supplier],
        }
        for each in change.supports
    )  # fmt: skip


def _people_section(supports: tuple[dict[str, Any], ...]) -> ImpactSection:
    """Whose access changes: suppliers that gain a segment once confirmed, or whose support is to be ended."""
    gain = {row["supplier"] for row in supports if row["begins"]}
    lose = {row["supplier"] for row in supports if not row["begins"] and row["standing"] == SupportState.CONFIRMED}
    people = {row["supplier"]: row["people"] for row in supports if row["supplier"] in gain | lose}
    headline = (
        f"{len(gain)} suppliers gain access to a segment, {len(lose)} lose it; {sum(people.values())} of their people "
        "see it at once"
        if gain or lose
        else "No supplier gains or loses a segment"
    )
    return ImpactSection("Suppliers and people", headline, len(gain | lose), supports)
