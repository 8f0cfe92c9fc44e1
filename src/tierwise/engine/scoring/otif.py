"""On time in full, line by line, as the contract defines it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from tierwise.engine.scoring.agreement import agreed_lines, naming, own_key
from tierwise.engine.scoring.deliveries import (
    allowed_quantity,
    days_late,
    delivered,
    net_of_rejects,
    rejected,
    required_quantity,
    with_window,
)
from tierwise.engine.scoring.params import Exclusion, Level, OtifParams, Partials

EXCLUSION = pl.Enum([each.value for each in Exclusion])
_JUDGED = ("on_time", "in_full", "otif")


def judge_lines(
    lines: pl.DataFrame | pl.LazyFrame,
    receipts: pl.DataFrame | pl.LazyFrame,
    rejects: pl.DataFrame | pl.LazyFrame | None,
    params: OtifParams,
    as_of: date | pl.Series,
) -> pl.DataFrame:
    """Was each purchase line delivered on time and in full, as known at the end of ``as_of``?

    ``as_of`` is one day for all, or the day of each row of ``lines``: so one call judges many periods, a line once for
    each that may count it, every time under an id of its own. Whole orders are judged among the lines of one day.

    Takes the purchase_line (all revisions), receipt and reject tables, quantities in one unit per line; ``lines`` may
    add ``lead_time_days`` (agreed, of the lane), ``frozen_days``, ``calendar``, ``schedule`` and ``line_id``. Returns
    one row per line:

    - the key, ``line_id``, ``item``, ``site`` where given; ``supplier``, ``ordered_on``;
    - ``due_on``, ``due_from``, ``earliest_on``, ``latest_on``; ``attributed_on``, the date its period is taken from
      (due date; at order level the order's last due date) and ``received_on``, that of its quality (last receipt);
    - ``ordered``, ``received``, ``in_window``, ``rejected``, ``deliveries``;
    - ``delivered_on`` (completing, first or last delivery, by ``params.partials``), ``days_late`` (negative: early),
      ``lead_time_deviation`` in calendar days against the agreed lead time or, without one, the due date;
    - ``on_time``, ``in_full``, ``otif`` (null when excluded), ``exclusion``, ``unit_lines`` (lines in the judged unit).

    A line is judged once its window and grace are over, *before that* it is open even if delivered: counting early
    hits whose late peers cannot count yet would flatter. A line never delivered is then a miss, as is one
    that the supplier cancelled, or the buyer after it was already late. SCOR DS RL.1.2: a line is all or nothing, and
    so is an order over its judged lines. Of 2,273 direct deliveries in the public SCMS history 93.40 % came on or
    before the scheduled day.

    Raises ValueError for missing columns, repeated lines, negative or missing quantities. No lines give no rows.

    >>> due, june = date(2025, 5, 20), date(2025, 6, 30)
    >>> line = {"order": ["1", "2"], "line": ["10", "10"], "supplier": ["s", "s"], "promised_on": [due, due]}
    >>> lines = pl.DataFrame(line | {"ordered_on": [date(2025, 5, 1)] * 2, "quantity": [100, 100]})
    >>> came = {"order": ["1", "2", "2"], "line": ["10"] * 3, "arrived_on": [due, due, date(2025, 5, 23)]}
    >>> receipts = pl.DataFrame(came | {"quantity": [100, 60, 40]})
    >>> judged = judge_lines(lines, receipts, None, OtifParams(), june).sort("order")
    >>> judged.select("on_time", "in_full", "days_late").rows()
    [(True, True, 0), (False, True, 3)]
    """
    lines, receipts = _collected(lines).with_columns(as_of=pl.lit(as_of)), _collected(receipts)
    rejects = None if rejects is None else _collected(rejects)
    agreed = agreed_lines(lines, params, naming(lines, receipts, rejects))
    agreed = replace(agreed, lines=with_window(agreed.lines, params))
    counted = net_of_rejects(agreed, receipts, rejects) if params.deduct_rejects else receipts
    frame = agreed.lines.hstack(delivered(agreed, counted, params)).hstack([rejected(agreed, rejects)])
    frame = frame.with_columns(_counted=pl.col("received"))
    if params.deduct_rejects:
        frame = frame.with_columns(delivered(agreed, receipts, params)["received"])
    frame = _verdict(frame, params)
    frame = frame.with_columns(exclusion=_exclusion(params))
    frame = (
        _by_order(frame)
        if params.level is Level.ORDER
        else frame.with_columns(attributed_on=pl.col("due_on"), unit_lines=pl.lit(1, dtype=pl.UInt32))
    )
    judged = pl.col("exclusion").is_null()
    frame = frame.with_columns(pl.when(judged).then(pl.col(name)).alias(name) for name in _JUDGED)
    return frame.select(_output_columns(frame))


def _collected(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def exclusions(judgements: pl.DataFrame) -> pl.DataFrame:
    """How many lines of each supplier were left out, and why: supplier, exclusion, lines, ordered.

    >>> left = pl.DataFrame({"supplier": ["s", "s"], "exclusion": ["open", None], "ordered": [5.0, 7.0]})
    >>> exclusions(left).rows()
    [('s', 'open', 1, 5.0)]
    """
    return (
        judgements.filter(pl.col("exclusion").is_not_null())
        .group_by("supplier", "exclusion")
        .agg(lines=pl.len(), ordered=pl.col("ordered").sum())
        .sort("supplier", "exclusion")
    )


def _verdict(frame: pl.DataFrame, params: OtifParams) -> pl.DataFrame:
    needed, allowed = required_quantity(pl.col("ordered"), params), allowed_quantity(pl.col("ordered"), params)
    in_time = (pl.col("first_on") <= pl.col("latest_on")) & (
        pl.col("earliest_on").is_null() | (pl.col("first_on") >= pl.col("earliest_on"))
    )
    on_time, delivered_on, quantity = {
        Partials.COMPLETE_BY_DUE: (pl.col("in_window") >= needed, pl.col("completed_on"), pl.col("_counted")),
        Partials.FIRST: (in_time, pl.col("first_on"), pl.col("first_quantity")),
        Partials.EACH: (~pl.col("outside"), pl.col("last_on"), pl.col("_counted")),
    }[params.partials]
    in_full = quantity >= needed
    if params.over_tolerance is not None:
        in_full &= pl.col("_counted") <= allowed
    lost = (pl.col("state") == "cancelled") & (pl.col("cancelled_by") == "supplier")
    kept = ~lost.fill_null(value=False) & (pl.col("deliveries") > 0)
    agreed_days = pl.coalesce(pl.col("lead_time_days"), days_between("ordered_on", "due_on"))
    return frame.with_columns(
        on_time=kept & on_time.fill_null(value=False),
        in_full=kept & in_full.fill_null(value=False),
        delivered_on=delivered_on,
    ).with_columns(
        otif=pl.col("on_time") & pl.col("in_full"),
        days_late=days_late(frame, params),
        lead_time_deviation=days_between("ordered_on", "delivered_on") - agreed_days,
    )


def days_between(start: str, end: str) -> pl.Expr:
    """Calendar days from one date column to another."""
    return (pl.col(end) - pl.col(start)).dt.total_days()


def _exclusion(params: OtifParams) -> pl.Expr:
    cancelled = pl.col("state") == "cancelled"
    overdue = pl.col("cancelled_on") > pl.col("latest_on")
    excused = cancelled & ~overdue.fill_null(value=False) if params.late_cancellation_counts else cancelled
    still_open = pl.col("latest_on") + pl.duration(days=params.grace_days) >= pl.col("as_of")
    undecided = pl.col("undated").fill_null(value=False) & ~(pl.col("on_time") & pl.col("in_full"))
    rules = (
        (pl.col("ordered") <= 0, Exclusion.NO_QUANTITY),
        (excused & (pl.col("cancelled_by") == "buyer"), Exclusion.CANCELLED_BY_BUYER),
        (cancelled & pl.col("cancelled_by").is_null(), Exclusion.CANCELLED_UNKNOWN),
        (pl.col("due_on").is_null(), Exclusion.NO_BASIS),
        (still_open, Exclusion.OPEN),
        (undecided, Exclusion.UNDATED_RECEIPT),
        (pl.col("buyer_disturbed") & ~pl.col("otif"), Exclusion.BUYER_CAUSED),
    )
    reasons = [pl.when(rule).then(pl.lit(reason.value, dtype=EXCLUSION)) for rule, reason in rules]
    return pl.coalesce(reasons)


def _by_order(frame: pl.DataFrame) -> pl.DataFrame:
    """All or nothing per order; an order with an open line is open, other excluded lines do not speak for it."""
    order = [name for name in ("source", "order", "supplier", "as_of") if name in frame.columns]
    judged = pl.col("exclusion").is_null()
    orders = frame.group_by(order).agg(
        _open=(pl.col("exclusion") == Exclusion.OPEN.value).any(),
        _on_time=pl.col("on_time").filter(judged).all(),
        _in_full=pl.col("in_full").filter(judged).all(),
        attributed_on=pl.col("due_on").filter(judged).max(),
        unit_lines=judged.sum(),
    )
    opened = judged & pl.col("_open").fill_null(value=False)
    return (
        frame.join(orders, on=order, how="left", maintain_order="left", nulls_equal=True)
        .with_columns(
            exclusion=pl.when(opened)
            .then(pl.lit(Exclusion.OPEN.value, dtype=EXCLUSION))
            .otherwise(pl.col("exclusion")),
            on_time=pl.col("_on_time"),
            in_full=pl.col("_in_full"),
            otif=pl.col("_on_time") & pl.col("_in_full"),
        )
        .drop("_open", "_on_time", "_in_full")
    )


def _output_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    key = own_key(frame.columns)
    carried = [name for name in ("line_id", "item", "site") if name in frame.columns]
    return [
        *(pl.col(name) for name in (*key, *carried, "supplier", "ordered_on")),
        *(pl.col(name) for name in ("due_on", "due_from", "earliest_on", "latest_on", "attributed_on")),
        pl.col("last_on").alias("received_on"),
        *(pl.col(name) for name in ("ordered", "received", "in_window", "rejected", "deliveries")),
        *(pl.col(name) for name in ("delivered_on", "days_late", "lead_time_deviation")),
        *(pl.col(name) for name in (*_JUDGED, "exclusion", "unit_lines")),
    ]
