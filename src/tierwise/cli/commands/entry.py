"""Who may enter: people, machines, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierwise.cli import output
from tierwise.cli.commands.ground import As, Json, load, running_program

app = typer.Typer()
access = typer.Typer(no_args_is_help=True, help="Who may enter, and what people's data is kept.")
app.add_typer(access, name="access")
token = typer.Typer(no_args_is_help=True, help="Tokens of machines: make, list, revoke.")
app.add_typer(token, name="token")


@token.command()
def make(
    name: Annotated[str, typer.Argument(help="Which machine will use it.")],
    scope: Annotated[list[str] | None, typer.Option(help="Such as cases:read; every one to read when none.")] = None,
    role: Annotated[str, typer.Option(help="The role it acts in; a viewer when none is given.")] = "",
    days: int = 90, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Make a token in the name of an administrator; its text is shown once."""
    with running_program():
        from tierwise.cli import tokens

        tokens.make(name, role, scope or [], days, email, as_json)


@token.command(name="list")
def list_(as_json: Json = False, email: As = "") -> None:
    """List the tokens of a company."""
    with running_program():
        from tierwise.cli import tokens

        tokens.list_all(email, as_json)


@token.command()
def revoke(token_id: str, as_json: Json = False, email: As = "") -> None:
    """End a token at once."""
    with running_program():
        from tierwise.cli import tokens

        tokens.revoke(token_id, email, as_json)


@access.command()
def check(file: Annotated[Path | None, typer.Argument()] = None, as_json: Json = False) -> None:
    """Read access.toml and say what it means; nothing is started, so a file that stops everything else can be read."""
    from tierwise.directory.entrance import AccessError, access_path, read_access

    try:
        found = read_access(file or access_path())
    except AccessError as error:
        output.fail(str(error), as_json)
    rows = [one.told() for one in found.providers.values()]
    output.show(rows, as_json, "No provider: people sign in with passwords and passkeys.")
    if not as_json:
        said = found.review
        often = f"every {said.every_days} days" if said.every_days else "never"
        output.console.print(f"Access is confirmed {often}, within {said.answer_days} + {said.grace_days} days.")


@access.command(name="unlock")
def unlock_(email: str, as_email: As = "") -> None:
    """Let a person whose address failed sign-ins have locked try again."""
    with running_program():
        from tierwise.cli.access import unlock

        unlock(email, as_email)


@access.command()
def review(as_json: Json = False) -> None:
    """Open the reviews of access that are due, remind, and end what nobody confirmed in time."""
    with running_program():
        from tierwise.cli.access import take_review_step

        take_review_step(as_json)


@access.command()
def retention(
    purge: Annotated[bool, typer.Option("--purge", help="Purge now what the nightly cycle would.")] = False,
    as_json: Json = False,
) -> None:
    """List how long each table is kept and why; or purge."""
    if not purge:
        load()
        from tierwise.cli.access import list_retention

        list_retention(as_json)
        return
    with running_program():
        from tierwise.cli.access import purge_now

        purge_now(as_json)


@access.command()
def erasures(
    ledger: Annotated[list[Path] | None, typer.Argument(help="Ledgers beside the installation's own.")] = None,
    as_json: Json = False,
) -> None:
    """Erase again whom the ledgers name; every start does so with the installation's own."""
    with running_program():
        from tierwise.cli.access import erase_again

        erase_again(ledger or [], as_json)
