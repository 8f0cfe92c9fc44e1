"""Moves a data folder to the PostgreSQL that is to serve it, by ``pg_upgrade`` into a folder beside it.

The old folder is only read. The new one counts from the moment its mark is written; whoever comes after a kill
finds either an unmarked folder, which is begun anew, or a marked one, whose renaming is finished. The old folder stays
as ``data.16`` (its version) until ``tierwise doctor --mend`` removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_log = logging.getLogger(__name__)
MARK = "tierwise-upgraded"
_PATIENCE_SECONDS = 120
_PROGRAMS = {"postgres", "initdb", "pg_upgrade"}
_ROOM = 1.3
"""Free space asked for, as a multiple of the old folder: the copy, its log, and the catalogue written anew."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder, and how its programs are run: as which user, and where with their sockets."""

    data: Path
    sockets: Path
    as_user: Callable[..., list[str]]
    own: Callable[[Path], None]

    @property
    def following(self) -> Path:
        return self.data.with_name(f"{self.data.name}.next")

    @property
    def workplace(self) -> Path:
        return self.data.with_name(f"{self.data.name}.upgrade")

    @property
    def lock(self) -> Path:
        return self.data.with_name("upgrade.lock")

    def end_strays(self) -> None:
        """Ends what an upgrade leaves whose caller was killed: programs at work, and servers nobody would stop.

        Nothing is lost by it, for the old folder is only read and the new one, not being marked, is made again.
        """
        if not self.lock.exists():
            return
        end = time.monotonic() + _PATIENCE_SECONDS
        with self.lock.open("a") as lock:
            while not _taken(lock):
                if time.monotonic() > end:
                    raise RuntimeError(
                        f"Programs of an upgrade of {self.data} that was broken off do not end; stop them."
                    )
                for pid in _at_work_on(self.data, self.following):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGINT)
                time.sleep(0.1)

    def run(self, program: Path, *options: str) -> str:
        """Output of a program, run in the workplace. RuntimeError with the end of what it said."""
        with self.lock.open("a") as lock:
            # Held by whatever the program starts, for as long as that lives; see ``end_strays``.
            fcntl.flock(lock, fcntl.LOCK_SH)
            done = subprocess.run(
                self.as_user(str(program), *options), capture_output=True, text=True, cwd=self.workplace, input="",
                pass_fds=(lock.fileno(),), check=False,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program.name} failed on {self.data}:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _at_work_on(*folders: Path) -> Iterator[int]:
    """PostgreSQL's programs that name one of the folders. Compared as whole arguments: others may begin like them."""
    wanted = {str(folder) for folder in folders}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            program, *arguments = os.fsdecode(path.read_bytes()).split("\0")
            if Path(program).name in _PROGRAMS and wanted.intersection(arguments):
                yield int(path.parent.name)


def version_of(data: Path) -> int:
    """Major version that wrote a data folder; 0 where there is none."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (FileNotFoundError, ValueError):
        return 0


def old_folders(data: Path) -> list[Path]:
    """Folders that upgrades left beside the data."""
    return sorted(path for path in data.parent.glob(f"{data.name}.*") if re.fullmatch(r"\.\d+", path.suffix))


def bring_up_to_date(cluster: Cluster, programs: Path) -> None:
    """Upgrades the data folder to the version of ``programs`` where it is older.

    Nobody may serve it meanwhile, and strays of an earlier try must have ended.
    """
    _finish(cluster)
    found, wanted = version_of(cluster.data), _version_of_programs(programs)
    if found in {0, wanted}:
        return
    if found > wanted:
        raise RuntimeError(
            f"{cluster.data} was written by PostgreSQL {found}, and the programs here are of version {wanted}: "
            "install the Tierwise that wrote it, or a newer one."
        )
    old = _programs_for(found, programs)
    _refuse_without_room(cluster.data)
    _log.warning("The database moves from PostgreSQL %s to %s; this may take some minutes.", found, wanted)
    for folder in (cluster.following, cluster.workplace):
        shutil.rmtree(folder, ignore_errors=True)
        cluster.own(folder)
    cluster.own(cluster.sockets)
    _upgrade(cluster, old, programs)
    shutil.rmtree(cluster.workplace, ignore_errors=True)
    _mark(cluster)
    _finish(cluster)
    _log.warning("The database is of PostgreSQL %s. The old one is kept in %s.%s.", wanted, cluster.data, found)


def _upgrade(cluster: Cluster, old: Path, new: Path) -> None:
    said = cluster.run(old / "pg_controldata", str(cluster.data))
    if "shut down\n" not in said:
        # Recovers and shuts down in order, as pg_upgrade asks for.
        cluster.run(old / "postgres", "--single", "-D", str(cluster.data), "postgres")
    sums = "--no-data-checksums" if re.search(r"checksum version:\s+0\b", said) else "--data-checksums"
    cluster.run(
        new / "initdb", "-D", str(cluster.following), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C.UTF-8", "--no-instructions", "-c", "dynamic_shared_memory_type=mmap", sums,
    )  # fmt: skip
    cluster.run(
        new / "pg_upgrade", "--old-bindir", str(old), "--new-bindir", str(new), "--old-datadir", str(cluster.data),
        "--new-datadir", str(cluster.following), "--username", "postgres", "--socketdir", str(cluster.sockets),
        "--old-port", "5431", "--new-port", "5431", "--copy",
    )  # fmt: skip
    (cluster.following / "delete_old_cluster.sh").unlink(missing_ok=True)


def _mark(cluster: Cluster) -> None:
    """From here on the new folder is the database. Written to the disk before anything is renamed."""
    with (cluster.following / MARK).open("w") as mark:
        mark.flush()
        os.fsync(mark.fileno())
    handle = os.open(cluster.following, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _finish(cluster: Cluster) -> None:
    """Puts a marked folder in the old one's place; a kill between the two renames is made good by the next start."""
    following = cluster.following
    if (following / MARK).exists():
        if cluster.data.exists():
            aside = cluster.data.with_name(f"{cluster.data.name}.{version_of(cluster.data)}")
            shutil.rmtree(aside, ignore_errors=True)
            cluster.data.rename(aside)
        following.rename(cluster.data)
    (cluster.data / MARK).unlink(missing_ok=True)


def _refuse_without_room(data: Path) -> None:
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    free = shutil.disk_usage(data.parent).free
    if free < size * _ROOM:
        raise RuntimeError(
            f"The database has to move to a newer PostgreSQL and needs {size * _ROOM / 2**20:.0f} MB beside {data}; "
            f"{free / 2**20:.0f} MB are free."
        )


def _version_of_programs(folder: Path) -> int:
    try:
        said = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"(\d+)[.\w]*", said.stdout)
    return int(found.group(1)) if found else 0


def _programs_for(version: int, programs: Path) -> Path:
    """Programs of an older version: named by the environment, beside ours in the wheel, or Debian's."""
    for folder in _candidates(version, programs):
        if _version_of_programs(folder) == version:
            return folder
    raise RuntimeError(
        f"The database was written by PostgreSQL {version}, whose programs are needed once more to upgrade it: install "
        "them and name their folder in TIERWISE_POSTGRES_OLD_BIN."
    )


def _candidates(version: int, programs: Path) -> Iterator[Path]:
    if named := os.environ.get("TIERWISE_POSTGRES_OLD_BIN"):
        yield Path(named)
    yield from sorted(path / "bin" for path in programs.parents[1].glob("pginstall*"))
    yield Path(f"/usr/lib/postgresql/{version}/bin")
