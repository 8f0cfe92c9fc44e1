"""The last rung of a dispute: an arbiter who may only choose one of two final offers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FinalOffers:
    """What each side should offer, and how far the two lie apart."""

    buyer: Floats
    supplier: Floats
    apart: Floats


def final_offer_award(buyer: npt.ArrayLike, supplier: npt.ArrayLike, fair: npt.ArrayLike) -> Floats:
    """The offer nearer to what the arbiter finds fair; exactly between, their mean, as a coin would give.

    All broadcast; NaN where one is unknown. Source: Stevens, Industrial Relations 5 (1966) 38-52.

    >>> final_offer_award(100, 120, [105, 110, 119]).tolist()
    [100.0, 110.0, 120.0]
    """
    low, high, just = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (buyer, supplier, fair)))
    to_low, to_high = np.abs(just - low), np.abs(just - high)
    found = np.where(to_low < to_high, low, np.where(to_high < to_low, high, (low + high) / 2))
    return np.asarray(np.where(np.isnan(low + high + just), np.nan, found))


def final_offer_equilibrium(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> FinalOffers:
    """What both sides offer when they see the arbiter's fair value as normal: mean ∓ σ·√(π/2).

    The offers then lie √(2π) ≈ 2.507 standard deviations apart: the surer both are of the arbiter, the nearer they
    come. Source: Brams and Merrill, "Equilibrium strategies for final-offer arbitration", MS 29 (1983) 927-941.

    >>> final_offer_equilibrium(100, 4).apart.round(3).item()
    10.027
    """
    centre, spread = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(deviation, dtype=np.float64))
    if np.any(spread < 0):
        raise ValueError("deviation: one is below 0")
    step = spread * np.sqrt(np.pi / 2)
    return FinalOffers(centre - step, centre + step, 2 * step)
