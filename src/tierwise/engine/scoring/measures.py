"""Measures per supplier, segment and period, each with its numerator, denominator, n, effective n and interval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from tierwise.engine.scoring import intervals
from tierwise.engine.scoring.agreement import key_columns
from tierwise.engine.scoring.periods import Period, period_end, period_label, period_start

COMMON = "COMMON"
"""Segment of whatever reaches no segment; segments and COMMON sum to the supplier's total."""

GROUP = ("supplier", "segment", "period_start")


class Measure(StrEnum):
    """What is measured, and the date that places a line in a period.

    By due date: ``OTIF``, ``ON_TIME``, ``IN_FULL`` (shares of judged units), ``FILL_RATE`` (Σ received, at most ordered
    / Σ ordered), ``LINE_FILL_RATE`` (share of lines received whole), ``LEAD_TIME_ADHERENCE`` (share of lines within the
    tolerance of the agreed lead time; a line not delivered is outside), ``LEAD_TIME_BIAS`` (mean days over delivered
    lines). By last receipt: ``REJECT_PPM`` (Σ rejected / Σ received × 10⁶), ``REJECTED_LINES`` (share of received lines
    with any reject).
    """

    OTIF = "otif"
    ON_TIME = "on_time"
    IN_FULL = "in_full"
    FILL_RATE = "fill_rate"
    LINE_FILL_RATE = "line_fill_rate"
    LEAD_TIME_ADHERENCE = "lead_time_adherence"
    LEAD_TIME_BIAS = "lead_time_bias"
    REJECT_PPM = "reject_ppm"
    REJECTED_LINES = "rejected_lines"


SHARES = tuple(str(each) for each in Measure if each not in {Measure.LEAD_TIME_BIAS, Measure.REJECT_PPM})
_NEEDED = (
    *("supplier", "attributed_on", "received_on", "ordered", "received", "rejected", "lead_time_deviation"),
    *("on_time", "in_full", "otif", "exclusion", "unit_lines"),
)
_MEASURES = pl.Enum(sorted(str(each) for each in Measure))
_UNIT_SHARES = (Measure.OTIF, Measure.ON_TIME, Measure.IN_FULL)


@dataclass(frozen=True, slots=True)
class MeasureParams:
    """Confidence of the intervals and days by which a lead time may deviate either way and still be adhered to."""

    confidence: float = 0.95
    lead_time_tolerance_days: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; give a probability between 0 and 1, such as 0.95")
        if self.lead_time_tolerance_days < 0:
            raise ValueError(f"lead_time_tolerance_days is {self.lead_time_tolerance_days}; give 0 or more days")


_DEFAULTS = MeasureParams()


def measures(
    judgements: pl.DataFrame,
    weights: pl.DataFrame | None,
    periods: Period | None,
    params: MeasureParams = _DEFAULTS,
) -> pl.DataFrame:
    """How did each supplier perform for each segment in each period?

    ``judgements`` from :func:`judge_lines`. ``weights`` says with which share each line counts for each segment:
    columns ``segment``, ``share`` (0 to 1) and ``line_id`` or the line's key; what a line's shares leave open, and
    lines without any, count for ``COMMON``. None puts everything there. ``periods`` None measures all dates at once.

    Returns one row per supplier, segment, period and measure: ``value``, ``numerator``, ``denominator``, ``n`` (units
    that count, whatever their share), ``effective_n`` (Kish), ``low``, ``high``, ``method`` of the interval. Numerators
    and denominators of a supplier's segments add up to its total. A period without activity has no row.

    Intervals: shares by Wilson on the effective n (fill rate by quantity with ordered quantities as weights, where it
    is conservative), ppm by exact Poisson or, with fractional shares, Fay and Feuer (rejects of one lot come together,
    so read it beside REJECTED_LINES), bias by Student's t. Example: 72,700 rejects of 2,327,299 units are 31,238 ppm.

    Raises ValueError for shares outside 0…1, that exceed 1 in sum for a line, or that name a line twice for a segment.
    """
    units = _weighted(judgements, weights)
    by_due = _timed(units.filter(pl.col("exclusion").is_null()), "attributed_on", periods)
    by_receipt = _timed(units.filter(pl.col("received") > 0), "received_on", periods)
    tables = [
        _unit_shares(by_due, params),
        _line_measures(by_due, params),
        _quality(by_receipt, params),
    ]
    result = pl.concat(tables, how="vertical")
    begin = pl.col("period_start")
    if periods is None:
        labels = [pl.lit("all").alias("period"), pl.lit(None, dtype=pl.Date).alias("period_end")]
    else:
        labels = [period_label(begin, periods).alias("period"), period_end(begin, periods).alias("period_end")]
    columns = ("supplier", "segment", "period", "period_start", "period_end", "measure", "value", "numerator")
    rest = ("denominator", "n", "effective_n", "low", "high", "method")
    result = result.sort(*GROUP, "measure").with_columns(labels).select(*columns, *rest)
    return result.cast({"supplier": pl.String, "segment": pl.String, "measure": pl.String})


