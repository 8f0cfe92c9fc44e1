"""Small extracts for the lake's tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from tierwise.lake.imports import ImportRefused, Options, Prepared, prepare
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.report import ImportReport
from tierwise.lake.schemas import TABLES

KNOWN = {
    "item": pl.Series(["A", "B", "C"]),
    "customer": pl.Series(["K1", "K2"]),
    "supplier": pl.Series(["S1"]),
    "site": pl.Series(["M"]),
}

DEMAND = """
source: erp
files:
  lines: lines.csv
tables:
  demand:
    from: lines
    columns:
      order: order
      line: line
      item: item
      customer: customer
      ordered_on: day
      quantity: quantity
"""

LINES = """order,line,item,customer,day,quantity
1,1,A,K1,2024-01-05,3
1,2,B,K1,2024-01-05,4.5
2,1,A,K2,2024-02-10,1
"""


def write(folder: Path, **files: str) -> Path:
    """Writes ``lines="…"`` as lines.csv."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def bring(folder: Path, mapping: str = DEMAND) -> Prepared:
    return prepare(folder, read_mapping(mapping), Options(KNOWN))


def refused(folder: Path, mapping: str = DEMAND) -> ImportReport:
    """The report of an import that must be refused."""
    try:
        bring(folder, mapping)
    except ImportRefused as error:
        return error.report
    raise AssertionError("the import was not refused")


def at(day: int) -> datetime:
    return datetime(2025, 1, day, 12, tzinfo=UTC)


def demand_rows(*rows: tuple[str, str, date, str]) -> pl.DataFrame:
    """Demand lines as (order, item, day, quantity)."""
    frame = pl.DataFrame(
        rows,
        schema=dict.fromkeys(("order", "item"), pl.String) | {"ordered_on": pl.Date, "quantity": pl.String},
        orient="row",
    )
    given = frame.with_columns(
        line=pl.lit("1"), occurrence=pl.lit(1), kind=pl.lit("order"), customer=pl.lit("K1"),
        quantity=pl.col("quantity").str.to_decimal(scale=4),
    )  # fmt: skip
    schema = TABLES["demand"].schema
    return given.select(
        pl.col(name).cast(dtype) if name in given.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )
