"""One stock for several demands: items that stand in for each other, places that share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock import pooling_kernels


@dataclass(frozen=True, slots=True)
class Pool:
    """``separate`` safety stock of each demand alone, ``pooled`` of all together, ``saving`` the share saved,
    ``each`` the pooled stock split by how much every demand adds to the common deviation (its beta)."""

    separate: Floats
    pooled: float
    saving: float
    each: Floats


def pooled_stock(
    sd: npt.ArrayLike, safety_factor: float, correlation: npt.ArrayLike | None = None, rate: npt.ArrayLike = 1.0
) -> Pool:
    """Safety stock of demands served from one pool, or substituted for each other in part.

    σ_pool = √(σᵀρσ), ss = z·σ_pool against z·Σσ. ``sd`` (n,) over the lead time; ``correlation`` (n, n), independent
    by default; ``rate`` the share of each demand that accepts a substitute, one or (n,): the rest keeps stock of its
    own, split as if each unit decided alone (variance rate²·σ² in the pool and (1 − rate)²·σ² outside it). ValueError
    for a matrix that is no correlation matrix. Source: Eppen, Management Science 25 (1979) 498-501: n like
    independent demands save 1 − 1/√n.

    >>> found = pooled_stock([10, 10, 10, 10], 2.0)
    >>> float(found.separate.sum()), found.pooled, round(found.saving, 3)
    (80.0, 40.0, 0.5)
    """
    spread = checks.nonnegative("sd", sd)
    if spread.ndim != 1 or not spread.size or np.isnan(spread).any():
        raise ValueError("sd: must be a list of known deviations, one per demand")
    share = np.broadcast_to(checks.nonnegative("rate", rate), spread.shape)
    if np.any(share > 1) or np.isnan(share).any():
        raise ValueError("rate: must be a share between 0 and 1")
    among = np.eye(spread.size) if correlation is None else _correlation(correlation, spread.size)
    shared = spread * share
    together = among @ shared
    variance = float(np.maximum(shared @ together, 0.0))
    common = np.sqrt(variance)
    part = shared * together / variance if variance > 0 else np.zeros_like(spread)
    each = safety_factor * (part * common + (1 - share) * spread)
    separate = safety_factor * spread
    total = float(each.sum())
    return Pool(separate, total, 1 - total / float(separate.sum()) if separate.sum() else 0.0, each)


def _correlation(given: npt.ArrayLike, n: int) -> Floats:
    matrix = checks.numbers("correlation", given)
    if matrix.shape != (n, n) or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1):
        raise ValueError(f"correlation: must be {n} × {n}, symmetric, with 1 on the diagonal")
    if np.linalg.eigvalsh(matrix).min() < -1e-8:
        raise ValueError("correlation: is not positive semidefinite; estimate it from one common history")
    return matrix


@dataclass(frozen=True, slots=True)
class SubstitutionCosts:
    """Per item: ``overage`` of a unit left, ``underage`` of a unit of demand lost, ``penalty`` of a unit served by a
    substitute (discount given, rework), below underage."""

    overage: Floats
    underage: Floats
    penalty: Floats

    def __init__(self, overage: npt.ArrayLike, underage: npt.ArrayLike, penalty: npt.ArrayLike = 0.0) -> None:
        over, under = checks.positive("overage", overage), checks.positive("underage", underage)
        fields = checks.together(overage=over, underage=under, penalty=checks.nonnegative("penalty", penalty))
        if np.any(fields[2] > fields[1]):
            raise ValueError(
                "penalty: of serving by a substitute must not exceed underage, else one would not substitute"
            )
        for name, value in zip(("overage", "underage", "penalty"), fields, strict=True):
            object.__setattr__(self, name, checks.own(np.atleast_1d(value)))


@dataclass(frozen=True, slots=True)
class Substitution:
    """Stock per item with substitution counted, its expected cost, and beside it ``alone``: each item's own
    newsvendor stock and what that costs with and without substitution. ``served`` is each demand's share met from its
    own stock and ``substituted`` the share met by others."""

    stock: Floats
    cost: float
    alone: Floats
    cost_alone: float
    cost_without: float
    served: Floats
    substituted: Floats


def substitution_stock(
    demand: npt.ArrayLike, rates: npt.ArrayLike, costs: SubstitutionCosts, sweeps: int = 12
) -> Substitution:
    """Stocks of items that stand in for each other when one runs out.

    ``demand`` are scenarios, (scenarios, items), from history or a model; ``rates[i, j]`` is the share of item i's
    unmet demand that takes j instead (rows sum to at most 1, diagonal 0). In every scenario own demand comes first,
    what is left serves the spill, shared in proportion. Minimises the mean cost over the scenarios by exact line
    searches item by item from the separate newsvendor stocks, so the cost never exceeds theirs; the problem is not
    convex, a better combination may exist. ValueError for shapes, rates, or fewer than two scenarios.

    Source: Netessine and Rudi, Operations Research 51 (2003) 329-335 (centralised stocking). With two items that fully
    substitute, the pool of U{0, 1} demands:

    >>> even = SubstitutionCosts(overage=[1, 1], underage=[1.5, 1.5])
    >>> found = substitution_stock([[0, 0], [0, 1], [1, 0], [1, 1]], [[0, 1], [1, 0]], even)
    >>> float(found.stock.sum()), found.cost < found.cost_alone
    (1.0, True)
    """
    drawn = checks.nonnegative("demand", demand)
    if drawn.ndim != 2 or drawn.shape[0] < 2 or np.isnan(drawn).any():
        raise ValueError("demand: must have the shape (scenarios, items), at least 2 scenarios, all known")
    n = drawn.shape[1]
    share = checks.nonnegative("rates", rates)
    if (
        share.shape != (n, n)
        or np.any(share.sum(axis=1) > 1 + 1e-9)
        or np.any(np.diag(share) != 0)
        or np.isnan(share).any()
    ):
        raise ValueError(f"rates: must be {n} × {n}, diagonal 0, rows summing to at most 1")
    money = tuple(checks.own(np.broadcast_to(getattr(costs, name), (n,))) for name in SubstitutionCosts.__slots__)
    ratio = money[1] / (money[0] + money[1])
    alone = np.array([np.quantile(drawn[:, i], ratio[i], method="inverted_cdf") for i in range(n)])
    drawn, share = checks.own(drawn), checks.own(share)
    before, _ = pooling_kernels.evaluate(drawn, share, money, alone)
    without, _ = pooling_kernels.evaluate(drawn, np.zeros_like(share), money, alone)
    stock = pooling_kernels.search(drawn, share, money, alone.copy(), sweeps)
    cost, met = pooling_kernels.evaluate(drawn, share, money, stock)
    total = np.maximum(drawn.sum(axis=0), 1e-300)
    return Substitution(stock, float(cost), alone, float(before), float(without), met[0] / total, met[1] / total)
