"""Backups: what goes in comes out elsewhere, and nothing that was damaged, cut or swapped passes for whole."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from django.db import connections
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.config.installation import restore
from tierwise.config.runtime import Runtime
from tierwise.kernel import files
from tierwise.kernel.backup.archive import Damaged, Store
from tierwise.kernel.backup.making import BackupPlan, make_backup
from tierwise.kernel.backup.restoring import UNFINISHED, NotEmpty, check
from tierwise.kernel.backup.sealing import CHUNK, Lock, SealedReader, SealedWriter, WrongKey, described_in, new_key
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.lake.actions import project
from tierwise.lake.models import Manifest
from tierwise.lake.queries import store
from tierwise.lake.schemas import TABLES
from tierwise.lake.store import Batch, LakeStore

KEY = Lock(key=bytes(range(32)))
PLAIN = {"by": "key"}


def sealed(content: bytes, lock: Lock = KEY) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, lock.master(PLAIN), PLAIN)
    writer.write(content)
    writer.finish()
    return file.getvalue()


def unsealed(text: bytes, lock: Lock = KEY) -> bytes:
    file = io.BytesIO(text)
    described = described_in(file)
    return SealedReader(file, lock.master(described), described).readall() or b""


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_streams_come_back_whole(size: int) -> None:
    content = random.Random(size).randbytes(size)
    text = sealed(content)
    assert unsealed(text) == content
    assert size < 64 or content[:64] not in text
    with pytest.raises(WrongKey):
        unsealed(text, Lock(key=bytes(32)))


def test_a_head_that_says_the_same_otherwise_is_damaged() -> None:
    text = sealed(b"x")
    with pytest.raises(WrongKey, match="head"):
        unsealed(text.replace(b'": "', b'":\t"', 1))


@settings(max_examples=60)
@given(data=st.data())
def test_no_change_of_a_stream_passes(data: st.DataObject) -> None:
    """Flips, cuts, additions, chunks swapped or left out: GCM and the count of chunks find them all."""
    text = sealed(bytes(2 * CHUNK + 500))
    begin = text.index(b"}") + 2
    step = CHUNK + 16
    kind = data.draw(st.sampled_from(["flip", "cut", "add", "swap", "drop"]))
    if kind == "flip":
        at = data.draw(st.integers(0, len(text) - 1))
        changed = text[:at] + bytes([text[at] ^ data.draw(st.integers(1, 255))]) + text[at + 1 :]
    elif kind == "cut":
        changed = text[: data.draw(st.integers(0, len(text) - 1) | st.sampled_from([begin + step, begin + 2 * step]))]
    elif kind == "add":
        changed = text + data.draw(st.binary(min_size=1, max_size=40))
    elif kind == "swap":
        changed = (
            text[:begin] + text[begin + step : begin + 2 * step] + text[begin : begin + step] + text[begin + 2 * step :]
        )
    else:
        changed = text[:begin] + text[begin + step :]
    with pytest.raises((WrongKey, KeyError, ValueError)):
        unsealed(changed)


def test_a_passphrase_opens_what_it_locked() -> None:
    lock = Lock(passphrase="correct horse")
    described = lock.describe()
    assert lock.master(described) == lock.master(described)
    assert lock.master(described) != Lock(passphrase="correct house").master(described)
    with pytest.raises(WrongKey, match="passphrase"):
        KEY.master(described)
    with pytest.raises(WrongKey, match="key file"):
        lock.master(PLAIN)


def test_a_key_file_is_made_once_and_closed(tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert len(Lock.from_file(tmp_path / "key").key) == 32
    with pytest.raises(FileExistsError):
        new_key(tmp_path / "key")
    (tmp_path / "other").write_text("nothing of the kind")
    with pytest.raises(ValueError, match="no key file"):
        Lock.from_file(tmp_path / "other")


# --- whole backups


def rates(day: int) -> pl.DataFrame:
    made = {
        "from_currency": ["USD", "GBP", "CHF"], "to_currency": ["EUR"] * 3, "kind": ["spot"] * 3,
        "valid_from": [date(2026, 1, day)] * 3, "rate": [Decimal("0.9"), Decimal("1.2"), Decimal("1.05")],
    }  # fmt: skip
    schema = TABLES["exchange_rate"].schema
    return pl.DataFrame(made).select(pl.col(name).cast(schema[name]) for name in schema)


@pytest.fixture
def filled(world: World) -> World:
    """Rows in many tables, three manifests of the lake, an orphaned commit, a file."""
    for day in (1, 2, 3):
        project(SYSTEM, {"exchange_rate": rates(day)}, frozenset(), f"rates of {day}")
    with viewer_scope(SYSTEM):
        versions = Manifest.objects.order_by("-number").first().versions  # type: ignore[union-attr]
    store().apply(Batch("exchange_rate", rates(4), "tierwise", datetime(2026, 2, 1, tzinfo=UTC)), versions)
    with viewer_scope(world["planner"]):
        files.store(world["planner"], world.host, "note.txt", "Grüße".encode())
    return world


def plan(database: Template, tmp_path: Path, target: Path, lock: Lock = KEY) -> BackupPlan:
    name = connections["worker"].settings_dict["NAME"]
    return BackupPlan(database.runtime.admin_conninfo(name), tmp_path, target, lock, not target.suffix)


def elsewhere(database: Template, home: Path) -> Runtime:
    """A home of its own, and a database of its own name on the run's server."""
    name = f"{connections['worker'].settings_dict['NAME']}_restored"
    url = database.runtime.admin_conninfo()
    return Runtime(home, url, name, str(home / "lake"))


