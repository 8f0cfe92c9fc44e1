"""What to compute: frames and arrays in, frozen results out.

Each family is a package and loads when first used: ``import tierwise.engine as engine; engine.stock.newsvendor(…)``.
On the command line: ``python -m tierwise.engine``.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierwise.engine import (
        assessment,
        contracts,
        demand,
        disclosure,
        division,
        flow,
        forecasting,
        risk,
        scoring,
        stock,
        twin,
        watching,
    )

__all__ = [
    "assessment",
    "contracts",
    "demand",
    "disclosure",
    "division",
    "flow",
    "forecasting",
    "risk",
    "scoring",
    "stock",
    "twin",
    "watching",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
