"""Series drawn from five processes, for the accuracy of forecasts."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

AHEAD = 12
"""Periods each series has beyond the length drawn, to measure errors on."""


def season(rng: Generator, cycle: int) -> np.ndarray:
    """Shares of a cycle about 0; a fifth of the series has none."""
    wave = np.zeros(cycle)
    if cycle > 1 and rng.random() < 0.8:
        wave = rng.uniform(0.05, 0.4) * np.cos(2 * np.pi * (np.arange(cycle) / cycle + rng.random()))
        wave += rng.normal(0, 0.05, cycle)
        wave -= wave.mean()
    return wave


def smoothed(rng: Generator, n: int, cycle: int) -> np.ndarray:
    """Levels that drift, trends that fade, additive errors."""
    level, noise = np.exp(rng.normal(5, 1)), rng.uniform(0.02, 0.2)
    alpha, phi = rng.uniform(0.02, 0.6), rng.choice([1.0, 0.9])
    slope = rng.normal(0, 0.01) * level * (rng.random() < 0.6)
    wave, y, start = season(rng, cycle), np.empty(n), level
    for t in range(n):
        slope *= phi
        mean, error = level + slope, rng.normal() * noise * start
        y[t] = mean * (1 + wave[t % cycle]) + error
        level, slope = mean + alpha * error, slope + 0.1 * alpha * error
    return np.maximum(y, 1.0)


def relative(rng: Generator, n: int, cycle: int) -> np.ndarray:
    """The same with errors in proportion to the level, trends of at most a hundredth a period."""
    level, noise = np.exp(rng.normal(4, 1)), rng.uniform(0.05, 0.35)
    alpha, phi = rng.uniform(0.05, 0.8), rng.choice([1.0, 0.95, 0.85])
    slope = rng.normal(0, 0.004) * level * (rng.random() < 0.5)
    wave, y = 1 + season(rng, cycle), np.empty(n)
    for t in range(n):
        slope = min(max(slope * phi, -0.01 * level), 0.01 * level)
        mean, error = level + slope, max(rng.normal() * noise, -0.9)
        y[t] = mean * wave[t % cycle] * (1 + error)
        level = mean * (1 + alpha * error)
        slope += 0.05 * alpha * mean * error * (phi < 1)
    return y


def correlated(rng: Generator, n: int, cycle: int) -> np.ndarray:
    """Errors that remember, or add up, about a line, with heavy tails."""
    first, moving = rng.uniform(-0.3, 0.9), rng.uniform(-0.6, 0.4)
    shock, rest = rng.standard_t(4, n + 50), np.zeros(n + 50)
    for t in range(1, n + 50):
        rest[t] = first * rest[t - 1] + shock[t] + moving * shock[t - 1]
    rest = rest[50:]
    if rng.random() < 0.4:
        rest = 0.4 * np.cumsum(rest)
    line = 100 + rng.normal(0, 0.2) * np.arange(n) * (rng.random() < 0.5)
    return np.maximum(line * (1 + season(rng, cycle)[np.arange(n) % cycle]) + 4 * rest, 1.0)


def shifted(rng: Generator, n: int, cycle: int) -> np.ndarray:
    """A steady level with up to three steps, and outliers."""
    y = np.full(n, np.exp(rng.normal(5, 0.8)))
    for _ in range(rng.integers(0, 4)):
        y[rng.integers(5, n) :] *= np.exp(rng.normal(0, 0.3))
    wave = 1 + season(rng, cycle)
    return np.maximum(y * wave[np.arange(n) % cycle] * (1 + rng.uniform(0.03, 0.25) * rng.standard_t(5, n)), 1.0)


def counted(rng: Generator, n: int, cycle: int) -> np.ndarray:
    """Counts whose rate drifts, zeros among them, half of them more scattered than Poisson."""
    drift = np.cumsum(rng.normal(0, rng.choice([0.0, 0.03, 0.08]), n))
    wave = 1 + season(rng, cycle)
    rate = np.clip(rng.uniform(0.7, 12) * np.exp(drift), 0.1, 200) * wave[np.arange(n) % cycle]
    return rng.poisson(rate * rng.gamma(1 / 0.3, 0.3, n) if rng.random() < 0.5 else rate) * 1.0


PROCESSES = {each.__name__: each for each in (smoothed, relative, correlated, shifted, counted)}


def drawn(process: str, seed: int, series: int, cycle: int) -> list[np.ndarray]:
    """Series of 60 to 140 periods, or of four to eight cycles (three to five of a long one), and AHEAD more."""
    rng = np.random.default_rng([seed, list(PROCESSES).index(process), cycle])
    low, high = (60, 140) if cycle == 1 else (4 * cycle, 8 * cycle) if cycle < 24 else (3 * cycle, 5 * cycle)
    made: list[np.ndarray] = []
    while len(made) < series:
        y = PROCESSES[process](rng, int(rng.integers(low, high)) + AHEAD, cycle)
        if np.count_nonzero(y[:-AHEAD] != y[0]) > 5:
            made.append(y)
    return made
