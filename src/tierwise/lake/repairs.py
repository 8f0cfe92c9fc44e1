"""The quarantine as a spreadsheet: rows with their reasons to be corrected, and corrected ones read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from uuid import UUID

import fastexcel
import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.readers import FILE, ROW
from tierwise.lake.records import QuarantinedRecord
from tierwise.wire.spreadsheets import Sheet, SheetColumn, write_workbook

ID, WHY, REMEDY = "quarantine row", "what is wrong", "what to do"
FIXED = (ID, "file", "row", WHY, REMEDY)
"""Columns of the sheet that are ours; the others are the texts the rows were made of."""


def sheet_of(rows: Sequence[QuarantinedRecord]) -> pl.DataFrame:
    """One row per row set aside: which, what is wrong and what to do, then the texts to correct."""
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    made = [
        {ID: str(row.id), "file": row.file, "row": row.row, WHY: joined(row, "why"), REMEDY: joined(row, "remedy")}
        | {_shown(name): row.cells.get(name) for name in names}
        for row in rows
    ]
    schema: dict[str, pl.DataType] = dict.fromkeys(FIXED, pl.String()) | {"row": pl.Int64()}
    return pl.DataFrame(made, schema=schema | {_shown(name): pl.String() for name in names})


def workbook_of(rows: Sequence[QuarantinedRecord]) -> bytes:
    """``sheet_of`` as a workbook; a text is never taken for a formula."""
    sheet = sheet_of(rows)
    columns = [SheetColumn(f"c{place}", name) for place, name in enumerate(sheet.columns)]
    body = sheet.select(pl.all().cast(pl.String())).rename({one.header: one.field for one in columns})
    return write_workbook([Sheet("quarantine", columns, body)])


def _shown(name: str) -> str:
    """A source column that is called as one of ours is marked."""
    return f"{name} (source)" if name in FIXED else name


def joined(row: QuarantinedRecord, what: str) -> str:
    texts = []
    for fault in row.faults:
        text = fault.get(what) or ""
        if what == "why":
            value = fault.get("value")
            text = f"{fault.get('column')}: {text}" + (f" ({value})" if value else "")
        if text and text not in texts:
            texts.append(text)
    return "; ".join(texts)


def corrections(sheet: pl.DataFrame, rows: Sequence[QuarantinedRecord]) -> dict[UUID, dict[str, str | None]]:
    """Corrected texts by row. Rows that are not open any more are left alone; columns that are missing keep their text.

    Raises ``ValueError`` where the sheet is not one of ours.
    """
    if ID not in sheet.columns:
        raise ValueError(f"the column {ID!r} is missing; correct the file you downloaded here and leave that column in")
    known = {str(row.id): row for row in rows}
    found: dict[UUID, dict[str, str | None]] = {}
    for one in sheet.iter_rows(named=True):
        row = known.get((one[ID] or "").strip())
        if row is not None:
            given = {name: one[_shown(name)] for name in row.cells if _shown(name) in one}
            found[row.id] = row.cells | {name: (text or "").strip() or None for name, text in given.items()}
    return found


def texts_again(
    rows: Sequence[QuarantinedRecord], corrected: Mapping[UUID, dict[str, str | None]]
) -> dict[str, pl.DataFrame]:
    """By block, the rows as texts to be tried again. Their file is their own id, so that each finds itself again."""
    by_place: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        cells = corrected.get(row.id, row.cells)
        by_place.setdefault(row.place, []).append({FILE: str(row.id), ROW: row.row, **cells})
    frames = {}
    for place, made in by_place.items():
        names = list(dict.fromkeys(name for one in made for name in one))
        schema = {name: pl.Int64() if name == ROW else pl.String() for name in names}
        frames[place] = pl.DataFrame(made, schema=schema)
    return frames


def read_sheet(name: str, content: bytes) -> pl.DataFrame:
    """A corrected sheet as texts. Raises ``ValueError`` where it cannot be read."""
    try:
        if name.lower().endswith(".xlsx"):
            return fastexcel.read_excel(content).load_sheet(0, dtypes="string").to_polars()
        return pl.read_csv(BytesIO(content), infer_schema=False, separator=_separator(content))
    except (fastexcel.FastExcelError, PolarsError) as error:
        text = str(error).strip().splitlines()[0]
        raise ValueError(f"{name} cannot be read: {text}; save it as .xlsx or as CSV in UTF-8") from error


def _separator(content: bytes) -> str:
    head = content.split(b"\n", 1)[0]
    return ";" if head.count(b";") > head.count(b",") else ","
