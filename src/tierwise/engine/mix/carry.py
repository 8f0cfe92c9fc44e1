"""Carry the demand of each segment up the network, from what is sold to what is bought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tierwise.engine.network import ANY_SITE, Network, build_network
from tierwise.engine.network.build import NO_ARCS, NO_BOM, site_of
from tierwise.engine.network.kernels import carry_down
from tierwise.engine.network.rows import require_columns

COMMON = "COMMON"
"""The segment that demand and supply belong to when they reach no other."""

_DENSE_BYTES = 64 << 20
"""What the vectors of a piece of the segments may take; a quarter of a gigabyte was no faster."""

MIX_SCHEMA: dict[str, pl.DataType] = {
    "item": pl.String(),
    "site": pl.String(),
    "segment": pl.String(),
    "units": pl.Float64(),
    "share": pl.Float64(),
}


@dataclass(frozen=True, eq=False)
class Mix:
    """Base units per segment at every node of a network.

    `own` and `units` are [node, segment]: end demand at the node, and that plus everything its parents and receiving
    sites call for. `rolled` is [item, segment]: units where they enter the item, so that moving one does not count it
    twice. `segments` is sorted.
    """

    network: Network
    segments: tuple[str, ...]
    own: NDArray[np.float64] = field(repr=False)
    units: NDArray[np.float64] = field(repr=False)
    rolled: NDArray[np.float64] = field(repr=False)

    def frame(self) -> pl.DataFrame:
        """[item, site, segment, units, share], sorted: one row per segment with demand at a node.

        Rows with site "*" are the item as a whole: demand at every site and demand that names none. Shares sum to 1
        per item and site. Phantoms are left out, as are items without demand.
        """
        network = self.network
        stocked = np.flatnonzero(~network.phantom & (network.site > 0))
        nodes = self._long(self.units[stocked], network.item[stocked], network.site[stocked])
        items = np.arange(len(network.items))
        whole = self._long(self.rolled, items, np.zeros(items.size, np.int32))
        coded = pl.concat([whole, nodes]).sort("item", "site", "segment")
        names = pl.Series("segment", list(self.segments), dtype=pl.String)
        return coded.select(
            network.items.gather(coded["item"]).alias("item"),
            network.sites.gather(coded["site"]).alias("site"),
            names.gather(coded["segment"]).alias("segment"),
            "units",
            "share",
        )

    @staticmethod
    def _long(units: NDArray[np.float64], item: NDArray[np.integer], site: NDArray[np.integer]) -> pl.DataFrame:
        row, segment = np.nonzero(units > 0)
        held = units[row, segment]
        return pl.DataFrame({
            "item": item[row].astype(np.int32),
            "site": site[row].astype(np.int32),
            "segment": segment.astype(np.int32),
            "units": held,
            "share": held / units.sum(axis=1)[row],
        })  # fmt: skip


def net_demand(demand: pl.DataFrame) -> pl.DataFrame:
    """[item, site, segment, units]: demand after returns, never below 0.

    `demand` [item, segment, units] with optional `site` (else "*") and `cell`. Returns are negative units. They net
    within their item, site, segment and, where `cell` is given, demand cell; what is returned beyond what was ordered
    counts 0 there and takes nothing from others. An empty segment becomes COMMON.
    """
    require_columns(demand, "demand", ("item", "units"))
    if "segment" not in demand.columns:
        raise ValueError(f"demand lacks the column segment; it has {', '.join(demand.columns)}")
    held = demand.with_columns(site_of(demand), pl.col("segment").fill_null(COMMON), pl.col("units").cast(pl.Float64))
    if not held["units"].is_finite().all():
        raise ValueError("demand.units holds NaN or infinity; give base units, returns as negative numbers")
    key = ["item", "site", "segment"]
    cell = [*key, "cell"] if "cell" in demand.columns else key
    # Sorted before it is added up: float sums must not depend on the order in which rows arrive.
    cells = held.sort(*cell, "units").group_by(cell, maintain_order=True).agg(pl.col("units").sum())
    kept = cells.filter(pl.col("units") > 0)
    netted = kept.group_by(key, maintain_order=True).agg(pl.col("units").sum())
    return netted.with_columns(pl.col(key).cast(pl.String))


def carry_mix(demand: pl.DataFrame, network: Network) -> Mix:
    """Which segments' demand stands behind every item × site that the network reaches.

    `demand` [item, site, segment, units], netted by `net_demand`; `network` built for this demand or a larger one.

    units(n, s) = own(n, s) + Σ over links p → n of units(p, s) × factor, in one pass in topological order, one dense
    vector of S segments per node: O((nodes + links) × S) time and 8 · S · nodes bytes. The factor of a bill row is
    quantity per × option rate × version share ÷ yield × the share of the parent's need made on the spot; of a
    movement, share ÷ yield. This is the gross requirements explosion of MRP with one quantity per segment (J. Orlicky,
    Material Requirements Planning, 1975; A. Vazsonyi, Scientific Programming in Business and Industry, 1958, solves it
    as the Gozinto graph).

    >>> demand = pl.DataFrame({"item": ["BIKE"], "site": ["*"], "segment": ["PREMIUM"], "units": [10.0]})
    >>> bom = pl.DataFrame({"parent": ["BIKE"], "component": ["WHEEL"], "quantity_per": [2.0]})
    >>> carry_mix(demand, build_network(demand, bom)).frame().row(1)
    ('WHEEL', '*', 'PREMIUM', 20.0, 1.0)
    """
    segments = tuple(sorted(demand["segment"].unique().to_list()))
    own = np.zeros((network.node_count, max(1, len(segments))))
    if segments:
        names = pl.Enum(segments)
        column = demand["segment"].cast(names).to_physical().to_numpy()
        np.add.at(own, (network.rows_of(demand), column), demand["units"].to_numpy())
    units = own.copy()
    rolled = np.zeros((len(network.items), own.shape[1]))
    np.add.at(rolled, network.item[~network.phantom], own[~network.phantom])
    carry_down(network.order, network.reached, network.item, units, rolled)
    return Mix(network, segments, own, units, rolled)


def carry_items(
    demand: pl.DataFrame, network: Network, items: pl.Series, segments: Sequence[str], most_bytes: int = _DENSE_BYTES
) -> Iterator[pl.DataFrame]:
    """[item, segment, units]: the rows with site "*" of `carry_mix`, for some items and segments, in pieces.

    `demand` and `network` as in `carry_mix`; `segments` are carried so many at a time as fit `most_bytes`, and one at
    least, so that memory does not grow with their number. Each is carried by itself, so the pieces say what the whole
    would, digit by digit. `segment` is the place among `segments`.

    >>> demand = pl.DataFrame({"item": ["BIKE"], "site": ["*"], "segment": ["PREMIUM"], "units": [10.0]})
    >>> network = build_network(demand, pl.DataFrame({"parent": ["BIKE"], "component": ["WHEEL"], "quantity_per": [2]}))
    >>> next(carry_items(demand, network, pl.Series(["WHEEL"]), ["PREMIUM"])).row(0)
    ('WHEEL', 0, 20.0)
    """
    rows = demand.filter(pl.col("segment").cast(pl.String).is_in(list(segments)))
    column = rows["segment"].cast(pl.String).cast(pl.Enum(segments)).to_physical().to_numpy()
    node = network.rows_of(rows)
    amounts = rows["units"].to_numpy()
    shown = np.flatnonzero(network.items.is_in(items.unique().implode()).to_numpy())
    width = max(1, min(len(segments), most_bytes // max(1, 8 * network.node_count)))
    for first in range(0, len(segments), width):
        here = (column >= first) & (column < first + width)
        units = np.zeros((network.node_count, min(width, len(segments) - first)))
        np.add.at(units, (node[here], column[here] - first), amounts[here])
        rolled = np.zeros((len(network.items), units.shape[1]))
        np.add.at(rolled, network.item[~network.phantom], units[~network.phantom])
        carry_down(network.order, network.reached, network.item, units, rolled)
        row, at = np.nonzero(rolled[shown] > 0)
        yield pl.DataFrame({
            "item": network.items.gather(shown[row]),
            "segment": (at + first).astype(np.uint32),
            "units": rolled[shown[row], at],
        })  # fmt: skip


def segment_mix(demand: pl.DataFrame, bom: pl.DataFrame = NO_BOM, arcs: pl.DataFrame = NO_ARCS) -> Mix:
    """Net the demand, build the network and carry the mix: `net_demand`, `build_network`, `carry_mix` in one."""
    netted = net_demand(demand)
    return carry_mix(netted, build_network(netted, bom, arcs))


__all__ = ["ANY_SITE", "COMMON", "MIX_SCHEMA", "Mix", "carry_items", "carry_mix", "net_demand", "segment_mix"]
