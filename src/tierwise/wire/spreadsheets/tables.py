"""Typed tables to and from Excel workbooks, without touching a disk or a clock.

What is written is what is read back: a workbook made by :func:`write_workbook` and read by :func:`read_sheet` with
the same columns gives the same table. Text is never taken for a formula, neither on opening nor on editing the cell.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fastexcel
import polars as pl
import xlsxwriter

from tierwise.wire.spreadsheets.faults import FaultCode, UnreadableWorkbook

MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
MAX_SHEET_NAME = 31
EXACT_DIGITS = 15  # a cell holds a double; longer decimals travel as text
FIRST_SAFE_DATE = date(1900, 3, 1)  # Excel believes in 29 February 1900, so earlier dates travel as text
WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
FORBIDDEN_IN_SHEET_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


class Kind(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    RATIO = "ratio"
    DATE = "date"
    INSTANT = "instant"
    FLAG = "flag"


@dataclass(frozen=True)
class SheetColumn:
    """One typed column. ``unit`` (or a currency) is shown behind the header, as in ``Open quantity [EA]``."""

    field: str
    header: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    decimals: int = 2

    def __post_init__(self) -> None:
        if not self.field or not self.header:
            raise ValueError("SheetColumn: field and header must not be empty")
        if not 0 <= self.decimals <= 10:
            raise ValueError(f"SheetColumn {self.field}: decimals must lie between 0 and 10, not {self.decimals}")

    @property
    def title(self) -> str:
        return f"{self.header} [{self.unit}]" if self.unit else self.header


@dataclass(frozen=True)
class Sheet:
    """A named table. Rows are a frame or mappings by field; a field that a row lacks is an empty cell."""

    name: str
    columns: Sequence[SheetColumn]
    rows: pl.DataFrame | Sequence[Mapping[str, object]] = field(default_factory=list)
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError(f"Sheet {self.name!r}: give at least one column")
        titles = [column.title for column in self.columns]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"Sheet {self.name!r}: headers must differ, found twice: {', '.join(twice)}")


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Renders sheets as one XLSX file.

    Dates, numbers and percentages are typed cells; the header is frozen and filtered. Instants are shown in the sheet's
    zone, which the header names. Rows are written one after the other, so memory does not grow with their number; a
    sheet longer than Excel allows goes on in ``NAME (2)``.

    Raises ValueError for no sheets, two sheets of one name, or a text longer than a cell holds.
    """
    if not sheets:
        raise ValueError("write_workbook: give at least one sheet")
    buffer = io.BytesIO()
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    # Without it the hour of writing stands in the file, and equal tables give unequal bytes.
    book.set_properties({"created": WRITTEN})
    header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF1F4"})
    taken: set[str] = set()
    try:
        for sheet in sheets:
            cells = [cell_writer(book, column, sheet.zone) for column in sheet.columns]
            rows = _tuples(sheet)
            part, unfinished = 1, True
            while unfinished:
                page = book.add_worksheet(_sheet_name(sheet.name, part, taken))
                unfinished = _write_page(page, sheet, (header, cells), rows)
                part += 1
    finally:
        book.close()  # also after an error: rows wait in temporary files
    return buffer.getvalue()


def _write_page(page: Any, sheet: Sheet, looks: tuple[Any, list[Callable[..., None]]], rows: Iterator[Any]) -> bool:
    """Fills one worksheet and says whether rows are left over."""
    header, cells = looks
    for index, column in enumerate(sheet.columns):
        page.set_column(index, index, column_width(column))
        page.write_string(0, index, _title(column, sheet.zone), header)
    page.freeze_panes(1, 1)
    line = 0
    full = False
    for line, row in enumerate(rows, start=1):
        for index, value in enumerate(row):
            if value is not None:
                cells[index](page, line, index, value)
        if line == MAX_ROWS - 1:
            full = True
            break
    page.autofilter(0, 0, max(line, 1), len(sheet.columns) - 1)
    return full


def _tuples(sheet: Sheet) -> Iterator[tuple[object, ...]]:
    fields = [column.field for column in sheet.columns]
    if isinstance(sheet.rows, pl.DataFrame):
        missing = [name for name in fields if name not in sheet.rows.columns]
        if missing:
            raise ValueError(f"Sheet {sheet.name!r}: the frame has no column {', '.join(missing)}")
        yield from sheet.rows.select(fields).iter_rows()
        return
    for row in sheet.rows:
        yield tuple(row.get(name) for name in fields)


def clean_sheet_name(name: str, room: int = MAX_SHEET_NAME) -> str:
    """A name as workbooks allow it, cut to the room there is."""
    clean = name.translate(FORBIDDEN_IN_SHEET_NAME).strip().strip("'") or "Sheet"
    return clean[:room].rstrip()


def _sheet_name(name: str, part: int, taken: set[str]) -> str:
    tail = f" ({part})" if part > 1 else ""
    clean = clean_sheet_name(name, MAX_SHEET_NAME - len(tail)) + tail
    if clean.lower() in taken:
        raise ValueError(f"write_workbook: two sheets would be called {clean!r}; give them different names")
    taken.add(clean.lower())
    return clean


def _title(column: SheetColumn, zone: str) -> str:
    return f"{column.header} [{zone}]" if column.kind is Kind.INSTANT else column.title


def column_width(column: SheetColumn) -> float:
    typical = {Kind.TEXT: 24, Kind.DATE: 12, Kind.INSTANT: 18, Kind.FLAG: 8}.get(column.kind, 14)
    return float(max(typical, min(len(column.title), 28) + 2))


