"""Which lanes carry what: least-cost flows of many commodities over shared lanes, with promised days kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Block, Draft, Kind, Program

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CAPACITY = Kind("lane capacity", ("lane",), "raise lane capacity")
_DELIVERY = Kind("delivery", ("commodity",), "deliver less")


@dataclass(frozen=True, slots=True, eq=False)
class LaneNetwork:
    """N places, M lanes: ``source``, ``target``, ``cost`` per unit, ``capacity`` (inf: no limit) and ``days`` (whole,
    door to door). K commodities: ``origin``, ``destination``, ``quantity``, ``longest`` days (inf: any) and
    ``unmet_cost`` per unit not delivered (inf: all must be). ``volume`` of a unit counts against lane capacity."""

    places: int
    source: npt.ArrayLike
    target: npt.ArrayLike
    cost: npt.ArrayLike
    origin: npt.ArrayLike
    destination: npt.ArrayLike
    quantity: npt.ArrayLike
    capacity: npt.ArrayLike = np.inf
    days: npt.ArrayLike = 0
    longest: npt.ArrayLike = np.inf
    unmet_cost: npt.ArrayLike = np.inf
    volume: npt.ArrayLike = 1.0

    def __post_init__(self) -> None:
        ends = {
            n: np.atleast_1d(checks.counts(n, getattr(self, n))) for n in ("source", "target", "origin", "destination")
        }
        for one, other in (("source", "target"), ("origin", "destination")):
            if ends[one].shape != ends[other].shape or ends[one].ndim != 1:
                raise ValueError(f"{one}, {other}: give one of each")
        for name, array in ends.items():
            if array.size and int(array.max()) >= self.places:
                raise ValueError(f"{name}: names place {int(array.max())}, but there are {self.places}")
            object.__setattr__(self, name, array)
        lanes, commodities = ends["source"].shape, ends["origin"].shape
        shapes = {"cost": lanes, "capacity": lanes, "quantity": commodities, "longest": commodities}
        shapes |= {"unmet_cost": commodities, "volume": commodities}
        for name, shape in shapes.items():
            given = checks.numbers(name, getattr(self, name))
            if given.shape not in ((), shape):
                raise ValueError(f"{name}: shape {given.shape} does not fit {shape}; give one value, or one each")
            if np.isnan(given).any() or np.any(given < 0):
                raise ValueError(f"{name}: must be known and 0 or more")
            object.__setattr__(self, name, np.array(np.broadcast_to(given, shape)))
        days = checks.counts("days", self.days)
        object.__setattr__(self, "days", np.array(np.broadcast_to(days, lanes)))
        if np.isinf(np.asarray(self.quantity)).any():
            raise ValueError("quantity: must be finite")


@dataclass(frozen=True, slots=True, eq=False)
class LaneFlows:
    """``flow`` as rows (``commodity``, ``lane``, ``units``, all above 0); ``unmet`` and ``unit_price`` per commodity
    (what one more unit costs to deliver); per lane ``load`` and ``price`` (what one more unit of capacity would save);
    ``cost`` in all."""

    commodity: Ints
    lane: Ints
    units: Floats
    unmet: Floats
    unit_price: Floats
    load: Floats
    price: Floats
    cost: float


class LanePlanner:
    """Lane flows kept in the solver, for what-ifs: a lane that fails, another capacity, cost or quantity.

    min Σ cost·units + unmet cost·unmet; what enters a place leaves it, per commodity; Σ volume·units ≤ capacity per
    lane. Where a commodity has ``longest`` days, its places are copied per day elapsed, so that every unit arrives in
    time whatever paths mix; only copies that can still arrive are built. Lanes that can never lie on a commodity's way
    are left out. Source: Ahuja, Magnanti and Orlin, Network Flows (1993), chapter 17; days by time expansion (Ford and
    Fulkerson, Operations Research 6(3) (1958)).
    """

    def __init__(self, network: LaneNetwork) -> None:
        self.network = network
        draft = Draft()
        self._use, self._blocks = _flows(draft, network)
        self.program = Program(draft)

    def solve(self) -> LaneFlows:
        found, blocks, n = self.program.solve(), self._blocks, self.network
        moved = found.value(blocks["moved"])
        keys, place = np.unique(self._use[0] * max(np.size(n.source), 1) + self._use[1], return_inverse=True)
        units = np.bincount(place, moved, keys.size).astype(np.float64)
        kept = units > 1e-9
        commodity, lane = keys[kept] // max(np.size(n.source), 1), keys[kept] % max(np.size(n.source), 1)
        load = np.zeros(np.size(n.source))
        np.add.at(load, lane, units[kept] * np.asarray(n.volume)[commodity])
        return LaneFlows(
            commodity, lane, units[kept], found.value(blocks["unmet"]), found.price(blocks["delivered"]), load,
            np.maximum(-found.price(blocks["capacity"]), 0.0), found.objective,
        )  # fmt: skip

    def what_if(self, *, capacity: npt.ArrayLike | None = None, quantity: npt.ArrayLike | None = None) -> LaneFlows:
        """Plan again with another ``capacity`` per lane (0: the lane fails) or ``quantity`` per commodity.

        >>> planner = LanePlanner(LaneNetwork(2, [0, 0], [1, 1], [1, 4], [0], [1], [10]))
        >>> planner.solve().cost, planner.what_if(capacity=[0, 99]).cost
        (10.0, 40.0)
        """
        if capacity is not None:
            limit = np.broadcast_to(checks.numbers("capacity", capacity), (np.size(self.network.source),))
            if np.isnan(limit).any() or np.any(limit < 0):
                raise ValueError("capacity: must be known and 0 or more")
            self.program.limit_rows(self._blocks["capacity"].at, -np.inf, limit)
        if quantity is not None:
            wanted = np.broadcast_to(checks.nonnegative("quantity", quantity), np.shape(self.network.origin))
            self.program.limit_rows(self._blocks["delivered"].at, wanted, wanted)
        return self.solve()


def lane_flows(network: LaneNetwork) -> LaneFlows:
    """The least costly way to carry all commodities over the lanes they share: see `LanePlanner`.

    `NoPlan` where lanes cannot carry what must be delivered, naming lanes or commodities and by how much.

    >>> cheap_is_slow = LaneNetwork(
    ...     3, [0, 1, 0], [1, 2, 2], [1, 1, 5], [0, 0], [2, 2], [10, 10], days=[3, 3, 2], longest=[4, np.inf]
    ... )
    >>> found = lane_flows(cheap_is_slow)
    >>> found.cost, list(zip(found.commodity.tolist(), found.lane.tolist()))
    (70.0, [(0, 2), (1, 0), (1, 1)])
    """
    return LanePlanner(network).solve()


def _flows(draft: Draft, n: LaneNetwork) -> tuple[tuple[Ints, Ints], dict[str, Block]]:
    quantity = np.asarray(n.quantity, np.float64)
    lost = np.asarray(n.unmet_cost, np.float64)
    unmet = draft.columns(
        quantity.shape, np.where(np.isinf(lost), 0.0, lost), (0.0, np.where(np.isinf(lost), 0.0, np.inf))
    )
    delivered = draft.rows(quantity.shape, lower=quantity, upper=quantity, kind=_DELIVERY)
    draft.put(delivered.at, unmet.at, 1.0)
    parts = [_copies(n, k) for k in range(quantity.size)]
    commodity = np.repeat(np.arange(quantity.size), [part[0].size for part in parts])
    lane, tail, head = (np.concatenate([part[side] for part in parts] or [np.empty(0, np.int64)]) for side in range(3))
    sizes = np.array([part[3] for part in parts], np.int64)
    offset = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    moved = draft.columns((lane.size,), np.asarray(n.cost)[lane])
    balance = draft.rows((int(offset[-1]),), lower=0.0, upper=0.0)
    # −1 is a commodity's origin, which may send without end; −2 its destination.
    inner, final = tail >= 0, head == -2
    draft.put(balance.at[offset[commodity[inner]] + tail[inner]], moved.at[inner], -1.0)
    on = head >= 0
    draft.put(balance.at[offset[commodity[on]] + head[on]], moved.at[on], 1.0)
    draft.put(delivered.at[commodity[final]], moved.at[final], 1.0)
    capacity = draft.rows(np.shape(n.source), upper=n.capacity, kind=_CAPACITY)
    draft.put(capacity.at[lane], moved.at, np.asarray(n.volume)[commodity])
    blocks = {"unmet": unmet, "delivered": delivered, "moved": moved, "capacity": capacity}
    return (commodity, lane), blocks


def _copies(n: LaneNetwork, k: int) -> tuple[Ints, Ints, Ints, int]:
    """Lanes of one commodity between copies of places (place, days elapsed): lane, from, to, number of copies."""
    source, target, days = (np.asarray(each, np.int64) for each in (n.source, n.target, n.days))
    start, end = int(np.asarray(n.origin)[k]), int(np.asarray(n.destination)[k])
    if start == end:
        raise ValueError(f"origin, destination: commodity {k} is already where it goes; leave it out")
    limit = float(np.asarray(n.longest)[k])
    timed = bool(np.isfinite(limit))
    length = days if timed else np.zeros_like(days)
    since, until = (
        _nearest(n.places, (source, target), length, start),
        _nearest(n.places, (target, source), length, end),
    )
    span = int(limit) if timed else 0
    reach = np.isfinite(since[source]) & np.isfinite(until[target])
    reach &= (since[source] + length + until[target] <= span) & (source != end) & (target != start)
    lane = np.flatnonzero(reach)
    elapsed = np.arange(span + 1)
    ok = (elapsed >= since[source[lane]][:, None]) & (elapsed + (length[lane] + until[target[lane]])[:, None] <= span)
    ok &= (source[lane] != start)[:, None] | (elapsed == 0)
    at, when = np.nonzero(ok)
    lane = lane[at]
    tail = np.where(source[lane] == start, -1, source[lane] * (span + 1) + when)
    head = np.where(target[lane] == end, -2, target[lane] * (span + 1) + when + length[lane])
    copies = np.unique(np.concatenate([tail[tail >= 0], head[head >= 0]]))
    tail[tail >= 0] = np.searchsorted(copies, tail[tail >= 0])
    head[head >= 0] = np.searchsorted(copies, head[head >= 0])
    return lane, tail, head, copies.size


def _nearest(places: int, ends: tuple[Ints, Ints], length: Ints, start: int) -> Floats:
    """Fewest days from ``start`` to every place, by rounds over all lanes (Bellman)."""
    found = np.full(places, np.inf)
    found[start] = 0.0
    for _ in range(places):
        best = found.copy()
        np.minimum.at(best, ends[1], found[ends[0]] + length)
        if np.array_equal(best, found):
            break
        found = best
    return found
