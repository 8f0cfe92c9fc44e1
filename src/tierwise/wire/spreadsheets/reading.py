"""Forms that come back: who vouches for them, what was written, and where a cell cannot be taken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tierwise.wire.spreadsheets.cells import Cell, Workbook, address, as_text
from tierwise.wire.spreadsheets.faults import FaultCode, NotAValue, UnreadableWorkbook, Why
from tierwise.wire.spreadsheets.forms import FORMAT, KEY_TITLE, STAMP_SHEET, Base, Form, FormColumn, Stamp
from tierwise.wire.spreadsheets.values import Value, canonical, cleaned, value_of

HEADER_SOUGHT_TO_ROW = 50
FAULTS_TOLD = 500
ADDED = "+"
"""Begins the name of a row that was added; behind it the row's number in the sheet."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one cell cannot be taken. ``cell`` is its address, ``value`` what stands there."""

    sheet: str
    cell: str
    column: str
    value: str
    why: Why
    key: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class FilledRow:
    """A row as it was sent: canonical values of the editable columns, and the number of its row in the sheet."""

    number: int
    values: dict[str, str]


@dataclass(frozen=True)
class FilledForm:
    """What was sent. ``rows`` by key; ``places`` says in which column of the sheet a field stands, counted from 0.

    ``added`` holds rows written below the list, by names made for them; their values are those of all columns that may
    be written in such a row.
    """

    stamp: Stamp
    sheet: str
    rows: Mapping[str, FilledRow]
    places: Mapping[str, int]
    faults: tuple[Fault, ...] = ()
    written: Mapping[tuple[str, str], str] = field(default_factory=dict)
    added: Mapping[str, FilledRow] = field(default_factory=dict)

    def cell(self, key: str, field_name: str) -> str:
        """Address of a row's cell; empty where the row was not sent."""
        row = self.rows.get(key) or self.added.get(key)
        return address(row.number, self.places[field_name]) if row and field_name in self.places else ""


def read_stamp(book: Workbook) -> Stamp:
    """What the form carries unseen. UnreadableWorkbook where it is none of ours."""
    if STAMP_SHEET not in book.sheets:
        raise UnreadableWorkbook(FaultCode.NOT_OURS)
    head: dict[str, str] = {}
    base: dict[str, tuple[str, ...]] = {}
    width = 0
    for number, cells in book.rows(STAMP_SHEET):
        if number <= 4:
            head[as_text(cells, 0)] = as_text(cells, 1)
        else:
            width = max(width, *cells)
            base[as_text(cells, 0)] = tuple(as_text(cells, place) for place in range(1, max(cells) + 1))
    if head.get("format") != FORMAT:
        raise UnreadableWorkbook(FaultCode.OTHER_RELEASE)
    try:
        titles = {str(name): str(title) for name, title in json.loads(head["titles"]).items()}
        return Stamp(head["token"], base, titles, head["sheet"])
    except (KeyError, ValueError, AttributeError):
        raise UnreadableWorkbook(FaultCode.STAMP_DAMAGED) from None


def read_form(book: Workbook, stamp: Stamp, form: Form) -> FilledForm:
    """The rows that were sent, whatever their order, with the cells that cannot be taken.

    Rows may be missing and columns added or moved. Raises UnreadableWorkbook with a cell's address where the sheet, the
    header or an editable column is gone.
    """
    name = _sheet_of(book, stamp)
    header: dict[str, int] | None = None
    found = _Found(name, form, book.from_1904)
    for number, cells in book.rows(name):
        if header is None:
            header = {cleaned(cell.text): place for place, cell in cells.items()}
            if KEY_TITLE not in header:
                header = None
                if number > HEADER_SOUGHT_TO_ROW:
                    break
                continue
            found.places = _places(name, number, header, stamp, form)
            continue
        found.take(number, cells)
    if header is None:
        raise UnreadableWorkbook(FaultCode.HEADER_ROW_GONE, sheet=name, key=KEY_TITLE)
    width = len(form.editable)
    base = {key: (*values, *[""] * (width - len(values)))[:width] for key, values in stamp.base.items()}
    whole = Stamp(stamp.token, base, stamp.titles, stamp.sheet)
    found.stand_back(base)
    return FilledForm(whole, name, found.rows, found.places, tuple(found.faults), found.written, found.added)


def _sheet_of(book: Workbook, stamp: Stamp) -> str:
    if stamp.sheet in book.sheets:
        return stamp.sheet
    # Renamed: the one whose first rows hold our key column.
    for name in book.sheets:
        for number, cells in book.rows(name):
            if any(cleaned(cell.text) == KEY_TITLE for cell in cells.values()):
                return name
            if number > HEADER_SOUGHT_TO_ROW:
                break
    raise UnreadableWorkbook(FaultCode.SHEET_GONE, sheet=stamp.sheet)


