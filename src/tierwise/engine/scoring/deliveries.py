"""What was delivered against each line, and how much of it inside the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from tierwise.engine.scoring.agreement import key_columns
from tierwise.engine.scoring.params import OtifParams, Partials

# Quantities have four decimals; a tolerance of 5 % must not fail on the sixteenth digit.
_ROUNDING = 1e-9


def required_quantity(ordered: pl.Expr, params: OtifParams) -> pl.Expr:
    """Least quantity that counts as the whole line."""
    return ordered * (1 - params.under_tolerance - _ROUNDING)


def allowed_quantity(ordered: pl.Expr, params: OtifParams) -> pl.Expr:
    """Largest quantity that still counts as what was ordered."""
    return ordered * (1 + (params.over_tolerance or 0.0) + _ROUNDING)


def with_window(agreed: pl.DataFrame, params: OtifParams) -> pl.DataFrame:
    """Adds ``earliest_on`` (null: any day) and ``latest_on`` to the lines, in calendar or working days."""
    due = pl.col("due_on")
    nothing = pl.lit(None, dtype=pl.Date)
    if params.working_days:
        week, early = params.weekdays, -(params.early_days or 0)

        def until(shut: Sequence[date]) -> pl.Expr:
            return due.dt.add_business_days(params.late_days, week_mask=week, holidays=shut, roll="forward")

        def since(shut: Sequence[date]) -> pl.Expr:
            return due.dt.add_business_days(early, week_mask=week, holidays=shut, roll="backward")

        latest, earliest = _by_calendar(agreed, params, until), _by_calendar(agreed, params, since)
    else:
        latest = due + pl.duration(days=params.late_days)
        earliest = due - pl.duration(days=params.early_days or 0)
    return agreed.with_columns(
        earliest_on=nothing if params.early_days is None else earliest.cast(pl.Date), latest_on=latest.cast(pl.Date)
    )


def days_late(frame: pl.DataFrame, params: OtifParams) -> pl.Expr:
    """Days from ``due_on`` to ``delivered_on`` in the day unit of the parameters; negative when early."""
    due, came = pl.col("due_on"), pl.col("delivered_on")
    if not params.working_days:
        return (came - due).dt.total_days()

    def between(shut: Sequence[date]) -> pl.Expr:
        return pl.business_day_count(due, came, week_mask=params.weekdays, holidays=shut).cast(pl.Int64)

    return _by_calendar(frame, params, between)


def _by_calendar(frame: pl.DataFrame, params: OtifParams, reckon: Callable[[Sequence[date]], pl.Expr]) -> pl.Expr:
    """What is reckoned with the closed days of each line's own calendar and those of the definition.

    Polars reckons with one list of days at a time: a frame has few calendars, so each is reckoned and the own one kept.
    """
    found = reckon(params.closures)
    if "calendar" not in frame.columns:
        return found
    for name in frame["calendar"].drop_nulls().unique().sort():
        if own := params.closures_of.get(name):
            days = sorted({*params.closures, *own})
            found = pl.when(pl.col("calendar") == name).then(reckon(days)).otherwise(found)
    return found


def delivered(
    agreed: pl.DataFrame, receipts: pl.DataFrame | pl.LazyFrame, params: OtifParams, as_of: date
) -> pl.DataFrame:
    """Per line with receipts (``_row``): received, in_window, first_on, last_on, outside, undated, completed_on.

    Receipts dated after ``as_of`` are not seen yet; those that name no known line do not count.
    """
    matched = _matched(agreed, receipts, params, as_of)
    dated = pl.col("_on").is_not_null()
    inside = (
        dated
        & (pl.col("_on") <= pl.col("latest_on"))
        & (pl.col("earliest_on").is_null() | (pl.col("_on") >= pl.col("earliest_on")))
    )
    whole = required_quantity(pl.col("ordered"), params)
    matched = matched.with_columns(_in=pl.when(inside).then(pl.col("quantity")).otherwise(0.0))
    summary = matched.group_by("_row").agg(
        received=pl.col("quantity").sum(),
        in_window=pl.col("_in").sum(),
        first_on=pl.col("_on").min(),
        last_on=pl.col("_on").max(),
        deliveries=pl.len(),
        outside=((pl.col("_in") == 0) & dated).any(),
        undated=pl.col("_on").is_null().any(),
        _needed=whole.first(),
    )
    split = summary.filter(pl.col("deliveries") > 1).select("_row", "first_on", "_needed")
    parts = matched.select("_row", "_on", "quantity").join(split, on="_row").filter(pl.col("_on").is_not_null())
    parts = parts.group_by("_row", "_on").agg(
        pl.col("quantity").sum(), pl.col("_needed").first(), pl.col("first_on").first()
    )
    parts = parts.sort("_row", "_on").with_columns(_sum=pl.col("quantity").cum_sum().over("_row"))
    completed = parts.filter(pl.col("_sum") >= pl.col("_needed")).group_by("_row").agg(_completed=pl.col("_on").min())
    summary = summary.join(completed, on="_row", how="left")
    if params.partials is Partials.FIRST:
        on_first = parts.filter(pl.col("_on") == pl.col("first_on")).select("_row", first_quantity="quantity")
        summary = summary.join(on_first, on="_row", how="left")
    else:
        summary = summary.with_columns(first_quantity=pl.lit(None, dtype=pl.Float64))
    alone = pl.col("deliveries") == 1
    return summary.with_columns(
        completed_on=pl.when(alone & (pl.col("received") >= pl.col("_needed")))
        .then(pl.col("last_on"))
        .otherwise(pl.col("_completed")),
        first_quantity=pl.when(alone).then(pl.col("received")).otherwise(pl.col("first_quantity")),
    ).drop("_completed", "_needed")


def rejected(agreed: pl.DataFrame, rejects: pl.DataFrame | pl.LazyFrame | None, as_of: date) -> pl.DataFrame:
    """Per line with rejects (``_row``): rejected, in the unit of the line; decisions after ``as_of`` are not seen."""
    if rejects is None:
        return pl.DataFrame(schema={"_row": pl.UInt32, "rejected": pl.Float64})
    key = key_columns(agreed.columns)
    frame = _checked(rejects, "rejects", [*key, "quantity"], as_of)
    return (
        frame.join(agreed.lazy().select("_row", *key), on=key, how="inner", nulls_equal=True)
        .group_by("_row")
        .agg(rejected=pl.col("quantity").sum())
        .collect()
    )


def net_of_rejects(
    receipts: pl.DataFrame | pl.LazyFrame, rejects: pl.DataFrame | pl.LazyFrame | None, as_of: date
) -> pl.DataFrame | pl.LazyFrame:
    """Receipts less what was refused of each; refusals that name no receipt number fall on receipt "1"."""
    if rejects is None:
        return receipts
    lazy = receipts.lazy()
    names = lazy.collect_schema().names()
    if "receipt" not in names:
        lazy = lazy.with_columns(receipt=pl.lit("1"))
    key = [*key_columns(names), "receipt"]
    refused = _checked(rejects, "rejects", key[:-1], as_of)
    if "receipt" not in refused.collect_schema().names():
        refused = refused.with_columns(receipt=pl.lit("1"))
    refused = refused.group_by(key).agg(_refused=pl.col("quantity").sum())
    good = pl.col("quantity").cast(pl.Float64) - pl.col("_refused").fill_null(0.0)
    return lazy.join(refused, on=key, how="left").with_columns(quantity=good.clip(lower_bound=0.0)).drop("_refused")


def _matched(
    agreed: pl.DataFrame, receipts: pl.DataFrame | pl.LazyFrame, params: OtifParams, as_of: date
) -> pl.DataFrame:
    key = key_columns(agreed.columns)
    frame = _checked(receipts, "receipts", [*key, "quantity"], None)
    names = frame.collect_schema().names()
    events = [event.value for event in (params.event, *params.event_fallbacks) if event.value in names]
    if not events:
        raise ValueError(f"receipts lack {params.event}; map that date or choose another event")
    lines = agreed.lazy().select("_row", *key, "ordered", "earliest_on", "latest_on")
    return (
        frame.select(*key, pl.col("quantity"), pl.coalesce(events).alias("_on"))
        .filter((pl.col("quantity") > 0) & (pl.col("_on").is_null() | (pl.col("_on") <= as_of)))
        .join(lines, on=key, how="inner", nulls_equal=True)
        .select("_row", "_on", "quantity", "ordered", "earliest_on", "latest_on")
        .collect()
    )


def _checked(facts: pl.DataFrame | pl.LazyFrame, name: str, required: list[str], as_of: date | None) -> pl.LazyFrame:
    lazy = facts.lazy()
    names = lazy.collect_schema().names()
    if missing := [column for column in required if column not in names]:
        raise ValueError(f"{name} lack {', '.join(missing)}; lines and {name} must name a line alike")
    quantity = pl.col("quantity").cast(pl.Float64)
    lazy = lazy.with_columns(quantity)
    if lazy.select((quantity.is_null() | quantity.is_nan() | (quantity < 0)).any()).collect().item():
        raise ValueError(f"{name}.quantity must be a number of 0 or more on every row; repair or leave out those rows")
    if as_of is not None and "rejected_on" in names:
        lazy = lazy.filter(pl.col("rejected_on").is_null() | (pl.col("rejected_on") <= as_of))
    return lazy
