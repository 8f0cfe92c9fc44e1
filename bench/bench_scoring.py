"""How long judging and measuring purchase lines takes, beside the bare group-by that a toy scorecard would run.

    python bench/bench_scoring.py [lines]

Lines, receipts (one in eight lines split, one in fifty never delivered), rejects, revisions (one in twenty lines) and
two segments a line are made from a fixed seed. The bare query joins receipts to lines, compares two dates and groups by
supplier and month: no windows, partials, revisions, exclusions, segments, intervals. Peak memory is that of the
process.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from tierwise.engine.scoring import OtifParams, Period, judge_lines, measures

AS_OF = date(2026, 1, 31)


def facts(count: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Purchase lines with revisions, receipts, rejects and segment weights."""
    rng = np.random.default_rng(20250101)
    ordered = np.datetime64("2024-01-01") + rng.integers(0, 700, count).astype("timedelta64[D]")
    due = ordered + rng.integers(10, 60, count).astype("timedelta64[D]")
    index = pl.int_range(count, eager=True)
    lines = pl.DataFrame(
        {
            "order": pl.select(pl.format("PO{}", index // 5)).to_series(),
            "line": (index % 5).cast(pl.String),
            "revision": pl.zeros(count, dtype=pl.Int64, eager=True),
            "supplier": pl.Series(rng.integers(0, 2000, count)).cast(pl.String),
            "ordered_on": ordered,
            "promised_on": due,
            "confirmed_on": due,
            "requested_on": due,
            "quantity": rng.integers(1, 500, count).astype(float),
        }
    ).with_columns(pl.lit("buyer").alias("changed_by"), pl.col("ordered_on").alias("revised_on"))
    revised = lines.gather_every(20).with_columns(
        revision=pl.lit(1, dtype=pl.Int64),
        changed_by=pl.lit("supplier"),
        confirmed_on=pl.col("confirmed_on").dt.offset_by("5d"),
        revised_on=pl.col("ordered_on").dt.offset_by("3d"),
    )
    late = pl.Series(np.round(rng.normal(-2, 4, count)).astype(np.int64))
    came = lines.select(
        "order", "line", "quantity", receipt=pl.lit("1"), arrived_on=pl.col("promised_on") + pl.duration(days=late)
    ).filter(index % 50 != 7)
    split = came.gather_every(8).with_columns(
        receipt=pl.lit("2"), quantity=pl.col("quantity") / 2, arrived_on=pl.col("arrived_on").dt.offset_by("2d")
    )
    receipts = pl.concat([came, split])
    rejects = came.gather_every(15).select("order", "line", quantity=pl.col("quantity") * 0.1)
    half = lines.select("order", "line")
    weights = pl.concat([half.with_columns(segment=pl.lit(name), share=pl.lit(0.45)) for name in ("premium", "core")])
    return pl.concat([lines, revised]), receipts, rejects, weights


def bare(lines: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """Received ≤ due by supplier and month, as a spreadsheet would have it."""
    return (
        lines.lazy()
        .filter(pl.col("revision") == 0)
        .join(receipts.lazy(), on=["order", "line"], how="left")
        .group_by("supplier", pl.col("promised_on").dt.truncate("1mo"))
        .agg((pl.col("arrived_on") <= pl.col("promised_on")).mean(), pl.len())
        .collect()
    )


def timed(work: Callable[[], pl.DataFrame]) -> tuple[pl.DataFrame, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    lines, receipts, rejects, weights = facts(count)
    print(f"{count:,} lines, {len(lines):,} rows with revisions, {len(receipts):,} receipts, {peak():.2f} GiB held")
    _, plain = timed(lambda: bare(lines, receipts))
    print(f"bare group-by   {plain:7.2f} s   peak {peak():.2f} GiB")
    judged, judging = timed(lambda: judge_lines(lines, receipts, rejects, OtifParams(), AS_OF))
    print(f"judge_lines     {judging:7.2f} s   peak {peak():.2f} GiB   {judging / plain:.1f}× bare")
    _, whole = timed(lambda: measures(judged, None, Period.MONTH))
    print(f"measures        {whole:7.2f} s   peak {peak():.2f} GiB   {whole / plain:.1f}× bare")
    table, mixed = timed(lambda: measures(judged, weights, Period.MONTH))
    print(f"  two segments  {mixed:7.2f} s   peak {peak():.2f} GiB   {mixed / plain:.1f}× bare   {len(table):,} rows")
    print(f"judge + measure {judging + whole:7.2f} s   {(judging + whole) / plain:.1f}× bare")


if __name__ == "__main__":
    main()
