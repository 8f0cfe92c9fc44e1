"""A list as a spreadsheet to fill in and send back: what may be changed, within which bounds, and from what state.

:func:`render_form` writes it: context cells locked, editable ones open and checked by the spreadsheet program itself,
and on a sheet that nobody sees the token, the headers as written, and the values of all editable cells as they stood.
:func:`~tierwise.wire.spreadsheets.reading.read_form` reads it back.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from tierwise.wire.spreadsheets.cells import address
from tierwise.wire.spreadsheets.tables import (
    EXACT_DIGITS,
    FIRST_SAFE_DATE,
    FORMULA_STARTS,
    MAX_TEXT,
    Kind,
    SheetColumn,
    cell_writer,
    clean_sheet_name,
    column_width,
)
from tierwise.wire.spreadsheets.values import Value, canonical, cleaned

STAMP_SHEET = "Tierwise stamp"
LISTS_SHEET = "Tierwise lists"
FORMAT = "tierwise form 1"
KEY_TITLE = "Row key, do not change"
NOTE_AUTHOR = "Tierwise"
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001  no clock here: the same form is the same bytes
_LAST_DATE = date(9999, 12, 31)
_EDITABLE_KINDS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE})


@dataclass(frozen=True)
class FormColumn:
    """A column of a form. One that is written in may have ``choices`` (value, label), or bounds that are included.

    ``editable`` is written in every row, ``new`` in rows that are added; ``help`` is shown when the cell is entered.
    """

    field: str
    header: str
    kind: Kind = Kind.TEXT
    editable: bool = False
    new: bool = False
    choices: Sequence[tuple[str, str]] = ()
    unit: str = ""
    decimals: int = 2
    least: Decimal | date | int | None = None
    most: Decimal | date | int | None = None
    max_length: int = 2000
    help: str = ""
    width: float | None = None

    def __post_init__(self) -> None:
        SheetColumn(self.field, self.header, self.kind, self.unit, self.decimals)
        if self.writable and self.kind not in _EDITABLE_KINDS:
            raise ValueError(f"FormColumn {self.field}: {self.kind.value} cannot be edited; use text, integer, …")
        if self.choices and self.kind is not Kind.TEXT:
            raise ValueError(f"FormColumn {self.field}: choices are texts")
        labels = [label.strip().casefold() for _, label in self.choices]
        if len(set(labels)) < len(labels) or "" in labels:
            raise ValueError(f"FormColumn {self.field}: labels of choices must differ and say something")
        if self.least is not None and self.most is not None and self.least > self.most:  # type: ignore[operator]
            raise ValueError(f"FormColumn {self.field}: least is above most")
        if not 1 <= self.max_length <= MAX_TEXT:
            raise ValueError(f"FormColumn {self.field}: a cell holds 1 to {MAX_TEXT} characters")

    @property
    def writable(self) -> bool:
        return self.editable or self.new

    @property
    def title(self) -> str:
        return self.as_table_column.title

    @property
    def as_table_column(self) -> SheetColumn:
        return SheetColumn(self.field, self.header, self.kind, self.unit, self.decimals)

    def label(self, value: str) -> str:
        return dict(self.choices).get(value, value)


@dataclass(frozen=True)
class Form:
    """A named list. ``key`` names the field that tells rows apart; it travels in a hidden column.

    ``spare`` empty rows stand below the list for rows to be added; ``unique`` names the fields by which people tell
    its rows apart, so that none is added twice.
    """

    name: str
    columns: Sequence[FormColumn]
    key: str = "key"
    spare: int = 0
    unique: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        titles = [column.title for column in self.columns] + [KEY_TITLE]
        fields = [column.field for column in self.columns]
        if not self.editable:
            raise ValueError(f"Form {self.name!r}: give at least one editable column")
        if len(set(titles)) < len(titles) or len(set(fields)) < len(fields):
            raise ValueError(f"Form {self.name!r}: headers and fields must differ")
        if self.spare < 0 or not {*self.unique} <= {column.field for column in self.columns if column.writable}:
            raise ValueError(f"Form {self.name!r}: spare counts rows, unique names columns that are written in them")

    @property
    def editable(self) -> tuple[FormColumn, ...]:
        return tuple(column for column in self.columns if column.editable)

    @property
    def writable(self) -> tuple[FormColumn, ...]:
        """What a row that is added may hold."""
        return tuple(column for column in self.columns if column.writable)

    @property
    def sheet(self) -> str:
        return clean_sheet_name(self.name)

    def column(self, field_name: str) -> FormColumn | None:
        return next((column for column in self.columns if column.field == field_name), None)


Rows = Sequence[Mapping[str, object]]
Base = Mapping[str, tuple[str, ...]]
"""Row key → canonical values of the editable columns, in their order."""


@dataclass(frozen=True)
class Stamp:
    """What goes along unseen: a token that the sender of the form understands, and the state the form was made from."""

    token: str
    base: Base = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""


@dataclass(frozen=True)
class Note:
    """A comment on one cell, with the text that stands in it instead of the row's value."""

    text: str
    shown: Value | None = None
    bad: bool = True


