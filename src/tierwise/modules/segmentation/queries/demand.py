"""Loads demand as the engine wants it: base units, scheme currency, cells and costs; the rest is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate

import polars as pl

from tierwise.directory import queries as directory
from tierwise.engine.demand import CodedLines, code_lines
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.currencies import in_currency
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.records import CELL, SchemeDocument

_BLOCK = 1_000_000
"""Lines read, placed and valued at a time; what is kept of them takes a fraction of what that holds."""

_READ = ("demand", "activity", "cost", "exchange_rate", "directory")

_CODED = (*CELL, "sold_item", "site", "kind", "holding")


@dataclass(frozen=True)
class Demand:
    """Lines and activities at the scheme's grain, attributes of cells, and what stood in the way.

    ``lines``, by day: CELL (columns outside the grain hold "*"), sold_item, site ("*" where a line names none), kind,
    holding, all of them enumerations in the order of their texts; order, ordered_on, quantity (base units), revenue and
    unit_cost (scheme currency; null where unknown). ``unconverted``: lines by reason that have no base units or no
    value.
    """

    lines: pl.DataFrame
    activities: pl.DataFrame
    items: pl.DataFrame
    customers: pl.DataFrame
    unconverted: dict[str, int]
    reads: Reads

    @property
    def launches(self) -> pl.DataFrame:
        return self.items.select("item", "launched_on").drop_nulls()

    @cached_property
    def coded(self) -> CodedLines:
        """The lines with the number of their cell."""
        return code_lines(self.lines, CELL)

    def serves(self, document: SchemeDocument, on: date, at: ManifestRecord) -> bool:
        """Whether a load up to this day from this manifest would find the same."""
        read = self.reads
        return (
            read.since is None
            and (read.currency, read.grain) == (document.currency, frozenset(document.grain))
            and all(read.at.versions.get(name) == at.versions.get(name) for name in _READ)
            and on <= read.before
            and (read.last is None or read.last < on)
        )


@dataclass(frozen=True)
class Reads:
    """What a demand was read for and from; ``last`` is the day of the last line or activity found."""

    currency: str
    grain: frozenset[str]
    before: date
    since: date | None
    at: ManifestRecord
    last: date | None


@dataclass(frozen=True)
class _Rates:
    """What turns a block of lines into base units and the scheme's currency."""

    document: SchemeDocument
    customers: pl.LazyFrame
    items: pl.LazyFrame
    units: pl.LazyFrame
    costs: pl.LazyFrame
    rates: pl.LazyFrame


def load_demand(
    viewer: Viewer, document: SchemeDocument, on: date, at: ManifestRecord, since: date | None = None
) -> Demand:
    """Everything that was ordered before a day, and not before another where one is given."""
    items, customers = directory.items(viewer), directory.customers(viewer)
    ordered = pl.col("ordered_on") < on if since is None else pl.col("ordered_on").is_between(since, on, closed="left")
    facts = lake.facts(viewer, "demand", at).filter(ordered)
    rates = lake.facts(viewer, "exchange_rate", at).collect().lazy()
    costs = lake.facts(viewer, "cost", at).filter(pl.col("kind") == "standard")
    worth = _Rates(
        document, customers.lazy(), items.lazy(), directory.item_units(viewer).lazy(),
        _costs(costs, document.currency, rates), rates,
    )  # fmt: skip
    texts = {name: pl.Categorical(pl.Categories.random()) for name in _CODED}
    blocks = [_block(facts.filter(pl.col("month").is_in(months)), worth, texts) for months in _months(facts)]
    lines = pl.concat([lines for lines, _ in blocks]) if blocks else _block(facts.limit(0), worth, texts)[0]
    lost: Counter[str] = Counter()
    for _, missing in blocks:
        lost.update(missing)
    last = facts.select(pl.col("ordered_on").max()).collect(engine="streaming").item()
    del blocks
    lines = lines.with_columns(_enumerated(lines[name]) for name in _CODED).with_columns(
        pl.col("ordered_on").set_sorted()
    )
    activity = lake.facts(viewer, "activity", at).filter(pl.col("on") < on)
    activities = _at_grain(_placed(activity, customers.lazy()), document).select(
        *CELL, "activity", pl.col("on").alias("done_on"), pl.col("count").cast(pl.Float64)
    )
    acts = activities.collect()
    days = [day for day in (last, acts["done_on"].max()) if isinstance(day, date)]
    reads = Reads(document.currency, frozenset(document.grain), on, since, at, max(days, default=None))
    return Demand(lines, acts, items, customers, {why: n for why, n in lost.items() if n}, reads)


def load_units(viewer: Viewer, document: SchemeDocument, span: tuple[date, date], at: ManifestRecord) -> pl.DataFrame:
    """The ``lines`` of :func:`load_demand` ordered from one day up to another, the last left out, without what they are
    worth: CELL, sold_item, site, kind, holding, ordered_on, quantity."""
    facts = lake.facts(viewer, "demand", at).filter(pl.col("ordered_on").is_between(*span, closed="left"))
    months = month_starts(span[0], span[1])
    facts = facts.filter(pl.col("month").is_in([f"{month:%Y-%m}" for month in months]))
    rows = _placed(facts, directory.customers(viewer).lazy())
    rows = _in_base_units(rows, directory.items(viewer).lazy(), directory.item_units(viewer).lazy())
    rows = _at_grain(rows.with_columns(sold_item=pl.col("item"), site=pl.col("site").fill_null("*")), document)
    coded = [pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in _CODED]
    found = rows.select(*coded, "ordered_on", quantity="base_quantity").collect(engine="streaming")
    found = found.filter(pl.col("quantity").is_not_null()).sort("ordered_on", maintain_order=True)
    return found.with_columns(_enumerated(found[name]) for name in _CODED).with_columns(
        pl.col("ordered_on").set_sorted()
    )


