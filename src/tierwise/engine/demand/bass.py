"""How the sales of a new product spread: Bass curves from few points, or from products like it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, log

import numpy as np
import numpy.typing as npt

from tierwise.engine.watching.panel import as_panel, per_series

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BassPeak:
    """When sales peak, in periods after launch (0: they fall from the start), and the sales per period then."""

    time: Floats
    rate: Floats


@dataclass(frozen=True, slots=True)
class Analogues:
    """Earlier products like the new one: their innovation ``p`` and imitation ``q`` per period, same length.

    ``least_spread`` is the least standard deviation of ln p and ln q taken as prior: few analogues always look alike.
    ``market`` and ``market_spread`` (of its logarithm) say what is known of the new product's market; None: nothing.
    """

    p: tuple[float, ...] = (0.03,)
    q: tuple[float, ...] = (0.38,)
    least_spread: float = 0.5
    market: float | None = None
    market_spread: float = 0.5

    def __post_init__(self) -> None:
        if not self.p or len(self.p) != len(self.q):
            raise ValueError(f"p, q: have {len(self.p)} and {len(self.q)} entries; give one of each per analogue")
        if any(not (isfinite(value) and value > 0) for value in (*self.p, *self.q)):
            raise ValueError("p, q: must be above 0 and finite; leave out analogues without both")
        if not (self.least_spread > 0 and self.market_spread > 0):
            raise ValueError("least_spread, market_spread: must be above 0, for example 0.5")
        if self.market is not None and not (isfinite(self.market) and self.market > 0):
            raise ValueError(f"market: is {self.market}; give the units ever to be sold, or None where unknown")

    def per(self, periods: float) -> Analogues:
        """The same products counted in shorter periods: ``per(12)`` turns yearly p and q into monthly ones."""
        if not periods > 0:
            raise ValueError(f"periods: is {periods}; give how many new periods make an old one, 12 for months")
        shorter = tuple(value / periods for value in self.p), tuple(value / periods for value in self.q)
        return Analogues(*shorter, self.least_spread, self.market, self.market_spread)

    def prior(self) -> Floats:
        """Rows ln p, ln q, ln market; columns mean and standard deviation (infinite: nothing known)."""
        rows = []
        for values in (self.p, self.q):
            logs = np.log(values)
            spread = float(logs.std(ddof=1)) if len(logs) > 1 else 0.0
            rows.append((float(logs.mean()), max(self.least_spread, spread)))
        rows.append((log(self.market), self.market_spread) if self.market else (0.0, inf))
        return np.array(rows)


YEARLY_MEANS = Analogues()
"""Means over 213 published curves, per year: p 0.03, q 0.38 (Sultan, Farley and Lehmann, 1990)."""


@dataclass(frozen=True, slots=True)
class BassParams:
    """``analogues`` steady a fit with few points and stand in for one with none; None: sales alone speak.

    ``least_noise``: sales are not believed more closely than this share of their mean, so that three points that
    happen to lie on a curve do not outvote the analogues.
    """

    analogues: Analogues | None = None
    least_noise: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.least_noise < 1:
            raise ValueError(f"least_noise: is {self.least_noise}; give a share of mean sales, such as 0.15")


@dataclass(frozen=True, slots=True)
class BassFit:
    """One entry per series; NaN where nothing could be said.

    ``p``, ``q`` per period, ``market`` in units; ``covariance`` (series, 3, 3) is that of ln p, ln q, ln market.
    ``evidence`` tells how much of what is known of ln q came from the sales: 1 all, 0 all from the analogues.
    ``fit`` is the share of the variance of sales explained (R²), ``n`` the periods observed since ``launched``.
    ``converged`` is False where sales point at no curve: usually too early for a peak to be seen in them.
    """

    p: Floats
    q: Floats
    market: Floats
    covariance: Floats
    evidence: Floats
    fit: Floats
    n: Ints
    launched: Ints
    converged: Bools

    @property
    def peak(self) -> BassPeak:
        return bass_peak(self.p, self.q, self.market)

    @property
    def standard_error(self) -> Floats:
        """Of ln p, ln q and ln market: near 0.1 means ± 10 %. Shape (series, 3)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2)))

    def demand(self, periods: int) -> Floats:
        """Expected sales of each period since launch, shape (series, periods)."""
        return bass_demand(self.p, self.q, self.market, periods)


def bass_share(p: npt.ArrayLike, q: npt.ArrayLike, time: npt.ArrayLike) -> Floats:
    """Which share of all who will ever buy has bought ``time`` periods after launch?

    F(t) = (1 − e^−(p+q)t) / (1 + (q/p)·e^−(p+q)t), 0 before launch. p above 0, q 0 or more, per period. Shapes
    broadcast; NaN gives NaN. Source: Bass, Management Science 15 (1969) 215-227.

    >>> bass_share(0.010399, 0.41861, [0, 8.613]).round(3).tolist()
    [0.0, 0.488]
    """
    innovation, imitation = _coefficients(p, q)
    age = np.maximum(np.asarray(time, dtype=np.float64), 0.0)
    # Written with the falling exponential alone, which cannot overflow.
    with np.errstate(invalid="ignore", divide="ignore"):
        e = np.exp(-(innovation + imitation) * age)
        return np.asarray((1 - e) / (1 + imitation / innovation * e))


