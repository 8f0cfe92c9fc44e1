"""Can a supplier serve all segments at once, whose demand waits if not, and which capacity would mend it cheapest?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Block, Draft, Kind, Program

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CAPACITY = Kind("capacity", ("resource", "week"), "raise capacity")
_SERVICE = Kind("service", ("line", "week"), "promise less")
_TIE_SHARE = 1e-9
"""Share of a level's result that a lower level may take back: the solver's tolerance, and no planner's difference."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadinessProblem:
    """N demand lines (an item for a segment), P routes, R resources, T weeks.

    ``demand`` N × T and ``capacity`` R × T; ``priority`` per line (1 is served first; equal ranks compete by
    ``worth`` per unit). A route makes one line's demand: ``line`` per route, with its ``lead_weeks``; only routes not
    longer than the line's ``longest_lead`` (its lead-time class) are used. ``route``, ``resource``, ``load`` are
    triples of equal length: units of a resource per unit made, ``weeks_before`` the week of completion (default 0).
    ``weeks_ahead`` per line: how early its units may be made.
    """

    demand: npt.ArrayLike
    capacity: npt.ArrayLike
    line: npt.ArrayLike
    route: npt.ArrayLike
    resource: npt.ArrayLike
    load: npt.ArrayLike = 1.0
    priority: npt.ArrayLike = 1
    worth: npt.ArrayLike = 1.0
    weeks_ahead: npt.ArrayLike = 0
    weeks_before: npt.ArrayLike = 0
    lead_weeks: npt.ArrayLike = 0
    longest_lead: npt.ArrayLike = np.inf

    def __post_init__(self) -> None:
        demand = np.atleast_2d(checks.nonnegative("demand", self.demand))
        capacity = np.atleast_2d(checks.numbers("capacity", self.capacity))
        line = np.atleast_1d(checks.counts("line", self.line))
        route, resource = (np.atleast_1d(checks.counts(name, getattr(self, name))) for name in ("route", "resource"))
        lines = demand.shape[0]
        if np.isnan(demand).any() or np.isnan(capacity).any() or np.any(capacity < 0):
            raise ValueError("demand, capacity: must be known and 0 or more; inf capacity is no limit")
        if capacity.shape[1] != demand.shape[1]:
            raise ValueError(f"capacity: {capacity.shape[1]} weeks against {demand.shape[1]} of demand; align them")
        if line.size and int(line.max()) >= lines:
            raise ValueError(f"line: names line {int(line.max())}, but demand has {lines} rows")
        if route.shape != resource.shape or (route.size and int(route.max()) >= line.size):
            raise ValueError("route, resource: must be pairs, routes numbered as in line")
        if resource.size and int(resource.max()) >= capacity.shape[0]:
            raise ValueError(
                f"resource: names resource {int(resource.max())}, but capacity has {capacity.shape[0]} rows"
            )
        shapes = {
            "load": route.shape, "weeks_before": route.shape, "lead_weeks": line.shape, "priority": (lines,),
            "worth": (lines,), "weeks_ahead": (lines,), "longest_lead": (lines,),
        }  # fmt: skip
        fields: dict[str, npt.NDArray[np.generic]] = {
            "demand": demand, "capacity": capacity, "line": line, "route": route, "resource": resource,
        }  # fmt: skip
        for name, shape in shapes.items():
            fields[name] = _each(name, getattr(self, name), shape)
        if np.any(np.asarray(fields["priority"]) == 0):
            raise ValueError("priority: ranks begin at 1, which is served first")
        for name, array in fields.items():
            object.__setattr__(self, name, array)


