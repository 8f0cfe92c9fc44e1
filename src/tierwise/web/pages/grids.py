"""Tables for the screen and the same tables as workbooks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, overload
from uuid import UUID

import polars as pl
import polars.selectors as cs

from tierwise.web.pages.doors import SheetDoor
from tierwise.web.pages.shell import Empty
from tierwise.web.pages.values import SegmentChip, Status
from tierwise.wire import spreadsheets

T = TypeVar("T")
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Kind(StrEnum):
    TEXT = "text"
    CODE = "code"
    QUANTITY = "quantity"
    MONEY = "money"
    RATIO = "ratio"
    DATE = "date"
    INSTANT = "instant"
    SEGMENT = "segment"
    STATUS = "status"
    LINK = "link"
    FLAG = "flag"


KEY_HEADER = "Row key, do not change"
WITH_PAGE = 1000
"""Rows of a grid that come with its page; of a longer one the others follow by themselves."""
NUMERIC = frozenset({Kind.QUANTITY, Kind.MONEY, Kind.RATIO})
SHEET_KINDS = {
    Kind.QUANTITY: spreadsheets.Kind.NUMBER,
    Kind.MONEY: spreadsheets.Kind.NUMBER,
    Kind.RATIO: spreadsheets.Kind.RATIO,
    Kind.DATE: spreadsheets.Kind.DATE,
    Kind.INSTANT: spreadsheets.Kind.INSTANT,
    Kind.FLAG: spreadsheets.Kind.FLAG,
}


@dataclass(frozen=True)
class Column:
    """One typed column of a grid.

    ``unit`` is the unit or currency of every row; ``unit_field`` names the field that holds it per row.
    ``href`` names the field that holds a row's address (for links, and for any figure that opens). ``card`` marks
    the few fields a phone shows. ``total`` sums the column into the last row. ``editable`` cells are sent with the
    surrounding form as ``GRIDNAME.changes``. ``shade`` names a field holding ``frozen``, ``due`` or ``changed``.
    """

    field: str
    label: str
    kind: Kind | str = Kind.TEXT
    unit: str = ""
    unit_field: str = ""
    decimals: int | None = None
    href: str = ""
    card: bool = False
    frozen: bool = False
    total: bool = False
    editable: bool = False
    shade: str = ""
    width: int | None = None
    group: str = ""
    note: str = ""
    statuses: Mapping[str, Status] = made(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", Kind(self.kind))
        except ValueError:
            raise ValueError(f"Column {self.field}: kind is one of {', '.join(Kind)}, not {self.kind!r}") from None
        if self.kind is Kind.LINK and not self.href:
            raise ValueError(f"Column {self.field}: a link needs href, the name of the field that holds the address")
        if self.total and self.kind not in NUMERIC:
            raise ValueError(f"Column {self.field}: only quantity, money and ratio columns can be summed")

    @property
    def places(self) -> int:
        if self.decimals is not None:
            return self.decimals
        return {Kind.MONEY: 2, Kind.RATIO: 1}.get(Kind(self.kind), 0)

    def payload(self) -> dict[str, object]:
        spec: dict[str, object] = {
            "field": self.field,
            "label": str(self.label),
            "kind": Kind(self.kind).value,
            "decimals": self.places,
            "unit": str(self.unit),
            "unitField": self.unit_field,
            "href": self.href,
            "card": self.card,
            "frozen": self.frozen,
            "total": self.total,
            "editable": self.editable,
            "shade": self.shade,
            "width": self.width,
            "group": str(self.group),
            "note": str(self.note),
            "statuses": {key: status.payload() for key, status in self.statuses.items()},
        }
        return {key: value for key, value in spec.items() if key == "decimals" or value not in ("", None, False, {})}


class RowsOnDemand(Sequence[Mapping[str, object]]):
    """Rows that are drawn up where they are shown: a page that holds the first of many does not pay for the others.

    ``draw`` makes the rows of some of the ``sources``, one for each in their order.
    """

    def __init__(self, sources: Sequence[T], draw: Callable[[Sequence[T]], Sequence[Mapping[str, object]]]) -> None:
        self._sources, self._draw = sources, draw

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, place: int) -> Mapping[str, object]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, object]]: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, object] | Sequence[Mapping[str, object]]:
        if isinstance(place, slice):
            return self._draw(self._sources[place])
        return self._draw([self._sources[place]])[0]

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        return iter(self[:])


@dataclass(frozen=True)
class Grid:
    """A table that scrolls, sorts, filters, copies and exports (``?export=NAME``). Rows are mappings or a frame.

    Of a long one the page holds the first rows, and all of them come after it (``?rows=NAME``).

    The first column, and every column marked ``frozen``, stays in sight. ``segments`` gives the chips of segment codes.
    ``key`` names the field that tells rows apart; a grid with editable columns needs it. ``door`` offers the
    list as a spreadsheet to fill in. ``empty`` is what stands in place of no rows: a line, or what the page will show
    and the next step.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, object]] | pl.DataFrame
    empty: str | Empty = ""
    label: str = ""
    segments: Sequence[SegmentChip] = ()
    height: str = ""
    exportable: bool = True
    key: str = ""
    door: SheetDoor | None = None

    def __post_init__(self) -> None:
        if not self.name or not set(self.name) <= NAME_CHARACTERS:
            raise ValueError(f"Grid: name stands in addresses; use small letters, digits, - and _, not {self.name!r}")
        if not self.columns:
            raise ValueError(f"Grid {self.name}: give at least one column")
        fields = [column.field for column in self.columns]
        twice = sorted({name for name in fields if fields.count(name) > 1})
        if twice:
            raise ValueError(f"Grid {self.name}: fields must differ, found twice: {', '.join(twice)}")
        if not self.key and any(column.editable for column in self.columns):
            raise ValueError(f"Grid {self.name}: editable columns need key, the field that tells rows apart")
        if isinstance(self.rows, pl.DataFrame):
            missing = [name for name in self._fields() if name not in self.rows.columns]
            if missing:
                raise ValueError(f"Grid {self.name}: the frame has no column {', '.join(missing)}")

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return True  # an empty grid is still a grid

    def _fields(self) -> list[str]:
        names: dict[str, None] = {}
        for column in self.columns:
            for name in (column.field, column.unit_field, column.href, column.shade):
                if name:
                    names[name] = None
        if self.key:
            names[self.key] = None
        return list(names)

    def payload(self, rest: str = "") -> str:
        """The grid as JSON, column by column: 100,000 rows take half the bytes of a list of objects.

        With ``rest``, the address of the whole, a long grid is cut to its first rows. What is filled in names its rows
        by their place, so that such a grid is never cut.
        """
        cut = bool(rest) and len(self.rows) > WITH_PAGE and not any(column.editable for column in self.columns)
        rows = self.rows[: WITH_PAGE if cut else None]
        if isinstance(rows, pl.DataFrame):
            frame = rows.select(self._fields()).with_columns(
                pl.when(cs.float().is_finite()).then(cs.float()).name.keep()
            )
            data = frame.to_dict(as_series=False)
        else:
            data = {name: [finite(row.get(name)) for row in rows] for name in self._fields()}
        spec = {
            "name": self.name,
            "label": str(self.label),
            "empty": self.empty.title if isinstance(self.empty, Empty) else str(self.empty),
            "count": len(rows),
            **({"all": len(self.rows), "rest": rest} if cut else {}),
            "key": self.key,
            "columns": [column.payload() for column in self.columns],
            "segments": {chip.code: chip.payload() for chip in self.segments},
            "data": data,
        }
        return json.dumps(spec, default=plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def sheet(self, zone: str = "UTC") -> spreadsheets.Sheet:
        """The same rows for a workbook: typed, with units in the header or in a column of their own."""
        columns: list[spreadsheets.SheetColumn] = []
        seen: set[str] = set()
        for column in self.columns:
            kind = SHEET_KINDS.get(Kind(column.kind), spreadsheets.Kind.TEXT)
            header = f"{column.group} {column.label}".strip()
            header = header if header not in seen else f"{header} ({column.field})"
            seen.add(header)
            columns.append(spreadsheets.SheetColumn(column.field, header, kind, str(column.unit), column.places))
            if column.unit_field and all(column.unit_field != known.field for known in columns):
                columns.append(spreadsheets.SheetColumn(column.unit_field, f"{header}: unit"))
        if self.key and all(column.field != self.key for column in columns):
            columns.append(spreadsheets.SheetColumn(self.key, KEY_HEADER))
        return spreadsheets.Sheet(str(self.label) or self.name, columns, self._labelled(), zone)

    def records(self) -> Iterator[Mapping[str, object]]:
        """The rows as mappings, whatever they came as."""
        return self.rows.iter_rows(named=True) if isinstance(self.rows, pl.DataFrame) else iter(self.rows)

    def keys(self) -> frozenset[str]:
        """Keys of all rows, as text."""
        return frozenset(str(row[self.key]) for row in self.records()) if self.key else frozenset()

    def _labelled(self) -> Sequence[Mapping[str, object]] | pl.DataFrame:
        """Status keys replaced by the words the screen shows."""
        words = {
            column.field: {key: str(status.label) for key, status in column.statuses.items()}
            for column in self.columns
            if column.statuses
        }
        if not words:
            return self.rows
        if isinstance(self.rows, pl.DataFrame):
            return self.rows.with_columns(
                pl.col(name).cast(pl.String).replace(labels) for name, labels in words.items()
            )
        return [
            row | {name: labels.get(str(row.get(name)), row.get(name)) for name, labels in words.items()}
            for row in map(dict, self.rows)
        ]


def finite(value: object) -> object:
    """NaN and infinity are not JSON; a gap is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: object) -> object:
    """JSON for what rows hold. Decimals become floats: the screen shows them, nothing is settled with them."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case SegmentChip():
            return value.code
        case Status():
            return str(value.label)
        case UUID():
            return str(value)
        case _:
            return str(value)
