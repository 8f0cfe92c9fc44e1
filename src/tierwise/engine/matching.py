"""Which row of one frame has the key of a row of another, by a compiled table of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: odd, so that multiplying loses nothing, and far from any pattern in the keys."""


HASHES = ("_hash", "_check")
"""Columns that stand for a key in frames that do without it, from :func:`hashes_of`."""


def hashes_of(key: Sequence[str]) -> list[pl.Expr]:
    """The key of each row as two whole numbers, ``HASHES``; null equals null.

    For a scan that shall not keep the key's texts. Two keys with one pair of hashes would be taken for one: among 10⁹
    keys that happens with a probability of 10⁻²¹.
    """
    return [_mixed(key, place * len(key)).alias(name) for place, name in enumerate(HASHES)]


class KeyIndex:
    """The rows of a frame by their key; null equals null.

    ``first`` says for each row the position of the first row with the same key; a frame in which each key stands once
    has ``first`` = 0, 1, 2, …. Building and finding are one pass each, some 50 to 100 ns a row; a join of texts in
    Polars takes five to ten times as long. Keys are told apart by 128 bits of hashes, see :func:`hashes_of`; where both
    frames have the columns ``HASHES``, these are the key. One column of small whole numbers is looked up without any.
    Raises ValueError for a key column that the frame lacks.

    Example: keys a, b, a have ``first`` 0, 1, 0; in them b, c are found at 1, -1.
    """

    def __init__(self, frame: pl.DataFrame, key: Sequence[str]) -> None:
        _require(frame, key)
        self.key = list(key)
        self.schema = {name: frame.schema[name] for name in self.key}
        self._ids = _ids(frame, self.key)
        if self._ids is not None:
            self._slots, self.first = _placed(self._ids, int(self._ids.max()) + 1)
            return
        self._hashes, self._checks = _hashed(frame, self.key)
        self._slots, self.first = _build(self._hashes, self._checks)

    @property
    def distinct(self) -> bool:
        """Whether each key stands once."""
        return bool((self.first == np.arange(self.first.size)).all())

    def find(self, frame: pl.DataFrame) -> Ints:
        """For each row of another frame the first position of its key in this one, or -1."""
        _require(frame, self.key)
        if self._ids is not None:
            ids = frame[self.key[0]]
            ids = ids.fill_null(-1) if ids.null_count() else ids
            (wanted,) = sealed(ids.cast(pl.Int64).to_numpy())
            places: Ints = _looked_up(wanted, self._slots)
            return places
        rows = frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
        found: Ints = _find(*_hashed(rows, self.key), self._hashes, self._checks, self._slots)
        return found


class Numbers:
    """Keys numbered as they come, 0, 1, 2, …: a key that came before has its number still.

    Keys are told apart by :func:`hashes_of`. For frames that come one after the other, where a :class:`KeyIndex` would
    have to be made anew for each. Example: after keys a, b, a with the numbers 0, 1, 0 the keys b, c have 1, 2.
    """

    def __init__(self) -> None:
        self._held = _nothing_held()

    @property
    def count(self) -> int:
        """How many keys have a number: one more than the greatest."""
        return int(self._held[2])

    def of(self, frame: pl.DataFrame) -> Codes:
        """The number of the key of each row; a key that never came gets the next one."""
        _require(frame, HASHES)
        number, self._held = _coded(*_hashed(frame, list(HASHES)), self._held)
        return number

    def find(self, frame: pl.DataFrame) -> Ints:
        """The number of the key of each row, -1 for one that never came."""
        _require(frame, HASHES)
        slots, known, _ = self._held
        found: Ints = _known(*_hashed(frame, list(HASHES)), *sealed(slots, known))
        return found

    def forget(self, kept: Flags) -> Ints:
        """Drops all numbers that are not marked. Returns what each is called from now on: 0, 1, 2, … in the order that
        they had, -1 if dropped."""
        if kept.size != self.count:
            raise ValueError(f"kept has {kept.size} marks for {self.count} numbers; mark each")
        hashes, checks = sealed(*self._held[1][: self.count][kept].T)
        self._held = _coded(hashes, checks, _nothing_held())[1]
        return np.where(kept, np.cumsum(kept) - 1, -1)


