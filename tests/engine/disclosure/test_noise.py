"""Noise with a ledger: published cost, the definition of privacy itself, laws of the ledger."""

from __future__ import annotations

from math import exp, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.disclosure import (
    BudgetLedger,
    NoiseParams,
    Spent,
    laplace_epsilon,
    laplace_scale,
    noise_width,
    noisy_sums,
    spread_budget,
)


def test_tc_24_laplace() -> None:
    """TC-24: sensitivity 100 and scale 50 cost ε = 2."""
    assert float(laplace_epsilon(100, 50)) == 2.0
    assert float(laplace_scale(100, 2)) == 50.0
    assert laplace_epsilon([100, np.nan], 50).tolist() == [2.0, pytest.approx(np.nan, nan_ok=True)]


@given(sensitivity=st.floats(1e-3, 1e6), epsilon=st.floats(0.01, 20))
def test_scale_and_cost_are_each_others_inverse(sensitivity: float, epsilon: float) -> None:
    scale = float(laplace_scale(sensitivity, epsilon))
    assert float(laplace_epsilon(sensitivity, scale)) == pytest.approx(epsilon)
    assert exp(-float(noise_width(scale, 0.9)) / scale) == pytest.approx(0.1)


PARAMS = NoiseParams(("cell",), largest=100, cells_each=2, epsilon=1.5, step=0.5)


def rows(*triples: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(triples), schema=["cell", "contributor", "value"], orient="row")


def test_the_law_of_the_noise_is_that_of_the_definition() -> None:
    """P(k) ∝ e^(−ε|k|/steps): mean 0, known variance, and no likelihood ratio of neighbours above e^ε."""
    many = pl.DataFrame({"cell": [str(i) for i in range(40_000)], "contributor": "a", "value": 0.0})
    params = NoiseParams(("cell",), largest=3, cells_each=1, epsilon=1.0)
    found = noisy_sums(many, params, (BudgetLedger(5), "r"), np.random.default_rng(3))
    drawn = found.released["value"].to_numpy()
    fall = exp(-1.0 / 3)
    assert abs(drawn.mean()) < 4 * drawn.std() / 200
    assert drawn.var() == pytest.approx(2 * fall / (1 - fall) ** 2, rel=0.05)
    share = np.array([(drawn == k).mean() for k in range(-6, 7)])
    expected = (1 - fall) / (1 + fall) * fall ** np.abs(np.arange(-6, 7))
    assert np.abs(share - expected).max() < 0.01
    shifted = expected[3:] / expected[:-3]
    assert np.abs(np.log(shifted)).max() <= 1.0 + 1e-12


@settings(max_examples=60, deadline=None)
@given(data=st.data(), others=st.integers(0, 4), step=st.sampled_from([0.5, 1.0, 7.0, 30.0]))
def test_no_holding_moves_the_release_by_more_than_the_ledger_paid_for(
    data: st.DataObject, others: int, step: float
) -> None:
    """The rounded sums with and without a holding differ by at most ``steps`` steps, whatever it contributes."""
    params = NoiseParams(("cell",), largest=100, cells_each=2, epsilon=1.0, step=step)
    amounts = st.floats(-500, 500, allow_nan=False)
    cells = st.sampled_from(["x", "y", "z", "w"])
    base = [(data.draw(cells), f"o{i}", data.draw(amounts)) for i in range(others)]
    mine = data.draw(st.lists(st.tuples(cells, st.just("me"), amounts), min_size=1, max_size=6))
    every = pl.DataFrame({"cell": ["x", "y", "z", "w"]})

    def steps(triples: list[tuple[str, str, float]]) -> np.ndarray:
        seed = np.random.default_rng(9)
        with_noise = (
            noisy_sums(rows(*triples), params, (BudgetLedger(2), "r"), seed, every).released["value"].to_numpy()
        )
        return with_noise / step

    without = rows(*base) if base else rows(("x", "o", 0.0))
    moved = np.abs(steps([*base, *mine]) - steps(list(without.iter_rows()))).sum()
    assert moved <= params.steps + 1e-6


def test_multiples_of_the_step_move_by_no_more_than_the_steps() -> None:
    base, more = rows(("x", "a", 20.0)), rows(("x", "a", 20.0), ("x", "b", 900.0), ("y", "b", 900.0), ("z", "b", 5.0))
    every = pl.DataFrame({"cell": ["x", "y", "z"]})
    found = [
        noisy_sums(each, PARAMS, (BudgetLedger(2), "r"), np.random.default_rng(1), every).released["value"].to_numpy()
        for each in (base, more)
    ]
    assert np.abs(found[1] - found[0]).sum() == pytest.approx(PARAMS.steps * PARAMS.step)
    assert PARAMS.scale == pytest.approx(PARAMS.steps * 0.5 / 1.5)