def _each(name: str, given: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    if name in ("weeks_before", "priority", "weeks_ahead"):
        return checks.each(name, checks.counts(name, given), shape)
    return checks.known(name, given, shape)


@dataclass(frozen=True, slots=True, eq=False)
class Readiness:
    """``made`` routes × weeks ahead × week due; ``served`` and ``short`` N × T; ``share`` served per line (NaN without
    demand); ``used`` R × T and ``free``. ``price`` levels × R × T: worth that one more unit of a resource in a week
    would add at that level with all higher levels kept; ``levels`` their ranks, ``served_worth`` what each reached."""

    made: Floats
    served: Floats
    short: Floats
    share: Floats
    used: Floats
    free: Floats
    price: Floats
    levels: Ints
    served_worth: Floats

    def bottlenecks(self, cost: npt.ArrayLike = 1.0) -> list[tuple[int, int, float]]:
        """(resource, week, worth gained per unit of money) by falling gain: the cheapest fix first. ``cost`` per unit
        of each resource's capacity."""
        gain = self.price.sum(axis=0) / np.broadcast_to(np.asarray(cost, np.float64), self.used.shape[:1])[:, None]
        places = np.argwhere(gain > 1e-9)
        return sorted(((int(r), int(t), float(gain[r, t])) for r, t in places), key=lambda each: -each[2])


def readiness(problem: ReadinessProblem) -> Readiness:
    """What can be served of all lines together, higher priorities first, by all the routes they may take.

    For each rank in turn: max Σ worth · served over its lines, with every higher rank's result kept; then units are
    made as little ahead as that allows. All ranks share one program that is solved again from where it stood. Prices
    are those of each rank's own program. No lines or no demand: nothing short. Source: lexicographic goal programming
    (Ignizio, Goal Programming and Extensions, 1976); capacity groups and load factors as Catena-X CX-0128.

    >>> two = ReadinessProblem(
    ...     demand=[[60, 60], [60, 60]],
    ...     capacity=[[100, 90]],
    ...     line=[0, 1],
    ...     route=[0, 1],
    ...     resource=[0, 0],
    ...     priority=[2, 1],
    ... )
    >>> found = readiness(two)
    >>> found.share.round(4).tolist(), found.bottlenecks()
    ([0.5833, 1.0], [(0, 0, 1.0), (0, 1, 1.0)])
    """
    draft = Draft()
    blocks = _routes(draft, problem)
    demand = np.asarray(problem.demand, np.float64)
    short = draft.columns(demand.shape, bounds=(0.0, demand))
    draft.put(blocks["met"].at, short.at, 1.0)
    rank = np.asarray(problem.priority)
    levels = np.unique(rank)
    worth = np.asarray(problem.worth, np.float64)[:, None] * np.ones_like(demand)
    kept = draft.rows((levels.size,))
    for at, level in enumerate(levels):
        mine = rank == level
        draft.put(kept.at[at], short.at[mine], worth[mine])
    program = Program(draft)
    price = np.zeros((levels.size, *np.shape(problem.capacity)))
    reached = np.zeros(levels.size)
    for at, level in enumerate(levels):
        program.cost(short.at, np.where((rank == level)[:, None], worth, 0.0))
        found = program.solve()
        price[at] = np.maximum(-found.price(blocks["capacity"]), 0.0)
        total = float((worth * demand)[rank == level].sum())
        reached[at] = total - found.objective
        program.limit_rows(kept.at[at], -np.inf, found.objective + _TIE_SHARE * (1 + total))
    program.cost(short.at, 0.0)
    ahead = np.broadcast_to(np.arange(blocks["made"].shape[1])[:, None], blocks["made"].shape)
    program.cost(blocks["made"].at, ahead)
    found = program.solve()
    missing = found.value(short)
    missing[missing < 1e-7 * (1 + demand)] = 0.0
    used = np.zeros(np.shape(problem.capacity))
    made = found.value(blocks["made"])
    _load(problem, made, used)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(demand.sum(axis=1) > 0, 1 - missing.sum(axis=1) / demand.sum(axis=1), np.nan)
    return Readiness(
        made, demand - missing, missing, share, used, np.asarray(problem.capacity) - used, price, levels, reached
    )


@dataclass(frozen=True, slots=True, eq=False)
class Headroom:
    """``factor`` by which the growing lines' demand can be multiplied (inf: without end); ``first`` the (resource,
    week) that binds then, by falling price; ``price`` R × T how much factor one more unit of capacity would add."""

    factor: float
    first: list[tuple[int, int]]
    price: Floats


def headroom(problem: ReadinessProblem, growing: npt.ArrayLike = True) -> Headroom:
    """By how much demand of the ``growing`` lines can grow before something is left short, and what binds first.

    max λ with demand · λ of these lines, and all other demand as it is, fully served. Below 1: it does not even fit
    today; 0 with nothing that binds: something can never be made in time. `NoPlan` where the other lines alone do not
    fit. Source as `readiness`; break point of scalability.

    >>> one = ReadinessProblem([[60, 60]], [[100, 90]], line=[0], route=[0], resource=[0], weeks_ahead=[1])
    >>> found = headroom(one)
    >>> round(found.factor, 4), found.first
    (1.5833, [(0, 0), (0, 1)])
    """
    draft = Draft()
    blocks = _routes(draft, problem)
    demand = np.asarray(problem.demand, np.float64)
    grows = np.broadcast_to(np.asarray(growing, np.bool_), demand.shape[:1])
    factor = draft.columns((1,), -1.0)
    draft.put(blocks["met"].at[grows], factor.at[0], -demand[grows])
    if not np.any(demand[grows] > 0):
        return Headroom(np.inf, [], np.zeros(np.shape(problem.capacity)))
    program = Program(draft)
    program.limit_rows(blocks["met"].at[grows], 0.0, 0.0)
    try:
        found = program.solve()
    except ValueError as error:
        if "falls for ever" not in str(error):
            raise
        return Headroom(np.inf, [], np.zeros(np.shape(problem.capacity)))
    price = np.maximum(-found.price(blocks["capacity"]), 0.0)
    binding = np.argwhere(price > 1e-12)
    order = np.argsort(-price[price > 1e-12], kind="stable")
    return Headroom(0.0 - found.objective, [(int(r), int(t)) for r, t in binding[order]], price)


def _routes(draft: Draft, problem: ReadinessProblem) -> dict[str, Block]:
    """Columns: made on each route, so many weeks ahead, for each due week. Rows: demand met, capacity."""
    line, route, resource = (np.asarray(each) for each in (problem.line, problem.route, problem.resource))
    early, before = np.asarray(problem.weeks_ahead, np.int64), np.asarray(problem.weeks_before, np.int64)
    demand, load = np.asarray(problem.demand, np.float64), np.asarray(problem.load, np.float64)
    weeks = demand.shape[1]
    shifts = np.arange(int(early.max(initial=0)) + 1)
    due = np.arange(weeks)
    fits = np.asarray(problem.lead_weeks) <= np.asarray(problem.longest_lead)[line]
    longest = np.zeros(line.size, np.int64)
    np.maximum.at(longest, route, before)
    # What would have to be begun before the first week cannot be made.
    begun = due - shifts[:, None] - longest[:, None, None] >= 0
    allowed = fits[:, None, None] & (shifts <= early[line][:, None])[:, :, None] & begun
    made = draft.columns((line.size, shifts.size, weeks), bounds=(0.0, np.where(allowed, np.inf, 0.0)))
    met = draft.rows(demand.shape, lower=demand, upper=demand, kind=_SERVICE)
    capacity = draft.rows(np.shape(problem.capacity), upper=problem.capacity, kind=_CAPACITY)
    draft.put(np.broadcast_to(met.at[line][:, None], made.shape), made.at, 1.0)
    for shift in shifts.tolist():
        when = due[None, :] - shift - before[:, None]
        inside = (when >= 0) & (shift <= early[line[route]])[:, None]
        rows = capacity.at[resource[:, None], np.maximum(when, 0)]
        draft.put(rows[inside], made.at[route, shift][inside], np.broadcast_to(load[:, None], when.shape)[inside])
    return {"made": made, "met": met, "capacity": capacity}


def _load(problem: ReadinessProblem, made: Floats, used: Floats) -> None:
    route, resource = np.asarray(problem.route), np.asarray(problem.resource)
    before, load = np.asarray(problem.weeks_before, np.int64), np.asarray(problem.load, np.float64)
    due = np.arange(made.shape[2])
    for shift in range(made.shape[1]):
        when = due - shift - before[:, None]
        inside = when >= 0
        rows = np.broadcast_to(resource[:, None], when.shape)
        np.add.at(used, (rows[inside], when[inside]), (made[route, shift] * load[:, None])[inside])
