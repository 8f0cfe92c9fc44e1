"""What two releases of the same cells give away by their difference."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import polars as pl

from tierwise.engine.disclosure.primary import DisclosureParams, protect

CHANGE = "change"


def difference_needs(
    earlier: pl.DataFrame,
    later: pl.DataFrame,
    params: DisclosureParams,
    recipient: str | Collection[str] | None = None,
) -> pl.DataFrame:
    """Which cells give a contributor away by being published twice, before and after somebody came or went?

    ``earlier`` and ``later``: contributions as in `protect`, of two releases of the same cells. A reader who subtracts
    one from the other sees the sum of what was added less what was withdrawn; that sum is judged by the rules like any
    cell. A contributor whose value changed counts with its change. Result, unsafe cells only: the cell columns,
    ``change`` (the difference), ``reason``, ``upper_protection``, ``contributors``. Cells that only one release has are
    no difference (judge them by `protect`). Empty where nothing changed.
    Source: Hundepool et al., Statistical Disclosure Control (2012), 4.2.2; the p % rule on a single newcomer:

    >>> before = pl.DataFrame({"cell": ["a"] * 3, "contributor": ["x", "y", "z"], "value": [40.0, 35.0, 30.0]})
    >>> after = pl.concat([before, pl.DataFrame({"cell": ["a"], "contributor": ["w"], "value": [12.0]})])
    >>> difference_needs(before, after, DisclosureParams(("cell",))).row(0)
    ('a', 12.0, 'too_few_contributors, p_percent(10)', 3.6, 1)
    """
    cells = list(params.cells)
    both = earlier.select(cells).unique().join(later.select(cells).unique(), on=cells, nulls_equal=True)
    parts = [
        frame.join(both, on=cells, how="semi", nulls_equal=True).with_columns(
            value=sign * pl.col("value").cast(pl.Float64)
        )
        for frame, sign in ((earlier, -1.0), (later, 1.0))
    ]
    changes = pl.concat(parts, how="diagonal_relaxed")
    # Where nobody changed, the difference is nothing and tells nothing.
    judged = protect(changes, replace(params, protect_zeros=False), recipient).internal
    unsafe = judged.filter(pl.col("status") == "suppressed")
    return unsafe.select(*cells, pl.col("total").alias(CHANGE), "reason", "upper_protection", "contributors")
