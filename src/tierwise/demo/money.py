"""Exchange rates, standard costs and list prices through the years."""

from __future__ import annotations

import numpy as np
import polars as pl

from tierwise.demo.frames import Days, Floats, Ints, conform, pick, stream
from tierwise.demo.products import Products
from tierwise.demo.span import Span
from tierwise.demo.world import EUR_PER_UNIT

CURRENCIES = ("EUR", *EUR_PER_UNIT)
YEARLY_INCREASE = 0.028


class Rates:
    """Euro per unit of each currency, by week, and the frame that says so."""

    def __init__(self, span: Span, seed: int) -> None:
        rng = stream(seed, "rates")
        steps = rng.normal(0.0, 0.0075, (len(EUR_PER_UNIT), span.weeks))
        walk = np.exp(np.cumsum(steps, axis=1) - 0.02 * np.cumsum(np.cumsum(steps, axis=1) * 0.1, axis=1))
        start = np.array(list(EUR_PER_UNIT.values()))[:, None]
        self._first = span.first
        self._weekly: Floats = np.vstack([np.ones(span.weeks), np.round(start * np.clip(walk, 0.8, 1.25), 6)])
        self.frame = self._frame(span)

    def at(self, currency: Ints, days: Days) -> Floats:
        """Euro for one unit of ``CURRENCIES[currency]`` in the week of each day."""
        week = np.clip((days - self._first).astype(np.int64) // 7, 0, self._weekly.shape[1] - 1)
        rates: Floats = self._weekly[currency, week]
        return rates

    def _frame(self, span: Span) -> pl.DataFrame:
        mondays = span.mondays[: span.history]
        months = np.concatenate([[span.first], span.month_starts()])
        years = np.unique(months.astype("datetime64[Y]")).astype("datetime64[D]")
        years[0] = span.first
        parts = []
        for currency, code in enumerate(CURRENCIES[1:], start=1):
            for kind, days in (("spot", mondays), ("average", months), ("budget", years)):
                rate = self.at(np.full(days.size, currency), days)
                parts.append(pl.DataFrame({"from_currency": [code] * days.size, "kind": [kind] * days.size,
                                           "valid_from": days, "rate": rate}))  # fmt: skip
        rows = pl.concat(parts)
        return conform("exchange_rate", {**rows.to_dict(), "to_currency": ["EUR"] * rows.height})


def yearly_factor(days: Days, span: Span) -> Floats:
    """How prices of a day stand against those of the last day's year."""
    years = days.astype("datetime64[Y]").astype(np.int64) - span.last.astype("datetime64[Y]").astype(np.int64)
    factor: Floats = (1 + YEARLY_INCREASE) ** years.astype(np.float64)
    return factor


def costs(products: Products, span: Span) -> pl.DataFrame:
    """Standard cost of every item and list price of every sold one, one row per calendar year."""
    years = np.arange(span.first.astype("datetime64[Y]"), span.last.astype("datetime64[Y]") + 1)
    starts = years.astype("datetime64[D]")
    factor = yearly_factor(starts, span)
    every, sold = np.arange(len(products.codes)), np.flatnonzero(products.sold)
    item = np.concatenate([np.repeat(every, years.size), np.repeat(sold, years.size)])
    amount = np.concatenate([np.outer(products.cost, factor).ravel(),
                             np.outer(products.list_price[sold], factor).ravel()])  # fmt: skip
    start = np.tile(starts, every.size + sold.size)
    last = np.tile(np.append((starts[1:] - 1), np.datetime64("NaT")), every.size + sold.size)
    return conform("cost", {
        "item": pick(products.codes, item),
        "kind": ["standard"] * (every.size * years.size) + ["list"] * (sold.size * years.size),
        "valid_from": start,
        "valid_to": last,
        "amount": np.round(amount, 4),
        "currency": ["EUR"] * item.size,
    })  # fmt: skip
