"""One score of 0 to 100 from several measures: value functions between limit and target, weights, gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

_SUPPLIER_PERIOD = ("supplier", "segment", "period_start")
_ABOUT = ("weight_measured", "missing", "gates", "ungated")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One measure's part in the score.

    ``limit`` earns 0 and ``target`` 100, straight in between; a target below the limit means that less is better.
    ``gate``: a value worse than this caps the whole score at ``gate_cap``. A criterion is data: its measure is a name
    to look up, there is no formula text to evaluate.
    """

    measure: str
    weight: float
    limit: float
    target: float
    gate: float | None = None
    gate_cap: float = 0.0

    def __post_init__(self) -> None:
        if not self.measure:
            raise ValueError("measure is empty; name the measure that the criterion scores")
        for name in ("weight", "limit", "target", "gate_cap"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} of {self.measure} is {getattr(self, name)}; give a finite number")
        if self.weight <= 0 and self.gate is None:
            raise ValueError(f"weight of {self.measure} is {self.weight}; give more than 0, or a gate")
        if self.weight < 0:
            raise ValueError(f"weight of {self.measure} is {self.weight}; give 0 or more")
        if self.limit == self.target:
            raise ValueError(f"limit and target of {self.measure} are both {self.limit}; set them apart")
        if self.gate is not None and not math.isfinite(self.gate):
            raise ValueError(f"gate of {self.measure} is {self.gate}; give a finite number or None")
        if not 0 <= self.gate_cap <= 100:
            raise ValueError(f"gate_cap of {self.measure} is {self.gate_cap}; give 0 to 100")


@dataclass(frozen=True, slots=True)
class ScoreParams:
    """The criteria, for every segment or by segment, and how little may be known.

    ``by_segment`` replaces ``criteria`` for the segments it names. ``least_weight`` is the weight (of 100) that must
    have been measured for a score to be given at all. ``value`` names the column scored (``shrunk`` after
    :func:`shrink`). With ``sure_gates`` a gate acts only when even the favourable end of the interval is beyond it, so
    that a small sample alone never trips one.
    """

    criteria: tuple[Criterion, ...] = ()
    by_segment: Mapping[str, tuple[Criterion, ...]] = field(default_factory=dict)
    least_weight: float = 50.0
    value: str = "value"
    sure_gates: bool = True

    def __post_init__(self) -> None:
        if not self.criteria and not self.by_segment:
            raise ValueError("criteria are empty; give at least one criterion")
        for name, chosen in (("criteria", self.criteria), *self.by_segment.items()):
            if not chosen and name == "criteria":
                continue
            total = math.fsum(each.weight for each in chosen)
            if abs(total - 100) > 1e-6:
                raise ValueError(f"weights of {name} add to {total:g}; they must add to 100")
            names = [each.measure for each in chosen]
            if repeated := sorted({each for each in names if names.count(each) > 1}):
                raise ValueError(f"{name} score {', '.join(repeated)} twice; keep one criterion each")
        if not 0 < self.least_weight <= 100:
            raise ValueError(f"least_weight is {self.least_weight}; give more than 0, at most 100")


