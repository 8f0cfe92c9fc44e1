"""Guaranteed service: published networks, plain enumeration, and laws that any answer must keep."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.stock import Effort, ServiceNetwork, guaranteed_service, net_demand_sd


def example_6_5() -> ServiceNetwork:
    return ServiceNetwork(
        [2, 1, 1, 1], [1, 3, 2, 3], ([0, 2, 2], [2, 1, 3]), [0, 1, 0, 1], inbound=[1, 0, 0, 0],
        outbound_limit=[np.nan, 0, np.nan, 1],
    )  # fmt: skip


def test_tc_11_guaranteed_service_example_6_5() -> None:
    found = guaranteed_service(example_6_5())
    assert found.outbound.tolist() == [0, 0, 0, 1]
    assert found.total == pytest.approx(8.277916867529369, abs=1e-12)
    assert found.proven


def published(shared_data: Path, name: str) -> tuple[list[int], ServiceNetwork]:
    file = shared_data / "inventory_instances" / "stockpyl_instances.json"
    instances = {each["name"]: each for each in json.loads(file.read_text())["instances"]}
    nodes = instances[name]["data"]["_nodes"]
    place = {node["_index"]: at for at, node in enumerate(nodes)}
    arcs = [(place[node["_index"]], place[to]) for node in nodes for to in node["_successor_indices"]]
    return list(place), ServiceNetwork(
        [node["processing_time"] or 0 for node in nodes],
        [node["local_holding_cost"] for node in nodes],
        ([a for a, _ in arcs], [b for _, b in arcs]),
        [node["demand_source"].get("standard_deviation") or 0 for node in nodes],
        safety_factor=[node["demand_bound_constant"] or 0 for node in nodes],
        inbound=[node["external_inbound_cst"] or 0 for node in nodes],
        outbound_limit=[
            np.nan if node["external_outbound_cst"] is None else node["external_outbound_cst"] for node in nodes
        ],
    )


@pytest.mark.parametrize(
    ("name", "times", "cost"),
    [
        ("example_6_5", {1: 0, 3: 0, 2: 0, 4: 1}, 8.277916867529369),
        ("figure_6_14", {1: 0, 2: 3, 3: 5, 4: 4, 5: 7, 6: 0, 7: 0, 8: 0, 9: 0, 10: 2}, 18.8240044725),
        ("example_6_3", {3: 0, 2: 0, 1: 1}, 2 * np.sqrt(2)),
    ],
)
def test_tc_11_published_networks(shared_data: Path, name: str, times: dict[int, int], cost: float) -> None:
    labels, network = published(shared_data, name)
    found = guaranteed_service(network)
    assert dict(zip(labels, found.outbound.tolist(), strict=True)) == times
    assert found.total == pytest.approx(cost, abs=1e-9)


def plain_best(network: ServiceNetwork, exponent: float = 0.5) -> float:
    """Every combination of outbound times."""
    n = network.stages
    incoming = [[int(a) for a, b in zip(network.sources, network.targets, strict=True) if b == k] for k in range(n)]
    longest = [0] * n
    for k in range(n):  # stages of these tests are numbered along the flow
        longest[k] = int(network.processing_time[k]) + max(
            [int(network.inbound[k]), *(longest[j] for j in incoming[k])]
        )
        longest[k] = min(longest[k], int(network.outbound_limit[k]))
    weight = network.holding_cost * network.safety_factor * net_demand_sd(network)
    best = np.inf
    for times in product(*(range(high + 1) for high in longest)):
        total = 0.0
        for k in range(n):
            received = max([int(network.inbound[k]), *(times[j] for j in incoming[k])])
            net = received + int(network.processing_time[k]) - times[k]
            if net < 0:
                total = np.inf
                break
            total += weight[k] * net**exponent
        best = min(best, total)
    return float(best)


def random_network(seed: int, forest: bool) -> ServiceNetwork:
    draw = np.random.default_rng(seed)
    n = int(draw.integers(2, 6))
    if forest:
        # An undirected tree on numbered stages: every later stage hangs on one earlier, in flow direction.
        arcs = [(int(draw.integers(0, k)), k) for k in range(1, n) if draw.random() < 0.9]
        flip = draw.permutation(n)
        arcs = [(min(flip[a], flip[b]), max(flip[a], flip[b])) for a, b in arcs]
    else:
        arcs = [(a, b) for a in range(n) for b in range(a + 1, n) if draw.random() < 0.7]
    ends = np.array([all(a != k for a, _ in arcs) for k in range(n)])
    sd = np.where(ends | (draw.random(n) < 0.2), draw.uniform(1, 9, n), 0.0)
    return ServiceNetwork(
        draw.integers(0, 4, n), draw.uniform(0.1, 5, n), ([a for a, _ in arcs], [b for _, b in arcs]), sd,
        inbound=draw.integers(0, 3, n), outbound_limit=np.where(sd > 0, draw.integers(0, 3, n), np.nan),
        units=draw.integers(1, 3, len(arcs)), safety_factor=1.645,
    )  # fmt: skip


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.5, 0.8, 1.0]))
def test_the_cost_is_that_of_plain_enumeration(seed: int, forest: bool, exponent: float) -> None:
    network = random_network(seed, forest)
    found = guaranteed_service(network, exponent)
    best = plain_best(network, exponent)
    assert found.total == pytest.approx(best, rel=2e-6, abs=1e-9)
    assert found.bound <= best * (1 + 1e-9) + 1e-9
    assert found.proven


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.booleans())
def test_what_is_quoted_is_kept_and_bounds_hold(seed: int, forest: bool) -> None:
    network = random_network(seed, forest)
    found = guaranteed_service(network, effort=Effort(passes=2, rounds=1, branches=0))
    assert (found.net_lead_time >= 0).all()
    assert (found.outbound <= network.outbound_limit).all()
    assert (found.inbound >= network.inbound).all()
    assert (found.outbound[network.sources] <= found.inbound[network.targets]).all()
    assert found.total == pytest.approx(found.cost.sum())
    best = plain_best(network)
    assert found.bound <= best * (1 + 1e-9) + 1e-9
    assert found.total >= best - 1e-9


def layered(n: int, arcs: int, seed: int, longest: int = 5) -> ServiceNetwork:
    draw = np.random.default_rng(seed)
    layer = np.sort(draw.integers(0, 6, n))
    pairs = {(int(a), int(b)) for a, b in draw.integers(0, n, (20 * arcs, 2)) if layer[b] - layer[a] in {1, 2}}
    chosen = np.array(sorted(pairs))[draw.permutation(len(pairs))[:arcs]]
    ends = np.bincount(chosen[:, 0], minlength=n) == 0
    return ServiceNetwork(
        draw.integers(1, longest + 1, n), draw.uniform(1, 3, n) * (1 + layer), (chosen[:, 0], chosen[:, 1]),
        np.where(ends, draw.uniform(1, 9, n), 0.0), safety_factor=1.645,
    )  # fmt: skip


def test_a_network_with_many_loops_is_proven_or_says_its_gap() -> None:
    network = layered(300, 700, 1)
    quick = guaranteed_service(network, effort=Effort(passes=20, rounds=0, branches=0))
    full = guaranteed_service(network)
    assert quick.bound <= full.total <= quick.total
    assert full.gap <= 1e-3
    assert full.gap == pytest.approx((full.total - full.bound) / full.total)
    again = guaranteed_service(network)
    assert again.outbound.tolist() == full.outbound.tolist()


def test_a_long_chain_and_a_wide_star_of_many_stages() -> None:
    n = 30_000
    star = ServiceNetwork(np.full(n, 2), np.ones(n), (np.zeros(n - 1, int), np.arange(1, n)), np.r_[0, np.ones(n - 1)])
    found = guaranteed_service(star)
    # One hub's √(2(n − 1)) against √2 more on every spoke: the hub holds.
    assert found.outbound[0] == 0
    assert found.total == pytest.approx(np.sqrt(2 * (n - 1)) + (n - 1) * np.sqrt(2))
    chain = ServiceNetwork(np.ones(40), np.arange(1, 41), (np.arange(39), np.arange(1, 40)), np.r_[np.zeros(39), 1])
    assert guaranteed_service(chain).proven


def test_demand_that_reaches_a_part_on_two_ways_is_one_demand() -> None:
    diamond = ServiceNetwork([1] * 4, 1, ([0, 0, 1, 2], [1, 2, 3, 3]), [0, 0, 0, 3], units=[1, 2, 1, 1])
    assert net_demand_sd(diamond).tolist() == [9, 3, 3, 3]


def test_no_stages_and_stages_without_arcs() -> None:
    empty = guaranteed_service(ServiceNetwork([], [], ([], []), []))
    assert (empty.total, empty.gap, empty.outbound.size) == (0, 0, 0)
    alone = guaranteed_service(ServiceNetwork([4], [2], ([], []), [3]))
    assert alone.safety_stock.tolist() == [6]
    assert alone.total == 12


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: guaranteed_service(ServiceNetwork([1, 1], 1, ([0, 1], [1, 0]), [0, 1])), "cycle"),
        (lambda: ServiceNetwork([1.5], 1, ([], []), [1]), "processing_time"),
        (lambda: ServiceNetwork([1], np.nan, ([], []), [1]), "holding_cost"),
        (lambda: ServiceNetwork([1, 1], 1, ([0], [2]), [0, 1]), "arcs"),
        (lambda: ServiceNetwork([1, 1], [1, 2, 3], ([0], [1]), [0, 1]), "holding_cost"),
        (lambda: ServiceNetwork([1], 1, ([], []), [1], margin=3), "margin"),
        (lambda: guaranteed_service(ServiceNetwork([10**9], 1, ([], []), [0])), "coarser"),
        (lambda: guaranteed_service(example_6_5(), exponent=0), "exponent"),
        (lambda: Effort(tolerance=2), "tolerance"),
        (lambda: Effort(passes=0), "passes"),
    ],
)
def test_wrong_input_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()
