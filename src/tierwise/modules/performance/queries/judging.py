"""From facts to measures: lines judged per period, attributed to segments, measured per supplier × segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property, partial

import polars as pl

from tierwise.directory.records import COMMON
from tierwise.engine.attribution import AttributionPolicy, Basis, attribute
from tierwise.engine.attribution.attribute import mix_of_lines
from tierwise.engine.matching import KeyIndex, beside, marked, members, only
from tierwise.engine.scoring import Measure, Period, judge_lines, measures
from tierwise.modules.performance.queries.loading import DUE, EVENTS, Facts, Span, ids_of, within
from tierwise.modules.performance.records import BY_RECEIPT, Formula

_KEY = ["source", "order", "line"]
_ABOUT = ("line_id", "item_name", "unit", "per_base", "segment_pegged", "ruled_out")
OTHER_PERIOD = "due_in_other_period"


@dataclass(frozen=True, slots=True)
class Window:
    """A period and the last day whose events its cards see."""

    start: date
    end: date
    closes_on: date


@dataclass(frozen=True, slots=True)
class Judged:
    """Lines of one period: ``due`` in it, and ``received`` in it (for quality), quantities in the lines' units.

    ``start`` is the first day of the period.
    """

    due: pl.DataFrame = field(repr=False)
    received: pl.DataFrame = field(repr=False)
    start: date = date.min


def judge(facts: Facts, formula: Formula, window: Window) -> Judged:
    """Lines due in the window, judged as known on its last day; and lines received in it with that part's rejects."""
    lines, receipts, rejects = _candidates(facts, formula, window)
    in_window = pl.col("attributed_on").is_between(window.start, window.end)
    due = _judged(facts, lines, (receipts, rejects), formula, window.closes_on).filter(in_window)
    event = pl.coalesce(str(formula.otif.event), *(str(each) for each in formula.otif.event_fallbacks))
    came = receipts.filter(event.is_between(window.start, window.end))
    part = only(lines, marked(ids_of(facts), came["line_id"]))
    events = came, _rejects_of(came, receipts, rejects)
    received = _judged(facts, part, events, formula, window.closes_on)
    return Judged(due, received.filter(pl.col("received") > 0), window.start)


def _candidates(facts: Facts, formula: Formula, window: Window) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """All revisions of lines that may be due or were received in the window; of whole orders where those are judged."""
    span = Span(window.start, window.end)
    size = ids_of(facts)
    near = facts.lines.filter(within(DUE, span))["line_id"]
    found = marked(size, near, facts.receipts.filter(within(EVENTS, span))["line_id"])
    if formula.otif.level == "order":
        own = only(facts.lines, found).select("source", "order").unique()
        whole = facts.lines.join(own, on=["source", "order"], how="semi")
        found = marked(size, whole["line_id"])

    lines = only(facts.lines, found)
    present = marked(size, lines["line_id"])
    return lines, only(facts.receipts, present), only(facts.rejects, present)


def _judged(
    facts: Facts, lines: pl.DataFrame, events: tuple[pl.DataFrame, pl.DataFrame], formula: Formula, as_of: date
) -> pl.DataFrame:
    """Judged lines with what is known about them. Lines ruled out are judged apart, so that no order fails by them."""
    out = facts.about.filter(pl.col("ruled_out").is_not_null())["line_id"]
    parts = [lines]
    if out.len():
        ruled_out = members(lines["line_id"], marked(ids_of(facts), out))
        parts = [lines.filter(~ruled_out), lines.filter(ruled_out)]
    definition = replace(formula.otif, closures_of=facts.closures)
    found = pl.concat([judge_lines(part, *events, definition, as_of) for part in parts])
    found = beside(found.with_columns(pl.col("exclusion").cast(pl.String)), facts.about.select(_ABOUT), ["line_id"])
    ruled = pl.col("ruled_out").is_not_null()
    verdicts = (pl.when(~ruled).then(pl.col(name)).alias(name) for name in ("on_time", "in_full", "otif"))
    return found.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", "exclusion"))


