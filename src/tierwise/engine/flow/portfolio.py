"""Whom to keep, to let go and to take on: the supplier portfolio, with second sources, capabilities and bad years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Block, Draft, Kind, Program

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DEMAND = Kind("demand", ("item",), "buy less")
_CAPACITY = Kind("capacity", ("supplier",), "raise capacity")
_SECOND = Kind("second source", ("item",), "accept fewer sources")
_CAPABILITY = Kind("capability", ("capability",), "ask for fewer suppliers with a capability")
_CHANGES = Kind("changes", ("cycle",), "allow more changes")


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioProblem:
    """S suppliers, I items, C capabilities, Q scenarios.

    ``price`` S × I (NaN: not offered), ``demand`` I, ``capacity`` S in units (inf: no limit), ``fixed_cost`` S per
    period of a relation, ``incumbent`` S, ``onboard_cost`` and ``exit_cost`` S. ``owner`` S: suppliers of one owner (or
    region) are one source; ``sources`` I: how many distinct owners an item needs (2: N−1), each with at least
    ``least_share`` of its demand. ``capability`` S × C with ``needed`` C suppliers of each. ``available`` Q × S share
    of capacity left in each scenario with ``probability`` Q; units then missing cost ``shortage_cost`` I each.
    """

    price: npt.ArrayLike
    demand: npt.ArrayLike
    capacity: npt.ArrayLike = np.inf
    fixed_cost: npt.ArrayLike = 0.0
    incumbent: npt.ArrayLike = False
    onboard_cost: npt.ArrayLike = 0.0
    exit_cost: npt.ArrayLike = 0.0
    owner: npt.ArrayLike | None = None
    sources: npt.ArrayLike = 1
    least_share: float = 0.1
    capability: npt.ArrayLike | None = None
    needed: npt.ArrayLike = ()
    available: npt.ArrayLike | None = None
    probability: npt.ArrayLike = ()
    shortage_cost: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        price = np.atleast_2d(checks.numbers("price", self.price))
        suppliers, items = price.shape
        fields: dict[str, npt.NDArray[np.generic]] = {"price": price}
        shapes = {
            "demand": (items,), "capacity": (suppliers,), "fixed_cost": (suppliers,), "onboard_cost": (suppliers,),
            "exit_cost": (suppliers,), "shortage_cost": (items,),
        }  # fmt: skip
        for name, shape in shapes.items():
            fields[name] = checks.known(name, getattr(self, name), shape)
        fields["incumbent"] = np.array(np.broadcast_to(np.asarray(self.incumbent, np.bool_), (suppliers,)))
        owner = np.arange(suppliers) if self.owner is None else checks.counts("owner", self.owner)
        fields["owner"] = owner
        fields["sources"] = np.array(np.broadcast_to(checks.counts("sources", self.sources), (items,)))
        capability = np.zeros((suppliers, 0)) if self.capability is None else np.asarray(self.capability, np.float64)
        fields["capability"] = capability
        fields["needed"] = checks.counts("needed", self.needed)
        available = np.zeros((0, suppliers)) if self.available is None else checks.numbers("available", self.available)
        fields["available"] = np.atleast_2d(available)
        fields["probability"] = checks.nonnegative("probability", self.probability)
        if owner.shape != (suppliers,) or capability.shape != (suppliers, fields["needed"].size):
            raise ValueError("owner, capability: give one row per supplier, and one needed count per capability")
        if fields["available"].shape != (fields["probability"].size, suppliers) or not _share(fields["available"]):
            raise ValueError("available: give scenarios × suppliers of shares from 0 to 1, and one probability each")
        if fields["probability"].size and abs(float(np.sum(fields["probability"])) - 1) > 1e-9:
            raise ValueError("probability: must sum to 1; divide by the sum, and add the scenario without outage")
        if not 0 <= self.least_share <= 1:
            raise ValueError("least_share: is a share of an item's demand; give 0 to 1")
        for name, array in fields.items():
            object.__setattr__(self, name, array)


def _share(array: npt.NDArray[np.generic]) -> bool:
    given = array.astype(np.float64)
    return bool(np.all((given >= 0) & (given <= 1)))


@dataclass(frozen=True, slots=True)
class PortfolioParams:
    """``most_changes``: suppliers taken on and let go per cycle. ``risk_weight`` on the conditional value at risk of
    shortages at ``level``. ``gap`` at which the search may stop."""

    most_changes: float = np.inf
    risk_weight: float = 0.0
    level: float = 0.95
    gap: float = 1e-6

    def __post_init__(self) -> None:
        if not self.most_changes >= 0:
            raise ValueError("most_changes: must be 0 or more")
        if not (np.isfinite(self.risk_weight) and self.risk_weight >= 0):
            raise ValueError("risk_weight: must be 0 or more")
        if not 0 < self.level < 1:
            raise ValueError("level: must lie between 0 and 1; 95 % is 0.95")
        if not 0 <= self.gap < 1:
            raise ValueError("gap: is a share; 0.01 stops within 1 % of the optimum")


@dataclass(frozen=True, slots=True, eq=False)
class Portfolio:
    """``kept`` per supplier, ``decision`` (keep, exit, onboard, pass), ``quantity`` S × I. ``cost`` in all and
    ``parts`` (spend, fixed, onboard, exit, risk); ``bound`` proven; ``scenario_loss`` Q and its ``conditional`` value
    at risk; ``sole`` items that one owner alone supplies."""

    kept: npt.NDArray[np.bool_]
    decision: tuple[str, ...]
    quantity: Floats
    cost: float
    parts: dict[str, float]
    bound: float
    scenario_loss: Floats
    conditional: float
    sole: Ints


def choose_portfolio(problem: PortfolioProblem, params: PortfolioParams | None = None) -> Portfolio:
    """The portfolio with the least spend, relation cost and risk that covers every item and capability.

    min Σ price·q + Σ fixed·keep + onboard + exit + weight · CVaR, with demand met; q within capacity and only from kept
    suppliers; ``sources`` distinct owners per item with the least share each; ``needed`` suppliers per capability; at
    most so many changes. In a scenario each supplier delivers its available share of what it was given; what is missing
    costs. `NoPlan` names what conflicts: demand, capacity, second source, capability or changes. Source: fixed-charge
    facility location (Balinski 1965); CVaR as Rockafellar and Uryasev (2002). A cheap supplier and a dear one:

    >>> two = PortfolioProblem(price=[[10], [12]], demand=[100], fixed_cost=[50, 50], sources=2, least_share=0.2)
    >>> found = choose_portfolio(two)
    >>> found.quantity.ravel().tolist(), found.cost
    ([80.0, 20.0], 1140.0)
    """
    given = params or PortfolioParams()
    draft = Draft()
    blocks = _core(draft, problem, given)
    _covers(draft, problem, blocks)
    _risk(draft, problem, blocks, given)
    found = Program(draft, gap=given.gap).solve()
    kept = found.value(blocks["keep"]) > 0.5
    quantity = np.where(found.value(blocks["use"]) > 1e-9, found.value(blocks["buy"]), 0.0)
    incumbent, owner = np.asarray(problem.incumbent, np.bool_), np.asarray(problem.owner)
    words = {(True, True): "keep", (True, False): "exit", (False, True): "onboard", (False, False): "pass"}
    loss = found.value(blocks["loss"])
    conditional = _conditional(loss, np.asarray(problem.probability, np.float64), given.level)
    parts = {
        "spend": float(np.nansum(np.asarray(problem.price) * quantity)),
        "fixed": float(np.asarray(problem.fixed_cost) @ kept),
        "onboard": float(np.asarray(problem.onboard_cost) @ (kept & ~incumbent)),
        "exit": float(np.asarray(problem.exit_cost) @ (incumbent & ~kept)),
        "risk": given.risk_weight * conditional,
    }
    exits = float(np.asarray(problem.exit_cost) @ incumbent)
    owners = np.array([np.unique(owner[quantity[:, item] > 0]).size for item in range(quantity.shape[1])])
    return Portfolio(
        kept, tuple(words[bool(i), bool(k)] for i, k in zip(incumbent, kept, strict=True)), quantity,
        found.objective + exits, parts, found.bound + exits, loss, conditional, np.flatnonzero(owners == 1),
    )  # fmt: skip


def _core(draft: Draft, p: PortfolioProblem, params: PortfolioParams) -> dict[str, Block]:
    price, demand = np.asarray(p.price, np.float64), np.asarray(p.demand, np.float64)
    capacity, incumbent = np.asarray(p.capacity, np.float64), np.asarray(p.incumbent, np.bool_)
    offered = ~np.isnan(price)
    change = np.where(incumbent, -np.asarray(p.exit_cost), np.asarray(p.onboard_cost))
    several = np.broadcast_to(np.asarray(p.sources) > 1, price.shape)
    blocks = {
        "keep": draft.columns((price.shape[0],), np.asarray(p.fixed_cost) + change, (0.0, 1.0), whole=True),
        "use": draft.columns(price.shape, bounds=(0.0, np.where(offered, 1.0, 0.0)), whole=several),
        "buy": draft.columns(price.shape, np.where(offered, price, 0.0)),
    }
    keep, use, buy = (blocks[name].at for name in ("keep", "use", "buy"))
    met = draft.rows(demand.shape, lower=demand, upper=demand, kind=_DEMAND)
    draft.put(np.broadcast_to(met.at, price.shape), buy, 1.0)
    limited = draft.rows(price.shape, upper=0.0)
    draft.put(limited.at, buy, 1.0)
    draft.put(limited.at, use, np.broadcast_to(-np.minimum(demand, capacity[:, None]), price.shape))
    chosen = draft.rows(price.shape, upper=0.0)
    draft.put(chosen.at, use, 1.0)
    draft.put(chosen.at, keep[:, None], -1.0)
    within = draft.rows(capacity.shape, upper=capacity, kind=_CAPACITY)
    draft.put(within.at[:, None], buy, 1.0)
    changes = draft.rows((1,), upper=params.most_changes - float(incumbent.sum()), kind=_CHANGES)
    draft.put(changes.at, keep, np.where(incumbent, -1.0, 1.0))
    return blocks


def _covers(draft: Draft, p: PortfolioProblem, blocks: dict[str, Block]) -> None:
    """Distinct owners per item, each with its least share, and capabilities."""
    owner, sources = np.asarray(p.owner), np.asarray(p.sources)
    several = np.flatnonzero(sources > 1)
    use, buy, keep = (blocks[name].at for name in ("use", "buy", "keep"))
    groups, group = np.unique(owner, return_inverse=True)
    covered = draft.columns((groups.size, several.size), bounds=(0.0, 1.0))
    enough = draft.rows((several.size,), lower=sources[several], kind=_SECOND)
    draft.put(np.broadcast_to(enough.at, covered.shape), covered.at, 1.0)
    owned = draft.rows(covered.shape, upper=0.0)
    draft.put(owned.at, covered.at, 1.0)
    draft.put(owned.at[group], use[:, several], -1.0)
    least = draft.rows((owner.size, several.size), lower=0.0)
    draft.put(least.at, buy[:, several], 1.0)
    draft.put(least.at, use[:, several], -p.least_share * np.asarray(p.demand)[several][None, :])
    able = draft.rows(np.shape(p.needed), lower=p.needed, kind=_CAPABILITY)
    draft.put(np.broadcast_to(able.at, (keep.size, able.size)), keep[:, None], np.asarray(p.capability, np.float64))


def _risk(draft: Draft, p: PortfolioProblem, blocks: dict[str, Block], params: PortfolioParams) -> None:
    """Shortages per scenario, their cost, and its conditional value at risk."""
    available, chance = np.asarray(p.available, np.float64), np.asarray(p.probability, np.float64)
    demand, short_cost = np.asarray(p.demand, np.float64), np.asarray(p.shortage_cost, np.float64)
    scenarios, buy = chance.size, blocks["buy"].at
    missing = draft.columns((scenarios, demand.size))
    served = draft.rows((scenarios, demand.size), lower=demand)
    draft.put(served.at, missing.at, 1.0)
    draft.put(served.at[:, None, :], buy[None], available[:, :, None])
    # A cost of nothing on the losses lets them rest on their floor when risk has no weight.
    blocks["loss"] = draft.columns((scenarios,), 1e-9 * chance)
    priced = draft.rows((scenarios,), lower=0.0)
    draft.put(priced.at, blocks["loss"].at, 1.0)
    draft.put(priced.at[:, None], missing.at, -short_cost)
    if scenarios and params.risk_weight > 0:
        threshold = draft.columns((1,), params.risk_weight)
        over = draft.columns((scenarios,), params.risk_weight * chance / (1 - params.level))
        tail = draft.rows((scenarios,), lower=0.0)
        draft.put(tail.at, over.at, 1.0)
        draft.put(tail.at, threshold.at, 1.0)
        draft.put(tail.at, blocks["loss"].at, -1.0)


def _conditional(loss: Floats, chance: Floats, level: float) -> float:
    if not loss.size:
        return 0.0
    return min(float(c + np.maximum(loss - c, 0.0) @ chance / (1 - level)) for c in loss)
