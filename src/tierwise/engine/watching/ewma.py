"""Exponentially weighted moving averages with limits that know how much has been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.panel import Floats, Ints, Signs, as_panel, first_of, per_series, per_series_positive

Limits = Literal["exact", "steady"]
_NODES = 64


@dataclass(frozen=True, slots=True)
class EwmaParams:
    """How an EWMA chart listens.

    ``weight`` λ of the newest value, ``width`` L of the limits in standard deviations of the average. ``limits``
    "exact" widen with the periods seen, "steady" are those of a long series. ``fast_initial_response`` f narrows the
    first limits to (1 − (1−f)^(1+a(t−1))) of their width, a = (−2/log₁₀(1−f) − 1)/19 (Steiner 1999; f of 0.5 is his
    choice, and 0 is none).
    """

    weight: float = 0.2
    width: float = 2.962
    limits: Limits = "exact"
    fast_initial_response: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight: is {self.weight}; give a share above 0 and at most 1, such as 0.2")
        if not 0 < self.width < np.inf:
            raise ValueError(f"width: is {self.width}; give a positive number, such as 3")
        if self.limits not in {"exact", "steady"}:
            raise ValueError(f"limits: is {self.limits!r}; give 'exact' or 'steady'")
        if not 0 <= self.fast_initial_response < 1:
            raise ValueError(
                f"fast_initial_response: is {self.fast_initial_response}; give a share from 0 (none) to below 1"
            )

    def spread(self, periods: int) -> Floats:
        """Half the width between the limits in units of scale and of ``width``, after 1, 2, … observed periods."""
        seen = np.arange(1, periods + 1, dtype=np.float64)
        share = np.ones(periods) if self.limits == "steady" else 1 - (1 - self.weight) ** (2 * seen)
        half = np.sqrt(self.weight / (2 - self.weight) * share)
        if self.fast_initial_response > 0:
            far = 1 - self.fast_initial_response
            rate = (-2 / np.log10(far) - 1) / 19
            half *= 1 - far ** (1 + rate * (seen - 1))
        return np.asarray(half, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class EwmaResult:
    """``level``, ``lower``, ``upper`` (the values' unit) and ``signal`` (1 above, -1 below) are series × periods.

    ``first_signal`` is -1 where there is none; ``n`` counts observed periods.
    """

    level: Floats
    lower: Floats
    upper: Floats
    signal: Signs
    first_signal: Ints
    n: Ints


DEFAULT = EwmaParams()


def ewma(
    values: npt.ArrayLike, target: npt.ArrayLike, scale: npt.ArrayLike = 1.0, params: EwmaParams = DEFAULT
) -> EwmaResult:
    """Has the recent average of a series left the band in which chance alone would keep it?

    ``values`` series × periods (or one series), ``target`` and ``scale`` (standard deviation in control) one number or
    one per series. z = λx + (1−λ)z from z₀ = target; limits target ± L·scale·√(λ/(2−λ)·(1−(1−λ)^(2t))), t the observed
    periods. A missing period (NaN) leaves average and limits as they are; no periods give no signal. Raises ValueError
    for a scale of 0 or less.
    Source: NIST/SEMATECH e-Handbook of Statistical Methods 6.3.2.4; Roberts, Technometrics 1 (1959) 239-250; fast
    initial response: Steiner, Journal of Quality Technology 31 (1999) 75-86.

    >>> chart = ewma(
    ...     [52, 47, 53, 49.3], target=50, scale=2.0539, params=EwmaParams(weight=0.3, width=3, limits="steady")
    ... )
    >>> chart.level[0].round(2).tolist(), round(float(chart.upper[0, 0]), 4), round(float(chart.lower[0, 0]), 4)
    ([50.6, 49.52, 50.56, 50.18], 52.5884, 47.4116)
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    panel = as_panel(values)
    middle = per_series(target, len(panel), "target")
    width = per_series_positive(scale, len(panel), "scale")
    level = np.empty_like(panel)
    kernels.ewma_panel(panel, middle, params.weight, level)
    observed = np.isfinite(panel)
    seen = np.cumsum(observed, axis=1)
    half = np.concatenate([[np.nan], params.width * params.spread(panel.shape[1])])[seen] * width[:, None]
    lower, upper = middle[:, None] - half, middle[:, None] + half
    signal = np.where(observed & (level > upper), 1, 0) - np.where(observed & (level < lower), 1, 0)
    signs = signal.astype(np.int8)
    return EwmaResult(level, lower, upper, signs, first_of(signs != 0), observed.sum(axis=1))


def ewma_run_length(shift: npt.ArrayLike, params: EwmaParams = DEFAULT) -> Floats:
    """After how many periods does the chart with steady limits signal on average, the level off by ``shift`` scales?

    For independent normal values; the limits are taken as steady whatever ``params.limits``, and without fast initial
    response (for those, see :func:`tune_limit`). Solves Crowder's integral equation (Technometrics 29 (1987) 401-407)
    by Gauss-Legendre quadrature. NaN for NaN. The number: Lucas and Saccucci, Technometrics 32 (1990), table 3, give
    500 and 10.3.

    >>> ewma_run_length([0.0, 1.0], EwmaParams(weight=0.1, width=2.814)).round(1).tolist()
    [499.6, 10.3]
    """
    shifts = np.asarray(shift, dtype=np.float64)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edge = params.width * np.sqrt(params.weight / (2 - params.weight))
    y, w = nodes * edge, weights * edge
    start = np.concatenate([[0.0], y])
    step = (y[None, :] - (1 - params.weight) * start[:, None]) / params.weight
    out = np.full(shifts.size, np.nan)
    for at, each in enumerate(shifts.ravel()):
        if np.isfinite(each):
            density = np.exp(-((step - each) ** 2) / 2) / np.sqrt(2 * np.pi) / params.weight
            system = np.zeros((len(start), len(start)))
            system[:, 1:] = density * w
            out[at] = np.linalg.solve(np.eye(len(start)) - system, np.ones(len(start)))[0]
    return out.reshape(shifts.shape)
