"""What came of each line and what was refused of it: all that measures of quality ask for."""

from __future__ import annotations

from datetime import date

import polars as pl

from tierwise.engine.matching import KeyIndex, sealed
from tierwise.engine.scoring.agreement import Agreed, is_known, naming
from tierwise.engine.scoring.deliveries import rejected, what_came
from tierwise.engine.scoring.kernels import earliest
from tierwise.engine.scoring.params import OtifParams

_DATED = ("revision", "revised_on", "as_of")


def received_lines(
    lines: pl.DataFrame,
    receipts: pl.DataFrame,
    rejects: pl.DataFrame | None,
    params: OtifParams,
    as_of: date | pl.Series,
) -> pl.DataFrame:
    """How much was received of each line up to ``as_of``, when last, and how much of it was refused?

    Takes what :func:`judge_lines` takes; no agreed date, window or verdict is asked for, so that quality is measured by
    day of receipt without judging a line again. Returns a row for each line of which something came: the columns of
    ``lines`` as its first known revision has them (but the columns that date a revision), ``received``, ``received_on``
    and ``rejected``, as :func:`judge_lines` gives them for the same receipts and rejects.

    Raises ValueError for missing columns, negative or missing quantities. Example: of a line of 100 that came as 60 and
    40, of which 5 were refused, 100 are received and 5 rejected.

    >>> line = {"order": ["1"], "line": [10]}
    >>> lines = pl.DataFrame(line | {"supplier": ["S"], "ordered_on": [date(2024, 1, 2)], "quantity": [100.0]})
    >>> days = [date(2024, 1, 9), date(2024, 1, 12)]
    >>> receipts = pl.DataFrame({k: v * 2 for k, v in line.items()} | {"arrived_on": days, "quantity": [60.0, 40.0]})
    >>> rejects = pl.DataFrame(line | {"quantity": [5.0]})
    >>> found = received_lines(lines, receipts, rejects, OtifParams(), date(2024, 2, 1))
    >>> found.select("received", "received_on", "rejected").row(0)
    (100.0, datetime.date(2024, 1, 12), 5.0)
    """
    by = naming(lines, receipts, rejects)
    if missing := [name for name in (*by, "supplier", "ordered_on") if name not in lines.columns]:
        raise ValueError(f"lines lack {', '.join(missing)}; map them from the purchase orders")
    never = {"revision": pl.lit(0), "revised_on": pl.lit(None, pl.Date)}
    added = [value.alias(name) for name, value in never.items() if name not in lines.columns]
    frame = lines.with_columns(*added, as_of=pl.lit(as_of))
    known = frame.select(is_known()).to_series()
    frame = frame if known.all() else frame.filter(known)
    index = KeyIndex(frame, by)
    if not index.distinct:
        frame = frame[earliest(*sealed(index.first, frame["revision"].fill_null(0).cast(pl.Int64).to_numpy()))]
        index = KeyIndex(frame, by)
    found = Agreed(frame, index, index.first)
    frame = frame.hstack(what_came(found, receipts, params)).hstack([rejected(found, rejects)])
    came = frame["received"] > 0
    return (frame if came.all() else frame.filter(came)).drop(_DATED)
