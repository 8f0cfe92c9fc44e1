"""What of the lake belongs into a backup: the files of the versions that manifests name, and their log."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake._internal import DeltaFileSystemHandler
from django.conf import settings

from tierwise.kernel.backup.database import Snapshot
from tierwise.kernel.backup.making import Remote, SourceFile
from tierwise.lake.schemas import TABLES

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet")


def named_versions(manifests: Sequence[Mapping[str, int]]) -> dict[str, set[int]]:
    """Table → every version that any of the manifests names."""
    found: dict[str, set[int]] = defaultdict(set)
    for versions in manifests:
        for table, version in versions.items():
            if table in TABLES:
                found[table].add(version)
    return dict(found)


def lake_versions(state: Snapshot) -> dict[str, int]:
    """The newest manifest's versions."""
    rows = state.rows("select versions from lake_manifest order by number desc limit 1")
    return dict(rows[0][0]) if rows else {}


def lake_files(state: Snapshot, home: Path) -> Iterator[SourceFile]:
    """Files of every version that a manifest in the snapshot names, from a folder or an object store."""
    del home
    lake = settings.TIERWISE_LAKE
    named = named_versions([row[0] for row in state.rows("select versions from lake_manifest")])
    for table, versions in sorted(named.items()):
        if "://" in lake:
            yield from stored_files(f"{lake}/{table}", table, versions)
            continue
        folder = Path(lake) / table
        for path in sorted(table_files(folder, versions)):
            yield SourceFile(f"lake/{table}/{path}", folder / path)


def table_files(folder: Path, versions: set[int]) -> set[str]:
    """Paths, below a table's folder, of what its versions consist of: data files, and the log up to the last."""
    last, found = max(versions), set()
    log = folder / "_delta_log"
    for path in log.iterdir():
        matched = _COMMIT.fullmatch(path.name) or _CHECKPOINT.fullmatch(path.name)
        if matched and int(matched.group(1)) <= last:
            found.add(f"_delta_log/{path.name}")
    return found | _data_files(folder, versions)


def _data_files(folder: Path, versions: set[int]) -> set[str]:
    """Follows the log commit by commit, which is far quicker than opening each version."""
    active: dict[str, int] = {}
    found: set[str] = set()
    for version in range(max(versions) + 1):
        commit = folder / _commit(version)
        if not commit.exists():
            return _by_opening(folder, versions)
        with commit.open(encoding="utf-8") as lines:
            _follow(lines, active)
        if version in versions:
            found |= active.keys()
    return found


def _commit(version: int) -> str:
    return f"_delta_log/{version:020d}.json"


def _follow(lines: Iterable[str], active: dict[str, int]) -> None:
    """Takes a commit's lines into the files, by path with their sizes, that a table consists of."""
    for line in lines:
        if line.startswith('{"add"'):
            add = json.loads(line)["add"]
            active[unquote(add["path"])] = int(add["size"])
        elif line.startswith('{"remove"'):
            active.pop(unquote(json.loads(line)["remove"]["path"]), None)


def stored_files(address: str, table: str, versions: set[int]) -> Iterator[SourceFile]:
    """Log and data files of a table's versions in an object store. RuntimeError where the log's beginning is gone."""
    reach: Any = DeltaFileSystemHandler(address)  # its files are files in all but name
    active: dict[str, int] = {}
    found: dict[str, int] = {}
    for version in range(max(versions) + 1):
        name = _commit(version)
        try:
            file = reach.open_input_file(name)
        except FileNotFoundError:
            raise RuntimeError(
                f"{address}/{name} is gone, which a backup needs; back the object store up by its own means, and run "
                "the backup with --without-lake."
            ) from None
        content = file.read(file.size())
        _follow(content.decode().splitlines(), active)
        # A table that was restored goes on under numbers that another log had used.
        yield SourceFile(f"lake/{table}/{name}", Remote(len(content), partial(reach.open_input_file, name)))
        if version in versions:
            found |= active
    for path, size in sorted(found.items()):
        yield SourceFile(f"lake/{table}/{path}", Remote(size, partial(reach.open_input_file, path), True))


def lake_sink(address: str) -> Callable[[str], AbstractContextManager[BinaryIO]]:
    """What writes the files of a backup into an object store."""

    def sink(name: str) -> AbstractContextManager[BinaryIO]:
        table, _, path = name.partition("/")
        reach: Any = DeltaFileSystemHandler(f"{address}/{table}")
        return closing(reach.open_output_stream(path))

    return sink


def holds_tables(address: str) -> bool:
    """Whether an object store holds any table of a lake."""
    return any(DeltaTable.is_deltatable(f"{address}/{table}") for table in TABLES)


def _by_opening(folder: Path, versions: set[int]) -> set[str]:
    """Where a checkpoint has replaced the log's beginning."""
    base = folder.resolve()
    found = set()
    for version in versions:
        for uri in DeltaTable(str(folder), version=version).file_uris():
            found.add(str(Path(unquote(uri.removeprefix("file://"))).relative_to(base)))
    return found


def uploads(_: Snapshot, home: Path) -> Iterator[SourceFile]:
    """Extracts that were handed in and are not imported yet."""
    for path in sorted((home / "uploads").rglob("*")):
        if path.is_file():
            yield SourceFile(f"uploads/{path.relative_to(home / 'uploads')}", path, passing=True)
