"""Purchase lines, receipts and rejects of two years, laid into a lake month by month, for the bench of scoring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import DeltaTable, write_deltalake

from tierwise.lake.schemas import TABLES
from tierwise.lake.store import stored_schema

FIRST, LAST, MONTHS = date(2024, 1, 1), date(2025, 12, 31), 24
"""The periods scored: lines are ordered from three months before the first to the end of the last."""
SUPPLIERS, ITEMS, SITES = 2_000, 50_000, 20
NAMES = ("purchase_line", "receipt", "reject")
_LEAD = 3
_KNOWN = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Made:
    """Rows of each table, and the version that holds them."""

    rows: dict[str, int]
    versions: dict[str, int]

    def write(self, root: Path) -> None:
        (root / "made.json").write_text(json.dumps([self.rows, self.versions]))

    @classmethod
    def read(cls, root: Path) -> Made:
        return cls(*json.loads((root / "made.json").read_text()))


def make(root: Path, count: int) -> Made:
    """Lays ``count`` lines down: one in twenty revised, one in eight delivered twice, one in fifty not at all."""
    chance = np.random.default_rng(20250101)
    rows = dict.fromkeys(NAMES, 0)
    for month in _months(count, chance):
        for name, frame in month.items():
            rows[name] += frame.height
            write_deltalake(str(root / name), _stored(name, frame), mode="append", partition_by=["month"])
    return Made(rows, {name: DeltaTable(str(root / name)).version() for name in NAMES})


def _months(count: int, chance: np.random.Generator) -> Iterator[dict[str, pl.DataFrame]]:
    first, done = np.datetime64(FIRST, "M") - _LEAD, 0
    months = MONTHS + _LEAD
    for place in range(months):
        start, end = ((first + step).astype("datetime64[D]") for step in (place, place + 1))
        size = count * (place + 1) // months - done
        yield _month(chance, np.arange(done, done + size), (start, int((end - start).astype(int))))
        done += size


def _month(chance: np.random.Generator, number: np.ndarray, span: tuple[np.datetime64, int]) -> dict[str, pl.DataFrame]:
    """Lines ordered in a month, and whatever became of them."""
    size, (start, days) = number.size, span
    ordered = start + (np.arange(size) * days // max(1, size)).astype("timedelta64[D]")
    due = ordered + chance.integers(10, 60, size).astype("timedelta64[D]")
    lines = pl.DataFrame({
        "order": code("45", number // 5, 9),
        "line": pl.Series(number % 5 * 10 + 10).cast(pl.String),
        "revision": pl.zeros(size, dtype=pl.Int64, eager=True),
        "revised_on": ordered,
        "supplier": code("V", chance.integers(0, SUPPLIERS, size), 6),
        "item": code("M-", chance.integers(0, ITEMS, size), 6),
        "site": code("P", chance.integers(0, SITES, size), 3),
        "ordered_on": ordered,
        "quantity": chance.integers(1, 500, size),
        "requested_on": due,
        "promised_on": due,
        "confirmed_on": due,
    }).with_columns(changed_by=pl.lit("buyer"), unit=pl.lit("EA"), state=pl.lit("closed"))  # fmt: skip
    revised = lines.gather_every(20).with_columns(
        revision=pl.lit(1, dtype=pl.Int64), changed_by=pl.lit("supplier"),
        confirmed_on=pl.col("confirmed_on").dt.offset_by("5d"), revised_on=pl.col("ordered_on").dt.offset_by("3d"),
    )  # fmt: skip
    late = pl.Series(np.round(chance.normal(-2, 4, size)).astype(np.int64))
    came = lines.select(
        "order", "line", "quantity", receipt=pl.lit("1"), arrived_on=pl.col("promised_on") + pl.duration(days=late),
        unit=pl.lit("EA"),
    ).with_columns(posted_on="arrived_on").filter(pl.Series(number % 50 != 7))  # fmt: skip
    split = came.gather_every(8).with_columns(
        receipt=pl.lit("2"), quantity=pl.col("quantity") // 2, arrived_on=pl.col("arrived_on").dt.offset_by("2d"),
        posted_on=pl.col("posted_on").dt.offset_by("2d"),
    )  # fmt: skip
    rejects = came.gather_every(15).select(
        "order", "line", "receipt", pl.col("quantity") * 0.1, "unit", reason=pl.lit("unspecified"),
        rejected_on=pl.col("arrived_on").dt.offset_by("1d"),
    )  # fmt: skip
    return {"purchase_line": pl.concat([lines, revised]), "receipt": pl.concat([came, split]), "reject": rejects}


def code(prefix: str, numbers: np.ndarray | pl.Series, width: int) -> pl.Series:
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(width)


def _stored(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the lake holds it."""
    table = TABLES[name]
    frame = frame.with_columns(
        source=pl.lit("erp"), known_from=pl.lit(_KNOWN), known_to=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        month=pl.col(table.dated_by).dt.strftime("%Y-%m"),
    )  # fmt: skip
    return frame.select(
        (pl.col(column) if column in frame.columns else pl.lit(None).alias(column)).cast(dtype)
        for column, dtype in stored_schema(table).items()
    )
