"""``python -m tierwise.engine``: the engine's calculations on a file, without a database.

Reading and writing files belongs here and nowhere else in the engine.
0 done · 1 refused, with the reason · 2 wrong use.
"""

from __future__ import annotations

import io
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import polars as pl
import typer

from tierwise.engine.tasks import Task, all_tasks, find_task, run_task

app = typer.Typer(
    help="Runs the engine's calculations on a file (CSV, Parquet, XLSX), without a database.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
)  # fmt: skip
_SHOWN_ROWS = 1000

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="family.name, as `list` shows it")]


class Suffix(StrEnum):
    """The kinds of files that are read and written, by their ending."""

    CSV = ".csv"
    PARQUET = ".parquet"
    XLSX = ".xlsx"


@app.command("list")
def list_tasks(family: Annotated[str, typer.Argument(help="one family alone")] = "") -> None:
    """Families and their tasks."""
    shown = [task for task in all_tasks() if family in {"", task.family}]
    if not shown:
        _fail(f"family: there is no {family!r}; there are {', '.join(sorted({task.family for task in all_tasks()}))}")
    width = max(len(task.key) for task in shown)
    for task in shown:
        typer.echo(f"{task.key:<{width}}  {task.what}")


@app.command()
def describe(task: TaskName) -> None:
    """Columns in with their units, parameters, columns out, and what to look for."""
    typer.echo(description(_task(task)))


@app.command()
def example(
    task: TaskName, to: Annotated[Path | None, typer.Option(help="write it to a file instead of the screen")] = None
) -> None:
    """A small table that the task runs on as it stands."""
    found = _task(task)
    if to is None:
        typer.echo(found.example, nl=False)
    else:
        _write(pl.read_csv(io.StringIO(found.example), infer_schema=False), to)


@app.command()
def run(
    task: TaskName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a .csv, .parquet or .xlsx file with headings")],
    setting: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, as often as needed")] = None,
    to: Annotated[Path | None, typer.Option(help="write to this .csv, .parquet or .xlsx instead of the screen")] = None,
    sheet: Annotated[str, typer.Option(help="the sheet of a workbook (default: the first)")] = "",
) -> None:
    """Runs a task on a file; the answer goes to the screen or to a file."""
    found = _task(task)
    settings = dict(_pair(each) for each in setting or [])
    try:
        answer = run_task(found, _read(file, sheet), settings)
    except ValueError as error:
        _fail(f"{file}: {error}")
    if to is None:
        typer.echo(as_text(answer), nl=False)
        return
    _write(answer, to)
    typer.echo(f"{answer.height} rows written to {to}.")


def description(task: Task) -> str:
    """A task in words."""
    lines = [f"{task.key}: {task.what}.", "", "Reads, one row each:"]
    for column in task.columns:
        need = "" if not column.empty else f" (empty: {column.empty})"
        lines.append(f"  {column.name}: {column.kind}, {column.what}{_unit(column.unit)}{need}")
    if task.parameters:
        lines += ["", "Settings (--set NAME=VALUE):"]
    for each in task.parameters:
        known = f"; one of {', '.join(each.choices)}" if each.choices else ""
        default = "must be given" if each.default is None else f"default {each.default}"
        lines.append(f"  {each.name}: {each.kind}, {each.what}{_unit(each.unit)}{known} ({default})")
    lines += ["", "Gives:", *(f"  {name}: {what}" for name, what in task.gives.items()), "", f"Look at: {task.look}"]
    options = "".join(f" --set {name}={value}" for name, value in (task.example_settings or {}).items())
    lines += ["", "Try it:", f"  python -m tierwise.engine example {task.key} --to example.csv"]
    lines.append(f"  python -m tierwise.engine run {task.key} example.csv{options}")
    return "\n".join(lines)


def as_text(table: pl.DataFrame) -> str:
    """A table for the screen, columns aligned, numbers to six digits."""
    told = [[name, *map(_cell, table[name].head(_SHOWN_ROWS).to_list())] for name in table.columns]
    right = [table.schema[name].is_numeric() for name in table.columns]
    widths = [max(map(len, column)) for column in told]
    rows = (
        "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in zip(*told, strict=True)
    )
    more = table.height - _SHOWN_ROWS
    return "\n".join(rows) + "\n" + (f"… {more} more rows; take --to for all\n" if more > 0 else "")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _unit(unit: str) -> str:
    return f", in {unit}" if unit else ""


def _task(key: str) -> Task:
    try:
        return find_task(key)
    except ValueError as error:
        _fail(str(error))


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        _fail(f"--set {text}: write NAME=VALUE")
    return name.strip(), value


def _suffix(path: Path) -> Suffix:
    try:
        return Suffix(path.suffix.lower())
    except ValueError:
        _fail(f"{path}: ends with {path.suffix or 'nothing'}; files are {', '.join(Suffix)}")


def _read(path: Path, sheet: str) -> pl.DataFrame:
    """A file as it stands; CSV as texts, so that what cannot be read is named by its row."""
    kind = _suffix(path)
    if not path.is_file():
        _fail(f"{path}: there is no such file")
    try:
        if kind is Suffix.CSV:
            return pl.read_csv(path, infer_schema=False)
        if kind is Suffix.PARQUET:
            return pl.read_parquet(path)
        return pl.read_excel(path, sheet_name=sheet or None, engine="calamine")
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        _fail(f"{path}: cannot be read as {kind.value[1:]}: {str(error).splitlines()[0]}")


def _write(table: pl.DataFrame, path: Path) -> None:
    kind = _suffix(path)
    try:
        if kind is Suffix.CSV:
            table.write_csv(path)
        elif kind is Suffix.PARQUET:
            table.write_parquet(path)
        else:
            table.write_excel(path)
    except OSError as error:
        _fail(f"{path}: cannot be written: {error.strerror or error}")


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m tierwise.engine")
