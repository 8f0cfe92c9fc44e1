"""What a supplier may be shown of the demand behind its items, cut to its agreement and protected before it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from tierwise.collaboration.agree.records import AgreementRecord, Frequency, Grain
from tierwise.collaboration.publish.records import (
    HELD_BACK_COLUMNS,
    SERIES_COLUMNS,
    CellStatus,
    Disclosure,
    Draft,
    PublicationKind,
)
from tierwise.directory import queries as directory
from tierwise.directory.records import read_facet
from tierwise.engine.disclosure import DisclosureParams, protect
from tierwise.engine.mix import COMMON, segment_mix
from tierwise.engine.network import rows_valid_on
from tierwise.kernel.compute import spread
from tierwise.kernel.pipeline import fingerprint
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import load_demand
from tierwise.modules.segmentation.queries.mix import assigned_demand, load_network, mix_of_day
from tierwise.modules.segmentation.queries.schemes import assignments
from tierwise.modules.segmentation.records import SchemeDocument

_GLUE = "\x1f"
_CELL = ("item", "bucket_start")
_SERIES = ("signal", "item", "item_name", "site", "region", "bucket_start", "bucket_days", "quantity", "unit", "binds",
           "status")  # fmt: skip
_SHOWN = {"place": pl.UInt32, **{name: SERIES_COLUMNS[name] for name in _SERIES}}
_HELD = {"place": pl.UInt32, **HELD_BACK_COLUMNS}
_RULES = ("bucket", "by_family", "min_contributors", "p_percent")
"""Columns of a recipient that decide how its cells are made and protected."""


@dataclass(frozen=True)
class _Sources:
    """What all drafts of one run are cut from.

    ``contributions``: [item, bucket, bucket_start, segment, holding, units] of dependent demand. ``forecasts``: the
    newest vintage per supplier. ``lanes``: [supplier, item, share]. ``mix``: shares valid on the day.
    """

    contributions: dict[str, pl.DataFrame]
    forecasts: pl.DataFrame
    lanes: pl.DataFrame
    mix: pl.DataFrame
    items: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Recipients:
    """Who drafts are for, in the order of their wordings, and the rules that protect each.

    ``frame``: place, supplier and segment (codes), the wording's bucket, horizon and whether it shows families,
    contributors and percentage of the rules, and which signals it shares.
    """

    wordings: list[AgreementRecord]
    rules: list[Disclosure]
    frame: pl.DataFrame


def demand_drafts(
    viewer: Viewer, wordings: Iterable[AgreementRecord], document: SchemeDocument, on: date, at: ManifestRecord
) -> list[Draft]:
    """One draft per agreement that shares demand or order forecasts, with the reasons of what is held back apart."""
    wanted = [w for w in wordings if {"demand", "order_forecast"} & set(w.terms.fields)]
    if not wanted:
        return []
    sources, recipients = _load(viewer, wanted, document, on, at), _recipients(viewer, wanted)
    shown, held = _protected(sources, recipients)
    series = _by_place(
        pl.concat([_forecast(sources, recipients, on), shown]).sort("place", "signal", "item", "site", "bucket_start")
    )
    reasons, none = _by_place(held), held.clear().drop("place")
    drafts = []
    for place, (wording, rules) in enumerate(zip(wanted, recipients.rules, strict=True)):
        found = series.get(place)
        if found is not None:
            why = reasons.get(place, none) if "demand" in wording.terms.fields else None
            drafts.append(_draft(wording, rules, (found, why), on, at))
    return drafts


def _recipients(viewer: Viewer, wanted: list[AgreementRecord]) -> _Recipients:
    codes = {company.id: company.code for company in directory.suppliers(viewer)}
    names = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    policy = directory.policy(viewer, "disclosure")
    rules = [read_facet(Disclosure, policy.get(wording.segment)) for wording in wanted]
    frame = pl.DataFrame(
        [
            (
                place, codes[w.supplier], names[w.segment], _bucket(w.terms.grain), w.terms.grain is Grain.FAMILY_MONTH,
                w.terms.horizon_days, own.min_contributors, own.p_percent,
                "demand" in w.terms.fields, "order_forecast" in w.terms.fields,
            )
            for place, (w, own) in enumerate(zip(wanted, rules, strict=True))
        ],
        schema={
            "place": pl.UInt32, "supplier": pl.String, "segment": pl.String, "bucket": pl.String,
            "by_family": pl.Boolean, "horizon_days": pl.Int64, "min_contributors": pl.Int64, "p_percent": pl.Float64,
            "demand": pl.Boolean, "order_forecast": pl.Boolean,
        },
        orient="row",
    )  # fmt: skip
    return _Recipients(wanted, rules, frame)


def _by_place(rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    parts = rows.partition_by("place", as_dict=True, include_key=False, maintain_order=True)
    return {int(str(place)): part for (place,), part in parts.items()}


def _load(
    viewer: Viewer, wanted: list[AgreementRecord], document: SchemeDocument, on: date, at: ManifestRecord
) -> _Sources:
    lanes = directory.lanes(viewer, on).group_by("supplier", "item").agg(pl.col("share").sum())
    total = pl.col("share").sum().over("item")
    # Where nobody planned shares, the suppliers of an item are taken as equal.
    equal = 1 / pl.len().over("item")
    lanes = lanes.with_columns(share=pl.when(total > 0).then(pl.col("share") / total).otherwise(equal))
    contributions = {}
    buckets = {_bucket(w.terms.grain) for w in wanted if "demand" in w.terms.fields}
    if buckets:
        longest = max(w.terms.history_days for w in wanted)
        contributions = {b: _dependent(viewer, document, b, (on - timedelta(days=longest), on), at) for b in buckets}
    forecast = lake.facts(viewer, "order_forecast", at).filter(pl.col("vintage_on") <= on)
    newest = forecast.filter(pl.col("vintage_on") == pl.col("vintage_on").max().over("supplier")).collect()
    return _Sources(contributions, newest, lanes, mix_of_day(viewer, on, at), directory.items(viewer))


def _bucket(grain: Grain) -> str:
    return "week" if grain is Grain.ITEM_WEEK else "month"


def _dependent(
    viewer: Viewer, document: SchemeDocument, bucket: str, span: tuple[date, date], at: ManifestRecord
) -> pl.DataFrame:
    """Demand of every customer holding, carried up the network, per whole bucket within a span of days."""
    lines = assigned_demand(load_demand(viewer, document, span[1], at, span[0]), assignments(viewer, at))
    truncated = pl.col("date").dt.truncate("1w" if bucket == "week" else "1mo")
    labelled = lines.with_columns(
        segment=pl.concat_str("segment", pl.col("holding").cast(pl.String).fill_null("?"), separator=_GLUE),
        bucket_start=truncated,
    )
    bom, arcs = load_network(viewer, at)
    parts = [
        (day, rows.drop("date", "bucket_start", "holding"))
        for (start,), rows in labelled.group_by("bucket_start", maintain_order=True)
        if (day := date.fromisoformat(str(start))) >= span[0] and _next(day, bucket) <= span[1]
    ]
    frames = spread(carried_bucket, parts, bom, arcs)
    if not frames:
        names = ("item", "segment", "holding")
        return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), "units": pl.Float64, "bucket_start": pl.Date})
    named = pl.col("segment").str.split_exact(_GLUE, 1)
    return pl.concat(frames).with_columns(segment=named.struct.field("field_0"), holding=named.struct.field("field_1"))


def carried_bucket(part: tuple[date, pl.DataFrame], bom: pl.DataFrame, arcs: pl.DataFrame) -> pl.DataFrame:
    """[item, segment, units, bucket_start]: one bucket's demand carried up the network of its first day."""
    day, demand = part
    whole = segment_mix(demand, rows_valid_on(bom, day), rows_valid_on(arcs, day)).frame()
    return whole.filter(pl.col("site") == "*").select("item", "segment", "units", bucket_start=pl.lit(day))


