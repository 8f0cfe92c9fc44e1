"""Proportional fairness over several scarce resources at once, with the price of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FairProblem:
    """max Σ w_i log x_i with A x ≤ b and x ≤ claims.

    ``use``: resources × parties, what a unit for a party takes of each resource (0 or more); ``capacity`` per resource,
    above 0; ``claims`` per party (above 0, infinite: as much as there is); ``weights`` per party, above 0.
    """

    use: Floats
    capacity: Floats
    claims: Floats
    weights: Floats

    def __post_init__(self) -> None:
        n = self.claims.size
        if self.claims.ndim != 1 or self.weights.shape != (n,) or self.use.shape != (self.capacity.size, n):
            raise ValueError("use, capacity, claims, weights: give resources × parties, resources, parties, parties")
        if not ((self.use >= 0) & np.isfinite(self.use)).all():
            raise ValueError("use: one is below 0 or unknown; a party that needs none of a resource has 0")
        if not ((self.capacity > 0) & np.isfinite(self.capacity)).all():
            raise ValueError("capacity: one is 0, below or unknown; leave out what nobody can use")
        if not (self.claims > 0).all() or not ((self.weights > 0) & np.isfinite(self.weights)).all():
            raise ValueError("claims, weights: one is 0, below or unknown; leave out who claims nothing")
        if np.any(np.isinf(self.claims) & (self.use.sum(axis=0) == 0)):
            raise ValueError("claims: one is without end and uses no resource; give it an end")


@dataclass(frozen=True, slots=True)
class FairShares:
    """``shares`` per party; ``prices`` per resource: what one unit more of it adds to Σ w log x; ``gap``: how far that
    sum may lie below the best, proven; ``steps`` of the method."""

    shares: Floats
    prices: Floats
    gap: float
    steps: int


def fair_shares(problem: FairProblem, tolerance: float = 1e-9) -> FairShares:
    """The division in which no change helps some by more, in percent, than it costs others.

    It is the Nash point of the parties over the feasible shares; on one resource it is the uniform rule weighted. Each
    share answers w_i / x_i = Σ_r price_r · use_ri (+ a price on its own claim). Solved by a barrier method with Newton
    steps (Boyd and Vandenberghe, Convex Optimization, 11.3); ``tolerance`` bounds the gap relative to Σ w. Each step
    solves a system of the number of resources: some hundred parties on twenty resources take tens of milliseconds. No
    parties: empty shares.

    Source: Kelly, Maulloo and Tan, JORS 49 (1998) 237-252. Their linear network: two links of capacity 1, one party on
    both, one on each: 1/3 and 2/3, 2/3.

    >>> use = np.array([[1.0, 1, 0], [1, 0, 1]])
    >>> found = fair_shares(FairProblem(use, np.ones(2), np.full(3, np.inf), np.ones(3)))
    >>> found.shares.round(6).tolist(), found.prices.round(4).tolist()
    ([0.333333, 0.666667, 0.666667], [1.5, 1.5])
    """
    n = problem.claims.size
    if not n:
        return FairShares(np.zeros(0), np.zeros(problem.capacity.size), 0.0, 0)
    used = problem.use.sum(axis=1) > 0
    use, capacity = problem.use[used], problem.capacity[used]
    # Each party's own scale: the most that it could have alone. Newton's steps then see numbers near 1.
    with np.errstate(divide="ignore"):
        alone = np.min(np.where(use > 0, capacity[:, None] / use, np.inf), axis=0, initial=np.inf)
    scale = np.minimum(alone, problem.claims)
    rows, tops = use * scale / capacity[:, None], problem.claims / scale
    limits = float(len(rows) + np.isfinite(tops).sum())
    x = np.full(n, 0.5 / max(1.0, float(rows.sum(axis=1).max(initial=0.0))))
    weights = problem.weights / problem.weights.sum()
    sharpness, steps = limits, 0
    while True:
        x, taken = _centre(x, (rows, tops), weights, sharpness)
        steps += taken
        if limits / sharpness <= tolerance:
            break
        sharpness *= 15
    prices = np.zeros(used.size)
    prices[used] = problem.weights.sum() / (sharpness * (1 - rows @ x) * capacity)
    return FairShares(x * scale, prices, limits / sharpness * float(problem.weights.sum()), steps)


def _centre(x: Floats, bounds: tuple[Floats, Floats], weights: Floats, sharpness: float) -> tuple[Floats, int]:
    """Minimises −t·Σ w log x − Σ log(1 − rows·x) − Σ log(tops − x) by Newton's method from a point strictly inside."""
    rows, tops = bounds
    ended = np.isfinite(tops)

    def value(at: Floats) -> float:
        slack, room = 1 - rows @ at, (tops - at)[ended]
        if at.min() <= 0 or slack.min(initial=1.0) <= 0 or room.min(initial=1.0) <= 0:
            return float("inf")
        return float(-sharpness * weights @ np.log(at) - np.log(slack).sum() - np.log(room).sum())

    for step in range(60):
        inverse, push, pull = 1 / (1 - rows @ x), 1 / (tops - x), sharpness * weights / x
        slope = rows.T @ inverse + push - pull
        # Curvature is a diagonal plus one term per resource; Woodbury's identity leaves a system of their number.
        loose = 1 / (pull / x + push**2)
        spread = rows * loose
        inner = spread @ rows.T + np.diag(inverse**-2.0)
        move = -loose * slope + spread.T @ np.linalg.solve(inner, spread @ slope)
        decrement = float(-slope @ move)
        if decrement < 1e-10:
            return x, step
        length, now = 1.0, value(x)
        while value(x + length * move) > now - 0.25 * length * decrement:
            length /= 2
            if length < 1e-12:
                return x, step
        x = x + length * move
    return x, 60
