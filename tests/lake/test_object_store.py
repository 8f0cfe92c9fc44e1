"""The lake in an object store holds what it holds in a folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from lake.extracts import at, demand_rows
from lake.object_stores import object_store
from tierwise.lake.store import Batch, LakeStore
from tierwise.lake.store import tables as store_module

pytestmark = pytest.mark.slow

_numbers = itertools.count()
JAN, FEB = date(2024, 1, 5), date(2024, 2, 5)
FIRST = demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "2"))
CORRECTED = demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "9"), ("3", "C", FEB, "3"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    before = dict(os.environ)
    with object_store(os.environ) as found:  # type: ignore[arg-type]
        yield found
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=["written at once", "streamed"])
def lake(address: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LakeStore:
    if request.param == "streamed":
        monkeypatch.setattr(store_module, "_STREAM_ABOVE", 0)
    return LakeStore(f"{address}/{next(_numbers)}")


def batch(rows: pl.DataFrame, day: int) -> Batch:
    return Batch("demand", rows, "erp", at(day))


def test_a_correction_closes_the_old_row_and_both_times_can_be_read(lake: LakeStore) -> None:
    first = lake.apply(batch(FIRST, 1), {})
    second = lake.apply(batch(CORRECTED, 2), {"demand": first.version})
    assert (second.new, second.changed, second.unchanged) == (1, 1, 1)
    versions = {"demand": second.version}

    def quantities(rows: pl.LazyFrame) -> dict[str, float]:
        return dict(rows.select("order", pl.col("quantity").cast(pl.Float64)).collect().iter_rows())

    assert quantities(lake.scan("demand", versions)) == {"1": 1, "2": 9, "3": 3}
    assert quantities(lake.scan("demand", versions, at(1))) == {"1": 1, "2": 2}
    assert quantities(lake.scan("demand", {"demand": first.version})) == {"1": 1, "2": 2}


def test_some_of_the_files_are_read_by_themselves(lake: LakeStore) -> None:
    files = lake.files("demand", {"demand": lake.apply(batch(FIRST, 1), {}).version})
    assert files.reach("order") == ("1", "2")
    for own, orders in ((files, ["1", "2"]), (files.dated(["ordered_on"], FEB, FEB), ["2"])):
        assert own.scan(own.paths).sort("order").select("order", "month").collect().rows() == [
            (order, f"2024-0{order}") for order in orders
        ]


def test_an_orphan_is_invisible_and_swept_without_harm(lake: LakeStore) -> None:
    first = lake.apply(batch(FIRST, 1), {})
    lake.apply(batch(CORRECTED, 2), {"demand": first.version})  # no manifest ever names it
    again = lake.apply(batch(FIRST, 3), {"demand": first.version})
    assert (again.new, again.changed, again.version) == (0, 0, first.version)
    lake.sweep("demand", [first.version])
    assert lake.scan("demand", {"demand": first.version}).collect().height == 2
