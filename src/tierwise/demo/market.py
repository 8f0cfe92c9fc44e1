"""What customers order, send back and ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tierwise.demo.cast import CENTRE_OF
from tierwise.demo.frames import Days, Flags, Floats, Ints, conform, numbers, pick, stream
from tierwise.demo.money import CURRENCIES, Rates, yearly_factor
from tierwise.demo.parties import Parties
from tierwise.demo.products import Level, Products
from tierwise.demo.span import Span
from tierwise.demo.world import CURRENCY_OF

SEASON = ((0.22, 300), (0.15, 110), (0.38, 185), (0.08, 20))
"""Per business unit: swing around the mean, and day of the year of the peak."""

RETURN_CHANCE = {"online": 0.07, "dealer": 0.02, "direct": 0.012}
ACTIVITY_RATES = {"complaint": 0.012, "expedite": 0.03, "visit": 0.006, "special_packing": 0.02}
"""Times per order line of a customer with care 1."""


@dataclass(frozen=True, slots=True)
class Market:
    """Demand and activity frames, and base units by item and week for those who must supply them."""

    demand: pl.DataFrame
    activity: pl.DataFrame
    units: Floats
    expected: Floats


@dataclass(frozen=True, slots=True)
class _Cells:
    item: Ints
    customer: Ints
    rate: Floats


def build(parties: Parties, products: Products, rates: Rates, span: Span, chance: tuple[int, int]) -> Market:
    """``chance`` is the seed and the wanted number of order lines within the history."""
    seed, wanted = chance
    rng = stream(seed, "market")
    cells = _cells(parties, products, rng)
    pattern = _item_pattern(products, span, rng)
    promoted = _promotions(span, rng)
    channel = parties.customer["channel"].to_list()
    liable = np.array([name != "direct" for name in channel])
    eased = np.isin(products.level[cells.item], (Level.FINISHED, Level.ACCESSORY)) & liable[cells.customer]
    mean = pattern[cells.item] * np.where(eased[:, None], promoted[products.unit_index[cells.item]], 1.0)
    mean *= cells.rate[:, None]
    mean *= wanted / mean[:, : span.history].sum()
    mean = np.minimum(mean, 12.0)
    lumpy = np.isin(products.level[cells.item], (Level.MODULE, Level.COMPONENT, Level.SPARE))
    burst = rng.gamma(0.8, 1 / 0.8, mean.shape)
    count = np.asarray(rng.poisson(np.where(lumpy[:, None], mean * burst, mean)), dtype=np.int64)
    lot = _lots(products, cells, rng)
    lines = _lines(count, cells, lot, rng)
    units = np.zeros((products.level.size, span.weeks))
    np.add.at(units, (lines.item, lines.week), lines.quantity)
    expected = np.zeros_like(units)
    np.add.at(expected, cells.item, mean * lot[:, None])
    day: Days = span.first + 7 * lines.week + rng.choice(5, lines.week.size, p=[0.24, 0.22, 0.2, 0.19, 0.15])
    kept = np.flatnonzero(day <= span.last)
    kept = kept[np.lexsort((lines.item[kept], lines.customer[kept], day[kept]))]
    placed = _Placed(lines.item[kept], lines.customer[kept], day[kept], lines.quantity[kept])
    demand = _demand(placed, (parties, products), rates, span, rng)
    return Market(demand, _activity(placed, parties, products, rng), units, expected)


@dataclass(frozen=True, slots=True)
class _Lines:
    item: Ints
    customer: Ints
    week: Ints
    quantity: Floats


@dataclass(frozen=True, slots=True)
class _Placed:
    item: Ints
    customer: Ints
    day: Days
    quantity: Floats


def _cells(parties: Parties, products: Products, rng: np.random.Generator) -> _Cells:
    """Which customer buys which item, and how eagerly: long tails on both sides, customers with a taste."""
    sold = np.flatnonzero(products.sold)
    groups = parties.customer["customer_group"].to_list()
    focus = {"COFFEE-BARS": 0, "QUICK-SERVICE": 1, "BAKERIES": 1, "LEISURE": 2, "RETAIL": 0, "HOSPITALS": 3}
    taste = np.full((len(groups), 4), 0.35)
    for customer, group in enumerate(groups):
        taste[customer, focus.get(group, customer % 4)] = 1.0
    service = np.array([group in {"SERVICE", "DEALERS"} for group in groups])
    level = products.level[sold]
    popularity = rng.lognormal(0.0, 1.1, sold.size)
    popularity *= np.select([level == Level.ACCESSORY, level == Level.FINISHED], [6.0, 1.6], 0.45)
    wear = np.isin(level, (Level.COMPONENT, Level.SPARE, Level.MODULE))
    eager = taste[:, products.unit_index[sold]] * np.where(wear & service[:, None], 2.5, 1.0)
    eager *= rng.lognormal(0.0, 0.6, eager.shape)
    buys = rng.random(eager.shape) < np.clip(0.28 * eager * np.minimum(popularity, 2.5) ** 0.5, 0.01, 0.9)
    buys[rng.integers(0, len(groups), sold.size), np.arange(sold.size)] = True
    buyer, place = np.nonzero(buys)
    rate = eager[buyer, place] * popularity[place] * parties.customer_weight[buyer]
    return _Cells(sold[place], buyer.astype(np.int64), rate)


def _item_pattern(products: Products, span: Span, rng: np.random.Generator) -> Floats:
    """Item × week: season, trend, launch curve and ending, around one."""
    mondays = span.mondays
    day = span.day_of_year(mondays)
    swing, peak = np.array(SEASON).T
    season = 1 + swing[:, None] * np.cos(2 * np.pi * (day[None, :] - peak[:, None]) / 365.25)
    years = np.arange(span.weeks) / 52.18
    trend = (1 + rng.normal(0.02, 0.06, products.level.size))[:, None] ** (years - 1.5)[None, :]
    strength = np.where(np.isin(products.level, (Level.FINISHED, Level.ACCESSORY)), 1.0, 0.3)
    pattern = 1 + (season[products.unit_index] - 1) * strength[:, None]
    since = _weeks_between(products.launched[:, None], mondays[None, :])
    until = _weeks_between(mondays[None, :], products.ending[:, None])
    ramp = np.clip(since, -50, 200)
    curve = 1 / (1 + np.exp(-(ramp - 14) / 5)) + 0.5 * np.exp(-(((ramp - 3) / 3) ** 2))
    fading = np.clip(until / 30, 0.0, 1.0)
    alive = (since > 0) & (until > 0)
    result: Floats = pattern * trend * np.where(since < 200, curve, 1.0) * fading * alive
    return result


def _weeks_between(start: Days, end: Days) -> Floats:
    """Weeks from one day to another; where either is unknown, so many that they do not matter."""
    weeks: Floats = np.where(np.isnat(start) | np.isnat(end), 1e3, (end - start).astype(np.float64) / 7)
    return weeks


def _promotions(span: Span, rng: np.random.Generator) -> Floats:
    """Business unit × week: five offers a year of two weeks, each with the dip that follows."""
    factor = np.ones((4, span.weeks))
    for unit in range(4):
        for year in range(span.weeks // 52 + 1):
            for start in np.sort(rng.choice(48, 5, replace=False)) + 52 * year:
                factor[unit, start : start + 2] = 1.9
                factor[unit, start + 2 : start + 4] = 0.75
    return factor


def _lots(products: Products, cells: _Cells, rng: np.random.Generator) -> Floats:
    """Mean units of a line, per cell."""
    mean = np.select(
        [products.level == Level.FINISHED, products.level == Level.ACCESSORY, products.level == Level.MODULE],
        [1.6, 14.0, 1.2], 3.5,
    )  # fmt: skip
    cheap = np.array([name in {"seals", "filters", "fasteners"} for name in products.category])
    lots: Floats = (mean * np.where(cheap, 2.5, 1.0))[cells.item] * rng.lognormal(0.0, 0.35, cells.item.size)
    return np.maximum(lots, 1.05)


def _lines(count: Ints, cells: _Cells, lot: Floats, rng: np.random.Generator) -> _Lines:
    cell, week = np.nonzero(count)
    times = count[cell, week]
    cell, week = np.repeat(cell, times), np.repeat(week, times).astype(np.int64)
    quantity = 1.0 + rng.poisson((lot[cell] - 1) * rng.gamma(2.0, 0.5, cell.size))
    return _Lines(cells.item[cell], cells.customer[cell], week, np.asarray(quantity, dtype=np.float64))


def _demand(placed: _Placed, who: tuple[Parties, Products], rates: Rates, span: Span,
            rng: np.random.Generator) -> pl.DataFrame:  # fmt: skip
    parties, products = who
    size = placed.item.size
    order, line = _order_lines(placed)
    channel = parties.customer["channel"].to_list()
    wait = np.where(products.level[placed.item] == Level.FINISHED, 14, 3)
    requested = placed.day + np.maximum(rng.normal(wait, wait * 0.35), 1).astype(np.int64)
    late = rng.random(size) < 0.09
    shipped = requested + np.where(late, rng.geometric(0.18, size), -rng.integers(0, 2, size))
    shipped = np.where(shipped <= span.last, np.maximum(shipped, placed.day), np.datetime64("NaT"))
    currency = np.array([CURRENCIES.index(CURRENCY_OF.get(code, "EUR")) for code in parties.customer["country"]])
    price = products.list_price[placed.item] * yearly_factor(placed.day, span)
    price *= (1 - parties.customer_discount[placed.customer]) * rng.normal(1.0, 0.015, size)
    revenue = np.round(price * placed.quantity / rates.at(currency[placed.customer], placed.day), 2)
    chance = np.array([RETURN_CHANCE[name] for name in channel])[placed.customer]
    back = np.flatnonzero((rng.random(size) < chance) & (shipped + 30 <= span.last))
    returned = np.ceil(placed.quantity[back] * rng.uniform(0.1, 1.0, back.size))
    came = shipped[back] + rng.integers(5, 30, back.size)
    rows = np.concatenate([np.arange(size), back])
    quantity = np.concatenate([placed.quantity, returned])
    share = quantity / placed.quantity[rows]
    regions = parties.customer["region"].to_list()
    never = np.full(back.size, np.datetime64("NaT"))
    return conform("demand", {
        "order": pl.concat([numbers("SO", order, 7), numbers("RE", np.arange(1, back.size + 1), 7)]),
        "line": pl.Series(np.concatenate([line * 10, np.full(back.size, 10)])).cast(pl.String),
        "kind": pick(["order", "return"], (np.arange(rows.size) >= size).astype(np.int64)),
        "item": pick(products.codes, placed.item[rows]),
        "customer": pick(parties.customers, placed.customer[rows]),
        "site": pick([CENTRE_OF[region] for region in regions], placed.customer[rows]),
        "region": pick(regions, placed.customer[rows]),
        "channel": pick(channel, placed.customer[rows]),
        "ordered_on": np.concatenate([placed.day, came]),
        "requested_on": np.concatenate([requested, never]),
        "shipped_on": np.concatenate([shipped, never]),
        "quantity": quantity,
        "unit": pick(products.item["unit"].to_list(), placed.item[rows]),
        "revenue": np.round(revenue[rows] * share, 2),
        "currency": pick(CURRENCIES, currency[placed.customer[rows]]),
    })  # fmt: skip


def _order_lines(placed: _Placed) -> tuple[Ints, Ints]:
    """Order and line numbers: what a customer orders on one day is one order."""
    opens: Flags = np.ones(placed.day.size, dtype=np.bool_)
    opens[1:] = (np.diff(placed.customer) != 0) | (np.diff(placed.day).astype(np.int64) != 0)
    order = np.cumsum(opens)
    first = np.flatnonzero(opens)
    return order.astype(np.int64), (np.arange(order.size) - first[order - 1] + 1).astype(np.int64)


def _activity(placed: _Placed, parties: Parties, products: Products, rng: np.random.Generator) -> pl.DataFrame:
    parts = []
    care = parties.customer_care[placed.customer]
    for activity, rate in ACTIVITY_RATES.items():
        rows = np.flatnonzero(rng.random(placed.item.size) < np.minimum(rate * care, 0.9))
        whole = activity == "visit"
        parts.append(pl.DataFrame({
            "customer": pick(parties.customers, placed.customer[rows]),
            "item": pl.repeat("*", rows.size, eager=True) if whole else pick(products.codes, placed.item[rows]),
            "activity": pl.repeat(activity, rows.size, eager=True),
            "on": placed.day[rows],
            "count": 1.0 + (rng.random(rows.size) < 0.1),
        }))  # fmt: skip
    key = ["customer", "item", "activity", "on"]
    found = pl.concat(parts).group_by(key).agg(pl.col("count").sum()).sort(key)
    return conform("activity", {name: found[name] for name in found.columns})
