"""From facts to measures: lines judged per period, attributed to segments, measured per supplier × segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from tierwise.directory.records import COMMON
from tierwise.engine.attribution import AttributionPolicy, Basis, attribute
from tierwise.engine.attribution.attribute import mix_of_lines
from tierwise.engine.scoring import Measure, Period, judge_lines, measures
from tierwise.modules.performance.queries.loading import Facts
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
    came = receipts.with_columns(_on=event).filter(pl.col("_on").is_between(window.start, window.end))
    refused = _rejects_of(came, receipts, rejects)
    part = lines.join(came.select("line_id").unique(), on="line_id", how="semi")
    received = _judged(facts, part, (came.drop("_on"), refused), formula, window.closes_on)
    return Judged(due, received.filter(pl.col("received") > 0), window.start)


def _candidates(facts: Facts, formula: Formula, window: Window) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """All revisions of lines that may be due or were received in the window; of whole orders where those are judged."""
    dates = ("requested_on", "promised_on", "confirmed_on")
    near = pl.any_horizontal(pl.col(name).is_between(window.start, window.end) for name in dates)
    events = ("handed_over_on", "arrived_on", "posted_on")
    came = pl.any_horizontal(pl.col(name).is_between(window.start, window.end) for name in events)
    found = pl.concat(
        [facts.lines.filter(near).select("line_id"), facts.receipts.filter(came).select("line_id")]
    ).unique()
    lines = facts.lines.join(found, on="line_id", how="semi")
    if formula.otif.level == "order":
        lines = facts.lines.join(lines.select("source", "order").unique(), on=["source", "order"], how="semi")
    own = lines.select("line_id").unique()
    return lines, facts.receipts.join(own, on="line_id", how="semi"), facts.rejects.join(own, on="line_id", how="semi")


def _judged(
    facts: Facts, lines: pl.DataFrame, events: tuple[pl.DataFrame, pl.DataFrame], formula: Formula, as_of: date
) -> pl.DataFrame:
    """Judged lines with what is known about them. Lines ruled out are judged apart, so that no order fails by them."""
    out = facts.about.filter(pl.col("ruled_out").is_not_null()).select("line_id")
    receipts, rejects = (frame.drop("line_id") for frame in events)
    parts = [lines.join(out, on="line_id", how="anti")]
    if out.height:
        parts.append(lines.join(out, on="line_id", how="semi"))
    definition = replace(formula.otif, closures_of=facts.closures)
    found = pl.concat([judge_lines(part, receipts, rejects, definition, as_of) for part in parts])
    found = found.with_columns(pl.col("exclusion").cast(pl.String))
    found = found.join(facts.about.select(_ABOUT), on="line_id", how="left", maintain_order="left")
    ruled = pl.col("ruled_out").is_not_null()
    verdicts = (pl.when(~ruled).then(pl.col(name)).alias(name) for name in ("on_time", "in_full", "otif"))
    return found.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", "exclusion"))


def _rejects_of(came: pl.DataFrame, receipts: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejects of the receipts given; one that names no receipt falls on its line's last."""
    named = rejects.join(receipts.select("line_id", "receipt").unique(), on=["line_id", "receipt"], how="semi")
    loose = rejects.join(named, on=["line_id", "receipt", "reason"], how="anti")
    last = receipts.sort("line_id", pl.coalesce("arrived_on", "posted_on", "handed_over_on"), "receipt")
    last = last.unique("line_id", keep="last", maintain_order=True).select("line_id", _last="receipt")
    loose = loose.join(last, on="line_id", how="inner").with_columns(receipt="_last").drop("_last")
    every = pl.concat([named, loose.select(named.columns)])
    return every.join(came.select("line_id", "receipt").unique(), on=["line_id", "receipt"], how="semi")


def shares(
    judged: pl.DataFrame, mix: pl.DataFrame, basis: Basis, dated_by: str, segments: Collection[str]
) -> pl.DataFrame:
    """[line_id, segment, share]: what each line counts for; the rest of a line is the common segment's.

    ``segments`` are the codes by rank; what names another code counts as common.
    """
    known = [code for code in segments if code != COMMON]
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
    kinds = kinds.with_columns(share=pl.lit(1.0))
    lines = judged.select("line_id", "item", "site", date=dated_by).drop_nulls("date")
    return mix_of_lines(lines, kinds).filter(pl.col("segment") == "first_mix").select("line_id").unique()


@dataclass(frozen=True, slots=True)
class Measured:
    """``measures`` as the engine returns them; ``lines`` with the share each counts with; ``first_mix`` per pair.

    ``received`` are the lines behind the measures of quality, with what was received and refused in the period.
    """

    measures: pl.DataFrame = field(repr=False)
    lines: pl.DataFrame = field(repr=False)
    received: pl.DataFrame = field(repr=False)
    first_mix: pl.DataFrame = field(repr=False)


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
        table = measures(frame, weights[basis, by_receipt], Period(formula.period), formula.measured)
        found.append(table.filter(pl.col("measure").is_in(names)))
    own = weights[formula.basis_of(Measure.OTIF), False]
    quality = weights[formula.basis_of(Measure.REJECT_PPM), True]
    lines = _lines(every, own, quality)
    carried = on_first_mix(every.due, mix).with_columns(_first=pl.lit(1.0))
    first = (
        lines.join(carried, on="line_id", how="left")
        .group_by("_window", "supplier", "segment")
        .agg(first_mix=(pl.col("_first").fill_null(0.0) * pl.col("share")).sum() / pl.col("share").sum())
    )
    table = pl.concat(found).sort("supplier", "segment", "measure")
    parts = [_parted(frame, len(judged)) for frame in (lines, _spread(every.received, quality), first)]
    tables = [table] if len(judged) == 1 else [table.filter(_starts_in(each)) for each in judged]
    return [Measured(*frames) for frames in zip(tables, *parts, strict=True)]


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
    late = judged.received.filter(pl.col("rejected") > 0).join(judged.due, on="line_id", how="anti")
    verdicts = (pl.lit(None, dtype=pl.Boolean).alias(name) for name in ("on_time", "in_full", "otif"))
    late = late.with_columns(*verdicts, exclusion=pl.coalesce("ruled_out", pl.lit(OTHER_PERIOD)))
    return pl.concat([_spread(judged.due, due_shares), _spread(late, quality_shares)]).sort(
        "supplier", "segment", "due_on", *_KEY
    )


def _spread(judged: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    taken = weights.group_by("line_id").agg(_sum=pl.col("share").sum())
    rest = judged.select("line_id").join(taken, on="line_id", how="left").select(
        "line_id", segment=pl.lit(COMMON), share=1 - pl.col("_sum").fill_null(0.0)
    )  # fmt: skip
    every = pl.concat([weights, rest.filter(pl.col("share") > 1e-6)])
    return judged.join(every, on="line_id", how="inner")
