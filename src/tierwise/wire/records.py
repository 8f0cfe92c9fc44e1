"""Records of texts as other systems send them: one JSON object a line, or CSV with a header."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

Records = list[dict[str, str | None]]


class UnreadableRecords(ValueError):
    """A line that is no record; says which, and why."""


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableRecords(f"line {line}: it is not UTF-8; send the rows in that encoding") from None


def read_ndjson(content: bytes) -> Records:
    """One JSON object a line; empty lines are passed over. Values are texts or null.

    >>> read_ndjson(b'{"item": "I1"}\\n\\n{"item": null}')
    [{'item': 'I1'}, {'item': None}]
    """
    found: Records = []
    for number, line in enumerate(_text(content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            raise UnreadableRecords(f"line {number}: it is no JSON; write one object on each line") from None
        if not isinstance(one, dict):
            raise UnreadableRecords(f"line {number}: it is no object; write one object on each line")
        wrong = next((name for name, value in one.items() if not isinstance(value, str | None)), None)
        if wrong is not None:
            raise UnreadableRecords(f"line {number}: {wrong} is no text; write values as texts, or null")
        found.append(one)
    return found


def read_csv(content: bytes) -> Records:
    """CSV as RFC 4180 has it: a header, commas, double quotes. An empty cell is null.

    >>> read_csv(b'item,name\\r\\nI1,"Bolt, long"\\r\\nI2,\\r\\n')
    [{'item': 'I1', 'name': 'Bolt, long'}, {'item': 'I2', 'name': None}]
    """
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    found: Records = []
    header: list[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if header is None:
                header = _header(row)
                continue
            if len(row) != len(header):
                why = f"it has {len(row)} cells and the header {len(header)}; quote cells that hold a comma"
                raise UnreadableRecords(f"line {reader.line_num}: {why}")
            found.append({name: cell or None for name, cell in zip(header, row, strict=True)})
    except csv.Error as error:
        raise UnreadableRecords(f"line {reader.line_num}: {error}; write CSV as RFC 4180 has it") from None
    return found


def _header(row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise UnreadableRecords(f"line 1: the column {twice!r} stands there twice; name every column once")
    return names


READERS: dict[str, Callable[[bytes], Records]] = {
    "application/x-ndjson": read_ndjson, "application/jsonl": read_ndjson, "text/csv": read_csv,
}  # fmt: skip
"""By media type."""
