"""Whatever the reader of workbooks refuses has its wording, in every language, with everything that belongs to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from tierwise.doors.wording import FAULT_WORDS, fault_text
from tierwise.web.pages import changes
from tierwise.wire import spreadsheets
from tierwise.wire.spreadsheets import FaultCode, Why

ROOM = Path(spreadsheets.__file__).parent
GAP = re.compile(r"%\((\w+)\)s")


def raised() -> dict[FaultCode, set[str]]:
    """Every code that the reader raises, with the names of the values that go along."""
    found: dict[FaultCode, set[str]] = {}
    for path in (*ROOM.glob("*.py"), Path(changes.__file__)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Attribute):
                if getattr(first.value, "id", "") != "FaultCode":
                    continue
                names = {str(word.arg) for word in node.keywords}
                for given in node.args[1:]:
                    assert isinstance(given, ast.Dict)
                    names |= {str(ast.literal_eval(key)) for key in given.keys if key is not None}
                assert found.setdefault(FaultCode[first.attr], names) == names, first.attr
    return found


def test_every_code_is_raised_and_brings_what_its_wording_fills_in() -> None:
    assert raised() == {code: set(GAP.findall(str(FAULT_WORDS[code]))) for code in FaultCode}


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("code", FaultCode)
def test_every_code_is_said_in_every_language(code: FaultCode, language: str) -> None:
    english = str(FAULT_WORDS[code])
    with translation.override(language):
        said = str(FAULT_WORDS[code])
    assert said != english
    assert set(GAP.findall(said)) == set(GAP.findall(english))
    assert said[:1].isupper() or said.startswith(("%", "“", "„", "«"))


def test_values_come_back_in_the_sentence() -> None:
    with translation.override("de"):
        assert fault_text(Why(FaultCode.TOO_MANY_DECIMALS, {"n": "2"})) == "Höchstens 2 Nachkommastellen werden geführt"
        assert fault_text(Why(FaultCode.NOT_A_CHOICE, {"all": "A, 50%"})) == "Wählen Sie eines von: A, 50%"
    assert fault_text(Why(FaultCode.NO_SUCH_DAY)) == "There is no such day"