def bass_demand(p: npt.ArrayLike, q: npt.ArrayLike, market: npt.ArrayLike, periods: int) -> Floats:
    """Expected sales of each of the first ``periods`` periods: market·(F(t) − F(t − 1)), shape (items…, periods).

    >>> bass_demand(0.010399, 0.41861, 16_895, 10).round(0).tolist()
    [217.0, 322.0, 471.0, 673.0, 929.0, 1225.0, 1520.0, 1749.0, 1849.0, 1785.0]
    """
    if periods < 0:
        raise ValueError(f"periods: is {periods}; give 0 or more")
    size = np.asarray(market, dtype=np.float64)[..., None]
    ends = np.arange(periods + 1, dtype=np.float64)
    share = bass_share(np.asarray(p, dtype=np.float64)[..., None], np.asarray(q, dtype=np.float64)[..., None], ends)
    return np.asarray(size * np.diff(share, axis=-1))


def bass_peak(p: npt.ArrayLike, q: npt.ArrayLike, market: npt.ArrayLike = 1.0) -> BassPeak:
    """When will sales peak, and how high?

    t* = ln(q/p)/(p+q) periods after launch, at m·(p+q)²/(4q) per period; where q ≤ p they fall from the start, at
    m·p. Shapes broadcast; NaN gives NaN. Source: Bass (1969); room air conditioners, in years and thousands:

    >>> peak = bass_peak(p=0.010399, q=0.41861, market=16_895)
    >>> print(f"{peak.time:.3f} years, {peak.rate:.0f} thousand a year")
    8.613 years, 1857 thousand a year
    """
    innovation, imitation = _coefficients(p, q)
    size = np.asarray(market, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        both = innovation + imitation
        rises = imitation > innovation
        time = np.where(rises, np.log(imitation / innovation) / both, 0.0)
        rate = np.where(rises, size * both**2 / (4 * imitation), size * innovation)
    unknown = np.isnan(both) | np.isnan(size)
    return BassPeak(np.where(np.isnan(both), np.nan, time), np.where(unknown, np.nan, rate))


DEFAULT = BassParams()
_NOTHING_KNOWN = np.array([(0.0, inf)] * 3)


def fit_bass(sales: npt.ArrayLike, params: BassParams = DEFAULT, launched: npt.ArrayLike | None = None) -> BassFit:
    """Which Bass curve do the sales of new products follow, and how sure is it?

    ``sales`` series × periods (or one series), units per period, 0 or more; NaN where nothing was observed or where
    the period is to be left out (a promotion, a stockout). ``launched``: the period of launch per series, by default
    the first observed one. Least squares of sales on m·(F(t) − F(t − 1)) over ln p, ln q, ln m, by Levenberg and
    Marquardt from the best point of a grid; ``analogues`` enter as normal priors on the logarithms, weighed against
    the noise of the sales. A series without sales has the analogues' p and q, and their market if one is given.
    Needs three observed periods where there are no analogues. Empty gives empty.
    Source: Srinivasan and Mason, Marketing Science 5 (1986) 169-178; their estimates for room air conditioners 1949 to
    1961 (thousands) are p 0.0094, q 0.3748, m 18,713:

    >>> sold = [96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500]
    >>> found = fit_bass(sold)
    >>> print(f"{found.p[0]:.4f} {found.q[0]:.4f} {found.market[0]:.0f} R² {found.fit[0]:.2f}")
    0.0094 0.3748 18713 R² 0.93
    """
    from tierwise.engine.demand import bass_kernels  # noqa: PLC0415 - the compiler loads on first use

    panel = as_panel(sales)
    if (panel < 0).any():
        raise ValueError("sales: must be 0 or more; net returns against earlier sales first")
    seen = np.isfinite(panel)
    begun = seen.argmax(axis=1) if panel.shape[1] else np.zeros(len(panel))
    start = per_series(begun if launched is None else launched, len(panel), "launched").astype(np.int64)
    prior = _NOTHING_KNOWN if params.analogues is None else params.analogues.prior()
    points, covariance = np.full((len(panel), 6), np.nan), np.full((len(panel), 3, 3), np.nan)
    bass_kernels.fit_panel(panel, start, prior, params.least_noise, (points, covariance))
    inside = seen & (np.arange(panel.shape[1]) >= start[:, None])
    n = inside.sum(axis=1)
    values = np.exp(points[:, :3])
    spread = _squares(panel, inside, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        fit = np.where(spread > 0, 1 - points[:, 4] / spread, np.nan)
    evidence = np.ones(len(panel))
    if params.analogues is not None:
        alone = np.isnan(points[:, 0])
        values[alone] = np.where(np.isfinite(prior[:, 1]), np.exp(prior[:, 0]), np.nan)
        covariance[alone] = np.diag(np.where(np.isfinite(prior[:, 1]), prior[:, 1] ** 2, np.nan))
        evidence = np.clip(1 - covariance[:, 1, 1] / prior[1, 1] ** 2, 0.0, 1.0)
    evidence[np.isnan(values[:, 1])] = np.nan
    converged = points[:, 5] == 1.0
    return BassFit(values[:, 0], values[:, 1], values[:, 2], covariance, evidence, fit, n, start, converged)


def _squares(panel: Floats, inside: Bools, n: Ints) -> Floats:
    kept = np.where(inside, panel, 0.0)
    mean = kept.sum(axis=1) / np.maximum(n, 1)
    return np.asarray((np.where(inside, panel - mean[:, None], 0.0) ** 2).sum(axis=1))


def _coefficients(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[Floats, Floats]:
    innovation, imitation = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if (innovation <= 0).any() or np.isinf(innovation).any():
        raise ValueError("p: must be above 0 and finite; give 0.03 per year where nothing is known")
    if (imitation < 0).any() or np.isinf(imitation).any():
        raise ValueError("q: must be 0 or more and finite")
    return innovation, imitation
