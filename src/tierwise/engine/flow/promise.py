"""Who is reached in time: the share of demand within its promised days, at the quantile that was promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def transit_shares(lane: npt.ArrayLike, days: npt.ArrayLike, lanes: int, horizon: int) -> Floats:
    """From a history of transits to the share of each number of days: lanes × (0 … ``horizon``).

    ``lane`` and whole ``days`` per transit; what took longer than the horizon is in no column, so a row may sum to less
    than 1. NaN days (not arrived) are refused: give those the days they have already taken at least. A lane without
    history is a row of zeros: nothing is known to arrive. Source: empirical distribution.

    >>> transit_shares([0, 0, 0, 1], [2, 2, 3, 9], lanes=2, horizon=4).round(3).tolist()
    [[0.0, 0.0, 0.667, 0.333, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    where, taken = np.atleast_1d(checks.counts("lane", lane)), np.atleast_1d(checks.counts("days", days))
    if where.shape != taken.shape or (where.size and int(where.max()) >= lanes):
        raise ValueError(f"lane, days: must be pairs, lanes numbered 0 to {lanes - 1}")
    if horizon < 0:
        raise ValueError("horizon: must be 0 or more days")
    found = np.zeros((lanes, horizon + 1))
    inside = taken <= horizon
    np.add.at(found, (where[inside], taken[inside]), 1.0)
    count = np.bincount(where, minlength=lanes)[:, None]
    return np.asarray(np.divide(found, count, out=np.zeros_like(found), where=count > 0))


@dataclass(frozen=True, slots=True, eq=False)
class TransitNetwork:
    """N places, M lanes ``source`` → ``target`` with ``transit`` M × (days 0 … horizon), shares as `transit_shares`
    gives them. ``departs`` M × 7: on which weekdays (0 Monday) a lane leaves (True: every day); what comes later waits.
    ``closed`` lanes are out of service."""

    places: int
    source: npt.ArrayLike
    target: npt.ArrayLike
    transit: npt.ArrayLike
    departs: npt.ArrayLike = True
    closed: npt.ArrayLike = False

    def __post_init__(self) -> None:
        source, target = (np.atleast_1d(checks.counts(name, getattr(self, name))) for name in ("source", "target"))
        transit = np.atleast_2d(checks.nonnegative("transit", self.transit))
        if source.shape != target.shape or transit.shape[0] != source.size:
            raise ValueError("source, target, transit: give one of each per lane")
        if source.size and max(int(source.max()), int(target.max())) >= self.places:
            raise ValueError(f"source, target: name a place beyond {self.places - 1}")
        if np.isnan(transit).any() or np.any(transit.sum(axis=1) > 1 + 1e-9):
            raise ValueError("transit: are shares; a row must be known and sum to 1 or less")
        departs = np.array(np.broadcast_to(np.asarray(self.departs, np.bool_), (source.size, 7)))
        closed = np.array(np.broadcast_to(np.asarray(self.closed, np.bool_), source.shape))
        fields = {"source": source, "target": target, "transit": transit, "departs": departs, "closed": closed}
        for name, array in fields.items():
            object.__setattr__(self, name, array)


@dataclass(frozen=True, slots=True, eq=False)
class Promises:
    """Rows of demand: from ``origin`` to ``destination``, ``quantity`` promised within ``days``, handed over on
    ``weekday`` (−1: any of the seven alike)."""

    origin: npt.ArrayLike
    destination: npt.ArrayLike
    days: npt.ArrayLike
    quantity: npt.ArrayLike = 1.0
    weekday: npt.ArrayLike = -1

    def __post_init__(self) -> None:
        origin = np.atleast_1d(checks.counts("origin", self.origin))
        fields: dict[str, npt.NDArray[np.generic]] = {"origin": origin}
        given: dict[str, npt.NDArray[np.generic]] = {
            "destination": checks.counts("destination", self.destination),
            "days": checks.counts("days", self.days),
            "quantity": checks.nonnegative("quantity", self.quantity),
            "weekday": np.asarray(self.weekday, np.int64),
        }
        for name, array in given.items():
            if array.shape not in ((), origin.shape):
                raise ValueError(
                    f"{name}: shape {array.shape} does not fit {origin.shape}; give one value, or one each"
                )
            fields[name] = np.array(np.broadcast_to(array, origin.shape))
        if np.any((fields["weekday"].astype(np.int64) < -1) | (fields["weekday"].astype(np.int64) > 6)):
            raise ValueError("weekday: must be 0 (Monday) to 6, or −1 for any")
        if np.isnan(fields["quantity"].astype(np.float64)).any():
            raise ValueError("quantity: some are NaN; leave these rows out")
        for name, wide in fields.items():
            object.__setattr__(self, name, wide)


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """``share`` of quantity whose chance to arrive in time is at least the level (NaN without demand). Per row:
    ``on_time`` chance, ``kept`` whether it is enough, ``days_needed`` at the level (inf beyond the horizon), and
    ``first_lane`` to take (−1: none)."""

    share: float
    on_time: Floats
    kept: npt.NDArray[np.bool_]
    days_needed: Floats
    first_lane: Ints


def reach(network: TransitNetwork, promises: Promises, level: float = 0.95) -> Reach:
    """The share of demand that arrives within its promised days with probability ``level`` (on-time reach at P95).

    Sums of transits have no P95 that adds up, so chances are carried instead: u(place, weekday, days left) = max over
    lanes of Σ share(days) · u(next place, weekday then, days left then), waiting for the lane's weekday first. The lane
    is chosen anew at every place by the days that are left, which is the best any routing can do; with one way only it
    is that way's own chance. Transits are independent. One compiled pass per destination. Source: stochastic on-time
    arrival, Fan, Kalaba and Moore, Journal of Optimization Theory and Applications 127(3) (2005) 497-513.

    >>> two_legs = TransitNetwork(3, [0, 1], [1, 2], transit_shares([0, 0, 1, 1], [1, 2, 1, 2], lanes=2, horizon=5))
    >>> found = reach(two_legs, Promises(origin=[0, 0], destination=[2, 2], days=[3, 4], quantity=[100, 300]))
    >>> found.on_time.tolist(), found.share, found.days_needed.tolist()
    ([0.75, 1.0], 0.75, [4.0, 4.0])
    """
    from tierwise.engine.flow.promise_kernels import arrival_chances  # noqa: PLC0415 - the compiler loads on first use

    if not 0 < level <= 1:
        raise ValueError("level: must lie above 0 and at most at 1; 95 % is 0.95")
    origin, goal, days, weekday, quantity = (
        np.asarray(getattr(promises, name)) for name in ("origin", "destination", "days", "weekday", "quantity")
    )
    if origin.size and max(int(origin.max()), int(goal.max())) >= network.places:
        raise ValueError(f"origin, destination: name a place beyond {network.places - 1}")
    transit = np.asarray(network.transit, np.float64)
    horizon = transit.shape[1] - 1
    if days.size and int(days.max()) > horizon:
        raise ValueError(f"days: promises {int(days.max())}, but transit is known to {horizon}; widen its horizon")
    on_time, needed = np.zeros(origin.size), np.full(origin.size, np.inf)
    first = np.full(origin.size, -1, np.int64)
    used = np.flatnonzero(~np.asarray(network.closed))
    source, target = np.asarray(network.source)[used], np.asarray(network.target)[used]
    waits = _waits(np.asarray(network.departs)[used])
    for place in np.unique(goal):
        chance, choice = arrival_chances((network.places, int(place)), source, target, transit[used], waits)
        rows = np.flatnonzero(goal == place)
        one = np.maximum(weekday[rows], 0)
        curve = np.where((weekday[rows] < 0)[:, None], chance[origin[rows]].mean(axis=1), chance[origin[rows], one])
        on_time[rows] = curve[np.arange(rows.size), days[rows]]
        enough = curve >= level - 1e-12
        needed[rows] = np.where(enough.any(axis=1), enough.argmax(axis=1), np.inf)
        taken = choice[origin[rows], one, days[rows]]
        first[rows] = np.where(taken >= 0, used[taken] if used.size else -1, -1)
    kept = on_time >= level - 1e-12
    total = float(quantity.sum())
    share = float(quantity[kept].sum()) / total if total > 0 else np.nan
    return Reach(share, on_time, kept, needed, first)


def _waits(departs: npt.NDArray[np.bool_]) -> Ints:
    """Days to wait from each weekday for the next departure; −1 where a lane never leaves."""
    found = np.full(departs.shape, -1, np.int64)
    for wait in range(6, -1, -1):
        found = np.where(np.roll(departs, -wait, axis=1), wait, found)
    return found
