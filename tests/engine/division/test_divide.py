from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.division import (
    FACTORS,
    RULES,
    DivisionParams,
    compare_rules,
    divide,
    inflation_gain,
    jain_index,
    uniform,
)

ORDERS = [50, 40, 30, 20]


def test_rights_come_first_and_are_explained() -> None:
    found = divide(ORDERS, 100, DivisionParams("uniform", entitlements=(45, 0, 0, 0)))
    assert found.entitled.tolist() == [45, 0, 0, 0]
    assert found.ruled.tolist() == pytest.approx([5, 50 / 3, 50 / 3, 50 / 3])
    assert found.awards[0] == 50
    table = found.frame(list("abcd"))
    assert table.columns == ["party", "entitled", "ruled", "rounded", "award", "loss", "met"]
    assert (table["entitled"] + table["ruled"] + table["rounded"] - table["award"]).abs().max() < 1e-9


def test_rights_that_are_too_much_shrink_alike() -> None:
    found = divide([50, 50], 30, DivisionParams(entitlements=(40, 20)))
    assert found.awards.tolist() == [20, 10]


def test_a_lower_class_gets_what_is_left() -> None:
    found = divide(ORDERS, 100, DivisionParams("proportional", priority=(2, 1, 2, 3)))
    assert found.awards.tolist() == [37.5, 40, 22.5, 0]
    many = divide(np.array([ORDERS, ORDERS]), [20, 200], DivisionParams(priority=(2, 1, 2, 3)))
    assert many.awards.tolist() == [[0, 20, 0, 0], [50, 40, 30, 20]]
    assert many.left.tolist() == [0, 60]


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 60), st.integers(1, 3)), min_size=1, max_size=6),
    st.integers(0, 300), st.sampled_from(sorted(RULES)), st.sampled_from((0.0, 1.0, 7.0)),
)  # fmt: skip
def test_laws_of_a_division(parties: list[tuple[int, int, int]], estate: int, rule: str, lot: float) -> None:
    claims, rights, classes = (tuple(each) for each in zip(*parties, strict=True))
    found = divide(claims, estate, DivisionParams(rule, tuple(map(float, rights)), classes, lot))
    asked = np.array(claims, dtype=float)
    assert (found.awards >= 0).all()
    assert (found.awards <= asked + 1e-9).all()
    assert found.awards.sum() + found.left.item() == pytest.approx(estate)
    assert (found.entitled + found.ruled + found.rounded).tolist() == pytest.approx(found.awards.tolist())
    enough = sum(min(c, r) for c, r in zip(claims, rights, strict=True)) <= estate
    if lot:
        assert np.allclose(found.awards / lot, np.round(found.awards / lot))
        whole = np.floor(asked / lot + 1e-9).sum()
        assert found.awards.sum() / lot >= min(np.floor(min(estate, asked.sum()) / lot), whole) - len(claims)
        if lot == 1:
            assert found.awards.sum() == min(estate, asked.sum())
        assert (np.abs(found.rounded) < lot + 1e-9).all()
    elif enough:
        assert (found.awards >= np.minimum(asked, rights) - 1e-9).all()
    if not lot:
        for first in set(classes):  # nobody is served while a better class still lacks
            better, worse = np.array(classes) < first, np.array(classes) == first
            if found.ruled[worse].sum() > 1e-6:
                assert found.losses[better].sum() == pytest.approx(0, abs=1e-6)


def test_division_checks_itself() -> None:
    with pytest.raises(ValueError, match="rule: 'best' is unknown"):
        DivisionParams("best")
    with pytest.raises(ValueError, match="entitlements: 1 for 2"):
        divide([1, 2], 1, DivisionParams(entitlements=(1,)))
    with pytest.raises(ValueError, match="priority: 1 for 2"):
        divide([1, 2], 1, DivisionParams(priority=(1,)))
    with pytest.raises(ValueError, match="parties: 1 names"):
        divide([1, 2], 1).frame(["a"])
    absent = divide([10, np.nan, 10], 11, DivisionParams(lot=1))
    assert np.isnan(absent.awards[1])
    assert np.nansum(absent.awards) == 11
    assert divide([], 4).left.item() == 4


# --- incentives


@settings(max_examples=25)
@given(st.lists(st.integers(1, 90), min_size=2, max_size=5), st.floats(0, 1))
def test_inflating_an_order_never_pays_under_uniform(needs: list[int], part: float) -> None:
    gain, factor = inflation_gain("uniform", needs, part * sum(needs))
    assert gain.tolist() == [0] * len(needs)
    assert factor.tolist() == [1] * len(needs)


@pytest.mark.parametrize("rule", ["proportional", "linear", "talmud"])
def test_inflating_an_order_pays_elsewhere(rule: str) -> None:
    gain, factor = inflation_gain(rule, ORDERS, 100)
    assert gain.max() > 5
    assert set(factor.tolist()) <= {1.0, *FACTORS}
    best = int(np.argmax(gain))
    told = np.array(ORDERS, dtype=float)
    told[best] *= factor[best]
    usable = min(RULES[rule](told, 100)[best], ORDERS[best])
    assert usable - RULES[rule](ORDERS, 100)[best] == pytest.approx(gain[best])


def test_gains_over_batches_and_wrong_input() -> None:
    both, _ = inflation_gain("linear", [ORDERS, [9, np.nan, 9, 9]], [100, 20])
    assert both[0].tolist() == pytest.approx(inflation_gain("linear", ORDERS, 100)[0].tolist())
    assert np.isnan(both[1, 1])
    with pytest.raises(ValueError, match="factors"):
        inflation_gain("linear", ORDERS, 100, [])
    with pytest.raises(ValueError, match="rule"):
        inflation_gain("lottery", ORDERS, 100)


def test_table_of_rules() -> None:
    table = compare_rules(list("abcd"), ORDERS, 100)
    assert table.height == 4 * len(RULES)
    sums = table.group_by("rule").agg(pl.col("award").sum())["award"].to_list()
    assert sums == pytest.approx([100] * len(RULES))
    worst = dict(table.select("rule", "least_met").unique().iter_rows())
    assert worst["proportional"] == pytest.approx(100 / 140)
    jain = dict(table.select("rule", "jain").unique().iter_rows())
    assert jain["proportional"] == pytest.approx(1)
    assert max(jain, key=jain.__getitem__) == "proportional"
    with pytest.raises(ValueError, match="claims"):
        compare_rules(["a"], ORDERS, 100)


def test_jain_of_one_served_in_ten() -> None:
    assert jain_index([1.0] + [0.0] * 9).item() == pytest.approx(0.1)
    assert jain_index([[2, 2, np.nan], [0, 0, 0]])[0] == pytest.approx(1)
    assert np.isnan(jain_index([0.0, 0.0]))
    assert uniform([1], 1).tolist() == [1]
