"""How a demand cell behaves: its bucketed series, regularity, variability, season and order-line frequency."""

from tierwise.engine.demand.cells import GRAIN, DemandParams, check_lines, whole_buckets
from tierwise.engine.demand.measure import demand_series, measure_demand
from tierwise.engine.demand.pattern import CLASSES, DemandSeries, Pattern, classify, measure_patterns

__all__ = [
    "CLASSES",
    "GRAIN",
    "DemandParams",
    "DemandSeries",
    "Pattern",
    "check_lines",
    "classify",
    "demand_series",
    "measure_demand",
    "measure_patterns",
    "whole_buckets",
]
