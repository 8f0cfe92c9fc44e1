"""Imports from start to end: read, check, then one action that makes them count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tierwise.kernel.clock import now
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import actions, queries
from tierwise.lake.imports import ImportRefused, fingerprints, prepare
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.ports import masters
from tierwise.lake.records import ImportState
from tierwise.lake.report import ImportReport


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    run: UUID
    state: ImportState
    report: ImportReport | None


def import_extract(actor: Viewer, folder: Path, mapping_path: Path, progress: Progress = silent) -> ImportOutcome:
    """Imports a folder under a mapping: all of it or, where anything is wrong, nothing.

    Files that are those of the mapping's latest import are recognised by their hashes alone. Raises ``DocumentError``
    for a faulty mapping; a refused extract is an outcome, with its report kept.
    """
    began_at, mapping = now(), load_mapping(mapping_path)
    prints = fingerprints(folder, mapping)
    if prints.files and prints.digest == queries.latest_fingerprint(actor, mapping.name):
        run = actions.note_repeated_import(actor, mapping.name, prints.digest, began_at)
        return ImportOutcome(run, ImportState.UNCHANGED, None)
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    try:
        prepared = prepare(folder, mapping, known, progress)
    except ImportRefused as refused:
        run = actions.note_refused_import(actor, refused.report, prints.digest, began_at)
        return ImportOutcome(run, ImportState.REFUSED, refused.report)
    run = actions.take_import(actor, prepared, began_at)
    found = queries.import_run(actor, run)
    return ImportOutcome(run, found.state if found else ImportState.IMPORTED, prepared.report)