def score(measured: pl.DataFrame, params: ScoreParams) -> pl.DataFrame:
    """How good was each supplier for each segment in each period, on one scale?

    ``measured`` from :func:`measures` or :func:`shrink`. Returns per supplier, segment and period: ``score`` (0 to 100,
    null when too little was measured), ``n`` (the least effective n of the scored measures, rounded down),
    ``weight_measured``, ``missing`` (measures without a value, comma separated), ``gates`` (those failed), ``ungated``
    (score before gates).

    score = Σ w·v / Σ w over the measures present, v = 100 (x − limit)/(target − limit) held within 0…100: missing
    measures give their weight to the others and are named. Then a failed gate caps. A segment without criteria is an
    error: add them or drop its rows. Between limit 80 % and target 95 %, 90 % earns 66.7:

    >>> from datetime import date
    >>> row = {"supplier": "s", "segment": "A", "period": "2025-06", "period_start": date(2025, 6, 1)}
    >>> otif = row | {"measure": "otif", "value": 0.9, "low": 0.8, "high": 0.95, "effective_n": 40.0}
    >>> found = score(pl.DataFrame([otif]), ScoreParams((Criterion("otif", 100, limit=0.8, target=0.95),)))
    >>> found.select(pl.col("score").round(1), "n").row(0)
    (66.7, 40)
    """
    if params.value not in measured.columns:
        raise ValueError(f"measured lacks {params.value}; choose another value column, or shrink the measures first")
    rows = _judged(measured, params)
    name = pl.col("measure")
    scored = rows.group_by(*_SUPPLIER_PERIOD, "period").agg(
        _sum=(pl.col("_weight") * pl.col("_points")).sum(),
        weight_measured=pl.col("_weight").sum(),
        n=pl.col("effective_n").filter(pl.col("_present")).min().floor().cast(pl.Int64),
        missing=name.filter(pl.col("x").is_null()).sort().str.join(", "),
        gates=name.filter(pl.col("_beyond")).sort().str.join(", "),
        _cap=pl.col("gate_cap").filter(pl.col("_beyond")).min(),
    )
    known = pl.col("weight_measured") >= params.least_weight - 1e-9
    ungated = pl.when(known).then((pl.col("_sum") / pl.col("weight_measured")).clip(0.0, 100.0))
    gated = pl.min_horizontal("ungated", pl.col("_cap").fill_null(100.0))
    return (
        scored.with_columns(ungated=ungated)
        .with_columns(score=pl.when(pl.col("ungated").is_not_null()).then(gated))
        .select(*_SUPPLIER_PERIOD[:2], "period", "period_start", "score", "n", *_ABOUT)
        .sort(_SUPPLIER_PERIOD)
    )


def _judged(measured: pl.DataFrame, params: ScoreParams) -> pl.DataFrame:
    """One row per criterion that applies: its value ``x``, ``_points``, ``_weight`` where present, ``_beyond`` its
    gate."""
    groups = measured.select(*_SUPPLIER_PERIOD, "period").unique()
    wanted = groups.join(_criteria_frame(params, groups["segment"].unique().to_list()), on="segment")
    own = measured.select(
        *_SUPPLIER_PERIOD, "measure", "low", "high", "effective_n", x=pl.col(params.value).fill_nan(None)
    )
    rows = wanted.join(own, on=[*_SUPPLIER_PERIOD, "measure"], how="left", nulls_equal=True)
    x, limit, target = pl.col("x"), pl.col("limit"), pl.col("target")
    more_is_better = target > limit
    tested = pl.when(more_is_better).then(pl.col("high")).otherwise(pl.col("low")) if params.sure_gates else x
    # An interval that is unknown cannot be sure; the measured value alone must not trip the gate then.
    beyond = pl.when(more_is_better).then(tested < pl.col("gate")).otherwise(tested > pl.col("gate"))
    present = x.is_not_null() & (pl.col("weight") > 0)
    return rows.with_columns(
        _beyond=beyond.fill_null(value=False),
        _weight=pl.when(present).then(pl.col("weight")).otherwise(0.0),
        _points=(100 * (x - limit) / (target - limit)).clip(0.0, 100.0),
        _present=present,
    )


def _criteria_frame(params: ScoreParams, segments: list[str]) -> pl.DataFrame:
    rows = []
    for segment in segments:
        chosen = params.by_segment.get(segment, params.criteria)
        if not chosen:
            raise ValueError(f"segment {segment} has no criteria; add them by segment or drop its measures")
        rows += [(segment, c.measure, c.weight, c.limit, c.target, c.gate, c.gate_cap) for c in chosen]
    schema = {"segment": pl.String, "measure": pl.String}
    numbers = dict.fromkeys(("weight", "limit", "target", "gate", "gate_cap"), pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **numbers}, orient="row")
