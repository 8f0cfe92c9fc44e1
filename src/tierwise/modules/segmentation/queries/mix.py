"""The segment mix, carried up the network, and what it says of suppliers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from tierwise.directory import queries as directory
from tierwise.directory.records import Attribution, read_facet
from tierwise.engine.demand import CodedLines, code_lines
from tierwise.engine.mix import (
    COMMON,
    Explanation,
    WindowParams,
    explain,
    lane_mix,
    mixes_in_turn,
    period_mixes,
    segment_mix,
)
from tierwise.engine.network import rows_valid_on
from tierwise.kernel.compute import in_turn
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.currencies import in_currency
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import (
    Demand,
    load_demand,
    load_units,
    month_starts,
    runs_of_spans,
)
from tierwise.modules.segmentation.records import CELL, SchemeDocument

_HOLD = 12
"""Months that an item without demand keeps its last mix; after a year without any it stands in the common segment."""

_RUN = 12
"""Periods whose mixes are worked together: they share the network that they are carried up."""

_LINES = 3_000_000
"""Lines of demand whose windows are worked together; each run reads the first window's lines once more."""


def load_network(viewer: Viewer, at: ManifestRecord) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bill of material and movements, with the dates each row holds."""
    bom = lake.facts(viewer, "bill_of_material", at).collect()
    return bom, directory.arcs(viewer)


def window_days(viewer: Viewer) -> int:
    """The widest window that any segment's policy asks for: one mix serves them all."""
    policies = directory.policy(viewer, "attribution").values()
    return max((read_facet(Attribution, values).window_days for values in policies), default=Attribution.window_days)


def assigned_demand(demand: Demand, assignments: pl.DataFrame) -> pl.DataFrame:
    """Demand lines with the segment each counted for on its day: [item, site, cell, segment, units, date, holding],
    by day; ``cell`` is the cell's number, texts are enumerations.

    Lines of cells that no assignment covers count for the common segment.
    """
    return _assigned(demand.lines, demand.coded, assignments)


def assigned_units(
    viewer: Viewer, document: SchemeDocument, span: tuple[date, date], at: ManifestRecord, assignments: pl.DataFrame
) -> pl.DataFrame:
    """What :func:`assigned_demand` returns, of the lines from one day up to another alone, the last left out."""
    lines = load_units(viewer, document, span, at)
    return _assigned(lines, code_lines(lines, CELL, ("ordered_on", "kind", "quantity")), assignments)


def _assigned(demand: pl.DataFrame, coded: CodedLines, assignments: pl.DataFrame) -> pl.DataFrame:
    codes = pl.Enum(pl.concat([assignments["segment"], pl.Series([COMMON])]).drop_nulls().unique().sort())
    cells = coded.cells.with_row_index("cell")
    spans = assignments.with_columns(pl.col("segment").cast(codes)).join(cells, on=CELL)
    lines = demand.with_columns(cell=pl.Series(coded.cell, dtype=pl.UInt32))
    if "valid_from" in assignments.columns:
        held = lines.sort("ordered_on").join_asof(
            spans.select("cell", "segment", "valid_from").sort("valid_from"),
            left_on="ordered_on", right_on="valid_from", by="cell", strategy="backward", check_sortedness=False,
        )  # fmt: skip
    else:
        held = lines.join(spans.select("cell", "segment"), on="cell", how="left", maintain_order="left")
    sign = pl.when(pl.col("kind") == "return").then(-1.0).otherwise(1.0)
    return held.select(
        pl.col("sold_item").alias("item"),
        "site",
        "cell",
        pl.col("segment").fill_null(pl.lit(COMMON, codes)),
        (pl.col("quantity") * sign).alias("units"),
        pl.col("ordered_on").alias("date").set_sorted(),
        "holding",
    )


def mix_on(viewer: Viewer, demand: Demand, assignments: pl.DataFrame, on: date, at: ManifestRecord) -> pl.DataFrame:
    """The mix of every item and site for one day, with what the year before it holds over."""
    year = month_starts(on.replace(year=on.year - 1, day=1), on - timedelta(days=1))
    bom, arcs = load_network(viewer, at)
    lines = assigned_demand(demand, assignments)
    params = WindowParams(window_days(viewer), hold_periods=_HOLD)
    starts = [*year, on]
    runs = [starts[place : place + _RUN] for place in range(0, len(starts), _RUN)]
    *_, found = mixes_in_turn(in_turn(period_mixes, runs, lines, bom, arcs, params), starts, _HOLD)
    return found


