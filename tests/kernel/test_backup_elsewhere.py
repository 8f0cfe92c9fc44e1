"""A backup comes back where nothing of the old installation is: on another server, without a superuser, in a bucket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import psycopg
import pytest
from django.conf import LazySettings
from django.db import connections
from polars.testing import assert_frame_equal

from fixtures.databases import Template
from fixtures.worlds import World
from kernel.test_backup import KEY, plan, rates
from lake.object_stores import object_store
from tierwise.config.installation import restore, serving
from tierwise.config.runtime import Runtime
from tierwise.kernel import database as making
from tierwise.kernel import files
from tierwise.kernel.backup.database import digests, snapshot
from tierwise.kernel.backup.making import make_backup
from tierwise.kernel.backup.restoring import NotEmpty, check
from tierwise.kernel.postgres import Server
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.lake.actions import project
from tierwise.lake.models import Manifest
from tierwise.lake.queries import store
from tierwise.lake.store import LakeStore

pytestmark = [pytest.mark.database, pytest.mark.slow]


def fill(world: World) -> None:
    for day in (1, 2, 3):
        project(SYSTEM, {"exchange_rate": rates(day)}, frozenset(), f"rates of {day}")
    with viewer_scope(world["planner"]):
        files.store(world["planner"], world.host, "note.txt", b"evidence")


def hashes(conninfo: str) -> dict[str, object]:
    with snapshot(conninfo) as state:
        return dict(digests(state))


def here(database: Template) -> str:
    return database.runtime.admin_conninfo(connections["worker"].settings_dict["NAME"])


def manifests() -> list[dict[str, int]]:
    with viewer_scope(SYSTEM):
        return [m.versions for m in Manifest.objects.order_by("number")]


def rows(lake: LakeStore, versions: dict[str, int]) -> pl.DataFrame:
    return lake.scan("exchange_rate", versions).collect().sort("from_currency", "valid_from")


def test_a_backup_comes_back_on_another_server_of_its_own(world: World, database: Template, tmp_path: Path) -> None:
    fill(world)
    make_backup(plan(database, tmp_path, tmp_path / "b.twb"))
    there = Runtime(tmp_path / "there", lake=str(tmp_path / "there" / "lake"))
    restored = restore(tmp_path / "b.twb", KEY, there)
    assert restored.differences == []
    with serving(there):
        conninfo = there.admin_conninfo(there.database_name)
        assert there.server().sockets != database.runtime.server().sockets
        assert hashes(conninfo) == hashes(here(database))
        with psycopg.connect(conninfo) as connection:
            connection.execute("update directory_segment set name = name || '!' where code = 'STD'")
            connection.commit()
        found, before = hashes(conninfo), hashes(here(database))
        assert {name for name in before if before[name] != found[name]} == {"directory_segment"}
    for versions in manifests():
        assert_frame_equal(rows(LakeStore(there.lake), versions), rows(store(), versions))


@pytest.fixture
def strange_server(tmp_path: Path) -> Iterator[Server]:
    """Somebody else's server, on which we have a login that is no superuser."""
    server = Server(tmp_path / "strange" / "postgres" / "data")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def by_superuser(server: Server, statement: str) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(statement)


