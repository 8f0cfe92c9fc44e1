"""Compiled: cost of stocks over scenarios when unmet demand moves on to substitutes."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def evaluate(demand, rates, costs, stock):  # type: ignore[no-untyped-def]
    """Mean cost, and units of each demand met from own stock and by others."""
    over, under, penalty = costs
    n = stock.size
    total = 0.0
    met = np.zeros((2, n))
    missed = np.empty(n)
    for s in range(demand.shape[0]):
        for i in range(n):
            missed[i] = max(demand[s, i] - stock[i], 0.0)
            met[0, i] += demand[s, i] - missed[i]
            total += under[i] * missed[i]
        for j in range(n):
            left = max(stock[j] - demand[s, j], 0.0)
            total += over[j] * left
            if left == 0.0:
                continue
            spill = 0.0
            for i in range(n):
                spill += rates[i, j] * missed[i]
            if spill == 0.0:
                continue
            part = min(1.0, left / spill)
            total -= over[j] * part * spill
            for i in range(n):
                taken = part * rates[i, j] * missed[i]
                met[1, i] += taken
                total -= (under[i] - penalty[i]) * taken
    return total / demand.shape[0], met


@njit(cache=True, nogil=True)
def search(demand, rates, costs, stock, sweeps):  # type: ignore[no-untyped-def]
    """Golden section along each item in turn, keeping a step only where it lowers the cost."""
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    best, _ = evaluate(demand, rates, costs, stock)
    for _ in range(sweeps):
        before = best
        for i in range(stock.size):
            kept = stock[i]
            low, high = 0.0, demand[:, i].max()
            for j in range(stock.size):
                high += rates[j, i] * demand[:, j].max()
            left, right = high - ratio * (high - low), low + ratio * (high - low)
            stock[i] = left
            at_left, _ = evaluate(demand, rates, costs, stock)
            stock[i] = right
            at_right, _ = evaluate(demand, rates, costs, stock)
            for _ in range(40):
                if at_left <= at_right:
                    high, right, at_right = right, left, at_left
                    left = high - ratio * (high - low)
                    stock[i] = left
                    at_left, _ = evaluate(demand, rates, costs, stock)
                else:
                    low, left, at_left = left, right, at_right
                    right = low + ratio * (high - low)
                    stock[i] = right
                    at_right, _ = evaluate(demand, rates, costs, stock)
            # Costs bend at whole scenarios; the nearest whole number may be the bend itself.
            found, value = kept, best
            for at in ((low + high) / 2.0, np.round((low + high) / 2.0)):
                stock[i] = at
                cost, _ = evaluate(demand, rates, costs, stock)
                if cost < value:
                    found, value = at, cost
            stock[i] = found
            best = value
        if before - best <= 1e-10 * abs(before):
            break
    return stock
