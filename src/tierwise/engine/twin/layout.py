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
# Columns of the results.
ASKED, AT_ONCE, SERVED, LOST, WAITING, SHORT = range(6)
ON_HAND, ORDERS, ORDERED, ORDERED_SQUARE, WANTED, WANTED_SQUARE, ON_ORDER, OUT = range(8)
PLACED, TIMES, SENT, ARRIVED, SPOILED, IN_LINE, ON_WAY, LATE, CUT = range(9)
OFFERED, USED, DISTURBED = range(3)
# Less than this is nothing: what rounding leaves of quantities.
SLACK = 1e-9
# Runs that go through time side by side in the compiled loops: everything a row holds at a moment is a vector of so
# many. Fixed, so that the places of all are known to the compiler: it then makes vector instructions of the loops.
WIDTH = 128


def _record(numbers: str, wholes: str, flags: str = "") -> np.dtype[Any]:
    kinds = ((numbers, np.float64), (wholes, np.int64), (flags, np.bool_))
    return np.dtype([(name, kind) for names, kind in kinds for name in names.split()], align=True)


# The parameters of a row; ``arriving``, ``cancelled``, ``due``, ``seen``: where in its part's rings its own begin.
SPREAD = _record("a b low high", "kind at below_at length guide_at purpose row")
NODE = _record(
    "level up_to lot start cover holding",
    "policy review phase window plan lanes_from lanes_to takers_from takers_to seen",
    "kit lean",
)
LANE = _record(
    "load share per per_unit minimum multiple expedite_to",
    "to source capacity lead longest usable kept first_part outage promised arriving cancelled due rest_after ahead",
    "in_turn cuts quick parted sound simple straight",
)
DEMAND_ROW = _record("waits waiting_cost lost_cost", "amount season")
TAKER = _record("reserve", "demand lane group_end")
CAPACITY_ROW = _record("", "amount outage users_from users_to")
USER = _record("", "lane group_end")
OUTAGE = _record("left", "up length")
# Where each part begins, how long its rings of arrivals and promises are, and how many vectors they need.
PART_ROW = _record("", "node lane demand capacity outage size slots memory")


def _vectors(names: str, sums: int = 0) -> np.dtype[Any]:
    vectors: list[Any] = [(name, np.float64, (WIDTH,)) for name in names.split()]
    return np.dtype(vectors + ([("sums", np.float64, (sums, WIDTH))] if sums else []), align=True)


# What a row holds at a moment, run by run, and its sums over the counted periods.
STORE = _vectors("stock opened recent asked owed wanted share", 8)
WAY = _vectors("queue line unfilled fresh dock early last amount time kept", 9)
CALL = _vectors("backlog new", 6)
SHOP = _vectors("free share", 3)
TROUBLE = _vectors("down rest")
LUCK = np.dtype(
    [(name, kind, (WIDTH,)) for name, kind in (("words", "u8"), ("late", "i8"), ("far", "f8"), ("drawn", "f8"))],
    align=True,
)


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
    """Random key, first run and runs of the block, period, weight of it (0 while warming up), slots of the part's
    rings and today's place in them."""

    key: int
    run: int
    size: int
    when: int
    counted: float
    slots: int
    today: int
    memory: int
    due_today: int


class State(NamedTuple):
    """What the rows of a part hold: stocks, lanes, demands, capacities, outages; its rings, (vectors, runs); draws."""

    stores: Any
    ways: Any
    calls: Any
    shops: Any
    troubles: Any
    rings: Floats
    luck: Any
