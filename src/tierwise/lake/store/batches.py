"""What is brought to a table, and how its rows lie in the lake."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
from deltalake import CommitProperties, Transaction

from tierwise.lake.landing import Tell
from tierwise.lake.schemas import TABLES, Table
from tierwise.lake.staging import INSTANT, month_of


class ConcurrentWriteError(Exception):
    """Somebody else committed to the table in between; start again from the manifest."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one source to bring a table up to date with, and when we came to know them."""

    table: str
    rows: pl.DataFrame | pl.LazyFrame = field(repr=False)
    source: str
    at: datetime
    complete: bool = False
    import_id: str = ""

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise ValueError(f"table: {self.table!r} is not declared; use a name in lake.schemas.TABLES")
        if self.at.tzinfo is None:
            raise ValueError("at: has no time zone; give an aware datetime, in UTC")
        if not self.source:
            raise ValueError("source: is empty; name the system the rows come from")


def stored_schema(table: Table) -> dict[str, pl.DataType]:
    """Columns as they lie in the lake: the declared ones and what the platform adds."""
    added: dict[str, pl.DataType] = {"source": pl.String(), "known_from": INSTANT, "known_to": INSTANT}
    return table.schema | added | ({"month": pl.String()} if table.partitioned else {})


@dataclass(frozen=True, slots=True)
class Landed:
    """How laid down rows are taken: as in ``Batch``; ``restamp`` where the manifest moved since they were laid down."""

    complete: bool = False
    import_id: str = ""
    restamp: datetime | None = None
    tell: Tell = lambda _what, _share: None


def commit_properties(batch: Batch) -> CommitProperties:
    metadata = {"tierwise_source": batch.source, "tierwise_import": batch.import_id}
    transactions = [Transaction(f"tierwise-import-{batch.import_id}", 1)] if batch.import_id else None
    return CommitProperties(custom_metadata=metadata, app_transactions=transactions)


def refuse_twins(table: Table, batch: Batch) -> None:
    """Rows of one key would be current side by side for ever. A lazy batch is trusted: it may exceed the memory."""
    if isinstance(batch.rows, pl.DataFrame):
        twins = batch.rows.select(table.key).is_duplicated()
        if twins.any():
            first = batch.rows.filter(twins).select(table.key).row(0)
            raise ValueError(f"rows: {table.name} holds the key {first} more than once; give each key one row")


def stamped(table: Table, batch: Batch) -> pl.LazyFrame:
    """The batch's rows as they will lie in the lake."""
    rows = batch.rows.lazy().select(pl.col(name).cast(dtype) for name, dtype in table.schema.items())
    rows = rows.with_columns(
        pl.lit(batch.source).alias("source"),
        pl.lit(batch.at).cast(INSTANT).alias("known_from"),
        pl.lit(None, dtype=INSTANT).alias("known_to"),
    )
    if table.partitioned:
        rows = rows.with_columns(month_of(table))
    return rows
