"""Compiled: projected stock and deliveries, period by period."""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, nogil=True)
def refill(demand, receipts, items, deliver, projected):  # type: ignore[no-untyped-def]
    stock, minimum, maximum, lead, pack, smallest, largest = items
    for i in range(demand.shape[0]):
        held = stock[i]
        size = pack[i]
        most = math.floor(largest[i] / size + 1e-9) * size if math.isfinite(largest[i]) else math.inf
        for t in range(demand.shape[1]):
            held += receipts[i, t] - demand[i, t]
            if held < minimum[i] - 1e-9 * max(minimum[i], 1.0) and t >= lead[i]:
                needed = math.ceil((minimum[i] - held) / size - 1e-9) * size
                wanted = math.floor((maximum[i] - held) / size + 1e-9) * size
                send = max(wanted, needed, math.ceil(smallest[i] / size - 1e-9) * size)
                if send > most:
                    send = max(most, math.ceil(needed / most - 1e-9) * most)
                deliver[i, t] = send
                held += send
            projected[i, t] = held
