"""Amounts of facts in one currency by the average rate of each day: for figures on pages, never for settling."""

from __future__ import annotations

import polars as pl


def rates_into(rates: pl.LazyFrame, currency: str) -> pl.LazyFrame:
    """[currency, valid_from, factor]: what one unit was worth from a day on; either direction of a rate will do."""
    average = rates.filter(pl.col("kind") == "average").with_columns(pl.col("rate").cast(pl.Float64))
    into = average.filter(pl.col("to_currency") == currency).select(
        pl.col("from_currency").alias("currency"), "valid_from", pl.col("rate").alias("factor")
    )
    out_of = average.filter(pl.col("from_currency") == currency, pl.col("rate") > 0).select(
        pl.col("to_currency").alias("currency"), "valid_from", (1 / pl.col("rate")).alias("factor")
    )
    return pl.concat([into, out_of]).unique(["currency", "valid_from"], keep="first").sort("valid_from")


def in_currency(rows: pl.LazyFrame, amount: str, dated: str, currency: str, rates: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with ``amount`` in one currency; null where no rate is known. ``currency`` of the rows may be empty."""
    known = rates_into(rates, currency)
    found = rows.sort(dated).join_asof(
        known, left_on=dated, right_on="valid_from", by="currency", strategy="backward", suffix="_rate",
        check_sortedness=False,
    )  # fmt: skip
    same = pl.col("currency").is_null() | (pl.col("currency") == currency)
    factor = pl.when(same).then(1.0).otherwise("factor")
    return found.with_columns(pl.col(amount).cast(pl.Float64) * factor).drop("factor")
