"""The simulation: a block of runs goes through time side by side, part by part of the network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tierwise.engine.twin.draw_blocks import draw
from tierwise.engine.twin.kernel import among, choose, each, entry, instead, kernel, owner
from tierwise.engine.twin.lane_kernels import allot, disturb, offer, pass_on, ready, send
from tierwise.engine.twin.layout import (
    CALL,
    FORECAST,
    IN_LINE,
    LUCK,
    NONE,
    ON_HAND,
    ON_ORDER,
    ON_WAY,
    OUT,
    PLANNED,
    SHOP,
    SLACK,
    STORE,
    TROUBLE,
    WAY,
    WIDTH,
    Moment,
    State,
)
from tierwise.engine.twin.stock_kernels import (
    arrive,
    ask,
    assemble,
    complete,
    count_asked,
    count_orders,
    divide,
    expedite,
    feed,
    gather,
    give,
    hear,
    look,
    more,
    need,
    receive,
    remember,
    split,
    top_up,
)


def _vectors(dtype: np.dtype[Any], rows: int, size: int) -> list[SimpleNamespace]:
    made = []
    for _ in range(rows):
        fields = {name: (dtype[name].base, (*dtype[name].shape[:-1], size)) for name in dtype.names or ()}
        made.append(SimpleNamespace(**{name: np.zeros(shape, kind) for name, (kind, shape) in fields.items()}))
    return made


def _plain_room(part, after, size):  # type: ignore[no-untyped-def]
    rows = {
        name: getattr(after, name) - getattr(part, name) for name in ("node", "lane", "demand", "capacity", "outage")
    }
    return State(
        _vectors(STORE, rows["node"], size), _vectors(WAY, rows["lane"], size), _vectors(CALL, rows["demand"], size),
        _vectors(SHOP, rows["capacity"], size), _vectors(TROUBLE, rows["outage"], size),
        np.zeros((part.size, size)), [SimpleNamespace(drawn=np.zeros(size), ahead={})],
    )  # fmt: skip


@owner(_plain_room)
def room(part, after, _):  # type: ignore[no-untyped-def]
    """What the rows of a part hold at the beginning: nothing."""
    return State(
        np.zeros(after.node - part.node, STORE), np.zeros(after.lane - part.lane, WAY),
        np.zeros(after.demand - part.demand, CALL), np.zeros(after.capacity - part.capacity, SHOP),
        np.zeros(after.outage - part.outage, TROUBLE), np.zeros((part.size, WIDTH)), np.zeros(1, LUCK),
    )  # fmt: skip


@instead(lambda work, _: work.runs)
def wide(_, rows):  # type: ignore[no-untyped-def]
    """Runs in a block, fewer where a part has many stocks, so that it stays in the processor's cache."""
    return min(max(2048 // max(rows, 1) // 4 * 4, 32), WIDTH)


@kernel
def begin(node, store, at):  # type: ignore[no-untyped-def]
    for j in each(at):
        store.stock[j] = node.start


@kernel
def clear(vector, at):  # type: ignore[no-untyped-def]
    for j in each(at):
        vector[j] = 0.0


@kernel
def add(vector, other, at):  # type: ignore[no-untyped-def]
    for j in each(at):
        vector[j] += other[j]


@kernel
def load(vector, way, factor, at):  # type: ignore[no-untyped-def]
    for j in each(at):
        vector[j] += way.amount[j] * factor


@kernel
def copy(vector, other, at):  # type: ignore[no-untyped-def]
    for j in each(at):
        vector[j] = other[j]


@kernel
def note_stock(store, opened, at):  # type: ignore[no-untyped-def]
    """The end of a period: what is held."""
    for j in each(at):
        store.sums[ON_HAND, j] += store.stock[j] * at.counted
        store.sums[ON_ORDER, j] += opened[j] * at.counted
        store.sums[OUT, j] += choose(store.stock[j] <= 0.0, at.counted, 0.0)


@kernel
def note_lane(way, at):  # type: ignore[no-untyped-def]
    """The end of a period: what waits and what is under way."""
    for j in each(at):
        way.sums[IN_LINE, j] += way.line[j] * at.counted
        way.sums[ON_WAY, j] += (way.unfilled[j] - way.queue[j] - way.line[j]) * at.counted


@kernel
def film_costs(demands, nodes, stores, calls, part, after, when, course):  # type: ignore[no-untyped-def]
    """The period's costs and shortage, where asked for."""
    for i in range(part.node, after.node):
        for j in among(len(course)):
            course[j, when, 0] += stores[i - part.node].stock[j] * nodes[i].holding
    for k in range(part.demand, after.demand):
        for j in among(len(course)):
            waits, lost = calls[k - part.demand].backlog[j], calls[k - part.demand].new[j]
            course[j, when, 0] += waits * demands[k].waiting_cost + lost * demands[k].lost_cost
            course[j, when, 1] += waits + lost


@kernel
def film_stock(store, when, i, history):  # type: ignore[no-untyped-def]
    """The period's stock, what it owes (summed in ``share``) and what it ordered, where asked for."""
    for j in among(len(history)):
        history[j, when, i, 0] = store.stock[j]
        history[j, when, i, 1] = store.share[j]
        history[j, when, i, 2] = store.opened[j]
        history[j, when, i, 3] = store.wanted[j]


@kernel
def serve(node, store, demands, takers, part, calls, ways, at):  # type: ignore[no-untyped-def]
    """Stock goes out by rank; within a rank all get the same share of what they need."""
    n = node.takers_from
    while n < node.takers_to:
        end, reserve = takers[n].group_end, takers[n].reserve
        alone = end == n + 1
        if not alone:
            clear(store.share, at)
            for m in range(n, end):
                if takers[m].demand >= 0:
                    more(store.share, calls[takers[m].demand - part.demand], at)
                else:
                    add(store.share, ways[takers[m].lane - part.lane].queue, at)
            divide(store, reserve, at)
        for m in range(n, end):
            k = takers[m].demand
            if k >= 0:
                give(store, calls[k - part.demand], demands[k].waits, reserve, alone, at)
            else:
                feed(store, ways[takers[m].lane - part.lane], reserve, alone, at)
        n = end


@kernel
def wish(sums, node, takers, part, calls, ways, at):  # type: ignore[no-untyped-def]
    """What is asked of a stock today, orders included."""
    clear(sums, at)
    for n in range(node.takers_from, node.takers_to):
        k = takers[n].demand
        if k >= 0:
            add(sums, calls[k - part.demand].new, at)
        else:
            add(sums, ways[takers[n].lane - part.lane].fresh, at)


@kernel
def owing(sums, node, takers, part, calls, ways, at):  # type: ignore[no-untyped-def]
    """What a stock owes all who take from it."""
    for n in range(node.takers_from, node.takers_to):
        k = takers[n].demand
        if k >= 0:
            add(sums, calls[k - part.demand].backlog, at)
        else:
            add(sums, ways[takers[n].lane - part.lane].queue, at)


@kernel
def review(node, store, lanes, ways, first_lane, rings, luck, spreads, pool, at):  # type: ignore[no-untyped-def]
    """Quick lanes top up, then the policy orders over the others."""
    for a in range(node.lanes_from, node.lanes_to):
        clear(ways[a - first_lane].fresh, at)
    for a in range(node.lanes_from, node.lanes_to):
        if lanes[a].quick:
            expedite(node, store, lanes, ways, first_lane, rings, a, at)
    since = at.when - node.phase
    if node.policy != NONE and since >= 0 and (node.review == 1 or since % node.review == 0):
        if node.policy == PLANNED:
            draw(luck, spreads[node.plan], pool, at)
            copy(store.wanted, luck.drawn, at)
        else:
            need(node, store, at)
        for a in range(node.lanes_from, node.lanes_to):
            if lanes[a].share > 0.0:
                split(store, lanes[a], ways[a - first_lane], rings, node.kit, at)
        if node.kit:
            for j in each(at):
                store.opened[j] += choose(store.wanted[j] > SLACK, store.wanted[j], 0.0)
    clear(store.wanted, at)
    for a in range(node.lanes_from, node.lanes_to):
        gather(store, ways[a - first_lane], lanes[a].per, at)
    count_orders(store, at)


@kernel
def play_stocks(net, state, part, after, at):  # type: ignore[no-untyped-def]
    """The period's first half: stock by stock from the customers upward."""
    spreads, pool, nodes, lanes, demands, takers, _, _, _, _, seasons = net
    stores, ways, calls, _, _, rings, lucks = state
    luck = lucks[0]
    for i in range(part.node, after.node):
        node, store = nodes[i], stores[i - part.node]
        for a in range(node.lanes_from, node.lanes_to):
            if lanes[a].straight:
                arrive(store, lanes[a], ways[a - part.lane], rings, node.lean, at)
            else:
                receive(node, store, lanes[a], ways[a - part.lane], rings, luck, spreads, pool, at)
        if node.kit:
            assemble(store, ways, node.lanes_from - part.lane, node.lanes_to - part.lane, at)
        for n in range(node.takers_from, node.takers_to):
            k = takers[n].demand
            if k >= 0:
                ask(calls[k - part.demand], demands[k], seasons, luck, spreads, pool, at)
            else:
                hear(ways[takers[n].lane - part.lane], at)
        if node.lean:
            k, a = takers[node.takers_from].demand, takers[node.takers_from].lane
            count_asked(store, calls[k - part.demand].new if k >= 0 else ways[a - part.lane].fresh, at)
        else:
            wish(store.asked, node, takers, part, calls, ways, at)
            count_asked(store, store.asked, at)
        serve(node, store, demands, takers, part, calls, ways, at)
        if node.policy == FORECAST:
            remember(node, store, rings, at)
        if node.lean:
            owed = calls[k - part.demand].backlog if k >= 0 else ways[a - part.lane].queue
            top_up(node.up_to, store, owed, lanes[node.lanes_from], ways[node.lanes_from - part.lane], at)
            continue
        look(store, at)
        owing(store.owed, node, takers, part, calls, ways, at)
        review(node, store, lanes, ways, part.lane, rings, luck, spreads, pool, at)


@kernel
def play_lanes(net, state, part, after, at):  # type: ignore[no-untyped-def]
    """The period's second half: what suppliers and lanes can send is sent."""
    spreads, pool, _, lanes, _, _, capacities, users, outages, _, _ = net
    _, ways, _, shops, troubles, rings, lucks = state
    luck = lucks[0]
    for a in range(part.lane, after.lane):
        lane, way = lanes[a], ways[a - part.lane]
        if lane.simple:
            pass_on(lane, way, rings, int(spreads[lane.lead].a), at)
        elif lane.capacity < 0:
            ready(way, outages, troubles, lane.outage, part.outage, at)
            send(lane, way, rings, luck, spreads, pool, at)
    for c in range(part.capacity, after.capacity):
        capacity, shop = capacities[c], shops[c - part.capacity]
        draw(luck, spreads[capacity.amount], pool, at)
        offer(capacity, shop, outages, troubles, part.outage, luck, at)
        for n in range(capacity.users_from, capacity.users_to):
            if n == capacity.users_from or users[n - 1].group_end == n:
                clear(shop.share, at)
                for m in range(n, users[n].group_end):
                    a = users[m].lane
                    ready(ways[a - part.lane], outages, troubles, lanes[a].outage, part.outage, at)
                    load(shop.share, ways[a - part.lane], lanes[a].load, at)
                allot(shop, at)
            lane, way = lanes[users[n].lane], ways[users[n].lane - part.lane]
            for j in each(at):
                way.amount[j] *= shop.share[j]
            send(lane, way, rings, luck, spreads, pool, at)


@kernel
def play(net, state, part, after, work, row, size, course, history):  # type: ignore[no-untyped-def]
    """A part through all periods."""
    spreads, pool, nodes, lanes, demands, takers, _, _, outages, _, _ = net
    stores, ways, calls, _, troubles, _, lucks = state
    luck = lucks[0]
    for when in range(work.periods):
        counted = 1.0 if when >= work.warm_up else 0.0
        at = Moment(
            work.key, work.first_run + row, size, when, counted, part.slots, when % part.slots, part.memory,
            when % part.memory,
        )  # fmt: skip
        if when == 0:
            for i in range(part.node, after.node):
                begin(nodes[i], stores[i - part.node], at)
        for o in range(part.outage, after.outage):
            disturb(outages[o], troubles[o - part.outage], luck, spreads, pool, at)
        play_stocks(net, state, part, after, at)
        play_lanes(net, state, part, after, at)
        for i in range(part.node, after.node):
            node, store = nodes[i], stores[i - part.node]
            opened = ways[node.lanes_from - part.lane].unfilled if node.lean else store.opened
            note_stock(store, opened, at)
        for a in range(part.lane, after.lane):
            if not lanes[a].simple:
                note_lane(ways[a - part.lane], at)
        if len(course):
            film_costs(demands, nodes, stores, calls, part, after, when, course)
        if len(history):
            film_stocks(nodes, takers, stores, calls, ways, part, after, at, history)
        if when == work.periods - 1:
            for i in range(part.node, after.node):
                if nodes[i].lean:
                    complete(stores[i - part.node], ways[nodes[i].lanes_from - part.lane], at)


@kernel
def film_stocks(nodes, takers, stores, calls, ways, part, after, at, history):  # type: ignore[no-untyped-def]
    """The period's stocks, what they owe, wait for and ordered, where asked for."""
    for i in range(part.node, after.node):
        node, store = nodes[i], stores[i - part.node]
        clear(store.share, at)
        owing(store.share, node, takers, part, calls, ways, at)
        if node.lean:
            copy(store.wanted, ways[node.lanes_from - part.lane].fresh, at)
            copy(store.opened, ways[node.lanes_from - part.lane].unfilled, at)
        film_stock(store, at.when, i, history)


@kernel
def hand_over(sums, i, table):  # type: ignore[no-untyped-def]
    for column in range(table.shape[2]):
        for j in among(len(table)):
            table[j, i, column] = sums[column, j]


@owner()
def collect(state, part, after, runs, found):  # type: ignore[no-untyped-def]
    """The sums of a part's rows."""
    for i in range(part.node, after.node):
        hand_over(state.stores[i - part.node].sums, i, found.nodes[runs])
    for a in range(part.lane, after.lane):
        hand_over(state.ways[a - part.lane].sums, a, found.lanes[runs])
    for k in range(part.demand, after.demand):
        hand_over(state.calls[k - part.demand].sums, k, found.demands[runs])
    for c in range(part.capacity, after.capacity):
        hand_over(state.shops[c - part.capacity].sums, c, found.capacities[runs])


@entry
def simulate(net, work, found):  # type: ignore[no-untyped-def]
    """Each part of the network and a block of runs at a time."""
    for p in range(work.first_part, work.last_part):
        part, after = net.parts[p], net.parts[p + 1]
        block = wide(work, after.node - part.node)
        for row in range(0, work.runs, block):
            size = min(block, work.runs - row)
            state = room(part, after, size)
            runs = slice(row, row + size)
            play(net, state, part, after, work, row, -(-size // 4) * 4, found.course[runs], found.history[runs])
            collect(state, part, after, runs, found)
