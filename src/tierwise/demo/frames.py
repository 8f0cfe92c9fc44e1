"""Seeded streams of chance, and frames as the declared tables want them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.lake.schemas import TABLES, Column, Kind

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

NEVER = np.datetime64("NaT", "D")


def stream(seed: int, topic: str) -> np.random.Generator:
    """An own stream per topic, so that a change to one topic leaves the numbers of the others alone."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def pick(values: Sequence[str] | Sequence[str | None], index: Ints) -> pl.Series:
    """``values[index]`` as one series; an index of -1 gives null."""
    known = pl.Series(list(values), dtype=pl.String)
    places = pl.Series(index)
    return known.gather(places.set(places < 0, None))


def numbers(prefix: str, values: Ints, width: int) -> pl.Series:
    """Document numbers such as ``45000017``, made in bulk."""
    return prefix + pl.Series(values).cast(pl.String).str.zfill(width)


def conform(table: str, data: Mapping[str, Any], height: int | None = None) -> pl.DataFrame:
    """A frame with exactly the declared columns, types and defaults of a table."""
    declared = TABLES[table]
    unknown = set(data) - set(declared.schema)
    if unknown:
        raise ValueError(f"{table} declares no column {sorted(unknown)}; see lake/schemas.py")
    rows = height if height is not None else max(len(values) for values in data.values())
    return pl.DataFrame([_column(column, data.get(column.name), rows) for column in declared.columns])


def _column(column: Column, values: Any, rows: int) -> pl.Series:
    if values is None:
        return _default(column, rows)
    series = values if isinstance(values, pl.Series) else pl.Series(values)
    if column.kind in {Kind.QUANTITY, Kind.MONEY, Kind.PRICE} and series.dtype.is_float():
        series = series.round(6 if column.kind is Kind.PRICE else 4)
    return series.cast(column.dtype).alias(column.name)


def _default(column: Column, rows: int) -> pl.Series:
    if column.default is None:
        return pl.Series(column.name, [None] * rows, dtype=column.dtype)
    if column.kind is Kind.FLAG:
        return pl.repeat(column.default == "true", rows, dtype=pl.Boolean, eager=True).alias(column.name)
    text = pl.repeat(column.default, rows, dtype=pl.String, eager=True)
    return (text.str.to_date() if column.kind is Kind.DATE else text.cast(column.dtype)).alias(column.name)
