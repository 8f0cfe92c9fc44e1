"""States of the lake over time: what moved it, and which tables."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.kernel.pages import Slice
from tierwise.lake import queries
from tierwise.lake.desk.runs import upload_action
from tierwise.lake.records import ManifestRecord, moved_tables
from tierwise.web.api.paging import Keys
from tierwise.web.onward import Onward, rows_onward
from tierwise.web.pages import Column, Crumb, Empty, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest

KEYS = Keys("manifests", (int,))


def states(request: DeskRequest) -> HttpResponse:
    """Every move of the manifest, the newest first."""
    table = request.GET.get("table", "")
    # Each is compared with the one before it, which for the last row is read and not shown.
    read: list[ManifestRecord] = queries.manifests(request.viewer, table) if table else []

    def page_of(part: Slice) -> list[ManifestRecord]:
        read[:] = queries.manifests_page(request.viewer, part)
        return read

    found, onward = (read, Onward()) if table else rows_onward(request, KEYS, page_of, lambda one: (one.number,))
    rows = [
        {"number": one.number, "at": one.moved_at, "why": one.reason, "moved": ", ".join(moved_tables(one, before))}
        for one, before in zip(found, [*read[1:], None], strict=False)
    ]
    columns = (
        Column("number", _("State"), Kind.QUANTITY, card=True, width=90),
        Column("at", _("Since"), Kind.INSTANT, card=True),
        Column("why", _("By"), card=True, width=300),
        Column("moved", _("Tables that changed"), card=True, width=420),
    )
    page = Page(
        _("History of facts"), (Crumb(_("Directory")), Crumb(_("Imports"), reverse("desk-import"))),
        lead=_("Every report names the state it was made from. “tierwise lake show” gives a table as it was then."),
    )  # fmt: skip
    empty = Empty(
        _("Nothing was imported yet"),
        _("Every import makes a new state of the facts, which stands here for ever."),
        upload_action(request.viewer),
    )
    context = {"page": page, "grid": Grid("states", columns, rows) if rows else None, "empty": empty,
               "onward": onward}  # fmt: skip
    return respond(request, "lake/history.html", context)
