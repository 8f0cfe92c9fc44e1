"""Twin: a supply network played through in time, with its luck, as often as needed.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierwise.engine.twin.model import Capacities, Demands, Lanes, Outages, Stocks, Twin
    from tierwise.engine.twin.outcome import Outcome
    from tierwise.engine.twin.running import Runs, simulate
    from tierwise.engine.twin.spread import Spread

_HOMES: dict[str, tuple[str, ...]] = {
    "model": ("Capacities", "Demands", "Lanes", "Outages", "Stocks", "Twin"),
    "outcome": ("Outcome",),
    "running": ("Runs", "simulate"),
    "spread": ("Spread",),
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
    "Capacities",
    "Demands",
    "Lanes",
    "Outages",
    "Outcome",
    "Runs",
    "Spread",
    "Stocks",
    "Twin",
    "simulate",
]
