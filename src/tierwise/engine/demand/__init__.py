"""Demand: how regular, variable and seasonal it is, what serving it costs, where in its life it stands.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.demand.bass import (
        YEARLY_MEANS,
        Analogues,
        BassFit,
        BassParams,
        BassPeak,
        bass_demand,
        bass_peak,
        bass_share,
        fit_bass,
    )
    from tierwise.engine.demand.cells import GRAIN, DemandParams, whole_buckets
    from tierwise.engine.demand.censored import (
        CensoredParams,
        DemandRate,
        UncensoredDemand,
        demand_rate,
        uncensored_demand,
    )
    from tierwise.engine.demand.coded import CodedLines, as_coded, code_lines
    from tierwise.engine.demand.costing import (
        Costing,
        CostingParams,
        CostPool,
        WhaleCurve,
        activity_costs,
        capacity_use,
        cell_margins,
        whale_curve,
    )
    from tierwise.engine.demand.measure import demand_series, measure_demand
    from tierwise.engine.demand.pattern import (
        CLASSES,
        DemandSeries,
        Pattern,
        classify,
        measure_panel,
        measure_patterns,
    )
    from tierwise.engine.demand.shifts import LevelShifts, ShiftParams, level_shifts
    from tierwise.engine.demand.stage import (
        GROUNDS,
        STAGES,
        LifeCycle,
        StageBounds,
        StageParams,
        life_cycle_stage,
        stage_bounds,
    )

load_on_first_use(
    __name__,
    {
        "bass": (
            "YEARLY_MEANS", "Analogues", "BassFit", "BassParams", "BassPeak", "bass_demand", "bass_peak", "bass_share",
            "fit_bass",
        ),
        "cells": ("GRAIN", "DemandParams", "whole_buckets"),
        "censored": ("CensoredParams", "DemandRate", "UncensoredDemand", "demand_rate", "uncensored_demand"),
        "coded": ("CodedLines", "as_coded", "code_lines"),
        "costing": (
            "CostPool", "Costing", "CostingParams", "WhaleCurve", "activity_costs", "capacity_use", "cell_margins",
            "whale_curve",
        ),
        "measure": ("demand_series", "measure_demand"),
        "pattern": ("CLASSES", "DemandSeries", "Pattern", "classify", "measure_panel", "measure_patterns"),
        "shifts": ("LevelShifts", "ShiftParams", "level_shifts"),
        "stage": (
            "GROUNDS", "STAGES", "LifeCycle", "StageBounds", "StageParams", "life_cycle_stage", "stage_bounds",
        ),
    },
)  # fmt: skip

__all__ = [
    "CLASSES",
    "GRAIN",
    "GROUNDS",
    "STAGES",
    "YEARLY_MEANS",
    "Analogues",
    "BassFit",
    "BassParams",
    "BassPeak",
    "CensoredParams",
    "CodedLines",
    "CostPool",
    "Costing",
    "CostingParams",
    "DemandParams",
    "DemandRate",
    "DemandSeries",
    "LevelShifts",
    "LifeCycle",
    "Pattern",
    "ShiftParams",
    "StageBounds",
    "StageParams",
    "UncensoredDemand",
    "WhaleCurve",
    "activity_costs",
    "as_coded",
    "bass_demand",
    "bass_peak",
    "bass_share",
    "capacity_use",
    "cell_margins",
    "classify",
    "code_lines",
    "demand_rate",
    "demand_series",
    "fit_bass",
    "level_shifts",
    "life_cycle_stage",
    "measure_demand",
    "measure_panel",
    "measure_patterns",
    "stage_bounds",
    "uncensored_demand",
    "whale_curve",
    "whole_buckets",
]
