"""Every pin of the company in one list: what people fixed by hand, why, and until when."""

from __future__ import annotations

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext as _

from tierwise.directory import queries as directory
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.desk.members import cell_columns, with_addresses
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.modules.segmentation.records import CELL
from tierwise.web.pages import Column, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest


def pins(request: DeskRequest) -> HttpResponse:
    page = Page(
        _("Pinned by hand"), (crumb(),),
        lead=_("Cells that people have fixed in a segment, whatever the rules say. Each opens on what they would do."),
    )  # fmt: skip
    return respond(request, "web/grid.html", {"page": page, "grid": _grid(request.viewer)})


def _grid(viewer: Viewer) -> Grid:
    found, day = queries.pin_records(viewer), today()
    names = directory.names_of(viewer, {pin.pinned_by for pin in found})
    rows: list[dict[str, object]] = [
        {
            **pin.cell,
            "segment": pin.segment, "reason": pin.reason, "expires_on": pin.expires_on, "pinned_at": pin.pinned_at,
            "who": names.get(pin.pinned_by, ""), "over": pin.expires_on is not None and pin.expires_on < day,
        }
        for pin in found
    ]  # fmt: skip
    schema: dict[str, Any] = dict.fromkeys((*CELL, "segment", "reason"), pl.String) | {
        "expires_on": pl.Date, "pinned_at": pl.Datetime("us", "UTC"), "who": pl.String, "over": pl.Boolean,
    }  # fmt: skip
    columns = (
        *cell_columns(),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True, width=190),
        Column("expires_on", _("Last day"), Kind.DATE, card=True),
        Column("reason", _("Why"), card=True, width=260),
        Column("over", _("Over"), Kind.FLAG, note=_("its last day has passed; the rules decide again")),
        Column("pinned_at", _("Pinned"), Kind.INSTANT),
        Column("who", _("By")),
    )
    held = with_addresses(viewer, pl.DataFrame(rows, schema=schema, orient="row")).sort("item_name", *CELL)
    return Grid(
        "pins", columns, held, label=_("Pins"), segments=tuple(directory.segment_chips(viewer).values()),
        empty=_("Nothing is pinned: every cell is where the rules put it. A cell's own page pins it."),
    )  # fmt: skip
