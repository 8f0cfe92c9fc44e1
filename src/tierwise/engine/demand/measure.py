"""From demand lines to one row of measures per demand cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from tierwise.engine.demand.cells import DemandParams, bucket_expr, bucket_number, check_lines
from tierwise.engine.demand.pattern import CLASSES, SEASONS, DemandSeries, Pattern, measure_patterns

_NEEDED = ("ordered_on", "kind", "quantity")


class CellSeries(NamedTuple):
    """Cells (grain columns, first_bucket, lines), sorted by grain, and their series in the same order."""

    cells: pl.DataFrame
    series: DemandSeries


def demand_series(
    lines: pl.DataFrame | pl.LazyFrame, params: DemandParams, launches: pl.DataFrame | None = None
) -> CellSeries:
    """Bucketed orders and returns of every cell, from the cell's beginning to the window's end.

    A cell begins with its first line or, where earlier, with the launch in ``launches`` (some of the grain columns and
    ``launched_on``); lines before the window count only to say that the cell was already there, later ones not at all.
    Raises ValueError for missing columns, empty keys, negative quantities and unknown kinds.
    """
    checked, key = check_lines(lines.lazy(), params.grain, _NEEDED)
    first = bucket_number(params.window_from, params.bucket)
    is_order = pl.col("kind") == "order"
    quantity = pl.col("quantity").cast(pl.Float64)
    moved = (
        checked.filter(pl.col("ordered_on") <= params.window_to)
        .select(
            "key",
            (bucket_expr("ordered_on", params.bucket) - first).clip(lower_bound=-1).cast(pl.Int64).alias("at"),
            pl.when(is_order).then(quantity).otherwise(0.0).alias("ordered"),
            pl.when(is_order).then(0.0).otherwise(quantity).alias("returned"),
            is_order.cast(pl.Int64).alias("lines"),
        )
        .group_by("key", "at")
        .sum()
        .collect(engine="streaming")
        .sort("key", "at")
    )
    inside = pl.col("at") >= 0
    cells = moved.group_by("key", maintain_order=True).agg(
        pl.col("at").first().clip(lower_bound=0).alias("start"),
        (pl.col("lines") * inside).sum().alias("lines"),
        inside.sum().cast(pl.Int64).alias("movements"),
    )
    cells = key.decode(cells["key"]).with_columns(cells.drop("key"))
    if launches is not None:
        cells = _begin_at_launch(cells, launches, params)
    moved = moved.filter(inside)
    series = DemandSeries(
        buckets=params.buckets,
        start=cells["start"].to_numpy(),
        offsets=np.concatenate([[0], cells["movements"].cum_sum().to_numpy()]).astype(np.int64),
        at=moved["at"].to_numpy(),
        ordered=moved["ordered"].to_numpy(),
        returned=moved["returned"].to_numpy(),
    )
    return CellSeries(cells.select(*params.grain, pl.col("start").alias("first_bucket"), "lines"), series)


def _begin_at_launch(cells: pl.DataFrame, launches: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    keys = [name for name in params.grain if name in launches.columns]
    if not keys or "launched_on" not in launches.columns:
        raise ValueError("launches: needs launched_on and at least one of the grain columns")
    if launches.select(keys).is_duplicated().any():
        raise ValueError(f"launches: several rows for one {', '.join(keys)}; keep the earliest launch")
    last = params.buckets - 1
    number = (bucket_expr("launched_on", params.bucket) - bucket_number(params.window_from, params.bucket)).clip(
        0, last
    )
    dated = launches.filter(pl.col("launched_on").is_not_null()).select(*keys, number.cast(pl.Int64).alias("launch"))
    joined = cells.join(dated, on=keys, how="left", maintain_order="left")
    return joined.with_columns(pl.min_horizontal("start", "launch").alias("start")).drop("launch")


def measure_demand(
    lines: pl.DataFrame | pl.LazyFrame, params: DemandParams, launches: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row per demand cell, sorted by grain: how regular, variable, seasonal and frequent its demand is.

    ``lines``: grain columns, ``ordered_on`` (Date), ``kind`` ('order', 'return'), ``quantity`` (base units, positive).
    Result, beside the grain: ``buckets`` and ``nonzero`` (counts), ``demand`` (net base units in the window),
    ``unmatched_returns``, ``adi``, ``cv2_population``, ``cv2_sample``, ``demand_class`` (smooth, erratic, intermittent,
    lumpy), ``cv_raw``, ``cv`` with ``season`` (none, multiplicative, additive) and ``season_p``, ``lines`` (orders),
    ``lines_per_month`` (the measure behind fast/medium/rare), ``enough_history``. What is undefined is null: a cell
    without net demand in the window has no ADI, CV or class. Empty input gives an empty frame.
    Formulas and sources: `measure_patterns`.
    """
    cells, series = demand_series(lines, params, launches)
    pattern = measure_patterns(series, params)
    months = pl.Series(pattern.buckets * params.months_per_bucket)
    enough = (pattern.buckets >= params.min_buckets) & (pattern.nonzero >= params.min_nonzero)
    return cells.select(
        *params.grain, *_pattern_columns(pattern), "lines", (pl.col("lines") / months).alias("lines_per_month")
    ).with_columns(pl.Series("enough_history", enough, dtype=pl.Boolean))


def _pattern_columns(pattern: Pattern) -> list[pl.Series]:
    columns = [pl.Series(name, getattr(pattern, name), dtype=pl.Int64) for name in ("buckets", "nonzero")]
    ratios = ("demand", "unmatched_returns", "adi", "cv2_population", "cv2_sample", "cv_raw", "cv", "season_p")
    columns += [pl.Series(name, getattr(pattern, name), dtype=pl.Float64).fill_nan(None) for name in ratios]
    classes = pl.Series(CLASSES).gather(pl.Series(np.where(pattern.demand_class < 0, 0, pattern.demand_class)))
    known = pl.Series(pattern.demand_class >= 0, dtype=pl.Boolean)
    columns.append(classes.to_frame("demand_class").select(pl.when(known).then("demand_class")).to_series())
    columns.append(pl.Series(SEASONS).gather(pl.Series(pattern.season)).alias("season"))
    return columns
