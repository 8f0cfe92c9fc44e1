"""Stock at every month's end, kept from receipts and needs."""

from __future__ import annotations

import numpy as np
import polars as pl

from tierwise.demo.delivery import Deliveries
from tierwise.demo.frames import Floats, Ints, conform, pick, stream
from tierwise.demo.network import RECEIVING, Network
from tierwise.demo.products import Level, Products
from tierwise.demo.span import Span

SAFETY_WEEKS = 2.0
CENTRES = ("W500", "W600", "W700")
CENTRE_SHARE = (0.5, 0.3, 0.2)


def snapshots(deliveries: Deliveries, network: Network, products: Products, flows: tuple[Floats, Floats],
              world: tuple[Span, int]) -> pl.DataFrame:  # fmt: skip
    """``flows`` are the needs (site × item × week) and customers' demand (item × week); one row per place and month."""
    need, units = flows
    span, seed = world
    days = span.month_starts() - 1
    parts = [_received(deliveries, network, need, span), _blocked(deliveries, network, span),
             _travelling(deliveries, network, span), _finished(products, units, span, seed)]  # fmt: skip
    rows = pl.concat(parts).filter(pl.col("quantity") > 0).sort("kind", "site", "item", "month")
    kinds = ["unrestricted", "blocked", "in_transit"]
    kind = rows["kind"].to_numpy()
    sites = [*RECEIVING, *CENTRES[1:]]
    return conform("stock", {
        "item": pick(products.codes, rows["item"].to_numpy()),
        "site": pick(sites, rows["site"].to_numpy()),
        "place": pick(["MAIN", "QUALITY", "*"], kind),
        "kind": pick(kinds, kind),
        "counted_on": days[rows["month"].to_numpy()],
        "quantity": rows["quantity"],
        "unit": pick(products.item["unit"].to_list(), rows["item"].to_numpy()),
    })  # fmt: skip


def _rows(grid: Floats, kind: int, nodes: tuple[Ints, Ints]) -> pl.DataFrame:
    """``grid`` is node × month; ``nodes`` are site and item of each node."""
    node, month = np.nonzero(grid > 0)
    site, item = nodes
    return pl.DataFrame({"site": site[node], "item": item[node], "month": month.astype(np.int64),
                         "kind": np.full(node.size, kind), "quantity": np.floor(grid[node, month])})  # fmt: skip


def _received(deliveries: Deliveries, network: Network, need: Floats, span: Span) -> pl.DataFrame:
    """Opening stock is what keeps the worst week above zero, and some safety."""
    flow = np.zeros_like(need)
    week = (deliveries.posted - span.first).astype(np.int64) // 7
    inside = (week >= 0) & (week < span.weeks)
    where = network.site[deliveries.lane], network.item[deliveries.lane], np.clip(week, 0, span.weeks - 1)
    np.add.at(flow, where, np.where(inside, deliveries.quantity - deliveries.rejected, 0.0))
    bought = np.zeros(need.shape[:2], dtype=np.bool_)
    bought[network.site, network.item] = True
    site, item = np.nonzero(bought)
    change = (flow - need)[site, item, : span.history]
    level = np.cumsum(change, axis=1)
    safety = SAFETY_WEEKS * need[site, item].mean(axis=1)
    opening = np.maximum(-level.min(axis=1), 0.0) + np.ceil(safety)
    month_week = np.clip((span.month_starts() - 1 - span.first).astype(np.int64) // 7, 0, span.history - 1)
    return _rows((opening[:, None] + level)[:, month_week], 0, (site, item))


def _blocked(deliveries: Deliveries, network: Network, span: Span) -> pl.DataFrame:
    """Refused goods lie in the quality store for thirty days."""
    rows = np.flatnonzero(deliveries.rejected > 0)
    return _lying(deliveries.posted[rows], deliveries.posted[rows] + 30, deliveries.rejected[rows],
                  deliveries.lane[rows], (network, span, 1))  # fmt: skip


def _travelling(deliveries: Deliveries, network: Network, span: Span) -> pl.DataFrame:
    """Goods that are ours already and have not arrived."""
    rows = np.flatnonzero(deliveries.arrived > deliveries.handed_over)
    return _lying(deliveries.handed_over[rows], deliveries.arrived[rows], deliveries.quantity[rows],
                  deliveries.lane[rows], (network, span, 2))  # fmt: skip


def _lying(start: np.ndarray[tuple[int], np.dtype[np.datetime64]], end: np.ndarray[tuple[int], np.dtype[np.datetime64]],
           quantity: Floats, lane: Ints, world: tuple[Network, Span, int]) -> pl.DataFrame:  # fmt: skip
    network, span, kind = world
    days = span.month_starts() - 1
    there = (start[:, None] <= days[None, :]) & (days[None, :] < end[:, None])
    row, month = np.nonzero(there)
    frame = pl.DataFrame({
        "site": network.site[lane[row]], "item": network.item[lane[row]], "month": month.astype(np.int64),
        "kind": np.full(row.size, kind), "quantity": quantity[row],
    })  # fmt: skip
    key = ["site", "item", "month", "kind"]
    return frame.group_by(key).agg(pl.col("quantity").sum()).sort(key)


def _finished(products: Products, units: Floats, span: Span, seed: int) -> pl.DataFrame:
    """What is made lies in the distribution centres: some weeks of the demand to come."""
    rng = stream(seed, "stock")
    made = np.flatnonzero(products.sold & np.isin(products.level, (Level.FINISHED, Level.MODULE)))
    week = np.clip((span.month_starts() - 1 - span.first).astype(np.int64) // 7, 0, span.history - 1)
    total = np.cumsum(np.concatenate([np.zeros((units.shape[0], 1)), units], axis=1), axis=1)
    coming = (total[:, week + 7] - total[:, week + 1])[made]
    parts = []
    for place, share in enumerate(CENTRE_SHARE):
        cover = rng.lognormal(-0.3, 0.5, coming.shape)
        nodes = np.full(made.size, RECEIVING.index("W500") + place), made
        parts.append(_rows(np.ceil(coming * cover * share), 0, nodes))
    return pl.concat(parts)
