"""What a supplier may be shown of the demand behind its items, cut to its agreement and protected before it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from tierwise.collaboration.agree.records import AgreementRecord, Frequency, Grain
from tierwise.collaboration.publish.records import CellStatus, Disclosure, Draft, PublicationKind
from tierwise.directory import queries as directory
from tierwise.directory.records import read_facet
from tierwise.engine.disclosure import DisclosureParams, protect
from tierwise.engine.mix import COMMON, segment_mix
from tierwise.engine.network import rows_valid_on
from tierwise.kernel.pipeline import fingerprint
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import load_demand
from tierwise.modules.segmentation.queries.mix import assigned_demand, load_network
from tierwise.modules.segmentation.queries.schemes import assignments
from tierwise.modules.segmentation.records import SchemeDocument

_GLUE = "\x1f"
_CELL = ("item", "bucket_start")
_SERIES = ("signal", "item", "item_name", "site", "region", "bucket_start", "bucket_days", "quantity", "unit", "binds",
           "status")  # fmt: skip


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
class _Recipient:
    """Who a draft is for: the wording it is cut to, the supplier's and the segment's code, and what protects it."""

    wording: AgreementRecord
    supplier: str
    segment: str
    rules: Disclosure


def demand_drafts(
    viewer: Viewer, wordings: Iterable[AgreementRecord], document: SchemeDocument, on: date, at: ManifestRecord
) -> list[Draft]:
    """One draft per agreement that shares demand or order forecasts, with the reasons of what is held back apart."""
    wanted = [w for w in wordings if {"demand", "order_forecast"} & set(w.terms.fields)]
    if not wanted:
        return []
    sources = _load(viewer, wanted, document, on, at)
    codes = {company.id: company.code for company in directory.suppliers(viewer)}
    names = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    policy = directory.policy(viewer, "disclosure")
    drafts = []
    for wording in wanted:
        rules = read_facet(Disclosure, policy.get(wording.segment))
        recipient = _Recipient(wording, codes[wording.supplier], names[wording.segment], rules)
        draft = _draft(sources, recipient, on, at)
        if draft is not None:
            drafts.append(draft)
    return drafts


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
    mix = rows_valid_on(lake.facts(viewer, "mix", at).collect(), on)
    return _Sources(contributions, newest, lanes, mix, directory.items(viewer))


def _bucket(grain: Grain) -> str:
    return "week" if grain is Grain.ITEM_WEEK else "month"


def _dependent(
    viewer: Viewer, document: SchemeDocument, bucket: str, span: tuple[date, date], at: ManifestRecord
) -> pl.DataFrame:
    """Demand of every customer holding, carried up the network, per whole bucket within a span of days."""
    demand = load_demand(viewer, document, span[1], at)
    lines = assigned_demand(demand, assignments(viewer, at), span[0])
    truncated = pl.col("date").dt.truncate("1w" if bucket == "week" else "1mo")
    labelled = lines.with_columns(
        segment=pl.concat_str("segment", pl.col("holding").fill_null("?"), separator=_GLUE),
        bucket_start=truncated,
    )
    bom, arcs = load_network(viewer, at)
    frames = []
    for (start,), rows in labelled.group_by("bucket_start", maintain_order=True):
        day = date.fromisoformat(str(start))
        if day < span[0] or _next(day, bucket) > span[1]:
            continue
        found = segment_mix(
            rows.drop("date", "bucket_start", "holding"), rows_valid_on(bom, day), rows_valid_on(arcs, day)
        )
        whole = found.frame().filter(pl.col("site") == "*")
        frames.append(whole.select("item", "segment", "units", bucket_start=pl.lit(day)))
    if not frames:
        names = ("item", "segment", "holding")
        return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), "units": pl.Float64, "bucket_start": pl.Date})
    parts = pl.col("segment").str.split_exact(_GLUE, 1)
    return pl.concat(frames).with_columns(segment=parts.struct.field("field_0"), holding=parts.struct.field("field_1"))


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


def _draft(sources: _Sources, recipient: _Recipient, on: date, at: ManifestRecord) -> Draft | None:
    wording, rules = recipient.wording, recipient.rules
    series, held = [], None
    if "order_forecast" in wording.terms.fields:
        series.append(_forecast(sources, recipient, on))
    if "demand" in wording.terms.fields:
        shown, held = _protected(sources, recipient)
        series.append(shown)
    found = pl.concat(series).sort("signal", "item", "site", "bucket_start")
    if found.is_empty():
        return None
    start, end = period_of(wording, on)
    inputs = fingerprint(wording.version_id, wording.terms.as_json(), str(rules), found.rows())
    return Draft(
        supplier=wording.supplier, segment=wording.segment, kind=PublicationKind.DEMAND,
        title=f"Demand and order forecast {_label(wording, start)}", period_start=start, period_end=end,
        manifest=at.id, fingerprint=inputs,
        agreement_version=wording.version_id, reply_days=rules.reply_days, series=found, held_back=held,
        rules={"disclosure": {"min_contributors": rules.min_contributors, "p_percent": rules.p_percent}},
    )  # fmt: skip


def _forecast(sources: _Sources, recipient: _Recipient, on: date) -> pl.DataFrame:
    """The segment's part of the newest order forecast: the supplier's own business, never held back."""
    last = on + timedelta(days=recipient.wording.terms.horizon_days)
    rows = sources.forecasts.filter(
        pl.col("supplier") == recipient.supplier, pl.col("bucket_start").is_between(on, last)
    )
    rows = rows.join(_shares(sources.mix, rows, recipient.segment), on=["item", "site"], how="inner").join(
        sources.items.select("item", pl.col("name").alias("item_name"), pl.col("unit").alias("base_unit")),
        on="item", how="left",
    )  # fmt: skip
    quantity = (pl.col("quantity").cast(pl.Float64) * pl.col("segment_share")).round(4)
    return rows.filter(pl.col("segment_share") > 0).select(
        signal=pl.lit("order_forecast"), item="item", item_name=pl.col("item_name").fill_null(""), site="site",
        region=pl.lit(""), bucket_start="bucket_start", bucket_days=pl.col("bucket_days").cast(pl.Int32),
        quantity=quantity.cast(pl.Decimal(18, 4)), unit=pl.coalesce("unit", "base_unit", pl.lit("EA")), binds="binds",
        status=pl.lit(CellStatus.OK.value),
    ).select(_SERIES)  # fmt: skip


def _shares(mix: pl.DataFrame, rows: pl.DataFrame, segment: str) -> pl.DataFrame:
    """[item, site, segment_share]: of each item and site in the rows, the site's mix or else the item's.

    What no segment claims is the common segment's.
    """
    places = rows.select("item", "site").unique()
    named = mix.select("item", "site").unique().with_columns(known=pl.lit(value=True))
    asked = places.join(named, on=["item", "site"], how="left").with_columns(
        node=pl.when(pl.col("known")).then("site").otherwise(pl.lit("*"))
    )
    claimed = mix.group_by("item", "site").agg(
        pl.col("share").filter(pl.col("segment") == segment).sum().alias("own"), pl.col("share").sum().alias("all")
    )
    found = asked.join(claimed, left_on=["item", "node"], right_on=["item", "site"], how="left").with_columns(
        pl.col("own", "all").fill_null(0.0)
    )
    share = pl.col("own") + (1 - pl.col("all")) if segment == COMMON else pl.col("own")
    return found.select("item", "site", segment_share=share.clip(0.0, 1.0))


def _protected(sources: _Sources, recipient: _Recipient) -> tuple[pl.DataFrame, pl.DataFrame]:
    grain, rules = recipient.wording.terms.grain, recipient.rules
    bucket = _bucket(grain)
    mine = sources.lanes.filter(pl.col("supplier") == recipient.supplier).select("item", "share")
    rows = sources.contributions[bucket].filter(pl.col("segment") == recipient.segment).join(mine, on="item")
    described = sources.items.select("item", "name", "unit", "family")
    rows = rows.with_columns(value=pl.col("units") * pl.col("share")).join(described, on="item", how="left")
    if grain is Grain.FAMILY_MONTH:
        family = pl.when(pl.col("family") == "").then("item").otherwise("family")
        rows = rows.with_columns(item=family, name=pl.lit(""))
    named = rows.group_by("item").agg(pl.col("name").first(), pl.col("unit").first())
    params = DisclosureParams(_CELL, rules.min_contributors, p_percent=rules.p_percent)
    table = protect(rows.select(*_CELL, pl.col("holding").alias("contributor"), "value"), params)
    ok = pl.col("status") == "ok"
    days = pl.lit(7) if bucket == "week" else pl.col("bucket_start").dt.month_end().dt.day()
    shown = table.released.join(named, on="item", how="left").select(
        signal=pl.lit("demand"), item="item", item_name=pl.col("name").fill_null(""), site=pl.lit(""),
        region=pl.lit(""), bucket_start="bucket_start", bucket_days=days.cast(pl.Int32),
        quantity=pl.when(ok).then(pl.col("value").round(4)).cast(pl.Decimal(18, 4)),
        unit=pl.col("unit").fill_null("EA"), binds=pl.lit("information"),
        status=pl.when(ok).then(pl.lit(CellStatus.OK.value)).otherwise(pl.lit(CellStatus.HELD_BACK.value)),
    )  # fmt: skip
    numbers = pl.struct("upper_protection", "contributors", "total").struct.json_encode()
    held = table.internal.filter(~ok).select(
        signal=pl.lit("demand"), item="item", site=pl.lit(""), region=pl.lit(""), bucket_start="bucket_start",
        reason="reason", numbers=numbers,
    )  # fmt: skip
    return shown.select(_SERIES), held
