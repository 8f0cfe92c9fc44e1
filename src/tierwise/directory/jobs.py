"""What the directory does by itself each night: access is asked about, what is not to be kept goes."""

from __future__ import annotations

from datetime import date
from typing import Any

from tierwise.directory.erasing import apply_erasures
from tierwise.directory.reviewing import end_reviews, open_reviews, remind, review_settings
from tierwise.kernel.audit import Subject, action, record
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.retention import purge
from tierwise.kernel.viewer import Role, Viewer


def step_reviews(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Opens reviews of access that are due, reminds, and ends what nobody confirmed in time."""
    progress("reviews of access", 0.0)
    said = review_settings()
    opened = open_reviews(worker, on, said) if said.every_days else 0
    return {"opened": opened, "reminded": remind(worker, on), "suspended": end_reviews(worker, on)}


def step_retention(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Purges what has been kept long enough, and makes sure that who was erased stays so."""
    del on
    progress("erasures", 0.0)
    again = apply_erasures(worker)
    progress("retention", 0.3)
    return {"erased again": again, "purged": purge_kept(worker)}


@action("purge", roles={Role.SYSTEM})
def purge_kept(worker: Viewer) -> dict[str, int]:
    """Purges by the tables' retention; one entry with the rows of each."""
    gone = purge(worker)
    record(worker, Subject("retention", "all"), count=sum(gone.values()), tables=gone)
    return gone
