"""Words of segmentation and the scheme document."""

from tierwise.modules.segmentation.records.metrics import ATTRIBUTES, METRICS, Metric
from tierwise.modules.segmentation.records.scheme import SchemeDocument, read_scheme
from tierwise.modules.segmentation.records.standing import PinRecord, PlanRecord, VersionRecord
from tierwise.modules.segmentation.records.text import line_of, with_cut
from tierwise.modules.segmentation.records.words import CELL, EARLIEST, PlanState, SchemeState, next_month

__all__ = [
    "ATTRIBUTES", "CELL", "EARLIEST", "METRICS", "Metric", "PinRecord", "PlanRecord", "PlanState", "SchemeDocument",
    "SchemeState", "VersionRecord", "line_of", "next_month", "read_scheme", "with_cut",
]  # fmt: skip
