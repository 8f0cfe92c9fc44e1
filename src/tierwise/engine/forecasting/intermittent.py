"""Intermittent demand: Croston and its corrections, TSB, and forecasts on aggregated periods (ADIDA, IMAPA)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.engine.forecasting.panel import Floats, Ints, Panel, over_parts, whole

METHODS = ("croston", "sba", "sbj", "tsb", "adida", "imapa")


@dataclass(frozen=True, slots=True)
class IntermittentParams:
    """``alpha`` smooths sizes (and totals), ``alpha_interval`` intervals or chances. With ``optimise`` both are those
    within ``bounds`` that would have forecast best one step ahead. ``threads`` 0 takes all cores.
    """

    method: str = "sba"
    alpha: float = 0.1
    alpha_interval: float = 0.1
    optimise: bool = False
    bounds: tuple[float, float] = (0.1, 0.3)
    threads: int = 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is unknown; use one of {', '.join(METHODS)}")
        for name in ("alpha", "alpha_interval"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}: is {getattr(self, name)}; give a weight above 0 and up to 1, such as 0.1")
        if not 0 < self.bounds[0] <= self.bounds[1] <= 1:
            raise ValueError(f"bounds: are {self.bounds}; give a lower and an upper weight between 0 and 1")
        whole("threads", self.threads, 0)


@dataclass(frozen=True, slots=True)
class DemandRates:
    """One entry per series: ``rate`` per period is the forecast of every period ahead, made of ``size`` of a demand
    and ``chance`` of one in a period; ``interval`` between demands (for ADIDA and IMAPA the longest block of periods).
    ``alpha`` and ``alpha_interval`` as used, ``n`` known periods, ``demands`` those with some.

    Series without demand have rate 0, size and interval NaN; where nothing is known all is NaN.
    """

    rate: Floats
    size: Floats
    interval: Floats
    chance: Floats
    alpha: Floats
    alpha_interval: Floats
    n: Ints
    demands: Ints

    def ahead(self, horizon: int) -> Floats:
        """Series × horizon."""
        return np.repeat(self.rate[:, None], whole("horizon", horizon, 1), axis=1)


def intermittent_demand(panel: Panel, params: IntermittentParams = IntermittentParams()) -> DemandRates:
    """Demand per period where most periods have none, for every series at once.

    Croston: sizes z and intervals p smoothed apart at each demand, rate z/p; SBA takes (1 − α/2) of it, SBJ
    (1 − α/(2 − α)), against the bias of the ratio. TSB smooths size at each demand and the chance of demand in every
    period, so that it falls as an item dies out. ADIDA adds up blocks as long as the mean interval, smooths those and
    spreads them evenly; IMAPA takes the mean over all blocks from one period to that length. Unknown periods (NaN) are
    left out. ValueError for demand below zero: net returns against earlier demand before.

    Source: Croston, ORQ 23 (1972) 289-303; Syntetos and Boylan, IJF 21 (2005) 303-314; Shale, Boylan and Johnston,
    JORS 57 (2006) 588-592; Teunter, Syntetos and Babai, EJOR 214 (2011) 606-615; Nikolopoulos et al., JORS 62 (2011)
    544-554; Petropoulos and Kourentzes, JORS 66 (2015) 914-924. TC-02, Croston 1.72618 and SBA 1.63987:

    >>> parts = Panel.of([[0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6]])
    >>> for method in ("croston", "sba"):
    ...     print(f"{intermittent_demand(parts, IntermittentParams(method)).rate[0]:.5f}")
    1.72618
    1.63987
    """
    from tierwise.engine.forecasting import intermittent_kernels  # noqa: PLC0415 - numba loads on first use

    if (panel.values < 0).any():
        raise ValueError("values: hold demand below 0; net returns against earlier demand before forecasting")
    found = np.full((len(panel), 8), np.nan)
    method = {"tsb": intermittent_kernels.TSB, "adida": intermittent_kernels.ADIDA}.get(
        params.method, intermittent_kernels.IMAPA if params.method == "imapa" else intermittent_kernels.CROSTON
    )
    optimise = params.optimise
    weights = (float(params.alpha), float(params.alpha_interval), *(float(each) for each in params.bounds), optimise)

    def work(low: int, high: int) -> None:
        intermittent_kernels.rates_of((panel.values, panel.offsets, low, high), method, weights, found)

    over_parts(work, panel.offsets, params.threads)
    rate, size, interval, chance, alpha, beta, n, demands = found.T
    if params.method == "sba":
        rate = rate * (1 - beta / 2)
    elif params.method == "sbj":
        rate = rate * (1 - beta / (2 - beta))
    rate = np.where((n > 0) & (demands == 0), 0.0, rate)
    return DemandRates(rate, size, interval, chance, alpha, beta, n.astype(np.int64), demands.astype(np.int64))
