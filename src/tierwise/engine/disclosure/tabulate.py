"""Tables with their totals: which cells there are, and which of them add up to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.disclosure.primary import RESERVED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ATOM = "atom"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A column of a table and how its values add up.

    ``parents`` names the group above a value or a group (``{"1001": "bearings", "bearings": "parts"}``); what has none
    adds to ``total``. Without a total the groups at the top stand side by side: weeks of which no sum is shown.
    """

    column: str
    parents: Mapping[str, str] = field(default_factory=dict)
    total: str | None = "*"

    def __post_init__(self) -> None:
        if not self.column or self.column in {*RESERVED, ATOM}:
            raise ValueError(f"column: is {self.column!r}; name a column other than {sorted({*RESERVED, ATOM})}")
        if self.total is not None and self.total in self.parents:
            raise ValueError(
                f"parents: {self.column!r} puts its total {self.total!r} below something; give it no parent"
            )
        for value in self.parents:
            self.above(value)

    def above(self, value: str) -> list[str]:
        """The value itself, its groups from the nearest up, and the total. ValueError where groups go in a circle."""
        found = [value]
        while found[-1] in self.parents:
            if self.parents[found[-1]] in found:
                raise ValueError(f"parents: {self.column!r} leads from {value!r} back to itself; break the circle")
            found.append(self.parents[found[-1]])
        if self.total is not None and found[-1] != self.total:
            found.append(self.total)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """Which cells add up: row r says Σ sign·cell = 0 over ``start[r]:start[r + 1]`` of ``cell`` and ``sign``.

    The cell that is the sum has sign -1. ``cells`` is the number of cells.
    """

    cells: int
    start: Ints
    cell: Ints
    sign: Floats

    def __post_init__(self) -> None:
        if len(self.cell) != len(self.sign) or len(self.start) < 1 or self.start[-1] != len(self.cell):
            raise ValueError("start, cell, sign: give as many signs as cells, and starts that end with their number")
        if len(self.cell) and not 0 <= self.cell.min() <= self.cell.max() < self.cells:
            raise ValueError(f"cell: must number cells from 0 to {self.cells - 1}")

    def rest(self, values: Floats) -> Floats:
        """By how much each equation is missed."""
        row = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        missed = np.bincount(row, weights=self.sign * values[self.cell], minlength=len(self.start) - 1)
        return missed.astype(np.float64)


def expand(contributions: pl.DataFrame, dimensions: tuple[Dimension, ...]) -> pl.DataFrame:
    """The contributions to every cell of a table, totals included: each row once per cell that counts it.

    ``contributions``: a text column per dimension, the rest is carried along; ``atom`` numbers the rows given. Raises
    ValueError for missing columns, empty values, and values that are a group or the total of others.

    >>> rows = pl.DataFrame({"region": ["N", "S"], "value": [7.0, 3.0]})
    >>> expand(rows, (Dimension("region"),)).select("region", "value").rows()
    [('N', 7.0), ('*', 7.0), ('S', 3.0), ('*', 3.0)]
    """
    rows = contributions.with_row_index(ATOM)
    for dimension in dimensions:
        name = dimension.column
        if name not in rows.columns:
            raise ValueError(f"contributions lack {name}; add it or leave the dimension out")
        rows = rows.with_columns(pl.col(name).cast(pl.String))
        if rows[name].null_count():
            raise ValueError(f"contributions.{name} is empty on some rows; give every row its place in the table")
        values = rows[name].unique().sort().to_list()
        groups = {*dimension.parents.values(), dimension.total}
        if both := [value for value in values if value in groups]:
            raise ValueError(
                f"contributions.{name} holds {both[0]!r}, which is a sum of others; give the finest values"
            )
        pairs = [(value, node) for value in values for node in dimension.above(value)]
        nodes = pl.DataFrame(pairs, schema={name: pl.String, "_node": pl.String}, orient="row")
        rows = rows.join(nodes, on=name, maintain_order="left_right").drop(name).rename({"_node": name})
    return rows.select(*contributions.columns, ATOM)


def equations_of(cells: pl.DataFrame, dimensions: tuple[Dimension, ...]) -> Equations:
    """Which of these cells add up to which, along every dimension: one row per sum and dimension.

    ``cells``: a column per dimension, each cell once, all parts of a sum included.

    >>> found = equations_of(pl.DataFrame({"region": ["*", "N", "S"]}), (Dimension("region"),))
    >>> found.cell.tolist(), found.sign.tolist()
    ([0, 1, 2], [-1.0, 1.0, 1.0])
    """
    names = [dimension.column for dimension in dimensions]
    numbered = cells.select(names).with_row_index("_cell")
    rows: list[pl.DataFrame] = []
    for dimension in dimensions:
        name = dimension.column
        up = {value: dimension.above(value)[1:2] for value in numbered[name].unique().to_list()}
        parent = pl.DataFrame(
            [(value, above[0]) for value, above in up.items() if above],
            schema={name: pl.String, "_up": pl.String},
            orient="row",
        )
        parts = numbered.join(parent, on=name).drop(name).rename({"_up": name, "_cell": "_part"})
        sums = parts.join(numbered, on=names).select("_cell", "_part")
        rows.append(sums.with_columns(_way=pl.lit(names.index(name))))
    parts = pl.concat(rows).sort("_way", "_cell", "_part")
    sums = parts.select("_way", "_cell").unique().with_columns(_part=pl.col("_cell"), _sign=pl.lit(-1.0))
    parts = parts.with_columns(_sign=pl.lit(1.0)).select("_way", "_cell", "_part", "_sign")
    both = pl.concat([sums.select(parts.columns), parts]).sort("_way", "_cell", "_sign", "_part")
    lengths = both.group_by("_way", "_cell", maintain_order=True).len()["len"].to_numpy()
    return Equations(
        cells.height,
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        both["_part"].to_numpy().astype(np.int64),
        both["_sign"].to_numpy().astype(np.float64),
    )


def is_inner(cells: pl.DataFrame, dimensions: tuple[Dimension, ...]) -> pl.Series:
    """Whether a cell is of the finest level in every dimension."""
    groups = [list({*dimension.parents.values(), dimension.total} - {None}) for dimension in dimensions]
    finest = [~pl.col(d.column).is_in(names) for d, names in zip(dimensions, groups, strict=True)]
    return cells.select(reduce(and_, finest)).to_series()
