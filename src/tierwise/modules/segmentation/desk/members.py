"""Demand cells as pages show them: their address, and the grid of a segment's members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import polars as pl
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import words
from tierwise.modules.segmentation.records import CELL
from tierwise.web.pages import Column, Grid, Kind


def may(viewer: Viewer, deed: object) -> bool:
    """Whether the viewer's role may do an action at all, so that no page offers what would be refused."""
    return viewer.role in getattr(deed, "roles", ())


def cell_address(cell: Mapping[str, Any]) -> str:
    return f"{reverse('desk-cell')}?{urlencode({name: cell[name] for name in CELL})}"


def with_addresses(viewer: Viewer, cells: pl.DataFrame) -> pl.DataFrame:
    """Adds each cell's address and its item's name."""
    names = directory.items(viewer).select("item", pl.col("name").alias("item_name"))
    start = reverse("desk-cell")
    addresses = [f"{start}?{urlencode(row)}" for row in cells.select(CELL).iter_rows(named=True)]
    return cells.join(names, on="item", how="left", maintain_order="left").with_columns(
        pl.col("item_name").fill_null(pl.col("item")), pl.Series("address", addresses, dtype=pl.String)
    )


def cell_columns() -> tuple[Column, ...]:
    return (
        Column("item_name", _("Item"), Kind.LINK, href="address", card=True, width=240),
        Column("item", _("Code"), Kind.CODE),
        Column("customer_group", _("Customer group"), card=True),
        Column("region", _("Region"), card=True),
        Column("channel", _("Channel")),
    )


def member_grid(viewer: Viewer, cells: pl.DataFrame, currency: str) -> Grid:
    """Members with what they are worth and why they are where they are."""
    why = [_why(row) for row in cells.select("reason", "rule", "proposed", "segment").iter_rows(named=True)]
    rows = with_addresses(viewer, cells).with_columns(pl.Series("why", why, dtype=pl.String))
    columns = (
        *cell_columns(),
        Column("revenue", _("Net revenue"), Kind.MONEY, unit=currency, decimals=0, total=True, card=True),
        Column("profit", _("Net margin"), Kind.MONEY, unit=currency, decimals=0, total=True, card=True),
        Column("units", _("Units"), Kind.QUANTITY, total=True),
        Column("lines_per_month", _("Lines a month"), Kind.QUANTITY, decimals=1),
        Column("cv", _("Variation"), Kind.QUANTITY, decimals=2, note=_("after its season has been taken out")),
        Column("demand_class", _("Demand")),
        Column("boundary", _("Near a cut"), Kind.FLAG),
        Column("why", _("Why it is here"), card=True, width=420),
    )
    return Grid(
        "members", columns, rows.sort("revenue", descending=True, nulls_last=True), label=_("Members"),
        empty=_("No demand cell is in this segment."),
    )  # fmt: skip


def _why(row: Mapping[str, Any]) -> str:
    told = words.reason_in_words(f"{row['reason']}: {row['rule']}")
    if row["proposed"] != row["segment"]:
        told += _("; the rules alone say %(segment)s") % {"segment": row["proposed"]}
    return told
