"""Segments: the list, and the record of one with its members, policy and suppliers."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import polars as pl
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.collaboration.publish import queries as published
from tierwise.collaboration.publish.records import PublicationQuestion, PublicationRecord
from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support
from tierwise.directory.ports import segment_figures
from tierwise.directory.records import (
    COMMON,
    Collaboration,
    SegmentRecord,
    SupportRecord,
    SupportState,
    facets,
    read_facet,
)
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import queries, words
from tierwise.modules.segmentation.desk.members import may, member_grid
from tierwise.modules.segmentation.records import PlanState, SchemeDocument, VersionRecord
from tierwise.web.api.paging import Keys
from tierwise.web.onward import part_of, rows_onward
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Empty,
    Fact,
    Grid,
    Kind,
    Money,
    Notice,
    Page,
    Stat,
    Tab,
    Timeline,
    TimelineEntry,
    Tone,
    respond,
)
from tierwise.web.viewing import DeskRequest

KEYS = Keys("publications", (datetime, UUID))
SHOWN = 100


def crumb() -> Crumb:
    return Crumb(_("Segments"), reverse("desk-segments"))


def segment_list(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    live, document = queries.live_scheme(viewer), queries.live_document(viewer)
    studio = Action(_("Open the scheme"), reverse("desk-scheme"))
    if live is None or document is None:
        text = _("Write a scheme, look at what it does, and apply it; then cells, mixes and suppliers follow.")
        page = Page(_("Segments"), action=studio)
        empty = Empty(_("No scheme is live yet"), text, studio)
        return respond(request, "web/worklist.html", {"page": page, "rows": (), "empty": empty})
    page = Page(
        _("Segments"), lead=_("%(title)s, version %(n)d, in force from %(day)s.")
        % {"title": live.title, "n": live.number, "day": live.effective_on},
        action=studio, actions=(Action(_("Plans and versions"), reverse("desk-scheme-history")),),
        as_of=_("next evaluation tonight"),
    )  # fmt: skip
    cells = queries.cells(viewer)
    return respond(request, "web/grid.html", {
        "page": page, "notices": [*_coming(live), *_open_plan(viewer)], "grid": _list_grid(viewer, cells, document),
        "stats": [
            Stat(_("Demand cells"), cells.height, _("%(n)d near a cut") % {"n": int(cells["boundary"].sum())}),
            Stat(_("Held by hysteresis"), int((cells["reason"] == "held").sum())),
            Stat(_("Pinned by hand"), queries.pins(viewer).height, href=reverse("desk-pins")),
            Stat(_("Net revenue, %(n)d months") % {"n": document.window_months}, _money(cells, "revenue", document)),
            Stat(_("Net margin"), _money(cells, "profit", document), _("after cost to serve")),
        ],
    })  # fmt: skip


def _money(cells: pl.DataFrame, column: str, document: SchemeDocument) -> Money:
    return Money(Decimal(round(cells[column].sum() or 0)), document.currency)


def _coming(live: VersionRecord) -> list[Notice]:
    """Said while an applied version waits for its day."""
    if live.effective_on is None or live.effective_on <= today():
        return []
    text = _("Until then members, mixes and policies are as before.")
    return [
        Notice(text, title=_("Version %(n)d takes effect on %(day)s") % {"n": live.number, "day": live.effective_on})
    ]


def _open_plan(viewer: Viewer) -> list[Notice]:
    """The newest plan that waits for somebody to apply it."""
    waiting = [plan for plan in queries.plans(viewer, 20) if plan.state is PlanState.OPEN]
    if not waiting:
        return []
    plan = waiting[0]
    moves = plan.summary["moves"]
    text = ngettext(
        "%(n)d member would move from %(day)s.", "%(n)d members would move from %(day)s.", moves
    ) % {"n": moves, "day": plan.effective_on}  # fmt: skip
    title = _("The last evaluation filed a plan") if plan.filed_by_cycle else _("A plan is open")
    action = Action(_("Look at what moves"), reverse("desk-plan", args=[plan.id]))
    return [Notice(text, Tone.WATCH, title, action)]


def _list_grid(viewer: Viewer, cells: pl.DataFrame, document: SchemeDocument) -> Grid:
    sums = {row["segment"]: row for row in cells.group_by("segment").agg(
        pl.len().alias("members"), pl.col("revenue", "profit", "units").sum()
    ).iter_rows(named=True)}  # fmt: skip
    chips = directory.segment_chips(viewer)
    counted = directory.support_counts(viewer)
    figures = {key: (label, figure(viewer)) for key, (label, figure) in segment_figures().items()}
    total = cells["profit"].sum() or 0
    rows = [
        {
            "segment": one.code, "name": one.name, "address": reverse("desk-segment", args=[one.code]),
            **{name: sums.get(one.code, {}).get(name, 0) for name in ("members", "revenue", "profit")},
            "profit_share": (sums.get(one.code, {}).get("profit", 0) or 0) / total if total > 0 else None,
            "confirmed": counted.get((one.id, SupportState.CONFIRMED), 0),
            "proposed": counted.get((one.id, SupportState.PROPOSED), 0),
            **{key: found.get(one.id) for key, (_label, found) in figures.items()},
        }
        for one in directory.segments(viewer)
    ]  # fmt: skip
    unit = document.currency
    columns = (
        Column("name", _("Segment"), Kind.LINK, href="address", card=True, width=130),
        Column("segment", _("Code"), Kind.SEGMENT, card=True, width=200),
        Column("members", _("Members"), Kind.QUANTITY, total=True, card=True),
        Column("revenue", _("Net revenue"), Kind.MONEY, unit=unit, decimals=0, total=True, card=True),
        Column("profit", _("Net margin"), Kind.MONEY, unit=unit, decimals=0, total=True, card=True),
        Column("profit_share", _("Of margin"), Kind.RATIO, decimals=0),
        Column("confirmed", _("Suppliers"), Kind.QUANTITY, card=True),
        Column("proposed", _("Proposed"), Kind.QUANTITY),
        *(Column(key, str(label), Kind.QUANTITY, decimals=0) for key, (label, found) in figures.items()
          if all(isinstance(value, int | float) for value in found.values())),
    )  # fmt: skip
    height = f"{150 + 30 * len(rows)}px"
    return Grid("segments", columns, rows, label=_("Segments"), segments=tuple(chips.values()), height=height)


def find_segment(viewer: Viewer, code: str) -> SegmentRecord:
    found = next((one for one in directory.segments(viewer, active=False) if one.code == code), None)
    if found is None:
        raise NotFound("segment", _("There is no such segment."))
    return found


def segment(request: DeskRequest, code: str) -> HttpResponse:
    viewer = request.viewer
    one = find_segment(viewer, code)
    live, document = queries.live_scheme(viewer), queries.live_document(viewer)
    chip = directory.segment_chips(viewer)[one.id]
    members = queries.cells(viewer).filter(pl.col("segment") == code)
    currency = document.currency if document else directory.host(viewer).currency
    view = _view(request, one)
    page = Page(
        one.name, (crumb(),), segment=chip, status=None if one.active else words.status((_("Past"), Tone.PLAIN)),
        lead=_lead(viewer, one, document), actions=(Action(_("Open the scheme"), reverse("desk-scheme")),),
        tabs=[Tab(str(label), f"?view={key}", key == view) for key, label in _views(one).items()],
    )  # fmt: skip
    context: dict[str, object] = {}
    if view == "members":
        context["grids"] = [replace(member_grid(viewer, members, currency), door=sheet_door(viewer, "pins", code))]
    elif view == "suppliers":
        serving, onward = part_of(request, _supports(viewer, one), SHOWN)
        context = {
            "suppliers": _suppliers(serving), "onward": onward, "show_suppliers": True,
            "edits": may(viewer, confirm_support),
            "involvements": [(key.value, word) for key, word in words.INVOLVEMENT.items()],
            "proposals": reverse("desk-segment-supports"), "today": today(), "segment": one,
        }  # fmt: skip
    elif view == "publications":
        read = partial(published.publications_page, viewer, PublicationQuestion(segment=one.id))
        found, onward = rows_onward(request, KEYS, read, lambda record: (record.published_at, record.id))
        context = {"grids": [_publications(viewer, found)], "onward": onward}
    elif view == "policy":
        context["policies"] = _policies(viewer, one)
    else:
        context["timeline"] = _history(viewer, one, live)
    stats = _stats(viewer, one, members, currency)
    return respond(request, "segmentation/segment.html", {"page": page, "stats": stats, **context})


def _view(request: DeskRequest, one: SegmentRecord) -> str:
    """Which part of the record is asked for; the common segment has no members of its own."""
    views = _views(one)
    wanted = request.GET.get("view", "")
    return wanted if wanted in views else next(iter(views))


def _views(one: SegmentRecord) -> dict[str, str]:
    views = {
        "members": _("Members"), "suppliers": _("Suppliers"), "policy": _("Policy"),
        "publications": _("Publications"), "history": _("History"),
    }  # fmt: skip
    if one.code == COMMON:
        del views["members"]
    return views


def _lead(viewer: Viewer, one: SegmentRecord, document: SchemeDocument | None) -> str:
    if one.code == COMMON:
        return _("Everything that reaches no other segment; it runs on default terms and is never dropped.")
    part = next((part for part in document.segments if part.code == one.code), None) if document else None
    if part is None:
        return _("This segment is no longer in the scheme; what it decided stays.")
    depth = str(directory.facets_of(viewer, one.id).get(Collaboration.name, {}).get("depth", part.collaborate))
    told = {
        "deep": _("Worked on together with its suppliers, in depth."), "none": _("Runs on default terms."),
        "standard": _("Worked on together with its suppliers."),
    }[depth]  # fmt: skip
    if depth != part.collaborate:
        told += " " + _("More was wanted than the hours do for.")
    if part.alias:
        told += " " + _("Suppliers know it as %(name)s.") % {"name": part.alias.name}
    return told


def _stats(viewer: Viewer, one: SegmentRecord, members: pl.DataFrame, currency: str) -> list[Stat]:
    counted = directory.support_counts(viewer)
    confirmed, waiting = (counted.get((one.id, state), 0) for state in (SupportState.CONFIRMED, SupportState.PROPOSED))
    figures = [Stat(str(label), figure(viewer).get(one.id)) for label, figure in segment_figures().values()]
    stats = [
        Stat(_("Members"), members.height, _("%(n)d near a cut") % {"n": int(members["boundary"].sum() or 0)}),
        Stat(_("Net revenue"), Money(Decimal(round(members["revenue"].sum() or 0)), currency)),
        Stat(_("Net margin"), Money(Decimal(round(members["profit"].sum() or 0)), currency)),
    ] if one.code != COMMON else []  # fmt: skip
    note = _("%(n)d proposed") % {"n": waiting} if waiting else ""
    return [*stats, Stat(_("Suppliers"), confirmed, note, tone=Tone.WATCH if waiting else Tone.PLAIN), *figures]


def _supports(viewer: Viewer, one: SegmentRecord) -> list[tuple[SupportRecord, str]]:
    """Supports of a segment with the suppliers' names, those to decide on first."""
    found = directory.standing_supports(viewer, directory.Standing(segment=one.id))
    names = directory.companies_named(viewer, {support.supplier for support in found})
    named = [(support, names.get(support.supplier, "")) for support in found]
    return sorted(named, key=lambda pair: (pair[0].state is not SupportState.PROPOSED, pair[1].casefold()))


