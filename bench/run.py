"""Runs every bench beside its peer and prints one table: who wins, by how much, how it grows, what it holds.

    python bench/run.py                       all of them, at modest size (a few minutes on two cores)
    python bench/run.py mix scoring           some of them
    python bench/run.py --scale 10            ten times the size
    python bench/run.py --markdown            the table as docs/performance.md shows it

Each bench runs in processes of its own, at two sizes one after the other. Peak memory is that of the larger run's
process, or the largest it started, as the operating system counts it. A bench that is not declared here runs with its
own defaults and is shown without a judgement.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NUMBER = r"([\d.]+)"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a bench's printed lines tell our seconds and the peer's.

    ``beside`` is our figure at the size the peer was run at; ``ours`` the one that grows with the size given.
    """

    name: str
    what: str
    peer: str
    sizes: tuple[int, int]
    unit: str
    ours: str
    beside: str
    theirs: str
    flag: str = ""
    compared_at: str = "the larger size"

    @property
    def file(self) -> Path:
        return HERE / f"bench_{self.name}.py"

    def arguments(self, size: int) -> list[str]:
        return [self.flag, str(size)] if self.flag else [str(size)]


BENCHES = (
    Bench(
        "segmentation", "value, class and place every demand cell", "a short Polars script without cost, season, rules",
        (500_000, 2_000_000), "order lines", rf"whole segmentation {NUMBER} s", rf"whole segmentation {NUMBER} s",
        rf"Polars script\s+{NUMBER} s", "--lines",
    ),
    Bench(
        "mix", "carry segments up bills of material", "plain recursion over every path", (10_000, 40_000), "items",
        rf"(?m)^\s*[\d,]+\s+[\d,]+(?:\s+[\d.]+){{4}}\s+{NUMBER}", rf"carried {NUMBER} s", rf"recursion {NUMBER} s",
        compared_at="400 items",
    ),
    Bench(
        "scoring", "judge purchase lines of 24 months and measure them with intervals",
        "a bare Polars query of on time and in full", (250_000, 1_000_000), "purchase lines",
        rf"judge \+ measure\s+{NUMBER} s", rf"judge \+ measure\s+{NUMBER} s", rf"bare query\s+{NUMBER} s",
    ),
    Bench(
        "importing", "import purchase lines from CSV, every cell checked", "bare `scan_csv` to `sink_delta`",
        (1_000_000, 4_000_000), "purchase lines", rf"imported\s+{NUMBER} s", rf"imported\s+{NUMBER} s",
        rf"bare Polars\s+{NUMBER} s",
    ),
    Bench(
        "disclosure", "withhold further cells of a table with totals",
        "linear programs over the whole table that only check the choice", (10_000, 40_000), "cells",
        rf"large {NUMBER} s", rf"small {NUMBER} s", rf"checked only: {NUMBER} s", compared_at="900 cells",
    ),
    Bench(
        "twin", "simulate a chain of three stages over a year, all measures kept, one thread",
        "a SimPy model of the same chain", (2_000, 8_000), "runs", rf"a batch of runs: {NUMBER} s",
        rf"stage's period in a batch: {NUMBER} ns", rf"SimPy {NUMBER} ns",
    ),
    Bench(
        "policies", "a hundred times what the portal reads, under row policies", "the same statements filtered by hand",
        (250_000, 1_000_000), "published rows", rf"policies {NUMBER} s", rf"policies {NUMBER} s",
        rf"by hand {NUMBER} s", "--rows",
    ),
    Bench(
        "forecasting", "forecast, the exponential form by AICc", "statsforecast's AutoETS", (700, 2_800), "series",
        rf"whole family {NUMBER} s", rf"ours {NUMBER} s, AutoETS", rf"AutoETS {NUMBER} s", compared_at="300 series",
    ),
    Bench(
        "flow", "allocate 26 weeks over lanes with bands, takes and shared capacity, from nothing", "PuLP and HiGHS",
        (100, 200), "items", rf"beside PuLP, cold: {NUMBER} s", rf"beside PuLP, cold: {NUMBER} s",
        rf"cold: [\d.]+ s, PuLP {NUMBER} s",
    ),
    Bench(
        "api", "a thousand pages of publications through the machines' door, 16 connections",
        "one statement filtered by hand, on the same server", (50, 200), "suppliers",
        rf"page of publications: Tierwise {NUMBER} s", rf"page of publications: Tierwise {NUMBER} s",
        rf"page of publications: .*bare door {NUMBER} s", "--suppliers",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ran:
    output: str
    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    size: str
    ours: str
    beside: str
    winner: str
    growth: str
    peak: str


HEAD = Row("task", "size", "ours", "peer", "who wins", "growth", "peak memory")


def run(command: Sequence[str]) -> Ran:
    """Runs a bench to its end. RuntimeError with what it wrote when it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as written:
        process = subprocess.Popen([sys.executable, *command], stdout=written, stderr=subprocess.STDOUT)
        # Not ``wait``: only this tells the memory of one child from that of all.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        written.seek(0)
        output = written.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return Ran(output, seconds, usage.ru_maxrss / 1024)


def figure(bench: Bench, pattern: str, ran: Ran) -> float:
    """The number a bench printed. LookupError when its wording changed."""
    found = re.findall(pattern, ran.output)
    if not found:
        raise LookupError(f"{bench.file.name} prints nothing like {pattern!r} any more; mend BENCHES in {__file__}")
    return float(found[-1])


def judged(bench: Bench, scale: float) -> Row:
    sizes = [round(size * scale) for size in bench.sizes]
    small, large = (run([str(bench.file), *bench.arguments(size)]) for size in sizes)
    first, last = figure(bench, bench.ours, small), figure(bench, bench.ours, large)
    mine, theirs = figure(bench, bench.beside, large), figure(bench, bench.theirs, large)
    faster = theirs >= mine
    ratio = theirs / mine if faster else mine / theirs
    return Row(
        bench.what,
        f"{sizes[1]:,} {bench.unit}",
        f"{last:.2f} s",
        f"{bench.peer}: {theirs:.2f} s against {mine:.2f} s",
        f"{'Tierwise' if faster else 'the peer'}, {ratio:.{0 if ratio >= 20 else 1}f}× at {bench.compared_at}",
        f"{sizes[1] / sizes[0]:.0f}× the size, {last / first:.1f}× the time",
        f"{large.peak_mb:,.0f} MB",
    )


def unjudged(path: Path) -> tuple[Row, str]:
    ran = run([str(path)])
    name = path.stem.removeprefix("bench_")
    return Row(name, "its own", f"{ran.seconds:.2f} s in all", "–", "–", "–", f"{ran.peak_mb:,.0f} MB"), ran.output


def cells(row: Row) -> list[str]:
    return [getattr(row, name) for name in Row.__slots__]


def table(rows: Sequence[Row], markdown: bool) -> str:
    lines = [cells(HEAD), *map(cells, rows)]
    if markdown:
        lines.insert(1, ["---"] * len(lines[0]))
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(names)} (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the sizes")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(names)):
        parser.error(f"no bench is called {unknown[0]}; there are {', '.join(names)}")
    declared = {bench.name: bench for bench in BENCHES}
    rows, outputs = [], []
    for name in options.names or names:
        print(f"running {name} …", file=sys.stderr, flush=True)
        if name in declared:
            rows.append(judged(declared[name], options.scale))
        else:
            row, output = unjudged(HERE / f"bench_{name}.py")
            rows.append(row)
            outputs.append(f"\n{name}\n{output}")
    print(table(rows, options.markdown), *outputs, sep="\n")


if __name__ == "__main__":
    main()
