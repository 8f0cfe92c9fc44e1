"""The exponential smoothing family: simple, Holt, damped and seasonal, the form of each series chosen by AICc."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tierwise.engine.forecasting.panel import Floats, Ints, Panel, over_parts, whole

FORMS = (
    "ANN", "MNN", "AAN", "MAN", "AAdN", "MAdN",
    "ANA", "MNA", "AAA", "MAA", "AAdA", "MAdA", "MNM", "MAM", "MAdM",
)  # fmt: skip
"""Error (additive, multiplicative), trend (none, additive, damped), season (none, additive, multiplicative)."""

FAMILIES = MappingProxyType(
    {
        "auto": FORMS,
        "simple": ("ANN",),
        "holt": ("AAN",),
        "damped": ("AAdN",),
        "seasonal_additive": ("ANA", "AAA", "AAdA"),
        "seasonal_multiplicative": ("MNM", "MAM", "MAdM"),
    }
)
"""Sets of forms by the names of the trade."""


@dataclass(frozen=True, slots=True)
class ExponentialParams:
    """``season`` is the cycle's length in periods (1: none); ``forms`` those that compete, of FORMS or a set of
    FAMILIES; ``nonnegative`` cuts forecasts at 0; ``threads`` 0 takes all cores.
    """

    season: int = 1
    forms: tuple[str, ...] = FORMS
    nonnegative: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        whole("season", self.season, 1)
        whole("threads", self.threads, 0)
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown or not self.forms:
            raise ValueError(f"forms: {unknown or 'none'} unknown; choose of {', '.join(FORMS)} or a set of FAMILIES")

    @property
    def competing(self) -> tuple[str, ...]:
        """In the order of FORMS, in which the search of one form begins where another ended."""
        return tuple(form for form in FORMS if form in self.forms and (self.season > 1 or form[-1] == "N"))


@dataclass(frozen=True, slots=True)
class Smoothed:
    """One entry per series. ``form`` indexes FORMS: -1 for constant or very short series, which are smoothed by a half;
    -2 where nothing is known, with NaN throughout.

    ``forecast`` series × horizon; ``fitted`` one-step forecasts beside the panel's values. ``phi`` is 1 undamped.
    ``level``, ``slope`` and ``seasons`` (the cycle ahead) are the states after the last period, ``rmse`` the root mean
    squared one-step error, ``aicc`` series × forms of FORMS (infinite where a form does not apply), ``n`` known values.
    ``parameters`` is what :func:`project` takes.
    """

    forecast: Floats
    fitted: Floats
    form: Ints
    alpha: Floats
    beta: Floats
    gamma: Floats
    phi: Floats
    level: Floats
    slope: Floats
    seasons: Floats
    rmse: Floats
    aicc: Floats
    n: Ints
    parameters: Floats

    def name(self, series: int) -> str:
        """The form of one series in letters, "plain" where none applied."""
        return FORMS[self.form[series]] if self.form[series] >= 0 else "plain"


def exponential_smoothing(
    panel: Panel,
    horizon: int,
    params: ExponentialParams = ExponentialParams(),
) -> Smoothed:
    """What the next periods bring if level, trend and season move on as they did, for every series at once.

    Point forecasts of the state-space form with the least AICc = n log Σe² (+ 2 Σ log ŷ where errors are relative) +
    2k + 2k(k + 1)/(n − k − 1), k counting smoothing parameters, first states and the variance. Smoothing parameters
    keep 0 < α < 1, β < α, γ < 1 − α, 0.8 ≤ φ ≤ 0.98; they and the first states are found by Levenberg-Marquardt, the
    first seasonal states of cycles beyond 24 periods by decomposition. Relative errors and multiplicative seasons need
    values above 0, seasons two full cycles and more values than parameters; forms that do not apply are passed over.
    A NaN within a series moves the states on without correcting them. An empty panel gives empty results.

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), ch. 2-7; Hyndman and
    Athanasopoulos, Forecasting: Principles and Practice, 2nd ed., 7.1: oil production of Saudi Arabia 1996-2013, with
    α = 0.83 and ℓ₀ = 446.6, is forecast at 542.68 million tonnes:

    >>> oil = "445.36 453.20 454.41 422.38 456.04 440.39 425.19 486.21 500.43 521.28 508.95 488.89 509.87 456.72 473.82"
    >>> oil = np.array(f"{oil} 525.95 549.83 542.34".split(), dtype=float)
    >>> found = exponential_smoothing(Panel.of([oil]), 3, ExponentialParams(forms=FAMILIES["simple"]))
    >>> found.forecast.round(1).tolist(), bool(abs(found.alpha[0] - 0.83) < 0.01)
    ([[542.7, 542.7, 542.7]], True)
    """
    from tierwise.engine.forecasting import exponential_kernels  # noqa: PLC0415 - numba loads on first use

    whole("horizon", horizon, 1)
    names = params.competing
    if not names:
        raise ValueError(f"forms: {', '.join(params.forms)} are seasonal; give season, the periods of a cycle")
    codes = np.array([["AM".index(name[0]), _trend(name), "NAM".index(name[-1])] for name in names], dtype=np.int64)
    series = len(panel)
    parameters, aicc = np.full((series, 6 + params.season), np.nan), np.full((series, len(names)), np.inf)
    chosen = np.full(series, -2, dtype=np.int64)

    def search(low: int, high: int) -> None:
        part = (panel.values, panel.offsets, low, high)
        exponential_kernels.search_panel(part, codes, params.season, (parameters, aicc, chosen))

    over_parts(search, panel.offsets, params.threads)
    places = np.array([FORMS.index(name) for name in names])
    form = np.where(chosen >= 0, places[np.maximum(chosen, 0)], chosen)
    every = np.full((series, len(FORMS)), np.inf)
    every[:, places] = aicc
    empty, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    alpha, beta, gamma, phi = parameters.T[:4]
    known = Smoothed(
        empty, empty, form, alpha, beta, gamma, phi, empty, empty, empty, empty, every, none, parameters
    )  # fmt: skip
    return project(panel, horizon, known, params)


def project(
    panel: Panel,
    horizon: int,
    known: Smoothed,
    params: ExponentialParams = ExponentialParams(),
) -> Smoothed:
    """The forecast from parameters found before: same series with more periods, without searching again.

    ``panel`` must begin with the same periods as the one ``known`` was found on. Costs a hundredth of the search.

    >>> early = exponential_smoothing(Panel.of([[3, 5, 4, 6, 5, 7, 6, 8]]), 1)
    >>> project(Panel.of([[3, 5, 4, 6, 5, 7, 6, 8]]), 1, early).forecast.tolist() == early.forecast.tolist()
    True
    """
    from tierwise.engine.forecasting import exponential_kernels  # noqa: PLC0415 - numba loads on first use

    whole("horizon", horizon, 1)
    if len(known.form) != len(panel):
        raise ValueError(f"known: tells of {len(known.form)} series, the panel of {len(panel)}; give the same series")
    series, cycle = len(panel), known.parameters.shape[1] - 6
    forecast, fitted = np.full((series, horizon), np.nan), np.full(panel.values.size, np.nan)
    last = np.full((series, 3 + cycle), np.nan)
    season = np.array([*("NAM".index(name[-1]) for name in FORMS), 0, 0], dtype=np.int64)[known.form]

    def run(low: int, high: int) -> None:
        part = (panel.values, panel.offsets, low, high)
        exponential_kernels.project_panel(part, season, known.parameters, (forecast, fitted, last))

    over_parts(run, panel.offsets, params.threads)
    if params.nonnegative:
        forecast = np.maximum(forecast, 0.0)
    begun = np.concatenate([[0], np.cumsum(~np.isnan(panel.values))])
    return replace(
        known, forecast=forecast, fitted=fitted, rmse=last[:, 0], level=last[:, 1], slope=last[:, 2],
        seasons=last[:, 3:], n=np.diff(begun[panel.offsets]),
    )  # fmt: skip


def _trend(name: str) -> int:
    return 0 if name[1] == "N" else 2 if name[2] == "d" else 1
