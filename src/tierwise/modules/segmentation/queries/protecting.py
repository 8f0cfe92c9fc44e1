"""Demand carried up to what suppliers deliver and protected before it leaves, one bucket of days at a time.

What a bucket shows follows from its own demand alone. So no more than a run of buckets is read, one is carried, and of
it so many cells are judged, whatever the size of the company.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from tierwise.engine.disclosure import DisclosureParams, protect
from tierwise.engine.mix import carry_items, net_demand
from tierwise.engine.network import build_network, rows_valid_on

ROWS_AT_ONCE = 500_000
"""Contributions of holdings that are judged together: some 200 MB while they are sorted."""

_GLUE = "\x1f"
_SHOWN = {"place": pl.UInt32, "shown": pl.UInt32, "bucket_start": pl.Date, "value": pl.Float64}
_HELD = {
    "place": pl.UInt32, "shown": pl.UInt32, "bucket_start": pl.Date, "reason": pl.String,
    "upper_protection": pl.Float64, "contributors": pl.Int64, "total": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cells recipients of one grain are shown, and by which rules.

    ``lanes`` [place, rule, segment, item, shown, share]: the items that the supplier of each recipient delivers, its
    share of each, and the number of what the recipient is shown in its place: the item, or its family. ``rules``, by
    the number in ``rule``: least contributors and percentage.
    """

    lanes: pl.DataFrame = field(repr=False)
    rules: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """``shown`` [place, shown, bucket_start, value], the value null where a cell is held back; ``held`` [place, shown,
    bucket_start, reason, upper_protection, contributors, total]: why."""

    shown: pl.DataFrame = field(repr=False)
    held: pl.DataFrame = field(repr=False)

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        return cls(
            pl.concat([pl.DataFrame(schema=_SHOWN), *(part.shown for part in parts)]),
            pl.concat([pl.DataFrame(schema=_HELD), *(part.held for part in parts)]),
        )


def cells_of_bucket(part: tuple[date, pl.DataFrame], bom: pl.DataFrame, arcs: pl.DataFrame, asked: Asked) -> Cells:
    """One bucket's demand [item, site, segment, holding, cell, units], carried up the network of its first day."""
    day, demand = part
    found = pl.concat(_carried(day, demand, bom, arcs, asked.lanes))
    cells = [_judged(rows, asked.rules[rule]) for rule, rows in _pieces(found, asked.lanes)]
    whole = Cells.joined([])
    on_day = pl.lit(day).alias("bucket_start")
    return Cells(
        pl.concat([whole.shown, *(one.shown.with_columns(on_day).select(*_SHOWN) for one in cells)]),
        pl.concat([whole.held, *(one.held.with_columns(on_day).select(*_HELD) for one in cells)]),
    )


def _carried(
    day: date, demand: pl.DataFrame, bom: pl.DataFrame, arcs: pl.DataFrame, lanes: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """[segment, item, holding, units] of what somebody is shown."""
    holding = pl.col("holding").cast(pl.String).fill_null("?")
    labelled = demand.with_columns(segment=pl.concat_str("segment", holding, separator=_GLUE)).drop("holding")
    netted = net_demand(labelled)
    network = build_network(netted, rows_valid_on(bom, day), rows_valid_on(arcs, day))
    wanted = lanes.select("segment", "item").unique()
    parts = pl.col("label").str.split_exact(_GLUE, 1).struct
    labels = netted.select(label=pl.col("segment").unique().sort()).with_columns(
        segment=parts.field("field_0"), holding=parts.field("field_1")
    )
    labels = labels.filter(pl.col("segment").is_in(wanted["segment"].unique().implode()))
    yield pl.DataFrame(schema={**dict.fromkeys(("segment", "item", "holding"), pl.String), "units": pl.Float64})
    if labels.is_empty():
        return
    for rows in carry_items(netted, network, wanted["item"], labels["label"].to_list()):
        code = rows["segment"]
        named = rows.select(
            segment=labels["segment"].gather(code), item="item", holding=labels["holding"].gather(code), units="units"
        )
        yield named.join(wanted, on=["segment", "item"], how="semi")


def _pieces(found: pl.DataFrame, lanes: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rule and the contributions [place, shown, contributor, value] of so many recipients at a time.

    A recipient's cells are never divided: each is judged by all that stands behind it.
    """
    behind = found.group_by("segment", "item").agg(behind=pl.len())
    sizes = lanes.join(behind, on=["segment", "item"]).group_by("place", "rule").agg(pl.col("behind").sum())
    sizes = sizes.sort("rule", "place")
    piece = (pl.col("behind").cum_sum() - pl.col("behind")) // ROWS_AT_ONCE
    for (rule, _), own in sizes.with_columns(piece=piece).group_by("rule", "piece", maintain_order=True):
        mine = lanes.join(own.select("place"), on="place", how="semi")
        yield (
            int(str(rule)),
            found.join(mine, on=["segment", "item"]).select(
                "place", "shown", contributor="holding", value=pl.col("units") * pl.col("share")
            ),
        )


def _judged(rows: pl.DataFrame, rule: tuple[int, float]) -> Cells:
    table = protect(rows, DisclosureParams(("place", "shown"), rule[0], p_percent=rule[1]))
    held = table.internal.filter(pl.col("status") != "ok")
    return Cells(table.released.drop("status"), held.drop("status"))
