"""Bill and movement rows as extracts give them: defaults filled, checked, turned into factors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

ANY_SITE = "*"
# Shares typed by people add up with rounding (0.3333 × 3); beyond this it is a mistake.
SHARE_SLACK = 1e-6

_BILL_DEFAULTS: dict[str, object] = {
    "site": ANY_SITE, "version": "1", "version_share": 1.0, "option_rate": 1.0, "yield_ratio": 1.0, "phantom": False,
}  # fmt: skip
_ARC_DEFAULTS: dict[str, object] = {"kind": "move", "share": 1.0, "yield_ratio": 1.0}


def rows_valid_on(rows: pl.DataFrame, on: date) -> pl.DataFrame:
    """Rows whose `valid_from`..`valid_to` (both inclusive, null = open) holds `on`; a missing column never excludes."""
    keep = pl.lit(value=True)
    if "valid_from" in rows.columns:
        keep &= pl.col("valid_from").is_null() | (pl.col("valid_from") <= on)
    if "valid_to" in rows.columns:
        keep &= pl.col("valid_to").is_null() | (pl.col("valid_to") >= on)
    return rows.filter(keep)


def bill_factors(bom: pl.DataFrame) -> pl.DataFrame:
    """[parent, component, site, phantom, factor]: component base units that one good unit of the parent calls for.

    factor = quantity_per × option_rate × version_share ÷ yield_ratio. Of several rows for one parent, component, site
    and version that are valid together, the one that starts last holds; without `valid_from` they are positions of
    one bill and add up. Rows with factor 0 stay: at a named site they say that the component is not used there.
    """
    require_columns(bom, "bom", ("parent", "component", "quantity_per"))
    rows = _latest(_filled(bom, _BILL_DEFAULTS), ("parent", "component", "site", "version"))
    numbers = ("quantity_per", "version_share", "option_rate", "yield_ratio")
    rows = rows.with_columns(pl.col(name).cast(pl.Float64) for name in numbers)
    for name in numbers[:3]:
        _refuse(rows, ~(pl.col(name) >= 0) | ~pl.col(name).is_finite(), f"bom.{name}", "give a number of at least 0")
    _refuse(rows, ~(pl.col("yield_ratio") > 0) | ~pl.col("yield_ratio").is_finite(), "bom.yield_ratio",
            "give the good units per unit started, above 0")  # fmt: skip
    _refuse(rows, pl.col("parent") == pl.col("component"), "bom.component", "an item cannot be a component of itself")
    versions = rows.group_by("parent", "site", "version").agg(pl.col("version_share").max())
    totals = versions.group_by("parent", "site").agg(pl.col("version_share").sum())
    _refuse(totals, pl.col("version_share") > 1 + SHARE_SLACK, "bom.version_share",
            "the shares of a parent's production versions must not add up to more than 1")  # fmt: skip
    factor = pl.col("quantity_per") * pl.col("option_rate") * pl.col("version_share") / pl.col("yield_ratio")
    rows = rows.select("parent", "component", "site", "phantom", factor.alias("factor"))
    return _added(rows, ["parent", "component", "site", "phantom"], ["factor"])


def arc_factors(arcs: pl.DataFrame) -> pl.DataFrame:
    """[item, from_site, to_site, share, factor]: what one unit needed at `to_site` calls for at `from_site`.

    factor = share ÷ yield_ratio. An arc `make` within one site says that the share is made there, which is what the
    rest of a node does anyway, and is left out; any other arc from a site to itself is refused.
    """
    require_columns(arcs, "arcs", ("item", "from_site", "to_site"))
    rows = _latest(_filled(arcs, _ARC_DEFAULTS), ("item", "from_site", "to_site", "kind"))
    rows = rows.with_columns(pl.col("share", "yield_ratio").cast(pl.Float64))
    _refuse(rows, ~pl.col("share").is_between(0, 1 + SHARE_SLACK), "arcs.share", "give a share from 0 to 1")
    _refuse(rows, ~(pl.col("yield_ratio") > 0) | ~pl.col("yield_ratio").is_finite(), "arcs.yield_ratio",
            "give the good units per unit sent, above 0")  # fmt: skip
    within = pl.col("from_site") == pl.col("to_site")
    _refuse(rows, within & (pl.col("kind") != "make"), "arcs.to_site", "a movement needs two different sites")
    totals = rows.group_by("item", "to_site").agg(pl.col("share").sum())
    _refuse(totals, pl.col("share") > 1 + SHARE_SLACK, "arcs.share",
            "the shares that meet one site's need must not add up to more than 1")  # fmt: skip
    rows = rows.filter(~within & (pl.col("share") > 0)).with_columns(factor=pl.col("share") / pl.col("yield_ratio"))
    rows = rows.select("item", "from_site", "to_site", "share", "factor")
    return _added(rows, ["item", "to_site", "from_site"], ["share", "factor"])


def require_columns(frame: pl.DataFrame, name: str, columns: tuple[str, ...]) -> None:
    """Raise a ValueError that names the columns missing from `frame` or holding nulls."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} lacks the column(s) {', '.join(missing)}; it has {', '.join(frame.columns) or 'none'}"
        )
    empty = [column for column in columns if frame[column].null_count()]
    if empty:
        raise ValueError(f"{name}.{empty[0]} is empty on some rows; fill it in or leave those rows out")


def _filled(frame: pl.DataFrame, defaults: Mapping[str, object]) -> pl.DataFrame:
    present = [pl.col(name).fill_null(pl.lit(value)) for name, value in defaults.items() if name in frame.columns]
    absent = [pl.lit(value).alias(name) for name, value in defaults.items() if name not in frame.columns]
    return frame.with_columns(*present, *absent)


def _latest(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    if "valid_from" not in rows.columns:
        return rows
    start = pl.col("valid_from").fill_null(date.min)
    return rows.filter(start == start.max().over(*key))


def _added(rows: pl.DataFrame, key: list[str], values: list[str]) -> pl.DataFrame:
    # Sorted by value first: float sums must not depend on the order in which rows arrive.
    ordered = rows.sort(*key, *values)
    return ordered.group_by(key, maintain_order=True).agg(pl.col(value).sum() for value in values)


def _refuse(rows: pl.DataFrame, wrong: pl.Expr, field: str, remedy: str) -> None:
    bad = rows.filter(wrong.fill_null(value=True))
    if bad.is_empty():
        return
    keys = [name for name in ("parent", "component", "item", "from_site", "to_site", "site") if name in bad.columns]
    where = ", ".join(f"{name} {bad.sort(keys)[name][0]}" for name in keys)
    raise ValueError(f"{field} is wrong on {bad.height} row(s), first at {where}: {remedy}")
