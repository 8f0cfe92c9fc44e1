"""Packages whose names load the module they live in when first used (PEP 562), so that importing them costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The package's ``__getattr__``: ``homes`` says per module, below the package, which names live there.

    >>> find = on_first_use("tierwise.engine", {"thresholds": ("UNKNOWN",)})
    >>> find("UNKNOWN")
    '?'
    """
    home = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"{package} has no {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return find
