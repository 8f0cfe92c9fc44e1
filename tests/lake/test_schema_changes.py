"""The lake of an older release comes up to date, once, whoever is killed on the way, and nothing in it changes."""

from __future__ import annotations

import json
import os
import tarfile
import time
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from fixtures.worlds import World
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.lake.actions import bring_lake_up_to_date, change_lake
from tierwise.lake.models import Manifest
from tierwise.lake.schema_changes import CHANGES, LAYOUT, NEWEST, apply_changes, pending
from tierwise.lake.schemas import TABLES
from tierwise.lake.store import KEEPS_LOG, LakeStore

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "main-job-lake.tar.xz"


@pytest.fixture
def old_lake(tmp_path: Path) -> tuple[LakeStore, list[dict[str, int]]]:
    """The main job's lake as it was before layouts were counted, with its manifests."""
    with tarfile.open(FIXTURE) as tar:
        tar.extractall(tmp_path, filter="data")
    return LakeStore(tmp_path / "lake"), json.loads((tmp_path / "lake" / "manifests.json").read_text())


def rows(lake: LakeStore, versions: dict[str, int]) -> dict[str, pl.DataFrame]:
    """What the tables say; of the mix, which is laid by month since, without the month."""
    found = {table: lake.history(table, versions).collect() for table in versions if table in TABLES}
    found = {table: frame.drop("month") if table == "mix" else frame for table, frame in found.items()}
    return {table: frame.sort(frame.columns) for table, frame in found.items()}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def test_changes_are_numbered_from_one() -> None:
    assert [change.number for change in CHANGES] == list(range(1, NEWEST + 1))
    assert pending({LAYOUT: NEWEST}) == ()
    assert pending({}) == CHANGES


def test_an_old_lake_comes_up_to_date_and_keeps_its_rows(old_lake: tuple[LakeStore, list[dict[str, int]]]) -> None:
    lake, manifests = old_lake
    before = [rows(lake, versions) for versions in manifests]
    assert sum(frame.height for frame in before[-1].values()) > 1000
    reached = apply_changes(lake, manifests[-1])
    assert reached[LAYOUT] == NEWEST
    assert all(lake.open(t, v).metadata().configuration == KEEPS_LOG for t, v in reached.items() if t in TABLES)
    assert same(rows(lake, reached), before[-1])
    assert lake.open("mix", reached["mix"]).metadata().partition_columns == ["month"]
    mix = lake.history("mix", reached).select(pl.col("valid_from").dt.strftime("%Y-%m") == pl.col("month")).collect()
    assert mix.height > 0
    assert mix.to_series().all()
    assert all(same(rows(lake, versions), found) for versions, found in zip(manifests, before, strict=True))
    assert apply_changes(lake, reached) == reached


@pytest.mark.parametrize("after", [1, 4])
def test_one_that_died_half_way_is_done_again(old_lake: tuple[LakeStore, list[dict[str, int]]], after: int) -> None:
    """What it had committed is named by no manifest, so the second run starts from the same versions."""
    lake, manifests = old_lake
    before = rows(lake, manifests[-1])
    some = dict(list(manifests[-1].items())[:after])
    apply_changes(lake, some)
    assert same(rows(lake, apply_changes(lake, manifests[-1])), before)


def test_the_log_is_kept_however_old(tmp_path: Path) -> None:
    """Delta would drop what is older than a month at its next checkpoint, the hundredth commit."""
    path = tmp_path / "lake" / "cost"
    write_deltalake(path, pl.DataFrame({"a": [0]}))
    lake = LakeStore(tmp_path / "lake")
    assert lake.configure("cost", 0, KEEPS_LOG) == 1
    for number in range(98):
        write_deltalake(path, pl.DataFrame({"a": [number]}), mode="append")
    old = time.time() - 90 * 86400
    for file in (path / "_delta_log").iterdir():
        os.utime(file, (old, old))
    for number in range(4):
        write_deltalake(path, pl.DataFrame({"a": [number]}), mode="append")
    assert list((path / "_delta_log").glob("*.checkpoint.parquet")) != []
    assert DeltaTable(path, version=0).file_uris() != []


@pytest.mark.database
def test_it_counts_once_the_manifest_has_moved(world: World, old_lake: tuple[LakeStore, list[dict[str, int]]]) -> None:
    with viewer_scope(SYSTEM):
        for number, versions in enumerate(old_lake[1], start=1):
            Manifest.objects.create(number=number, versions=versions, reason="as it was")
    assert bring_lake_up_to_date(SYSTEM) == [change.name for change in CHANGES]
    assert bring_lake_up_to_date(SYSTEM) == []
    assert change_lake(SYSTEM) == [], "asked again, it finds nothing to do"
    with viewer_scope(SYSTEM):
        newest = Manifest.objects.order_by("-number").first()
        assert newest is not None
        assert (newest.number, newest.versions[LAYOUT]) == (len(old_lake[1]) + 1, NEWEST)
        assert AuditEntry.objects.filter(action="change_lake").count() == 2
    with pytest.raises(NotAllowed):
        change_lake(world["planner"])
    with pytest.raises(NotAllowed):
        change_lake(world["a planner"])
