"""Exact money: decimals in, one rounding where the contract says, parts that sum to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

import polars as pl

from tierwise.engine import checks

Exact = Decimal | int | str
"""What a settlement takes: a decimal, a whole number, or a number in text."""

_DIGITS = 38
"""Digits a Decimal column of Polars holds."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """How an amount is rounded, once per statement line.

    ``places`` after the point (negative: tens, hundreds), ``mode``: "half_up" rounds a half away from zero (usual in
    invoices), "half_even" to the even neighbour (IEEE 754, ISO 80000-1 rule A: no drift over many lines).
    """

    places: int = 2
    mode: Literal["half_up", "half_even"] = "half_up"

    def __post_init__(self) -> None:
        if not -12 <= self.places <= 12:
            raise ValueError(f"places: {self.places} is out of reach; give -12 to 12 (2 for cents)")
        if self.mode not in {"half_up", "half_even"}:
            raise ValueError(f"mode: {self.mode!r} is unknown; use half_up or half_even")

    def apply(self, amount: Decimal | Fraction) -> Decimal:
        """The amount, rounded.

        >>> Rounding(2, "half_up").apply(Decimal("0.125")), Rounding(2, "half_even").apply(Decimal("0.125"))
        (Decimal('0.13'), Decimal('0.12'))
        """
        scaled = Fraction(amount) * Fraction(10) ** self.places
        whole = scaled.numerator // scaled.denominator
        rest = scaled - whole
        half = Fraction(1, 2)
        up = rest > half or (rest == half and (scaled > 0 if self.mode == "half_up" else whole % 2 == 1))
        return _scaled(whole + up, self.places)

    def column(self, amount: pl.Expr) -> pl.Expr:
        """The same over a Decimal column (places 0 or more)."""
        mode: Literal["half_to_even", "half_away_from_zero"]
        mode = "half_to_even" if self.mode == "half_even" else "half_away_from_zero"
        return amount.round(max(self.places, 0), mode=mode).cast(pl.Decimal(_DIGITS, max(self.places, 0)))

    @property
    def rule(self) -> str:
        """The rule as the decimal module names it."""
        return ROUND_HALF_UP if self.mode == "half_up" else ROUND_HALF_EVEN


CENTS = Rounding()
UNIT_PRICES = Rounding(4)


def exact(value: Exact, name: str) -> Decimal:
    """``value`` as a finite decimal; a float is refused, as it may already be off by a binary fraction.

    >>> exact("19.99", "price")
    Decimal('19.99')
    """
    if isinstance(value, bool | float):
        raise ValueError(f"{name}: {value!r} is no exact number; give a Decimal, a whole number or text like '19.99'")
    try:
        found = Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        raise ValueError(f"{name}: {value!r} is no number; give a Decimal, a whole number or text") from None
    if not found.is_finite():
        raise ValueError(f"{name}: {value!r} is not finite; leave out what is unknown")
    return found


def share(value: Exact, name: str) -> Decimal:
    """``value`` as a decimal between 0 and 1."""
    found = exact(value, name)
    if not 0 <= found <= 1:
        raise ValueError(f"{name}: {value} must lie between 0 and 1 (0.05 for 5 %)")
    return found


def not_negative(value: Exact, name: str) -> Decimal:
    """``value`` as a decimal of 0 or more."""
    found = exact(value, name)
    if found < 0:
        raise ValueError(f"{name}: {value} must be 0 or more")
    return found


def decimal_places(value: Decimal) -> int:
    """How many digits a decimal has after the point.

    >>> decimal_places(Decimal("2.50")), decimal_places(Decimal("1E+2"))
    (2, 0)
    """
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def split_money(amount: Exact, weights: Sequence[Exact | Fraction], rounding: Rounding = CENTS) -> list[Decimal]:
    """Parts of an amount in proportion to weights that sum to it exactly, by largest remainders.

    The smallest units (cents) left over after rounding towards zero go one each to the largest fractions, ties to the
    earlier party (Hamilton's method; Balinski and Young, Fair Representation, 1982, chapter 2). Weights are 0 or more
    and not all 0; the amount must itself be a multiple of the smallest unit. No weights: an empty list for 0.

    >>> split_money("100", [1, 1, 1])
    [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    """
    total = exact(amount, "amount")
    given = [each if isinstance(each, Fraction) else Fraction(exact(each, "weights")) for each in weights]
    if any(each < 0 for each in given):
        raise ValueError("weights: one is below 0; give each party 0 or more")
    unit = Fraction(10) ** rounding.places
    units = Fraction(abs(total)) * unit
    if units.denominator != 1:
        raise ValueError(f"amount: {amount} is finer than {rounding.places} places; round it first")
    whole = sum(given, Fraction(0))
    if not whole:
        if total:
            raise ValueError("weights: all are 0 while there is an amount to split; give somebody a weight")
        return [_scaled(0, rounding.places) for _ in given]
    ideal = [units * each / whole for each in given]
    floors = [each.numerator // each.denominator for each in ideal]
    left = int(units) - sum(floors)
    order = sorted(range(len(given)), key=lambda at: (floors[at] - ideal[at], at))
    for at in order[:left]:
        floors[at] += 1
    sign = -1 if total < 0 else 1
    return [_scaled(sign * each, rounding.places) for each in floors]


def exact_columns(frame: pl.DataFrame, names: Sequence[str], what: str) -> pl.DataFrame:
    """The frame with the named columns as exact Decimal columns; integers become Decimals, floats are refused."""
    checks.columns(what, frame, names)
    for name in names:
        kind = frame.schema[name]
        if not (kind.is_decimal() or kind.is_integer() or kind == pl.Null):
            raise ValueError(f"{what}: column {name} is {kind}; cast it to pl.Decimal so that no float is settled")
    return frame.with_columns(
        pl.col(name).cast(pl.Decimal(_DIGITS, 0)) for name in names if not frame.schema[name].is_decimal()
    )


def product(frame: pl.DataFrame, left: str, right: str, rounding: Rounding = CENTS) -> pl.Expr:
    """Exact product of two Decimal columns of a frame, rounded once.

    Polars keeps the larger scale of two factors and cuts the rest, so both are widened to the sum of their scales.
    Beyond 38 digits Polars raises. Nulls stay null.
    """
    places = _scale(frame, left) + _scale(frame, right)
    wide = pl.Decimal(_DIGITS, places)
    return rounding.column(pl.col(left).cast(wide) * pl.col(right).cast(wide))


def _scale(frame: pl.DataFrame, name: str) -> int:
    kind = frame.schema[name]
    if not isinstance(kind, pl.Decimal):
        raise ValueError(f"{name} is {kind}; cast it to pl.Decimal")
    return kind.scale


def _scaled(units: int, places: int) -> Decimal:
    """units · 10^-places, without passing through a context that would round."""
    digits = tuple(int(each) for each in str(abs(units)))
    found = Decimal((int(units < 0), digits, -places))
    return found if places >= 0 else found.quantize(Decimal(1))
