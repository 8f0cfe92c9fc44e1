"""Lane flows against enumerated paths, single shortest paths, prices and failures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.flow import LaneNetwork, LanePlanner, NoPlan, lane_flows

SEEDS = st.integers(0, 10**6)


def random_network(seed: int) -> LaneNetwork:
    draw = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b and draw.random() < 0.6]
    ends = draw.permuted(np.tile(np.arange(5), (3, 1)), axis=1)
    return LaneNetwork(
        5, [a for a, _ in pairs], [b for _, b in pairs], draw.uniform(1, 9, len(pairs)), ends[:, 0], ends[:, 1],
        draw.uniform(1, 9, 3), capacity=draw.uniform(3, 15, len(pairs)), days=draw.integers(0, 4, len(pairs)),
        longest=draw.choice([3, 5, np.inf], 3), unmet_cost=draw.uniform(15, 40, 3), volume=draw.uniform(0.5, 2, 3),
    )  # fmt: skip


def paths(n: LaneNetwork, here: int, end: int, seen: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if here == end:
        return [()]
    found = []
    for lane in np.flatnonzero(n.source == here).tolist():
        there = int(n.target[lane])
        if there not in (*seen, here):
            found += [(lane, *rest) for rest in paths(n, there, end, (*seen, here))]
    return found


def over_paths(n: LaneNetwork) -> float:
    """The same question with a column per path that arrives in time."""
    ways = [
        (k, way)
        for k in range(len(n.origin))
        for way in paths(n, int(n.origin[k]), int(n.destination[k]))
        if n.days[list(way)].sum() <= n.longest[k]
    ]
    cost = np.r_[[n.cost[list(way)].sum() for _, way in ways], n.unmet_cost]
    meet, use = np.zeros((3, len(cost))), np.zeros((len(n.source), len(cost)))
    for at, (k, way) in enumerate(ways):
        meet[k, at] = 1
        use[list(way), at] = n.volume[k]
    meet[:, len(ways) :] = np.eye(3)
    found = linprog(cost, use, n.capacity, meet, n.quantity)
    assert found.status == 0
    return float(found.fun)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_flows_cost_what_the_best_mix_of_timely_paths_costs(seed: int) -> None:
    network = random_network(seed)
    found = lane_flows(network)
    assert found.cost == pytest.approx(over_paths(network), rel=1e-7)
    assert (found.load <= network.capacity + 1e-6).all()
    balance = np.zeros((3, 5))
    np.add.at(balance, (found.commodity, network.target[found.lane]), found.units)
    np.subtract.at(balance, (found.commodity, network.source[found.lane]), found.units)
    arrived = network.quantity - found.unmet
    every = np.arange(3)
    balance[every, network.destination] -= arrived
    balance[every, network.origin] += arrived
    assert np.abs(balance).max() < 1e-6, "what enters a place leaves it"


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_prices_are_differences_and_a_failed_lane_never_helps(seed: int) -> None:
    network, step = random_network(seed), 1e-4
    found = lane_flows(network)
    lane = int(np.random.default_rng(seed).integers(len(network.source)))
    costs = []
    for moved in (-step, step):
        capacity = network.capacity.copy()
        capacity[lane] += moved
        costs.append(lane_flows(dataclasses.replace(network, capacity=capacity)).cost)
    below, above = (found.cost - costs[1]) / step, (costs[0] - found.cost) / step
    assert below - 1e-3 <= found.price[lane] <= above + 1e-3
    planner = LanePlanner(network)
    planner.solve()
    broken = network.capacity.copy()
    broken[lane] = 0
    assert planner.what_if(capacity=broken).cost == pytest.approx(
        lane_flows(dataclasses.replace(network, capacity=broken)).cost
    )
    assert planner.what_if().cost >= found.cost - 1e-7
    assert planner.what_if(capacity=network.capacity, quantity=network.quantity / 2).cost <= found.cost + 1e-7


def test_what_cannot_be_carried_says_how_much_lanes_lack() -> None:
    narrow = LaneNetwork(2, [0], [1], 1.0, [0], [1], [10], capacity=6.0)
    with pytest.raises(NoPlan, match=r"raise lane capacity by 4 in all \(lane 0: 4\)"):
        lane_flows(narrow)
    late = LaneNetwork(2, [0], [1], 1.0, [0], [1], [10], days=5, longest=4)
    with pytest.raises(NoPlan, match="delivery"):
        lane_flows(late)


def test_nothing_to_carry_and_what_is_refused() -> None:
    assert lane_flows(LaneNetwork(2, [0], [1], 1.0, [], [], [])).cost == 0
    for field, network in (
        ("source", {"source": [0, 1]}), ("place", {"target": [7]}), ("cost", {"cost": np.nan}),
        ("quantity", {"quantity": [1, 2]}), ("volume", {"volume": -1}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=field):
            LaneNetwork(
                **(
                    {
                        "places": 2,
                        "source": [0],
                        "target": [1],
                        "cost": 1,
                        "origin": [0],
                        "destination": [1],
                        "quantity": [1],
                    }
                    | network
                )
            )
    with pytest.raises(ValueError, match="already where"):
        lane_flows(LaneNetwork(2, [0], [1], 1.0, [0], [0], [1]))
    with pytest.raises(ValueError, match="capacity"):
        LanePlanner(LaneNetwork(2, [0], [1], 1.0, [0], [1], [1])).what_if(capacity=-1)
