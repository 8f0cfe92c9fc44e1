"""A whole table made safe: primary and complementary suppression, and the proof of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.disclosure.attack import AttackParams, Release, attacker_intervals
from tierwise.engine.disclosure.primary import DisclosureParams, holdings_of, protect
from tierwise.engine.disclosure.suppress import (
    Suppressible,
    Suppression,
    SuppressionParams,
    complementary_suppression,
)
from tierwise.engine.disclosure.tabulate import ATOM, Dimension, equations_of, expand

Floats = npt.NDArray[np.float64]

_GLUE = "\x1f"


@dataclass(frozen=True, slots=True)
class TableParams:
    """A table and the rules it is protected by.

    ``rules`` names the same columns as ``dimensions``, in any order. ``weights``: a cell costs its size ("value"),
    the logarithm of it ("log") or one ("count") to withhold. ``keep_open``: rows of dimension values, cells that must
    be shown (totals somebody else publishes). ``singletons``: contributors alone in a cell count as readers who know
    it.
    """

    dimensions: tuple[Dimension, ...]
    rules: DisclosureParams
    weights: Literal["value", "log", "count"] = "value"
    keep_open: tuple[tuple[str, ...], ...] = ()
    singletons: bool = True
    search: SuppressionParams = field(default_factory=SuppressionParams)

    def __post_init__(self) -> None:
        names = [dimension.column for dimension in self.dimensions]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"dimensions: are {names}; name each column of the table once")
        if set(names) != set(self.rules.cells):
            raise ValueError(f"rules: judge cells of {self.rules.cells}, the table has {tuple(names)}; name the same")
        if self.weights not in {"value", "log", "count"}:
            raise ValueError(f"weights: is {self.weights!r}; give 'value', 'log' or 'count'")
        if any(len(row) != len(names) for row in self.keep_open):
            raise ValueError(f"keep_open: give one value per dimension ({', '.join(names)}) in every row")


@dataclass(frozen=True, slots=True)
class SafeTable:
    """``released`` may leave the house; everything else must not.

    ``released``: dimension columns, ``value`` (null when suppressed), ``status`` ("ok", "suppressed"). ``internal``:
    these with ``status`` "ok", "primary" or "secondary", ``reason``, ``upper_protection``, ``contributors``, ``total``,
    and for suppressed cells ``low`` and ``high`` between which the recipient can put the others' part (``known`` is its
    own), and ``protected``. ``release`` is what attacks on later tables start from.
    """

    released: pl.DataFrame
    internal: pl.DataFrame
    suppression: Suppression
    release: Release


def protect_table(
    contributions: pl.DataFrame,
    params: TableParams,
    recipient: str | Collection[str] | None = None,
    name: str = "table",
) -> SafeTable:
    """Which cells of a table with totals may be shown to whom, so that no contributor's figure can be worked out?

    ``contributions``: a text column per dimension with its finest values, ``contributor``, ``value`` and perhaps
    ``holding``, as in `protect`. Totals are made here. First every cell, totals too, is judged by the rules (primary);
    then the cheapest further cells are withheld (`complementary_suppression`); then the attack is run on the outcome.
    The recipient's own contributions are taken off before: what it knows protects nothing from it. A contributor that
    is alone in unsafe cells is a reader who knows them. Cells come out by the order of their names; a total of one part
    equals it and shares its fate. Empty input gives an empty table.
    Source: Hundepool et al., Handbook on Statistical Disclosure Control, chapter 4.

    >>> rows = [("A", "N", "x", 50.0), ("A", "N", "y", 2.0), ("A", "N", "z", 1.0)]
    >>> rows += [(i, r, c, 10.0) for i, r in [("A", "S"), ("B", "N"), ("B", "S")] for c in "uvwx"]
    >>> columns = ["item", "region", "contributor", "value"]
    >>> rules = DisclosureParams(("item", "region"), p_percent=10)
    >>> params = TableParams((Dimension("item"), Dimension("region")), rules)
    >>> found = protect_table(pl.DataFrame(rows, schema=columns, orient="row"), params)
    >>> found.internal.filter(status="primary").select("item", "region", "reason").rows()
    [('A', 'N', 'p_percent(10)')]
    >>> found.released.filter(status="suppressed").height, found.suppression.optimal
    (4, True)
    """
    if "exempt" in contributions.columns:
        raise ValueError("contributions: has 'exempt' rows; release the recipient's own business beside the table")
    columns = [dimension.column for dimension in params.dimensions]
    expanded = expand(contributions, params.dimensions)
    judged = protect(expanded.drop(ATOM), params.rules, recipient).internal.sort(columns)
    own = holdings_of(contributions, recipient)
    known = pl.col("contributor").cast(pl.String).is_in(own) | _holding(expanded).is_in(own)
    mine = expanded.filter(known).group_by(columns).agg(known=pl.col("value").cast(pl.Float64).sum())
    judged = judged.join(mine, on=columns, how="left", maintain_order="left").with_columns(
        pl.col("known").fill_null(0.0)
    )
    others = expanded.filter(~known)
    table = _suppressible(judged, others, params)
    found = complementary_suppression(table, params.search)
    status = np.where(table.level > 0, "primary", np.where(found.suppressed, "secondary", "ok"))
    cells = judged.with_columns(
        status=pl.Series(status, dtype=pl.String),
        reason=pl.when(pl.Series(status == "secondary")).then(pl.lit("complementary")).otherwise("reason"),
        cell=pl.concat_str(columns, separator=_GLUE),
    )
    release = _release(cells, others, columns, name)
    internal = _proved(cells, release, table).drop("cell").select(*columns, pl.exclude(columns))
    shown = pl.when(pl.col("status") == "ok").then(pl.col("total"))
    public = pl.when(pl.col("status") == "ok").then(pl.lit("ok")).otherwise(pl.lit("suppressed"))
    return SafeTable(internal.select(*columns, value=shown, status=public), internal, found, release)


def _holding(rows: pl.DataFrame) -> pl.Expr:
    own_name = pl.col("contributor").cast(pl.String)
    return pl.coalesce(pl.col("holding").cast(pl.String), own_name) if "holding" in rows.columns else own_name


def _suppressible(judged: pl.DataFrame, others: pl.DataFrame, params: TableParams) -> Suppressible:
    columns = [dimension.column for dimension in params.dimensions]
    # From the others' own figures, not by subtraction, which would leave dust.
    sums = others.group_by(columns).agg(_others=pl.col("value").cast(pl.Float64).sum())
    cells = judged.join(sums, on=columns, how="left", maintain_order="left").with_columns(
        pl.col("_others").fill_null(0.0)
    )
    values = cells["_others"].to_numpy()
    size = np.abs(values)
    least = float(size[size > 0].min(initial=np.inf))
    floor = least / 10 if np.isfinite(least) else 1.0
    weights = {"value": np.maximum(size, floor), "log": np.log1p(np.maximum(size, floor)), "count": np.ones(len(size))}
    negative = bool((others["value"].cast(pl.Float64) < 0).any())
    kept = {tuple(row) for row in params.keep_open}
    level = cells["upper_protection"].to_numpy().copy()
    # A primary cell whose rule asks for no margin still must not be known exactly.
    primary = (cells["status"] == "suppressed").to_numpy()
    level[primary] = np.maximum(level[primary], 1e-3 * np.maximum(size[primary], floor))
    is_open = np.array([row in kept for row in cells.select(columns).iter_rows()], dtype=bool)
    if (is_open & primary).any():
        row = cells.select(columns).row(int(np.flatnonzero(is_open & primary)[0]))
        raise ValueError(f"keep_open: {row} is unsafe itself; withhold it, or coarsen the table")
    return Suppressible(
        values=values,
        equations=equations_of(cells, params.dimensions),
        level=np.where(primary, level, 0.0),
        weights=weights[params.weights],
        open=is_open,
        lower=np.full(len(values), -np.inf if negative else 0.0),
        knows=_alone(cells, others, columns) if params.singletons else (),
    )


def _alone(cells: pl.DataFrame, others: pl.DataFrame, columns: list[str]) -> tuple[npt.NDArray[np.int64], ...]:
    """Per holding that is the only one in some primary cells, the numbers of these cells."""
    numbered = cells.select(*columns, "status").with_row_index("_cell").filter(pl.col("status") == "suppressed")
    held = others.filter(pl.col("value") != 0).with_columns(_holding=_holding(others)).join(numbered, on=columns)
    alone = held.group_by("_cell").agg(pl.col("_holding").unique()).filter(pl.col("_holding").list.len() == 1)
    owned = alone.with_columns(pl.col("_holding").list.first()).sort("_holding", "_cell")
    grouped = owned.group_by("_holding", maintain_order=True).agg("_cell")["_cell"].to_list()
    return tuple(np.array(group, dtype=np.int64) for group in grouped)


def _release(cells: pl.DataFrame, others: pl.DataFrame, columns: list[str], name: str) -> Release:
    members = others.select(pl.concat_str(columns, separator=_GLUE).alias("cell"), ATOM)
    shown = pl.when(pl.col("status") == "ok").then(pl.col("total") - pl.col("known"))
    return Release(name, members, cells.select("cell", value=shown))


def _proved(cells: pl.DataFrame, release: Release, table: Suppressible) -> pl.DataFrame:
    lower = None if np.isinf(table.lower).any() else 0.0
    found = attacker_intervals([release], params=AttackParams(lower=lower)).rename({"target": "cell"})
    both = cells.join(found, on="cell", how="left", maintain_order="left")
    value, level = pl.Series(table.values), pl.Series(table.level)
    slack = 1e-5 * level
    least = (value - level) if lower is None else (value - level).clip(lower_bound=0.0)
    wide = (pl.col("low") <= least + slack) & (pl.col("high") >= value + level - slack)
    return both.with_columns(protected=pl.when(pl.Series(table.level > 0)).then(wide))
