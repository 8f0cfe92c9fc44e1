"""Rows laid down by month land as the same rows would in one frame: same counts, same rows, same ends."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.extracts import at, demand_rows
from tierwise.lake import landing, staging
from tierwise.lake.imports import Cancelled
from tierwise.lake.schemas import TABLES
from tierwise.lake.staging import Staged, Stamp
from tierwise.lake.store import Batch, LakeStore, Landed

DEMAND = TABLES["demand"]
Row = tuple[str, str, date, str]


def staged(folder: Path, rows: list[Row], moment: datetime, monkeypatch: pytest.MonkeyPatch) -> Staged:
    monkeypatch.setattr(staging, "HELD", -1)
    monkeypatch.setattr(staging, "_FULL", 2)
    made = Staged(DEMAND, folder / f"{moment:%d%H%M%S}", Stamp("erp", moment))
    frame = demand_rows(*rows).with_columns(
        pl.lit("f").alias("__file"), pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("__row")
    )
    for one in frame.iter_slices(3):
        made.take(one)
    made.finish()
    return made


def state(store: LakeStore, version: int) -> pl.DataFrame:
    rows = store.history("demand", {"demand": version}).collect()
    return rows.sort(*DEMAND.key, "known_from", "month")


days = st.sampled_from([date(2024, 1, 5), date(2024, 1, 9), date(2024, 2, 3), date(2024, 3, 3)])
batches = st.lists(
    st.dictionaries(st.sampled_from("123456"), st.tuples(st.sampled_from("AB"), days, st.sampled_from(["1", "2"])),
                    min_size=1),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches, st.booleans())
def test_landing_is_applying(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    brought: list[dict[str, tuple[str, date, str]]], complete: bool,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("lakes")
    one, other = LakeStore(folder / "one"), LakeStore(folder / "other")
    versions: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for number, batch in enumerate(brought):
        rows = [(order, *rest) for order, rest in batch.items()]
        moment = at(number + 1)
        applied = one.apply(Batch("demand", demand_rows(*rows), "erp", moment, complete), versions[0])
        made = staged(folder / "scratch", rows, moment, monkeypatch)
        landed = other.land(made, versions[1], Landed(complete))
        assert (applied.new, applied.changed, applied.closed, applied.unchanged) == (
            landed.new, landed.changed, landed.closed, landed.unchanged,
        )  # fmt: skip
        versions = {"demand": applied.version}, {"demand": landed.version}
        assert state(one, applied.version).equals(state(other, landed.version))


def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LakeStore:
    store = LakeStore(tmp_path / "lake")
    rows = [(str(n), "A", date(2024, 1 + n % 3, 5), "1") for n in range(9)]
    store.land(staged(store.scratch("one", tmp_path), rows, at(1), monkeypatch), {}, Landed(import_id="one"))
    return store


def test_a_month_that_is_not_touched_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = first(tmp_path, monkeypatch)
    before = set(store.open("demand", 0).file_uris())
    made = staged(tmp_path / "s", [("3", "B", date(2024, 1, 5), "1")], at(2), monkeypatch)
    change = store.land(made, {"demand": 0}, Landed())
    after = set(store.open("demand", change.version).file_uris())
    assert (change.new, change.changed) == (0, 1)
    assert {uri for uri in before if "2024-01" not in uri} == {uri for uri in after if "2024-01" not in uri}


def test_rows_laid_down_before_another_import_get_a_later_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = first(tmp_path, monkeypatch)
    rows = [("3", "B", date(2024, 1, 5), "1"), ("50", "A", date(2024, 7, 1), "1")]
    with pytest.raises(ValueError, match="use a later instant"):
        store.land(staged(tmp_path / "s", rows, at(1) - timedelta(hours=1), monkeypatch), {"demand": 0}, Landed())
    made = staged(tmp_path / "t", rows, at(1) - timedelta(hours=1), monkeypatch)
    change = store.land(made, {"demand": 0}, Landed(restamp=at(3)))
    known = store.scan("demand", {"demand": change.version}).filter(pl.col("order").is_in(["3", "50"])).collect()
    assert known["known_from"].unique().to_list() == [at(3)]


def test_many_small_files_of_a_month_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LakeStore(tmp_path / "lake")
    rows = [(str(n), "A", date(2024, 1, 5), "1") for n in range(30)]
    change = store.land(staged(tmp_path / "s", rows, at(1), monkeypatch), {}, Landed())
    assert len(store.open("demand", change.version).file_uris()) == 1
    assert store.scan("demand", {"demand": change.version}).collect().height == 30


def files_of(store: LakeStore) -> set[Path]:
    return {path for path in Path(store.root).rglob("*") if path.is_file() and "_delta_log" not in path.parts}


def test_cancelled_while_landing_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = first(tmp_path, monkeypatch)
    before = files_of(store)

    def stop(_what: str, share: float) -> None:
        if share > 0.5:
            raise Cancelled

    rows = [(str(n), "B", date(2024, 1 + n % 3, 5), "1") for n in range(9)]
    made = staged(tmp_path / "s", rows, at(2), monkeypatch)
    with pytest.raises(Cancelled):
        store.land(made, {"demand": 0}, Landed(tell=stop))
    assert files_of(store) == before
    assert store.open("demand", 0).version() == 0


def test_a_commit_that_fails_takes_its_files_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = first(tmp_path, monkeypatch)
    before = files_of(store)

    def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(landing, "RemoveAction", broken)
    made = staged(tmp_path / "s", [("3", "B", date(2024, 1, 5), "1")], at(2), monkeypatch)
    with pytest.raises(OSError, match="no space"):
        store.land(made, {"demand": 0}, Landed())
    assert files_of(store) == before


def test_what_was_committed_for_nothing_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = first(tmp_path, monkeypatch)
    before, seen = files_of(store), state(store, 0)
    rows = [("3", "B", date(2024, 1, 5), "1"), ("60", "A", date(2024, 8, 5), "1")]
    store.land(staged(tmp_path / "s", rows, at(2), monkeypatch), {"demand": 0}, Landed(import_id="two"))
    assert files_of(store) != before
    store.take_back("demand", 0, "another")
    assert files_of(store) != before
    store.take_back("demand", 0, "two")
    assert files_of(store) == before
    assert state(store, 0).equals(seen)
    assert pl.scan_delta(f"{store.root}/demand").collect().height == 9, "who reads the newest version sees no orphan"
    store.take_back("demand", None, "one")
    assert files_of(store) == before, "its last commit is not that import's"


def test_the_first_import_taken_back_leaves_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = first(tmp_path, monkeypatch)
    store.take_back("demand", None, "one")
    assert not (tmp_path / "lake" / "demand").exists()


def test_sweeping_takes_temporaries_and_dead_staging_older_than_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = first(tmp_path, monkeypatch)
    month = tmp_path / "lake" / "demand" / "month=2024-01"
    old, young = month / "a.parquet#1", month / "b.parquet#1"
    dead, alive = tmp_path / "lake" / ".staging" / "dead", tmp_path / "lake" / ".staging" / "alive"
    for path in (old, young, dead / "x.parquet", alive / "x.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    long_ago = old.stat().st_mtime - 2 * 24 * 3600
    for path in (old, dead / "x.parquet", dead):
        os.utime(path, (long_ago, long_ago))
    assert "month=2024-01/a.parquet#1" in store.sweep("demand", [0])
    assert not old.exists()
    assert young.exists()
    assert store.abandoned() == [dead]
