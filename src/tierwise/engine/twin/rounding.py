"""Continuous lead times as tables of whole periods."""

from __future__ import annotations

import numpy as np

from tierwise.engine.twin import layout
from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.spread import Spread

_BEYOND = 1e-9
"""Chance cut off at the late end: one order in a thousand million; a ring of arrivals must have an end."""


def as_table(lead: Spread) -> Spread:
    """Each row as P(⌈X⌉ = k), k ≥ 1, the tail beyond 1 − 1e-9 on the last period."""
    distinct: dict[tuple[object, ...], Spread] = {}
    rows = []
    for row in range(len(lead)):
        address = (int(lead.kind[row]), *lead.number[row].tolist(), *lead.table[row].tolist())
        if address not in distinct:
            distinct[address] = _row(lead, row)
        rows.append(address)
    made = Spread.join(list(distinct.values()))
    place = {address: at for at, address in enumerate(distinct)}
    return made.take([place[address] for address in rows])


def _row(lead: Spread, row: int) -> Spread:
    if lead.kind[row] == layout.CONSTANT:
        return Spread.constant(max(np.ceil(lead.number[row, 0] - 1e-9), 1.0))
    if lead.kind[row] == layout.TABLE:
        at, length = lead.table[row, :2]
        below = lead.below[at : at + length]
        values = np.maximum(np.ceil(lead.values[at : at + length] - 1e-9), 1.0)
        chance = np.diff(below, prepend=0.0)
        keep = (1 - np.concatenate([[0.0], below[:-1]])) > _BEYOND
        at_periods, place = np.unique(values[keep], return_inverse=True)
        return Spread.listed(at_periods, np.bincount(place, weights=chance[keep]))
    latest = _quantile(lead, row, 1 - _BEYOND)
    if latest > 100_000:
        raise ValueError(f"lead_time: reaches {latest:,.0f} periods; bound it (high=…) or take longer periods")
    ends = np.arange(1, max(int(np.ceil(latest - 1e-9)), 1) + 1, dtype=np.float64)
    below = _below(lead, row, ends)
    below[-1] = 1.0
    return Spread.listed(ends, np.maximum(np.diff(below, prepend=0.0), 0.0))


def _below(lead: Spread, row: int, x: Floats) -> Floats:
    from scipy import special  # noqa: PLC0415 - only for continuous lead times

    a, b, _, high = lead.number[row]
    kind = lead.kind[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == layout.NORMAL:
            below = special.ndtr((x - a) / b) if b > 0 else (x >= a).astype(np.float64)
        elif kind == layout.LOGNORMAL:
            below = special.ndtr((np.log(x) - a) / b) if b > 0 else (np.log(x) >= a).astype(np.float64)
        elif kind == layout.UNIFORM:
            below = np.clip((x - a) / (b - a), 0, 1) if b > a else (x >= a).astype(np.float64)
        elif kind == layout.GAMMA:
            below = special.gammainc(a, x / b)
        else:
            below = -np.expm1(-((x / a) ** b))
    return np.where(x >= high, 1.0, below)


def _quantile(lead: Spread, row: int, p: float) -> float:
    from scipy import special  # noqa: PLC0415 - only for continuous lead times

    a, b, _, high = lead.number[row]
    kind = lead.kind[row]
    if kind == layout.NORMAL:
        value = a + b * special.ndtri(p)
    elif kind == layout.LOGNORMAL:
        value = np.exp(a + b * special.ndtri(p))
    elif kind == layout.UNIFORM:
        value = b
    elif kind == layout.GAMMA:
        value = b * special.gammaincinv(a, p)
    else:
        value = a * (-np.log1p(-p)) ** (1 / b)
    return float(min(value, high))
