"""Distributions of demand, many at once: probability, quantile, expected shortage and its integral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.checks import Floats

_ROOT_TWO_PI = np.sqrt(2 * np.pi)
CONTINUOUS = ("normal", "gamma", "lognormal", "uniform")
WHOLE = ("poisson", "negative_binomial")


class Demand(Protocol):
    """What a calculation needs to know of demand in one period (or over one lead time)."""

    @property
    def mean(self) -> Floats: ...

    @property
    def sd(self) -> Floats: ...

    @property
    def whole(self) -> bool:
        """Whether demand comes in whole units."""

    def above(self, x: npt.ArrayLike) -> Floats:
        """P(D > x)."""

    def loss(self, x: npt.ArrayLike) -> Floats:
        """Expected shortage E[(D − x)⁺]."""

    def second_loss(self, x: npt.ArrayLike) -> Floats:
        """½·E[((D − x)⁺)²], the integral of the loss from x upward."""

    def quantile(self, p: npt.ArrayLike) -> Floats:
        """The smallest x with P(D ≤ x) ≥ p."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Demand of many items, one mean and standard deviation each, all of one ``kind``.

    Kinds: ``normal``, ``gamma``, ``lognormal``, ``uniform``, ``poisson`` (sd ignored: √mean), ``negative_binomial``
    (variance above the mean). Mean and sd broadcast; NaN gives NaN; sd 0 is demand known for certain (continuous
    kinds). Raises ValueError for an unknown kind, a negative sd, a mean of 0 or less where the kind needs one above,
    and a negative binomial whose variance does not exceed its mean.

    Formulas: partial moments E[Dᵏ; D > x] in closed form, loss = E[D; D > x] − x·P(D > x). Snyder and Shen,
    Fundamentals of Supply Chain Theory (2nd ed., 2019), appendix C.3; Zipkin, Foundations of Inventory Management
    (2000), C.2. The standard normal loss at 0.3 is 0.2668:

    >>> float(Distribution("normal", 0.0, 1.0).loss(0.3).round(4))
    0.2668
    """

    kind: str
    mean: Floats
    sd: Floats

    def __init__(self, kind: str, mean: npt.ArrayLike, sd: npt.ArrayLike = np.nan) -> None:
        if kind not in CONTINUOUS + WHOLE:
            raise ValueError(f"kind: {kind!r} is unknown; use one of {', '.join(CONTINUOUS + WHOLE)}")
        means = checks.numbers("mean", mean)
        if kind in {"gamma", "lognormal"}:
            checks.positive("mean", means)
        elif kind in WHOLE:
            checks.nonnegative("mean", means)
        spreads = np.sqrt(means) if kind == "poisson" else checks.nonnegative("sd", sd)
        means, spreads = checks.together(mean=means, sd=spreads)
        if kind == "negative_binomial" and np.any(spreads**2 <= means):
            raise ValueError("sd: a negative binomial needs a variance above its mean; use poisson for the others")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "mean", means)
        object.__setattr__(self, "sd", spreads)

    @property
    def whole(self) -> bool:
        return self.kind in WHOLE

    def over(self, periods: npt.ArrayLike) -> Distribution:
        """Demand over so many periods, independent from one to the next: mean·t and sd·√t."""
        time = checks.nonnegative("periods", periods)
        return Distribution(self.kind, self.mean * time, self.sd * np.sqrt(time))

    def above(self, x: npt.ArrayLike) -> Floats:
        return _tail(self, checks.numbers("x", x), 0)

    def loss(self, x: npt.ArrayLike) -> Floats:
        at = checks.numbers("x", x)
        if self.kind == "normal":
            return _normal_loss(self.mean, self.sd, at)
        return np.maximum(_tail(self, at, 1) - at * _tail(self, at, 0), 0.0)

    def second_loss(self, x: npt.ArrayLike) -> Floats:
        at = checks.numbers("x", x)
        if self.kind == "normal":
            return _normal_second_loss(self.mean, self.sd, at)
        return np.maximum(_tail(self, at, 2) - 2 * at * _tail(self, at, 1) + at * at * _tail(self, at, 0), 0.0) / 2

    def quantile(self, p: npt.ArrayLike) -> Floats:
        return _quantile(self, checks.share("p", p))


@dataclass(frozen=True, slots=True)
class Discrete:
    """One demand that takes listed values, as seen in history or drawn by a model. Probabilities are brought to sum 1.

    Raises ValueError for no values, different lengths, negative or all-zero probabilities, or NaN.

    >>> Discrete([1, 2, 3, 4, 5, 6, 7, 8], [0.25, 0.05, 0.1, 0.2, 0.15, 0.1, 0.1, 0.05]).quantile(2 / 3)
    array(5.)
    """

    values: Floats
    probabilities: Floats

    def __init__(self, values: npt.ArrayLike, probabilities: npt.ArrayLike) -> None:
        at, weight = checks.numbers("values", values), checks.nonnegative("probabilities", probabilities)
        if at.ndim != 1 or at.shape != weight.shape or not at.size:
            raise ValueError("values, probabilities: must be two lists of one length, at least one value")
        if not np.isfinite(at).all() or not weight.sum() > 0:
            raise ValueError("values, probabilities: must be finite, and some probability above 0; drop unknown values")
        distinct, place = np.unique(at, return_inverse=True)
        object.__setattr__(self, "values", distinct)
        object.__setattr__(self, "probabilities", np.bincount(place, weights=weight) / weight.sum())

    @property
    def mean(self) -> Floats:
        return np.asarray(self.values @ self.probabilities)

    @property
    def sd(self) -> Floats:
        return np.sqrt(np.maximum(((self.values - self.mean) ** 2) @ self.probabilities, 0.0))

    @property
    def whole(self) -> bool:
        return bool((self.values == np.floor(self.values)).all())

    def _beyond(self, x: npt.ArrayLike, moment: int) -> Floats:
        at = checks.numbers("x", x)
        sums = np.append(np.cumsum((self.values**moment * self.probabilities)[::-1])[::-1], 0.0)
        found = sums[np.searchsorted(self.values, at, side="right")]
        return np.where(np.isnan(at), np.nan, found)

    def above(self, x: npt.ArrayLike) -> Floats:
        return self._beyond(x, 0)

    def loss(self, x: npt.ArrayLike) -> Floats:
        return np.maximum(self._beyond(x, 1) - checks.numbers("x", x) * self._beyond(x, 0), 0.0)

    def second_loss(self, x: npt.ArrayLike) -> Floats:
        at = checks.numbers("x", x)
        return np.maximum(self._beyond(x, 2) - 2 * at * self._beyond(x, 1) + at * at * self._beyond(x, 0), 0.0) / 2

    def quantile(self, p: npt.ArrayLike) -> Floats:
        wanted = checks.share("p", p)
        # Sums of shares miss the number they stand for by rounding; a quantile must not jump for that.
        place = np.searchsorted(np.cumsum(self.probabilities), wanted - 1e-12, side="left")
        found = self.values[np.minimum(place, self.values.size - 1)]
        return np.where(np.isnan(wanted), np.nan, found)


def normal_loss(z: npt.ArrayLike) -> Floats:
    """Expected shortage of a standard normal demand above ``z``: φ(z) − z·(1 − Φ(z)).

    Any shape; NaN gives NaN. Snyder and Shen (2019), C.3.1. Example: 0.3989 at 0.

    >>> float(normal_loss(0).round(4))
    0.3989
    """
    at = checks.numbers("z", z)
    return _normal_loss(np.asarray(0.0), np.asarray(1.0), at)


def inverse_normal_loss(loss: npt.ArrayLike) -> Floats:
    """The z whose standard normal loss is ``loss`` (above 0): what a fill rate asks for.

    Newton's method on log loss, vectorised, to machine precision. ValueError for a loss of 0 or less; NaN gives NaN.

    >>> float(inverse_normal_loss(0.2668).round(3))
    0.3
    """
    wanted = checks.positive("loss", loss)
    log = np.log(wanted)
    tail = np.sqrt(np.maximum(-2 * np.minimum(log, -1.0), 0.0)) - 0.9
    z = np.where(wanted > 0.4, -wanted, np.where(wanted < 0.2, tail, 0.0))
    # log loss is concave, so Newton comes from the left; where the loss underflows no z would be told apart.
    for _ in range(60):
        now = _normal_loss(np.asarray(0.0), np.asarray(1.0), z)
        step = np.where(
            now > 0, (np.log(np.maximum(now, 1e-300)) - log) * now / np.maximum(special.ndtr(-z), 1e-300), -1
        )
        z = z + np.clip(step, -2.0, 2.0)
        if not np.any(np.abs(step) > 1e-14 * (1 + np.abs(z))):
            break
    return np.where(np.isnan(wanted), np.nan, z)


def _standard(mean: Floats, sd: Floats, x: Floats) -> Floats:
    """(x − mean)/sd; ±∞ where sd is 0, and at the mean itself +∞: demand never exceeds it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (x - mean) / sd
    return np.where((sd == 0) & (x == mean), np.inf, z)


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / _ROOT_TWO_PI)


