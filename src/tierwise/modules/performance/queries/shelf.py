"""Rows of the lake about purchase lines, read span after span: each row is read and its key hashed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from tierwise.engine.matching import HASHES, Codes, Flags, KeyIndex, Numbers, hashes_of, marked
from tierwise.lake.store import Files
from tierwise.modules.performance.queries.reading import DUE, EVENTS, KEY, Rows, Span, within

_LINES, _RECEIPTS, _REJECTS = "purchase_line", "receipt", "reject"
_AMOUNT = pl.col("quantity").cast(pl.Float64)
_COLUMNS: dict[str, tuple[str | pl.Expr, ...]] = {
    _LINES: (
        *KEY, "revision", "revised_on", "changed_by", "supplier", "item", "site", "ship_from", "ordered_on", _AMOUNT,
        "unit", *DUE, "state", "cancelled_by", "segment",
    ),
    _RECEIPTS: ("receipt", *EVENTS, _AMOUNT, "unit"),
    _REJECTS: ("receipt", "rejected_on", _AMOUNT, "unit"),
}  # fmt: skip
_DATED = {_LINES: DUE, _RECEIPTS: EVENTS}
_KEPT = 16_000_000
"""Rows that are kept of months in which a span finds rows of its lines, but none by its dates: some 3 GB."""
_NUMBERS_AT_LEAST = 1_000_000
"""So many numbers are held before it is asked which of them are still of use."""


class Shelf:
    """Rows about lines from the files of one manifest, kept while the spans that are asked for still touch their month.

    Spans that follow each other share months: a line is ordered in one, due in another and received in a third.
    ``files`` tells the files of a table, ``suppliers`` (codes; None: all) whose lines are read at all, ``last`` the
    last day that is going to be asked for: once it was, nothing is kept. None: no span follows the first.
    """

    def __init__(
        self, files: Callable[[str], Files], suppliers: frozenset[str] | None = None, last: date | None = None
    ) -> None:
        self.suppliers, self._last, self._files_of = suppliers, last, files
        self._clear()

    @cached_property
    def _files(self) -> dict[str, Files]:
        return {table: self._files_of(table) for table in _COLUMNS}

    @cached_property
    def _months(self) -> dict[str, dict[str, tuple[list[str], int | None]]]:
        return {table: held.folders() for table, held in self._files.items()}

    @cached_property
    def _theirs(self) -> KeyIndex | None:
        """The keys of the suppliers' lines."""
        if self.suppliers is None:
            return None
        lines = self._files[_LINES]
        own = lines.scan(lines.paths).filter(pl.col("supplier").is_in(list(self.suppliers)))
        return KeyIndex(own.select(hashes_of(KEY)).collect(), HASHES)

    def read(self, span: Span) -> Rows:
        """What there is about lines that have a date that may make them due, or a receipt, within the span.

        Read are months that may hold such a row, and those that may hold another row of one of their lines, by the
        least and the greatest order number: where numbers rise with time, as they mostly do, most months are left out
        by what the lake knows of each file.
        """
        near = self._near(span)
        self._bring(near)
        wanted = marked(self._numbers.count, *self._asking(span))
        # The lines wanted are numbered 0, 1, 2, … among themselves.
        ids = np.cumsum(wanted, dtype=np.uint32) - np.uint32(1)
        lines, receipts, rejects = (self._own(table, near[table].months, (wanted, ids)) for table in _COLUMNS)
        if self._last is None or span.last >= self._last:
            self._clear()
        keys = lines.rows.select(KEY).with_columns(line_id=lines.number)
        return Rows(lines.whole(KEY), keys, receipts.whole(), rejects.whole())

    def _clear(self) -> None:
        self._held: dict[str, dict[str, _Held]] = {table: {} for table in _COLUMNS}
        self._numbers = Numbers()

    def _near(self, span: Span) -> dict[str, _Near]:
        asked = {table: self._files[table].dated(names, span.first, span.last) for table, names in _DATED.items()}
        reaches = [files.reach("order") for files in asked.values() if files.paths]
        known = [each for each in reaches if each is not None]
        found = {}
        for table, files in self._files.items():
            own = set(asked[table].folders()) if table in asked else set()
            near = files
            if known and len(known) == len(reaches):
                near = files.between("order", min(low for low, _ in known), max(high for _, high in known))
            found[table] = _Near(own, own | set(near.folders()) if reaches else own)
        return found

    def _bring(self, near: dict[str, _Near]) -> None:
        """Has the rows at hand that the span asks for, and of other months as many as may be kept."""
        room, missing = _KEPT, []
        for table, own in near.items():
            there, self._held[table] = self._held[table], {}
            for month, (_, rows) in self._months[table].items():
                if month in own.months and month not in own.asked:
                    room -= _KEPT if rows is None else rows
                if month in own.asked or (month in own.months and room >= 0):
                    if month in there:
                        self._held[table][month] = there[month]
                    else:
                        missing.append((table, month))
        self._forget()
        for (table, month), read in zip(missing, self._read(missing), strict=True):
            self._held[table][month] = _Held(read.drop(HASHES), self._numbers.of(read))

    def _forget(self) -> None:
        """Drops the numbers of lines that no row at hand is about, once they are the greater part."""
        every = [each for held in self._held.values() for each in held.values()]
        if self._numbers.count <= max(_NUMBERS_AT_LEAST, 2 * sum(each.number.size for each in every)):
            return
        anew = self._numbers.forget(marked(self._numbers.count, *(each.number for each in every)))
        for held in self._held.values():
            for month, each in held.items():
                held[month] = _Held(each.rows, anew[each.number].astype(np.uint32))

    def _read(self, wanted: Sequence[tuple[str, str]]) -> list[pl.DataFrame]:
        """The rows of some months of tables, with the hashes of their keys."""
        scans = (self._files[table].scan(self._months[table][month][0]) for table, month in wanted)
        columns = (_COLUMNS[table] for table, _ in wanted)
        read = pl.collect_all([scan.select(*own, *hashes_of(KEY)) for scan, own in zip(scans, columns, strict=True)])
        if self._theirs is None:
            return read
        return [rows.filter(pl.Series(self._theirs.find(rows) >= 0, dtype=pl.Boolean)) for rows in read]

    def _asking(self, span: Span) -> Iterator[Codes]:
        """Numbers of lines by the rows that ask for them by their own dates."""
        own = pl.lit(value=True) if self.suppliers is None else pl.col("supplier").is_in(list(self.suppliers))
        for table, names in _DATED.items():
            asked = (within(names, span) & own if table == _LINES else within(names, span)).fill_null(value=False)
            for each in self._held[table].values():
                yield each.number[each.rows.select(asked.alias("asked"))["asked"].to_numpy()]

    def _own(self, table: str, months: Set[str], ids: tuple[Flags, Codes]) -> _Held:
        """The rows of lines that are wanted, under their ids; both by number."""
        wanted, id_of = ids
        parts, numbers = [self._files[table].scan([]).select(_COLUMNS[table]).collect()], [np.empty(0, np.uint32)]
        for month in sorted(months):
            held = self._held[table].get(month) or self._passing(table, month)
            mine = wanted[held.number]
            parts.append(held.rows if mine.all() else held.rows.filter(pl.Series(mine)))
            numbers.append(held.number if mine.all() else held.number[mine])
        return _Held(pl.concat(parts), id_of[np.concatenate(numbers)])

    def _passing(self, table: str, month: str) -> _Held:
        """The rows of a month that is not kept, those of lines that have a number."""
        (rows,) = self._read([(table, month)])
        number = self._numbers.find(rows)
        known = number >= 0
        return _Held(rows.drop(HASHES).filter(pl.Series(known)), number[known].astype(np.uint32))


@dataclass(frozen=True, slots=True)
class _Near:
    """Months that may hold rows of a span's lines; those ``asked`` for may hold rows of its days."""

    asked: Set[str]
    months: Set[str]


@dataclass(frozen=True, slots=True)
class _Held:
    """Rows and the numbers of their lines, beside them: a frame whose columns come in other pieces than the rest is
    copied by nearly everything that is done with it."""

    rows: pl.DataFrame = field(repr=False)
    number: Codes = field(repr=False)

    def whole(self, without: Sequence[str] = ()) -> pl.DataFrame:
        """The rows with ``line_id``, in one piece: what is gathered from several costs many times as much."""
        return self.rows.drop(without).rechunk().with_columns(line_id=self.number)