def _next(day: date, bucket: str) -> date:
    return day + timedelta(days=7) if bucket == "week" else (day + timedelta(days=32)).replace(day=1)


def period_of(wording: AgreementRecord, on: date) -> tuple[date, date]:
    """First and last day of the week or month, as often as the agreement says, that a day lies in."""
    if wording.terms.frequency is Frequency.WEEKLY:
        start = on - timedelta(days=on.weekday())
        return start, start + timedelta(days=6)
    return on.replace(day=1), _next(on.replace(day=1), "month") - timedelta(days=1)


def _label(wording: AgreementRecord, start: date) -> str:
    return f"{start:%G-W%V}" if wording.terms.frequency is Frequency.WEEKLY else f"{start:%Y-%m}"


def _draft(
    wording: AgreementRecord,
    rules: Disclosure,
    cells: tuple[pl.DataFrame, pl.DataFrame | None],
    on: date,
    at: ManifestRecord,
) -> Draft:
    series, held = cells
    start, end = period_of(wording, on)
    inputs = fingerprint(wording.version_id, wording.terms.as_json(), str(rules), series.rows())
    return Draft(
        supplier=wording.supplier, segment=wording.segment, kind=PublicationKind.DEMAND,
        title=f"Demand and order forecast {_label(wording, start)}", period_start=start, period_end=end,
        manifest=at.id, fingerprint=inputs,
        agreement_version=wording.version_id, reply_days=rules.reply_days, series=series, held_back=held,
        rules={"disclosure": {"min_contributors": rules.min_contributors, "p_percent": rules.p_percent}},
    )  # fmt: skip


