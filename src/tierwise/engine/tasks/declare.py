"""What a task is: the columns it reads, the parameters it knows, the columns it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import polars as pl

Value = str | float | int | bool | date
Run = Callable[[pl.DataFrame, Mapping[str, Any]], pl.DataFrame]


class Kind(StrEnum):
    """How a value is written. A flag is true or false (also yes, no, 1, 0); a date is 2025-12-31."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    DATE = "date"
    FLAG = "flag"

    @property
    def dtype(self) -> pl.DataType:
        return _DTYPES[self]


_DTYPES: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(), Kind.NUMBER: pl.Float64(), Kind.WHOLE: pl.Int64(), Kind.DATE: pl.Date(),
    Kind.FLAG: pl.Boolean(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table read. ``empty`` says what an empty field means ("" : it must be filled); a column that is
    not ``needed`` may be missing altogether and is then empty throughout."""

    name: str
    kind: Kind
    what: str
    unit: str = ""
    empty: str = ""
    needed: bool = True

    def __post_init__(self) -> None:
        if not self.needed and not self.empty:
            raise ValueError(f"empty: column {self.name!r} may be missing; say what that means")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a task. Without a default it must be given. ``choices`` are the values it can have."""

    name: str
    kind: Kind
    what: str
    default: Value | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A calculation on one table.

    ``columns`` in, ``gives`` out (names with what they say), ``look``: what to look for in the answer. ``example`` is a
    table as CSV that runs as it stands, ``example_settings`` what it sets.
    """

    family: str
    name: str
    what: str
    columns: tuple[Column, ...]
    gives: Mapping[str, str]
    run: Run
    look: str
    example: str
    parameters: tuple[Parameter, ...] = ()
    example_settings: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        return f"{self.family}.{self.name}"