def _places(sheet: str, row: int, header: Mapping[str, int], stamp: Stamp, form: Form) -> dict[str, int]:
    places = {form.key: header[KEY_TITLE]}
    titles = list(stamp.titles)
    for column in form.editable:
        title = stamp.titles.get(column.field, column.title)
        place = header.get(cleaned(title), header.get(column.header))
        if place is None:
            was = address(row, titles.index(column.field) + 1) if column.field in titles else f"row {row}"
            now = next((text for text, at in header.items() if address(row, at) == was), "")
            if now:
                raise UnreadableWorkbook(FaultCode.HEADER_CHANGED, sheet=sheet, cell=was, title=title, now=now)
            raise UnreadableWorkbook(FaultCode.HEADER_GONE, sheet=sheet, cell=was, title=title)
        places[column.field] = place
    for column in form.writable if form.spare else ():
        place = header.get(cleaned(stamp.titles.get(column.field, column.title)), header.get(column.header))
        if place is not None:
            places[column.field] = place
    return places


class _Found:
    """Rows as they are read, one after the other."""

    def __init__(self, sheet: str, form: Form, from_1904: bool) -> None:
        self.sheet, self.form, self.from_1904 = sheet, form, from_1904
        self.places: dict[str, int] = {}
        self.rows: dict[str, FilledRow] = {}
        self.faults: list[Fault] = []
        self.written: dict[tuple[str, str], str] = {}
        self.added: dict[str, FilledRow] = {}

    def take(self, number: int, cells: Mapping[int, Cell]) -> None:
        key_place = self.places[self.form.key]
        key = cleaned(as_text(cells, key_place))
        sent = [place for name, place in self.places.items() if name != self.form.key and place in cells]
        if not key:
            if any(cleaned(cells[place].text) for place in sent):
                self._take_added(number, cells, sent[0])
            return
        if key in self.rows:
            self._fault(number, key_place, key, Why(FaultCode.ROW_TWICE, {"row": str(self.rows[key].number)}))
            return
        self.rows[key] = FilledRow(number, self._values(number, cells, key, self.form.editable))

    def _take_added(self, number: int, cells: Mapping[int, Cell], place: int) -> None:
        if not self.form.spare:
            self._fault(number, place, cells[place].text, Why(FaultCode.ROW_NOT_OF_FORM))
            return
        key = f"{ADDED}{number}"
        self.added[key] = FilledRow(number, self._values(number, cells, key, self.form.writable))

    def _values(
        self, number: int, cells: Mapping[int, Cell], key: str, columns: Sequence[FormColumn]
    ) -> dict[str, str]:
        values: dict[str, str] = {}
        for column in columns:
            cell = cells.get(self.places.get(column.field, -1))
            if cell is None:
                values[column.field] = ""
                continue
            try:
                values[column.field] = canonical(column.kind, _taken(column, cell, self.from_1904))
            except NotAValue as refusal:
                values[column.field] = ""
                self.written[key, column.field] = cell.text
                self._fault(number, self.places[column.field], cell.text, refusal.why, (key, column))
        return values

    def stand_back(self, base: Base) -> None:
        """Lets cells that cannot be taken say what they said before, so that they count as no change."""
        for place, column in enumerate(self.form.editable):
            for key, row in self.rows.items():
                if (key, column.field) in self.written and key in base:
                    row.values[column.field] = base[key][place]

    def _fault(
        self, number: int, place: int, value: str, why: Why, about: tuple[str, FormColumn] | None = None
    ) -> None:
        if len(self.faults) < FAULTS_TOLD:
            key, name, title = (about[0], about[1].field, about[1].title) if about else ("", "", "")
            self.faults.append(Fault(self.sheet, address(number, place), title, value[:200], why, key, name))


def _taken(column: FormColumn, cell: Cell, from_1904: bool) -> Value | None:
    value = value_of(column.kind, cell, from_1904)
    if value is None:
        return None
    if column.choices:
        return _chosen(column, str(value))
    if isinstance(value, str):
        if len(value) > column.max_length:
            raise NotAValue(FaultCode.TOO_LONG, n=len(value), most=column.max_length)
        return value
    if isinstance(value, Decimal) and -int(value.normalize().as_tuple().exponent) > column.decimals:
        raise NotAValue(FaultCode.TOO_MANY_DECIMALS, n=column.decimals)
    _within(column, value)
    return value


def _within(column: FormColumn, value: Decimal | date | int) -> None:
    if column.least is not None and value < column.least:  # type: ignore[operator]
        raise NotAValue(FaultCode.TOO_LITTLE, least=column.least)
    if column.most is not None and value > column.most:  # type: ignore[operator]
        raise NotAValue(FaultCode.TOO_MUCH, most=column.most)


def _chosen(column: FormColumn, text: str) -> str:
    wanted = text.casefold()
    for value, label in column.choices:
        if wanted in {cleaned(label).casefold(), value.casefold()}:
            return value
    raise NotAValue(FaultCode.NOT_A_CHOICE, all=", ".join(label for _, label in column.choices))
