"""The compiled recursion behind on-time reach."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@njit(cache=True)
def arrival_chances(
    size: tuple[int, int], source: Ints, target: Ints, transit: Floats, waits: Ints
) -> tuple[Floats, Ints]:
    """Chance to be at the goal in time and the lane to take, by place × weekday × days left; ``size`` = places, goal.

    Same-day transits link chances of one and the same day: these are gone through until nothing changes, which takes
    at most as many rounds as there are places.
    """
    places, goal = size
    horizon = transit.shape[1] - 1
    chance = np.zeros((places, 7, horizon + 1))
    choice = np.full((places, 7, horizon + 1), -1, np.int64)
    chance[goal] = 1.0
    for left in range(horizon + 1):
        changed = True
        while changed:
            changed = False
            for lane in range(source.size):
                here, there = source[lane], target[lane]
                if here == goal:
                    continue
                for weekday in range(7):
                    wait = waits[lane, weekday]
                    if wait < 0 or wait > left:
                        continue
                    total = 0.0
                    for days in range(left - wait + 1):
                        if transit[lane, days] > 0:
                            total += (
                                transit[lane, days] * chance[there, (weekday + wait + days) % 7, left - wait - days]
                            )
                    if total > chance[here, weekday, left] + 1e-15:
                        chance[here, weekday, left] = total
                        choice[here, weekday, left] = lane
                        changed = True
    return chance, choice
