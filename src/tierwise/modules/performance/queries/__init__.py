"""What buyers read of scorecards: recorded cards, cards computed on trial, and what stands behind each number."""

from tierwise.modules.performance.queries.cards import (
    corrections,
    formula,
    formulas,
    history,
    recorded_periods,
    revisions,
    scorecard,
    scorecards,
)
from tierwise.modules.performance.queries.computing import (
    PeriodSpan,
    Request,
    closed_periods,
    compute,
    first_due,
    lines_of,
    load_lines,
)

__all__ = [
    "PeriodSpan",
    "Request",
    "closed_periods",
    "compute",
    "corrections",
    "first_due",
    "formula",
    "formulas",
    "history",
    "lines_of",
    "load_lines",
    "recorded_periods",
    "revisions",
    "scorecard",
    "scorecards",
]
