"""Words of segmentation and the scheme document."""

from tierwise.modules.segmentation.records.scheme import SchemeDocument, read_scheme
from tierwise.modules.segmentation.records.words import CELL, EARLIEST, PlanState, SchemeState

__all__ = ["CELL", "EARLIEST", "PlanState", "SchemeDocument", "SchemeState", "read_scheme"]
