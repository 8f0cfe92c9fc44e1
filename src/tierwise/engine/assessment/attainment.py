"""Was a target met, missed, or has too little been seen to say?"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks


class Attainment(StrEnum):
    """MISSED and MET are proven at the confidence asked for; OPEN is neither."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"


def attainment(
    hits: npt.ArrayLike, n: npt.ArrayLike, target: npt.ArrayLike, confidence: float = 0.95
) -> npt.NDArray[np.str_]:
    """May a share of ``hits`` in ``n`` trials be said to have met or missed ``target``?

    Arrays broadcast. One-sided exact binomial tests: missed when so few hits (or fewer) have at most 1 − confidence
    chance at the target, met when so many (or more) have; else open, so that a small n fails nobody. No trials, or NaN,
    are open. Fractional (effective) n is allowed. Raises ValueError for hits beyond n and targets outside of 0…1.
    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.

    >>> attainment([8, 80, 97, 0], [10, 100, 100, 0], 0.9).tolist()
    ['open', 'missed', 'met', 'open']
    """
    checks.confidence(confidence)
    k, trials, aim = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (hits, n, target)))
    if (k < 0).any() or (k > trials).any():
        raise ValueError("hits: must lie between 0 and n; check that both count the same lines")
    if ((aim < 0) | (aim > 1)).any():
        raise ValueError("target: must lie between 0 and 1; divide percentages by 100")
    known = (trials > 0) & ~np.isnan(k) & ~np.isnan(aim)
    safe_k, safe_n = np.where(known, k, 0.0), np.where(known, trials, 1.0)
    # P(X ≤ k) = I(1−p; n−k, k+1) and P(X ≥ k) = I(p; k, n−k+1); where an argument is 0 the sum is certain.
    at_most = np.where(safe_k >= safe_n, 1.0, special.betainc(np.maximum(safe_n - safe_k, 1e-300), safe_k + 1, 1 - aim))
    at_least = np.where(safe_k <= 0, 1.0, special.betainc(np.maximum(safe_k, 1e-300), safe_n - safe_k + 1, aim))
    risk = 1 - confidence
    verdict = np.where(at_most <= risk, Attainment.MISSED.value, Attainment.OPEN.value)
    verdict = np.where(at_least <= risk, Attainment.MET.value, verdict)
    return np.where(known, verdict, Attainment.OPEN.value)
