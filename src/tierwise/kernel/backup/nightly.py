"""The backup that the worker makes every night, where the environment names a folder for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from tierwise.kernel.backup.archive import Store
from tierwise.kernel.backup.making import STAMP, BackupPlan, Made, make_backup
from tierwise.kernel.backup.sealing import Lock
from tierwise.kernel.clock import now
from tierwise.kernel.doctor.findings import Check, Finding, Severity, add_checks
from tierwise.kernel.seal.sealer import signer

KEPT = 14
_LATE = timedelta(hours=36)


def chosen_folder() -> Path | None:
    named = os.environ.get("TIERWISE_BACKUP_TO", "")
    return Path(named) if named else None


def lock_from_environment() -> Lock | None:
    """A key file or a passphrase, as the environment names one. ValueError or OSError for a file that is no key."""
    if named := os.environ.get("TIERWISE_BACKUP_KEY"):
        return Lock.from_file(Path(named))
    phrase = os.environ.get("TIERWISE_BACKUP_PASSPHRASE", "")
    return Lock(passphrase=phrase) if phrase else None


def back_up_nightly() -> Made | None:
    """Makes one more backup in the folder and removes the oldest beyond what is kept; None where none is wished."""
    folder, lock = chosen_folder(), lock_from_environment()
    if folder is None:
        return None
    if lock is None:
        raise RuntimeError("TIERWISE_BACKUP_TO is set; set TIERWISE_BACKUP_KEY or TIERWISE_BACKUP_PASSPHRASE as well.")
    runtime = settings.RUNTIME
    without = frozenset({"lake"} if "://" in settings.TIERWISE_LAKE else ())
    plan = BackupPlan(
        runtime.admin_conninfo(runtime.database_name), Path(settings.TIERWISE_HOME), folder, lock, True,
        without=without, audit_key=signer().public,
    )  # fmt: skip
    made = make_backup(plan)
    Store(folder, lock).keep(max(1, int(os.environ.get("TIERWISE_BACKUP_KEEP") or KEPT)))
    return made


def lateness() -> Iterator[Finding]:
    folder = chosen_folder()
    if folder is None:
        yield Finding("backup", Severity.NOTE, "No nightly backup is set up.",
                      "Set TIERWISE_BACKUP_TO to a folder on another disk, and TIERWISE_BACKUP_KEY.")  # fmt: skip
        return
    names = sorted(path.stem for path in folder.glob("manifests/*.twb"))
    newest = datetime.strptime(names[-1], STAMP).replace(tzinfo=UTC) if names else None
    if newest is None or now() - newest > _LATE:
        since = f"The newest backup in {folder} is of {newest:%Y-%m-%d %H:%M}." if newest else f"{folder} is empty."
        yield Finding("backup", Severity.FAULT, since, "See why the job nightly_backup fails; `tierwise backup` now.")


def register() -> None:
    add_checks(Check("backup", lateness, needs_database=False))
