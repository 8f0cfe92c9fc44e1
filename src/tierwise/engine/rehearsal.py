"""Runs everything compiled once on a handful of numbers, so that nobody waits for it to be loaded."""

from __future__ import annotations

from datetime import date

import polars as pl

from tierwise.engine.demand import DemandParams, measure_demand
from tierwise.engine.mix import explain, segment_mix


def rehearse() -> None:
    """Loads the kernels of demand patterns and of the segment mix, with the types that real data have.

    Takes what loading takes (about half a second from the cache on disk, some seconds without) and answers nothing.
    """
    days = [date(2025, month, 1) for month in range(1, 13)]
    lines = pl.DataFrame({
        "item": "A", "customer_group": "g", "region": "r", "channel": "c", "ordered_on": days, "quantity": 2.0,
        "kind": ["order"] * 11 + ["return"],
    })  # fmt: skip
    measure_demand(lines, DemandParams(days[0], date(2025, 12, 31)))
    bill = pl.DataFrame({"parent": ["A"], "component": ["B"], "quantity_per": [2.0]})
    moves = pl.DataFrame({"item": ["B"], "from_site": ["T"], "to_site": ["S"], "share": [1.0]})
    demand = pl.DataFrame({"item": ["A"], "site": ["S"], "segment": ["P"], "units": [1.0]})
    explain(segment_mix(demand, bill, moves), "B")
