"""Reads of the lake: always at one manifest, so that everything a page or a step shows belongs together."""

from __future__ import annotations

import io
from datetime import datetime
from uuid import UUID

import polars as pl
from django.conf import settings
from django.db.models import Count

from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.clock import now
from tierwise.kernel.files import path_of
from tierwise.kernel.ids import uuid7
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake.models import ImportRun, Manifest, QuarantinedRow
from tierwise.lake.records import ImportRecord, ImportState, ManifestRecord, QuarantinedRecord, RowState
from tierwise.lake.store import Files, LakeStore


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
        return _manifest(found)


def facts(viewer: Viewer, table: str, at: ManifestRecord | None = None, as_of: datetime | None = None) -> pl.LazyFrame:
    """Rows of a table as they stand at a manifest, or as they were known at an instant."""
    _refuse_supplier(viewer)
    return store().scan(table, (at or manifest(viewer)).versions, as_of)


def files(viewer: Viewer, table: str, at: ManifestRecord) -> Files:
    """The files of a table at a manifest, for those who read some of them."""
    _refuse_supplier(viewer)
    return store().files(table, at.versions)


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
        return [_manifest(row) for row in rows]


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


def quarantined(
    viewer: Viewer, mapping: str = "", run: UUID | None = None, limit: int = 5000
) -> list[QuarantinedRecord]:
    """Open rows set aside, of one mapping or run or of all, the latest extract's first."""
    with viewer_scope(viewer):
        rows = QuarantinedRow.objects.filter(state=RowState.OPEN).order_by("-run__began_at", "place", "file", "row")
        if mapping:
            rows = rows.filter(mapping=mapping)
        if run:
            rows = rows.filter(run=run)
        return [
            QuarantinedRecord(
                row.id, row.run_id, row.mapping, row.mapping_file, row.place, row.table, row.file, row.row, row.key,
                row.cells, row.faults, RowState(row.state),
            )
            for row in rows[:limit]
        ]  # fmt: skip


def quarantine_counts(viewer: Viewer) -> dict[str, int]:
    """Open rows per mapping."""
    with viewer_scope(viewer):
        rows = QuarantinedRow.objects.filter(state=RowState.OPEN).values("mapping").annotate(n=Count("id"))
        return {row["mapping"]: row["n"] for row in rows}


def cancel_asked(viewer: Viewer, run_id: UUID) -> bool:
    with viewer_scope(viewer):
        return ImportRun.objects.filter(id=run_id, cancel_asked=True).exists()


def manifests(viewer: Viewer, table: str = "", limit: int = 500) -> list[ManifestRecord]:
    """Moves of the manifest, the newest first; with ``table`` only those that moved it."""
    _refuse_supplier(viewer)
    with viewer_scope(viewer):
        found = [_manifest(one) for one in Manifest.objects.order_by("-number")[: limit if not table else None]]
    if not table:
        return found
    before = [*found[1:], None]
    moved = [
        one for one, last in zip(found, before, strict=True)
        if one.versions.get(table) != (last.versions.get(table) if last else None)
    ]  # fmt: skip
    return moved[:limit]


def manifest_numbered(viewer: Viewer, number: int) -> ManifestRecord | None:
    _refuse_supplier(viewer)
    with viewer_scope(viewer):
        found = Manifest.objects.filter(number=number).first()
        return _manifest(found) if found else None


def _manifest(one: Manifest) -> ManifestRecord:
    return ManifestRecord(one.id, one.number, one.moved_at, one.versions, one.reason)
