"""Attribute supply lines to segments by the policy of a measure."""

from __future__ import annotations

import polars as pl

from tierwise.engine.attribution.lead import leads
from tierwise.engine.attribution.policy import AttributionPolicy, Basis
from tierwise.engine.attribution.split import to_parts
from tierwise.engine.mix.carry import COMMON
from tierwise.engine.network import ANY_SITE
from tierwise.engine.network.build import site_of
from tierwise.engine.network.rows import require_columns

_LONG = ["line_id", "segment", "share", "basis"]


def attribute(
    lines: pl.DataFrame, mix: pl.DataFrame, policy: AttributionPolicy, pegs: pl.DataFrame | None = None
) -> pl.DataFrame:
    """[line_id, segment, share, share_parts, basis]: for which segments each line counts, and why.

    `lines` [line_id, item, date] with optional `site` (else "*"), `item_class`, `segment_pegged`, `segment_direct`
    (from the line, its asset or cost centre), `lead_before` (lead stamped last), `quantity` (with `pegs`). `date` is
    the date that the measure attributes by. `mix` [item, site, segment, valid_from, valid_to, share]; a line whose
    site has no mix on its date takes the item's ("*"). `pegs` [line_id, segment, units]: quantities pegged by MRP or
    APS; they win over `segment_pegged`, and what they leave of `quantity` falls back.

    pegged   the segments pegged to the line, by quantity; the unpegged rest goes by `policy.fallback`
    mix      pro rata to the mix of its item and site on its date
    lead     whole to the highest-ranked segment whose share suffices, see `leads`
    direct   whole to `segment_direct`; empty goes by `policy.fallback`

    What reaches no segment counts for COMMON with basis `common`. Shares are whole numbers of parts
    (`share_parts`, PARTS to a line) and sum to exactly PARTS per line; `share` is their quotient as a float. The result
    is sorted by line, segment and basis and does not depend on the order of the rows given. Multiply money and
    quantities with `split_amounts`, not with `share`.

    Raises ValueError: missing columns, line ids that are not unique, or intervals of the mix that overlap.
    """
    require_columns(lines, "lines", ("line_id", "item", "date"))
    require_columns(mix, "mix", ("item", "site", "segment", "valid_from", "share"))
    if lines["line_id"].is_duplicated().any():
        raise ValueError("lines.line_id is not unique; give each line once")
    held = lines.with_columns(site_of(lines), *_missing(lines), _basis(lines, policy).alias("_basis"))
    shares = mix_of_lines(held, mix)
    named = _named(held, pegs)
    by_lead = held.filter(pl.col("_basis") == Basis.LEAD)
    stamped = by_lead.select("line_id", lead="lead_before")
    lead = leads(shares.join(by_lead, on="line_id", how="semi"), stamped, policy, ["line_id"])
    lead = lead.with_columns(share=pl.lit(1.0), basis=pl.lit(Basis.LEAD.value))
    pro_rata = [Basis.MIX] if policy.fallback is Basis.COMMON else [Basis.MIX, Basis.PEGGED, Basis.DIRECT]
    rest = _rest(held.filter(pl.col("_basis").is_in(pro_rata)), named)
    spread = shares.join(rest, on="line_id", maintain_order="left").filter(pl.col("_left") > 0)
    spread = spread.with_columns(share=pl.col("share") * pl.col("_left"), basis=pl.lit(Basis.MIX.value))
    found = pl.concat([frame.select(_LONG) for frame in (named, lead, spread)])
    common = _rest(held, found).filter(pl.col("_left") > 1e-12)
    common = common.select("line_id", segment=pl.lit(COMMON), share=pl.col("_left"), basis=pl.lit(Basis.COMMON.value))
    every = pl.concat([found, common.select(_LONG)])
    total = pl.col("share").sum().over("line_id")
    every = every.sort("line_id", "segment", "basis").with_columns(share=pl.col("share") / total)
    return (
        to_parts(every)
        .select("line_id", "segment", "share", "share_parts", "basis")
        .sort("line_id", "segment", "basis")
    )


