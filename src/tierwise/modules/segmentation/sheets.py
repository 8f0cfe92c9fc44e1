"""Pins as a list that goes out and comes back: the members of a segment, with where a person would have them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, cast

import polars as pl
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory import queries as directory
from tierwise.directory.records import COMMON
from tierwise.doors.ports import EditableList, FilledList, register_list
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.actions import pin_cell, unpin_cell
from tierwise.modules.segmentation.records import CELL
from tierwise.web.api.scopes import Area
from tierwise.wire.spreadsheets import Form, FormColumn, Kind, RowChange

PINS = "pins"


def _form(viewer: Viewer, name: str) -> Form:
    codes = [(one.code, f"{one.code} {one.name}") for one in directory.segments(viewer) if one.code != COMMON]
    document = queries.live_document(viewer)
    return Form(_("Members of %(segment)s") % {"segment": name}, (
        FormColumn("item", _("Item")), FormColumn("item_name", _("Item name"), width=32),
        FormColumn("customer_group", _("Customer group")), FormColumn("region", _("Region"), width=14),
        FormColumn("channel", _("Channel"), width=14),
        FormColumn("revenue", _("Net revenue"), Kind.NUMBER, unit=document.currency if document else "", decimals=0),
        FormColumn("pin", _("Pinned to"), editable=True, choices=codes, width=22,
                   help=_("A segment fixed by hand; empty to let the rules decide.")),
        FormColumn("reason", _("Why"), editable=True, max_length=200, width=36),
        FormColumn("expires_on", _("Last day of the pin"), Kind.DATE, editable=True,
                   help=_("Better with an end: a pin without one hides what the rules would say.")),
    ))  # fmt: skip


def _fill(viewer: Viewer, scope: str) -> FilledList:
    segment = next((one for one in directory.segments(viewer, active=False) if one.code == scope), None)
    if segment is None:
        raise NotFound("segment", _("There is no such segment."))
    names = dict(directory.items(viewer).select("item", "name").iter_rows())
    pinned = {tuple(one.cell[name] for name in CELL): one for one in queries.pin_records(viewer)}
    cells = queries.cells(viewer).filter(pl.col("segment") == scope)
    rows = []
    for row in cells.sort("revenue", *CELL, descending=[True, *[False] * len(CELL)], nulls_last=True).iter_rows(
        named=True
    ):
        cell = tuple(row[name] for name in CELL)
        found: dict[str, object] = {name: row[name] for name in CELL}
        found |= {"key": json.dumps(cell), "item_name": names.get(row["item"], ""), "revenue": row["revenue"]}
        if cell in pinned:
            pin = pinned[cell]
            found |= {"pin": pin.segment, "reason": pin.reason, "expires_on": pin.expires_on}
        rows.append(found)
    return FilledList(_form(viewer, segment.name), rows)


def _pin(actor: Viewer, scope: str, change: RowChange) -> None:
    del scope
    said: dict[str, Any] = dict(change.values)
    cell = dict(zip(CELL, json.loads(change.key), strict=True))
    if said["pin"]:
        pin_cell(actor, cell, str(said["pin"]), str(said["reason"] or ""), cast("date | None", said["expires_on"]))
    elif change.before["pin"]:
        unpin_cell(actor, cell)
    else:
        raise Invalid("segment", _("Choose the segment the cell is pinned to."), field="segment")


def _page(viewer: Viewer, scope: str) -> str:
    del viewer
    return reverse("desk-segment", args=[scope]) if scope else reverse("desk-segments")


def register_lists() -> None:
    register_list(EditableList(
        PINS, gettext_lazy("Pins"), BUYER_EDITORS, (Area.SEGMENTATION,), _fill, _pin, _page, {"segment": "pin"}
    ))  # fmt: skip
