"""The manifest moves under one lock; what is derived here is projected into the lake."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import connections

from tierwise.kernel.audit import Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer, viewer_scope
from tierwise.lake.models import Manifest
from tierwise.lake.queries import store
from tierwise.lake.readers import FILE, ROW
from tierwise.lake.report import Change
from tierwise.lake.schema_changes import LAYOUT, NEWEST, apply_changes, pending
from tierwise.lake.schemas import TABLES
from tierwise.lake.staging import Staged, Stamp
from tierwise.lake.store import Batch, Landed

PROJECTOR = "tierwise"
"""Source of the rows that the platform derives itself."""
DIRECTORY = "directory"
"""Stands among a manifest's tables and counts the changes of masters, so that what is derived from them knows."""
_LOCK = 8203002


def lock_manifest(actor: Viewer) -> Manifest | None:
    """Until the transaction ends, nobody else moves the manifest: who started from it finds it unmoved."""
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    return Manifest.objects.order_by("-number").first()


def move(last: Manifest | None, changes: Mapping[str, Change], reason: str) -> Manifest | None:
    versions = dict(last.versions) if last else {LAYOUT: NEWEST}
    moved = versions | {name: change.version for name, change in changes.items()}
    if last is not None and moved == versions:
        return last
    number = last.number + 1 if last else 1
    manifest = Manifest(number=number, versions=moved, reason=reason, moved_at=now())
    manifest.save(force_insert=True)
    return manifest


@action("project_facts", roles=BUYER_EDITORS)
def project(actor: Viewer, tables: Mapping[str, pl.DataFrame], complete: frozenset[str], reason: str) -> int:
    """Writes derived tables and moves the manifest; returns its number. ``complete`` tables lose what is not named."""
    last = lock_manifest(actor)
    versions = last.versions if last else {}
    changes = {
        name: store().apply(Batch(name, rows, PROJECTOR, now(), name in complete), versions)
        for name, rows in tables.items()
    }
    manifest = move(last, changes, reason)
    count = sum(c.new + c.changed + c.closed for c in changes.values())
    record(actor, Subject("manifest", manifest.id if manifest else ""), reason=reason, count=count)
    return manifest.number if manifest else 0


@action("project_facts", roles=BUYER_EDITORS)
def project_in_turn(actor: Viewer, table: str, pieces: Iterable[pl.DataFrame], reason: str) -> int:
    """What ``project`` does for one complete table whose rows come in pieces, by the month of their date.

    They are laid down beside the lake as they come and no piece is kept, so that memory does not grow with the table.
    Nothing is locked before all have come.
    """
    scratch = store().scratch(str(uuid7()), Path(settings.TIERWISE_HOME))
    staged = Staged(TABLES[table], scratch / table, Stamp(PROJECTOR, now()))
    try:
        for piece in pieces:
            staged.take(piece.with_columns(pl.lit("").alias(FILE), pl.lit(0, pl.Int64).alias(ROW)))
        staged.finish()
        last = lock_manifest(actor)
        versions = last.versions if last else {}
        if staged.laid_down:
            change = store().land(staged, versions, Landed(complete=True))
        else:
            change = store().apply(Batch(table, staged.frame(), PROJECTOR, now(), complete=True), versions)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    manifest = move(last, {table: change}, reason)
    count = change.new + change.changed + change.closed
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
    last = lock_manifest(actor)
    changes = pending(last.versions) if last else ()
    record(actor, Subject("lake", last.id if last else ""), changes=[change.name for change in changes])
    if last is None or not changes:
        return []
    versions = apply_changes(store(), last.versions)
    reason = f"layout {versions[LAYOUT]} of the lake"
    Manifest(number=last.number + 1, versions=versions, reason=reason, moved_at=now()).save(force_insert=True)
    return [change.name for change in changes]
