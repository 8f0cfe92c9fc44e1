"""Demand lines with a number in place of their cell, so that texts are read once and everything after counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from math import prod

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from tierwise.engine.demand.cells import GRAIN
from tierwise.engine.matching import KeyIndex

Cells = npt.NDArray[np.int32]

_AMOUNTS = ("quantity", "revenue", "unit_cost")
_DENSE = 4
"""A table over every combination of the grain is taken up to so many entries a line; beyond it keys are hashed."""
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class CodedLines:
    """Demand lines, checked: ``cells`` holds every cell once, sorted by grain, ``cell`` the row there of each line.

    ``lines``, in the order given: ``is_order`` and those of ``ordered_on``, ``order``, ``quantity``, ``revenue`` and
    ``unit_cost`` that were asked for, amounts as floats.
    """

    cells: pl.DataFrame = field(repr=False)
    cell: Cells = field(repr=False)
    lines: pl.DataFrame = field(repr=False)

    @property
    def grain(self) -> tuple[str, ...]:
        return tuple(self.cells.columns)

    def within(self, first: date, last: date) -> CodedLines:
        """The lines of a span of days, both included; every cell keeps its number."""
        inside = self.lines.select(pl.col("ordered_on").is_between(first, last)).to_series()
        return replace(self, cell=self.cell[inside.to_numpy()], lines=self.lines.filter(inside))


def code_lines(
    lines: pl.DataFrame | pl.LazyFrame,
    grain: tuple[str, ...] = GRAIN,
    needed: tuple[str, ...] = ("ordered_on", "order", "kind", *_AMOUNTS),
) -> CodedLines:
    """Checks demand lines and numbers their cells; what measures and costs cells takes the result in their place.

    Each text of the grain is read twice, once for its distinct values and once for its number among them.
    Raises ValueError naming the column and the remedy where one is missing, a key is empty, or a quantity has a sign.

    >>> rows = {"item": ["B", "A", "B"], "kind": ["order"] * 3}
    >>> found = code_lines(pl.DataFrame(rows | {"quantity": [5, 1, 2]}), ("item",), ("kind", "quantity"))
    >>> found.cells["item"].to_list(), found.cell.tolist(), found.lines["quantity"].to_list()
    (['A', 'B'], [1, 0, 1], [5.0, 1.0, 2.0])
    """
    source = lines.lazy()
    schema = source.collect_schema()
    missing = [name for name in (*grain, *needed) if name not in schema]
    if missing:
        raise ValueError(f"lines: column {missing[0]!r} is missing; demand lines need {', '.join((*grain, *needed))}")
    values = _distinct(source.select(*grain, *needed), grain, needed)
    amounts = [pl.col(name).cast(pl.Float64) for name in _AMOUNTS if name in needed]
    plain = [pl.col(name) for name in ("ordered_on", "order") if name in needed]
    codes = [_code(series).alias(f"code {series.name}") for series in values]
    coded = source.select(*codes, *plain, (pl.col("kind") == "order").alias("is_order"), *amounts)
    found = coded.collect(engine="streaming").rechunk()
    cell, cells = _numbered(found, values)
    return CodedLines(cells, cell, found.drop([f"code {name}" for name in grain]))


def as_coded(lines: pl.DataFrame | pl.LazyFrame | CodedLines, grain: tuple[str, ...], *needed: str) -> CodedLines:
    """The lines themselves where they are coded at this grain already.

    >>> rows = {"item": ["A"], "ordered_on": [date(2024, 1, 5)]}
    >>> lines = pl.DataFrame(rows | {"kind": ["order"], "quantity": [5]})
    >>> coded = as_coded(lines, ("item",), "ordered_on", "quantity")
    >>> as_coded(coded, ("item",), "quantity") is coded
    True
    """
    if not isinstance(lines, CodedLines):
        return code_lines(lines, grain, ("kind", *needed))
    if lines.grain != grain:
        raise ValueError(f"grain: the lines are coded by {', '.join(lines.grain)}, not by {', '.join(grain)}")
    missing = [name for name in needed if name not in lines.lines.columns]
    if missing:
        raise ValueError(f"lines: column {missing[0]!r} is missing; code the lines with it")
    return lines


def _distinct(lines: pl.LazyFrame, grain: tuple[str, ...], needed: tuple[str, ...]) -> list[pl.Series]:
    """Per column of the grain its distinct values, sorted, once nothing is wrong with the lines."""
    keys = [*grain, *(name for name in needed if name in {"ordered_on", "kind", "order"})]
    checks = [pl.col(key).null_count().alias(f"null {key}") for key in keys]
    checks += [
        (pl.col(name).cast(pl.Float64) < 0).sum().alias(f"negative {name}") for name in _AMOUNTS if name in needed
    ]
    checks.append(pl.col("quantity").null_count().alias("null quantity"))
    checks.append((~pl.col("kind").is_in(["order", "return"])).sum().alias("unknown kind"))
    distinct = [pl.col(name).drop_nulls().unique().implode().alias(f"distinct {name}") for name in grain]
    found = lines.select(*checks, *distinct).collect(engine="streaming")
    for problem, count in found.select(pl.exclude([f"distinct {name}" for name in grain])).row(0, named=True).items():
        if count:
            raise ValueError(f"lines: {_problem(problem, count)}")
    columns = [found[f"distinct {name}"].explode(empty_as_null=False).alias(name) for name in grain]
    return [(c.cast(pl.String) if isinstance(c.dtype, pl.Categorical | pl.Enum) else c).sort() for c in columns]


def _problem(problem: str, count: int) -> str:
    what, name = problem.split(" ", 1)
    if what == "null":
        return f"{count} empty values in {name!r}; fill them (for a key, '*' stands for any) or leave the lines out"
    if what == "negative":
        return f"{count} negative values in {name!r}; give them positive, kind 'return' carries the sign"
    return f"{count} values in 'kind' other than 'order' and 'return'; map them to one of the two"


def _code(values: pl.Series) -> pl.Expr:
    column = pl.col(values.name)
    if values.dtype == pl.String:
        return column.cast(pl.Enum(values)).to_physical().cast(pl.Int32)
    return column.replace_strict(values, pl.int_range(len(values), eager=True), return_dtype=pl.Int32)


def _numbered(coded: pl.DataFrame, values: list[pl.Series]) -> tuple[Cells, pl.DataFrame]:
    """Of each line the place of its cell among all cells in the order of the grain, and these cells."""
    sizes = [max(len(series), 1) for series in values]
    if prod(sizes) >= 2**63:
        names = ", ".join(series.name for series in values)
        raise ValueError(f"grain: {names} have too many combinations for one key; use a coarser grain")
    keys = np.zeros(coded.height, dtype=np.int64)
    for series, size in zip(values, sizes, strict=True):
        keys *= size
        keys += coded[f"code {series.name}"].to_numpy()
    cell, kept = _ranked(keys, prod(sizes))
    columns = []
    for series, size in zip(reversed(values), reversed(sizes), strict=True):
        columns.append(series.gather(pl.Series(kept % size)))
        kept = kept // size
    return cell, pl.DataFrame(columns[::-1])


def _ranked(keys: npt.NDArray[np.int64], size: int) -> tuple[Cells, npt.NDArray[np.int64]]:
    """The place of every key among the distinct ones in order, and these; keys are below ``size``."""
    if size <= max(_DENSE * len(keys), _SMALL):
        found: Cells
        kept: npt.NDArray[np.int64]
        found, kept = _rank_dense(keys, size)
        return found, kept
    first = KeyIndex(pl.DataFrame({"key": keys}), ["key"]).first
    mine = np.flatnonzero(first == np.arange(len(first)))
    order = np.argsort(keys[mine])
    place = np.empty(len(keys), dtype=np.int32)
    place[mine[order]] = np.arange(len(mine), dtype=np.int32)
    return place[first], keys[mine][order]


@njit(cache=True, nogil=True)
def _rank_dense(keys, size):  # type: ignore[no-untyped-def]
    place = np.full(size, np.int32(-1), dtype=np.int32)
    for row in range(len(keys)):
        place[keys[row]] = 0
    count = 0
    for key in range(size):
        if place[key] == 0:
            place[key] = count
            count += 1
    kept = np.empty(count, dtype=np.int64)
    for key in range(size):
        if place[key] >= 0:
            kept[place[key]] = key
    found = np.empty(len(keys), dtype=np.int32)
    for row in range(len(keys)):
        found[row] = place[keys[row]]
    return found, kept
