"""Evaluates a scheme on the facts, and says what applying it would change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from tierwise.directory import queries as directory
from tierwise.directory.ports import ImpactSection, SchemeChange, SupportChange, impact_sections
from tierwise.engine.costing import cell_margins
from tierwise.engine.demand import DemandParams, measure_demand, whole_buckets
from tierwise.engine.scheme import (
    Coverage,
    CoverageParams,
    Evaluation,
    Reason,
    SelectionParams,
    coverage,
    difference,
    evaluate,
    select_collaboration,
)
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import Demand, load_demand
from tierwise.modules.segmentation.queries.mix import mix_on, supplier_shares
from tierwise.modules.segmentation.queries.schemes import live_document, pins, plan_fingerprint
from tierwise.modules.segmentation.records import CELL, SchemeDocument

_VALUES = ("revenue", "profit", "units")


@dataclass(frozen=True)
class SchemeEvaluation:
    """A scheme evaluated on one day's facts.

    ``metrics``: one row per demand cell with everything rules may name. ``cells``: the rows of the lake's table
    ``cell``. ``selection``: which segments get collaboration within the hours, with reasons.
    """

    on: date
    manifest: ManifestRecord
    document: SchemeDocument
    demand: Demand = field(repr=False)
    metrics: pl.DataFrame = field(repr=False)
    evaluation: Evaluation = field(repr=False)
    cells: pl.DataFrame = field(repr=False)
    selection: pl.DataFrame = field(repr=False)
    pools: pl.DataFrame = field(repr=False)
    warnings: tuple[str, ...] = ()

    def assignments(self) -> pl.DataFrame:
        """CELL, segment, rule, numbers."""
        return self.evaluation.assignments()

    def cells_unmoved(self, assignments: pl.DataFrame) -> pl.DataFrame:
        """The evaluation as a cycle keeps it: cells that would move stay where they are and remember where they would
        go, so that the next evaluation finds them as they were."""
        held = assignments.filter(pl.col("valid_to").is_null()).select(*CELL, pl.col("segment").alias("_held"))
        moves = (
            pl.col("_held").is_not_null() & (pl.col("_held") != pl.col("decided")) & (pl.col("reason") != Reason.PINNED)
        )
        enough = pl.lit(self.document.hysteresis.consecutive, pl.Int64)
        return (
            self.cells.join(held, on=CELL, how="left")
            .with_columns(
                streak=pl.when(moves).then(enough).otherwise("streak"),
                streak_segment=pl.when(moves).then("decided").otherwise("streak_segment"),
                decided=pl.when(moves).then("_held").otherwise("decided"),
            )
            .drop("_held")
        )


def evaluate_scheme(
    viewer: Viewer, document: SchemeDocument, on: date, *, repeat: bool = False, at: ManifestRecord | None = None
) -> SchemeEvaluation:
    """Measures every demand cell before a day and asks the scheme where it belongs.

    ``repeat`` evaluates from the state before the latest evaluation, so that looking at a plan any number of times
    does not count as evaluations in a row.
    """
    at = at or lake.manifest(viewer)
    demand = load_demand(viewer, document, on, at)
    metrics, pools = _metrics(demand, document, on)
    state = _state(lake.facts(viewer, "cell", at).collect(), repeat)
    evaluation = evaluate(metrics, document.params(), state, pins(viewer), on)
    cells = _cell_rows(evaluation, metrics)
    selection = _select(document, evaluation, metrics)
    warnings = tuple(f"{count} demand lines have {why}" for why, count in demand.unconverted.items())
    return SchemeEvaluation(on, at, document, demand, metrics, evaluation, cells, selection, pools, warnings)


def _window(document: SchemeDocument, on: date) -> tuple[date, date]:
    """Whole buckets of the scheme's window before a day."""
    months = on.year * 12 + on.month - 1 - document.window_months
    first = date(months // 12, months % 12 + 1, 1)
    return whole_buckets(first, on - timedelta(days=1), document.bucket)


def _metrics(demand: Demand, document: SchemeDocument, on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    start, end = _window(document, on)
    lines = demand.lines
    inside = lines.filter(pl.col("ordered_on").is_between(start, end))
    acts = demand.activities.filter(pl.col("done_on").is_between(start, end)).drop("done_on")
    costing = cell_margins(inside, document.costing(), acts)
    params = DemandParams(start, end, document.bucket, CELL)
    pattern = measure_demand(lines, params, demand.launches if "item" in document.grain else None)
    every = lines.select(CELL).unique(maintain_order=True)
    zeros = [name for name in ("net_revenue", "volume", "order_lines") if name in costing.cells.columns]
    metrics = (
        every.join(pattern.drop("lines"), on=CELL, how="left")
        .join(costing.cells, on=CELL, how="left")
        .with_columns(pl.col(name).fill_null(0) for name in zeros)
        .join(demand.items.select("item", "category", "family", "business_unit", "launched_on", "ends_on"),
              on="item", how="left")
        .join(_service(demand), on="customer_group", how="left")
        .with_columns(
            months_since_launch=_months(pl.lit(on) - pl.col("launched_on")),
            months_to_end=_months(pl.col("ends_on") - pl.lit(on)),
            enough_history=pl.col("enough_history").fill_null(False),
            demand_class=pl.col("demand_class").fill_null("?"),
            category=pl.col("category").fill_null(""), family=pl.col("family").fill_null(""),
            business_unit=pl.col("business_unit").fill_null(""),
        )
        .sort(CELL)
    )  # fmt: skip
    return metrics, costing.pools


def _months(days: pl.Expr) -> pl.Expr:
    return days.dt.total_days() / (365.2425 / 12)


def _service(demand: Demand) -> pl.DataFrame:
    """The strictest service requirement among the customers of each group."""
    return demand.customers.group_by("customer_group").agg(pl.col("service_requirement").max())


def _state(cells: pl.DataFrame, repeat: bool) -> pl.DataFrame | None:
    if cells.is_empty():
        return None
    state = cells.select(*CELL, pl.col("decided").alias("segment"), "streak", "streak_segment")
    if not repeat:
        return state
    # A cell that moved in the latest evaluation shows its streak ended; it simply stays where it is.
    return state.with_columns(pl.when(pl.col("streak") > 0).then(pl.col("streak") - 1).otherwise(0).alias("streak"))


def _cell_rows(evaluation: Evaluation, metrics: pl.DataFrame) -> pl.DataFrame:
    labels = [cut for cut in evaluation.cells.columns if f"{cut}_boundary" in evaluation.cells.columns]
    packed = pl.struct(labels).struct.json_encode() if labels else pl.lit("{}")
    numbers = metrics.select(
        *CELL, revenue=pl.col("net_revenue"), profit=pl.col("net_margin"), units=pl.col("volume").cast(pl.Float64),
        lines=pl.col("order_lines").cast(pl.Int64), lines_per_month="lines_per_month", cv="cv",
        demand_class="demand_class", cost_basis="cost_basis",
    )  # fmt: skip
    return evaluation.cells.select(
        *CELL, "decided", "proposed", "rule", "reason", "boundary", "streak", "streak_segment",
        packed.alias("labels"), pl.col("numbers").struct.json_encode(),
    ).join(numbers, on=CELL, how="left")  # fmt: skip


def _select(document: SchemeDocument, evaluation: Evaluation, metrics: pl.DataFrame) -> pl.DataFrame:
    """Within the hours both sides have, the segments whose collaboration is worth most."""
    worth = (
        evaluation.cells.select(*CELL, "segment")
        .join(metrics.select(*CELL, "net_margin", "volume"), on=CELL)
        .group_by("segment")
        .agg(pl.col("net_margin").sum().alias("value"), pl.col("volume").sum().alias("volume"))
    )
    wanted = pl.DataFrame(
        [(s.code, s.effort_hours, s.partner_hours) for s in document.segments if s.collaborate != "none"],
        schema={"code": pl.String, "effort_hours": pl.Float64, "partner_hours": pl.Float64}, orient="row",
    )  # fmt: skip
    candidates = wanted.join(worth, left_on="code", right_on="segment", how="left").with_columns(
        pl.col("value", "volume").fill_null(0.0)
    )
    if candidates.is_empty():
        return candidates.with_columns(picked=pl.lit(False), reason=pl.lit(""))
    limits = SelectionParams(**document.collaboration.model_dump())
    return select_collaboration(candidates, limits).candidates


def coverage_of(found: SchemeEvaluation, threshold: str) -> Coverage:
    """Profit, volume and count that a threshold covers wherever it is put, exact at its cuts."""
    cut = next(each for each in found.document.thresholds if each.name == threshold)
    cuts = found.evaluation.cuts.filter(pl.col("threshold") == threshold)["cut"].drop_nulls().unique().sort()
    params = CoverageParams(tuple(cuts.to_list()), cut.direction == "descending")
    measures = found.metrics.select(
        *{*CELL, cut.metric}, profit=pl.col("net_margin"), units=pl.col("volume").cast(pl.Float64),
        revenue=pl.col("net_revenue"),
    )  # fmt: skip
    return coverage(measures, cut.metric, _VALUES, params)


@dataclass(frozen=True)
class SchemePlanned:
    """What applying a document on a day would change, and the fingerprint that apply asks for."""

    effective_on: date
    fingerprint: str
    found: SchemeEvaluation = field(repr=False)
    moves: pl.DataFrame = field(repr=False)
    new_cells: int
    matrix: pl.DataFrame = field(repr=False)
    segments: pl.DataFrame = field(repr=False)
    sections: tuple[ImpactSection, ...]

    @property
    def summary(self) -> dict[str, Any]:
        moved = {f"{name}_moved": float(self.moves[name].abs().sum()) for name in _VALUES}
        return {
            "moves": self.moves.height, "new_cells": self.new_cells, **moved,
            "currency": self.found.document.currency,
            "held": int(self.found.evaluation.cells["held"].sum()),
            "pinned": int(self.found.evaluation.cells["pinned"].sum()),
            "boundary": int(self.found.evaluation.cells["boundary"].sum()),
            "matrix": self.matrix.to_dicts(),
            "segments": self.segments.to_dicts(),
            "selection": self.found.selection.to_dicts(),
            "pools": self.found.pools.to_dicts(),
            "warnings": list(self.found.warnings),
        }  # fmt: skip

    def sections_as_json(self) -> list[dict[str, Any]]:
        return [
            asdict(section) | {"money": str(section.money) if section.money is not None else None}
            for section in self.sections
        ]


def plan_scheme(
    viewer: Viewer, document: SchemeDocument, effective_on: date, found: SchemeEvaluation | None = None
) -> SchemePlanned:
    """Computes what applying a scheme would change against what is live: members, money, suppliers, other modules."""
    found = found or evaluate_scheme(viewer, document, effective_on, repeat=True)
    before = (
        lake.facts(viewer, "assignment", found.manifest)
        .filter(pl.col("valid_to").is_null())
        .select(*CELL, "segment")
        .collect()
    )
    after = found.evaluation.cells.select(*CELL, "segment", "reason", "rule")
    values = found.cells.select(*CELL, *(pl.col(name).fill_null(0.0) for name in _VALUES))
    # Cells that left the facts keep their place; only cells there are can be moved.
    standing = before.join(after.select(CELL), on=CELL, how="semi")
    changed = difference(standing, after, values)
    moved = changed.moves.filter(pl.col("from").is_not_null()).with_columns(
        reason=pl.concat_str("reason", pl.lit(": "), "rule")
    )
    change = _change(viewer, found, effective_on)
    return SchemePlanned(
        effective_on=effective_on,
        fingerprint=plan_fingerprint(viewer, document, effective_on, found.manifest),
        found=found,
        moves=moved.select(*CELL, pl.col("from").alias("from_segment"), pl.col("to").alias("to_segment"), "reason",
                           *_VALUES),
        new_cells=changed.moves.filter(pl.col("from").is_null()).height,
        matrix=changed.matrix,
        segments=changed.segments,
        sections=tuple(impact_sections(viewer, change)),
    )  # fmt: skip


def _change(viewer: Viewer, found: SchemeEvaluation, effective_on: date) -> SchemeChange:
    """Which suppliers would begin or cease to serve a segment, and what becomes of segments and policies."""
    document, at = found.document, found.manifest
    live = live_document(viewer)
    old = {s.code: s for s in live.segments} if live else {}
    new = {s.code: s for s in document.segments}
    mix_after = mix_on(viewer, found.demand, found.assignments(), effective_on, at)
    after = supplier_shares(viewer, mix_after, effective_on, at)
    before = supplier_shares(viewer, lake.facts(viewer, "mix", at).collect(), effective_on, at)
    policy = directory.policy(viewer, "attribution")
    least = min((values.get("support_share", 0.05) for values in policy.values()), default=0.05)
    both = before.join(after, on=["supplier", "segment"], how="full", coalesce=True, suffix="_after").with_columns(
        pl.col("share", "share_after").fill_null(0.0)
    )
    crossing = both.filter((pl.col("share") >= least) != (pl.col("share_after") >= least))
    companies = {c.code: c for c in directory.suppliers(viewer)}
    return SchemeChange(
        effective_on=effective_on,
        segments_added=tuple(code for code in new if code not in old),
        segments_removed=tuple(code for code in old if code not in new),
        policies_changed=tuple(c for c in new if c in old and new[c].policy != old[c].policy),
        supports=tuple(
            SupportChange(
                companies[row["supplier"]].id, companies[row["supplier"]].name, row["segment"],
                row["share_after"] >= least, row["share"], row["share_after"],
            )
            for row in crossing.sort("supplier", "segment").iter_rows(named=True)
            if row["supplier"] in companies
        ),
    )  # fmt: skip
