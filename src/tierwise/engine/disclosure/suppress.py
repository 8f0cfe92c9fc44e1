"""Which further cells must be withheld so that those withheld cannot be worked out from the totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.engine.disclosure.needs import Bools, Ints, Suppressible, needs_of

__all__ = ["DEFAULT", "Suppressible", "Suppression", "SuppressionParams", "complementary_suppression"]


@dataclass(frozen=True, slots=True)
class SuppressionParams:
    """``exact_up_to`` cells the choice is proven; above, or when ``rounds`` of cuts do not suffice, it is the
    heuristic's and the gap says how far from the best it can be. ``nodes`` bounds each search.
    """

    exact_up_to: int = 2500
    rounds: int = 60
    nodes: int = 20_000

    def __post_init__(self) -> None:
        if self.exact_up_to < 0 or self.rounds < 0 or self.nodes < 1:
            raise ValueError("exact_up_to and rounds must be 0 or more and nodes 1 or more")


@dataclass(frozen=True, slots=True)
class Suppression:
    """``suppressed`` per cell, primary ones included. ``cost`` of the further ones, at least ``bound`` in any choice;
    ``gap`` = (cost − bound)/cost, 0 where optimal. ``unprotectable``: cells that stay open to a reader even with
    everything else withheld. ``cuts`` and ``rounds`` tell how hard it was.
    """

    suppressed: Bools
    cost: float
    bound: float
    unprotectable: Ints
    cuts: int
    rounds: int

    @property
    def gap(self) -> float:
        return 0.0 if self.cost <= 0 else max(0.0, (self.cost - self.bound) / self.cost)

    @property
    def optimal(self) -> bool:
        return self.gap <= 1e-9


DEFAULT = SuppressionParams()


def complementary_suppression(table: Suppressible, params: SuppressionParams = DEFAULT) -> Suppression:
    """The cheapest further cells to withhold so that no sensitive cell can be bounded more closely than its level.

    min Σ w·z over z in {0, 1}, z = 1 for primary cells, such that for each of them the reader's interval, given all
    equations and the shown cells, contains value ± level (down to its lower bound at most), for the public and for
    every contributor that knows cells of its own. Cuts from the readers' linear programs: where z leaves cell p less
    than its level, Σ min(c, level)·z ≥ level with c from the dual solution. A heuristic (cheapest flow for one cell
    after the other, then what is needless opened again) gives the choice where the proof is not finished.
    A contributor's knowledge is held against primary cells that share an equation with one of its own cells.
    ValueError where cells that must be open leave no way. Empty tables and tables without primary cells cost nothing.
    Source: Fischetti and Salazar González, Management Science 47 (2001) 1008-1027; Kelly, Golden and Assad, Networks 22
    (1992) 397-417. One cell of 2 × 2 needs the other three:

    >>> from tierwise.engine.disclosure.tabulate import Equations
    >>> sums = [(4, 0, 1), (5, 2, 3), (6, 0, 2), (7, 1, 3), (8, 4, 5), (8, 6, 7)]
    >>> equations = Equations(9, np.arange(0, 19, 3), np.array(sums).ravel(), np.tile([-1.0, 1, 1], 6))
    >>> values = np.array([4.0, 3, 2, 1, 7, 3, 6, 4, 10])
    >>> level = np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 0])
    >>> table = Suppressible(values, equations, level, values, np.zeros(9, dtype=bool), np.zeros(9))
    >>> found = complementary_suppression(table)
    >>> np.flatnonzero(found.suppressed).tolist(), found.cost, found.optimal
    ([0, 1, 2, 3], 6.0, True)
    """
    from tierwise.engine.disclosure import proof, ways  # noqa: PLC0415 - solver and compiler load on first use

    primary = table.level > 0
    if not primary.any():
        return Suppression(primary, 0.0, 0.0, np.zeros(0, dtype=np.int64), 0, 0)
    found = ways.protect_all(table, needs_of(table))
    start = proof.Bounded(found.suppressed, proof.cost_of(table, found.suppressed))
    if len(table.values) <= params.exact_up_to:
        best = proof.proven(table, found.needs, start, (params.rounds, params.nodes))
    else:
        best = proof.bounded(table, found.needs, start)
    return Suppression(best.suppressed, best.cost, best.bound, found.lost, best.cuts, best.rounds)
