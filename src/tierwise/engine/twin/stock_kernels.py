"""A stock's period: what arrives, what is asked, who gets it, and what is ordered. One record per row, no arrays."""

from __future__ import annotations

import numpy as np

from tierwise.engine.twin.draw_blocks import draw
from tierwise.engine.twin.kernel import choose, each, kernel, least, most, some
from tierwise.engine.twin.layout import (
    ARRIVED,
    ASKED,
    AT_ONCE,
    BASE_STOCK,
    LATE,
    LEVELS,
    LOST,
    LOTS,
    ORDERED,
    ORDERED_SQUARE,
    ORDERS,
    PLACED,
    SERVED,
    SHORT,
    SLACK,
    SPOILED,
    TIMES,
    WAITING,
    WANTED,
    WANTED_SQUARE,
)  # fmt: skip


@kernel
def arrive(store, lane, way, rings, lean, at):  # type: ignore[no-untyped-def]
    """What is due today on a lane without losses or promises, one unit a piece."""
    row = lane.arriving + at.today
    if not lean:
        for j in each(at):
            store.opened[j] -= rings[row, j]
    for j in each(at):
        came = rings[row, j]
        way.unfilled[j] -= came
        way.sums[ARRIVED, j] += came * at.counted
        store.stock[j] += came
        rings[row, j] = 0.0


@kernel
def receive(node, store, lane, way, rings, luck, spreads, pool, at):  # type: ignore[no-untyped-def]
    """What is due today on any other lane; for assemblies it waits on the dock."""
    row, per = lane.arriving + at.today, lane.per
    for j in each(at):
        way.amount[j] = rings[row, j]
        rings[row, j] = 0.0
    if some(way.amount, at):
        for j in each(at):
            way.unfilled[j] -= way.amount[j]
        if not node.kit:
            for j in each(at):
                store.opened[j] -= way.amount[j] / per
        if lane.sound:
            for j in each(at):
                luck.drawn[j] = 1.0
        else:
            draw(luck, spreads[lane.usable], pool, at)
        for j in each(at):
            good = way.amount[j] * luck.drawn[j]
            way.sums[SPOILED, j] += (way.amount[j] - good) * at.counted
            way.sums[ARRIVED, j] += good * at.counted
            way.dock[j] += good / per
    if lane.promised >= 0:
        judge(lane, way, rings, at)
    if lane.cuts:
        cancel(store, lane, way, rings, at)
    if not node.kit:
        for j in each(at):
            store.stock[j] += way.dock[j]
            way.dock[j] = 0.0


@kernel
def assemble(store, ways, first, last, at):  # type: ignore[no-untyped-def]
    """As many pieces are made as there is of every component."""
    for j in each(at):
        store.wanted[j] = np.inf
    for a in range(first, last):
        for j in each(at):
            store.wanted[j] = least(store.wanted[j], ways[a].dock[j])
    for a in range(first, last):
        for j in each(at):
            ways[a].dock[j] -= store.wanted[j]
    for j in each(at):
        store.stock[j] += store.wanted[j]
        store.opened[j] -= store.wanted[j]


@kernel
def judge(lane, way, rings, at):  # type: ignore[no-untyped-def]
    """What was promised for today and is not there; deliveries meet the oldest promise first."""
    row = lane.due + at.due_today
    for j in each(at):
        have = way.early[j] + way.amount[j]
        way.sums[LATE, j] += (rings[row, j] - least(rings[row, j], most(have, 0.0))) * at.counted
        way.early[j] = have - rings[row, j]
        rings[row, j] = 0.0


@kernel
def cancel(store, lane, way, rings, at):  # type: ignore[no-untyped-def]
    """What the supplier had confirmed and never sends leaves the order on the day it should have come."""
    row = lane.cancelled + at.today
    for j in each(at):
        cut = rings[row, j]
        way.unfilled[j] -= cut
        store.opened[j] -= cut / lane.per
        way.sums[SPOILED, j] += cut * at.counted
        # Promises already overdue were counted when they fell due.
        way.sums[LATE, j] += (cut - least(cut, most(-way.early[j], 0.0))) * at.counted
        way.early[j] += cut
        rings[row, j] = 0.0


