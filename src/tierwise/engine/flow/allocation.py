"""How much to order from whom, week by week, within commitments, flex bands, minimum takes and shared capacity."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Block, Draft, Kind, Program, Solved

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BAND = Kind("flex band", ("lane", "week"), "widen the flex band")
_DEMAND = Kind("demand", ("item", "week"), "change demand or allow shortage")
_CAPACITY = Kind("capacity", ("group", "week"), "raise capacity")
_TAKE = Kind("minimum take", ("lane",), "lower a minimum take")


@dataclass(frozen=True, slots=True, eq=False)
class AllocationProblem:
    """What is to be allocated. L lanes (an item from a supplier), I items, G capacity groups, T weeks.

    ``demand`` I × T (0 or more); ``item`` and ``group`` per lane (group −1: no capacity limit); ``price`` per unit,
    ``capacity`` G × T in the group's unit; ``load_factor`` per lane in that unit. ``shortage_cost`` per unit short (by
    priority; inf: demand must be met). ``committed`` L × T is what was agreed last (NaN: nothing), from which
    ``flex_up`` and ``flex_down`` (shares; inf: free) allow to move, each unit moved at ``change_cost``.
    ``minimum_take`` per lane over all weeks, each unit not taken at ``untaken_fee`` (inf: must be taken).
    ``holding_cost`` per item and week lets units come early (inf: not). One value, per lane or item, or per week
    wherever shapes fit. Money in one currency.
    """

    demand: npt.ArrayLike
    item: npt.ArrayLike
    price: npt.ArrayLike
    group: npt.ArrayLike = -1
    capacity: npt.ArrayLike | None = None
    load_factor: npt.ArrayLike = 1.0
    shortage_cost: npt.ArrayLike = np.inf
    committed: npt.ArrayLike = np.nan
    flex_up: npt.ArrayLike = np.inf
    flex_down: npt.ArrayLike = np.inf
    change_cost: npt.ArrayLike = 0.0
    minimum_take: npt.ArrayLike = 0.0
    untaken_fee: npt.ArrayLike = np.inf
    holding_cost: npt.ArrayLike = np.inf

    def __post_init__(self) -> None:
        demand = np.atleast_2d(checks.nonnegative("demand", self.demand))
        item = np.atleast_1d(checks.counts("item", self.item))
        items, weeks = demand.shape
        lanes = item.size
        if np.isnan(demand).any():
            raise ValueError("demand: some is NaN; give 0 where nothing is needed")
        if item.ndim != 1 or (lanes and item.max() >= items):
            raise ValueError(f"item: names item {int(item.max(initial=0))} but demand has {items} rows")
        capacity = np.empty((0, weeks)) if self.capacity is None else np.asarray(self.capacity, np.float64)
        capacity = np.broadcast_to(capacity, (capacity.shape[0], weeks)) if capacity.ndim == 2 else capacity
        group = np.broadcast_to(np.asarray(self.group, np.int64), (lanes,))
        if capacity.ndim != 2 or np.isnan(capacity).any() or np.any(capacity < 0):
            raise ValueError("capacity: give groups × weeks of 0 or more; inf where a week has no limit")
        if group.size and not (group.min() >= -1 and group.max() < capacity.shape[0]):
            raise ValueError(f"group: lies outside −1 to {capacity.shape[0] - 1}; give one capacity row per group")
        shapes = {
            "price": (lanes, weeks), "load_factor": (lanes,), "shortage_cost": (items, weeks),
            "committed": (lanes, weeks), "flex_up": (lanes, weeks), "flex_down": (lanes, weeks),
            "change_cost": (lanes,), "minimum_take": (lanes,), "untaken_fee": (lanes,), "holding_cost": (items,),
        }  # fmt: skip
        given: dict[str, npt.NDArray[np.generic]] = {
            "demand": demand,
            "item": item,
            "group": group,
            "capacity": capacity,
        }
        given |= {name: _wide(name, getattr(self, name), shape) for name, shape in shapes.items()}
        for name, array in given.items():
            object.__setattr__(self, name, array)

    @property
    def band(self) -> tuple[Floats, Floats]:
        """Least and most per lane and week; a free side is 0 or inf."""
        agreed, down, up = (np.asarray(each, np.float64) for each in (self.committed, self.flex_down, self.flex_up))
        known = np.where(np.isnan(agreed), 0.0, agreed)
        with np.errstate(invalid="ignore"):
            low = np.where(np.isnan(agreed), 0.0, np.maximum(known * (1 - np.minimum(down, 1.0)), 0.0))
            high = np.where(np.isnan(agreed) | np.isinf(up), np.inf, known * (1 + up))
        return low, high


def _wide(name: str, given: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    array = checks.numbers(name, given)
    if array.ndim == 1 and len(shape) == 2 and array.shape == shape[:1]:
        array = array[:, None]
    try:
        wide = np.broadcast_to(array, shape)
    except ValueError as error:
        raise ValueError(f"{name}: shape {array.shape} does not fit {shape}; give one value, or one per row") from error
    if name != "committed" and np.isnan(wide).any():
        raise ValueError(f"{name}: some are NaN; fill them (inf stands for no limit)")
    if name != "price" and np.any(wide < 0):
        raise ValueError(f"{name}: must be 0 or more; check the sign")
    return np.array(wide)


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """``quantity`` L × T; ``short`` and ``held`` (end of week) I × T; ``untaken`` per lane; ``cost`` and ``parts`` of
    it. Prices: ``capacity_price`` G × T is what one more unit of capacity would save, ``demand_price`` I × T what
    one more unit of demand costs, ``take_price`` per lane what one unit less of minimum take would save,
    ``band_price`` L × T what one unit more room at the binding end of the band would save. ``work``: steps of the
    solver."""

    quantity: Floats
    short: Floats
    held: Floats
    untaken: Floats
    cost: float
    parts: dict[str, float]
    capacity_price: Floats
    demand_price: Floats
    take_price: Floats
    band_price: Floats
    work: int


def allocate(problem: AllocationProblem) -> Allocation:
    """The least costly orders that meet demand: see `Allocator` for the program and for planning again.

    >>> two = AllocationProblem(
    ...     demand=[[100, 100]],
    ...     item=[0, 0],
    ...     price=[10, 12],
    ...     group=[0, 1],
    ...     capacity=[[80, 80], [60, 60]],
    ...     minimum_take=[0, 50],
    ... )
    >>> plan = allocate(two)
    >>> plan.quantity.sum(axis=1).tolist(), plan.cost, plan.take_price.tolist()
    ([150.0, 50.0], 2100.0, [0.0, 2.0])
    """
    return Allocator(problem).solve()


class Allocator:
    """An allocation kept in the solver, to be planned again when demand, capacity, prices or commitments change.

    min Σ price·x + shortage·s + fee·u + change·(up + down) + holding·h, with, per item and week, Σ x + s + h₋₁ − h = d;
    per group and week Σ load·x ≤ capacity; per lane Σ_t x + u ≥ minimum take; x within its band; x − up + down =
    committed. Raises `NoPlan` (a ValueError) that says whether demand, capacity, flex band or minimum take conflict and
    by how much each would have to give way. Source: transportation and production planning programs as in Pochet and
    Wolsey, Production Planning by Mixed Integer Programming (2006), chapter 5; bands after Tsay and Lovejoy (1999).
    """

    def __init__(self, problem: AllocationProblem) -> None:
        self.problem = problem
        self._draft = Draft()
        self._blocks = _blocks(self._draft, problem)
        self.program = Program(self._draft)

    def solve(self) -> Allocation:
        return _allocation(self.problem, self._blocks, self.program.solve())

    def replan(self, **changes: npt.ArrayLike) -> Allocation:
        """Solve again with new ``demand``, ``capacity``, ``price``, ``shortage_cost``, ``committed``, ``flex_up``,
        ``flex_down`` or ``minimum_take``, from where the last plan stood. Shapes must stay; what was without limit or
        commitment may get one, except that a change cost needs its commitments from the start.

        >>> planner = Allocator(AllocationProblem([[100.0]], [0, 0], [10, 12], [0, 1], [[80.0], [60.0]]))
        >>> planner.solve().cost, planner.replan(capacity=[[50.0], [60.0]]).cost
        (1040.0, 1100.0)
        """
        allowed = {"demand", "capacity", "price", "shortage_cost", "committed", "flex_up", "flex_down", "minimum_take"}
        if unknown := sorted(set(changes) - allowed):
            raise ValueError(f"{unknown[0]}: cannot change in a re-plan; build a new Allocator")
        given = {each.name: getattr(self.problem, each.name) for each in fields(self.problem)}
        problem = AllocationProblem(**(given | changes))
        for name in changes:
            if np.shape(getattr(problem, name)) != np.shape(getattr(self.problem, name)):
                raise ValueError(f"{name}: shape changed; build a new Allocator for other lanes, items or weeks")
        self.problem = problem
        self._apply(set(changes))
        return self.solve()

    def _apply(self, changed: set[str]) -> None:
        problem, blocks, program = self.problem, self._blocks, self.program
        if "demand" in changed:
            program.limit_rows(blocks["demand"].at, problem.demand, problem.demand)
        if "capacity" in changed:
            program.limit_rows(blocks["capacity"].at, -np.inf, np.asarray(problem.capacity, np.float64))
        if "minimum_take" in changed:
            program.limit_rows(blocks["take"].at, problem.minimum_take, np.inf)
        if "price" in changed:
            program.cost(blocks["order"].at, problem.price)
        if "shortage_cost" in changed:
            cost, most = _soft(problem.shortage_cost)
            program.cost(blocks["short"].at, cost)
            program.limit_columns(blocks["short"].at, 0.0, most)
        if changed & {"committed", "flex_up", "flex_down"}:
            program.limit_columns(blocks["order"].at, *problem.band)
        if "committed" in changed and "change" in blocks:
            program.limit_rows(blocks["change"].at, *_agreed(problem))


def _soft(cost: npt.ArrayLike) -> tuple[Floats, Floats]:
    """A price and no limit, or no price and none allowed."""
    given = np.asarray(cost, np.float64)
    return np.where(np.isinf(given), 0.0, given), np.where(np.isinf(given), 0.0, np.inf)


def _agreed(problem: AllocationProblem) -> tuple[Floats, Floats]:
    agreed = np.asarray(problem.committed, np.float64)
    free = np.isnan(agreed)
    return np.where(free, -np.inf, agreed), np.where(free, np.inf, agreed)


def _blocks(draft: Draft, problem: AllocationProblem) -> dict[str, Block]:
    p = problem
    item, group, load, capacity = (np.asarray(each) for each in (p.item, p.group, p.load_factor, p.capacity))
    lanes, (items, weeks) = item.size, np.shape(p.demand)
    low, high = p.band
    short_cost, most_short = _soft(p.shortage_cost)
    fee, most_untaken = _soft(p.untaken_fee)
    holding, most_held = _soft(p.holding_cost)
    blocks = {
        "order": draft.columns((lanes, weeks), p.price, (low, high), kind=_BAND),
        "short": draft.columns((items, weeks), short_cost, (0.0, most_short)),
        "untaken": draft.columns((lanes,), fee, (0.0, most_untaken)),
        "demand": draft.rows((items, weeks), lower=p.demand, upper=p.demand, kind=_DEMAND),
        "capacity": draft.rows(capacity.shape, upper=capacity, kind=_CAPACITY),
        "take": draft.rows((lanes,), lower=p.minimum_take, kind=_TAKE),
    }
    order, demand = blocks["order"].at, blocks["demand"].at
    draft.put(demand[item], order, 1.0)
    draft.put(demand, blocks["short"].at, 1.0)
    draft.put(blocks["take"].at[:, None], order, 1.0)
    draft.put(blocks["take"].at, blocks["untaken"].at, 1.0)
    inside = group >= 0
    draft.put(blocks["capacity"].at[group[inside]], order[inside], load[inside, None])
    if np.any(most_held > 0) and weeks > 1:
        allowed = np.where(most_held > 0, np.inf, 0.0)[:, None]
        blocks["held"] = draft.columns((items, weeks - 1), holding[:, None], (0.0, allowed))
        draft.put(demand[:, :-1], blocks["held"].at, -1.0)
        draft.put(demand[:, 1:], blocks["held"].at, 1.0)
    if np.any(np.asarray(p.change_cost) > 0):
        cost = np.asarray(p.change_cost)[:, None]
        agreed = _agreed(p)
        blocks["change"] = draft.rows((lanes, weeks), lower=agreed[0], upper=agreed[1])
        blocks["moved"] = draft.columns((2, lanes, weeks), cost)
        draft.put(blocks["change"].at, order, 1.0)
        draft.put(blocks["change"].at, blocks["moved"].at, np.array([-1.0, 1.0])[:, None, None])
    return blocks


def _allocation(p: AllocationProblem, blocks: dict[str, Block], found: Solved) -> Allocation:
    quantity, short, untaken = (found.value(blocks[name]) for name in ("order", "short", "untaken"))
    held = np.zeros(np.shape(p.demand))
    if "held" in blocks:
        held[:, :-1] = found.value(blocks["held"])
    moved = found.value(blocks["moved"]).sum(axis=0) if "moved" in blocks else np.zeros_like(quantity)
    parts = {
        "purchase": float(np.sum(quantity * np.asarray(p.price))),
        "shortage": float(np.sum(short * _soft(p.shortage_cost)[0])),
        "untaken": float(untaken @ _soft(p.untaken_fee)[0]),
        "change": float(np.sum(moved * np.asarray(p.change_cost)[:, None])),
        "holding": float(np.sum(held * _soft(p.holding_cost)[0][:, None])),
    }
    low, high = p.band
    at_end = (np.isclose(quantity, low) & (low > 0)) | np.isclose(quantity, high)
    return Allocation(
        quantity=quantity,
        short=short,
        held=held,
        untaken=untaken,
        cost=found.objective,
        parts=parts,
        capacity_price=-found.price(blocks["capacity"]) + 0.0,
        demand_price=found.price(blocks["demand"]),
        take_price=found.price(blocks["take"]) + 0.0,
        band_price=np.where(at_end, np.abs(found.reduced(blocks["order"])), 0.0),
        work=found.work,
    )
