"""Which method may forecast from now on: a challenger must be better beyond chance, else the incumbent stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tierwise.engine.forecasting.panel import Floats, Ints, whole
from tierwise.engine.forecasting.rolling import Tournament

REASONS = (
    "nothing to judge by",
    "the incumbent is best",
    "too few origins to tell",
    "the gain is too small to matter",
    "the gain may be chance",
    "the challenger is better beyond chance",
)


@dataclass(frozen=True, slots=True)
class ChampionParams:
    """``loss`` "squared" (means, for stock) or "absolute" (medians); ``test`` "diebold_mariano" or "sign". A challenger
    must be significant at ``significance`` after correction for how many there were, gain ``least_gain`` of the
    incumbent's loss and rest on ``least_origins``."""

    loss: str = "squared"
    test: str = "diebold_mariano"
    significance: float = 0.05
    least_gain: float = 0.02
    least_origins: int = 6

    def __post_init__(self) -> None:
        if self.loss not in {"squared", "absolute"}:
            raise ValueError(f"loss: {self.loss!r} is unknown; use squared or absolute")
        if self.test not in {"diebold_mariano", "sign"}:
            raise ValueError(f"test: {self.test!r} is unknown; use diebold_mariano or sign")
        if not 0 < self.significance < 1 or not 0 <= self.least_gain < 1:
            raise ValueError(
                f"significance, least_gain: are {self.significance} and {self.least_gain}; give shares below 1"
            )
        whole("least_origins", self.least_origins, 2)


@dataclass(frozen=True, slots=True)
class Champions:
    """Per series (or group): ``champion`` and the best ``challenger`` (indices of the tournament's names), its ``gain``
    as a share of the incumbent's loss, ``p`` corrected, ``origins`` judged, and the ``reason`` (index into REASONS)."""

    champion: Ints
    challenger: Ints
    switched: npt.NDArray[np.bool_]
    gain: Floats
    p: Floats
    origins: Ints
    reason: Ints

    def why(self, place: int) -> str:
        return REASONS[self.reason[place]]


def diebold_mariano(differences: npt.ArrayLike, overlap: int = 0) -> tuple[Floats, Floats]:
    """Is the mean loss difference above 0 beyond chance? Statistic and one-sided p over the last axis.

    ``differences`` of losses (incumbent less challenger) origin by origin, NaN left out; ``overlap`` is how many
    neighbouring origins share periods. d̄/√((γ₀ + 2Σγₖ)/n) with the small-sample factor √((n + 1 − 2h + h(h − 1)/n)/n),
    h = overlap + 1, against Student's t with n − 1 degrees; where the long-run variance is not above 0, γ₀ alone.
    Differences that are all alike give p 0, 1 or, at 0, ½. NaN below two.
    Source: Diebold and Mariano, J. Business and Economic Statistics 13 (1995) 253-263; Harvey, Leybourne and Newbold,
    IJF 13 (1997) 281-291. Without overlap it is Student's test of a mean; his sleep data (Biometrika 6 (1908) 20) have
    t = 4.0621, p = 0.0014 one-sided:

    >>> hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    >>> statistic, p = diebold_mariano(hours)
    >>> float(statistic.round(4)), float(p.round(4))
    (4.0621, 0.0014)
    """
    given = np.atleast_1d(np.asarray(differences, dtype=np.float64))
    # Known values first, in their order, so that neighbours stay neighbours.
    order = np.argsort(np.isnan(given), axis=-1, kind="stable")
    d = np.take_along_axis(given, order, axis=-1)
    known = ~np.isnan(d)
    n = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, d, 0.0).sum(axis=-1) / n
        off = np.where(known, d - mean[..., None], 0.0)
        scale = np.where(known, np.abs(d), 0.0).max(axis=-1, initial=0.0)
        variance = (off**2).sum(axis=-1) / n
        long_run = variance.copy()
        for lag in range(1, min(overlap, d.shape[-1] - 1) + 1):
            long_run = long_run + 2 * (off[..., lag:] * off[..., :-lag]).sum(axis=-1) / n
        used = np.where(long_run > 0, long_run, variance)
        h = overlap + 1
        factor = (n + 1 - 2 * h + h * (h - 1) / n) / n
        factor = np.where(factor > 0, factor, 1 / n)
        statistic = mean / np.sqrt(used / n) * np.sqrt(factor)
        p = 1 - special.stdtr(np.maximum(n - 1, 1), statistic)
    still = variance <= (1e-12 * scale) ** 2
    p = np.where(still, np.where(mean > 0, 0.0, np.where(mean < 0, 1.0, 0.5)), p)
    statistic = np.where(still, np.where(mean == 0, 0.0, np.copysign(np.inf, mean)), statistic)
    return np.where(n < 2, np.nan, statistic), np.where(n < 2, np.nan, p)


