"""Moves of the manifest: what was imported or projected becomes visible in one transaction, or not at all."""

from tierwise.lake.actions.manifest import (
    DIRECTORY,
    PROJECTOR,
    bring_lake_up_to_date,
    change_lake,
    project,
    project_in_turn,
)
from tierwise.lake.actions.quarantine import discard_quarantined
from tierwise.lake.actions.runs import (
    begin_import,
    cancel_import,
    fail_import,
    note_cancelled_import,
    note_refused_import,
    note_repeated_import,
)
from tierwise.lake.actions.taking import take_import

__all__ = [
    "DIRECTORY",
    "PROJECTOR",
    "begin_import",
    "bring_lake_up_to_date",
    "cancel_import",
    "change_lake",
    "discard_quarantined",
    "fail_import",
    "note_cancelled_import",
    "note_refused_import",
    "note_repeated_import",
    "project",
    "project_in_turn",
    "take_import",
]
