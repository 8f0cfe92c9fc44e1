"""From a twin's columns to what the compiled loops take: parts apart, downstream first, everything numbered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.engine.twin import layout
from tierwise.engine.twin.layout import Floats, Ints
from tierwise.engine.twin.model import Twin
from tierwise.engine.twin.spread import Spread


@dataclass(frozen=True, slots=True)
class Prepared:
    """``net`` sorted, and for each kind the original row of each sorted one."""

    net: layout.Net
    stocks: Ints
    lanes: Ints
    demands: Ints
    capacities: Ints


def prepare(twin: Twin) -> Prepared:
    """ValueError for lanes in a circle."""
    stocks, lanes, demands = twin.stocks, twin.lanes, twin.demands
    part, depth = _parts(twin), _depth(twin)
    node_order = np.lexsort((depth, part))
    position = np.empty(stocks.rows, dtype=np.int64)
    position[node_order] = np.arange(stocks.rows)
    parts, renumbered = np.unique(part, return_inverse=True)
    part = renumbered.astype(np.int64)
    count = len(parts)
    lane_order = np.argsort(position[lanes.to], kind="stable")
    lane_place = np.empty(lanes.rows, dtype=np.int64)
    lane_place[lane_order] = np.arange(lanes.rows)
    demand_order = np.argsort(position[demands.stock], kind="stable")
    capacity_part = np.full(twin.capacities.rows, -1, dtype=np.int64)
    limited = lanes.capacity >= 0
    capacity_part[lanes.capacity[limited]] = part[lanes.to[limited]]
    capacity_order = np.lexsort((np.arange(twin.capacities.rows), capacity_part))
    capacity_order = capacity_order[capacity_part[capacity_order] >= 0]
    # One entry more, so that −1 (no capacity) stays −1.
    capacity_place = np.full(twin.capacities.rows + 1, -1, dtype=np.int64)
    capacity_place[capacity_order] = np.arange(capacity_order.size)
    outage_rows, lane_outage, capacity_outage, outage_part = _outages(twin, part, capacity_part)

    pool = _Pool()
    takers, takers_at = _takers(twin, position, lane_place, demand_order)
    lanes_at = _starts(position[lanes.to], stocks.rows)
    plan = pool.add(stocks.plan, layout.PLAN, node_order)
    lane_rows = {
        "lead": pool.add(lanes.lead_time, layout.LEAD, lane_order),
        "usable": pool.add(lanes.usable, layout.YIELD, lane_order),
        "kept": pool.add(lanes.kept, layout.KEPT, lane_order),
        "first_part": pool.add(lanes.first_part, layout.PART, lane_order),
    }
    amount = pool.add(demands.amount, layout.DEMAND, demand_order)
    offered = pool.add(twin.capacities.amount, layout.CAPACITY, capacity_order)
    up, length = (
        pool.add(spread, purpose, outage_rows)
        for spread, purpose in ((twin.outages.up, layout.UP), (twin.outages.length, layout.DOWN))
    )
    slots = _most(lanes.longest + lanes.rest_after, part[lanes.to], count) + 1
    memory = _most(lanes.promised, part[lanes.to], count) + 1
    cuts = ((lanes.kept.kind != layout.CONSTANT) | (lanes.kept.number[:, 0] != 1))[lane_order]
    lane_part = part[lanes.to][lane_order]
    windows = np.where(stocks.codes == layout.FORECAST, stocks.window, 1)[node_order]
    judged = np.where(lanes.promised >= 0, memory[part[lanes.to]], 0)[lane_order]
    room = _Room(count)
    node_at = room.vectors(part[node_order], {"stock": 1, "open": 1, "recent": 1, "seen": windows, "sums": 8})
    lane_at = room.vectors(
        lane_part,
        dict.fromkeys(("queue", "line", "unfilled", "fresh", "dock", "early", "last"), 1)
        | {"arriving": slots[lane_part], "cancelled": np.where(cuts, slots[lane_part], 0), "due": judged, "sums": 9},
    )
    demand_at = room.vectors(part[demands.stock][demand_order], {"backlog": 1, "new": 1, "sums": 6})
    capacity_at = room.vectors(capacity_part[capacity_order], {"sums": 3})
    outage_at = room.vectors(outage_part, {"down": 1, "rest": 1})

    nodes = layout.records(
        layout.NODE, stocks.rows, level=stocks.level[node_order], up_to=stocks.up_to[node_order],
        lot=stocks.lot[node_order], start=stocks.on_hand[node_order], cover=stocks.cover[node_order],
        holding=stocks.holding_cost[node_order], policy=stocks.codes[node_order], review=stocks.review[node_order],
        phase=stocks.first_review[node_order], window=stocks.window[node_order], plan=plan,
        lanes_from=lanes_at[:-1], lanes_to=lanes_at[1:], takers_from=takers_at[:-1], takers_to=takers_at[1:],
        kit=stocks.kit[node_order], **node_at,
    )  # fmt: skip
    same = ("load", "share", "per", "per_unit", "minimum", "multiple", "expedite_to", "longest", "rest_after",
            "promised", "in_turn", "quick")  # fmt: skip
    ways = layout.records(
        layout.LANE, lanes.rows, to=position[lanes.to][lane_order],
        source=np.where(lanes.source >= 0, position[lanes.source], -1)[lane_order],
        capacity=capacity_place[lanes.capacity][lane_order], outage=lane_outage[lane_order],
        ahead=np.ceil(lanes.lead_time.mean - 1e-9)[lane_order], cuts=cuts, **lane_rows, **lane_at,
        **{name: getattr(lanes, name)[lane_order] for name in same},
    )  # fmt: skip
    asked = layout.records(
        layout.DEMAND_ROW, demands.rows, waits=demands.waits[demand_order],
        waiting_cost=demands.waiting_cost[demand_order], lost_cost=demands.lost_cost[demand_order],
        amount=amount, season=demands.season[demand_order], **demand_at,
    )  # fmt: skip
    users, users_at = _users(twin, capacity_place, lane_place, capacity_order.size)
    capacities = layout.records(
        layout.CAPACITY_ROW, capacity_order.size, amount=offered, outage=capacity_outage[capacity_order],
        users_from=users_at[:-1], users_to=users_at[1:], **capacity_at,
    )  # fmt: skip
    outages = layout.records(
        layout.OUTAGE, outage_rows.size, left=twin.outages.left[outage_rows], up=up, length=length, **outage_at
    )
    begins = layout.records(
        layout.PART_ROW, count + 1, node=_starts(part, count), lane=_starts(part[lanes.to], count),
        demand=_starts(part[demands.stock], count), capacity=_starts(capacity_part[capacity_order], count),
        outage=_starts(outage_part, count), slots=slots, memory=memory, size=np.append(room.size, 0),
    )  # fmt: skip
    net = layout.Net(*pool.packed(), nodes, ways, asked, takers, capacities, users, outages, begins, twin.seasons)
    return Prepared(net, node_order, lane_order, demand_order, capacity_order)


class _Room:
    """Deals out the memory of each part."""

    def __init__(self, parts: int) -> None:
        self.size = np.full(parts, layout.SCRATCH, dtype=np.int64)

    def vectors(self, part: Ints, widths: dict[str, int | Ints]) -> dict[str, Ints]:
        """Where the vectors of rows sorted by part begin, so many per name and row."""
        each = {name: np.broadcast_to(np.asarray(width), part.shape) for name, width in widths.items()}
        rows = layout.WIDTH * sum(each.values(), start=np.zeros(part.size, dtype=np.int64))
        before = np.cumsum(rows) - rows
        begins = _starts(part, self.size.size)
        filled = np.flatnonzero(np.diff(begins))
        own = np.zeros(self.size.size, dtype=np.int64)
        own[filled] = before[begins[filled]]
        at = self.size[part] + before - own[part]
        places = {}
        for name, width in each.items():
            places[name] = at
            at = at + layout.WIDTH * width
        self.size = self.size + np.bincount(part, weights=rows, minlength=self.size.size).astype(np.int64)
        return places


class _Pool:
    """All random quantities below each other; a row keeps its original number as its address."""

    def __init__(self) -> None:
        self._spreads: list[Spread] = []
        self._streams: list[Ints] = []
        self._rows = 0

    def add(self, spread: Spread, purpose: int, rows: Ints) -> Ints:
        self._spreads.append(spread.take(rows))
        self._streams.append(np.column_stack([np.full(rows.size, purpose), rows]).astype(np.int64))
        first = self._rows
        self._rows += rows.size
        return np.arange(first, self._rows, dtype=np.int64)

    def packed(self) -> tuple[layout.Records, Floats]:
        whole, stream = Spread.join(self._spreads), np.concatenate(self._streams)
        a, b, low, high = whole.number.T
        at, length, guide_at, _ = whole.table.T
        size = whole.values.size
        table = layout.records(
            layout.SPREAD, len(whole), a=a, b=b, low=low, high=high, kind=whole.kind, at=at, below_at=at + size,
            length=length, guide_at=guide_at + 2 * size, purpose=stream[:, 0], row=stream[:, 1],
        )  # fmt: skip
        return table, np.concatenate([whole.values, whole.below, whole.guide.astype(np.float64)])


def _starts(keys: Ints, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count))]).astype(np.int64)


def _most(values: Ints, keys: Ints, count: int) -> Ints:
    most = np.zeros(count + 1, dtype=np.int64)
    np.maximum.at(most, keys, values)
    return most


def _parts(twin: Twin) -> Ints:
    """The smallest stock each is joined with, through lanes and shared capacity."""
    lanes, size = twin.lanes, twin.stocks.rows
    inner, limited = lanes.source >= 0, lanes.capacity >= 0
    left = np.concatenate([lanes.source[inner], size + lanes.capacity[limited]])
    right = np.concatenate([lanes.to[inner], lanes.to[limited]])
    label = np.arange(size + twin.capacities.rows)
    while True:
        before = label.copy()
        least = np.minimum(label[left], label[right])
        np.minimum.at(label, left, least)
        np.minimum.at(label, right, least)
        label = label[label]
        if np.array_equal(before, label):
            return label[:size].astype(np.int64)


def _depth(twin: Twin) -> Ints:
    """Steps to the customer's end: a stock stands above all it supplies."""
    lanes, size = twin.lanes, twin.stocks.rows
    inner = np.flatnonzero(lanes.source >= 0)
    depth, waits_for = np.zeros(size, dtype=np.int64), np.bincount(lanes.source[inner], minlength=size)
    by_target = inner[np.argsort(lanes.to[inner], kind="stable")]
    starts = _starts(lanes.to[inner], size)
    ready, done = np.flatnonzero(waits_for == 0), 0
    while ready.size:
        done += ready.size
        length = starts[ready + 1] - starts[ready]
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        used = by_target[np.repeat(starts[ready], length) + within]
        sources = lanes.source[used]
        np.maximum.at(depth, sources, depth[lanes.to[used]] + 1)
        np.subtract.at(waits_for, sources, 1)
        touched = np.unique(sources)
        ready = touched[waits_for[touched] == 0]
    if done < size:
        raise ValueError("lanes: run in a circle; a stock cannot, over others, supply itself")
    return depth


