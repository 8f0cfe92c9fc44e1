"""Has a series begun a new life, and when? Bayesian change points as the values arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.panel import Floats, Ints, as_panel, first_of, per_series, per_series_positive

Model = Literal["normal", "poisson"]
_LEAST = 1e-12
"""Runs less probable than this are forgotten: it keeps a thousand periods linear and changes no digit shown."""


@dataclass(frozen=True, slots=True)
class ChangeParams:
    """What is known before the first value.

    ``expected_run`` is how many periods a regime lasts on average (hazard 1/λ). A change is *recent* if it lies within
    the last ``window`` observed periods; it signals when that has at least probability ``threshold``. For "normal"
    values ``level_spread`` says how far levels of regimes lie apart, in units of scale. For "poisson" counts
    ``prior_n`` is how many periods the prior mean is worth.
    """

    model: Model = "normal"
    expected_run: float = 100.0
    window: int = 8
    threshold: float = 0.9
    level_spread: float = 3.0
    prior_n: float = 0.5

    def __post_init__(self) -> None:
        if self.model not in {"normal", "poisson"}:
            raise ValueError(f"model: is {self.model!r}; give 'normal' or 'poisson'")
        if not 1 < self.expected_run < np.inf:
            raise ValueError(f"expected_run: is {self.expected_run}; give more than 1 period")
        if self.window < 1:
            raise ValueError(f"window: is {self.window}; give 1 or more periods")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold: is {self.threshold}; give a probability between 0 and 1, such as 0.9")
        if not 0 < self.level_spread < np.inf:
            raise ValueError(f"level_spread: is {self.level_spread}; give a positive number of scales")
        if not 0 < self.prior_n < np.inf:
            raise ValueError(f"prior_n: is {self.prior_n}; give a positive number of periods")


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """Series × periods but for ``first_signal``, ``changed_at`` and ``n``, which have one entry per series.

    ``recent`` is the probability that the current regime began within the window (and not with the series),
    ``run_length`` its most probable length in observed periods (0 before the first), ``level`` its expected level,
    ``began`` the period in which the most probable recent change lies (-1 none). ``changed_at`` is ``began`` at the
    first signal.
    """

    recent: Floats
    run_length: Ints
    level: Floats
    began: Ints
    first_signal: Ints
    changed_at: Ints
    n: Ints


DEFAULT = ChangeParams()


def change_points(
    values: npt.ArrayLike, target: npt.ArrayLike, scale: npt.ArrayLike = 1.0, params: ChangeParams = DEFAULT
) -> ChangeResult:
    """How probable is it, after each period, that a new regime began lately?

    ``values`` series × periods (or one series); ``target`` and ``scale`` one number or one per series: the prior level
    and the spread within a regime. For "poisson" the values are counts, ``target`` their prior mean (above 0) and
    ``scale`` unused. With run length r and hazard H = 1/λ: p(r+1, x) ∝ p(r)·(1−H)·π(x | r),
    p(1, x) ∝ H·π(x | 0); π is Student's t (normal level, unknown variance) or the negative binomial. A missing period
    (NaN) leaves everything as it was; before the first value probabilities are 0 and levels NaN.
    Source: Adams and MacKay, Bayesian online changepoint detection (2007), arXiv 0710.3742, with the change placed
    before the period's value. The number: flow of the Nile falls with 1899 (Cobb, Biometrika 65 (1978) 243-251).

    >>> nile = [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799]
    >>> nile += [958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916]
    >>> 1871 + int(change_points(nile, target=1000, scale=125).changed_at[0])
    1899
    """
    from tierwise.engine.watching import kernels  # noqa: PLC0415 - numba loads on first use, not with the package

    panel = as_panel(values)
    middle = per_series(target, len(panel), "target")
    counts = params.model == "poisson"
    priors = np.empty((len(panel), 3))
    if counts:
        if (middle <= 0).any():
            raise ValueError("target: must be above 0 for counts; give the mean expected per period")
        if (panel < 0).any():
            raise ValueError("values: must be 0 or more for counts")
        priors[:, 0], priors[:, 1], priors[:, 2] = 0.0, middle * params.prior_n, params.prior_n
        standard = panel
    else:
        width = per_series_positive(scale, len(panel), "scale")
        # Shape 2 and rate 1 expect the given scale and let a regime's own differ by half either way.
        priors[:] = (1 / params.level_spread**2, 2.0, 1.0)
        standard = (panel - middle[:, None]) / width[:, None]
    recent, level = np.zeros(panel.shape), np.full(panel.shape, np.nan)
    run_length = np.zeros(panel.shape, dtype=np.int64)
    began = np.full(panel.shape, -1, dtype=np.int64)
    rule = (counts, 1 / params.expected_run, params.window, _LEAST)
    kernels.change_panel(standard, priors, rule, (recent, run_length, level, began))
    if not counts:
        level = level * width[:, None] + middle[:, None]
    first = first_of(recent >= params.threshold)
    rows = np.arange(len(panel))
    at = np.where(first >= 0, began[rows, first], -1) if panel.shape[1] else first
    return ChangeResult(recent, run_length, level, began, first, at, np.isfinite(panel).sum(axis=1))
