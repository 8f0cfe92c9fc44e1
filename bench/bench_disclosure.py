"""Complementary suppression by size of table, beside linear programs over the whole table.

    python bench/bench_disclosure.py           10,000 cells
    python bench/bench_disclosure.py 40000     a table of so many inner cells

The peer only checks a choice that is made already: two programs per sensitive cell with SciPy's HiGHS, the way the
handbook writes them. Times are of the processor; what the compiler takes once is spent before.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from tierwise.engine.disclosure import (
    Equations,
    Suppressible,
    Suppression,
    SuppressionParams,
    complementary_suppression,
)

CHECKED_AT = 900
SENSITIVE = 0.005


def table(cells: int, seed: int = 1) -> Suppressible:
    """A square table with its totals: skewed values, one cell in two hundred sensitive."""
    draw = np.random.default_rng(seed)
    side = round(cells**0.5)
    inner = draw.gamma(0.7, 40, (side, side)).round() + 1
    rows = np.concatenate([inner, inner.sum(axis=1, keepdims=True)], axis=1)
    values = np.concatenate([rows, rows.sum(axis=0, keepdims=True)])
    number = np.arange(values.size).reshape(values.shape)
    # Row by row and column by column the last cell is the sum of the others.
    cell = np.concatenate([number, number.T]).ravel()
    sign = np.tile(np.append(np.ones(side), -1.0), 2 * (side + 1))
    equations = Equations(values.size, np.arange(0, cell.size + 1, side + 1), cell, sign)
    flat = values.ravel()
    sensitive = (draw.random(flat.size) < SENSITIVE) & (flat < 200)
    level = np.where(sensitive, 0.1 * flat + 1, 0.0)
    zero = np.zeros(flat.size)
    return Suppressible(flat, equations, level, flat, zero > 0, zero)


def checked(given: Suppressible, found: Suppression) -> bool:
    """Whether every sensitive cell keeps its distance, by two programs over the whole table each."""
    equations = given.equations
    rows = len(equations.start) - 1
    matrix = csr_array((equations.sign, equations.cell, equations.start), shape=(rows, equations.cells))
    ends = np.stack([np.where(found.suppressed, 0.0, given.values), given.values], axis=1)
    ends[found.suppressed, 1] = np.inf
    kept = True
    for cell in np.flatnonzero(given.level > 0):
        for sign in (1.0, -1.0):
            cost = np.zeros(equations.cells)
            cost[cell] = sign
            answer = linprog(cost, A_eq=matrix, b_eq=np.zeros(rows), bounds=ends)
            away = np.inf if answer.status == 3 else abs(answer.fun * sign - given.values[cell])
            kept &= bool(away >= min(given.level[cell], given.values[cell] if sign > 0 else np.inf) * (1 - 1e-5))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", type=int, nargs="?", default=10_000)
    quick = SuppressionParams(exact_up_to=0)
    complementary_suppression(table(100), quick)
    for cells in (CHECKED_AT, parser.parse_args().cells):
        given = table(cells)
        began = time.process_time()
        found = complementary_suppression(given, quick)
        took = time.process_time() - began
        print(
            f"{cells:,} cells, {int((given.level > 0).sum())} sensitive, {int(found.suppressed.sum())} withheld, "
            f"gap {found.gap:.0%}: {'small' if cells == CHECKED_AT else 'large'} {took:.4f} s"
        )
        if cells == CHECKED_AT:
            began = time.process_time()
            kept = checked(given, found)
            print(f"checked only: {time.process_time() - began:.4f} s, {'protected' if kept else 'NOT PROTECTED'}")


if __name__ == "__main__":
    main()
