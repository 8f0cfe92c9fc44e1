"""All commands, by what they are about."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from tierwise.cli import output
from tierwise.cli.commands import cycle, entry, exchange, facts, serving, upkeep

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Tierwise: one segmented supply chain, run by a company and its suppliers together.",
)  # fmt: skip
for _part in (serving, facts, cycle, exchange, entry, upkeep):
    app.add_typer(_part.app)


@app.callback(invoke_without_command=True)
def _options(
    shows_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Say which version this is.")] = False,
) -> None:
    if shows_version:
        output.console.print(f"tierwise {version('tierwise')}", markup=False)
        raise typer.Exit
