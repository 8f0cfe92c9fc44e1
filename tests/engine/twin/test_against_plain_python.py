"""The simulation, compiled and as it stands, equals the plain one to the digit: every feature on, and networks drawn
by chance."""

from __future__ import annotations

import numpy as np
import pytest

from engine.twin.oracle import Run
from tierwise.engine.twin import (
    Capacities,
    Demands,
    Lanes,
    Outages,
    Outcome,
    Runs,
    Spread,
    Stocks,
    Twin,
    running,
    simulate,
)

COLUMNS = {
    "demands": ("asked", "at_once", "served", "lost", "waiting", "short"),
    "stocks": ("on_hand", "orders", "ordered", "ordered_square", "wanted", "wanted_square", "on_order", "out"),
    "lanes": ("placed", "times", "sent", "arrived", "spoiled", "in_line", "on_way", "late", "cut"),
    "capacities": ("offered", "used", "disturbed"),
}

SURE = Spread.constant(1.0)


@pytest.fixture(params=["compiled", "as it stands"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "plain_pays", lambda *_: request.param == "as it stands")


def same(twin: Twin, runs: Runs) -> Outcome:
    found = simulate(twin, runs)
    for run in range(runs.runs):
        plain = Run(twin, runs.seed, runs.first_run + run, runs.periods, runs.warm_up)
        for kind, names in COLUMNS.items():
            table = getattr(found, kind)[run]
            expected = [[plain.sums[kind, row, name] for name in names] for row in range(len(table))]
            assert table.tolist() == expected, (kind, run)
        if runs.course:
            assert found.course[run] == pytest.approx(np.array(plain.course), rel=1e-12, abs=1e-9)
    return found


def network(chance: np.random.Generator | None = None) -> Twin:
    """Two suppliers with shared capacity, a factory that assembles, two warehouses, three shops, three segments.

    With ``chance`` levels, lots, ranks, minimums, reserves and who waits are drawn instead.
    """

    def drawn(usual: list[float], *choices: float) -> list[float]:
        return usual if chance is None else chance.choice(choices, len(usual)).tolist()

    def of_orders(amounts: list[float]) -> list[float]:
        """Without the lanes of components, which are ordered by kits."""
        return [*amounts[:5], 0, 0, *amounts[7:]]

    # 0..2 shops, 3..4 warehouses, 5 assembled product, 6..7 components, 8 an item of its own
    stocks = Stocks(
        ["levels", "base_stock", "forecast", "lots", "base_stock", "base_stock", "base_stock", "lots", "planned"],
        up_to=drawn([60, 45, 10, 0, 160, 200, 420, 0, 0], 60, 90, 200),
        level=drawn([20, 0, 0, 90, 0, 0, 0, 250, 0], 10, 40, 55),
        lot=drawn([1, 1, 1, 30, 1, 1, 1, 100, 1], 1, 7, 30),
        review=drawn([1, 2, 1, 1, 3, 1, 1, 1, 5], 1, 2, 4),
        first_review=drawn([0, 1, 0, 0, 2, 0, 0, 0, 0], 0),
        holding_cost=np.arange(1, 10) / 10,
        kit=[False] * 5 + [True] + [False] * 3,
        window=[1, 1, 4] + [1] * 6,
        cover=[1, 1, 3] + [1] * 6,
        plan=Spread.join([Spread.constant(0.0).of(8), Spread.poisson(25)]),
    )
    lanes = Lanes(
        to=[0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 8, 0, 1],
        source=[3, 3, 4, 5, 5, 6, 7, -1, -1, -1, -1, -1, 4],
        lead_time=Spread.join(
            [
                Spread.poisson([1, 2]), Spread.gamma(2.5, 1), Spread.constant([2, 3]), Spread.constant([1, 1]),
                Spread.lognormal(4, 2, high=20), Spread.uniform(1, 6), Spread.normal(5, 2, high=11),
                Spread.listed([2, 3, 9], [5, 3, 2]), Spread.constant([1]), Spread.weibull(2, 1.5),
            ]
        ),
        share=[1, 0.8, 1, 1, 1, 1, 1, 0.7, 0.3, 1, 1, 1, 0.2],
        per=[1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1],
        capacity=[-1, -1, -1, -1, 1, -1, -1, 0, -1, 0, -1, -1, -1],
        load=[1, 1, 1, 1, 1.5, 1, 1, 1, 1, 2, 1, 1, 1],
        rank=drawn([0, 1, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 0], 0, 1, 2),
        per_unit=[0, 0, 0, 0.02, 0, 0, 0, 0, 0.1, 0, 0, 0, 0],
        longest=[9, 12, 9, 9, 9, 9, 9, 20, 12, 11, 9, 9, 12],
        in_turn=[False, True, False, True] + [False] * 3 + [True, False, True, False, False, False],
        usable=Spread.join([SURE.of(7), Spread.normal(0.95, 0.03, high=1), Spread.uniform(0.8, 1), SURE.of(4)]),
        kept=Spread.join([SURE.of(7), Spread.listed([0.7, 1], [1, 3]), SURE.of(2), Spread.uniform(0.5, 1), SURE.of(2)]),
        first_part=Spread.join([SURE.of(9), Spread.listed([0.4, 1], [1, 1]), SURE.of(3)]),
        rest_after=[0] * 9 + [3, 0, 0, 0],
        minimum=of_orders(drawn([0, 0, 5] + [0] * 10, 0, 3, 12)),
        multiple=of_orders(drawn([0, 0, 2, 0, 0, 0, 0, 10, 10, 0, 0, 0, 0], 0, 4, 10)),
        outage=[-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 1, -1, -1],
        expedite_to=[-np.inf] * 11 + [8, -np.inf],
        promised=[-1, 2, -1, -1, -1, -1, -1, 5, 3, 5, 4, -1, -1],
    )  # fmt: skip
    demands = Demands(
        stock=[0, 0, 1, 1, 2, 4, 8],
        amount=Spread.join(
            [
                Spread.poisson(4), Spread.negative_binomial(3, 3), Spread.normal(6, 2), Spread.gamma(2, 2.5),
                Spread.lognormal(7, 5), Spread.empirical([0, 0, 0, 4, 9, 2]), Spread.exponential(5),
            ]
        ),
        segment=[0, 1, 0, 1, 2, 2, 0],
        rank=drawn([0, 1, 0, 0, 0, 1, 0], 0, 1),
        reserve=drawn([0, 5, 0, 0, 0, 3, 0], 0, 2, 9),
        waits=drawn([1, 0, 0.5, 0.5, 1, 1, 0], 0, 0.5, 1),
        season=[0, -1, -1, 0, -1, -1, -1],
        waiting_cost=[2, 0, 1, 1, 3, 1, 0],
        lost_cost=[0, 4, 1, 1, 0, 0, 5],
    )  # fmt: skip
    capacities = Capacities(Spread.join([Spread.normal(70, 15), Spread.constant(22)]), outage=[1, -1])
    outages = Outages(
        Spread.join([Spread.geometric(0.05), Spread.geometric(0.1)]), Spread.listed([0, 2, 6], [1, 2, 1]), [0, 0.3]
    )
    return Twin(stocks, lanes, demands, capacities, outages, seasons=[[1.0, 1.2, 0.7, 1.1]])


def test_every_feature_at_once_equals_the_plain_simulation() -> None:
    found = same(network(), Runs(periods=60, runs=18, warm_up=7, seed=2**40 + 11, course=True))
    assert (found.lanes[:, :, 4].sum(axis=0)[[7, 8, 10]] > 0).all(), "yield and cancelled parts"
    assert found.lanes[:, 11, 1].sum() > 0, "expedited"
    assert found.capacities[:, :, 2].sum() > 0, "disturbed"
    assert found.lanes[:, :, 8].sum() > 0, "cut to the longest lead time"
    assert found.demands[:, :, 3].sum() > 0, "lost"
    assert found.lanes[:, [1, 7, 8, 9, 10], 7].sum() > 0, "late"


@pytest.mark.parametrize("seed", range(6))
def test_networks_drawn_by_chance_equal_the_plain_simulation(seed: int) -> None:
    same(network(np.random.default_rng(seed)), Runs(periods=25, runs=3, warm_up=4, seed=seed, first_run=2 * seed))


@pytest.mark.parametrize("runs", [3, 130])
def test_a_lean_chain_equals_the_plain_simulation(runs: int) -> None:
    """Base stocks with one taker and one lane take a shorter way; 130 runs are more than a block."""
    chain = Twin(
        Stocks("base_stock", up_to=[58, 110, 110], holding_cost=[7, 4, 2]),
        Lanes(to=[0, 1, 2], source=[1, 2, -1], lead_time=Spread.join([Spread.constant([1, 2]), Spread.poisson(2)])),
        Demands(stock=[0], amount=Spread.normal(50, 8), waits=0.8, waiting_cost=37.0, lost_cost=4.0),
    )
    same(chain, Runs(periods=30, runs=runs, warm_up=3, seed=5, course=True))


def test_what_is_filmed_adds_up() -> None:
    found = simulate(network(), Runs(periods=30, runs=4, seed=8, history=True))
    on_hand, _, on_order, ordered = found.history.transpose(3, 0, 2, 1)
    assert on_hand.sum(axis=2) == pytest.approx(found.stocks[:, :, 0])
    assert on_order.sum(axis=2) == pytest.approx(found.stocks[:, :, 6])
    assert ordered.sum(axis=2) == pytest.approx(found.stocks[:, :, 2])
