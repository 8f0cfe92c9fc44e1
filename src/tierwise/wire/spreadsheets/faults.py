"""What a workbook, or a cell of it, cannot be taken for: a code with what belongs to it, and no language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FaultCode(StrEnum):
    """Each has its wording at the door; what it fills in stands behind it."""

    FORMULA_ERROR = "formula_error"
    NUMBER_FORM = "number_form"
    NO_NUMBER = "no_number"
    OUT_OF_BOUNDS = "out_of_bounds"
    NOT_WHOLE = "not_whole"
    DATE_FORM = "date_form"  # day
    NO_SUCH_DAY = "no_such_day"
    ROW_NOT_OF_FORM = "row_not_of_form"
    ROW_TWICE = "row_twice"  # row
    TOO_LONG = "too_long"  # n, most
    TOO_MANY_DECIMALS = "too_many_decimals"  # n
    TOO_LITTLE = "too_little"  # least
    TOO_MUCH = "too_much"  # most
    NOT_A_CHOICE = "not_a_choice"  # all
    NO_WORKBOOK = "no_workbook"
    UNPACKS_TOO_LARGE = "unpacks_too_large"  # n
    TOO_LARGE = "too_large"  # n
    TOO_MANY_PARTS = "too_many_parts"  # n, most
    TOO_MANY_ROWS = "too_many_rows"  # n
    LOCKED = "locked"
    SHEET_DAMAGED = "sheet_damaged"  # sheet
    NO_SHEET = "no_sheet"  # sheet, all
    NO_COLUMN = "no_column"  # sheet, column
    CELL_UNREAD = "cell_unread"  # sheet, column, row, value
    ROW_UNKNOWN = "row_unknown"  # row, key
    OTHER_RELEASE = "other_release"
    NOT_OURS = "not_ours"
    STAMP_DAMAGED = "stamp_damaged"
    SHEET_GONE = "sheet_gone"  # sheet
    HEADER_ROW_GONE = "header_row_gone"  # sheet, key
    HEADER_CHANGED = "header_changed"  # sheet, cell, title, now
    HEADER_GONE = "header_gone"  # sheet, cell, title


@dataclass(frozen=True, slots=True)
class Why:
    """One fault. ``values`` by name, as texts that need no translation."""

    code: FaultCode
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.code.value} ({said})" if said else self.code.value


class SpreadsheetFault(ValueError):
    """Carries its fault as ``why``."""

    def __init__(self, code: FaultCode, **values: object) -> None:
        self.why = Why(code, {name: str(value) for name, value in values.items()})
        super().__init__(str(self.why))


class UnreadableWorkbook(SpreadsheetFault):
    """The file is no workbook, or lacks a sheet or column that was asked for."""


class NotAValue(SpreadsheetFault):
    """The cell holds something that its column does not take."""
