"""Whatever the reader of workbooks refuses is said in the reader's language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from tierwise.doors.wording import read_fault
from tierwise.wire import spreadsheets

ROOM = Path(spreadsheets.__file__).parent
FOR_PROGRAMMERS = ("The workbook has no sheet", "Sheet {} has no column", "is damaged;", "parts; at most")
"""Met by imports and broken files alone, in English like the desk."""


def spoken() -> set[str]:
    """Every sentence that the reader of forms may say, with a 7 for what it fills in."""
    found: set[str] = set()
    for name in ("reading.py", "values.py"):
        for node in ast.walk(ast.parse((ROOM / name).read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"NotAValue", "UnreadableWorkbook"}:
                found.add(_flat(node.args[0]))
    return found


def _flat(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_flat, node.values))
    if isinstance(node, ast.FormattedValue):
        name = getattr(node.value, "id", "")
        return "" if name == "said" else "'7'" if node.conversion == ord("r") else "7"
    if isinstance(node, ast.BinOp):
        return _flat(node.left) + "7"
    return "7"


@pytest.mark.parametrize("language", ["de", "es"])
def test_every_fault_of_a_form_is_translated(language: str) -> None:
    sentences = {one for one in spoken() if not any(part.replace("{}", "") in one for part in FOR_PROGRAMMERS)}
    assert len(sentences) > 12
    with translation.override(language):
        english = [
            one for one in sentences if re.sub(r"\W", "", read_fault(one)).lower() == re.sub(r"\W", "", one).lower()
        ]
    assert english == []


def test_values_come_back_in_the_sentence() -> None:
    with translation.override("de"):
        assert read_fault("at most 2 decimals are kept") == "Höchstens 2 Nachkommastellen werden geführt"
        assert read_fault("choose one of: A, B") == "Wählen Sie eines von: A, B"
    assert read_fault("something new") == "Something new"
