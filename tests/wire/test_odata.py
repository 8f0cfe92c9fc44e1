"""OData batches: built so that a plain MIME reader finds every write, answers read whoever wrote them."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from tierwise.wire.odata import Operation, batch, batch_answers, fill

WRITES = [
    Operation("1", "PATCH", "Materials('A1')", '{"ZSEG":"Ä"}', {"if-match": "*"}),
    Operation("2", "PATCH", "Materials('B2')", '{"ZSEG":"B"}', {}),
]
# The shape of an answer in OData 4.01 Protocol, example 120: a change set's answer, then a lone one.
ANSWER = (
    b"--b_243234\r\nContent-Type: multipart/mixed; boundary=cs_12u7\r\n\r\n"
    b"--cs_12u7\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\nHost: host\r\n\r\n\r\n--cs_12u7--\r\n"
    b"--b_243234\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\n"
    b'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{"error":{"message":"no B2"}}\r\n'
    b"--b_243234--\r\n"
)


def test_a_mime_reader_finds_every_write() -> None:
    kind, body = batch(WRITES, "batch_1")
    parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload()
    assert isinstance(parts, list)
    assert len(parts) == 2
    for part, write in zip(parts, WRITES, strict=True):
        [change] = part.get_payload()  # type: ignore[union-attr]
        assert change.get_content_type() == "application/http"
        assert change["Content-ID"] == write.content_id
    text = body.decode()
    assert "PATCH Materials('A1') HTTP/1.1\r\nContent-Type: application/json\r\nif-match: *\r\n" in text
    assert f"Content-Length: {len(WRITES[0].body.encode())}\r\n\r\n" + WRITES[0].body in text


def test_answers_are_read_in_order() -> None:
    found = batch_answers('multipart/mixed; boundary="b_243234"', ANSWER)
    assert [(one.content_id, one.status) for one in found] == [("1", 204), ("2", 404)]
    assert "no B2" in found[1].text
    with pytest.raises(ValueError, match="text/html"):
        batch_answers("text/html", b"<html>")


def test_keys_cannot_break_out_of_an_address() -> None:
    assert fill("M('{k}')/x", {"k": "a'b/c?d"}) == "M('a%27%27b%2Fc%3Fd')/x"
    assert fill("M({a},{b})", {"a": 1, "b": None}) == "M(1,)"
    with pytest.raises(ValueError, match="writes no such column"):
        fill("M('{gone}')", {"k": 1})
