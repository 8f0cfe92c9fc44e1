"""The theta method: half of a straight line through the whole history, half of what is smoothed lately."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.engine.forecasting.panel import Floats, Ints, Panel, over_parts, whole


@dataclass(frozen=True, slots=True)
class ThetaParams:
    """``season`` is the cycle's length in periods (1: none). ``optimise`` looks for each series' theta, else it is 2,
    the standard method. ``nonnegative`` cuts forecasts at 0; ``threads`` 0 takes all cores."""

    season: int = 1
    optimise: bool = True
    nonnegative: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        whole("season", self.season, 1)
        whole("threads", self.threads, 0)


@dataclass(frozen=True, slots=True)
class ThetaForecast:
    """``forecast`` series × horizon; per series ``alpha``, ``theta``, first ``level``, ``slope`` of the line,
    ``season`` (0 none, 1 additive, 2 multiplicative), ``rmse`` of one step, seasonally adjusted. NaN (season 0) where
    nothing is known."""

    forecast: Floats
    alpha: Floats
    theta: Floats
    level: Floats
    slope: Floats
    season: Ints
    rmse: Floats


def theta_method(panel: Panel, horizon: int, params: ThetaParams = ThetaParams()) -> ThetaForecast:
    """The next periods by the theta method, for every series at once; hard to beat where trends fade.

    ŷ(t) = ℓ(t−1) + (1 − 1/θ)·((1 − α)^(t−1)·A + (1 − (1 − α)^t)/α·B) with the line A + B·t by least squares and ℓ the
    smoothed series; θ = 2 is simple smoothing with half the line's slope as drift. The series is adjusted for season
    before where the autocorrelation one cycle back is significant (90 %) over at least two cycles, by ratios if all
    values are above 0. α within 0.1 … 0.99; α, first level and θ ≥ 1 by least squares. A NaN within a series moves on
    as forecast. Three known values or fewer keep θ = 2.

    Source: Assimakopoulos and Nikolopoulos, IJF 16 (2000) 521-530; Fiorucci, Pellegrini, Louzada, Petropoulos and
    Koehler, IJF 32 (2016) 1151-1161. The drift is half the slope of the line:

    >>> found = theta_method(Panel.of([[10, 12, 14, 16, 18, 20, 22, 24]]), 3, ThetaParams(optimise=False))
    >>> np.diff(found.forecast[0]).round(6).tolist(), found.slope.round(6).tolist()
    ([1.0, 1.0], [2.0])
    """
    from tierwise.engine.forecasting import theta_kernels  # noqa: PLC0415 - numba loads on first use

    whole("horizon", horizon, 1)
    forecast, figures = np.full((len(panel), horizon), np.nan), np.full((len(panel), 6), np.nan)
    weight = -1.0 if params.optimise else 0.5

    def work(low: int, high: int) -> None:
        theta_kernels.theta_panel((panel.values, panel.offsets, low, high), params.season, weight, (forecast, figures))

    over_parts(work, panel.offsets, params.threads)
    alpha, share, level, slope, season, rmse = figures.T
    if params.nonnegative:
        forecast = np.maximum(forecast, 0.0)
    return ThetaForecast(forecast, alpha, 1 / (1 - share), level, slope, np.nan_to_num(season).astype(np.int64), rmse)
