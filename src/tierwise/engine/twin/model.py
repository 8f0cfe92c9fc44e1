"""The network a twin consists of: stocks, lanes that refill them, demands, capacities and outages, in columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.twin import layout
from tierwise.engine.twin.layout import Bools, Floats, Ints
from tierwise.engine.twin.spread import Spread, spread

Column: TypeAlias = Any
"""Given as a number, a list or (where random) a `Spread`; kept as an array or `Spread` with one entry per row."""

POLICIES = ("none", "base_stock", "levels", "lots", "forecast", "planned")


def _set(owner: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(owner, name, value)


def _fit(name: str, values: npt.ArrayLike, rows: int) -> Floats:
    array = np.atleast_1d(checks.numbers(name, values))
    if array.ndim != 1 or array.size not in {1, rows}:
        raise ValueError(f"{name}: has {array.size} entries where {rows} are needed; give one, or one per row")
    if np.isnan(array).any():
        raise ValueError(f"{name}: has unknown values (NaN); leave out the rows or fill them")
    return np.broadcast_to(array, (rows,)).astype(np.float64)


def _zero_up(name: str, values: npt.ArrayLike, rows: int) -> Floats:
    return checks.nonnegative(name, _fit(name, values, rows))


def _index(name: str, values: npt.ArrayLike, rows: int, least: int = -1) -> Ints:
    array = _fit(name, values, rows)
    if np.any(array != np.floor(array)) or np.any(array < least):
        what = "−1 (none) or a row number" if least == -1 else f"whole numbers of {least} or more"
        raise ValueError(f"{name}: must be {what}")
    return array.astype(np.int64)


def _share(name: str, values: npt.ArrayLike, rows: int) -> Floats:
    return checks.part(name, _fit(name, values, rows))


@dataclass(frozen=True, slots=True)
class Stocks:
    """Items at sites, one per row, and how each is refilled.

    ``policy`` (one for all, or one per row): ``base_stock`` orders up to ``up_to``; ``levels`` is (s, S): at or below
    ``level`` it orders up to ``up_to``; ``lots`` is (r, Q): at or below ``level`` as many ``lot`` as lift it above;
    ``forecast`` orders up to ``cover`` × the mean demand of the last ``window`` periods + ``up_to``; ``planned``
    orders the amounts of ``plan``; ``none`` never. Position = on hand − owed + on order, read every ``review`` periods
    from ``first_review`` on, after the period's demand. ``on_hand`` at the start is by default the level a policy
    aims at. ``kit`` stocks are assembled: all lanes into one bring components, ``per`` of each for one piece.
    ``holding_cost`` is money per unit and period. ValueError names the column that is wrong.
    """

    policy: Column
    up_to: Column = 0.0
    level: Column = 0.0
    lot: Column = 1.0
    review: Column = 1
    first_review: Column = 0
    on_hand: Column = None
    holding_cost: Column = 0.0
    kit: Column = False
    window: Column = 1
    cover: Column = 1.0
    plan: Column = 0.0
    codes: Ints = field(init=False)
    start: Floats = field(init=False)
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        names = np.atleast_1d(np.asarray(self.policy))
        given = [self.up_to, self.level, self.lot, self.on_hand, self.holding_cost, self.review]
        rows = max(names.size, *(np.size(each) for each in given if each is not None))
        unknown = sorted(set(names.tolist()) - set(POLICIES))
        if unknown:
            raise ValueError(f"policy: {unknown[0]!r} is unknown; use one of {', '.join(POLICIES)}")
        if names.size not in {1, rows}:
            raise ValueError(f"policy: has {names.size} entries where {rows} are needed; give one, or one per stock")
        codes = np.broadcast_to(np.array([POLICIES.index(name) for name in names.tolist()]), (rows,)).astype(np.int64)
        up_to, level, lot = (_fit(name, getattr(self, name), rows) for name in ("up_to", "level", "lot"))
        if np.any(lot <= 0):
            raise ValueError("lot: must be above 0")
        if np.any((codes == POLICIES.index("levels")) & (up_to <= level)):
            raise ValueError("up_to: must exceed level in an (s, S) policy")
        # Kept apart from ``on_hand``, so that a scenario with other levels starts at those.
        aim = np.select([codes == 3, codes == 1, codes == 2], [level + lot, up_to, up_to], 0.0)
        start = np.maximum(aim, 0.0) if self.on_hand is None else _zero_up("on_hand", self.on_hand, rows)
        _set(
            self, policy=np.array(POLICIES)[codes], codes=codes, rows=rows, up_to=up_to, level=level, lot=lot,
            review=_index("review", self.review, rows, 1),
            first_review=_index("first_review", self.first_review, rows, 0),
            start=start, holding_cost=_zero_up("holding_cost", self.holding_cost, rows),
            kit=_fit("kit", self.kit, rows).astype(np.bool_), window=_index("window", self.window, rows, 1),
            cover=_zero_up("cover", self.cover, rows), plan=spread("plan", self.plan, rows),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lanes:
    """How stocks are refilled, one way per row: from another stock (``source``) or a supplier outside (−1).

    An order placed at the end of a period waits for stock at its source, then for its ``capacity`` (``load`` capacity
    units per unit; lower ``rank`` first, equal ranks share alike) and leaves; with ``lead_time`` 1 it is there at the
    start of the next period. Lead times are whole periods (others are rounded up), drawn per shipment, plus
    ``per_unit`` periods per unit shipped, at most ``longest`` (needed with ``per_unit``). ``in_turn`` forbids a
    shipment to overtake an earlier one. Of what was confirmed a share ``kept`` is sent (commit bias; the rest is
    cancelled when it should have come); a share ``first_part`` comes at once, the rest ``rest_after`` periods later; a
    share ``usable`` is good (yield). ``outage`` stops the lane. Orders are raised to ``minimum`` and to ``multiple``.

    Several lanes into one stock: regular orders are split by ``share``. With ``expedite_to`` a lane is a quick one: it
    tops up what is there or due within its own lead time to that level, every period (dual index policy). ``per`` is
    the quantity per piece of the target. ``promised`` periods judge lateness (−1: not judged). ``order_cost`` per
    order, ``unit_cost`` per unit received, ``transit_cost`` per unit and period under way.
    """

    to: Column
    lead_time: Column
    source: Column = -1
    share: Column = 1.0
    per: Column = 1.0
    capacity: Column = -1
    load: Column = 1.0
    rank: Column = 0
    per_unit: Column = 0.0
    longest: Column = None
    in_turn: Column = False
    usable: Column = 1.0
    kept: Column = 1.0
    first_part: Column = 1.0
    rest_after: Column = 0
    minimum: Column = 0.0
    multiple: Column = 0.0
    outage: Column = -1
    expedite_to: Column = -np.inf
    promised: Column = -1
    order_cost: Column = 0.0
    unit_cost: Column = 0.0
    transit_cost: Column = 0.0
    rows: int = field(init=False)
    latest: Ints = field(init=False)

    def __post_init__(self) -> None:
        rows = int(np.size(self.to))
        to = _index("to", self.to, rows, 0)
        lead = whole_periods(spread("lead_time", self.lead_time, rows))
        per_unit = _zero_up("per_unit", self.per_unit, rows)
        latest = _latest(lead)
        # Kept apart from ``longest``, which a scenario with other lead times must not inherit.
        if self.longest is None:
            if np.any(per_unit > 0):
                raise ValueError("longest: give the longest lead time possible where it depends on quantity (per_unit)")
            longest = latest
        else:
            longest = np.maximum(_index("longest", self.longest, rows, 1), 1)
        expedite_to = _fit("expedite_to", self.expedite_to, rows)
        quick = expedite_to > -np.inf
        shares = {name: spread(name, getattr(self, name), rows) for name in ("usable", "kept", "first_part")}
        for name, value in shares.items():
            _between(name, value)
        per, load = _fit("per", self.per, rows), _zero_up("load", self.load, rows)
        if np.any(per <= 0):
            raise ValueError("per: must be above 0")
        money = {name: _fit(name, getattr(self, name), rows) for name in ("order_cost", "unit_cost", "transit_cost")}
        bounds = {name: _zero_up(name, getattr(self, name), rows) for name in ("minimum", "multiple")}
        places = ("source", "capacity", "outage", "promised")
        rows_of = {name: _index(name, getattr(self, name), rows) for name in places}
        _set(
            self, to=to, rows=rows, lead_time=lead, latest=longest, per_unit=per_unit, expedite_to=expedite_to,
            share=np.where(quick, 0.0, _share("share", self.share, rows)), per=per, load=load,
            rank=_index("rank", self.rank, rows, -(10**6)),
            in_turn=_fit("in_turn", self.in_turn, rows).astype(np.bool_),
            rest_after=_index("rest_after", self.rest_after, rows, 0), **shares, **money, **bounds, **rows_of,
        )  # fmt: skip

    @property
    def quick(self) -> Bools:
        return np.asarray(self.expedite_to) > -np.inf


@dataclass(frozen=True, slots=True)
class Demands:
    """What customers ask of stocks, one row per stock and segment (or customer).

    ``amount`` per period, times the row ``season`` of the twin's seasons (−1: none). Lower ``rank`` is served first;
    equal rank and reserve share alike. A demand never takes the last ``reserve`` units, kept for those before it. Of
    what cannot be served at once a share ``waits`` (1: backorders, 0: lost sales). ``waiting_cost`` per unit and
    period owed, ``lost_cost`` per unit lost. ``segment`` numbers the group results are given for.
    """

    stock: Column
    amount: Column
    segment: Column = 0
    rank: Column = 0
    reserve: Column = 0.0
    waits: Column = 1.0
    season: Column = -1
    waiting_cost: Column = 0.0
    lost_cost: Column = 0.0
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        rows = int(np.size(self.stock))
        _set(
            self, stock=_index("stock", self.stock, rows, 0), rows=rows, amount=spread("amount", self.amount, rows),
            segment=_index("segment", self.segment, rows, 0), rank=_index("rank", self.rank, rows, -(10**6)),
            reserve=_zero_up("reserve", self.reserve, rows), waits=_share("waits", self.waits, rows),
            season=_index("season", self.season, rows), waiting_cost=_zero_up("waiting_cost", self.waiting_cost, rows),
            lost_cost=_zero_up("lost_cost", self.lost_cost, rows),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capacities:
    """What suppliers or lines can send per period, shared by the lanes that name them; lost when not used."""

    amount: Column
    outage: Column = -1
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        made = self.amount if isinstance(self.amount, Spread) else Spread.constant(self.amount)
        rows = len(made)
        _set(self, amount=made, rows=rows, outage=_index("outage", self.outage, rows))


@dataclass(frozen=True, slots=True)
class Outages:
    """Disruptions: ``up`` periods until the next one begins, its ``length`` in periods (at least 1), share ``left``.

    A geometric ``up`` is a chance per period; a constant one is a drill at a known date. Lanes and capacities that
    name the same outage fail together.
    """

    up: Column
    length: Column
    left: Column = 0.0
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        up = self.up if isinstance(self.up, Spread) else Spread.constant(self.up)
        length = self.length if isinstance(self.length, Spread) else Spread.constant(self.length)
        rows = max(len(up), len(length), np.size(self.left))
        _set(
            self, rows=rows, up=up.of(rows, "up"), length=length.of(rows, "length"),
            left=_share("left", self.left, rows),
        )  # fmt: skip


_NO_CAPACITY = Capacities(Spread.constant([0.0]).take([]))
_NO_OUTAGE = Outages(Spread.constant([0.0]).take([]), Spread.constant([0.0]).take([]), np.empty(0))


@dataclass(frozen=True, slots=True)
class Twin:
    """The whole. ``seasons``: factors on demand, (profiles, periods of the cycle). A scenario is a twin with one of its
    columns replaced (`dataclasses.replace`); run with the same seed it meets the same luck.

    Raises ValueError for rows that do not exist, a stock without a way to be refilled, shares that do not sum to 1,
    lanes in a circle, and assemblies whose components can be lost or rounded.
    """

    stocks: Stocks
    lanes: Lanes
    demands: Demands
    capacities: Capacities = _NO_CAPACITY
    outages: Outages = _NO_OUTAGE
    seasons: Column = ()

    def __post_init__(self) -> None:
        seasons = checks.numbers("seasons", self.seasons)
        seasons = np.atleast_2d(seasons) if seasons.size else np.ones((0, 1))
        if not np.isfinite(seasons).all() or np.any(seasons < 0):
            raise ValueError("seasons: must be known factors of 0 or more, (profiles, periods)")
        _set(self, seasons=np.ascontiguousarray(seasons))
        stocks, lanes = self.stocks, self.lanes
        for name, rows, most in (
            ("lanes.to", lanes.to, stocks.rows), ("lanes.source", lanes.source, stocks.rows),
            ("lanes.capacity", lanes.capacity, self.capacities.rows), ("lanes.outage", lanes.outage, self.outages.rows),
            ("capacities.outage", self.capacities.outage, self.outages.rows),
            ("demands.stock", self.demands.stock, stocks.rows), ("demands.season", self.demands.season, len(seasons)),
        ):  # fmt: skip
            if np.size(rows) and np.max(rows) >= most:
                raise ValueError(f"{name}: names row {np.max(rows)} of {most}; rows count from 0")
        total = np.bincount(lanes.to, weights=lanes.share, minlength=stocks.rows)
        kit = stocks.kit[lanes.to]
        wrong = (stocks.codes > 0) & ~stocks.kit & (np.abs(total - 1) > 1e-9)
        if wrong.any():
            row = np.flatnonzero(wrong)[0]
            raise ValueError(f"lanes.share: sums to {total[row]:g} for stock {row}; make it 1")
        if np.any(stocks.kit & (np.bincount(lanes.to, minlength=stocks.rows) == 0)):
            raise ValueError("stocks.kit: an assembly needs a lane per component")
        for name in ("usable", "kept"):
            given: Spread = getattr(lanes, name)
            if np.any(kit & ((given.kind != layout.CONSTANT) | (given.number[:, 0] != 1))):
                raise ValueError(f"lanes.{name}: must be 1 into an assembly; put losses on the component's own supply")
        if np.any(kit & ((lanes.minimum > 0) | (lanes.multiple > 0) | lanes.quick | (lanes.share != 1))):
            raise ValueError("lanes.minimum, multiple, expedite_to, share: are not for components of an assembly")


def whole_periods(lead: Spread) -> Spread:
    """Lead times as whole periods: a period begun is covered, so values are rounded up, to 1 at the least."""
    from tierwise.engine.twin.rounding import as_table  # noqa: PLC0415 - needs SciPy for continuous kinds only

    if np.any(lead.kind == layout.TRACE):
        raise ValueError("lead_time: cannot be a trace; give a distribution, or replay receipts as planned orders")
    if np.all(lead.kind == layout.CONSTANT):
        return Spread.constant(np.maximum(np.ceil(lead.number[:, 0] - 1e-9), 1.0)) if len(lead) else lead
    return as_table(lead)


def _latest(lead: Spread) -> Ints:
    last = np.clip(lead.table[:, 0] + lead.table[:, 1] - 1, 0, max(lead.values.size - 1, 0))
    values = lead.values[last] if lead.values.size else np.zeros(len(lead))
    return np.where(lead.kind == layout.CONSTANT, lead.number[:, 0], values).astype(np.int64)


def _between(name: str, value: Spread) -> None:
    """Shares must stay between 0 and 1 whatever is drawn."""
    a, b, low, high = (column.copy() for column in value.number.T)
    fixed, even = value.kind == layout.CONSTANT, value.kind == layout.UNIFORM
    low, high = np.where(fixed | even, a, low), np.where(fixed, a, np.where(even, b, high))
    for row in np.flatnonzero(np.isin(value.kind, [layout.TABLE, layout.TRACE])):
        at, length = value.table[row, :2]
        part = value.values[at : at + length]
        low[row], high[row] = part.min(), part.max()
    if np.any(low < 0) or np.any(high > 1):
        raise ValueError(f"{name}: must lie between 0 and 1; bound it, for example Spread.normal(0.9, 0.05, high=1)")