def _outages(twin: Twin, part: Ints, capacity_part: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """A copy of each outage for every part it touches: its course comes from its address and is the same in all."""
    lanes, capacities, many = twin.lanes, twin.capacities, max(twin.outages.rows, 1)
    hit_lane, hit_capacity = lanes.outage >= 0, (capacities.outage >= 0) & (capacity_part >= 0)
    keys = np.concatenate(
        [
            part[lanes.to[hit_lane]] * many + lanes.outage[hit_lane],
            capacity_part[hit_capacity] * many + capacities.outage[hit_capacity],
        ]
    )
    distinct, place = np.unique(keys, return_inverse=True)
    lane_outage, capacity_outage = np.full(lanes.rows, -1), np.full(capacities.rows, -1)
    lane_outage[hit_lane] = place[: hit_lane.sum()]
    capacity_outage[hit_capacity] = place[hit_lane.sum() :]
    return (
        (distinct % many).astype(np.int64), lane_outage.astype(np.int64), capacity_outage.astype(np.int64),
        (distinct // many).astype(np.int64),
    )  # fmt: skip


def _takers(twin: Twin, position: Ints, lane_place: Ints, demand_order: Ints) -> tuple[layout.Records, Ints]:
    lanes, demands = twin.lanes, twin.demands
    inner = np.flatnonzero(lanes.source >= 0)
    stock = np.concatenate([position[demands.stock[demand_order]], position[lanes.source[inner]]])
    demand = np.concatenate([np.arange(demands.rows), np.full(inner.size, -1)])
    lane = np.concatenate([np.full(demands.rows, -1), lane_place[inner]])
    rank = np.concatenate([demands.rank[demand_order], lanes.rank[inner]])
    reserve: Floats = np.concatenate([demands.reserve[demand_order], np.zeros(inner.size)])
    order = np.lexsort((lane, demand, reserve, rank, stock))
    table = layout.records(
        layout.TAKER, order.size, reserve=reserve[order], demand=demand[order], lane=lane[order],
        group_end=_group_ends(stock[order], rank[order], reserve[order]),
    )  # fmt: skip
    return table, _starts(stock, twin.stocks.rows)


def _group_ends(*keys: Floats | Ints) -> Ints:
    """Where the run of equal keys each row belongs to ends."""
    new = np.ones(keys[0].size, dtype=np.bool_)
    new[1:] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    begins = np.append(np.flatnonzero(new), new.size)
    return np.repeat(begins[1:], np.diff(begins)).astype(np.int64)


def _users(twin: Twin, place: Ints, lane_place: Ints, count: int) -> tuple[layout.Records, Ints]:
    lanes = twin.lanes
    limited = np.flatnonzero(lanes.capacity >= 0)
    capacity = place[lanes.capacity[limited]]
    by_rank = np.lexsort((lane_place[limited], lanes.rank[limited], capacity))
    users, capacity = limited[by_rank], capacity[by_rank]
    ends = _group_ends(capacity, lanes.rank[users])
    return layout.records(layout.USER, users.size, lane=lane_place[users], group_end=ends), _starts(capacity, count)
