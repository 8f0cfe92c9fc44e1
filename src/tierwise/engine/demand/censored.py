"""What would have been sold: demand behind sales that stock cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine.watching.panel import Floats, Ints, as_panel

Bools = npt.NDArray[np.bool_]
_Step = Callable[[Floats, Bools, Bools, tuple[Floats, Floats]], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class CensoredParams:
    """``model`` "normal", "lognormal" (sales above 0) or "poisson"; ``least_seen`` periods must be uncensored.

    Iterations end when nothing moves by more than ``tolerance`` relative to the spread, at the latest after ``rounds``.
    """

    model: Literal["normal", "lognormal", "poisson"] = "normal"
    least_seen: int = 2
    tolerance: float = 1e-9
    rounds: int = 5000

    def __post_init__(self) -> None:
        if self.model not in {"normal", "lognormal", "poisson"}:
            raise ValueError(f"model: is {self.model!r}; give 'normal', 'lognormal' or 'poisson'")
        if self.least_seen < 1 or (self.least_seen < 2 and self.model != "poisson"):
            raise ValueError(f"least_seen: is {self.least_seen}; a spread needs 2 uncensored periods, Poisson 1")
        if not 0 < self.tolerance < 1 or self.rounds < 1:
            raise ValueError("tolerance must lie between 0 and 1 and rounds be 1 or more")


@dataclass(frozen=True, slots=True)
class UncensoredDemand:
    """One entry per series, but for ``expected`` (series × periods): sales, or expected demand where they were cut.

    ``mean`` and ``sd`` of demand per period; ``lost`` units not sold for want of stock, ``sales_mean`` what ignoring
    stockouts would have said. ``n`` observed and ``censored`` cut periods; NaN where too few were uncensored.
    """

    mean: Floats
    sd: Floats
    expected: Floats
    lost: Floats
    sales_mean: Floats
    n: Ints
    censored: Ints
    converged: Bools


DEFAULT = CensoredParams()


def uncensored_demand(
    sales: npt.ArrayLike, stockout: npt.ArrayLike, params: CensoredParams = DEFAULT
) -> UncensoredDemand:
    """What was demanded, where sales are only a lower bound in periods that ran out of stock?

    ``sales`` series × periods (or one series), NaN for a period without observation (or closed all through);
    ``stockout`` booleans of the same shape: demand was at least what was sold. Maximum likelihood by expectation and
    maximisation: a cut period counts with E[D | D ≥ sales] (and its variance) until mean and spread rest. A series of
    nothing but cut periods has no answer (NaN): give `demand_rate` the time in stock. Empty gives empty.
    Source: Dempster, Laird and Rubin, JRSS B 39 (1977) 1-38; for stockouts Nahmias, Management Science 40 (1994). Seven
    of ten values seen (Gupta, Biometrika 39 (1952) 260-273) have µ 1.742, σ 0.079:

    >>> seen = [1.613, 1.644, 1.663, 1.732, 1.740, 1.763, 1.778, 1.778, 1.778, 1.778]
    >>> found = uncensored_demand(seen, [False] * 7 + [True] * 3)
    >>> print(f"{found.mean[0]:.3f} {found.sd[0]:.3f} not {found.sales_mean[0]:.3f}")
    1.742 0.079 not 1.727
    """
    panel = as_panel(sales)
    cut = _flags(stockout, panel)
    if params.model != "normal" and (panel < 0).any():
        raise ValueError(f"sales: must be 0 or more for model {params.model!r}; net returns first or use 'normal'")
    if params.model == "lognormal" and (panel == 0).any():
        raise ValueError("sales: must be above 0 for model 'lognormal'; use 'normal' or 'poisson'")
    seen = np.isfinite(panel)
    cut &= seen
    n, cuts = seen.sum(axis=1), cut.sum(axis=1)
    enough = n - cuts >= params.least_seen
    values = np.log(np.where(seen, panel, 1.0)) if params.model == "lognormal" else np.where(seen, panel, 0.0)
    steps = _poisson_step if params.model == "poisson" else _normal_step
    mean, variance, moved = _iterate(values, (seen, cut), enough, steps, params)
    expected, _ = _conditional(values, mean, variance, params.model)
    full = np.where(cut, expected, np.where(seen, panel, np.nan))
    if params.model == "lognormal":
        mean, variance = np.exp(mean + variance / 2), np.expm1(variance) * np.exp(2 * mean + variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        sold = np.where(n > 0, np.where(seen, panel, 0.0).sum(axis=1) / n, np.nan)
    lost = np.where(cut, full - panel, 0.0).sum(axis=1)
    blank = ~enough
    mean, sd, lost = (np.where(blank, np.nan, each) for each in (mean, np.sqrt(variance), lost))
    full[blank[:, None] & cut] = np.nan
    return UncensoredDemand(mean, sd, full, lost, sold, n, cuts, enough & ~moved)


def _flags(stockout: npt.ArrayLike, panel: Floats) -> Bools:
    flags = np.atleast_2d(np.asarray(stockout))
    if flags.dtype != np.bool_:
        raise ValueError("stockout: must be booleans; for shares of time in stock use demand_rate")
    if flags.shape != panel.shape:
        raise ValueError(f"stockout: has shape {flags.shape}, sales {panel.shape}; give one flag per period")
    return flags.copy()


def _iterate(
    values: Floats, masks: tuple[Bools, Bools], enough: Bools, step: _Step, params: CensoredParams
) -> tuple[Floats, Floats, Bools]:
    """Steps of the rows that have not come to rest; mean, variance, and which still moved at the end."""
    seen, cut = masks
    n = np.maximum(seen.sum(axis=1), 1)
    mean = np.where(seen, values, 0.0).sum(axis=1) / n
    variance = (np.where(seen, values - mean[:, None], 0.0) ** 2).sum(axis=1) / n
    if params.model == "poisson":
        variance = mean.copy()
    moving = enough & cut.any(axis=1) & (variance > 0)
    for _ in range(params.rounds):
        rows = np.flatnonzero(moving)
        if not len(rows):
            break
        new_mean, new_variance = step(values[rows], seen[rows], cut[rows], (mean[rows], variance[rows]))
        shift = np.abs(new_mean - mean[rows]) + np.abs(np.sqrt(new_variance) - np.sqrt(variance[rows]))
        mean[rows], variance[rows] = new_mean, new_variance
        moving[rows] = shift > params.tolerance * np.sqrt(new_variance)
    return mean, variance, moving


def _normal_step(values: Floats, seen: Bools, cut: Bools, at: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    expected, left = _conditional(values, *at, "normal")
    full = np.where(cut, expected, values)
    n = seen.sum(axis=1)
    mean = np.where(seen, full, 0.0).sum(axis=1) / n
    rest = np.where(seen, (full - mean[:, None]) ** 2, 0.0) + np.where(cut, left, 0.0)
    return mean, rest.sum(axis=1) / n


def _poisson_step(values: Floats, seen: Bools, cut: Bools, at: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    expected, _ = _conditional(values, *at, "poisson")
    mean = np.where(seen, np.where(cut, expected, values), 0.0).sum(axis=1) / seen.sum(axis=1)
    return mean, mean


def _conditional(values: Floats, mean: Floats, variance: Floats, model: str) -> tuple[Floats, Floats]:
    """E[D | D ≥ value] and Var[D | D ≥ value] (normal only), every row with its own mean and variance."""
    middle = mean[:, None]
    if model == "poisson":
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.ceil(values)
            reach, before = special.gammainc(least, middle), special.gammainc(least - 1, middle)
            reach, before = np.where(least <= 0, 1.0, reach), np.where(least <= 1, 1.0, before)
            # Far beyond the mean the ratio is 0/0; there demand hardly exceeds its bound.
            far = least * (1 + middle / (least + 1) / (least + 1))
            found = np.where(reach > 1e-280, middle * before / reach, far)
        return np.maximum(found, values), np.zeros_like(values)
    sd = np.sqrt(np.maximum(variance, 0.0))[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = np.where(sd > 0, (values - middle) / sd, 0.0)
        hazard = np.exp(-z * z / 2 - log(2 * pi) / 2 - special.log_ndtr(-z))
    if model == "lognormal":
        # E[e^X | X ≥ c] = e^(µ + σ²/2)·Φ(σ − z)/Φ(−z).
        growth = np.exp(middle + sd**2 / 2 + special.log_ndtr(sd - z) - special.log_ndtr(-z))
        return growth, np.zeros_like(values)
    return middle + sd * hazard, np.clip(sd**2 * (1 + z * hazard - hazard**2), 0.0, None)


@dataclass(frozen=True, slots=True)
class DemandRate:
    """One entry per series: demand per whole period in stock, its standard error, units lost, time in stock."""

    rate: Floats
    standard_error: Floats
    lost: Floats
    in_stock: Floats
    n: Ints


def demand_rate(sales: npt.ArrayLike, in_stock: npt.ArrayLike) -> DemandRate:
    """What is demanded per period, where each period was in stock for a known share of its time?

    ``sales`` and ``in_stock`` (0 to 1) series × periods; NaN in either leaves the period out. Demand that comes evenly
    over a period: rate = Σ sales / Σ time in stock, the maximum likelihood of a Poisson process, with standard error
    √(Σ sales) / Σ time. Sales in a period never in stock are refused. A series never in stock has NaN.
    Source: Anupindi, Dada and Gupta, Marketing Science 17 (1998) 406-423. 24 units in two of three days are 12 a day:

    >>> found = demand_rate([[10, 14, 0]], [[1.0, 1.0, 0.0]])
    >>> found.rate.tolist(), found.lost.tolist()
    ([12.0], [12.0])
    """
    panel, share = as_panel(sales), as_panel(in_stock)
    if panel.shape != share.shape:
        raise ValueError(f"in_stock: has shape {share.shape}, sales {panel.shape}; give one share per period")
    if (panel < 0).any():
        raise ValueError("sales: must be 0 or more; net returns against earlier sales first")
    if (share < 0).any() or (share > 1).any():
        raise ValueError("in_stock: must lie between 0 and 1; 18 of 24 hours are 0.75")
    if ((share == 0) & (panel > 0)).any():
        raise ValueError("in_stock: is 0 in a period with sales; something was there to be sold")
    seen = np.isfinite(panel) & np.isfinite(share)
    sold, time = np.where(seen, panel, 0.0).sum(axis=1), np.where(seen, share, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(time > 0, sold / time, np.nan)
        error = np.where(time > 0, np.sqrt(sold) / time, np.nan)
    n = seen.sum(axis=1)
    return DemandRate(rate, error, rate * (n - time), time, n)
