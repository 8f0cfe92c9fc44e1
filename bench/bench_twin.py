"""The twin beside SimPy and stockpyl on the same chain: base-stock levels, normal demand, the same measures kept.

    python bench/bench_twin.py             a chain of three stages, 365 periods
    python bench/bench_twin.py 200         so many runs of it in the batch (default 4000)

The peers are optional: without one only our own times are shown. Times are of the processor in this process; what the
compiler takes once is spent before. The last lines are whole processes, start of Python included.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from twin_peers import LEAD, LEVELS, by_simpy, by_stockpyl

from tierwise.engine.twin import Demands, Lanes, Runs, Spread, Stocks, Twin, simulate

PERIODS = 365
SMALL = (30, 100, 300)


def chain() -> Twin:
    return Twin(
        Stocks("base_stock", up_to=LEVELS, holding_cost=[7, 4, 2]),
        Lanes(to=[0, 1, 2], source=[1, 2, -1], lead_time=LEAD),
        Demands(stock=[0], amount=Spread.normal(50, 8), waiting_cost=37.0),
    )


def spent(work: Callable[[], object], times: int = 3, clock: Callable[[], float] = time.process_time) -> float:
    """The fastest of so many, in seconds."""
    best = np.inf
    for _ in range(times):
        began = clock()
        work()
        best = min(best, clock() - began)
    return best


def show(what: str, ours: float, theirs: float | None, peer: str) -> None:
    beside = "" if theirs is None else f", {peer} {1e9 * theirs:.1f} ns: {theirs / ours:,.0f} times ours"
    print(f"{what}: {1e9 * ours:.1f} ns{beside}", flush=True)


def whole_process(code: str) -> float:
    """Seconds of processor time of a Python process of its own, the better of two."""
    import resource
    import subprocess

    times = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    import argparse  # here and above: not into the process that is measured

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=int, default=4000)
    runs = parser.parse_args().runs
    simpy, stockpyl = find_spec("simpy"), find_spec("stockpyl")
    twin = chain()
    one = Runs(periods=PERIODS, runs=runs, threads=1)
    simulate(twin, Runs(periods=20_000))  # so long that the compiled loops are loaded
    found = simulate(twin, one)
    per = 3 * PERIODS
    batch = spent(lambda: simulate(twin, one))
    ours = batch / (per * runs)
    print(f"a batch of runs: {batch:.4f} s", flush=True)
    theirs = spent(lambda: by_simpy(PERIODS, 1)) / per if simpy else None
    show("a stage's period in a batch", ours, theirs, "SimPy")
    slower = spent(lambda: by_stockpyl(100, 1), 1) / 300 if stockpyl else None
    show("the same", ours, slower, "stockpyl")
    if simpy:
        sums = [by_simpy(PERIODS, seed) for seed in range(20)]
        peers = sum(each["on hand"] for each in sums) / 20
        mine = float(found.stocks[:, :, 0].sum(axis=1).mean())
        assert abs(peers - mine) < 0.02 * mine, (peers, mine)
    wall, work = [np.inf, np.inf], [np.inf, np.inf]
    for _ in range(12):
        for threads in (1, 2):
            turn = Runs(periods=PERIODS, runs=4 * runs, threads=threads)
            began, used = time.perf_counter(), time.process_time()
            simulate(twin, turn)
            wall[threads - 1] = min(wall[threads - 1], time.perf_counter() - began)
            work[threads - 1] = min(work[threads - 1], time.process_time() - used)
    print(
        f"two threads: {wall[1]:.4g} s, one {wall[0]:.4g} s by the clock: {wall[0] / wall[1]:.2f} times as fast; "
        f"of the processor {work[1]:.4g} s and {work[0]:.4g} s",
        flush=True,
    )
    many = 5000
    items = Twin(
        Stocks("base_stock", up_to=np.full(many, 330.0)),
        Lanes(to=np.arange(many), lead_time=Spread.poisson(4)),
        Demands(stock=np.arange(many), amount=Spread.poisson(50)),
    )
    wide = spent(lambda: simulate(items, Runs(periods=PERIODS, runs=32, threads=1)), 1) / (many * PERIODS * 32)
    print(f"{many:,} items with random lead times, an item's period: {1e9 * wide:.1f} ns", flush=True)
    path = f"import sys; sys.path.insert(0, {str(__import__('pathlib').Path(__file__).parent)!r}); "
    for small in SMALL:
        ours = f"import bench_twin as b; b.simulate(b.chain(), b.Runs(periods=b.PERIODS, runs={small}))"
        beside = f"import twin_peers as b; [b.by_simpy({PERIODS}, s) for s in range({small})]"
        mine, theirs = whole_process(path + ours), whole_process(path + beside) if simpy else None
        ratio = "" if theirs is None else f", SimPy {theirs:.2f} s: {theirs / mine:.1f} times ours"
        print(f"whole process, {small} runs: {mine:.2f} s{ratio}", flush=True)


if __name__ == "__main__":
    main()
