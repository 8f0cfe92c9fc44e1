"""A table and settings as somebody typed them, turned into what a task reads; what is wrong is named by its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

import polars as pl

from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task

_TRUE, _FALSE = ("true", "yes", "1", "y"), ("false", "no", "0", "n")
_WRITTEN = {
    Kind.NUMBER: "a number, with a point for decimals and nothing between thousands",
    Kind.WHOLE: "a whole number",
    Kind.DATE: "a date as 2025-12-31",
    Kind.FLAG: "true or false",
    Kind.TEXT: "a text",
}


def checked_table(task: Task, table: pl.DataFrame) -> pl.DataFrame:
    """The task's columns in its order and kinds. Rows count from 1, headings aside."""
    missing = [column.name for column in task.columns if column.needed and column.name not in table.columns]
    if missing:
        near = get_close_matches(missing[0], table.columns, n=1)
        hint = f"; is it {near[0]!r}?" if near else ""
        raise ValueError(
            f"column {missing[0]!r} is missing{hint} {task.key} reads "
            f"{', '.join(column.name for column in task.columns)}; the table has {', '.join(table.columns) or 'none'}"
        )
    return table.select(_typed(table, column) for column in task.columns)


def _typed(table: pl.DataFrame, column: Column) -> pl.Series:
    if column.name not in table.columns:
        return pl.Series(column.name, [None] * table.height, dtype=column.kind.dtype)
    given = table[column.name]
    if given.dtype == pl.String:
        given = (
            given.to_frame().select(pl.when(pl.col(column.name).str.strip_chars() != "").then(column.name)).to_series()
        )
    found = _cast(given, column.kind)
    _refuse(given, found.is_null() & given.is_not_null(), column, f"is not {_WRITTEN[column.kind]}")
    if column.kind is Kind.NUMBER:
        _refuse(given, found.is_infinite().fill_null(value=False), column, "is infinite; leave out such rows")
        found = found.fill_nan(None)
    if not column.empty:
        _refuse(given, found.is_null(), column, "is empty and must be filled")
    return found


def _cast(given: pl.Series, kind: Kind) -> pl.Series:
    name = given.name
    if kind is Kind.FLAG and given.dtype != pl.Boolean:
        word = pl.col(name).cast(pl.String).str.to_lowercase().str.strip_chars()
        flag = pl.when(word.is_in(_TRUE)).then(pl.lit(value=True)).when(word.is_in(_FALSE)).then(pl.lit(value=False))
        return given.to_frame().select(flag.alias(name)).to_series()
    if given.dtype == pl.String:
        if kind is Kind.DATE:
            return given.str.strip_chars().str.to_date("%Y-%m-%d", strict=False)
        if kind is not Kind.TEXT:
            return _whole(given.str.strip_chars().cast(pl.Float64, strict=False), kind)
    if kind in {Kind.WHOLE, Kind.NUMBER} and not given.dtype.is_numeric():
        # A date or a flag is no number, whatever it can be cast to.
        return pl.Series(name, [None] * len(given), dtype=kind.dtype)
    if kind is Kind.WHOLE:
        return _whole(given.cast(pl.Float64), kind)
    return given.cast(kind.dtype, strict=False)


def _whole(numbers: pl.Series, kind: Kind) -> pl.Series:
    if kind is not Kind.WHOLE:
        return numbers
    return numbers.set(((numbers % 1) != 0).fill_null(value=False), None).cast(pl.Int64, strict=False)


def _refuse(given: pl.Series, wrong: pl.Series, column: Column, why: str) -> None:
    count = int(wrong.sum())
    if count:
        row = wrong.arg_max() or 0
        value = "" if given[row] is None else f" {str(given[row])!r}"
        more = f" ({count - 1} more rows likewise)" if count > 1 else ""
        raise ValueError(f"column {column.name!r}, row {row + 1}:{value} {why}{more}; it is {_meaning(column)}")


def refuse_rows(given: pl.Series, wrong: pl.Series, why: str) -> None:
    """ValueError naming the first row of a column of which ``wrong`` is true, its value and why."""
    if wrong.fill_null(value=False).any():
        row = wrong.fill_null(value=False).arg_max() or 0
        value = "it is empty" if given[row] is None else repr(str(given[row]))
        raise ValueError(f"column {given.name!r}, row {row + 1}: {value}: {why}")


def _meaning(column: Column | Parameter) -> str:
    return column.what + (f", in {column.unit}" if column.unit else "")


def checked_settings(task: Task, given: Mapping[str, str]) -> dict[str, Any]:
    """Every parameter of the task with its value, given or by default."""
    known = {parameter.name: parameter for parameter in task.parameters}
    for name in given:
        if name not in known:
            told = f"it knows {', '.join(known)}" if known else "it knows none"
            raise ValueError(f"setting {name!r} is none of {task.key}; {told}")
    found: dict[str, Any] = {}
    for name, parameter in known.items():
        if name in given:
            found[name] = _setting(parameter, given[name].strip())
        elif parameter.default is None:
            raise ValueError(f"setting {name!r} must be given; it is {_meaning(parameter)}")
        else:
            found[name] = parameter.default
    return found


def _setting(parameter: Parameter, text: str) -> Any:
    if parameter.choices and text not in parameter.choices:
        raise ValueError(f"setting {parameter.name!r} is {text!r}; choose of {', '.join(parameter.choices)}")
    try:
        return _parsed(parameter.kind, text)
    except ValueError as error:
        raise ValueError(f"setting {parameter.name!r} is {text!r}, not {_WRITTEN[parameter.kind]}") from error


def _parsed(kind: Kind, text: str) -> Any:
    if kind is Kind.NUMBER:
        return float(text)
    if kind is Kind.WHOLE:
        return int(text)
    if kind is Kind.DATE:
        return date.fromisoformat(text)
    if kind is Kind.FLAG:
        if text.lower() not in {*_TRUE, *_FALSE}:
            raise ValueError(text)
        return text.lower() in _TRUE
    return text