def mix_of_lines(lines: pl.DataFrame, mix: pl.DataFrame) -> pl.DataFrame:
    """[line_id, segment, share]: the mix that holds for each line's item and site on its date; none, no rows.

    An interval that is still open ends where the next one of its item and site begins.
    """
    ends = pl.col("valid_to") if "valid_to" in mix.columns else pl.lit(None, pl.Date)
    periods = mix.select("item", "site", "valid_from", ends.alias("valid_to")).unique().sort("valid_from")
    following = pl.col("valid_from").shift(-1).over("item", "site")
    wrong = (pl.col("valid_to") >= following) | (pl.col("valid_from") == following)
    overlaps = periods.filter(following.is_not_null() & wrong.fill_null(value=False))
    if overlaps.height:
        first = overlaps.sort("item", "site").row(0)
        raise ValueError(
            f"mix has overlapping intervals for item {first[0]} at {first[1]} from {first[2]}; end the earlier"
        )
    wanted = lines.select("line_id", "item", "site", "date").sort("date")
    exact = _as_of(wanted, periods)
    general = wanted.join(exact, on="line_id", how="anti").filter(pl.col("site") != ANY_SITE)
    general = _as_of(general.with_columns(site=pl.lit(ANY_SITE)).sort("date"), periods)
    found = pl.concat([exact, general])
    return found.join(mix, on=["item", "site", "valid_from"]).select(
        "line_id", "segment", pl.col("share").cast(pl.Float64)
    )


def _as_of(wanted: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    joined = wanted.join_asof(
        periods, left_on="date", right_on="valid_from", by=["item", "site"], check_sortedness=False, coalesce=False
    )
    held = pl.col("valid_from").is_not_null() & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("date")))
    return joined.filter(held).select("line_id", "item", "site", "valid_from")


def _missing(lines: pl.DataFrame) -> list[pl.Expr]:
    optional = ("item_class", "segment_pegged", "segment_direct", "lead_before")
    return [pl.lit(None, pl.String).alias(name) for name in optional if name not in lines.columns]


def _basis(lines: pl.DataFrame, policy: AttributionPolicy) -> pl.Expr:
    if not policy.by_class or "item_class" not in lines.columns:
        return pl.lit(policy.basis.value)
    by_class = {name: basis.value for name, basis in policy.by_class.items()}
    return pl.col("item_class").replace_strict(by_class, default=policy.basis.value, return_dtype=pl.String)


def _named(held: pl.DataFrame, pegs: pl.DataFrame | None) -> pl.DataFrame:
    """Shares that lines name themselves, by peg or directly."""
    direct = held.filter(pl.col("_basis") == Basis.DIRECT).select("line_id", segment="segment_direct", basis="_basis")
    pegged = held.filter(pl.col("_basis") == Basis.PEGGED)
    whole = pegged.select("line_id", segment="segment_pegged", basis="_basis")
    parts: list[pl.DataFrame] = []
    if pegs is not None:
        require_columns(pegs, "pegs", ("line_id", "segment", "units"))
        units = pl.col("units").cast(pl.Float64)
        if pegs.filter(~(units >= 0) | ~units.is_finite()).height:
            raise ValueError("pegs.units must be numbers of at least 0")
        own = pegs.select("line_id", "segment", units).sort("line_id", "segment", "units")
        own = own.group_by("line_id", "segment", maintain_order=True).agg(pl.col("units").sum())
        quantity = pl.col("quantity").cast(pl.Float64) if "quantity" in held.columns else pl.lit(None, pl.Float64)
        own = own.join(pegged.select("line_id", quantity.alias("quantity"), basis="_basis"), on="line_id")
        pegged_units = pl.col("units").sum().over("line_id")
        # Pegs may exceed the line (over-delivery is pegged too): then they are divided among themselves.
        own = own.filter(pegged_units > 0).sort("line_id", "segment")
        own = own.with_columns(share=pl.col("units") / pl.max_horizontal(pegged_units, "quantity"))
        parts.append(own.select(_LONG))
        whole = whole.join(own, on="line_id", how="anti")
    named = pl.concat([direct, whole]).drop_nulls("segment").with_columns(share=pl.lit(1.0)).select(_LONG)
    return pl.concat([named, *parts])


def _rest(lines: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """[line_id, _left]: the share of each line that `found` does not account for."""
    taken = found.sort("line_id", "segment").group_by("line_id", maintain_order=True).agg(pl.col("share").sum())
    joined = lines.select("line_id").join(taken, on="line_id", how="left", maintain_order="left")
    return joined.select("line_id", _left=(1 - pl.col("share").fill_null(0.0)).clip(lower_bound=0))
