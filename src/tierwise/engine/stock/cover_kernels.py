"""Compiled: for how many later days stock lasts."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def walk(projected, demand, days, beyond):  # type: ignore[no-untyped-def]
    """Walks forward from each day. Sums of demand would be faster but lose the digits that decide a full day."""
    for i in range(days.shape[0]):
        for day in range(days.shape[1]):
            left = projected[i, day]
            if np.isnan(left):
                days[i, day] = np.nan
                continue
            if left <= 0.0:
                continue
            count = 0.0
            for later in range(day + 1, demand.shape[1]):
                wanted = demand[i, later]
                if np.isnan(wanted):
                    count, left = np.nan, 0.0
                    break
                # Stock built from decimals is a hair off; a day short by a billionth is a day covered.
                if left < wanted - 1e-9 * wanted:
                    count += left / wanted
                    left = 0.0
                    break
                count += 1.0
                left -= wanted
                if left <= 1e-9 * wanted:
                    left = 0.0
                    break
            days[i, day] = count
            beyond[i, day] = left > 0.0
