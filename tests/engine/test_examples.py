"""Every documented example of the engine runs, in docstrings and on the pages of the documentation."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from tierwise import engine

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = Path(__file__).resolve().parents[2] / "docs" / "engine"
MODULES = sorted(
    each.name
    for each in pkgutil.walk_packages(engine.__path__, "tierwise.engine.")
    if not each.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(import_module(name), optionflags=OPTIONS).failed == 0


@pytest.mark.parametrize("family", engine.__all__)
def test_every_public_function_has_an_example(family: str) -> None:
    package = getattr(engine, family)
    bare = [name for name in package.__all__ if name.islower() and ">>>" not in (getattr(package, name).__doc__ or "")]
    assert not bare, f"{bare} have no example that runs"


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.md")))
def test_examples_of_a_page_hold(page: str) -> None:
    found = doctest.testfile(str(PAGES / f"{page}.md"), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 10
    assert found.failed == 0