def _suppliers(found: list[tuple[SupportRecord, str]]) -> list[dict[str, Any]]:
    return [
        {
            "record": support, "name": name, "state": words.status(words.SUPPORT[support.state]),
            "proposed": support.state is SupportState.PROPOSED, "involvement": words.INVOLVEMENT[support.involvement],
            "href": reverse("desk-supplier", args=[support.supplier]),
        }
        for support, name in found
    ]  # fmt: skip


def _policies(viewer: Viewer, one: SegmentRecord) -> list[dict[str, Any]]:
    """Facet by facet, what the scheme sets and what is left at its default."""
    given, origin = directory.facets_of(viewer, one.id), directory.facet_provenance(viewer, one.id)
    found = []
    for name, facet in sorted(facets().items()):
        values, said = read_facet(facet, given.get(name)), given.get(name, {})
        facts = {
            key.name: Fact(
                _readable(key.name), _setting(getattr(values, key.name)), **_origin(origin.get((name, key.name)))
            )
            for key in fields(facet)
        }  # fmt: skip
        found.append({
            "name": _readable(name), "about": (facet.__doc__ or "").splitlines()[0],
            "given": [fact for key, fact in facts.items() if key in said],
            "default": [fact for key, fact in facts.items() if key not in said],
        })  # fmt: skip
    return found


