"""Importing the engine or a family costs nothing until something is computed."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

from tierwise import engine

PACKAGES = sorted(found.name for found in pkgutil.iter_modules(engine.__path__) if found.ispkg)
HEAVY = ("numba", "scipy", "polars", "numpy", "highspy", "typer", "statsforecast", "lightgbm")


def test_no_family_loads_a_library() -> None:
    """All in one process: none may load what another would be blamed for."""
    script = (
        "import json, sys, importlib\nloaded = {}\n"
        f"for name in {['', *engine.__all__]}:\n"
        "    importlib.import_module('tierwise.engine' + ('.' + name if name else ''))\n"
        f"    loaded[name] = [m for m in {HEAVY} if m in sys.modules]\n"
        "print(json.dumps(loaded))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {name: found for name, found in json.loads(shown.stdout).items() if found} == {}


def test_the_engine_offers_its_families() -> None:
    script = (
        "import tierwise.engine as e; print([getattr(e, n).__name__ for n in e.__all__] == ['tierwise.engine.' + n "
    )
    script += "for n in e.__all__], set(e.__all__) <= set(dir(e)))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "True True"
    assert set(engine.__all__) <= set(PACKAGES)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = engine.nothing_like_it  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", PACKAGES)
def test_every_public_name_is_found_where_it_is_said_to_live(family: str) -> None:
    package = (
        getattr(engine, family) if family in engine.__all__ else __import__(f"tierwise.engine.{family}", fromlist=["x"])
    )
    for name in getattr(package, "__all__", ()):
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        _ = package.nothing_like_it


@pytest.mark.parametrize("order", ["module first", "name first"])
def test_a_name_stands_before_the_module_of_the_same_name(order: str) -> None:
    first, second = (
        "from tierwise.engine.watching.cusum import CusumParams",
        "from tierwise.engine.watching import cusum",
    )
    if order == "name first":
        first, second = second, first
    script = f"{first}\n{second}\nprint(callable(cusum), CusumParams.__module__)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["True", "tierwise.engine.watching.cusum"]
