"""Forecasts beside statsforecast: the exponential family beside AutoETS, intermittent methods, theta, and errors.

    python bench/bench_forecasting.py            seven hundred series of our own, a part of them with the peer
    python bench/bench_forecasting.py 20000      so many series of our own

Series are drawn: levels that drift, trends that fade, seasons, noise; the last periods are kept to measure errors. The
peer is optional: without it only our own times are shown. Times are of the processor, one core on both sides; what the
compiler takes once is spent before.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from tierwise.engine import forecasting as fc

try:
    from statsforecast import models as peer
except ImportError:
    peer = None

HORIZON = 12


def spent(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds of this process, and what came of it."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def drawn(series: int, season: int, seed: int = 0) -> list[np.ndarray]:
    """Series of 60 to 140 periods, or of four to eight cycles (three to five of a long one)."""
    rng = np.random.default_rng(seed)
    low, high = (60, 140) if season == 1 else (4 * season, 8 * season) if season < 24 else (3 * season, 5 * season)
    made = []
    for _ in range(series):
        n = int(rng.integers(low, high)) + HORIZON
        level, noise = np.exp(rng.normal(5, 1)), rng.uniform(0.02, 0.2)
        alpha, phi = rng.uniform(0.02, 0.6), rng.choice([1.0, 0.9])
        slope = rng.normal(0, 0.01) * level * (rng.random() < 0.6)
        wave = np.zeros(season)
        if season > 1 and rng.random() < 0.8:
            wave = rng.uniform(0.05, 0.4) * np.cos(2 * np.pi * (np.arange(season) / season + rng.random()))
            wave += rng.normal(0, 0.05, season)
            wave -= wave.mean()
        y, start = np.empty(n), level
        for t in range(n):
            slope *= phi
            mean, error = level + slope, rng.normal() * noise * start
            y[t] = mean * (1 + wave[t % season]) + error
            level, slope = mean + alpha * error, slope + 0.1 * alpha * error
        made.append(np.maximum(y, 1.0))
    return made


def sparse(series: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.poisson(rng.uniform(1, 9), n) * (rng.random(n) < rng.uniform(0.1, 0.6)) * 1.0
        for n in rng.integers(40, 80, series)
    ]


def show(what: str, ours: float, theirs: float | None) -> None:
    """Seconds a series."""
    if theirs is None:
        print(f"{what}: {1 / ours:,.0f} series/s", flush=True)
        return
    winner, ratio = ("Tierwise", theirs / ours) if theirs >= ours else ("the peer", ours / theirs)
    print(
        f"{what}: {1 / ours:,.0f} series/s, statsforecast {1 / theirs:,.0f} series/s: {winner} {ratio:,.1f} times",
        flush=True,
    )


def exponential(count: int, beside: int, season: int) -> None:
    series = drawn(max(count, beside), season)
    past, ends = [each[:-HORIZON] for each in series], np.stack([each[-HORIZON:] for each in series])
    params = fc.ExponentialParams(season)
    fc.exponential_smoothing(fc.Panel.of(past[:2]), HORIZON, params)
    panel = fc.Panel.of(past)
    seconds, found = spent(lambda: fc.exponential_smoothing(panel, HORIZON, params))
    theirs = None
    if peer:
        model = peer.AutoETS(season_length=season)
        model.forecast(past[0], HORIZON)
        taken, made = spent(lambda: np.stack([model.forecast(each, HORIZON)["mean"] for each in past[:beside]]))
        theirs = taken / beside
    show(f"form by AICc, season {season}", seconds / len(series), theirs)
    if season == 1:
        print(f"  whole family {seconds:.3f} s")
    if peer and season == 1:
        print(f"  {beside} series: ours {seconds / len(series) * beside:.4f} s, AutoETS {theirs * beside:.4f} s")
    if peer:
        some = panel.select(np.arange(beside))
        scale = fc.naive_scale(some)
        mine = fc.accuracy(ends[:beside], found.forecast[:beside], scale)
        other = fc.accuracy(ends[:beside], made, scale)
        print(
            f"  mean error over {beside} series: MASE {mine.mase.mean():.4f}, the peer {other.mase.mean():.4f}; "
            f"RMSSE {mine.rmsse.mean():.4f}, the peer {other.rmsse.mean():.4f}",
            flush=True,
        )


def intermittent(count: int) -> None:
    series = sparse(max(10 * count, 2000))
    panel = fc.Panel.of(series)
    for method in ("croston", "sba", "tsb", "adida", "imapa"):
        params = fc.IntermittentParams(method, optimise=method in {"adida", "imapa"})
        fc.intermittent_demand(panel.select([0, 1]), params)
        seconds, _ = spent(lambda params=params: fc.intermittent_demand(panel, params))
        theirs = None
        if peer:
            model = {
                "croston": peer.CrostonClassic(), "sba": peer.CrostonSBA(), "tsb": peer.TSB(0.1, 0.1),
                "adida": peer.ADIDA(), "imapa": peer.IMAPA(),
            }[method]  # fmt: skip
            model.forecast(series[0], 1)
            some = series[:2000]
            theirs = spent(lambda model=model, some=some: [model.forecast(y, 1) for y in some])[0] / len(some)
        show(method, seconds / len(series), theirs)


def theta(count: int) -> None:
    past = [each[:-HORIZON] for each in drawn(count, 1, 3)]
    panel = fc.Panel.of(past)
    fc.theta_method(panel.select([0]), HORIZON)
    seconds, theirs = spent(lambda: fc.theta_method(panel, HORIZON))[0] / count, None
    if peer:
        model, some = peer.OptimizedTheta(season_length=1), past[:100]
        model.forecast(past[0], HORIZON)
        theirs = spent(lambda: [model.forecast(y, HORIZON) for y in some])[0] / len(some)
    show("theta, optimised", seconds, theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series", nargs="?", type=int, default=700, help="series of our own")
    options = parser.parse_args()
    if peer is None:
        print("statsforecast is not installed: no ratios", file=sys.stderr)
    warnings.simplefilter("ignore")
    for season, beside in ((1, 300), (12, 60), (52, 16)):
        # Long seasons are costly to draw; their times grow with the series as the first one's do.
        exponential(options.series if season == 1 else min(options.series, 300), beside, season)
    theta(min(options.series, 700))
    intermittent(min(options.series, 700))


if __name__ == "__main__":
    main()
