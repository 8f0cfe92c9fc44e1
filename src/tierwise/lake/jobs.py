"""Imports from start to end: read, check, then one action that makes them count."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from tierwise.kernel.clock import now
from tierwise.kernel.files import keep
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.viewer import Door, Role, Viewer, viewer_scope
from tierwise.lake import actions, queries
from tierwise.lake.imports import ImportRefused, fingerprints, prepare
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.models import ImportRun
from tierwise.lake.ports import masters
from tierwise.lake.records import Attempt, ImportState
from tierwise.lake.report import ImportReport
from tierwise.lake.uploads import folder_of

_TELL_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    run: UUID
    state: ImportState
    report: ImportReport | None


def import_extract(
    actor: Viewer, folder: Path, mapping_path: Path, progress: Progress = silent, run_id: UUID | None = None
) -> ImportOutcome:
    """Imports a folder under a mapping: all of it or, where anything is wrong, nothing.

    Files that are those of the mapping's latest import are recognised by their hashes alone. Raises ``DocumentError``
    for a faulty mapping; a refused extract is an outcome, with its report kept. ``run_id`` is a run begun before.
    """
    mapping = load_mapping(mapping_path)
    attempt = Attempt(now(), run_id, keep(mapping_path.read_bytes()))
    prints = fingerprints(folder, mapping)
    if prints.files and prints.digest == queries.latest_fingerprint(actor, mapping.name):
        run = actions.note_repeated_import(actor, mapping.name, prints.digest, attempt)
        return ImportOutcome(run, ImportState.UNCHANGED, None)
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    try:
        prepared = prepare(folder, mapping, known, progress)
    except ImportRefused as refused:
        run = actions.note_refused_import(actor, refused.report, prints.digest, attempt)
        return ImportOutcome(run, ImportState.REFUSED, refused.report)
    run = actions.take_import(actor, prepared, attempt)
    found = queries.import_run(actor, run)
    return ImportOutcome(run, found.state if found else ImportState.IMPORTED, prepared.report)


def run_upload(actor: Viewer, run: UUID) -> None:
    """Imports what was kept for a run and tells its page how far it is. Does nothing where somebody is at it."""
    with _turn(actor, run) as mine:
        if not mine:
            return
        home = folder_of(run)
        try:
            import_extract(actor, home / "extract", home / "mapping.yaml", _teller(actor, run), run)
        except Exception as error:
            _log.exception("import %s broke off", run)
            actions.fail_import(actor, run, f"{type(error).__name__}: {error}")
        shutil.rmtree(home, ignore_errors=True)


class _turn:  # noqa: N801 - used as a block
    """Held while a run is worked on, by a session lock that a killed process gives back."""

    def __init__(self, actor: Viewer, run: UUID) -> None:
        self.connection, self.key = connections[actor.alias], run.int & (1 << 62) - 1

    def __enter__(self) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s)", [self.key])
            self.mine = bool(cursor.fetchone()[0])
        return self.mine

    def __exit__(self, *_: object) -> None:
        if self.mine:
            with self.connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [self.key])


def _teller(actor: Viewer, run: UUID) -> Callable[[str, float], None]:
    told = 0.0

    def tell(what: str, share: float) -> None:
        nonlocal told
        if time.monotonic() - told < _TELL_SECONDS and share < 1:
            return
        told = time.monotonic()
        words, reached = (what, share * 0.7) if share < 1 else (_("writing into directory and lake"), 0.7)
        with viewer_scope(actor):
            row = ImportRun.objects.filter(id=run, state=ImportState.RUNNING).first()
            if row is not None:
                row.report = {**row.report, "progress": {"what": words, "share": reached, "at": now().isoformat()}}
                row.save(update_fields=["report"])

    return tell


def run_beside(actor: Viewer, run: UUID) -> threading.Thread:
    """Imports in a thread of this process, on connections of its own."""

    def work() -> None:
        try:
            run_upload(actor, run)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, name=f"import {run}", daemon=True)
    thread.start()
    return thread


@app.task
def import_upload(run: str, person: str, company: str, role: str) -> None:
    """A large upload, imported by the worker in the name of who handed it in."""
    run_upload(Viewer(UUID(person), UUID(company), Role(role), door=Door.SCREEN), UUID(run))


def hand_to_worker(worker: Viewer, payload: dict[str, Any]) -> None:
    """Answers ``import_requested``: a job of its own, so that the outbox goes on."""
    del worker
    import_upload.defer(**{name: str(payload[name]) for name in ("run", "person", "company", "role")})