def cell_writer(book: Any, column: SheetColumn, zone: str) -> Callable[[Any, int, int, Any], None]:
    tail = "." + "0" * column.decimals if column.decimals else ""
    patterns = {
        Kind.INTEGER: "#,##0",
        Kind.NUMBER: f"#,##0{tail}",
        Kind.DECIMAL: f"#,##0{tail}",
        Kind.RATIO: f"0{tail}%",
        Kind.DATE: "yyyy-mm-dd",
        Kind.INSTANT: "yyyy-mm-dd hh:mm:ss",
    }
    look = book.add_format({"num_format": patterns[column.kind]} if column.kind in patterns else {})
    quoted = book.add_format({"quote_prefix": True})
    where = ZoneInfo(zone)

    def text(page: Any, row: int, index: int, value: object) -> None:
        words = str(value)
        if len(words) > MAX_TEXT:
            raise ValueError(f"{column.header}, row {row}: a cell holds {MAX_TEXT} characters, this text {len(words)}")
        page.write_string(row, index, words, quoted if words.startswith(FORMULA_STARTS) else None)

    def number(page: Any, row: int, index: int, value: int | float | Decimal) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            return
        if isinstance(value, int | Decimal) and len(Decimal(value).normalize().as_tuple().digits) > EXACT_DIGITS:
            text(page, row, index, format(value, "f") if isinstance(value, Decimal) else value)
        else:
            page.write_number(row, index, value, look)

    def day(page: Any, row: int, index: int, value: date) -> None:
        if value < FIRST_SAFE_DATE:
            text(page, row, index, value.isoformat())
        else:
            page.write_datetime(row, index, value, look)

    def instant(page: Any, row: int, index: int, value: datetime) -> None:
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        local = aware.astimezone(where).replace(tzinfo=None)
        if local.date() < FIRST_SAFE_DATE:
            text(page, row, index, local.isoformat(sep=" ", timespec="seconds"))
        else:
            page.write_datetime(row, index, local, look)

    def flag(page: Any, row: int, index: int, value: object) -> None:
        page.write_boolean(row, index, bool(value))

    return {Kind.TEXT: text, Kind.DATE: day, Kind.INSTANT: instant, Kind.FLAG: flag}.get(column.kind, number)


def read_workbook(source: bytes | str | Path) -> dict[str, pl.DataFrame]:
    """Every sheet as a frame, types as found: the header is the first row, empty cells are null.

    For a sheet whose columns are known, :func:`read_sheet` gives declared types instead of found ones.
    """
    reader = _open(source)
    return {name: reader.load_sheet(name).to_polars() for name in reader.sheet_names}


def read_sheet(source: bytes | str | Path, sheet: Sheet) -> pl.DataFrame:
    """The rows of one sheet under the declared fields and types; ``sheet.rows`` is not looked at.

    Columns are found by header, with or without the unit, in any order; others are ignored. Instants are taken in the
    sheet's zone and returned in UTC. Continuation sheets are read too. A cell that does not fit its column's type
    raises UnreadableWorkbook and names header and row.
    """
    reader = _open(source)
    base = _sheet_name(sheet.name, 1, set())
    names = [name for name in reader.sheet_names if name == base or _continues(name, base)]
    if not names:
        raise UnreadableWorkbook(FaultCode.NO_SHEET, sheet=base, all=", ".join(reader.sheet_names))
    return pl.concat([_typed(reader, name, sheet) for name in names])


def _open(source: bytes | str | Path) -> fastexcel.ExcelReader:
    try:
        return fastexcel.read_excel(source)
    except (fastexcel.FastExcelError, OSError) as error:
        raise UnreadableWorkbook(FaultCode.NO_WORKBOOK) from error


def _continues(name: str, base: str) -> bool:
    stem, bracket, number = name.removesuffix(")").rpartition(" (")
    return bool(bracket) and number.isdigit() and base.startswith(stem) and len(name) >= min(len(base), len(stem) + 4)


def _typed(reader: fastexcel.ExcelReader, name: str, sheet: Sheet) -> pl.DataFrame:
    raw = reader.load_sheet(name, dtypes="string").to_polars()
    by_header = {str(header).strip(): header for header in raw.columns}
    out: list[pl.Series] = []
    for column in sheet.columns:
        header = by_header.get(_title(column, sheet.zone), by_header.get(column.header))
        if header is None:
            raise UnreadableWorkbook(FaultCode.NO_COLUMN, sheet=name, column=column.header)
        cells = raw[header].cast(pl.String)
        values = _parse(cells, column, sheet.zone)
        if values.null_count() > cells.null_count():
            bad = (values.is_null() & cells.is_not_null()).arg_max() or 0
            raise UnreadableWorkbook(
                FaultCode.CELL_UNREAD, sheet=name, column=column.header, row=bad + 2, value=cells[bad]
            )
        out.append(values.alias(column.field))
    return pl.DataFrame(out)


def _parse(cells: pl.Series, column: SheetColumn, zone: str) -> pl.Series:
    match column.kind:
        case Kind.TEXT:
            return cells
        case Kind.INTEGER:
            return cells.str.strip_suffix(".0").cast(pl.Int64, strict=False)
        case Kind.NUMBER | Kind.RATIO:
            return cells.cast(pl.Float64, strict=False)
        case Kind.DECIMAL:
            return cells.str.to_decimal(scale=column.decimals)
        case Kind.DATE:
            return cells.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        case Kind.INSTANT:
            local = cells.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
            return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
                "UTC"
            )
        case Kind.FLAG:
            return cells.str.to_lowercase().replace_strict(
                {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False},
                default=None,
                return_dtype=pl.Boolean,
            )
