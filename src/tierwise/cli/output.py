"""What commands print: words for people, JSON for machines, progress on the terminal alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from tierwise.kernel.pipeline import Progress as Tell

FAILED, NOTHING = 1, 3
# A pipe has no width of its own; lines are then not cut.
_width = None if sys.stdout.isatty() else 240
console = Console(highlight=False, width=_width)
errors = Console(stderr=True, highlight=False)


def say(values: Mapping[str, Any], as_json: bool, text: str = "") -> None:
    """One answer, in words or as one JSON object."""
    if as_json:
        sys.stdout.write(json.dumps(values, default=str, indent=2) + "\n")
    else:
        console.print(text or "\n".join(f"{name}: {value}" for name, value in values.items()), markup=False)


def show(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    """A table of rows, or a JSON list."""
    if as_json:
        sys.stdout.write(json.dumps(rows, default=str, indent=2) + "\n")
        return
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(table)


def fail(message: str, as_json: bool = False, **values: Any) -> NoReturn:
    if as_json:
        sys.stdout.write(json.dumps({"error": message, **values}, default=str, indent=2) + "\n")
    else:
        errors.print(message, markup=False)
    raise SystemExit(FAILED)


@contextmanager
def watching(quiet: bool = False) -> Iterator[Tell]:
    """A progress bar with what is being done and the time that remains; silent where nobody watches."""
    if quiet or not errors.is_terminal:
        yield lambda _what, _share: None
        return
    what = TextColumn("{task.description}")
    columns = (SpinnerColumn(), what, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
