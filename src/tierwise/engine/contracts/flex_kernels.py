"""The compiled walk through the releases of a quantity; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

from tierwise.engine.contracts.flex_types import Floats, Ints


@njit(cache=True)
def walk_revisions(
    rows: tuple[Ints, Ints, Floats], scale: Floats, rates: Floats, how: tuple[bool, float], out: Floats
) -> None:
    """Bands when each release may move from the one before it.

    ``rows``: target (rows of one target adjoin), lead (falling), quantity. ``scale``: row × (up, down). ``rates``:
    (up, down) × step. ``how``: whether the legal quantity is followed, lot. ``out``: row × (previous, low, high,
    legal, order low, order high, first).
    """
    target, lead, quantity = rows
    follow, lot = how
    steps = rates.shape[1]
    for row in range(target.size):
        again = row > 0 and target[row] == target[row - 1]
        low, high, previous, first = 0.0, np.inf, np.nan, np.nan
        if again:
            first = out[row - 1, 6]
            previous = out[row - 1, 3] if follow else quantity[row - 1]
            if lead[row - 1] <= steps:
                low, high = previous, previous
                for step in range(lead[row], lead[row - 1]):
                    low *= 1 - rates[1, step] * scale[row, 1]
                    high *= 1 + rates[0, step] * scale[row, 0]
                if lot > 0:
                    low, high = np.floor(low / lot + 1e-9) * lot, np.ceil(high / lot - 1e-9) * lot
        legal = min(max(quantity[row], low), high)
        held = legal if follow else quantity[row]
        order_low, order_high = 0.0, np.inf
        if lead[row] <= steps:
            order_low, order_high = held, held
            for step in range(lead[row]):
                order_low *= 1 - rates[1, step] * scale[row, 1]
                order_high *= 1 + rates[0, step] * scale[row, 0]
            if np.isnan(first):
                first = legal
        out[row, 0], out[row, 1], out[row, 2], out[row, 3] = previous, low, high, legal
        out[row, 4], out[row, 5], out[row, 6] = order_low, order_high, first


@njit(cache=True)
def walk_orders(
    rows: tuple[Ints, Ints, Floats], scale: Floats, rates: Floats, how: tuple[bool, float], out: Floats
) -> None:
    """Bands when whatever comes later is held against every release of the same target; arguments as above."""
    target, lead, quantity = rows
    follow, lot = how
    steps = rates.shape[1]
    low, high, previous, first = 0.0, np.inf, np.nan, np.nan
    for row in range(target.size):
        if row == 0 or target[row] != target[row - 1]:
            low, high, previous, first = 0.0, np.inf, np.nan, np.nan
        legal = min(max(quantity[row], low), high)
        out[row, 0], out[row, 1], out[row, 2], out[row, 3] = previous, low, high, legal
        previous = legal if follow else quantity[row]
        if lead[row] <= steps:
            if np.isnan(first):
                first = legal
            down, up = 0.0, 0.0
            if lead[row] > 0:
                up = rates[0, lead[row] - 1] * scale[row, 0]
                down = rates[1, lead[row] - 1] * scale[row, 1]
            floor, roof = previous * (1 - down), previous * (1 + up)
            if lot > 0:
                floor, roof = np.floor(floor / lot + 1e-9) * lot, np.ceil(roof / lot - 1e-9) * lot
            high = min(high, roof)
            low = min(max(low, floor), high)
        out[row, 4], out[row, 5], out[row, 6] = low, high, first
