"""A table to be protected, and what each of its readers must be left in doubt about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.disclosure.tabulate import Equations

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SLACK = 1e-6
"""Share of a protection level that a bound may miss it by: what the solver's own tolerance leaves."""
TOO_OPEN = "open: the cells that must stay open leave no way to protect the others; open fewer"


@dataclass(frozen=True, slots=True, eq=False)
class Suppressible:
    """A table to be protected, one entry per cell.

    ``level``: how far the reader's bounds must stay from the value on either side, 0 for cells that are safe (primary
    suppressions are those above 0). ``weights``: what withholding a cell costs. ``open``: must be shown. ``lower``:
    what a reader knows a cell to be at least (0, or -infinity where values can be negative).
    ``knows``: per contributor that is alone in some cells, the numbers of these cells: it knows their values, and must
    not work out others' cells with that.
    """

    values: Floats
    equations: Equations
    level: Floats
    weights: Floats
    open: Bools
    lower: Floats
    knows: tuple[Ints, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "level", "weights", "open", "lower"):
            if len(getattr(self, name)) != self.equations.cells:
                raise ValueError(f"{name}: has {len(getattr(self, name))} entries for {self.equations.cells} cells")
        if not np.isfinite(self.values).all() or (self.lower > self.values).any():
            raise ValueError("values: must be finite and not below lower")
        if (self.level < 0).any() or (self.weights <= 0).any() or not np.isfinite(self.level + self.weights).all():
            raise ValueError("level must be 0 or more and weights above 0, all of them finite")
        if any(len(own) and not 0 <= own.min() <= own.max() < len(self.values) for own in self.knows):
            raise ValueError(f"knows: must number cells from 0 to {len(self.values) - 1}")
        if (self.open & (self.level > 0)).any():
            raise ValueError("open: a cell that must be shown is unsafe itself; withhold it or coarsen the table")
        size = max(1.0, float(np.abs(self.values).max(initial=0.0)))
        if (np.abs(self.equations.rest(self.values)) > 1e-7 * size).any():
            raise ValueError("values: some totals are not the sum of their parts; tabulate them from one source")


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """One entry each: that a reader who knows the cells of ``known`` (-1: the public) can think ``cell`` off by
    ``amount``, larger where ``up``, else smaller."""

    cell: Ints
    up: Bools
    amount: Floats
    known: Ints

    def __len__(self) -> int:
        return len(self.cell)

    def only(self, which: Bools | Ints) -> Needs:
        return Needs(self.cell[which], self.up[which], self.amount[which], self.known[which])


def needs_of(table: Suppressible) -> Needs:
    """All of them, reader by reader: of who is alone in cells, those of the sensitive cells beside its own."""
    sensitive = table.level > 0
    row = rows_of(table.equations)
    asked = [(np.flatnonzero(sensitive), -1)]
    for known, own in enumerate(table.knows):
        mine = np.zeros(len(sensitive), dtype=bool)
        mine[own] = True
        beside = np.isin(row, np.unique(row[mine[table.equations.cell]]))
        near = np.zeros(len(sensitive), dtype=bool)
        near[table.equations.cell[beside]] = True
        asked.append((np.flatnonzero(near & sensitive & ~mine), known))
    cell = np.concatenate([cells for cells, _ in asked])
    reader = np.concatenate([np.full(len(cells), known) for cells, known in asked])
    level = table.level[cell]
    down = np.minimum(level, table.values[cell] - table.lower[cell])
    both = Needs(
        np.repeat(cell, 2), np.tile([True, False], len(cell)), np.stack([level, down], axis=1).ravel(),
        np.repeat(reader, 2),
    )  # fmt: skip
    return both.only(both.up | (both.amount > SLACK * np.repeat(level, 2)))


def rows_of(equations: Equations) -> Ints:
    """The equation each entry belongs to."""
    return np.repeat(np.arange(len(equations.start) - 1), np.diff(equations.start))
