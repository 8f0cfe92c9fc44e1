"""Lanes, capacities and outages: what can be sent is sent, and when it will be there."""

from __future__ import annotations

import numpy as np

from tierwise.engine.twin.draw_blocks import draw
from tierwise.engine.twin.kernel import choose, each, instead, kernel, least, most, put, some
from tierwise.engine.twin.layout import CUT, DISTURBED, OFFERED, ON_WAY, SENT, SLACK, USED


@instead(lambda trouble, phase, _: bool(((trouble.rest <= 0.0) & (trouble.down == phase)).any()))
def over(trouble, phase, at):  # type: ignore[no-untyped-def]
    """Whether in any run the time up (0) or down (1) has passed."""
    found = False
    for j in range(np.uint64(at.size)):
        found |= (trouble.rest[j] <= 0.0) & (trouble.down[j] == phase)
    return found


@kernel
def disturb(outage, trouble, luck, spreads, pool, at):  # type: ignore[no-untyped-def]
    """Outages whose time is over end, those whose time has come begin; one may follow the other at once."""
    if at.when == 0:
        draw(luck, spreads[outage.up], pool, at)
        for j in each(at):
            trouble.rest[j] = np.trunc(luck.drawn[j] + 0.5)
    for phase in (1.0, 0.0):
        if over(trouble, phase, at):
            draw(luck, spreads[outage.up if phase == 1.0 else outage.length], pool, at)
            for j in each(at):
                turns = (trouble.rest[j] <= 0.0) & (trouble.down[j] == phase)
                time = most(np.trunc(luck.drawn[j] + 0.5), 1.0 - phase)
                trouble.rest[j] = choose(turns, time, trouble.rest[j])
                trouble.down[j] = choose(turns, 1.0 - phase, trouble.down[j])
    for j in each(at):
        trouble.rest[j] -= 1.0


@kernel
def ready(way, outages, troubles, o, first, at):  # type: ignore[no-untyped-def]
    """What waits on a lane and may leave, given its outage."""
    for j in each(at):
        way.amount[j] = way.line[j]
    if o >= 0:
        left, trouble = outages[o].left, troubles[o - first]
        for j in each(at):
            way.amount[j] *= choose(trouble.down[j] == 1.0, left, 1.0)


@kernel
def pass_on(lane, way, rings, lead, at):  # type: ignore[no-untyped-def]
    """All that waits on a lane that nothing holds up leaves, for a fixed time; then the lane's period is over."""
    row = lane.arriving + (at.today + lead) % at.slots
    for j in each(at):
        waits = way.line[j]
        way.sums[SENT, j] += waits * at.counted
        way.sums[ON_WAY, j] += (way.unfilled[j] - way.queue[j]) * at.counted
        rings[row, j] += waits
        way.line[j] = 0.0


@kernel
def send(lane, way, rings, luck, spreads, pool, at):  # type: ignore[no-untyped-def]
    """``amount`` leaves for its target: how much really, in how many parts, and when it will be there."""
    if not some(way.amount, at):
        return
    for j in each(at):
        way.line[j] -= way.amount[j]
        way.sums[SENT, j] += way.amount[j] * at.counted
    draw(luck, spreads[lane.lead], pool, at)
    for j in each(at):
        way.time[j] = luck.drawn[j]
    reckon(lane, way, at)
    if not (lane.cuts or lane.parted):
        for j in each(at):
            put(rings, lane.arriving + way.time[j], j, way.amount[j])
        return
    draw(luck, spreads[lane.kept], pool, at)
    for j in each(at):
        way.kept[j] = way.amount[j] * luck.drawn[j]
    if lane.cuts:
        for j in each(at):
            put(rings, lane.cancelled + way.time[j], j, way.amount[j] - way.kept[j])
    draw(luck, spreads[lane.first_part], pool, at)
    for j in each(at):
        first = way.kept[j] * luck.drawn[j]
        put(rings, lane.arriving + way.time[j], j, first)
        later = way.time[j] + lane.rest_after
        later = choose(later >= at.slots, later - at.slots, later)
        put(rings, lane.arriving + later, j, way.kept[j] - first)


@kernel
def reckon(lane, way, at):  # type: ignore[no-untyped-def]
    """Lead times drawn become lead times had: more with the quantity, cut at the longest, no overtaking. ``time`` is
    left as a place in the ring of arrivals."""
    if lane.per_unit > 0.0:
        for j in each(at):
            way.time[j] += np.ceil(way.amount[j] * lane.per_unit - SLACK)
    for j in each(at):
        way.sums[CUT, j] += choose((way.time[j] > lane.longest) & (way.amount[j] > 0.0), at.counted, 0.0)
        way.time[j] = least(way.time[j], lane.longest)
    if lane.in_turn:
        for j in each(at):
            goes, time = way.amount[j] > 0.0, most(way.time[j], way.last[j] - at.when)
            way.time[j] = choose(goes, time, way.time[j])
            way.last[j] = choose(goes, time + at.when, way.last[j])
    for j in each(at):
        place = at.today + way.time[j]
        way.time[j] = choose(place >= at.slots, place - at.slots, place)


@kernel
def offer(capacity, shop, outages, troubles, first, luck, at):  # type: ignore[no-untyped-def]
    """What a capacity can do today, of what was drawn."""
    o = capacity.outage
    for j in each(at):
        shop.free[j] = luck.drawn[j]
    if o >= 0:
        left, trouble = outages[o].left, troubles[o - first]
        for j in each(at):
            factor = choose(trouble.down[j] == 1.0, left, 1.0)
            shop.free[j] *= factor
            shop.sums[DISTURBED, j] += choose(factor < 1.0, at.counted, 0.0)
    for j in each(at):
        shop.sums[OFFERED, j] += shop.free[j] * at.counted


@kernel
def allot(shop, at):  # type: ignore[no-untyped-def]
    """Lanes of one rank get the same share of their load, which ``share`` has summed, as far as the capacity goes."""
    for j in each(at):
        wanted = shop.share[j] + 0.0
        used = least(shop.free[j], wanted)
        shop.share[j] = choose(shop.free[j] >= wanted, 1.0, shop.free[j] / wanted)
        shop.sums[USED, j] += used * at.counted
        shop.free[j] -= used
