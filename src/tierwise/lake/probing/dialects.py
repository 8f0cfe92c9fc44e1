"""How a text file is written: encoding, separator, lines above the header, header."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_SAMPLE = 1 << 20
_LINES = 200
SEPARATORS = (",", ";", "\t", "|")
_NUMBERISH = re.compile(r"^[-+]?[\d.,:/ -]+$")


@dataclass(frozen=True, slots=True)
class Dialect:
    """``width`` is the number of columns; ``names`` those of the header, empty without one."""

    encoding: str
    separator: str
    skip_rows: int
    names: tuple[str, ...]
    width: int


def sniff(path: Path) -> Dialect | None:
    """None where there is nothing but empty lines."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        raw = stream.read(_SAMPLE)
    encoding = encoding_of(raw)
    text = raw.decode(encoding, errors="ignore").lstrip("\ufeff")
    lines = text.splitlines()
    if len(raw) == _SAMPLE:
        lines = lines[:-1]
    lines = lines[:_LINES]
    if not any(line.strip() for line in lines):
        return None
    separator, width = _separator(lines)
    cut = [next(csv.reader([line], delimiter=separator), []) for line in lines]
    skip = next(index for index, cells in enumerate(cut) if len(cells) == width)
    body = [cells for cells in cut[skip:] if len(cells) == width]
    names = tuple(body[0]) if _is_header(body) else ()
    return Dialect(encoding, separator, skip, names, width)


def encoding_of(raw: bytes) -> str:
    """UTF-8 where it can be read as such, UTF-16 by its mark or its zeros, else the code page of Windows or Latin-1."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if raw[1:200:2].count(0) > 50:
        return "utf-16-le"
    for cut in range(4 if len(raw) == _SAMPLE else 1):  # the sample may end within a character
        try:
            raw[: len(raw) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8"
    return "cp1252" if re.search(rb"[\x80-\x9f]", raw) else "latin-1"


def _separator(lines: list[str]) -> tuple[str, int]:
    """The separator that cuts most lines into the same, largest number of cells."""
    best, found = (0.0, 0), (",", 0)
    for separator in SEPARATORS:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=separator))
        if not widths:
            continue
        width, agreed = max(widths.items(), key=lambda one: (one[1] * (one[0] > 1), one[0]))
        share = agreed / sum(widths.values())
        if width > 1 and (round(share, 1), width) > best:
            best, found = (round(share, 1), width), (separator, width)
    return found if found[1] else (",", 1)


def _is_header(body: list[list[str]]) -> bool:
    first = [cell.strip() for cell in body[0]]
    if not all(first) or len(set(first)) < len(first) or any(_NUMBERISH.match(cell) for cell in first):
        return False
    if len(body) < 2:
        return True
    below = body[1:50]
    numbers = [any(_NUMBERISH.match(row[place].strip() or "x") for row in below) for place in range(len(first))]
    return any(numbers) or not any(cell in {row[i].strip() for row in below} for i, cell in enumerate(first))
