"""From verdicts to measures: judged lines attributed to segments, and every measure of supplier × segment × period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

import numpy as np
import polars as pl

from tierwise.directory.records import COMMON
from tierwise.engine.attribution import PARTS, AttributionPolicy, Basis, MixTable, attributed
from tierwise.engine.matching import ranked
from tierwise.engine.network import ANY_SITE
from tierwise.engine.scoring import Measure, Period, measures
from tierwise.modules.performance.queries.judging import Judged, judge_received, with_names
from tierwise.modules.performance.queries.loading import Facts
from tierwise.modules.performance.queries.reading import KEY
from tierwise.modules.performance.queries.windows import parted
from tierwise.modules.performance.records import BY_RECEIPT, Formula

OTHER_PERIOD = "due_in_other_period"
_FIRST_MIX = pl.Schema(
    {"_window": pl.Int64(), "supplier": pl.String(), "segment": pl.String(), "first_mix": pl.Float64()}
)
_Drawn = Callable[[], tuple[list[pl.DataFrame], list[pl.DataFrame]]]


@dataclass(frozen=True)
class Measured:
    """``measures`` as the engine returns them; ``first_mix`` per pair that has any.

    ``lines``, with the share each counts with, and ``received``, the lines behind the measures of quality with what was
    received and refused in the period, are drawn up when they are first asked for: scoring has no need of them.
    """

    measures: pl.DataFrame = field(repr=False)
    first_mix: pl.DataFrame = field(repr=False)
    drawn: Callable[[], tuple[pl.DataFrame, pl.DataFrame]] = field(repr=False)

    @cached_property
    def lines(self) -> pl.DataFrame:
        return self.drawn()[0]

    @cached_property
    def received(self) -> pl.DataFrame:
        return self.drawn()[1]


def measure(facts: Facts, judged: Judged, formula: Formula, segments: Collection[str]) -> list[Measured]:
    """Every measure of each window by the attribution the formula names for it, in the items' base units."""
    groups: dict[tuple[Basis, bool], list[str]] = defaultdict(list)
    for each in Measure:
        groups[formula.basis_of(each), each in BY_RECEIPT].append(str(each))
    due, received = _in_base_units(judged.due), _in_base_units(judged.received)
    mix = MixTable.of(facts.mix)
    found = []
    weights: dict[tuple[Basis, bool], pl.DataFrame] = {}
    for (basis, by_receipt), names in groups.items():
        weights[basis, by_receipt] = _shares(judged, mix, (basis, by_receipt), segments)
        wanted = replace(formula.measured, wanted=frozenset(names))
        frame = received if by_receipt else due
        found.append(measures(frame, weights[basis, by_receipt], Period(formula.period), wanted))
    own = weights[formula.basis_of(Measure.OTIF), False]
    quality = weights[formula.basis_of(Measure.REJECT_PPM), True]

    @cache
    def drawn() -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        windows = judged.windows
        every = judge_received(facts, formula, windows)
        lines = _lines(facts, (judged.due, every), (own, quality))
        received = with_names(facts, _spread(every, quality))
        return parted(lines, len(windows)), parted(received, len(windows))

    table = _ordered(pl.concat(found)) if len(found) > 1 else found[0]
    first = parted(_first_mix(judged, mix, (own, quality)), len(judged.windows))
    tables = table.partition_by("period_start", as_dict=True) if len(judged.windows) > 1 else {}
    return [
        Measured(
            tables.get((window.start,), table.clear()) if tables else table,
            first[number], partial(_drawn_of, drawn, number),
        )
        for number, window in enumerate(judged.windows)
    ]  # fmt: skip


def _ordered(table: pl.DataFrame) -> pl.DataFrame:
    """By supplier, segment and measure, by the numbers of their names: sorting by texts takes ten times as long."""
    place = np.zeros(table.height, dtype=np.int64)
    for name in ("supplier", "segment", "measure"):
        number, names = ranked(table[name])
        place = place * (names.len() + 1) + number
    return table[np.argsort(place, kind="stable")]


