"""Simulated disruptions: against exact expectations, common random numbers, and phases against one long program."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tierwise.engine.risk import (
    Hazards,
    Outages,
    Response,
    SimulationParams,
    SupplyChain,
    exposure,
    simulate_disruptions,
)
from tierwise.engine.risk.response import ResponseProgram

FORD = SupplyChain(
    capacity=[30, 45, 60, np.inf, np.inf], demand=[0, 0, 0, 75, 50], stock=[0, 0, 0, 20, 25],
    unit_loss=[0, 0, 0, 5000, 6500], source=[0, 1, 2, 0, 1, 2], target=[3, 3, 3, 4, 4, 4],
)  # fmt: skip


def test_tc_17_rare_outages_of_fixed_length_cost_what_the_scenarios_cost() -> None:
    hazards = Hazards([1e-3, 1e-3, 1e-3], 2, [0, 1, 2], [0, 1, 2], spread=0)
    params = SimulationParams(horizon=20, replications=20_000, seed=5)
    found = simulate_disruptions(FORD, hazards, params)
    losses = exposure(FORD, Outages([2, 2, 2], [0, 1, 2], [0, 1, 2])).loss
    # An outage that begins near the end is cut off there; overlaps are rarer than one in a thousand.
    full = 20 * 1e-3 * losses.sum()
    error = found.loss.std() / np.sqrt(20_000)
    assert 0.85 * full - 4 * error < found.loss.mean() < full + 4 * error
    assert found.by_element.sum() == pytest.approx(found.loss.mean())
    assert found.by_element[2] > found.by_element[1] > found.by_element[0]
    assert found.solved < found.episodes


def test_a_plan_never_loses_more_event_by_event() -> None:
    chain = dataclasses.replace(
        FORD,
        backup=[False, False, False, True, False, False],
        link_cost=5.0,
        expedite=[10, 0, 0, 0, 0],
        expedite_cost=40,
    )
    hazards = Hazards([0.02, 0.02, 0.01], [1, 2, 3], [0, 1, 2], [0, 1, 2], spread=1.2)
    params = SimulationParams(replications=60, seed=3)
    planned = simulate_disruptions(chain, hazards, params)
    bare = simulate_disruptions(chain, hazards, params, Response(backups=False, expedite=False))
    assert (planned.loss <= bare.loss + 1e-6).all()
    assert bare.loss.mean() > planned.loss.mean()
    stocked = simulate_disruptions(dataclasses.replace(chain, stock=[0, 0, 0, 200, 200]), hazards, params)
    assert (stocked.loss <= planned.loss + 1e-6).all()
    assert planned.tail.conditional >= planned.tail.value_at_risk


def test_phases_that_are_alike_are_one_outage() -> None:
    left = FORD.nodes * [1.0]
    left[2] = 0.0
    one = ResponseProgram(FORD)
    one.disrupt([2.0], np.array([left]))
    three = ResponseProgram(FORD, phases=3)
    three.disrupt([0.5, 0.5, 1.0], np.array([left] * 3))
    assert three.loss() == pytest.approx(one.loss())
    assert three.lost().sum() == pytest.approx(55)


def test_what_is_lost_first_cannot_be_made_later() -> None:
    chain = SupplyChain([10, np.inf], [0, 5], [0, 1], 0, [0], [1])
    program = ResponseProgram(chain, phases=2)
    program.disrupt([1.0, 3.0], np.array([[0.0, 1.0], [1.0, 1.0]]))
    assert program.loss() == pytest.approx(5), "later capacity does not serve demand of the outage"
    program.disrupt([3.0, 1.0], np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert program.loss() == pytest.approx(0), "but stock built before it does"


def test_long_episodes_are_coarsened_to_the_safe_side() -> None:
    hazards = Hazards([0.5, 0.5, 0.5], [1, 1, 1], [0, 1, 2], [0, 1, 2])
    fine = simulate_disruptions(FORD, hazards, SimulationParams(horizon=8, replications=4, phases=40))
    coarse = simulate_disruptions(FORD, hazards, SimulationParams(horizon=8, replications=4, phases=2))
    assert fine.coarsened == 0
    assert coarse.coarsened > 0
    assert coarse.loss.mean() >= fine.loss.mean() - 1e-6


def test_no_hazards_and_what_is_refused() -> None:
    assert simulate_disruptions(FORD, Hazards([], [], [], [])).loss.sum() == 0
    assert simulate_disruptions(FORD, Hazards(0.0, 1.0, [0], [0])).episodes == 0
    for call, field in (
        (lambda: Hazards([0.1], [0.0], [0], [0]), "mean_duration"),
        (lambda: Hazards([0.1], [1.0], [1], [0]), "element"),
        (lambda: Hazards([0.1], [1.0], [0], [0], left=2), "left"),
        (lambda: simulate_disruptions(FORD, Hazards([0.1], [1.0], [0], [99])), "node"),
        (lambda: SimulationParams(horizon=0), "horizon"),
        (lambda: SimulationParams(replications=1), "replications"),
        (lambda: SimulationParams(refill=-1), "refill"),
        (lambda: SimulationParams(level=1), "level"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
