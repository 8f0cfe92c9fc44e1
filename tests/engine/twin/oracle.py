"""The same simulation in plain Python: one run, one stock, one number at a time, with random numbers by the same
address. Written from the documentation of the model, not from the compiled loops; equal to them to the digit."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from tierwise.engine.twin import Spread, Twin

LOW = 0xFFFFFFFF
PURPOSES = {
    "demand": 0,
    "lead": 1,
    "usable": 2,
    "kept": 3,
    "first_part": 4,
    "capacity": 5,
    "up": 6,
    "down": 7,
    "plan": 8,
}


def philox(counter: list[int], key: list[int]) -> list[int]:
    c, k = list(counter), list(key)
    for turn in range(10):
        if turn:
            k = [(k[0] + 0x9E3779B9) & LOW, (k[1] + 0xBB67AE85) & LOW]
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(second >> 32) ^ c[1] ^ k[0], second & LOW, (first >> 32) ^ c[3] ^ k[1], first & LOW]
    return c


def word(seed: int, purpose: int, row: int, period: int, run: int) -> int:
    four = philox([period, row, run // 2, purpose], [seed & LOW, seed >> 32])
    return four[0] | four[1] << 32 if run % 2 == 0 else four[2] | four[3] << 32


def polynomial(x: float, *coefficients: float) -> float:
    value = coefficients[-1]
    for each in reversed(coefficients[:-1]):
        value = each + x * value
    return value


def normal(bits: int) -> float:
    """Wichura's AS 241 of the probability (bits + ½)/2⁶⁴."""
    q = ((bits ^ 1 << 63) - (1 << 64) * (not bits >> 63) + 0.5) * 2.0**-64
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = polynomial(
            r, 3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
            4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
        )  # fmt: skip
        low = polynomial(
            r, 1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
            2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
        )  # fmt: skip
        return q * top / low
    small = bits if bits < 1 << 63 else (1 << 64) - 1 - bits
    r = math.sqrt(-math.log((small + 0.5) * 2.0**-64))
    if r <= 5:
        r -= 1.6
        top = polynomial(
            r, 1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
            1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
        )  # fmt: skip
        low = polynomial(
            r, 1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
            1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
        )  # fmt: skip
    else:
        r -= 5
        top = polynomial(
            r, 6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
            2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
        )  # fmt: skip
        low = polynomial(
            r, 1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
            7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        )  # fmt: skip
    return top / low if q > 0 else -top / low


def draw(spread: Spread, row: int, purpose: str, at: tuple[int, int, int]) -> float:
    """A row of a spread in (seed, run, period)."""
    seed, run, period = at
    a, b, low, high = (float(x) for x in spread.number[row])
    kind = spread.kinds[row]
    start, length = (int(x) for x in spread.table[row, :2])
    if kind == "constant":
        return a
    if kind == "trace":
        return float(spread.values[start + period])
    bits = word(seed, PURPOSES[purpose], row, period, run)
    share = (bits >> 11) * 2.0**-53
    if kind == "table":
        return next(
            (float(spread.values[i]) for i in range(start, start + length) if spread.below[i] > share),
            float(spread.values[start + length - 1]),
        )
    small = ((bits if bits < 1 << 63 else (1 << 64) - 1 - bits) + 0.5) * 2.0**-64
    waits = -math.log(small) if bits >= 1 << 63 else -math.log1p(-small)
    value = {
        "normal": lambda: a + b * normal(bits),
        "lognormal": lambda: math.exp(a + b * normal(bits)),
        "uniform": lambda: a + (b - a) * share,
        "exponential": lambda: a * waits,
        "weibull": lambda: a * waits ** (1 / b),
        "gamma": lambda: b * gamma(a, share, (seed, PURPOSES[purpose], row, period, run)),
    }[kind]()
    return min(max(value, low), high)


def gamma(shape: float, share: float, address: tuple[int, int, int, int, int]) -> float:
    seed, purpose, row, period, run = address
    d = (shape if shape >= 1 else shape + 1) - 1 / 3
    c = 1 / math.sqrt(9 * d)
    for attempt in range(1, 1000):
        four = philox([period, row, run, purpose + (attempt << 8)], [seed & LOW, seed >> 32])
        z = normal(four[0] | four[1] << 32)
        v = 1 + c * z
        if v > 0:
            v = v * v * v
            u = ((four[2] | four[3] << 32) >> 11) * 2.0**-53 + 2.0**-54
            if math.log(u) < 0.5 * z * z + d - d * v + d * math.log(v):
                return d * v if shape >= 1 else d * v * (share + 2.0**-54) ** (1 / shape)
    raise AssertionError("a thousand rejections")


