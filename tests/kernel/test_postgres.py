"""The embedded server under bad luck: strange folders, killed processes, stale files, many users at once."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tierwise.kernel.postgres import Server

pytestmark = pytest.mark.database

SMALL = {"shared_buffers": "1MB", "max_connections": "30", "max_wal_size": "64MB"}
SOURCE = str(Path(__file__).resolve().parents[2] / "src")
# What another process does: it takes part, says so, and leaves when its input ends.
VISITOR = f"""
import sys
from pathlib import Path
from tierwise.kernel.postgres import Server
import psycopg
server = Server(Path(sys.argv[1]), {SMALL!r})
server.start()
with psycopg.connect(server.conninfo(), autocommit=True) as connection:
    connection.execute("insert into visit values (%s)", [int(sys.argv[2])]) if len(sys.argv) > 2 else None
    print(server._pid(), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that a shell, a socket path and a connection string would each stumble over."""
    made = Path(tempfile.mkdtemp(prefix='Jürgen\'s "own", data '))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def prepared(home: Path) -> Path:
    """A data folder with one committed row."""
    data = home / "postgres" / "data"
    server = Server(data, SMALL)
    server.start()
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("create table visit (n int)")
        connection.execute("insert into visit values (0)")
    server.stop()
    return data


@pytest.fixture
def server(prepared: Path) -> Iterator[Server]:
    made = Server(prepared, SMALL)
    yield made
    made.stop()
    assert not made.alive()


def visits(server: Server) -> int:
    with psycopg.connect(server.conninfo()) as connection:
        found = connection.execute("select count(*) from visit").fetchone()
    assert found is not None
    return int(found[0])


def visitor(data: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", VISITOR, str(data), *words], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip


def told_pid(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.strip().isdigit(), process.communicate()[1]
    return int(line)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """The pid file goes a moment before the process does."""
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def test_a_strange_folder_is_served_and_served_again(server: Server) -> None:
    for _ in range(2):
        server.start()
        assert visits(server) >= 1
        pid = server._pid()
        server.stop()
        assert gone(pid)


def test_data_and_sockets_are_closed_to_others(server: Server) -> None:
    server.start()
    assert server.data.stat().st_mode & 0o077 == 0
    assert server.sockets.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_a_killed_postmaster_loses_nothing_committed(server: Server) -> None:
    server.start()
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("insert into visit select generate_series(1000, 1999)")
        before = visits(server)
        # A busy backend outlives its postmaster for a while and holds the memory the next one asks for.
        busy = psycopg.connect(server.conninfo())
        busy.pgconn.send_query(b"select count(*) from generate_series(1, 3000000)")
        os.kill(server._pid(), signal.SIGKILL)
    again = Server(server.data, SMALL)
    again.start()
    try:
        assert visits(again) == before
    finally:
        busy.close()
        again.stop()


def test_a_stale_pid_file_that_names_a_stranger_harms_neither(server: Server) -> None:
    """The stranger's command line even holds our folder, as part of a longer one."""
    server.start()
    server.stop()
    longer = f"{server.data}-of-somebody-else"
    stranger = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", longer], stdin=subprocess.PIPE)
    try:
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{server.data}\n0\n5432\n{server.sockets}\n\n")
        os.chown(pid_file, server.data.stat().st_uid, server.data.stat().st_gid)
        server.start()
        assert visits(server) >= 1
        server.stop()
        assert stranger.poll() is None
    finally:
        stranger.communicate()


def test_many_starters_share_one_server_and_the_last_one_stops_it(prepared: Path) -> None:
    server = Server(prepared, SMALL)
    crowd = [visitor(prepared, str(n)) for n in range(1, 6)]
    pids = {told_pid(process) for process in crowd}
    assert len(pids) == 1
    (pid,) = pids
    for place, process in enumerate(crowd):
        assert alive(pid), f"stopped while {len(crowd) - place} still used it"
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    assert gone(pid)
    assert not server.alive()


def test_a_killed_user_is_not_counted(prepared: Path) -> None:
    process = visitor(prepared)
    pid = told_pid(process)
    process.kill()
    process.communicate()
    server = Server(prepared, SMALL)
    server.start()
    assert server._pid() == pid, "the server outlives the user that was killed, and the next one takes it over"
    server.stop()
    assert gone(pid)


def test_another_socket_folder_is_named_and_not_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    other = Server(server.data, SMALL)
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path))
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="same TMPDIR"):
            other.start()
        assert time.monotonic() - began < 30
    assert visits(server) >= 1


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {**SMALL, "shared_buffers": "many"})
    with pytest.raises(RuntimeError, match="shared_buffers"):
        server.start()
    shutil.rmtree(server.sockets)


def somebody() -> bool:
    try:
        pwd.getpwnam("nobody")
    except KeyError:
        return False
    return os.geteuid() == 0 and shutil.which("setpriv") is not None


@pytest.mark.skipif(not somebody(), reason="needs root, setpriv and a user nobody")
def test_roots_closed_home_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "root's own"
    closed.mkdir(mode=0o700)
    server = Server(closed / "postgres" / "data", SMALL)
    server.start()
    try:
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert Path(f"/proc/{server._pid()}").stat().st_uid != 0
    finally:
        server.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0
    shutil.rmtree(server.sockets)


@pytest.mark.skipif(not somebody(), reason="needs root, setpriv and a user nobody")
def test_an_ordinary_user_runs_it_himself() -> None:
    user = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(prefix="tierwise nobody "))
    os.chown(home, user.pw_uid, user.pw_gid)
    script = VISITOR.replace("sys.stdin.read()", "print(Path(f'/proc/{server._pid()}').stat().st_uid, flush=True)")
    try:
        done = subprocess.run(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
             "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--",
             sys.executable, "-c", script, str(home / "data")],
            capture_output=True, text=True, cwd="/", env={**os.environ, "PYTHONPATH": SOURCE, "HOME": str(home)},
            check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[-1] == str(user.pw_uid)
    finally:
        shutil.rmtree(home)
