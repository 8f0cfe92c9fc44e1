"""Why an item has the mix it has: through which end items each segment reaches it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tierwise.engine.mix.carry import Mix
from tierwise.engine.network import ANY_SITE, Network
from tierwise.engine.network.kernels import reach_up

_SCHEMA = {
    "segment": pl.String, "end_item": pl.String, "units": pl.Float64, "share": pl.Float64, "paths": pl.Int64,
    "main_path": pl.String,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Explanation:
    """Contributions to one item's mix.

    `contributions` [segment, end_item, units, share, paths, main_path]: base units of the item that a segment's demand
    for an end item calls for, as a share of all; `paths` counts the ways through the network, `main_path` is the one
    that carries most at each step. Sorted by units within a segment, at most `top` rows each; `others` says per
    segment [segment, units, end_items] what was left off.
    """

    item: str
    site: str
    units: float
    contributions: pl.DataFrame
    others: pl.DataFrame

    def sentence(self) -> str:
        """ "62 % PREMIUM through 3 end items (BK-1, BK-2, BK-3); …", the largest segment first."""
        if self.contributions.is_empty():
            return f"No segment's demand reaches {self.item}."
        more = dict(self.others.select("segment", "end_items").iter_rows())
        rest = dict(self.others.select("segment", "units").iter_rows())
        parts: list[tuple[float, str]] = []
        for (segment,), rows in self.contributions.group_by("segment", maintain_order=True):
            units = rows["units"].sum() + rest.get(segment, 0.0)
            names = rows["end_item"].to_list()
            count = len(names) + more.get(segment, 0)
            listed = ", ".join(names[:3]) + (", …" if count > min(3, len(names)) else "")
            own = "its own demand" if names == [self.item] and count == 1 else ""
            through = own or f"{count} end item{'s' if count > 1 else ''} ({listed})"
            parts.append((-units, f"{100 * units / self.units:.0f} % {segment} through {through}"))
        return "; ".join(text for _, text in sorted(parts))


def explain(mix: Mix, item: str, site: str = ANY_SITE, top: int = 5) -> Explanation:
    """Through which end items each segment reaches an item (at one site, or with "*" the item as a whole).

    Walks from the item to its parents: calls(p) = Σ over links p → c of factor × (calls(c) + [c is the item]); an end
    item with own demand d contributes d × calls (+ d itself if it is the item). One pass over the links, made on
    request. The contributions sum to the item's row in `Mix.frame()`.
    """
    if top < 1:
        raise ValueError("top must be at least 1: the number of end items to list per segment")
    network = mix.network
    nodes = network.nodes_of(item, site)
    target = np.zeros(network.node_count, np.bool_)
    target[nodes] = True
    calls, paths, main = reach_up(network.order, network.reached, target, site == ANY_SITE)
    own_calls = calls + target
    node, segment = np.nonzero((mix.own > 0) & (own_calls > 0)[:, None])
    units = mix.own[node, segment] * own_calls[node]
    total = float(units.sum())
    rows = pl.DataFrame({
        "node": node,
        "segment": pl.Series(list(mix.segments), dtype=pl.String).gather(segment),
        "end_item": network.items.gather(network.item[node]),
        "units": units,
        "paths": (paths + target)[node].astype(np.int64),
    }).sort("segment", "end_item", "units", "node", descending=[False, False, True, False])  # fmt: skip
    rows = rows.group_by("segment", "end_item", maintain_order=True).agg(
        pl.col("node").first(), pl.col("units").sum(), pl.col("paths").sum()
    )
    rows = rows.sort("segment", "units", "end_item", descending=[False, True, False])
    place = pl.int_range(pl.len()).over("segment")
    others = rows.filter(place >= top).group_by("segment", maintain_order=True)
    kept = rows.filter(place < top)
    ways = [_path(network, int(start), target, main) for start in kept["node"]]
    contributions = kept.with_columns(
        share=pl.col("units") / total if total else pl.lit(0.0), main_path=pl.Series(ways, dtype=pl.String)
    )
    return Explanation(
        item, site, total, contributions.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items()),
        others.agg(pl.col("units").sum(), pl.len().alias("end_items")),
    )  # fmt: skip


def _path(network: Network, start: int, target: NDArray[np.bool_], main: NDArray[np.int64]) -> str:
    walk, node = [network.label(start)], start
    while not target[node] and main[node] >= 0:
        node = int(network.reached.to[main[node]])
        walk.append(network.label(node))
    return " → ".join(walk)
