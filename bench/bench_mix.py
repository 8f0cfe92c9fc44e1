"""How long the segment mix takes on a generated layered network, how that grows, and beside a plain recursion.

Run: python bench/bench_mix.py [items ...]     (default 10,000 30,000 100,000; five links per item, 20 segments)
"""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from itertools import pairwise

import numpy as np
import polars as pl

from tierwise.engine.mix import explain, segment_mix
from tierwise.engine.mix.carry import carry_mix, net_demand
from tierwise.engine.network import build_network

LINKS_PER_ITEM = 5
SEGMENTS = 20
LAYERS = 8


def layered(items: int, seed: int = 20260101) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Demand for the top layer and bills that go from each layer to a lower one, mostly the next."""
    chance = np.random.default_rng(seed)
    links = items * LINKS_PER_ITEM
    size = items // LAYERS
    layer = chance.integers(0, LAYERS - 1, links)
    below = np.minimum(layer + 1 + chance.geometric(0.7, links) - 1, LAYERS - 1)
    parent = layer * size + chance.integers(0, size, links)
    component = below * size + chance.integers(0, size, links)
    bom = pl.DataFrame({"parent": parent, "component": component}).unique(maintain_order=True)
    bom = bom.with_columns(pl.Series("quantity_per", chance.integers(1, 5, bom.height).astype(np.float64)))
    sold = np.repeat(np.arange(size), SEGMENTS)
    demand = pl.DataFrame({
        "item": sold,
        "segment": np.tile([f"S{number:02d}" for number in range(SEGMENTS)], size),
        "units": chance.integers(1, 100, sold.size).astype(np.float64),
    })  # fmt: skip
    code = pl.format("ITEM-{}", pl.col("item").cast(pl.String).str.zfill(7))
    demand = demand.with_columns(code)
    names = [
        pl.format("ITEM-{}", pl.col(name).cast(pl.String).str.zfill(7)).alias(name) for name in ("parent", "component")
    ]
    return demand, bom.with_columns(names)


def recursion(demand: pl.DataFrame, bom: pl.DataFrame) -> dict[tuple[str, str], float]:
    """What a first attempt does: for every demand line, walk down every path."""
    below: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for parent, component, quantity in bom.iter_rows():
        below[parent].append((component, quantity))
    units: dict[tuple[str, str], float] = defaultdict(float)

    def need(item: str, segment: str, amount: float) -> None:
        units[item, segment] += amount
        for component, quantity in below[item]:
            need(component, segment, amount * quantity)

    for item, segment, amount in demand.iter_rows():
        need(item, segment, amount)
    return units


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(sizes: list[int]) -> None:
    segment_mix(*layered(400))
    small = layered(400)
    start = time.perf_counter()
    slow = recursion(*small)
    recursed = time.perf_counter() - start
    start = time.perf_counter()
    fast = segment_mix(*small).frame()
    carried = time.perf_counter() - start
    rows = fast.select("item", "segment", "units").iter_rows()
    worst = max(abs(units / slow[item, segment] - 1) for item, segment, units in rows)
    print(f"400 items: recursion {recursed:.2f} s, carried {carried:.3f} s, {recursed / carried:.0f}x")
    print(f"largest relative difference between the two {worst:.1e}")
    print(f"{'items':>9} {'links':>9}    net  build  carry  frame  total  explain  peak MB")
    for items in sizes:
        demand, bom = layered(items)
        marks = [time.perf_counter()]
        netted = net_demand(demand)
        marks.append(time.perf_counter())
        network = build_network(netted, bom)
        marks.append(time.perf_counter())
        mix = carry_mix(netted, network)
        marks.append(time.perf_counter())
        frame = mix.frame()
        marks.append(time.perf_counter())
        explain(mix, frame["item"][-1])
        told = time.perf_counter() - marks[-1]
        steps = " ".join(f"{after - before:6.2f}" for before, after in pairwise(marks))
        size = f"{network.node_count:9,} {network.link_count:9,}"
        print(f"{size} {steps} {marks[-1] - marks[0]:6.2f} {told:8.3f} {peak_mb():8.0f}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 30_000, 100_000])
