"""Forecasting: what comes, how sure that is, which method earned the right to say so, and does it all add up.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.forecasting.candidates import (
        Candidate,
        Exponential,
        Intermittent,
        Naive,
        Theta,
        Together,
        own_candidates,
    )
    from tierwise.engine.forecasting.champions import (
        ChampionParams,
        Champions,
        choose_champions,
        diebold_mariano,
        paired_signs,
    )
    from tierwise.engine.forecasting.combination import combine, inverse_error_weights
    from tierwise.engine.forecasting.events import (
        EventEffects,
        EventParams,
        Events,
        WithEvents,
        event_effects,
        promotion_events,
    )
    from tierwise.engine.forecasting.exponential import (
        FAMILIES,
        FORMS,
        ExponentialParams,
        Smoothed,
        exponential_smoothing,
        project,
    )
    from tierwise.engine.forecasting.further import GlobalTrees, Statsforecast
    from tierwise.engine.forecasting.hierarchy import Hierarchy, Reconciled, reconcile
    from tierwise.engine.forecasting.intermittent import DemandRates, IntermittentParams, intermittent_demand
    from tierwise.engine.forecasting.intervals import Quantiles, conformal_quantiles, scale_of
    from tierwise.engine.forecasting.measures import (
        Accuracy,
        Tracking,
        accuracy,
        coverage,
        naive_scale,
        pinball,
        tracking_signal,
    )
    from tierwise.engine.forecasting.panel import Panel
    from tierwise.engine.forecasting.rolling import Tournament, TournamentParams, tournament
    from tierwise.engine.forecasting.theta import ThetaForecast, ThetaParams, theta_method
    from tierwise.engine.forecasting.value_added import ValueAdded, forecast_value_added, value_steps

load_on_first_use(
    __name__,
    {
        "candidates": (
            "Candidate",
            "Exponential",
            "Intermittent",
            "Naive",
            "Theta",
            "Together",
            "own_candidates",
        ),
        "champions": (
            "ChampionParams",
            "Champions",
            "choose_champions",
            "diebold_mariano",
            "paired_signs",
        ),
        "combination": (
            "combine",
            "inverse_error_weights",
        ),
        "events": (
            "EventEffects",
            "EventParams",
            "Events",
            "WithEvents",
            "event_effects",
            "promotion_events",
        ),
        "exponential": (
            "ExponentialParams",
            "FAMILIES",
            "FORMS",
            "Smoothed",
            "exponential_smoothing",
            "project",
        ),
        "further": (
            "GlobalTrees",
            "Statsforecast",
        ),
        "hierarchy": (
            "Hierarchy",
            "Reconciled",
            "reconcile",
        ),
        "intermittent": (
            "DemandRates",
            "IntermittentParams",
            "intermittent_demand",
        ),
        "intervals": (
            "Quantiles",
            "conformal_quantiles",
            "scale_of",
        ),
        "measures": (
            "Accuracy",
            "Tracking",
            "accuracy",
            "coverage",
            "naive_scale",
            "pinball",
            "tracking_signal",
        ),
        "panel": ("Panel",),
        "rolling": (
            "Tournament",
            "TournamentParams",
            "tournament",
        ),
        "theta": (
            "ThetaForecast",
            "ThetaParams",
            "theta_method",
        ),
        "value_added": (
            "ValueAdded",
            "forecast_value_added",
            "value_steps",
        ),
    },
)

__all__ = [
    "FAMILIES",
    "FORMS",
    "Accuracy",
    "Candidate",
    "ChampionParams",
    "Champions",
    "DemandRates",
    "EventEffects",
    "EventParams",
    "Events",
    "Exponential",
    "ExponentialParams",
    "GlobalTrees",
    "Hierarchy",
    "Intermittent",
    "IntermittentParams",
    "Naive",
    "Panel",
    "Quantiles",
    "Reconciled",
    "Smoothed",
    "Statsforecast",
    "Theta",
    "ThetaForecast",
    "ThetaParams",
    "Together",
    "Tournament",
    "TournamentParams",
    "Tracking",
    "ValueAdded",
    "WithEvents",
    "accuracy",
    "choose_champions",
    "combine",
    "conformal_quantiles",
    "coverage",
    "diebold_mariano",
    "event_effects",
    "exponential_smoothing",
    "forecast_value_added",
    "intermittent_demand",
    "inverse_error_weights",
    "naive_scale",
    "own_candidates",
    "paired_signs",
    "pinball",
    "project",
    "promotion_events",
    "reconcile",
    "scale_of",
    "theta_method",
    "tournament",
    "tracking_signal",
    "value_steps",
]
