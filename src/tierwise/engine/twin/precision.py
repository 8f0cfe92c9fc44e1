"""How sure a simulated answer is: intervals over runs, runs until they are narrow, scenarios compared on equal luck."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.twin.layout import Bools, Floats
from tierwise.engine.twin.model import Twin
from tierwise.engine.twin.outcome import Outcome
from tierwise.engine.twin.prepare import prepare
from tierwise.engine.twin.running import Runs, run_prepared

Measure = Callable[[Outcome], Floats]


@dataclass(frozen=True, slots=True)
class Interval:
    """``mean`` with ``low`` to ``high``, one entry per measured row; ``n`` runs it rests on (NaN left out)."""

    mean: Floats
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]

    @property
    def half_width(self) -> Floats:
        return np.asarray(self.high - self.mean)

    @property
    def relative(self) -> Floats:
        """Half width over the size of the mean; infinite where the mean is 0 and not certain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.half_width == 0, 0.0, self.half_width / np.abs(self.mean))


def interval(values: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean over independent runs and how far off it may be: x̄ ± t(n−1, 1−α/2)·s/√n.

    ``values`` (runs,) or (runs, rows), one figure per run. NaN runs are left out; with fewer than two the bounds are
    NaN. Source: Law, Simulation Modeling and Analysis (5th ed., 2015), 9.4.1: ten banks' mean delays, 90 %:

    >>> found = interval([1.53, 1.66, 1.24, 2.34, 2.00, 1.69, 2.69, 2.86, 1.70, 2.60], confidence=0.90)
    >>> print(f"{found.mean:.2f} ± {found.half_width:.2f}")
    2.03 ± 0.32
    """
    checks.confidence(confidence)
    array = checks.numbers("values", values)
    if array.ndim == 0:
        raise ValueError("values: must have one figure per run")
    known = np.isfinite(array)
    n = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, array, 0).sum(axis=0) / n
        spread = np.where(known, array - mean, 0)
        width = special.stdtrit(np.maximum(n - 1, 1), (1 + confidence) / 2)
        half = width * np.sqrt((spread**2).sum(axis=0) / (n - 1) / n)
    half = np.where(n > 1, half, np.nan)
    return Interval(np.asarray(mean), np.asarray(mean - half), np.asarray(mean + half), np.asarray(n))


@dataclass(frozen=True, slots=True)
class Precision:
    """When to stop: every measured figure within ``relative`` of its true size or within ``absolute`` (whichever is met
    first), at ``confidence``, after ``first`` runs at the least and ``most`` at the most.

    The estimated relative error is held to γ/(1 + γ), so that the actual one is γ (Law, 9.4.1).
    """

    relative: float = 0.05
    absolute: float = 0.0
    confidence: float = 0.95
    first: int = 10
    most: int = 10_000

    def __post_init__(self) -> None:
        if self.relative < 0 or self.absolute < 0 or self.relative + self.absolute == 0:
            raise ValueError("relative, absolute: must be 0 or more, and one of them above 0")
        checks.confidence(self.confidence)
        if not 2 <= self.first <= self.most:
            raise ValueError("first: must be 2 or more and not exceed most")

    def met(self, found: Interval) -> Bools:
        narrow = found.relative <= self.relative / (1 + self.relative)
        # What no run could measure will not become measurable.
        return np.asarray(narrow | (found.half_width <= self.absolute) | (found.n == 0))


@dataclass(frozen=True, slots=True)
class Replicated:
    """``intervals`` and per-run ``values`` by the name of the measure, ``runs`` made, ``reached`` or given up."""

    intervals: dict[str, Interval]
    values: dict[str, Floats] = field(repr=False)
    runs: int
    reached: bool


MEASURES: Mapping[str, Measure] = {"cost": Outcome.cost, "fill_rate": Outcome.fill_rate}


def replicate(
    twin: Twin, runs: Runs, precision: Precision = Precision(), measures: Mapping[str, Measure] = MEASURES
) -> Replicated:
    """Run until every measure's interval is narrow enough.

    ``measures`` take an outcome and give (runs,) or (runs, rows). Runs are made in batches sized by what is still
    missing, n·(half width/allowed)², memory bounded by a batch; ``runs.runs`` is the largest batch. ``reached`` is
    False when ``most`` came first.

    Base-stock 56.6 on demand N(50, 8²) costs 1.9976 a period (Snyder and Shen, 2019, example 4.3):

    >>> from tierwise.engine.twin import Demands, Lanes, Spread, Stocks
    >>> shop = Twin(
    ...     Stocks("base_stock", up_to=56.6, holding_cost=0.18),
    ...     Lanes(to=[0], lead_time=1),
    ...     Demands(stock=[0], amount=Spread.normal(50, 8), waiting_cost=0.70),
    ... )
    >>> found = replicate(shop, Runs(periods=1000, runs=200, warm_up=1), Precision(relative=0.01))
    >>> found.reached, bool(found.intervals["cost"].low < 1.9976 < found.intervals["cost"].high)
    (True, True)
    """
    if not measures:
        raise ValueError("measures: is empty; name at least one figure to be sure of")
    ready = prepare(twin)
    batch_most = max(2, runs.runs - runs.runs % 2)
    values: dict[str, list[Floats]] = {name: [] for name in measures}
    done, want = 0, precision.first + precision.first % 2
    while True:
        while done < want:
            count = min(want - done, batch_most)
            outcome = run_prepared(twin, ready, replace(runs, runs=count, first_run=runs.first_run + done))
            for name, measure in measures.items():
                values[name].append(measure(outcome))
            done += count
        joined = {name: np.concatenate(parts) for name, parts in values.items()}
        found = {name: interval(each, precision.confidence) for name, each in joined.items()}
        if all(precision.met(each).all() for each in found.values()):
            return Replicated(found, joined, done, True)
        if done >= precision.most:
            return Replicated(found, joined, done, False)
        want = min(_more(found, precision, done), precision.most + precision.most % 2)


def _more(found: Mapping[str, Interval], precision: Precision, done: int) -> int:
    """Runs that will probably do, never more than four times those made, so that a wild first guess costs little."""
    times = 1.1
    for each in found.values():
        size = np.abs(each.mean) * precision.relative / (1 + precision.relative)
        allowed = np.maximum(size, precision.absolute)
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.where(precision.met(each), 0.0, (each.half_width / allowed) ** 2)
        times = max(times, float(np.nanmax(needed, initial=0.0)))
    more = int(np.ceil(done * min(times, 4.0)))
    return more + more % 2


@dataclass(frozen=True, slots=True)
class Difference:
    """Second less first: interval of the difference, correlation of the two over runs, and how many times more runs
    independent luck would have needed for the same width (1: the common numbers did not help)."""

    interval: Interval
    correlation: Floats
    runs_saved: Floats


def compare(first: npt.ArrayLike, second: npt.ArrayLike, confidence: float = 0.95, scenarios: int = 1) -> Difference:
    """Is one scenario better, run by run on the same luck? Paired t interval of second − first.

    Figures (runs,) or (runs, rows) of both, same seed and runs. With several ``scenarios`` against one base the
    confidence of each is raised (Bonferroni) so that all hold together. ValueError for different shapes.
    Source: Law (2015), 10.2.1 and 11.2.

    >>> found = compare([10.0, 12.0, 11.0, 13.0], [9.1, 11.0, 10.1, 12.0])
    >>> print(f"{found.interval.mean:.2f} [{found.interval.low:.2f}, {found.interval.high:.2f}]")
    -0.95 [-1.04, -0.86]
    """
    left, right = checks.numbers("first", first), checks.numbers("second", second)
    if left.shape != right.shape or not left.size:
        raise ValueError(f"first, second: have shapes {left.shape} and {right.shape}; run both as often, same seed")
    if scenarios < 1:
        raise ValueError(f"scenarios: is {scenarios}; give 1 or more")
    found = interval(right - left, 1 - (1 - confidence) / scenarios)
    a, b = left - left.mean(axis=0), right - right.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        together = (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
        saved = ((a * a).sum(axis=0) + (b * b).sum(axis=0)) / ((b - a) ** 2).sum(axis=0)
    return Difference(found, np.asarray(together), np.asarray(saved))