def _origin(set_by: tuple[int, date] | None) -> dict[str, str]:
    """Which version of the scheme set a value, and since when it counts."""
    if set_by is None:
        return {}
    version, since = set_by
    note = _("version %(n)d, from %(day)s") % {"n": version, "day": since}
    return {"note": note, "href": reverse("desk-scheme-version", args=[version])}


def _publications(viewer: Viewer, found: list[PublicationRecord]) -> Grid:
    """What stands published for the segment, to whom; what was replaced stays with each supplier's record."""
    names = directory.companies_named(viewer, {record.supplier for record in found})
    rows = [
        {
            "title": record.title, "href": reverse("desk-publication", args=[record.id]),
            "supplier": names.get(record.supplier, ""), "number": record.number, "from": record.period_start,
            "to": record.period_end, "at": record.published_at,
        }
        for record in found
    ]  # fmt: skip
    columns = (
        Column("title", _("Publication"), Kind.LINK, href="href", card=True, width=260),
        Column("supplier", _("Supplier"), card=True, width=220),
        Column("number", _("Number"), Kind.QUANTITY),
        Column("from", _("Period from"), Kind.DATE, card=True),
        Column("to", _("to"), Kind.DATE),
        Column("at", _("Published"), Kind.INSTANT, card=True),
    )
    empty = _("Nothing is published for this segment. Demand and scorecards follow once an agreement shares them.")
    return Grid("publications", columns, rows, label=_("Publications"), empty=empty)


