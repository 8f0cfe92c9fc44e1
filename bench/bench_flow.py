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
            theirs = spent(lambda work=work: work(problem))
            assert abs(work(problem) - cost) < 1e-6 * cost
        show(f"allocation of {items} items beside {name}, cold", ours, theirs, name)
        show(f"allocation of {items} items beside {name}, planned again", again, theirs, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="?", type=int, default=200, help="items in the allocation")
    options = parser.parse_args()
    if pulp is None or pyomo is None:
        print("PuLP or Pyomo is not installed: ratios are missing", file=sys.stderr)
    allocations(options.items)


if __name__ == "__main__":
    main()
