"""Reads of the lake: always at one manifest, so that everything a page or a step shows belongs together."""

from __future__ import annotations

import io
from datetime import datetime
from uuid import UUID

import polars as pl
from django.conf import settings

from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.clock import now
from tierwise.kernel.files import path_of
from tierwise.kernel.ids import uuid7
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake.models import ImportRun, Manifest
from tierwise.lake.records import ImportRecord, ImportState, ManifestRecord
from tierwise.lake.store import LakeStore


def store() -> LakeStore:
    return LakeStore(settings.TIERWISE_LAKE)


def manifest(viewer: Viewer, manifest_id: UUID | None = None) -> ManifestRecord:
    """The newest manifest, or a named one; number 0 with no tables before the first import."""
    _refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = Manifest.objects.filter(id=manifest_id) if manifest_id else Manifest.objects.order_by("-number")
        found = rows.first()
        if found is None:
            return ManifestRecord(uuid7(), 0, now(), {})
        return ManifestRecord(found.id, found.number, found.moved_at, found.versions)


def facts(viewer: Viewer, table: str, at: ManifestRecord | None = None, as_of: datetime | None = None) -> pl.LazyFrame:
    """Rows of a table as they stand at a manifest, or as they were known at an instant."""
    _refuse_supplier(viewer)
    return store().scan(table, (at or manifest(viewer)).versions, as_of)


def _refuse_supplier(viewer: Viewer) -> None:
    # The lake has no row policies; suppliers read what was published to them and nothing else.
    if viewer.is_supplier:
        raise NotAllowed("lake", "Facts are not open to suppliers; what is shared is published.")


def import_runs(viewer: Viewer, limit: int = 200) -> list[ImportRecord]:
    with viewer_scope(viewer):
        return [_record(run) for run in ImportRun.objects.order_by("-began_at")[:limit]]


def imports_page(viewer: Viewer, part: Slice) -> list[ImportRecord]:
    """One page of imports, the newest first."""
    with viewer_scope(viewer):
        return [_record(run) for run in keyset(ImportRun.objects.all(), ("-began_at", "-id"), part)]


def manifests_page(viewer: Viewer, part: Slice) -> list[ManifestRecord]:
    """One page of manifests, the newest first."""
    _refuse_supplier(viewer)
    with viewer_scope(viewer):
        rows = keyset(Manifest.objects.all(), ("-number",), part)
        return [ManifestRecord(row.id, row.number, row.moved_at, row.versions) for row in rows]


def import_run(viewer: Viewer, run_id: UUID) -> ImportRecord | None:
    with viewer_scope(viewer):
        found = ImportRun.objects.filter(id=run_id).first()
        return _record(found) if found else None


def latest_fingerprint(viewer: Viewer, mapping: str) -> str:
    with viewer_scope(viewer):
        runs = ImportRun.objects.filter(mapping=mapping, state__in=[ImportState.IMPORTED, ImportState.UNCHANGED])
        return runs.order_by("-began_at").values_list("fingerprint", flat=True).first() or ""


def issues_of(run: ImportRecord) -> pl.DataFrame:
    """The listing of an import's faults and notes."""
    if not run.issues:
        return pl.DataFrame()
    return pl.read_parquet(io.BytesIO(path_of(run.issues).read_bytes()))


def _record(run: ImportRun) -> ImportRecord:
    return ImportRecord(
        run.id, run.mapping, run.began_at, run.ended_at, ImportState(run.state), run.person, run.report, run.issues_file
    )
