"""Scorecards: purchase lines judged by a contract's definition, measures with intervals, shrinkage, scores, standings.

``judge_lines`` and ``received_lines`` → ``measures`` → (``shrink``) → ``score`` → ``standing``. Frames in, frames out,
nothing remembered.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.scoring.agreement import first_due
    from tierwise.engine.scoring.intervals import (
        exact_binomial,
        exact_poisson,
        kish_effective_n,
        student_mean,
        weighted_poisson,
        wilson,
    )
    from tierwise.engine.scoring.measures import COMMON, Measure, MeasureParams, measures
    from tierwise.engine.scoring.otif import exclusions, judge_lines
    from tierwise.engine.scoring.params import DateBasis, Event, Exclusion, Level, OtifParams, Partials
    from tierwise.engine.scoring.perfect_order import PerfectOrderParams, Unknown, judge_perfect, perfect_orders
    from tierwise.engine.scoring.periods import Period, period_end, period_label, period_start, periods_between
    from tierwise.engine.scoring.quality import received_lines
    from tierwise.engine.scoring.score import Criterion, ScoreParams, score
    from tierwise.engine.scoring.shrinkage import ShrinkParams, shrink
    from tierwise.engine.scoring.standing import Band, Reason, StandingParams, standing

load_on_first_use(
    __name__,
    {
        "agreement": ("first_due",),
        "intervals": (
            "exact_binomial",
            "exact_poisson",
            "kish_effective_n",
            "student_mean",
            "weighted_poisson",
            "wilson",
        ),
        "measures": (
            "COMMON",
            "Measure",
            "MeasureParams",
            "measures",
        ),
        "otif": (
            "exclusions",
            "judge_lines",
        ),
        "params": (
            "DateBasis",
            "Event",
            "Exclusion",
            "Level",
            "OtifParams",
            "Partials",
        ),
        "perfect_order": (
            "PerfectOrderParams",
            "Unknown",
            "judge_perfect",
            "perfect_orders",
        ),
        "periods": (
            "Period",
            "period_end",
            "period_label",
            "period_start",
            "periods_between",
        ),
        "quality": ("received_lines",),
        "score": (
            "Criterion",
            "ScoreParams",
            "score",
        ),
        "shrinkage": (
            "ShrinkParams",
            "shrink",
        ),
        "standing": (
            "Band",
            "Reason",
            "StandingParams",
            "standing",
        ),
    },
)

__all__ = [
    "COMMON",
    "Band",
    "Criterion",
    "DateBasis",
    "Event",
    "Exclusion",
    "Level",
    "Measure",
    "MeasureParams",
    "OtifParams",
    "Partials",
    "PerfectOrderParams",
    "Period",
    "Reason",
    "ScoreParams",
    "ShrinkParams",
    "StandingParams",
    "Unknown",
    "exact_binomial",
    "exact_poisson",
    "exclusions",
    "first_due",
    "judge_lines",
    "judge_perfect",
    "kish_effective_n",
    "measures",
    "perfect_orders",
    "period_end",
    "period_label",
    "period_start",
    "periods_between",
    "received_lines",
    "score",
    "shrink",
    "standing",
    "student_mean",
    "weighted_poisson",
    "wilson",
]
