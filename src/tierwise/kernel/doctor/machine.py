"""Checks of the machine and the home, for which no database is needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path

from django.conf import settings

from tierwise.kernel.clock import now
from tierwise.kernel.doctor.findings import Check, Finding, Severity, add_checks
from tierwise.kernel.postgres import binaries
from tierwise.kernel.postgres_upgrade import old_folders, version_of

_MB = 2**20
FREE_FAULT, FREE_WARNING = 500 * _MB, 2048 * _MB
"""Below the first an import of ordinary size no longer fits; the second leaves a week to act."""
_WITHIN_HOME = ("secret", "audit-keys", "demo-password")


def _home() -> Path:
    return Path(settings.TIERWISE_HOME)


def disk() -> Iterator[Finding]:
    home = _home()
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    if free < FREE_WARNING:
        severity = Severity.FAULT if free < FREE_FAULT else Severity.WARNING
        yield Finding("disk", severity, f"{free / _MB:.0f} MB are free at {home}.",
                      "Make room, or move the home to a larger disk and name it in TIERWISE_HOME.")  # fmt: skip
    for folder in old_folders(home / "postgres" / "data"):
        yield Finding(
            "disk", Severity.NOTE, f"{folder} is left of an upgrade of PostgreSQL and no longer used.",
            "Remove the folder once you trust the upgrade.", partial(shutil.rmtree, folder),
        )  # fmt: skip


def home_rights() -> Iterator[Finding]:
    home = _home()
    if not home.exists():
        yield Finding("home", Severity.NOTE, f"{home} is not there yet.", "The first command that needs it makes it.")
        return
    if home.stat().st_mode & 0o077:
        yield Finding("home", Severity.FAULT, f"Others on this machine may look into {home}.",
                      f"chmod 700 {home}", partial(home.chmod, 0o700))  # fmt: skip
    for name in _WITHIN_HOME:
        path = home / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("home", Severity.FAULT, f"Others on this machine may read {path}.",
                          f"chmod 600 {path}", partial(path.chmod, 0o600))  # fmt: skip
    if not (home / "secret").exists():
        yield Finding("home", Severity.NOTE, "There is no secret yet.", "The first command that needs it makes it.")


def pages() -> Iterator[Finding]:
    if not (files("tierwise.web") / "static" / "app" / ".vite" / "manifest.json").is_file():
        yield Finding("pages", Severity.FAULT, "The built front end is missing: pages come without style and grids.",
                      "Install the wheel, or run `make build` in the source folder.")  # fmt: skip


def clock() -> Iterator[Finding]:
    """A clock that was set back shows in files that come from the future."""
    home = _home()
    looked_at = (home / "postgres" / "postgres.log", home / "audit-heads.jsonl", home / "secret")
    found = [path for path in looked_at if path.exists()]
    ahead = [path.name for path in found if datetime.fromtimestamp(path.stat().st_mtime, UTC) > now()]
    if ahead:
        yield Finding("clock", Severity.WARNING, f"The clock went back: {', '.join(ahead)} are from the future.",
                      "Set the clock, best by NTP (`timedatectl set-ntp true`).")  # fmt: skip


def programs() -> Iterator[Finding]:
    if not settings.RUNTIME.embedded:
        return
    if not (binaries() / "postgres").exists():
        yield Finding("postgres", Severity.FAULT, f"There is no PostgreSQL in {binaries()}.",
                      "Install Tierwise anew, or set TIERWISE_DATABASE_URL.")  # fmt: skip
    data = _home() / "postgres" / "data"
    if (data.with_name("data.next")).exists():
        yield Finding("postgres", Severity.WARNING, "An upgrade of PostgreSQL broke off; the old data is untouched.",
                      "Any command that needs the database goes on with it.")  # fmt: skip
    if data.exists() and not version_of(data):
        yield Finding("postgres", Severity.FAULT, f"{data} is no database.",
                      "Restore a backup with `tierwise restore`.")  # fmt: skip


def mail() -> Iterator[Finding]:
    backend = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if backend in {"filebased", "console", "dummy"}:
        yield Finding("mail", Severity.NOTE, f"Mail is not sent: the {backend} backend keeps it here.",
                      "Set TIERWISE_EMAIL_BACKEND to one that sends, and its server.")  # fmt: skip


def register() -> None:
    add_checks(
        Check("pages", pages, needs_database=False),
        Check("disk", disk, needs_database=False),
        Check("home", home_rights, needs_database=False),
        Check("clock", clock, needs_database=False),
        Check("postgres", programs, needs_database=False),
        Check("mail", mail, needs_database=False),
    )