def _rejects_of(came: pl.DataFrame, receipts: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejects of the receipts given; one that names no receipt falls on its line's last."""
    number = ["line_id", "receipt"]
    is_named = pl.Series(KeyIndex(receipts, number).find(rejects) >= 0, dtype=pl.Boolean)
    every = rejects
    if not is_named.all():
        loose = rejects.filter(~is_named)
        own = receipts.join(loose.select("line_id").unique(), on="line_id", how="semi")
        last = own.sort("line_id", pl.coalesce("arrived_on", "posted_on", "handed_over_on"), "receipt")
        last = last.unique("line_id", keep="last", maintain_order=True).select("line_id", _last="receipt")
        loose = loose.join(last, on="line_id", how="inner").with_columns(receipt="_last").drop("_last")
        every = pl.concat([rejects.filter(is_named), loose.select(rejects.columns)])
    return every.filter(pl.Series(KeyIndex(came, number).find(every) >= 0, dtype=pl.Boolean))


def shares(
    judged: pl.DataFrame, mix: pl.DataFrame, basis: Basis, dated_by: str, segments: Collection[str]
) -> pl.DataFrame:
    """[line_id, segment, share]: what each line counts for; the rest of a line is the common segment's.

    ``segments`` are the codes by rank; what names another code counts as common.
    """
    known = [code for code in segments if code != COMMON]
    if basis is Basis.MIX and mix.is_empty():
        return pl.DataFrame(schema={"line_id": judged.schema["line_id"], "segment": pl.String, "share": pl.Float64})
    lines = judged.select("line_id", "item", "site", "segment_pegged", date=dated_by).drop_nulls("date")
    policy = AttributionPolicy(basis, rank=tuple(known))
    lines = lines.with_columns(
        segment_pegged=pl.when(pl.col("segment_pegged").is_in(known)).then(pl.col("segment_pegged"))
    )
    found = attribute(lines, mix, policy).filter(pl.col("segment").is_in(known))
    return found.group_by("line_id", "segment", maintain_order=True).agg(pl.col("share").sum())


def on_first_mix(judged: pl.DataFrame, mix: pl.DataFrame, dated_by: str = "attributed_on") -> pl.DataFrame:
    """[line_id] of lines whose mix was carried back from later demand, there being none before their period."""
    kinds = mix.select("item", "site", "valid_from", "valid_to", segment="basis").unique()
    if not (kinds["segment"] == "first_mix").any():
        return judged.select("line_id").clear()
    kinds = kinds.with_columns(share=pl.lit(1.0))
    lines = judged.select("line_id", "item", "site", date=dated_by).drop_nulls("date")
    return mix_of_lines(lines, kinds).filter(pl.col("segment") == "first_mix").select("line_id").unique()


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


def measure(facts: Facts, judged: Judged, formula: Formula, segments: Collection[str]) -> Measured:
    """Every measure of the period by the attribution the formula names for it, in the items' base units."""
    return measure_many(facts.mix, [judged], formula, segments)[0]


def measure_many(
    mix: pl.DataFrame, judged: Sequence[Judged], formula: Formula, segments: Collection[str]
) -> list[Measured]:
    """The same for several periods at once. Each judges its lines as known then, so one line may be in many."""
    every = Judged(_stacked([each.due for each in judged]), _stacked([each.received for each in judged]))
    groups: dict[tuple[Basis, bool], list[str]] = defaultdict(list)
    for each in Measure:
        groups[formula.basis_of(each), each in BY_RECEIPT].append(str(each))
    due, received = _in_base_units(every.due), _in_base_units(every.received)
    found = []
    weights: dict[tuple[Basis, bool], pl.DataFrame] = {}
    for (basis, by_receipt), names in groups.items():
        frame = received if by_receipt else due
        weights[basis, by_receipt] = _shares(every, mix, (basis, by_receipt), segments)
        wanted = replace(formula.measured, wanted=frozenset(names))
        found.append(measures(frame, weights[basis, by_receipt], Period(formula.period), wanted))
    own = weights[formula.basis_of(Measure.OTIF), False]
    quality = weights[formula.basis_of(Measure.REJECT_PPM), True]

    @cache
    def drawn() -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        return _parted(_lines(every, own, quality), len(judged)), _parted(_spread(every.received, quality), len(judged))

    table = pl.concat(found).sort("supplier", "segment", "measure") if len(found) > 1 else found[0]
    tables = [table] if len(judged) == 1 else [table.filter(_starts_in(each)) for each in judged]
    first = _parted(_first_mix(every, mix, (own, quality)), len(judged))
    return [
        Measured(tables[number], first[number], partial(_drawn_of, drawn, number)) for number in range(len(judged))
    ]  # fmt: skip


def _drawn_of(
    drawn: Callable[[], tuple[list[pl.DataFrame], list[pl.DataFrame]]], number: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    lines, received = drawn()
    return lines[number], received[number]


def _first_mix(judged: Judged, mix: pl.DataFrame, weights: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    """[_window, supplier, segment, first_mix]: the share of what counts for a pair that went by a mix carried back."""
    carried = on_first_mix(judged.due, mix).with_columns(_first=pl.lit(1.0))
    narrow = ["line_id", "_window", "supplier"]
    if carried.is_empty():
        return judged.due.select("_window", "supplier", segment="supplier", first_mix=pl.lit(0.0)).clear()
    late = _refused_later(judged).select(narrow)
    lines = pl.concat([_spread(judged.due.select(narrow), weights[0]), _spread(late, weights[1])])
    by = ["_window", "supplier", "segment"]
    share = pl.col("share")
    shares = lines.join(carried, on="line_id", how="left").group_by(by).agg(
        first_mix=(pl.col("_first").fill_null(0.0) * share).sum() / share.sum()
    )  # fmt: skip
    return shares.filter(pl.col("first_mix") > 0)


def lines_of_many(
    mix: pl.DataFrame, judged: Sequence[Judged], formula: Formula, segments: Collection[str]
) -> list[pl.DataFrame]:
    """The lines alone that :func:`measure_many` returns with its measures."""
    every = Judged(_stacked([each.due for each in judged]), _stacked([each.received for each in judged]))
    own = _shares(every, mix, (formula.basis_of(Measure.OTIF), False), segments)
    quality = _shares(every, mix, (formula.basis_of(Measure.REJECT_PPM), True), segments)
    return _parted(_lines(every, own, quality), len(judged))


def _shares(
    judged: Judged, mix: pl.DataFrame, attribution: tuple[Basis, bool], segments: Collection[str]
) -> pl.DataFrame:
    """Shares by one basis, of the lines received (True) or due (False)."""
    basis, by_receipt = attribution
    dated_by = "ordered_on" if basis is Basis.LEAD else "received_on" if by_receipt else "attributed_on"
    return shares(judged.received if by_receipt else judged.due, mix, basis, dated_by, segments)


_WINDOW_STEP = 2**32
"""Line ids are 32 bits wide; the number of a window stands above them."""


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Frames of several windows in one, with ``_window`` and line ids that are unique over all."""
    return pl.concat(
        frame.with_columns(
            pl.col("line_id").cast(pl.Int64) + number * _WINDOW_STEP, _window=pl.lit(number, dtype=pl.Int64)
        )
        for number, frame in enumerate(frames)
    )


def _parted(frame: pl.DataFrame, windows: int) -> list[pl.DataFrame]:
    """The frame by window, in order, under the line ids it came with."""
    parts = frame.partition_by("_window", as_dict=True, include_key=False, maintain_order=True)
    empty = frame.clear().drop("_window")
    found = [parts.get((number,), empty) for number in range(windows)]
    if "line_id" not in frame.columns:
        return found
    return [part.with_columns((pl.col("line_id") % _WINDOW_STEP).cast(pl.UInt32)) for part in found]


def _starts_in(judged: Judged) -> pl.Expr:
    return pl.col("period_start") == judged.start


def _in_base_units(judged: pl.DataFrame) -> pl.DataFrame:
    factor = pl.col("per_base").fill_null(1.0)
    scaled = judged.with_columns(pl.col("ordered", "received", "in_window", "rejected") * factor)
    # A ruling that takes a line out of the score takes it out of every measure.
    return scaled.with_columns(received=pl.when(pl.col("ruled_out").is_null()).then("received").otherwise(0.0))


def _lines(judged: Judged, due_shares: pl.DataFrame, quality_shares: pl.DataFrame) -> pl.DataFrame:
    """Lines beneath the cards, once per segment they count for: those due, and those only refused in this period."""
    late = _refused_later(judged)
    verdicts = (pl.lit(None, dtype=pl.Boolean).alias(name) for name in ("on_time", "in_full", "otif"))
    late = late.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", pl.lit(OTHER_PERIOD)))
    return pl.concat([_spread(judged.due, due_shares), _spread(late, quality_shares)]).sort(
        "supplier", "segment", "due_on", *_KEY
    )


def _refused_later(judged: Judged) -> pl.DataFrame:
    """Lines refused in a window that they were not due in."""
    return judged.received.filter(pl.col("rejected") > 0).join(judged.due, on="line_id", how="anti")


def _spread(judged: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    taken = weights.group_by("line_id").agg(_sum=pl.col("share").sum())
    rest = judged.select("line_id").join(taken, on="line_id", how="left").select(
        "line_id", segment=pl.lit(COMMON), share=1 - pl.col("_sum").fill_null(0.0)
    )  # fmt: skip
    every = pl.concat([weights, rest.filter(pl.col("share") > 1e-6)])
    return judged.join(every, on="line_id", how="inner")
