"""Scorecards computed from facts: periods, their lines, the ground they stand on, scores, cards; nothing is written."""

from tierwise.modules.performance.queries.computing.cards import cards_of, compute
from tierwise.modules.performance.queries.computing.ground import Ground, ground_of, policies
from tierwise.modules.performance.queries.computing.lines import (
    judge_part,
    lines_of,
    lines_of_periods,
    load_lines,
    measured_of,
    measured_periods,
)
from tierwise.modules.performance.queries.computing.periods import (
    CHUNK,
    LINES_AT_ONCE,
    PeriodSpan,
    Request,
    closed,
    closed_periods,
    facts_reach,
    first_due,
    periods_at_once,
)

__all__ = [
    "CHUNK",
    "LINES_AT_ONCE",
    "Ground",
    "PeriodSpan",
    "Request",
    "cards_of",
    "closed",
    "closed_periods",
    "compute",
    "facts_reach",
    "first_due",
    "ground_of",
    "judge_part",
    "lines_of",
    "lines_of_periods",
    "load_lines",
    "measured_of",
    "measured_periods",
    "periods_at_once",
    "policies",
]
