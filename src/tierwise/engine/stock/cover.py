"""How long stock lasts against planned demand, receipts in between counted as the standard says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Bools, Floats
from tierwise.engine.stock import cover_kernels


@dataclass(frozen=True, slots=True)
class Cover:
    """Days of supply at the end of each day but the last, shape (items, days − 1) or (days − 1,).

    ``days`` is the number of coming days that projected stock covers; where ``beyond`` is set, stock outlasts the
    horizon and the true number is at least that. ``projected`` stock has one entry per day; below 0 it is what is
    missing.
    """

    days: Floats
    beyond: Bools
    projected: Floats


def days_of_supply(stock: npt.ArrayLike, demand: npt.ArrayLike, receipts: npt.ArrayLike = 0.0) -> Cover:
    """Days of supply day by day (Catena-X CX-0145): for how many of the coming days the stock at a day's end lasts.

    Projected stock P(i) = P(i − 1) − demand(i) + receipts(i), at the end of day i. Days(i) walks the later days'
    demand: one per day fully covered, then the fraction stock/demand of the first that is not; receipts of those
    later days are *not* counted. ``demand`` and ``receipts`` have shape (days,) or (items, days), ``stock`` one value
    or (items,).

    What the standard leaves open is decided so: (1) the example of its section 5.2.2 prints 0.80 on a day whose stock
    is 0; the rule gives 0, and 0 is what comes out. (2) No stock, or less than none, covers nothing, also where the
    next days ask for nothing. (3) Stock that outlasts the horizon is marked ``beyond`` instead of counting down as
    the horizon nears. (4) Days are entries of the arrays: calendar or working days, as the caller lays them out.
    Unknown (NaN) demand, receipts or stock makes the days that rest on it NaN. Fewer than two days give an empty
    answer. ValueError for negative demand or receipts.

    Source: CX-0145 Days of Supply; Eclipse Tractus-X PURIS, SupplyService:

    >>> found = days_of_supply(100, [40, 60, 50, 50, 60, 50], [0, 60, 100, 0, 0, 40])
    >>> found.days.round(2).tolist()
    [1.0, 1.2, 2.0, 1.0, 0.0]
    """
    wanted = checks.nonnegative("demand", demand)
    added = checks.nonnegative("receipts", receipts)
    if wanted.ndim not in {1, 2}:
        raise ValueError("demand: must have the shape (days,) or (items, days)")
    held = checks.numbers("stock", stock)
    if held.ndim > 1 or (held.ndim == 1 and wanted.ndim == 1):
        raise ValueError("stock: give one value for one item, or one per item where demand has a row per item")
    rows, more = checks.together(demand=np.atleast_2d(wanted), receipts=added)
    if held.ndim and held.size != rows.shape[0]:
        raise ValueError(f"stock: {held.size} values for {rows.shape[0]} items; give one per row of demand")
    opening = checks.own(np.broadcast_to(held, (rows.shape[0],)))
    projected = opening[:, None] + np.cumsum(more - rows, axis=1)
    days = np.zeros((rows.shape[0], max(rows.shape[1] - 1, 0)))
    beyond = np.zeros(days.shape, dtype=np.bool_)
    if days.size:
        cover_kernels.walk(projected, checks.own(rows), days, beyond)
    if wanted.ndim == 1:
        return Cover(days[0], beyond[0], projected[0])
    return Cover(days, beyond, projected)
