"""Candidates of other libraries behind the same port; installed with ``pip install 'tierwise[forecast]'``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from tierwise.engine.forecasting.measures import naive_scale
from tierwise.engine.forecasting.panel import Floats, Panel, whole

MODELS = ("AutoETS", "AutoARIMA", "AutoCES", "AutoTheta", "OptimizedTheta", "DynamicOptimizedTheta", "MSTL")
REMEDY = "is not installed; install tierwise[forecast], or leave this candidate out"


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(f"candidate: {name.partition('.')[0]} {REMEDY}") from error


@dataclass(frozen=True, slots=True)
class Statsforecast:
    """A model of Nixtla's statsforecast per series, one after the other.

    Unknown values within a series are interpolated, for its models take none. NaN where the model refuses a series,
    mostly for being too short. ValueError when the library is missing.

    >>> Statsforecast("AutoETS", season=12).name
    'AutoETS'
    """

    model: str = "AutoETS"
    season: int = 1

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"model: {self.model!r} is unknown; use one of {', '.join(MODELS)}")
        whole("season", self.season, 1)

    @property
    def name(self) -> str:
        return self.model

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        model = getattr(_module("statsforecast.models"), self.model)(season_length=self.season)
        found = np.full((len(panel), horizon), np.nan)
        for i in range(len(panel)):
            y = _filled(panel[i])
            if not y.size:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found[i] = model.forecast(y, horizon)["mean"]
            except Exception:  # noqa: S112 - the library raises bare Exception for series it cannot fit
                continue
        return found


def _filled(y: Floats) -> Floats:
    known = np.flatnonzero(~np.isnan(y))
    if not known.size:
        return y[:0]
    at = np.arange(known[0], y.size)
    return np.interp(at, known, y[known])


@dataclass(frozen=True, slots=True)
class GlobalTrees:
    """One gradient-boosted tree model (LightGBM) learned over all series at once; for many short, similar series.

    Every series is scaled by its own recent mean; what is learned is the value ``step`` periods ahead from the last
    ``lags`` values, means, the value a cycle before and the place in the cycle. ``rounds`` trees; ``most_rows`` bounds
    what is learned from (origins are thinned evenly). Deterministic. Unknown values stay unknown to the trees.

    >>> GlobalTrees(12, lags=12).name
    'global trees'
    """

    season: int = 1
    lags: int = 12
    rounds: int = 200
    most_rows: int = 400_000
    threads: int = 1
    name: str = "global trees"

    def __post_init__(self) -> None:
        for field, least in (("season", 1), ("lags", 1), ("rounds", 1), ("most_rows", 1000), ("threads", 0)):
            whole(field, getattr(self, field), least)

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        lightgbm = _module("lightgbm")
        longest = int(panel.lengths.max()) if len(panel) else 0
        found = np.full((len(panel), horizon), np.nan)
        origins = np.arange(horizon, longest - 2)
        rows = len(panel) * horizon
        if not origins.size or not rows:
            return found
        wanted = max(self.most_rows // rows, 1)
        backs = np.unique(origins[:: max(-(-origins.size // wanted), 1)])
        parts = [self._cases(panel, int(back), horizon) for back in backs]
        features, aims = np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])
        known = ~np.isnan(aims)
        if known.sum() < 50:
            return found
        settings = {
            "objective": "regression", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20,
            "deterministic": True, "force_row_wise": True, "seed": 1, "verbose": -1, "num_threads": self.threads,
            "feature_fraction": 0.8,
        }  # fmt: skip
        data = lightgbm.Dataset(features[known], aims[known])
        trees = lightgbm.train(settings, data, num_boost_round=self.rounds)
        now, _, scale = self._cases(panel, 0, horizon)
        predicted = trees.predict(now).reshape(horizon, len(panel)).T * scale[:, None]
        return np.maximum(predicted, 0.0) if not (panel.values < 0).any() else np.asarray(predicted)

    def _cases(self, panel: Panel, back: int, horizon: int) -> tuple[Floats, Floats, Floats]:
        """Features, aims and scales of all series as they stood ``back`` periods ago, step by step ahead."""
        width = max(self.lags, 2 * self.season + horizon)
        past = panel.latest(width, back)
        recent = past[:, -max(self.lags, self.season) :]
        known = ~np.isnan(recent)
        with np.errstate(invalid="ignore"):
            scale = np.where(known, np.abs(recent), 0.0).sum(axis=1) / known.sum(axis=1)
        scale = np.where(scale > 0, scale, np.nan_to_num(naive_scale(panel.until(back))[0], nan=0.0))
        scale = np.where(scale > 0, scale, 1.0)
        shares = past / scale[:, None]
        means = [_mean(shares[:, -length:]) for length in (3, 6, self.lags)]
        empty = np.mean(recent == 0, axis=1)
        features, aims = [], []
        ahead = panel.latest(horizon, back - horizon) if back >= horizon else np.full((len(panel), horizon), np.nan)
        for step in range(1, horizon + 1):
            # Counted from the end of the panel, where all series meet.
            place = (step - back) % self.season
            reach = -(-step // self.season) * self.season
            lagged = shares[:, width + step - 1 - reach]
            twice = shares[:, width + step - 1 - reach - self.season]
            constant = np.tile([float(step), float(place)], (len(panel), 1))
            features.append(
                np.column_stack([shares[:, -self.lags :], *means, empty, np.log(scale), lagged, twice, constant])
            )
            aims.append(ahead[:, step - 1] / scale)
        return np.concatenate(features), np.concatenate(aims), scale


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