def mix_over(
    viewer: Viewer, document: SchemeDocument, assignments: pl.DataFrame, starts: Sequence[date], at: ManifestRecord
) -> Iterator[pl.DataFrame]:
    """One mix per period, frozen from the window before it: the rows of the lake's table ``mix``, each piece of one.

    The demand of a run of periods is read at a time; the last of the starts closes nothing.
    """
    bom, arcs = load_network(viewer, at)
    params = WindowParams(window_days(viewer), hold_periods=_HOLD)
    window = timedelta(days=params.window_days)
    runs = runs_of_spans(viewer, [(start - window, start) for start in starts], at, _LINES)
    parts = (
        ([start for _, start in run], assigned_units(viewer, document, (run[0][0], run[-1][1]), at, assignments))
        for run in runs
    )
    return mixes_in_turn(in_turn(mixes_of_run, parts, bom, arcs, params), starts, _HOLD)


def mixes_of_run(
    part: tuple[list[date], pl.DataFrame], bom: pl.DataFrame, arcs: pl.DataFrame, params: WindowParams
) -> pl.DataFrame:
    """The mixes of some periods from the demand of their windows, wherever that is worked."""
    starts, demand = part
    return period_mixes(starts, demand, bom, arcs, params)


def first_month(viewer: Viewer, on: date, at: ManifestRecord) -> date | None:
    """The day of the first demand before ``on`` or of the first purchase, if that is earlier; None without demand."""
    ordered, bought = (
        lake.facts(viewer, table, at).select(pl.col("ordered_on").min()).collect(engine="streaming")["ordered_on"][0]
        for table in ("demand", "purchase_line")
    )
    if ordered is None or ordered >= on:
        return None
    return min(date.fromisoformat(str(day)) for day in (ordered, bought) if day is not None)


def mix_of_day(viewer: Viewer, on: date, at: ManifestRecord) -> pl.DataFrame:
    """The rows of the lake's table ``mix`` that hold on a day; the other periods are not read into memory."""
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= on)
    lasts = pl.col("valid_to").is_null() | (pl.col("valid_to") >= on)
    return lake.facts(viewer, "mix", at).filter(begun, lasts).collect(engine="streaming")


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
    bought = _spend(viewer, on, at)
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


def _spend(viewer: Viewer, on: date, at: ManifestRecord) -> pl.DataFrame:
    """[supplier, item, spend] of the year before a day, at the latest revisions, in our own currency."""
    lines = lake.facts(viewer, "purchase_line", at).filter(
        pl.col("ordered_on").is_between(on - timedelta(days=365), on, closed="left")
    )
    latest = lines.sort("revision").unique(["source", "order", "line"], keep="last", maintain_order=True)
    worth = pl.coalesce(
        pl.col("amount").cast(pl.Float64), pl.col("quantity").cast(pl.Float64) * pl.col("price").cast(pl.Float64)
    )
    valued = latest.filter(pl.col("state") != "cancelled").with_columns(worth.alias("spend"))
    rates = lake.facts(viewer, "exchange_rate", at)
    own = in_currency(valued, "spend", "ordered_on", directory.host(viewer).currency, rates)
    # Without a rate an amount still tells more of what a supplier is bought for than nothing does.
    told = pl.coalesce("spend", worth)
    return own.group_by("supplier", "item").agg(told.sum().alias("spend")).collect()


def explain_mix(viewer: Viewer, document: SchemeDocument, item: str, on: date) -> Explanation | None:
    """Through which sold items a bought item serves each segment; None where no demand of the window reaches it."""
    at = lake.manifest(viewer)
    demand = load_demand(viewer, document, on, at, on - timedelta(days=window_days(viewer)))
    lines = assigned_demand(demand, lake.facts(viewer, "assignment", at).collect())
    bom, arcs = load_network(viewer, at)
    mix = segment_mix(lines.drop("date"), rows_valid_on(bom, on), rows_valid_on(arcs, on))
    if item not in mix.frame()["item"]:
        return None
    return explain(mix, item)


def mix_sentence(viewer: Viewer, document: SchemeDocument | None, item: str, on: date) -> str:
    """The same in one sentence, with the segments' names; empty where nothing is known."""
    found = explain_mix(viewer, document, item, on) if document else None
    if found is None:
        return ""
    names = {one.code: one.name for one in directory.segments(viewer, active=False)}
    told = found.sentence()
    for code in sorted(set(found.contributions["segment"]), key=len, reverse=True):
        told = told.replace(f" % {code} through", f" % {names.get(code, code)} through")
    return f"{told}."
