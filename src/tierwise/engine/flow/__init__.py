"""Capacity and flow: does supply match demand, who gets what, over which lanes, and what would one more unit be worth?

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.flow.allocation import Allocation, AllocationProblem, Allocator, allocate
    from tierwise.engine.flow.lanes import LaneFlows, LaneNetwork, LanePlanner, lane_flows
    from tierwise.engine.flow.portfolio import Portfolio, PortfolioParams, PortfolioProblem, choose_portfolio
    from tierwise.engine.flow.promise import Promises, Reach, TransitNetwork, reach, transit_shares
    from tierwise.engine.flow.serving import Headroom, Readiness, ReadinessProblem, headroom, readiness
    from tierwise.engine.flow.weekly import (
        COLOUR,
        MATCH,
        DemandDeviation,
        Levelling,
        SubHorizon,
        WeeklyMatch,
        demand_deviation,
        group_demand,
        level_production,
        match_weeks,
    )
    from tierwise.engine.programs import Conflict, NoPlan

load_on_first_use(
    __name__,
    {
        "allocation": (
            "Allocation",
            "AllocationProblem",
            "Allocator",
            "allocate",
        ),
        "lanes": (
            "LaneFlows",
            "LaneNetwork",
            "LanePlanner",
            "lane_flows",
        ),
        "portfolio": (
            "Portfolio",
            "PortfolioParams",
            "PortfolioProblem",
            "choose_portfolio",
        ),
        "promise": (
            "Promises",
            "Reach",
            "TransitNetwork",
            "reach",
            "transit_shares",
        ),
        "serving": (
            "Headroom",
            "Readiness",
            "ReadinessProblem",
            "headroom",
            "readiness",
        ),
        "weekly": (
            "COLOUR",
            "DemandDeviation",
            "Levelling",
            "MATCH",
            "SubHorizon",
            "WeeklyMatch",
            "demand_deviation",
            "group_demand",
            "level_production",
            "match_weeks",
        ),
        "tierwise.engine.programs": (
            "Conflict",
            "NoPlan",
        ),
    },
)

__all__ = [
    "COLOUR",
    "MATCH",
    "Allocation",
    "AllocationProblem",
    "Allocator",
    "Conflict",
    "DemandDeviation",
    "Headroom",
    "LaneFlows",
    "LaneNetwork",
    "LanePlanner",
    "Levelling",
    "NoPlan",
    "Portfolio",
    "PortfolioParams",
    "PortfolioProblem",
    "Promises",
    "Reach",
    "Readiness",
    "ReadinessProblem",
    "SubHorizon",
    "TransitNetwork",
    "WeeklyMatch",
    "allocate",
    "choose_portfolio",
    "demand_deviation",
    "group_demand",
    "headroom",
    "lane_flows",
    "level_production",
    "match_weeks",
    "reach",
    "readiness",
    "transit_shares",
]