def _weighted(judgements: pl.DataFrame, weights: pl.DataFrame | None) -> pl.DataFrame:
    """Judgements once per segment they count for, with ``share``. Names become enumerations: grouping by text is
    slow."""
    names = judgements["supplier"].unique().drop_nulls().sort()
    judgements = judgements.with_columns(pl.col("supplier").cast(pl.Enum(names)))
    wanted = [name for name in (*_NEEDED, "source", "order") if name in judgements.columns]
    if weights is None or weights.is_empty():
        common = pl.lit(COMMON, dtype=pl.Enum([COMMON]))
        return judgements.select(*wanted, segment=common, share=pl.lit(1.0))
    shares = _shares(judgements, weights)
    used = shares.group_by("_row").agg(pl.col("share").sum())
    if (used["share"] > 1 + 1e-6).any():
        raise ValueError("weights.share exceeds 1 in sum for a line; divide by the line's total first")
    left = pl.select(_row=pl.int_range(len(judgements), dtype=pl.UInt32)).join(used, on="_row", how="left")
    left = left.select("_row", share=1 - pl.col("share").fill_null(0.0)).filter(pl.col("share") > 1e-6)
    own_common = shares["segment"] == COMMON
    if own_common.any():
        # A line that names COMMON itself must not count there twice.
        left = (
            pl.concat([left, shares.filter(own_common).select("_row", "share")]).group_by("_row").agg(pl.sum("share"))
        )
        shares = shares.filter(~own_common)
    rest = left.select("_row", pl.lit(COMMON, dtype=shares.schema["segment"]).alias("segment"), "share")
    both = pl.concat([shares.filter(pl.col("share") > 0), rest])
    return judgements.select(wanted)[both["_row"]].hstack(both.select("segment", "share"))


