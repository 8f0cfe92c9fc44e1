"""Quantity price tiers: all-unit and incremental, billed exactly and settled at period end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import polars as pl

from tierwise.engine.contracts.money import (
    CENTS,
    Exact,
    Rounding,
    decimal_places,
    exact_columns,
    not_negative,
    product,
    split_money,
)


@dataclass(frozen=True, slots=True)
class PriceTiers:
    """Unit prices by quantity: ``prices[k]`` from ``starts[k]`` on (starts rising, the first 0).

    ``kind`` "all_unit": the tier reached prices every unit; "incremental": each unit costs what its own tier says.
    """

    starts: tuple[Decimal, ...]
    prices: tuple[Decimal, ...]
    kind: Literal["all_unit", "incremental"] = "all_unit"
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        if not self.starts or len(self.starts) != len(self.prices):
            raise ValueError(f"starts, prices: {len(self.starts)} and {len(self.prices)}; give one price per start")
        for start, price in zip(self.starts, self.prices, strict=True):
            not_negative(start, "starts")
            not_negative(price, "prices")
        if self.starts[0] != 0 or any(a >= b for a, b in pairwise(self.starts)):
            raise ValueError(f"starts: {[str(each) for each in self.starts]} must begin at 0 and rise")
        if self.kind not in {"all_unit", "incremental"}:
            raise ValueError(f"kind: {self.kind!r} is unknown; use all_unit or incremental")


@dataclass(frozen=True, slots=True)
class TierCharge:
    """What a quantity costs: ``amount``, the mean ``unit_price`` (exact; None for 0 units), and per tier used (start,
    units, price, amount before rounding)."""

    quantity: Decimal
    amount: Decimal
    unit_price: Fraction | None
    parts: tuple[tuple[Decimal, Decimal, Decimal, Decimal], ...]


def tier_charge(quantity: Exact, tiers: PriceTiers) -> TierCharge:
    """The exact price of one quantity, with the tiers it went through.

    Rounded once, on the sum. Published example (Snyder and Shen, Fundamentals of Supply Chain Theory, section 3.4):
    0.75 below 400, 0.72 from 400, 0.68 from 800. A lot of 800 is 544 if all units take the last price, 588 if each
    takes its own:

    >>> prices = (Decimal("0.75"), Decimal("0.72"), Decimal("0.68"))
    >>> starts = (Decimal(0), Decimal(400), Decimal(800))
    >>> [str(tier_charge(800, PriceTiers(starts, prices, kind)).amount) for kind in ("all_unit", "incremental")]
    ['544.00', '588.00']
    """
    units = not_negative(quantity, "quantity")
    parts = []
    for start, end, price in zip(tiers.starts, [*tiers.starts[1:], None], tiers.prices, strict=True):
        if tiers.kind == "all_unit":
            taken = units if start <= units and (end is None or units < end) else Decimal(0)
        else:
            taken = max((units if end is None else min(units, end)) - start, Decimal(0))
        if taken:
            parts.append((start, taken, price, taken * price))
    whole = sum((Fraction(taken) * Fraction(price) for _, taken, price, _ in parts), Fraction(0))
    return TierCharge(units, tiers.rounding.apply(whole), whole / Fraction(units) if units else None, tuple(parts))


def tier_charges(frame: pl.DataFrame, tiers: PriceTiers, quantity: str = "quantity") -> pl.DataFrame:
    """`tier_charge` for every row: adds ``tier`` (from 0), ``amount`` (Decimal, rounded once) and keeps all else.

    ``quantity`` must be an integer or Decimal column of 0 or more; null gives null. A million rows take well under a
    second; sums over tiers are exact before the one rounding.

    >>> some = tier_charges(
    ...     pl.DataFrame({"quantity": [399, 400]}),
    ...     PriceTiers((Decimal(0), Decimal(400)), (Decimal("0.75"), Decimal("0.72"))),
    ... )
    >>> some["amount"].to_list()
    [Decimal('299.25'), Decimal('288.00')]
    """
    rows = exact_columns(frame, [quantity], "frame")
    if rows.select((pl.col(quantity) < 0).any()).item():
        raise ValueError(f"{quantity}: one is below 0; settle returns against the price they were bought at")
    places = max(decimal_places(each) for each in (*tiers.starts, *tiers.prices))
    kind = rows.schema[quantity]
    assert isinstance(kind, pl.Decimal)
    wide = pl.Decimal(38, max(kind.scale, places) + places)
    units = pl.col(quantity).cast(wide)
    tier, amount = pl.lit(-1, pl.Int64), pl.lit(0, wide)
    for at, (start, price) in enumerate(zip(tiers.starts, tiers.prices, strict=True)):
        end = tiers.starts[at + 1] if at + 1 < len(tiers.starts) else None
        reached = units >= pl.lit(start, wide)
        tier = tier + reached.cast(pl.Int64)
        if tiers.kind == "all_unit":
            within = reached if end is None else reached & (units < pl.lit(end, wide))
            taken = pl.when(within).then(units).otherwise(pl.lit(0, wide))
        else:
            top = units if end is None else pl.min_horizontal(units, pl.lit(end, wide))
            taken = pl.max_horizontal(top - pl.lit(start, wide), pl.lit(0, wide))
        amount = amount + taken * pl.lit(price, wide)
    return rows.with_columns(
        tier=tier, amount=pl.when(pl.col(quantity).is_not_null()).then(tiers.rounding.column(amount))
    )


@dataclass(frozen=True, slots=True)
class Bargain:
    """The cheapest way to have at least a quantity: order ``quantity`` for ``amount``, ``saving`` less than as
    asked."""

    quantity: Decimal
    amount: Decimal
    saving: Decimal


def cheapest_order(needed: Exact, tiers: PriceTiers) -> Bargain:
    """Whether ordering more to reach the next tier costs less in all.

    All-unit prices fall in steps, so just below a break more units cost less money (Snyder and Shen, section 3.4). The
    cheapest quantity of at least ``needed`` is itself or a later break.

    >>> tiers = PriceTiers((Decimal(0), Decimal(400)), (Decimal("0.75"), Decimal("0.72")))
    >>> found = cheapest_order(390, tiers)
    >>> str(found.quantity), str(found.saving)
    ('400', '4.50')
    """
    asked = tier_charge(needed, tiers)
    choices = [asked, *(tier_charge(start, tiers) for start in tiers.starts if start > asked.quantity)]
    best = min(choices, key=lambda each: (each.amount, each.quantity))
    return Bargain(best.quantity, best.amount, asked.amount - best.amount)


@dataclass(frozen=True, slots=True)
class TierSettlement:
    """A period settled: ``lines`` (sequence of the deliveries kept) with ``billed``, ``due`` and ``credit`` (billed −
    due), their sums, and the tier reached."""

    lines: pl.DataFrame
    tier: int
    billed: Decimal
    due: Decimal
    credit: Decimal


def settle_tiers(deliveries: pl.DataFrame, tiers: PriceTiers) -> TierSettlement:
    """Tiers counted over a period: what was billed line by line against what its total quantity makes due.

    ``deliveries``: ``quantity`` and ``unit_price`` as billed (integer or Decimal), in order of delivery; other columns
    are kept. The total due follows from the total quantity. All-unit: it is spread over the lines by quantity
    (largest remainders, so the lines sum to it); incremental: each line costs what it added to the running total.
    A line's credit is what comes back to the buyer, negative if it was billed too little. No lines: zeros.

    Published prices as in `tier_charge`; 300 and 500 billed at 0.75 come to 600.00, due 544.00:

    >>> prices = (Decimal("0.75"), Decimal("0.72"), Decimal("0.68"))
    >>> tiers = PriceTiers((Decimal(0), Decimal(400), Decimal(800)), prices)
    >>> billed = pl.DataFrame({"quantity": [300, 500], "unit_price": [Decimal("0.75")] * 2})
    >>> settled = settle_tiers(billed, tiers)
    >>> str(settled.credit), [str(each) for each in settled.lines["credit"]]
    ('56.00', ['21.00', '35.00'])
    """
    rows = exact_columns(deliveries, ["quantity", "unit_price"], "deliveries")
    if rows.select(pl.col("quantity", "unit_price").is_null().any()).select(pl.any_horizontal(pl.all())).item():
        raise ValueError("quantity, unit_price: one is unknown; settle when every delivery has both")
    rows = rows.with_columns(product(rows, "quantity", "unit_price", tiers.rounding).alias("billed"))
    total = sum(rows["quantity"].to_list(), Decimal(0))
    charge = tier_charge(total, tiers)
    if tiers.kind == "all_unit":
        due = _spread(rows["quantity"].to_list(), charge.amount, tiers.rounding)
    else:
        running = tier_charges(rows.select(pl.col("quantity").cum_sum()), tiers)["amount"]
        due = (running - running.shift(1, fill_value=Decimal(0))).to_list()
    places = max(tiers.rounding.places, 0)
    lines = rows.with_columns(pl.Series("due", due, pl.Decimal(38, places))).with_columns(
        credit=pl.col("billed") - pl.col("due")
    )
    billed = sum(lines["billed"].to_list(), Decimal(0))
    reached = sum(start <= total for start in tiers.starts) - 1
    return TierSettlement(lines, reached, billed, charge.amount, billed - charge.amount)


def _spread(quantities: Sequence[Decimal], amount: Decimal, rounding: Rounding) -> list[Decimal]:
    return split_money(amount, quantities, rounding) if any(quantities) else [Decimal(0)] * len(quantities)
