"""Values of editable cells: how they are compared, and how a cell's content becomes one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from tierwise.wire.spreadsheets.cells import Cell, CellKind
from tierwise.wire.spreadsheets.faults import FaultCode, NotAValue
from tierwise.wire.spreadsheets.tables import EXACT_DIGITS, Kind

Value = str | int | Decimal | date
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_EXAMPLE = "2025-07-31"
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def cleaned(text: str) -> str:
    """Text as every spreadsheet program keeps it: line ends as one character, nothing unprintable, no blanks around."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def canonical(kind: Kind, value: object) -> str:
    """A value as text that is equal for equal values: 1.50 and 1.5 are one number, None and "" both are nothing."""
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case Decimal() | int() if kind in {Kind.DECIMAL, Kind.INTEGER}:
            return format(Decimal(value).normalize() + 0, "f")
        case _:
            return cleaned(str(value))


def restored(kind: Kind, text: str) -> Value | None:
    """The value behind a canonical text."""
    if not text:
        return None
    match kind:
        case Kind.INTEGER:
            return int(text)
        case Kind.DECIMAL:
            return Decimal(text)
        case Kind.DATE:
            return date.fromisoformat(text)
        case _:
            return text


def value_of(kind: Kind, cell: Cell, from_1904: bool) -> Value | None:
    """What a cell says under its column's kind. Raises NotAValue."""
    if cell.kind is CellKind.ERROR:
        raise NotAValue(FaultCode.FORMULA_ERROR)
    return _READERS[kind](cell, from_1904)


def _text(cell: Cell, from_1904: bool) -> str | None:
    del from_1904
    if cell.kind is CellKind.NUMBER:
        number = _number_in(cell)
        return format(number.normalize() + 0, "f")
    return cleaned(cell.text) or None


def _number(cell: Cell, from_1904: bool) -> Decimal | None:
    del from_1904
    if cell.kind is CellKind.NUMBER:
        return _number_in(cell)
    text = cleaned(cell.text).replace("\u00a0", "").replace(" ", "")
    if not text:
        return None
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise NotAValue(FaultCode.NUMBER_FORM)
    return Decimal(text)


def _number_in(cell: Cell) -> Decimal:
    """Spreadsheet programs keep doubles; their shortest form is what was typed."""
    try:
        exact = Decimal(cell.text)
        number = exact if len(exact.as_tuple().digits) <= EXACT_DIGITS else Decimal(repr(float(cell.text)))
    except (InvalidOperation, ValueError):
        raise NotAValue(FaultCode.NO_NUMBER) from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise NotAValue(FaultCode.OUT_OF_BOUNDS)
    return number


def _whole(cell: Cell, from_1904: bool) -> int | None:
    number = _number(cell, from_1904)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise NotAValue(FaultCode.NOT_WHOLE)
    return int(number)


def _date(cell: Cell, from_1904: bool) -> date | None:
    if cell.kind is CellKind.NUMBER:
        return _from_serial(_number_in(cell), from_1904)
    text = cleaned(cell.text)
    if not text:
        return None
    if found := _ISO.match(text):
        year, month, day = found.groups()
    elif found := _DOTTED.fullmatch(text):
        day, month, year = found.groups()
    else:
        raise NotAValue(FaultCode.DATE_FORM, day=_EXAMPLE)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise NotAValue(FaultCode.NO_SUCH_DAY) from None


def _from_serial(number: Decimal, from_1904: bool) -> date:
    """Days since the last of 1899, or since 1904 where the workbook was begun on an old Macintosh."""
    if not 1 <= number < 2_958_466:
        raise NotAValue(FaultCode.DATE_FORM, day=_EXAMPLE)
    origin = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    return origin + timedelta(days=int(number))


_READERS: dict[Kind, Callable[[Cell, bool], Value | None]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _whole,
    Kind.DECIMAL: _number,
    Kind.DATE: _date,
}
