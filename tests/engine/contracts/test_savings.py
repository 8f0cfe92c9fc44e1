from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    ControlledCost,
    GainTerms,
    bridge_savings,
    counterfactual_saving,
    credit_projects,
    share_gains,
)
from tierwise.engine.division import RULES

D = Decimal
money = st.decimals(-5000, 5000, places=2)


def lines(*rows: tuple[str, int, str | None, int, str, str]) -> pl.DataFrame:
    kind = pl.Decimal(38, 4)
    return pl.DataFrame(
        [(i, D(q0), None if c0 is None else D(c0), D(q1), D(c1), D(f)) for i, q0, c0, q1, c1, f in rows],
        schema={"item": pl.String, "base_quantity": kind, "base_cost": kind, "quantity": kind, "cost": kind,
                "index_factor": kind},
        orient="row",
    )  # fmt: skip


def test_bridge_tells_volume_mix_index_and_saving_apart() -> None:
    found = bridge_savings(
        lines(("a", 100, "10", 50, "9", "1.1"), ("b", 100, "20", 250, "19", "1"), ("n", 0, None, 5, "7", "1"))
    )
    assert (found.base, found.volume, found.mix, found.index) == (3000, 1500, 1000, 50)
    assert (found.counterfactual, found.actual, found.saving, found.unbased) == (5550, 5200, 350, 35)
    assert found.items.select("item", "saving").rows() == [("b", pytest.approx(250)), ("a", pytest.approx(100))]


amounts = st.decimals(0, 500, places=2)


@settings(max_examples=30)
@given(st.lists(st.tuples(amounts, amounts, amounts, amounts, st.decimals("0.5", 2, places=3)), max_size=6))
def test_steps_of_the_bridge_sum_to_its_ends(rows: list[tuple[Decimal, ...]]) -> None:
    frame = lines(*((str(at), *row) for at, row in enumerate(rows)))  # type: ignore[arg-type]
    found = bridge_savings(frame)
    assert found.base + found.volume + found.mix + found.index == found.counterfactual
    assert found.counterfactual - found.actual == found.saving
    exact = sum((q1 * (c0 * f - c1) for _, c0, q1, c1, f in rows), D(0))
    assert abs(found.saving - exact) <= D("0.01")


def test_bridge_checks_its_input() -> None:
    with pytest.raises(ValueError, match="each item stands once"):
        bridge_savings(lines(*[("a", 1, "1", 1, "1", "1")] * 2))
    with pytest.raises(ValueError, match="only base_cost may be"):
        bridge_savings(lines(("a", 1, "1", 1, "1", "1")).with_columns(cost=pl.lit(None, pl.Decimal(38, 2))))
    assert bridge_savings(lines()).saving == 0


def test_planted_effect_is_found_and_its_interval_keeps_its_promise() -> None:
    draw, inside, runs = np.random.default_rng(11), 0, 300
    for _ in range(runs):
        controls = 100 + np.cumsum(draw.normal(0, 2, (36, 2)), axis=0)
        cost = 20 + controls @ [0.5, 0.3] + draw.normal(0, 1.5, 36)
        cost[24:] -= 4
        found = counterfactual_saving(ControlledCost(cost, controls, 24), 0.9)
        inside += found.low <= 48 <= found.high
    assert 0.85 <= inside / runs <= 0.97
    assert found.proven
    assert found.by_period.sum() == pytest.approx(found.saving)
    assert found.fit > 0.5
    assert found.n_before == 24


def test_no_effect_is_rarely_proven_even_with_residuals_that_persist() -> None:
    draw, proven, runs = np.random.default_rng(4), 0, 300
    for _ in range(runs):
        control = 50 + np.cumsum(draw.normal(0, 2, 40))
        noise = np.zeros(40)
        for at in range(1, 40):
            noise[at] = 0.5 * noise[at - 1] + draw.normal()
        proven += counterfactual_saving(ControlledCost(control + noise, control[:, None], 28), 0.95).proven
    assert proven / runs < 0.08  # 2.5 % if the correlation were known


