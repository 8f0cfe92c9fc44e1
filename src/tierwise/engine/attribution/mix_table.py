"""A mix as arrays: whose it is, from when until when, and what stands in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.attribution.kernels import NO_DAY, intervals_on
from tierwise.engine.matching import Ints, KeyIndex, sealed
from tierwise.engine.network import ANY_SITE
from tierwise.engine.network.rows import require_columns

Days = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_PAIR = ["item", "site"]
FIRST_MIX = "first_mix"
"""Basis of a mix that was carried back: there was no demand before, or none yet."""


@dataclass(frozen=True, slots=True)
class MixTable:
    """The mix of every item and site, by intervals of days.

    ``names`` are segments in the order of their codes. Interval ``i`` holds the rows ``rows[i]`` to ``rows[i + 1]`` of
    ``segment`` (number of the name) and ``share``, and the days ``first[i]`` to ``last[i]``; ``carried`` says whether
    it was carried back from later demand (basis ``first_mix``). Pair ``p`` of item and site has the intervals
    ``of_pair[p]`` to ``of_pair[p + 1]``, one after another.
    """

    names: tuple[str, ...]
    pairs: KeyIndex | None = field(repr=False)
    of_pair: Ints = field(repr=False)
    first: Days = field(repr=False)
    last: Days = field(repr=False)
    carried: Flags = field(repr=False)
    rows: Ints = field(repr=False)
    segment: Ints = field(repr=False)
    share: Floats = field(repr=False)

    @classmethod
    def of(cls, mix: pl.DataFrame, also: Collection[str] = ()) -> MixTable:
        """From [item, site, segment, valid_from, valid_to, share, basis]; ``also`` are further names of segments.
        Without ``valid_to`` intervals are open, without ``basis`` nothing was carried back.

        An interval that is still open ends where the next one of its item and site begins. Raises ValueError for
        missing columns and for intervals that overlap.
        """
        require_columns(mix, "mix", ("item", "site", "segment", "valid_from", "share"))
        mix = mix.drop_nulls("valid_from") if mix["valid_from"].null_count() else mix
        if mix["segment"].null_count():
            raise ValueError("mix.segment is empty on a row; name the segment or drop the row")
        names = sorted({*also, *mix["segment"].unique().to_list()})
        if mix.is_empty():
            none, days, start = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
            return cls(tuple(names), None, start, days, days, days > 0, start, none, np.empty(0))
        ends = pl.col("valid_to") if "valid_to" in mix.columns else pl.lit(None, pl.Date)
        index = KeyIndex(mix, _PAIR)
        held = mix.select(
            pl.col("segment").cast(pl.Enum(names)).to_physical().cast(pl.Int64),
            pl.col("share").cast(pl.Float64),
            first=pl.col("valid_from").cast(pl.Date).to_physical(),
            last=ends.cast(pl.Date).to_physical().fill_null(NO_DAY),
            carried=(pl.col("basis") == FIRST_MIX) if "basis" in mix.columns else pl.lit(value=False),
            pair=index.first,
            place=pl.int_range(pl.len()),
        ).sort("pair", "first", "segment", "share")
        pair, first, last = (held[name].to_numpy() for name in ("pair", "first", "last"))
        begins = np.flatnonzero(np.append(True, (pair[1:] != pair[:-1]) | (first[1:] != first[:-1])))
        _refuse_overlaps(mix, held, begins)
        of_first = pair[begins]
        new = np.flatnonzero(np.append(True, of_first[1:] != of_first[:-1]))
        pairs = mix.select(_PAIR)[of_first[new]]
        return cls(
            tuple(names), KeyIndex(pairs, _PAIR), np.append(new, begins.size), first[begins], last[begins],
            held["carried"].to_numpy()[begins], np.append(begins, held.height), held["segment"].to_numpy(),
            held["share"].to_numpy(),
        )  # fmt: skip

    def named(self, also: Collection[str]) -> MixTable:
        """The table with further names of segments."""
        if set(also) <= set(self.names):
            return self
        names = sorted({*self.names, *also})
        number = np.array([names.index(name) for name in self.names], dtype=np.int64)
        return replace(self, names=tuple(names), segment=number[self.segment])

    def intervals(self, lines: pl.DataFrame) -> Ints:
        """For each of ``lines`` [item, site, date] the interval of its item and site on its date; where its site has
        none, that of its item at any site; -1 for neither."""
        if self.pairs is None:
            return np.full(lines.height, -1, dtype=np.int64)
        days = lines["date"].cast(pl.Date).to_physical().fill_null(NO_DAY).to_numpy()
        table = sealed(self.of_pair, self.first, self.last)
        found: Ints = intervals_on(*sealed(self.pairs.find(lines), days), *table)
        lost = np.flatnonzero(found < 0)
        if lost.size:
            rest = lines.select("item", site=pl.lit(ANY_SITE))[lost]
            found[lost] = intervals_on(*sealed(self.pairs.find(rest), days[lost]), *table)
        return found


def _refuse_overlaps(mix: pl.DataFrame, held: pl.DataFrame, begins: Ints) -> None:
    pair, first, last = (held[name].to_numpy() for name in ("pair", "first", "last"))
    number = np.repeat(np.arange(begins.size), np.diff(np.append(begins, held.height)))
    uneven = np.flatnonzero(last != last[begins][number])
    same = pair[begins][1:] == pair[begins][:-1]
    open_ended = last[begins][:-1] == NO_DAY
    late = np.flatnonzero(same & ~open_ended & (last[begins][:-1] >= first[begins][1:]))
    wrong = [*(begins[number[uneven[:1]]]), *begins[late[:1]]]
    if wrong:
        item, site, since = mix.select("item", "site", "valid_from").row(int(held["place"][int(min(wrong))]))
        raise ValueError(f"mix has overlapping intervals for item {item} at {site} from {since}; end the earlier")
