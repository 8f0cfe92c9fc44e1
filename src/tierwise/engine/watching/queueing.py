"""What utilisation does to waiting: the nearer to full, the longer the queue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.panel import Floats


def queue_effect(
    utilisation: npt.ArrayLike,
    arrival_scv: npt.ArrayLike = 1.0,
    service_scv: npt.ArrayLike = 1.0,
    servers: npt.ArrayLike = 1,
) -> Floats:
    """How many processing times does an order wait before it is worked on?

    Arrays broadcast. ``arrival_scv`` and ``service_scv`` are squared coefficients of variation (variance / mean²) of
    the times between arrivals and of processing; ``servers`` parallel lines or machines. VUT:
    W/τ = (cₐ² + cₛ²)/2 · u^(√(2(m+1)) − 1) / (m(1 − u)), exact for one server with random arrivals. Infinite at
    utilisation 1 and above; NaN for NaN. Raises ValueError for negative inputs and fewer servers than 1.
    Source: Kingman, Proc. Cambridge Phil. Soc. 57 (1961) 902; Hopp and Spearman, Factory Physics, 8.6 (eq. 8.25-8.27).

    >>> queue_effect([0.8, 0.9, 0.95]).round(6).tolist()
    [4.0, 9.0, 19.0]
    """
    u, ca2, cs2, m = _inputs(utilisation, arrival_scv, service_scv, servers)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = (ca2 + cs2) / 2 * u ** (np.sqrt(2 * (m + 1)) - 1) / (m * (1 - u))
    beyond = np.where(u >= 1, np.inf, wait)
    return np.where(np.isnan(u) | np.isnan(ca2) | np.isnan(cs2), np.nan, beyond)


def lead_time_growth(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    arrival_scv: npt.ArrayLike = 1.0,
    service_scv: npt.ArrayLike = 1.0,
    servers: npt.ArrayLike = 1,
) -> Floats:
    """By which factor does the time through a resource (waiting and processing) grow with its utilisation?

    (W(after) + τ)/(W(before) + τ), see :func:`queue_effect`. From 80 to 95 % with everything random it is (19+1)/(4+1).

    >>> lead_time_growth(0.8, 0.95).round(6).tolist()
    4.0
    """
    first = queue_effect(before, arrival_scv, service_scv, servers)
    then = queue_effect(after, arrival_scv, service_scv, servers)
    with np.errstate(invalid="ignore"):
        return np.asarray((then + 1) / (first + 1))


def utilisation_limit(
    wait: npt.ArrayLike,
    arrival_scv: npt.ArrayLike = 1.0,
    service_scv: npt.ArrayLike = 1.0,
    servers: npt.ArrayLike = 1,
) -> Floats:
    """Up to which utilisation does an order wait no longer than ``wait`` processing times?

    The inverse of :func:`queue_effect`, by bisection to the last digits; 1 where nothing varies or ``wait`` is
    infinite, NaN for NaN.

    >>> utilisation_limit([4, 9, 19]).round(6).tolist()
    [0.8, 0.9, 0.95]
    """
    w, ca2, cs2, m = _inputs(wait, arrival_scv, service_scv, servers)
    low, high = np.zeros(w.shape), np.ones(w.shape)
    for _ in range(60):
        middle = (low + high) / 2
        within = queue_effect(middle, ca2, cs2, m) <= w
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    known = ~(np.isnan(w) | np.isnan(ca2) | np.isnan(cs2))
    free = (ca2 + cs2 == 0) | np.isinf(w)
    return np.where(known, np.where(free, 1.0, low), np.nan)


def _inputs(first: npt.ArrayLike, *rest: npt.ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    arrays = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (first, *rest)))
    for array, name in zip(arrays, ("utilisation or wait", "arrival_scv", "service_scv"), strict=False):
        if (array < 0).any():
            raise ValueError(f"{name}: must be 0 or more")
    if not (arrays[3] >= 1).all():
        raise ValueError("servers: must be 1 or more")
    return arrays[0], arrays[1], arrays[2], arrays[3]
