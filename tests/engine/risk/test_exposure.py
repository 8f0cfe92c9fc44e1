"""Exposure, time to survive and the response, against SciPy, the Ford case and plain laws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tierwise.engine.risk import (
    Outages,
    Response,
    SupplyChain,
    each_node_out,
    exposure,
    response_plan,
    survival_gap,
    time_to_survive,
)

FORD = SupplyChain(
    capacity=[30, 45, 60, np.inf, np.inf], demand=[0, 0, 0, 75, 50], stock=[0, 0, 0, 20, 25],
    unit_loss=[0, 0, 0, 5000, 6500], source=[0, 1, 2, 0, 1, 2], target=[3, 3, 3, 4, 4, 4],
)  # fmt: skip
WEEKS_OUT = Outages([2, 2, 2, 2], [1, 2, 3], [0, 1, 2])


def test_tc_17_loss_index_and_time_to_survive_of_the_ford_case() -> None:
    found = exposure(FORD, WEEKS_OUT)
    assert found.loss.tolist() == [0, 0, 125_000, 275_000]
    assert found.lost.sum(axis=1).tolist() == [0, 0, 25, 55]
    assert found.index.round(3).tolist() == [0, 0, 0.455, 1]
    assert time_to_survive(FORD, WEEKS_OUT).round(6).tolist() == [np.inf, 2.25, 1.285714, 0.9]
    assert found.worst(2).tolist() == [3, 2]


def test_tc_17_a_claimed_recovery_of_fourteen_days_fails_against_survival() -> None:
    gap = survival_gap(2, time_to_survive(FORD, WEEKS_OUT), 125)
    assert gap.exposed.tolist() == [False, False, True, True]
    assert gap.gap[2] == pytest.approx(2 - 45 / 35)
    assert gap.buffer[3] == pytest.approx(1.1 * 125)


def random_chain(seed: int) -> SupplyChain:
    """Three tiers; each node needs one or two parts, each from one to three nodes of the tier before."""
    draw = np.random.default_rng(seed)
    source, target, part = [], [], []
    for node in range(4, 10):
        before = range(4) if node < 7 else range(4, 7)
        for kind in range(draw.integers(1, 3)):
            for each in draw.choice(before, draw.integers(1, 4), replace=False):
                source.append(each)
                target.append(node)
                part.append(kind)
    demand = np.where(np.arange(10) >= 7, draw.integers(5, 20, 10), 0)
    return SupplyChain(
        capacity=draw.uniform(10, 60, 10), demand=demand, unit_loss=draw.uniform(10, 90, 10),
        stock=draw.uniform(0, 30, 10),
        source=source, target=target, part=part, quantity_per=draw.uniform(0.5, 2, len(source)),
        backup=draw.random(len(source)) < 0.2, link_cost=draw.choice([0.0, 2.0], len(source)),
        expedite=draw.choice([0.0, 8.0], 10), expedite_cost=3.0,
        group=draw.integers(-1, 2, 10), group_capacity=draw.uniform(30, 90, 2), use=draw.uniform(0.5, 1, 10),
    )  # fmt: skip


def plain_loss(c: SupplyChain, t: float, left: np.ndarray, rewarded: bool = True) -> float:
    """The program written out row by row, over the whole outage."""
    n, m = c.nodes, len(c.source)
    cost = np.concatenate([np.zeros(n), c.link_cost, c.unit_loss, c.expedite_cost])
    high = np.concatenate([
        c.capacity * left * t, np.where(c.backup & (not rewarded), 0, np.inf), c.demand * t,
        c.expedite * left * t * rewarded,
    ])  # fmt: skip
    rows, limits = [], []
    for node in range(n):
        row = np.zeros(2 * n + m + n)
        row[node], row[n + m + node], row[2 * n + m + node] = -1, -1, -1
        row[n : n + m][c.source == node] = 1
        rows.append(row)
        limits.append(c.stock[node] - c.demand[node] * t)
        for kind in np.unique(c.part[c.target == node]):
            row = np.zeros(2 * n + m + n)
            row[node] = row[2 * n + m + node] = 1
            mine = (c.target == node) & (c.part == kind)
            row[n : n + m][mine] = -1 / c.quantity_per[mine]
            rows.append(row)
            limits.append(0)
    for g in range(len(c.group_capacity)):
        row = np.zeros(2 * n + m + n)
        row[:n] = row[2 * n + m :] = np.where(c.group == g, c.use, 0)
        rows.append(row)
        limits.append(c.group_capacity[g] * t)
    found = linprog(cost, np.array(rows), limits, bounds=np.column_stack([np.zeros_like(high), high]))
    assert found.status == 0
    return float(found.fun)


def random_outages(seed: int, count: int = 6) -> Outages:
    draw = np.random.default_rng(seed)
    pairs = draw.integers(1, 4, count)
    scenario = np.repeat(np.arange(count), pairs)
    return Outages(
        draw.uniform(0.5, 6, count), scenario, draw.integers(0, 10, scenario.size), draw.choice([0, 0.5], scenario.size)
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_losses_are_those_of_the_program_written_out(seed: int, rewarded: bool) -> None:
    chain, outages = random_chain(seed), random_outages(seed)
    found = exposure(chain, outages, Response(rewarded, rewarded))
    for at in range(outages.count):
        expected = plain_loss(chain, outages.duration[at], outages.shares(at, 10), rewarded)
        assert found.loss[at] == pytest.approx(expected, abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_time_to_survive_is_the_last_moment_without_loss(seed: int) -> None:
    # Nothing may be given up by choice because a response is dear.
    chain, outages = dataclasses.replace(random_chain(seed), unit_loss=1e5), random_outages(seed, 3)
    for at, lasts in enumerate(time_to_survive(chain, outages)):

        def unmet(t: float, at: int = at) -> float:
            plan = response_plan(chain, Outages([t], np.zeros(10), np.arange(10), outages.shares(at, 10)))
            return float(plan.lost.sum())

        if np.isinf(lasts):
            assert unmet(1000.0) < 1e-6
        elif lasts > 1e-6:
            assert unmet(lasts * 0.999) < 1e-6
            assert unmet(lasts * 1.05) > 1e-9


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_longer_outages_more_outages_and_fewer_means_never_cost_less(seed: int) -> None:
    chain, outages = random_chain(seed), random_outages(seed)
    base = exposure(chain, outages).loss
    longer = Outages(outages.duration * 1.5, outages.scenario, outages.node, outages.left)
    assert (exposure(chain, longer).loss >= base - 1e-6).all()
    every = np.arange(outages.count)
    wider = Outages(
        outages.duration,
        np.append(outages.scenario, every),
        np.append(outages.node, every),
        np.append(outages.left, 0 * every),
    )
    assert (exposure(chain, wider).loss >= base - 1e-6).all()
    assert (exposure(chain, outages, Response(False, False)).loss >= base - 1e-6).all()
    assert (time_to_survive(chain, wider) <= time_to_survive(chain, outages) + 1e-9).all()


def test_scenarios_that_are_equal_are_solved_once_whatever_their_order() -> None:
    outages = Outages([2, 2, 2, 2], [0, 0, 1, 1, 3], [1, 2, 2, 1, 0])
    found = exposure(FORD, outages)
    assert found.solved == 3
    assert found.loss[0] == found.loss[1] > 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_scenarios_solved_together_cost_what_each_costs_alone(seed: int) -> None:
    """Whatever they begin from, and whether or not they were solved at all."""
    draw = np.random.default_rng(seed)
    chain = random_chain(seed)
    scenario = np.repeat(np.arange(40), draw.integers(0, 4, 40))
    node, left = draw.integers(0, 10, scenario.size), draw.choice([0.0, 0.0, 0.5, 1.0], scenario.size)
    outages = Outages(draw.choice([0, 1, 2.5, 6], 40), scenario, node, left)
    found = exposure(chain, outages)
    alone = [response_plan(chain, outages, at) for at in range(40)]
    np.testing.assert_allclose(found.loss, [plan.loss for plan in alone], rtol=1e-7, atol=1e-6)
    lost = found.lost @ np.asarray(chain.unit_loss)[found.products]
    assert (lost <= found.loss + 1e-6).all()
    own = exposure(chain, Outages(np.arange(1, 41) / 8, scenario, node, left))
    plan = response_plan(chain, Outages(np.arange(1, 41) / 8, scenario, node, left), 39)
    assert own.loss[39] == pytest.approx(plan.loss, rel=1e-7, abs=1e-6)


def test_prices_of_the_plan_are_what_one_more_unit_saves() -> None:
    plan = response_plan(FORD, WEEKS_OUT, 2)
    assert plan.lost.tolist() == [0, 0, 0, 25, 0]
    more = SupplyChain(
        FORD.capacity, FORD.demand, FORD.unit_loss, np.add(FORD.stock, [0, 0, 0, 1, 0]), FORD.source, FORD.target
    )
    assert plan.stock_price[3] == pytest.approx(plan.loss - exposure(more, WEEKS_OUT).loss[2])
    assert plan.capacity_price[0] == 5000
    assert plan.response_cost == pytest.approx(0)


def test_backups_and_expediting_cost_and_help() -> None:
    chain = SupplyChain(
        capacity=[10, 10, np.inf], demand=[0, 0, 10], unit_loss=[0, 0, 100], stock=0, source=[0, 1], target=[2, 2],
        backup=[False, True], link_cost=[0, 7], expedite=[0, 5, 0], expedite_cost=20,
    )  # fmt: skip
    outage = Outages([1], [0], [0])
    assert exposure(chain, outage, Response(backups=False)).loss[0] == 1000
    assert exposure(chain, outage).loss[0] == 70
    half = Outages([1], [0, 0], [0, 1], [0, 0.5])
    plan = response_plan(chain, half)
    assert plan.expedited.tolist() == [0, 2.5, 0]
    assert plan.loss == pytest.approx(7.5 * 7 + 2.5 * 20 + 2.5 * 100)
    assert plan.response_cost == pytest.approx(plan.loss - 250)


def test_no_scenarios_no_duration_no_survivors() -> None:
    assert exposure(FORD, Outages([])).loss.size == 0
    assert exposure(FORD, Outages([0], [0], [2])).loss.tolist() == [0]
    bare = SupplyChain([1, np.inf], [0, 1], [0, 9], 0, [0], [1])
    assert time_to_survive(bare, each_node_out([1, 1])).tolist() == [0, 0]
    assert np.isnan(survival_gap(np.nan, 2).gap)
    assert survival_gap(np.nan, 2).exposed
    assert each_node_out([np.nan, 3]).duration.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: SupplyChain([1], [1], 0, 0, [0], [1]), "source"),
        (lambda: SupplyChain([1, 1], [1, np.nan], 0, 0, [0], [1]), "demand"),
        (lambda: SupplyChain([1, 1], 1, 0, -1, [0], [1]), "stock"),
        (lambda: SupplyChain([1, 1], 1, 0, 0, [0], [1], quantity_per=0), "quantity_per"),
        (lambda: SupplyChain([1, 1], 1, 0, 0, [0], [1], group=0), "group"),
        (lambda: SupplyChain([1, 1], [1, 1, 1], 0, 0, [0], [1]), "does not fit"),
        (lambda: Outages([1], [1], [0]), "scenario"),
        (lambda: Outages([1], [0], [0], 2), "left"),
        (lambda: Outages([np.nan]), "duration"),
        (lambda: response_plan(FORD, WEEKS_OUT, 9), "scenario"),
        (lambda: survival_gap(-1, 2), "time_to_recover"),
    ],
)
def test_wrong_inputs_are_named(call: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        call()  # type: ignore[operator]
