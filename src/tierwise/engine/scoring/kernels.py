"""Loops over purchase lines, their deliveries, and what they count for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tierwise.engine.matching import Ints, sealed

Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NO_DAY = np.iinfo(np.int32).max
"""Stands for no date: a line without a due date has no window, a receipt without a date is undated."""
ANY_DAY = -NO_DAY
"""Stands for no earliest day."""
DELIVERED = (
    "received", "in_window", "deliveries", "first_on", "last_on", "completed_on", "first_quantity", "outside",
    "undated",
)  # fmt: skip


def summed_deliveries(
    row: Ints, on: Days, quantity: Floats, line: tuple[Days, Days, Floats], as_of: Days
) -> tuple[Floats, Floats, Ints, Days, Days, Days, Floats, Flags, Flags]:
    """The arrays named in ``DELIVERED`` by line, from receipts: their line's row (-1: none), day and quantity.

    ``line`` are the earliest and latest day and the quantity needed of each line. Days after ``as_of`` (by line) and
    quantities of 0 are not seen. ``completed_on`` is the day on which what was received first came to the quantity
    needed, and ``first_quantity`` (NaN: unknown) what came on the first day.
    """
    row, on, quantity, earliest, latest, needed, as_of = sealed(row, on, quantity, *line, as_of)
    sums = _sums(row, on, quantity, (earliest, latest), as_of)
    completed, first_quantity = _of_one(sums[0], sums[2], sums[4], needed)
    part = _of_several(row, on, quantity, sums[2], as_of)
    part = part[np.argsort(on[part], kind="stable")]
    _fill(row[part], on[part], quantity[part], (needed, sums[3], completed, first_quantity))
    return *sums[:5], completed, first_quantity, *sums[5:]


@njit(cache=True)
def _sums(row, on, quantity, window, as_of):  # type: ignore[no-untyped-def]
    earliest, latest = window
    size = earliest.size
    received, in_window = np.zeros(size), np.zeros(size)
    deliveries = np.zeros(size, dtype=np.int64)
    first_on = np.full(size, NO_DAY, dtype=np.int32)
    last_on = np.full(size, NO_DAY, dtype=np.int32)
    outside, undated = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    for each in range(row.size):
        line, day, amount = row[each], on[each], quantity[each]
        if line < 0 or amount <= 0 or (day > as_of[line] and day != NO_DAY):
            continue
        received[line] += amount
        deliveries[line] += 1
        if day == NO_DAY:
            undated[line] = True
            continue
        if latest[line] != NO_DAY and earliest[line] <= day <= latest[line]:
            in_window[line] += amount
        else:
            outside[line] = True
        first_on[line] = min(first_on[line], day)
        last_on[line] = day if last_on[line] == NO_DAY else max(last_on[line], day)
    return received, in_window, deliveries, first_on, last_on, outside, undated


@njit(cache=True)
def _of_one(received, deliveries, last_on, needed):  # type: ignore[no-untyped-def]
    """When it was complete, and what came first, for lines with one delivery."""
    completed = np.full(needed.size, NO_DAY, dtype=np.int32)
    first_quantity = np.full(needed.size, np.nan)
    for line in range(needed.size):
        if deliveries[line] == 1:
            first_quantity[line] = received[line]
            if received[line] >= needed[line]:
                completed[line] = last_on[line]
    return completed, first_quantity


@njit(cache=True)
def _of_several(row, on, quantity, deliveries, as_of):  # type: ignore[no-untyped-def]
    """Dated deliveries of lines that have several."""
    found = np.empty(row.size, dtype=np.int64)
    count = 0
    for each in range(row.size):
        line = row[each]
        if line >= 0 and deliveries[line] > 1 and on[each] <= as_of[line] and quantity[each] > 0:
            found[count] = each
            count += 1
    return found[:count].copy()


@njit(cache=True)
def earliest(first, revision):  # type: ignore[no-untyped-def]
    """For each line the row of its least revision, lines in the order of their first rows (``first``, by row)."""
    best = np.full(first.size, -1, dtype=np.int64)
    for row in range(first.size):
        held = best[first[row]]
        if held < 0 or revision[row] < revision[held]:
            best[first[row]] = row
    return best[best >= 0]


@njit(cache=True)
def arrived(row, on, quantity, as_of):  # type: ignore[no-untyped-def]
    """By line what was received up to its ``as_of``, and the last day of it (NO_DAY: none, or undated)."""
    received = np.zeros(as_of.size)
    last_on = np.full(as_of.size, NO_DAY, dtype=np.int32)
    for each in range(row.size):
        line, day, amount = row[each], on[each], quantity[each]
        if line < 0 or amount <= 0 or (day > as_of[line] and day != NO_DAY):
            continue
        received[line] += amount
        if day != NO_DAY:
            last_on[line] = day if last_on[line] == NO_DAY else max(last_on[line], day)
    return received, last_on


@njit(cache=True)
def _fill(row, on, quantity, lines):  # type: ignore[no-untyped-def]
    """Deliveries in the order of their days, those of lines that have several."""
    needed, first_on, completed, first_quantity = lines
    so_far = np.zeros(needed.size)
    for each in range(row.size):
        line, day, amount = row[each], on[each], quantity[each]
        so_far[line] += amount
        if day == first_on[line]:
            first_quantity[line] = so_far[line]
        if completed[line] == NO_DAY and so_far[line] >= needed[line]:
            completed[line] = day


LINE_SUMS = (
    "n", "weight", "squares", "ordered", "ordered_squares", "filled", "whole", "held", "delivered", "known",
    "known_squares", "days", "days_squares",
)  # fmt: skip
QUALITY_SUMS = (
    "n", "weight", "squares", "received", "received_squares", "rejected", "rejected_squares", "largest", "hit",
)  # fmt: skip
_DENSE = 50_000_000
"""Groups that could be, up to which a table of them all is kept: 200 MB."""


def numbered(line_code: Ints, row: Ints, segment: Ints, sizes: tuple[int, int]) -> tuple[Ints, Ints]:
    """Codes of the groups that occur (line code × segments + segment), and the number of each unit's, -1 for none."""
    codes, segments = sizes
    line_code, row, segment = sealed(line_code, row, segment)
    if codes * segments <= _DENSE:
        found, of_unit = _numbered(line_code, row, segment, (codes * segments, segments))
        return found, of_unit
    base = line_code[row]
    every = np.where(base >= 0, base * segments + segment, -1)
    found, of_unit = np.unique(every, return_inverse=True)
    none = int(found.size > 0 and found[0] < 0)
    return found[none:], of_unit - none


