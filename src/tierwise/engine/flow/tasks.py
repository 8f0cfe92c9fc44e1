"""Capacity and flow as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine.flow import level_production, match_weeks
from tierwise.engine.flow.weekly import MATCH
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import PERIOD, SERIES, long_panel

_DEMAND = Column("demand", Kind.NUMBER, "demand of the week", "units of capacity")
_CAPACITY = Column("capacity", Kind.NUMBER, "actual capacity of the week", "units of capacity")
_EXAMPLE = "series,period,demand,capacity,maximum\n" + "".join(
    f"press,2026-W{week:02},{demand},100,120\n" for week, demand in enumerate((80, 90, 130, 100, 115), start=1)
)


def _match(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    filled = table.with_columns(maximum=pl.coalesce("maximum", "capacity"))
    panel = long_panel(filled, "demand", "capacity", "maximum")
    found = match_weeks(panel.values["demand"], panel.values["capacity"], panel.values["maximum"])
    names = np.array([str(MATCH[code]) for code in found.status.ravel()], dtype=object).reshape(found.status.shape)
    return panel.per_period(status=names, deviation=panel.values["capacity"] - panel.values["demand"])


def _level(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "demand", "capacity")
    found = level_production(
        panel.values["demand"], panel.values["capacity"], given["weeks_ahead"], given["weeks_behind"]
    )
    made = panel.values["demand"] + found.delta_production - found.left
    return panel.per_period(made=made, moved=found.delta_production, left=found.left)


TASKS = (
    Task(
        "flow", "match", "Whether capacity meets demand week by week, as Catena-X CX-0128 judges it",
        (SERIES, PERIOD, _DEMAND, _CAPACITY,
         Column("maximum", Kind.NUMBER, "the most possible", "units of capacity", "the actual one", needed=False)),
        {"status": "surplus, match or bottleneck", "deviation": "actual capacity less demand"},
        _match, "bottlenecks within the maximum are a decision, those beyond it a problem",
        _EXAMPLE,
    ),
    Task(
        "flow", "level", "Moves what exceeds capacity into free weeks before it",
        (SERIES, PERIOD, _DEMAND, _CAPACITY),
        {"made": "units made in the week", "moved": "made for another week (+) or elsewhere (−)", "left": "short"},
        _level, "what is left: no plan within these weeks makes it",
        _EXAMPLE,
        (
            Parameter("weeks_ahead", Kind.WHOLE, "how early units may be made", 2, "weeks"),
            Parameter("weeks_behind", Kind.WHOLE, "how late they may be made", 0, "weeks"),
        ),
    ),
)  # fmt: skip