def _readable(name: str) -> str:
    """A setting's name as a label; trade abbreviations keep their capitals."""
    told = " ".join(part.upper() if part in {"otif", "ppm"} else part for part in name.split("_"))
    return told[:1].upper() + told[1:]


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value.replace("_", " ") if isinstance(value, str) else f"{value:,.6g}"


def _history(viewer: Viewer, one: SegmentRecord, live: VersionRecord | None) -> Timeline:
    """The versions that were live, and how many members each brought or took."""
    rows = queries.assignments(viewer)
    names = directory.names_of(viewer, [v.applied_by for v in queries.scheme_versions(viewer) if v.applied_by])
    joined = dict(rows.filter(pl.col("segment") == one.code).group_by("scheme_version").len().iter_rows())
    ends = rows.filter((pl.col("segment") == one.code) & pl.col("valid_to").is_not_null())
    entries = []
    for version in queries.scheme_versions(viewer):
        if version.applied_at is None or version.effective_on is None:
            continue
        last = version.effective_on - timedelta(days=1)
        left = ends.filter(pl.col("valid_to") == last).height
        text = _("Version %(n)d: %(joined)d joined, %(left)d left") % {
            "n": version.number, "joined": joined.get(version.number, 0), "left": left,
        }  # fmt: skip
        status = words.status(words.VERSION[version.state]) if live and version.number == live.number else None
        who = names.get(version.applied_by, "") if version.applied_by else ""
        entries.append(TimelineEntry(version.applied_at, text, who, status=status,
                                     note=_from(version.effective_on)))  # fmt: skip
    return Timeline(entries, _("No version has been applied yet."), _("History"))


def _from(day: date) -> str:
    return _("in force from %(day)s") % {"day": day}
