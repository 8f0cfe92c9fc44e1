"""Help and version come at once: they load none of what commands run."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = "sorted({'django', 'polars', 'numpy', 'numba', 'scipy', 'psycopg'} & set(sys.modules))"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["demo", "--help"],
        ["scheme", "plan", "--help"],
        ["exchange", "--help"],
        ["token", "make", "--help"],
    ],
)
def test_help_loads_nothing_that_commands_run(words: list[str]) -> None:
    program = f"""
import atexit, sys
atexit.register(lambda: print("loaded", {_HEAVY}))
sys.argv = ["tierwise", *{words!r}]
from tierwise.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_it_says_its_version() -> None:
    words = [sys.executable, "-m", "tierwise", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("tierwise 0.")
