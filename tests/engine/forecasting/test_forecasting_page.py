"""The examples on the family's page run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_examples_of_the_page_run() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "engine" / "forecasting.md"
    found = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert found.attempted > 10
    assert found.failed == 0
