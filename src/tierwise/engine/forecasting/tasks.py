"""Forecasts as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine.forecasting import ExponentialParams, IntermittentParams, Panel, exponential_smoothing
from tierwise.engine.forecasting import intermittent_demand as intermittent
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import PERIOD, SERIES, long_panel, tidy

_VALUE = Column("value", Kind.NUMBER, "the figure of the period", empty="unknown; before the first: not yet begun")


def _smooth(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "value")
    params = ExponentialParams(season=given["season"], nonnegative=given["nonnegative"])
    found = exponential_smoothing(Panel.of(panel.values["value"]), given["horizon"], params)
    names = [name for name in panel.series for _ in range(given["horizon"])]
    return tidy({
        "series": names, "ahead": list(range(1, given["horizon"] + 1)) * len(panel.series),
        "forecast": found.forecast.ravel(),
        "form": [found.name(at) for at in range(len(panel.series)) for _ in range(given["horizon"])],
        "rmse": np.repeat(found.rmse, given["horizon"]),
    })  # fmt: skip


def _intermittent(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "value")
    found = intermittent(Panel.of(panel.values["value"]), IntermittentParams(given["method"]))
    return panel.per_series(rate=found.rate, size=found.size, interval=found.interval, n=found.n, demands=found.demands)


def _rows(series: str, values: tuple[float, ...]) -> str:
    return "series,period,value\n" + "".join(f"{series},{at:02},{value}\n" for at, value in enumerate(values, start=1))


TASKS = (
    Task(
        "forecasting", "smoothing", "What the next periods bring by the best form of exponential smoothing",
        (SERIES, PERIOD, _VALUE),
        {"ahead": "periods ahead", "forecast": "the forecast", "form": "the form chosen", "rmse": "its past error"},
        _smooth, "the error beside the level: a forecast that is off by half its level is no plan",
        _rows("pump", (112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135)),
        (
            Parameter("horizon", Kind.WHOLE, "how many periods ahead", 3, "periods"),
            Parameter("season", Kind.WHOLE, "length of the cycle, 1 for none", 1, "periods"),
            Parameter("nonnegative", Kind.FLAG, "cut forecasts at 0", True),
        ),
    ),
    Task(
        "forecasting", "intermittent", "Demand per period where most periods have none",
        (SERIES, PERIOD, _VALUE),
        {
            "rate": "units per period", "size": "units of a demand", "interval": "periods between demands",
            "n": "periods known", "demands": "of these with demand",
        },
        _intermittent, "size and interval apart: the same rate can be a pallet twice a year or a piece a week",
        _rows("valve", (0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6)),
        (Parameter("method", Kind.TEXT, "how it is smoothed", "sba", choices=("croston", "sba", "sbj", "tsb")),),
    ),
)  # fmt: skip
