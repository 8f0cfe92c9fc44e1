"""Week by week: does the capacity of each group match the demand on it, and can pre-production mend what does not?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Draft, Program

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

MATCH = ("unknown", "zero deviation", "surplus", "bottleneck within maximum", "bottleneck")
COLOUR = ("grey", "green", "green", "orange", "red")


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyMatch:
    """Per group and week. ``status`` is a position in ``MATCH`` (and ``COLOUR``); ``deviation`` = actual − demand,
    ``short_of_maximum`` what even the maximum capacity lacks, ``utilisation`` = demand ÷ actual (inf where there is
    demand but no capacity)."""

    status: Codes
    demand: Floats
    deviation: Floats
    short_of_maximum: Floats
    utilisation: Floats

    def colours(self) -> npt.NDArray[np.str_]:
        return np.array(COLOUR)[self.status]


def match_weeks(
    demand: npt.ArrayLike, actual: npt.ArrayLike, maximum: npt.ArrayLike, tolerance: float = 1e-9
) -> WeeklyMatch:
    """Demand against actual and maximum capacity, the decision table of Catena-X.

    All broadcast to one shape (groups × weeks, or any), in the group's unit per week. Demand as `group_demand` gives
    it. D = A = M or D = A < M: zero deviation, green; D < A: surplus, green; A < D ≤ M: bottleneck, orange; D > M:
    bottleneck, red. Numbers closer than ``tolerance`` (relative to the larger) are equal. NaN: unknown, grey.
    ValueError where the maximum lies below the actual capacity or a capacity is negative. Source: Catena-X CX-0128
    v2.2, matching of demand and capacity.

    >>> match = match_weeks(
    ...     [100, 100, 80, 120, 110, 130], [100, 100, 100, 100, 100, 110], [100, 120, 120, 100, 120, 120]
    ... )
    >>> match.colours().tolist()
    ['green', 'green', 'green', 'red', 'orange', 'red']
    """
    need = checks.numbers("demand", demand)
    floor = checks.nonnegative("actual", actual)
    ceiling = checks.nonnegative("maximum", maximum)
    d, a, m = checks.together(demand=need, actual=floor, maximum=ceiling)
    slack = tolerance * np.maximum(np.maximum(np.abs(d), a), m)
    if np.any(m < a - slack):
        raise ValueError("maximum: lies below the actual capacity; the maximum includes it, so swap or correct them")
    unknown = np.isnan(d + a + m)
    status = np.where(d > m + slack, 4, np.where(d > a + slack, 3, np.where(d < a - slack, 2, 1)))
    status = np.where(unknown, 0, status).astype(np.int8)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where((a == 0) & (d <= 0), 0.0, d / a)
    return WeeklyMatch(status, np.array(d), a - d, np.maximum(d - m, 0.0), np.where(unknown, np.nan, used))


def group_demand(
    series: npt.ArrayLike,
    group: npt.ArrayLike,
    load_factor: npt.ArrayLike = 1.0,
    active: npt.ArrayLike = True,
    delta_production: npt.ArrayLike | None = None,
) -> Floats:
    """What the demand series linked to each capacity group ask of it: D = Σ load factor · demand + delta production.

    ``series``: links × weeks (a series linked to two groups stands twice), ``group`` the group's number per link,
    ``load_factor`` capacity units per unit of demand, ``active`` False leaves a link out. ``delta_production``: groups
    × weeks, what a simulation of pre- and post-production moved (see `level_production`). Returns groups × weeks; NaN
    demand of an active link makes its group's week unknown. Without links: 0 groups, or delta's shape. Source: Catena-X
    CX-0128 v2.2.

    >>> group_demand([[100, 50], [40, 40], [9, 9]], [0, 0, 0], [1, 0.5, 7], [True, True, False], [[-20, 20]]).tolist()
    [[100.0, 90.0]]
    """
    rows = np.atleast_2d(checks.numbers("series", series))
    place = checks.counts("group", group)
    if place.shape != rows.shape[:1]:
        raise ValueError(f"group: {place.shape} for {rows.shape[0]} series; give one group per series")
    factor = np.broadcast_to(checks.nonnegative("load_factor", load_factor), place.shape)
    if np.isnan(factor).any():
        raise ValueError("load_factor: some are NaN; give 1 where one unit of demand takes one unit of capacity")
    counts = np.broadcast_to(np.asarray(active, np.bool_), place.shape)
    delta = None if delta_production is None else np.atleast_2d(checks.numbers("delta_production", delta_production))
    groups = int(place.max(initial=-1)) + 1
    if delta is not None:
        if delta.shape[1] != rows.shape[1] or delta.shape[0] < groups:
            raise ValueError(
                f"delta_production: {delta.shape}; give groups × weeks, {groups} × {rows.shape[1]} or more"
            )
        groups = delta.shape[0]
    found = np.zeros((groups, rows.shape[1])) if delta is None else delta.copy()
    np.add.at(found, place[counts], rows[counts] * factor[counts, None])
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Levelling:
    """``delta_production`` per group and week (sums to 0 per group; + is made in that week for another one),
    ``moved`` units in all and ``unit_weeks`` (units × weeks moved) per group; ``left`` what remains short."""

    delta_production: Floats
    moved: Floats
    unit_weeks: Floats
    left: Floats


def level_production(
    demand: npt.ArrayLike, capacity: npt.ArrayLike, weeks_ahead: int, weeks_behind: int = 0
) -> Levelling:
    """Moves what exceeds capacity into free weeks before it (and, if allowed, after it).

    ``demand`` and ``capacity``: groups × weeks, the latter actual or maximum. Units may be made up to ``weeks_ahead``
    early and ``weeks_behind`` late; as little as possible is left, and of all such plans the one that moves units the
    fewest weeks (a transportation program, one for all groups that exceed their capacity at all). The result is the
    ``deltaProductionResult`` that Catena-X CX-0128 lets a supplier report. ValueError for NaN.

    >>> level_production([80, 90, 130, 100], [100, 100, 100, 100], weeks_ahead=2).delta_production.tolist()
    [[20.0, 10.0, -30.0, 0.0]]
    """
    need = np.atleast_2d(checks.nonnegative("demand", demand))
    most = np.broadcast_to(checks.nonnegative("capacity", capacity), need.shape)
    if np.isnan(need + most).any():
        raise ValueError("demand, capacity: some are NaN; fill these weeks or leave the group out")
    ahead, behind = int(weeks_ahead), int(weeks_behind)
    if min(ahead, behind) < 0:
        raise ValueError("weeks_ahead, weeks_behind: must be 0 or more")
    delta, unit_weeks, left = np.zeros_like(need), np.zeros(need.shape[0]), np.zeros_like(need)
    tight = np.flatnonzero((need > most).any(axis=1))
    if tight.size:
        moved, left[tight] = _level(need[tight], most[tight], np.arange(-behind, ahead + 1))
        for shift, units in zip(range(-behind, ahead + 1), moved, strict=True):
            unit_weeks[tight] += abs(shift) * units.sum(axis=1)
            delta[tight] -= units
            delta[tight] += np.roll(units, -shift, axis=1)
    return Levelling(delta, np.maximum(delta, 0.0).sum(axis=1), unit_weeks, left)


def _level(need: Floats, most: Floats, shifts: Ints) -> tuple[Floats, Floats]:
    """Units of each week made so many weeks earlier (shifts × groups × weeks), and what is left."""
    groups, weeks = need.shape
    source = np.arange(weeks) - shifts[:, None]
    inside = (source >= 0) & (source < weeks)
    # One unit less left over is worth any chain of moves: no chain is longer than all weeks at the longest shift.
    missing = float(weeks * np.abs(shifts).max() + 1)
    draft = Draft()
    allowed = np.where(inside, np.inf, 0.0)[:, None]
    moved = draft.columns((shifts.size, groups, weeks), np.abs(shifts)[:, None, None], (0.0, allowed))
    left = draft.columns((groups, weeks), missing)
    met = draft.rows((groups, weeks), lower=need, upper=need)
    within = draft.rows((groups, weeks), upper=most)
    draft.put(met.at, moved.at, 1.0)
    draft.put(met.at, left.at, 1.0)
    for at, shift in enumerate(shifts):
        here = np.flatnonzero(inside[at])
        draft.put(within.at[:, here - shift], moved.at[at][:, here], 1.0)
    found = Program(draft).solve()
    return found.value(moved), found.value(left)


@dataclass(frozen=True, slots=True, eq=False)
class DemandDeviation:
    """Per group, sub-horizon and window start (last axes: weeks; NaN past the end). ``alert`` marks where a limit is
    passed, ``absolute`` and ``relative`` are the change of demand in the window."""

    absolute: Floats
    relative: Floats
    alert: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SubHorizon:
    """Weeks ``first`` to ``past`` (excluded) from now are watched in rolling windows of ``length`` weeks. Limits are
    shares (0 to 1) and units; inf: not watched."""

    first: int
    past: int
    length: int = 1
    relative_up: float = np.inf
    relative_down: float = np.inf
    absolute_up: float = np.inf
    absolute_down: float = np.inf

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.past or not 1 <= self.length <= self.past - self.first:
            raise ValueError("first, past, length: need 0 ≤ first < past and a window that fits between them")
        if not self.relative_down >= 0 or min(self.relative_up, self.absolute_up, self.absolute_down) < 0:
            raise ValueError("limits: give each as a positive size; a fall of 20 % is relative_down=0.2")


def demand_deviation(
    latest: npt.ArrayLike, previous: npt.ArrayLike, horizons: tuple[SubHorizon, ...]
) -> DemandDeviation:
    """Where the latest demand on a capacity group differs too much from the previous one, by rolling sub-horizon.

    ``latest``, ``previous``: groups × weeks on the same weeks, two vintages as `group_demand` gives them. In each
    window the sums are compared: absolute = latest − previous, relative = absolute ÷ previous (inf from 0). A fall
    counts where it is larger than its limit: the standard's table compares with the positive limit itself, which its
    next section rules out; we take −limit. NaN windows raise no alert. Returns horizons on the second axis. Source:
    Catena-X CX-0128 v2.2, 5.11.

    >>> watch = SubHorizon(first=0, past=4, length=2, relative_up=0.15, relative_down=0.15)
    >>> demand_deviation([[100, 100, 140, 100]], [[100, 100, 100, 100]], (watch,)).alert[0, 0].tolist()
    [False, True, True, False]
    """
    new = np.atleast_2d(checks.numbers("latest", latest))
    old = np.atleast_2d(checks.numbers("previous", previous))
    if new.shape != old.shape:
        raise ValueError(f"previous: {old.shape} against {new.shape} of latest; align both on the same weeks")
    shape = (new.shape[0], len(horizons), new.shape[1])
    absolute, relative, alert = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, np.bool_)
    for k, each in enumerate(horizons):
        if each.past > new.shape[1]:
            raise ValueError(f"past: {each.past} weeks, but demand has {new.shape[1]}; shorten the sub-horizon")
        sums = [_windows(values[:, each.first : each.past], each.length) for values in (new, old)]
        change = sums[0] - sums[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where((sums[1] == 0) & (change == 0), 0.0, change / sums[1])
        at = slice(each.first, each.first + change.shape[1])
        absolute[:, k, at], relative[:, k, at] = change, share
        alert[:, k, at] = (
            (share > each.relative_up) | (share < -each.relative_down)
            | (change > each.absolute_up) | (change < -each.absolute_down)
        )  # fmt: skip
    return DemandDeviation(absolute, relative, alert)


def _windows(values: Floats, length: int) -> Floats:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, length, axis=1).sum(axis=2), np.float64)