def ranked(texts: pl.Series) -> tuple[Ints, pl.Series]:
    """The place of each text among the distinct ones in their order, null after the last; and those texts.

    Faster than a cast to an enumeration where few texts repeat often: each row costs a hash and a look into a table
    that stays in the processor's cache. Example: b, a, null, b have the places 1, 0, 2, 1 among a, b.
    """
    number, held = _coded(*_hashed(texts.to_frame("text"), ["text"]), _nothing_held())
    first = np.empty(held[2], dtype=np.int64)
    first[number[::-1]] = np.arange(number.size)[::-1]
    names = texts.gather(first)
    known = names.drop_nulls().sort()
    place = names.cast(pl.Enum(known)).to_physical().cast(pl.Int64).fill_null(known.len())
    return place.to_numpy()[number], known


def beside(frame: pl.DataFrame, table: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The frame with the other columns of the first row of ``table`` that has its key, null where none has: a left join
    that keeps the order."""
    found = KeyIndex(table, key).find(frame)
    return frame.hstack(taken(table.drop(list(key)), found))


def taken(table: pl.DataFrame, at: Ints) -> pl.DataFrame:
    """Rows of a table by their position; -1 gives nulls."""
    places = pl.Series(at, dtype=pl.Int64)
    if (at < 0).any():
        places = places.set(places < 0, None)
    return table.select(pl.all().gather(places))


def sealed(*arrays: Array) -> tuple[Array, ...]:
    """The arrays as views that nobody writes to. Kernels are compiled for every mix of arrays that may be written to
    and that may not, and what Polars hands out is now this, now that."""
    views = tuple(np.ascontiguousarray(each).view() for each in arrays)
    for view in views:
        view.flags.writeable = False
    return views


def only(frame: pl.DataFrame, wanted: Flags, by: str = "line_id") -> pl.DataFrame:
    """The rows whose id is marked; the frame itself where all are."""
    kept = wanted[frame[by].to_numpy()]
    return frame if kept.all() else frame.filter(pl.Series(kept, dtype=pl.Boolean))


def marked(size: int, *ids: pl.Series | Codes) -> Flags:
    """Whether each id, a whole number below ``size``, occurs, for :func:`only`."""
    found = np.zeros(size, dtype=np.bool_)
    for each in ids:
        found[np.asarray(each)] = True
    return found


_SPARSE = 4
"""Whole numbers are looked up by themselves while the largest is at most so many times their count."""


def _ids(frame: pl.DataFrame, key: list[str]) -> Ints | None:
    """The key as an array that a table can be made of: one column of small whole numbers."""
    column = frame[key[0]]
    if len(key) > 1 or not column.dtype.is_integer() or column.null_count() or column.is_empty():
        return None
    (ids,) = sealed(column.to_numpy().astype(np.int64, copy=False))
    return ids if ids.min() >= 0 and ids.max() < _SPARSE * ids.size + 1024 else None


def _require(frame: pl.DataFrame, key: Sequence[str]) -> None:
    if missing := [name for name in key if name not in frame.columns]:
        raise ValueError(f"frame lacks {', '.join(missing)}; both must name a row alike")


def _mixed(key: Sequence[str], seed: int) -> pl.Expr:
    each = [pl.col(name).hash(seed + place) for place, name in enumerate(key)]
    return reduce(lambda mixed, one: mixed * pl.lit(_SPREAD, dtype=pl.UInt64) + one, each)


def _hashed(frame: pl.DataFrame, key: list[str]) -> tuple[Hashes, Hashes]:
    made = frame if tuple(key) == HASHES else frame.select(hashes_of(key))
    one, two = sealed(*(made[name].to_numpy() for name in HASHES))
    return one, two


@njit(cache=True)
def _build(hashes, checks):  # type: ignore[no-untyped-def]
    """Open addressing, at most half full: slots hold row numbers or -1; and the first row of each row's hash."""
    size = 16
    while size < 2 * hashes.size:
        size *= 2
    mask = np.uint64(size - 1)
    slots = np.full(size, np.int32(-1), dtype=np.int32)
    first = np.empty(hashes.size, dtype=np.int64)
    for row in range(hashes.size):
        mine = hashes[row]
        at = (mine ^ (mine >> np.uint64(32))) & mask
        while True:
            held = slots[at]
            if held < 0:
                slots[at] = row
                first[row] = row
                break
            if hashes[held] == mine and checks[held] == checks[row]:
                first[row] = held
                break
            at = (at + np.uint64(1)) & mask
    return slots, first


_Held = tuple[npt.NDArray[np.int32], Hashes, int]
"""A table of slots, hash and check of the distinct keys by number (side by side: one look into memory), their count."""


def _nothing_held() -> _Held:
    return np.full(2048, -1, dtype=np.int32), np.empty((1024, 2), dtype=np.uint64), 0


def _coded(hashes: Hashes, checks: Hashes, held: _Held) -> tuple[Codes, _Held]:
    """The number of each row's key by first occurrence, and what is held then."""
    slots, known, count = held
    number, row = np.empty(hashes.size, dtype=np.uint32), 0
    while True:
        row, count = _code(hashes, checks, number, (row, count), (slots, known))
        if row == hashes.size:
            return number, (slots, known, count)
        # Few keys keep a small table, which stays in the processor's cache; many soon have a large one.
        more = np.empty((4 * count, 2), dtype=np.uint64)
        more[:count] = known
        slots, known = np.full(4 * slots.size, -1, dtype=np.int32), more
        _place(known, count, slots)


@njit(cache=True)
def _code(hashes, checks, number, begin, table):  # type: ignore[no-untyped-def]
    """Numbers rows until all are numbered or there is no room for another key; the row and the count reached."""
    row, count = begin
    slots, known = table
    mask = np.uint64(slots.size - 1)
    while row < hashes.size:
        mine, check = hashes[row], checks[row]
        at = (mine ^ (mine >> np.uint64(32))) & mask
        while True:
            held = slots[at]
            if held < 0:
                if count == known.shape[0]:
                    return row, count
                slots[at] = count
                known[count, 0], known[count, 1] = mine, check
                number[row] = count
                count += 1
                break
            if known[held, 0] == mine and known[held, 1] == check:
                number[row] = held
                break
            at = (at + np.uint64(1)) & mask
        row += 1
    return row, count


@njit(cache=True)
def _place(known, count, slots):  # type: ignore[no-untyped-def]
    """Lays the first keys into an empty table."""
    mask = np.uint64(slots.size - 1)
    for each in range(count):
        at = (known[each, 0] ^ (known[each, 0] >> np.uint64(32))) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = each


@njit(cache=True)
def _known(hashes, checks, slots, known):  # type: ignore[no-untyped-def]
    """The number of each row's key, -1 where it is not held."""
    mask = np.uint64(slots.size - 1)
    number = np.empty(hashes.size, dtype=np.int64)
    for row in range(hashes.size):
        mine, check = hashes[row], checks[row]
        at = (mine ^ (mine >> np.uint64(32))) & mask
        while slots[at] >= 0 and (known[slots[at], 0] != mine or known[slots[at], 1] != check):
            at = (at + np.uint64(1)) & mask
        number[row] = slots[at]
    return number


@njit(cache=True)
def _placed(ids, size):  # type: ignore[no-untyped-def]
    """The first row of each id, -1 where there is none; and the first row of each row's id."""
    slots = np.full(size, -1, dtype=np.int64)
    first = np.empty(ids.size, dtype=np.int64)
    for row in range(ids.size):
        if slots[ids[row]] < 0:
            slots[ids[row]] = row
        first[row] = slots[ids[row]]
    return slots, first


@njit(cache=True)
def _looked_up(wanted, slots):  # type: ignore[no-untyped-def]
    found = np.full(wanted.size, -1, dtype=np.int64)
    for row in range(wanted.size):
        if 0 <= wanted[row] < slots.size:
            found[row] = slots[wanted[row]]
    return found


@njit(cache=True)
def _find(wanted, wanted_checks, hashes, checks, slots):  # type: ignore[no-untyped-def]
    mask = np.uint64(slots.size - 1)
    found = np.empty(wanted.size, dtype=np.int64)
    for row in range(wanted.size):
        mine = wanted[row]
        at = (mine ^ (mine >> np.uint64(32))) & mask
        while True:
            held = slots[at]
            if held < 0 or (hashes[held] == mine and checks[held] == wanted_checks[row]):
                found[row] = held
                break
            at = (at + np.uint64(1)) & mask
    return found
