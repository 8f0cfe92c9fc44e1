"""Netting a span of days from lines sorted once is what `net_demand` says of the lines of these days."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some
from polars.testing import assert_frame_equal

from tierwise.engine.mix import COMMON
from tierwise.engine.mix.carry import net_demand
from tierwise.engine.mix.netting import Netting

FIRST = date(2025, 1, 1)
LINE = some.tuples(
    some.sampled_from("AB"), some.sampled_from(["S", "T", None]), some.sampled_from(["P", "Q", None]),
    some.integers(0, 3), some.integers(-5, 9), some.integers(0, 20),
)  # fmt: skip


def frame(rows: list[tuple[str, str | None, str | None, int, int, int]]) -> pl.DataFrame:
    types = {"item": pl.String, "site": pl.String, "segment": pl.String, "cell": pl.Int64, "units": pl.Int64}
    lines = pl.DataFrame(rows, schema=types | {"day": pl.Int64}, orient="row")
    return lines.with_columns(date=pl.lit(FIRST) + pl.duration(days="day")).drop("day")


@given(some.lists(LINE, max_size=30), some.integers(0, 20), some.integers(0, 20))
def test_a_span_nets_as_its_lines_do(
    rows: list[tuple[str, str | None, str | None, int, int, int]], one: int, other: int
) -> None:
    first, last = FIRST + timedelta(days=min(one, other)), FIRST + timedelta(days=max(one, other))
    lines = frame(rows)
    plain = net_demand(lines.filter(pl.col("date").is_between(first, last)).drop("date"))
    assert_frame_equal(Netting(lines).between(first, last), plain)
    coded = lines.with_columns(
        pl.col("segment").fill_null(COMMON).cast(pl.Enum([COMMON, "P", "Q"])), pl.col("item").cast(pl.Enum(["A", "B"]))
    )
    assert_frame_equal(Netting(coded).between(first, last), plain)


def test_older_days_count_less_with_a_half_life() -> None:
    lines = frame([("A", "S", "P", 1, 8, 0), ("A", "S", "P", 1, 8, 10)])
    netted = Netting(lines).between(FIRST, FIRST + timedelta(days=10), 5.0)
    assert netted.row(0) == ("A", "S", "P", pytest.approx(8 / 4 + 8))


def test_units_that_are_no_number_are_refused() -> None:
    lines = frame([("A", "S", "P", 1, 8, 0)]).with_columns(units=pl.lit(float("nan")))
    with pytest.raises(ValueError, match=r"demand\.units holds NaN"):
        Netting(lines)
