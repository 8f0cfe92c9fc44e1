"""Which cells meet a rule: as things stand, if every cut lay in the cell's favour, and beyond every doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.scheme.params import Comparison, Rule, SchemeParams, parse_comparison
from tierwise.engine.thresholds import UNKNOWN, Labelled, Threshold, label_values, metric_values

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Per row: ``now`` (cuts where they are), ``relaxed`` (cuts moved in favour), ``strict`` (moved against)."""

    now: Mask
    relaxed: Mask
    strict: Mask

    def both(self, other: Verdict) -> Verdict:
        return Verdict(self.now & other.now, self.relaxed & other.relaxed, self.strict & other.strict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A threshold read off the metrics."""

    threshold: Threshold
    values: Floats
    labelled: Labelled


def read_thresholds(metrics: pl.DataFrame, params: SchemeParams) -> dict[str, Reading]:
    readings = {}
    for threshold in params.thresholds:
        values = metric_values(metrics, threshold)
        readings[threshold.name] = Reading(threshold, values, label_values(metrics, threshold, values))
    return readings


def judge(rule: Rule, metrics: pl.DataFrame, readings: Mapping[str, Reading], margin: float) -> Verdict:
    """A verdict per row: every condition of the rule must hold.

    A missing number never meets a condition as things stand, but it is not beyond any boundary either: relaxed it
    holds, strictly it does not. Labels allowed as '?' count as what they are. Attributes have no margin.
    """
    everything = np.ones(metrics.height, dtype=np.bool_)
    verdict = Verdict(everything, everything, everything)
    for key, condition in rule.when.items():
        if isinstance(condition, tuple):
            reading = readings.get(key)
            found = (
                _judge_values(metrics, key, condition) if reading is None else _judge_label(reading, condition, margin)
            )
            verdict = verdict.both(found)
        else:
            values = numbers(metrics, key)
            for comparison in parse_comparison(condition):
                verdict = verdict.both(_judge_number(values, comparison, margin))
    return verdict


def numbers(metrics: pl.DataFrame, column: str) -> Floats:
    """A metric as floats, NaN where missing."""
    if column not in metrics.columns:
        raise ValueError(f"metrics: column {column!r} is missing, a rule compares it; add it or change the rule")
    return metrics[column].cast(pl.Float64).fill_null(nan).to_numpy()


def _judge_label(reading: Reading, allowed: tuple[str, ...], margin: float) -> Verdict:
    labels = reading.threshold.all_labels
    index = reading.labelled.index
    unknown = index < 0
    # One extra entry, last, so that index -1 reads whether '?' is allowed.
    fits = np.array([*(name in allowed for name in labels), UNKNOWN in allowed])
    best, worst = reading.labelled.reach(reading.values, margin)
    fitting_before = np.concatenate([[0], np.cumsum(fits[:-1])])
    reachable = fitting_before[worst + 1] - fitting_before[best]
    relaxed = np.where(unknown, True, reachable > 0)
    strict = np.where(unknown, fits[-1], reachable == worst - best + 1)
    return Verdict(fits[index], relaxed, strict)


def _judge_values(metrics: pl.DataFrame, column: str, allowed: tuple[str, ...]) -> Verdict:
    if column not in metrics.columns:
        raise ValueError(
            f"metrics: column {column!r} is missing, a rule asks for its values; add it or change the rule"
        )
    mask = metrics[column].cast(pl.String).is_in(list(allowed)).fill_null(False).to_numpy()
    return Verdict(mask, mask, mask)


def _judge_number(values: Floats, comparison: Comparison, margin: float) -> Verdict:
    operator, number = comparison
    slack = margin * abs(number)
    missing = np.isnan(values)
    if operator in {"==", "!="}:
        now = (values == number) if operator == "==" else (values != number) & ~missing
        return Verdict(now, now | missing, now)
    upward = operator.startswith(">")
    distance = values - number if upward else number - values
    with np.errstate(invalid="ignore"):
        if operator.endswith("="):
            return Verdict(distance >= 0, (distance >= -slack) | missing, distance >= slack)
        return Verdict(distance > 0, (distance > -slack) | missing, distance > slack)
