"""Which segment every cell belongs to, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.scheme.conditions import Reading, Verdict, judge, numbers, read_thresholds
from tierwise.engine.scheme.hysteresis import Reason, hold, name_segments, read_members, would_stay
from tierwise.engine.scheme.params import SchemeParams
from tierwise.engine.thresholds import label_frame

Ints = npt.NDArray[np.int64]

DEFAULT_RULE = "default"
"""What stands as the deciding rule where none took the cell."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every cell's segment with its reason.

    ``cells``, in the order of the metrics: grain; one column per threshold with its label, ``<name>_boundary``;
    ``proposed`` and ``rule`` (what the rules say now); ``decided`` (after hysteresis); ``segment`` (after pins);
    ``reason`` (see `Reason`); ``held``, ``pinned``, ``boundary`` (any threshold of a boundary case);
    ``streak`` and ``streak_segment``; ``numbers`` (struct: per threshold metric, value, label, cut, distance; and the
    metrics and attributes that rules name).
    ``state``: what the next evaluation wants as ``current``; pins are not in it, so that their end leaves no trace.
    ``cuts``: per threshold, group and boundary the cut on the metric's own scale, null where a side is empty.
    ``gone``: rows of ``current`` whose cell is not in the metrics. ``expired_pins``: pins no longer in force.
    """

    cells: pl.DataFrame
    state: pl.DataFrame
    cuts: pl.DataFrame
    gone: pl.DataFrame
    expired_pins: pl.DataFrame

    def assignments(self) -> pl.DataFrame:
        """Grain, segment, rule (or 'pinned', 'held') that decided, and numbers as JSON text: what is stored."""
        grain = [name for name in self.state.columns if name not in _STATE]
        by = pl.when(pl.col("pinned") | pl.col("held")).then("reason").otherwise("rule")
        return self.cells.select(*grain, "segment", by.alias("rule"), pl.col("numbers").struct.json_encode())


_STATE = ("segment", "streak", "streak_segment")


def evaluate(
    metrics: pl.DataFrame,
    params: SchemeParams,
    current: pl.DataFrame | None = None,
    pins: pl.DataFrame | None = None,
    on: date | None = None,
) -> Evaluation:
    """Label every cell, try the rules in order, hold members near a boundary, let pins win.

    ``metrics``: one row per cell with the grain, the metrics and the attributes that the scheme names.
    ``current``: grain, ``segment``, ``streak``, ``streak_segment`` (the last two may be missing): `Evaluation.state`
    of the evaluation before. ``pins``: grain, ``segment`` and optionally ``expires_on`` (Date, last day in force),
    looked at from the day ``on``.

    A member is held while the rules would keep it if every cut lay ``margin`` in its favour: conditions of its own
    segment's rules relaxed, those of other segments' rules tightened. It leaves anyway once the rules have proposed
    the same other segment ``consecutive`` evaluations in a row. New cells are assigned at once. A missing number never
    moves a member by itself: it is not beyond any boundary.
    Raises ValueError naming the frame, the column and the remedy.
    """
    check_cells("metrics", metrics, params.grain)
    readings = read_thresholds(metrics, params)
    verdicts = [judge(rule, metrics, readings, params.margin) for rule in params.rules]
    proposed, rule = _propose(verdicts, params, metrics.height)
    member = read_members(metrics, current, params)
    decision = hold(proposed, member, would_stay(verdicts, params, member.segment), params.consecutive)
    active, expired = _pins_in_force(pins, params, on)
    pinned = metrics.select(params.grain).join(active, on=params.grain, how="left", maintain_order="left")["segment"]
    by_hand = pinned.is_not_null()
    rules = pl.Series([*(each.name for each in params.rules), DEFAULT_RULE]).gather(pl.Series(rule))
    labels = {name: label_frame(read.threshold, read.values, read.labelled) for name, read in readings.items()}
    cells = metrics.select(params.grain).with_columns(
        *_label_columns(labels),
        name_segments(proposed, params).alias("proposed"),
        rules.alias("rule"),
        name_segments(decision.segment, params).alias("decided"),
        pl.select(pl.coalesce(pinned, name_segments(decision.segment, params))).to_series().alias("segment"),
        decision.reason.set(by_hand, Reason.PINNED.value).alias("reason"),
        ((decision.reason == Reason.HELD.value) & ~by_hand).alias("held"),
        by_hand.alias("pinned"),
        pl.Series(_any_boundary(readings, metrics.height)).alias("boundary"),
        pl.Series(decision.streak, dtype=pl.Int64).alias("streak"),
        name_segments(decision.streak_segment, params).alias("streak_segment"),
        _numbers(metrics, params, labels, rules).alias("numbers"),
    )
    state = cells.select(*params.grain, pl.col("decided").alias("segment"), "streak", "streak_segment")
    before = metrics.clear() if current is None else current
    gone = before.join(metrics, on=params.grain, how="anti", maintain_order="left")
    return Evaluation(cells, state, _cut_table(metrics, readings), gone, expired)


def check_cells(frame: str, cells: pl.DataFrame, grain: tuple[str, ...]) -> None:
    """Every cell once, every key filled."""
    for name in grain:
        if name not in cells.columns:
            raise ValueError(f"{frame}: column {name!r} of the grain is missing; add it or change the grain")
        if cells[name].null_count():
            raise ValueError(f"{frame}: column {name!r} has empty values; fill them, '*' stands for any")
    if cells.height and cells.select(grain).is_duplicated().any():
        raise ValueError(f"{frame}: a cell stands twice; give one row per {', '.join(grain)}")


def _propose(verdicts: list[Verdict], params: SchemeParams, height: int) -> tuple[Ints, Ints]:
    """Index of the segment and of the deciding rule (one past the last: default) per row."""
    position = {code: index for index, code in enumerate(params.codes)}
    segment = np.full(height, position[params.default_segment], dtype=np.int64)
    rule = np.full(height, len(params.rules), dtype=np.int64)
    for index in range(len(params.rules) - 1, -1, -1):
        segment[verdicts[index].now] = position[params.rules[index].segment]
        rule[verdicts[index].now] = index
    return segment, rule


def _pins_in_force(
    pins: pl.DataFrame | None, params: SchemeParams, on: date | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pins that hold on the day (grain and segment), and the rows of those that no longer do."""
    if pins is None:
        none = pl.DataFrame(schema={**dict.fromkeys(params.grain, pl.String), "segment": pl.String})
        return none, none
    if "segment" not in pins.columns:
        raise ValueError("pins: column 'segment' is missing; name the segment each cell is pinned to")
    if "expires_on" not in pins.columns:
        pins = pins.with_columns(expires_on=pl.lit(None, pl.Date))
    if on is None:
        raise ValueError("on: pins may expire; give the day the evaluation is for")
    holds = pl.col("expires_on").is_null() | (pl.col("expires_on") >= on)
    active = pins.filter(holds)
    check_cells("pins", active, params.grain)
    unknown = active.filter(~pl.col("segment").is_in(list(params.codes)).fill_null(False))
    if unknown.height:
        raise ValueError(f"pins: segment {unknown['segment'][0]!r} is not in the scheme; use one of {params.codes}")
    return active.select(*params.grain, "segment"), pins.filter(~holds)


