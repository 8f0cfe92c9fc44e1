"""Makes a backup while everything runs: the database's snapshot first, then what that snapshot names."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from tierwise.kernel.backup.archive import FileWriter, FolderWriter, Manifest, Store, Writer
from tierwise.kernel.backup.database import Snapshot, digests, dump_parts, snapshot
from tierwise.kernel.backup.sealing import Lock
from tierwise.kernel.clock import now
from tierwise.kernel.pipeline import Progress, silent

STAMP = "%Y%m%dT%H%M%S%fZ"
DUMP = "database"
SECRET = "secret"  # noqa: S105  a member's name
_STORED = re.compile(r"[0-9a-f]{64}")
_DIGEST_SHARE = 0.15
"""Of the whole time, what digests of the tables take; measured on the standard demo company."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What lies in an object store. ``named_by_content`` says that a name never comes to hold something else."""

    size: int
    open: Callable[[], BinaryIO]
    named_by_content: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be backed up, and the name it is restored under. One that is ``passing`` may be gone meanwhile."""

    name: str
    path: Path | Remote
    passing: bool = False


Keeper = Callable[[Snapshot, Path], Iterator[SourceFile]]
LakeVersions = Callable[[Snapshot], dict[str, int]]
_keepers: dict[str, Keeper] = {}
_lake_versions: list[LakeVersions] = []


def add_keeper(name: str, keeper: Keeper) -> None:
    """Rooms above add what they keep outside the database; given the snapshot and the home, they name their files."""
    _keepers[name] = keeper


def set_lake_versions(answer: LakeVersions) -> None:
    """Who says which version of each lake table counts in a snapshot."""
    _lake_versions[:] = [answer]


def _stored_files(_: Snapshot, home: Path) -> Iterator[SourceFile]:
    """Files by content. All of them: what a row names was there before the row."""
    for path in sorted((home / "files").glob("*/*")):
        if _STORED.fullmatch(path.name):
            yield SourceFile(f"files/{path.parent.name}/{path.name}", path)


add_keeper("files", _stored_files)


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What is backed up and where to. A folder, existing or with a slash at its end, takes one backup beside others."""

    conninfo: str
    home: Path
    target: Path
    lock: Lock
    into_folder: bool = False
    with_secret: bool = False
    without: frozenset[str] = frozenset()
    audit_key: str = ""

    def __post_init__(self) -> None:
        inside = self.target.absolute()
        for part in ("lake", "files", "postgres"):
            if inside.is_relative_to((self.home / part).absolute()):
                raise ValueError(f"target: {self.target} lies in the {part} that is backed up; choose another place")


@dataclass(frozen=True, slots=True)
class Made:
    """``copied`` are the bytes read and encrypted; the rest an earlier backup in the folder held already."""

    name: str
    manifest: Manifest
    copied: int


def make_backup(plan: BackupPlan, progress: Progress = silent) -> Made:
    """Writes a backup. One that breaks off leaves nothing that could be taken for one."""
    name = now().strftime(STAMP)
    with snapshot(plan.conninfo) as state, _writer(plan, name) as writer:
        files = _files(state, plan)
        sizes = {file.name: _size(file) for file in files}
        total, done = state.size * 0.3 + sum(sizes.values()) + 1, 0.0

        def tell(what: str, more: float) -> None:
            nonlocal done
            done = min(done + more, total)
            progress(what, done / total * (1 - _DIGEST_SHARE))

        for number, part in enumerate(dump_parts(state)):
            writer.add(f"{DUMP}/{number:06d}", io.BytesIO(part), len(part))
            tell("database", len(part))
        done = max(done, state.size * 0.3)
        copied = sum(entry.size for entry in writer.entries)
        for file in files:
            copied += _copy(writer, file)
            tell(file.name.split("/")[0], sizes[file.name])
        tables = {}
        for table, digest in digests(state):
            progress(f"digest of {table}", 1 - _DIGEST_SHARE)
            tables[table] = digest
        lake = _lake_versions[0](state) if _lake_versions else {}
        manifest = Manifest(
            made_at=now().isoformat(), tierwise=version("tierwise"), postgres=state.version, tables=tables, lake=lake,
            members=tuple(writer.entries), audit=_audit_head(state) | {"key": plan.audit_key},
        )  # fmt: skip
        writer.finish(manifest)
        progress("done", 1.0)
        return Made(name, manifest, copied)


def _files(state: Snapshot, plan: BackupPlan) -> list[SourceFile]:
    keepers = [keeper for name, keeper in _keepers.items() if name not in plan.without]
    files = [file for keeper in keepers for file in keeper(state, plan.home)]
    return [*files, SourceFile(SECRET, plan.home / "secret")] if plan.with_secret else files


def _size(file: SourceFile) -> int:
    if isinstance(file.path, Remote):
        return file.path.size
    try:
        return file.path.stat().st_size
    except FileNotFoundError:
        if file.passing:
            return 0
        raise


def _copy(writer: Writer, file: SourceFile) -> int:
    if isinstance(file.path, Remote):
        return _copy_remote(writer, file.name, file.path)
    if file.passing and not file.path.exists():
        return 0
    found = file.path.stat()
    if writer.known(file.name, found.st_size, found.st_mtime_ns):
        return 0
    with file.path.open("rb") as content:
        writer.add(file.name, content, found.st_size, found.st_mtime_ns)
    return found.st_size


def _copy_remote(writer: Writer, name: str, found: Remote) -> int:
    if found.named_by_content and writer.known(name, found.size, 0):
        return 0
    with closing(found.open()) as content:
        writer.add(name, content, found.size)
    return found.size


@contextmanager
def _writer(plan: BackupPlan, name: str) -> Iterator[Writer]:
    writer: Writer
    if plan.into_folder:
        writer = FolderWriter(Store(plan.target, plan.lock, create=True), name)
    else:
        plan.target.parent.mkdir(parents=True, exist_ok=True)
        writer = FileWriter(plan.target, plan.lock)
    try:
        yield writer
    except BaseException:
        writer.give_up()
        raise


def _audit_head(state: Snapshot) -> dict[str, str | int]:
    rows = state.rows("select number, head from kernel_auditseal order by number desc limit 1")
    return {"seal": int(rows[0][0]), "head": str(rows[0][1])} if rows else {}
