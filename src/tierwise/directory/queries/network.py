"""What is bought, for which segments, and what it goes into."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from tierwise.directory.queries.companies import host
from tierwise.directory.records import (
    YearOfPurchases,
)
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.currencies import in_currency
from tierwise.web.pages import Money


def purchases(viewer: Viewer) -> YearOfPurchases:
    """What was ordered in the twelve months up to the last order known; each line counts as last revised."""
    at, home = lake.manifest(viewer), host(viewer).currency
    lines = lake.facts(viewer, "purchase_line", at)
    last = lines.select(pl.col("ordered_on").max()).collect().item() or today()
    until = min(last, today())
    since = until - timedelta(days=364)
    recent = (
        lines.filter(pl.col("ordered_on").is_between(since, until), pl.col("state") != "cancelled")
        .sort("revision")
        .unique(["source", "order", "line"], keep="last", maintain_order=True)
        .select("supplier", "item", "ordered_on", "amount", "currency")
    )
    worth = in_currency(recent, "amount", "ordered_on", home, lake.facts(viewer, "exchange_rate", at))
    found = worth.group_by("supplier", "item").agg(
        pl.col("amount").sum().alias("spend"), pl.len().alias("lines"), pl.col("amount").null_count().alias("unpriced")
    )
    return YearOfPurchases(found.sort("supplier", "item").collect(), since, until, home)


def demand_by_segment(viewer: Viewer) -> pl.DataFrame:
    """[segment, cells, revenue] of the demand cells as they are assigned today; revenue in the scheme's currency."""
    grain = ["item", "customer_group", "region", "channel"]
    at, day = lake.manifest(viewer), today()
    open_now = (pl.col("valid_from") <= day) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    held = lake.facts(viewer, "assignment", at).filter(open_now).select(*grain, "segment")
    worth = lake.facts(viewer, "cell", at).select(*grain, "revenue")
    found = held.join(worth, on=grain, how="left").group_by("segment")
    return found.agg(pl.len().alias("cells"), pl.col("revenue").sum()).sort("segment").collect()


def item_mix(viewer: Viewer, item: str) -> pl.DataFrame:
    """[valid_from, segment, share] of an item over all its sites, weighed by the demand behind each share."""
    rows = lake.facts(viewer, "mix").filter(pl.col("item") == item)
    weighed = rows.group_by("valid_from", "segment").agg(pl.col("units").sum(), pl.col("share").mean())
    total = pl.col("units").sum().over("valid_from")
    share = pl.when(total > 0).then(pl.col("units") / total).otherwise("share")
    return weighed.select("valid_from", "segment", share.alias("share")).sort("valid_from", "segment").collect()


def current_mix(viewer: Viewer) -> pl.DataFrame:
    """[item, segment, share] of every item in the latest period, over all its sites, weighed by demand."""
    mix = lake.facts(viewer, "mix").filter(pl.col("valid_from") <= today())
    latest = mix.filter(pl.col("valid_from") == pl.col("valid_from").max())
    weighed = latest.group_by("item", "segment").agg(pl.col("units").sum(), pl.col("share").mean())
    total = pl.col("units").sum().over("item")
    share = pl.when(total > 0).then(pl.col("units") / total).otherwise("share")
    return weighed.select("item", "segment", share.alias("share")).sort("item", "segment").collect()


def as_money(amount: float, currency: str) -> Money:
    """An amount of many facts, whole: its cents would be false precision."""
    return Money(Decimal(round(amount)), currency)


def used_in(viewer: Viewer, item: str, on: date) -> pl.DataFrame:
    """[parent, quantity_per, site, version, version_share, option_rate]: the products one level up, open on a day."""
    names = ("parent", "quantity_per", "site", "version", "version_share", "option_rate")
    rows = lake.facts(viewer, "bill_of_material").filter(pl.col("component") == item, pl.col("valid_from") <= on)
    open_now = rows.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= on))
    return open_now.select(*names).sort("parent", "site").collect()
