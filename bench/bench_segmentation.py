"""Segmenting a large demand history, beside the shortest Polars script that answers a fraction of the same question.

    python bench/bench_segmentation.py --lines 2000000 --cells 100000
    python bench/bench_segmentation.py --lines 20000000 --cells 1000000

The script computes revenue less returns and cost of goods, revenue ABC, monthly CV and ADI per cell, and joins two
labels. It has no cost to serve, no season, no return matching, no rules, hysteresis, numbers or checks.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from tierwise.engine.demand import GRAIN, DemandParams, code_lines, measure_demand
from tierwise.engine.demand.costing import CostingParams, CostPool, cell_margins
from tierwise.engine.scheme import Rule, SchemeParams, SegmentSpec, Threshold, coverage, evaluate

T = TypeVar("T")

_SIZES = {"customer_group": 5, "region": 2, "channel": 2}
WINDOW = DemandParams(date(2022, 1, 1), date(2024, 12, 31))
POOLS = (
    CostPool("desk", 560_000, 700_000, {"order_line": 2, "order": 8, "complaint": 45}),
    CostPool("warehouse", 900_000, 1_500_000, {"order_line": 3, "return": 25}),
)
SCHEME = SchemeParams(
    segments=(SegmentSpec("PREMIUM", 1), SegmentSpec("CORE", 2), SegmentSpec("TAIL", 3)),
    default_segment="TAIL",
    thresholds=(
        Threshold("abc", "net_margin", "cumulative_share", (0.8, 0.95), ("A", "B", "C")),
        Threshold("xyz", "cv", "value", (0.5, 1.0), ("X", "Y", "Z"), direction="ascending", needs_history=True),
        Threshold("fmr", "lines_per_month", "value", (4.0, 0.5), ("F", "M", "R")),
    ),
    rules=(
        Rule("steady earners", "PREMIUM", {"abc": ("A",), "xyz": ("X", "Y")}),
        Rule("regular", "CORE", {"abc": ("A", "B"), "demand_class": ("smooth", "erratic")}),
        Rule("frequent", "CORE", {"fmr": ("F",), "volume": ">= 100"}),
    ),
)


def make_lines(lines: int, cells: int) -> pl.DataFrame:
    random = np.random.default_rng(42)
    cell = np.minimum((cells * random.random(lines) ** 2).astype(np.int64), cells - 1)
    quantity = np.ceil(random.gamma(2.0, 5.0, lines))
    price = 5 + (cell * 7919 % 97)
    days = random.integers(0, 1096, lines)
    named = {name: pl.Series(name, [f"{name[0]}{i}" for i in range(size)]) for name, size in _SIZES.items()}
    codes = {"item": cell // 20, "customer_group": cell % 20 // 4, "region": cell % 4 // 2, "channel": cell % 2}
    named["item"] = pl.Series("item", [f"item-{i:06}" for i in range(cells // 20 + 1)])
    return pl.DataFrame(
        {
            **{name: named[name].gather(pl.Series(code)) for name, code in codes.items()},
            "ordered_on": pl.Series(days + date(2022, 1, 1).toordinal() - date(1970, 1, 1).toordinal()).cast(pl.Int32),
            "order": pl.Series(random.integers(0, lines // 3 + 1, lines)).cast(pl.String),
            "kind": pl.Series(["order", "return"]).gather(pl.Series((random.random(lines) < 0.04).astype(np.int64))),
            "quantity": quantity,
            "revenue": quantity * price,
            "unit_cost": 0.7 * price,
        }
    ).with_columns(pl.col("ordered_on").cast(pl.Date))


def script(lines: pl.DataFrame) -> pl.DataFrame:
    """What one would write by hand."""
    sign = pl.when(pl.col("kind") == "order").then(1).otherwise(-1)
    signed = lines.lazy().with_columns(
        (sign * pl.col("quantity")).alias("units"),
        (sign * (pl.col("revenue") - pl.col("quantity") * pl.col("unit_cost"))).alias("margin"),
        pl.col("ordered_on").dt.truncate("1mo").alias("month"),
    )
    monthly = signed.group_by(*GRAIN, "month").agg(pl.col("units", "margin").sum(), pl.len().alias("lines"))
    months = 36 - (pl.col("month").min().dt.year() - 2022) * 12 - (pl.col("month").min().dt.month() - 1)
    cells = monthly.group_by(GRAIN).agg(
        pl.col("margin", "lines").sum(),
        months.alias("months"),
        (pl.col("units") > 0).sum().alias("nonzero"),
        pl.col("units").sum().alias("total"),
        (pl.col("units") ** 2).sum().alias("squares"),
    )
    mean = pl.col("total") / pl.col("months")
    return (
        cells.with_columns(
            (pl.col("months") / pl.col("nonzero")).alias("adi"),
            ((pl.col("squares") / pl.col("months") - mean**2).sqrt() / mean).alias("cv"),
        )
        .sort("margin", descending=True)
        .with_columns((pl.col("margin").cum_sum() / pl.col("margin").sum()).alias("share"))
        .with_columns(
            pl.when(pl.col("share") <= 0.8).then(pl.lit("A")).otherwise(pl.lit("BC")).alias("abc"),
            pl.when(pl.col("cv") <= 0.5).then(pl.lit("X")).otherwise(pl.lit("YZ")).alias("xyz"),
        )
        .collect(engine="streaming")
    )


def timed(name: str, work: Callable[[], T]) -> tuple[T, float]:
    """The result and the processor's seconds, which tell more than the clock where a machine is shared."""
    began, before = time.perf_counter(), time.process_time()
    result = work()
    clock, seconds = time.perf_counter() - began, time.process_time() - before
    print(f"{name:<24}{seconds:8.2f} s of the processor, {clock:.2f} s by the clock", flush=True)
    return result, seconds


