"""The feeds: what may leave, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

PSEUDO = {
    "change": "new, changed or gone since what was last acknowledged",
    "row_key": "the row's key in one text, as acknowledgements name it",
    "row": "number of the row within the batch, from 1",
    "batch": "number of the batch",
}
"""Columns that every feed has besides its own."""


@dataclass(frozen=True, slots=True)
class FeedColumn:
    name: str
    kind: Any
    meaning: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """``key`` tells rows apart. ``binds`` says what a row obliges its reader to. ``final``: a row never changes, so
    a batch may be sent again whatever came later. ``events`` are news after which it is looked at anew."""

    name: str
    title: str
    binds: str
    key: tuple[str, ...]
    columns: tuple[FeedColumn, ...]
    version: int = 1
    final: bool = False
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if missing := [name for name in self.key if name not in names]:
            raise ValueError(f"feed {self.name}: key {missing[0]} is not among its columns")
        if clash := set(names) & set(PSEUDO):
            raise ValueError(f"feed {self.name}: {clash.pop()} is a column that every feed has")

    @property
    def schema(self) -> dict[str, Any]:
        return {column.name: column.kind for column in self.columns}

    @property
    def units(self) -> dict[str, str]:
        return {column.name: column.unit for column in self.columns if column.unit}


_C = FeedColumn
_T, _D, _N = pl.String, pl.Date, pl.Decimal(18, 4)

RULINGS = Feed(
    "rulings", "Rulings on disputed deliveries",
    "The corrected date or quantity is agreed for scoring; whether the receiver books it is its own decision.",
    ("supplier", "case_number"),
    (
        _C("supplier", _T, "supplier"), _C("case_number", pl.Int64, "number of the case, per supplier"),
        _C("order", _T, "purchase order"), _C("line", _T, "its line"), _C("item", _T, "item"), _C("site", _T, "receiving site, where the line names one"),
        _C("segment", _T, "segment the line was judged for"), _C("state", _T, "upheld or rejected"),
        _C("reason", _T, "what the supplier questioned"), _C("delivered_on", _D, "day of delivery as ruled"),
        _C("received", _N, "quantity received as ruled"), _C("rejected", _N, "quantity rejected as ruled"),
        _C("unit", _T, "unit of the quantities"), _C("excluded", _T, "why the line does not count, if it does not"),
        _C("ruled_at", pl.Datetime("us", "UTC"), "instant of the ruling"),
    ), final=True, events=("case_ruled",),
)  # fmt: skip
_CELL = (
    _C("item", _T, "item, or * where the scheme does not tell items apart"),
    _C("customer_group", _T, "customer group, or *"), _C("region", _T, "region, or *"), _C("channel", _T, "channel, or *"),
)  # fmt: skip
SEGMENT_CODES = Feed(
    "segment_codes", "Segment of every demand cell", "In force: the segment's policy holds for the cell from its day on.",
    ("item", "customer_group", "region", "channel"),
    (
        *_CELL, _C("segment", _T, "segment in force"), _C("valid_from", _D, "since when"),
        _C("next_segment", _T, "segment that follows, if one is decided"), _C("next_from", _D, "from when it follows"),
        _C("scheme_version", pl.Int64, "version of the scheme that decided"), _C("rule", _T, "rule or pin that decided"),
    ), events=("scheme_applied",),
)  # fmt: skip
ITEM_SEGMENTS = Feed(
    "item_segments", "Leading segment of every item",
    "Information: the segment with the largest share in the item's demand; the other shares stay.",
    ("item",),
    (
        _C("item", _T, "item, sold or bought"), _C("segment", _T, "segment with the largest share"),
        _C("share", pl.Decimal(9, 6), "its share in the item's demand", "ratio"),
        _C("segments", pl.Int64, "number of segments the item serves"),
    ), events=("scheme_applied",),
)  # fmt: skip
CUSTOMER_SEGMENTS = Feed(
    "customer_segments", "Leading segment of every customer",
    "Information: the segment with most demand cells of the customer's group, by revenue where it is known.",
    ("customer",),
    (
        _C("customer", _T, "customer"), _C("customer_group", _T, "its group"),
        _C("segment", _T, "segment with the largest part"),
        _C("share", pl.Decimal(9, 6), "its part of the group's revenue, of its cells where none is known", "ratio"),
    ), events=("scheme_applied",),
)  # fmt: skip
POLICY_PARAMETERS = Feed(
    "policy_parameters", "Policy parameters of every segment", "In force: planning for the segment uses these values.",
    ("segment", "parameter"),
    (
        _C("segment", _T, "segment"), _C("parameter", _T, "facet and field, such as cadence.horizon_days"),
        _C("value", _T, "value"), _C("number", pl.Float64, "the value where it is a number"),
        _C("set_by", _T, "scheme, or default where the scheme does not set it"),
    ), events=("scheme_applied",),
)  # fmt: skip
LANE_POLICIES = Feed(
    "lane_policies", "Effective policy of every lane", "In force: orders and plans on the lane use these values.",
    ("lane", "parameter"),
    (
        _C("lane", _T, "lane"), _C("item", _T, "item"), _C("supplier", _T, "supplier"), _C("site", _T, "receiving site"),
        _C("parameter", _T, "facet and field"), _C("value", _T, "value"),
        _C("number", pl.Float64, "the value where it is a number"),
        _C("scheme_version", pl.Int64, "version of the scheme it follows from"),
    ), events=("scheme_applied",),
)  # fmt: skip
SUPPORTS = Feed(
    "supports", "Suppliers that serve a segment", "In force: the supplier is approved for the segment, as people confirmed.",
    ("supplier", "segment", "valid_from"),
    (
        _C("supplier", _T, "supplier"), _C("segment", _T, "segment"), _C("valid_from", _D, "first day"),
        _C("valid_to", _D, "last day; empty while open"), _C("involvement", _T, "advisory, co_creation or execution"),
        _C("state", _T, "confirmed or ended"),
    ), events=("support_confirmed", "support_ended"),
)  # fmt: skip

FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        RULINGS, SEGMENT_CODES, ITEM_SEGMENTS, CUSTOMER_SEGMENTS, POLICY_PARAMETERS, LANE_POLICIES, SUPPORTS,
    )
}  # fmt: skip
