"""What every forecast reads: many series of different lengths in one array, and work on them spread over threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_PARTS_A_THREAD = 4
"""Series differ in what they cost; smaller parts let the threads end together."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Series i owns ``values[offsets[i]:offsets[i + 1]]``, one value a period, oldest first, NaN where unknown.

    All series end with the same period. NaN before the first known value counts as not yet begun. ValueError for
    infinities and for offsets that do not rise from 0 to the number of values.
    """

    values: Floats
    offsets: Ints

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float64)
        offsets = np.ascontiguousarray(self.offsets, dtype=np.int64)
        if values.ndim != 1 or np.isinf(values).any():
            raise ValueError("values: must be one flat array without infinities; give NaN where a period is unknown")
        if offsets.ndim != 1 or not offsets.size or offsets[0] != 0 or offsets[-1] != values.size:
            raise ValueError("offsets: must run from 0 to the number of values, one entry more than there are series")
        if (np.diff(offsets) < 0).any():
            raise ValueError("offsets: must not fall; sort the values by series")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "offsets", offsets)

    @classmethod
    def of(cls, series: Iterable[npt.ArrayLike]) -> Panel:
        """A panel of lists or arrays, one per series.

        >>> Panel.of([[3, 1, 4], [1, 5]]).offsets.tolist()
        [0, 3, 5]
        """
        parts = [np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in series]
        if any(each.ndim != 1 for each in parts):
            raise ValueError("series: each must be one list of values; give a list of lists for several")
        offsets = np.cumsum([0, *(each.size for each in parts)], dtype=np.int64)
        return cls(np.concatenate(parts) if parts else np.zeros(0), offsets)

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, index: int) -> Floats:
        """The values of one series."""
        if not 0 <= index < len(self):
            raise IndexError(f"series {index} of {len(self)}")
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> Ints:
        return np.diff(self.offsets)

    def until(self, back: int) -> Panel:
        """The panel as it was ``back`` periods ago; series that had not begun become empty.

        >>> Panel.of([[3, 1, 4], [1]]).until(2).values.tolist()
        [3.0]
        """
        if back < 0:
            raise ValueError(f"back: is {back}; give 0 or more periods to go back")
        left = np.maximum(self.lengths - back, 0)
        place = np.arange(self.values.size) - np.repeat(self.offsets[:-1], self.lengths)
        return Panel(self.values[place < np.repeat(left, self.lengths)], np.concatenate([[0], np.cumsum(left)]))

    def latest(self, periods: int, back: int = 0) -> Floats:
        """Series × periods: the values that end ``back`` periods ago, NaN where a series had not begun.

        >>> Panel.of([[3, 1, 4], [1]]).latest(2).tolist()
        [[1.0, 4.0], [nan, 1.0]]
        """
        at = self.offsets[1:, None] - back + np.arange(-periods, 0)[None, :]
        inside = at >= self.offsets[:-1, None]
        found = np.full(at.shape, np.nan)
        found[inside] = self.values[at[inside]]
        return found

    def select(self, rows: npt.ArrayLike) -> Panel:
        """Some of the series, in the order asked for."""
        wanted = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[wanted]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        place = (
            np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], lengths) + np.repeat(self.offsets[wanted], lengths)
        )
        return Panel(self.values[place], offsets)

    def with_values(self, values: npt.ArrayLike) -> Panel:
        """Other values on the same periods."""
        return Panel(np.asarray(values, dtype=np.float64), self.offsets)


def over_parts(work: Callable[[int, int], None], offsets: Ints, threads: int) -> None:
    """Calls ``work(low, high)`` on ranges of series of about equal length; kernels let go of the interpreter's lock."""
    series = offsets.size - 1
    threads = threads or len(os.sched_getaffinity(0))
    if threads == 1 or series < 2:
        work(0, series)
        return
    parts = min(threads * _PARTS_A_THREAD, series)
    cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], parts + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], cuts, [series]]))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1].tolist(), edges[1:].tolist()))


def whole(name: str, value: int, least: int) -> int:
    """A whole number of at least ``least``. ValueError naming it otherwise."""
    if int(value) != value or value < least:
        raise ValueError(f"{name}: is {value}; give a whole number of {least} or more")
    return int(value)
