"""Commands that keep an installation whole: backup, restore, doctor, audit verify."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from django.conf import settings

from tierwise.cli.output import FAILED, console, fail, say, show, watching
from tierwise.config.installation import restore, running, serving
from tierwise.config.runtime import Runtime
from tierwise.kernel.backup.archive import Damaged
from tierwise.kernel.backup.making import BackupPlan, make_backup
from tierwise.kernel.backup.nightly import lock_from_environment
from tierwise.kernel.backup.restoring import NotEmpty, check, compare
from tierwise.kernel.backup.sealing import Lock, WrongKey, new_key
from tierwise.kernel.doctor.findings import Finding, Severity, examine
from tierwise.kernel.seal.sealer import seal_settled, signer
from tierwise.kernel.seal.verify import verify
from tierwise.kernel.viewer import SYSTEM

_FAULTS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class BackupWishes:
    """What was asked for on the command line."""

    target: Path
    key_file: Path | None = None
    with_secret: bool = False
    without_lake: bool = False
    which: str = ""
    as_json: bool = False

    @property
    def into_folder(self) -> bool:
        return self.target.is_dir() or not self.target.suffix


def _lock(key_file: Path | None, twice: bool, as_json: bool) -> Lock:
    """From a key file, the environment, or whoever sits at the terminal."""
    try:
        if key_file is not None:
            return Lock.from_file(key_file)
        if found := lock_from_environment():
            return found
    except (OSError, ValueError) as error:
        fail(str(error), as_json)
    phrase = ""
    if sys.stdin.isatty():
        phrase = getpass.getpass("Passphrase of the backup: ")
        if twice and getpass.getpass("Once more: ") != phrase:
            fail("The two differ.")
    if not phrase:
        fail("Name a key file with --key-file, or set TIERWISE_BACKUP_PASSPHRASE.", as_json)
    return Lock(passphrase=phrase)


def write_new_key(path: Path) -> None:
    try:
        new_key(path)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    console.print(
        f"{path} is the key. Keep a copy apart from the backups: without it, none of them opens.", markup=False
    )


def back_up(wishes: BackupWishes) -> None:
    lock = _lock(wishes.key_file, not wishes.target.exists(), wishes.as_json)
    with running() as runtime:
        try:
            plan = BackupPlan(
                runtime.admin_conninfo(runtime.database_name), runtime.home, wishes.target, lock, wishes.into_folder,
                wishes.with_secret, frozenset({"lake"} if wishes.without_lake else ()), signer().public,
            )  # fmt: skip
            with watching(wishes.as_json) as tell:
                made = make_backup(plan, tell)
        except (Damaged, NotEmpty, OSError, RuntimeError, ValueError, WrongKey) as error:
            fail(str(error), wishes.as_json)
    manifest = made.manifest
    rows = sum(table["rows"] for table in manifest.tables.values())
    text = (
        f"Backed up {rows} rows of {len(manifest.tables)} tables and {len(manifest.members)} files, "
        f"{manifest.size / 2**20:.1f} MB, of which {made.copied / 2**20:.1f} MB are new, to {wishes.target}."
    )
    said = {"name": made.name, "rows": rows, "members": len(manifest.members), "bytes": manifest.size,
            "copied": made.copied, "made_at": manifest.made_at}  # fmt: skip
    say(said, wishes.as_json, text)


def check_backup(wishes: BackupWishes) -> None:
    """Reads a backup from end to end; needs no installation."""
    lock = _lock(wishes.key_file, False, wishes.as_json)
    try:
        with watching(wishes.as_json) as tell:
            checked = check(wishes.target, lock, wishes.which, tell)
    except (Damaged, OSError, WrongKey) as error:
        fail(str(error), wishes.as_json)
    said = {"made_at": checked.manifest.made_at, "members": checked.members, "bytes": checked.manifest.size}
    say(said, wishes.as_json, f"The backup of {said['made_at']} is whole: {checked.members} members.")


def compare_backup(wishes: BackupWishes) -> None:
    """Compares the tables of this installation with a backup's."""
    lock = _lock(wishes.key_file, False, wishes.as_json)
    with running() as runtime:
        try:
            with watching(wishes.as_json) as tell:
                manifest = check(wishes.target, lock, wishes.which, tell).manifest
                differences = compare(manifest, runtime.admin_conninfo(runtime.database_name), tell)
        except (Damaged, OSError, WrongKey) as error:
            fail(str(error), wishes.as_json)
    say({"same": not differences, "differences": differences}, wishes.as_json,
        "\n".join(differences) or "Every table holds what was backed up.")  # fmt: skip
    raise SystemExit(FAILED if differences else 0)