def _shares(judgements: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """The weights of the lines at hand: _row of the judgement, segment (enumeration with COMMON), share."""
    key = ["line_id"] if "line_id" in weights.columns else key_columns(weights.columns)
    for frame, name in ((judgements, "judgements"), (weights, "weights")):
        if missing := [column for column in key if column not in frame.columns]:
            raise ValueError(f"{name} lack {', '.join(missing)}; both must name a line alike")
    share = pl.col("share").cast(pl.Float64)
    if weights.select((share.is_null() | share.is_nan() | (share < 0) | (share > 1 + 1e-9)).any()).item():
        raise ValueError("weights.share must lie between 0 and 1 on every row; divide by the line's total first")
    names = sorted({COMMON, *weights["segment"].drop_nulls().unique().to_list()})
    segment = pl.col("segment").cast(pl.String).cast(pl.Enum(names)).fill_null(COMMON)
    rows = judgements.lazy().select(key).with_row_index("_row")
    lazy = weights.lazy().select(*key, segment, share).join(rows, on=key, how="inner", nulls_equal=True)
    shares = lazy.select("_row", "segment", "share").collect()
    cell = pl.col("_row").cast(pl.UInt64) * len(names) + pl.col("segment").to_physical()
    if shares.select(cell.is_duplicated().any()).item():
        raise ValueError("weights name a line twice for one segment; sum its shares first")
    return shares


def _timed(units: pl.DataFrame, dated_by: str, periods: Period | None) -> pl.DataFrame:
    if periods is None:
        return units.with_columns(period_start=pl.lit(None, dtype=pl.Date))
    dated = units.filter(pl.col(dated_by).is_not_null())
    return dated.with_columns(period_start=period_start(pl.col(dated_by), periods))


def _unit_shares(units: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    if (units["unit_lines"] > 1).any():
        # Lines of one order share one verdict: they are one trial, with the mean of their shares as weight.
        order = [name for name in ("source", "order") if name in units.columns]
        units = units.group_by([*GROUP, *order]).agg(
            (pl.col("share").sum() / pl.col("unit_lines").first()).alias("share"),
            *(pl.col(name).first() for name in _UNIT_SHARES),
        )
    weight = pl.col("share")
    sums = units.group_by(GROUP).agg(
        n=pl.len(),
        denominator=weight.sum(),
        _squares=(weight**2).sum(),
        **{name: (weight * pl.col(name)).sum() for name in _UNIT_SHARES},
    )
    long = sums.unpivot(
        on=list(_UNIT_SHARES),
        index=[*GROUP, "n", "denominator", "_squares"],
        variable_name="measure",
        value_name="numerator",
    )
    return _share_rows(long, params)


def _line_measures(units: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    weight, ordered = pl.col("share"), pl.col("ordered")
    filled = pl.min_horizontal("received", "ordered")
    whole = pl.col("received") >= ordered * (1 - 1e-9)
    deviation = pl.col("lead_time_deviation")
    held = (deviation.abs() <= params.lead_time_tolerance_days).fill_null(value=False)
    known = pl.when(deviation.is_not_null()).then(weight).otherwise(0.0)
    sums = units.group_by(GROUP).agg(
        n=pl.len(),
        weight=weight.sum(),
        squares=(weight**2).sum(),
        ordered=(weight * ordered).sum(),
        ordered_squares=((weight * ordered) ** 2).sum(),
        filled=(weight * filled).sum(),
        whole=(weight * whole).sum(),
        held=(weight * held).sum(),
        delivered=deviation.is_not_null().sum(),
        known=known.sum(),
        known_squares=(known**2).sum(),
        days=(weight * deviation).sum(),
        days_squares=(weight * deviation**2).sum(),
    )

    def rows(measure: Measure, top: str, bottom: str, squares: str) -> pl.DataFrame:
        return sums.select(
            *GROUP,
            measure=pl.lit(str(measure)),
            numerator=pl.col(top).cast(pl.Float64),
            denominator=pl.col(bottom).cast(pl.Float64),
            n=pl.col("n"),
            _squares=pl.col(squares).cast(pl.Float64),
        )

    shares = pl.concat(
        [
            rows(Measure.FILL_RATE, "filled", "ordered", "ordered_squares"),
            rows(Measure.LINE_FILL_RATE, "whole", "weight", "squares"),
            rows(Measure.LEAD_TIME_ADHERENCE, "held", "weight", "squares"),
        ]
    )
    return pl.concat([_share_rows(shares, params), _bias_rows(sums, params)])


def _bias_rows(sums: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    known = sums.filter(pl.col("known") > 0)
    weight = known["known"].to_numpy()
    mean = known["days"].to_numpy() / weight
    effective = intervals.kish_effective_n(weight, known["known_squares"].to_numpy())
    spread = np.maximum(known["days_squares"].to_numpy() / weight - mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        sample = np.where(effective > 1, spread * effective / (effective - 1), np.nan)
    low, high = intervals.student_mean(mean, sample, effective, params.confidence)
    rows = known.select(
        *GROUP,
        measure=pl.lit(str(Measure.LEAD_TIME_BIAS)),
        numerator=pl.col("days").cast(pl.Float64),
        denominator=pl.col("known"),
        n=pl.col("delivered").cast(pl.UInt32),
    )
    return _finish(rows, mean, effective, (low, high), "student")


def _quality(units: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    weight, refused = pl.col("share"), pl.col("rejected")
    sums = units.group_by(GROUP).agg(
        n=pl.len(),
        weight=weight.sum(),
        squares=(weight**2).sum(),
        received=(weight * pl.col("received")).sum(),
        received_squares=((weight * pl.col("received")) ** 2).sum(),
        rejected=(weight * refused).sum(),
        rejected_squares=(weight**2 * refused).sum(),
        largest=weight.max(),
        hit=(weight * (refused > 0)).sum(),
    )
    base = sums["received"].to_numpy()
    bounds = intervals.weighted_poisson(
        sums["rejected"].to_numpy(), sums["rejected_squares"].to_numpy(), sums["largest"].to_numpy(), params.confidence
    )
    ppm = sums.select(
        *GROUP,
        measure=pl.lit(str(Measure.REJECT_PPM)),
        numerator=pl.col("rejected").cast(pl.Float64),
        denominator=pl.col("received").cast(pl.Float64),
        n=pl.col("n"),
    )
    effective = intervals.kish_effective_n(base, sums["received_squares"].to_numpy())
    value = 1e6 * sums["rejected"].to_numpy() / base
    scaled = (1e6 * bounds[0] / base, 1e6 * bounds[1] / base)
    lines = sums.select(
        *GROUP,
        measure=pl.lit(str(Measure.REJECTED_LINES)),
        numerator=pl.col("hit").cast(pl.Float64),
        denominator=pl.col("weight"),
        n=pl.col("n"),
        _squares=pl.col("squares"),
    )
    return pl.concat([_finish(ppm, value, effective, scaled, "poisson"), _share_rows(lines, params)])


def _share_rows(rows: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    base = rows["denominator"].to_numpy()
    value = np.clip(rows["numerator"].to_numpy() / base, 0.0, 1.0)
    effective = intervals.kish_effective_n(base, rows["_squares"].to_numpy())
    bounds = intervals.wilson(value, effective, params.confidence)
    return _finish(rows.drop("_squares"), value, effective, bounds, "wilson")


def _finish(
    rows: pl.DataFrame,
    value: intervals.Floats,
    effective: intervals.Floats,
    bounds: tuple[intervals.Floats, intervals.Floats],
    method: str,
) -> pl.DataFrame:
    return rows.select(
        *GROUP,
        pl.col("measure").cast(_MEASURES),
        pl.col("numerator").cast(pl.Float64),
        pl.col("denominator").cast(pl.Float64),
        pl.col("n").cast(pl.Int64),
        pl.Series("value", value, dtype=pl.Float64),
        pl.Series("effective_n", effective, dtype=pl.Float64),
        pl.Series("low", bounds[0], dtype=pl.Float64).fill_nan(None),
        pl.Series("high", bounds[1], dtype=pl.Float64).fill_nan(None),
        method=pl.lit(method),
    )
