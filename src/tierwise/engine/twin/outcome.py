"""What a simulation gave: sums per run and row, and the measures people ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tierwise.engine.twin.layout import Floats, Ints
from tierwise.engine.twin.model import Twin

if TYPE_CHECKING:
    import polars as pl


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

    def fill_rate(self) -> Floats:
        """Share of demand served at once, (runs, segments)."""
        return _ratio(self._by_segment(1), self._by_segment(0))

    def in_full(self) -> Floats:
        """Share of periods without a shortage, mean over the demands of a segment, (runs, segments)."""
        count = np.bincount(self.twin.demands.segment, minlength=self.segments) * self.periods
        return 1 - _ratio(self._by_segment(5), np.broadcast_to(count, (self.runs, self.segments)).astype(np.float64))

    def lost_share(self) -> Floats:
        """Share of demand lost, (runs, segments)."""
        return _ratio(self._by_segment(3), self._by_segment(0))

    def waiting_time(self) -> Floats:
        """Mean wait in periods over all demand not lost, by Little's law, (runs, segments)."""
        return _ratio(self._by_segment(4), self._by_segment(0) - self._by_segment(3))

    def backlog(self) -> Floats:
        """Mean units owed, (runs, segments)."""
        return self._by_segment(4) / self.periods

    def on_hand(self) -> Floats:
        """Mean stock at the end of a period, (runs, stocks)."""
        return np.asarray(self.stocks[:, :, 0] / self.periods)

    def bullwhip(self) -> Floats:
        """Variance of orders over that of what was asked, (runs, stocks)."""
        ordered, square, asked, asked_square = (self.stocks[:, :, column] / self.periods for column in (2, 3, 4, 5))
        return _ratio(square - ordered**2, asked_square - asked**2)

    def transit_time(self) -> Floats:
        """Mean periods under way, by Little's law, (runs, lanes)."""
        return _ratio(self.lanes[:, :, 6], self.lanes[:, :, 2])

    def on_time(self) -> Floats:
        """Share of what was ordered that was there when promised, (runs, lanes); NaN where nothing is promised."""
        late = np.where(self.twin.lanes.promised >= 0, self.lanes[:, :, 7], np.nan)
        return 1 - _ratio(late, self.lanes[:, :, 0])

    def utilisation(self) -> Floats:
        """Share of capacity used, (runs, capacities)."""
        return _ratio(self.capacities[:, :, 1], self.capacities[:, :, 0])

    def cost(self) -> Floats:
        """Money per period, (runs,): holding, waiting, lost, per order, per unit and under way."""
        return np.asarray(sum(part.sum(axis=1) for part in self._costs().values()))

    def cost_parts(self) -> dict[str, Floats]:
        """The same by kind: holding, waiting, lost, orders, units, transit, (runs,) each."""
        return {name: part.sum(axis=1) for name, part in self._costs().items()}

    def cost_by_stock(self) -> Floats:
        """The same by stock, (runs, stocks): its holding, what its demands wait and lose, the lanes that refill it."""
        twin = self.twin
        places = {"waiting": twin.demands.stock, "lost": twin.demands.stock} | dict.fromkeys(
            ("orders", "units", "transit"), twin.lanes.to
        )
        total = np.zeros((twin.stocks.rows, self.runs))
        for name, part in self._costs().items():
            np.add.at(total, places.get(name, np.arange(twin.stocks.rows)), part.T)
        return total.T

    def drivers(self) -> pl.DataFrame:
        """Where the money goes: ``kind``, ``row`` of the twin, mean ``cost`` per period, its standard error over runs
        (NaN for one) and its share, dearest first."""
        import polars as pl  # noqa: PLC0415 - a run that needs no frame starts sooner

        frames = []
        for name, part in self._costs().items():
            error = part.std(axis=0, ddof=1) / np.sqrt(self.runs) if self.runs > 1 else np.full(part.shape[1], np.nan)
            frames.append(
                pl.DataFrame(
                    {"kind": [name] * part.shape[1], "row": np.arange(part.shape[1]), "cost": part.mean(axis=0),
                     "error": error}
                )
            )  # fmt: skip
        whole = pl.concat(frames).filter(pl.col("cost") != 0)
        return whole.with_columns(share=pl.col("cost") / pl.col("cost").sum()).sort(
            "cost", "kind", "row", descending=[True, False, False]
        )

    def _costs(self) -> dict[str, Floats]:
        twin, time = self.twin, self.periods
        return {
            "holding": self.stocks[:, :, 0] * twin.stocks.holding_cost / time,
            "waiting": self.demands[:, :, 4] * twin.demands.waiting_cost / time,
            "lost": self.demands[:, :, 3] * twin.demands.lost_cost / time,
            "orders": self.lanes[:, :, 1] * twin.lanes.order_cost / time,
            "units": self.lanes[:, :, 3] * twin.lanes.unit_cost / time,
            "transit": self.lanes[:, :, 6] * twin.lanes.transit_cost / time,
        }

    def _by_segment(self, column: int) -> Floats:
        return _grouped(self.demands[:, :, column], self.twin.demands.segment, self.segments)


def _grouped(values: Floats, groups: Ints, count: int) -> Floats:
    total = np.zeros((count, len(values)))
    np.add.at(total, groups, values.T)
    return total.T


def _ratio(top: Floats, bottom: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bottom > 0, top / bottom, np.nan))
