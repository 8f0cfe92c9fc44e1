"""Scorecards of a period computed for everybody at once; nothing is written here."""

from __future__ import annotations

import polars as pl

from tierwise.engine.scoring import periods_between, standing
from tierwise.kernel.viewer import Viewer
from tierwise.modules.performance.ports import severity_events
from tierwise.modules.performance.queries.computing.ground import Basis, Ground, basis_of, ground_of, vars_of
from tierwise.modules.performance.queries.computing.lines import load_lines
from tierwise.modules.performance.queries.computing.periods import Request
from tierwise.modules.performance.queries.computing.scores import scored_pairs, shrunk, with_points
from tierwise.modules.performance.queries.loading import Facts
from tierwise.modules.performance.queries.measuring import Measured, measure
from tierwise.modules.performance.records import ComputedCards, FormulaId

_PAIR = ["supplier", "segment"]


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
    (facts, measured), basis = found, basis_of(request, ground)
    table = shrunk(measured.measures, formula, basis)
    scored = scored_pairs(table, formula, basis)
    cards = _standings(viewer, request, scored, (basis, ground.earlier))
    cards = cards.join(measured.first_mix, on=_PAIR, how="left").with_columns(pl.col("first_mix").fill_null(0.0))
    return ComputedCards(
        formula=FormulaId(request.formula.id, request.formula.number), period=request.period.label,
        period_start=request.period.start, period_end=request.period.end, manifest=request.manifest.id,
        scheme_version=facts.scheme_version, cards=cards, measures=with_points(table, formula, basis),
        lines=measured.lines if with_lines else pl.DataFrame(),
        policies={code: vars_of(basis.policies[code]) for code in basis.segments},
        warnings=facts.warnings,
    )  # fmt: skip


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
