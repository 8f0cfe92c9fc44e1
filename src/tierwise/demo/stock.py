"""Stock at every month's end, kept from receipts and needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tierwise.demo.delivery import Deliveries
from tierwise.demo.frames import Floats, Ints, conform, pick, stream
from tierwise.demo.network import RECEIVING, Network
from tierwise.demo.products import Level, Products
from tierwise.demo.span import Span

SAFETY_WEEKS = 2.0
SITES = (*RECEIVING, "W600", "W700", "T900")
CONSIGNS = "S009"
CENTRE_SHARE = (0.5, 0.3, 0.2)


@dataclass(frozen=True, slots=True)
class Flows:
    """What stock is kept from: needs (site × item × week), customers' demand (item × week) and deliveries."""

    need: Floats
    units: Floats
    deliveries: Deliveries


def snapshots(flows: Flows, network: Network, products: Products, span: Span, seed: int) -> pl.DataFrame:
    """One row per item, place, kind of stock and month's end."""
    days = span.month_starts() - 1
    parts = [_received(flows, network, span), _blocked(flows.deliveries, network, span),
             _travelling(flows.deliveries, network, span), _finished(products, flows.units, span, seed),
             _consigned(flows.need, network, span), _outside(products, flows.units, span)]  # fmt: skip
    rows = pl.concat(parts).filter(pl.col("quantity") > 0).sort("kind", "site", "item", "month")
    kind = rows["kind"].to_numpy()
    return conform("stock", {
        "item": pick(products.codes, rows["item"].to_numpy()),
        "site": pick(SITES, rows["site"].to_numpy()),
        "place": pick(["MAIN", "QUALITY", "*", "VENDOR"], kind),
        "kind": pick(["unrestricted", "blocked", "in_transit", "consignment"], kind),
        "counted_on": days[rows["month"].to_numpy()],
        "quantity": rows["quantity"],
        "unit": pick(products.item["unit"].to_list(), rows["item"].to_numpy()),
    })  # fmt: skip


def _month_weeks(span: Span) -> Ints:
    """The week in which each month ends."""
    weeks: Ints = np.clip((span.month_starts() - 1 - span.first).astype(np.int64) // 7, 0, span.history - 1)
    return weeks


def _consigned(need: Floats, network: Network, span: Span) -> pl.DataFrame:
    """One supplier keeps goods of its own at our sites: about three weeks of what we use."""
    lanes = np.flatnonzero(network.lane["supplier"].to_numpy() == CONSIGNS)
    site, item = network.site[lanes], network.item[lanes]
    week = _month_weeks(span)
    level = sum((need[site, item][:, week + ahead] for ahead in (1, 2, 3)), np.zeros((lanes.size, week.size)))
    return _rows(np.ceil(level * network.share[lanes][:, None]), 3, (site, item))


def _outside(products: Products, units: Floats, span: Span) -> pl.DataFrame:
    """Some accessories lie with the third-party store."""
    item = np.flatnonzero(products.level == Level.ACCESSORY)[::2]
    week = _month_weeks(span)
    level = np.ceil(0.4 * (units[item][:, week + 1] + units[item][:, week + 2]))
    return _rows(level, 0, (np.full(item.size, SITES.index("T900")), item))


def _rows(grid: Floats, kind: int, nodes: tuple[Ints, Ints]) -> pl.DataFrame:
    """``grid`` is node × month; ``nodes`` are site and item of each node."""
    node, month = np.nonzero(grid > 0)
    site, item = nodes
    return pl.DataFrame({"site": site[node], "item": item[node], "month": month.astype(np.int64),
                         "kind": np.full(node.size, kind), "quantity": np.floor(grid[node, month])})  # fmt: skip


def _received(flows: Flows, network: Network, span: Span) -> pl.DataFrame:
    """Opening stock is what keeps the worst week above zero, and some safety."""
    deliveries, need = flows.deliveries, flows.need
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
    month_week = _month_weeks(span)
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
    week = _month_weeks(span)
    total = np.cumsum(np.concatenate([np.zeros((units.shape[0], 1)), units], axis=1), axis=1)
    coming = (total[:, week + 7] - total[:, week + 1])[made]
    parts = []
    for place, share in enumerate(CENTRE_SHARE):
        cover = rng.lognormal(-0.3, 0.5, coming.shape)
        nodes = np.full(made.size, RECEIVING.index("W500") + place), made
        parts.append(_rows(np.ceil(coming * cover * share), 0, nodes))
    return pl.concat(parts)