def test_counterfactual_by_the_normal_equations() -> None:
    draw = np.random.default_rng(2)
    controls, cost = draw.normal(10, 2, (12, 2)), draw.normal(30, 3, 12)
    found = counterfactual_saving(ControlledCost(cost, controls, 9))
    design = np.column_stack([np.ones(12), controls])
    inverse = np.linalg.inv(design[:9].T @ design[:9])
    weights = inverse @ design[:9].T @ cost[:9]
    residual = cost[:9] - design[:9] @ weights
    reach = design[9:].sum(axis=0)
    lag = residual[1:] @ residual[:-1] / (residual @ residual)
    widened = (1 + lag) / (1 - lag) if lag > 0 else 1
    variance = residual @ residual / 6 * (3 * widened + reach @ inverse @ reach)
    assert found.weights.tolist() == pytest.approx(weights.tolist())
    assert (found.high - found.low) / 2 == pytest.approx(2.446912 * variance**0.5, rel=1e-5)  # t at 0.975, 6
    with pytest.raises(ValueError, match="start: 4 leaves too little"):
        ControlledCost(cost, controls, 4)
    with pytest.raises(ValueError, match="one is unknown"):
        ControlledCost(np.full(12, np.nan), controls, 9)


shares = st.lists(st.decimals(0, 1, places=2), max_size=6).map(tuple)


@settings(max_examples=25)
@given(
    st.lists(money, max_size=8), shares, st.decimals(0, 3000, places=2), st.decimals(0, 400, places=2), st.booleans()
)
def test_shared_gains_sum_to_the_saving(
    savings: list[Decimal], parts: tuple[Decimal, ...], put_in: Decimal, floor: Decimal, carry: bool
) -> None:
    terms = GainTerms(
        parts, {"supplier": put_in, "buyer": D(100)}, floor, period_cap=D(900), total_cap=D(1500), carry_losses=carry
    )
    found = share_gains([(str(at), each) for at, each in enumerate(savings)], terms)
    for line in found.lines:
        sides = line.loss_made_up + line.recovered_buyer + line.recovered_supplier + line.supplier + line.buyer
        assert sides == line.saving
        assert 0 <= line.supplier <= 900
        assert line.supplier == 0 or line.saving > floor
        assert line.loss_carried >= 0
    assert sum(line.supplier for line in found.lines) <= 1500
    assert found.open_supplier + sum(line.recovered_supplier for line in found.lines) == put_in
    assert carry or all(line.loss_made_up == 0 for line in found.lines)


def test_losses_are_made_up_before_anything_is_shared() -> None:
    found = share_gains([("1", -100), ("2", 60), ("3", 140)], GainTerms((D("0.5"),) * 3))
    assert [line.supplier for line in found.lines] == [0, 0, 50]
    assert [line.loss_carried for line in found.lines] == [100, 40, 0]
    capped = share_gains([("1", 100), ("2", 100)], GainTerms((D("0.5"),) * 2, period_cap=D(40), total_cap=D(60)))
    assert [(line.supplier, line.limited_by) for line in capped.lines] == [(40, "period_cap"), (20, "total_cap")]
    assert capped.supplier_due == 60
    with pytest.raises(ValueError, match="one_off: bank is no party"):
        GainTerms((), {"bank": D(1)})
    with pytest.raises(ValueError, match="is no exact number"):
        share_gains([("1", 0.5)], GainTerms(()))  # type: ignore[list-item]


@settings(max_examples=25)
@given(
    st.lists(st.decimals(0, 500, places=2), max_size=5), st.decimals(0, 2000, places=2), st.sampled_from(sorted(RULES))
)
def test_no_project_is_counted_twice(claims: list[Decimal], verified: Decimal, rule: str) -> None:
    asked = {str(at): each for at, each in enumerate(claims)}
    found = credit_projects(asked, verified, rule)
    assert sum(found.values()) == min(sum(claims), verified)
    assert all(0 <= found[name] <= asked[name] + D("0.01") for name in asked)


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="rule: 'fair' is unknown"):
        credit_projects({"a": 1}, 1, "fair")
