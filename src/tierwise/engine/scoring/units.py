"""What is counted: judged lines once per segment they count for, and the supplier, segment and period of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tierwise.engine.matching import Ints, KeyIndex, ranked, sealed
from tierwise.engine.scoring.agreement import key_columns
from tierwise.engine.scoring.kernels import Floats, numbered, repeats
from tierwise.engine.scoring.periods import Period, period_start

COMMON = "COMMON"
"""Segment of whatever reaches no segment; segments and COMMON sum to the supplier's total."""

GROUP = ("supplier", "segment", "period_start")


@dataclass(frozen=True, slots=True)
class Units:
    """Unit ``i`` is row ``row[i]`` of ``lines``, counting with ``share[i]`` for ``segments[segment[i]]``."""

    lines: pl.DataFrame = field(repr=False)
    row: Ints = field(repr=False)
    segment: Ints = field(repr=False)
    share: Floats = field(repr=False)
    segments: tuple[str, ...] = (COMMON,)

    def rows(self, groups: Groups, columns: Sequence[str]) -> pl.DataFrame:
        """Units that belong to a group, as rows: GROUP, share and columns of their lines."""
        own = np.flatnonzero(groups.of_unit >= 0)
        keys = groups.keys[groups.of_unit[own]]
        lines = self.lines.select(columns)[self.row[own]]
        return keys.hstack(lines).with_columns(share=self.share[own])


@dataclass(frozen=True, slots=True)
class Groups:
    """Supplier, segment and period of each group, and the group of each unit (-1: none)."""

    keys: pl.DataFrame = field(repr=False)
    of_unit: Ints = field(repr=False)

    def of(self, units: Units) -> tuple[int, Ints, Ints, Floats]:
        return self.keys.height, *sealed(self.of_unit, units.row, units.share)  # type: ignore[return-value]

    def frame(self, names: Sequence[str], sums: Floats) -> pl.DataFrame:
        """A row per group: GROUP and the sums under their names."""
        return self.keys.hstack(pl.DataFrame(sums, schema=list(names), orient="row"))


def weighted(judgements: pl.DataFrame, weights: pl.DataFrame | None) -> Units:
    """The units of judged lines; what a line's shares leave open, and lines without any, count for COMMON."""
    size = judgements.height
    if weights is None or weights.is_empty():
        return Units(judgements, np.arange(size), np.zeros(size, dtype=np.int64), np.ones(size))
    row, segment, share, names = _shares(judgements, weights)
    common = names.index(COMMON)
    used = np.bincount(row, share, minlength=size)
    if (used > 1 + 1e-6).any():
        raise ValueError("weights.share exceeds 1 in sum for a line; divide by the line's total first")
    own = segment == common
    # What a line gives to COMMON by name adds to what it leaves open: one unit, not two.
    left = np.where(1 - used > 1e-6, 1 - used, 0.0) + np.bincount(row[own], share[own], minlength=size)
    rest = np.flatnonzero(left > 0)
    named = ~own & (share > 0)
    return Units(
        judgements,
        np.concatenate([row[named], rest]),
        np.concatenate([segment[named], np.full(rest.size, common, dtype=np.int64)]),
        np.concatenate([share[named], left[rest]]),
        names,
    )


def placed(units: Units, counts: pl.Series, dated_by: str, periods: Period | None) -> Groups:
    """The groups of the units whose line counts, by the period of a date; without the date a unit has none.

    ``periods`` None: all dates are one.
    """
    lines = units.lines
    supplier, names = ranked(lines["supplier"])
    if periods is None:
        starts, period = pl.Series([None], dtype=pl.Date), np.zeros(lines.height, dtype=np.int64)
    else:
        starts, period = _periods(lines[dated_by], periods)
    counted = counts.fill_null(value=False).to_numpy() & (period >= 0)
    line_code = np.where(counted, supplier * len(starts) + period, -1)
    many = len(units.segments)
    codes, of_unit = numbered(line_code, units.row, units.segment, ((len(names) + 1) * len(starts), many))
    base, segment = np.divmod(codes, many)
    who, when = np.divmod(base, len(starts))
    suppliers = pl.Series([*names, None], dtype=pl.Enum(names))
    segments = pl.Series(units.segments, dtype=pl.Enum(units.segments))
    keys = pl.DataFrame(
        [suppliers.gather(who).alias("supplier"), segments.gather(segment).alias("segment"),
         starts.gather(when).alias("period_start")]
    )  # fmt: skip
    return Groups(keys, of_unit)


def _periods(days: pl.Series, periods: Period) -> tuple[pl.Series, Ints]:
    """First days of the periods that occur or lie between, and the number of each day's; -1 without a day."""
    first, last = days.min(), days.max()
    if first is None:
        return pl.Series([None], dtype=pl.Date), np.full(days.len(), -1, dtype=np.int64)
    calendar = pl.select(day=pl.date_range(first, last, "1d")).select(  # type: ignore[arg-type]
        start=period_start(pl.col("day"), periods)
    )["start"]
    number = (calendar.rank("dense").cast(pl.Int64) - 1).to_numpy()
    since = (days - first).dt.total_days()
    known = since.is_not_null().to_numpy()
    return calendar.unique().sort(), np.where(known, number[since.fill_null(0).to_numpy()], -1)


def _shares(judgements: pl.DataFrame, weights: pl.DataFrame) -> tuple[Ints, Ints, Floats, tuple[str, ...]]:
    """The weights of the lines at hand: row of the judgement, number of the segment, share; and the segments."""
    key = ["line_id"] if "line_id" in weights.columns else key_columns(weights.columns)
    for frame, name in ((judgements, "judgements"), (weights, "weights")):
        if missing := [column for column in key if column not in frame.columns]:
            raise ValueError(f"{name} lack {', '.join(missing)}; both must name a line alike")
    share = weights["share"].cast(pl.Float64)
    if share.null_count() or (share.is_nan() | (share < 0) | (share > 1 + 1e-9)).any():
        raise ValueError("weights.share must lie between 0 and 1 on every row; divide by the line's total first")
    names = sorted({COMMON, *weights["segment"].drop_nulls().unique().to_list()})
    segment = weights["segment"].cast(pl.String).cast(pl.Enum(names)).fill_null(COMMON).to_physical().cast(pl.Int64)
    index = KeyIndex(judgements, key)
    row = index.find(weights)
    known = row >= 0
    row, numbers, values = row[known], segment.to_numpy()[known], share.to_numpy()[known]
    (codes,) = sealed(row * len(names) + numbers)
    if not index.distinct or repeats(codes, judgements.height * len(names)):
        raise ValueError("weights name a line twice for one segment; sum its shares first")
    return row, numbers, values, tuple(names)
