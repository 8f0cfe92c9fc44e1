"""Examples in the docstrings and on the documentation's page are run."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(path.stem for path in (ROOT / "src/tierwise/engine/division").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name: str) -> None:
    module = importlib.import_module(f"tierwise.engine.division.{name}")
    assert doctest.testmod(module, optionflags=OPTIONS).failed == 0


def test_examples_of_the_page() -> None:
    page = ROOT / "docs" / "engine" / "division.md"
    ran = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert ran.attempted > 10
    assert ran.failed == 0


def test_import_stays_light() -> None:
    """Compilers, solvers and special functions load on first use: they take longer than all else together."""
    code = "import sys, tierwise.engine.division; print(*({'numba', 'scipy', 'highspy'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.split() == []
