"""Moves of the manifest: what was imported or projected becomes visible in one transaction, or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from uuid import UUID

import polars as pl
from django.db import connections

from tierwise.kernel.audit import NotFound, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.files import keep
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer, viewer_scope
from tierwise.lake.imports import Prepared
from tierwise.lake.models import ImportRun, Manifest
from tierwise.lake.ports import masters
from tierwise.lake.queries import store
from tierwise.lake.records import Attempt, ImportState
from tierwise.lake.report import Change, ImportReport
from tierwise.lake.schema_changes import LAYOUT, NEWEST, apply_changes, pending
from tierwise.lake.schemas import TABLES, Home
from tierwise.lake.store import Batch

PROJECTOR = "tierwise"
"""Source of the rows that the platform derives itself."""
DIRECTORY = "directory"
"""Stands among a manifest's tables and counts the changes of masters, so that what is derived from them knows."""
_MANIFEST_LOCK = 8203002


def _lock_manifest(actor: Viewer) -> Manifest | None:
    """Until the transaction ends, nobody else moves the manifest: who started from it finds it unmoved."""
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_MANIFEST_LOCK])
    return Manifest.objects.order_by("-number").first()


def _move(last: Manifest | None, changes: Mapping[str, Change], reason: str) -> Manifest | None:
    versions = dict(last.versions) if last else {LAYOUT: NEWEST}
    moved = versions | {name: change.version for name, change in changes.items()}
    if last is not None and moved == versions:
        return last
    number = last.number + 1 if last else 1
    manifest = Manifest(number=number, versions=moved, reason=reason, moved_at=now())
    manifest.save(force_insert=True)
    return manifest


@action("import_extract", roles=BUYER_EDITORS)
def take_import(actor: Viewer, prepared: Prepared, attempt: Attempt) -> UUID:
    """Brings directory and lake to a checked extract, in the transaction that moves the manifest."""
    last = _lock_manifest(actor)
    run_id, at = attempt.run or uuid7(), now()
    homes = {name: TABLES[name].home for name in prepared.tables}
    into_directory = {name: rows for name, rows in prepared.tables.items() if homes[name] is Home.DIRECTORY}
    put = masters().put(actor, prepared.source, into_directory, prepared.complete)
    changes = {name: Change(name, 0, one.new, one.changed, one.closed, one.unchanged) for name, one in put.items()}
    applied = {}
    for name, rows in prepared.tables.items():
        if homes[name] is Home.LAKE:
            batch = Batch(name, rows, prepared.source, at, name in prepared.complete, str(run_id))
            applied[name] = store().apply(batch, last.versions if last else {})
    if any(one.new or one.changed or one.closed for one in put.values()):
        before = last.versions.get(DIRECTORY, 0) if last else 0
        applied[DIRECTORY] = Change(DIRECTORY, before + 1, 0, 0, 0, 0)
    manifest = _move(last, applied, f"import {prepared.report.mapping}")
    report = prepared.report.with_changes(changes | applied)
    state = ImportState.IMPORTED if any(c.anything for c in (changes | applied).values()) else ImportState.UNCHANGED
    run = ImportRun(
        id=run_id, fingerprint=prepared.fingerprint.digest, state=state.value, person=actor.person, manifest=manifest
    )
    _save_run(run, report, attempt)
    record(actor, Subject("import", run_id), mapping=report.mapping, state=state.value,
           count=sum(c.new + c.changed + c.closed for c in (changes | applied).values()))  # fmt: skip
    publish_event(actor, "extract_imported", run=run_id, mapping=report.mapping)
    return run_id


@action("refuse_import", roles=BUYER_EDITORS)
def note_refused_import(actor: Viewer, report: ImportReport, fingerprint: str, attempt: Attempt) -> UUID:
    """Keeps the report of an import that was refused; nothing else changes."""
    run_id = attempt.run or uuid7()
    run = ImportRun(id=run_id, fingerprint=fingerprint, state=ImportState.REFUSED.value, person=actor.person)
    _save_run(run, report, attempt)
    record(actor, Subject("import", run_id), mapping=report.mapping, state=ImportState.REFUSED.value)
    return run_id