def restore_backup(wishes: BackupWishes, home: Path) -> None:
    lock = _lock(wishes.key_file, False, wishes.as_json)
    here: Runtime = settings.RUNTIME
    lake = str(home.absolute() / "lake")
    runtime = replace(here, home=home.absolute(), lake=os.environ.get("TIERWISE_LAKE_URL") or lake)
    try:
        with watching(wishes.as_json) as tell:
            restored = restore(wishes.target, lock, runtime, wishes.which, tell)
    except (Damaged, NotEmpty, OSError, RuntimeError, WrongKey) as error:
        fail(str(error), wishes.as_json)
    tables = len(restored.manifest.tables)
    if restored.differences:
        fail("Restored, but not the same:\n" + "\n".join(restored.differences), wishes.as_json)
    said = {"home": str(home), "made_at": restored.manifest.made_at, "tables": tables, "same": True,
            "members": len(restored.manifest.members)}  # fmt: skip
    say(said, wishes.as_json, f"Restored into {home}: all {tables} tables and {said['members']} files are the same.")


def verify_audit(trust: list[str], as_json: bool) -> None:
    verdict = verify(SYSTEM, frozenset(trust))
    faults = [asdict(fault) for fault in verdict.faults]
    said = {"sound": verdict.sound, "seals": verdict.seals, "entries": verdict.entries, "unsealed": verdict.unsealed,
            "oldest_unsealed": verdict.oldest_unsealed, "head": verdict.head, "faults": faults}  # fmt: skip
    if as_json:
        say(said, True)
    else:
        word = "sound" if verdict.sound else f"NOT sound: {len(faults)} faults"
        tail = f"{verdict.unsealed} entries are not sealed yet"
        since = f", the oldest of {verdict.oldest_unsealed:%Y-%m-%d %H:%M:%S}" if verdict.oldest_unsealed else ""
        console.print(f"{verdict.entries} entries under {verdict.seals} seals: {word}. {tail}{since}.", markup=False)
        console.print(f"Head: {verdict.head}", markup=False)
        if faults:
            show([{"kind": f["kind"], "seal": f["seal"], "what": f["what"]} for f in faults[:_FAULTS_SHOWN]], False, "")
    raise SystemExit(0 if verdict.sound else FAILED)


def seal_audit(as_json: bool) -> None:
    sealed = seal_settled(SYSTEM)
    say({"sealed": sealed}, as_json, f"{sealed} entries sealed.")


def doctor(mend: bool, as_json: bool) -> None:
    """Asks every check; those of the database only where it starts. Exit code 1 with a fault, 0 else."""
    findings = list(examine(needs_database=False).findings)
    _mend(findings, mend, as_json)
    try:
        # Not brought up to date first: what is behind is to be told, not silently mended.
        with serving(settings.RUNTIME):
            findings += examine(needs_database=True).findings
            _mend(findings, mend, as_json)
    except Exception as error:
        what = f"The database does not start: {str(error)[-1000:]}"
        findings.append(Finding("database", Severity.FAULT, what, "The end of postgres/postgres.log tells more."))
    told = [finding.told() for finding in findings]
    if as_json:
        say({"healthy": not told, "findings": told}, True)
    elif not told:
        console.print("Nothing is wrong.")
    for finding in [] if as_json else told:
        console.print(f"[bold]{finding['severity']}[/bold]  {finding['check']}: ", end="")
        console.print(f"{finding['what']}\n         {finding['remedy']}", markup=False, soft_wrap=True)
    raise SystemExit(FAILED if any(finding["severity"] == Severity.FAULT for finding in told) else 0)


def _mend(findings: list[Finding], mend: bool, as_json: bool) -> None:
    """Does what is safe, and takes it off the list."""
    for finding in [one for one in findings if mend and one.mend is not None]:
        assert finding.mend is not None
        finding.mend()
        findings.remove(finding)
        if not as_json:
            console.print(f"Mended: {finding.what}", markup=False, soft_wrap=True)
