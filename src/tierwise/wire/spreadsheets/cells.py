"""Cells of a workbook with their addresses, read in bounded memory.

Forms that come back by mail are anybody's bytes, and a message about a cell needs its address and its type. The reader
therefore walks the sheet's XML itself: sparse, so that one cell in the last corner costs nothing, and only after the
package was weighed by unpacking it.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from posixpath import normpath
from typing import IO
from xml.etree import ElementTree

from tierwise.wire.spreadsheets.faults import FaultCode, UnreadableWorkbook

MEGABYTE = 2**20


class CellKind(StrEnum):
    NUMBER = "n"
    TEXT = "s"
    FLAG = "b"
    ERROR = "e"
    DATE = "d"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as it stands in the file; a number's text is the number as written there."""

    kind: CellKind
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a workbook may weigh. Real forms stay far below."""

    packed: int = 20 * MEGABYTE
    unpacked: int = 200 * MEGABYTE
    parts: int = 500
    rows: int = 120_000
    columns: int = 256

    def __post_init__(self) -> None:
        for name in ("packed", "unpacked", "parts", "rows", "columns"):
            if getattr(self, name) < 1:
                raise ValueError(f"Limits: {name} must be at least 1, not {getattr(self, name)}")


def column_letters(index: int) -> str:
    """Letters of a column counted from 0.

    >>> column_letters(0), column_letters(27)
    ('A', 'AB')
    """
    letters = ""
    while index >= 0:
        index, rest = divmod(index, 26)
        letters = chr(65 + rest) + letters
        index -= 1
    return letters


def column_index(letters: str) -> int:
    """The column of letters, counted from 0.

    >>> column_index("AB")
    27
    """
    found = 0
    for letter in letters:
        found = found * 26 + ord(letter) - 64
    return found - 1


def address(row: int, column: int) -> str:
    """Address of a cell; the row is counted from 1 as the reader sees it, the column from 0."""
    return f"{column_letters(column)}{row}"


class Workbook:
    """A workbook that passed the limits. ``sheets`` holds the names in their order, hidden ones too."""

    def __init__(self, data: bytes, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._package = _weighed(data, self.limits)
        try:
            self.from_1904, self._paths = self._outline()
        except _DAMAGE as error:
            raise UnreadableWorkbook(FaultCode.NO_WORKBOOK) from error

    @property
    def sheets(self) -> tuple[str, ...]:
        return tuple(self._paths)

    def rows(self, sheet: str) -> Iterator[tuple[int, dict[int, Cell]]]:
        """Rows that hold something: the row's number from 1, and its cells by column from 0."""
        if sheet not in self._paths:
            raise UnreadableWorkbook(FaultCode.NO_SHEET, sheet=sheet, all=", ".join(self._paths))
        try:
            with self._package.open(self._paths[sheet]) as part:
                yield from self._walk(part)
        except UnreadableWorkbook:
            raise
        except _DAMAGE as error:
            raise UnreadableWorkbook(FaultCode.SHEET_DAMAGED, sheet=sheet) from error

    def _walk(self, part: IO[bytes]) -> Iterator[tuple[int, dict[int, Cell]]]:
        number = filled = 0
        for element in _elements(part):
            if _local(element) != "row":
                continue
            number = int(element.get("r") or number + 1)
            cells = self._cells(element)
            element.clear()
            if not cells:
                continue
            filled += 1
            if filled > self.limits.rows:
                raise UnreadableWorkbook(FaultCode.TOO_MANY_ROWS, n=self.limits.rows)
            yield number, cells

    def _cells(self, row: ElementTree.Element) -> dict[int, Cell]:
        found: dict[int, Cell] = {}
        place = -1
        for element in row:
            if _local(element) != "c":
                continue
            said = element.get("r")
            place = column_index(said.rstrip("0123456789")) if said else place + 1
            cell = self._cell(element)
            if cell is not None and place < self.limits.columns:
                found[place] = cell
        return found

    def _cell(self, element: ElementTree.Element) -> Cell | None:
        kind = element.get("t", "n")
        if kind == "inlineStr":
            return _text_cell("".join(_texts(element)))
        value = next((child.text for child in element if _local(child) == "v"), None)
        if value is None or value == "":
            return None
        match kind:
            case "s":
                return _text_cell(self._strings[int(value)])
            case "str":
                return _text_cell(_unescaped(value))
            case "b" | "e" | "d":
                return Cell(CellKind(kind), value)
            case _:
                return Cell(CellKind.NUMBER, value.strip())

    @cached_property
    def _strings(self) -> list[str]:
        name = next((n for n in self._package.namelist() if n.lower() == "xl/sharedstrings.xml"), None)
        if name is None:
            return []
        found: list[str] = []
        with self._package.open(name) as part:
            for element in _elements(part):
                if _local(element) == "si":
                    found.append("".join(_texts(element)))
                    element.clear()
        return found

    def _outline(self) -> tuple[bool, dict[str, str]]:
        with self._package.open("xl/_rels/workbook.xml.rels") as part:
            targets = {one.get("Id", ""): one.get("Target", "") for one in _elements(part)}
        paths: dict[str, str] = {}
        from_1904 = False
        with self._package.open("xl/workbook.xml") as part:
            for element in _elements(part):
                if _local(element) == "workbookPr":
                    from_1904 = element.get("date1904") in {"1", "true"}
                if _local(element) == "sheet":
                    target = targets[next(value for name, value in element.items() if name.endswith("}id"))]
                    path = target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")
                    paths[element.get("name", "")] = path
        if not paths:
            raise KeyError("sheets")
        return from_1904, paths


