"""After the rehearsal nothing is left to be loaded or compiled for real data."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Any

import polars as pl
from numba.core.registry import CPUDispatcher

from tierwise.engine import matching
from tierwise.engine.demand import DemandParams, coded, measure, measure_demand, pattern
from tierwise.engine.mix import explain, segment_mix
from tierwise.engine.network import kernels
from tierwise.engine.rehearsal import rehearse
from tierwise.engine.scoring import Level, OtifParams, Partials, Period, judge_lines, measures, received_lines
from tierwise.engine.scoring import kernels as scoring


def test_what_pages_compute_first_was_compiled_in_the_rehearsal() -> None:
    rehearse()
    before = _versions(pattern) | _versions(coded) | _versions(measure) | _versions(kernels)
    days = [date(2024, 1, 3), date(2024, 5, 9), date(2024, 5, 9), date(2025, 2, 1)] * 3
    lines = pl.DataFrame({
        "item": ["A", "B", "C"] * 4, "customer_group": "g", "region": "r", "channel": "c", "ordered_on": days,
        "quantity": [1.5 * n for n in range(12)], "kind": ["order", "order", "order", "return"] * 3,
    })  # fmt: skip
    measure_demand(lines, DemandParams(date(2024, 1, 1), date(2025, 12, 31), season="additive"))
    demand = pl.DataFrame({"item": ["A", "B"], "site": ["*", "S"], "segment": ["P", None], "units": [1.0, 2.0]})
    bom = pl.DataFrame({"parent": ["A", "C"], "component": ["C", "B"], "quantity_per": [2.0, 1.0]})
    explain(segment_mix(demand, bom), "B")
    assert _versions(pattern) | _versions(coded) | _versions(measure) | _versions(kernels) == before


def test_what_scoring_computes_was_compiled_in_the_rehearsal() -> None:
    rehearse()
    before = _versions(matching) | _versions(scoring)
    assert len(before) > 10
    days = [date(2025, month, 28) for month in range(1, 13)]
    lines = pl.DataFrame({
        "line_id": pl.Series(range(12), dtype=pl.UInt32), "order": ["1", "2", "3"] * 4, "line": "1", "supplier": "S",
        "ordered_on": days, "revised_on": days, "promised_on": days, "quantity": 3.0,
        "revision": pl.Series([0] * 11 + [1], dtype=pl.Int64),
    })  # fmt: skip
    receipts = lines.select("line_id", "quantity", receipt=pl.lit("1"), arrived_on="promised_on")
    receipts = pl.concat([receipts, receipts.with_columns(receipt=pl.lit("2"))])
    rejects = receipts.gather_every(3).rename({"arrived_on": "rejected_on"})
    weights = lines.select("line_id", segment=pl.lit("P"), share=pl.lit(0.25))
    for params in (OtifParams(), OtifParams(level=Level.ORDER), OtifParams(partials=Partials.FIRST, early_days=3)):
        for as_of in (date(2025, 7, 1), pl.Series([date(2026, 2, 1)] * 12)):
            judged = judge_lines(lines, receipts, rejects, params, as_of)
            measures(judged, weights, Period.QUARTER)
            measures(judged, None, None)
            received_lines(lines, receipts, rejects, params, as_of)
    assert _versions(matching) | _versions(scoring) == before


def _versions(module: ModuleType) -> dict[str, int]:
    def compiled(found: Any) -> bool:
        return isinstance(found, CPUDispatcher) and found.py_func.__module__ == module.__name__

    return {name: len(found.signatures) for name, found in vars(module).items() if compiled(found)}
