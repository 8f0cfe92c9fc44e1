"""Facts on their way in, the states of the lake, and rows set aside."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tierwise.cli.commands.ground import As, Json, running_program

app = typer.Typer()
lake_app = typer.Typer(no_args_is_help=True, help="The lake: its states over time, and tables as they were known.")
app.add_typer(lake_app, name="lake")
quarantine_app = typer.Typer(no_args_is_help=True, help="Rows that imports set aside: list, save, repair.")
app.add_typer(quarantine_app, name="quarantine")


@app.command(name="import")
def import_(
    extract: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="Folder; with --probe a file.")],
    mapping: Annotated[Path | None, typer.Option(help="The mapping file (YAML).")] = None,
    quarantine: Annotated[bool, typer.Option(help="Take the sound rows and keep the others for repair.")] = False,
    probe: Annotated[bool, typer.Option(help="Propose a mapping for a file; nothing is imported.")] = False,
    table: Annotated[str, typer.Option(help="With --probe: the table the file fills.")] = "",
    as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Import an extract: all of it, or nothing with a list of every fault."""
    with running_program():
        from tierwise.cli import lake

        if probe:
            lake.propose_mapping(extract, table, email, as_json)
        else:
            lake.import_folder(extract, mapping, lake.ImportChoice(quarantine, as_json), email)


@lake_app.command(name="history")
def lake_history(
    table: Annotated[str, typer.Argument(help="Only what moved this table.")] = "",
    limit: int = 50, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """List the states of the lake, the newest first: when, why and which tables."""
    with running_program():
        from tierwise.cli import lake

        lake.list_manifests(table, limit, email, as_json)


@lake_app.command(name="show")
def lake_show(
    table: str,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
                                                   help="As it was known then (UTC).")] = None,
    manifest: Annotated[int, typer.Option(help="Number of a state of the lake; the newest.")] = 0,
    limit: int = 20, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Show rows of a table, as they are or as they were known at a time."""
    with running_program():
        from tierwise.cli import lake

        lake.show_rows(table, lake.ShowChoice(as_of, manifest, limit, as_json), email)


@quarantine_app.command(name="list")
def quarantine_list(mapping: str = "", limit: int = 50, as_json: Json = False, email: As = "") -> None:
    """List rows that imports set aside."""
    with running_program():
        from tierwise.cli import lake

        lake.list_quarantine(mapping, limit, email, as_json)


@quarantine_app.command(name="save")
def quarantine_save(mapping: str, file: Annotated[Path, typer.Argument(help=".xlsx or .csv")], email: As = "") -> None:
    """Write the rows of a mapping to a spreadsheet, to be corrected."""
    with running_program():
        from tierwise.cli import lake

        lake.save_quarantine(mapping, file, email)


@quarantine_app.command(name="repair")
def quarantine_repair(
    mapping: str, file: Annotated[Path | None, typer.Argument(help="The corrected sheet.")] = None,
    as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Try the rows of a mapping again, with the corrections of a spreadsheet."""
    with running_program():
        from tierwise.cli import lake

        lake.repair_quarantine(mapping, file, email, as_json)
