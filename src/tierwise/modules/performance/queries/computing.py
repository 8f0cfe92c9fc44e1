"""Scorecards of a period computed for everybody at once; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.directory import queries as directory
from tierwise.directory.records import read_facet
from tierwise.engine.scoring import (
    Measure,
    ScoreParams,
    periods_between,
    score,
    shrink,
    standing,
)
from tierwise.kernel.audit import Invalid
from tierwise.kernel.clock import today
from tierwise.kernel.compute import grouped, spread
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.performance.ports import severity_events
from tierwise.modules.performance.queries.cards import Kept, corrections, history, kept
from tierwise.modules.performance.queries.judging import Judged, judge, together
from tierwise.modules.performance.queries.loading import Facts, Span, load_facts, load_spans, part_of
from tierwise.modules.performance.queries.measuring import Measured, lines_beneath, measure
from tierwise.modules.performance.queries.windows import Window
from tierwise.modules.performance.records import (
    ComputedCards,
    Correction,
    Formula,
    FormulaId,
    FormulaRecord,
    Scoring,
    criteria_of,
)

_PAIR = ["supplier", "segment"]
CHUNK = 24
"""Most periods that are read and measured together: enough to share the work."""
LINES_AT_ONCE = 3_000_000
"""Lines that are read and measured together, where one period has no more: some 4 GB."""


@dataclass(frozen=True, slots=True)
class PeriodSpan:
    """A period by its label and days."""

    label: str
    start: date
    end: date

    def window(self, formula: Formula) -> Window:
        return Window(self.start, self.end, formula.closes_on(self.end))


@dataclass(frozen=True, slots=True)
class Request:
    """What to compute: a formula, a period of it, and the facts at one manifest.

    ``suppliers`` (codes) narrows it; ``supposed`` are corrections on trial; ``anew`` forgets what the period keeps from
    its first scoring (policy and priors), as a new formula on trial does.
    """

    formula: FormulaRecord
    period: PeriodSpan
    manifest: ManifestRecord
    suppliers: frozenset[str] | None = None
    supposed: tuple[Correction, ...] = ()
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Basis:
    """What scores are made with: segments by rank, policy values by segment code, priors and earlier cards."""

    segments: tuple[str, ...]
    policies: Mapping[str, Scoring]
    priors: pl.DataFrame = field(repr=False)
    scored_before: bool = False


def closed_periods(formula: Formula, first: date, on: date | None = None) -> list[PeriodSpan]:
    """Periods from the one that holds ``first`` to the last one closed on a day (today)."""
    day = on or today()
    if day < first:
        return []
    table = periods_between(first, day, formula.period)
    spans = [PeriodSpan(*row) for row in table.iter_rows()]
    return [span for span in spans if formula.closes_on(span.end) <= day]


def facts_reach(viewer: Viewer, manifest: ManifestRecord) -> date | None:
    """The last day that the facts tell of: no period is judged before they reach the day it closes on."""
    told = {
        "purchase_line": ("ordered_on", "revised_on"),
        "receipt": ("posted_on", "arrived_on"),
        "demand": ("ordered_on",),
    }
    tables = [
        lake.facts(viewer, table, manifest).select(pl.max_horizontal(pl.col(name).max() for name in names).alias("day"))
        for table, names in told.items()
    ]
    found: date | None = pl.concat(tables).select(pl.col("day").max()).collect().item()
    return found


def closed(viewer: Viewer, formula: Formula, manifest: ManifestRecord, on: date | None = None) -> list[PeriodSpan]:
    """Periods of the facts, the oldest first, that closed by a day (today) and by the last day the facts tell of."""
    began, reach = first_due(viewer, manifest), facts_reach(viewer, manifest)
    if began is None or reach is None:
        return []
    return closed_periods(formula, began, min(reach, on or today()))


def periods_at_once(viewer: Viewer, manifest: ManifestRecord, periods: int) -> int:
    """How many of some periods are read and measured together, by how many lines there are to them on the average."""
    lines: int = lake.facts(viewer, "purchase_line", manifest).select(pl.len()).collect().item()
    return max(1, min(CHUNK, LINES_AT_ONCE * periods // max(1, lines)))


def first_due(viewer: Viewer, manifest: ManifestRecord) -> date | None:
    """The earliest day that any purchase line was ordered on."""
    found: date | None = (
        lake.facts(viewer, "purchase_line", manifest).select(pl.col("ordered_on").min()).collect().item()
    )
    return found


def load_lines(viewer: Viewer, request: Request) -> tuple[Facts, Judged]:
    """Facts of a period with rulings laid over them, and its lines judged."""
    period = request.period
    facts = load_facts(viewer, Span(period.start, period.end, request.suppliers), request.manifest, request.supposed)
    return facts, judge(facts, request.formula.formula, [period.window(request.formula.formula)])


def lines_of(viewer: Viewer, request: Request) -> pl.DataFrame:
    """Every judged line of a period with the segment and share it counts for: what stands beneath the cards."""
    return measured_of(viewer, request).lines


def measured_of(viewer: Viewer, request: Request) -> Measured:
    """Measures of a period with the lines behind them; no score."""
    facts, judged = load_lines(viewer, request)
    return measure(facts, judged, request.formula.formula, _segments(viewer))[0]


def _segments(viewer: Viewer) -> tuple[str, ...]:
    return tuple(segment.code for segment in directory.segments(viewer, active=False))


@dataclass(frozen=True, slots=True)
class Ground:
    """What cards follow from besides facts: segments by rank, their policies, and the cards that there are.

    ``at_end`` are the policies in force at the end of each period (by label), ``earlier`` what :func:`history` returns.
    ``corrections`` are the rulings about lines; they are laid over when facts are read.
    """

    segments: Mapping[UUID, str]
    today: Mapping[UUID, Mapping[str, Any]]
    at_end: Mapping[str, Mapping[UUID, Mapping[str, Any]]]
    kept: Mapping[str, Kept]
    earlier: pl.DataFrame = field(repr=False)
    corrections: tuple[Correction, ...]

    def values(self, label: str, *, kept: bool = True) -> dict[str, Mapping[str, Any]]:
        """Segment code → values of its policy: the period's own, those in force at its end, or today's."""
        found = {**self.today, **self.at_end[label]}
        values = {code: found[key] for key, code in self.segments.items() if key in found}
        return values | dict(self.kept[label].policies) if kept and label in self.kept else values


def ground_of(viewer: Viewer, periods: Sequence[PeriodSpan]) -> Ground:
    """The ground for cards of some periods."""
    return Ground(
        {segment.id: segment.code for segment in directory.segments(viewer, active=False)},
        directory.policy(viewer, "scoring"),
        {period.label: directory.policy(viewer, "scoring", period.end) for period in periods},
        kept(viewer, [period.label for period in periods]),
        history(viewer, before=max(period.start for period in periods)), tuple(corrections(viewer)),
    )  # fmt: skip


def measured_periods(viewer: Viewer, requests: Sequence[Request]) -> list[tuple[Facts, Measured]]:
    """Facts and measures of several periods at once; the requests differ in nothing else."""
    (facts, parts), judged = _judged_periods(viewer, requests)
    measured = measure(facts, judged, requests[0].formula.formula, _segments(viewer))
    return list(zip(parts, measured, strict=True))


def lines_of_periods(viewer: Viewer, requests: Sequence[Request]) -> list[pl.DataFrame]:
    """What :func:`lines_of` returns for each of several periods, at once; the requests differ in nothing else."""
    (facts, _), judged = _judged_periods(viewer, requests)
    return lines_beneath(facts, judged, requests[0].formula.formula, _segments(viewer))


def _judged_periods(viewer: Viewer, requests: Sequence[Request]) -> tuple[tuple[Facts, list[Facts]], Judged]:
    formula, manifest, suppliers = requests[0].formula.formula, requests[0].manifest, requests[0].suppliers
    loaded = load_spans(viewer, [Span(each.period.start, each.period.end, suppliers) for each in requests], manifest)
    groups = grouped([each.period.window(formula) for each in requests])
    parts = [loaded[0]] if len(groups) == 1 else [_part(loaded[0], group) for group in groups]
    return loaded, together(spread(judge_part, list(zip(parts, groups, strict=True)), formula))


def _part(facts: Facts, windows: Sequence[Window]) -> Facts:
    return part_of(facts, Span(min(each.start for each in windows), max(each.end for each in windows)))


def judge_part(part: tuple[Facts, Sequence[Window]], formula: Formula) -> Judged:
    """The lines of some periods judged, wherever that is worked."""
    facts, windows = part
    return judge(facts, formula, windows)


def compute(viewer: Viewer, request: Request) -> ComputedCards:
    """Cards of one period for many suppliers × segments, by the formula and what the period keeps from before."""
    facts, judged = load_lines(viewer, request)
    ground = ground_of(viewer, [request.period])
    measured = measure(facts, judged, request.formula.formula, tuple(ground.segments.values()))[0]
    return cards_of(viewer, request, (facts, measured), ground)


def cards_of(
    viewer: Viewer, request: Request, found: tuple[Facts, Measured], ground: Ground, *, with_lines: bool = True
) -> ComputedCards:
    """Cards of one period from its measures, with the lines beneath them where they are wanted."""
    formula = request.formula.formula
    (facts, measured), basis = found, _basis(request, ground)
    table = _shrunk(measured.measures, formula, basis)
    scored = _scored(table, formula, basis)
    cards = _standings(viewer, request, scored, (basis, ground.earlier))
    cards = cards.join(measured.first_mix, on=_PAIR, how="left").with_columns(pl.col("first_mix").fill_null(0.0))
    return ComputedCards(
        formula=FormulaId(request.formula.id, request.formula.number), period=request.period.label,
        period_start=request.period.start, period_end=request.period.end, manifest=request.manifest.id,
        scheme_version=facts.scheme_version, cards=cards, measures=_with_points(table, formula, basis),
        lines=measured.lines if with_lines else pl.DataFrame(),
        policies={code: vars_of(basis.policies[code]) for code in basis.segments},
        warnings=facts.warnings,
    )  # fmt: skip


def policies(viewer: Viewer) -> dict[UUID, dict[str, Any]]:
    """Segment → what it expects today, the defaults filled in."""
    in_force = directory.policy(viewer, "scoring")
    return {each.id: vars_of(read_facet(Scoring, in_force.get(each.id))) for each in directory.segments(viewer)}


def vars_of(policy: Scoring) -> dict[str, Any]:
    return dict(policy.__dict__)


def _basis(request: Request, ground: Ground) -> Basis:
    """Segments and their expectations: the period's own, those in force at its end, today's, or the defaults."""
    label, codes = request.period.label, tuple(ground.segments.values())
    before = ground.kept.get(label)
    again = before is not None and before.formula == request.formula.id and not request.anew
    values = ground.values(label, kept=again)
    policies = {code: read_facet(Scoring, values.get(code)) for code in codes}
    return Basis(codes, policies, before.priors if before else pl.DataFrame(), again)


def _shrunk(measured: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
    """Shares leant on the peers' prior: the one of the period's first scoring where there was one."""
    table = shrink(measured, formula.shrunk)
    if not formula.shrinkage:
        nothing = (pl.lit(None, dtype=pl.Float64).alias(name) for name in ("shrunk", "prior_mean", "prior_n"))
        return table.with_columns(*nothing).with_columns(scored="value")
    if basis.scored_before and basis.priors.height:
        table = table.drop("prior_mean", "prior_n", "shrunk")
        own = pl.col("value") * pl.col("effective_n")
        lent = pl.col("prior_mean") * pl.col("prior_n")
        table = table.join(basis.priors, on=["segment", "measure"], how="left").with_columns(
            shrunk=(own + lent) / (pl.col("effective_n") + pl.col("prior_n"))
        )
    leans = pl.col("prior_n").is_not_null()
    return table.with_columns(shrunk=pl.when(leans).then("shrunk")).with_columns(scored=pl.coalesce("shrunk", "value"))


def _params(formula: Formula, basis: Basis) -> ScoreParams | None:
    by_segment = {}
    for code, policy in basis.policies.items():
        try:
            criteria = criteria_of(policy, formula.gates)
        except ValueError as error:
            raise Invalid(
                "scoring_policy", f"Policy of segment {code}: {error}", field="scoring", segment=code
            ) from None
        if criteria:
            by_segment[code] = criteria
    if not by_segment:
        return None
    return ScoreParams(by_segment=by_segment, least_weight=formula.least_weight, value="scored")


def _scored(table: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
    """[supplier, segment, period, period_start, score, n, …]; segments that weigh nothing are not scored."""
    params = _params(formula, basis)
    wanted = table.filter(pl.col("segment").is_in(list(params.by_segment) if params else []))
    if params is None or wanted.is_empty():
        return pl.DataFrame(
            schema={
                **dict.fromkeys((*_PAIR, "period"), pl.String), "period_start": pl.Date, "score": pl.Float64,
                "n": pl.Int64, "weight_measured": pl.Float64, "missing": pl.String, "gates": pl.String,
                "ungated": pl.Float64,
            }
        )  # fmt: skip
    return score(wanted, params).drop("n").join(_lines_behind(wanted, params), on=_PAIR, how="left")


_COUNTED_BY = {
    Measure.FILL_RATE: Measure.LINE_FILL_RATE, Measure.REJECT_PPM: Measure.REJECTED_LINES,
}  # fmt: skip
"""Measures of quantities, and the measure whose effective n counts the lines behind them."""


def _lines_behind(table: pl.DataFrame, params: ScoreParams) -> pl.DataFrame:
    """[supplier, segment, n]: the least effective number of *lines* behind a scored measure.

    A few large lines make the effective n of a quantity small; that belongs into its interval. A segment says from how
    many lines it judges.
    """
    scored = [(code, c.measure) for code, criteria in params.by_segment.items() for c in criteria if c.weight > 0]
    counted = pl.DataFrame(
        [(code, measure, str(_COUNTED_BY.get(Measure(measure), measure))) for code, measure in scored],
        schema={"segment": pl.String, "scored": pl.String, "measure": pl.String}, orient="row",
    )  # fmt: skip
    found = table.join(counted, on=["segment", "measure"]).filter(pl.col("value").is_not_null())
    return found.group_by(_PAIR).agg(n=pl.col("effective_n").min().round(6).floor().cast(pl.Int64))


def _standings(
    viewer: Viewer, request: Request, scored: pl.DataFrame, ground: tuple[Basis, pl.DataFrame]
) -> pl.DataFrame:
    """One row per pair with its standing after the period; pairs once rated stand there in idle periods too.

    Scores of earlier periods come from their recorded cards, so that streaks are those that people were shown.
    """
    formula, period, (basis, earlier) = request.formula.formula, request.period, ground
    before = earlier.filter(pl.col("period_start") < period.start)
    # Cards of another kind of period (months before quarters) have scores of their own and no part in a streak.
    first = min([period.start, *before["period_start"].to_list()])
    grid = periods_between(first, period.start, formula.period)
    before = before.filter(pl.col("score").is_not_null()).join(grid, on=["period", "period_start"], how="semi")
    if request.suppliers is not None:
        before = before.filter(pl.col("supplier").is_in(list(request.suppliers)))
    columns = [*_PAIR, "period_start", "score", "n"]
    every = pl.concat([before.select(columns), scored.select(columns)])
    events = severity_events(viewer, first, period.end, formula.period)
    least = pl.DataFrame(
        {"segment": list(basis.policies), "least_n": [policy.least_n for policy in basis.policies.values()]},
        schema={"segment": pl.String, "least_n": pl.Int64},
    )
    found = []
    for (least_n,), part in every.join(least, on="segment").group_by("least_n", maintain_order=True):
        own = _events_of(events, part)
        walked = standing(part.select(columns), formula.standing_with(int(str(least_n))), grid, own)
        found.append(walked.filter(pl.col("period_start") == period.start))
    rest = ("score", "n", "ungated", "gates", "missing")
    if not found:
        return scored.select(*_PAIR, *rest, standing=pl.lit(""), reason=pl.lit(""))
    walked = pl.concat(found).select(*_PAIR, pl.col("standing").fill_null(""), pl.col("reason").cast(pl.String))
    cards = walked.join(scored.select(*_PAIR, *rest), on=_PAIR, how="left")
    alive = pl.col("n").is_not_null() | (pl.col("standing") != "")
    cards = cards.filter(alive).with_columns(pl.col("n").fill_null(0), pl.col("gates", "missing").fill_null(""))
    return cards.select(*_PAIR, *rest, "standing", "reason").sort(_PAIR)


def _events_of(events: pl.DataFrame | None, part: pl.DataFrame) -> pl.DataFrame | None:
    return None if events is None else events.join(part.select("supplier").unique(), on="supplier", how="semi")


def _with_points(table: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
    """Measures with the limit, target, weight and points (0 to 100) of their segment's policy."""
    params = _params(formula, basis)
    rows: Sequence[tuple[Any, ...]] = [
        (code, c.measure, c.limit, c.target, c.weight)
        for code, criteria in (params.by_segment if params else {}).items()
        for c in criteria
    ]
    numbers = dict.fromkeys(("limit", "target", "weight"), pl.Float64)
    known = pl.DataFrame(rows, schema={"segment": pl.String, "measure": pl.String, **numbers}, orient="row")
    reached = 100 * (pl.col("scored") - pl.col("limit")) / (pl.col("target") - pl.col("limit"))
    return table.join(known, on=["segment", "measure"], how="left", maintain_order="left").with_columns(
        points=reached.clip(0.0, 100.0)
    )


__all__ = [
    "Ground",
    "PeriodSpan",
    "Request",
    "cards_of",
    "closed",
    "closed_periods",
    "compute",
    "facts_reach",
    "first_due",
    "ground_of",
    "lines_of",
    "lines_of_periods",
    "load_lines",
    "measured_of",
    "measured_periods",
    "periods_at_once",
    "policies",
]