def paired_signs(differences: npt.ArrayLike) -> Floats:
    """One-sided p of the sign test that differences over the last axis are mostly above 0; zeros and NaN left out.

    Coarse but with nothing assumed of their size: five of five gives 1/32. NaN where none is left.

    >>> float(paired_signs([3, 1, 2, 9, 1, 0]))
    0.03125
    """
    d = np.atleast_1d(np.asarray(differences, dtype=np.float64))
    above, below = (d > 0).sum(axis=-1), (d < 0).sum(axis=-1)
    n = above + below
    return np.where(n > 0, np.where(above > 0, special.bdtrc(above - 1, np.maximum(n, 1), 0.5), 1.0), np.nan)


def choose_champions(
    found: Tournament,
    incumbent: npt.ArrayLike = 0,
    params: ChampionParams = ChampionParams(),
    groups: npt.ArrayLike | None = None,
) -> Champions:
    """Who forecasts each series (or group of series) next? The incumbent, unless the best other one is better beyond
    chance and by enough.

    ``incumbent`` index into the tournament's names, one or one per series (per group where given, groups numbered from
    0); ``groups`` one number per series: their scaled losses are averaged origin by origin and decided together, which
    tells small differences that no single series could. The challenger is the other candidate with the least mean loss;
    its p is multiplied by the number of challengers (Bonferroni), for the best of many looks good by chance. Origins
    that not all candidates have are left out. Ties hold the incumbent.
    Source: as :func:`diebold_mariano`; Makridakis and Hibon, IJF 16 (2000) on pooling over series.

    >>> from tierwise.engine.forecasting.candidates import Naive
    >>> from tierwise.engine.forecasting.panel import Panel
    >>> from tierwise.engine.forecasting.rolling import TournamentParams, tournament
    >>> wave = np.tile([5.0, 9.0, 2.0, 6.0], 12) + np.random.default_rng(0).normal(0, 0.5, 48)
    >>> match = tournament(Panel.of([wave]), [Naive(), Naive(4, "seasonal")], TournamentParams(4, origins=8))
    >>> choice = choose_champions(match)
    >>> match.names[choice.champion[0]], choice.why(0)
    ('seasonal', 'the challenger is better beyond chance')
    """
    losses = found.losses(params.loss)
    if groups is not None:
        losses = _pooled(losses, np.asarray(groups, dtype=np.int64))
    methods, cases, _ = losses.shape
    holds = np.broadcast_to(np.asarray(incumbent, dtype=np.int64), (cases,)).copy()
    if ((holds < 0) | (holds >= methods)).any():
        raise ValueError(f"incumbent: must be 0 to {methods - 1}, a place among {', '.join(found.names)}")
    known = ~np.isnan(losses[0])
    origins = known.sum(axis=1)
    mean = np.where(known, losses, 0.0).sum(axis=2) / np.maximum(origins, 1)
    each = np.arange(cases)
    others = mean.copy()
    others[holds, each] = np.inf
    challenger = others.argmin(axis=0) if methods > 1 else holds
    now, best = mean[holds, each], mean[challenger, each]
    gain = np.divide(now - best, now, out=np.zeros(cases), where=now > 0)
    differences = losses[holds, each] - losses[challenger, each]
    p = np.minimum(_chance(found, params, differences) * max(methods - 1, 1), 1.0)
    nothing = (gain <= 0) | (challenger == holds)
    few, little = origins < params.least_origins, gain < params.least_gain
    reason = np.select([origins == 0, nothing, few, little, ~(p < params.significance)], [0, 1, 2, 3, 4], 5)
    switched = reason == 5
    return Champions(np.where(switched, challenger, holds), challenger, switched, gain, p, origins, reason)


def _chance(found: Tournament, params: ChampionParams, differences: Floats) -> Floats:
    """How probable such differences of losses are between equals."""
    if params.test == "sign":
        return paired_signs(differences)
    stride = found.params.step or found.params.horizon
    return diebold_mariano(differences, -(-found.params.horizon // stride) - 1)[1]


def _pooled(losses: Floats, groups: Ints) -> Floats:
    """Candidates × groups × origins."""
    if groups.shape != losses.shape[1:2] or (groups.size and groups.min() < 0):
        raise ValueError(f"groups: must be one number of 0 or more per series ({losses.shape[1]})")
    size = int(groups.max()) + 1 if groups.size else 0
    known = ~np.isnan(losses)
    total, count = (
        np.zeros((losses.shape[0], size, losses.shape[2])),
        np.zeros((losses.shape[0], size, losses.shape[2])),
    )
    for method in range(losses.shape[0]):
        np.add.at(total[method], groups, np.where(known[method], losses[method], 0.0))
        np.add.at(count[method], groups, known[method])
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
