"""Forecasting: what comes, how sure that is, which method earned the right to say so, and does it all add up.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierwise.engine.forecasting.exponential import (
        FAMILIES,
        FORMS,
        ExponentialParams,
        Smoothed,
        exponential_smoothing,
        project,
    )
    from tierwise.engine.forecasting.intermittent import DemandRates, IntermittentParams, intermittent_demand
    from tierwise.engine.forecasting.measures import (
        Accuracy,
        Tracking,
        accuracy,
        coverage,
        naive_scale,
        pinball,
        tracking_signal,
    )
    from tierwise.engine.forecasting.panel import Panel

_HOMES: dict[str, tuple[str, ...]] = {
    "exponential": ("FAMILIES", "FORMS", "ExponentialParams", "Smoothed", "exponential_smoothing", "project"),
    "intermittent": ("DemandRates", "IntermittentParams", "intermittent_demand"),
    "measures": ("Accuracy", "Tracking", "accuracy", "coverage", "naive_scale", "pinball", "tracking_signal"),
    "panel": ("Panel",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "FAMILIES",
    "FORMS",
    "Accuracy",
    "DemandRates",
    "ExponentialParams",
    "IntermittentParams",
    "Panel",
    "Smoothed",
    "Tracking",
    "accuracy",
    "coverage",
    "exponential_smoothing",
    "intermittent_demand",
    "naive_scale",
    "pinball",
    "project",
    "tracking_signal",
]
