"""Acknowledgements in every form that receivers write, and none misread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.wire.acknowledgements import (
    Acknowledgement,
    RefusedRow,
    UnreadableAcknowledgement,
    read_acknowledgement,
)


@pytest.mark.parametrize(
    ("content", "negative", "expected"),
    [
        (b"", False, Acknowledgement()),
        (b"\xef\xbb\xbf \n", False, Acknowledgement()),
        (b"", True, Acknowledgement(False)),
        (b"Lager gesperrt \xfc", True, Acknowledgement(False, "Lager gesperrt ü")),
        (b'{"state": "accepted"}', False, Acknowledgement()),
        (b'{"state": "refused", "reason": "closed"}', False, Acknowledgement(False, "closed")),
        (
            b'{"rows": [{"key": "A|1", "state": "refused", "reason": "r"}, {"row": 2, "state": "S"}, {"row": 3}]}',
            False,
            Acknowledgement(refused=(RefusedRow("A|1", 0, "r"), RefusedRow("", 3, ""))),
        ),
        (b"row,state,reason\n4,E,locked\n5,S,\n", False, Acknowledgement(refused=(RefusedRow("", 4, "locked"),))),
        (b'"KEY";"REASON"\r\nA1;x\r\n', True, Acknowledgement(refused=(RefusedRow("A1", 0, "x"),))),
    ],
)
def test_forms_that_are_understood(content: bytes, negative: bool, expected: Acknowledgement) -> None:
    assert read_acknowledgement(content, negative) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"all fine", "no column key or row"),
        (b'{"state": "perhaps"}', "'perhaps' is not known"),
        (b"{", "not JSON"),
        (b'{"rows": "all"}', "list of objects"),
        (b"row;state\nx;refused", "'x' is not a number"),
    ],
)
def test_what_is_not_understood_acknowledges_nothing(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableAcknowledgement, match=why):
        read_acknowledgement(content)


@given(content=st.binary(max_size=200), negative=st.booleans())
def test_no_bytes_break_the_reader(content: bytes, negative: bool) -> None:
    try:
        found = read_acknowledgement(content, negative)
    except UnreadableAcknowledgement:
        return
    assert isinstance(found, Acknowledgement)
