"""Perfect orders: on time, in full, with the right documents, undamaged, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import polars as pl

from tierwise.engine import checks
from tierwise.engine.scoring.intervals import wilson

COMPONENTS = ("in_full", "on_time", "documents", "condition")
"""SCOR's RL.2.5 to RL.2.8, in its order; a contract may name others that the lines carry."""


class Unknown(StrEnum):
    """What a component nobody recorded says about its line."""

    LEAVE_OUT = "leave_out"
    """The line is not judged."""
    MET = "met"
    """No complaint within the period for complaints means none."""
    MISSED = "missed"
    """What is not proven is not there."""


@dataclass(frozen=True, slots=True)
class PerfectOrderParams:
    """Which components count, what a missing one means, and what an order is.

    ``unknown`` per component, "leave_out" where not named. ``order`` names the columns that together are one order.
    ``confidence`` of the Wilson intervals.
    """

    components: tuple[str, ...] = COMPONENTS
    unknown: Mapping[str, Unknown] = field(default_factory=dict)
    order: tuple[str, ...] = ("order_id",)
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not self.components or len(set(self.components)) < len(self.components):
            raise ValueError(f"components: are {self.components}; give one or more, each once")
        strange = set(self.unknown) - set(self.components)
        if strange:
            raise ValueError(f"unknown: names {sorted(strange)}, which are not among the components {self.components}")
        if not self.order:
            raise ValueError("order: is empty; name the columns that together are one order")
        checks.confidence(self.confidence)


DEFAULT = PerfectOrderParams()


def judge_perfect(lines: pl.DataFrame | pl.LazyFrame, params: PerfectOrderParams = DEFAULT) -> pl.DataFrame:
    """Was each line perfect, and the order it belongs to, and what spoilt it first?

    ``lines`` has the order's columns and one Boolean per component (null: unknown), such as those of
    :func:`judge_lines` with ``documents`` and ``condition`` joined to it. Adds ``perfect`` (null when not judged),
    ``spoilt_by`` (the first failed component in the order of ``components``), ``failures`` (how many failed) and
    ``order_perfect`` (every judged line of the order is perfect; null when none is judged). Raises ValueError for
    missing columns; no lines give no rows.
    Source: SCOR DS, RL.1.2 Perfect Supplier Order Fulfillment: a line is all or nothing, an order perfect only if all
    its lines are.

    >>> rows = {"order_id": ["1", "1", "2"], "on_time": [True, True, True], "in_full": [True, False, True]}
    >>> found = judge_perfect(pl.DataFrame(rows), PerfectOrderParams(components=("on_time", "in_full")))
    >>> found["perfect"].to_list(), found["spoilt_by"].to_list(), found["order_perfect"].to_list()
    ([True, False, True], [None, 'in_full', None], [False, False, True])
    """
    frame = lines.collect() if isinstance(lines, pl.LazyFrame) else lines
    checks.columns("lines", frame, (*params.order, *params.components))
    read = {name: _read(name, params) for name in params.components}
    judged = pl.all_horizontal(*(each.is_not_null() for each in read.values()))
    first = pl.coalesce(*(pl.when(~each).then(pl.lit(name)) for name, each in read.items()))
    failed = pl.sum_horizontal(*((~each).cast(pl.UInt32) for each in read.values()))
    frame = frame.with_columns(
        perfect=pl.when(judged).then(failed == 0),
        spoilt_by=pl.when(judged).then(first),
        failures=pl.when(judged).then(failed),
    )
    # An aggregate over booleans ignores nulls and calls nothing all true.
    whole = pl.col("perfect").all().over(*params.order)
    known = pl.col("perfect").is_not_null().any().over(*params.order)
    return frame.with_columns(order_perfect=pl.when(known).then(whole))


def perfect_orders(
    judged: pl.DataFrame, by: tuple[str, ...] = ("supplier",), params: PerfectOrderParams = DEFAULT
) -> pl.DataFrame:
    """Which share of the orders was perfect, how sure is that, and what would the components alone suggest?

    ``judged`` from :func:`judge_perfect`; an order counts in each group it has a judged line in, by that group's lines.
    One row per group: ``orders``, ``perfect``, ``share`` with Wilson's ``low`` and ``high``, ``lines``,
    ``line_share``, one ``<component>_share`` of the judged lines each, and ``product`` of those: the customary
    product of percentages, exact only where failures are independent.

    >>> lines = pl.DataFrame({"supplier": ["s"] * 3, "order_id": ["1", "1", "2"], "in_full": [True, False, True]})
    >>> params = PerfectOrderParams(components=("in_full",))
    >>> found = perfect_orders(judge_perfect(lines, params), params=params)
    >>> found.select("orders", "perfect", "share", pl.col("line_share").round(3)).row(0)
    (2, 1, 0.5, 0.667)
    """
    known = judged.filter(pl.col("perfect").is_not_null())
    read = {name: _read(name, params) for name in params.components}
    orders = known.group_by(*by, *params.order).agg(_perfect=pl.col("perfect").all())
    per_order = orders.group_by(*by).agg(orders=pl.len(), perfect=pl.col("_perfect").sum())
    per_line = known.group_by(*by).agg(
        lines=pl.len(),
        line_share=pl.col("perfect").mean(),
        **{f"{name}_share": each.mean() for name, each in read.items()},
    )
    frame = per_order.with_columns(share=pl.col("perfect") / pl.col("orders"))
    low, high = wilson(frame["share"].to_numpy(), frame["orders"].to_numpy().astype(np.float64), params.confidence)
    frame = frame.with_columns(low=pl.Series(low, dtype=pl.Float64), high=pl.Series(high, dtype=pl.Float64))
    product = pl.fold(pl.lit(1.0), lambda a, b: a * b, [pl.col(f"{name}_share") for name in params.components])
    return frame.join(per_line, on=list(by), nulls_equal=True).with_columns(product=product).sort(*by)


def _read(name: str, params: PerfectOrderParams) -> pl.Expr:
    unknown = params.unknown.get(name, Unknown.LEAVE_OUT)
    if unknown is Unknown.LEAVE_OUT:
        return pl.col(name)
    return pl.col(name).fill_null(value=unknown is Unknown.MET)
