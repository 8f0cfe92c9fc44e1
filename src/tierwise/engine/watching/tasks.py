"""Watching series as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import PERIOD, SERIES, long_panel
from tierwise.engine.watching import CusumParams, cusum, time_to_threshold, trend

_VALUE = Column("value", Kind.NUMBER, "the figure watched", empty="not observed")


def _cusum(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "value")
    params = CusumParams(given["allowance"], given["limit"], given["head_start"])
    found = cusum(panel.values["value"], given["target"], given["scale"], params)
    onset = found.onset
    return panel.per_series(
        signal=found.first_signal >= 0,
        first_signal=_named(found.first_signal, panel.periods),
        since=_named(onset, panel.periods),
        shift=found.shift,
        n=found.n,
    )


def _named(places: Any, periods: list[str]) -> list[str | None]:
    return [periods[at] if at >= 0 else None for at in np.asarray(places).tolist()]


def _trend(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "value")
    found = trend(panel.values["value"])
    reach = time_to_threshold(found, given["threshold"], rising=given["rising"])
    return panel.per_series(
        slope=found.slope, slope_low=found.slope_low, slope_high=found.slope_high, p=found.p, level=found.level,
        periods_to_threshold=reach.expected, earliest=reach.earliest, latest=reach.latest, n=found.n,
    )  # fmt: skip


TASKS = (
    Task(
        "watching", "cusum", "Whether the level of a series has shifted lastingly from its target, and since when",
        (SERIES, PERIOD, _VALUE),
        {
            "signal": "whether the level shifted", "first_signal": "the period in which that was sure",
            "since": "the period in which it began", "shift": "by how many scales it is off", "n": "periods observed",
        },
        _cusum, "the period it began, not that of the alarm: the cause lies there",
        "series,period,value\n" + "".join(
            f"S1,{at:02},{value}\n" for at, value in enumerate((0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6), start=1)
        ),
        (
            Parameter("target", Kind.NUMBER, "the level it should have"),
            Parameter("scale", Kind.NUMBER, "standard deviation while in control", 1.0),
            Parameter("allowance", Kind.NUMBER, "deviation that does not count", 0.5, "scales"),
            Parameter("limit", Kind.NUMBER, "sum that signals", 5.0, "scales"),
            Parameter("head_start", Kind.NUMBER, "share of the limit to begin at, 0.5 for a fast start", 0.0),
        ),
        {"target": "0"},
    ),
    Task(
        "watching", "trend", "Whether a series rises or falls beyond chance, how fast, and when it reaches a threshold",
        (SERIES, PERIOD, _VALUE),
        {
            "slope": "change per period (Sen)", "slope_low": "its interval, lower end", "slope_high": "upper end",
            "p": "probability of as much by chance (Mann-Kendall)", "level": "the line at the last period",
            "periods_to_threshold": "periods until then, inf never", "earliest": "along the steepest slope",
            "latest": "along the flattest", "n": "periods observed",
        },
        _trend, "p before slope; an interval of the crossing that reaches to never says that nothing is sure",
        "series,period,value\n" + "".join(
            f"press 4,2025-{at:02},{value}\n" for at, value in enumerate(
                (0.62, 0.64, 0.63, 0.67, 0.70, 0.69, 0.74, 0.78, 0.77, 0.82, 0.85, 0.88), start=1
            )
        ),
        (
            Parameter("threshold", Kind.NUMBER, "the level that matters"),
            Parameter("rising", Kind.FLAG, "whether reaching it from below is the trouble", True),
        ),
        {"threshold": "0.95"},
    ),
)  # fmt: skip