def runs_of_spans(
    viewer: Viewer, spans: Sequence[tuple[date, date]], at: ManifestRecord, most: int = _BLOCK
) -> list[list[tuple[date, date]]]:
    """Spans of days, the last of each left out, as many together as have ``most`` lines from first day to last."""
    if not spans:
        return []
    first, last = spans[0][0], max(end for _, end in spans)
    facts = lake.facts(viewer, "demand", at).filter(pl.col("ordered_on").is_between(first, last, closed="left"))
    counts = dict(facts.group_by("ordered_on").agg(pl.len()).collect(engine="streaming").rows())
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    before = dict(zip([*days, last], accumulate((counts.get(day, 0) for day in days), initial=0), strict=True))
    runs = [[spans[0]]]
    for span in spans[1:]:
        if before[span[1]] - before[runs[-1][0][0]] <= most:
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def month_starts(first: date, last: date) -> list[date]:
    """The first days of all months from one day's to another's."""
    starts = []
    day = first.replace(day=1)
    while day <= last:
        starts.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return starts


def _months(facts: pl.LazyFrame) -> list[list[str]]:
    """The months of the facts in their order, as many together as have a block of lines."""
    counts = facts.group_by("month").agg(pl.len()).collect(engine="streaming").sort("month")
    blocks: list[list[str]] = []
    held = _BLOCK
    for month, lines in counts.iter_rows():
        if held + lines > _BLOCK:
            blocks.append([])
            held = 0
        blocks[-1].append(month)
        held += lines
    return blocks


def _block(lines: pl.LazyFrame, worth: _Rates, texts: dict[str, pl.Categorical]) -> tuple[pl.DataFrame, dict[str, int]]:
    """The usable ones of some lines, by day, with texts as numbers; and how many lack what."""
    lines = _placed(lines, worth.customers)
    lines = _in_base_units(lines, worth.items, worth.units)
    lines = in_currency(lines, "revenue", "ordered_on", worth.document.currency, worth.rates)
    lines = lines.sort("ordered_on").join_asof(
        worth.costs, left_on="ordered_on", right_on="cost_from", by="item", strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    lines = _at_grain(lines.with_columns(sold_item=pl.col("item"), site=pl.col("site").fill_null("*")), worth.document)
    coded = [pl.col(name).cast(dtype) for name, dtype in texts.items()]
    found = lines.select(
        *coded, "order", "ordered_on", quantity=pl.col("base_quantity"), revenue="revenue", unit_cost="unit_cost"
    ).collect(engine="streaming")
    lost = {
        "no conversion to the base unit": found["quantity"].null_count(),
        "no value in the scheme's currency": found["revenue"].null_count(),
        "no standard cost": found["unit_cost"].null_count(),
    }
    return found.filter(pl.col("quantity").is_not_null()).sort("ordered_on", maintain_order=True), lost


def _enumerated(texts: pl.Series) -> pl.Series:
    """Numbered in the order of the texts, so that whatever sorts or groups need not read them."""
    return texts.cast(pl.Enum(texts.unique().drop_nulls().cast(pl.String).sort()))


def _placed(rows: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    """Group, region, channel and holding of each row's customer; what a line says itself comes first."""
    known = rows.collect_schema().names()
    places = customers.select(
        "customer", "customer_group", pl.col("region").alias("_region"), pl.col("channel").alias("_channel"),
        pl.when(pl.col("holding") == "").then("customer").otherwise("holding").alias("holding"),
    )  # fmt: skip
    own = {name: pl.col(name) if name in known else pl.lit(None, pl.String) for name in ("region", "channel")}
    return rows.join(places, on="customer", how="left").with_columns(
        region=pl.coalesce(own["region"], "_region", pl.lit("ALL")),
        channel=pl.coalesce(own["channel"], "_channel", pl.lit("direct")),
        customer_group=pl.col("customer_group").fill_null("*"),
    )


def _at_grain(rows: pl.LazyFrame, document: SchemeDocument) -> pl.LazyFrame:
    return rows.with_columns(pl.lit("*").alias(name) for name in CELL if name not in document.grain)


def _in_base_units(rows: pl.LazyFrame, items: pl.LazyFrame, units: pl.LazyFrame) -> pl.LazyFrame:
    bases = items.select("item", pl.col("unit").alias("base_unit"))
    dated = units.select("item", "unit", "valid_from", pl.col("per_unit").cast(pl.Float64)).sort("valid_from")
    rows = rows.join(bases, on="item", how="left").sort("ordered_on")
    rows = rows.join_asof(
        dated, left_on="ordered_on", right_on="valid_from", by=["item", "unit"], strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    same = pl.col("unit").is_null() | pl.col("base_unit").is_null() | (pl.col("unit") == pl.col("base_unit"))
    factor = pl.when(same).then(1.0).otherwise("per_unit")
    return rows.with_columns((pl.col("quantity").cast(pl.Float64) * factor).alias("base_quantity"))


def _costs(costs: pl.LazyFrame, currency: str, rates: pl.LazyFrame) -> pl.LazyFrame:
    """[item, cost_from, unit_cost] in the scheme's currency."""
    dated = costs.select("item", "valid_from", "amount", "currency")
    valued = in_currency(dated, "amount", "valid_from", currency, rates).select(
        "item", pl.col("valid_from").alias("cost_from"), pl.col("amount").alias("unit_cost")
    )
    return valued.sort("cost_from").collect().lazy()
