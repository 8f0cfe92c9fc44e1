"""The demo company as a whole: every master and fact table, drawn from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from tierwise.demo import buying, delivery, market, money, network, parties, products, stock
from tierwise.demo.sizes import Size
from tierwise.demo.span import Span
from tierwise.lake.schemas import FACTS, MASTERS, TABLES

DEFAULT_SEED = 7
DEFAULT_END = date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class Company:
    """A frame for each table of ``MASTERS`` and ``FACTS``, with the declared columns and types."""

    name: str
    seed: int
    ends_on: date
    frames: dict[str, pl.DataFrame]

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.frames[table]

    @property
    def masters(self) -> dict[str, pl.DataFrame]:
        return {table.name: self.frames[table.name] for table in MASTERS}

    @property
    def facts(self) -> dict[str, pl.DataFrame]:
        return {table.name: self.frames[table.name] for table in FACTS}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is of everything; ``parts`` repeats items and facts under the same parties."""

    counts: products.Counts
    suppliers: int
    customers: int
    order_lines: int
    parts: int = 1


_STANDARD = Scale(products.Counts(), 45, 60, 200_000)
SCALES: dict[Size, Scale] = {
    "small": Scale(products.Counts(16, 16, 8, 64, 10, 8), 20, 26, 9_000),
    "standard": _STANDARD,
    "large": Scale(_STANDARD.counts, _STANDARD.suppliers, _STANDARD.customers, _STANDARD.order_lines, 50),
}

NAME = "Kesselhain"
_ONCE = ("supplier", "customer", "site", "closure", "exchange_rate")
_CODES_PER_PART = {"item", "parent", "component", "lane", "order"}


def generate(size: Size = "standard", seed: int = DEFAULT_SEED, ends_on: date = DEFAULT_END) -> Company:
    """The whole company in memory; for ``large`` prefer ``generate_parts``, which needs a fiftieth of the memory."""
    parts = list(generate_parts(size, seed, ends_on))
    frames = {name: pl.concat([part[name] for part in parts]) for name in parts[0].frames}
    return Company(NAME, seed, ends_on, frames)


def whole_or_parts(
    size: Size = "standard", seed: int = DEFAULT_SEED, ends_on: date = DEFAULT_END
) -> Company | Iterator[Company]:
    """What to write an extract from: the whole company, or its parts one after the other where there are several."""
    return generate(size, seed, ends_on) if SCALES[size].parts == 1 else generate_parts(size, seed, ends_on)


def generate_parts(size: Size = "standard", seed: int = DEFAULT_SEED, ends_on: date = DEFAULT_END) -> Iterator[Company]:
    """The company piece by piece: parties come with the first, each piece has its own items, lanes and facts."""
    scale = SCALES[size]
    for part in range(scale.parts):
        frames = _draw(scale, seed, part, ends_on)
        if scale.parts > 1:
            frames = {name: _marked(name, frame, part) for name, frame in frames.items()}
        yield Company(NAME, seed, ends_on, frames)


def _draw(scale: Scale, seed: int, part: int, ends_on: date) -> dict[str, pl.DataFrame]:
    own = seed + 1_000_003 * part
    span = Span(ends_on)
    who = parties.build(scale.suppliers, scale.customers, seed, ends_on)
    what = products.build(scale.counts, own, (span.first_date, ends_on), part)
    rates = money.Rates(span, seed)
    sales = market.build(who, what, rates, span, (own, scale.order_lines))
    need = network.requirements(what, sales.units)
    lanes = network.build(who, what, network.requirements(what, sales.expected), own)
    planned = buying.plan(lanes, need)
    placed = buying.place(planned, lanes, span, own)
    course = delivery.deliver(placed, lanes, (who, what), (rates, span), own)
    frames = {
        "supplier": who.supplier, "customer": who.customer, "site": who.site, "closure": who.closure,
        "item": what.item, "item_unit": what.item_unit, "lane": lanes.lane, "arc": lanes.arc,
        "demand": sales.demand, "activity": sales.activity,
        "order_forecast": buying.forecasts(planned, lanes, (who, what), span, own),
        "purchase_line": course.purchase_line, "receipt": course.receipt, "reject": course.reject,
        "stock": stock.snapshots(stock.Flows(need, sales.units, course), lanes, what, span, own),
        "cost": money.costs(what, span), "exchange_rate": rates.frame, "bill_of_material": what.bill_of_material,
    }  # fmt: skip
    return {table.name: frames[table.name] for table in (*MASTERS, *FACTS)}


def _marked(name: str, frame: pl.DataFrame, part: int) -> pl.DataFrame:
    """Makes the codes of one part its own; what belongs to all parts is kept in the first only."""
    if name in _ONCE:
        return frame if part == 0 else frame.clear()
    mine = [column for column in frame.columns if column in _CODES_PER_PART]
    prefix = f"{part:02d}-"
    marked = frame.with_columns(
        pl.when(pl.col(column) == "*").then(pl.col(column)).otherwise(prefix + pl.col(column)).alias(column)
        for column in mine
    )
    if name == "activity" and part:
        marked = marked.filter(pl.col("item") != "*")
    return marked.select(list(TABLES[name].schema))
