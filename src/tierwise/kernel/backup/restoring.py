"""Restores a backup into an empty place and proves by hash that what lies there is what was backed up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psycopg

from tierwise.kernel.backup.archive import Damaged, Manifest, opened
from tierwise.kernel.backup.database import Restoring, differences, digests, snapshot
from tierwise.kernel.backup.making import DUMP, SECRET
from tierwise.kernel.backup.sealing import CHUNK, Lock
from tierwise.kernel.pipeline import Progress, silent

UNFINISHED = "restore-unfinished"
"""Stands in a home until the restore has been proved; ``tierwise`` does not start on it."""


class NotEmpty(Exception):
    """The target holds something, and a restore never writes over anything."""


Sink = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a place in an object store to be written, by the name below it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: a home, a lake (folder or object store), and what makes a database ready and tells its address."""

    home: Path
    lake: Path | Sink
    database: Callable[[], str]


def refuse_home(home: Path) -> None:
    """NotEmpty where the home holds anything but what an earlier, unfinished restore left."""
    if home.exists() and any(home.iterdir()):
        if (home / UNFINISHED).exists():
            shutil.rmtree(home)
            return
        raise NotEmpty(f"{home} is not empty; restore into a new folder.")


def refuse_database(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        ).fetchone()
    if found and found[0]:
        raise NotEmpty(f"The database already holds {found[0]} tables; restore into an empty one.")


def unpack(source: Path, lock: Lock, target: Target, which: str = "", progress: Progress = silent) -> Manifest:
    """Writes the files to their places and the dump into the database.

    Every member is compared with the manifest as it goes by. Raises ``WrongKey`` or ``Damaged`` and leaves the mark of
    what is unfinished.
    """
    size, done = _size_of(source), 0
    restoring: Restoring | None = None
    with opened(source, lock, which) as (members, found):
        try:
            for name, content in members:
                if name.startswith(f"{DUMP}/"):
                    if restoring is None:
                        restoring = Restoring(target.database())
                    restoring.take(content)
                else:
                    done += _put(target, name, content)
                progress(name.split("/")[0], min(done / size, 0.85))
            if restoring is None:
                raise Damaged("The backup holds no database.")
        except BaseException:
            if restoring is not None:
                restoring.give_up()
            raise
        restoring.finish()
    return found[0]


def _size_of(source: Path) -> int:
    if source.is_file():
        return max(source.stat().st_size, 1)
    return max(sum(path.stat().st_size for path in source.glob("objects/*/*")), 1)


def _put(target: Target, name: str, content: BinaryIO) -> int:
    first, _, rest = name.partition("/")
    if first != "lake" or isinstance(target.lake, Path):
        return _write(_place(target, name), content)
    if not rest or ".." in rest.split("/"):
        raise Damaged(f"The backup names a file outside its place: {name}")
    size = 0
    with target.lake(rest) as file:
        while data := content.read(CHUNK):
            size += file.write(data) or len(data)
    return size


def _place(target: Target, name: str) -> Path:
    first, _, rest = name.partition("/")
    lake = target.lake if isinstance(target.lake, Path) else target.home
    root = {"lake": lake, "files": target.home / first, "uploads": target.home / first, SECRET: target.home}
    place = (root[first] / (rest or name)).resolve() if first in root else Path()
    if first not in root or not place.is_relative_to(root[first].resolve()):
        raise Damaged(f"The backup names a file outside its place: {name}")
    return place


def _write(path: Path, content: BinaryIO) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while data := content.read(CHUNK):
            file.write(data)
        size = file.tell()
    if path.name == SECRET:
        path.chmod(0o600)
    return size


def compare(manifest: Manifest, conninfo: str, progress: Progress = silent) -> list[str]:
    """What differs between a backup's database and one that is there; nothing where both hold the same rows."""
    with snapshot(conninfo) as state:
        found = {}
        for number, (table, digest) in enumerate(digests(state)):
            progress(f"comparing {table}", 0.85 + 0.15 * number / max(len(manifest.tables), 1))
            found[table] = digest
    return differences(manifest.tables, found)


@dataclass(frozen=True, slots=True)
class Checked:
    manifest: Manifest
    members: int


def check(source: Path, lock: Lock, which: str = "", progress: Progress = silent) -> Checked:
    """Reads a backup from end to end without restoring: every chunk opens, every member is what the manifest says."""
    size, done, count = _size_of(source), 0, 0
    with opened(source, lock, which) as (members, found):
        for name, content in members:
            while data := content.read(CHUNK):
                done += len(data)
            count += 1
            progress(name.split("/")[0], min(done / size, 1.0))
    return Checked(found[0], count)
