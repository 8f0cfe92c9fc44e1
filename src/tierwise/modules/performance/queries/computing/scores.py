"""From measures to scores: leant on the peers' prior, weighed by the segments' policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tierwise.engine.scoring import Measure, ScoreParams, score, shrink
from tierwise.kernel.audit import Invalid
from tierwise.modules.performance.queries.computing.ground import Basis
from tierwise.modules.performance.records import Formula, criteria_of

_PAIR = ["supplier", "segment"]


def shrunk(measured: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
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


def scored_pairs(table: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
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


def with_points(table: pl.DataFrame, formula: Formula, basis: Basis) -> pl.DataFrame:
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