@njit(cache=True)
def _numbered(line_code, row, segment, sizes):  # type: ignore[no-untyped-def]
    bins, segments = sizes
    slot = np.full(bins, np.int32(-1), dtype=np.int32)
    found = np.empty(min(bins, row.size), dtype=np.int64)
    of_unit = np.full(row.size, -1, dtype=np.int64)
    count = 0
    for unit in range(row.size):
        base = line_code[row[unit]]
        if base < 0:
            continue
        code = base * segments + segment[unit]
        if slot[code] < 0:
            slot[code] = count
            found[count] = code
            count += 1
        of_unit[unit] = slot[code]
    return found[:count].copy(), of_unit


@njit(cache=True)
def repeats(codes, size):  # type: ignore[no-untyped-def]
    """Whether a code, a whole number below ``size``, occurs twice."""
    seen = np.zeros(size, dtype=np.bool_)
    for code in codes:
        if seen[code]:
            return True
        seen[code] = True
    return False


@njit(cache=True)
def unit_sums(groups, of_unit, row, share, verdicts):  # type: ignore[no-untyped-def]
    """n, Σw, Σw² and Σw over the units with each verdict, by group."""
    one, two, three = verdicts
    sums = np.zeros((groups, 6))
    for unit in range(row.size):
        group = of_unit[unit]
        if group < 0:
            continue
        line, w = row[unit], share[unit]
        own = sums[group]
        own[0] += 1
        own[1] += w
        own[2] += w * w
        if one[line]:
            own[3] += w
        if two[line]:
            own[4] += w
        if three[line]:
            own[5] += w
    return sums


@njit(cache=True)
def line_sums(groups, of_unit, row, share, quantities, lead):  # type: ignore[no-untyped-def]
    """``LINE_SUMS`` by group; the deviation of a line that was not delivered is NaN."""
    ordered, received = quantities
    deviation, tolerance = lead
    sums = np.zeros((groups, 13))
    for unit in range(row.size):
        group = of_unit[unit]
        if group < 0:
            continue
        line, w = row[unit], share[unit]
        own, wanted = sums[group], ordered[line]
        own[0] += 1
        own[1] += w
        own[2] += w * w
        own[3] += w * wanted
        own[4] += (w * wanted) ** 2
        own[5] += w * min(received[line], wanted)
        if received[line] >= wanted * (1 - 1e-9):
            own[6] += w
        days = deviation[line]
        if np.isnan(days):
            continue
        if abs(days) <= tolerance:
            own[7] += w
        own[8] += 1
        own[9] += w
        own[10] += w * w
        own[11] += w * days
        own[12] += w * days * days
    return sums


@njit(cache=True)
def quality_sums(groups, of_unit, row, share, quantities):  # type: ignore[no-untyped-def]
    """``QUALITY_SUMS`` by group."""
    received, rejected = quantities
    sums = np.zeros((groups, 9))
    for unit in range(row.size):
        group = of_unit[unit]
        if group < 0:
            continue
        line, w = row[unit], share[unit]
        own, refused = sums[group], rejected[line]
        own[0] += 1
        own[1] += w
        own[2] += w * w
        own[3] += w * received[line]
        own[4] += (w * received[line]) ** 2
        own[5] += w * refused
        own[6] += w * w * refused
        own[7] = max(own[7], w)
        if refused > 0:
            own[8] += w
    return sums
