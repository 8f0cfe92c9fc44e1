"""Demand calculations as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine import demand
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import PERIOD, SERIES, long_panel, tidy

_DEMAND = Column("demand", Kind.NUMBER, "demand of the period", "units", "not observed")


def _pattern(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "demand")
    values = panel.values["demand"]
    begun = np.cumsum(np.isfinite(values), axis=1) > 0
    found = demand.measure_panel(np.where(begun & np.isnan(values), 0.0, values))
    names = [demand.CLASSES[code] if code >= 0 else None for code in found.demand_class.tolist()]
    return panel.per_series(
        demand_class=names, adi=found.adi, cv2=found.cv2_sample, cv=found.cv, periods=found.buckets,
        with_demand=found.nonzero,
    )  # fmt: skip


def _life_cycle(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "demand")
    values = panel.values["demand"]
    analogues = demand.YEARLY_MEANS.per(given["periods_per_year"])
    fit = demand.fit_bass(values, demand.BassParams(analogues if given["analogues"] else None))
    stage = demand.life_cycle_stage(values, fit, demand.StageParams(flat=given["flat"]))
    return panel.per_series(
        stage=stage.names(), grounds=[demand.GROUNDS[code] for code in stage.grounds.tolist()],
        confidence=stage.confidence, next_in=stage.next_in, peak_at=fit.peak.time, peak_rate=fit.peak.rate,
        market=fit.market, fit=fit.fit, evidence=fit.evidence, n=fit.n,
    )  # fmt: skip


def _level_shifts(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    panel = long_panel(table, "demand")
    params = demand.ShiftParams(given["model"], given["least_periods"], given["weight"])
    shifts = demand.level_shifts(panel.values["demand"], params).shifts
    return tidy({
        "series": [panel.series[at] for at in shifts["series"].to_list()],
        "period": [panel.periods[at] for at in shifts["at"].to_list()],
        **{name: shifts[name] for name in ("before", "after", "change", "size")},
    })  # fmt: skip


def _stockouts(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    cut = table.with_columns(cut=pl.col("stockout").fill_null(value=False))
    panel = long_panel(cut, "sales", "cut")
    found = demand.uncensored_demand(
        panel.values["sales"], panel.values["cut"] == 1.0, demand.CensoredParams(given["model"])
    )
    return panel.per_series(
        mean=found.mean, sd=found.sd, sales_mean=found.sales_mean, lost=found.lost, n=found.n, censored=found.censored
    )


def _long(series: str, name: str, values: tuple[float, ...]) -> str:
    rows = "".join(f"{series},{at:02},{value}\n" for at, value in enumerate(values, start=1))
    return f"series,period,{name}\n{rows}"


TASKS = (
    Task(
        "demand", "pattern", "How regular and variable demand is: ADI, CV² and the class that follows",
        (SERIES, PERIOD, Column("demand", Kind.NUMBER, "demand of the period", "units", "0, at first not yet sold")),
        {
            "demand_class": "smooth, erratic, intermittent or lumpy", "adi": "periods per period with demand",
            "cv2": "squared variation of the periods with demand", "cv": "variation over all periods",
            "periods": "periods since the first", "with_demand": "of these with demand",
        },
        _pattern, "classes near the cuts (ADI 1.32, CV² 0.49) and those from few periods with demand",
        _long("valve", "demand", (0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6)),
    ),
    Task(
        "demand", "life_cycle", "Where in its life a product stands, on which grounds, and when its sales peak",
        (SERIES, PERIOD, _DEMAND),
        {
            "stage": "ramp, growth, mature, decline or unknown", "grounds": "curve, analogue, slope",
            "confidence": "probability of that stage", "next_in": "periods until the next stage begins",
            "peak_at": "periods from launch to the peak", "peak_rate": "sales per period then", "market": "units ever",
            "fit": "share of the variance the curve explains", "evidence": "1: sales alone, 0: analogues alone",
            "n": "periods observed",
        },
        _life_cycle, "the grounds: a curve needs a product that is bought once; others go by their slope",
        _long("air conditioner", "demand", (96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500)),
        (
            Parameter("flat", Kind.NUMBER, "change per period that counts as level", 0.1, "share of demand"),
            Parameter("analogues", Kind.FLAG, "steady few points by the published means", True),
            Parameter("periods_per_year", Kind.NUMBER, "12 for months", 1.0),
        ),
    ),
    Task(
        "demand", "level_shifts", "When the level of demand changed for good, and from what to what",
        (SERIES, PERIOD, _DEMAND),
        {
            "period": "first period of the new level", "before": "level before", "after": "level after",
            "change": "after / before − 1", "size": "change in spreads of single periods",
        },
        _level_shifts, "average only since the last shift; a series without rows has kept its level",
        _long("pump", "demand", (20, 22, 19, 21, 18, 23, 20, 21, 31, 29, 33, 30, 28, 32, 31, 30)),
        (
            Parameter("model", Kind.TEXT, "how periods vary", "normal", choices=("normal", "poisson")),
            Parameter("least_periods", Kind.WHOLE, "how long a level must last", 3),
            Parameter("weight", Kind.NUMBER, "price of a shift, 2 sees more, 4 fewer", 3.0),
        ),
    ),
    Task(
        "demand", "stockouts", "What was demanded where sales ended because stock did",
        (
            SERIES, PERIOD,
            Column("sales", Kind.NUMBER, "units sold", "units", "not observed"),
            Column("stockout", Kind.FLAG, "whether stock ran out in the period", "", "no", needed=False),
        ),
        {
            "mean": "mean demand per period", "sd": "its spread", "sales_mean": "what sales alone would say",
            "lost": "units not sold", "n": "periods observed", "censored": "of these cut short",
        },
        _stockouts, "censored against n: with most periods cut the answer rests on the model's tail",
        "series,period,sales,stockout\n" + "".join(
            f"tap,{at},{sales},{cut}\n" for at, (sales, cut) in enumerate((
                (41, "no"), (52, "no"), (38, "no"), (60, "yes"), (60, "yes"), (47, "no"), (60, "yes"), (55, "no"),
            ), start=1)
        ),
        (Parameter("model", Kind.TEXT, "how demand varies", "normal", choices=("normal", "lognormal", "poisson")),),
    ),
)  # fmt: skip
