"""What of the lake belongs into a backup: the files of the versions that manifests name, and their log."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable
from django.conf import settings

from tierwise.kernel.backup.database import Snapshot
from tierwise.kernel.backup.making import SourceFile
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
    """Files of every version that a manifest in the snapshot names. RuntimeError where the lake is no folder."""
    del home
    if "://" in settings.TIERWISE_LAKE:
        raise RuntimeError(
            "The lake lies in an object store, which a backup does not copy: back the store up by its own means, and "
            "run the backup with --without-lake."
        )
    root = Path(settings.TIERWISE_LAKE)
    named = named_versions([row[0] for row in state.rows("select versions from lake_manifest")])
    for table, versions in sorted(named.items()):
        folder = root / table
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
    active: set[str] = set()
    found: set[str] = set()
    for version in range(max(versions) + 1):
        commit = folder / "_delta_log" / f"{version:020d}.json"
        if not commit.exists():
            return _by_opening(folder, versions)
        with commit.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith('{"add"'):
                    active.add(unquote(json.loads(line)["add"]["path"]))
                elif line.startswith('{"remove"'):
                    active.discard(unquote(json.loads(line)["remove"]["path"]))
        if version in versions:
            found |= active
    return found


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
