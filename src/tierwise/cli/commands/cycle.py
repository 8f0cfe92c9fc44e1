"""The cycle as a whole and in parts, and the scheme that it runs under."""

from __future__ import annotations

from pathlib import Path

import typer

from tierwise.cli.commands.ground import As, Day, Json, day_of, running_program

app = typer.Typer()
scheme = typer.Typer(no_args_is_help=True, help="The segmentation scheme: check, plan, apply, go back.")
app.add_typer(scheme, name="scheme")


@app.command()
def cycle(on: Day = None, as_json: Json = False) -> None:
    """Run the cycle: place new demand, carry segments up the network, score, publish."""
    with running_program():
        from tierwise.cli.work import run_whole_cycle

        run_whole_cycle(day_of(on), as_json)


@app.command()
def score(on: Day = None, as_json: Json = False) -> None:
    """Compute the scorecards that are due."""
    with running_program():
        from tierwise.cli.work import run_steps

        run_steps("score", day_of(on), as_json)


@app.command()
def publish(on: Day = None, as_json: Json = False) -> None:
    """Publish demand and scorecards under the agreements in force."""
    with running_program():
        from tierwise.cli.work import run_steps

        run_steps("publish", day_of(on), as_json)


@scheme.command()
def plan(document: Path, on: Day = None, as_json: Json = False, email: As = "") -> None:
    """Keep a scheme document as a draft and say what applying it would change."""
    with running_program():
        from tierwise.cli.schemes import plan_document

        plan_document(document, day_of(on), email, as_json)


@scheme.command()
def apply(plan_id: str, fingerprint: str, as_json: Json = False, email: As = "") -> None:
    """Apply a plan; its fingerprint says that it was read."""
    with running_program():
        from tierwise.cli.schemes import apply_planned

        apply_planned(plan_id, fingerprint, email, as_json)


@scheme.command()
def history(as_json: Json = False, email: As = "") -> None:
    """List the versions of the scheme."""
    with running_program():
        from tierwise.cli.schemes import list_versions

        list_versions(email, as_json)


@scheme.command()
def show(number: int, email: As = "") -> None:
    """Print a version's document."""
    with running_program():
        from tierwise.cli.schemes import print_version

        print_version(number, email)


@scheme.command()
def rollback(number: int, as_json: Json = False, email: As = "") -> None:
    """Make a past version a new draft, to be planned and applied."""
    with running_program():
        from tierwise.cli.schemes import go_back

        go_back(number, email, as_json)
