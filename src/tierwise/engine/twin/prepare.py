"""From a twin's columns to what the compiled loops take: parts apart, downstream first, everything numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.twin import layout
from tierwise.engine.twin.layout import Bools, Floats, Ints
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
    order, pool = _Order(twin), _Pool()
    room = _Room(order.count)
    takers, takers_at = _takers(twin, order)
    nodes = _nodes(twin, order, pool, room, takers_at)
    lanes = _lanes(twin, order, pool, room)
    demands = layout.records(
        layout.DEMAND_ROW, twin.demands.rows, waits=twin.demands.waits[order.demands],
        waiting_cost=twin.demands.waiting_cost[order.demands], lost_cost=twin.demands.lost_cost[order.demands],
        amount=pool.add(twin.demands.amount, layout.DEMAND, order.demands), season=twin.demands.season[order.demands],
    )  # fmt: skip
    users, users_at = _users(twin, order)
    capacities = layout.records(
        layout.CAPACITY_ROW, order.capacities.size, outage=order.capacity_outage[order.capacities],
        amount=pool.add(twin.capacities.amount, layout.CAPACITY, order.capacities),
        users_from=users_at[:-1], users_to=users_at[1:],
    )  # fmt: skip
    outages = layout.records(
        layout.OUTAGE, order.outages.size, left=twin.outages.left[order.outages],
        up=pool.add(twin.outages.up, layout.UP, order.outages),
        length=pool.add(twin.outages.length, layout.DOWN, order.outages),
    )  # fmt: skip
    count = order.count
    begins = layout.records(
        layout.PART_ROW, count + 1, node=_starts(order.part, count), lane=_starts(order.lane_part, count),
        demand=_starts(order.demand_part, count),
        capacity=_starts(order.capacity_part[order.capacities], count), outage=_starts(order.outage_part, count),
        slots=order.slots, memory=order.memory, size=np.append(room.size, 0),
    )  # fmt: skip
    net = layout.Net(*pool.packed(), nodes, lanes, demands, takers, capacities, users, outages, begins, twin.seasons)
    return Prepared(net, order.stocks, order.lanes, order.demands, order.capacities)


class _Order:
    """Where everything stands once sorted: rows in their new order, and the part each belongs to."""

    def __init__(self, twin: Twin) -> None:
        lanes, capacities = twin.lanes, twin.capacities
        part, depth = _parts(twin), _depth(twin)
        self.stocks: Ints = np.lexsort((depth, part))
        self.position = _places(self.stocks)
        distinct, renumbered = np.unique(part, return_inverse=True)
        self.part, self.count = renumbered.astype(np.int64), len(distinct)
        self.lanes: Ints = np.argsort(self.position[lanes.to], kind="stable")
        self.lane_place, self.lane_part = _places(self.lanes), self.part[lanes.to][self.lanes]
        self.demands: Ints = np.argsort(self.position[twin.demands.stock], kind="stable")
        self.demand_part = self.part[twin.demands.stock][self.demands]
        limited = lanes.capacity >= 0
        self.capacity_part: Ints = np.full(capacities.rows, -1, dtype=np.int64)
        self.capacity_part[lanes.capacity[limited]] = self.part[lanes.to[limited]]
        by_part = np.lexsort((np.arange(capacities.rows), self.capacity_part))
        self.capacities: Ints = by_part[self.capacity_part[by_part] >= 0]
        # One entry more, so that −1 (no capacity) stays −1.
        self.capacity_place: Ints = np.full(capacities.rows + 1, -1, dtype=np.int64)
        self.capacity_place[self.capacities] = np.arange(self.capacities.size)
        self.outages, self.lane_outage, self.capacity_outage, self.outage_part = _outages(
            twin, self.part, self.capacity_part
        )
        to = self.part[lanes.to]
        self.slots = _most(lanes.latest + lanes.rest_after, to, self.count) + 1
        self.memory = _most(lanes.promised, to, self.count) + 1


def _nodes(twin: Twin, order: _Order, pool: _Pool, room: _Room, takers_at: Ints) -> layout.Records:
    stocks, by = twin.stocks, order.stocks
    lanes_at = _starts(order.position[twin.lanes.to], stocks.rows)
    lanes, to = twin.lanes, twin.lanes.to
    plain = (lanes.share == 1) & (lanes.minimum == 0) & (lanes.multiple == 0) & ~lanes.quick & _straight(twin)
    lean = (stocks.codes == layout.BASE_STOCK) & (stocks.review == 1) & (stocks.first_review == 0)
    lean &= (np.bincount(to, minlength=stocks.rows) == 1) & (np.bincount(to, plain, minlength=stocks.rows) == 1)
    windows = np.where(stocks.codes == layout.FORECAST, stocks.window, 1)[by]
    return layout.records(
        layout.NODE, stocks.rows, level=stocks.level[by], up_to=stocks.up_to[by], lot=stocks.lot[by],
        start=stocks.start[by], cover=stocks.cover[by], holding=stocks.holding_cost[by], policy=stocks.codes[by],
        review=stocks.review[by], phase=stocks.first_review[by], window=windows, kit=stocks.kit[by],
        lean=lean[by] & (np.diff(takers_at) == 1),
        plan=pool.add(stocks.plan, layout.PLAN, by), lanes_from=lanes_at[:-1], lanes_to=lanes_at[1:],
        takers_from=takers_at[:-1], takers_to=takers_at[1:],
        **room.vectors(order.part[by], {"seen": windows}),
    )  # fmt: skip


def _varies(share: Spread) -> Bools:
    return np.asarray((share.kind != layout.CONSTANT) | (share.number[:, 0] != 1))


def _straight(twin: Twin) -> Bools:
    """Lanes on which all that was ordered arrives and nothing was promised, one unit a piece."""
    lanes = twin.lanes
    plain = (lanes.per == 1) & (lanes.promised < 0) & ~twin.stocks.kit[lanes.to]
    return np.asarray(plain & ~_varies(lanes.kept) & ~_varies(lanes.usable))


def _lanes(twin: Twin, order: _Order, pool: _Pool, room: _Room) -> layout.Records:
    lanes, by = twin.lanes, order.lanes
    cuts, parted, spoils = (_varies(share)[by] for share in (lanes.kept, lanes.first_part, lanes.usable))
    fixed = (lanes.lead_time.kind == layout.CONSTANT) & (lanes.per_unit == 0) & ~lanes.in_turn
    fixed &= (lanes.capacity < 0) & (lanes.outage < 0)
    fixed &= lanes.lead_time.number[:, 0] <= lanes.latest
    slots = order.slots[order.lane_part]
    judged = np.where(lanes.promised[by] >= 0, order.memory[order.lane_part], 0)
    widths = {"arriving": slots, "cancelled": np.where(cuts, slots, 0), "due": judged}
    same = (
        "load", "share", "per", "per_unit", "minimum", "multiple", "expedite_to", "rest_after", "promised",
        "in_turn", "quick",
    )  # fmt: skip
    return layout.records(
        layout.LANE, lanes.rows, to=order.position[lanes.to][by],
        source=np.where(lanes.source >= 0, order.position[lanes.source], -1)[by],
        capacity=order.capacity_place[lanes.capacity][by], outage=order.lane_outage[by],
        ahead=np.ceil(lanes.lead_time.mean - 1e-9)[by], longest=lanes.latest[by], cuts=cuts, parted=parted,
        sound=~spoils, simple=fixed[by] & ~cuts & ~parted, straight=_straight(twin)[by],
        lead=pool.add(lanes.lead_time, layout.LEAD, by),
        usable=pool.add(lanes.usable, layout.YIELD, by), kept=pool.add(lanes.kept, layout.KEPT, by),
        first_part=pool.add(lanes.first_part, layout.PART, by), **room.vectors(order.lane_part, widths),
        **{name: getattr(lanes, name)[by] for name in same},
    )  # fmt: skip


def _places(order: Ints) -> Ints:
    """Where each original row stands."""
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return place


class _Room:
    """Deals out the rings of each part."""

    def __init__(self, parts: int) -> None:
        self.size = np.zeros(parts, dtype=np.int64)

    def vectors(self, part: Ints, widths: Mapping[str, npt.ArrayLike]) -> dict[str, Ints]:
        """Where the vectors of rows sorted by part begin, so many per name and row."""
        each = {name: np.broadcast_to(np.asarray(width), part.shape) for name, width in widths.items()}
        rows = sum(each.values(), start=np.zeros(part.size, dtype=np.int64))
        before = np.cumsum(rows) - rows
        begins = _starts(part, self.size.size)
        filled = np.flatnonzero(np.diff(begins))
        own = np.zeros(self.size.size, dtype=np.int64)
        own[filled] = before[begins[filled]]
        at = self.size[part] + before - own[part]
        places = {}
        for name, width in each.items():
            places[name] = at
            at = at + width
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


def _takers(twin: Twin, order: _Order) -> tuple[layout.Records, Ints]:
    lanes, demands, by, position = twin.lanes, twin.demands, order.demands, order.position
    inner = np.flatnonzero(lanes.source >= 0)
    stock = np.concatenate([position[demands.stock[by]], position[lanes.source[inner]]])
    demand = np.concatenate([np.arange(demands.rows), np.full(inner.size, -1)])
    lane = np.concatenate([np.full(demands.rows, -1), order.lane_place[inner]])
    rank = np.concatenate([demands.rank[by], lanes.rank[inner]])
    reserve: Floats = np.concatenate([demands.reserve[by], np.zeros(inner.size)])
    ranked = np.lexsort((lane, demand, reserve, rank, stock))
    table = layout.records(
        layout.TAKER, ranked.size, reserve=reserve[ranked], demand=demand[ranked], lane=lane[ranked],
        group_end=_group_ends(stock[ranked], rank[ranked], reserve[ranked]),
    )  # fmt: skip
    return table, _starts(stock, twin.stocks.rows)


def _group_ends(*keys: Floats | Ints) -> Ints:
    """Where the run of equal keys each row belongs to ends."""
    new = np.ones(keys[0].size, dtype=np.bool_)
    new[1:] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    begins = np.append(np.flatnonzero(new), new.size)
    return np.repeat(begins[1:], np.diff(begins)).astype(np.int64)


def _users(twin: Twin, order: _Order) -> tuple[layout.Records, Ints]:
    lanes = twin.lanes
    limited = np.flatnonzero(lanes.capacity >= 0)
    capacity = order.capacity_place[lanes.capacity[limited]]
    by_rank = np.lexsort((order.lane_place[limited], lanes.rank[limited], capacity))
    users, capacity = limited[by_rank], capacity[by_rank]
    ends = _group_ends(capacity, lanes.rank[users])
    table = layout.records(layout.USER, users.size, lane=order.lane_place[users], group_end=ends)
    return table, _starts(capacity, order.capacities.size)
