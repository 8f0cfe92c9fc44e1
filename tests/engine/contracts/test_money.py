from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import Rounding, split_money
from tierwise.engine.contracts.money import exact, exact_columns, product, share

amounts = st.decimals(-(10**12), 10**12, places=5)


@settings(max_examples=25)
@given(amounts, st.integers(-3, 5))
def test_rounding_is_the_decimal_modules(amount: Decimal, places: int) -> None:
    unit = Decimal(1).scaleb(-places)
    for mode, rule in (("half_up", ROUND_HALF_UP), ("half_even", ROUND_HALF_EVEN)):
        assert Rounding(places, mode).apply(amount) == amount.quantize(unit, rounding=rule)  # type: ignore[arg-type]


def test_rounding_keeps_more_digits_than_the_context() -> None:
    long = Decimal("123456789012345678901234567890123.455")
    with localcontext() as context:
        context.prec = 6
        assert str(Rounding(2).apply(long)) == "123456789012345678901234567890123.46"


@settings(max_examples=25)
@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any),
)
def test_parts_sum_to_the_amount_and_stay_within_a_cent(amount: Decimal, weights: list[int]) -> None:
    parts = split_money(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        ideal = Fraction(amount) * weight / sum(weights)
        assert abs(Fraction(part) - ideal) < Fraction(1, 100)
        assert weight or part == 0


@settings(max_examples=25)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_a_larger_weight_never_gets_less(weights: list[int]) -> None:
    parts = split_money("100.01", weights)
    for a, part in zip(weights, parts, strict=True):
        assert all(part >= other for b, other in zip(weights, parts, strict=True) if a > b)


def test_splitting_refuses_what_it_cannot_split() -> None:
    assert split_money(0, []) == []
    with pytest.raises(ValueError, match="weights: all are 0"):
        split_money(5, [0, 0])
    with pytest.raises(ValueError, match="weights: all are 0"):
        split_money(5, [])
    with pytest.raises(ValueError, match="weights: one is below 0"):
        split_money(5, [1, -1])
    with pytest.raises(ValueError, match=r"amount: 0\.001 is finer"):
        split_money("0.001", [1])


@settings(max_examples=50)
@given(st.lists(st.tuples(st.decimals(0, 10**9, places=4), st.decimals(0, 10**6, places=6)), min_size=1, max_size=20))
def test_products_of_columns_are_exact(pairs: list[tuple[Decimal, Decimal]]) -> None:
    frame = pl.DataFrame(pairs, schema={"q": pl.Decimal(38, 4), "p": pl.Decimal(38, 6)}, orient="row")
    found = frame.select(product(frame, "q", "p", Rounding(2, "half_even")))["q"].to_list()
    assert found == [Rounding(2, "half_even").apply(Fraction(q) * Fraction(p)) for q, p in pairs]


@pytest.mark.parametrize("value", [0.1, True, float("nan")])
def test_floats_are_no_money(value: float) -> None:
    with pytest.raises(ValueError, match=r"price: .* is no exact number"):
        exact(value, "price")  # type: ignore[arg-type]


def test_text_and_ranges_are_checked() -> None:
    with pytest.raises(ValueError, match="price: 'ten' is no number"):
        exact("ten", "price")
    with pytest.raises(ValueError, match=r"price: .* is not finite"):
        exact("NaN", "price")
    with pytest.raises(ValueError, match="returned: 5 must lie between 0 and 1"):
        share(5, "returned")
    with pytest.raises(ValueError, match=r"lines: column q is Float64; cast it"):
        exact_columns(pl.DataFrame({"q": [0.1]}), ["q"], "lines")
    with pytest.raises(ValueError, match="lines: column q is missing"):
        exact_columns(pl.DataFrame({"p": [1]}), ["q"], "lines")
    with pytest.raises(ValueError, match="places: 99"):
        Rounding(99)
    with pytest.raises(ValueError, match="mode: 'up'"):
        Rounding(2, "up")  # type: ignore[arg-type]
