"""Rows of spans that share months are those that a look at every row finds, whatever is kept in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from tierwise.lake.schemas import TABLES
from tierwise.lake.store import Files, LakeStore, stored_schema
from tierwise.modules.performance.queries import shelf as module
from tierwise.modules.performance.queries.reading import DUE, EVENTS, KEY, Rows, Span
from tierwise.modules.performance.queries.shelf import Shelf

START = date(2025, 1, 1)
MONTHS = [Span(date(2025, month, 1), date(2025, month, 28)) for month in range(1, 9)]
NOWHERE = "99999"
"""An order that receipts name and nobody placed."""
_DATES = {"purchase_line": "ordered_on", "receipt": "posted_on", "reject": "rejected_on"}


def drawn(seed: int, *, rising: bool) -> dict[str, pl.DataFrame]:
    """Lines of half a year, many revised weeks later or by another supplier; receipts, some in parts, some of nothing
    that was ordered; rejects. ``rising``: order numbers rise with the days of the orders."""
    chance = np.random.default_rng(seed)
    size = 400
    day = np.sort(chance.integers(0, 180, size))
    order = np.arange(size) // 3 if rising else chance.permutation(size) // 3

    def days(offset: np.ndarray) -> list[date | None]:
        return [None if gap < -100 else START + timedelta(days=int(gap)) for gap in offset]

    lines = pl.DataFrame({
        "source": chance.choice(["erp", "old"], size), "order": [f"{each:05}" for each in order],
        "line": [str(each) for each in np.arange(size) % 3], "revision": [0] * size,
        "ordered_on": days(day), "supplier": chance.choice(["S1", "S2", "S3"], size),
        "promised_on": days(np.where(chance.random(size) < 0.1, -999, day + chance.integers(5, 70, size))),
    }).unique(KEY, keep="first", maintain_order=True)  # fmt: skip
    again = lines.gather_every(4).with_columns(
        revision=pl.lit(1, pl.Int64), ordered_on=pl.col("ordered_on") + pl.duration(days=40), supplier=pl.lit("S1"),
        promised_on=pl.col("promised_on") + pl.duration(days=50),
    )  # fmt: skip
    came = pl.concat([lines.gather_every(2), lines.gather_every(5)])
    gap = chance.integers(-20, 30, came.height)
    posted = came.select((pl.coalesce("promised_on", "ordered_on") + pl.duration(days=pl.Series(gap))).alias("on"))[
        "on"
    ]
    receipts = came.select(*KEY, receipt=pl.int_range(pl.len()).cast(pl.String), arrived_on=posted, posted_on=posted)
    strange = receipts.head(5).with_columns(order=pl.lit(NOWHERE))
    rejects = receipts.gather_every(6).select(*KEY, "receipt", rejected_on=pl.col("posted_on").dt.offset_by("3d"))
    return {"purchase_line": pl.concat([lines, again]), "receipt": pl.concat([receipts, strange]), "reject": rejects}


def files_of(table: str, rows: pl.DataFrame, *, told: bool) -> Files:
    """The rows by month, as the lake lays them; ``told``: its log tells of each file what it holds."""
    rows = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None).alias(name)).cast(dtype)
        for name, dtype in stored_schema(TABLES[table]).items()
    )
    parts = rows.with_columns(_path=pl.format("month={}/a", pl.col(_DATES[table]).dt.strftime("%Y-%m")))
    held = parts.partition_by("_path", as_dict=True, include_key=False)
    about = [{"path": path} | (_told(part) if told else {}) for (path,), part in held.items()]

    def scan(paths: Sequence[str]) -> pl.LazyFrame:
        return pl.concat([rows.clear(), *(held[path,] for path in paths)]).lazy()

    return Files(pl.DataFrame(about, infer_schema_length=None).sort("path"), scan)


def _told(part: pl.DataFrame) -> dict[str, object]:
    told: dict[str, object] = {"num_records": part.height}
    for name in ("order", *(each for each in (*DUE, *EVENTS) if each in part.columns)):
        told |= {f"min.{name}": part[name].min(), f"max.{name}": part[name].max()}
        told[f"null_count.{name}"] = part[name].null_count()
    return told


def found_by_looking_at_all(tables: dict[str, pl.DataFrame], span: Span, suppliers: set[str] | None) -> dict[str, set]:  # type: ignore[type-arg]
    lines, receipts = tables["purchase_line"], tables["receipt"]
    own = lines if suppliers is None else lines.filter(pl.col("supplier").is_in(list(suppliers)))
    came = receipts.filter(pl.col("posted_on").is_between(span.first, span.last))
    theirs = set(own.select(KEY).rows())
    wanted = set(own.filter(pl.col("promised_on").is_between(span.first, span.last)).select(KEY).rows())
    wanted |= {key for key in came.select(KEY).rows() if suppliers is None or key in theirs}
    return {
        table: {row for row in rows.select(*KEY, _tells(table)).rows() if row[:3] in wanted and row[1] != NOWHERE}
        for table, rows in tables.items()
    }


def _tells(table: str) -> str:
    return "revision" if table == "purchase_line" else "receipt"


def as_sets(rows: Rows) -> dict[str, set]:  # type: ignore[type-arg]
    keys = dict(zip(rows.keys["line_id"], rows.keys.select(KEY).rows(), strict=True))
    assert rows.lines["line_id"].to_list() == rows.keys["line_id"].to_list()
    frames = {"purchase_line": rows.lines, "receipt": rows.receipts, "reject": rows.rejects}
    found = {}
    for table, frame in frames.items():
        # What was received of no line is there as well, for nobody asks the lines beforehand.
        told = [(*keys[line], tells) for line, tells in frame.select("line_id", _tells(table)).rows() if line in keys]
        assert len(set(told)) == len(told)
        found[table] = set(told)
    return found


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kept", [0, 150, 16_000_000])
@pytest.mark.parametrize("suppliers", [None, {"S1"}, {"S2", "S3"}, {"nobody"}])
def test_rows_are_those_that_a_look_at_all_finds(
    rising: bool, told: bool, kept: int, suppliers: set[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", kept)
    monkeypatch.setattr(module, "_NUMBERS_AT_LEAST", 10)
    tables = drawn(7 + kept, rising=rising)
    own = None if suppliers is None else frozenset(suppliers)
    shelf = Shelf(lambda table: files_of(table, tables[table], told=told), own, MONTHS[7].last)
    for span in [*MONTHS, MONTHS[7], MONTHS[2], Span(MONTHS[1].first, MONTHS[4].last)]:
        assert as_sets(shelf.read(span)) == found_by_looking_at_all(tables, span, suppliers), span


def test_months_that_neighbours_share_are_read_once() -> None:
    tables = drawn(3, rising=True)
    tables["purchase_line"] = tables["purchase_line"].filter(pl.col("revision") == 0)
    tables["receipt"] = tables["receipt"].filter(pl.col("order") != NOWHERE)
    read: list[tuple[str, str]] = []

    def files(table: str) -> Files:
        held = files_of(table, tables[table], told=True)

        def scan(paths: Sequence[str]) -> pl.LazyFrame:
            read.extend((table, path) for path in paths)
            return held.scan(paths)

        return Files(held.known, scan)

    shelf = Shelf(files, last=date.max)
    shelf.read(MONTHS[2])
    first = set(read)
    shelf.read(MONTHS[3])
    assert len(read) == len(set(read)) > len(first) > 5
    shelf.read(MONTHS[7])
    shelf.read(MONTHS[2])
    assert len(read) > len(set(read))  # what a span did not touch was let go


def test_a_lake_without_lines_has_no_rows() -> None:
    rows = Shelf(lambda table: LakeStore("nowhere").files(table, {})).read(MONTHS[0])
    assert rows.lines.height == rows.receipts.height == rows.rejects.height == rows.keys.height == 0
    assert {"line_id", "revision", "supplier"} <= set(rows.lines.columns)
