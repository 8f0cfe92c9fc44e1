"""Measures per supplier, segment and period, each with its numerator, denominator, n, effective n and interval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from tierwise.engine import checks
from tierwise.engine.matching import sealed
from tierwise.engine.scoring import intervals
from tierwise.engine.scoring.kernels import LINE_SUMS, QUALITY_SUMS, line_sums, quality_sums, unit_sums
from tierwise.engine.scoring.periods import Period, period_end, period_label
from tierwise.engine.scoring.units import COMMON, GROUP, Groups, Units, placed, weighted

__all__ = ["COMMON", "SHARES", "Measure", "MeasureParams", "measures"]


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
_MEASURES = pl.Enum(sorted(str(each) for each in Measure))
_UNIT_SHARES = (str(Measure.OTIF), str(Measure.ON_TIME), str(Measure.IN_FULL))
_BY_RECEIPT = frozenset({str(Measure.REJECT_PPM), str(Measure.REJECTED_LINES)})
_BY_DUE = frozenset(map(str, Measure)) - _BY_RECEIPT


@dataclass(frozen=True, slots=True)
class MeasureParams:
    """Confidence of the intervals, days by which a lead time may deviate either way and still be adhered to, and the
    measures ``wanted`` (None: all)."""

    confidence: float = 0.95
    lead_time_tolerance_days: int = 0
    wanted: frozenset[str] | None = None

    def __post_init__(self) -> None:
        checks.confidence(self.confidence)
        if self.lead_time_tolerance_days < 0:
            raise ValueError(f"lead_time_tolerance_days is {self.lead_time_tolerance_days}; give 0 or more days")
        if self.wanted is not None and (unknown := sorted(self.wanted - set(map(str, Measure)))):
            raise ValueError(f"wanted names {unknown[0]}; there are {', '.join(Measure)}")


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
    so read it beside REJECTED_LINES), bias by Student's t.

    Raises ValueError for shares outside 0…1, that exceed 1 in sum for a line, or that name a line twice for a segment.

    >>> day = pl.Series([None], dtype=pl.Date)
    >>> lot = pl.DataFrame({"line_id": [1], "supplier": "s", "received": 2_327_299.0, "rejected": 72_700.0})
    >>> lot = lot.with_columns(received_on=day)
    >>> ppm = measures(lot, None, None, MeasureParams(wanted=frozenset({"reject_ppm"})))
    >>> ppm.select("measure", "n", pl.col("value").round()).row(0)
    ('reject_ppm', 1, 31238.0)
    """
    wanted = params.wanted or frozenset(map(str, Measure))
    units = weighted(judgements, weights)
    tables = []
    if wanted & _BY_DUE:
        due = placed(units, units.lines["exclusion"].is_null(), "attributed_on", periods)
        tables += [_unit_shares(units, due, params), _line_measures(units, due, params)]
    if wanted & _BY_RECEIPT:
        tables.append(_quality(units, placed(units, units.lines["received"] > 0, "received_on", periods), params))
    result = pl.concat(tables, how="vertical").filter(pl.col("measure").is_in(sorted(wanted)))
    begin = pl.col("period_start")
    if periods is None:
        labels = [pl.lit("all").alias("period"), pl.lit(None, dtype=pl.Date).alias("period_end")]
    else:
        labels = [period_label(begin, periods).alias("period"), period_end(begin, periods).alias("period_end")]
    columns = ("supplier", "segment", "period", "period_start", "period_end", "measure", "value", "numerator")
    rest = ("denominator", "n", "effective_n", "low", "high", "method")
    result = result.sort(_order(result)).with_columns(labels).select(*columns, *rest)
    return result.cast({"supplier": pl.String, "segment": pl.String, "measure": pl.String})


def _order(result: pl.DataFrame) -> pl.Expr:
    """Supplier, segment, period and measure as one number: sorting by four columns takes ten times as long."""
    start = result["period_start"].to_physical()
    days = start.max() - start.min() + 1 if start.count() else 1  # type: ignore[operator]
    supplier = pl.col("supplier").to_physical().cast(pl.Int64).fill_null(-1)
    place: pl.Expr = supplier * result["segment"].dtype.categories.len() + pl.col("segment").to_physical()  # type: ignore[attr-defined]
    place = place * days + (pl.col("period_start").to_physical() - start.min()).fill_null(0)
    return place * len(Measure) + pl.col("measure").to_physical()


def _unit_shares(units: Units, groups: Groups, params: MeasureParams) -> pl.DataFrame:
    if (units.lines["unit_lines"] > 1).any():
        # Lines of one order share one verdict: they are one trial, with the mean of their shares as weight.
        order = [name for name in ("source", "order") if name in units.lines.columns]
        rows = units.rows(groups, [*order, "unit_lines", *_UNIT_SHARES]).group_by([*GROUP, *order]).agg(
            (pl.col("share").sum() / pl.col("unit_lines").first()).alias("share"),
            *(pl.col(name).first() for name in _UNIT_SHARES),
        )  # fmt: skip
        weight = pl.col("share")
        sums = rows.group_by(GROUP).agg(
            n=pl.len(), weight=weight.sum(), squares=(weight**2).sum(),
            **{name: (weight * pl.col(name)).sum() for name in _UNIT_SHARES},
        )  # fmt: skip
    else:
        verdicts = sealed(*(units.lines[name].fill_null(value=False).to_numpy() for name in _UNIT_SHARES))
        sums = groups.frame(("n", "weight", "squares", *_UNIT_SHARES), unit_sums(*groups.of(units), verdicts))
    long = sums.unpivot(
        on=list(_UNIT_SHARES),
        index=[*GROUP, "n", "weight", "squares"],
        variable_name="measure",
        value_name="numerator",
    ).rename({"weight": "denominator", "squares": "_squares"})
    return _share_rows(long, params)


def _line_measures(units: Units, groups: Groups, params: MeasureParams) -> pl.DataFrame:
    lines = units.lines
    (deviation,) = sealed(lines["lead_time_deviation"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    quantities = sealed(*(lines[name].cast(pl.Float64).to_numpy() for name in ("ordered", "received")))
    sums = groups.frame(
        LINE_SUMS, line_sums(*groups.of(units), quantities, (deviation, params.lead_time_tolerance_days))
    )

    def rows(measure: Measure, top: str, bottom: str, squares: str) -> pl.DataFrame:
        return sums.select(
            *GROUP,
            measure=pl.lit(str(measure)),
            numerator=pl.col(top),
            denominator=pl.col(bottom),
            n=pl.col("n"),
            _squares=pl.col(squares),
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
    second = known["days_squares"].to_numpy() / weight
    spread = second - mean**2
    spread = np.where(spread > 1e-12 * second, spread, 0.0)  # below, the difference is rounding alone
    with np.errstate(divide="ignore", invalid="ignore"):
        sample = np.where(effective > 1, spread * effective / (effective - 1), np.nan)
    low, high = intervals.student_mean(mean, sample, effective, params.confidence)
    rows = known.select(
        *GROUP,
        measure=pl.lit(str(Measure.LEAD_TIME_BIAS)),
        numerator=pl.col("days").cast(pl.Float64),
        denominator=pl.col("known"),
        n=pl.col("delivered"),
    )
    return _finish(rows, mean, effective, (low, high), "student")


def _quality(units: Units, groups: Groups, params: MeasureParams) -> pl.DataFrame:
    quantities = sealed(*(units.lines[name].cast(pl.Float64).to_numpy() for name in ("received", "rejected")))
    sums = groups.frame(QUALITY_SUMS, quality_sums(*groups.of(units), quantities))
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
