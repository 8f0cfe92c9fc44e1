"""Imports from start to end: read, check, then one action that makes them count."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.kernel.files import keep, path_of
from tierwise.kernel.ids import uuid7
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.viewer import Door, Role, Viewer, viewer_scope
from tierwise.lake import actions, queries
from tierwise.lake.imports import Cancelled, ImportRefused, Options, fingerprints, prepare
from tierwise.lake.mapping import Mapping
from tierwise.lake.mapping_reader import load_mapping, read_mapping
from tierwise.lake.ports import masters
from tierwise.lake.pushed import mapping_of_records, mapping_text_of_records
from tierwise.lake.quarantine import MOST
from tierwise.lake.readers import FILE, ROW
from tierwise.lake.records import Attempt, ImportState, QuarantinedRecord
from tierwise.lake.repairs import texts_again
from tierwise.lake.report import ImportReport
from tierwise.lake.uploads import QUARANTINE, folder_of
from tierwise.lake.watching import Watch

_READING = 0.8
"""Share of the time that reading and checking take; the rest is writing."""
_RECORDS = "records"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    run: UUID
    state: ImportState
    report: ImportReport | None


def import_extract(actor: Viewer, folder: Path, mapping_path: Path, how: How | None = None) -> ImportOutcome:
    """Imports a folder under a mapping: all of it or, where anything is wrong, nothing.

    Files that are those of the mapping's latest import are recognised by their hashes alone. Raises ``DocumentError``
    for a faulty mapping; a refused extract is an outcome, with its report kept. With ``quarantine`` sound rows come in
    and the others are kept for repair. Whatever ends it early (``Cancelled``, Ctrl-C) leaves nothing behind.
    """
    how = how or How()
    mapping = load_mapping(mapping_path)
    attempt = Attempt(now(), how.run, keep(mapping_path.read_bytes()), _late_share(how.progress))
    how.progress(_("looking whether these files are new"), 0.0)
    prints = fingerprints(folder, mapping)
    if prints.files and prints.digest == queries.latest_fingerprint(actor, mapping.name):
        run = actions.note_repeated_import(actor, mapping.name, prints.digest, attempt)
        return ImportOutcome(run, ImportState.UNCHANGED, None)
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    options = Options(known, _early_share(how.progress), how.quarantine, _scratch(), prints)
    return _bring(actor, folder, mapping, options, attempt)


@dataclass(frozen=True, slots=True)
class How:
    """``run`` is one begun before; ``quarantine`` takes the sound rows though others are bad."""

    progress: Progress = silent
    run: UUID | None = None
    quarantine: bool = False


def _bring(actor: Viewer, folder: Path, mapping: Mapping, options: Options, attempt: Attempt) -> ImportOutcome:
    try:
        prepared = prepare(folder, mapping, options)
    except ImportRefused as refused:
        digest = options.prints.digest if options.prints else ""
        run = actions.note_refused_import(actor, refused.report, digest, attempt)
        return ImportOutcome(run, ImportState.REFUSED, refused.report)
    try:
        run = actions.take_import(actor, prepared, attempt)
    finally:
        prepared.discard()
    found = queries.import_run(actor, run)
    return ImportOutcome(run, found.state if found else ImportState.IMPORTED, prepared.report)


def _scratch() -> Path:
    return queries.store().scratch(str(uuid7()), Path(settings.TIERWISE_HOME))


def _early_share(progress: Progress) -> Progress:
    return lambda what, share: progress(what, share * _READING)


def _late_share(progress: Progress) -> Progress:
    return lambda what, share: progress(what, _READING + share * (1 - _READING))


def import_records(actor: Viewer, table: str, rows: pl.DataFrame, how: Pushed) -> ImportOutcome:
    """Brings records in that another system pushes, by the very way of an extract: checked, compared, all or nothing.

    ``rows`` has columns of the table, as texts: ISO dates, a point as the decimal sign. Raises ``DocumentError`` for
    columns the table does not have or needs.
    """
    mapping = mapping_of_records(table, rows.columns, how.source)
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    texts = rows.select(pl.all().cast(pl.String()).str.strip_chars()).with_columns(
        pl.when(pl.all() != "").then(pl.all())
    )
    texts = texts.select(
        pl.lit(_RECORDS).alias(FILE), pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW), pl.all()
    )
    given = {mapping.blocks[0].place: texts}
    options = Options(known, quarantine=how.quarantine, scratch=_scratch(), given=given)
    with tempfile.TemporaryDirectory() as nothing:
        attempt = Attempt(now(), mapping_file=keep(mapping_text_of_records(mapping).encode()))
        return _bring(actor, Path(nothing), mapping, options, attempt)


@dataclass(frozen=True, slots=True)
class Pushed:
    """Who pushes records; with ``quarantine`` the sound ones come in though others are bad."""

    source: str
    quarantine: bool = False


def repair(actor: Viewer, mapping_name: str, corrected: AnyMapping[UUID, dict[str, str | None]]) -> list[ImportOutcome]:
    """Tries the open rows of a mapping again, with corrected texts where there are any.

    All open rows are tried, not only the corrected ones: what follows a repaired row comes in with it. One outcome for
    each version of the mapping that set rows aside.
    """
    by_mapping: dict[str, list[QuarantinedRecord]] = {}
    for row in queries.quarantined(actor, mapping_name, limit=MOST):
        by_mapping.setdefault(row.mapping_file, []).append(row)
    if not by_mapping:
        raise NotFound("quarantine", _("No row of %s waits for repair.") % mapping_name)
    return [_try_again(actor, file, rows, corrected) for file, rows in by_mapping.items()]


def _try_again(
    actor: Viewer, mapping_file: str, rows: list[QuarantinedRecord], corrected: AnyMapping[UUID, dict[str, str | None]]
) -> ImportOutcome:
    mapping = read_mapping(path_of(mapping_file).read_text(encoding="utf-8-sig"))
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    labels = {str(row.id): row.file for row in rows}
    given = texts_again(rows, corrected)
    options = Options(known, quarantine=True, scratch=_scratch(), given=given, labels=labels)
    attempt = Attempt(now(), mapping_file=mapping_file, tried=tuple(row.id for row in rows))
    with tempfile.TemporaryDirectory() as nothing:
        return _bring(actor, Path(nothing), mapping, options, attempt)


def run_upload(actor: Viewer, run: UUID) -> None:
    """Imports what was kept for a run and tells its page how far it is. Does nothing where somebody is at it."""
    with _turn(actor, run) as mine:
        found = queries.import_run(actor, run) if mine else None
        if found is None or found.state is not ImportState.RUNNING:
            return
        home = folder_of(run)
        try:
            with Watch(actor, run) as watch:
                how = How(watch.tell, run, (home / QUARANTINE).exists())
                import_extract(actor, home / "extract", home / "mapping.yaml", how)
        except Cancelled:
            actions.note_cancelled_import(actor, run)
        except Exception as error:
            _log.exception("import %s broke off", run)
            actions.fail_import(actor, run, f"{type(error).__name__}: {error}")
        shutil.rmtree(home, ignore_errors=True)


def end_abandoned(actor: Viewer, run: UUID) -> bool:
    """Closes a run that is to be cancelled when nobody is at it; whether that was so."""
    with _turn(actor, run) as mine:
        if mine:
            actions.note_cancelled_import(actor, run)
            shutil.rmtree(folder_of(run), ignore_errors=True)
        return mine


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
