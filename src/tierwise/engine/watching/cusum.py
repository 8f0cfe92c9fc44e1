"""Cumulative sums: small lasting shifts found soon, with the moment they began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine.watching.panel import Floats, Ints, Signs, as_panel, first_of, per_series, per_series_positive

AfterSignal = Literal["continue", "restart"]
_NODES = 64


@dataclass(frozen=True, slots=True)
class CusumParams:
    """How a cumulative sum chart listens; all in units of ``scale``.

    ``allowance`` k is half the shift to be found, ``limit`` h the sum that signals. ``head_start`` is the share of the
    limit the sums begin at (0.5 is the fast initial response of Lucas and Crosier: a process that is off from the
    start is found in about half the time). ``after_signal`` either keeps adding or restarts from the head start.
    """

    allowance: float = 0.5
    limit: float = 5.0
    head_start: float = 0.0
    after_signal: AfterSignal = "continue"

    def __post_init__(self) -> None:
        if not 0 <= self.allowance < np.inf:
            raise ValueError(f"allowance: is {self.allowance}; give half the shift to be found, 0 or more")
        if not 0 < self.limit < np.inf:
            raise ValueError(f"limit: is {self.limit}; give a positive number, such as 5 scales")
        if not 0 <= self.head_start < 1:
            raise ValueError(f"head_start: is {self.head_start}; give a share of the limit from 0 to below 1")
        if self.after_signal not in {"continue", "restart"}:
            raise ValueError(f"after_signal: is {self.after_signal!r}; give 'continue' or 'restart'")


@dataclass(frozen=True, slots=True)
class CusumResult:
    """``high``, ``low`` and ``signal`` are series × periods; the rest has one entry per series.

    ``signal`` is 1 above, -1 below, 0 none. ``first_signal`` is the period of the first signal, ``onset`` the period
    the shift is taken to have begun in (the one after the sum last stood at 0), -1 where there is no signal. ``shift``
    estimates the shift at the first signal in units of scale, NaN without one. ``n`` counts observed periods.
    """

    high: Floats
    low: Floats
    signal: Signs
    first_signal: Ints
    onset: Ints
    shift: Floats
    n: Ints


DEFAULT = CusumParams()


def cusum(
    values: npt.ArrayLike, target: npt.ArrayLike, scale: npt.ArrayLike = 1.0, params: CusumParams = DEFAULT
) -> CusumResult:
    """Has the level of a series shifted lastingly from ``target``, since when and by how much?

    ``values`` series × periods (or one series), ``target`` and ``scale`` (standard deviation in control; 1 keeps the
    values' own unit) one number or one per series. With z = (x − target) / scale:
    S⁺ = max(0, S⁺ + z − k), S⁻ = max(0, S⁻ − z − k), signal above h. A missing period (NaN) leaves the sums as they
    are; no periods give no signal. Shift: k + S/N over the N observed periods since onset, less the head start.
    Raises ValueError for a scale of 0 or less.
    Source: Page, Biometrika 41 (1954) 100; Montgomery and Runger, Applied Statistics and Probability for Engineers,
    16-8; head start: Lucas and Crosier, Technometrics 24 (1982) 199-205.

    >>> chart = cusum([102.0, 94.8, 98.3, 98.4, 102.0], target=99, params=CusumParams(allowance=1, limit=10))
    >>> chart.high[0].round(1).tolist(), chart.low[0].round(1).tolist()
    ([2.0, 0.0, 0.0, 0.0, 2.0], [0.0, 3.2, 2.9, 2.5, 0.0])
    >>> drift = [0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6]
    >>> (
    ...     cusum(drift, target=0).first_signal.tolist(),
    ...     cusum(drift, target=0, params=CusumParams(head_start=0.5)).first_signal.tolist(),
    ... )
    ([6], [2])
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    panel = as_panel(values)
    middle = per_series(target, len(panel), "target")
    width = per_series_positive(scale, len(panel), "scale")
    high, low = np.empty_like(panel), np.empty_like(panel)
    signal = np.zeros(panel.shape, dtype=np.int8)
    onset = np.full(len(panel), -1, dtype=np.int64)
    shift = np.full(len(panel), np.nan)
    head = params.head_start * params.limit
    chart = (params.allowance, params.limit, head, params.after_signal == "restart")
    kernels.cusum_panel(panel, (middle, width), chart, (high, low, signal, onset, shift))
    return CusumResult(high, low, signal, first_of(signal != 0), onset, shift, np.isfinite(panel).sum(axis=1))


def cusum_run_length(shift: npt.ArrayLike, params: CusumParams = DEFAULT) -> Floats:
    """After how many periods does the two-sided chart signal on average, the level being off by ``shift`` scales?

    For independent normal values; an array of shifts gives an array. Solves Page's integral equation per side by
    Gauss-Legendre quadrature (Goel and Wu, Technometrics 13 (1971) 221-230) and joins the sides by
    1/ARL = 1/ARL⁺ + 1/ARL⁻, exact without head start; with one, the side's head start is joined by
    Lucas and Crosier's formula. NaN for NaN.

    >>> cusum_run_length([0.0, 1.0, 2.0], CusumParams(allowance=0.5, limit=5)).round(2).tolist()
    [465.44, 10.38, 4.01]
    """
    shifts = np.asarray(shift, dtype=np.float64)
    out = np.array([_two_sided(float(each), params) for each in shifts.ravel()]).reshape(shifts.shape)
    return np.asarray(out, dtype=np.float64)


def _two_sided(shift: float, params: CusumParams) -> float:
    if not np.isfinite(shift):
        return float("nan")
    head = params.head_start * params.limit
    up_zero, up_head = _one_sided(shift, params, head)
    down_zero, down_head = _one_sided(-shift, params, head)
    # Lucas and Crosier (1982), eq. 3: both sides begin at the head start, whichever signals first.
    return (up_head * down_zero + down_head * up_zero - up_zero * down_zero) / (up_zero + down_zero)


def _one_sided(shift: float, params: CusumParams, head: float) -> tuple[float, float]:
    """Average run length of one side begun at 0 and at the head start."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    y = (nodes + 1) * params.limit / 2
    w = weights * params.limit / 2
    start = np.concatenate([[0.0, head], y])
    drift = params.allowance - shift
    to_zero = special.ndtr(drift - start)
    density = np.exp(-((y[None, :] - start[:, None] + drift) ** 2) / 2) / np.sqrt(2 * np.pi)
    system = np.zeros((len(start), len(start)))
    system[:, 0] = to_zero
    system[:, 2:] = density * w
    length = np.linalg.solve(np.eye(len(start)) - system, np.ones(len(start)))
    return float(length[0]), float(length[1])
