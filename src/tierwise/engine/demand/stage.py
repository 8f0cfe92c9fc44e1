"""Where in its life a product stands, from its Bass curve, from products like it, or from the slope of its demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine.demand.bass import BassFit, bass_peak, bass_share
from tierwise.engine.watching.panel import as_panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STAGES = ("ramp", "growth", "mature", "decline", "end_of_life")
GROUNDS = ("unknown", "curve", "analogue", "slope", "notice")
_RAMP, _GROWTH, _MATURE, _DECLINE, _END = range(5)
_UNKNOWN, _CURVE, _ANALOGUE, _SLOPE, _NOTICE = range(5)
_LATE, _MOST_DRIFT = 4, 3.0


@dataclass(frozen=True, slots=True)
class StageParams:
    """Where stages part, and when a curve or a slope is believed.

    ``ramp_share``: cumulative share of the market below which a product ramps up. ``flat``: change per period, as a
    share of demand, within which demand counts as level. A curve is believed with ``least_periods`` observed,
    ``least_fit`` of the variance explained, a standard error of ln q up to ``most_error`` and the last four periods
    within three standard errors of it; a slope over the last
    ``window`` periods, all observed or not, with at least half of them observed. ``hold``: a new stage counts after so
    many periods in a row.
    """

    ramp_share: float = 0.16
    flat: float = 0.03
    least_periods: int = 6
    least_fit: float = 0.6
    most_error: float = 0.4
    window: int = 8
    hold: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.ramp_share < 0.5:
            raise ValueError(f"ramp_share: is {self.ramp_share}; give a share below one half, such as 0.16")
        if not 0 < self.flat < 1:
            raise ValueError(f"flat: is {self.flat}; give a share of demand per period, such as 0.03")
        if self.least_periods < 4:
            raise ValueError(f"least_periods: is {self.least_periods}; a curve of three numbers needs 4 or more")
        if not 0 <= self.least_fit < 1 or not self.most_error > 0:
            raise ValueError("least_fit must lie between 0 and 1 and most_error above 0, for example 0.6 and 0.4")
        if self.window < 4 or self.hold < 1:
            raise ValueError("window must be 4 periods or more and hold 1 or more")


@dataclass(frozen=True, slots=True)
class StageBounds:
    """Periods after launch at which ramp, growth and maturity end, one entry per item."""

    ramp_ends: Floats
    growth_ends: Floats
    maturity_ends: Floats


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """One entry per series at the last period of the panel.

    ``stage`` indexes STAGES, -1 unknown; ``grounds`` indexes GROUNDS. ``confidence`` is the probability that the
    product is in that stage, given what curve or slope leave uncertain; NaN where unknown. ``seen`` is the stage of the
    last period alone, which becomes ``stage`` once it has held. ``slope`` is the change per period as a share of
    demand. ``next_in`` periods the next stage begins (NaN: not foreseen).
    """

    stage: Ints
    grounds: Ints
    confidence: Floats
    seen: Ints
    slope: Floats
    next_in: Floats
    n: Ints

    def names(self) -> list[str]:
        """The stage of each series in words."""
        return [STAGES[code] if code >= 0 else "unknown" for code in self.stage]


DEFAULT = StageParams()


def stage_bounds(p: npt.ArrayLike, q: npt.ArrayLike, params: StageParams = DEFAULT) -> StageBounds:
    """When do the stages of a Bass curve end?

    Ramp at F(t) = ``ramp_share``; growth and maturity where the relative slope f'/f = (p+q)(u − 1)/(u + 1), with
    u = (q/p)·e^−(p+q)t, falls below +``flat`` and −``flat``. Each bound is no earlier than the one before, none before
    launch; a curve too slow ever to leave the level band matures without end (infinity). Shapes broadcast; NaN gives
    NaN. Source: derivatives of Bass (1969), equation 1; the peak of room air conditioners lies within their maturity:

    >>> bounds = stage_bounds(0.010399, 0.41861)
    >>> print(f"{bounds.ramp_ends:.1f} {bounds.growth_ends:.1f} {bounds.maturity_ends:.1f}")
    5.1 8.3 8.9
    """
    bass_peak(p, q)  # for its checks
    innovation, imitation = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64))
    both = innovation + imitation
    ratio = imitation / innovation
    with np.errstate(divide="ignore", invalid="ignore"):
        ramp = np.log((1 + ratio * params.ramp_share) / (1 - params.ramp_share)) / both
        steep = params.flat / both
        growth, mature = (np.log(ratio * (1 - s) / (1 + s)) / both for s in (steep, -steep))
    # Steeper than the curve ever is: it never grows fast enough to leave, or falls slowly enough to stay.
    growth = np.where(steep >= 1, 0.0, np.where(np.isneginf(growth), 0.0, growth))
    mature = np.where(steep >= 1, np.inf, np.where(np.isneginf(mature), 0.0, mature))
    unknown = np.isnan(both)
    ramp = np.where(unknown, np.nan, ramp)
    growth = np.where(unknown, np.nan, np.maximum(growth, ramp))
    return StageBounds(ramp, growth, np.where(unknown, np.nan, np.maximum(mature, growth)))


def life_cycle_stage(
    demand: npt.ArrayLike, fit: BassFit, params: StageParams = DEFAULT, *,
    end_announced: npt.ArrayLike = False, standing: npt.ArrayLike | None = None,
) -> LifeCycle:  # fmt: skip
    """In which stage of its life is each product, on what grounds, how sure, and what comes next?

    ``demand`` series × periods, the panel ``fit`` was made of (seasons and promotions taken out); ``end_announced`` one
    flag for all or per series: an end-of-life notice overrides what demand looks like. ``standing``: stages decided
    before, as indices into STAGES or -1; a series leaves its stage only when the new one has held for ``hold`` periods.
    A curve that is believed decides by `stage_bounds`; else, while few periods are observed, the analogues in the fit;
    else the least-squares slope of the last ``window`` periods against ±``flat`` of their mean. A product that is sold
    again and again never follows a Bass curve well and comes to its slope. Empty gives empty.
    Source: stages after Golder and Tellis, Marketing Science 23 (2004) 207-218; the 16 % of innovators and early
    adopters after Rogers, Diffusion of Innovations. The year after their peak, room air conditioners had matured:

    >>> from tierwise.engine.demand.bass import fit_bass
    >>> sold = [96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673]
    >>> found = life_cycle_stage([sold], fit_bass([sold]), StageParams(flat=0.1))
    >>> found.names(), GROUNDS[found.grounds[0]]
    (['mature'], 'curve')
    """
    panel = as_panel(demand)
    series, periods = panel.shape
    if len(fit.p) != series:
        raise ValueError(f"fit: has {len(fit.p)} series, demand {series}; fit the same panel")
    ended = np.broadcast_to(np.asarray(end_announced, dtype=bool), (series,))
    before = np.full(series, -1) if standing is None else np.asarray(standing, dtype=np.int64)
    if before.shape != (series,) or (before < -1).any() or (before >= len(STAGES)).any():
        raise ValueError(f"standing: give one of -1 to {len(STAGES) - 1} per series ({series})")
    age = periods - fit.launched.astype(np.float64)
    grounds = _grounds(panel, fit, params)
    slopes = _slopes(panel, params)
    bounds = stage_bounds(fit.p, fit.q, params)
    by_curve = np.isin(grounds, (_CURVE, _ANALOGUE))
    usable = np.isfinite(slopes.last) & (grounds == _UNKNOWN)
    grounds = np.where(usable, _SLOPE, grounds)
    history = np.where(by_curve[:, None], _by_age(bounds, age, params.hold), _by_slope(slopes.every, params.flat))
    history[~(by_curve | usable)] = -1
    seen = np.where(ended, _END, history[:, -1])
    stage = np.where(ended, _END, _held(history, before))
    confidence = np.where(by_curve, _curve_confidence(fit, bounds, (age, seen), params), np.nan)
    confidence = np.where(usable, _slope_confidence(slopes, seen, params), confidence)
    next_in = np.where(by_curve & ~ended, _until_next(bounds, age, stage), np.nan)
    grounds, confidence = np.where(ended, _NOTICE, grounds), np.where(ended, 1.0, confidence)
    return LifeCycle(stage, grounds, confidence, seen, slopes.last, next_in, fit.n)


def _grounds(panel: Floats, fit: BassFit, params: StageParams) -> Ints:
    with np.errstate(invalid="ignore"):
        sure = fit.standard_error[:, 1] <= params.most_error
        curve = fit.converged & (fit.n >= params.least_periods) & (fit.fit >= params.least_fit) & sure
        curve &= _drift(panel, fit) <= _MOST_DRIFT
        analogue = (fit.n < params.least_periods) & np.isfinite(fit.p) & (fit.evidence < 1)
    return np.where(curve, _CURVE, np.where(analogue, _ANALOGUE, _UNKNOWN))


def _drift(panel: Floats, fit: BassFit) -> Floats:
    """How far demand of late lies off its curve, in standard errors: a hump fits what collapses, but for its end."""
    ages = np.arange(panel.shape[1]) - fit.launched[:, None]
    share = bass_share(fit.p[:, None], fit.q[:, None], np.stack([ages, ages + 1.0]))
    rest = panel - fit.market[:, None] * (share[1] - share[0])
    rest[ages < 0] = np.nan
    seen = np.isfinite(rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.sqrt((np.where(seen, rest, 0.0) ** 2).sum(axis=1) / np.maximum(fit.n - 3, 1))
        late = seen[:, -_LATE:].sum(axis=1)
        off = np.where(seen, rest, 0.0)[:, -_LATE:].sum(axis=1)
        return np.where(noise > 0, np.abs(off) / (noise * np.sqrt(late)), 0.0)


@dataclass(frozen=True, slots=True)
class _Slopes:
    """Relative slopes of the last ``hold`` windows (series × hold, oldest first), the last one and its error."""

    every: Floats
    last: Floats
    error: Floats


def _slopes(panel: Floats, params: StageParams) -> _Slopes:
    found = [_slope(panel[:, : panel.shape[1] - back], params.window) for back in range(params.hold - 1, -1, -1)]
    return _Slopes(np.stack([slope for slope, _ in found], axis=1), *found[-1])


def _slope(panel: Floats, window: int) -> tuple[Floats, Floats]:
    """Least-squares slope over the last periods and its standard error, both relative to mean demand."""
    rows = panel[:, -window:] if panel.shape[1] else panel
    seen = np.isfinite(rows)
    n = seen.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(seen, np.arange(rows.shape[1], dtype=np.float64), 0.0)
        values = np.where(seen, rows, 0.0)
        mean, middle = values.sum(axis=1) / n, times.sum(axis=1) / n
        off = np.where(seen, times - middle[:, None], 0.0)
        squares = (off**2).sum(axis=1)
        slope = (off * values).sum(axis=1) / squares
        rest = np.where(seen, values - mean[:, None] - slope[:, None] * off, 0.0)
        error = np.sqrt((rest**2).sum(axis=1) / (n - 2) / squares)
        known = (n >= 3) & (2 * n >= window) & (mean > 0)
        return np.where(known, slope / mean, np.nan), np.where(known, error / mean, np.nan)


def _by_slope(slopes: Floats, flat: float) -> Ints:
    with np.errstate(invalid="ignore"):
        stage = np.where(slopes > flat, _GROWTH, np.where(slopes < -flat, _DECLINE, _MATURE))
    return np.where(np.isfinite(slopes), stage, -1)


def _by_age(bounds: StageBounds, age: Floats, hold: int) -> Ints:
    """The stages the curve passed through in its last ``hold`` periods, a period counting at its end."""
    ages = age[:, None] - np.arange(hold - 1, -1, -1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(sum((ages >= ends[:, None]).astype(np.int64) for ends in _ends(bounds)))


def _ends(bounds: StageBounds) -> tuple[Floats, Floats, Floats]:
    return bounds.ramp_ends, bounds.growth_ends, bounds.maturity_ends


def _held(history: Ints, standing: Ints) -> Ints:
    """The last stage where it has held or nothing stood before, else what stood."""
    held = (history == history[:, -1:]).all(axis=1)
    # Without a decision from before, the oldest of the stages seen stands in for it.
    old = np.where(standing >= 0, standing, history[:, 0])
    return np.where(held | (old < 0), history[:, -1], old)


def _curve_confidence(fit: BassFit, bounds: StageBounds, at: tuple[Floats, Ints], params: StageParams) -> Floats:
    """P(the stage's bounds lie around the age), by the delta method from the covariance of ln p and ln q."""
    age, stage = at
    step = 1e-5
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = [
            _ends(stage_bounds(fit.p * np.exp(step * dp), fit.q * np.exp(step * dq), params))
            for dp, dq in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]
    passed = []
    for place, end in enumerate(_ends(bounds)):
        with np.errstate(divide="ignore", invalid="ignore"):
            by_p = (shifted[0][place] - shifted[1][place]) / (2 * step)
            by_q = (shifted[2][place] - shifted[3][place]) / (2 * step)
            slope = np.stack([by_p, by_q], axis=1)
            variance = np.einsum("si,sij,sj->s", slope, fit.covariance[:, :2, :2], slope)
            off = (age - end) / np.sqrt(np.maximum(variance, 1e-12))
            passed.append(np.where(np.isinf(end), 0.0, special.ndtr(off)))
    edges = np.stack([np.ones(len(age)), *passed, np.zeros(len(age))], axis=1)
    rows = np.arange(len(age))
    inside = np.clip(stage, 0, _DECLINE)
    return np.asarray(np.clip(edges[rows, inside] - edges[rows, inside + 1], 0.0, 1.0))


def _slope_confidence(slopes: _Slopes, stage: Ints, params: StageParams) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.maximum(slopes.error, 1e-12)
        above = special.ndtr((slopes.last - params.flat) / error)
        below = special.ndtr((-params.flat - slopes.last) / error)
    return np.select([stage == _GROWTH, stage == _DECLINE], [above, below], np.clip(1 - above - below, 0.0, 1.0))


def _until_next(bounds: StageBounds, age: Floats, stage: Ints) -> Floats:
    ends = np.stack([*_ends(bounds), np.full(len(age), np.nan)], axis=1)
    end = ends[np.arange(len(age)), np.clip(stage, 0, _DECLINE)]
    return np.where(np.isfinite(end), np.maximum(end - age, 0.0), np.nan)
