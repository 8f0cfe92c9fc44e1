"""Loads demand as the engine wants it: base units, scheme currency, cells and costs; the rest is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.currencies import in_currency
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.records import CELL, SchemeDocument


@dataclass(frozen=True)
class Demand:
    """Lines and activities at the scheme's grain, attributes of cells, and what stood in the way.

    ``lines``: CELL (columns outside the grain hold "*"), sold_item, site, order, line, kind, ordered_on, quantity (base
    units), revenue and unit_cost (scheme currency; null where unknown), holding. ``unconverted``: lines by reason that
    have no base units or no value.
    """

    lines: pl.DataFrame
    activities: pl.DataFrame
    items: pl.DataFrame
    customers: pl.DataFrame
    unconverted: dict[str, int]

    @property
    def launches(self) -> pl.DataFrame:
        return self.items.select("item", "launched_on").drop_nulls()


def load_demand(viewer: Viewer, document: SchemeDocument, on: date, at: ManifestRecord) -> Demand:
    """Everything that was ordered before a day."""
    items, customers = directory.items(viewer), directory.customers(viewer)
    lines = lake.facts(viewer, "demand", at).filter(pl.col("ordered_on") < on)
    rates = lake.facts(viewer, "exchange_rate", at)
    lines = _placed(lines, customers.lazy())
    lines = _in_base_units(lines, items.lazy(), directory.item_units(viewer).lazy())
    lines = in_currency(lines, "revenue", "ordered_on", document.currency, rates)
    costs = lake.facts(viewer, "cost", at).filter(pl.col("kind") == "standard")
    lines = _with_cost(lines, costs, document.currency, rates)
    lines = _at_grain(lines.with_columns(sold_item=pl.col("item")), document)
    found = lines.select(
        *CELL, "sold_item", "site", "order", "line", "kind", "ordered_on", "holding", quantity=pl.col("base_quantity"),
        revenue=pl.col("revenue"), unit_cost=pl.col("unit_cost"),
    ).collect(engine="streaming")  # fmt: skip
    unconverted = {
        "no conversion to the base unit": found["quantity"].null_count(),
        "no value in the scheme's currency": found["revenue"].null_count(),
        "no standard cost": found["unit_cost"].null_count(),
    }
    activity = lake.facts(viewer, "activity", at).filter(pl.col("on") < on)
    activities = _at_grain(_placed(activity, customers.lazy()), document).select(
        *CELL, "activity", pl.col("on").alias("done_on"), pl.col("count").cast(pl.Float64)
    )
    usable = found.filter(pl.col("quantity").is_not_null())
    return Demand(usable, activities.collect(), items, customers, {k: v for k, v in unconverted.items() if v})


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


def _with_cost(rows: pl.LazyFrame, costs: pl.LazyFrame, currency: str, rates: pl.LazyFrame) -> pl.LazyFrame:
    dated = costs.select("item", "valid_from", "amount", "currency")
    dated = in_currency(dated, "amount", "valid_from", currency, rates).select(
        "item", pl.col("valid_from").alias("cost_from"), pl.col("amount").alias("unit_cost")
    )
    return rows.sort("ordered_on").join_asof(
        dated.sort("cost_from"), left_on="ordered_on", right_on="cost_from", by="item", strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
