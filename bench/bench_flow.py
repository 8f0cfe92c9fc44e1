"""Allocation and exposure beside PuLP and Pyomo, answers checked against each other.

    python bench/bench_flow.py               all, at modest size
    python bench/bench_flow.py 400           so many items in the allocation

The peers are optional: without them only our own times are shown. PuLP and Pyomo build the same program and hand it to
the same solver (HiGHS) without files between. Times are of the processor.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from tierwise.engine.flow import AllocationProblem, Allocator
from tierwise.engine.risk import Outages, SupplyChain, exposure, time_to_survive

try:
    import pulp
except ImportError:
    pulp = None
try:
    import pyomo.environ as pyomo
except ImportError:
    pyomo = None


def spent(work: Callable[[], object], times: int = 1) -> float:
    """The fastest of so many runs, in seconds of this process."""
    best = np.inf
    for _ in range(times):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def allocation(items: int, weeks: int = 26, seed: int = 0) -> AllocationProblem:
    """Three suppliers per item, one capacity group per ten items, a minimum take per lane, bands around last week."""
    draw = np.random.default_rng(seed)
    lanes, groups = 3 * items, max(items // 10, 2)
    demand = draw.integers(50, 150, (items, weeks)).astype(float)
    item = np.repeat(np.arange(items), 3)
    group = draw.integers(0, groups, lanes)
    load = draw.uniform(0.5, 2.0, lanes)
    asked = np.bincount(group, load, groups)[:, None] * demand.mean() / 3
    committed = demand[item] / 3
    return AllocationProblem(
        demand=demand, item=item, price=draw.uniform(5, 15, (lanes, 1)) * draw.uniform(0.95, 1.05, (lanes, weeks)),
        group=group, capacity=asked * draw.uniform(0.95, 1.4, (groups, weeks)), load_factor=load,
        shortage_cost=draw.choice([40.0, 80.0, 200.0], (items, 1)), committed=committed, flex_up=2.0, flex_down=0.8,
        minimum_take=0.5 * committed.sum(axis=1), untaken_fee=3.0,
    )  # fmt: skip


def with_pulp(p: AllocationProblem) -> float:
    lanes, weeks = p.price.shape
    items, groups = p.demand.shape[0], p.capacity.shape[0]
    low, high = p.band
    model = pulp.LpProblem("allocation", pulp.LpMinimize)
    span, every = range(weeks), range(lanes)
    order = [[pulp.LpVariable(f"x_{k}_{t}", low[k, t], high[k, t]) for t in span] for k in every]
    short = [[pulp.LpVariable(f"s_{i}_{t}", 0) for t in span] for i in range(items)]
    untaken = [pulp.LpVariable(f"u_{k}", 0) for k in every]
    model += pulp.LpAffineExpression(
        [(order[k][t], p.price[k, t]) for k in every for t in span]
        + [(short[i][t], p.shortage_cost[i, t]) for i in range(items) for t in span]
        + [(untaken[k], p.untaken_fee[k]) for k in every]
    )
    of_item, of_group = [[] for _ in range(items)], [[] for _ in range(groups)]
    for k in every:
        of_item[p.item[k]].append(k)
        of_group[p.group[k]].append(k)
    for t in span:
        for i in range(items):
            terms = [(order[k][t], 1) for k in of_item[i]]
            model += pulp.LpAffineExpression([*terms, (short[i][t], 1)]) == p.demand[i, t]
        for g in range(groups):
            terms = [(order[k][t], p.load_factor[k]) for k in of_group[g]]
            model += pulp.LpAffineExpression(terms) <= p.capacity[g, t]
    for k in every:
        model += pulp.LpAffineExpression([*((order[k][t], 1) for t in span), (untaken[k], 1)]) >= p.minimum_take[k]
    model.solve(pulp.HiGHS(msg=False, threads=1))
    return float(pulp.value(model.objective))


def with_pyomo(p: AllocationProblem) -> float:
    lanes, weeks = p.price.shape
    items, groups = p.demand.shape[0], p.capacity.shape[0]
    low, high = p.band
    model = pyomo.ConcreteModel()
    span, every = range(weeks), range(lanes)
    model.x = pyomo.Var(every, span, bounds=lambda _, k, t: (low[k, t], high[k, t]))
    model.s = pyomo.Var(range(items), span, bounds=(0, None))
    model.u = pyomo.Var(every, bounds=(0, None))
    model.cost = pyomo.Objective(
        expr=pyomo.quicksum(p.price[k, t] * model.x[k, t] for k in every for t in span)
        + pyomo.quicksum(p.shortage_cost[i, t] * model.s[i, t] for i in range(items) for t in span)
        + pyomo.quicksum(p.untaken_fee[k] * model.u[k] for k in every)
    )
    of_item, of_group = [[] for _ in range(items)], [[] for _ in range(groups)]
    for k in every:
        of_item[p.item[k]].append(k)
        of_group[p.group[k]].append(k)
    model.demand = pyomo.Constraint(
        range(items), span,
        rule=lambda m, i, t: pyomo.quicksum(m.x[k, t] for k in of_item[i]) + m.s[i, t] == p.demand[i, t],
    )  # fmt: skip
    model.capacity = pyomo.Constraint(
        range(groups), span,
        rule=lambda m, g, t: pyomo.quicksum(float(p.load_factor[k]) * m.x[k, t] for k in of_group[g])
        <= float(p.capacity[g, t]),
    )  # fmt: skip
    model.take = pyomo.Constraint(
        every, rule=lambda m, k: pyomo.quicksum(m.x[k, t] for t in span) + m.u[k] >= float(p.minimum_take[k])
    )
    solver = pyomo.SolverFactory("appsi_highs")
    solver.solve(model)
    return float(pyomo.value(model.cost))


def chain(sites: int, seed: int = 0) -> SupplyChain:
    """Four tiers; a site needs one to three parts, each from one to three sites of the tier before."""
    draw = np.random.default_rng(seed)
    tier = np.sort(draw.integers(0, 4, sites))
    rows = []
    for node in np.flatnonzero(tier > 0):
        above = np.flatnonzero(tier == tier[node] - 1)
        for part in range(draw.integers(1, 4)):
            chosen = draw.choice(above, min(above.size, draw.integers(1, 4)), replace=False)
            rows += [(int(each), int(node), part) for each in chosen]
    source, target, part = (np.array(column) for column in zip(*rows, strict=True))
    demand = np.where(tier == 3, draw.integers(20, 100, sites), 0).astype(float)
    need = demand.copy()
    for node in range(sites - 1, -1, -1):
        for kind in np.unique(part[target == node]):
            among = source[(target == node) & (part == kind)]
            need[among] += need[node] / among.size
    loss = np.where(demand > 0, draw.uniform(50, 500, sites), 0)
    stock = need * draw.uniform(0.2, 2, sites)
    return SupplyChain(need * draw.uniform(1.05, 1.5, sites), demand, loss, stock, source, target, part)


def outages(scenarios: int, sites: int) -> Outages:
    """One to three sites out for one to eight weeks."""
    draw = np.random.default_rng(1)
    scenario = np.repeat(np.arange(scenarios), draw.integers(1, 4, scenarios))
    return Outages(draw.integers(1, 9, scenarios), scenario, draw.integers(0, sites, scenario.size))


class PulpExposure:
    """The time-to-recover program built once in PuLP; per scenario bounds change and it is solved again."""

    def __init__(self, c: SupplyChain) -> None:
        self.chain, nodes = c, range(c.nodes)
        self.made = [pulp.LpVariable(f"u_{k}", 0) for k in nodes]
        self.lost = {int(k): pulp.LpVariable(f"l_{k}", 0) for k in c.products}
        sent = [pulp.LpVariable(f"y_{k}", 0) for k in range(len(c.source))]
        self.model = pulp.LpProblem("exposure", pulp.LpMinimize)
        self.model += pulp.LpAffineExpression([(self.lost[k], c.unit_loss[k]) for k in self.lost])
        leaves = [[] for _ in nodes]
        needs: dict[tuple[int, int], list] = {}
        for link, (source, target, part) in enumerate(zip(c.source, c.target, c.part, strict=True)):
            leaves[source].append((sent[link], -1))
            needs.setdefault((int(target), int(part)), []).append((sent[link], 1))
        for k in nodes:
            more = [(self.lost[k], 1)] if k in self.lost else []
            self.model += pulp.LpAffineExpression([(self.made[k], 1), *leaves[k], *more]) >= 0, f"balance_{k}"
        for (k, _), terms in needs.items():
            self.model += pulp.LpAffineExpression([*terms, (self.made[k], -1)]) >= 0

    def loss(self, length: float, left: np.ndarray) -> float:
        c = self.chain
        for k in range(c.nodes):
            self.made[k].upBound = float(c.capacity[k] * left[k] * length)
            self.model.constraints[f"balance_{k}"].changeRHS(float(c.demand[k] * length - c.stock[k]))
        for k, lost in self.lost.items():
            lost.upBound = float(c.demand[k] * length)
        self.model.solve(pulp.HiGHS(msg=False, threads=1))
        return float(pulp.value(self.model.objective))


def exposures(scenarios: int, sites: int = 200, few: int = 40) -> None:
    """PuLP solves the first few scenarios only; seconds are per scenario."""
    network, given = chain(sites), outages(scenarios, sites)
    exposure(chain(20), outages(2, 20))
    began = time.process_time()
    found = exposure(network, given)
    ours = (time.process_time() - began) / scenarios
    theirs = None
    if pulp is not None:
        peer = PulpExposure(network)
        began = time.process_time()
        losses = [peer.loss(given.duration[k], given.shares(k, sites)) for k in range(few)]
        theirs = (time.process_time() - began) / few
        assert np.allclose(losses, found.loss[:few], rtol=1e-6, atol=1e-3)
    anew = None
    if pulp is not None:
        began = time.process_time()
        for k in range(few):
            PulpExposure(network).loss(given.duration[k], given.shares(k, sites))
        anew = (time.process_time() - began) / few
    what = f"exposure, {scenarios} scenarios on {sites} sites, per scenario"
    show(f"{what}, the peer's program built for each", ours, anew, "PuLP")
    show(f"{what}, the peer's program built once", ours, theirs, "PuLP")
    survive = spent(lambda: time_to_survive(network, outages(500, sites))) / 500
    show("time to survive, per scenario", survive, None, "PuLP")


def show(what: str, ours: float, theirs: float | None, peer: str) -> None:
    beside = "" if theirs is None else f", {peer} {theirs:.6g} s: {theirs / ours:,.1f} times ours"
    print(f"{what}: {ours:.6g} s{beside}", flush=True)


def allocations(items: int) -> None:
    problem = allocation(items)
    Allocator(allocation(4)).solve()
    cost = Allocator(problem).solve().cost
    ours = spent(lambda: Allocator(problem).solve(), 3)
    moved = problem.demand * np.random.default_rng(1).uniform(0.97, 1.03, problem.demand.shape)
    planner = Allocator(problem)
    planner.solve()
    again = spent(lambda: planner.replan(demand=moved))
    for name, peer, work in (("PuLP", pulp, with_pulp), ("Pyomo", pyomo, with_pyomo)):
        theirs = None
        if peer is not None:
            costs: list[float] = []
            theirs = spent(lambda work=work, costs=costs: costs.append(work(problem)))
            assert abs(costs[0] - cost) < 1e-6 * cost
        show(f"allocation of {items} items beside {name}, cold", ours, theirs, name)
        show(f"allocation of {items} items beside {name}, planned again", again, theirs, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="?", type=int, default=200, help="items in the allocation")
    parser.add_argument("--scenarios", type=int, default=10_000, help="scenarios of the exposure, 0: none")
    options = parser.parse_args()
    if pulp is None or pyomo is None:
        print("PuLP or Pyomo is not installed: ratios are missing", file=sys.stderr)
    allocations(options.items)
    if options.scenarios:
        exposures(options.scenarios)


if __name__ == "__main__":
    main()
