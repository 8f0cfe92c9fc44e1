"""What a simulation gave: sums per run and row, and the measures people ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.model import Twin

_DEMANDS = ("asked", "at_once", "served", "lost", "waiting", "short")
_STOCKS = ("on_hand", "orders", "ordered", "ordered_square", "wanted", "wanted_square", "on_order", "out")
_LANES = ("placed", "times", "sent", "arrived", "spoiled", "in_line", "on_way", "late", "cut")
_CAPACITIES = ("offered", "used", "disturbed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sums over the counted periods, (runs, rows, columns), rows as the twin has them.

    ``demands``: asked, served at once, served, lost, waiting (unit-periods), periods with a shortage. ``stocks``: on
    hand, periods with an order, ordered and its square, asked and its square, on order, periods with none left.
    ``lanes``: ordered, number of orders, sent, arrived good, spoiled or cancelled, waiting for capacity, under way
    (unit-periods), late against promise, shipments cut to the longest lead time. ``capacities``: offered, used,
    disturbed periods. ``course`` (runs, periods, 2): holding plus shortage cost, units short. ``history`` (runs,
    periods, stocks, 4): on hand, owed, on order, ordered. Ratios without a base (nothing asked, nothing sent) are NaN.
    """

    twin: Twin = field(repr=False)
    runs: int
    periods: int
    demands: Floats = field(repr=False)
    stocks: Floats = field(repr=False)
    lanes: Floats = field(repr=False)
    capacities: Floats = field(repr=False)
    course: Floats = field(repr=False)
    history: Floats = field(repr=False)

    @property
    def segments(self) -> int:
        return int(self.twin.demands.segment.max()) + 1 if self.twin.demands.rows else 0
