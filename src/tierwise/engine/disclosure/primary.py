"""Which cells of a table of quantities may be shown without giving one contributor's figure away.

Primary suppression of a magnitude table. It judges each cell by itself: publishing totals of the same table beside it
calls for secondary suppression as well (`protect_table`), and two releases that differ by one contributor call for a
look at the difference (`difference_needs`). Sources: Hundepool et al., Handbook on Statistical Disclosure Control
(chapter 4); Willenborg and de Waal (2001).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

# A contribution that cancels out within a holding must not count as a contributor for its last binary digit.
_ROUNDING = 1e-12
RESERVED = frozenset({"contributor", "holding", "value", "exempt", "status", "reason"})


@dataclass(frozen=True, slots=True)
class DisclosureParams:
    """The rules of one data-sharing agreement; which ones and their numbers stay internal.

    ``least_contributors`` holdings must stand behind a cell. ``dominance`` pairs (n, k): unsafe when the n largest hold
    k % or more of the cell; the handbook's text says *more than* (``inclusive_dominance`` False), its successors'
    programs "or more", and the stricter reading is the default. ``p_percent``: unsafe when the second largest could
    estimate the largest to within p %, X − x1 − x2 < p/100·x1, strictly; None switches it off.
    ``frequency_margin_percent`` of the largest contribution is what must stay uncertain about a cell with too few
    contributors. ``protect_zeros`` suppresses cells in which nobody has anything; by default a zero is shown.
    """

    cells: tuple[str, ...]
    least_contributors: int = 3
    dominance: tuple[tuple[int, float], ...] = ()
    inclusive_dominance: bool = True
    p_percent: float | None = 10.0
    frequency_margin_percent: float = 30.0
    protect_zeros: bool = False

    def __post_init__(self) -> None:
        if not self.cells or len(set(self.cells)) != len(self.cells) or RESERVED & set(self.cells):
            raise ValueError(
                f"cells are {self.cells}; name each column that makes a cell once, none of {sorted(RESERVED)}"
            )
        if self.least_contributors < 1:
            raise ValueError(f"least_contributors is {self.least_contributors}; give 1 or more, 3 where in doubt")
        for n, k in self.dominance:
            if n < 1 or not 0 < k <= 100:
                raise ValueError(f"dominance holds ({n}, {k}); give n of 1 or more and k in percent, at most 100")
        if self.p_percent is not None and not 0 < self.p_percent < math.inf:
            raise ValueError(
                f"p_percent is {self.p_percent}; give a positive percentage, or None to leave the rule out"
            )
        if not 0 < self.frequency_margin_percent < math.inf:
            raise ValueError(f"frequency_margin_percent is {self.frequency_margin_percent}; give a positive percentage")


@dataclass(frozen=True, slots=True)
class ProtectedTable:
    """``released`` may leave the house; ``internal`` must not: reasons and margins help to undo the suppression.

    ``released``: cell columns, ``value`` (null when suppressed), ``status`` ("ok", "suppressed", "exempt").
    ``internal``: cell columns, ``status``, ``reason`` (rules failed, comma separated; empty when ok),
    ``upper_protection`` (how far above the true value an intruder's upper bound must stay; 0 when ok), ``contributors``
    (holdings, without the recipient), ``total`` (published value before suppression).
    """

    released: pl.DataFrame
    internal: pl.DataFrame


def protect(
    contributions: pl.DataFrame, params: DisclosureParams, recipient: str | Collection[str] | None = None
) -> ProtectedTable:
    """Which sums may be shown to whom, so that nobody's own contribution can be told from them?

    ``contributions``: the columns of ``params.cells``, ``contributor``, ``value`` and, where companies belong together,
    ``holding`` (null: on its own); contributors of one holding count as one, their values net. A flag ``exempt`` marks
    rows that are the recipient's own business (its order forecast): they are summed and shown untouched, in rows of
    their own, and play no part in the rules. ``recipient`` (contributors or holdings) is the intruder one plans for:
    its holding's contribution is known to it and is taken off before every rule; a cell to which nobody else
    contributes is a zero to it. Without a recipient the release is public.

    With X the sum and x1 ≥ x2 ≥ … the contributions by holding a cell is unsafe when fewer than the least number have
    one other than zero, when Σ of the n largest ≥ k/100·X, or when X − x1 − x2 < p/100·x1. Negative values are judged
    by their size, X = Σ|x|; the value released is the plain sum. Upper protection level: the most of k⁻¹·100·Σtop n −
    X, p/100·x1 − (X − x1 − x2) and, for too few contributors, the margin of x1.

    Raises ValueError for missing columns, values that are not finite, contributors in two holdings. No contributions
    give no cells. Cells come out in the order of their names, never of the input.
    Source: Hundepool et al., Handbook on Statistical Disclosure Control, 4.2; its 50,000 and 49,000 of 100,000 pass
    (1, 90) but fail p = 10:

    >>> rows = pl.DataFrame({"cell": ["a"] * 4, "contributor": list("wxyz"), "value": [50_000.0, 49_000, 600, 400]})
    >>> found = protect(rows, DisclosureParams(("cell",), dominance=((1, 90),), p_percent=10))
    >>> found.internal.select("reason", "upper_protection").row(0)
    ('p_percent(10)', 4000.0)
    """
    rows = _checked(contributions, params)
    cells = list(params.cells)
    exempt = _exempt(rows, cells)
    rows = rows.filter(~pl.col("exempt")) if "exempt" in rows.columns else rows
    known = holdings_of(rows, recipient)
    # Sorting first makes the floating sums, and so the verdicts, independent of the order of the rows.
    by_holding = (
        rows.sort(*cells, "holding", "contributor", "value", nulls_last=True)
        .group_by(*cells, "holding", maintain_order=True)
        .agg(value=pl.col("value").sum(), _gross=pl.col("value").abs().sum())
        .with_columns(value=pl.when(pl.col("value").abs() > _ROUNDING * pl.col("_gross")).then("value").otherwise(0.0))
    )
    own = pl.col("holding").is_in(known)
    totals = by_holding.group_by(cells, maintain_order=True).agg(total=pl.col("value").sum())
    judged = totals.join(_sizes(by_holding.filter(~own), params), on=cells, how="left", nulls_equal=True)
    judged = _judge(judged.with_columns(pl.exclude(*cells).fill_null(0)), params).sort(cells, nulls_last=True)
    shown = pl.when(pl.col("status") == "ok").then(pl.col("total"))
    released = pl.concat([judged.select(*cells, value=shown, status="status"), exempt])
    internal = judged.select(*cells, "status", "reason", "upper_protection", "contributors", "total")
    return ProtectedTable(released.sort(*cells, "status", nulls_last=True), internal)


def _checked(contributions: pl.DataFrame, params: DisclosureParams) -> pl.DataFrame:
    required = [*params.cells, "contributor", "value"]
    if missing := [name for name in required if name not in contributions.columns]:
        raise ValueError(f"contributions lack {', '.join(missing)}; add them or change the cells")
    value = pl.col("value").cast(pl.Float64)
    rows = contributions.with_columns(value, pl.col("contributor").cast(pl.String))
    if not rows.select(value.is_finite().fill_null(value=False).all()).item():
        raise ValueError("contributions.value must be a finite number on every row; repair or leave out those rows")
    if rows["contributor"].null_count():
        raise ValueError("contributions.contributor is empty on some rows; an unknown contributor cannot be counted")
    if "exempt" in rows.columns:
        rows = rows.with_columns(pl.col("exempt").fill_null(value=False))
    own_name = pl.col("contributor")
    if "holding" not in rows.columns:
        return rows.with_columns(holding=own_name)
    rows = rows.with_columns(holding=pl.coalesce(pl.col("holding").cast(pl.String), own_name))
    owners = rows.group_by("contributor").agg(pl.col("holding").n_unique())
    if several := owners.filter(pl.col("holding") > 1)["contributor"].sort().to_list():
        raise ValueError(f"contributor {several[0]} is in more than one holding; decide on one for the release")
    return rows


def _exempt(rows: pl.DataFrame, cells: list[str]) -> pl.DataFrame:
    chosen = rows.filter("exempt") if "exempt" in rows.columns else rows.clear()
    sums = chosen.sort(*cells, "contributor", "value", nulls_last=True).group_by(cells, maintain_order=True)
    return sums.agg(value=pl.col("value").sum(), status=pl.lit("exempt"))


def holdings_of(rows: pl.DataFrame, recipient: str | Collection[str] | None) -> list[str]:
    """The recipient's names and the holdings that its contributors belong to."""
    names = [recipient] if isinstance(recipient, str) else list(recipient or ())
    if "holding" not in rows.columns:
        return sorted(names)
    of_contributor = rows.filter(pl.col("contributor").cast(pl.String).is_in(names))["holding"].drop_nulls().unique()
    return sorted({*names, *of_contributor.cast(pl.String).to_list()})


def _sizes(others: pl.DataFrame, params: DisclosureParams) -> pl.DataFrame:
    size = pl.col("value").abs()
    ranked = others.with_columns(_size=size).filter(pl.col("_size") > 0)
    ranked = ranked.sort(*params.cells, "_size", descending=[*([False] * len(params.cells)), True], nulls_last=True)
    largest = pl.col("_size")
    return ranked.group_by(params.cells, maintain_order=True).agg(
        contributors=pl.len().cast(pl.Int64),
        _sum=largest.sum(),
        _first=largest.first(),
        _rest=largest.slice(2).sum(),
        **{f"_top_{n}": largest.head(n).sum() for n in sorted({n for n, _ in params.dominance})},
    )


def _judge(cells: pl.DataFrame, params: DisclosureParams) -> pl.DataFrame:
    empty = pl.col("contributors") == 0
    first, rest, everything = pl.col("_first"), pl.col("_rest"), pl.col("_sum")
    # Multiplied out rather than divided: whole numbers stay exact at the boundary.
    rules = [
        (
            "too_few_contributors",
            ~empty & (pl.col("contributors") < params.least_contributors),
            params.frequency_margin_percent * first / 100,
        )
    ]
    for n, k in params.dominance:
        top = 100 * pl.col(f"_top_{n}")
        exceeds = top >= k * everything if params.inclusive_dominance else top > k * everything
        rules.append((f"dominance({n},{k:g})", ~empty & exceeds, top / k - everything))
    if params.p_percent is not None:
        p = params.p_percent
        rules.append((f"p_percent({p:g})", ~empty & (100 * rest < p * first), p * first / 100 - rest))
    if params.protect_zeros:
        # Nothing scales the margin of a zero; one unit keeps a solver from showing it again.
        rules.append(("zero", empty, pl.lit(1.0)))
    names = [pl.when(rule).then(pl.lit(name)) for name, rule, _ in rules]
    levels = [pl.when(rule).then(level.clip(lower_bound=0.0)) for _, rule, level in rules]
    unsafe = pl.any_horizontal(*(rule for _, rule, _ in rules))
    return cells.with_columns(
        reason=pl.concat_str(names, separator=", ", ignore_nulls=True),
        upper_protection=pl.max_horizontal(*levels).fill_null(0.0),
        status=pl.when(unsafe).then(pl.lit("suppressed")).otherwise(pl.lit("ok")),
    )
