"""Twin: a supply network played through in time, with its luck, as often as needed.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.twin.calibrate import LaneFit, OrderHistory, Retold, calibrate_lane, retold
    from tierwise.engine.twin.fitting import Fit, FitParams, fit, fit_all
    from tierwise.engine.twin.model import Capacities, Demands, Lanes, Outages, Stocks, Twin
    from tierwise.engine.twin.outcome import Outcome
    from tierwise.engine.twin.precision import Difference, Interval, Precision, Replicated, compare, interval, replicate
    from tierwise.engine.twin.running import Runs, simulate
    from tierwise.engine.twin.spread import Spread
    from tierwise.engine.twin.start import WarmUp, warm_up, welch

load_on_first_use(
    __name__,
    {
        "calibrate": (
            "LaneFit",
            "OrderHistory",
            "Retold",
            "calibrate_lane",
            "retold",
        ),
        "fitting": (
            "Fit",
            "FitParams",
            "fit",
            "fit_all",
        ),
        "model": (
            "Capacities",
            "Demands",
            "Lanes",
            "Outages",
            "Stocks",
            "Twin",
        ),
        "outcome": ("Outcome",),
        "precision": (
            "Difference",
            "Interval",
            "Precision",
            "Replicated",
            "compare",
            "interval",
            "replicate",
        ),
        "running": (
            "Runs",
            "simulate",
        ),
        "spread": ("Spread",),
        "start": (
            "WarmUp",
            "warm_up",
            "welch",
        ),
    },
)

__all__ = [
    "Capacities",
    "Demands",
    "Difference",
    "Fit",
    "FitParams",
    "Interval",
    "LaneFit",
    "Lanes",
    "OrderHistory",
    "Outages",
    "Outcome",
    "Precision",
    "Replicated",
    "Retold",
    "Runs",
    "Spread",
    "Stocks",
    "Twin",
    "WarmUp",
    "calibrate_lane",
    "compare",
    "fit",
    "fit_all",
    "interval",
    "replicate",
    "retold",
    "simulate",
    "warm_up",
    "welch",
]
