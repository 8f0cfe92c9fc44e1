"""Which tasks there are, and how one is run on a table after everything in it has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import polars as pl

from tierwise import engine
from tierwise.engine.tasks.check import checked_settings, checked_table
from tierwise.engine.tasks.declare import Task


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every task of every family, by family and name. A family declares its own in ``tasks.py`` as ``TASKS``."""
    found: list[Task] = []
    for family in engine.__all__:
        home = f"tierwise.engine.{family}.tasks"
        if find_spec(home) is not None:
            found.extend(import_module(home).TASKS)
    return tuple(sorted(found, key=lambda task: task.key))


def find_task(key: str) -> Task:
    """The task ``family.name``; ValueError with what comes near.

    >>> find_task("stock.newsvendor").what
    'How much to order once, given what a unit too much and a unit too little cost'
    """
    known = {task.key: task for task in all_tasks()}
    if key in known:
        return known[key]
    near = get_close_matches(key, known, n=3, cutoff=0.4) or [each for each in known if key in each]
    told = f"; near it: {', '.join(near)}" if near else ""
    raise ValueError(f"task: there is no {key!r}{told}. Without a name all are listed")


def run_task(task: Task, table: pl.DataFrame, settings: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Checks a table and settings given as texts, and runs the task on them.

    ValueError naming the column and the row, or the setting, and the remedy.

    >>> import io
    >>> task = find_task("stock.newsvendor")
    >>> run_task(task, pl.read_csv(io.StringIO(task.example)))["quantity"].round(3).to_list()
    [56.604, 134.846]
    """
    given: dict[str, Any] = checked_settings(task, settings or {})
    return task.run(checked_table(task, table), given)