def tierwise(runtime: Runtime, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "TIERWISE_HOME": str(runtime.home), "TIERWISE_DATABASE_URL": runtime.database_url,
        "TIERWISE_DATABASE_NAME": runtime.database_name, "TIERWISE_BACKUP_PASSPHRASE": "x" * 20,
    }  # fmt: skip
    command = [sys.executable, "-m", "tierwise", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_a_server_of_ones_own_needs_no_superuser(
    world: World, database: Template, tmp_path: Path, strange_server: Server
) -> None:
    fill(world)
    make_backup(plan(database, tmp_path, tmp_path / "b.twb"))
    by_superuser(strange_server, "create role dba login")
    url = strange_server.conninfo("postgres", "dba")
    there = Runtime(tmp_path / "there", url, "supply chain", str(tmp_path / "there" / "lake"))
    lacks = making.lacking(url, there.database_name)
    assert [one.remedy for one in lacks] == [
        "alter role \"dba\" createrole;", "alter role \"dba\" createdb;", "alter role \"dba\" bypassrls;",
    ]  # fmt: skip
    with pytest.raises(RuntimeError, match=r"may not make logins.*createrole;"):
        restore(tmp_path / "b.twb", KEY, there)
    told = tierwise(replace(there, home=tmp_path / "trying"), "doctor", "--json")
    assert 'alter role \\"dba\\" createrole;' in told.stdout, told.stdout + told.stderr
    for one in lacks[:2]:
        by_superuser(strange_server, one.remedy)
    with pytest.raises(RuntimeError, match="does not see all rows"):
        restore(tmp_path / "b.twb", KEY, there)
    assert not there.home.exists() or not any(there.home.glob("lake/*"))
    by_superuser(strange_server, lacks[2].remedy)
    restored = restore(tmp_path / "b.twb", KEY, there)
    assert restored.differences == []
    assert making.lacking(url, there.database_name) == []
    assert hashes(there.admin_conninfo(there.database_name)) == hashes(here(database))
    # It runs there: set up, examined, backed up and compared by that login.
    said = json.loads(tierwise(there, "doctor", "--json").stdout)
    assert not [one for one in said["findings"] if one["check"] in {"administering", "logins", "rights"}], said
    backup = tierwise(there, "backup", str(tmp_path / "again.twb"))
    assert backup.returncode == 0, backup.stderr
    # The same login without the right to see all rows says so, and the rest goes on.
    by_superuser(strange_server, "alter role dba nobypassrls")
    said = json.loads(tierwise(there, "doctor", "--json").stdout)
    assert [one["severity"] for one in said["findings"] if one["check"] == "administering"] == ["warning"]
    refused = tierwise(there, "backup", str(tmp_path / "third.twb"))
    assert refused.returncode != 0
    assert "bypassrls" in refused.stderr + refused.stdout


def test_logins_of_somebody_else_are_told(strange_server: Server) -> None:
    by_superuser(strange_server, "create role dba login createrole createdb bypassrls")
    by_superuser(strange_server, "create role tw_buyer login")
    (lack,) = making.lacking(strange_server.conninfo("postgres", "dba"), "tierwise")
    assert "tw_buyer were made by somebody else" in lack.what
    by_superuser(strange_server, lack.remedy)
    assert making.lacking(strange_server.conninfo("postgres", "dba"), "tierwise") == []


def test_a_lake_in_an_object_store_is_in_the_backup(
    world: World, database: Template, tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    try:
        with object_store(os.environ) as address:  # type: ignore[arg-type]
            settings.TIERWISE_LAKE = address
            fill(world)
            folder = tmp_path / "backups"
            made = make_backup(plan(database, tmp_path, folder))
            names = [entry.name for entry in made.manifest.members if entry.name.startswith("lake/exchange_rate/")]
            assert sum(name.endswith(".json") for name in names) == max(manifests()[-1].values()) + 1
            assert sum(name.endswith(".parquet") for name in names) >= 3
            # The next night takes what is new, and the short log.
            project(SYSTEM, {"exchange_rate": rates(4)}, frozenset(), "one more")
            second = make_backup(plan(database, tmp_path, folder))
            known = {entry.name for entry in made.manifest.members}
            new = [one for one in second.manifest.members if one.name not in known and one.name.endswith(".parquet")]
            assert new
            assert second.copied < second.manifest.size
            assert check(folder, KEY).manifest == second.manifest
            there = Runtime(tmp_path / "there", lake=str(tmp_path / "there" / "lake"))
            assert restore(folder, KEY, there).differences == []
            bucket = replace(there, home=tmp_path / "second", lake=f"{address}-restored")
            assert restore(folder, KEY, bucket).differences == []
            for versions in manifests():
                wanted = rows(store(), versions)
                assert_frame_equal(rows(LakeStore(there.lake), versions), wanted)
                assert_frame_equal(rows(LakeStore(bucket.lake), versions), wanted)
            with pytest.raises(NotEmpty, match="holds tables"):
                restore(folder, KEY, replace(bucket, home=tmp_path / "third"))
    finally:
        for name in set(os.environ) - set(before):
            monkeypatch.delenv(name)
        os.environ.update(before)