def segmented(lines: pl.DataFrame) -> None:
    coded, coding = timed("code_lines", lambda: code_lines(lines))
    demand, first = timed("measure_demand", lambda: measure_demand(coded, WINDOW))
    costing, second = timed("cell_margins", lambda: cell_margins(coded, CostingParams(pools=POOLS)))
    metrics, joined = timed("join", lambda: costing.cells.join(demand, on=GRAIN))
    result, third = timed("evaluate", lambda: evaluate(metrics, SCHEME))
    print(f"whole segmentation {coding + first + second + joined + third:.2f} s of the processor")
    report_peak("segmentation", lines)
    again, _ = timed("evaluate with members", lambda: evaluate(metrics, SCHEME, result.state))
    timed("numbers as JSON", again.assignments)
    timed("coverage", lambda: coverage(metrics, "net_margin", ["net_margin", "volume"]))


def report_peak(name: str, lines: pl.DataFrame) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{name}: peak {peak:.1f} GiB, {lines.estimated_size() / 2**30:.1f} GiB of it the lines themselves", flush=True
    )


def one_side(side: str, count: int, cells: int) -> None:
    if side == "tierwise":
        small = code_lines(make_lines(1_000, 50))  # compile outside the clock
        measure_demand(small, WINDOW)
        cell_margins(small, CostingParams(pools=POOLS))
    lines = make_lines(count, cells)
    if side == "tierwise":
        segmented(lines)
    else:
        timed("Polars script", lambda: script(lines))
        report_peak("script", lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--cells", type=int, default=0, help="default: a twentieth of the lines")
    parser.add_argument("--side", choices=("script", "tierwise"), help="only one of them, in this process")
    options = parser.parse_args()
    cells = options.cells or options.lines // 20
    if options.side:
        one_side(options.side, options.lines, cells)
        return
    print(f"{options.lines:,} lines, {cells:,} cells, 36 months; each side in a process of its own", flush=True)
    for side in ("script", "tierwise"):
        given = ["--lines", str(options.lines), "--cells", str(cells), "--side", side]
        subprocess.run([sys.executable, __file__, *given], check=True)


if __name__ == "__main__":
    main()
