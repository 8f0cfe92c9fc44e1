"""What a change brought, measured against those it did not reach: difference in differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine import checks
from tierwise.engine.assessment.table import Floats, as_table

_NEVER = -1


@dataclass(frozen=True, slots=True)
class EffectParams:
    """``confidence`` of the interval (two-sided); ``draws`` of the placebo assignment and its ``seed``."""

    confidence: float = 0.95
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        checks.confidence(self.confidence)
        if not 0 <= self.draws <= 1_000_000:
            raise ValueError(f"draws: is {self.draws}; give 0 to 1,000,000")


@dataclass(frozen=True, slots=True)
class Effect:
    """``effect`` in the values' unit, its standard error, interval and two-sided ``p``.

    ``placebo_p`` is the share of random reassignments of who was treated that gives as large an effect (the one to
    trust with few units). ``pre_trend_p`` tests whether treated and untreated drifted apart already before: a small
    one says that the comparison is not fair. ``cohorts`` has one row per start: (start, treated units, effect).
    NaN where there is too little to say.
    """

    effect: float
    standard_error: float
    low: float
    high: float
    p: float
    placebo_p: float
    pre_trend: float
    pre_trend_p: float
    treated: int
    untreated: int
    cohorts: tuple[tuple[int, int, float], ...]


DEFAULT = EffectParams()


def difference_in_differences(values: npt.ArrayLike, start: npt.ArrayLike, params: EffectParams = DEFAULT) -> Effect:
    """By how much did a measure change where something was introduced, beyond what changed elsewhere?

    ``values`` units × periods, NaN where not observed; ``start`` one per unit: the first period with the change, -1
    for never. Per start g each unit's change = mean(from g on) − mean(before g); effect = mean change of the units of g
    − that of the never treated; starts are joined by their numbers of treated units. One change per unit makes the
    errors robust to whatever follows each other in time; unequal variances (Welch) with Satterthwaite's degrees.
    ``pre_trend`` is the same difference between the slopes before the start. Units without a value on either side of a
    start are left out of it. Raises ValueError for a start outside of the periods.
    Source: Card and Krueger, American Economic Review 84 (1994) 772-793, table 3 (2.76 jobs more per
    restaurant, 2.75 from its rounded means);
    Bertrand, Duflo and Mullainathan, Quarterly Journal of Economics 119 (2004) 249-275; starts at different times:
    Callaway and Sant'Anna, Journal of Econometrics 225 (2021) 200-230.

    >>> new_jersey, pennsylvania = [20.44, 21.03], [23.33, 21.17]
    >>> round(difference_in_differences([new_jersey, pennsylvania], [1, -1]).effect, 2)
    2.75
    """
    panel = as_table(values)
    first = np.asarray(start, dtype=np.int64)
    units, periods = panel.shape
    if first.shape != (units,):
        raise ValueError(f"start: has shape {first.shape}; give one period per unit ({units}), -1 for never")
    if ((first < _NEVER) | (first >= periods)).any():
        raise ValueError(f"start: must lie within the periods 0 to {periods - 1}, or be -1 for never")
    begins = np.unique(first[first != _NEVER])
    changes = {int(g): _change(panel, int(g)) for g in begins}
    whole = _joined(first, changes)
    slopes = {int(g): _slopes(panel[:, : int(g)]) for g in begins}
    drift = _joined(first, slopes)
    p, low, high = _student(whole, params.confidence)
    return Effect(
        effect=whole.effect,
        standard_error=whole.error,
        low=low,
        high=high,
        p=p,
        placebo_p=_placebo(first, changes, whole.effect, params),
        pre_trend=drift.effect,
        pre_trend_p=_student(drift, params.confidence)[0],
        treated=whole.treated,
        untreated=whole.untreated,
        cohorts=whole.cohorts,
    )


@dataclass(frozen=True, slots=True)
class _Joined:
    effect: float
    error: float
    freedom: float
    treated: int
    untreated: int
    cohorts: tuple[tuple[int, int, float], ...]


def _change(panel: Floats, start: int) -> Floats:
    return _mean(panel[:, start:]) - _mean(panel[:, :start])


def _slopes(before: Floats) -> Floats:
    """Least-squares slope per unit over its observed periods, NaN with fewer than two."""
    known = ~np.isnan(before)
    t = np.where(known, np.arange(before.shape[1], dtype=np.float64), np.nan)
    t = t - _mean(t)[:, None]
    y = before - _mean(before)[:, None]
    square = np.nansum(t**2, axis=1)
    return np.asarray(np.divide(np.nansum(t * y, axis=1), square, out=np.full(len(before), np.nan), where=square > 0))


def _joined(first: npt.NDArray[np.int64], changes: dict[int, Floats]) -> _Joined:
    """Effects of the starts joined by treated units; the untreated serve every start, so their errors add up whole."""
    nan = float("nan")
    cohorts, own = [], []
    reference = np.zeros(len(first))
    total = 0
    for start, change in changes.items():
        treated, control = change[first == start], change[first == _NEVER]
        treated, control = treated[~np.isnan(treated)], control[~np.isnan(control)]
        if len(treated) and len(control):
            cohorts.append((start, len(treated), float(treated.mean() - control.mean())))
            own.append((len(treated), float(treated.var(ddof=1)) if len(treated) > 1 else nan))
            reference += np.nan_to_num(change) * len(treated)
            total += len(treated)
    untreated = int((first == _NEVER).sum())
    if not total:
        return _Joined(nan, nan, nan, 0, untreated, ())
    effect = sum(n * each for _, n, each in cohorts) / total
    # Variance of the joined effect: each start's own units, and the untreated's changes weighted as they were used.
    parts = [((n / total) ** 2 * variance / n, n - 1) for n, variance in own if n > 1]
    used = (reference / total)[first == _NEVER]
    alone = any(n == 1 for n, _ in own)
    if untreated > 1 and not alone:
        parts.append((float(used.var(ddof=1)) / untreated, untreated - 1))
        variance = sum(part for part, _ in parts)
        freedom = variance**2 / sum(part**2 / n for part, n in parts) if variance > 0 else nan
        return _Joined(effect, float(np.sqrt(variance)), freedom, total, untreated, tuple(cohorts))
    return _Joined(effect, nan, nan, total, untreated, tuple(cohorts))


def _student(found: _Joined, confidence: float) -> tuple[float, float, float]:
    if not found.error > 0:
        return float("nan"), float("nan"), float("nan")
    half = float(special.stdtrit(found.freedom, (1 + confidence) / 2)) * found.error
    p = 2 * float(special.stdtr(found.freedom, -abs(found.effect / found.error)))
    return p, found.effect - half, found.effect + half


def _placebo(first: npt.NDArray[np.int64], changes: dict[int, Floats], effect: float, params: EffectParams) -> float:
    if np.isnan(effect) or params.draws == 0:
        return float("nan")
    rng = np.random.default_rng(params.seed)
    # The assignment that happened is one of the possible ones, so the share is never 0.
    as_large = 1 + sum(
        abs(_joined(rng.permutation(first), changes).effect) >= abs(effect) * (1 - 1e-12) for _ in range(params.draws)
    )
    return as_large / (params.draws + 1)


def _mean(panel: Floats) -> Floats:
    n = (~np.isnan(panel)).sum(axis=1)
    return np.asarray(np.divide(np.nansum(panel, axis=1), n, out=np.full(len(panel), np.nan), where=n > 0))