def test_what_is_kept_inside_says_what_cutting_took() -> None:
    found = noisy_sums(
        rows(("x", "a", 250.0), ("y", "a", 40.0), ("z", "a", 30.0), ("x", "b", 10.0)), PARAMS, (BudgetLedger(2), "r"),
        np.random.default_rng(1),
    )  # fmt: skip
    assert found.internal.select("cell", "total", "clipped").rows() == [
        ("x", 260.0, 150.0), ("y", 40.0, 0.0), ("z", 30.0, 30.0),
    ]  # fmt: skip
    assert found.released.columns == ["cell", "value"]
    assert found.width == pytest.approx(found.scale * log(20))
    grouped = rows(("x", "a", 90.0), ("x", "b", 90.0)).with_columns(holding=pl.lit("g"))
    one = noisy_sums(grouped, PARAMS, (BudgetLedger(2), "r"), np.random.default_rng(1))
    assert one.internal["clipped"].item() == 80.0


def test_nothing_is_drawn_that_cannot_be_paid() -> None:
    random = np.random.default_rng(1)
    before = random.bit_generator.state
    with pytest.raises(ValueError, match=r"1\.5 for 'april' is more than the 0\.5 left of 2"):
        noisy_sums(rows(("x", "a", 1.0)), PARAMS, (BudgetLedger(2).spend("march", 1.5), "april"), random)
    assert random.bit_generator.state == before


@given(costs=st.lists(st.tuples(st.floats(0.01, 2), st.sampled_from(["", "n", "s"])), max_size=8))
def test_a_ledger_is_never_overdrawn_and_forgets_nothing(costs: list[tuple[float, str]]) -> None:
    ledger = BudgetLedger(3.0)
    for number, (cost, part) in enumerate(costs):
        if ledger.affords(cost, part):
            ledger = ledger.spend(str(number), cost, part)
        else:
            with pytest.raises(ValueError, match="epsilon"):
                ledger.spend(str(number), cost, part)
    paid = {part: sum(e.epsilon for e in ledger.entries if e.part == part) for part in ("", "n", "s")}
    assert ledger.spent == pytest.approx(paid[""] + max(paid["n"], paid["s"]))
    assert ledger.spent <= 3 * (1 + 1e-9)
    assert ledger.left == pytest.approx(max(0, 3 - ledger.spent), abs=1e-9)


@given(budget=st.floats(0.1, 10), weights=st.lists(st.floats(0.1, 5), min_size=1, max_size=9))
def test_a_spread_budget_lasts(budget: float, weights: list[float]) -> None:
    ledger = BudgetLedger(budget)
    for number, cost in enumerate(spread_budget(budget, weights)):
        ledger = ledger.spend(str(number), cost)
    assert ledger.left < 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: laplace_epsilon(1, 0), "scale: must be above 0"),
        (lambda: laplace_scale(-1, 1), "sensitivity: must be 0 or more"),
        (lambda: laplace_scale(1, 0), "epsilon: must be above 0"),
        (lambda: noise_width(1, 1), "confidence"),
        (lambda: BudgetLedger(0), "budget: is 0"),
        (lambda: BudgetLedger(1, (Spent("r", 2),)), "already cost 2 of 1"),
        (lambda: BudgetLedger(3).spend("r", 1).spend("r", 1), "in the ledger already"),
        (lambda: Spent("", 1), "release: is empty"),
        (lambda: Spent("r", 0), "epsilon: is 0"),
        (lambda: NoiseParams((), 1, 1, 1), "cells"),
        (lambda: NoiseParams(("a",), 0, 1, 1), "largest"),
        (lambda: NoiseParams(("a",), 1, 0, 1), "cells_each"),
        (lambda: NoiseParams(("a",), 1, 1, 1, step=2), "step"),
        (lambda: spread_budget(1, []), "budget, releases"),
        (
            lambda: noisy_sums(rows(("x", "a", np.inf)), PARAMS, (BudgetLedger(2), "r"), np.random.default_rng(1)),
            "value must be a finite number",
        ),
    ],
)
def test_wrong_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