def _forecast(sources: _Sources, recipients: _Recipients, on: date) -> pl.DataFrame:
    """Each segment's part of its supplier's newest order forecast: the supplier's own business, never held back."""
    asked = recipients.frame.filter("order_forecast").select("place", "supplier", "segment", "horizon_days")
    last = pl.lit(on) + pl.duration(days=pl.col("horizon_days"))
    rows = sources.forecasts.join(asked, on="supplier").filter(pl.col("bucket_start").is_between(on, last))
    rows = rows.join(_shares(sources.mix, rows), on=["item", "site", "segment"], how="inner").join(
        sources.items.select("item", pl.col("name").alias("item_name"), pl.col("unit").alias("base_unit")),
        on="item", how="left",
    )  # fmt: skip
    quantity = (pl.col("quantity").cast(pl.Float64) * pl.col("segment_share")).round(4)
    return rows.filter(pl.col("segment_share") > 0).select(
        place="place",
        signal=pl.lit("order_forecast"), item="item", item_name=pl.col("item_name").fill_null(""), site="site",
        region=pl.lit(""), bucket_start="bucket_start", bucket_days=pl.col("bucket_days").cast(pl.Int32),
        quantity=quantity.cast(pl.Decimal(18, 4)), unit=pl.coalesce("unit", "base_unit", pl.lit("EA")), binds="binds",
        status=pl.lit(CellStatus.OK.value),
    ).select("place", *_SERIES)  # fmt: skip


def _shares(mix: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """[item, site, segment, segment_share]: of each item, site and segment in the rows, the site's mix or the item's.

    What no segment claims is the common segment's.
    """
    places = rows.select("item", "site", "segment").unique()
    named = mix.select("item", "site").unique().with_columns(known=pl.lit(value=True))
    asked = places.join(named, on=["item", "site"], how="left").with_columns(
        node=pl.when(pl.col("known")).then("site").otherwise(pl.lit("*"))
    )
    node = ["item", "node"]
    claimed = mix.rename({"site": "node"}).group_by(node).agg(all=pl.col("share").sum())
    own = mix.rename({"site": "node"}).group_by(*node, "segment").agg(own=pl.col("share").sum())
    found = asked.join(claimed, on=node, how="left").join(own, on=[*node, "segment"], how="left")
    found = found.with_columns(pl.col("own", "all").fill_null(0.0))
    rest = pl.when(pl.col("segment") == COMMON).then(1 - pl.col("all")).otherwise(0.0)
    return found.select("item", "site", "segment", segment_share=(pl.col("own") + rest).clip(0.0, 1.0))


def _protected(sources: _Sources, recipients: _Recipients) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Demand behind each supplier's items that may be shown, and why the rest is held back."""
    tables = [
        _protected_alike(sources, recipients.frame, kind)
        for kind in recipients.frame.filter("demand").select(_RULES).unique(maintain_order=True).iter_rows(named=True)
    ]
    if not tables:
        return pl.DataFrame(schema=_SHOWN), pl.DataFrame(schema=_HELD)
    return pl.concat([shown for shown, _ in tables]), pl.concat([held for _, held in tables])


def _protected_alike(
    sources: _Sources, recipients: pl.DataFrame, kind: dict[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same for recipients of one grain and one rule."""
    alike = recipients.filter("demand", *(pl.col(name) == value for name, value in kind.items()))
    mine = alike.select("place", "supplier", "segment").join(sources.lanes, on="supplier")
    rows = sources.contributions[kind["bucket"]].join(mine, on=["segment", "item"])
    described = sources.items.select("item", "name", "unit", "family")
    rows = rows.with_columns(value=pl.col("units") * pl.col("share")).join(described, on="item", how="left")
    if kind["by_family"]:
        family = pl.when(pl.col("family") == "").then("item").otherwise("family")
        rows = rows.with_columns(item=family, name=pl.lit(""))
    named = rows.group_by("place", "item").agg(pl.col("name").first(), pl.col("unit").first())
    params = DisclosureParams(("place", *_CELL), kind["min_contributors"], p_percent=kind["p_percent"])
    table = protect(rows.select("place", *_CELL, pl.col("holding").alias("contributor"), "value"), params)
    ok = pl.col("status") == "ok"
    days = pl.lit(7) if kind["bucket"] == "week" else pl.col("bucket_start").dt.month_end().dt.day()
    shown = table.released.join(named, on=["place", "item"], how="left").select(
        place="place",
        signal=pl.lit("demand"), item="item", item_name=pl.col("name").fill_null(""), site=pl.lit(""),
        region=pl.lit(""), bucket_start="bucket_start", bucket_days=days.cast(pl.Int32),
        quantity=pl.when(ok).then(pl.col("value").round(4)).cast(pl.Decimal(18, 4)),
        unit=pl.col("unit").fill_null("EA"), binds=pl.lit("information"),
        status=pl.when(ok).then(pl.lit(CellStatus.OK.value)).otherwise(pl.lit(CellStatus.HELD_BACK.value)),
    )  # fmt: skip
    numbers = pl.struct("upper_protection", "contributors", "total").struct.json_encode()
    held = table.internal.filter(~ok).select(
        place="place", signal=pl.lit("demand"), item="item", site=pl.lit(""), region=pl.lit(""),
        bucket_start="bucket_start", reason="reason", numbers=numbers,
    )  # fmt: skip
    return shown.select(*_SHOWN), held.select(*_HELD)
