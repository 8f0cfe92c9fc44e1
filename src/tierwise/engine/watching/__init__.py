"""Watching: has a series shifted, jumped or begun to drift, how sure is that, and were the alarms worth it?

Charts take panels (series × periods, NaN for a period without observation), one call for all series.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.watching.alarms import (
        AlarmParams,
        AlarmQuality,
        BudgetedThreshold,
        alarm_quality,
        threshold_for_budget,
    )
    from tierwise.engine.watching.change import ChangeParams, ChangeResult, change_points
    from tierwise.engine.watching.charts import (
        NELSON,
        WESTERN_ELECTRIC,
        ChartLimits,
        Rule,
        RunsResult,
        false_discovery,
        individuals_limits,
        rate_limits,
        runs_rules,
        share_limits,
    )
    from tierwise.engine.watching.cusum import CusumParams, CusumResult, cusum, cusum_run_length
    from tierwise.engine.watching.ewma import EwmaParams, EwmaResult, ewma, ewma_run_length
    from tierwise.engine.watching.limits import TunedLimit, TuneParams, tune_limit
    from tierwise.engine.watching.queueing import lead_time_growth, queue_effect, utilisation_limit
    from tierwise.engine.watching.trend import Crossing, Trend, TrendParams, time_to_threshold, trend

load_on_first_use(
    __name__,
    {
        "alarms": (
            "AlarmParams",
            "AlarmQuality",
            "BudgetedThreshold",
            "alarm_quality",
            "threshold_for_budget",
        ),
        "change": (
            "ChangeParams",
            "ChangeResult",
            "change_points",
        ),
        "charts": (
            "ChartLimits",
            "NELSON",
            "Rule",
            "RunsResult",
            "WESTERN_ELECTRIC",
            "false_discovery",
            "individuals_limits",
            "rate_limits",
            "runs_rules",
            "share_limits",
        ),
        "cusum": (
            "CusumParams",
            "CusumResult",
            "cusum",
            "cusum_run_length",
        ),
        "ewma": (
            "EwmaParams",
            "EwmaResult",
            "ewma",
            "ewma_run_length",
        ),
        "limits": (
            "TuneParams",
            "TunedLimit",
            "tune_limit",
        ),
        "queueing": (
            "lead_time_growth",
            "queue_effect",
            "utilisation_limit",
        ),
        "trend": (
            "Crossing",
            "Trend",
            "TrendParams",
            "time_to_threshold",
            "trend",
        ),
    },
)

__all__ = [
    "NELSON",
    "WESTERN_ELECTRIC",
    "AlarmParams",
    "AlarmQuality",
    "BudgetedThreshold",
    "ChangeParams",
    "ChangeResult",
    "ChartLimits",
    "Crossing",
    "CusumParams",
    "CusumResult",
    "EwmaParams",
    "EwmaResult",
    "Rule",
    "RunsResult",
    "Trend",
    "TrendParams",
    "TuneParams",
    "TunedLimit",
    "alarm_quality",
    "change_points",
    "cusum",
    "cusum_run_length",
    "ewma",
    "ewma_run_length",
    "false_discovery",
    "individuals_limits",
    "lead_time_growth",
    "queue_effect",
    "rate_limits",
    "runs_rules",
    "share_limits",
    "threshold_for_budget",
    "time_to_threshold",
    "trend",
    "tune_limit",
    "utilisation_limit",
]