@kernel
def ask(call, demand, seasons, luck, spreads, pool, at):  # type: ignore[no-untyped-def]
    """A demand of the day."""
    draw(luck, spreads[demand.amount], pool, at)
    factor = seasons[demand.season, at.when % seasons.shape[1]] if demand.season >= 0 else 1.0
    for j in each(at):
        new = luck.drawn[j] * factor
        call.sums[ASKED, j] += new * at.counted
        call.new[j] = new


@kernel
def hear(way, at):  # type: ignore[no-untyped-def]
    """An order of the stock downstream, placed this period."""
    for j in each(at):
        way.queue[j] += way.fresh[j]


@kernel
def remember(node, store, rings, at):  # type: ignore[no-untyped-def]
    """What was asked, orders included, lately."""
    row = node.seen + at.when % node.window
    for j in each(at):
        store.recent[j] += store.asked[j] - rings[row, j]
        rings[row, j] = store.asked[j]


@kernel
def count_asked(store, asked, at):  # type: ignore[no-untyped-def]
    """All that was asked of a stock, orders included."""
    for j in each(at):
        store.sums[WANTED, j] += asked[j] * at.counted
        store.sums[WANTED_SQUARE, j] += asked[j] * asked[j] * at.counted


@kernel
def divide(store, reserve, at):  # type: ignore[no-untyped-def]
    """Of a group's needs, which ``share`` has summed, the share all of them get."""
    for j in each(at):
        free = most(store.stock[j] - reserve, 0.0)
        store.share[j] = choose(free >= store.share[j], 1.0, free / store.share[j])


@kernel
def more(needs, call, at):  # type: ignore[no-untyped-def]
    """What a customer of the group needs."""
    for j in each(at):
        needs[j] += call.backlog[j] + call.new[j]


@kernel
def part(store, need, reserve, alone, j):  # type: ignore[no-untyped-def]
    """What one taker gets: one alone of its rank what there is, several the same share."""
    return least(need, most(store.stock[j] - reserve, 0.0)) if alone else need * store.share[j]


@kernel
def feed(store, way, reserve, alone, at):  # type: ignore[no-untyped-def]
    """A lane takes from the stock it starts at."""
    for j in each(at):
        sent = part(store, way.queue[j], reserve, alone, j)
        store.stock[j] = most(store.stock[j] - sent, 0.0)
        way.queue[j] -= sent
        way.line[j] += sent


@kernel
def give(store, call, waits, reserve, alone, at):  # type: ignore[no-untyped-def]
    """A customer is served: at once, what waits, what is lost."""
    for j in each(at):
        asked, old = call.new[j], call.backlog[j]
        sent = part(store, old + asked, reserve, alone, j)
        at_once = least(asked, most(sent - old, 0.0))
        missed = asked - at_once
        lost, owed = missed * (1.0 - waits), most(old - sent, 0.0) + missed * waits
        call.sums[AT_ONCE, j] += at_once * at.counted
        call.sums[SERVED, j] += sent * at.counted
        call.sums[LOST, j] += lost * at.counted
        call.sums[WAITING, j] += owed * at.counted
        call.sums[SHORT, j] += choose(missed > SLACK * asked, at.counted, 0.0)
        store.stock[j] = most(store.stock[j] - sent, 0.0)
        call.new[j] = lost
        call.backlog[j] = owed


@kernel
def order(store, lane, way, rings, kit, at):  # type: ignore[no-untyped-def]
    """Orders ``amount``, rounded to what the lane takes; what is ordered stands there afterwards."""
    least_lot, step, per = lane.minimum, lane.multiple, lane.per
    for j in each(at):
        q = way.amount[j]
        way.amount[j] = choose(q > SLACK, most(q, least_lot), 0.0)
    if step > 0.0:
        for j in each(at):
            way.amount[j] = np.ceil(way.amount[j] / step - SLACK) * step
    for j in each(at):
        q = way.amount[j]
        way.fresh[j] += q
        way.unfilled[j] += q
        way.sums[PLACED, j] += q * at.counted
        way.sums[TIMES, j] += choose(q > 0.0, at.counted, 0.0)
    if lane.source < 0:
        for j in each(at):
            way.line[j] += way.amount[j]
    if lane.promised >= 0:
        row = lane.due + (at.due_today + lane.promised) % at.memory
        for j in each(at):
            rings[row, j] += way.amount[j]
    if not kit:
        if per == 1.0:
            for j in each(at):
                store.opened[j] += way.amount[j]
        else:
            for j in each(at):
                store.opened[j] += way.amount[j] / per


