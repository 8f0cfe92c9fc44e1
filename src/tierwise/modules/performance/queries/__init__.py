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
from tierwise.modules.performance.queries.causes import miss_causes
from tierwise.modules.performance.queries.computing import (
    PeriodSpan,
    Request,
    closed,
    closed_periods,
    compute,
    facts_reach,
    first_due,
    lines_of,
    load_lines,
    measured_of,
    policies,
)
from tierwise.modules.performance.queries.drafting import drafts_of, publishable
from tierwise.modules.performance.queries.judging import Measured

__all__ = [
    "Measured",
    "PeriodSpan",
    "Request",
    "closed",
    "closed_periods",
    "compute",
    "corrections",
    "drafts_of",
    "facts_reach",
    "first_due",
    "formula",
    "formulas",
    "history",
    "lines_of",
    "load_lines",
    "measured_of",
    "miss_causes",
    "policies",
    "publishable",
    "recorded_periods",
    "revisions",
    "scorecard",
    "scorecards",
]