_DAMAGE = (
    ElementTree.ParseError, zipfile.BadZipFile, zlib.error, struct.error, LookupError, ValueError, EOFError, OSError,
    NotImplementedError, StopIteration,
)  # fmt: skip
_DOCUMENT_TYPE = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _elements(part: IO[bytes]) -> Iterator[ElementTree.Element]:
    """Elements as they end. A document type was refused before, and without one there are no entities to grow."""
    for _event, element in ElementTree.iterparse(part):  # noqa: S314  see above
        yield element


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _texts(element: ElementTree.Element) -> Iterator[str]:
    """Texts of a string with or without runs; phonetic readings are no part of it."""
    for child in element:
        name = _local(child)
        if name == "t":
            yield _unescaped(child.text or "")
        elif name in {"r", "is"}:
            yield from _texts(child)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _text_cell(text: str) -> Cell | None:
    return Cell(CellKind.TEXT, text) if text else None


def _weighed(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """The package, after every part was unpacked once to see what it really weighs: headers may lie."""
    if len(data) > limits.packed:
        raise UnreadableWorkbook(FaultCode.TOO_LARGE, n=limits.packed // MEGABYTE)
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableWorkbook(FaultCode.NO_WORKBOOK) from error
    parts = package.infolist()
    if len(parts) > limits.parts:
        raise UnreadableWorkbook(FaultCode.TOO_MANY_PARTS, n=len(parts), most=limits.parts)
    left = limits.unpacked
    for part in parts:
        left -= _weight(data, part, left)
        if left < 0:
            raise UnreadableWorkbook(FaultCode.UNPACKS_TOO_LARGE, n=limits.unpacked // MEGABYTE)
    return package


def _weight(data: bytes, part: zipfile.ZipInfo, most: int) -> int:
    """Bytes a part unpacks to; one more than ``most`` when it is more than that."""
    if part.flag_bits & 1 or part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnreadableWorkbook(FaultCode.LOCKED)
    try:
        name, extra = struct.unpack_from("<HH", data, part.header_offset + 26)
    except struct.error as error:
        raise UnreadableWorkbook(FaultCode.NO_WORKBOOK) from error
    begin = part.header_offset + 30 + name + extra
    packed = data[begin : begin + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        _refuse_document_type(packed)
        return len(packed)
    unpacker, weight, tail = zlib.decompressobj(-15), 0, b""
    try:
        while packed and not unpacker.eof and weight <= most:
            piece = unpacker.decompress(packed, MEGABYTE)
            _refuse_document_type(tail + piece)
            weight, tail, packed = weight + len(piece), piece[-32:], unpacker.unconsumed_tail
    except zlib.error as error:
        raise UnreadableWorkbook(FaultCode.NO_WORKBOOK) from error
    return weight


def _refuse_document_type(piece: bytes) -> None:
    """No spreadsheet program writes one; looked for in two encodings, for XML may be in either."""
    if any(mark in piece for mark in _DOCUMENT_TYPE):
        raise UnreadableWorkbook(FaultCode.NO_WORKBOOK)


def as_text(cells: Mapping[int, Cell], column: int) -> str:
    """Text of a row's cell, empty where there is none."""
    cell = cells.get(column)
    return cell.text if cell is not None else ""
