"""Forecasts beside statsforecast: the exponential family beside AutoETS, intermittent methods, theta, and errors.

    python bench/bench_forecasting.py            seven hundred series of our own, a part of them with the peer
    python bench/bench_forecasting.py 20000      so many series of our own
    python bench/bench_forecasting.py --sets 5   errors over so many drawn sets of each process and season

Series are drawn (drawn_series.py); the last periods are kept to measure errors. The
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
from drawn_series import AHEAD, PROCESSES, drawn

from tierwise.engine import forecasting as fc

try:
    from statsforecast import models as peer
except ImportError:
    peer = None

HORIZON = AHEAD


def spent(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds of this process, and what came of it."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


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
    series = drawn("smoothed", 0, max(count, beside), season)
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


def errors(sets: int) -> None:
    """Our mean errors less AutoETS's in per cent of these, with the standard error over series."""
    for season, series in ((1, 200), (12, 50), (52, 16)):
        ours, theirs = [], []
        model = peer.AutoETS(season_length=season)
        for process in PROCESSES:
            for seed in range(sets):
                made = drawn(process, seed, series, season)
                panel, ends = (
                    fc.Panel.of([each[:-HORIZON] for each in made]),
                    np.stack([each[-HORIZON:] for each in made]),
                )
                found = fc.exponential_smoothing(panel, HORIZON, fc.ExponentialParams(season)).forecast
                other = np.stack([model.forecast(each[:-HORIZON], HORIZON)["mean"] for each in made])
                for into, forecast in ((ours, found), (theirs, other)):
                    measured = fc.accuracy(ends, forecast, fc.naive_scale(panel))
                    into.append(np.array([measured.mase, measured.rmsse]))
        mine, other = np.concatenate(ours, axis=1), np.concatenate(theirs, axis=1)
        parts = []
        for name, one, two in zip(("MASE", "RMSSE"), mine, other, strict=True):
            more = (one - two) / two.mean() * 100
            spread = more.std() / np.sqrt(more.size)
            parts.append(f"{name} {one.mean():.4f}, the peer {two.mean():.4f}: {more.mean():+.2f} % ± {spread:.2f}")
        print(f"errors, season {season}, {mine.shape[1]:,} series: {'; '.join(parts)}", flush=True)


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
    past = [each[:-HORIZON] for each in drawn("smoothed", 3, count, 1)]
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
    parser.add_argument("--sets", type=int, default=0, help="drawn sets of each process to measure errors on")
    options = parser.parse_args()
    if peer is None:
        print("statsforecast is not installed: no ratios", file=sys.stderr)
    warnings.simplefilter("ignore")
    for season, beside in ((1, 300), (12, 60), (52, 16)):
        # Long seasons are costly to draw; their times grow with the series as the first one's do.
        exponential(options.series if season == 1 else min(options.series, 300), beside, season)
    if peer and options.sets:
        errors(options.sets)
    theta(min(options.series, 700))
    intermittent(min(options.series, 700))


if __name__ == "__main__":
    main()
