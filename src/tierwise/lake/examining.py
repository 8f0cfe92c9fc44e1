"""What can be wrong with the lake: versions that cannot be opened, what dead writers left, imports that broke off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from tierwise.kernel.clock import now
from tierwise.kernel.doctor.findings import Check, Finding, Severity, add_checks
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.lake.backup import named_versions
from tierwise.lake.models import ImportRun, Manifest
from tierwise.lake.queries import store
from tierwise.lake.records import ImportState
from tierwise.lake.schema_changes import pending

_DAY = timedelta(days=1)


def _manifests() -> list[dict[str, int]]:
    with viewer_scope(SYSTEM):
        return list(Manifest.objects.order_by("-number").values_list("versions", flat=True))


def versions() -> Iterator[Finding]:
    """Every table opens, with all its files, at the newest manifest; and at every version that a manifest names."""
    manifests, lake = _manifests(), store()
    if not manifests:
        return
    missing: list[str] = []
    closed: list[str] = []
    for table, numbers in sorted(named_versions(manifests).items()):
        for number in sorted(numbers, reverse=True):
            try:
                delta = lake.open(table, number)
                uris = delta.file_uris() if number == manifests[0].get(table) and lake.local else []
            except Exception:
                closed.append(f"{table} {number}")
                continue
            missing.extend(f"{table}/{Path(uri).name}" for uri in uris if not Path(uri).exists())
    newest = {f"{table} {number}" for table, number in manifests[0].items()}
    restore = "Restore the lake's folder from a backup (`tierwise restore` into a new home, then copy)."
    if broken := [name for name in closed if name in newest]:
        yield Finding(
            "lake", Severity.FAULT, f"The manifest names versions that do not open: {', '.join(broken[:8])}.", restore
        )
    if missing:
        yield Finding(
            "lake", Severity.FAULT, f"{len(missing)} files of the lake are missing, among them {missing[0]}.", restore
        )
    if older := [name for name in closed if name not in newest]:
        yield Finding("lake", Severity.WARNING, f"{len(older)} older versions do not open; results of then cannot be "
                      f"reproduced: {', '.join(older[:8])}.", restore)  # fmt: skip


def layout() -> Iterator[Finding]:
    manifests = _manifests()
    if manifests and (changes := pending(manifests[0])):
        yield Finding("lake", Severity.FAULT, f"The lake's layout is behind: {', '.join(c.name for c in changes)}.",
                      "tierwise migrate")  # fmt: skip


def leftovers() -> Iterator[Finding]:
    """Half-written files, and files that no named version needs."""
    lake = store()
    left = lake.unfinished((now() - _DAY).timestamp())
    if left:
        size = sum(path.stat().st_size for path in left) / 2**20
        yield Finding("lake", Severity.NOTE, f"{len(left)} half-written files ({size:.1f} MB) of dead writers.",
                      "tierwise doctor --mend removes those older than a day.", partial(_remove, left))  # fmt: skip
    dead = lake.abandoned()
    if dead:
        yield Finding("lake", Severity.NOTE, f"{len(dead)} killed imports left rows they had laid down.",
                      "tierwise doctor --mend removes those older than a day.",
                      partial(_remove_folders, dead))  # fmt: skip
    keep = named_versions(_manifests())
    orphans = {table: lake.sweep(table, numbers, dry_run=True) for table, numbers in keep.items()}
    count = sum(map(len, orphans.values()))
    if count:
        yield Finding("lake", Severity.NOTE, f"{count} files of the lake belong to no version that a manifest names.",
                      "tierwise doctor --mend removes those older than a week.", partial(_sweep, keep))  # fmt: skip


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _remove_folders(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(keep: dict[str, set[int]]) -> None:
    for table, numbers in keep.items():
        store().sweep(table, numbers)


def imports() -> Iterator[Finding]:
    with viewer_scope(SYSTEM):
        count = ImportRun.objects.filter(state=ImportState.RUNNING, began_at__lt=now() - _DAY).count()
    if count:
        yield Finding("imports", Severity.WARNING, f"{count} imports have been under way for more than a day.",
                      "Whoever handed them in may hand them in again; nothing of them was taken.")  # fmt: skip


def register() -> None:
    add_checks(
        Check("lake's versions", versions),
        Check("lake's layout", layout),
        Check("lake's leftovers", leftovers),
        Check("imports", imports),
    )
