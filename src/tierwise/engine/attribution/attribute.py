"""Attribute supply lines to segments by the policy of a measure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tierwise.engine.attribution.kernels import BASES, PARTS, divided
from tierwise.engine.attribution.kernels import COMMON as LEFT
from tierwise.engine.attribution.kernels import LEAD as BY_LEAD
from tierwise.engine.attribution.kernels import MIX as BY_MIX
from tierwise.engine.attribution.mix_table import MixTable
from tierwise.engine.attribution.policy import AttributionPolicy, Basis
from tierwise.engine.matching import Array, Ints, KeyIndex, sealed
from tierwise.engine.mix.carry import COMMON
from tierwise.engine.network.build import site_of
from tierwise.engine.network.rows import require_columns


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
    found = attributed(lines, mix, policy, pegs)
    names, bases = pl.Series(found.names, dtype=pl.String), pl.Series(BASES)
    share = found.parts / PARTS  # NumPy divides exactly rounded; Polars makes 0.30000000000000004 of 0.3
    return pl.DataFrame({
        "line_id": lines["line_id"].gather(found.line),
        "segment": names.gather(found.segment), "share": share, "share_parts": found.parts,
        "basis": bases.gather(found.basis),
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attributed:
    """What :func:`attribute` returns, as arrays: the row of the line, the number of the segment's name, parts (of
    ``PARTS``) and the number of the basis in ``BASES``. Lines come in the order of their ids."""

    names: tuple[str, ...]
    line: Ints = field(repr=False)
    segment: Ints = field(repr=False)
    parts: Ints = field(repr=False)
    basis: Array = field(repr=False)


def attributed(
    lines: pl.DataFrame, mix: pl.DataFrame | MixTable, policy: AttributionPolicy, pegs: pl.DataFrame | None = None
) -> Attributed:
    """:func:`attribute` for those who count by numbers: no texts are made. Takes and raises the same; a mix that is
    used several times may be given as the table it makes."""
    require_columns(lines, "lines", ("line_id", "item", "date"))
    order = lines["line_id"].arg_sort().to_numpy().astype(np.int64)
    ids = lines["line_id"].gather(order)
    if ids.len() > 1 and bool((ids.slice(1) == ids.slice(0, ids.len() - 1)).any()):
        raise ValueError("lines.line_id is not unique; give each line once")
    basis = _bases(lines, policy)
    named = _named(lines, basis, pegs)
    before = lines["lead_before"] if "lead_before" in lines.columns else pl.Series([], dtype=pl.String)
    also = {COMMON, *policy.rank, *named["segment"].unique().to_list(), *before.drop_nulls().unique().to_list()}
    table = mix.named(also) if isinstance(mix, MixTable) else MixTable.of(mix, also)
    interval = table.intervals(lines.select("item", site_of(lines), "date"))
    rank = np.full(len(table.names), -1, dtype=np.int64)
    rank[[table.names.index(each) for each in policy.rank]] = np.arange(len(policy.rank))
    held = np.full(lines.height, -1, dtype=np.int64)
    if before.len():
        held = before.cast(pl.Enum(table.names)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    of_line, rule = sealed(interval[order], _rules(policy)[basis][order])
    line, segment, of_basis, parts = divided(
        of_line, rule, sealed(table.rows, table.segment, table.share),
        sealed(*_by_line(named, ids, table.names)), (*sealed(held[order], rank), policy.lead_share, policy.lead_keep),
        table.names.index(COMMON),
    )  # fmt: skip
    return Attributed(table.names, order[line], segment, parts, of_basis)


_LONG = ["line_id", "segment", "share", "basis"]
_ORDER = tuple(Basis(name) for name in BASES)


def _bases(lines: pl.DataFrame, policy: AttributionPolicy) -> Array:
    """What each line's segment is read from, as its place in ``BASES``."""
    usual = BASES.index(policy.basis.value)
    if not policy.by_class or "item_class" not in lines.columns:
        return np.full(lines.height, usual, dtype=np.int8)
    by_class = {name: BASES.index(basis.value) for name, basis in policy.by_class.items()}
    return lines["item_class"].replace_strict(by_class, default=usual, return_dtype=pl.Int8).to_numpy()


def _rules(policy: AttributionPolicy) -> Array:
    """By basis, what becomes of what a line does not name itself."""
    rest = BY_MIX if policy.fallback is Basis.MIX else LEFT
    rules = {Basis.LEAD: BY_LEAD, Basis.MIX: BY_MIX}
    return np.array([rules.get(each, rest) for each in _ORDER], dtype=np.int8)


def _by_line(named: pl.DataFrame, ids: pl.Series, names: tuple[str, ...]) -> tuple[Array, ...]:
    """Where the rows of each line begin, and their segment, share and basis."""
    if named.is_empty():
        none = np.empty(0, dtype=np.int64)
        return np.zeros(ids.len() + 1, dtype=np.int64), none, none * 0.0, none.astype(np.int8)
    at = KeyIndex(pl.DataFrame({"line_id": ids}), ["line_id"]).find(named)
    order = np.argsort(at, kind="stable")
    rows = named[order]
    return (
        np.searchsorted(at[order], np.arange(ids.len() + 1)),
        rows["segment"].cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy(),
        rows["share"].to_numpy(),
        rows["basis"].cast(pl.Enum(BASES)).to_physical().cast(pl.Int8).to_numpy(),
    )


def _named(lines: pl.DataFrame, basis: Array, pegs: pl.DataFrame | None) -> pl.DataFrame:
    """[line_id, segment, share, basis]: what lines name themselves, by peg or directly."""
    number = pl.Series(basis)
    direct, pegged = (lines.filter(number == BASES.index(each.value)) for each in (Basis.DIRECT, Basis.PEGGED))
    parts = [_whole(direct, "segment_direct", Basis.DIRECT)]
    if pegs is None:
        return pl.concat([*parts, _whole(pegged, "segment_pegged", Basis.PEGGED)])
    require_columns(pegs, "pegs", ("line_id", "segment", "units"))
    units = pl.col("units").cast(pl.Float64)
    if pegs.filter(~(units >= 0) | ~units.is_finite()).height:
        raise ValueError("pegs.units must be numbers of at least 0")
    own = pegs.select("line_id", "segment", units).sort("line_id", "segment", "units")
    own = own.group_by("line_id", "segment", maintain_order=True).agg(pl.col("units").sum())
    quantity = pl.col("quantity").cast(pl.Float64) if "quantity" in lines.columns else pl.lit(None, pl.Float64)
    own = own.join(pegged.select("line_id", quantity.alias("quantity")), on="line_id")
    pegged_units = pl.col("units").sum().over("line_id")
    # Pegs may exceed the line (over-delivery is pegged too): then they are divided among themselves.
    own = own.filter(pegged_units > 0).sort("line_id", "segment")
    own = own.with_columns(
        share=pl.col("units") / pl.max_horizontal(pegged_units, "quantity"), basis=pl.lit(Basis.PEGGED.value)
    )
    rest = pegged.join(own, on="line_id", how="anti")
    return pl.concat([*parts, own.select(_LONG), _whole(rest, "segment_pegged", Basis.PEGGED)])


def _whole(lines: pl.DataFrame, name: str, basis: Basis) -> pl.DataFrame:
    segment = pl.col(name) if name in lines.columns else pl.lit(None, pl.String)
    named = lines.select("line_id", segment=segment.cast(pl.String)).drop_nulls("segment")
    return named.with_columns(share=pl.lit(1.0), basis=pl.lit(basis.value))
