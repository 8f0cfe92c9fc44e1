"""What a batch changes in a table: new, changed and gone rows, found without reading more partitions than it must."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from tierwise.lake.schemas import Table


class _Incoming(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def complete(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """``fresh`` rows are to be added; ``closed`` names the rows to end, by key, source and month."""

    fresh: pl.DataFrame
    closed: pl.DataFrame
    new: int
    changed: int
    gone: int
    unchanged: int

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def difference(table: Table, stored: pl.LazyFrame, incoming: pl.LazyFrame, batch: _Incoming) -> Difference:
    """Compares a batch with the stored rows of its source that are current.

    Values are compared column by column, null equal to null: exact, and free of a hash that another version of a
    library might compute differently. Raises ``ValueError`` if a row to be closed became known no earlier.
    """
    rows = incoming.collect()
    key = list(table.key)
    current = _current(table, stored, rows, batch)
    values = [name for name in table.schema if name not in key]
    old = current.select(
        *key, *(pl.col(name).alias(f"{name}__old") for name in values), pl.lit(value=True).alias("__there")
    )
    both = rows.join(old, on=key, how="left", nulls_equal=True, maintain_order="left")
    differs = pl.any_horizontal(
        pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(f"{name}__old")) for name in values)
    )
    there = both["__there"].is_not_null()
    changed = there & both.select(differs).to_series()
    fresh = rows.filter(~there | changed)
    named = [*key, "source", "known_from", *(["month"] if table.partitioned else [])]
    ended = current.select(named).join(rows.filter(changed).select(key), on=key, how="semi", nulls_equal=True)
    gone = current.select(named).clear()
    if batch.complete:
        gone = current.select(named).join(rows.select(key), on=key, how="anti", nulls_equal=True)
    closed = pl.concat([ended, gone])
    latest = closed["known_from"].max()
    if isinstance(latest, datetime) and latest >= batch.at:
        raise ValueError(
            f"at: {batch.at} is not after {latest}, when a row to be closed became known; use a later instant"
        )
    return Difference(
        fresh,
        closed.drop("known_from"),
        new=int((~there).sum()),
        changed=int(changed.sum()),
        gone=gone.height,
        unchanged=int((there & ~changed).sum()),
    )


def _current(table: Table, stored: pl.LazyFrame, rows: pl.DataFrame, batch: _Incoming) -> pl.DataFrame:
    """Current rows of the source that the batch can touch.

    Those in the months of the batch, and those elsewhere whose key the batch gives a new date. Months that the batch
    does not reach are asked for keys alone, and only when some key was not found.
    """
    current = stored.filter(pl.col("source") == batch.source, pl.col("known_to").is_null())
    if batch.complete or not table.partitioned:
        return current.collect()
    key = list(table.key)
    months = rows["month"].unique().to_list()
    near = current.filter(pl.col("month").is_in(months)).collect()
    missing = rows.select(key).join(near.select(key), on=key, how="anti", nulls_equal=True)
    if not missing.height:
        return near
    elsewhere = current.filter(~pl.col("month").is_in(months))
    moved = elsewhere.select(*key, "month").join(missing.lazy(), on=key, how="semi", nulls_equal=True).collect()
    if not moved.height:
        return near
    found = elsewhere.filter(pl.col("month").is_in(moved["month"].unique().to_list()))
    return pl.concat([near, found.join(moved.select(key).lazy(), on=key, how="semi", nulls_equal=True).collect()])
