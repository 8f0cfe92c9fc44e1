"""Every documented example runs; the package loads nothing until a name is used."""

from __future__ import annotations

import doctest
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tierwise.engine import stock

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(each.name for each in pkgutil.walk_packages(stock.__path__, "tierwise.engine.stock."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_hold(name: str) -> None:
    found = doctest.testmod(import_module(name), optionflags=OPTIONS)
    assert found.failed == 0


def test_every_public_function_has_an_example() -> None:
    bare = [name for name in stock.__all__ if name.islower() and ">>>" not in (getattr(stock, name).__doc__ or "")]
    assert bare == []


def test_the_page_of_the_documentation_holds() -> None:
    page = Path(__file__).parents[3] / "docs" / "engine" / "stock.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 0
    assert found.failed == 0


def test_importing_the_package_loads_no_compiler_and_no_special_functions() -> None:
    script = "import sys, tierwise.engine.stock; print([m for m in ('numba', 'scipy', 'polars') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = stock.nothing_like_it
    assert "newsvendor" in dir(stock)
