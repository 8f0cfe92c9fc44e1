"""Every documented example of the family runs; the package loads nothing until a name is used."""

from __future__ import annotations

import doctest
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tierwise.engine import risk

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(each.name for each in pkgutil.walk_packages(risk.__path__, "tierwise.engine.risk."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_hold(name: str) -> None:
    assert doctest.testmod(import_module(name), optionflags=OPTIONS).failed == 0


def test_every_public_function_has_an_example() -> None:
    assert [name for name in risk.__all__ if name.islower() and ">>>" not in (getattr(risk, name).__doc__ or "")] == []


def test_the_page_of_the_documentation_holds() -> None:
    page = Path(__file__).parents[3] / "docs" / "engine" / "risk.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 3
    assert found.failed == 0


def test_importing_the_package_loads_no_compiler_and_no_solver() -> None:
    script = "import sys, tierwise.engine.risk; print([m for m in ('numba', 'scipy', 'highspy') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = risk.nothing_like_it
    assert "exposure" in dir(risk)
