"""The mix of each lane that feeds an item, where customers approve only some sources."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tierwise.engine.network import ANY_SITE
from tierwise.engine.network.build import site_of
from tierwise.engine.network.rows import require_columns

# Proportional fitting gains about a digit every few rounds; a shop-floor mix needs four.
_ROUNDS = 200
_CLOSE = 1e-9


def lane_mix(mix: pl.DataFrame, lanes: pl.DataFrame, approved: pl.DataFrame | None = None) -> pl.DataFrame:
    """[lane, item, site, segment, share, restricted]: the mix that each lane's deliveries count with.

    `mix` [item, site, segment, share] for one day (`Mix.frame()`); `lanes` [lane, item] with optional `site` (receiving
    site, else "*") and `share` (planned share of the purchases, else equal); `approved` [lane, segment] lists the
    segments that a lane may serve, lanes not listed may serve all. A site without a mix of its own takes the item's.

    Without restrictions every lane has its node's mix. With them, the node's segments are spread over its lanes by
    iterative proportional fitting: the table lane × segment that keeps the lanes' shares and the segments' shares and
    is otherwise as close to proportional as the approvals allow (W. E. Deming, F. F. Stephan, Annals of Mathematical
    Statistics 11(4), 1940). Where both cannot hold (more demand than its approved lanes' shares), the lanes' own
    shares give way last: each lane's mix still sums to 1. Where a segment fills its approved lanes to the last unit
    the fit comes within about 0.3 % of its limit. A lane approved only for segments without demand has no rows.
    """
    require_columns(mix, "mix", ("item", "site", "segment", "share"))
    require_columns(lanes, "lanes", ("lane", "item"))
    weight = pl.col("share").cast(pl.Float64) if "share" in lanes.columns else pl.lit(None, pl.Float64)
    held = lanes.select("lane", "item", site_of(lanes), weight.alias("weight")).unique(
        ["lane", "item", "site"], keep="first", maintain_order=True
    )
    named = mix.select("item", "site").unique()
    held = held.join(named, on=["item", "site"], how="left", maintain_order="left", coalesce=False)
    held = held.select("lane", "item", "site", "weight", node=pl.coalesce("site_right", pl.lit(ANY_SITE)))
    cells = held.join(mix.select("item", "segment", "share", node="site"), on=["item", "node"], maintain_order="left")
    if approved is None:
        approved = pl.DataFrame(schema={"lane": pl.String, "segment": pl.String})
    require_columns(approved, "approved", ("lane", "segment"))
    listed = approved.select("lane", "segment").unique()
    cells = cells.with_columns(restricted=pl.col("lane").is_in(listed["lane"].unique().implode()))
    allowed = cells.join(listed, on=["lane", "segment"], how="semi", maintain_order="left")
    cells = pl.concat([cells.filter(~pl.col("restricted")), allowed])
    cells = cells.sort("item", "site", "lane", "segment")
    return (
        _fitted(cells)
        .select("lane", "item", "site", "segment", "share", "restricted")
        .sort("lane", "item", "site", "segment")
    )


def _fitted(cells: pl.DataFrame) -> pl.DataFrame:
    node, lane = ["item", "node"], ["lane", "item", "site"]
    bound = pl.col("restricted").any().over(node)
    free, tied = cells.filter(~bound), cells.filter(bound)
    if tied.is_empty():
        return cells
    # Lanes without a share: what the others leave, evenly; all alike where nobody has one.
    lanes = tied.unique(lane, maintain_order=True).select(*lane, "node", "weight")
    missing = pl.col("weight").is_null()
    left = (1 - pl.col("weight").sum()).clip(lower_bound=0).over(node) / missing.sum().over(node)
    lanes = lanes.with_columns(weight=pl.when(missing).then(left).otherwise(pl.col("weight")))
    total = pl.col("weight").sum().over(node)
    even = 1 / pl.len().over(node)
    lanes = lanes.with_columns(weight=pl.when(total > 0).then(pl.col("weight") / total).otherwise(even))
    tied = tied.drop("weight").join(lanes, on=[*lane, "node"], maintain_order="left")
    row = tied.select(pl.struct(*lane).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    column = tied.select(pl.struct(*node, "segment").rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    share = _proportional_fit(row, column, tied["weight"].to_numpy(), tied["share"].to_numpy())
    return pl.concat([free, tied.with_columns(share=pl.Series(share)).select(free.columns)])


def _proportional_fit(
    row: NDArray[np.int64], column: NDArray[np.int64], lane: NDArray[np.float64], segment: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cell shares within each row, after scaling columns to `segment` and rows to `lane` in turn."""
    value = lane * segment
    value = np.where(value > 0, value, np.where(segment > 0, 1e-12 * segment, 0.0))
    wanted = np.maximum(lane, 1e-12)
    for _ in range(_ROUNDS):
        before = value
        value = value * _ratio(segment, _sums(column, value))
        value = value * _ratio(wanted, _sums(row, value))
        if np.abs(value - before).max() < _CLOSE:
            break
    return value * _ratio(np.ones_like(value), _sums(row, value))


def _sums(group: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = np.bincount(group, value).astype(np.float64)
    return sums[group]


def _ratio(wanted: NDArray[np.float64], held: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(wanted, held, out=np.zeros_like(wanted), where=held > 0)
