"""Runs everything compiled once on a handful of numbers, so that nobody waits for it to be loaded."""

from __future__ import annotations

from datetime import date

import polars as pl

from tierwise.engine.demand import DemandParams, measure_demand
from tierwise.engine.matching import KeyIndex
from tierwise.engine.mix import explain, segment_mix
from tierwise.engine.scoring import OtifParams, Period, judge_lines, measures, received_lines


def rehearse() -> None:
    """Loads the kernels of demand patterns, of the segment mix and of scoring, with the types that real data have.

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
    _score(days)


def _score(days: list[date]) -> None:
    ids = pl.Series(range(12), dtype=pl.UInt32)
    lines = pl.DataFrame({
        "line_id": ids, "revision": 0, "revised_on": days, "supplier": "S", "ordered_on": days, "quantity": 2.0,
        "promised_on": days,
    })  # fmt: skip
    lines = pl.concat([lines, lines.head(1).with_columns(pl.col("revision") + 1)])
    receipts = pl.DataFrame({"line_id": ids, "receipt": "1", "arrived_on": days, "quantity": 1.0})
    receipts = pl.concat([receipts, receipts])
    rejects = receipts.head(1).rename({"arrived_on": "rejected_on"})
    as_of = pl.Series([date(2026, 1, 1)] * lines.height)
    found = KeyIndex(receipts, ["line_id", "receipt"]).find(rejects)
    weights = pl.DataFrame({"line_id": ids, "segment": "P", "share": 0.5})
    judged = judge_lines(lines, receipts, rejects, OtifParams(), as_of)
    measures(judged, weights, Period.MONTH)
    received_lines(lines, receipts[found.tolist()], rejects, OtifParams(), as_of)