def _normal_loss(mean: Floats, sd: Floats, x: Floats) -> Floats:
    z = np.clip(_standard(mean, sd, x), -1e8, 1e8)
    loss = sd * (_density(z) - z * special.ndtr(-z))
    # Beyond z of 6 the two terms cancel; Mills' ratio keeps the digits, erfcx the exponent.
    far = z > 6
    if far.any():
        mills = np.sqrt(np.pi / 2) * special.erfcx(z / np.sqrt(2))
        loss = np.where(far, sd * _density(z) * np.maximum(1 - z * mills, 0.0), loss)
    return np.where(sd == 0, np.maximum(mean - x, 0.0), np.maximum(loss, 0.0))


def _normal_second_loss(mean: Floats, sd: Floats, x: Floats) -> Floats:
    z = np.clip(_standard(mean, sd, x), -1e8, 1e8)
    value = sd * sd * ((z * z + 1) * special.ndtr(-z) - z * _density(z)) / 2
    return np.where(sd == 0, np.maximum(mean - x, 0.0) ** 2 / 2, np.maximum(value, 0.0))


def _tail(demand: Distribution, x: Floats, moment: int) -> Floats:
    """E[D^moment; D > x] for moments 0, 1, 2."""
    found = _TAILS[demand.kind](demand.mean, demand.sd, x, moment)
    if demand.kind in WHOLE:
        return found
    certain = np.where(x < demand.mean, demand.mean**moment, 0.0)
    return np.where((demand.sd == 0) & ~np.isnan(x), certain, found)


