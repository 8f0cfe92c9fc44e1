"""Who may take part in a tournament: one port, our own methods behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tierwise.engine.forecasting.exponential import FAMILIES, ExponentialParams, exponential_smoothing
from tierwise.engine.forecasting.intermittent import IntermittentParams, intermittent_demand
from tierwise.engine.forecasting.panel import Floats, Panel, whole
from tierwise.engine.forecasting.theta import ThetaParams, theta_method


class Candidate(Protocol):
    """Anything that forecasts a panel: series × horizon, NaN where it cannot. It sees nothing but the panel given, so
    that a tournament is free of what came later."""

    @property
    def name(self) -> str: ...

    def forecast(self, panel: Panel, horizon: int) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Naive:
    """The last known value again, or with ``season`` that of the cycle before; the mark that others must beat."""

    season: int = 1
    name: str = "naive"

    def __post_init__(self) -> None:
        whole("season", self.season, 1)

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        """Unknown values are those of the cycle before; where none is known, NaN.

        >>> Naive(2).forecast(Panel.of([[1, 2, 3, 4], [5]]), 3).tolist()
        [[3.0, 4.0, 3.0], [nan, 5.0, nan]]
        """
        found = panel.latest(self.season)
        back = self.season
        while np.isnan(found).any() and back < (int(panel.lengths.max()) if len(panel) else 0):
            found = np.where(np.isnan(found), panel.latest(self.season, back), found)
            back += self.season
        return found[:, np.arange(horizon) % self.season]


@dataclass(frozen=True, slots=True)
class Exponential:
    """A set of exponential forms; see :func:`exponential_smoothing`."""

    params: ExponentialParams = field(default_factory=ExponentialParams)
    name: str = "exponential"

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        return exponential_smoothing(panel, horizon, self.params).forecast


@dataclass(frozen=True, slots=True)
class Theta:
    """See :func:`theta_method`."""

    params: ThetaParams = field(default_factory=ThetaParams)
    name: str = "theta"

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        return theta_method(panel, horizon, self.params).forecast


@dataclass(frozen=True, slots=True)
class Intermittent:
    """See :func:`intermittent_demand`."""

    params: IntermittentParams = field(default_factory=IntermittentParams)
    name: str = "intermittent"

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        return intermittent_demand(panel, self.params).ahead(horizon)


@dataclass(frozen=True, slots=True)
class Together:
    """The plain mean of several candidates, each where it has a forecast; seldom the best, hardly ever bad."""

    of: Sequence[Candidate] = field(default_factory=tuple)
    name: str = "together"

    def __post_init__(self) -> None:
        if not self.of:
            raise ValueError("of: is empty; give the candidates whose mean is wanted")

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        made = np.stack([each.forecast(panel, horizon) for each in self.of])
        known = ~np.isnan(made)
        count = known.sum(axis=0)
        total = np.where(known, made, 0.0).sum(axis=0)
        return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def own_candidates(season: int = 1, intermittent: bool = False, threads: int = 1) -> tuple[Candidate, ...]:
    """The methods of this package that suit demand: never below 0.

    Regular demand: naive (of the season), simple, Holt, damped, both seasonal families where ``season`` > 1, the form
    by AICc, theta, and the mean of the last two. With ``intermittent`` instead those for demand with empty periods,
    beside the naive and the form by AICc.

    >>> [each.name for each in own_candidates(12)][-3:]
    ['auto', 'theta', 'auto and theta']
    >>> [each.name for each in own_candidates(intermittent=True)]
    ['naive', 'auto', 'croston', 'sba', 'tsb', 'adida', 'imapa']
    """
    base = ExponentialParams(season, nonnegative=True, threads=threads)
    auto = Exponential(base, "auto")
    if intermittent:
        rates = [
            Intermittent(
                IntermittentParams(
                    method,
                    optimise=method in {"tsb", "adida", "imapa"},
                    bounds=(0.02, 0.3) if method == "tsb" else (0.1, 0.3),
                    threads=threads,
                ),
                method,
            )
            for method in ("croston", "sba", "tsb", "adida", "imapa")
        ]
        return (Naive(season), auto, *rates)
    families = ["simple", "holt", "damped"] + (["seasonal_additive", "seasonal_multiplicative"] if season > 1 else [])
    single = [Exponential(replace(base, forms=FAMILIES[family]), family) for family in families]
    theta = Theta(ThetaParams(season, nonnegative=True, threads=threads), "theta")
    return (Naive(season), *single, auto, theta, Together((auto, theta), "auto and theta"))
