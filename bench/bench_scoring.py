"""Purchase lines of two years scored from the lake, beside the bare Polars query that answers the core of it.

    python bench/bench_scoring.py                    one million lines of 2,000 suppliers over 24 months
    python bench/bench_scoring.py --ten-million      ten times that
    python bench/bench_scoring.py --fifty-million    fifty times: some minutes, 4 GB of disk
    python bench/bench_scoring.py 200000 --segments  any size, each line for two segments

Lines (one in twenty revised), receipts (one line in eight delivered twice, one in fifty never) and rejects are laid
into a lake month by month. The bare query joins receipts to lines, sums what came in time, compares it with what was
ordered, and groups by supplier and month. Ours does that with windows, revisions by who caused them, units, calendars,
exclusions, quality by day of receipt, what was known on the day each month closed, nine measures with n and intervals:
the same functions that score in production, some periods at a time. Each side runs in a process of its own, kernels
compiled; where the machine is shared, believe the processor's seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
from scoring_facts import FIRST, ITEMS, LAST, SITES, SUPPLIERS, Made, code, make

from tierwise.cli.memory import KEPT

ONE, TEN, FIFTY = 1_000_000, 10_000_000, 50_000_000
SEGMENTS = {"PREMIUM": 0.45, "CORE": 0.35}


def bare(folder: Path, made: Made) -> int:
    """What one would write by hand."""
    lines = pl.scan_delta(str(folder / "purchase_line"), version=made.versions["purchase_line"])
    receipts = pl.scan_delta(str(folder / "receipt"), version=made.versions["receipt"])
    key = ["order", "line"]
    ordered = lines.filter(pl.col("revision") == 0).select(*key, "supplier", "promised_on", "quantity")
    in_time = (
        receipts.select(*key, "arrived_on", came="quantity")
        .join(ordered.select(*key, "promised_on"), on=key)
        .filter(pl.col("arrived_on") <= pl.col("promised_on"))
        .group_by(key)
        .agg(pl.col("came").sum())
    )
    whole = pl.col("came").fill_null(0) >= pl.col("quantity")
    scored = (
        ordered.join(in_time, on=key, how="left")
        .group_by("supplier", month=pl.col("promised_on").dt.truncate("1mo"))
        .agg(pl.len(), otif=whole.mean())
    )
    return scored.collect(engine="streaming").height


def ours(folder: Path, made: Made, segments: bool = False) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
    import django

    django.setup()
    from tierwise.engine.scoring import Period, periods_between
    from tierwise.lake.store import LakeStore
    from tierwise.modules.performance.queries.computing import CHUNK, LINES_AT_ONCE
    from tierwise.modules.performance.queries.judging import judge
    from tierwise.modules.performance.queries.loading import read_facts
    from tierwise.modules.performance.queries.measuring import measure
    from tierwise.modules.performance.queries.reading import Span
    from tierwise.modules.performance.queries.shelf import Shelf
    from tierwise.modules.performance.queries.windows import Window
    from tierwise.modules.performance.records import Formula

    store, formula = LakeStore(folder), Formula()
    known = masters()
    mix = segment_mix().lazy() if segments else store.scan("mix", made.versions)
    shelf = Shelf(lambda table: store.files(table, made.versions), last=LAST)
    spans = [Span(start, end) for _, start, end in periods_between(FIRST, LAST, Period.MONTH).iter_rows()]
    together = max(1, min(CHUNK, LINES_AT_ONCE * len(spans) // made.rows["purchase_line"]))

    def scored(own: list[Span]) -> int:
        facts = read_facts(shelf, mix, known, Span(own[0].first, own[-1].last))
        windows = [Window(span.first, span.last, formula.closes_on(span.last)) for span in own]
        measured = measure(facts, judge(facts, formula, windows), formula, tuple(SEGMENTS))
        return sum(each.measures.height for each in measured)

    return sum(scored(spans[place : place + together]) for place in range(0, len(spans), together))


def masters():  # type: ignore[no-untyped-def]
    """Items, sites and lanes as the directory tells them, with an agreed lead time for one lane of every item."""
    from tierwise.modules.performance.queries.loading import Known

    text = pl.String
    items = pl.DataFrame({"item": code("M-", pl.int_range(ITEMS, eager=True), 6)})
    items = items.with_columns(item_name=pl.col("item"), _base=pl.lit("EA"))
    units = pl.DataFrame(schema={"item": text, "unit": text, "valid_from": pl.Date, "factor": pl.Float64})
    sites = pl.DataFrame({"site": code("P", pl.int_range(SITES, eager=True), 3)})
    number = pl.int_range(ITEMS, eager=True)
    lanes = items.select(
        "item", lane="item", supplier=code("V", number % SUPPLIERS, 6), ship_from=pl.lit(None, text),
        ship_to=code("P", number % SITES, 3), lead_time_days=pl.lit(30, pl.Int64),
        valid_from=pl.lit(date(2020, 1, 1)), valid_to=pl.lit(None, pl.Date),
    )  # fmt: skip
    return Known(items, units, lanes, sites.with_columns(calendar=pl.lit(None, text)))


def segment_mix() -> pl.DataFrame:
    """Every item for two segments and the rest for none, by month."""
    from tierwise.lake.schemas import TABLES

    months = pl.DataFrame({"valid_from": pl.date_range(date(2023, 9, 1), LAST, "1mo", eager=True)})
    months = months.with_columns(valid_to=pl.col("valid_from").dt.month_end())
    shares = pl.DataFrame({"segment": list(SEGMENTS), "share": list(SEGMENTS.values())})
    items = pl.DataFrame({"item": code("M-", pl.int_range(ITEMS, eager=True), 6)})
    mix = items.join(months, how="cross").join(shares, how="cross")
    mix = mix.with_columns(site=pl.lit("*"), units=pl.lit(1.0), basis=pl.lit("window"))
    return mix.select(pl.col(name).cast(dtype) for name, dtype in TABLES["mix"].schema.items())


SIDES: dict[str, Callable[[Path, Made], int]] = {
    "bare": bare,
    "bare, kept": bare,
    "ours": ours,
    "segments": lambda folder, made: ours(folder, made, segments=True),
}


def measure(side: str, folder: Path, count: int) -> tuple[float, float, float]:
    """Seconds by the clock and by the processor, and the peak in MB, of one side in a process of its own.

    Ours asks for memory as the program does; the bare query as Polars does by itself, and "kept" as ours.
    """
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder), str(count)]
    environment = {**os.environ, **({} if side == "bare" else KEPT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{side} ended with {process.returncode}")
    clock, processor = map(float, output.split())
    return clock, processor, usage.ru_maxrss / 1024


def one_side(side: str, folder: Path) -> None:
    made = Made.read(folder)
    if not side.startswith("bare"):  # what one installation compiles once
        with tempfile.TemporaryDirectory() as place:
            ours(Path(place), make(Path(place), 2_000))
    clock, work = time.perf_counter(), time.process_time()
    SIDES[side](folder, made)
    print(time.perf_counter() - clock, time.process_time() - work)


def told(what: str, measured: tuple[float, float, float]) -> tuple[float, float]:
    clock, work, peak = measured
    print(f"  {what:<16} {clock:.2f} s  (processor {work:.2f} s, peak {peak:,.0f} MB)", flush=True)
    return clock, work


def compared(count: int, folder: Path, options: argparse.Namespace) -> float:
    """Prints one size; returns our processor seconds."""
    if not (folder / "made.json").exists():
        make(folder, count).write(folder)
    made = Made.read(folder)
    rows = ", ".join(f"{made.rows[name]:,} {name}" for name in made.rows)
    print(f"{count:,} lines ({rows})", flush=True)
    their_clock, their_work = told("bare query", measure("bare", folder, count))
    kept_clock, kept_work = told("bare, kept", measure("bare, kept", folder, count))
    clock, work = told("judge + measure", measure("ours", folder, count))
    print(f"  ratio {clock / their_clock:.2f} by the clock, {work / their_work:.2f} by the processor", flush=True)
    print(f"  where the bare query keeps memory too: {clock / kept_clock:.2f} and {work / kept_work:.2f}", flush=True)
    if options.segments:
        told("for two segments", measure("segments", folder, count))
    return work


def places(options: argparse.Namespace) -> Iterator[tuple[int, Path]]:
    """Each size and the folder its facts are laid into, kept where one was named."""
    counts = [int(one.replace(",", "")) for one in options.lines]
    counts += [TEN] * options.ten_million + [FIFTY] * options.fifty_million
    for count in counts or [ONE]:
        if options.folder:
            yield count, Path(options.folder) / str(count)
        else:
            with tempfile.TemporaryDirectory() as place:
                yield count, Path(place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", help="sizes, in lines (default 1,000,000)")
    parser.add_argument("--ten-million", action="store_true", help="also ten million lines")
    parser.add_argument("--fifty-million", action="store_true", help="also fifty million lines")
    parser.add_argument("--segments", action="store_true", help="also with a mix of two segments an item")
    parser.add_argument("--folder", help="keep the facts here, and use those that are there")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        one_side(options.side, Path(options.folder))
        return
    before: tuple[int, float] | None = None
    for count, folder in places(options):
        work = compared(count, folder, options)
        if before:
            print(f"  {count / before[0]:.1f}x the size, {work / before[1]:.1f}x our work", flush=True)
        before = count, work


if __name__ == "__main__":
    main()
