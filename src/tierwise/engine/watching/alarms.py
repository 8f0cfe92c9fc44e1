"""Were the alarms worth being woken for? Precision, misses and the days they gained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tierwise.engine import checks

ALARM_SCHEMA: dict[str, pl.DataType] = {
    "series": pl.String(),
    "on": pl.Date(),
    "until": pl.Date(),
    "alarms": pl.UInt32(),
    "event_on": pl.Date(),
    "lead_days": pl.Int64(),
}
EVENT_SCHEMA: dict[str, pl.DataType] = {
    "series": pl.String(),
    "on": pl.Date(),
    "warned_on": pl.Date(),
    "lead_days": pl.Int64(),
}


@dataclass(frozen=True, slots=True)
class AlarmParams:
    """When an alarm counts as right.

    An event must follow within ``horizon_days``; an alarm up to ``grace_days`` after it (reports arrive late) still
    counts, with negative lead. Alarms of a series no more than ``quiet_days`` apart are one episode: a chart that rings
    daily is not thirty times right or wrong.
    """

    horizon_days: int = 28
    grace_days: int = 0
    quiet_days: int = 7
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name in ("horizon_days", "grace_days", "quiet_days"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: is {getattr(self, name)}; give 0 or more days")
        checks.confidence(self.confidence)


@dataclass(frozen=True, slots=True)
class AlarmQuality:
    """How a set of alarms did. Shares are NaN where there is nothing to divide by.

    ``precision`` right episodes of all, ``recall`` warned events of all, each with a Wilson interval.
    ``false_per_year`` false episodes per series and year watched. ``median_lead_days`` over warned events.
    ``episodes`` and ``missed`` name them: ALARM_SCHEMA and EVENT_SCHEMA.
    """

    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float
    false_per_year: float
    median_lead_days: float
    episodes: pl.DataFrame
    events: pl.DataFrame


DEFAULT = AlarmParams()


def alarm_quality(
    alarms: pl.DataFrame, events: pl.DataFrame, series_days: float, params: AlarmParams = DEFAULT
) -> AlarmQuality:
    """How many alarms were followed by what they warned of, how many events were seen coming, and how early?

    ``alarms`` and ``events`` have ``series`` and ``on`` (date); ``series_days`` is the number of series times the days
    watched. Every episode is matched to the first event from its first alarm less ``grace_days`` to its last plus
    ``horizon_days``, every event to the earliest episode that reaches it; one episode may warn of several events.
    Rows with a missing date are left out. Raises ValueError for missing columns or no time watched.

    >>> from datetime import date
    >>> alarms = pl.DataFrame({"series": ["a", "a", "b"], "on": [date(2026, 1, 1), date(2026, 1, 3), date(2026, 1, 1)]})
    >>> events = pl.DataFrame({"series": ["a", "c"], "on": [date(2026, 1, 11), date(2026, 1, 11)]})
    >>> quality = alarm_quality(alarms, events, series_days=3 * 365.25)
    >>> quality.precision, quality.recall, quality.median_lead_days, round(quality.false_per_year, 2)
    (0.5, 0.5, 10.0, 0.33)
    """
    if not series_days > 0:
        raise ValueError(f"series_days: is {series_days}; give the number of series times the days watched")
    episodes = _episodes(_dated(alarms, "alarms"), params)
    happened = _dated(events, "events").unique().sort("series", "on")
    reach = (
        episodes.join(happened.rename({"on": "event_on"}), on="series", how="inner")
        .filter(pl.col("event_on") >= pl.col("on") - pl.duration(days=params.grace_days))
        .filter(pl.col("event_on") <= pl.col("until") + pl.duration(days=params.horizon_days))
    )
    hit = reach.group_by("series", "on").agg(pl.col("event_on").min())
    judged = episodes.join(hit, on=["series", "on"], how="left", maintain_order="left").with_columns(
        lead_days=(pl.col("event_on") - pl.col("on")).dt.total_days()
    )
    warned = reach.group_by("series", pl.col("event_on").alias("_event")).agg(warned_on=pl.col("on").min())
    seen = happened.join(
        warned, left_on=["series", "on"], right_on=["series", "_event"], how="left", maintain_order="left"
    ).with_columns(lead_days=(pl.col("on") - pl.col("warned_on")).dt.total_days())
    right, foreseen = judged["event_on"].count(), seen["warned_on"].count()
    precision = _share(right, judged.height, params.confidence)
    recall = _share(foreseen, seen.height, params.confidence)
    lead = seen["lead_days"].median()
    return AlarmQuality(
        *precision,
        *recall,
        false_per_year=(judged.height - right) / series_days * 365.25,
        median_lead_days=float("nan") if lead is None else float(lead),  # type: ignore[arg-type]
        episodes=judged.select(pl.col(name).cast(kind) for name, kind in ALARM_SCHEMA.items()),
        events=seen.select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items()),
    )


@dataclass(frozen=True, slots=True)
class BudgetedThreshold:
    """The lowest threshold whose false alarms stay within a budget, and what it would have caught.

    ``threshold`` is infinite where even the highest score is too costly. ``false_alarms`` and ``caught`` count scores
    at or above it, of ``quiet`` and ``events`` scored.
    """

    threshold: float
    false_alarms: int
    caught: int
    quiet: int
    events: int


def threshold_for_budget(scores: pl.DataFrame, budget: int) -> BudgetedThreshold:
    """From which score on should people be alarmed, if they accept ``budget`` false alarms over this history?

    ``scores`` has ``score`` and ``event`` (whether what it warns of followed); rows with a null or NaN in either are
    left out. The threshold is a score that occurred: all of one height alarm or none. Raises ValueError for a negative
    budget or missing columns.

    >>> history = pl.DataFrame({"score": [0.9, 0.8, 0.7, 0.6], "event": [True, False, True, False]})
    >>> threshold_for_budget(history, budget=1)
    BudgetedThreshold(threshold=0.7, false_alarms=1, caught=2, quiet=2, events=2)
    """
    if budget < 0:
        raise ValueError(f"budget: is {budget}; give 0 or more false alarms")
    checks.columns("scores", scores, ("score", "event"))
    known = scores.select(pl.col("score").cast(pl.Float64).fill_nan(None), "event").drop_nulls()
    steps = (
        known.group_by("score")
        .agg(quiet=(~pl.col("event")).sum().cast(pl.Int64), events=pl.col("event").sum().cast(pl.Int64))
        .sort("score", descending=True)
        .with_columns(pl.col("quiet").cum_sum(), pl.col("events").cum_sum())
    )
    events = int(known["event"].sum())
    quiet = known.height - events
    within = steps.filter(pl.col("quiet") <= budget)
    if within.is_empty():
        return BudgetedThreshold(float("inf"), 0, 0, quiet, events)
    cut = within.row(-1, named=True)
    return BudgetedThreshold(cut["score"], cut["quiet"], cut["events"], quiet, events)


def _dated(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    checks.columns(name, frame, ("series", "on"))
    return frame.select(pl.col("series").cast(pl.String), pl.col("on").cast(pl.Date)).drop_nulls()


def _episodes(alarms: pl.DataFrame, params: AlarmParams) -> pl.DataFrame:
    apart = (pl.col("on").diff().over("series") > pl.duration(days=params.quiet_days)).fill_null(value=True)
    return (
        alarms.sort("series", "on")
        .with_columns(_episode=apart.cum_sum().over("series"))
        .group_by("series", "_episode", maintain_order=True)
        .agg(on=pl.col("on").min(), until=pl.col("on").max(), alarms=pl.len())
        .drop("_episode")
    )


def _share(hits: int, n: int, confidence: float) -> tuple[float, float, float]:
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    from tierwise.engine.scoring.intervals import wilson  # noqa: PLC0415 - its package loads the compiler

    low, high = wilson(np.array(hits / n), np.array(n), confidence)
    return hits / n, float(low), float(high)
