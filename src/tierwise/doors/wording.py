"""What a filled-in spreadsheet is refused for, in the language it was made in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tierwise.doors.ports import EditableList
from tierwise.doors.records import CellFault
from tierwise.kernel.audit import Refused
from tierwise.wire.spreadsheets import FaultCode, FilledForm, UnreadableWorkbook, Value, Why

FAULT_WORDS: dict[FaultCode, Promise] = {
    FaultCode.FORMULA_ERROR: _("The formula in this cell has an error; write the value itself"),
    FaultCode.NUMBER_FORM: _("Write a number, with a point before decimals and nothing between thousands"),
    FaultCode.NO_NUMBER: _("Write a number"),
    FaultCode.OUT_OF_BOUNDS: _("This number is out of all bounds"),
    FaultCode.NOT_WHOLE: _("Write a whole number"),
    FaultCode.DATE_FORM: _("Write a date as year-month-day, such as %(day)s"),
    FaultCode.NO_SUCH_DAY: _("There is no such day"),
    FaultCode.ROW_NOT_OF_FORM: _("This row is not of the form; only its rows can be filled"),
    FaultCode.ROW_TWICE: _("This row stands here twice, the first time in row %(row)s"),
    FaultCode.TOO_LONG: _("%(n)s characters are too many; at most %(most)s fit"),
    FaultCode.TOO_MANY_DECIMALS: _("At most %(n)s decimals are kept"),
    FaultCode.TOO_LITTLE: _("Must be %(least)s or more"),
    FaultCode.TOO_MUCH: _("Must be %(most)s or less"),
    FaultCode.NOT_A_CHOICE: _("Choose one of: %(all)s"),
    FaultCode.NO_WORKBOOK: _("The file is not a workbook that can be read; save it as .xlsx and try again"),
    FaultCode.UNPACKS_TOO_LARGE: _("The workbook unpacks to more than %(n)s MB; send it in parts"),
    FaultCode.TOO_LARGE: _("The file is larger than %(n)s MB"),
    FaultCode.TOO_MANY_ROWS: _("The sheet has more than %(n)s filled rows; send it in parts"),
    FaultCode.LOCKED: _("The workbook is locked with a password or packed in an unusual way; save it anew"),
    FaultCode.OTHER_RELEASE: _("This form is of another release; download it anew"),
    FaultCode.NOT_OURS: _(
        "This workbook was not made here, or its hidden sheet is gone; download the form and fill that one in"
    ),
    FaultCode.STAMP_DAMAGED: _("The hidden sheet of this form is damaged; download it anew"),
    FaultCode.SHEET_GONE: _("The sheet “%(sheet)s” is gone; download the form anew"),
    FaultCode.HEADER_ROW_GONE: _(
        "Sheet “%(sheet)s”, cell A1: the header row is gone; its first column reads “%(key)s”"
    ),
    FaultCode.HEADER_CHANGED: _(
        "Sheet “%(sheet)s”, cell %(cell)s: the header “%(title)s” is gone, where “%(now)s” stands now; put it back"
    ),
    FaultCode.HEADER_GONE: _("Sheet “%(sheet)s”, cell %(cell)s: the header “%(title)s” is gone; put it back"),
    FaultCode.TOO_MANY_PARTS: _("The workbook has %(n)s parts; at most %(most)s are read"),
    FaultCode.SHEET_DAMAGED: _("Sheet “%(sheet)s” is damaged; save the file anew and try again"),
    FaultCode.NO_SHEET: _("The workbook has no sheet “%(sheet)s”; it has %(all)s"),
    FaultCode.NO_COLUMN: _("Sheet “%(sheet)s” has no column “%(column)s”; its header is row 1"),
    FaultCode.CELL_UNREAD: _("Sheet “%(sheet)s”, %(column)s, row %(row)s: “%(value)s” does not fit the column"),
    FaultCode.ROW_UNKNOWN: _("Row %(row)s is not in this table: %(key)s"),
}


def fault_text(why: Why) -> str:
    """What the reader of workbooks found, in the language that is spoken now."""
    return str(FAULT_WORDS[why.code]) % why.values


Row = tuple[str, Mapping[str, Value | None], Collection[str]]
"""A row's key, what it says, and the fields that were written in it."""


def fault_of(one: EditableList, filled: FilledForm, row: Row, refusal: Refused | ValueError) -> CellFault:
    """Why an action refused a row, at the cell that its field names, or else at the first that was written."""
    key, values, written = row
    if isinstance(refusal, Refused):
        place, text = str(refusal.parameters.get("field", "")), refusal_text(refusal)
    else:
        place, _colon, text = str(refusal).partition(": ")
        text = text or str(refusal)
    place = one.fields.get(place, place)
    if place not in values:
        place = next(name for name in values if name in written)
    value = values[place]
    return CellFault(
        text[:1].upper() + text[1:], "", filled.sheet, filled.cell(key, place),
        filled.stamp.titles.get(place, place), "" if value is None else str(value), key, place,
    )  # fmt: skip


def refusal_text(error: Refused | ValueError) -> str:
    """Why a file or a row was refused; ``Refused`` holds English where nobody has put it into words yet."""
    if isinstance(error, Refused):
        return gettext(error.message) if error.message else ""
    if isinstance(error, UnreadableWorkbook):
        return fault_text(error.why)
    return str(error)
