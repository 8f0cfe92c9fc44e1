"""Which segment leads: the highest-ranked one with enough of the demand, and slow to change."""

from __future__ import annotations

import polars as pl

from tierwise.engine.attribution.policy import AttributionPolicy
from tierwise.engine.network.rows import require_columns


def leads(shares: pl.DataFrame, before: pl.DataFrame, policy: AttributionPolicy, by: list[str]) -> pl.DataFrame:
    """[*by, segment]: the leading segment of each group; groups where none qualifies are left out.

    `shares` [*by, segment, share]; `before` [*by, lead], the lead stamped last. A segment qualifies at a share of
    `lead_share`, the one that led before already at `lead_keep` (a Schmitt trigger: a share that wanders between the
    two changes nothing). Of those that qualify the highest in `rank` leads.
    """
    rank = pl.col("segment").replace_strict(
        list(policy.rank), list(range(len(policy.rank))), default=None, return_dtype=pl.Int32
    )
    held = shares.with_columns(_rank=rank).drop_nulls("_rank")
    held = held.join(before, on=by, how="left", maintain_order="left")
    needed = pl.when(pl.col("lead") == pl.col("segment")).then(policy.lead_keep).otherwise(policy.lead_share)
    # Shares are sums of floats: one that is exactly at the threshold must not fail it for the last bit.
    held = held.filter(pl.col("share") >= needed - 1e-12).sort(*by, "_rank")
    return held.unique(by, keep="first", maintain_order=True).select(*by, "segment")


def lead_intervals(mix: pl.DataFrame, policy: AttributionPolicy) -> pl.DataFrame:
    """[item, site, valid_from, valid_to, lead, share, changed]: who leads each item × site in each period of a mix.

    `mix` [item, site, segment, valid_from, valid_to, share] as `window_mix` returns it. Each period knows the lead of
    the one before (hysteresis); where nobody qualifies `lead` is null and the next period starts afresh. `changed` is
    true where a lead replaces another. This is what a purchase line is stamped with at release.
    """
    require_columns(mix, "mix", ("item", "site", "segment", "valid_from", "share"))
    by = ["item", "site"]
    last = pl.DataFrame(schema={"item": pl.String, "site": pl.String, "lead": pl.String})
    frames: list[pl.DataFrame] = []
    for (_,), period in mix.sort("valid_from").group_by("valid_from", maintain_order=True):
        found = leads(period.select(*by, "segment", "share"), last, policy, by)
        rows = period.select(*by, "valid_from", "valid_to").unique(maintain_order=True)
        rows = rows.join(found.rename({"segment": "lead"}), on=by, how="left", maintain_order="left")
        shares = period.select(*by, "share", lead="segment")
        rows = rows.join(shares, on=[*by, "lead"], how="left", maintain_order="left")
        rows = rows.join(last.rename({"lead": "_last"}), on=by, how="left", maintain_order="left")
        frames.append(
            rows.with_columns(changed=(pl.col("lead") != pl.col("_last")).fill_null(value=False)).drop("_last")
        )
        last = rows.select(*by, "lead").drop_nulls()
    if not frames:
        return pl.DataFrame(schema={
            **{name: mix.schema[name] for name in (*by, "valid_from", "valid_to")},
            "lead": pl.String, "share": pl.Float64, "changed": pl.Boolean,
        })  # fmt: skip
    return pl.concat(frames).sort(*by, "valid_from")
