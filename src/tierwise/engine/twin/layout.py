"""What the compiled loops take: one record per row, sorted so that each part of the network lies together.

A part is a set of stocks joined by lanes or shared capacity; parts never meet, so each is run through all periods while
it is in the processor's cache. Within a part stocks stand downstream first: one sweep carries orders up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Records = npt.NDArray[Any]

# Kinds of random quantities. From NORMAL on they draw.
CONSTANT, TRACE, NORMAL, UNIFORM, EXPONENTIAL, LOGNORMAL, WEIBULL, GAMMA, TABLE = range(9)
# What a random number is for: part of its address, so that no two uses ever share one.
DEMAND, LEAD, YIELD, KEPT, PART, CAPACITY, UP, DOWN, PLAN = range(9)
# Policies.
NONE, BASE_STOCK, LEVELS, LOTS, FORECAST, PLANNED = range(6)
# Columns of the results. Unsigned, as all places in memory are: Numba then knows that none counts from the end, and the
# loops become vector instructions.
ASKED, AT_ONCE, SERVED, LOST, WAITING, SHORT = map(np.uint64, range(6))
ON_HAND, ORDERS, ORDERED, ORDERED_SQUARE, WANTED, WANTED_SQUARE, ON_ORDER, OUT = map(np.uint64, range(8))
PLACED, TIMES, SENT, ARRIVED, SPOILED, IN_LINE, ON_WAY, LATE, CUT = map(np.uint64, range(9))
OFFERED, USED, DISTURBED = map(np.uint64, range(3))
# Runs that go through time side by side; everything a part holds at a moment is a vector of so many.
RUNS_WIDE = 64
WIDTH = np.uint64(RUNS_WIDE)
# Vectors to work in, at the front of a part's memory.
DRAWN, OTHER, AMOUNT, TOTAL, FREE, PART_OF, AT_HAND = (np.uint64(row * RUNS_WIDE) for row in range(7))
SCRATCH = 7 * RUNS_WIDE


def _record(numbers: str, wholes: str, places: str = "", flags: str = "") -> np.dtype[Any]:
    kinds = ((numbers, np.float64), (wholes, np.int64), (places, np.uint64), (flags, np.bool_))
    return np.dtype([(name, kind) for names, kind in kinds for name in names.split()], align=True)


# Below the parameters of a row, where in the part's memory its vectors, rings and sums are.
SPREAD = _record("a b low high", "kind at below_at length guide_at purpose row")
NODE = _record(
    "level up_to lot start cover holding",
    "policy review phase window plan lanes_from lanes_to takers_from takers_to",
    "stock open recent seen sums",
    "kit",
)
LANE = _record(
    "load share per per_unit minimum multiple expedite_to",
    "to source capacity lead longest usable kept first_part outage promised",
    "queue line unfilled fresh dock early last arriving cancelled due sums rest_after ahead",
    "in_turn cuts quick parted sound simple",
)
DEMAND_ROW = _record("waits waiting_cost lost_cost", "amount season", "backlog new sums")
TAKER = _record("reserve", "demand lane group_end")
CAPACITY_ROW = _record("", "amount outage users_from users_to", "sums")
USER = _record("", "lane group_end")
OUTAGE = _record("left", "up length", "down rest")
# Where each part begins, how long its rings of arrivals and promises are, and its memory.
PART_ROW = _record("", "node lane demand capacity outage size", "slots memory")


def records(dtype: np.dtype[Any], rows: int, /, **columns: npt.ArrayLike) -> Records:
    """A table of one kind; every field must be given."""
    table = np.zeros(rows, dtype=dtype)
    for name in dtype.names or ():
        table[name] = columns.pop(name)
    if columns:
        raise TypeError(f"no field {', '.join(columns)}")
    return table


class Net(NamedTuple):
    """Takers say who is served from a stock in which order: a demand or a lane (the other is −1); users do so for a
    capacity. ``group_end`` is where those of the same rank, who share alike, end. ``pool``: tables of spreads."""

    spreads: Records
    pool: Floats
    nodes: Records
    lanes: Records
    demands: Records
    takers: Records
    capacities: Records
    users: Records
    outages: Records
    parts: Records
    seasons: Floats


class Work(NamedTuple):
    """One share of the work: parts, runs and the random key."""

    first_part: int
    last_part: int
    first_run: int
    runs: int
    periods: int
    warm_up: int
    key: int


class Found(NamedTuple):
    """Sums over counted periods, (runs, rows, columns); ``course`` (runs, periods, 2) and ``history`` (runs, periods,
    stocks, 4) are empty unless asked for."""

    demands: Floats
    nodes: Floats
    lanes: Floats
    capacities: Floats
    course: Floats
    history: Floats


class Moment(NamedTuple):
    """Random key, first run and runs of the block, period, weight of it (0 while warming up), slots of the part's rings
    and today's place in them."""

    key: int
    run: int
    size: np.uint64
    when: int
    counted: float
    slots: np.uint64
    today: np.uint64
    memory: np.uint64
    due_today: np.uint64