@kernel
def expedite(node, store, lanes, ways, first_lane, rings, a, at):  # type: ignore[no-untyped-def]
    """Tops up what is there or will be within the quick lane's time, by the quick lane (dual index)."""
    lane, way = lanes[a], ways[a - first_lane]
    for j in each(at):
        way.amount[j] = way.line[j] / lane.per - store.owed[j]
    for b in range(node.lanes_from, node.lanes_to):
        for ahead in range(lane.ahead):
            row = lanes[b].arriving + (at.today + 1 + ahead) % at.slots
            for j in each(at):
                way.amount[j] += rings[row, j] / lanes[b].per
    for j in each(at):
        way.amount[j] = (lane.expedite_to - way.amount[j]) * lane.per
    order(store, lane, way, rings, False, at)


@kernel
def look(store, at):  # type: ignore[no-untyped-def]
    """What is there, as the beginning of what is owed less what is there."""
    for j in each(at):
        store.owed[j] = -store.stock[j]


@kernel
def need(node, store, at):  # type: ignore[no-untyped-def]
    """What the policy wants ordered; ``owed`` is what the stock owes less what it has."""
    policy, level, up_to, lot = node.policy, node.level, node.up_to, node.lot
    if policy == BASE_STOCK:
        for j in each(at):
            store.wanted[j] = most(up_to - (store.opened[j] - store.owed[j]), 0.0)
    elif policy == LEVELS:
        for j in each(at):
            position = store.opened[j] - store.owed[j]
            store.wanted[j] = choose(position <= level, most(up_to - position, 0.0), 0.0)
    elif policy == LOTS:
        for j in each(at):
            position = store.opened[j] - store.owed[j]
            lots = np.floor((level - position) / lot) + 1.0
            store.wanted[j] = choose(position <= level, most(lots * lot, 0.0), 0.0)
    else:
        cover, seen = node.cover, min(at.when + 1, node.window)
        for j in each(at):
            position = store.opened[j] - store.owed[j]
            store.wanted[j] = most(cover * (store.recent[j] / seen) + up_to - position, 0.0)


@kernel
def top_up(up_to, store, owed, lane, way, at):  # type: ignore[no-untyped-def]
    """The whole of a review of a lean stock. What its lane still owes is what it has on order; what was ordered over
    the lane is counted once, see :func:`complete`."""
    for j in each(at):
        lacks = most(up_to - (way.unfilled[j] - (owed[j] - store.stock[j])), 0.0)
        q = choose(lacks > SLACK, lacks, 0.0)
        store.sums[ORDERED, j] += q * at.counted
        store.sums[ORDERED_SQUARE, j] += q * q * at.counted
        store.sums[ORDERS, j] += choose(lacks > SLACK, at.counted, 0.0)
        way.fresh[j] = q
        way.unfilled[j] += q
    if lane.source < 0:
        for j in each(at):
            way.line[j] += way.fresh[j]


@kernel
def complete(store, way, at):  # type: ignore[no-untyped-def]
    """The sums of a lean stock that are those of its lane too."""
    for j in each(at):
        way.sums[PLACED, j] = store.sums[ORDERED, j]
        way.sums[TIMES, j] = store.sums[ORDERS, j]


@kernel
def split(store, lane, way, rings, kit, at):  # type: ignore[no-untyped-def]
    """A lane's share of what is wanted."""
    share, per = lane.share, lane.per
    for j in each(at):
        way.amount[j] = store.wanted[j] * share * per
    order(store, lane, way, rings, kit, at)


@kernel
def gather(store, way, per, at):  # type: ignore[no-untyped-def]
    """Pieces ordered over a lane, into ``wanted``."""
    if per == 1.0:
        for j in each(at):
            store.wanted[j] += way.fresh[j]
    else:
        for j in each(at):
            store.wanted[j] += way.fresh[j] / per


@kernel
def count_orders(store, at):  # type: ignore[no-untyped-def]
    """Pieces ordered over all lanes, which ``wanted`` has summed."""
    for j in each(at):
        ordered = store.wanted[j]
        store.sums[ORDERED, j] += ordered * at.counted
        store.sums[ORDERED_SQUARE, j] += ordered * ordered * at.counted
        store.sums[ORDERS, j] += choose(ordered > 0.0, at.counted, 0.0)
