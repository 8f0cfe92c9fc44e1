"""Why lines missed: one cause each, weighed by the share a line counts with."""

from __future__ import annotations

import polars as pl

CAUSES = ("not_delivered", "early", "late_3", "late_7", "late_more", "short", "split")


def miss_causes(lines: pl.DataFrame) -> dict[str, float]:
    """Cause → lines missed, by share. Time comes before quantity: a late line that was short as well counts as late.

    ``late_3`` is up to three days late, ``late_7`` up to seven, ``late_more`` beyond; ``split`` a delivery of which a
    part came outside the window.
    """
    missed = lines.filter(pl.col("otif").eq(other=False))
    late = pl.col("days_late")
    in_time = pl.col("on_time")
    cause = (
        pl.when(pl.col("received") <= 0)
        .then(pl.lit("not_delivered"))
        .when(~in_time & (late < 0))
        .then(pl.lit("early"))
        .when(~in_time & late.is_between(1, 3))
        .then(pl.lit("late_3"))
        .when(~in_time & late.is_between(4, 7))
        .then(pl.lit("late_7"))
        .when(~in_time & (late > 7))
        .then(pl.lit("late_more"))
        .when(~pl.col("in_full"))
        .then(pl.lit("short"))
        .otherwise(pl.lit("split"))
    )
    found = missed.group_by(cause.alias("cause")).agg(pl.col("share").sum())
    return {name: float(weight) for name, weight in sorted(found.iter_rows())}
