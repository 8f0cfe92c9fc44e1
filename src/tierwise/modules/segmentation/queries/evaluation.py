"""Evaluates a scheme on the facts: what every demand cell is worth and where the rules put it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from tierwise.engine.demand import DemandParams, measure_demand, whole_buckets
from tierwise.engine.demand.costing import cell_margins
from tierwise.engine.scheme import (
    Coverage,
    CoverageParams,
    Evaluation,
    SelectionParams,
    coverage,
    evaluate,
    select_collaboration,
)
from tierwise.kernel.audit import Invalid
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import Demand, load_demand
from tierwise.modules.segmentation.queries.schemes import pins
from tierwise.modules.segmentation.records import CELL, SchemeDocument

_VALUES = ("revenue", "profit", "units")
_ZEROS = ("net_revenue", "volume", "order_lines", "gross_margin", "cost_to_serve", "net_margin")
_LATE_DAYS = 31
"""Demand older than a month is worth a warning: schemes are evaluated monthly."""


@dataclass(frozen=True)
class SchemeEvaluation:
    """A scheme evaluated for a day, on the facts known before it.

    ``until``: the day after the last bucket with demand, at most ``on``; windows end there. ``before``: where cells
    were and how often in a row they had qualified elsewhere. ``metrics``: one row per demand cell with everything rules
    may name.
    ``cells``: the rows of the lake's table ``cell``. ``selection``: which segments get collaboration within the hours,
    with reasons. ``pools``: use of the cost pools.
    """

    on: date
    until: date
    manifest: ManifestRecord
    document: SchemeDocument
    demand: Demand = field(repr=False)
    metrics: pl.DataFrame = field(repr=False)
    before: pl.DataFrame | None = field(repr=False)
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
        go and for how long, so that the next evaluation finds them as they were."""
        held = assignments.filter(pl.col("valid_to").is_null()).select(CELL)
        before = _NOWHERE if self.before is None else self.before
        known = before.join(held, on=CELL, how="semi").select(
            *CELL, _was="segment", _streak="streak", _streak_segment="streak_segment"
        )
        moves = pl.col("_was").is_not_null() & (pl.col("_was") != pl.col("decided"))
        again = pl.col("_streak_segment").eq_missing(pl.col("decided"))
        return (
            self.cells.join(known, on=CELL, how="left")
            .with_columns(
                streak=pl.when(moves).then(pl.when(again).then("_streak").otherwise(0) + 1).otherwise("streak"),
                streak_segment=pl.when(moves).then("decided").otherwise("streak_segment"),
                decided=pl.when(moves).then("_was").otherwise("decided"),
            )
            .drop("_was", "_streak", "_streak_segment")
        )


_NOWHERE = pl.DataFrame(schema={**dict.fromkeys((*CELL, "segment", "streak_segment"), pl.String), "streak": pl.Int64})


@dataclass(frozen=True, slots=True)
class Basis:
    """What an evaluation reads: a manifest, and demand already read, taken where a load would find the same."""

    at: ManifestRecord
    demand: Demand | None = None


def evaluate_scheme(
    viewer: Viewer, document: SchemeDocument, on: date, *, repeat: bool = False, basis: Basis | None = None
) -> SchemeEvaluation:
    """Measures every demand cell before a day and asks the scheme where it belongs.

    ``repeat`` evaluates from the state before the latest evaluation, so that looking at a plan any number of times
    does not count as evaluations in a row. Without a ``basis`` the newest manifest is read.
    """
    basis = basis or Basis(lake.manifest(viewer))
    at, demand = basis.at, basis.demand
    if demand is None or not demand.serves(document, on, at):
        demand = load_demand(viewer, document, on, at)
    until = _facts_end(demand, document, on)
    try:
        metrics, pools = _metrics(demand, document, on, until)
        before = _state(lake.facts(viewer, "cell", at).collect(), repeat)
        fixed, strange = _usable(pins(viewer), document)
        evaluation = evaluate(metrics, document.params(), before, fixed, on)
    except ValueError as error:
        raise Invalid("scheme", f"The scheme cannot be evaluated on these facts: {error}") from error
    selection, unmet = _select(document, evaluation, metrics)
    lost = (f"{count:,} demand lines have {why}." for why, count in demand.unconverted.items())
    warnings = (*_stale(on, until), *lost, *strange, *unmet)
    cells = _cell_rows(evaluation, metrics)
    return SchemeEvaluation(
        on, until, at, document, demand, metrics, before, evaluation, cells, selection, pools, warnings
    )


