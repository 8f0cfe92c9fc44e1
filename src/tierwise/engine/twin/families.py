"""Distributions that can be fitted, each for many samples at once: estimate, probability, quantile, density, draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.spread import Spread

Pair = tuple[Floats, Floats]
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters are pairs of (samples, 1) arrays; samples are (samples, n). ``free`` parameters are estimated."""

    free: int
    whole: bool
    positive: bool
    estimate: Callable[[Floats], Pair]
    below: Callable[[Floats, Pair], Floats]
    quantile: Callable[[Floats, Pair], Floats]
    log_density: Callable[[Floats, Pair], Floats]
    draw: Callable[[np.random.Generator, Pair, tuple[int, int]], Floats]
    spread: Callable[..., Spread]


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=1, keepdims=True))


def _sd(x: Floats) -> Floats:
    return np.asarray(np.maximum(x.std(axis=1, keepdims=True), _TINY))


def _normal(x: Floats) -> Pair:
    return _mean(x), _sd(x)


def _lognormal(x: Floats) -> Pair:
    return _normal(np.log(np.maximum(x, _TINY)))


def _exponential(x: Floats) -> Pair:
    return _mean(x), np.ones((len(x), 1))


def _uniform(x: Floats) -> Pair:
    return x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)


def _gamma(x: Floats) -> Pair:
    """Maximum likelihood by Newton's rule for log k − ψ(k) = log x̄ − mean log x (Minka's start)."""
    mean = _mean(x)
    s = np.maximum(np.log(mean) - _mean(np.log(np.maximum(x, _TINY))), 1e-12)
    k = (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
    for _ in range(5):
        slope = 1 / k - special.zeta(2, k)  # type: ignore[no-untyped-call]
        k = k - (np.log(k) - special.psi(k) - s) / slope
        k = np.clip(k, 1e-6, 1e12)
    return k, mean / k


def _weibull(x: Floats) -> Pair:
    """Maximum likelihood by Newton's rule for Σxᵏ log x/Σxᵏ − 1/k = mean log x."""
    logs = np.log(np.maximum(x, _TINY))
    middle = _mean(logs)
    # Logs around their mean, so that powers do not overflow.
    y = logs - middle
    k = 1.2 / np.maximum(y.std(axis=1, keepdims=True), 1e-9)
    for _ in range(25):
        power = np.exp(np.minimum(k * y, 700))
        s0, s1, s2 = (np.sum(power * y**order, axis=1, keepdims=True) for order in range(3))
        k = np.clip(k - (s1 / s0 - 1 / k) / (s2 / s0 - (s1 / s0) ** 2 + 1 / k**2), k / 3, k * 3)
    scale = np.exp(middle) * np.mean(np.exp(np.minimum(k * y, 700)), axis=1, keepdims=True) ** (1 / k)
    return scale, k


def _poisson(x: Floats) -> Pair:
    return np.maximum(_mean(x), _TINY), np.ones((len(x), 1))


def _negative_binomial(x: Floats) -> Pair:
    """By moments, (r, p); where the variance does not exceed the mean it is taken a thousandth above."""
    mean = np.maximum(_mean(x), 1e-9)
    variance = np.maximum(x.var(axis=1, keepdims=True), mean * 1.001)
    p = mean / variance
    return mean * p / (1 - p), p


def _log_normal_density(x: Floats, to: Pair) -> Floats:
    return np.asarray(-0.5 * ((x - to[0]) / to[1]) ** 2 - np.log(to[1]) - 0.5 * np.log(2 * np.pi))


def _nb_log(x: Floats, to: Pair) -> Floats:
    r, p = to
    choose = special.gammaln(x + r) - special.gammaln(r) - special.gammaln(x + 1)
    return np.asarray(choose + r * np.log(p) + x * np.log1p(-p))


def _whole_quantile(below: Callable[[Floats, Pair], Floats], high: Callable[[Pair], Floats]):  # type: ignore[no-untyped-def]
    """The smallest whole x with P(X ≤ x) ≥ p, by halving."""

    def quantile(p: Floats, to: Pair) -> Floats:
        low, top = np.full(p.shape, -1.0), np.broadcast_to(np.ceil(high(to)), p.shape).copy()
        while np.any(top - low > 1):
            middle = np.floor((low + top) / 2)
            enough = below(middle, to) >= p
            top, low = np.where(enough, middle, top), np.where(enough, low, middle)
        return top

    return quantile


def _pdtr(x: Floats, to: Pair) -> Floats:
    return np.where(x < 0, 0.0, special.pdtr(np.maximum(np.floor(x), 0), to[0]))


def _nb_below(x: Floats, to: Pair) -> Floats:
    return np.where(x < 0, 0.0, special.betainc(to[0], np.maximum(np.floor(x), 0) + 1, to[1]))


def _log(x: Floats) -> Floats:
    return np.log(np.maximum(x, _TINY))


FAMILIES: dict[str, Family] = {
    "normal": Family(
        2, False, False, _normal, lambda x, to: special.ndtr((x - to[0]) / to[1]),
        lambda p, to: to[0] + to[1] * special.ndtri(p), _log_normal_density,
        lambda rng, to, size: rng.normal(to[0], to[1], size), Spread.normal,
    ),
    "lognormal": Family(
        2, False, True, _lognormal, lambda x, to: special.ndtr((_log(x) - to[0]) / to[1]),
        lambda p, to: np.exp(to[0] + to[1] * special.ndtri(p)),
        lambda x, to: _log_normal_density(_log(x), to) - _log(x),
        lambda rng, to, size: rng.lognormal(to[0], to[1], size),
        lambda a, b: Spread.lognormal(np.exp(a + b * b / 2), np.exp(a + b * b / 2) * np.sqrt(np.expm1(b * b))),
    ),
    "exponential": Family(
        1, False, True, _exponential, lambda x, to: -np.expm1(-np.maximum(x, 0) / to[0]),
        lambda p, to: -to[0] * np.log1p(-p), lambda x, to: -x / to[0] - np.log(to[0]),
        lambda rng, to, size: rng.exponential(to[0], size), lambda a, _: Spread.exponential(a),
    ),
    "gamma": Family(
        2, False, True, _gamma, lambda x, to: special.gammainc(to[0], np.maximum(x, 0) / to[1]),
        lambda p, to: to[1] * special.gammaincinv(to[0], p),
        lambda x, to: (to[0] - 1) * _log(x) - x / to[1] - special.gammaln(to[0]) - to[0] * np.log(to[1]),
        lambda rng, to, size: rng.gamma(to[0], to[1], size), lambda a, b: Spread.gamma(a * b, np.sqrt(a) * b),
    ),
    "weibull": Family(
        2, False, True, _weibull, lambda x, to: -np.expm1(-((np.maximum(x, 0) / to[0]) ** to[1])),
        lambda p, to: to[0] * (-np.log1p(-p)) ** (1 / to[1]),
        lambda x, to: np.log(to[1] / to[0]) + (to[1] - 1) * _log(x / to[0]) - (x / to[0]) ** to[1],
        lambda rng, to, size: to[0] * rng.weibull(to[1], size), Spread.weibull,
    ),
    "uniform": Family(
        2, False, False, _uniform, lambda x, to: np.clip((x - to[0]) / np.maximum(to[1] - to[0], _TINY), 0, 1),
        lambda p, to: to[0] + (to[1] - to[0]) * p, lambda x, to: 0 * x - np.log(np.maximum(to[1] - to[0], _TINY)),
        lambda rng, to, size: rng.uniform(to[0], to[1], size), Spread.uniform,
    ),
    "poisson": Family(
        1, True, False, _poisson, _pdtr, _whole_quantile(_pdtr, lambda to: to[0] + 12 * np.sqrt(to[0]) + 40),
        lambda x, to: x * np.log(to[0]) - to[0] - special.gammaln(x + 1),
        lambda rng, to, size: rng.poisson(to[0], size).astype(np.float64), lambda a, _: Spread.poisson(a),
    ),
    "negative_binomial": Family(
        2, True, False, _negative_binomial, _nb_below,
        _whole_quantile(_nb_below, lambda to: to[0] * (1 - to[1]) / to[1] + 60 * np.sqrt(to[0] + 1) / to[1] + 40),
        _nb_log, lambda rng, to, size: rng.negative_binomial(to[0], to[1], size).astype(np.float64),
        lambda a, b: Spread.negative_binomial(a * (1 - b) / b, np.sqrt(a * (1 - b)) / b),
    ),
}  # fmt: skip
