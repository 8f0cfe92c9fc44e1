"""Spreadsheets as people fill them in: the file as it went out, some of its cells written anew."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from xml.sax.saxutils import escape

from tierwise.wire.spreadsheets import Workbook
from tierwise.wire.spreadsheets.cells import address, column_index

Value = str | int | float | date | None


def titles(content: bytes) -> dict[str, int]:
    """Header → column of the first sheet."""
    _number, cells = next(iter(_rows(content)))
    return {cell.text: place for place, cell in cells.items()}


def _rows(content: bytes) -> list[tuple[int, dict[int, object]]]:
    book = Workbook(content)
    return list(book.rows(book.sheets[0]))  # type: ignore[arg-type]


def row_of(content: bytes, text: str) -> int:
    """The number of the first row in which a cell holds a text."""
    for number, cells in _rows(content):
        if any(cell.text == text for cell in cells.values()):  # type: ignore[attr-defined]
            return number
    raise AssertionError(f"no row holds {text}")


def filled(content: bytes, changes: Mapping[tuple[str, str], Value]) -> bytes:
    """The same file with other values, by (a text of the row, header)."""
    where = titles(content)
    cells = {
        address(row_of(content, text), place): value
        for (text, header), value in changes.items()
        for title, place in where.items()
        if title == header
    }
    assert len(cells) == len(changes), f"headers are {sorted(where)}"
    return _with(content, cells)


def added(content: bytes, *rows: Mapping[str, Value]) -> bytes:
    """The same file with rows written below its list, by header."""
    where, below = titles(content), max(number for number, _cells in _rows(content)) + 1
    return _with(content, {
        address(below + place, where[header]): value for place, row in enumerate(rows) for header, value in row.items()
    })  # fmt: skip


def _with(content: bytes, cells: Mapping[str, Value]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    text = parts[sheet].decode()
    for place, value in cells.items():
        text = _written(text, place, value)
    parts[sheet] = text.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return buffer.getvalue()


def _written(sheet: str, place: str, value: Value) -> str:
    """One cell of a sheet's XML written anew; every editable cell stands there, empty ones too."""
    match value:
        case None:
            inner, kind = "", ""
        case date():
            inner, kind = f"<v>{(value - date(1899, 12, 30)).days}</v>", ""
        case str():
            inner, kind = f"<is><t>{escape(value)}</t></is>", ' t="inlineStr"'
        case _:
            inner, kind = f"<v>{value}</v>", ""
    new, count = re.subn(
        rf'<c r="{place}"( s="\d+")?(?: t="\w+")?(?:/>|>.*?</c>)',
        lambda found: f'<c r="{place}"{found[1] or ""}{kind}>{inner}</c>',
        sheet,
        flags=re.DOTALL,
    )
    assert count == 1, f"no cell {place}"
    return new


def cell(content: bytes, text: str, header: str) -> str:
    """What stands in a cell, by a text of its row and its header."""
    number, place = row_of(content, text), titles(content)[header]
    found = dict(_rows(content))[number].get(place)
    return found.text if found is not None else ""  # type: ignore[attr-defined]


def comments(content: bytes) -> dict[str, str]:
    """Address → comment."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        if "xl/comments1.xml" not in package.namelist():
            return {}
        text = package.read("xl/comments1.xml").decode()
    found = re.findall(r'<comment ref="([A-Z]+\d+)".*?<t[^>]*>(.*?)</t></r></text>', text, re.DOTALL)
    assert all(column_index(place.rstrip("0123456789")) >= 0 for place, _ in found)
    return dict(found)
