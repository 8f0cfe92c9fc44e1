"""Stock calculations beside stockpyl: guaranteed service, newsvendor and (r, Q), answers checked against each other.

    python bench/bench_stock.py              all, at modest size (the peer needs about a minute)
    python bench/bench_stock.py 1000000      guaranteed service on a tree of so many stages as well

The peer is optional: without it only our own times are shown. Times are of the processor; what the compiler takes once
is spent before.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from tierwise.engine import stock

try:
    import stockpyl.gsm_tree as peer_tree
    import stockpyl.newsvendor as peer_newsvendor
    import stockpyl.rq as peer_rq
    from stockpyl.demand_source import DemandSource
    from stockpyl.supply_chain_network import SupplyChainNetwork
    from stockpyl.supply_chain_node import SupplyChainNode
except ImportError:
    peer_tree = None


def spent(work: Callable[[], object], times: int = 1) -> float:
    """The fastest of so many runs, in seconds of this process."""
    best = np.inf
    for _ in range(times):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def tree(stages: int, seed: int = 0) -> stock.ServiceNetwork:
    """A random tree: each stage hangs on one of the earlier ones, upstream or downstream of it by even chance."""
    draw = np.random.default_rng(seed)
    later = np.arange(1, stages)
    earlier = (draw.random(stages - 1) * later).astype(np.int64)
    up = draw.random(stages - 1) < 0.5
    sources, targets = np.where(up, later, earlier), np.where(up, earlier, later)
    outlets = np.bincount(sources, minlength=stages) == 0
    return stock.ServiceNetwork(
        draw.integers(1, 6, stages),
        draw.uniform(1, 10, stages),
        (sources, targets),
        np.where(outlets, draw.uniform(1, 10, stages), 0.0),
        safety_factor=1.645,
    )


def general(stages: int, arcs: int, longest: int, seed: int = 0) -> stock.ServiceNetwork:
    """Eight layers, arcs mostly to the next one, many loops when direction is forgotten."""
    draw = np.random.default_rng(seed)
    layer = np.sort(draw.integers(0, 8, stages))
    pairs = draw.integers(0, stages, (60 * arcs, 2))
    step = layer[pairs[:, 1]] - layer[pairs[:, 0]]
    kept = np.unique(pairs[(step == 1) | ((step > 1) & (draw.random(len(pairs)) < 0.08))], axis=0)
    chosen = kept[draw.permutation(len(kept))[:arcs]]
    outlets = np.bincount(chosen[:, 0], minlength=stages) == 0
    return stock.ServiceNetwork(
        draw.integers(1, longest + 1, stages),
        draw.uniform(1, 3, stages) * (1 + layer),
        (chosen[:, 0], chosen[:, 1]),
        np.where(outlets, draw.uniform(1, 10, stages), 0.0),
        safety_factor=1.645,
    )


def peer_network(network: stock.ServiceNetwork) -> object:
    made = SupplyChainNetwork()
    for k in range(network.stages):
        sd = float(network.demand_sd[k])
        node = SupplyChainNode(
            k,
            processing_time=int(network.processing_time[k]),
            local_holding_cost=float(network.holding_cost[k]),
            demand_bound_constant=1.645,
            external_outbound_cst=0 if sd else None,
            demand_source=DemandSource(type="N", mean=0, standard_deviation=sd) if sd else DemandSource(type=None),
        )
        made.add_node(node)
    for a, b in zip(network.sources.tolist(), network.targets.tolist(), strict=True):
        made.add_edge(a, b)
    return peer_tree.preprocess_tree(peer_tree.relabel_nodes(made, start_index=0))


def show(what: str, ours: float, theirs: float | None) -> None:
    beside = "" if theirs is None else f", stockpyl {theirs:.6g} s: {theirs / ours:,.0f} times ours"
    print(f"{what}: {ours:.6g} s{beside}", flush=True)


def guaranteed(largest: int) -> None:
    stock.guaranteed_service(tree(50))
    for stages in (100, 1000):
        network = tree(stages)
        found = stock.guaranteed_service(network)
        ours, theirs = spent(lambda network=network: stock.guaranteed_service(network), 20), None
        if peer_tree and stages == 100:
            made = peer_network(network)
            theirs = spent(lambda made=made: peer_tree.optimize_committed_service_times(tree=made))
            cost = peer_tree.optimize_committed_service_times(tree=made)[1]
            assert abs(cost - found.total) < 1e-6 * found.total, (cost, found.total)
        show(f"guaranteed service, tree of {stages} stages", ours, theirs)
    if largest > 1000:
        network = tree(largest)
        show(f"guaranteed service, tree of {largest} stages", spent(lambda: stock.guaranteed_service(network)), None)
    stock.guaranteed_service(general(40, 80, 3))
    for arcs, longest in ((2600, 5), (4000, 5), (4000, 20), (12_000, 10)):
        network = general(2000, arcs, longest)
        began = time.process_time()
        found = stock.guaranteed_service(network)
        show(f"guaranteed service, 2000 stages, {arcs} arcs, times to {longest}", time.process_time() - began, None)
        print(
            f"  cost {found.total:.2f}, gap {found.gap:.2e}, {'proven' if found.proven else 'not proven'}", flush=True
        )


def batches() -> None:
    draw = np.random.default_rng(1)
    n = 200_000
    mean, hold, short = draw.uniform(10, 1000, n), draw.uniform(0.1, 2, n), draw.uniform(0.5, 20, n)
    sd = mean * draw.uniform(0.05, 0.5, n)
    demand = stock.Distribution("normal", mean, sd)
    ours = spent(lambda: stock.newsvendor(demand, hold, short), 5) / n
    theirs = None
    if peer_tree:
        some = range(200)
        theirs = (
            spent(lambda: [peer_newsvendor.newsvendor_normal(hold[i], short[i], mean[i], sd[i]) for i in some]) / 200
        )
        quantity, cost = peer_newsvendor.newsvendor_normal(hold[7], short[7], mean[7], sd[7])
        best = stock.newsvendor(demand, hold, short)
        assert abs(best.quantity[7] - quantity) < 1e-8 * quantity
        assert abs(best.cost[7] - cost) < 1e-8 * cost
    show("newsvendor, normal, per item", ours, theirs)
    fixed, rate, lead = draw.uniform(1, 200, n), draw.uniform(100, 5000, n), draw.uniform(0.02, 0.5, n)
    spread = rate * draw.uniform(0.05, 0.3, n)
    params = stock.ReorderParams(fixed, hold, 5 * short, rate, lead, spread)
    stock.reorder_policy(stock.ReorderParams(1, 1, 2, 10, 1, 1))
    stock.reorder_policy(stock.ReorderParams(1, 1, 2, 10, 1), "poisson")
    ours, theirs = spent(lambda: stock.reorder_policy(params), 3) / n, None
    approximate = spent(lambda: stock.approximate_reorder_policy(params), 3) / n
    beside = None
    if peer_tree:
        given = [(hold[i], 5 * short[i], fixed[i], rate[i], spread[i], lead[i]) for i in range(20)]
        theirs = spent(lambda: [peer_rq.r_q_loss_function_approximation(*each) for each in given]) / 20
        beside = spent(lambda: [peer_rq.r_q_eil_approximation(*each) for each in given]) / 20
    show("(r, Q) normal, ours exact and the peer's iterative, per item", ours, theirs)
    show("(r, Q) normal, expected-inventory approximation, per item", approximate, beside)
    slow = draw.uniform(0.5, 12, n)
    few = stock.ReorderParams(fixed, hold, 5 * short, slow, lead)
    ours, theirs = spent(lambda: stock.reorder_policy(few, "poisson"), 3) / n, None
    if peer_tree:
        best = stock.reorder_policy(few, "poisson")
        given = [(hold[i], 5 * short[i], fixed[i], slow[i], lead[i]) for i in range(20)]
        theirs = spent(lambda: [peer_rq.r_q_poisson_exact(*each) for each in given]) / 20
        assert np.allclose([peer_rq.r_q_poisson_exact(*each)[2] for each in given], best.cost[:20])
    show("(r, Q) Poisson, exact, per item", ours, theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="?", type=int, default=100_000, help="largest tree for guaranteed service")
    options = parser.parse_args()
    if peer_tree is None:
        print("stockpyl is not installed: no ratios", file=sys.stderr)
    batches()
    guaranteed(options.stages)


if __name__ == "__main__":
    main()