def drop(runtime: Runtime) -> None:
    with psycopg.connect(runtime.admin_conninfo(), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{runtime.database_name}" with (force)')


@pytest.mark.database
@pytest.mark.parametrize("name", ["a backup.twb", "backups"])
def test_a_backup_restores_elsewhere_and_is_the_same(
    filled: World, database: Template, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_backup(plan(database, tmp_path, tmp_path / "target" / name))
    there = elsewhere(database, tmp_path / "elsewhere")
    # The run's logins keep their passwords: both databases are on one server.
    monkeypatch.setattr("tierwise.kernel.database.create_logins", lambda *_: None)
    try:
        restored = restore(tmp_path / "target" / name, KEY, there)
        assert restored.differences == []
        assert restored.manifest == made.manifest
        assert not (there.home / UNFINISHED).exists()
        assert not (there.home / "secret").exists() or made.manifest.members[-1].name != "secret"
        with psycopg.connect(there.admin_conninfo(there.database_name)) as connection:
            forced = connection.execute("select count(*) from pg_class where relforcerowsecurity").fetchone()
            assert forced is not None
            assert forced[0] > 20
            connection.execute("set role tw_buyer")
            assert connection.execute("select count(*) from directory_company").fetchone() == (0,)
            connection.rollback()
            connection.execute("update directory_segment set name = name || '!' where code = 'STD'")
        # Every version that a manifest names is there, and the orphan is not.
        lake = LakeStore(there.lake)
        with viewer_scope(SYSTEM):
            manifests = [m.versions for m in Manifest.objects.order_by("number")]
        for versions in manifests:
            here = store().scan("exchange_rate", versions).collect().sort("from_currency", "valid_from")
            assert lake.scan("exchange_rate", versions).collect().sort("from_currency", "valid_from").equals(here)
        newest = manifests[-1]["exchange_rate"]
        assert lake.open("exchange_rate", newest).version() == newest
        assert len(list(Path(there.lake, "exchange_rate", "_delta_log").glob("*.json"))) == newest + 1
        with pytest.raises(NotEmpty):
            restore(tmp_path / "target" / name, KEY, there)
        with pytest.raises(NotEmpty, match="already holds"):
            restore(
                tmp_path / "target" / name,
                KEY,
                replace(there, home=tmp_path / "third", lake=str(tmp_path / "third/lake")),
            )
    finally:
        drop(there)


@pytest.mark.database
def test_a_second_night_copies_what_is_new(filled: World, database: Template, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first = make_backup(plan(database, tmp_path, folder))
    project(SYSTEM, {"exchange_rate": rates(5)}, frozenset(), "one more")
    second = make_backup(plan(database, tmp_path, folder))
    kept = {e.name for e in first.manifest.members if not e.name.startswith("database/")}
    assert kept < {e.name for e in second.manifest.members}
    new = {e.name for e in second.manifest.members} - {e.name for e in first.manifest.members}
    dumped = sum(e.size for e in second.manifest.members if e.name.startswith("database/"))
    assert second.copied == dumped + sum(e.size for e in second.manifest.members if e.name in new)
    assert check(folder, KEY, first.name).manifest == first.manifest
    # The first goes, and what only it held; the second still opens.
    opened = Store(folder, KEY)
    before = len(list(folder.glob("objects/*/*")))
    assert opened.keep(1) == [first.name]
    assert len(list(folder.glob("objects/*/*"))) < before
    assert check(folder, KEY).manifest == second.manifest
    with pytest.raises(Damaged, match="holds no backup"):
        check(folder, KEY, first.name)


@pytest.mark.database
def test_damage_is_found(filled: World, database: Template, tmp_path: Path) -> None:
    file, folder = tmp_path / "b.twb", tmp_path / "many"
    make_backup(plan(database, tmp_path, file))
    make_backup(plan(database, tmp_path, folder))
    whole = file.read_bytes()
    for at in (len(whole) // 3, len(whole) - 5):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(WrongKey):
            check(file, KEY)
        file.write_bytes(whole[:at])
        with pytest.raises(WrongKey):
            check(file, KEY)
    with pytest.raises(WrongKey):
        check(folder, Lock(key=bytes(32)))
    held = sorted(folder.glob("objects/*/*"))
    first, second = held[0].read_bytes(), held[1].read_bytes()
    held[0].write_bytes(second)
    held[1].write_bytes(first)
    with pytest.raises(Damaged, match="not what was backed up"):
        check(folder, KEY)
    held[0].unlink()
    with pytest.raises(Damaged):
        check(folder, KEY)


@pytest.mark.database
def test_a_backup_never_lies_in_what_it_copies(filled: World, database: Template, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose another place"):
        plan(database, tmp_path, tmp_path / "lake" / "b.twb")


@pytest.mark.database
def test_a_backup_that_breaks_off_leaves_nothing(
    filled: World, database: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tierwise.kernel.backup.making.digests", lambda _: iter([("x", 1 / 0)]))
    for name in ("b.twb", "many"):
        with pytest.raises(ZeroDivisionError):
            make_backup(plan(database, tmp_path, tmp_path / name))
    assert not (tmp_path / "b.twb").exists()
    assert not list(tmp_path.glob("*.partial"))
    assert Store(tmp_path / "many", KEY).names() == []
