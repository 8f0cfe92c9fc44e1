"""Keeping an installation whole: audit trail, backups, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierwise.cli.commands.ground import As, Json, load, running_program

app = typer.Typer()
audit = typer.Typer(help="What was done: list it, seal it, prove that nothing of it was changed.")
app.add_typer(audit, name="audit")
KeyFile = Annotated[Path | None, typer.Option(help="Key file; else TIERWISE_BACKUP_KEY or a passphrase.")]
Which = Annotated[str, typer.Option(help="Which of a folder's backups; the newest else.")]


@audit.callback(invoke_without_command=True)
def audit_(
    context: typer.Context, limit: int = 50, action: str = "", as_json: Json = False, email: As = ""
) -> None:  # fmt: skip
    """List what was done, the newest first."""
    if context.invoked_subcommand is None:
        with running_program():
            from tierwise.cli.work import list_audit

            list_audit(limit, action, email, as_json)


@audit.command()
def verify(
    trust: Annotated[list[str], typer.Option(help="Believe seals of this key, too.")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:  # fmt: skip
    """Prove that no entry was cut, changed or slipped in. Exit code 1 where one was."""
    with running_program():
        from tierwise.cli import upkeep

        upkeep.verify_audit(trust, as_json)


@audit.command()
def seal(as_json: Json = False) -> None:
    """Seal what is settled now; the worker does so every ten seconds."""
    with running_program():
        from tierwise.cli import upkeep

        upkeep.seal_audit(as_json)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A file, or a folder that holds backup beside backup.")],
    key_file: KeyFile = None,
    with_secret: Annotated[bool, typer.Option(help="Put the installation's secret in as well.")] = False,
    without_lake: Annotated[bool, typer.Option(help="Leave out a lake that is backed up otherwise.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read a backup from end to end, and make none.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare this database with a backup.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Write a new key to the file, and make none.")] = False,
    which: Which = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Back up database, lake and files, encrypted, while everything runs."""
    load()
    from tierwise.cli import upkeep

    wishes = upkeep.BackupWishes(target, key_file, with_secret, without_lake, which, as_json)
    if new_key:
        upkeep.write_new_key(target)
    elif check:
        upkeep.check_backup(wishes)
    elif verify:
        upkeep.compare_backup(wishes)
    else:
        upkeep.back_up(wishes)


@app.command()
def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended safely.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Say what is wrong with this installation, how bad it is, and how to mend it."""
    load()
    from tierwise.cli import upkeep

    upkeep.doctor(mend, as_json)


@app.command()
def restore(
    source: Path, home: Annotated[Path, typer.Option(help="A folder that is empty or not there yet.")],
    key_file: KeyFile = None, which: Which = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Restore a backup into an empty home and prove by hash that it is the same."""
    load()
    from tierwise.cli import upkeep

    upkeep.restore_backup(upkeep.BackupWishes(source, key_file, which=which, as_json=as_json), home)
