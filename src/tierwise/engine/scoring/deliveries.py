"""What was delivered against each line, and how much of it inside the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl

from tierwise.engine.matching import Array, Ints, sealed
from tierwise.engine.scoring.agreement import Agreed
from tierwise.engine.scoring.kernels import ANY_DAY, DELIVERED, NO_DAY, Days, arrived, summed_deliveries
from tierwise.engine.scoring.params import OtifParams

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


def delivered(agreed: Agreed, receipts: pl.DataFrame, params: OtifParams) -> pl.DataFrame:
    """Beside each line: received, in_window, first_on, last_on, deliveries, outside, undated, completed_on,
    first_quantity.

    Receipts dated after their line's ``as_of`` are not seen yet; those that name no known line do not count.
    """
    frame = checked(receipts, "receipts", agreed.index.key)
    lines = agreed.lines
    row, days = agreed.row_of(frame), came_on(frame, params)
    earliest, latest = (
        _days(lines[name], missing) for name, missing in (("earliest_on", ANY_DAY), ("latest_on", NO_DAY))
    )
    needed = lines.select(required_quantity(pl.col("ordered"), params).alias("needed"))["needed"].to_numpy()
    as_of = _days(lines["as_of"], NO_DAY)
    line = (earliest, latest, needed)
    summed = summed_deliveries(row, _days(days, NO_DAY), frame["quantity"].to_numpy(), line, as_of)
    named: dict[str, Array] = dict(zip(DELIVERED, summed, strict=True))
    came = pl.Series(named["deliveries"]) > 0
    dates = {name: _dates(pl.Series(named[name])) for name in ("first_on", "last_on", "completed_on")}
    return pl.DataFrame(named | dates).select(
        "received", "in_window", "first_on", "last_on", pl.col("deliveries").cast(pl.UInt32),
        pl.when(came).then(pl.col("outside")).alias("outside"), pl.when(came).then(pl.col("undated")).alias("undated"),
        "completed_on", pl.col("first_quantity").fill_nan(None),
    )  # fmt: skip


def came_on(receipts: pl.DataFrame, params: OtifParams) -> pl.Series:
    """The day of each receipt by the event that counts."""
    events = [event.value for event in (params.event, *params.event_fallbacks) if event.value in receipts.columns]
    if not events:
        raise ValueError(f"receipts lack {params.event}; map that date or choose another event")
    return receipts.select(pl.coalesce(events).alias("on"))["on"]


def what_came(agreed: Agreed, receipts: pl.DataFrame, params: OtifParams) -> pl.DataFrame:
    """Beside each line: received and received_on, the last day; what is dated after its ``as_of`` is not seen."""
    frame = checked(receipts, "receipts", agreed.index.key)
    days, as_of = _days(came_on(frame, params), NO_DAY), _days(agreed.lines["as_of"], NO_DAY)
    received, last_on = arrived(*sealed(agreed.row_of(frame), days, frame["quantity"].to_numpy(), as_of))
    return pl.DataFrame({"received": received, "received_on": _dates(pl.Series(last_on))})


def _days(dates: pl.Series, missing: int) -> Days:
    return dates.cast(pl.Date).to_physical().fill_null(missing).to_numpy()


def _dates(days: pl.Series) -> pl.Series:
    return days.set(days == NO_DAY, None).cast(pl.Date)


def rejected(agreed: Agreed, rejects: pl.DataFrame | None) -> pl.Series:
    """What was refused of each line, in its unit; decisions after its ``as_of`` are not seen."""
    if rejects is None:
        return pl.Series("rejected", np.zeros(agreed.lines.height))
    frame, row = _decided(agreed, rejects)
    refused = np.bincount(row, frame["quantity"].to_numpy(), minlength=agreed.lines.height)
    return pl.Series("rejected", refused, dtype=pl.Float64)


def _decided(agreed: Agreed, rejects: pl.DataFrame) -> tuple[pl.DataFrame, Ints]:
    """Rejects of the lines at hand that were decided by their day, and the row of each one's line."""
    frame = checked(rejects, "rejects", agreed.index.key)
    row = agreed.row_of(frame)
    known = row >= 0
    if "rejected_on" in frame.columns:
        as_of = _days(agreed.lines["as_of"], NO_DAY)
        decided = _days(frame["rejected_on"], ANY_DAY)
        known[known] = decided[known] <= as_of[row[known]]
    return (frame, row) if known.all() else (frame.filter(pl.Series(known)), row[known])


def net_of_rejects(agreed: Agreed, receipts: pl.DataFrame, rejects: pl.DataFrame | None) -> pl.DataFrame:
    """Receipts less what was refused of each; refusals that name no receipt number fall on receipt "1"."""
    if rejects is None:
        return receipts
    if "receipt" not in receipts.columns:
        receipts = receipts.with_columns(receipt=pl.lit("1"))
    key = [*agreed.index.key, "receipt"]
    refused, _ = _decided(agreed, rejects)
    if "receipt" not in refused.columns:
        refused = refused.with_columns(receipt=pl.lit("1"))
    refused = refused.group_by(key).agg(_refused=pl.col("quantity").sum())
    good = pl.col("quantity").cast(pl.Float64) - pl.col("_refused").fill_null(0.0)
    netted = receipts.join(refused, on=key, how="left", maintain_order="left")
    return netted.with_columns(quantity=good.clip(lower_bound=0.0)).drop("_refused")


def checked(facts: pl.DataFrame, name: str, required: list[str]) -> pl.DataFrame:
    """Receipts or rejects (``name``) with quantities as floats, all there and none below 0."""
    if missing := [column for column in (*required, "quantity") if column not in facts.columns]:
        raise ValueError(f"{name} lack {', '.join(missing)}; lines and {name} must name a line alike")
    facts = facts.with_columns(pl.col("quantity").cast(pl.Float64))
    quantity = facts["quantity"]
    if quantity.null_count() or quantity.is_nan().any() or (quantity < 0).any():
        raise ValueError(f"{name}.quantity must be a number of 0 or more on every row; repair or leave out those rows")
    return facts
