"""Every documented example runs and every public name is there."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tierwise.engine import disclosure

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = ["attack", "differences", "noise", "primary", "suppress", "table", "tabulate"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_hold(name: str) -> None:
    found = doctest.testmod(import_module(f"tierwise.engine.disclosure.{name}"), optionflags=OPTIONS)
    assert found.failed == 0
    assert found.attempted > 0


def test_every_public_function_has_an_example() -> None:
    bare = [
        name for name in disclosure.__all__ if name.islower() and ">>>" not in (getattr(disclosure, name).__doc__ or "")
    ]
    assert bare == []


def test_the_page_of_the_documentation_holds() -> None:
    page = Path(__file__).parents[3] / "docs" / "engine" / "disclosure.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 10
    assert found.failed == 0
