"""How a demand cell behaves: its bucketed series, regularity, variability, season and order-line frequency."""

from tierwise.engine.demand.cells import GRAIN, DemandParams, whole_buckets
from tierwise.engine.demand.coded import CodedLines, as_coded, code_lines
from tierwise.engine.demand.measure import demand_series, measure_demand
from tierwise.engine.demand.pattern import CLASSES, DemandSeries, Pattern, classify, measure_patterns

__all__ = [
    "CLASSES",
    "GRAIN",
    "CodedLines",
    "DemandParams",
    "DemandSeries",
    "Pattern",
    "as_coded",
    "classify",
    "code_lines",
    "demand_series",
    "measure_demand",
    "measure_patterns",
    "whole_buckets",
]