class Run:
    """One run of a twin; sums by (kind, row, name)."""

    def __init__(self, twin: Twin, seed: int, run: int, periods: int, warm_up: int) -> None:
        self.twin, self.seed, self.run, self.warm_up = twin, seed, run, warm_up
        self.sums: dict[tuple[str, int, str], float] = defaultdict(float)
        s, lanes, d = twin.stocks, twin.lanes, twin.demands
        self.stock = [float(x) for x in s.start]
        self.open = [0.0] * s.rows
        self.backlog, self.lost = [0.0] * d.rows, [0.0] * d.rows
        self.queue, self.line, self.unfilled = [0.0] * lanes.rows, [0.0] * lanes.rows, [0.0] * lanes.rows
        self.dock, self.fresh, self.ahead = [0.0] * lanes.rows, [0.0] * lanes.rows, [0.0] * lanes.rows
        self.latest = [0] * lanes.rows
        self.arrivals: dict[tuple[int, int], float] = defaultdict(float)
        self.cuts: dict[tuple[int, int], float] = defaultdict(float)
        self.due: dict[tuple[int, int], float] = defaultdict(float)
        self.past: list[list[float]] = [[] for _ in range(s.rows)]
        self.recent = [0.0] * s.rows
        self.order_of_stocks = self.sweep()
        self.down = [False] * twin.outages.rows
        self.left = [int(self._draw(twin.outages.up, o, "up", 0) + 0.5) for o in range(twin.outages.rows)]
        self.course: list[tuple[float, float]] = []
        for when in range(periods):
            self.period(when)

    def _draw(self, spread: Spread, row: int, purpose: str, when: int) -> float:
        return draw(spread, row, purpose, (self.seed, self.run, when))

    def add(self, kind: str, row: int, **values: float) -> None:
        for name, value in values.items():
            self.sums[kind, row, name] += value if self.when >= self.warm_up else 0.0

    def into(self, stock: int) -> list[int]:
        return [a for a in range(self.twin.lanes.rows) if self.twin.lanes.to[a] == stock]

    def sweep(self) -> list[int]:
        """Stocks from the customer's end upward."""
        lanes = self.twin.lanes

        def depth(i: int) -> int:
            return max((1 + depth(int(lanes.to[a])) for a in range(lanes.rows) if lanes.source[a] == i), default=0)

        return sorted(range(self.twin.stocks.rows), key=depth)

    def period(self, when: int) -> None:
        self.when, twin = when, self.twin
        for o in range(twin.outages.rows):
            if self.down[o] and self.left[o] <= 0:
                self.down[o], self.left[o] = False, int(self._draw(twin.outages.up, o, "up", when) + 0.5)
            if not self.down[o] and self.left[o] <= 0:
                self.down[o] = True
                self.left[o] = max(1, int(self._draw(twin.outages.length, o, "down", when) + 0.5))
            self.left[o] -= 1
        for i in self.order_of_stocks:
            self.receive(i)
            self.serve(i)
            self.review(i)
        self.send()
        held = short = 0.0
        for i in range(twin.stocks.rows):
            self.add("stocks", i, on_hand=self.stock[i], on_order=self.open[i], out=float(self.stock[i] <= 0))
            held += self.stock[i] * float(twin.stocks.holding_cost[i])
        for a in range(twin.lanes.rows):
            under_way = self.unfilled[a] - self.queue[a] - self.line[a]
            self.add("lanes", a, in_line=self.line[a], on_way=under_way)
        for k in range(twin.demands.rows):
            waits, lost = self.backlog[k], self.lost[k]
            held += waits * float(twin.demands.waiting_cost[k]) + lost * float(twin.demands.lost_cost[k])
            short += waits + lost
        self.course.append((held, short))

    def receive(self, i: int) -> None:
        lanes, when, kit = self.twin.lanes, self.when, bool(self.twin.stocks.kit[i])
        for a in self.into(i):
            per = float(lanes.per[a])
            came, cut, due = (book.pop((a, when), 0.0) for book in (self.arrivals, self.cuts, self.due))
            if came > 0:
                good = came * self._draw(lanes.usable, a, "usable", when)
                self.unfilled[a] -= came
                self.add("lanes", a, arrived=good, spoiled=came - good)
                self.dock[a] += good / per
                if not kit:
                    self.open[i] -= came / per
            if lanes.promised[a] >= 0:
                have = self.ahead[a] + came
                self.add("lanes", a, late=due - min(due, max(have, 0.0)))
                self.ahead[a] = have - due
            self.unfilled[a] -= cut
            self.open[i] -= cut / per
            self.add("lanes", a, spoiled=cut)
            # Only where something can be cut does a cut count as late.
            if cut:
                self.add("lanes", a, late=cut - min(cut, max(-self.ahead[a], 0.0)))
            self.ahead[a] += cut
        made = min((self.dock[a] for a in self.into(i)), default=0.0) if kit else 0.0
        for a in self.into(i):
            if kit:
                self.dock[a] -= made
            else:
                self.stock[i] += self.dock[a]
                self.dock[a] = 0.0
        if kit:
            self.stock[i] += made
            self.open[i] -= made

    def serve(self, i: int) -> None:
        demands, lanes = self.twin.demands, self.twin.lanes
        self.asked = 0.0
        new: dict[int, float] = {}
        takers: list[tuple[int, float, int, int]] = []
        for k in range(demands.rows):
            if demands.stock[k] == i:
                season = int(demands.season[k])
                factor = (
                    float(self.twin.seasons[season, self.when % self.twin.seasons.shape[1]]) if season >= 0 else 1.0
                )
                new[k] = self._draw(demands.amount, k, "demand", self.when) * factor
                takers.append((int(demands.rank[k]), float(demands.reserve[k]), 1, k))
        for a in range(lanes.rows):
            if lanes.source[a] == i:
                self.queue[a] += self.fresh[a]
                takers.append((int(lanes.rank[a]), 0.0, 0, a))
        for _, _, who, row in sorted(takers, key=self.stand):
            self.asked += new[row] if who else self.fresh[row]
            if who:
                self.add("demands", row, asked=new[row])
        self.add("stocks", i, wanted=self.asked, wanted_square=self.asked * self.asked)
        groups: dict[tuple[int, float], list[tuple[int, int]]] = defaultdict(list)
        for taker in sorted(takers, key=self.stand):
            groups[taker[:2]].append(taker[2:])
        for (_, reserve), group in groups.items():
            needs = [self.backlog[row] + new[row] if who else self.queue[row] for who, row in group]
            total = 0.0
            for need in needs:
                total += need
            free = max(self.stock[i] - reserve, 0.0)
            share = 1.0 if free >= total else free / total
            for (who, row), need in zip(group, needs, strict=True):
                sent = min(need, max(self.stock[i] - reserve, 0.0)) if len(group) == 1 else need * share
                self.stock[i] = max(self.stock[i] - sent, 0.0)
                if who:
                    self.customer(row, new[row], sent)
                else:
                    self.queue[row] = need - sent
                    self.line[row] += sent

    def stand(self, taker: tuple[int, float, int, int]) -> tuple[Any, ...]:
        """Rank, reserve, then lanes in the order of their targets up the network, then demands."""
        rank, reserve, who, row = taker
        place = (self.place(int(self.twin.lanes.to[row])), row) if not who else (row, 0)
        return rank, reserve, who, place

    def place(self, stock: int) -> int:
        return self.order_of_stocks.index(stock)

    def customer(self, k: int, new: float, sent: float) -> None:
        old, waits = self.backlog[k], float(self.twin.demands.waits[k])
        at_once = min(new, max(sent - old, 0.0))
        missed = new - at_once
        self.lost[k] = missed * (1 - waits)
        self.backlog[k] = max(old - sent, 0.0) + missed * waits
        self.add("demands", k, at_once=at_once, served=sent, lost=self.lost[k], waiting=self.backlog[k])
        self.add("demands", k, short=float(missed > 1e-9 * new))

    def order(self, a: int, q: float) -> float:
        lanes = self.twin.lanes
        if q <= 1e-9:
            return 0.0
        q = max(q, float(lanes.minimum[a]))
        step = float(lanes.multiple[a])
        q = math.ceil(q / step - 1e-9) * step if step > 0 else q
        self.fresh[a] += q
        self.unfilled[a] += q
        if lanes.source[a] < 0:
            self.line[a] += q
        if lanes.promised[a] >= 0:
            self.due[a, self.when + int(lanes.promised[a])] += q
        self.add("lanes", a, placed=q, times=1.0)
        return q

    def review(self, i: int) -> None:
        stocks, lanes, when = self.twin.stocks, self.twin.lanes, self.when
        into, window = self.into(i), int(stocks.window[i])
        self.recent[i] += self.asked - (self.past[i][-window] if len(self.past[i]) >= window else 0.0)
        self.past[i].append(self.asked)
        for a in into:
            self.fresh[a] = 0.0
        owed = -self.stock[i]
        takers = [(int(self.twin.demands.rank[k]), float(self.twin.demands.reserve[k]), 1, k)
                  for k in range(self.twin.demands.rows) if self.twin.demands.stock[k] == i]  # fmt: skip
        takers += [(int(lanes.rank[a]), 0.0, 0, a) for a in range(lanes.rows) if lanes.source[a] == i]
        for _, _, who, row in sorted(takers, key=self.stand):
            owed += self.backlog[row] if who else self.queue[row]
        for a in into:
            if lanes.quick[a]:
                per, soon = float(lanes.per[a]), self.line[a] / float(lanes.per[a]) - owed
                for b in into:
                    for ahead in range(1, math.ceil(lanes.lead_time.mean[a] - 1e-9) + 1):
                        soon += self.arrivals.get((b, when + ahead), 0.0) / float(lanes.per[b])
                self.open[i] += self.order(a, (float(lanes.expedite_to[a]) - soon) * per) / per
        first, every = int(stocks.first_review[i]), int(stocks.review[i])
        if stocks.policy[i] != "none" and when >= first and (when - first) % every == 0:
            wanted = self.wanted(i, self.open[i] - owed)
            for a in into:
                if lanes.share[a] > 0:
                    per = float(lanes.per[a])
                    q = self.order(a, wanted * float(lanes.share[a]) * per)
                    if not stocks.kit[i]:
                        self.open[i] += q / per
            if stocks.kit[i]:
                self.open[i] += wanted if wanted > 1e-9 else 0.0
        ordered = 0.0
        for a in into:
            ordered += self.fresh[a] / float(lanes.per[a])
        self.add("stocks", i, ordered=ordered, ordered_square=ordered * ordered, orders=float(ordered > 0))

    def wanted(self, i: int, position: float) -> float:
        s = self.twin.stocks
        level, up_to, lot = float(s.level[i]), float(s.up_to[i]), float(s.lot[i])
        if s.policy[i] == "planned":
            return self._draw(s.plan, i, "plan", self.when)
        if s.policy[i] == "base_stock":
            return max(up_to - position, 0.0)
        if s.policy[i] == "levels":
            return max(up_to - position, 0.0) if position <= level else 0.0
        if s.policy[i] == "lots":
            return max((math.floor((level - position) / lot) + 1) * lot, 0.0) if position <= level else 0.0
        mean = self.recent[i] / min(self.when + 1, int(s.window[i]))
        return max(float(s.cover[i]) * mean + up_to - position, 0.0)

    def left_of(self, outage: int) -> float:
        return float(self.twin.outages.left[outage]) if outage >= 0 and self.down[outage] else 1.0

    def send(self) -> None:
        lanes, capacities = self.twin.lanes, self.twin.capacities
        order = sorted(range(lanes.rows), key=lambda a: (self.place(int(lanes.to[a])), a))
        for a in order:
            if lanes.capacity[a] < 0:
                self.ship(a, self.line[a] * self.left_of(int(lanes.outage[a])))
        for c in range(capacities.rows):
            users = [a for a in order if lanes.capacity[a] == c]
            if not users:
                continue
            factor = self.left_of(int(capacities.outage[c]))
            free = self._draw(capacities.amount, c, "capacity", self.when) * factor
            self.add("capacities", c, offered=free, disturbed=float(factor < 1))
            for rank in sorted({int(lanes.rank[a]) for a in users}):
                group = [a for a in users if lanes.rank[a] == rank]
                total = 0.0
                for a in group:
                    total += self.line[a] * self.left_of(int(lanes.outage[a])) * float(lanes.load[a])
                share = 1.0 if free >= total else free / total
                used = min(free, total)
                free -= used
                self.add("capacities", c, used=used)
                for a in group:
                    self.ship(a, self.line[a] * self.left_of(int(lanes.outage[a])) * share)

    def ship(self, a: int, q: float) -> None:
        if q <= 0:
            return
        lanes, when = self.twin.lanes, self.when
        self.line[a] -= q
        time = int(self._draw(lanes.lead_time, a, "lead", when))
        if lanes.per_unit[a] > 0:
            time += math.ceil(q * float(lanes.per_unit[a]) - 1e-9)
        self.add("lanes", a, sent=q, cut=float(time > lanes.latest[a]))
        time = min(time, int(lanes.latest[a]))
        if lanes.in_turn[a]:
            time = max(time, self.latest[a] - when)
            self.latest[a] = when + time
        kept = q * self._draw(lanes.kept, a, "kept", when)
        first = kept * self._draw(lanes.first_part, a, "first_part", when)
        self.arrivals[a, when + time] += first
        if kept < q:
            self.cuts[a, when + time] += q - kept
        if first < kept:
            self.arrivals[a, when + time + int(lanes.rest_after[a])] += kept - first
