"""The segmentation scheme: where every demand cell belongs and why, what gets collaboration, what a change moves."""

from tierwise.engine.scheme.coverage import Coverage, CoverageParams, coverage
from tierwise.engine.scheme.difference import Difference, difference
from tierwise.engine.scheme.evaluate import DEFAULT_RULE, Evaluation, evaluate
from tierwise.engine.scheme.hysteresis import Reason
from tierwise.engine.scheme.params import Rule, SchemeParams, SegmentSpec
from tierwise.engine.scheme.selection import Selection, SelectionParams, select_collaboration
from tierwise.engine.thresholds import Threshold

__all__ = [
    "DEFAULT_RULE",
    "Coverage",
    "CoverageParams",
    "Difference",
    "Evaluation",
    "Reason",
    "Rule",
    "SchemeParams",
    "SegmentSpec",
    "Selection",
    "SelectionParams",
    "Threshold",
    "coverage",
    "difference",
    "evaluate",
    "select_collaboration",
]