def _label_columns(labels: Mapping[str, pl.DataFrame]) -> list[pl.Series]:
    columns = []
    for name, frame in labels.items():
        columns += [frame["label"].alias(name), frame["boundary"].alias(f"{name}_boundary")]
    return columns


def _any_boundary(readings: Mapping[str, Reading], height: int) -> npt.NDArray[np.bool_]:
    found = np.zeros(height, dtype=np.bool_)
    for reading in readings.values():
        found |= reading.labelled.boundary
    return found


def _numbers(
    metrics: pl.DataFrame, params: SchemeParams, labels: Mapping[str, pl.DataFrame], rules: pl.Series
) -> pl.Series:
    """Everything a decision was made on, as one struct per cell."""
    parts = {"rule": rules}
    if labels:
        columns = [
            frame.with_columns(metric=pl.lit(threshold.metric)).to_struct(threshold.name)
            for threshold, frame in zip(params.thresholds, labels.values(), strict=True)
        ]
        parts["thresholds"] = pl.DataFrame(columns).to_struct()
    compared = [pl.Series(name, numbers(metrics, name)).fill_nan(None) for name in params.comparisons]
    if compared:
        parts["metrics"] = pl.DataFrame(compared).to_struct()
    if params.attributes:
        parts["attributes"] = metrics.select(params.attributes).to_struct()
    return pl.DataFrame(parts).to_struct()


_CUT_TYPES = (pl.String, pl.List(pl.String), pl.String, pl.String, pl.Float64)


def _cut_table(metrics: pl.DataFrame, readings: Mapping[str, Reading]) -> pl.DataFrame:
    """One row per threshold, group (values of its ``within`` columns) and boundary: the labels it parts and the cut."""
    order = ("threshold", "group", "better", "worse", "cut")
    tables = [pl.DataFrame(schema=dict(zip(order, _CUT_TYPES, strict=True)))]
    for name, reading in readings.items():
        labels = reading.threshold.all_labels
        known = reading.labelled.index >= 0
        within = [pl.col(column).cast(pl.String) for column in reading.threshold.within]
        group = pl.concat_list(within) if within else pl.lit([], dtype=pl.List(pl.String))
        for boundary in range(len(labels) - 1):
            rows = metrics.select(group.alias("group"), cut=pl.Series(reading.labelled.cuts[:, boundary]))
            found = rows.filter(pl.Series(known)).unique("group", keep="first", maintain_order=True)
            marks = {"threshold": name, "better": labels[boundary], "worse": labels[boundary + 1]}
            marked = found.with_columns(pl.lit(value).alias(column) for column, value in marks.items())
            tables.append(marked.select(order).fill_nan(None))
    return pl.concat(tables)
