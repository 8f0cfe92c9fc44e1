"""What changes between two assignments: members in and out, and the profit and volume they take along."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tierwise.engine.demand import GRAIN
from tierwise.engine.scheme.evaluate import check_cells


@dataclass(frozen=True, slots=True)
class Difference:
    """``moves``: cells whose segment changes: grain, ``from``, ``to`` (null: not there), ``reason`` and further columns
    of the later frame, and the values. ``matrix``: ``from``, ``to``, ``count`` and summed values, unchanged ones too.
    ``segments``: per segment ``before``, ``joined``, ``left``, ``after`` (counts) and per value ``<value>_joined``,
    ``<value>_left``. ``unvalued``: cells of either frame without a row of values.
    """

    moves: pl.DataFrame
    matrix: pl.DataFrame
    segments: pl.DataFrame
    unvalued: int


def difference(
    before: pl.DataFrame, after: pl.DataFrame, values: pl.DataFrame, grain: tuple[str, ...] = GRAIN
) -> Difference:
    """Compare two assignments (grain and ``segment``; the later one may carry ``reason``, ``rule``, ``numbers``).

    ``values``: grain and one numeric column per value, such as profit and volume. Cells without values count as 0.
    Sums over the matrix equal the sums over all cells; per segment before + joined − left = after.
    """
    for name, frame in (("before", before), ("after", after), ("values", values)):
        check_cells(name, frame, grain)
        if name != "values" and "segment" not in frame.columns:
            raise ValueError(f"{name}: column 'segment' is missing; pass assignments")
    names = [name for name in values.columns if name not in grain]
    clash = sorted({"from", "to", "count", "reason", "rule", "numbers", "segment"} & set(names))
    if clash:
        raise ValueError(f"values: {clash[0]!r} is a name of the result; rename the column")
    told = [name for name in ("reason", "rule", "numbers") if name in after.columns]
    both = before.select(*grain, pl.col("segment").alias("from")).join(
        after.select(*grain, pl.col("segment").alias("to"), *told), on=grain, how="full", coalesce=True
    )
    valued = values.select(*grain, *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in names), valued=True)
    joined = both.join(valued, on=grain, how="left").with_columns(pl.col(name).fill_null(0.0) for name in names)
    sums = [pl.col(name).sum() for name in names]
    count = pl.len().cast(pl.Int64).alias("count")
    matrix = joined.group_by("from", "to").agg(count, *sums).sort("from", "to")
    moved = joined.filter(pl.col("from").ne_missing(pl.col("to"))).sort(grain)
    return Difference(
        moves=moved.select(*grain, "from", "to", *told, *names),
        matrix=matrix,
        segments=_per_segment(matrix, names),
        unvalued=joined["valued"].null_count(),
    )


def _per_segment(matrix: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    measures = ["count", *names]
    moved = matrix.filter(pl.col("from").ne_missing(pl.col("to")))

    def total(frame: pl.DataFrame, side: str, ending: str) -> pl.DataFrame:
        sums = [pl.col(name).sum().alias(f"{name}_{ending}") for name in measures]
        return frame.filter(pl.col(side).is_not_null()).group_by(pl.col(side).alias("segment")).agg(sums)

    table = (
        pl.concat([matrix["from"].alias("segment"), matrix["to"].alias("segment")])
        .drop_nulls()
        .unique()
        .sort()
        .to_frame()
        .join(total(matrix, "from", "before"), on="segment", how="left", maintain_order="left")
        .join(total(moved, "to", "joined"), on="segment", how="left", maintain_order="left")
        .join(total(moved, "from", "left"), on="segment", how="left", maintain_order="left")
        .join(total(matrix, "to", "after"), on="segment", how="left", maintain_order="left")
        .fill_null(0)
    )
    endings = ("before", "joined", "left", "after")
    counts = [pl.col(f"count_{ending}").alias(ending) for ending in endings]
    return table.select("segment", *counts, *(f"{name}_{ending}" for name in names for ending in endings))
