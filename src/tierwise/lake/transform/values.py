"""From texts to typed values."""

from __future__ import annotations

import polars as pl

from tierwise.lake.mapping import ColumnMapping
from tierwise.lake.schemas import Column, Kind
from tierwise.lake.transform.sql import sql_of


def raw_values(frame: pl.DataFrame, mapped: ColumnMapping) -> pl.Series:
    """A column's values before its rule: texts, or typed where they were parsed or calculated."""
    if mapped.sql:
        return frame.with_columns(sql_of(frame, mapped.place, mapped.sql).alias("__value"))["__value"]
    if mapped.text:
        parts = [part for literal, name in mapped.pieces for part in _parts(literal, name)]
        return frame.with_columns(pl.concat_str(parts).alias("__value"))["__value"]
    return frame[mapped.source]


def fits(dtype: pl.DataType, column: Column) -> bool:
    """Whether typed values can be taken over without a detour over text."""
    if column.kind is Kind.INTEGER:
        return dtype.is_integer()
    if column.kind is Kind.DATE:
        return isinstance(dtype, (pl.Date, pl.Datetime))
    if column.kind is Kind.FLAG:
        return dtype == pl.Boolean()
    return column.dtype.is_numeric() and dtype.is_numeric()


def _parts(literal: str, name: str) -> list[pl.Expr]:
    return [pl.lit(literal)] * bool(literal) + [pl.col(name)] * bool(name)


def as_text(values: pl.Series) -> pl.Series:
    """Typed values as texts; whole floats and decimals without a fraction of zeros."""
    if values.dtype.is_float():
        return values.cast(pl.String()).str.replace(r"\.0$", "")
    if values.dtype.is_decimal():
        return values.cast(pl.String()).str.replace(r"\.0+$", "")
    return values.cast(pl.String())


def constant(column: Column, text: str | None, height: int) -> pl.Series:
    texts = pl.Series(column.name, [text], dtype=pl.String())
    from_text = texts.str.to_date("%Y-%m-%d") if column.kind is Kind.DATE else texts
    if column.kind is Kind.FLAG:
        from_text = texts == "true"
    return from_text.cast(column.dtype).new_from_index(0, height).alias(column.name)
