"""Which line is looked at in which period: all periods of a run at once, a line once for each that may count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from tierwise.engine.matching import Flags, Ints, marked, only
from tierwise.engine.scoring import Level, OtifParams, first_due
from tierwise.modules.performance.queries.loading import Facts, ids_of
from tierwise.modules.performance.queries.reading import DUE, EVENTS


@dataclass(frozen=True, slots=True)
class Window:
    """A period and the last day whose events its cards see."""

    start: date
    end: date
    closes_on: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"end ({self.end}) is before start ({self.start}); swap them")


def windows_of(days: pl.Series, windows: Sequence[Window]) -> Ints:
    """The number of the window that holds each day, -1 where none does."""
    first = min(window.start for window in windows)
    length = (max(window.end for window in windows) - first).days + 1
    # A day outside, or none, reads the last place.
    held = np.full(length + 1, -1, dtype=np.int64)
    for number, window in enumerate(windows):
        held[(window.start - first).days : (window.end - first).days + 1] = number
    place = days.to_physical() - pl.Series([first]).to_physical()[0]
    place = place.fill_null(-1).to_numpy()
    return held[np.where((place >= 0) & (place < length), place, length)]


@dataclass(frozen=True, slots=True)
class Cases:
    """Case ``i`` is line ``line[i]`` in window ``window[i]`` (-1: in none).

    A line's own id is that of its first case; those of further windows stand below the ``lines`` ids there are.
    """

    lines: int
    line: Ints = field(repr=False)
    window: Ints = field(repr=False)

    def rows(self, frame: pl.DataFrame, wanted: Flags | None = None) -> pl.DataFrame:
        """The rows of lines (those ``wanted``, by id) under the ids of their cases, once for each."""
        held = self.window >= 0
        if wanted is not None:
            held &= wanted[self.line]
        own = only(frame, held[: self.lines])
        more = self.lines + np.flatnonzero(held[self.lines :])
        if not more.size:
            return own
        line = pl.Series(self.line[more]).cast(pl.UInt32)
        cases = pl.DataFrame({"line_id": line, "_case": pl.Series(more).cast(pl.UInt32)})
        again = only(frame, marked(self.lines, line)).join(cases, on="line_id", maintain_order="left_right")
        return pl.concat([own, again.with_columns(line_id="_case").drop("_case")], rechunk=True)

    def find(self, line: Ints, window: Ints) -> Ints:
        """The case of each line in a window; -1 where there is none."""
        found = np.where(self.window[line] == window, line.astype(np.int64), -1)
        if self.line.size > self.lines:
            codes = self.line[self.lines :] * _WIDEST + self.window[self.lines :]
            other = np.flatnonzero((found < 0) & (window >= 0))
            wanted = line[other].astype(np.int64) * _WIDEST + window[other]
            at = np.minimum(np.searchsorted(codes, wanted), codes.size - 1)
            found[other] = np.where(codes[at] == wanted, self.lines + at, -1)
        return np.where(window >= 0, found, -1)

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows by case under ids that are unique over all windows, with ``_window``; :func:`parted` takes it back."""
        case = frame["line_id"].to_numpy()
        window = self.window[case].astype(np.int64)
        return frame.with_columns(line_id=pl.Series(self.line[case] + window * STEP), _window=pl.Series(window))

    def closes_on(self, frame: pl.DataFrame, windows: Sequence[Window]) -> pl.Series:
        """The last day that each row's case sees."""
        days = pl.Series([window.closes_on for window in windows], dtype=pl.Date)
        return days.gather(self.window[frame["line_id"].to_numpy()])


_WIDEST = 2**16
"""More windows than there are in any run."""
STEP = 2**32
"""Line ids are 32 bits wide; the number of a window stands above them."""


def parted(frame: pl.DataFrame, windows: int) -> list[pl.DataFrame]:
    """The frame by window, in order, under the lines' own ids."""
    if windows == 1:
        parts, empty = {(0,): frame.drop("_window")}, frame
    else:
        parts = frame.partition_by("_window", as_dict=True, include_key=False, maintain_order=True)
        empty = frame.clear().drop("_window")
    found = [parts.get((number,), empty) for number in range(windows)]
    if "line_id" not in frame.columns:
        return found
    return [part.with_columns((pl.col("line_id") % STEP).cast(pl.UInt32)) for part in found]


def due_cases(facts: Facts, otif: OtifParams, windows: Sequence[Window]) -> Cases:
    """Lines by the windows that they may be due in.

    A line that was never revised has one due date. Of others every date counts, and where whole orders are judged also
    the days of their receipts: an order is judged among the lines that a period sees of it.
    """
    size, lines = ids_of(facts), facts.lines
    ids = lines["line_id"].to_numpy()
    if otif.level is Level.ORDER:
        return _cases(size, _pairs(lines, DUE, windows) + _pairs(facts.booked, EVENTS, windows))
    again = revised(facts)[ids]
    window = np.where(again, -1, windows_of(lines.select(first_due(otif).alias("due"))["due"], windows))
    pairs = _pairs(lines.filter(pl.Series(again)), DUE, windows) if again.any() else []
    return _cases(size, [(ids[window >= 0], window[window >= 0]), *pairs])


def revised(facts: Facts) -> Flags:
    """Whether there is more than one revision of each line, by id."""
    found: Flags = np.bincount(facts.lines["line_id"].to_numpy(), minlength=ids_of(facts)) > 1
    return found


def receipt_windows(facts: Facts, otif: OtifParams, windows: Sequence[Window]) -> Ints:
    """The window that each receipt counts in for quality, -1 for none.

    A ruling may move a receipt only into a window that sees the line by its own dates or by what was booked.
    """
    events = [str(each) for each in (otif.event, *otif.event_fallbacks)]
    window = windows_of(facts.receipts.select(pl.coalesce(events).alias("on"))["on"], windows)
    if facts.ruled.height:
        size = ids_of(facts)
        ruled = marked(size, facts.ruled["line_id"])
        seen = _cases(
            size, _pairs(only(facts.lines, ruled), DUE, windows) + _pairs(only(facts.booked, ruled), EVENTS, windows)
        )
        ids = facts.receipts["line_id"].to_numpy()
        window = np.where(ruled[ids] & (seen.find(ids, window) < 0), -1, window)
    return window


def receipt_cases(facts: Facts, window: Ints) -> Cases:
    """Lines by the windows that something of them came in, from :func:`receipt_windows`."""
    ids = facts.receipts["line_id"].to_numpy()
    return _cases(ids_of(facts), [(ids[window >= 0], window[window >= 0])])


_Pairs = list[tuple[Ints, Ints]]


def _pairs(frame: pl.DataFrame, names: Sequence[str], windows: Sequence[Window]) -> _Pairs:
    ids, found = frame["line_id"].to_numpy(), []
    for name in names:
        if frame[name].null_count() < frame.height:
            window = windows_of(frame[name], windows)
            found.append((ids[window >= 0], window[window >= 0]))
    return found


def _cases(size: int, pairs: _Pairs) -> Cases:
    """Cases from lines and windows that may repeat."""
    first = np.full(size, -1, dtype=np.int64)
    for line, window in pairs:
        first[line] = window
    more = [np.empty(0, dtype=np.int64)]
    for line, window in pairs:
        other = np.flatnonzero(first[line] != window)
        more.append(line[other].astype(np.int64) * _WIDEST + window[other])
    line, again = np.divmod(np.unique(np.concatenate(more)), _WIDEST)
    return Cases(size, np.concatenate([np.arange(size), line]), np.concatenate([first, again]))
