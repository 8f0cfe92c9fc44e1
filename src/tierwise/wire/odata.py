"""OData ``$batch`` as multipart/mixed, which versions 2 and 4 both read (OData 4.01 Protocol, section 11.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_CONTENT_ID = re.compile(rb"content-id:\s*(\S+)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One write inside a batch; ``content_id`` comes back with its answer."""

    content_id: str
    method: str
    url: str
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    content_id: str
    status: int
    text: str


def fill(template: str, values: Mapping[str, object]) -> str:
    """An address with ``{COLUMN}`` replaced: quotes doubled as OData wants, the rest percent-encoded.

    >>> fill("Materials('{MATNR}')", {"MATNR": "A/1'2"})
    "Materials('A%2F1%27%272')"

    Raises ValueError for a column that the row does not have.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise ValueError(f"{{{name}}}: the mapping writes no such column; it has {', '.join(values)}")
        found = values[name]
        return quote("" if found is None else str(found).replace("'", "''"), safe="")

    return _PLACEHOLDER.sub(value, template)


def placeholders(template: str) -> list[str]:
    return _PLACEHOLDER.findall(template)


def batch(operations: Sequence[Operation], boundary: str) -> tuple[str, bytes]:
    """(content type, body). Every write stands in a change set of its own: one that fails undoes no other."""
    parts = []
    for number, one in enumerate(operations):
        inner = f"{boundary}_{number}"
        headers = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
        length = len(one.body.encode())
        parts.append(
            f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n"
            f"--{inner}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {one.content_id}\r\n\r\n"
            f"{one.method} {one.url} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {length}\r\n\r\n{one.body}\r\n--{inner}--\r\n"
        )
    body = "".join(parts) + f"--{boundary}--\r\n"
    return f"multipart/mixed; boundary={boundary}", body.encode()


def batch_answers(content_type: str, body: bytes) -> list[Answer]:
    """The answer to each write, in their order. ValueError for a body that is no batch."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError(f"the answer is {content_type or 'of no type'}, not multipart/mixed")
    answers = []
    for part in _parts(body, found.group(1)):
        inner = _BOUNDARY.search(part.split(b"\r\n\r\n", 1)[0].decode("latin-1"))
        for one in _parts(part, inner.group(1)) if inner else [part]:
            status = _STATUS.search(one)
            if status is None:
                continue
            named = _CONTENT_ID.search(one)
            text = one[status.start() :].split(b"\r\n\r\n", 1)[-1].strip()
            name = named.group(1).decode("latin-1") if named else ""
            answers.append(Answer(name, int(status.group(1)), text.decode("utf-8", "replace")))
    return answers


def _parts(body: bytes, boundary: str) -> list[bytes]:
    marker = f"--{boundary}".encode()
    pieces = re.split(rb"(?:^|\r?\n)" + re.escape(marker) + rb"(?=--|\r?\n)", body)
    return [piece.strip(b"\r\n") for piece in pieces[1:] if not piece.startswith(b"--")]
