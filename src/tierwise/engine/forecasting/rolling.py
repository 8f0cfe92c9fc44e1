"""Rolling origins: what would each candidate have forecast, knowing only what was known then?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.candidates import Candidate
from tierwise.engine.forecasting.measures import Accuracy, accuracy, naive_scale
from tierwise.engine.forecasting.panel import Floats, Panel, whole


@dataclass(frozen=True, slots=True)
class TournamentParams:
    """``origins`` times the panel is cut off and ``horizon`` periods forecast, cuts ``step`` periods apart (0: the
    horizon, so that no period is judged twice). ``least_history`` known values a series must have at an origin, else
    that origin does not count for it. ``season`` scales errors."""

    horizon: int
    origins: int = 6
    step: int = 0
    season: int = 1
    least_history: int = 4

    def __post_init__(self) -> None:
        for name, least in (("horizon", 1), ("origins", 1), ("step", 0), ("season", 1), ("least_history", 1)):
            whole(name, getattr(self, name), least)

    @property
    def backs(self) -> list[int]:
        """How far back each origin lies, the earliest first."""
        stride = self.step or self.horizon
        return [self.horizon + stride * k for k in range(self.origins - 1, -1, -1)]


@dataclass(frozen=True, slots=True)
class Tournament:
    """``forecast`` candidates × series × origins × horizon, ``actual`` series × origins × horizon, NaN where unknown or
    too early; ``scale`` per series, mean absolute and root mean squared error of the naive forecast before the first
    origin (later where it had not begun)."""

    names: tuple[str, ...]
    forecast: Floats
    actual: Floats
    scale: tuple[Floats, Floats]
    params: TournamentParams

    def errors(self, candidate: int) -> Floats:
        """Actual less forecast, series × origins × horizon: what :func:`conformal_quantiles` takes."""
        return np.asarray(self.actual - self.forecast[candidate])

    def accuracy(self) -> Accuracy:
        """Per candidate and series over all origins and steps."""
        flat = (*self.actual.shape[:1], -1)
        return accuracy(self.actual.reshape(flat), self.forecast.reshape((len(self.names), *flat)), self.scale)

    def losses(self, kind: str = "squared") -> Floats:
        """Candidates × series × origins: mean loss over the steps, in units of the series' scale ("squared",
        "absolute"); NaN where any candidate has no forecast, so that all are judged by the same cases."""
        if kind not in {"squared", "absolute"}:
            raise ValueError(f"loss: {kind!r} is unknown; use squared or absolute")
        unit = self.scale[0 if kind == "absolute" else 1]
        unit = np.where(unit > 0, unit, 1.0)
        missed = np.abs(self.forecast - self.actual[None]) / unit[None, :, None, None]
        missed = np.where(np.isnan(missed).any(axis=0), np.nan, missed)
        if kind == "squared":
            missed = missed**2
        known = ~np.isnan(missed)
        count = known.sum(axis=-1)
        total = np.where(known, missed, 0.0).sum(axis=-1)
        return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def tournament(panel: Panel, candidates: Sequence[Candidate], params: TournamentParams) -> Tournament:
    """Lets candidates forecast from several past origins, each seeing only what came before, parameters found anew.

    Memory is candidates × series × origins × horizon numbers; give very large panels in batches of series, which
    changes nothing but for candidates that learn across series. ValueError for names that occur twice.
    Source: Tashman, IJF 16 (2000) 437-450.

    >>> from tierwise.engine.forecasting.candidates import Naive
    >>> params = TournamentParams(horizon=2, origins=2, least_history=2)
    >>> found = tournament(Panel.of([[1, 2, 3, 4, 5, 6]]), [Naive()], params)
    >>> found.errors(0).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """
    names = tuple(candidate.name for candidate in candidates)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"candidates: {', '.join(names) or 'none'}; give at least one, each with a name of its own")
    horizon, backs = params.horizon, params.backs
    shape = (len(panel), len(backs), horizon)
    forecast, actual = np.full((len(names), *shape), np.nan), np.full(shape, np.nan)
    first: list[Floats] = [np.full(len(panel), np.nan), np.full(len(panel), np.nan)]
    for origin, back in enumerate(backs):
        past = panel.until(back)
        known = np.concatenate([[0], np.cumsum(~np.isnan(past.values))])
        ready = np.diff(known[past.offsets]) >= params.least_history
        first = [np.where(np.isnan(f), s, f) for f, s in zip(first, naive_scale(past, params.season), strict=True)]
        if not ready.any():
            continue
        actual[ready, origin] = panel.latest(horizon, back - horizon)[ready]
        for place, candidate in enumerate(candidates):
            made: npt.NDArray[np.float64] = np.asarray(candidate.forecast(past, horizon), dtype=np.float64)
            if made.shape != (len(panel), horizon):
                raise ValueError(f"candidate {candidate.name}: gave shape {made.shape}; it must give series × horizon")
            forecast[place, ready, origin] = made[ready]
    return Tournament(names, forecast, actual, (first[0], first[1]), params)
