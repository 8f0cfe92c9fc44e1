"""Packages whose names load the module they live in when first used, so that importing them costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def load_on_first_use(package: str, homes: Mapping[str, tuple[str, ...]]) -> None:
    """Makes a package find its names where ``homes`` says: per module below the package, or by its full name from
    ``tierwise.`` on, the names that live there.

    A name may be that of its own module too (``watching.cusum``): the package then shows the name, as it did if it had
    imported it, whoever imports the module first. That is why this is a class of module and not a plain ``__getattr__``
    (PEP 562), which is not asked once the module stands in the name's place.
    """
    full = {m: m if m.startswith("tierwise.") else f"{package}.{m}" for m in homes}
    home = {name: full[module] for module, names in homes.items() for name in names}

    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name not in home:
                raise AttributeError(f"{package} has no {name!r}")
            found = getattr(import_module(home[name]), name)
            super().__setattr__(name, found)
            return found

        def __setattr__(self, name: str, value: Any) -> None:
            if not (name in home and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *home})

    sys.modules[package].__class__ = Lazy
