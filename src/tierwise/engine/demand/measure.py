"""From demand lines to one row of measures per demand cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from tierwise.engine.demand.cells import DemandParams, bucket_expr, bucket_number
from tierwise.engine.demand.coded import CodedLines, as_coded
from tierwise.engine.demand.pattern import CLASSES, SEASONS, DemandSeries, Pattern, measure_patterns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEEDED = ("ordered_on", "quantity")


class CellSeries(NamedTuple):
    """Cells (grain columns, first_bucket, lines), sorted by grain, and their series in the same order."""

    cells: pl.DataFrame
    series: DemandSeries


def demand_series(
    lines: pl.DataFrame | pl.LazyFrame | CodedLines, params: DemandParams, launches: pl.DataFrame | None = None
) -> CellSeries:
    """Bucketed orders and returns of every cell, from the cell's beginning to the window's end.

    A cell begins with its first line or, where earlier, with the launch in ``launches`` (some of the grain columns and
    ``launched_on``); lines before the window count only to say that the cell was already there, later ones not at all.
    Raises ValueError for missing columns, empty keys, negative quantities and unknown kinds.

    >>> from datetime import date
    >>> days = [date(2024, 1, 5), date(2024, 1, 9), date(2024, 3, 1)]
    >>> rows = {"item": ["A"] * 3, "ordered_on": days}
    >>> lines = pl.DataFrame(rows | {"kind": ["order"] * 3, "quantity": [5, 3, 4]})
    >>> series = demand_series(lines, DemandParams(date(2024, 1, 1), date(2024, 3, 31), grain=("item",))).series
    >>> series.buckets, series.at.tolist(), series.ordered.tolist()
    (3, [0, 2], [8.0, 4.0])
    """
    coded = as_coded(lines, params.grain, *_NEEDED)
    sums = _Sums(*_sum_buckets(coded.cell, len(coded.cells), *_read(coded, params)))
    there = pl.Series(sums.there)
    cells = coded.cells.with_columns(start=pl.Series(sums.start), lines=pl.Series(sums.lines)).filter(there)
    if launches is not None:
        cells = _begin_at_launch(cells, launches, params)
    series = DemandSeries(
        buckets=params.buckets,
        start=cells["start"].to_numpy(),
        offsets=np.concatenate([[0], np.cumsum(sums.movements[sums.there])]).astype(np.int64),
        at=sums.at,
        ordered=sums.ordered,
        returned=sums.returned,
    )
    return CellSeries(cells.select(*params.grain, pl.col("start").alias("first_bucket"), "lines"), series)


class _Sums(NamedTuple):
    """Per cell: whether it had a line by the window's end, its first bucket, order lines and movements in the window;
    per movement, cell by cell: bucket, orders and returns."""

    there: npt.NDArray[np.bool_]
    start: Ints
    lines: Ints
    movements: Ints
    at: Ints
    ordered: Floats
    returned: Floats


def _read(coded: CodedLines, params: DemandParams) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_], Floats, int]:
    """Bucket of each line (-1 before the window, its end or more after it), whether it orders, its quantity; and how
    many buckets there are."""
    days = coded.lines["ordered_on"].cast(pl.Date).to_physical()
    numbers = days.to_numpy()
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    first = bucket_number(params.window_from, params.bucket)
    every = pl.int_range(low, high + 1, dtype=pl.Int32, eager=True).cast(pl.Date).to_frame("day")
    number = every.select((bucket_expr("day", params.bucket) - first).clip(-1, params.buckets).cast(pl.Int32))
    at = number.to_series().to_numpy()[numbers - low]
    return at, coded.lines["is_order"].to_numpy(), coded.lines["quantity"].to_numpy(), params.buckets


@njit(cache=True, nogil=True)
def _sum_buckets(cell, cells, bucket, is_order, quantity, buckets):  # type: ignore[no-untyped-def]
    """Lines put in the order of their cells, then summed cell by cell over its buckets, in the order they came."""
    offsets = np.zeros(cells + 1, dtype=np.int64)
    start = np.full(cells, buckets, dtype=np.int64)
    lines = np.zeros(cells, dtype=np.int64)
    for row in range(len(cell)):
        if bucket[row] >= buckets:
            continue
        start[cell[row]] = min(start[cell[row]], max(bucket[row], 0))
        if bucket[row] >= 0:
            offsets[cell[row] + 1] += 1
            lines[cell[row]] += is_order[row]
    for index in range(cells):
        offsets[index + 1] += offsets[index]
    sorted_bucket = np.empty(offsets[cells], dtype=np.int32)
    sorted_order = np.empty(offsets[cells], dtype=np.bool_)
    sorted_quantity = np.empty(offsets[cells])
    free = offsets[:-1].copy()
    for row in range(len(cell)):
        if 0 <= bucket[row] < buckets:
            place = free[cell[row]]
            free[cell[row]] = place + 1
            sorted_bucket[place] = bucket[row]
            sorted_order[place] = is_order[row]
            sorted_quantity[place] = quantity[row]
    at = np.empty(offsets[cells], dtype=np.int64)
    ordered = np.empty(offsets[cells])
    returned = np.empty(offsets[cells])
    movements = np.zeros(cells, dtype=np.int64)
    sums = np.zeros((buckets, 2))
    touched = np.zeros(buckets, dtype=np.bool_)
    filled = 0
    for index in range(cells):
        for place in range(offsets[index], offsets[index + 1]):
            touched[sorted_bucket[place]] = True
            sums[sorted_bucket[place], 0 if sorted_order[place] else 1] += sorted_quantity[place]
        if offsets[index] == offsets[index + 1]:
            continue
        for one in range(start[index], buckets):
            if touched[one]:
                at[filled], ordered[filled], returned[filled] = one, sums[one, 0], sums[one, 1]
                filled += 1
                movements[index] += 1
                touched[one] = False
                sums[one, 0] = 0.0
                sums[one, 1] = 0.0
    there = start < buckets
    return there, start, lines, movements, at[:filled].copy(), ordered[:filled].copy(), returned[:filled].copy()


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
    lines: pl.DataFrame | pl.LazyFrame | CodedLines, params: DemandParams, launches: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row per demand cell, sorted by grain: how regular, variable, seasonal and frequent its demand is.

    ``lines``: grain columns, ``ordered_on`` (Date), ``kind`` ('order', 'return'), ``quantity`` (base units, positive);
    or the same from `code_lines`.
    Result, beside the grain: ``buckets`` and ``nonzero`` (counts), ``demand`` (net base units in the window),
    ``unmatched_returns``, ``adi``, ``cv2_population``, ``cv2_sample``, ``demand_class`` (smooth, erratic, intermittent,
    lumpy), ``cv_raw``, ``cv`` with ``season`` (none, multiplicative, additive) and ``season_p``, ``lines`` (orders),
    ``lines_per_month`` (the measure behind fast/medium/rare), ``enough_history``. What is undefined is null: a cell
    without net demand in the window has no ADI, CV or class. Empty input gives an empty frame.
    Formulas and sources: `measure_patterns`.

    The number of `measure_patterns`, from lines:

    >>> from datetime import date
    >>> days = [date(2024, month, 5) for month in (1, 3, 7, 9, 12)]
    >>> rows = {"item": ["A"] * 5, "ordered_on": days}
    >>> lines = pl.DataFrame(rows | {"kind": ["order"] * 5, "quantity": [0, 5, 8, 3, 6]})
    >>> found = measure_demand(lines, DemandParams(date(2024, 1, 1), date(2024, 12, 31), grain=("item",)))
    >>> found.select("buckets", "nonzero", "adi", pl.col("cv2_sample").round(5), "demand_class").row(0)
    (12, 4, 3.0, 0.14325, 'intermittent')
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