def _facts_end(demand: Demand, document: SchemeDocument, on: date) -> date:
    """The day after the last bucket with demand: a window that ran on would count days not known as no demand."""
    last = demand.lines["ordered_on"].max()
    if not isinstance(last, date):
        return on
    monday = last + timedelta(days=7 - last.weekday())
    following = monday if document.bucket == "week" else (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    return min(on, following)


def _stale(on: date, until: date) -> tuple[str, ...]:
    if (on - until).days <= _LATE_DAYS:
        return ()
    return (f"No demand is known after {until - timedelta(days=1)}; cells are measured on what lies before.",)


def _usable(fixed: pl.DataFrame, document: SchemeDocument) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Pins to segments the document has; the others cannot hold and are told."""
    known = [segment.code for segment in document.segments]
    lost = fixed.filter(~pl.col("segment").is_in(known))
    if lost.is_empty():
        return fixed, ()
    names = ", ".join(sorted(set(lost["segment"])))
    return fixed.filter(pl.col("segment").is_in(known)), (
        f"{lost.height} pins name segments that this scheme does not have ({names}); their cells go by the rules.",
    )


def _window(document: SchemeDocument, until: date) -> tuple[date, date]:
    """Whole buckets of the scheme's window before a day."""
    months = until.year * 12 + until.month - 1 - document.window_months
    first = date(months // 12, months % 12 + 1, 1)
    return whole_buckets(first, until - timedelta(days=1), document.bucket)


def _metrics(demand: Demand, document: SchemeDocument, on: date, until: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    start, end = _window(document, until)
    lines = demand.coded
    acts = demand.activities.filter(pl.col("done_on").is_between(start, end)).drop("done_on")
    costing = cell_margins(lines.within(start, end), document.costing(), acts)
    params = DemandParams(start, end, document.bucket, CELL)
    pattern = measure_demand(lines, params, demand.launches if "item" in document.grain else None)
    metrics = (
        lines.cells.join(pattern.drop("lines"), on=CELL, how="left")
        .join(costing.cells, on=CELL, how="left")
        # A cell without lines in the window earned nothing; one whose costs are unknown stays unknown.
        .with_columns(pl.when(pl.col("cost_basis").is_null()).then(0.0).otherwise(name).alias(name) for name in _ZEROS)
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


_CANDIDATES = {
    "code": pl.String, "level": pl.String, "effort_hours": pl.Float64, "partner_hours": pl.Float64, "worth": pl.Float64,
}  # fmt: skip


def _select(
    document: SchemeDocument, evaluation: Evaluation, metrics: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Within the hours both sides have, the segments whose collaboration is worth most, and how deep each."""
    worth = (
        evaluation.cells.select(*CELL, "segment")
        .join(metrics.select(*CELL, "net_margin", "volume", "service_requirement"), on=CELL)
        .group_by("segment")
        .agg(
            pl.col("net_margin").sum().alias("value"),
            pl.col("volume").sum().alias("volume"),
            (pl.col("volume") * pl.col("service_requirement")).sum().alias("service"),
        )
    )
    wanted = pl.DataFrame(document.candidates(), schema=_CANDIDATES, orient="row")
    candidates = (
        wanted.join(worth, left_on="code", right_on="segment", how="left")
        .with_columns(pl.col("value", "volume", "service").fill_null(0.0))
        .with_columns(value=pl.when(pl.col("value") > 0).then(pl.col("value") * pl.col("worth")).otherwise("value"))
        .drop("worth")
    )
    if candidates.is_empty():
        return candidates.with_columns(picked=pl.lit(False), reason=pl.lit("")), ()
    try:
        limits = SelectionParams(**document.collaboration.model_dump(exclude={"standard"}))
        return select_collaboration(candidates, limits).candidates, ()
    except ValueError as error:
        none = candidates.with_columns(picked=pl.lit(False), reason=pl.lit("no_pick"))
        return none, (f"No segment is picked for collaboration: {error}.",)


def coverage_of(found: SchemeEvaluation, threshold: str) -> Coverage:
    """Profit, volume and count that a threshold covers wherever it is put, exact at its cuts."""
    cut = next(each for each in found.document.thresholds if each.name == threshold)
    cuts = found.evaluation.cuts.filter(pl.col("threshold") == threshold)["cut"].drop_nulls().unique().sort()
    params = CoverageParams(tuple(cuts.to_list()), cut.direction == "descending")
    measures = found.metrics.select(
        *{*CELL, cut.metric}, profit=pl.col("net_margin"), units=pl.col("volume").cast(pl.Float64),
        revenue=pl.col("net_revenue"),
    )  # fmt: skip
    return coverage(measures, cut.metric, (cut.metric, *_VALUES), params)
