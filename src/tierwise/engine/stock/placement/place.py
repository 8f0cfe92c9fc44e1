"""Safety stock in a network under guaranteed service: where to hold it, how much, and what that proves to cost."""

from __future__ import annotations

import numpy as np

from tierwise.engine.checks import Floats, Ints
from tierwise.engine.network.kernels import topological_order
from tierwise.engine.stock.placement import kernels
from tierwise.engine.stock.placement.general import Effort, Problem, grouped, solve
from tierwise.engine.stock.placement.network import Placement, ServiceNetwork, check_size

_OUTLETS_AT_ONCE = 256


def guaranteed_service(network: ServiceNetwork, exponent: float = 0.5, effort: Effort | None = None) -> Placement:
    """Service times, and with them safety stock at every stage, at the least holding cost.

    Every stage quotes its customers a service time S that it always keeps while demand stays within its bound; it hears
    SI = the longest quoted to it, and must cover the net lead time τ = SI + T − S ≥ 0 from safety stock z·σ·τᵖ
    (``exponent`` p, ½ for independent periods, up to 1 for fully correlated ones). Minimises Σ h·z·σ·τᵖ over whole S;
    σ is :func:`net_demand_sd`. On a forest (no loop even when arcs lose their direction) exact by dynamic programming,
    some microseconds a stage. On any other acyclic network a lower bound by message passing, a solution by re-solving
    random forests exactly, and branch and bound, until both meet or ``effort`` is spent; ``gap`` then says how far the
    cost is from proven. The same input gives the same answer.

    Without stages the answer is empty. ValueError for a cycle, and for times too long to tabulate.

    Source: Graves and Willems, "Optimizing Strategic Safety Stock Placement in Supply Chains", M&SOM 2 (2000) 68-83;
    Humair and Willems, "Optimizing Strategic Safety Stock Placement in General Acyclic Networks", Operations Research
    59 (2011) 781-787; bound: Kolmogorov, IEEE PAMI 28 (2006) 1568-1583. Snyder and Shen (2019), example 6.5:

    >>> limits = {"inbound": [1, 0, 0, 0], "outbound_limit": [np.nan, 0, np.nan, 1]}
    >>> network = ServiceNetwork([2, 1, 1, 1], [1, 3, 2, 3], ([0, 2, 2], [2, 1, 3]), [0, 1, 0, 1], **limits)
    >>> found = guaranteed_service(network)
    >>> found.outbound.tolist(), round(found.total, 6), found.proven
    ([0, 0, 0, 1], 8.277917, True)
    """
    if not 0 < exponent <= 1:
        raise ValueError(f"exponent: {exponent} must be above 0 and at most 1; ½ is for independent periods")
    effort = effort or Effort()
    order, start, arcs = _ordered(network)
    times, inbound = network.processing_time, network.inbound
    high_in, high_out = kernels.longest(order, start, arcs, network.targets, (times, inbound, network.outbound_limit))
    at_in, at_out = (np.concatenate([[0], np.cumsum(high + 1)]) for high in (high_in, high_out))
    check_size(int(at_in[-1] + at_out[-1]))
    every = np.ones(network.sources.size, dtype=np.bool_)
    leaves, link = kernels.peel(network.stages, network.sources, network.targets, every)
    forest = leaves.size == network.stages
    sd = _net_sd(network, order, start, arcs, forest)
    factor = network.safety_factor * sd
    root = np.arange(int((high_in + times).max(initial=0)) + 1, dtype=np.float64) ** exponent
    stages = (times, network.holding_cost * factor, root)
    windows = (inbound.copy(), high_in, np.zeros_like(times), high_out)
    if forest:
        tables = (np.empty(at_in[-1]), np.empty(at_out[-1]))
        service, _ = kernels.solve_forest(
            leaves, link, network.sources, network.targets, stages, (*windows, at_in, at_out), tables
        )
        received = kernels.settle(order, start, arcs, network.targets, (times, inbound), service)
        total = bound = float(kernels.cost_of(*stages, service, received))
    else:
        in_start, in_arcs = grouped(network.targets, network.stages)
        ends = (network.sources, network.targets)
        problem = Problem(order, ends, (start, arcs, in_start, in_arcs), stages, inbound, windows, (at_in, at_out))
        service, received, total, bound = solve(problem, effort)
    net = received + times - service
    gap = (total - bound) / total if total > 0 else 0.0
    method = "dynamic programme on a forest" if forest else "messages, forests, branch and bound"
    held = factor * root[net]
    return Placement(
        service, received, net, held, network.holding_cost * held, total, bound, gap, gap <= effort.tolerance, method
    )


def net_demand_sd(network: ServiceNetwork) -> Floats:
    """Standard deviation per period of the demand that each stage sees, outlets independent of each other.

    Σ over outlets of (units of the stage in one of the outlet)² · variance; a part that reaches an outlet on two ways
    is counted as one demand of twice the units, not as two independent ones. Shape (n,).

    >>> net_demand_sd(ServiceNetwork([1, 1, 1], 1, ([0, 0], [1, 2]), [0, 3, 4])).tolist()
    [5.0, 3.0, 4.0]
    """
    order, start, arcs = _ordered(network)
    every = np.ones(network.sources.size, dtype=np.bool_)
    forest = kernels.peel(network.stages, network.sources, network.targets, every)[0].size == network.stages
    return _net_sd(network, order, start, arcs, forest)


def _ordered(network: ServiceNetwork) -> tuple[Ints, Ints, Ints]:
    """Stages so that each stands after its suppliers, and arcs grouped by source from ``start`` on."""
    arcs = np.argsort(network.sources, kind="stable")
    start = np.searchsorted(network.sources[arcs], np.arange(network.stages + 1)).astype(np.int64)
    found, _, done = topological_order(start, network.targets[arcs].astype(np.int32))
    order = found[:done].astype(np.int64)
    if done < network.stages:
        inside = np.setdiff1d(np.arange(network.stages), order)
        raise ValueError(
            f"arcs: close a cycle through or above stage {inside[0]}; goods must not flow back to where they were"
        )
    return order, start, arcs


def _net_sd(network: ServiceNetwork, order: Ints, start: Ints, arcs: Ints, forest: bool) -> Floats:
    variance = network.demand_sd**2
    if forest:
        kernels.variance_upward(order, start, arcs, network.targets, network.units, variance)
        return np.sqrt(variance)
    outlets = np.flatnonzero(variance > 0)
    total = np.zeros(network.stages)
    for first in range(0, outlets.size, _OUTLETS_AT_ONCE):
        some = outlets[first : first + _OUTLETS_AT_ONCE]
        usage = np.zeros((network.stages, some.size))
        usage[some, np.arange(some.size)] = 1.0
        kernels.usage_upward(order, start, arcs, network.targets, network.units, usage)
        total += usage**2 @ variance[some]
    return np.sqrt(total)
