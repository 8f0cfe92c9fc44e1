"""What was published, as its supplier sees it: demand, scorecards, one publication, the reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import polars as pl
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.portal import portal_names
from tierwise.collaboration.publish import shared, wording
from tierwise.collaboration.publish.actions import acknowledge_publication
from tierwise.collaboration.publish.records import LineFilter, PublicationKind, PublicationRecord
from tierwise.collaboration.showing import Names, may
from tierwise.doors.showing import sheet_door
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.addresses import addresses_of
from tierwise.web.navigation import Place, add_places
from tierwise.web.pages import (
    Action,
    Chart,
    Column,
    Crumb,
    Fact,
    Grid,
    Kind,
    Notice,
    Page,
    RowsOnDemand,
    Stat,
    Tab,
    respond,
)
from tierwise.web.segment_filter import all_segments
from tierwise.web.viewing import DeskRequest

add_places(
    Place("portal-demand", gettext_lazy("Demand"), "forecast", Side.SUPPLIER, 20),
    Place("portal-scorecards", gettext_lazy("Scorecards"), "score", Side.SUPPLIER, 30),
)


def demand(request: DeskRequest) -> HttpResponse:
    """What is current of all demand published, the changes marked."""
    viewer, names = request.viewer, portal_names(request.viewer)
    segment, item = names.chosen(request), request.GET.get("item", "")[:64]
    found = shared.my_publications(viewer, segment=segment, kind=PublicationKind.DEMAND, current=True)
    frames = [_with_segment(shared.my_compared_series(viewer, r, item=item), names, r) for r in found]
    changed = request.GET.get("show") == "changed"
    cells = pl.concat(frames) if frames else None
    stats: list[Stat] = []
    charts: list[Chart] = []
    grid: Grid | None = None
    if cells is not None:
        moved = cells.filter(pl.col("change").is_in(["changed", "new"]))
        hidden = cells.filter(pl.col("status") == "held_back").height
        stats = [
            Stat(_("Cells"), cells.height),
            Stat(_("Changed since the last publication"), moved.height),
            Stat(_("Held back"), hidden, _("not zero: not shown under the agreement") if hidden else ""),
        ]
        chart = wording.series_chart(cells)
        charts = [chart] if chart else []
        extra = (
            Column("segment", _("Segment"), Kind.SEGMENT, card=True),
            Column("publication", _("Publication"), Kind.LINK, href="href"),
        )
        grid = _with_chips(wording.series_grid(moved if changed else cells, extra), names)
    page = Page(
        _("Published demand"), lead=_("What the buyer has published to you and nothing has replaced."),
        segments=names.filters(request), all_segments=all_segments(request),
        tabs=_change_tabs(request) if cells is not None else (),
        as_of=_("Item %(item)s only") % {"item": item} if item else "",
    )  # fmt: skip
    notices = (
        [] if found else [Notice(_("No demand is published to you yet. It appears here once an agreement shares it."))]
    )
    context = {"page": page, "stats": stats, "charts": charts, "grid": grid, "notices": notices}
    return respond(
        request, "publish/portal_demand.html", context | {"item": item, "segment": request.GET.get("segment", "")}
    )


def _change_tabs(request: DeskRequest) -> tuple[Tab, ...]:
    def href(show: str) -> str:
        query = request.GET.copy()
        query["show"] = show
        return f"?{query.urlencode()}"

    only = request.GET.get("show") == "changed"
    return (Tab(_("Everything"), href("all"), not only), Tab(_("Only what changed"), href("changed"), only))


def _with_segment(cells: pl.DataFrame, names: Names, record: PublicationRecord) -> pl.DataFrame:
    return cells.with_columns(
        segment=pl.lit(names.segment(record.segment).code), publication=pl.lit(f"{record.number} {record.title}"),
        href=pl.lit(reverse("portal-publication", args=[record.id])),
    )  # fmt: skip


def _with_chips(grid: Grid, names: Names) -> Grid:
    return Grid(
        grid.name, grid.columns, grid.rows, empty=grid.empty, label=grid.label, segments=names.chips, height=grid.height
    )


def scorecards(request: DeskRequest) -> HttpResponse:
    viewer, names = request.viewer, portal_names(request.viewer)
    segment = names.chosen(request)
    found = shared.my_publications(viewer, segment=segment, kind=PublicationKind.SCORECARD, current=True)
    ordered = sorted(found, key=lambda r: (-r.period_start.toordinal(), r.number))
    rows = RowsOnDemand(ordered, partial(_card_rows, viewer, names))
    columns = [
        Column("title", _("Scorecard"), Kind.LINK, href="href", card=True),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("period_start", _("Period from"), Kind.DATE, card=True),
        Column("period_end", _("to"), Kind.DATE),
        Column("otif", _("On time in full"), Kind.RATIO, card=True),
        Column("n", _("n"), Kind.QUANTITY, card=True),
        Column("standing", _("Standing")),
        Column("state", _("State"), Kind.STATUS, statuses=wording.states(), card=True),
        Column("reply_due_at", _("Reply by"), Kind.INSTANT),
    ]
    page = Page(
        _("Scorecards"),
        lead=_("How your deliveries were judged, by period and segment. Every line beneath can be disputed."),
        segments=names.filters(request), all_segments=all_segments(request),
    )  # fmt: skip
    empty = _("No scorecard is published to you yet. The first follows the end of the period in which you delivered.")
    grid = Grid("scorecards", columns, rows, empty=empty, segments=names.chips)
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def _card_rows(viewer: Viewer, names: Names, records: Sequence[PublicationRecord]) -> list[dict[str, object]]:
    ids = [record.id for record in records]
    told, addresses = shared.my_headlines(viewer, ids), addresses_of("portal-publication", ids)
    return [
        {
            "title": record.title, "href": address,
            "segment": names.segment(record.segment).code, "period_start": record.period_start,
            "period_end": record.period_end, "state": wording.state_of(record).label,
            "reply_due_at": record.reply_due_at, **_headline(told.get(record.id, ())),
        }
        for record, address in zip(records, addresses, strict=True)
    ]  # fmt: skip


def _headline(told: Iterable[tuple[str, float | None, int, str]]) -> dict[str, object]:
    """Of a scorecard what a list shows: on time in full with its n, and the standing."""
    said: dict[str, object] = {}
    for measure, value, n, standing in told:
        if standing:
            said["standing"] = wording.standing_name(standing)
        if measure == "otif":
            said |= {"otif": value, "n": n}
    return said


def publication(request: DeskRequest, publication_id: UUID) -> HttpResponse:
    viewer, names = request.viewer, portal_names(request.viewer)
    record = shared.my_publication(viewer, publication_id)
    charts: list[Chart] = []
    grids: list[Grid] = []
    stats: list[Stat] = []
    if wording.has_series(record):
        cells = shared.my_compared_series(viewer, record)
        chart = wording.series_chart(cells)
        charts += [chart] if chart else []
        grids.append(wording.series_grid(cells))
        parent = Crumb(_("Published demand"), reverse("portal-demand"))
    else:
        measures = shared.my_measures(viewer, record.id)
        stats, parent = wording.measure_stats(measures), Crumb(_("Scorecards"), reverse("portal-scorecards"))
        grids.append(wording.measures_grid(measures))
        if "scorecard_lines" in record.content:
            door = None if record.superseded else sheet_door(viewer, "scorecard-lines", str(record.id))
            grids.append(replace(_lines(request, record), door=door))
    revisions = shared.my_revisions(viewer, record)
    answers = record.reply is None and not record.superseded and may(viewer, acknowledge_publication)
    acknowledge = Action(
        _("Acknowledge: tells the buyer you have read it"),
        reverse("portal-acknowledge", args=[record.id]), post=True,
    )  # fmt: skip
    page = Page(
        record.title, (parent,), status=wording.state_of(record), segment=names.segment(record.segment),
        action=acknowledge if answers else None, tabs=_line_tabs(request, record),
    )  # fmt: skip
    return respond(
        request, "web/record.html",
        {
            "page": page, "stats": stats, "charts": charts, "grids": grids,
            "facts": [*wording.facts(record), _digest(request, record)],
            "notices": _notices(record, revisions),
            "timeline": wording.revision_timeline(
                revisions, [reverse("portal-publication", args=[r.id]) for r in revisions],
                (names.company(viewer.company), _("Buyer")), at_desk=False,
            ),
        },
    )  # fmt: skip


def _digest(request: DeskRequest, record: PublicationRecord) -> Fact:
    holds = shared.verify_digest(request.viewer, record.id)
    said = _("Unchanged since published") if holds else _("Changed since published; ask the buyer")
    return Fact(_("Digest"), said, note=record.digest)


def _notices(record: PublicationRecord, revisions: list[PublicationRecord]) -> list[Notice]:
    if not record.superseded:
        return []
    newest = reverse("portal-publication", args=[revisions[0].id])
    return [Notice(_("A newer publication has replaced this one."), action=Action(_("Open the newest"), newest))]


_LINES = {
    "": LineFilter(),
    "late": LineFilter(on_time=False),
    "short": LineFilter(in_full=False),
    "left-out": LineFilter(excluded=True),
}


def _line_tabs(request: DeskRequest, record: PublicationRecord) -> tuple[Tab, ...]:
    if "scorecard_lines" not in record.content:
        return ()
    words = {"": _("All lines"), "late": _("Late"), "short": _("Not in full"), "left-out": _("Left out")}
    chosen = request.GET.get("lines", "")
    return tuple(Tab(label, f"?lines={key}#grid-lines", key == chosen) for key, label in words.items())


def _lines(request: DeskRequest, record: PublicationRecord) -> Grid:
    wanted = _LINES.get(request.GET.get("lines", ""), LineFilter())
    lines = shared.my_lines(request.viewer, record.id, wanted=wanted)
    if record.superseded or not may(request.viewer, acknowledge_publication):
        return wording.lines_grid(lines)
    try:
        pattern = reverse("portal-dispute", args=[record.id]).replace(str(record.id), "{}")
    except NoReverseMatch:  # cases are another app; without it lines are only read
        return wording.lines_grid(lines)
    linked = lines.with_columns(dispute=pl.lit(_("Dispute")), dispute_href=pl.format(pattern, pl.col("id")))
    return wording.lines_grid(linked, (Column("dispute", _("Dispute"), Kind.LINK, href="dispute_href", card=True),))


@require_POST
def acknowledge(request: DeskRequest, publication_id: UUID) -> HttpResponse:
    acknowledge_publication(request.viewer, publication_id, request.POST.get("comment", "")[:2000])
    messages.success(request, _("The buyer sees that you have read it."))
    return redirect("portal-publication", publication_id)


urlpatterns = [
    path("demand/", demand, name="portal-demand"),
    path("scorecards/", scorecards, name="portal-scorecards"),
    path("publications/<uuid:publication_id>/", publication, name="portal-publication"),
    path("publications/<uuid:publication_id>/acknowledge/", acknowledge, name="portal-acknowledge"),
]