Notes = Mapping[tuple[str, str], Note]
"""(row key, field) → note."""


def base_of(form: Form, rows: Rows) -> dict[str, tuple[str, ...]]:
    """The state of rows, as a form keeps it. ValueError where two rows share a key."""
    columns = form.editable
    base = {str(row[form.key]): tuple(canonical(c.kind, row.get(c.field)) for c in columns) for row in rows}
    if len(base) < len(rows):
        raise ValueError(f"Form {form.name!r}: two rows share a key")
    return base


def base_digest(base: Base) -> str:
    """Stands for a state whatever the order of its rows, so that a token can vouch for it.

    Empty cells at the end of a row leave no trace in a file, and none here.
    """
    said = sorted((key, *"\0".join(values).rstrip("\0").split("\0")) for key, values in base.items())
    text = json.dumps(said, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def render_form(form: Form, rows: Rows, token: str, notes: Notes | None = None, added: Sequence[str] = ()) -> bytes:
    """The form as an XLSX file that keeps ``token`` and the rows' state.

    With ``notes`` cells are coloured and commented, and show what their sender had written; ``added`` are the keys in
    ``notes`` of rows that he added, which stand below the list.
    """
    base = base_of(form, rows)
    buffer = io.BytesIO()
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"created": _MADE, "title": form.name})
    try:
        page = book.add_worksheet(form.sheet)
        lists = _write_lists(book, form)
        _head(book, page, form)
        _Filling(book, page, form).fill(rows, notes or {}, added)
        _check_cells(page, form, lists, (len(rows), len(added) + form.spare))
        page.protect("", {"sort": True, "autofilter": True, "format_columns": True, "format_rows": True})
        _write_stamp(book, form, token, base)
    finally:
        book.close()
    return buffer.getvalue()


def _head(book: Any, page: Any, form: Form) -> None:
    locked = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    context = book.add_format({**locked, "bg_color": "#EEF1F4"})
    open_ = book.add_format({**locked, "bg_color": "#FFE9A8"})
    page.set_column(0, 0, 20, None, {"hidden": True})
    page.write_string(0, 0, KEY_TITLE, context)
    for index, column in enumerate(form.columns, start=1):
        page.set_column(index, index, column.width or column_width(column.as_table_column))
        page.write_string(0, index, column.title, open_ if column.editable else context)
    page.freeze_panes(1, 2)
    page.set_landscape()
    page.repeat_rows(0)


class _Filling:
    """Writes rows: context locked, editable cells open, and in rows to be added everything that they may hold."""

    _LOOKS: Mapping[bool, Mapping[str, object]] = {
        False: {"bg_color": "#FFFCF0", "locked": False, "border": 1, "border_color": "#E4DCC0"},
        True: {"bg_color": "#FBD9D3", "locked": False, "border": 1, "border_color": "#B3372B"},
    }

    def __init__(self, book: Any, page: Any, form: Form) -> None:
        self.page, self.form = page, form
        self.context = [cell_writer(book, column.as_table_column, "UTC") for column in form.columns]
        self.open = {bad: [_EditableCell(book, c, look) for c in form.columns] for bad, look in self._LOOKS.items()}
        self.key_look = book.add_format({"num_format": "@"})

    def fill(self, rows: Rows, notes: Notes, added: Sequence[str]) -> None:
        line = 0
        for line, row in enumerate(rows, start=1):
            self._row(line, row, notes)
        for line, key in enumerate((*added, *[""] * self.form.spare), start=line + 1):  # noqa: B020  goes on below
            for index, column in enumerate(self.form.columns):
                if column.writable:
                    self._cell(line, index, None, notes.get((key, column.field)))
        self.page.autofilter(0, 0, max(len(rows), 1), len(self.form.columns))

    def _row(self, line: int, row: Mapping[str, object], notes: Notes) -> None:
        key = str(row[self.form.key])
        self.page.write_string(line, 0, key, self.key_look)
        for index, column in enumerate(self.form.columns):
            value = row.get(column.field)
            if column.editable:
                self._cell(line, index, value, notes.get((key, column.field)))
            elif value is not None and value != "":
                self.context[index](self.page, line, index + 1, cleaned(value) if isinstance(value, str) else value)

    def _cell(self, line: int, index: int, value: object, note: Note | None) -> None:
        shown = note.shown if note is not None else value
        self.open[note is not None and note.bad][index].write(self.page, line, index + 1, shown)
        if note is not None and note.text:
            self.page.write_comment(line, index + 1, note.text[:MAX_TEXT], {"author": NOTE_AUTHOR, "x_scale": 2})


