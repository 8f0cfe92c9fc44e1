"""States of the lake over time: what moved it, and which tables."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.lake import queries
from tierwise.lake.records import moved_tables
from tierwise.web.pages import Column, Crumb, Empty, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest


def states(request: DeskRequest) -> HttpResponse:
    """Every move of the manifest, the newest first."""
    found = queries.manifests(request.viewer, request.GET.get("table", ""))
    rows = [
        {"number": one.number, "at": one.moved_at, "why": one.reason, "moved": ", ".join(moved_tables(one, before))}
        for one, before in zip(found, [*found[1:], None], strict=False)
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
    empty = Empty(_("Nothing was imported yet"))
    context = {"page": page, "grid": Grid("states", columns, rows) if rows else None, "empty": empty}
    return respond(request, "lake/history.html", context)