def _normal_tail(mean: Floats, sd: Floats, x: Floats, moment: int) -> Floats:
    z = np.clip(_standard(mean, sd, x), -1e8, 1e8)
    above = special.ndtr(-z)
    if moment == 0:
        return np.asarray(above)
    first = mean * above + sd * _density(z)
    return np.asarray(first if moment == 1 else mean * first + sd * x * _density(z) + sd * sd * above)


def _gamma_tail(mean: Floats, sd: Floats, x: Floats, moment: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        shape, scale = (mean / sd) ** 2, sd * sd / mean
        weight = (1.0, mean, scale * scale * shape * (shape + 1))[moment]
        return np.asarray(weight * special.gammaincc(shape + moment, np.maximum(x, 0.0) / scale))


def _lognormal_tail(mean: Floats, sd: Floats, x: Floats, moment: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        spread2 = np.log1p((sd / mean) ** 2)
        centre, spread = np.log(mean) - spread2 / 2, np.sqrt(spread2)
        weight = np.exp(moment * centre + moment * moment * spread2 / 2)
        return np.asarray(weight * special.ndtr((centre + moment * spread2 - np.log(np.maximum(x, 0.0))) / spread))


def _uniform_tail(mean: Floats, sd: Floats, x: Floats, moment: int) -> Floats:
    low, high = mean - np.sqrt(3) * sd, mean + np.sqrt(3) * sd
    start = np.clip(x, low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((high ** (moment + 1) - start ** (moment + 1)) / ((moment + 1) * (high - low)))


def _poisson_above(mean: Floats, x: Floats) -> Floats:
    """P(D > x); scipy's gammainc(k + 1, m) is P(D ≥ k + 1)."""
    found = special.gammainc(np.maximum(np.floor(x), 0.0) + 1, mean)
    return np.where(x < 0, 1.0, found)


def _poisson_tail(mean: Floats, _sd: Floats, x: Floats, moment: int) -> Floats:
    if moment == 0:
        return np.where(np.isnan(mean), np.nan, _poisson_above(mean, x))
    first = mean * _poisson_above(mean, x - 1)
    return np.asarray(first if moment == 1 else first + mean * mean * _poisson_above(mean, x - 2))


def _negative_above(size: Floats, odds: Floats, x: Floats) -> Floats:
    """P(D > x) with ``odds`` = 1 − p, the chance that the next one is a unit of demand."""
    found = special.betainc(np.maximum(np.floor(x), 0.0) + 1, size, odds)
    return np.where(x < 0, 1.0, found)


def _negative_tail(mean: Floats, sd: Floats, x: Floats, moment: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = 1 - mean / sd**2
        size = mean * mean / (sd * sd - mean)
        each = odds / (1 - odds)
        if moment == 0:
            return np.where(np.isnan(mean + sd), np.nan, _negative_above(size, odds, x))
        first = mean * _negative_above(size + 1, odds, x - 1)
        pairs = size * (size + 1) * each * each * _negative_above(size + 2, odds, x - 2)
        return np.asarray(first if moment == 1 else first + pairs)


_TAILS: dict[str, Callable[[Floats, Floats, Floats, int], Floats]] = {
    "normal": _normal_tail,
    "gamma": _gamma_tail,
    "lognormal": _lognormal_tail,
    "uniform": _uniform_tail,
    "poisson": _poisson_tail,
    "negative_binomial": _negative_tail,
}


def _quantile(demand: Distribution, p: Floats) -> Floats:
    mean, sd = demand.mean, demand.sd
    if demand.kind in WHOLE:
        return _whole_quantile(demand, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        if demand.kind == "normal":
            found = mean + sd * special.ndtri(p)
        elif demand.kind == "gamma":
            found = sd * sd / mean * special.gammaincinv((mean / sd) ** 2, p)
        elif demand.kind == "lognormal":
            spread2 = np.log1p((sd / mean) ** 2)
            found = mean * np.exp(np.sqrt(spread2) * special.ndtri(p) - spread2 / 2)
        else:
            found = mean + np.sqrt(3) * sd * (2 * p - 1)
    return np.where((sd == 0) & ~np.isnan(p), mean, found)


def _whole_quantile(demand: Distribution, p: Floats) -> Floats:
    """Bisection between bounds that Chebyshev's inequality (Cantelli's form) vouches for."""
    mean, sd, wanted = np.broadcast_arrays(demand.mean, demand.sd, p)
    known = ~np.isnan(mean + wanted)
    high = np.ceil(np.where(known, mean + sd * np.sqrt(wanted / (1 - wanted)), 0.0)) + 1
    low = np.floor(np.maximum(np.where(known, mean - sd * np.sqrt((1 - wanted) / wanted), 0.0), 0.0)) - 1
    enough = 1 - wanted
    for _ in range(64):
        if not np.any(high - low > 1):
            break
        middle = np.floor((low + high) / 2)
        # Sums of shares miss the number they stand for by rounding; a quantile must not jump for that.
        covered = demand.above(middle) <= enough + 1e-12
        high, low = np.where(covered, middle, high), np.where(covered, low, middle)
    return np.where(known, high, np.nan)
