"""Items: the list, and the record that says where an item is used, who supplies it and for which segments."""

from __future__ import annotations

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries
from tierwise.directory.desk.beginning import import_action
from tierwise.directory.desk.suppliers import lane_grid, unpriced
from tierwise.directory.ports import fragments, mix_explainer
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.web.addresses import addresses_of
from tierwise.web.pages import BarChart, Column, Crumb, Empty, Fact, Grid, Kind, Page, SegmentChip, Series, respond
from tierwise.web.segment_filter import all_segments, chosen_segment, nothing_of, segment_filters
from tierwise.web.viewing import DeskRequest

PERIODS = 24
LEAST_SHARE = 0.05
"""Below this a segment is not named beside an item; its share is still in the record's picture."""


def item_list(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    chips = [queries.chip_of(s.code, s.name, s.slot) for s in queries.segments(viewer)]
    chosen = chosen_segment(request, chips)
    year = queries.purchases(viewer)
    rows = _list_frame(viewer, year.by_item)
    if chosen is not None:
        rows = rows.filter(pl.col("segments").str.split(",").list.contains(chosen.code))
    columns = (
        Column("name", _("Item"), Kind.LINK, href="address", card=True),
        Column("item", _("Code"), Kind.CODE, card=True),
        Column("category", _("Category")),
        Column("family", _("Family")),
        Column("obtained", _("Made or bought")),
        Column("sold", _("Sold"), Kind.FLAG),
        Column(
            "segments", _("Segments"), Kind.SEGMENT, card=True, width=330, note=_("With at least 5 % of its demand")
        ),
        Column("lead_share", _("Largest share"), Kind.RATIO, decimals=0),
        Column("suppliers", _("Suppliers"), Kind.QUANTITY),
        Column("lanes", _("Open lanes"), Kind.QUANTITY),
        Column("spend", _("Purchases, 12 months"), Kind.MONEY, unit=year.currency, decimals=0, total=True, card=True),
        Column("ends_on", _("Last sale"), Kind.DATE),
    )
    grid = Grid(
        "items", columns, rows, segments=chips, label=_("Items"),
        empty=nothing_of(request, chosen, _no_item(viewer)),
    )  # fmt: skip
    page = Page(
        _("Items"), (Crumb(_("Directory")),), segments=segment_filters(request, chips),
        all_segments=all_segments(request), as_of=_("Purchases to %(day)s") % {"day": year.until},
        lead=unpriced(year),
    )  # fmt: skip
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def _no_item(viewer: Viewer) -> Empty:
    text = _(
        "Here stand the items you sell and buy, with their segments, suppliers and purchases. They come with the table "
        "item of an extract."
    )
    return Empty(_("No item yet"), text, import_action(viewer))


def _list_frame(viewer: Viewer, bought: pl.DataFrame) -> pl.DataFrame:
    order = [segment.code for segment in queries.segments(viewer, active=False)]
    mix = queries.current_mix(viewer).filter(pl.col("share") >= LEAST_SHARE)
    ranked = mix.sort(pl.col("segment").replace_strict({c: n for n, c in enumerate(order)}, default=len(order)))
    served = ranked.group_by("item", maintain_order=True).agg(
        pl.col("segment").str.join(",").alias("segments"), pl.col("share").max().alias("lead_share")
    )
    lanes = queries.lanes(viewer, today()).group_by("item")
    counted = lanes.agg(pl.len().alias("lanes"), pl.col("supplier").n_unique().alias("suppliers"))
    spend = bought.group_by("item").agg(pl.col("spend").sum())
    found = queries.items(viewer)
    for other in (served, counted, spend):
        found = found.join(other, on="item", how="left")
    return found.with_columns(
        pl.col("segments").fill_null(""),
        pl.col("lanes", "suppliers").fill_null(0),
        pl.col("make_or_buy").replace({"make": _("made"), "buy": _("bought")}).alias("obtained"),
        pl.Series("address", addresses_of("desk-item", found["item"]), dtype=pl.String),
    ).sort("name")


def record(request: DeskRequest, code: str) -> HttpResponse:
    viewer = request.viewer
    found = _item(viewer, code)
    lanes = queries.lanes(viewer, today()).filter(pl.col("item") == code)
    covered = {str(one["lane"]) for one in queries.lane_policies(viewer)} if lanes.height else set()
    items = queries.items(viewer)
    grids = [_used_in(viewer, code, items), lane_grid(lanes, queries.sites(viewer), items, covered)]
    chart = _mix_chart(viewer, code)
    extra = [{"template": one.template, **one.context(request, code)} for one in fragments("item")]
    context = {
        "page": Page(str(found["name"]), (Crumb(_("Directory")), Crumb(_("Items"), reverse("desk-items")))),
        "facts": _facts(viewer, found), "grids": grids, "charts": [chart] if chart else [], "extra": extra,
        "why_href": reverse("desk-item-why", args=[code]) if chart and mix_explainer() else "",
    }  # fmt: skip
    return respond(request, "directory/item.html", context)


def why(request: DeskRequest, code: str) -> HttpResponse:
    """Through which products segments reach an item; fetched after the page, for it takes a while."""
    explainer = mix_explainer()
    text = explainer(request.viewer, code, today()) if explainer else ""
    return render(request, "directory/why.html", {"text": text})


def _item(viewer: Viewer, code: str) -> dict[str, Any]:
    found = queries.items(viewer).filter(pl.col("item") == code)
    if found.is_empty():
        raise NotFound("item", _("There is no such item."))
    return found.row(0, named=True)


def _facts(viewer: Viewer, item: dict[str, Any]) -> list[Fact]:
    year = queries.purchases(viewer)
    spend = year.by("item").get(item["item"])
    facts = [
        Fact(_("Code"), item["item"]),
        Fact(_("Base unit"), item["unit"]),
        Fact(_("Category"), item["category"]),
        Fact(_("Family"), item["family"]),
        Fact(_("Made or bought"), _("made") if item["make_or_buy"] == "make" else _("bought")),
        Fact(_("Sold to customers"), item["sold"]),
        Fact(_("First sale"), item["launched_on"]),
        Fact(_("Last sale"), item["ends_on"]),
    ]
    if spend:
        period = _("%(since)s to %(until)s") % {"since": year.since, "until": year.until}
        facts.append(Fact(_("Purchases in twelve months"), queries.as_money(spend, year.currency), period))
    return [fact for fact in facts if fact.value not in ("", None)]


def _used_in(viewer: Viewer, code: str, items: pl.DataFrame) -> Grid:
    names = dict(items.select("item", "name").iter_rows())
    rows = [
        {**row, "name": names.get(row["parent"], row["parent"]), "address": reverse("desk-item", args=[row["parent"]])}
        for row in queries.used_in(viewer, code, today()).iter_rows(named=True)
    ]
    columns = (
        Column("name", _("Goes into"), Kind.LINK, href="address", card=True),
        Column("parent", _("Code"), Kind.CODE, card=True),
        Column("quantity_per", _("Per piece"), Kind.QUANTITY, decimals=3, card=True),
        Column("site", _("Plant"), Kind.CODE),
        Column("version", _("Version"), Kind.CODE),
        Column("version_share", _("Share of the version"), Kind.RATIO, decimals=0),
        Column("option_rate", _("Taken by"), Kind.RATIO, decimals=0, note=_("Share of products that take it")),
    )
    return Grid("used-in", columns, rows, label=_("Where it is used"), empty=_("It goes into no product of ours."))


def _mix_chart(viewer: Viewer, code: str) -> BarChart | None:
    """The segment mix of the latest periods, stacked to 100 %."""
    mix = queries.item_mix(viewer, code)
    if mix.is_empty():
        return None
    days = mix["valid_from"].unique().sort().to_list()[-PERIODS:]
    chips = list(queries.segment_chips(viewer).values())
    series = [_mix_series(mix, chip, days) for chip in chips if chip.code in set(mix["segment"])]
    note = _("Share of each segment in the demand for this item, carried up the bills of material; per start of period")
    return BarChart(_("Segment mix"), "%", note, 260, x=[day.isoformat() for day in days], series=series, stacked=True)


def _mix_series(mix: pl.DataFrame, chip: SegmentChip, days: list[Any]) -> Series:
    shares = dict(mix.filter(pl.col("segment") == chip.code).select("valid_from", "share").iter_rows())
    values = [round(100 * (shares.get(day) or 0.0), 1) for day in days]
    return Series(chip.code, values, slot=chip.colour)
