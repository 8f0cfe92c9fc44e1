"""What each feed says on a day, as a frame of the columns it declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.resolve import queries as cases
from tierwise.collaboration.resolve.records import CaseRecord
from tierwise.directory import queries as directory
from tierwise.directory.records import SupportState, facets, read_facet
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.exchange.records import feeds
from tierwise.modules.exchange.records.feeds import Feed

Source = Callable[[Viewer, date], pl.DataFrame]
_CELL = list(feeds.SEGMENT_CODES.key)


def feed_rows(viewer: Viewer, feed: Feed, on: date) -> pl.DataFrame:
    """All rows of a feed as they stand on a day, typed as declared; keys are unique."""
    found = _SOURCES[feed.name](viewer, on).select(pl.col(name).cast(kind) for name, kind in feed.schema.items())
    return found.unique(list(feed.key), keep="last", maintain_order=True)


def _rulings(viewer: Viewer, on: date) -> pl.DataFrame:
    del on
    ruled = [case for case in cases.cases(viewer) if case.ruled is not None and case.ruled_at is not None]
    codes = {company.id: company.code for company in directory.suppliers(viewer)}
    segments = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    rows = [_ruling(case, codes, segments) for case in ruled]
    schema = {n: k for n, k in feeds.RULINGS.schema.items() if n not in {"item", "site", "unit"}}
    frame = pl.DataFrame(rows, schema=schema | {"_line": pl.String}, orient="row")
    lines = publications.lines(viewer, *{case.publication for case in ruled})
    about = lines.select(pl.col("id").cast(pl.String).alias("_line"), "item", "site", "unit")
    return frame.join(about, on="_line", how="left", maintain_order="left")


def _ruling(case: CaseRecord, codes: dict[UUID, str], segments: dict[UUID, str]) -> dict[str, Any]:
    said = case.ruled
    assert said is not None
    return {
        "supplier": codes.get(case.supplier, ""), "case_number": case.number, "order": case.order, "line": case.line,
        "segment": segments.get(case.segment, ""), "state": case.state.value, "reason": case.claim.reason.value,
        "delivered_on": said.delivered_on, "received": said.received, "rejected": said.rejected,
        "excluded": said.excluded.value if said.excluded else None, "ruled_at": case.ruled_at,
        "_line": str(case.subject),
    }  # fmt: skip


def _assignments(viewer: Viewer, on: date) -> pl.LazyFrame:
    rows = lake.facts(viewer, "assignment")
    return rows.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= on))


def _segment_codes(viewer: Viewer, on: date) -> pl.DataFrame:
    rows = _assignments(viewer, on).sort("valid_from")
    now = rows.filter(pl.col("valid_from") <= on).unique(_CELL, keep="last", maintain_order=True)
    later = rows.filter(pl.col("valid_from") > on).unique(_CELL, keep="first", maintain_order=True)
    following = later.select(*_CELL, next_segment="segment", next_from="valid_from")
    return now.join(following, on=_CELL, how="left").sort(_CELL).collect()


def _leading(shares: pl.DataFrame, key: str, ranks: dict[str, int]) -> pl.DataFrame:
    """[key, segment, share, segments]: the largest share leads, the higher rank where two are equal."""
    rank = pl.col("segment").replace_strict(ranks, default=len(ranks) + 1, return_dtype=pl.Int64)
    ranked = shares.with_columns(_rank=rank)
    ordered = ranked.filter(pl.col("share") > 0).with_columns(pl.col("share").round(6)).sort(
        key, "share", "_rank", "segment", descending=[False, True, False, False]
    )  # fmt: skip
    count = pl.len().over(key).cast(pl.Int64)
    return ordered.with_columns(segments=count).unique(key, keep="first", maintain_order=True)


def _ranks(viewer: Viewer) -> dict[str, int]:
    return {segment.code: segment.rank for segment in directory.segments(viewer, active=False)}


def _item_segments(viewer: Viewer, on: date) -> pl.DataFrame:
    del on
    return _leading(directory.current_mix(viewer), "item", _ranks(viewer))


def _customer_segments(viewer: Viewer, on: date) -> pl.DataFrame:
    worth = lake.facts(viewer, "cell").select(*_CELL, "revenue")
    cells = _assignments(viewer, on).filter(pl.col("valid_from") <= on).join(worth, on=_CELL, how="left")
    by_group = cells.group_by("customer_group", "segment").agg(
        _revenue=pl.col("revenue").clip(lower_bound=0).sum(), _cells=pl.len()
    )
    total = pl.col("_revenue").sum().over("customer_group")
    cells_of_group = pl.col("_cells").sum().over("customer_group")
    share = pl.when(total > 0).then(pl.col("_revenue") / total).otherwise(pl.col("_cells") / cells_of_group)
    shares = by_group.select("customer_group", "segment", share=share).collect()
    groups = _leading(shares, "customer_group", _ranks(viewer))
    customers = directory.customers(viewer).select("customer", "customer_group").sort("customer")
    # A scheme that does not tell customers apart has one group, *, and says nothing of a single customer.
    return customers.join(groups, on="customer_group", how="inner", maintain_order="left")


def _policy_parameters(viewer: Viewer, on: date) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    segments = directory.segments(viewer)
    for name, facet in sorted(facets().items()):
        given = directory.policy(viewer, name, on)
        for segment in segments:
            values = given.get(segment.id, {})
            read = read_facet(facet, values)
            rows += [
                {"segment": segment.code, "parameter": f"{name}.{each.name}", **_value(getattr(read, each.name)),
                 "set_by": "scheme" if each.name in values else "default"}
                for each in fields(read)
            ]  # fmt: skip
    return pl.DataFrame(rows, schema=feeds.POLICY_PARAMETERS.schema, orient="row")


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"value": "true" if value else "false", "number": None}
    return {"value": str(value), "number": float(value) if isinstance(value, int | float) else None}


def _lane_policies(viewer: Viewer, on: date) -> pl.DataFrame:
    open_lanes = directory.lanes(viewer, on).select("lane", "item", "supplier", site="ship_to")
    rows = [
        {"lane": policy["lane"], "parameter": name, **_value(value), "scheme_version": policy["scheme_version"]}
        for policy in directory.lane_policies(viewer)
        for name, value in sorted(policy["values"].items())
    ]
    schema = {n: k for n, k in feeds.LANE_POLICIES.schema.items() if n not in {"item", "supplier", "site"}}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.join(open_lanes.unique("lane"), on="lane", how="inner", maintain_order="left")


def _supports(viewer: Viewer, on: date) -> pl.DataFrame:
    codes = {company.id: company.code for company in directory.suppliers(viewer)}
    segments = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    rows = [
        {"supplier": codes.get(one.supplier, ""), "segment": segments.get(one.segment, ""),
         "valid_from": one.valid_from, "valid_to": one.valid_to, "involvement": one.involvement.value,
         "state": one.state.value}
        for one in directory.supports(viewer, on=on)
        if one.state is not SupportState.PROPOSED
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=feeds.SUPPORTS.schema, orient="row")


_SOURCES: dict[str, Source] = {
    feeds.RULINGS.name: _rulings,
    feeds.SEGMENT_CODES.name: _segment_codes,
    feeds.ITEM_SEGMENTS.name: _item_segments,
    feeds.CUSTOMER_SEGMENTS.name: _customer_segments,
    feeds.POLICY_PARAMETERS.name: _policy_parameters,
    feeds.LANE_POLICIES.name: _lane_policies,
    feeds.SUPPORTS.name: _supports,
}