def _drawn_of(drawn: _Drawn, number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    lines, received = drawn()
    return lines[number], received[number]


def lines_beneath(facts: Facts, judged: Judged, formula: Formula, segments: Collection[str]) -> list[pl.DataFrame]:
    """The lines alone that :func:`measure` returns with its measures, by window."""
    mix = MixTable.of(facts.mix)
    own = _shares(judged, mix, (formula.basis_of(Measure.OTIF), False), segments)
    quality = _shares(judged, mix, (formula.basis_of(Measure.REJECT_PPM), True), segments)
    late = judge_received(facts, formula, judged.windows, _refused_later(judged.due, judged.received)["line_id"])
    return parted(_lines(facts, (judged.due, late), (own, quality)), len(judged.windows))


def shares(judged: pl.DataFrame, mix: MixTable, basis: Basis, dated_by: str, segments: Collection[str]) -> pl.DataFrame:
    """[line_id, segment, share]: what each line counts for; the rest of a line is the common segment's.

    ``segments`` are the codes by rank; what names another code counts as common.
    """
    known = [code for code in segments if code != COMMON]
    if basis is Basis.MIX and not mix.names:
        return pl.DataFrame(schema={"line_id": judged.schema["line_id"], "segment": pl.String, "share": pl.Float64})
    lines = judged.select("line_id", "item", "site", "segment_pegged", date=dated_by).drop_nulls("date")
    policy = AttributionPolicy(basis, rank=tuple(known))
    lines = lines.with_columns(
        segment_pegged=pl.when(pl.col("segment_pegged").is_in(known)).then(pl.col("segment_pegged"))
    )
    found = attributed(lines, mix, policy)
    kept = np.isin(found.names, known)[found.segment]
    line, segment, parts = found.line[kept], found.segment[kept], found.parts[kept]
    # Rows of one line and segment, by different bases, lie together.
    first = np.ones(line.size, dtype=np.bool_)
    first[1:] = (line[1:] != line[:-1]) | (segment[1:] != segment[:-1])
    begins = np.flatnonzero(first)
    return pl.DataFrame({
        "line_id": lines["line_id"].gather(line[begins]),
        "segment": pl.Series(found.names, dtype=pl.String).gather(segment[begins]),
        "share": np.add.reduceat(parts, begins) / PARTS if begins.size else np.empty(0),
    })  # fmt: skip


def on_first_mix(judged: pl.DataFrame, mix: MixTable, dated_by: str = "attributed_on") -> pl.DataFrame:
    """[line_id] of lines whose mix was carried back from later demand, there being none before their period."""
    if not mix.carried.any():
        return judged.select("line_id").clear()
    lines = judged.select("line_id", "item", "site", date=dated_by).drop_nulls("date")
    interval = mix.intervals(lines.with_columns(pl.col("site").fill_null(ANY_SITE)))
    return lines.select("line_id").filter(pl.Series((interval >= 0) & np.append(mix.carried, False)[interval]))


def _first_mix(judged: Judged, mix: MixTable, weights: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    """[_window, supplier, segment, first_mix]: the share of what counts for a pair that went by a mix carried back."""
    carried = on_first_mix(judged.due, mix).with_columns(_first=pl.lit(1.0))
    if carried.is_empty():
        return pl.DataFrame(schema=_FIRST_MIX)
    narrow = ["line_id", "_window", "supplier"]
    late = _refused_later(judged.due, judged.received).select(narrow)
    lines = pl.concat([_spread(judged.due.select(narrow), weights[0]), _spread(late, weights[1])])
    by = ["_window", "supplier", "segment"]
    share = pl.col("share")
    found = lines.join(carried, on="line_id", how="left").group_by(by).agg(
        first_mix=(pl.col("_first").fill_null(0.0) * share).sum() / share.sum()
    )  # fmt: skip
    return found.filter(pl.col("first_mix") > 0).cast(_FIRST_MIX)


def _shares(judged: Judged, mix: MixTable, attribution: tuple[Basis, bool], segments: Collection[str]) -> pl.DataFrame:
    """Shares by one basis, of the lines received (True) or due (False)."""
    basis, by_receipt = attribution
    dated_by = "ordered_on" if basis is Basis.LEAD else "received_on" if by_receipt else "attributed_on"
    return shares(judged.received if by_receipt else judged.due, mix, basis, dated_by, segments)


def _in_base_units(judged: pl.DataFrame) -> pl.DataFrame:
    factor = pl.col("per_base").fill_null(1.0)
    quantities = [name for name in ("ordered", "received", "in_window", "rejected") if name in judged.columns]
    if (judged["per_base"] != 1.0).any():
        judged = judged.with_columns(pl.col(quantities) * factor)
    # A ruling that takes a line out of the score takes it out of every measure.
    return judged.with_columns(received=pl.when(pl.col("ruled_out").is_null()).then("received").otherwise(0.0))


def _lines(
    facts: Facts, judged: tuple[pl.DataFrame, pl.DataFrame], weights: tuple[pl.DataFrame, pl.DataFrame]
) -> pl.DataFrame:
    """Lines beneath the cards, once per segment they count for: those due, and those only refused in this period."""
    due, received = judged
    late = _refused_later(due, received)
    verdicts = (pl.lit(None, dtype=pl.Boolean).alias(name) for name in ("on_time", "in_full", "otif"))
    late = late.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", pl.lit(OTHER_PERIOD)))
    every = pl.concat([_spread(due, weights[0]), _spread(late, weights[1])])
    return with_names(facts, every).sort("supplier", "segment", "due_on", *KEY)


def _refused_later(due: pl.DataFrame, received: pl.DataFrame) -> pl.DataFrame:
    """Lines refused in a window that they were not due in."""
    return received.filter(pl.col("rejected") > 0).join(due, on="line_id", how="anti")


def _spread(judged: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    taken = weights.group_by("line_id").agg(_sum=pl.col("share").sum())
    rest = judged.select("line_id").join(taken, on="line_id", how="left").select(
        "line_id", segment=pl.lit(COMMON), share=1 - pl.col("_sum").fill_null(0.0)
    )  # fmt: skip
    every = pl.concat([weights, rest.filter(pl.col("share") > 1e-6)])
    return judged.join(every, on="line_id", how="inner")
