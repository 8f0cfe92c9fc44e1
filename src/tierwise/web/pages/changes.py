"""What a reader changed in an editable grid: on the screen, or in the workbook that was exported and sent back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import BadRequest
from django.utils.translation import gettext as _

from tierwise.web.pages.grids import NUMERIC, Column, Grid, finite
from tierwise.wire.spreadsheets import FaultCode, UnreadableWorkbook, read_sheet


@dataclass(frozen=True)
class CellChange:
    """One cell: the row's key as text, the field, and its new value (Decimal in numeric columns, None when emptied)."""

    row: str
    field: str
    value: Decimal | str | None


def read_changes(posted: Mapping[str, str], grid: Grid) -> list[CellChange]:
    """Changes that the grid put into its form. Rows and fields that the grid does not offer are a bad request.

    Which cells were frozen is for the action to check: the page may have been open for long.
    """
    text = posted.get(f"{grid.name}.changes", "[]")
    try:
        cells = json.loads(text, parse_float=Decimal)
        rows = grid.keys()
        return [_checked(grid, rows, cell) for cell in cells]
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise BadRequest(_("The changes of the table could not be read.")) from error


def read_upload(data: bytes, grid: Grid) -> list[CellChange]:
    """Differences between an exported and edited workbook and the grid as it stands now.

    Rows that are missing count as unchanged. Raises UnreadableWorkbook, naming sheet, column and row, for cells of the
    wrong type and for rows that the grid does not hold.
    """
    editable = [column for column in grid.columns if column.editable]
    sheet = grid.sheet()
    sent = read_sheet(data, sheet)
    known = {str(row[grid.key]): row for row in grid.records()}
    changes: list[CellChange] = []
    for line, row in enumerate(sent.iter_rows(named=True), start=2):
        key = _key(row[grid.key])
        if key not in known:
            raise UnreadableWorkbook(FaultCode.ROW_UNKNOWN, row=line, key=key)
        for column in editable:
            before, after = _value(column, finite(known[key].get(column.field))), _value(column, row[column.field])
            if before != after:
                changes.append(CellChange(key, column.field, after))
    return changes


def _checked(grid: Grid, rows: frozenset[str], cell: Mapping[str, object]) -> CellChange:
    row, field = str(cell["row"]), str(cell["field"])
    column = next((one for one in grid.columns if one.field == field and one.editable), None)
    if column is None or row not in rows:
        raise KeyError(field)
    return CellChange(row, field, _value(column, cell["value"]))


def _key(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _value(column: Column, value: object) -> Decimal | str | None:
    if value is None or value == "":
        return None
    if column.kind in NUMERIC:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        if not exact.is_finite():
            raise ValueError(column.field)
        return exact
    return str(value)
