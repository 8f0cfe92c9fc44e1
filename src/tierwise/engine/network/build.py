"""From demand, bills and movements to a network that demand can be carried through."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tierwise.engine.network.kernels import ELSEWHERE, Arcs, Bills, Reached, discover, topological_order
from tierwise.engine.network.rows import ANY_SITE, arc_factors, bill_factors, require_columns

NO_ARCS = pl.DataFrame(schema={"item": pl.String, "from_site": pl.String, "to_site": pl.String})
NO_BOM = pl.DataFrame(schema={"parent": pl.String, "component": pl.String, "quantity_per": pl.Float64})


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes (item × site) that some demand reaches, their links, and an order with parents before components.

    `items` and `sites` are sorted codes, site 0 is "*" (no site named). Per node: `item`, `site` (codes), `phantom`
    (built in passing, never stocked), `level` (longest way from an end item, the low-level code of MRP). `reached`
    holds the links; `order` lists the nodes, parents first.
    """

    items: pl.Series
    sites: pl.Series
    item: NDArray[np.int32]
    site: NDArray[np.int32]
    phantom: NDArray[np.bool_]
    level: NDArray[np.int32]
    order: NDArray[np.int32]
    reached: Reached = field(repr=False)
    _by_key: NDArray[np.int64] = field(repr=False)

    @property
    def node_count(self) -> int:
        return self.item.size

    @property
    def link_count(self) -> int:
        return self.reached.to.size

    def nodes_of(self, item: str, site: str = ANY_SITE) -> NDArray[np.int64]:
        """Stocked nodes of an item, at one site or (with "*") at all; empty when no demand reaches it."""
        at = _code(self.items, item)
        mask = (self.item == at) & ~self.phantom
        if site != ANY_SITE:
            mask &= self.site == _code(self.sites, site)
        return np.flatnonzero(mask)

    def rows_of(self, demand: pl.DataFrame) -> NDArray[np.int64]:
        """Node of each row of `demand` [item, site]; raises if the network was not built for it."""
        keys = _node_keys(demand, self.items, self.sites)
        at = np.searchsorted(self.reached.key[self._by_key], keys)
        nodes = self._by_key[np.minimum(at, self.node_count - 1)] if self.node_count else np.empty(0, np.int64)
        if keys.size and not (self.node_count and bool((self.reached.key[nodes] == keys).all())):
            raise ValueError(
                "demand names an item at a site that the network was not built for; build it for this demand"
            )
        return nodes

    def label(self, node: int) -> str:
        name = str(self.items[int(self.item[node])])
        return name if self.site[node] == 0 else f"{name}@{self.sites[int(self.site[node])]}"


