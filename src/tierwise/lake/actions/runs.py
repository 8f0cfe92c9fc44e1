"""The runs of imports: begun, refused, cancelled, broken off."""

from __future__ import annotations

import io
from uuid import UUID

from tierwise.kernel.audit import NotFound, Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.files import keep
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake.models import ImportRun, Manifest
from tierwise.lake.records import Attempt, ImportState
from tierwise.lake.report import ImportReport


@action("refuse_import", roles=BUYER_EDITORS)
def note_refused_import(actor: Viewer, report: ImportReport, fingerprint: str, attempt: Attempt) -> UUID:
    """Keeps the report of an import that was refused; nothing else changes."""
    run_id = attempt.run or uuid7()
    run = ImportRun(id=run_id, fingerprint=fingerprint, state=ImportState.REFUSED.value, person=actor.person)
    save_run(run, report, attempt)
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


def save_run(run: ImportRun, report: ImportReport, attempt: Attempt) -> None:
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


@action("cancel_import", roles=BUYER_EDITORS)
def cancel_import(actor: Viewer, run_id: UUID) -> None:
    """Asks whoever is at an import to stop; nothing of it stays."""
    if not ImportRun.objects.filter(id=run_id, state=ImportState.RUNNING).update(cancel_asked=True):
        raise NotFound("import", "This import is not under way any more.")
    record(actor, Subject("import", run_id), asked=True)


@action("end_cancelled_import", roles=BUYER_EDITORS)
def note_cancelled_import(actor: Viewer, run_id: UUID) -> None:
    """Closes a run that was cancelled."""
    run = ImportRun.objects.select_for_update().filter(id=run_id, state=ImportState.RUNNING).first()
    if run is None:
        raise NotFound("import", "There is no such import under way.")
    run.state, run.ended_at = ImportState.CANCELLED.value, now()
    run.save(update_fields=["state", "ended_at"])
    record(actor, Subject("import", run_id), state=run.state)


@action("fail_import", roles=BUYER_EDITORS)
def fail_import(actor: Viewer, run_id: UUID, why: str) -> None:
    """Closes a run that broke off; nothing was imported."""
    run = ImportRun.objects.select_for_update().filter(id=run_id, state=ImportState.RUNNING).first()
    if run is None:
        raise NotFound("import", "There is no such import under way.")
    run.state, run.ended_at, run.report = ImportState.FAILED.value, now(), {**run.report, "error": why[:2000]}
    run.save(update_fields=["state", "ended_at", "report"])
    record(actor, Subject("import", run_id), error=why[:200])
