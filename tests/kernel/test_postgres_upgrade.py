"""A data folder of an older PostgreSQL moves to ours: with every row, whoever is killed on the way."""

from __future__ import annotations

import fcntl
import lzma
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tierwise.kernel.backup.database import digests, snapshot
from tierwise.kernel.postgres import Server, binaries
from tierwise.kernel.postgres_upgrade import MARK, Cluster, bring_up_to_date, old_folders, version_of

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "main-job-postgres16.sql.xz"
OLD = binaries().parents[1] / "pginstall" / "bin"
SMALL = {"shared_buffers": "1MB", "max_connections": "30", "max_wal_size": "64MB"}
SOURCE = str(Path(__file__).resolve().parents[2] / "src")
START = f"""
import sys
from pathlib import Path
from tierwise.kernel.postgres import Server
Server(Path(sys.argv[1]), {SMALL!r}).start()
"""
slow = pytest.mark.slow
needs_old = pytest.mark.skipif(not (OLD / "postgres").exists(), reason="the wheel has no older PostgreSQL")


def held(server: Server) -> dict[str, dict[str, Any]]:
    with snapshot(server.conninfo("tierwise")) as state:
        return dict(digests(state))


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, dict[str, Any]]]]:
    """The main job's state in a data folder of PostgreSQL 16, and what it holds."""
    home = tmp_path_factory.mktemp("an öld home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIERWISE_POSTGRES_BIN", str(OLD))
        server = Server(home / "data", SMALL)
        server.start()
        restored = subprocess.run(
            [str(binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.conninfo()],
            input=lzma.decompress(FIXTURE.read_bytes()), capture_output=True, check=False,
        )  # fmt: skip
        assert restored.returncode == 0, restored.stderr[-2000:]
        found = held(server)
        server.stop()
    assert version_of(home / "data") == 16
    return (home, found)


@pytest.fixture
def home(old_home: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path) -> Path:
    # Owners come along: the server's user owns its folder.
    subprocess.run(["cp", "-a", f"{old_home[0]}/.", str(tmp_path)], check=True)
    return tmp_path


@pytest.mark.database
@slow
@needs_old
def test_it_moves_once_and_keeps_the_old(home: Path, old_home: tuple[Path, dict[str, Any]]) -> None:
    server = Server(home / "data", SMALL)
    server.start()
    try:
        assert version_of(home / "data") == 18
        assert held(server) == old_home[1]
        assert sum(table["rows"] for table in old_home[1].values()) > 1000
        assert [folder.name for folder in old_folders(home / "data")] == ["data.16"]
        with snapshot(server.conninfo("tierwise")) as state:
            assert state.rows("select count(*) from pg_policies") > [(50,)]
            assert state.rows("select rolsuper or rolbypassrls from pg_roles where rolname = 'tw_buyer'") == [(False,)]
    finally:
        server.stop()
    server.start()
    server.stop()
    assert not (home / "data.next").exists()
    assert not (home / "data.upgrade").exists()


@pytest.mark.database
@slow
@needs_old
def test_a_server_that_was_killed_is_recovered_first(
    home: Path, old_home: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TIERWISE_POSTGRES_BIN", str(OLD))
        killed = Server(home / "data", SMALL)
        killed.start()
        os.kill(killed._pid(), signal.SIGKILL)
        killed.stop()
    server = Server(home / "data", SMALL)
    server.start()
    try:
        assert held(server) == old_home[1]
    finally:
        server.stop()


@pytest.mark.database
@slow
@needs_old
def test_killed_at_any_moment_it_begins_again_or_goes_on(home: Path, old_home: tuple[Path, dict[str, Any]]) -> None:
    environment = os.environ | {"PYTHONPATH": SOURCE}
    for seconds in (0.7, 1.6, 3.0):
        if version_of(home / "data") == 18:
            break
        upgrading = subprocess.Popen([sys.executable, "-c", START, str(home / "data")], env=environment)
        time.sleep(seconds)
        upgrading.kill()
        upgrading.wait()
    server = Server(home / "data", SMALL)
    server.start()
    try:
        assert version_of(home / "data") == 18
        assert held(server) == old_home[1]
    finally:
        server.stop()


@pytest.mark.database
@slow
@needs_old
def test_a_server_that_a_killed_upgrade_left_is_ended(home: Path, old_home: tuple[Path, dict[str, Any]]) -> None:
    server = Server(home / "data", SMALL)
    server._own(server.sockets)
    with (home / "upgrade.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        stray = subprocess.Popen(
            server._as_server_user(
                str(OLD / "postgres"), "-D", str(home / "data"), "-p", "5431", "-b", "-k", str(server.sockets),
                "-c", "listen_addresses=",
            ),
            pass_fds=(lock.fileno(),), cwd="/", stderr=subprocess.DEVNULL,
        )  # fmt: skip
    pid_file = home / "data" / "postmaster.pid"
    while not (pid_file.exists() and "ready" in pid_file.read_text()):
        assert stray.poll() is None
        time.sleep(0.05)
    server.start()
    try:
        assert stray.wait(1) == 0
        assert held(server) == old_home[1]
    finally:
        server.stop()


# --- the renaming alone, with folders that are none


def cluster(home: Path) -> Cluster:
    return Cluster(home / "data", home / "s", lambda *words: list(words), lambda folder: folder.mkdir(exist_ok=True))


def folder(path: Path, version: int, mark: bool = False) -> None:
    path.mkdir()
    (path / "PG_VERSION").write_text(f"{version}\n")
    if mark:
        (path / MARK).touch()


def before_the_renames(home: Path) -> None:
    folder(home / "data", 16)
    folder(home / "data.next", 18, mark=True)


def between_them(home: Path) -> None:
    folder(home / "data.16", 16)
    folder(home / "data.next", 18, mark=True)


def after_both(home: Path) -> None:
    folder(home / "data.16", 16)
    folder(home / "data", 18, mark=True)


@pytest.mark.parametrize("state", [before_the_renames, between_them, after_both])
def test_every_moment_of_the_renaming_is_made_good(tmp_path: Path, state: Callable[[Path], None]) -> None:
    state(tmp_path)
    bring_up_to_date(cluster(tmp_path), binaries())
    assert {path.name for path in tmp_path.iterdir()} == {"data", "data.16"}
    assert (version_of(tmp_path / "data"), version_of(tmp_path / "data.16")) == (18, 16)
    assert not (tmp_path / "data" / MARK).exists()


def test_what_a_newer_one_wrote_is_left_alone(tmp_path: Path) -> None:
    folder(tmp_path / "data", 99)
    with pytest.raises(RuntimeError, match="written by PostgreSQL 99"):
        bring_up_to_date(cluster(tmp_path), binaries())


def test_programs_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    folder(tmp_path / "data", 9)
    with pytest.raises(RuntimeError, match="TIERWISE_POSTGRES_OLD_BIN"):
        bring_up_to_date(cluster(tmp_path), binaries())
    assert version_of(tmp_path / "data") == 9


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (OLD / "postgres").exists():
        pytest.skip("the wheel has no older PostgreSQL")
    folder(tmp_path / "data", 16)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="MB are free"):
        bring_up_to_date(cluster(tmp_path), binaries())
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
