"""The page of the engine shows every family, its example runs, its pictures are what the engine computes now."""

from __future__ import annotations

import doctest
import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tierwise import engine

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "engine.md"
PICTURES = PAGE.parent / "engine" / "pictures"

_spec = importlib.util.spec_from_file_location("engine_pictures", ROOT / "tools" / "engine_pictures.py")
assert _spec is not None
assert _spec.loader is not None
drawing = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = drawing
_spec.loader.exec_module(drawing)


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.?\d*", text)]


@pytest.mark.parametrize("draw", drawing.DRAWN, ids=lambda draw: draw.__name__)
def test_a_picture_is_what_is_computed(draw) -> None:  # type: ignore[no-untyped-def]
    drawn, kept = draw().svg(), (PICTURES / f"{draw.__name__}.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(drawn)
    assert re.sub(r"-?\d+\.?\d*", "#", drawn) == re.sub(r"-?\d+\.?\d*", "#", kept)
    # Another machine's last digit may round to the next tenth of a point.
    assert numbers(drawn) == pytest.approx(numbers(kept), abs=0.11)


def test_every_family_has_its_picture_on_the_page() -> None:
    shown = set(re.findall(r"\(engine/pictures/(\w+)\.svg\)", PAGE.read_text(encoding="utf-8")))
    assert shown == {draw.__name__ for draw in drawing.DRAWN} == {path.stem for path in PICTURES.glob("*.svg")}
    assert shown <= set(engine.__all__)


def test_the_example_of_the_page_runs() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert (found.attempted, found.failed) == (3, 0)
