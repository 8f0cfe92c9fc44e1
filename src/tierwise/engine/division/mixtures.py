"""Nash's point where two offers can be mixed, as volume can be split between two sets of terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.division.bargaining import Floats, pareto_front


@dataclass(frozen=True, slots=True)
class Mixture:
    """``share`` of offer ``second`` and the rest of offer ``first`` (positions; −1: nothing is better than walking away
    for both), what each side then has, and what it gains over walking away."""

    first: int
    second: int
    share: float
    utilities: Floats
    gains: Floats


def nash_mixture(utilities: npt.ArrayLike, walk_away: npt.ArrayLike, buyer_power: float = 0.5) -> Mixture:
    """The mixture of at most two offers with the largest weighted product of gains.

    ``utilities``: offers × (buyer, supplier), additive when mixed (money, not yes-or-no); rows with NaN are left out.
    Between two offers the product α·log(g₁) + (1 − α)·log(g₂) is concave, and where they trade one side's gain for the
    other's it peaks at the power-weighted mean of the two points at which one gain ends; two offers always suffice, as
    the frontier of mixtures is a chain of straight lines. A mixture can suit both where no offer alone does. Source:
    Nash, Econometrica 18 (1950) 155-162, whose set of outcomes is convex. No offers: none. Our own numbers: an offer
    for each side alone, worth 10 and 0 or 0 and 8, is mixed half and half.

    >>> found = nash_mixture([[10, 0], [0, 8]], [0, 0])
    >>> found.share, found.utilities.tolist()
    (0.5, [5.0, 4.0])
    """
    worth, without = np.asarray(utilities, dtype=np.float64), np.asarray(walk_away, dtype=np.float64)
    if worth.ndim != 2 or worth.shape[1] != 2 or without.shape != (2,):
        raise ValueError(f"utilities, walk_away: {worth.shape} and {without.shape}; give offers × 2, and 2")
    if not 0 < buyer_power < 1:
        raise ValueError(f"buyer_power: {buyer_power} must lie between 0 and 1")
    known = np.flatnonzero(~np.isnan(worth).any(axis=1))
    known = known[pareto_front(worth[known])]
    none = Mixture(-1, -1, 0.0, np.full(2, np.nan), np.full(2, np.nan))
    if not known.size:
        return none
    gains = worth[known] - without
    first, second = (each.ravel() for each in np.indices((known.size, known.size)))
    start, step = gains[first], gains[second] - gains[first]
    trades = step[:, 0] * step[:, 1] < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = -start / step
        peak = np.where(trades, buyer_power * ends[:, 1] + (1 - buyer_power) * ends[:, 0], 0.0)
    part = np.clip(peak, 0.0, 1.0)
    mixed = start + part[:, None] * step
    fits = (mixed >= -1e-12 * np.maximum(np.abs(gains).max(), 1.0)).all(axis=1)
    if not fits.any():
        return none
    with np.errstate(divide="ignore"):
        score = np.log(np.maximum(mixed, 0.0)) @ np.array([buyer_power, 1 - buyer_power])
    score = np.where(fits, score, -np.inf)
    # Where every product is 0, the mixture with the most to gain in all.
    at = int(np.argmax(score if np.isfinite(score).any() else np.where(fits, mixed.sum(axis=1), -np.inf)))
    return Mixture(
        int(known[first[at]]), int(known[second[at]]), float(part[at]), mixed[at] + without, np.maximum(mixed[at], 0.0)
    )