def build_network(demand: pl.DataFrame, bom: pl.DataFrame = NO_BOM, arcs: pl.DataFrame = NO_ARCS) -> Network:
    """Every node that the demand reaches through bills of material and movements, checked for cycles.

    `demand` [item, site]; `bom` and `arcs` as the tables `bill_of_material` and `arc`, already narrowed to one day
    (`rows_valid_on`); columns with a default may be missing.

    Which bill holds at a node: rows that name its site replace the "*" rows of the same component, all other "*" rows
    hold too. Demand that names no site uses the "*" rows; a component with rows for named sites only counts with the
    mean over the sites that the parent's rows name. A row for a named site never holds at another one.

    Movements: the share of a node's need that arrives from other sites becomes need there (÷ yield); only the rest is
    made on the spot from the bill. Phantoms are passed through where their parent is built.

    Raises ValueError: missing columns, numbers out of range, shares above 1, or a cycle (one is listed by its codes).
    """
    require_columns(demand, "demand", ("item",))
    demand = demand.select("item", site_of(demand)).unique()
    bill_rows, arc_rows = bill_factors(bom), arc_factors(arcs)
    items = _codes(demand["item"], bill_rows["parent"], bill_rows["component"], arc_rows["item"])
    named = _codes(demand["site"], bill_rows["site"], arc_rows["from_site"], arc_rows["to_site"])
    sites = pl.concat([pl.Series("code", [ANY_SITE]), named.filter(named != ANY_SITE)])
    starts = np.unique(_node_keys(demand, items, sites))
    reached = discover(starts, len(sites), _bills(bill_rows, items, sites), _arcs(arc_rows, items, sites))
    order, level, done = topological_order(reached.first, reached.to)
    pair = reached.key // 2
    network = Network(
        items=items,
        sites=sites,
        item=(pair // len(sites)).astype(np.int32),
        site=(pair % len(sites)).astype(np.int32),
        phantom=(reached.key % 2).astype(np.bool_),
        level=level,
        order=order,
        reached=reached,
        _by_key=np.argsort(reached.key),
    )
    if done < network.node_count:
        cycle = " → ".join(network.label(node) for node in _one_cycle(network, order[:done]))
        raise ValueError(f"bom or arcs run in a circle: {cycle}; end one of these rows or set its share to 0")
    return network


def site_of(frame: pl.DataFrame) -> pl.Expr:
    """The column `site`, "*" where it is empty or missing."""
    return pl.col("site").fill_null(ANY_SITE) if "site" in frame.columns else pl.lit(ANY_SITE).alias("site")


def _codes(*columns: pl.Series) -> pl.Series:
    return pl.concat([column.cast(pl.String).rename("code") for column in columns]).drop_nulls().unique().sort()


def _code(codes: pl.Series, code: str) -> int:
    at = codes.index_of(code)
    return -1 if at is None else int(at)


def _encoded(column: pl.Series, codes: pl.Series) -> NDArray[np.int32]:
    """Position of each code in `codes`, −1 where it is not there."""
    table = pl.DataFrame({"code": codes, "at": pl.int_range(len(codes), dtype=pl.Int32, eager=True)})
    found = column.cast(pl.String).rename("code").to_frame().join(table, on="code", how="left", maintain_order="left")
    return found["at"].fill_null(-1).to_numpy()


def _node_keys(demand: pl.DataFrame, items: pl.Series, sites: pl.Series) -> NDArray[np.int64]:
    item, site = _encoded(demand["item"], items), _encoded(demand["site"], sites)
    return np.where((item < 0) | (site < 0), -2, (item.astype(np.int64) * len(sites) + site) * 2)


def _starts(groups: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    return np.searchsorted(groups, np.arange(count + 1)).astype(np.int64)


def _bills(rows: pl.DataFrame, items: pl.Series, sites: pl.Series) -> Bills:
    coded = pl.DataFrame({
        "parent": _encoded(rows["parent"], items),
        "site": _encoded(rows["site"], sites),
        "component": _encoded(rows["component"], items),
        "phantom": rows["phantom"].cast(pl.Boolean),
        "factor": rows["factor"],
    })  # fmt: skip
    general, named = coded.filter(pl.col("site") == 0), coded.filter(pl.col("site") > 0)
    elsewhere = general.with_columns(pl.lit(ELSEWHERE, pl.Int32).alias("site"))
    per_site = named.select("parent", "site").unique()
    inherited = general.drop("site").join(per_site, on="parent", maintain_order="left").select(coded.columns)
    inherited = inherited.join(named, on=["parent", "component", "site"], how="anti", maintain_order="left")
    sites_named = per_site.group_by("parent").agg(pl.len().alias("sites"))
    unplaced = (
        named.join(general, on=["parent", "component"], how="anti", maintain_order="left")
        .join(sites_named, on="parent", maintain_order="left")
        .with_columns(pl.lit(0, pl.Int32).alias("site"), pl.col("factor") / pl.col("sites"))
        .select(coded.columns)
    )
    general_unplaced = general.join(sites_named, on="parent", how="semi", maintain_order="left")
    key = ["parent", "site", "component", "phantom"]
    bills = pl.concat([elsewhere, named, inherited, unplaced, general_unplaced]).sort(*key, "factor")
    bills = bills.group_by(key, maintain_order=True).agg(pl.col("factor").sum())
    heads = bills.select("parent", "site").with_row_index("row").unique(["parent", "site"], keep="first").sort("row")
    return Bills(
        first=_starts(heads["parent"].to_numpy(), len(items)),
        site=heads["site"].to_numpy().copy(),
        rows=np.append(heads["row"].to_numpy(), bills.height).astype(np.int64),
        component=bills["component"].to_numpy().copy(),
        phantom=bills["phantom"].to_numpy().copy(),
        factor=bills["factor"].to_numpy().copy(),
    )


def _arcs(rows: pl.DataFrame, items: pl.Series, sites: pl.Series) -> Arcs:
    coded = pl.DataFrame({
        "item": _encoded(rows["item"], items),
        "to_site": _encoded(rows["to_site"], sites),
        "from_site": _encoded(rows["from_site"], sites),
        "share": rows["share"],
        "factor": rows["factor"],
    }).sort("item", "to_site", "from_site")  # fmt: skip
    columns = [coded[name].to_numpy().copy() for name in ("to_site", "from_site", "share", "factor")]
    return Arcs(_starts(coded["item"].to_numpy(), len(items)), *columns)


def _one_cycle(network: Network, ordered: NDArray[np.int32]) -> list[int]:
    """Every node left over has a parent that is left over: going up from any of them must come round."""
    left = np.ones(network.node_count, np.bool_)
    left[ordered] = False
    source = np.repeat(np.arange(network.node_count), np.diff(network.reached.first))
    inside = left[source] & left[network.reached.to]
    parent = dict(zip(network.reached.to[inside].tolist(), source[inside].tolist(), strict=True))
    walk = [int(np.flatnonzero(left)[0])]
    while (above := parent[walk[-1]]) not in walk:
        walk.append(above)
    cycle = walk[walk.index(above) :]
    return [above, *reversed(cycle)]
