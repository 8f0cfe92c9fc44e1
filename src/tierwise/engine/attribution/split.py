"""Divide a line exactly: shares on a grid, amounts in whole smallest steps, nothing lost to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from tierwise.engine.attribution.kernels import PARTS

_ORDER = ["segment", "basis"]


def split_amounts(lines: pl.DataFrame, shares: pl.DataFrame, steps: Mapping[str, Decimal | str]) -> pl.DataFrame:
    """[line_id, segment, basis, …amounts]: each line's Decimal amounts divided so that the parts sum to the line.

    `lines` [line_id, …] with the columns named in `steps`, all Decimal; `shares` as `attribute` returns them. `steps`
    gives each column's smallest step: a Decimal (0.01 for euro cents, 1 for whole pieces) or the name of a Decimal
    column of `lines` that holds it per line (currencies differ).

    Each row gets ⌊amount × parts ÷ PARTS⌋ whole steps, in exact integer arithmetic; the steps left over go to the
    largest remainders, ties to the lower segment code. What a line holds below its step stays with the row that has
    the most parts. Negative amounts are divided by magnitude. Empty amounts stay empty.

    Raises ValueError: a column that is not Decimal, steps that are not above 0 or finer than the column, a line
    without shares, amounts of 10¹⁸ units in the last place or more.

    >>> lines = pl.DataFrame({"line_id": ["L1"], "amount": [Decimal("100.00")]})
    >>> thirds = pl.DataFrame(
    ...     {
    ...         "line_id": ["L1"] * 3,
    ...         "segment": ["A", "B", "C"],
    ...         "basis": ["mix"] * 3,
    ...         "share_parts": [333_333_334, 333_333_333, 333_333_333],
    ...     }
    ... )
    >>> split_amounts(lines, thirds, {"amount": Decimal("0.01")})["amount"].to_list()
    [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    """
    uncovered = lines.join(shares, on="line_id", how="anti")
    if uncovered.height:
        raise ValueError(f"shares has no row for {uncovered.height} line(s), first {uncovered['line_id'][0]}")
    if lines["line_id"].is_duplicated().any():
        raise ValueError("lines.line_id is not unique; give each line once")
    held = shares.select("line_id", "segment", "basis", "share_parts").sort("line_id", *_ORDER)
    for column, step in steps.items():
        units = _units(lines, column, step)
        held = _divided(held.join(units, on="line_id", how="left", maintain_order="left"), column, lines.schema[column])
    return held.drop("share_parts")


def _units(lines: pl.DataFrame, column: str, step: Decimal | str) -> pl.DataFrame:
    """Amount and step as whole numbers of the column's last place."""
    if column not in lines.columns or not isinstance(kind := lines.schema[column], pl.Decimal):
        raise ValueError(f"lines.{column} must be a Decimal column: quantities and money are never divided as floats")
    scale = Decimal(1).scaleb(-kind.scale)
    exact = pl.Decimal(38, kind.scale)
    if isinstance(step, str):
        if not isinstance(lines.schema.get(step), pl.Decimal):
            raise ValueError(f"steps[{column!r}] names {step}, which is not a Decimal column of lines")
        steps = lines[step]
    else:
        steps = pl.repeat(step, lines.height, dtype=pl.Decimal(38, max(0, -int(step.as_tuple().exponent))), eager=True)
    fine = steps.cast(exact)
    if ((fine != steps) | (fine <= 0)).any() or steps.null_count():
        raise ValueError(f"steps[{column!r}] must be above 0 and a multiple of {scale}, the last place of {column}")
    whole = lines[column].cast(exact).to_physical()
    if (whole.abs() >= 10**18).any():
        raise ValueError(f"lines.{column} holds an amount of 10^18 last places or more; lower the column's scale")
    return pl.DataFrame(
        {"line_id": lines["line_id"], "_amount": whole.cast(pl.Int64), "_step": fine.to_physical().cast(pl.Int64)}
    )


def _divided(held: pl.DataFrame, column: str, kind: pl.DataType) -> pl.DataFrame:
    size, parts = pl.col("_amount").abs(), pl.col("share_parts")
    number = size // pl.col("_step")
    # number × parts would overflow 64 bits; with number = high × PARTS + low both products stay below 10¹⁸.
    high, low = number // PARTS, number % PARTS
    held = held.with_columns(
        _number=number,
        _below=size % pl.col("_step"),
        _got=high * parts + low * parts // PARTS,
        _rest=low * parts % PARTS,
    )
    held = held.sort("line_id", "_rest", *_ORDER, descending=[False, True, False, False])
    left = pl.col("_number") - pl.col("_got").sum().over("line_id")
    held = held.with_columns(_got=pl.col("_got") + (pl.int_range(pl.len()).over("line_id") < left).cast(pl.Int64))
    held = held.sort("line_id", "share_parts", *_ORDER, descending=[False, True, False, False])
    below = pl.when(pl.int_range(pl.len()).over("line_id") == 0).then(pl.col("_below")).otherwise(0)
    units = (pl.col("_got") * pl.col("_step") + below) * pl.col("_amount").sign()
    assert isinstance(kind, pl.Decimal)
    last_place = pl.lit(Decimal(1).scaleb(-kind.scale))
    amount = (units.cast(pl.Decimal(38, kind.scale)) * last_place).cast(kind)
    held = held.with_columns(amount.alias(column)).sort("line_id", *_ORDER)
    return held.drop("_amount", "_step", "_number", "_below", "_got", "_rest")
