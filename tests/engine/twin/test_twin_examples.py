"""Examples of the twin family run as they stand."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", ["calibrate", "fitting", "precision", "running", "spread", "start"])
def test_examples_of_the_functions(name: str) -> None:
    found = doctest.testmod(import_module(f"tierwise.engine.twin.{name}"), optionflags=OPTIONS)
    assert found.attempted > 0
    assert found.failed == 0


def test_examples_of_the_page() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "engine" / "twin.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 5
    assert found.failed == 0
