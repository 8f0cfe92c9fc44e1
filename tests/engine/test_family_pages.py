"""The examples on the pages of the watching and assessment families run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "engine"


@pytest.mark.parametrize("page", ["watching", "assessment"])
def test_examples_of_the_page_run(page: str) -> None:
    found = doctest.testfile(
        str(PAGES / f"{page}.md"), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert found.attempted > 3
    assert found.failed == 0
