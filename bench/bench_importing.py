"""How long purchase lines take from CSV into the lake, beside Polars' bare `scan_csv` to `sink_delta`.

Ours parses and checks every cell against rules, masters and keys, hashes the file, and lays the rows down by month with
their origin; the peer guesses types. Each side runs in a process of its own; where the machine is shared, believe the
processor's seconds.

Run: python bench/bench_importing.py [lines ...]     (default 1,000,000)
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

STEP = 1_000_000
SUPPLIERS, ITEMS, SITES, DAYS = 2_000, 50_000, 20, 1_095
MAPPING = """
source: bench
files: {lines: lines.csv}
tables:
  purchase_line:
    from: lines
    columns: {order: order, line: line, supplier: supplier, item: item, site: site, ordered_on: ordered,
              quantity: quantity, unit: unit, price: price, currency: currency, requested_on: requested,
              promised_on: promised}
"""


def code(prefix: str, numbers: np.ndarray, width: int) -> pl.Series:
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(width)


def generate(path: Path, count: int) -> None:
    """Lines of three years in the order of their dates, four to an order."""
    chance = np.random.default_rng(20260101)
    with path.open("wb") as out:
        for start in range(0, count, STEP):
            number = np.arange(start, min(start + STEP, count))
            size = len(number)
            day = np.datetime64("2022-01-01") + (number * DAYS // count).astype("timedelta64[D]")
            later = [day + chance.integers(5, 90, size).astype("timedelta64[D]") for _ in range(2)]
            pl.DataFrame({
                "order": pl.Series(4_500_000_000 + number // 4).cast(pl.String),
                "line": pl.Series(number % 4 * 10 + 10).cast(pl.String),
                "supplier": code("V", chance.integers(0, SUPPLIERS, size), 6),
                "item": code("M-", chance.integers(0, ITEMS, size), 6),
                "site": code("P", chance.integers(0, SITES, size), 3),
                "ordered": pl.Series(day).cast(pl.Date),
                "quantity": chance.integers(1, 9_000, size) / 4,
                "unit": pl.Series(["EA"]).new_from_index(0, size),
                "price": chance.integers(100, 99_999, size) / 100,
                "currency": pl.Series(np.array(["EUR", "USD", "CNY"])[chance.integers(0, 3, size)]),
                "requested": pl.Series(later[0]).cast(pl.Date),
                "promised": pl.Series(later[1]).cast(pl.Date),
            }).write_csv(out, include_header=start == 0)  # fmt: skip


def bare(folder: Path) -> None:
    pl.scan_csv(folder / "lines.csv", try_parse_dates=True).sink_delta(str(folder / "bare"))


def ours(folder: Path) -> None:
    from tierwise.lake.imports import Options, prepare
    from tierwise.lake.mapping_reader import read_mapping
    from tierwise.lake.store import LakeStore, Landed

    store = LakeStore(folder / "lake")
    known = {
        "supplier": code("V", np.arange(SUPPLIERS), 6),
        "item": code("M-", np.arange(ITEMS), 6),
        "site": code("P", np.arange(SITES), 3),
    }
    prepared = prepare(folder, read_mapping(MAPPING), Options(known, scratch=store.scratch("bench", folder)))
    for staged in prepared.staged.values():
        store.land(staged, {}, Landed(import_id="bench"))
    prepared.discard()


def measure(side: str, folder: Path) -> tuple[float, float, float]:
    """Seconds by the clock and by the processor, and the peak in MB, of one side in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--side", side, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{side} ended with {process.returncode}")
    clock, processor = map(float, output.split())
    return clock, processor, usage.ru_maxrss / 1024


def main(sizes: list[int]) -> None:
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            generate(folder / "lines.csv", size)
            megabytes = (folder / "lines.csv").stat().st_size / 2**20
            their_clock, their_work, their_peak = measure("bare", folder)
            clock, work, peak = measure("ours", folder)
        print(f"{size:,} lines, {megabytes:,.0f} MB")
        print(f"  imported    {clock:.2f} s  (processor {work:.2f} s, peak {peak:,.0f} MB)")
        print(f"  bare Polars {their_clock:.2f} s  (processor {their_work:.2f} s, peak {their_peak:,.0f} MB)")
        print(f"  ratio {clock / their_clock:.2f} by the clock, {work / their_work:.2f} by the processor", flush=True)


def one_side(side: str, folder: Path) -> None:
    clock, work = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    {"bare": bare, "ours": ours}[side](folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime - work.ru_utime - work.ru_stime
    print(time.perf_counter() - clock, seconds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        one_side(sys.argv[2], Path(sys.argv[3]))
    else:
        main([int(one.replace(",", "")) for one in sys.argv[1:]] or [1_000_000])
