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
    scorecards_page,
    scores,
)
from tierwise.modules.performance.queries.causes import miss_causes
from tierwise.modules.performance.queries.computing import (
    Ground,
    PeriodSpan,
    Request,
    cards_of,
    closed,
    closed_periods,
    compute,
    facts_reach,
    first_due,
    ground_of,
    lines_of,
    load_lines,
    measured_of,
    measured_periods,
    policies,
)
from tierwise.modules.performance.queries.drafting import drafts_of, publishable
from tierwise.modules.performance.queries.judging import Measured
from tierwise.modules.performance.queries.loading import Facts

__all__ = [
    "Facts",
    "Ground",
    "Measured",
    "PeriodSpan",
    "Request",
    "cards_of",
    "closed",
    "closed_periods",
    "compute",
    "corrections",
    "drafts_of",
    "facts_reach",
    "first_due",
    "formula",
    "formulas",
    "ground_of",
    "history",
    "lines_of",
    "load_lines",
    "measured_of",
    "measured_periods",
    "miss_causes",
    "policies",
    "publishable",
    "recorded_periods",
    "revisions",
    "scorecard",
    "scorecards",
    "scorecards_page",
    "scores",
]
