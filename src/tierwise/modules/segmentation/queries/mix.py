"""The segment mix, carried up the network, and what it says of suppliers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from tierwise.directory import queries as directory
from tierwise.engine.mix import COMMON, WindowParams, explain, lane_mix, segment_mix, window_mix
from tierwise.engine.network import rows_valid_on
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import Demand
from tierwise.modules.segmentation.records import CELL

_HOLD = 12
"""Months that an item without demand keeps its last mix; after a year without any it stands in the common segment."""


def load_network(viewer: Viewer, at: ManifestRecord) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bill of material and movements, with the dates each row holds."""
    bom = lake.facts(viewer, "bill_of_material", at).collect()
    return bom, directory.arcs(viewer)


def window_days(viewer: Viewer) -> int:
    """The widest window that any segment's policy asks for: one mix serves them all."""
    policies = directory.policy(viewer, "attribution").values()
    return max((int(values.get("window_days", 90)) for values in policies), default=90)


def assigned_demand(demand: Demand, assignments: pl.DataFrame, since: date | None = None) -> pl.DataFrame:
    """Demand lines with the segment each counted for on its day: [item, site, cell, segment, units, date, holding].

    Lines of cells that no assignment covers count for the common segment.
    """
    lines = demand.lines if since is None else demand.lines.filter(pl.col("ordered_on") >= since)
    dated = "valid_from" in assignments.columns
    if dated:
        spans = assignments.select(*CELL, "segment", "valid_from").sort("valid_from")
        held = lines.sort("ordered_on").join_asof(
            spans, left_on="ordered_on", right_on="valid_from", by=list(CELL), strategy="backward",
            check_sortedness=False,
        )  # fmt: skip
    else:
        held = lines.join(assignments.select(*CELL, "segment"), on=CELL, how="left")
    sign = pl.when(pl.col("kind") == "return").then(-1.0).otherwise(1.0)
    return held.select(
        pl.col("sold_item").alias("item"),
        pl.col("site").fill_null("*"),
        pl.concat_str(CELL, separator="\x1f").alias("cell"),
        pl.col("segment").fill_null(COMMON),
        (pl.col("quantity") * sign).alias("units"),
        pl.col("ordered_on").alias("date"),
        "holding",
    )


def mix_on(viewer: Viewer, demand: Demand, assignments: pl.DataFrame, on: date, at: ManifestRecord) -> pl.DataFrame:
    """The mix of every item and site for one day."""
    lines = assigned_demand(demand, assignments)
    return _windows(viewer, lines, [on], at)


def mix_over(
    viewer: Viewer, demand: Demand, assignments: pl.DataFrame, starts: list[date], at: ManifestRecord
) -> pl.DataFrame:
    """One mix per period, frozen from the window before it; the rows of the lake's table ``mix``."""
    return _windows(viewer, assigned_demand(demand, assignments), starts, at)


def _windows(viewer: Viewer, lines: pl.DataFrame, starts: list[date], at: ManifestRecord) -> pl.DataFrame:
    bom, arcs = load_network(viewer, at)
    return window_mix(lines, starts, bom, arcs, WindowParams(window_days(viewer), hold_periods=_HOLD))


def month_starts(first: date, last: date) -> list[date]:
    """The first days of all months from one day's to another's."""
    starts = []
    day = first.replace(day=1)
    while day <= last:
        starts.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return starts


def lanes_with_mix(viewer: Viewer, mix: pl.DataFrame, on: date) -> pl.DataFrame:
    """[lane, supplier, item, site, segment, share]: the mix each open lane's deliveries count with on a day."""
    lanes = directory.lanes(viewer, on).select("lane", "supplier", "item", pl.col("ship_to").alias("site"), "share")
    valid = rows_valid_on(mix, on).select("item", "site", "segment", "share")
    if lanes.is_empty() or valid.is_empty():
        return pl.DataFrame(schema={
            **dict.fromkeys(("lane", "supplier", "item", "site", "segment"), pl.String), "share": pl.Float64,
        })  # fmt: skip
    found = lane_mix(valid, lanes)
    return found.join(lanes.select("lane", "supplier"), on="lane").select(
        "lane", "supplier", "item", "site", "segment", "share"
    )


def supplier_shares(viewer: Viewer, mix: pl.DataFrame, on: date, at: ManifestRecord) -> pl.DataFrame:
    """[supplier, segment, share]: for which segments each supplier works, weighed by a year's purchases."""
    lanes = lanes_with_mix(viewer, mix, on)
    bought = (
        lake.facts(viewer, "purchase_line", at)
        .filter(pl.col("ordered_on").is_between(on - timedelta(days=365), on), pl.col("state") != "cancelled")
        .unique(["source", "order", "line"], keep="last")
        .group_by("supplier", "item")
        .agg(pl.col("amount").cast(pl.Float64).sum().alias("spend"))
        .collect()
    )
    weighed = lanes.join(bought, on=["supplier", "item"], how="left").with_columns(
        pl.col("spend").fill_null(0.0) / pl.len().over("supplier", "item", "segment")
    )
    # A supplier without purchases in the year is judged by its lanes alone, all alike.
    weight = pl.when(pl.col("spend").sum().over("supplier") > 0).then("spend").otherwise(1.0)
    return (
        weighed.with_columns(weight=weight)
        .group_by("supplier", "segment")
        .agg((pl.col("share") * pl.col("weight")).sum().alias("units"))
        .with_columns((pl.col("units") / pl.col("units").sum().over("supplier")).alias("share"))
        .select("supplier", "segment", "share")
        .sort("supplier", "segment")
    )


def explain_mix(viewer: Viewer, demand: Demand, item: str, on: date, at: ManifestRecord) -> dict[str, Any]:
    """Through which sold items a bought item serves each segment."""
    history = lake.facts(viewer, "assignment", at).collect()
    since = on - timedelta(days=window_days(viewer))
    lines = assigned_demand(demand, history, since).filter(pl.col("date") < on)
    bom, arcs = load_network(viewer, at)
    mix = segment_mix(lines.drop("date"), rows_valid_on(bom, on), rows_valid_on(arcs, on))
    found = explain(mix, item)
    return {"item": item, "found": found}
