"""Rows that an import sets aside for people to repair: which, why, what they were made of, and what follows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from tierwise.lake.readers import FILE, ROW
from tierwise.lake.schemas import Table
from tierwise.lake.staging import BLOCK

MOST = 100_000
"""Rows set aside by one import; more point to the mapping, not to the rows."""
PLACE = [BLOCK, FILE, ROW]
FOLLOWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("purchase_line", "receipt", ("order", "line")),
    ("receipt", "reject", ("order", "line", "receipt")),
)
"""Parent, child and what ties them, parents first: without its parent a child would count against nobody."""
_SAID: dict[str, pl.DataType] = {"column": pl.String(), "value": pl.String(), "why": pl.String(), "remedy": pl.String()}
_PLACED: dict[str, pl.DataType] = {BLOCK: pl.UInt16(), FILE: pl.String(), ROW: pl.Int64()}
_FAULT: dict[str, pl.DataType] = _PLACED | _SAID


class TooManyError(Exception):
    """More rows than people could repair."""


@dataclass(slots=True)
class SetAside:
    """The bad rows of one table: their faults, and as much of their keys as could be read."""

    table: Table
    faults: list[pl.DataFrame] = field(default_factory=list)
    keys: list[pl.DataFrame] = field(default_factory=list)
    count: int = 0

    def add(self, rows: pl.DataFrame, faults: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """Sets aside those of the rows that have a fault; returns the others. Raises ``TooManyError``."""
        said = pl.concat([one.select(pl.col(name).cast(dtype) for name, dtype in _FAULT.items()) for one in faults])
        wrong = said.select(PLACE).unique()
        self.count += wrong.height
        if self.count > MOST:
            raise TooManyError
        self.faults.append(said)
        found = rows.join(wrong, on=PLACE, how="semi", maintain_order="left")
        key = [pl.col(name).cast(pl.String()) for name in self.table.key if name in rows.columns]
        self.keys.append(found.select(*PLACE, *key))
        return rows.join(wrong, on=PLACE, how="anti", maintain_order="left")

    def places(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=_PLACED), *(one.select(PLACE) for one in self.faults)]).unique()

    def named(self, columns: Sequence[str]) -> pl.DataFrame:
        """The different values of some key columns among the rows set aside, where they could be read."""
        whole = [one.select(columns) for one in self.keys if set(columns) <= set(one.columns)]
        empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        return pl.concat([empty, *whole]).drop_nulls().unique()

    def frame(self) -> pl.DataFrame:
        """Per row set aside: its place, its key in words, and its faults."""
        said = pl.concat([pl.DataFrame(schema=_FAULT), *self.faults])
        rows = said.group_by(PLACE, maintain_order=True).agg(pl.struct(list(_SAID)).alias("faults"))
        shown = [one.select(*PLACE, key_in_words(self.table, one.columns)) for one in self.keys]
        keys = pl.concat([pl.DataFrame(schema=_PLACED | {"key": pl.String()}), *shown]).unique(PLACE, keep="first")
        return rows.join(keys, on=PLACE, how="left", maintain_order="left").with_columns(pl.col("key").fill_null(""))


def key_in_words(table: Table, there: Collection[str]) -> pl.Expr:
    """``order=4500012, line=10``: what stands for a row in a listing; empty where some of the key could not be read."""
    named = [pl.concat_str(pl.lit(f"{name}="), pl.col(name).cast(pl.String())) for name in table.key if name in there]
    if len(named) < len(table.key):
        return pl.lit("").alias("key")
    return pl.concat_str(named, separator=", ").fill_null("").alias("key")


def following(rows: pl.DataFrame, why: str, column: str) -> pl.DataFrame:
    """One fault for each of the rows: they are sound, but what they belong to is not."""
    remedy = "repair the other row; this one comes in with it"
    said = {"column": column, "why": why, "remedy": remedy}
    return rows.select(
        *PLACE, pl.lit(None, pl.String()).alias("value"), *(pl.lit(text).alias(name) for name, text in said.items())
    )
