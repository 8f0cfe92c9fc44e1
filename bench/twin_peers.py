"""The chain of bench_twin.py in SimPy and stockpyl; imports nothing else, so that its process is fair to them."""

from __future__ import annotations

import random

LEVELS, LEAD = (58.0, 110.0, 110.0), (1, 2, 2)


def by_simpy(periods: int, seed: int) -> dict[str, float]:
    """One run of the chain as SimPy models are written: a process per shipment, one that orders, sums of the same."""
    import simpy

    env, luck = simpy.Environment(), random.Random(seed)
    stock, owed = list(LEVELS), [0.0, 0.0, 0.0]
    on_order = [0.0, 0.0, 0.0]
    sums: dict[str, float] = dict.fromkeys(
        ("asked", "at once", "served", "waiting", "on hand", "on order", "ordered", "square", "arrived"), 0.0
    )

    def ship(stage: int, quantity: float):  # type: ignore[no-untyped-def]
        yield env.timeout(LEAD[stage] - 0.5)
        stock[stage] += quantity
        on_order[stage] -= quantity
        sums["arrived"] += quantity

    def serve(stage: int, asked: float) -> None:
        sent = min(owed[stage] + asked, stock[stage])
        sums["asked"] += asked
        sums["at once"] += min(asked, max(sent - owed[stage], 0.0))
        sums["served"] += sent
        owed[stage] += asked - sent
        stock[stage] -= sent
        if stage and sent > 0:
            env.process(ship(stage - 1, sent))

    def day():  # type: ignore[no-untyped-def]
        while True:
            asked = max(luck.normalvariate(50, 8), 0.0)
            for stage in range(3):
                serve(stage, asked)
                asked = max(LEVELS[stage] - (stock[stage] - owed[stage] + on_order[stage]), 0.0)
                on_order[stage] += asked
                sums["ordered"] += asked
                sums["square"] += asked * asked
                sums["waiting"] += owed[stage]
                sums["on hand"] += stock[stage]
                sums["on order"] += on_order[stage]
            env.process(ship(2, asked))
            yield env.timeout(1)

    env.process(day())
    env.run(until=periods)
    return sums


def by_stockpyl(periods: int, seed: int) -> float:
    from stockpyl.sim import simulation
    from stockpyl.supply_chain_network import serial_system

    network = serial_system(
        num_nodes=3, node_order_in_system=[2, 1, 0], node_order_in_lists=[0, 1, 2],
        local_holding_cost=[7, 4, 2], stockout_cost=[37, 0, 0], shipment_lead_time=list(LEAD), demand_type="N", mean=50,
        standard_deviation=8, policy_type="BS", base_stock_level=list(LEVELS),
    )  # fmt: skip
    return float(simulation(network, periods, rand_seed=seed, progress_bar=False, consistency_checks="N"))
