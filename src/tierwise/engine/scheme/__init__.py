"""The segmentation scheme: where every demand cell belongs and why, what gets collaboration, what a change moves.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.scheme.coverage import Coverage, CoverageParams, coverage
    from tierwise.engine.scheme.difference import Difference, difference
    from tierwise.engine.scheme.evaluate import DEFAULT_RULE, Evaluation, evaluate
    from tierwise.engine.scheme.hysteresis import Reason
    from tierwise.engine.scheme.params import Rule, SchemeParams, SegmentSpec
    from tierwise.engine.scheme.selection import Selection, SelectionParams, select_collaboration
    from tierwise.engine.thresholds import Threshold

load_on_first_use(
    __name__,
    {
        "coverage": (
            "Coverage",
            "CoverageParams",
            "coverage",
        ),
        "difference": (
            "Difference",
            "difference",
        ),
        "evaluate": (
            "DEFAULT_RULE",
            "Evaluation",
            "evaluate",
        ),
        "hysteresis": ("Reason",),
        "params": (
            "Rule",
            "SchemeParams",
            "SegmentSpec",
        ),
        "selection": (
            "Selection",
            "SelectionParams",
            "select_collaboration",
        ),
        "tierwise.engine.thresholds": ("Threshold",),
    },
)

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
