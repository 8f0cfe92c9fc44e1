"""What a supplier may be shown of the demand behind its items, cut to its agreement and protected before it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

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
from tierwise.engine.mix import COMMON
from tierwise.kernel.compute import in_turn
from tierwise.kernel.pipeline import fingerprint
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.segmentation.queries.demand import month_starts, runs_of_spans
from tierwise.modules.segmentation.queries.mix import assigned_units, load_network, mix_of_day
from tierwise.modules.segmentation.queries.protecting import Asked, Cells, cells_of_bucket
from tierwise.modules.segmentation.queries.schemes import assignments
from tierwise.modules.segmentation.records import SchemeDocument

_SERIES = ("signal", "item", "item_name", "site", "region", "bucket_start", "bucket_days", "quantity", "unit", "binds",
           "status")  # fmt: skip
_ROUNDING = 1e-9
ROWS_AT_ONCE = 100_000
"""Rows of drafts that are made together."""


@dataclass(frozen=True)
class Signals:
    """What is sent to everybody in one run, in numbers; texts and drafts are made for some recipients at a time.

    ``frame`` of recipients in the order of their ``wordings``: place, supplier and segment (codes), the wording's
    bucket, horizon and whether it shows families, contributors and percentage of the rules, and which signals it
    shares. ``cells`` of demand behind their items, by bucket; ``names`` [place, shown, item, item_name, unit] say what
    a cell is of. ``forecasts``: the newest vintage per supplier; ``mix``: shares valid on the day.
    """

    wordings: list[AgreementRecord]
    rules: list[Disclosure]
    frame: pl.DataFrame = field(repr=False)
    cells: dict[str, Cells] = field(repr=False)
    names: pl.DataFrame = field(repr=False)
    forecasts: pl.DataFrame = field(repr=False)
    mix: pl.DataFrame = field(repr=False)
    items: pl.DataFrame = field(repr=False)
    on: date
    at: ManifestRecord

    @property
    def suppliers(self) -> set[UUID]:
        return {wording.supplier for wording in self.wordings}

    def drafts(self) -> Iterator[Draft]:
        """One draft per agreement under which there is something to share, with the reasons of what is held back."""
        for first, past in self._pieces():
            recipients = self.frame.filter(pl.col("place").is_between(first, past, closed="left"))
            shown, held = self._demand(recipients)
            series = _by_place(
                pl.concat([_forecast(self, recipients), shown]).sort("place", "signal", "item", "site", "bucket_start")
            )
            reasons, none = _by_place(held), held.clear().drop("place")
            for place in range(first, past):
                wording, found = self.wordings[place], series.get(place)
                if found is not None:
                    why = reasons.get(place, none) if "demand" in wording.terms.fields else None
                    yield _draft(wording, self.rules[place], (found, why), self.on, self.at)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Places from one up to another that come to about ``ROWS_AT_ONCE``."""
        sizes = [cells.shown.group_by("place").agg(rows=pl.len()) for cells in self.cells.values()]
        asked = self.frame.filter("order_forecast").join(self.forecasts.group_by("supplier").agg(rows=pl.len()),
                                                         on="supplier")  # fmt: skip
        rows = pl.concat([*sizes, asked.select("place", "rows")]).group_by("place").agg(pl.col("rows").sum())
        counts = dict(rows.iter_rows())
        first, held = 0, 0
        for place in range(len(self.wordings)):
            held += counts.get(place, 0)
            if held >= ROWS_AT_ONCE:
                yield first, place + 1
                first, held = place + 1, 0
        if first < len(self.wordings):
            yield first, len(self.wordings)

    def _demand(self, recipients: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Demand behind the items of some recipients, and why the rest of it is held back."""
        mine, names = recipients.select("place"), self.names.join(recipients, on="place", how="semi")
        parts = [(bucket, cells) for bucket, cells in self.cells.items()]
        shown = [_told(cells.shown.join(mine, on="place", how="semi"), names, bucket) for bucket, cells in parts]
        held = [_reasons(cells.held.join(mine, on="place", how="semi"), names) for _, cells in parts]
        return (
            pl.concat([pl.DataFrame(schema={"place": pl.UInt32, **{n: SERIES_COLUMNS[n] for n in _SERIES}}), *shown]),
            pl.concat([pl.DataFrame(schema={"place": pl.UInt32, **HELD_BACK_COLUMNS}), *held]),
        )


def cut_signals(
    viewer: Viewer, wordings: Iterable[AgreementRecord], document: SchemeDocument, on: date, at: ManifestRecord
) -> Signals | None:
    """Demand and order forecasts as the agreements share them; None where none shares any."""
    wanted = [w for w in wordings if {"demand", "order_forecast"} & set(w.terms.fields)]
    if not wanted:
        return None
    rules, frame = _recipients(viewer, wanted)
    items = directory.items(viewer)
    asked, names = _asked(frame, _lanes(viewer, on), items)
    cells = {
        bucket: _dependent(viewer, document, (bucket, one), _span(wanted, on), at) for bucket, one in asked.items()
    }  # fmt: skip
    return Signals(
        wanted, rules, frame, cells, names, _newest_forecasts(viewer, on, at), mix_of_day(viewer, on, at), items, on, at
    )


def _recipients(viewer: Viewer, wanted: list[AgreementRecord]) -> tuple[list[Disclosure], pl.DataFrame]:
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
    return rules, frame


def _by_place(rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    parts = rows.partition_by("place", as_dict=True, include_key=False, maintain_order=True)
    return {int(str(place)): part for (place,), part in parts.items()}


def _lanes(viewer: Viewer, on: date) -> pl.DataFrame:
    """[supplier, item, share]: how much of an item each supplier delivers."""
    lanes = directory.lanes(viewer, on).group_by("supplier", "item").agg(pl.col("share").sum())
    total = pl.col("share").sum().over("item")
    # Where nobody planned shares, the suppliers of an item are taken as equal.
    equal = 1 / pl.len().over("item")
    return lanes.with_columns(share=pl.when(total > 0).then(pl.col("share") / total).otherwise(equal))


def _asked(frame: pl.DataFrame, lanes: pl.DataFrame, items: pl.DataFrame) -> tuple[dict[str, Asked], pl.DataFrame]:
    """What those who share demand are shown, by bucket, and the names of it: [place, shown, item, item_name, unit].

    A family is told in the unit of its first item.
    """
    every = frame.filter("demand").join(lanes, on="supplier").join(
        items.select("item", "name", "unit", "family"), on="item", how="left"
    )  # fmt: skip
    families = pl.col("by_family") & (pl.col("family") != "")
    every = every.with_columns(
        told=pl.when(families).then("family").otherwise("item"),
        item_name=pl.when("by_family").then(pl.lit("")).otherwise(pl.col("name")),
    )
    every = every.with_columns(shown=pl.col("told").rank("dense").cast(pl.UInt32)).sort("place", "shown", "item")
    names = every.group_by("place", "shown", maintain_order=True).agg(
        item=pl.col("told").first(), item_name=pl.col("item_name").first().fill_null(""),
        unit=pl.col("unit").first().fill_null("EA"),
    )  # fmt: skip
    asked = {}
    for (bucket,), own in every.group_by("bucket", maintain_order=True):
        rules = own.select("min_contributors", "p_percent").unique().sort("min_contributors", "p_percent")
        numbered = own.join(rules.with_row_index("rule"), on=rules.columns)
        lanes_asked = numbered.select("place", "rule", "segment", "item", "shown", "share")
        asked[str(bucket)] = Asked(lanes_asked, tuple(rules.rows()))
    return asked, names


def _newest_forecasts(viewer: Viewer, on: date, at: ManifestRecord) -> pl.DataFrame:
    forecast = lake.facts(viewer, "order_forecast", at).filter(pl.col("vintage_on") <= on)
    newest = forecast.group_by("supplier").agg(pl.col("vintage_on").max()).collect(engine="streaming")
    months = newest.select(pl.col("vintage_on").dt.strftime("%Y-%m").unique()).to_series()
    rows = forecast.filter(pl.col("month").is_in(months.implode()))
    named = ("supplier", "item", "site", "bucket_start", "bucket_days", "quantity", "unit", "binds")
    return rows.join(newest.lazy(), on=["supplier", "vintage_on"], how="semi").select(named).collect(engine="streaming")


def _bucket(grain: Grain) -> str:
    return "week" if grain is Grain.ITEM_WEEK else "month"


def _span(wanted: list[AgreementRecord], on: date) -> tuple[date, date]:
    longest = max((w.terms.history_days for w in wanted if "demand" in w.terms.fields), default=0)
    return on - timedelta(days=longest), on


def _dependent(
    viewer: Viewer,
    document: SchemeDocument,
    asked: tuple[str, Asked],
    span: tuple[date, date],
    at: ManifestRecord,
) -> Cells:
    """What is shown of every whole bucket within a span of days."""
    bucket, recipients = asked
    starts = [day for day in _starts(span, bucket) if day >= span[0] and _next(day, bucket) <= span[1]]
    held, (bom, arcs) = assignments(viewer, at), load_network(viewer, at)
    dated = pl.col("date").dt.truncate("1w" if bucket == "week" else "1mo")

    def parts() -> Iterator[tuple[date, pl.DataFrame]]:
        for run in runs_of_spans(viewer, [(day, _next(day, bucket)) for day in starts], at):
            lines = assigned_units(viewer, document, (run[0][0], run[-1][1]), at, held)
            for (start,), rows in lines.with_columns(start=dated).group_by("start", maintain_order=True):
                yield date.fromisoformat(str(start)), rows.drop("date", "start")

    return Cells.joined(list(in_turn(cells_of_bucket, parts(), bom, arcs, recipients)))


def _starts(span: tuple[date, date], bucket: str) -> list[date]:
    if bucket == "month":
        return month_starts(*span)
    monday = span[0] - timedelta(days=span[0].weekday())
    return [monday + timedelta(days=7 * n) for n in range((span[1] - monday).days // 7 + 1)]


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


def _forecast(signals: Signals, recipients: pl.DataFrame) -> pl.DataFrame:
    """Each segment's part of its supplier's newest order forecast: the supplier's own business, never held back."""
    asked = recipients.filter("order_forecast").select("place", "supplier", "segment", "horizon_days")
    last = pl.lit(signals.on) + pl.duration(days=pl.col("horizon_days"))
    rows = signals.forecasts.join(asked, on="supplier").filter(pl.col("bucket_start").is_between(signals.on, last))
    rows = rows.join(_shares(signals.mix, rows), on=["item", "site", "segment"], how="inner").join(
        signals.items.select("item", pl.col("name").alias("item_name"), pl.col("unit").alias("base_unit")),
        on="item", how="left",
    )  # fmt: skip
    quantity = (pl.col("quantity").cast(pl.Float64) * pl.col("segment_share")).round(4)
    # Shares that sum to one leave the rest of a rounding, which is nobody's.
    return rows.filter(pl.col("segment_share") > _ROUNDING).select(
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
    mix = mix.join(places, on="item", how="semi")
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


def _told(cells: pl.DataFrame, names: pl.DataFrame, bucket: str) -> pl.DataFrame:
    """Cells of demand as rows of a publication."""
    ok = pl.col("value").is_not_null()
    days = pl.lit(7) if bucket == "week" else pl.col("bucket_start").dt.month_end().dt.day()
    return cells.join(names, on=["place", "shown"]).select(
        place="place",
        signal=pl.lit("demand"), item="item", item_name="item_name", site=pl.lit(""),
        region=pl.lit(""), bucket_start="bucket_start", bucket_days=days.cast(pl.Int32),
        quantity=pl.col("value").round(4).cast(pl.Decimal(18, 4)), unit="unit", binds=pl.lit("information"),
        status=pl.when(ok).then(pl.lit(CellStatus.OK.value)).otherwise(pl.lit(CellStatus.HELD_BACK.value)),
    )  # fmt: skip


def _reasons(held: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Why cells are held back, which never leaves the house."""
    numbers = pl.struct("upper_protection", "contributors", "total").struct.json_encode()
    return held.join(names, on=["place", "shown"]).select(
        place="place", signal=pl.lit("demand"), item="item", site=pl.lit(""), region=pl.lit(""),
        bucket_start="bucket_start", reason="reason", numbers=numbers,
    )  # fmt: skip
