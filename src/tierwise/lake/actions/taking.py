"""Brings a checked extract in: directory and lake in one transaction, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tierwise.kernel.audit import Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake.actions.manifest import DIRECTORY, lock_manifest, move
from tierwise.lake.actions.quarantine import put_aside, settle, settle_repaired
from tierwise.lake.actions.runs import save_run
from tierwise.lake.imports import Prepared
from tierwise.lake.models import ImportRun, Manifest
from tierwise.lake.ports import masters
from tierwise.lake.queries import store
from tierwise.lake.records import Attempt, ImportState
from tierwise.lake.report import Change
from tierwise.lake.schemas import TABLES, Home
from tierwise.lake.staging import Staged
from tierwise.lake.store import Batch, Landed


@dataclass(frozen=True, slots=True)
class _Writing:
    attempt: Attempt
    import_id: UUID


@action("import_extract", roles=BUYER_EDITORS)
def take_import(actor: Viewer, prepared: Prepared, attempt: Attempt) -> UUID:
    """Brings directory and lake to a checked extract, in the transaction that moves the manifest."""
    last = lock_manifest(actor)
    run_id = attempt.run or uuid7()
    facts = [one for one in prepared.staged.values() if one.table.home is Home.LAKE]
    try:
        applied = _put_masters(actor, prepared) | _put_facts(facts, prepared, last, _Writing(attempt, run_id))
        return _note(actor, prepared, last, _Writing(attempt, run_id), applied)
    except BaseException:
        for one in facts:
            name = one.table.name
            store().take_back(name, last.versions.get(name) if last else None, str(run_id))
        raise


def _put_masters(actor: Viewer, prepared: Prepared) -> dict[str, Change]:
    rows = {name: one.frame() for name, one in prepared.staged.items() if one.table.home is Home.DIRECTORY}
    put = masters().put(actor, prepared.source, rows, prepared.complete)
    return {name: Change(name, 0, one.new, one.changed, one.closed, one.unchanged) for name, one in put.items()}


def _note(
    actor: Viewer, prepared: Prepared, last: Manifest | None, writing: _Writing, changes: dict[str, Change]
) -> UUID:
    """Moves the manifest and writes down what the import did."""
    attempt, run_id = writing.attempt, writing.import_id
    moved = {name: one for name, one in changes.items() if TABLES[name].home is Home.LAKE}
    if any(one.anything for name, one in changes.items() if name not in moved):
        before = last.versions.get(DIRECTORY, 0) if last else 0
        moved[DIRECTORY] = Change(DIRECTORY, before + 1, 0, 0, 0, 0)
    manifest = move(last, moved, f"import {prepared.report.mapping}")
    report = prepared.report.with_changes(changes)
    state = ImportState.IMPORTED if any(one.anything for one in changes.values()) else ImportState.UNCHANGED
    run = ImportRun(
        id=run_id, fingerprint=prepared.fingerprint.digest, state=state.value, person=actor.person, manifest=manifest
    )
    save_run(run, report, attempt)
    if attempt.tried:
        settle_repaired(actor, prepared, attempt.tried)
    else:
        settle(actor, run.mapping, prepared.staged.values())
        put_aside(actor, run, prepared, attempt)
    record(actor, Subject("import", run_id), mapping=report.mapping, state=state.value,
           aside=prepared.aside.height, count=sum(c.new + c.changed + c.closed for c in changes.values()))  # fmt: skip
    publish_event(actor, "extract_imported", run=run_id, mapping=report.mapping)
    return run_id


def _put_facts(facts: list[Staged], prepared: Prepared, last: Manifest | None, writing: _Writing) -> dict[str, Change]:
    versions = last.versions if last else {}
    # Rows laid down before somebody else's import counted would seem known before what they replace.
    late = now() if last is not None and last.moved_at >= prepared.at else None
    applied: dict[str, Change] = {}
    for number, one in enumerate(facts):

        def tell(what: str, share: float, number: int = number) -> None:
            writing.attempt.progress(what, (number + share) / len(facts))

        name, complete = one.table.name, one.table.name in prepared.complete
        tell(name, 0.0)
        if one.laid_down:
            applied[name] = store().land(one, versions, Landed(complete, str(writing.import_id), late, tell))
        else:
            batch = Batch(name, one.frame(), prepared.source, now(), complete, str(writing.import_id))
            applied[name] = store().apply(batch, versions)
    writing.attempt.progress("manifest", 1.0)
    return applied