@action("repeat_import", roles=BUYER_EDITORS)
def note_repeated_import(actor: Viewer, mapping: str, fingerprint: str, attempt: Attempt) -> UUID:
    """Notes that the very files of the latest import came again."""
    run = ImportRun(
        id=attempt.run or uuid7(), mapping=mapping, fingerprint=fingerprint, person=actor.person,
        state=ImportState.UNCHANGED.value, manifest=Manifest.objects.order_by("-number").first(),
        report={"mapping": mapping, "refused": False, "files": [], "tables": [], "counts": [], "same_files": True},
    )  # fmt: skip
    _put_run(run, attempt)
    record(actor, Subject("import", run.id), mapping=mapping, state=ImportState.UNCHANGED.value)
    return run.id


def _save_run(run: ImportRun, report: ImportReport, attempt: Attempt) -> None:
    if report.issues.height:
        buffer = io.BytesIO()
        report.issues.write_parquet(buffer)
        run.issues_file = keep(buffer.getvalue())
    run.mapping, run.report = report.mapping, report.to_dict()
    _put_run(run, attempt)


def _put_run(run: ImportRun, attempt: Attempt) -> None:
    """Keeps what came of an attempt: in the run that was begun for it, or in a new one."""
    run.began_at, run.ended_at = attempt.began_at, now()
    run.report = {**run.report, "mapping_file": attempt.mapping_file}
    run.save(force_insert=attempt.run is None, force_update=attempt.run is not None)


@action("begin_import", roles=BUYER_EDITORS)
def begin_import(actor: Viewer, mapping: str, mapping_file: str) -> UUID:
    """Opens the run of an upload, so that its page can tell how far it has come."""
    run = ImportRun(
        mapping=mapping, began_at=now(), state=ImportState.RUNNING.value, person=actor.person,
        report={"mapping": mapping, "mapping_file": mapping_file},
    )  # fmt: skip
    run.save(force_insert=True)
    record(actor, Subject("import", run.id), mapping=mapping)
    return run.id


@action("fail_import", roles=BUYER_EDITORS)
def fail_import(actor: Viewer, run_id: UUID, why: str) -> None:
    """Closes a run that broke off; nothing was imported."""
    run = ImportRun.objects.select_for_update().filter(id=run_id, state=ImportState.RUNNING).first()
    if run is None:
        raise NotFound("import", "There is no such import under way.")
    run.state, run.ended_at, run.report = ImportState.FAILED.value, now(), {**run.report, "error": why[:2000]}
    run.save(update_fields=["state", "ended_at", "report"])
    record(actor, Subject("import", run_id), error=why[:200])


@action("project_facts", roles=BUYER_EDITORS)
def project(actor: Viewer, tables: Mapping[str, pl.DataFrame], complete: frozenset[str], reason: str) -> int:
    """Writes derived tables and moves the manifest; returns its number. ``complete`` tables lose what is not named."""
    last = _lock_manifest(actor)
    versions = last.versions if last else {}
    changes = {
        name: store().apply(Batch(name, rows, PROJECTOR, now(), name in complete), versions)
        for name, rows in tables.items()
    }
    manifest = _move(last, changes, reason)
    count = sum(c.new + c.changed + c.closed for c in changes.values())
    record(actor, Subject("manifest", manifest.id if manifest else ""), reason=reason, count=count)
    return manifest.number if manifest else 0


def bring_lake_up_to_date(worker: Viewer) -> list[str]:
    """Applies changes of the lake's layout that are pending; returns their names. Every start of Tierwise asks."""
    with viewer_scope(worker):
        last = Manifest.objects.order_by("-number").first()
    return change_lake(worker) if last is not None and pending(last.versions) else []


@action("change_lake", roles={Role.ADMINISTRATOR})
def change_lake(actor: Viewer) -> list[str]:
    """Brings the lake's layout up to date and moves the manifest."""
    last = _lock_manifest(actor)
    changes = pending(last.versions) if last else ()
    record(actor, Subject("lake", last.id if last else ""), changes=[change.name for change in changes])
    if last is None or not changes:
        return []
    versions = apply_changes(store(), last.versions)
    reason = f"layout {versions[LAYOUT]} of the lake"
    Manifest(number=last.number + 1, versions=versions, reason=reason, moved_at=now()).save(force_insert=True)
    return [change.name for change in changes]
