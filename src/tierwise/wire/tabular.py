"""Frames to files that other systems read: CSV, XLSX, Parquet, JSON, NDJSON. Equal frames give equal bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import polars as pl

from tierwise.wire.spreadsheets import Kind, Sheet, SheetColumn, write_workbook


class Form(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"
    NDJSON = "ndjson"


MEDIA_TYPES = {
    Form.CSV: "text/csv",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.PARQUET: "application/vnd.apache.parquet",
    Form.JSON: "application/json",
    Form.NDJSON: "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table becomes bytes. ``separator`` to ``crlf`` are for CSV alone."""

    form: Form = Form.CSV
    separator: str = ","
    header: bool = True
    encoding: str = "utf-8"
    crlf: bool = False
    sheet: str = "data"

    def __post_init__(self) -> None:
        if len(self.separator.encode()) != 1:
            raise ValueError(f"separator: must be one character, not {self.separator!r}; write , ; | or a tab")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(
                f"encoding: {self.encoding!r} is not known; write utf-8, utf-8-sig, cp1252 or latin-1"
            ) from None


def render(rows: pl.DataFrame, layout: Layout) -> bytes:
    """The frame as one file; columns keep their order and names.

    Text goes out as it is, numbers with a point, dates as ISO 8601, flags as true and false, null as nothing (JSON:
    null). Decimals keep every digit in CSV and JSON. ValueError for text that the encoding cannot hold.
    """
    match layout.form:
        case Form.CSV:
            return _csv(rows, layout)
        case Form.XLSX:
            return write_workbook([Sheet(layout.sheet, [_sheet_column(rows, name) for name in rows.columns], rows)])
        case Form.PARQUET:
            buffer = io.BytesIO()
            rows.write_parquet(buffer, compression="zstd")
            return buffer.getvalue()
        case Form.JSON:
            return ("[" + ",\n".join(objects(rows)) + "]\n").encode()
        case Form.NDJSON:
            return "".join(f"{one}\n" for one in objects(rows)).encode()


def objects(rows: pl.DataFrame) -> Iterator[str]:
    """Each row as the text of a JSON object, decimals with all their digits."""
    names = [json.dumps(name, ensure_ascii=False) for name in rows.columns]
    columns = [_json_cells(column) for column in rows.get_columns()]
    for cells in zip(*columns, strict=True):
        yield "{" + ",".join(f"{name}:{cell}" for name, cell in zip(names, cells, strict=True)) + "}"


def _json_cells(column: pl.Series) -> list[str]:
    kind = column.dtype
    if kind == pl.Boolean:
        return ["null" if value is None else ("true" if value else "false") for value in column]
    if kind.is_float():
        column = pl.select(pl.when(column.is_finite()).then(column)).to_series()
        return ["null" if value is None else json.dumps(value) for value in column]
    if kind.is_decimal():
        return ["null" if value is None else format(value, "f") for value in column]
    if kind.is_numeric():
        return ["null" if value is None else str(value) for value in column]
    texts = _texts(column)
    return ["null" if value is None else json.dumps(value, ensure_ascii=False) for value in texts]


def _texts(column: pl.Series) -> pl.Series:
    """Dates and instants as ISO 8601, everything else as it prints."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind.is_decimal():
        values = [None if value is None else format(Decimal(value), "f") for value in column]
        return pl.Series(column.name, values, pl.String)
    return column.cast(pl.String)


def _csv(rows: pl.DataFrame, layout: Layout) -> bytes:
    text = io.StringIO(newline="")
    columns = [_texts(column).fill_null("") for column in rows.get_columns()]
    writer = csv.writer(text, delimiter=layout.separator, lineterminator="\r\n" if layout.crlf else "\n")
    if layout.header:
        writer.writerow(rows.columns)
    writer.writerows(zip(*columns, strict=True))
    try:
        return text.getvalue().encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{error.object[error.start : error.end]!r} cannot be written in {layout.encoding}; use utf-8"
        ) from None


def _sheet_column(rows: pl.DataFrame, name: str) -> SheetColumn:
    kind = rows.schema[name]
    tests: tuple[tuple[Callable[[pl.DataType], bool], Kind], ...] = (
        (lambda one: one == pl.Boolean, Kind.FLAG),
        (lambda one: one == pl.Date, Kind.DATE),
        (lambda one: isinstance(one, pl.Datetime), Kind.INSTANT),
        (lambda one: one.is_integer(), Kind.INTEGER),
        (lambda one: one.is_decimal(), Kind.DECIMAL),
        (lambda one: one.is_float(), Kind.NUMBER),
    )
    found = next((sheet for test, sheet in tests if test(kind)), Kind.TEXT)
    decimals = min(kind.scale, 10) if isinstance(kind, pl.Decimal) else 6
    return SheetColumn(name, name, found, decimals=decimals)
