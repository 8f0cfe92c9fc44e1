"""Risk: how long does the chain hold out, what would an outage cost, where does it hang by one thread?

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierwise.engine.risk.chain import Outages, SupplyChain, each_node_out
    from tierwise.engine.risk.exposure import (
        Exposure,
        ResponsePlan,
        SurvivalGap,
        exposure,
        response_plan,
        survival_gap,
        time_to_survive,
    )
    from tierwise.engine.risk.response import Response

_HOMES = {
    "chain": ("Outages", "SupplyChain", "each_node_out"),
    "exposure": (
        "Exposure", "ResponsePlan", "SurvivalGap", "exposure", "response_plan", "survival_gap", "time_to_survive",
    ),
    "response": ("Response",),
}  # fmt: skip
_HOME = {name: f"tierwise.engine.risk.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Exposure",
    "Outages",
    "Response",
    "ResponsePlan",
    "SupplyChain",
    "SurvivalGap",
    "each_node_out",
    "exposure",
    "response_plan",
    "survival_gap",
    "time_to_survive",
]