class _EditableCell:
    """Writes the cells of one editable column in one look. A value of the wrong type stands there as text."""

    def __init__(self, book: Any, column: FormColumn, look: Mapping[str, object]) -> None:
        pattern = {
            Kind.TEXT: "@", Kind.INTEGER: "0", Kind.DATE: "yyyy-mm-dd",
            Kind.DECIMAL: "#,##0." + "#" * max(column.decimals, 1),
        }.get(column.kind, "General")  # fmt: skip
        wrap = {"text_wrap": True, "valign": "top"} if column.kind is Kind.TEXT and not column.choices else {}
        self._column = column
        self._look = book.add_format({**look, **wrap, "num_format": pattern})
        self._quoted = book.add_format({**look, **wrap, "num_format": "@", "quote_prefix": True})

    def write(self, page: Any, line: int, index: int, value: object) -> None:
        match value:
            case None | "":
                page.write_blank(line, index, None, self._look)
            case int() | Decimal() if _exact(value):
                page.write_number(line, index, value, self._look)
            case date() if value >= FIRST_SAFE_DATE:
                page.write_datetime(line, index, value, self._look)
            case _:
                self._write_text(page, line, index, str(value))

    def _write_text(self, page: Any, line: int, index: int, value: str) -> None:
        text = cleaned(self._column.label(value))[:MAX_TEXT]
        page.write_string(line, index, text, self._quoted if text.startswith(FORMULA_STARTS) else self._look)


def _exact(value: int | Decimal) -> bool:
    return len(Decimal(value).normalize().as_tuple().digits) <= EXACT_DIGITS


def _check_cells(page: Any, form: Form, lists: Mapping[str, str], counts: tuple[int, int]) -> None:
    """Tells the spreadsheet program what a cell takes, so that most mistakes never travel.

    ``counts``: rows that stand, and rows below them for more.
    """
    standing, below = counts
    for index, column in enumerate(form.columns, start=1):
        first, last = (1 if column.editable else standing + 1), standing + below
        if not column.writable or last < first:
            continue
        rule: dict[str, Any] = _bounds(column)
        if column.choices:
            rule = {"validate": "list", "source": lists[column.field]}
        if column.help:
            rule |= {"input_title": column.header[:32], "input_message": column.help[:255]}
        rule |= {"error_title": column.header[:32], "error_message": _expected(column)[:255]}
        page.data_validation(first, index, last, index, rule)


def _bounds(column: FormColumn) -> dict[str, Any]:
    match column.kind:
        case Kind.DATE:
            least, most = column.least or FIRST_SAFE_DATE, column.most or _LAST_DATE
            return {"validate": "date", "criteria": "between", "minimum": least, "maximum": most}
        case Kind.INTEGER | Kind.DECIMAL:
            kind = "integer" if column.kind is Kind.INTEGER else "decimal"
            least = -(10**15) if column.least is None else column.least
            most = 10**15 if column.most is None else column.most
            return {"validate": kind, "criteria": "between", "minimum": least, "maximum": most}
        case _:
            return {"validate": "length", "criteria": "<=", "value": column.max_length}


def _expected(column: FormColumn) -> str:
    """What a cell of the column takes, in a sentence."""
    if column.choices:
        return "Choose one of: " + ", ".join(label for _, label in column.choices)
    match column.kind:
        case Kind.DATE:
            what = "Write a date"
        case Kind.INTEGER:
            what = "Write a whole number"
        case Kind.DECIMAL:
            what = "Write a number"
        case _:
            return f"Write a text of at most {column.max_length} characters"
    if column.least is not None:
        what += f", {column.least} or more"
    if column.most is not None:
        what += f", {column.most} or less"
    return what


def _write_lists(book: Any, form: Form) -> dict[str, str]:
    """Choices on a sheet of their own, which has no limit of length; field → the range they stand in."""
    chosen = [column for column in form.writable if column.choices]
    if not chosen:
        return {}
    page = book.add_worksheet(LISTS_SHEET)
    page.very_hidden()
    for line in range(max(len(column.choices) for column in chosen)):
        for index, column in enumerate(chosen):
            if line < len(column.choices):
                page.write_string(line, index, cleaned(column.choices[line][1]))
    found = {}
    for index, column in enumerate(chosen):
        letters = address(1, index)[:-1]
        found[column.field] = f"='{LISTS_SHEET}'!${letters}$1:${letters}${len(column.choices)}"
    return found


def _write_stamp(book: Any, form: Form, token: str, base: Base) -> None:
    page = book.add_worksheet(STAMP_SHEET)
    page.very_hidden()
    page.protect()
    titles = {column.field: column.title for column in form.columns}
    for line, (name, text) in enumerate(
        (("format", FORMAT), ("token", token), ("titles", json.dumps(titles)), ("sheet", form.sheet))
    ):
        page.write_string(line, 0, name)
        page.write_string(line, 1, text)
    text = book.add_format({"num_format": "@", "quote_prefix": True})
    for line, (key, values) in enumerate(base.items(), start=5):
        page.write_string(line, 0, key, text)
        for index, value in enumerate(values, start=1):
            if value:
                page.write_string(line, index, value, text)
